import Engine
import Glibc
import Graph
import Support
import Tensor

/// Sounds [batch, length, channels] as scaled Fourier or cosine coefficients.
///
/// Coefficients of variance 1 make a sound of a root mean square of 0.1. Frequencies under 50 Hz, which
/// a loudspeaker does not give, are damped; up to 200 Hz all count alike, above they fall as 1 / f^decay.
struct SoundSpectrum {
    let space: InputSpace
    let isCosine: Bool
    private let length: Int
    private let scale: [Float]

    init(_ space: InputSpace, decay: Double, isCosine: Bool) throws {
        guard decay.isFinite, abs(decay) <= 4 else {
            throw Failure(.argument, "maximize: a decay of \(decay) is beyond -4 to 4")
        }
        self.space = space
        self.isCosine = isCosine
        length = space.shape[0]
        let count = isCosine ? length : length / 2 + 1
        let bin = Double(space.rate) / Double(isCosine ? 2 * length : length)
        let shape = (0..<count).map { k in
            let f = Double(k) * bin
            return pow(min(f / 50, 1), 2) * pow(200 / max(f, 200), decay)
        }
        // Parseval: the mean square of the sound for coefficients of variance 1.
        let n = Double(length)
        let power = shape.reduce(0) { $0 + $1 * $1 } * (isCosine ? 2 : 4) / (n * n)
        let level = 0.1 / max(power.squareRoot(), 1e-30)
        scale = shape.map { Float($0 * level) }
    }

    private var form: [Int] {
        let channels = space.shape[1]
        return isCosine ? [channels, length] : [channels, length / 2 + 1, 2]
    }

    private func scales(_ graph: Graph) throws -> Traced {
        graph.constant(try Tensor(scale, shape: isCosine ? [scale.count] : [scale.count, 1]))
    }

    func made(_ batch: Int, _ start: Beginning) throws -> Representation {
        let first: Tensor
        switch start {
        case .noise(let keys): first = try Parametrization.noise(form, keys, deviation: 0.3)
        case .inputs(let x):
            let graph = Graph()
            let rows = try graph.constant(x).transposed([0, 2, 1])
            let spectrum = try isCosine ? Self.cosines(rows) : rows.realFourier()
            // A frequency that the scale has no room for begins at 0.
            first = try (spectrum * scales(graph) / (scales(graph).square() + 1e-12)).evaluated()
        }
        let variable = Variable(first, name: "spectrum")
        return Representation(variables: [variable]) { graph in
            let spectrum = try graph.read(variable) * scales(graph)
            let rows = try isCosine ? Self.fromCosines(spectrum) : spectrum.inverseRealFourier(length: length)
            return try rows.transposed([0, 2, 1])
        }
    }

    /// Cosine transform of type II, X_k = Σ x_t cos(π k (t + ½) / n), by a Fourier transform of twice the
    /// length: [.., n] → [.., n].
    static func cosines(_ x: Traced) throws -> Traced {
        let n = x.shape[x.rank - 1]
        var padding = x.shape.map { _ in (0, 0) }
        padding[x.rank - 1] = (0, n)
        let spectrum = try x.padded(padding).realFourier().sliced(axis: x.rank - 1, from: 0, to: n)
        let turned = try spectrum * turns(n, x.graph, sign: 1)
        return try turned.sum([-1])
    }

    /// The inverse: x_t = (X_0 + 2 Σ X_k cos(π k (t + ½) / n)) / n.
    static func fromCosines(_ c: Traced) throws -> Traced {
        let n = c.shape[c.rank - 1]
        let parts = try c.reshaped(c.shape + [1]) * turns(n, c.graph, sign: 1)
        var padding = parts.shape.map { _ in (0, 0) }
        padding[c.rank - 1] = (0, 1)
        let whole = try parts.padded(padding).inverseRealFourier(length: 2 * n) * 2
        return try whole.sliced(axis: c.rank - 1, from: 0, to: n)
    }

    /// cos and sin of π k / 2n, [n, 2].
    private static func turns(_ n: Int, _ graph: Graph, sign: Double) throws -> Traced {
        let values = (0..<n).flatMap { k -> [Float] in
            let angle = Double.pi * Double(k) / Double(2 * n)
            return [Float(cos(angle)), Float(sign * sin(angle))]
        }
        return graph.constant(try Tensor(values, shape: [n, 2]))
    }
}
