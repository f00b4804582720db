import Engine
import Glibc
import Graph
import Support
import Tensor

/// What is done to the input every few steps, beside the climb (Yosinski et al. 2015, "Understanding
/// neural networks through deep visualization"). It works on the input's own numbers.
public struct Conditioning {
    /// Steps from one time to the next.
    public var every = 4
    /// Standard deviation, in places, of a Gaussian blur along each spatial axis.
    public var blur = 0.0
    /// Frequencies above this one, in Hz, are taken out of sounds, with a slope of half an octave.
    public var lowPass = 0.0
    /// The places with the smallest values, so many percent of them, become grey or silent.
    public var smallNorm = 0.0
    /// The same for the places that contribute least: |Σ over channels of x · gradient|.
    public var smallContribution = 0.0

    public init() {}

    public var isActive: Bool { [blur, lowPass, smallNorm, smallContribution].contains { $0 != 0 } }

    func checked(_ space: InputSpace) throws {
        guard every >= 1 else { throw Failure(.argument, "maximize: every must be at least 1, not \(every)") }
        guard blur >= 0, blur <= 1000 else {
            throw Failure(.argument, "maximize: blur lies from 0 to 1000 places, not \(blur)")
        }
        for (name, percent) in [("clip_norm", smallNorm), ("clip_contribution", smallContribution)] {
            guard percent >= 0, percent < 100 else {
                throw Failure(
                    .argument, "maximize: \(name) is a percentage from 0 to below 100, not \(percent)")
            }
        }
        if lowPass != 0 {
            guard space.kind == .sound else {
                throw Failure(
                    .argument, "maximize: lowpass is for sounds", hint: "blur = 1 smooths pictures")
            }
            guard lowPass > 0, lowPass < Double(space.rate) else {
                throw Failure(.argument, "maximize: lowpass is a frequency in Hz, not \(lowPass)")
            }
        }
    }

    /// x [batch, spatial…, channels] after one time. `gradient`: of the score by x.
    func apply(_ x: Traced, gradient: () throws -> Traced, _ space: InputSpace) throws -> Traced {
        let middle = try space.row(space.middle, in: x.graph)
        var centred = try x - middle
        if blur > 0 { centred = try Self.blurred(centred, deviation: blur) }
        if lowPass > 0 { centred = try lowPassed(centred, space) }
        let channel = x.rank - 1
        if smallNorm > 0 {
            let size = try centred.square().sum([channel], keepAxes: true)
            centred = try Self.kept(centred, size, percent: smallNorm)
        }
        if smallContribution > 0 {
            let share = try (centred * gradient()).sum([channel], keepAxes: true).abs()
            centred = try Self.kept(centred, share, percent: smallContribution)
        }
        return try centred + middle
    }

    /// Convolved with a Gaussian along each spatial axis; the ends are held by what is inside alone.
    static func blurred(_ x: Traced, deviation: Double) throws -> Traced {
        let reach = max(1, Int((3 * deviation).rounded(.up)))
        let weights = (-reach...reach).map { exp(-0.5 * pow(Double($0) / deviation, 2)) }
        let channels = x.shape.last ?? 1
        let spatial = x.rank - 2
        var result = x
        for axis in 0..<spatial {
            var form = [Int](repeating: 1, count: spatial) + [1, channels]
            form[axis] = weights.count
            let values = weights.flatMap { [Float](repeating: Float($0), count: channels) }
            let kernel = x.graph.constant(try Tensor(values, shape: form))
            let sum = try result.convolved(with: kernel, groups: channels)
            let ones = x.graph.constant(try Tensor(repeating: 1, shape: [1] + x.shape.dropFirst()))
            result = try sum / ones.convolved(with: kernel, groups: channels)
        }
        return result
    }

    private func lowPassed(_ x: Traced, _ space: InputSpace) throws -> Traced {
        let n = x.shape[1]
        let mask = (0..<(n / 2 + 1)).map { k -> Float in
            let f = Double(k) * Double(space.rate) / Double(n)
            let octaves = log2(max(f, 1e-9) / lowPass)
            return octaves <= 0 ? 1 : octaves >= 0.5 ? 0 : Float(0.5 + 0.5 * cos(2 * Double.pi * octaves))
        }
        let bins = x.graph.constant(try Tensor(mask, shape: [mask.count, 1]))
        return try (x.transposed([0, 2, 1]).realFourier() * bins).inverseRealFourier(length: n)
            .transposed([0, 2, 1])
    }

    /// x where `size` is above its percentile over the places of one input, else 0. The percentile is
    /// found by halving: thirty times tells single floats apart.
    private static func kept(_ x: Traced, _ size: Traced, percent: Double) throws -> Traced {
        let axes = Array(1..<size.rank)
        let wanted = percent / 100
        var low = try size.min(axes, keepAxes: true)
        var high = try size.max(axes, keepAxes: true)
        for _ in 0..<30 {
            let middle = try (low + high) * 0.5
            let below = try size.binary(.lessEqual, middle).cast(.float32).mean(axes, keepAxes: true)
            let isFew = try below < wanted
            (low, high) = (try isFew.select(middle, low), try isFew.select(high, middle))
        }
        return try size.binary(.greater, low).select(x, 0)
    }
}
