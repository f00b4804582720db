import Engine
import Glibc
import Graph
import Network
import Support
import Tensor

/// Numbers that say how clear a maximized input is, beside the activation it was climbed for.
public enum ClarityMeasures {
    /// What another network, which took no part, makes of inputs in the units of `space`:
    /// its probabilities, [n, classes].
    public static func probabilities(_ x: Tensor, of space: InputSpace, under judge: Network) throws -> Tensor
    {
        let own = try InputSpace(judge)
        let graph = Graph()
        var y = graph.constant(x)
        if space.kind == .picture && own.kind == .picture { y = try own.fromPicture(space.toPicture(y)) }
        if space.kind == .sound && own.kind == .sound && own.shape[1] == space.shape[1] {
            y = try resampled(y, to: own.shape[0])
        }
        guard y.shape.dropFirst().reduce(1, *) == own.shape.reduce(1, *) else {
            throw Failure(
                .shape,
                "the judge \(judge.name) takes inputs \(Shape.describe(own.shape)), these are \(Shape.describe(space.shape))"
            )
        }
        y = try judge.trace(y.reshaped([x.shape[0]] + own.shape))
        guard y.rank == 2 else { throw Failure(.value, "the judge \(judge.name) gives no classes") }
        return try (y.operation is Softmax ? y : y.softmax()).evaluated()
    }

    /// Sounds of the same time at another rate: `length` samples, what lies above half of the lower rate
    /// left out.
    static func resampled(_ x: Traced, to length: Int) throws -> Traced {
        let n = x.shape[1]
        if n == length { return x }
        let spectrum = try x.transposed([0, 2, 1]).realFourier()
        let (old, new) = (n / 2 + 1, length / 2 + 1)
        let kept =
            try new <= old
            ? spectrum.sliced(axis: 2, from: 0, to: new)
            : spectrum.padded([(0, 0), (0, 0), (0, new - old), (0, 0)])
        return try (kept * (Double(length) / Double(n))).inverseRealFourier(length: length)
            .transposed([0, 2, 1])
    }

    /// Total variation by the size of the input, free of its loudness and contrast: the mean of
    /// |differences of neighbours| over the standard deviation, [n]. White noise has about 1.13 an axis.
    public static func totalVariation(_ x: Tensor) throws -> [Double] {
        let graph = Graph()
        let t = graph.constant(x)
        let axes = Array(1..<t.rank)
        let mean = try t.mean(axes, keepAxes: true)
        let deviation = try ((t - mean).square().mean(axes) + 1e-20).sqrt()
        var sum = try graph.fill(0, shape: [x.shape[0]])
        for axis in 1..<(t.rank - 1) where t.shape[axis] > 1 {
            let later = try t.sliced(axis: axis, from: 1, to: t.shape[axis])
            let earlier = try t.sliced(axis: axis, from: 0, to: t.shape[axis] - 1)
            sum = try sum + (later - earlier).abs().mean(axes)
        }
        return try (sum / deviation).evaluated().array(of: Double.self)
    }

