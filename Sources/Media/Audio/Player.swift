import Glibc
import Support

/// Plays sound through the first player that this machine has.
public enum Player {
    /// What became of a sound.
    public enum Outcome: Sendable, Equatable {
        case played(by: String)
        /// Nobody could play it: the file that holds it, and why.
        case kept(path: String, reason: String)

        /// For the person; nil where there is nothing to say.
        public var message: String? {
            switch self {
            case .played: nil
            case .kept(let path, let reason): "\(reason); the sound is in \(path)"
            }
        }
    }

    /// Programs and the arguments before the file, in the order in which they are tried.
    static let programs: [(name: String, arguments: [String])] = [
        ("pw-play", []), ("paplay", []), ("aplay", ["-q"]), ("play", ["-q"]),
    ]

    /// Play, and wait for the end; Ctrl-C stops the sound.
    /// - Parameters:
    ///   - keepAt: the .wav's path for the case that nobody can play it; by default in the temporary folder.
    ///   - searchPath: folders of programs, by default `$PATH`.
    /// Throws an io failure where the file cannot be written, `.interrupted` on a stop.
    public static func play(
        _ audio: Audio, keepAt: String? = nil, searchPath: String? = nil, cancel: CancelFlag = .shared
    ) throws -> Outcome {
        let folder = Folders.environment("TMPDIR") ?? "/tmp"
        let path = keepAt ?? "\(folder)/vzsh-sound-\(getpid())-\(UInt32.random(in: 0 ... .max)).wav"
        try AudioFile.write(audio, to: path)
        var reasons: [String] = []
        for program in programs {
            guard let tool = find(program.name, in: searchPath) else { continue }
            do {
                let problem = try run(tool, program.arguments + [path], limit: audio.duration + 10, cancel)
                guard let problem else {
                    if keepAt == nil { unlink(path) }
                    return .played(by: program.name)
                }
                reasons.append("\(program.name): \(problem)")
            } catch {
                if keepAt == nil { unlink(path) }
                throw error
            }
        }
        let reason =
            reasons.isEmpty
            ? "no player is installed (one of \(programs.map(\.name).joined(separator: ", ")))"
            : "no player could reach a loudspeaker (\(reasons.joined(separator: "; ")))"
        return .kept(path: path, reason: reason)
    }

    private static func find(_ name: String, in searchPath: String?) -> String? {
        let folders = searchPath ?? Folders.environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in folders.split(separator: ":") where folder.hasPrefix("/") {
            let path = "\(folder)/\(name)"
            if access(path, X_OK) == 0 { return path }
        }
        return nil
    }

    /// Nil where the program ended well, else why not. No shell is involved: the file's name is one argument.
    private static func run(_ tool: String, _ arguments: [String], limit: Double, _ cancel: CancelFlag) throws
        -> String?
    {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor: Int32 in 0...2 {
            posix_spawn_file_actions_addopen(
                &actions, descriptor, "/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY, 0)
        }
        // A group of its own: the terminal's Ctrl-C reaches us, and we end the player.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))

        var argv: [UnsafeMutablePointer<CChar>?] = ([tool] + arguments).map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, tool, &actions, &attributes, &argv, environ)
        guard code == 0 else { return String(cString: strerror(code)) }

        var status: Int32 = 0
        var waited = 0.0
        while true {
            let ended = waitpid(child, &status, WNOHANG)
            if ended == child { break }
            if ended < 0, errno != EINTR { return String(cString: strerror(errno)) }
            if cancel.isSet || waited > limit {
                kill(child, SIGKILL)
                while waitpid(child, &status, 0) < 0, errno == EINTR {}
                if cancel.isSet { throw Failure.interrupted }
                return "no end after \(Int(limit)) s"
            }
            usleep(10_000)
            waited += 0.01
        }
        if status & 0x7f != 0 { return "ended by signal \(status & 0x7f)" }
        let exit = status >> 8 & 0xff
        return exit == 0 ? nil : "exit code \(exit)"
    }
}
