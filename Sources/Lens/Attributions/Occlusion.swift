import Graph
import Support
import Tensor

/// The windows of occlusion (Zeiler and Fergus 2014): by how much a class' score falls when one of them
/// is covered, averaged over those that cover a place.
struct Occlusion: InputMasks {
    private let lengths: [Int]
    private let window: [Int]
    /// Where windows begin: [windows][axes].
    private let starts: [[Int]]

    init(lengths: [Int], window: [Int], stride: [Int]) throws {
        self.lengths = lengths
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
    }

    var count: Int { starts.count }
    var size: Int { lengths.count }
    var measure: MaskPasses.Measure { .fall }

    func numbers(_ range: Range<Int>) throws -> [Float] { starts[range].flatMap { $0.map { Float($0) } } }

    /// 1 inside the window that begins at `begin` [batch, axes].
    func traced(_ begin: Traced) throws -> Traced {
        let ones = [Int](repeating: 1, count: size + 1)
        var mask: Traced?
        for axis in 0..<size {
            var along = [1] + ones
            along[axis + 1] = lengths[axis]
            let place = try begin.graph.iota(lengths[axis]).reshaped(along)
            let first = try begin.sliced(axis: 1, from: axis, to: axis + 1).reshaped([begin.shape[0]] + ones)
            let inside = try place.binary(.greaterEqual, first).binary(
                .and, place.binary(.less, first + Double(window[axis])))
            mask = try mask.map { try $0.binary(.and, inside) } ?? inside
        }
        guard let mask else { throw Failure(.shape, "occlusion: the input has no places") }
        return try mask.cast(.float32)
    }
}
