import Glibc
import Support
import Tensor

/// Throws where examples are no waveforms.
private func checkWaveform(_ name: String, _ shape: [Int]) throws(Failure) {
    guard shape.count == 2, shape[0] > 0 else {
        throw Failure(
            .shape,
            "\(name) changes waveforms of shape [length, channels], not examples of shape \(Shape.describe(shape))"
        )
    }
}

private func checkProbability(_ name: String, _ p: Double) throws(Failure) {
    guard (0...1).contains(p) else {
        throw Failure(.value, "\(name): probability \(p) does not lie between 0 and 1")
    }
}

/// Moves a waveform in time by up to `seconds` both ways; what is left free is silence.
public struct TimeShift: Augmentation {
    public var seconds: Double
    private let rate: Double

    /// `rate` in Hz is what the seconds count in.
    public init(seconds: Double, rate: Int) {
        self.seconds = seconds
        self.rate = Double(rate)
    }

    public var summary: String { "shift \(seconds) \(rate)" }

    public func check(shape: [Int], sampleRate: Int?) throws {
        try checkWaveform("a time shift", shape)
        guard seconds >= 0, seconds * rate < Double(shape[0]) else {
            throw Failure(
                .value, "a time shift of \(seconds) s does not fit clips of \(Double(shape[0]) / rate) s",
                hint: "0.1 is usual")
        }
    }

    public func apply(
        _ example: UnsafeMutableBufferPointer<Float>, shape: [Int], _ random: inout RandomNumbers
    ) {
        guard let base = example.baseAddress else { return }
        let reach = Int(seconds * rate)
        let by = (random.index(2 * reach + 1) - reach) * shape[1]
        let kept = example.count - abs(by)
        if by > 0 {
            memmove(base + by, base, kept * 4)
            base.update(repeating: 0, count: by)
        } else if by < 0 {
            memmove(base, base - by, kept * 4)
            (base + kept).update(repeating: 0, count: -by)
        }
    }
}

/// Louder or softer by decibels drawn from a range.
public struct Gain: Augmentation {
    public var decibels: ClosedRange<Double>

    public init(decibels: ClosedRange<Double>) { self.decibels = decibels }

    public var summary: String { "gain \(decibels)" }

    public func check(shape: [Int], sampleRate: Int?) throws {
        guard decibels.lowerBound >= -120, decibels.upperBound <= 120 else {
            throw Failure(.value, "a gain of \(decibels) dB is not possible", hint: "-6 to 6 is usual")
        }
    }

    public func apply(
        _ example: UnsafeMutableBufferPointer<Float>, shape: [Int], _ random: inout RandomNumbers
    ) {
        let factor = Float(pow(10, random.uniform(decibels) / 20))
        for i in example.indices { example[i] *= factor }
    }
}

/// Adds noise at a signal-to-noise ratio drawn from a range, from a random place of a random recording.
public struct BackgroundNoise: Augmentation {
    /// Power of the clip over power of the noise, in dB.
    public var ratio: ClosedRange<Double>
    public var probability: Double
    private let recordings: [[Float]]
    private let name: String

    /// - Parameters:
    ///   - recordings: noise at the clips' rate; without any, white, pink and brown noise are made.
    ///   - ratio: in dB; 20 is faint, 0 is as loud as the clip.
    ///   - probability: of an example to be noisy at all.
    public init(recordings: [Audio] = [], ratio: ClosedRange<Double>, probability: Double = 0.8) {
        self.ratio = ratio
        self.probability = probability
        let real = recordings.map(\.samples).filter { $0.contains { $0 != 0 } }
        self.recordings = real.isEmpty ? Self.coloured : real
        var digest = Digest()
        for samples in self.recordings { samples.withUnsafeBytes { digest.add($0) } }
        name = digest.text
    }

    public var summary: String { "noise \(ratio) \(probability) \(name)" }

    public func check(shape: [Int], sampleRate: Int?) throws {
        try checkWaveform("noise", shape)
        try checkProbability("noise", probability)
        guard ratio.lowerBound >= -60, ratio.upperBound <= 120 else {
            throw Failure(
                .value, "a signal-to-noise ratio of \(ratio) dB is not possible", hint: "5 to 20 is usual")
        }
    }

    public func apply(
        _ example: UnsafeMutableBufferPointer<Float>, shape: [Int], _ random: inout RandomNumbers
    ) {
        if random.uniform() >= probability { return }
        let noise = recordings[random.index(recordings.count)]
        let wanted = pow(10, -random.uniform(ratio) / 20)
        let start = random.index(noise.count)
        let (length, channels) = (shape[0], shape[1])
        noise.withUnsafeBufferPointer { noise in
            // Power over the part that is used; a recording shorter than the clip goes round.
            var power: Float = 0
            Self.runs(start, length, noise.count) { from, _, n in
                for i in 0..<n { power += noise[from + i] * noise[from + i] }
            }
            var signal: Float = 0
            for x in example { signal += x * x }
            guard power > 0, signal > 0 else { return }
            let level = (signal / Float(example.count)).squareRoot() / (power / Float(length)).squareRoot()
            let scale = Float(wanted) * level
            Self.runs(start, length, noise.count) { from, to, n in
                if channels == 1 {
                    for i in 0..<n { example[to + i] += scale * noise[from + i] }
                } else {
                    for i in 0..<n {
                        for c in 0..<channels { example[(to + i) * channels + c] += scale * noise[from + i] }
                    }
                }
            }
        }
    }

