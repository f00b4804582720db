@preconcurrency import Glibc
import Formats
import Media
import Support

// vzmutate [--seed N] [--count N] FILE…
//
// Breaks each file in N ways and opens what comes of it by the reader of its kind. Every one must be
// read, or throw a failure that names the file; none may crash, take seconds, or take memory far
// beyond the file's size. To be built with the address sanitizer:
//
//     swift build -c release --sanitize=address --product vzmutate

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

func words(of arguments: [String]) throws -> (seed: UInt64, count: UInt64, files: [String]) {
    var (seed, count): (UInt64, UInt64) = (1, 100_000)
    var files: [String] = []
    var i = 1
    while i < arguments.count {
        if arguments[i] == "--seed" || arguments[i] == "--count" {
            guard i + 1 < arguments.count, let n = UInt64(arguments[i + 1]) else {
                throw Failure(.argument, "\(arguments[i]) needs a number")
            }
            if arguments[i] == "--seed" { seed = n } else { count = n }
            i += 1
        } else {
            files.append(arguments[i])
        }
        i += 1
    }
    return (seed, count, files)
}

/// Kilobytes of memory at most so far.
func peak() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss
}

func open(_ path: String, _ ending: String) throws {
    if PictureFile.endings.contains(ending) {
        _ = try PictureFile.read(path)
    } else if ending == "npy" {
        _ = try NumPyFile.read(path)
    } else {
        _ = try ModelFile.open(path)
    }
}

/// Broken copies of one file; how many went wrong.
func run(_ file: String, seed: UInt64, count: UInt64) throws -> Int {
    guard let good = try TextFile.bytes(file, atMost: 1 << 22) else {
        throw Failure(.file, "there is no '\(file)'")
    }
    let ending = file.split(separator: ".").last.map { $0.lowercased() } ?? ""
    let path = "/dev/shm/vzmutate-\(getpid()).\(ending)"
    defer { unlink(path) }
    var mutation = Mutation(good)
    var (problems, opened) = (0, 0)
    let before = peak()
    for n in seed..<seed &+ count {
        inHand = n
        if (n - seed) % 100_000 == 0 { fputs("\(file): \(n), peak \(peak() >> 10) MiB\n", stderr) }
        let bytes = mutation.file(n)
        let handle = fopen(path, "wb")
        bytes.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, handle) }
        fclose(handle)
        let begin = clock()
        do {
            try open(path, ending)
            opened += 1
        } catch let failure as Failure {
            if !failure.message.contains(path), failure.kind != .memory {
                print("\(file) --seed \(n): the failure does not name the file: \(failure.message)")
                problems += 1
            }
        } catch {
            print("\(file) --seed \(n): threw \(error)")
            problems += 1
        }
        let seconds = Double(clock() - begin) / Double(CLOCKS_PER_SEC)
        if seconds > 2 {
            print("\(file) --seed \(n): took \(seconds) s")
            problems += 1
        }
        if problems > 50 { break }
    }
    let grown = (peak() - before) >> 10
    print(
        "\(file): \(count) files, \(opened) could be read, \(problems) went wrong, memory grew by \(grown) MiB at most"
    )
    fflush(stdout)
    return problems
}

do {
    let (seed, count, files) = try words(of: CommandLine.arguments)
    for s in [SIGTRAP, SIGILL, SIGBUS, SIGFPE] { signal(s, reportCrash) }
    var problems = 0
    for file in files { problems += try run(file, seed: seed, count: count) }
    exit(problems == 0 ? 0 : 1)
} catch {
    fputs("vzmutate: \(error)\n", stderr)
    exit(2)
}
