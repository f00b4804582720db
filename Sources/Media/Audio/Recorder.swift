import Glibc
import Support

/// Records from the microphone through the first recorder that this machine has.
public enum Recorder {
    /// Programs and their arguments before the file; all write a mono .wav of 16 bits.
    static let programs: [(name: String, arguments: @Sendable (_ rate: Int, _ seconds: Double) -> [String])] =
        [
            (
                "arecord",
                { rate, seconds in
                    // arecord counts whole seconds; --samples is exact.
                    let samples = Int((Double(rate) * seconds).rounded())
                    return [
                        "-q", "-t", "wav", "-f", "S16_LE", "-c", "1", "-r", "\(rate)", "-s", "\(samples)",
                    ]
                }
            ),
            (
                "rec",
                { rate, seconds in ["-q", "-r", "\(rate)", "-c", "1", "-b", "16", "--endian", "little"] }
            ),
        ]

    /// Record `seconds` at `rate` samples a second.
    ///
    /// Throws an io failure that says which programs were tried and why none could record,
    /// `.interrupted` on a stop.
    public static func record(
        seconds: Double, rate: Int = 16000, searchPath: String? = nil, cancel: CancelFlag = .shared
    ) throws -> Audio {
        try Resampler.check(rate)
        guard seconds > 0, seconds <= 3600 else {
            throw Failure(
                .value, "\(seconds) seconds cannot be recorded", hint: "give some seconds, up to an hour")
        }
        let folder = Folders.environment("TMPDIR") ?? "/tmp"
        let path = "\(folder)/vzsh-record-\(getpid())-\(UInt32.random(in: 0 ... .max)).wav"
        defer { unlink(path) }
        var reasons: [String] = []
        for program in programs {
            guard let tool = ExternalProgram.find(program.name, in: searchPath) else { continue }
            // sox' rec takes its length as an effect behind the file.
            let effects = program.name == "rec" ? ["trim", "0", "\(seconds)"] : []
            let problem = try ExternalProgram.run(
                tool, program.arguments(rate, seconds) + [path] + effects, limit: seconds + 10, cancel)
            if let problem {
                reasons.append("\(program.name): \(problem)")
                continue
            }
            let audio = try AudioFile.read(path, rate: rate)
            guard !audio.samples.isEmpty else {
                reasons.append("\(program.name): it recorded nothing")
                continue
            }
            return audio
        }
        throw Failure(
            .io,
            reasons.isEmpty
                ? "no recorder is installed (one of \(programs.map(\.name).joined(separator: ", ")))"
                : "no recorder could reach a microphone (\(reasons.joined(separator: "; ")))",
            hint: reasons.isEmpty
                ? "apt install alsa-utils, or give a sound file" : "give a sound file instead")
    }
}
