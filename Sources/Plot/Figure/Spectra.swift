import CFFTW
import Glibc
import Support

/// The short-time Fourier transform of a real waveform, Hann window, by FFTW in single precision.
///
/// Powers are scaled so that a sine of amplitude 1 has 1 (0 dB) at its peak.
public struct Spectra: Sendable {
    /// [frames, bins] powers.
    public let powers: [Float]
    public let frames: Int
    /// window / 2 + 1.
    public let bins: Int
    /// Hertz from bin to bin.
    public let binHertz: Double
    /// The waveform's length.
    public let seconds: Double

    /// - Parameters:
    ///   - window: samples of a window, 2 to 65536, even; a shorter waveform is padded with zeros.
    ///   - hop: samples from one window to the next; nil takes a quarter. Long sounds take a longer
    ///     hop, so that there are at most 8192 frames: more than a figure has columns.
    /// Throws `Failure` where a parameter is out of range or there is no memory.
    public init(_ samples: [Float], rate: Double, window: Int, hop: Int? = nil) throws {
        guard window >= 2, window <= 65536, window % 2 == 0 else {
            throw Failure(
                .argument, "a window of \(window) samples", hint: "use an even number from 2 to 65536")
        }
        let wanted = hop ?? max(1, window / 4)
        guard wanted >= 1 else {
            throw Failure(.argument, "a hop of \(wanted) samples", hint: "use at least 1")
        }
        let step = max(wanted, samples.count / 8192)
        frames = max(1, (samples.count + step - 1) / step)
        bins = window / 2 + 1
        binHertz = rate / Double(window)
        seconds = Double(samples.count) / rate
        powers = try Spectra.transform(samples, window: window, hop: step, frames: frames)
    }

    /// About 25 ms and a power of two, but no longer than the sound.
    static func windowSize(rate: Double, length: Int) -> Int {
        var size = 16
        while Double(size) < rate * 0.025, size < 16384, size * 2 <= length { size *= 2 }
        return size
    }

    private static func transform(_ samples: [Float], window: Int, hop: Int, frames: Int) throws -> [Float] {
        let bins = window / 2 + 1
        guard let input = fftwf_alloc_real(window) else { throw Failure(.memory, "no memory for a spectrum") }
        defer { fftwf_free(input) }
        guard let output = fftwf_alloc_complex(bins) else {
            throw Failure(.memory, "no memory for a spectrum")
        }
        defer { fftwf_free(output) }
        // The estimate needs no trial runs: the transform of one figure is too short to pay for them.
        guard
            let plan = SharedLocks.fourierPlanner.withLock({ _ in
                SendablePlan(fftwf_plan_dft_r2c_1d(Int32(window), input, output, UInt32(FFTW_ESTIMATE)))
            }).plan
        else { throw Failure(.memory, "no memory for a spectrum") }
        defer {
            SharedLocks.fourierPlanner.withLock { [plan = SendablePlan(plan)] _ in
                fftwf_destroy_plan(plan.plan)
            }
        }

        let hann = (0..<window).map { Float(0.5 - 0.5 * cos(2 * Double.pi * Double($0) / Double(window))) }
        // A sine of amplitude 1 gives |X| = sum(w) / 2 at its bin.
        let scale = 2 / hann.reduce(0, +)
        var powers = [Float](repeating: 0, count: frames * bins)
        for frame in 0..<frames {
            // Each window is centred on its place, so that the first and last samples count.
            let first = frame * hop + hop / 2 - window / 2
            for i in 0..<window {
                let at = first + i
                let sample = at >= 0 && at < samples.count ? samples[at] : 0
                input[i] = sample.isFinite ? sample * hann[i] : 0
            }
            fftwf_execute(plan)
            for bin in 0..<bins {
                let re = output[bin].0 * scale
                let im = output[bin].1 * scale
                powers[frame * bins + bin] = re * re + im * im
            }
        }
        return powers
    }

    /// [frames, bins] in dB; silence is at -200 dB.
    public func levels() -> [Double] { powers.map { Spectra.decibel(Double($0)) } }

    /// [bins] in dB: the mean power over all frames.
    public func meanLevels() -> [Double] {
        (0..<bins).map { bin in
            var sum = 0.0
            for frame in 0..<frames { sum += Double(powers[frame * bins + bin]) }
            return Spectra.decibel(sum / Double(frames))
        }
    }

    private static func decibel(_ power: Double) -> Double { 10 * log10(max(power, 1e-20)) }
}

/// Carries a plan in and out of the planner's lock; FFTW allows any thread to use a plan.
private struct SendablePlan: @unchecked Sendable {
    let plan: fftwf_plan?
    init(_ plan: fftwf_plan?) { self.plan = plan }
}
