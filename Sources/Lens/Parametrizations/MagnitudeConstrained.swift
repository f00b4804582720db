import Engine
import Glibc
import Graph
import Support
import Tensor

/// The mean magnitude of each Fourier coefficient over a data set: how much of each frequency real
/// examples have.
public struct MagnitudeSpectrum {
    /// Sounds: [channels, length / 2 + 1]; pictures: [channels, height, width / 2 + 1].
    public let values: Tensor
    /// Where it comes from, for messages.
    public let source: String

    public init(values: Tensor, source: String) {
        self.values = values
        self.source = source
    }

    /// Learned from up to `most` examples at even distances through a data set.
    public init(_ examples: any ExampleSet, most: Int = 512) throws {
        guard examples.count > 0 else { throw Failure(.value, "maco: the data has no examples") }
        let count = min(max(most, 1), examples.count)
        let places = (0..<count).map { $0 * examples.count / count }
        let batch = min(32, count)
        let graph = Graph()
        let x = graph.input(ValueType([batch] + examples.exampleShape))
        let sums = Variable(
            try Tensor(repeating: 0, shape: Self.magnitude(x).sum([0]).shape), name: "magnitudes")
        let plan = try Plan(
            inputs: [x], outputs: [], updates: [(sums, graph.read(sums) + Self.magnitude(x).sum([0]))])
        var done = 0
        while done + batch <= count {
            _ = try plan.run([examples.batch(Array(places[done..<(done + batch)])).inputs])
            done += batch
        }
        let total = Graph()
        values = try (total.constant(sums.value) / Double(done)).evaluated()
        source = "\(done) examples"
    }

    /// A natural spectrum without a data set: 1 / f, as strong as `space` has room for.
    public static func natural(_ space: InputSpace) throws -> MagnitudeSpectrum {
        let channels = space.shape.last ?? 1
        switch space.kind {
        case .sound:
            let n = space.shape[0]
            let bin = Double(space.rate) / Double(n)
            let one = (0..<(n / 2 + 1)).map { k in
                pow(min(Double(k) * bin / 50, 1), 2) * 200 / max(Double(k) * bin, 200)
            }
            let power = one.reduce(0) { $0 + 2 * $1 * $1 } / Double(n * n)
            let level = 0.1 / power.squareRoot()
            let values = (0..<channels).flatMap { _ in one.map { Float($0 * level) } }
            return MagnitudeSpectrum(
                values: try Tensor(values, shape: [channels, one.count]), source: "1 / f")
        case .picture, .other:
            let fourier = PictureFourier(
                height: space.shape[0], width: space.shape.count > 2 ? space.shape[1] : 1)
            let least = 1 / Double(max(fourier.height, fourier.width))
            var one = fourier.frequencies.map { 1 / max($0, least) }
            one[0] = 0
            let size = Double(fourier.height * fourier.width)
            let power = one.reduce(0) { $0 + 2 * $1 * $1 } / (size * size)
            // Natural pictures: a deviation of about a quarter of the range.
            let level = 64 / power.squareRoot()
            let values = (0..<channels).flatMap { _ in one.map { Float($0 * level) } }
            return MagnitudeSpectrum(
                values: try Tensor(values, shape: [channels, fourier.height, fourier.bins]), source: "1 / f")
        }
    }

    /// |X| of inputs [batch, spatial…, channels], as `values` with the batch first.
    static func magnitude(_ x: Traced) throws -> Traced {
        switch x.rank {
        case 3:
            return try x.transposed([0, 2, 1]).realFourier().square().sum([-1]).sqrt()
        case 4:
            let fourier = PictureFourier(height: x.shape[1], width: x.shape[2])
            let p = try fourier.forward(x.transposed([0, 3, 1, 2]))
            let axis = p.rank - 1
            let real = try p.sliced(axis: axis, from: 0, to: fourier.bins)
            let imaginary = try p.sliced(axis: axis, from: fourier.bins, to: 2 * fourier.bins)
            return try (real.square() + imaginary.square()).sqrt()
        default:
            throw Failure(
                .shape,
                "maco: a spectrum is learned from sounds or pictures, not from \(Shape.describe(x.shape))"
            )
        }
    }
}

