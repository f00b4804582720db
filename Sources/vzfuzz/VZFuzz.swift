import ArgumentParser
import Builtins
import Fuzzing
@preconcurrency import Glibc
import Language
import Support

/// Each number is one text: it is parsed, checked, formatted (twice: the second time must change
/// nothing) and run with a budget of steps and small limits. A crash says which number it was; the same
/// number makes the same text again.
@main
struct VZFuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vzfuzz", abstract: "Throw random and mutated texts at the language.")
    @OptionGroup var options: FuzzOptions
    @Flag(help: "Print every text.") var show = false
    @Argument(help: "Texts to mutate, as the golden tests.") var files: [String] = []

    /// What must not be let loose: files, waiting, the terminal.
    private static let forbidden: Set<String> = [
        "read_text", "write_text", "delete_file", "file_exists", "input", "sleep", "warn", "env", "print",
        "show",
    ]

    func run() throws {
        let space = rlimit(rlim_cur: 4 << 30, rlim_max: 4 << 30)
        _ = withUnsafePointer(to: space) { setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), $0) }
        Limits.shift = 17
        let texts = try Self.corpus(files)
        let table = CoreBuiltins.table().filter { !Self.forbidden.contains($0.name) }
        let names = table.map(\.name)
        var interpreter = Self.interpreter(table)
        let trials = Trials(slack: 512 << 20, allowance: 1 << 30)
        trials.watchAddresses()
        for number in options.numbers {
            if number % 200 == 0 { interpreter = Self.interpreter(table) }
            if trials.count % 100_000 == 0 { fputs("\(number), peak \(Trials.peak() >> 20) MiB\n", stderr) }
            var generator = Generator(seed: number, corpus: texts, names: names)
            let text = generator.text()
            if show { print(text) }
            trials.run(number, size: text.utf8.count) {
                Self.tryText(text, interpreter).map { "\($0)\n\(text)\n" }
            }
        }
        trials.finish("texts \(options.numbers)")
        if trials.problems > 0 { throw ExitCode(1) }
    }

    private static func interpreter(_ table: [Builtin]) -> Interpreter {
        let interpreter = Interpreter(builtins: table)
        interpreter.output = { _ in }
        interpreter.show = { _ = $0.display() }
        return interpreter
    }

    /// The cases of the golden files, one text each.
    private static func corpus(_ files: [String]) throws -> [[UInt8]] {
        var texts: [[UInt8]] = []
        for file in files {
            var lines: [Substring] = []
            for line in try Language.TextFile.read(file).split(
                separator: "\n", omittingEmptySubsequences: false)
            {
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
    private static func tryText(_ text: String, _ interpreter: Interpreter) -> String? {
        guard case .complete = Interpreter.parse(text) else {
            let found = interpreter.check(text, file: "fuzz")
            _ = Diagnostics(found).render(color: true)
            return found.isEmpty ? "a text that does not parse has no errors" : nil
        }
        do {
            let once = try Formatter.format(text)
            if try Formatter.format(once) != once { return "formatting is not idempotent" }
        } catch {
            return "a text that parses cannot be formatted: \(error)"
        }
        // What runs is checked on the way; the checker alone is for programs that do not.
        if text.utf8.count % 4 == 0 { _ = interpreter.check(text, file: "fuzz") }
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
}
