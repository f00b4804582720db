import Engine
import Graph
import Network
import Support
import Tensor

/// In what terms an input is climbed. The gradient reaches these numbers; the input follows from them.
public enum Parametrization {
    /// The input's own numbers.
    case samples
    /// Fourier coefficients, each frequency f scaled by 1 / f^decay, so that a step changes low and high
    /// frequencies as natural inputs have them (Olah et al. 2017). `decorrelated`: a picture's colours
    /// along the axes in which natural colours vary independently.
    case fourier(decay: Double = 1, decorrelated: Bool = true)
    /// The same with a discrete cosine transform (type II), for sounds.
    case dct(decay: Double = 1)
    /// A sum of `levels` inputs, each of half the length of the one before, stretched to full size.
    case laplacian(levels: Int = 5)
    /// Fourier phases under a given magnitude spectrum (MACO: Fel et al. 2023).
    case maco(MagnitudeSpectrum)
    /// A generator's latent code on the sphere on which its training drew them: what it cannot make is
    /// not found.
    case generator(Network)

    public var name: String {
        switch self {
        case .samples: "samples"
        case .fourier: "fourier"
        case .dct: "dct"
        case .laplacian: "laplacian"
        case .maco: "maco"
        case .generator(let network): "generator \(network.name)"
        }
    }

    var isSamples: Bool { if case .samples = self { true } else { false } }
}

/// A parametrization made ready for a batch of inputs: the numbers that are climbed with and how the
/// input follows from them.
struct Representation {
    /// The numbers that are climbed with; the first axis is the batch.
    let variables: [Variable]
    /// The batch of inputs in the network's units.
    let decode: (Graph) throws -> Traced
}

/// How a parametrization begins.
enum Beginning {
    /// Seeded noise, one key for each input of the batch.
    case noise([RandomKey])
    /// These inputs: [batch] + inputShape, in the network's units.
    case inputs(Tensor)
}

extension Parametrization {
    /// Ready for a batch of inputs of `space`. Throws where it does not go with them.
    func made(_ space: InputSpace, batch: Int, _ start: Beginning) throws -> Representation {
        switch self {
        case .samples:
            guard case .inputs(let x) = start else { throw Failure(.value, "no start was given") }
            let variable = Variable(x, name: "input")
            return Representation(variables: [variable]) { $0.read(variable) }
        case .fourier(let decay, let decorrelated):
            switch space.kind {
            case .picture:
                return try PictureSpectrum(space, decay: decay, decorrelated: decorrelated)
                    .made(batch, start)
            case .sound: return try SoundSpectrum(space, decay: decay, isCosine: false).made(batch, start)
            case .other: throw unfit(space)
            }
        case .dct(let decay):
            guard space.kind == .sound else { throw unfit(space) }
            return try SoundSpectrum(space, decay: decay, isCosine: true).made(batch, start)
        case .laplacian(let levels):
            guard space.kind != .other else { throw unfit(space) }
            return try LaplacianPyramid(space, levels: levels).made(batch, start)
        case .maco(let spectrum):
            guard space.kind != .other else { throw unfit(space) }
            return try MagnitudeConstrained(space, spectrum).made(batch, start)
        case .generator(let network): return try Self.latent(network, space, batch, start)
        }
    }

    private func unfit(_ space: InputSpace) -> Failure {
        Failure(
            .argument,
            "maximize: the parametrization \(name) does not go with inputs \(Shape.describe(space.shape))",
            hint: "use parametrization = \"samples\"")
    }

    /// z on the sphere of radius √d, where normal codes of d numbers lie.
    private static func latent(_ generator: Network, _ space: InputSpace, _ batch: Int, _ start: Beginning)
        throws -> Representation
    {
        let (code, made) = (try generator.builtInputShape(), try generator.outputShape())
        guard made.reduce(1, *) == space.shape.reduce(1, *) else {
            throw Failure(
                .shape,
                "maximize: the generator \(generator.name) makes \(Shape.describe(made)), the network takes \(Shape.describe(space.shape))",
                hint: "use a generator of the network's own input shape")
        }
        guard case .noise(let keys) = start else {
            throw Failure(
                .argument, "maximize: a generator begins with a random code, not with a given input",
                hint: "leave `start` out; `seed` chooses the code")
        }
        let variable = Variable(try noise(code, keys, deviation: 1), name: "latent code")
        let axes = Array(1...code.count)
        let radius = Double(code.reduce(1, *)).squareRoot()
        return Representation(variables: [variable]) { graph in
            let z = graph.read(variable)
            let unit = try z / (z.square().sum(axes, keepAxes: true) + 1e-12).sqrt()
            let x = try generator.trace(unit * radius)
            return try x.reshaped([batch] + space.shape)
        }
    }

    /// Normal numbers [keys.count] + shape.
    static func noise(_ shape: [Int], _ keys: [RandomKey], deviation: Double) throws -> Tensor {
        var values: [Float] = []
        for key in keys {
            let own = try Tensor(random: .normal, shape: shape, key: key).array(of: Float.self)
            values += own.map { $0 * Float(deviation) }
        }
        return try Tensor(values, shape: [keys.count] + shape)
    }
}

/// Values within a range by a smooth squashing, so that a gradient is never cut off: pictures take 0 to
/// 255, sounds what they are.
enum Squashing {
    /// Pictures' own terms (any real numbers) → network units.
    static func decode(_ t: Traced, _ space: InputSpace) throws -> Traced {
        guard space.kind == .picture else { return t }
        return try space.fromPicture(t.sigmoid() * 255)
    }

    /// The way back; values at the ends of the range are brought a little inside.
    static func encode(_ x: Traced, _ space: InputSpace) throws -> Traced {
        guard space.kind == .picture else { return x }
        let share = try (space.toPicture(x) / 255).clipped(0.02, 0.98)
        return try (share / (1 - share)).log()
    }
}
