import Engine
import Graph
import Network
import Support
import Tensor

/// Occlusion (Zeiler and Fergus 2014): by how much the class' score falls when a window of the input
/// is covered, averaged over the windows that cover a place.
struct Occlusion {
    private let plan: Plan
    private let falls: Variable
    private let counts: Variable
    private let batch: Int
    private let lengths: [Int]
    private let window: [Int]
    /// Where windows begin: [windows][axes].
    let starts: [[Int]]

    init(_ network: Network, classes: Int, window: [Int], stride: [Int], batch: Int) throws {
        let shape = try network.builtInputShape()
        lengths = Array(shape.dropLast())
        self.window = window
        var all: [[Int]] = [[]]
        for (axis, length) in lengths.enumerated() {
            // The last window ends with the axis, so that every place is covered.
            var along = Array(Swift.stride(from: 0, through: length - window[axis], by: stride[axis]))
            if let last = along.last, last < length - window[axis] { along.append(length - window[axis]) }
            guard all.count * along.count <= 1_000_000 else {
                throw Failure(
                    .argument, "occlusion: more than a million windows of \(Shape.describe(window))",
                    hint: "use a longer stride")
            }
            all = all.flatMap { start in along.map { start + [$0] } }
        }
        starts = all
        self.batch = min(batch, all.count)

        let graph = Graph()
        let rank = lengths.count
        let x = graph.input(ValueType([1] + shape))
        let cover = graph.input(ValueType([1] + shape))
        let begin = graph.input(ValueType([self.batch, rank]))
        let isUsed = graph.input(ValueType([self.batch, 1]))
        let chosen = graph.input(ValueType([classes, try network.classCount()]))
        let plain = graph.input(ValueType([1, classes]))
        var mask: Traced?
        for axis in 0..<rank {
            let ones = [Int](repeating: 1, count: rank + 1)
            var along = [1] + ones
            along[axis + 1] = lengths[axis]
            let place = graph.constant(try Tensor((0..<lengths[axis]).map { Float($0) }, shape: along))
            let first = try begin.sliced(axis: 1, from: axis, to: axis + 1).reshaped([self.batch] + ones)
            let inside = try place.binary(.greaterEqual, first).binary(
                .and, place.binary(.less, first + Double(window[axis])))
            mask = try mask.map { try $0.binary(.and, inside) } ?? inside
        }
        guard let mask else { throw Failure(.shape, "occlusion: the input has no places") }
        let covered = try mask.select(cover, x)
        let scores = try ClassScores(of: network.trace(covered)).scores.matmul(chosen, transposeB: true)
        let fall = try (plain - scores) * isUsed
        let places = lengths.reduce(1, *)
        let flat = try mask.cast(.float32).reshaped([self.batch, places]) * isUsed
        falls = Variable(try Tensor(repeating: 0, shape: [classes, places]), name: "falls")
        counts = Variable(try Tensor(repeating: 0, shape: [1, places]), name: "windows")
        let allFalls = try graph.read(falls) + fall.matmul(flat, transposeA: true)
        let allCounts = try graph.read(counts) + flat.sum([0], keepAxes: true)
        let mean = try allFalls / allCounts.binary(.maximum, allCounts.scalar(1))
        plan = try Plan(
            inputs: [x, cover, begin, isUsed, chosen, plain], outputs: [mean.reshaped([classes] + lengths)],
            updates: [(falls, allFalls), (counts, allCounts)])
    }

    /// The mean fall at each place: [classes, spatial…]. plain: scores of the whole input, [1, classes].
    func run(
        _ x: Tensor, cover: Tensor, chosen: Tensor, plain: Tensor, cancel: CancelFlag, step: (Int) -> Void
    ) throws -> Tensor {
        var result = falls.value
        for start in stride(from: 0, to: starts.count, by: batch) {
            let used = starts[start..<min(start + batch, starts.count)]
            let missing = batch - used.count
            let begins =
                used.flatMap { $0.map { Float($0) } } + [Float](repeating: 0, count: missing * lengths.count)
            let flags = [Float](repeating: 1, count: used.count) + [Float](repeating: 0, count: missing)
            result = try plan.run(
                [
                    x, cover, Tensor(begins, shape: [batch, lengths.count]),
                    Tensor(flags, shape: [batch, 1]), chosen, plain,
                ],
                cancel: cancel)[0]
            step(used.count)
        }
        return result
    }
}