    /// The stretches of a ring of `period` samples that cover `length` from `start` on.
    private static func runs(_ start: Int, _ length: Int, _ period: Int, _ body: (Int, Int, Int) -> Void) {
        var (from, to) = (start, 0)
        while to < length {
            let n = min(length - to, period - from)
            body(from, to, n)
            to += n
            from = 0
        }
    }

    /// Half a million samples each of white noise, pink (power falls with 1/f, by Kellet's filter)
    /// and brown (1/f²: a leaky sum).
    private static let coloured: [[Float]] = {
        let n = 1 << 19
        var random = RandomNumbers(key: RandomKey(seed: 0x6e6f_6973_65), stream: 0)
        let white = (0..<n).map { _ in Float(random.uniform() * 2 - 1) }
        var (b0, b1, b2, sum): (Float, Float, Float, Float) = (0, 0, 0, 0)
        let pink = white.map { x -> Float in
            b0 = 0.99765 * b0 + x * 0.0990460
            b1 = 0.96300 * b1 + x * 0.2965164
            b2 = 0.57000 * b2 + x * 1.0526913
            return b0 + b1 + b2 + x * 0.1848
        }
        let brown = white.map { x -> Float in
            sum = 0.998 * sum + x
            return sum
        }
        return [white, pink, brown]
    }()
}

/// Faster or slower, which moves the pitch too, by a factor drawn from a range; the clip keeps its
/// length, cropped or padded at both ends.
public struct SpeedChange: Augmentation {
    public var factors: ClosedRange<Double>

    public init(factors: ClosedRange<Double>) { self.factors = factors }

    public var summary: String { "speed cubic \(factors)" }

    public func check(shape: [Int], sampleRate: Int?) throws {
        try checkWaveform("a change of speed", shape)
        guard factors.lowerBound >= 0.25, factors.upperBound <= 4 else {
            throw Failure(.value, "speeds of \(factors) are not possible", hint: "0.9 to 1.1 is usual")
        }
    }

    public func apply(
        _ example: UnsafeMutableBufferPointer<Float>, shape: [Int], _ random: inout RandomNumbers
    ) throws {
        let factor = random.uniform(factors)
        if abs(factor - 1) < 1e-3 { return }
        let original = Array(example)
        original.withUnsafeBufferPointer { Self.stretch($0, by: factor, channels: shape[1], into: example) }
    }

    /// `y[n] = x(middle + (n − middle) · factor)`, silence outside: Catmull and Rom's cubic through four
    /// samples. Resampling for files is band-limited; for a clip that is heard once in training that
    /// would cost more than the training itself.
    private static func stretch(
        _ x: UnsafeBufferPointer<Float>, by factor: Double, channels: Int,
        into y: UnsafeMutableBufferPointer<Float>
    ) {
        let length = x.count / max(channels, 1)
        let middle = Double(length - 1) / 2
        for n in 0..<length {
            let t = middle + (Double(n) - middle) * factor
            let first = Int(t.rounded(.down))
            let f = Float(t - Double(first))
            for c in 0..<channels {
                guard first >= 0, first < length else {
                    y[n * channels + c] = 0
                    continue
                }
                let at = first * channels + c
                let p1 = x[at]
                let p0 = first > 0 ? x[at - channels] : p1
                let p2 = first + 1 < length ? x[at + channels] : p1
                let p3 = first + 2 < length ? x[at + 2 * channels] : p2
                let a = 3 * (p1 - p2) + p3 - p0
                let b = 2 * p0 - 5 * p1 + 4 * p2 - p3
                y[n * channels + c] = p1 + 0.5 * f * (p2 - p0 + f * (b + f * a))
            }
        }
    }
}

/// Silences stretches of time (SpecAugment's time masking, Park et al. 2019, on the waveform).
public struct TimeMask: Augmentation {
    /// How many stretches, each of up to this share of the clip.
    public var stretches: Int
    public var share: Double

    public init(stretches: Int = 1, share: Double) {
        self.stretches = stretches
        self.share = share
    }

    public var summary: String { "mask \(stretches) \(share)" }

    public func check(shape: [Int], sampleRate: Int?) throws {
        try checkWaveform("a time mask", shape)
        guard (0...1).contains(share), (0...1000).contains(stretches) else {
            throw Failure(
                .value, "\(stretches) time masks of \(share) of the clip are not possible",
                hint: "0.1 is usual")
        }
    }

    public func apply(
        _ example: UnsafeMutableBufferPointer<Float>, shape: [Int], _ random: inout RandomNumbers
    ) {
        guard let base = example.baseAddress else { return }
        for _ in 0..<stretches {
            let n = random.index(Int(share * Double(shape[0])) + 1)
            let start = random.index(shape[0] - n + 1)
            (base + start * shape[1]).update(repeating: 0, count: n * shape[1])
        }
    }
}
