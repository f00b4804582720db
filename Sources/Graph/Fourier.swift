import Glibc
import Support
import Tensor

/// The discrete Fourier transform of real numbers along the last axis, X_k = Σ_t x_t e^(−2πi k t / n)
/// for k = 0 … n / 2: [..., n] → [..., n / 2 + 1, 2], the last axis holding real and imaginary part.
public struct RealFourier: Operation {
    public init() {}
    public var name: String { "rfft" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat(inputs, name)
        guard let n = inputs[0].shape.last, n > 0 else {
            throw Failure(.shape, "rfft: the input is \(inputs[0]); it needs a last axis that is not empty")
        }
        return ValueType(inputs[0].shape.dropLast() + [n / 2 + 1, 2], inputs[0].type)
    }

    /// The adjoint, by the inverse transform: it counts each inner frequency twice and divides by n.
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let n = c.inputs[0].shape[c.inputs[0].rank - 1]
        let weights = try c.output.graph.frequencyWeights(n, c.cotangent.type.type)
        return [try c.graphAdd(InverseRealFourier(length: n), [c.cotangent / weights * Double(n)])]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let x = inputs[0]
        let n = x.shape.last ?? 1
        let bins = n / 2 + 1
        let turn = Turn(n)
        var result = ReferenceArray(x.shape.dropLast() + [bins, 2])
        for row in 0..<(x.values.count / n) {
            for k in 0..<bins {
                var (re, im) = (0.0, 0.0)
                for t in 0..<n {
                    let (c, s) = turn.at(k, t)
                    re += x.values[row * n + t] * c
                    im -= x.values[row * n + t] * s
                }
                result.values[(row * bins + k) * 2] = re
                result.values[(row * bins + k) * 2 + 1] = im
            }
        }
        return result
    }
}

/// The inverse of `RealFourier` for signals of `length`: [..., length / 2 + 1, 2] → [..., length].
/// The imaginary parts of the first frequency and, for even lengths, of the last do not count.
public struct InverseRealFourier: Operation {
    public let length: Int
    public init(length: Int) { self.length = length }
    public var name: String { "irfft" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat(inputs, name)
        guard length > 0, inputs[0].shape.suffix(2) == [length / 2 + 1, 2] else {
            throw Failure(
                .shape,
                "irfft: the input is \(inputs[0]); a length of \(length) needs [..., \(length / 2 + 1), 2]",
                hint: "the last axis holds real and imaginary part, the one before length / 2 + 1 frequencies"
            )
        }
        return ValueType(inputs[0].shape.dropLast(2) + [length], inputs[0].type)
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let weights = try c.output.graph.frequencyWeights(length, c.cotangent.type.type)
        return [try c.graphAdd(RealFourier(), [c.cotangent]) * weights / Double(length)]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let x = inputs[0]
        let (n, bins) = (length, length / 2 + 1)
        let turn = Turn(n)
        var result = ReferenceArray(x.shape.dropLast(2) + [n])
        for row in 0..<(x.values.count / (2 * bins)) {
            for t in 0..<n {
                var sum = 0.0
                for k in 0..<bins {
                    let (c, s) = turn.at(k, t)
                    let weight = k == 0 || 2 * k == n ? 1.0 : 2.0
                    let at = (row * bins + k) * 2
                    sum += weight * (x.values[at] * c - x.values[at + 1] * s)
                }
                result.values[row * n + t] = sum / Double(n)
            }
        }
        return result
    }
}

/// Cosine and sine of 2π k t / n, exact to rounding for any k and t.
private struct Turn {
    private let cosines: [Double]
    private let sines: [Double]

    init(_ n: Int) {
        cosines = (0..<n).map { cos(2 * .pi * Double($0) / Double(n)) }
        sines = (0..<n).map { sin(2 * .pi * Double($0) / Double(n)) }
    }

    func at(_ k: Int, _ t: Int) -> (Double, Double) {
        let i = k * t % cosines.count
        return (cosines[i], sines[i])
    }
}

extension Graph {
    /// How often each of the n / 2 + 1 frequencies stands in the full transform: [n / 2 + 1, 1].
    fileprivate func frequencyWeights(_ n: Int, _ type: ElementType) throws -> Traced {
        let one = try fill(1, shape: [1, 1], type)
        if n <= 2 { return try fill(1, shape: [n / 2 + 1, 1], type) }
        let inner = try fill(2, shape: [(n - 1) / 2, 1], type)
        return try Traced.concatenated(n % 2 == 0 ? [one, inner, one] : [one, inner], axis: 0)
    }
}

extension Traced {
    /// Spectrum of real numbers along the last axis: [..., n] → [..., n / 2 + 1, 2].
    public func realFourier() throws -> Traced { try graph.add(RealFourier(), [self]) }

    /// Back from a spectrum to `length` real numbers.
    public func inverseRealFourier(length: Int) throws -> Traced {
        try graph.add(InverseRealFourier(length: length), [self])
    }
}
