import CSampleRate
import Glibc
import Support

func cosine(_ x: Double) -> Double { cos(x) }

/// Changes a waveform's rate through libsamplerate's band-limited interpolation.
public enum Resampler {
    /// Rates that a waveform may have, in Hz.
    public static let rates = 100...1_000_000

    public enum Quality: Sendable {
        /// 145 dB signal to noise, 96 % of the band: for files.
        case best
        /// 97 dB, 80 % of the band: for augmentation, several times faster.
        case fast

        var converter: Int32 {
            switch self {
            case .best: Int32(SRC_SINC_BEST_QUALITY)
            case .fast: Int32(SRC_SINC_FASTEST)
            }
        }
    }

    /// `audio` at `rate`. Throws a value failure for rates no sound has, or more than 256 times apart.
    public static func resample(_ audio: Audio, to rate: Int, _ quality: Quality = .best) throws(Failure)
        -> Audio
    {
        try check(rate)
        if audio.rate == rate { return audio }
        try check(audio.rate)
        let samples = try stretched(audio.samples, by: Double(rate) / Double(audio.rate), quality)
        return Audio(samples: samples, rate: rate)
    }

    /// Samples resampled to `ratio` times as many (rounded up).
    static func stretched(_ samples: [Float], by ratio: Double, _ quality: Quality) throws(Failure) -> [Float]
    {
        guard src_is_valid_ratio(ratio) != 0 else {
            throw Failure(
                .value, "cannot resample by a factor of \(ratio)", hint: "factors lie between 1/256 and 256")
        }
        if samples.isEmpty { return [] }
        let capacity = Int((Double(samples.count) * ratio).rounded(.up))
        guard capacity <= 1 << 31 else {
            throw Failure(.memory, "resampling would make \(capacity) samples", hint: "read a shorter part")
        }
        var out = [Float](repeating: 0, count: max(capacity, 1))
        var made = 0
        let code = samples.withUnsafeBufferPointer { from in
            out.withUnsafeMutableBufferPointer { to in
                var job = SRC_DATA()
                job.data_in = from.baseAddress
                job.data_out = to.baseAddress
                job.input_frames = from.count
                job.output_frames = to.count
                job.src_ratio = ratio
                let code = src_simple(&job, quality.converter, 1)
                made = job.output_frames_gen
                return code
            }
        }
        guard code == 0 else {
            let reason = src_strerror(code).map { String(cString: $0) } ?? "error \(code)"
            throw Failure(.value, "cannot resample by a factor of \(ratio): \(reason)")
        }
        // The last fraction of a sample may be missing; it is silence.
        if made < out.count { out.removeLast(out.count - max(made, 0)) }
        return out
    }

    /// Throws where no sound has that rate.
    public static func check(_ rate: Int) throws(Failure) {
        guard rates.contains(rate) else {
            throw Failure(
                .value, "\(rate) Hz is no rate of sound",
                hint:
                    "rates lie between \(rates.lowerBound) and \(rates.upperBound) Hz; speech is often at 16000"
            )
        }
    }
}
