import Engine
import Glibc
import Graph
import Support
import Tensor

/// The two-dimensional Fourier transform of real pictures as matrix products, for any size.
///
/// A spectrum of pictures [.., h, w] is P [.., h, 2 · (w / 2 + 1)]: real parts, then imaginary ones.
struct PictureFourier {
    let height: Int
    let width: Int
    var bins: Int { width / 2 + 1 }

    /// cos and sin of 2π i j / n for i < rows and j < columns.
    private static func waves(_ rows: Int, _ columns: Int, _ n: Int) -> (cos: [Double], sin: [Double]) {
        var (c, s) = ([Double](), [Double]())
        for i in 0..<rows {
            for j in 0..<columns {
                let angle = 2 * Double.pi * Double(i * j % n) / Double(n)
                c.append(cos(angle))
                s.append(sin(angle))
            }
        }
        return (c, s)
    }

    private static func matrix(_ values: [Double], _ rows: Int, _ columns: Int, _ graph: Graph) throws
        -> Traced
    {
        graph.constant(try Tensor(values.map(Float.init), shape: [rows, columns]))
    }

    private func rows(_ graph: Graph) throws -> (cos: Traced, sin: Traced) {
        let w = Self.waves(height, height, height)
        return (try Self.matrix(w.cos, height, height, graph), try Self.matrix(w.sin, height, height, graph))
    }

    /// [.., h, w] → [.., h, 2 · bins], X = Σ x e^(−2πi (y k / h + t u / w)).
    func forward(_ x: Traced) throws -> Traced {
        let w = Self.waves(width, bins, width)
        var (first, second) = ([Double](), [Double]())
        for t in 0..<width {
            let (c, s) = (
                Array(w.cos[t * bins..<(t + 1) * bins]), w.sin[t * bins..<(t + 1) * bins].map { -$0 }
            )
            first += c + s
            second += s + c.map { -$0 }
        }
        let (c, s) = try rows(x.graph)
        let across = try Self.matrix(first, width, 2 * bins, x.graph)
        let turned = try Self.matrix(second, width, 2 * bins, x.graph)
        return try c.matmul(x.matmul(across)) + s.matmul(x.matmul(turned))
    }

    /// [.., h, 2 · bins] → [.., h, w].
    func inverse(_ p: Traced) throws -> Traced {
        let w = Self.waves(bins, width, width)
        let share = (0..<bins).map { $0 == 0 || 2 * $0 == width ? 1.0 : 2.0 }
        let size = Double(height * width)
        func scaled(_ values: [Double], _ sign: Double) -> [Double] {
            values.indices.map { values[$0] * share[$0 / width] * sign / size }
        }
        let first = scaled(w.cos, 1) + scaled(w.sin, -1)
        let second = scaled(w.sin, -1) + scaled(w.cos, -1)
        let (c, s) = try rows(p.graph)
        let across = try Self.matrix(first, 2 * bins, width, p.graph)
        let turned = try Self.matrix(second, 2 * bins, width, p.graph)
        return try c.matmul(p).matmul(across) + s.matmul(p).matmul(turned)
    }

    /// Frequencies √(fy² + fx²) in cycles a pixel, [h, bins].
    var frequencies: [Double] {
        (0..<height).flatMap { y -> [Double] in
            let fy = Double(min(y, height - y)) / Double(height)
            return (0..<bins).map { hypot(fy, Double($0) / Double(width)) }
        }
    }
}

/// Pictures as scaled Fourier coefficients, colours decorrelated where wanted; constants as in Lucid
/// (Olah et al. 2017), `lucid/optvis/param`.
struct PictureSpectrum {
    let space: InputSpace
    let decorrelated: Bool
    private let fourier: PictureFourier
    /// 1 / f^decay, [h, 2 · bins].
    private let scale: [Float]

    init(_ space: InputSpace, decay: Double, decorrelated: Bool) throws {
        guard decay.isFinite, abs(decay) <= 4 else {
            throw Failure(.argument, "maximize: a decay of \(decay) is beyond -4 to 4")
        }
        self.space = space
        self.decorrelated = decorrelated && space.shape[2] == 3
        fourier = PictureFourier(height: space.shape[0], width: space.shape[1])
        scale = Self.scale(fourier, decay: decay)
    }

    static func scale(_ fourier: PictureFourier, decay: Double) -> [Float] {
        let least = 1 / Double(max(fourier.height, fourier.width))
        let size = Double(fourier.height * fourier.width).squareRoot()
        let one = fourier.frequencies.map { Float(size / pow(max($0, least), decay) / 4) }
        let bins = fourier.bins
        return (0..<fourier.height).flatMap { y in
            let row = Array(one[y * bins..<(y + 1) * bins])
            return row + row
        }
    }

    func made(_ batch: Int, _ start: Beginning) throws -> Representation {
        let (h, w, channels) = (space.shape[0], space.shape[1], space.shape[2])
        let form = [channels, h, 2 * fourier.bins]
        let scale = try Tensor(scale, shape: [h, 2 * fourier.bins])
        let first: Tensor
        switch start {
        case .noise(let keys): first = try Parametrization.noise(form, keys, deviation: 0.01)
        case .inputs(let x):
            let graph = Graph()
            var t = try Squashing.encode(graph.constant(x), space)
            if decorrelated { t = try t.matmul(Self.colours(graph, inverse: true)) }
            t = try t.transposed([0, 3, 1, 2])
            first = try (fourier.forward(t) / graph.constant(scale)).evaluated()
        }
        let variable = Variable(first, name: "spectrum")
        let (space, decorrelated, fourier) = (self.space, self.decorrelated, self.fourier)
        return Representation(variables: [variable]) { graph in
            let planes = try fourier.inverse(graph.read(variable) * graph.constant(scale))
            var t = try planes.transposed([0, 2, 3, 1]).reshaped([batch, h, w, channels])
            if decorrelated { t = try t.matmul(Self.colours(graph, inverse: false)) }
            return try Squashing.decode(t, space)
        }
    }

    /// From decorrelated colours to red, green, blue by rows: the square root of the colours' covariance
    /// over ImageNet, scaled to a largest column of length 1, transposed.
    static func colours(_ graph: Graph, inverse: Bool) throws -> Traced {
        let root: [[Double]] = [[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]]
        let lengths = (0..<3).map { j in root.reduce(0) { $0 + $1[j] * $1[j] }.squareRoot() }
        let most = lengths.max() ?? 1
        var m = (0..<3).map { i in (0..<3).map { j in root[j][i] / most } }
        if inverse {
            func minor(_ i: Int, _ j: Int) -> Double {
                let (r, c) = ([0, 1, 2].filter { $0 != i }, [0, 1, 2].filter { $0 != j })
                let value = m[r[0]][c[0]] * m[r[1]][c[1]] - m[r[0]][c[1]] * m[r[1]][c[0]]
                return (i + j) % 2 == 0 ? value : -value
            }
            let determinant = (0..<3).reduce(0) { $0 + m[0][$1] * minor(0, $1) }
            m = (0..<3).map { i in (0..<3).map { j in minor(j, i) / determinant } }
        }
        return graph.constant(try Tensor(m.flatMap { $0 }.map(Float.init), shape: [3, 3]))
    }
}
