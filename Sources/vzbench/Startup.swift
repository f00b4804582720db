import ArgumentParser
import Foundation
import Support

/// What a start of vzsh costs: whole processes, from the command to its end.
struct Startup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "startup",
        abstract: "Start vzsh: until a number is shown, and until the first gradient of a convolution.")
    @Option(help: "Starts of each kind.") var reps = 15
    @Option(help: "The vzsh to start; the one beside this program unless given.") var binary: String?
    @Flag(help: "Print JSON objects instead of a table.") var json = false

    private static let gradient =
        "k = ones(25, 1, 8); x = ones(1, 16000, 1); print(sum(grad(k -> sum(conv1d(x, k)))(k)))"

    func run() throws {
        let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        let path = binary ?? own.deletingLastPathComponent().appendingPathComponent("vzsh").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw ValidationError("there is no vzsh at \(path): build it, or name it with --binary")
        }
        for (name, code) in [("startup: vzsh -e 1", "1"), ("startup: first conv1d gradient", Self.gradient)] {
            var times: [Double] = []
            var memory = 0.0
            for i in 0...max(reps, 1) {
                let (seconds, megabytes) = try start(path, ["--no-rc", "-e", code])
                // The first start brings the files into the cache.
                if i > 0 { times.append(seconds) }
                memory = max(memory, megabytes)
            }
            times.sort()
            report(name, times, memory)
        }
    }

    private func report(_ name: String, _ times: [Double], _ memory: Double) {
        let (median, low, high) = (times[times.count / 2], times[0], times[times.count - 1])
        if json {
            print(
                "{\"name\": \"\(name)\", \"median_s\": \(median), \"min_s\": \(low), \"max_s\": \(high), \"peak_mb\": \(memory)}"
            )
        } else {
            let ms = [median, low, high].map { String(format: "%.1f", $0 * 1e3) }
            print("\(name): median \(ms[0]) ms, min \(ms[1]), max \(ms[2]); peak \(Int(memory)) MB")
        }
    }

    /// Seconds from start to end, and the peak of its resident memory in MB.
    private func start(_ path: String, _ arguments: [String]) throws -> (Double, Double) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var child: pid_t = 0
        let clock = ContinuousClock.now
        guard posix_spawn(&child, path, &actions, nil, words, environ) == 0 else {
            throw ValidationError("\(path) does not start")
        }
        var status: Int32 = 0
        var usage = rusage()
        while wait4(child, &status, 0, &usage) < 0 && errno == EINTR {}
        let (s, a) = (ContinuousClock.now - clock).components
        guard status == 0 else { throw ValidationError("\(path) \(arguments.joined(separator: " ")) failed") }
        return (Double(s) + Double(a) * 1e-18, Double(usage.ru_maxrss) / 1024)
    }
}
