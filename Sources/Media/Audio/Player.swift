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
            guard let tool = ExternalProgram.find(program.name, in: searchPath) else { continue }
            do {
                let problem = try ExternalProgram.run(
                    tool, program.arguments + [path], limit: audio.duration + 10, cancel)
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
}
