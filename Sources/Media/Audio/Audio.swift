import Support
import Tensor

/// A mono waveform: samples in -1 ... 1 (full scale), `rate` of them a second.
public struct Audio: Sendable, Equatable {
    public var samples: [Float]
    /// Samples per second (Hz).
    public var rate: Int

    public init(samples: [Float], rate: Int) {
        self.samples = samples
        self.rate = rate
    }

    /// From a tensor of shape [length], [length, channels] or [1, length, channels]; channels are averaged.
    /// Throws a shape failure for anything else.
    public init(_ tensor: Tensor, rate: Int) throws {
        var shape = tensor.shape
        if shape.count == 3, shape[0] == 1 { shape.removeFirst() }
        guard shape.count == 1 || shape.count == 2, shape.count == 1 || shape[1] >= 1 else {
            throw Failure(
                .shape, "a tensor of shape \(Shape.describe(tensor.shape)) is no waveform",
                hint: "a waveform has shape [length] or [length, channels]")
        }
        let values = try tensor.array(of: Float.self)
        let channels = shape.count == 2 ? shape[1] : 1
        self.init(samples: Self.mixed(values, channels: channels), rate: rate)
    }

    /// Seconds.
    public var duration: Double { rate > 0 ? Double(samples.count) / Double(rate) : 0 }

    /// As a tensor of shape [length, 1].
    public func tensor() throws(Failure) -> Tensor { try Tensor(samples, shape: [samples.count, 1]) }

    /// As 16-bit steps of 1/32768, rounded and clamped at full scale; 0 for what is no number.
    static func steps(_ samples: [Float]) -> [Int16] {
        samples.map { x in
            let scaled = (x * 32768).rounded()
            return scaled.isNaN ? 0 : Int16(min(max(scaled, -32768), 32767))
        }
    }

    /// Interleaved frames averaged to one channel.
    static func mixed(_ interleaved: [Float], channels: Int) -> [Float] {
        guard channels > 1 else { return interleaved }
        let scale = 1 / Float(channels)
        return (0..<interleaved.count / channels).map { frame in
            var sum: Float = 0
            for c in 0..<channels { sum += interleaved[frame * channels + c] }
            return sum * scale
        }
    }

    /// Which part of a waveform is kept, and where one too short is put.
    public enum Placement: Sendable { case start, center }

    /// Cropped, or padded with silence, to `length` samples. `.start` crops and pads at the end, as
    /// Speech Commands' own reader does; `.center` on both sides.
    public func fitted(to length: Int, _ placement: Placement = .start) -> Audio {
        let n = samples.count
        if n == length { return self }
        let surplus = abs(n - length)
        let before = placement == .center ? surplus / 2 : 0
        if n > length { return Audio(samples: Array(samples[before..<before + length]), rate: rate) }
        var padded = [Float](repeating: 0, count: max(length, 0))
        padded.replaceSubrange(before..<before + n, with: samples)
        return Audio(samples: padded, rate: rate)
    }

    /// The same sound without clipping: scaled down where its peak is over full scale, with a raised-cosine fade of
    /// `fade` seconds at both ends so that it neither starts nor stops with a click.
    /// Throws a numeric failure where a sample is not finite.
    public func guarded(fade: Double = 0.005) throws(Failure) -> Audio {
        guard samples.allSatisfy(\.isFinite) else {
            throw Failure(
                .numeric, "the waveform holds values that are not finite",
                hint: "look for NaN or infinity in what made it")
        }
        let peak = samples.reduce(0) { max($0, abs($1)) }
        // A little headroom, so that lossy encoders and players' filters do not clip either.
        let scale: Float = peak > 1 ? 0.98 / peak : 1
        var out = samples.map { $0 * scale }
        let wanted = fade.isFinite ? fade * Double(rate) : 0
        let n = Int(min(max(wanted, 0), Double(out.count / 2)))
        for i in 0..<n {
            let weight = Float(0.5 - 0.5 * cosine(.pi * (Double(i) + 0.5) / Double(n)))
            out[i] *= weight
            out[out.count - 1 - i] *= weight
        }
        return Audio(samples: out, rate: rate)
    }
}