    /// Levels in dB of bands of a third of an octave, loudness left out: [n, bands]. Sounds by frequency,
    /// pictures by distance from the spectrum's middle.
    static func bandLevels(_ x: Traced, _ space: InputSpace) throws -> Traced {
        let frequencies: [Double]
        let power: Traced
        switch x.rank {
        case 3:
            let n = x.shape[1]
            frequencies = (0..<(n / 2 + 1)).map { Double($0) / Double(n) }
            power = try x.transposed([0, 2, 1]).realFourier().square().sum([-1]).mean([1])
        case 4:
            let fourier = PictureFourier(height: x.shape[1], width: x.shape[2])
            frequencies = fourier.frequencies
            power = try MagnitudeSpectrum.magnitude(x).square().mean([1])
                .reshaped([x.shape[0], frequencies.count])
        default:
            throw Failure(.shape, "spectra are of sounds and pictures, not of \(Shape.describe(x.shape))")
        }
        let least = frequencies.filter { $0 > 0 }.min() ?? 0.5
        let lowest = x.rank == 3 ? max(50 / Double(space.rate), 2 * least) : 2 * least
        var members: [[Int]] = []
        var low = lowest
        while low < 0.5 {
            let high = low * pow(2, 1.0 / 3)
            let inside = frequencies.indices.filter { frequencies[$0] >= low && frequencies[$0] < high }
            if !inside.isEmpty { members.append(inside) }
            low = high
        }
        guard !members.isEmpty else {
            throw Failure(.shape, "inputs \(Shape.describe(space.shape)) are too short for a spectrum")
        }
        var matrix = [Float](repeating: 0, count: frequencies.count * members.count)
        for (b, inside) in members.enumerated() {
            for k in inside { matrix[k * members.count + b] = 1 / Float(inside.count) }
        }
        let bands = x.graph.constant(try Tensor(matrix, shape: [frequencies.count, members.count]))
        let levels = try (power.matmul(bands) + 1e-9).log() * (10 / log(10))
        return try levels - levels.mean([1], keepAxes: true)
    }

    /// The root mean square difference, in dB, between the band levels of each input and the mean levels
    /// of real examples, loudness left out: [n].
    public static func spectralDistance(
        _ x: Tensor, _ space: InputSpace, from examples: any ExampleSet, most: Int = 128
    ) throws -> [Double] {
        guard examples.exampleShape == space.shape else {
            throw Failure(
                .shape,
                "the real examples have shape \(Shape.describe(examples.exampleShape)), the inputs \(Shape.describe(space.shape))"
            )
        }
        let count = min(most, examples.count)
        guard count > 0 else { throw Failure(.value, "there are no real examples to compare with") }
        let places = (0..<count).map { $0 * examples.count / count }
        let graph = Graph()
        let real = try bandLevels(graph.constant(examples.batch(places).inputs), space).mean(
            [0], keepAxes: true)
        let own = try bandLevels(graph.constant(x), space)
        return try (own - real).square().mean([1]).sqrt().evaluated().array(of: Double.self)
    }

    /// How far results of one target from different seeds agree: the mean correlation of their band
    /// levels over time (sounds, in 16 slices) or over the parts of the picture (4 x 4), over all pairs.
    public static func agreement(_ x: Tensor, _ space: InputSpace) throws -> Double {
        let n = x.shape[0]
        guard n > 1 else { throw Failure(.value, "agreement needs results of more than one seed") }
        let graph = Graph()
        let t = graph.constant(x)
        var parts: [Traced] = []
        if t.rank == 3 {
            let length = t.shape[1] / 16
            guard length >= 64 else {
                throw Failure(.shape, "sounds of \(t.shape[1]) samples are too short to compare")
            }
            for i in 0..<16 {
                parts.append(try t.sliced(axis: 1, from: i * length, to: (i + 1) * length))
            }
        } else {
            let (h, w) = (t.shape[1] / 4, t.shape[2] / 4)
            guard h >= 8, w >= 8 else {
                throw Failure(.shape, "pictures of \(t.shape[1]) x \(t.shape[2]) are too small to compare")
            }
            for i in 0..<16 {
                let row = try t.sliced(axis: 1, from: i / 4 * h, to: (i / 4 + 1) * h)
                parts.append(try row.sliced(axis: 2, from: i % 4 * w, to: (i % 4 + 1) * w))
            }
        }
        let levels = try Traced.concatenated(parts.map { try bandLevels($0, space) }, axis: 1)
        let unit = try levels / (levels.square().sum([1], keepAxes: true) + 1e-12).sqrt()
        let sum = try unit.matmul(unit, transposeB: true).sum().evaluated().scalarValue()
        return (sum - Double(n)) / Double(n * (n - 1))
    }
}