/// Inputs whose Fourier magnitudes are given: only the phases are climbed with. A phase is held as a
/// point of the plane of which the direction counts, so that it turns without a seam.
struct MagnitudeConstrained {
    let space: InputSpace
    let spectrum: MagnitudeSpectrum

    init(_ space: InputSpace, _ spectrum: MagnitudeSpectrum) throws {
        self.space = space
        self.spectrum = spectrum
        let channels = space.shape.last ?? 1
        let wanted =
            space.kind == .sound
            ? [channels, space.shape[0] / 2 + 1] : [channels, space.shape[0], space.shape[1] / 2 + 1]
        guard spectrum.values.shape == wanted else {
            throw Failure(
                .shape,
                "maximize: the magnitude spectrum has shape \(Shape.describe(spectrum.values.shape)), this network's inputs need \(Shape.describe(wanted))",
                hint: "learn it from examples of the network's own input: maco(data)")
        }
    }

    func made(_ batch: Int, _ start: Beginning) throws -> Representation {
        space.kind == .sound ? try sound(batch, start) : try picture(batch, start)
    }

    private func sound(_ batch: Int, _ start: Beginning) throws -> Representation {
        let (length, bins) = (space.shape[0], space.shape[0] / 2 + 1)
        let first: Tensor
        switch start {
        case .noise(let keys):
            first = try Parametrization.noise([space.shape[1], bins, 2], keys, deviation: 1)
        case .inputs(let x):
            let p = try Graph().constant(x).transposed([0, 2, 1]).realFourier()
            first = try (p / (p.square().sum([-1], keepAxes: true) + 1e-20).sqrt()).evaluated()
        }
        let variable = Variable(first, name: "phases")
        let magnitudes = try spectrum.values.reshaped(spectrum.values.shape + [1])
        return Representation(variables: [variable]) { graph in
            let p = graph.read(variable)
            let unit = try p / (p.square().sum([-1], keepAxes: true) + 1e-12).sqrt()
            return try (unit * graph.constant(magnitudes)).inverseRealFourier(length: length)
                .transposed([0, 2, 1])
        }
    }

    private func picture(_ batch: Int, _ start: Beginning) throws -> Representation {
        let (h, w, channels) = (space.shape[0], space.shape[1], space.shape[2])
        let fourier = PictureFourier(height: h, width: w)
        let bins = fourier.bins
        let first: Tensor
        switch start {
        case .noise(let keys):
            first = try Parametrization.noise([channels, h, 2, bins], keys, deviation: 1)
        case .inputs(let x):
            let p = try fourier.forward(space.toPicture(Graph().constant(x)).transposed([0, 3, 1, 2]))
                .reshaped([batch, channels, h, 2, bins])
            first = try (p / (p.square().sum([3], keepAxes: true) + 1e-12).sqrt()).evaluated()
        }
        let variable = Variable(first, name: "phases")
        let magnitudes = try spectrum.values.reshaped([channels, h, 1, bins])
        let space = self.space
        return Representation(variables: [variable]) { graph in
            let p = graph.read(variable)
            let unit = try p / (p.square().sum([3], keepAxes: true) + 1e-12).sqrt()
            let spectrum = try (unit * graph.constant(magnitudes)).reshaped([batch, channels, h, 2 * bins])
            let planes = try fourier.inverse(spectrum).transposed([0, 2, 3, 1])
                .reshaped([batch, h, w, channels])
            // Around grey; a soft bound keeps what sticks out of 0 … 255.
            return try space.fromPicture((planes / 127).tanh() * 127.5 + 127.5)
        }
    }
}
