import ArgumentParser
import Formats
import Fuzzing
import Glibc
import Media
import Support

/// Breaks each file in many ways and opens what comes of it by the reader of its kind. Every one must be
/// read, or throw a failure that names the file; none may crash, take seconds, or take memory far
/// beyond the file's size. To be built with the address sanitizer:
///
///     swift build -c release --sanitize=address --product vzmutate
@main
struct VZMutate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vzmutate", abstract: "Throw broken files at vzsh's readers.")
    @OptionGroup var options: FuzzOptions
    @Option(help: "Write the file of one number here, and open nothing.") var save: String?
    @Argument(help: "Good files; the ending tells the reader.") var files: [String]

    func run() throws {
        if let save, let file = files.first {
            var mutation = Mutation(try Self.read(file))
            try AtomicFile.write(mutation.file(options.seed), to: save)
            return
        }
        var problems = 0
        for file in files { problems += try Self.tryAll(file, options.numbers) }
        if problems > 0 { throw ExitCode(1) }
    }

    private static func read(_ file: String) throws -> [UInt8] {
        guard let bytes = try TextFile.bytes(file, atMost: 1 << 22) else {
            throw ValidationError("there is no '\(file)'")
        }
        return bytes
    }

    private static func open(_ path: String, _ ending: String) throws {
        if PictureFile.endings.contains(ending) {
            _ = try PictureFile.read(path)
        } else if AudioFile.endings.contains(ending) {
            _ = try AudioFile.read(path)
        } else if ending == "npy" {
            _ = try NumPyFile.read(path)
        } else {
            _ = try ModelFile.open(path)
        }
    }

    /// Broken copies of one file; how many went wrong.
    private static func tryAll(_ file: String, _ numbers: Range<UInt64>) throws -> Int {
        let good = try read(file)
        let ending = file.split(separator: ".").last.map { $0.lowercased() } ?? ""
        let path = "/dev/shm/vzmutate-\(getpid()).\(ending)"
        defer { unlink(path) }
        var mutation = Mutation(good)
        // What is made once for all files is not counted with the first.
        try write(good, path)
        try? open(path, ending)
        let trials = Trials(slack: 16 << 20, allowance: 96 << 20)
        var opened = 0
        for number in numbers {
            let bytes = mutation.file(number)
            try write(bytes, path)
            trials.run(number, size: bytes.count) {
                do {
                    try open(path, ending)
                    opened += 1
                } catch let failure as Failure {
                    if !failure.message.contains(path), failure.kind != .memory {
                        return "the failure does not name the file: \(failure.message)"
                    }
                } catch { return "threw \(error)" }
                return nil
            }
            if trials.problems > 50 { break }
        }
        trials.finish("\(file) \(numbers)", ", \(opened) could be read")
        return trials.problems
    }

    private static func write(_ bytes: [UInt8], _ path: String) throws {
        let handle = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(handle) }
        guard handle >= 0,
            bytes.withUnsafeBytes({ Glibc.write(handle, $0.baseAddress, $0.count) }) == bytes.count
        else { throw Failure(.io, "cannot write '\(path)'") }
    }
}
