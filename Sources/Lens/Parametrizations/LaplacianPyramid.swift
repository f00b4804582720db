import Engine
import Graph
import Support
import Tensor

/// Inputs as sums of smaller and smaller ones, each stretched to twice its length again and again by
/// linear interpolation (Burt and Adelson 1983): coarse shapes move as fast as fine ones.
struct LaplacianPyramid {
    let space: InputSpace
    /// Spatial lengths, finest first.
    private let sizes: [[Int]]

    init(_ space: InputSpace, levels: Int) throws {
        guard (1...24).contains(levels) else {
            throw Failure(.argument, "maximize: a pyramid has 1 to 24 levels, not \(levels)")
        }
        self.space = space
        var sizes = [Array(space.shape.dropLast())]
        while sizes.count < levels, let last = sizes.last, last.allSatisfy({ $0 >= 4 }) {
            sizes.append(last.map { ($0 + 1) / 2 })
        }
        self.sizes = sizes
    }

    func made(_ batch: Int, _ start: Beginning) throws -> Representation {
        let channels = space.shape.last ?? 1
        let isSound = space.kind == .sound
        var variables: [Variable] = []
        for (level, size) in sizes.enumerated() {
            let form = size + [channels]
            let value: Tensor
            switch start {
            case .noise(let keys):
                let own = keys.map { RandomKey(seed: $0.seed, step: $0.step &+ UInt64(level) << 32) }
                value = try Parametrization.noise(form, own, deviation: isSound ? 0.01 : 0.1)
            case .inputs(let x):
                value =
                    try level == 0
                    ? Squashing.encode(Graph().constant(x), space).evaluated()
                    : Tensor(repeating: 0, shape: [batch] + form)
            }
            variables.append(Variable(value, name: "level \(level)"))
        }
        let (all, sizes, space) = (variables, self.sizes, self.space)
        return Representation(variables: variables) { graph in
            var sum = graph.read(all[all.count - 1])
            for level in (0..<(all.count - 1)).reversed() {
                sum = try graph.read(all[level]) + Self.doubled(sum, to: sizes[level])
            }
            return try Squashing.decode(sum, space)
        }
    }

    /// Stretched to `lengths`, of which x has half (rounded up), by linear interpolation.
    static func doubled(_ x: Traced, to lengths: [Int]) throws -> Traced {
        let channels = x.shape.last ?? 1
        let n = lengths.count
        // ½ 1 ½ along each axis, one kernel for each channel.
        var kernel: [Float] = [1]
        for _ in 0..<n { kernel = kernel.flatMap { [$0 / 2, $0, $0 / 2] } }
        let each = kernel.flatMap { [Float](repeating: $0, count: channels) }
        let weights = x.graph.constant(
            try Tensor(each, shape: [Int](repeating: 3, count: n) + [1, channels]))
        let windows = [Window](repeating: Window(size: 3, stride: 2, padBefore: 1, padAfter: 1), count: n)
        let geometry = ConvolutionGeometry(windows: windows, groups: channels)
        return try x.graph.add(
            ConvolutionInputGradient(geometry, inputShape: [x.shape[0]] + lengths + [channels]), [x, weights])
    }
}
