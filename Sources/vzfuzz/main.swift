@preconcurrency import Glibc
import Builtins
import Language
import Support

// vzfuzz [--seed N] [--count N] [--show] [FILE …]
//
// Each number is one text: it is parsed, checked, formatted (twice: the second time must change
// nothing) and run with a budget of steps and small limits. A crash says which number it was; the same
// number makes the same text again.

/// The number in hand, for the signal handler.
nonisolated(unsafe) var inHand: UInt64 = 0

func reportCrash(_ signal: Int32) {
    var digits: [UInt8] = []
    var n = inHand
    repeat {
        digits.append(UInt8(48 + n % 10))
        n /= 10
    } while n > 0
    let text = Array("\ncrash at --seed ".utf8) + digits.reversed() + [10]
    _ = text.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    _exit(70)
}

/// What must not be let loose: files, waiting, the terminal.
let forbidden: Set<String> = [
    "read_text", "write_text", "delete_file", "file_exists", "input", "sleep", "warn", "env", "print", "show",
]

func words(of arguments: [String]) throws -> (seed: UInt64, count: UInt64, shows: Bool, files: [String]) {
    var seed: UInt64 = 1
    var count: UInt64 = 100_000
    var shows = false
    var files: [String] = []
    var i = 1
    while i < arguments.count {
        switch arguments[i] {
        case "--seed", "--count":
            guard i + 1 < arguments.count, let n = UInt64(arguments[i + 1]) else {
                throw Failure(.argument, "\(arguments[i]) needs a number")
            }
            if arguments[i] == "--seed" { seed = n } else { count = n }
            i += 1
        case "--show": shows = true
        default: files.append(arguments[i])
        }
        i += 1
    }
    return (seed, count, shows, files)
}

/// The cases of the golden files, one text each.
func corpus(_ files: [String]) throws -> [[UInt8]] {
    var texts: [[UInt8]] = []
    for file in files {
        var lines: [Substring] = []
        for line in try TextFile.read(file).split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("# --- ") {
                texts.append(Array(lines.joined(separator: "\n").utf8))
                lines = []
            } else {
                lines.append(line)
            }
        }
        texts.append(Array(lines.joined(separator: "\n").utf8))
    }
    return texts.filter { !$0.isEmpty && $0.count < 5000 }
}

/// One text through everything; says what is wrong.
func tryText(_ text: String, _ interpreter: Interpreter) -> String? {
    let outcome = Interpreter.parse(text)
    _ = interpreter.check(text, file: "fuzz")
    if case .complete = outcome {
        do {
            let once = try Formatter.format(text)
            if try Formatter.format(once) != once { return "formatting is not idempotent" }
        } catch {
            return "a text that parses cannot be formatted: \(error)"
        }
    }
    interpreter.reset()
    interpreter.stepBudget = 20_000
    do {
        let value = try interpreter.run(text, file: "fuzz")
        _ = value.summary()
        _ = value.display()
    } catch let error as Diagnostics {
        _ = error.render(color: true)
    } catch {
        return "threw \(error)"
    }
    return nil
}

func fuzz() throws -> Int32 {
    let (seed, count, shows, files) = try words(of: CommandLine.arguments)
    for s in [SIGSEGV, SIGILL, SIGTRAP, SIGBUS, SIGABRT, SIGFPE] { signal(s, reportCrash) }
    let space = rlimit(rlim_cur: 4 << 30, rlim_max: 4 << 30)
    _ = withUnsafePointer(to: space) { setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), $0) }
    Limits.shift = 17
    let texts = try corpus(files)
    let table = CoreBuiltins.table().filter { !forbidden.contains($0.name) }
    let names = table.map(\.name)
    func make() -> Interpreter {
        let interpreter = Interpreter(builtins: table)
        interpreter.output = { _ in }
        interpreter.show = { _ = $0.display() }
        return interpreter
    }
    var interpreter = make()
    var problems: Int32 = 0
    for n in seed..<seed + count {
        inHand = n
        if (n - seed) % 200 == 0 { interpreter = make() }
        if (n - seed) % 100_000 == 0 { fputs("\(n)\n", stderr) }
        var generator = Generator(seed: n, corpus: texts, names: names)
        let text = generator.text()
        if shows { print(text) }
        let begin = clock()
        if let problem = tryText(text, interpreter) {
            print("--seed \(n): \(problem)\n\(text)\n")
            problems += 1
        }
        let seconds = Double(clock() - begin) / Double(CLOCKS_PER_SEC)
        if seconds > 2 { print("--seed \(n): took \(seconds) s") }
    }
    return problems == 0 ? 0 : 1
}

do { exit(try fuzz()) } catch {
    fputs("vzfuzz: \(error)\n", stderr)
    exit(2)
}
