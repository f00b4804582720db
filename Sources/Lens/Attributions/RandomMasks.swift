import Graph
import Support
import Tensor

/// The masks of RISE (Petsiuk et al. 2018, section 3.2): a few cells along each axis, each kept or left
/// out by chance, stretched linearly to one cell more than the input, and the input laid over them at a
/// random place. What a class gains where a place is seen tells what the place means to it.
struct RandomMasks: InputMasks {
    private let lengths: [Int]
    private let cells: [Int]
    /// Probability that a cell is kept.
    private let keep: Double
    private let key: RandomKey
    let count: Int

    init(lengths: [Int], cells: [Int], keep: Double, count: Int, key: RandomKey) {
        (self.lengths, self.cells, self.keep) = (lengths, cells, keep)
        (self.count, self.key) = (count, key)
    }

    private var grid: Int { cells.reduce(1, *) }
    /// A number for each cell, and one for where the input lies along each axis.
    var size: Int { grid + lengths.count }
    var measure: MaskPasses.Measure { .gain }

    /// Each mask has random numbers of its own, whatever the batch.
    func numbers(_ range: Range<Int>) throws -> [Float] {
        try range.flatMap { i in
            let own = RandomKey(seed: key.seed, step: key.step &+ UInt64(i))
            return try Tensor(random: .uniform, shape: [size], key: own, stream: 2).array(of: Float.self)
        }
    }

    func traced(_ numbers: Traced) throws -> Traced {
        let batch = numbers.shape[0]
        let ones = [Int](repeating: 1, count: lengths.count + 1)
        let kept = try (numbers.sliced(axis: 1, from: 0, to: grid) < keep).cast(.float32)
            .reshaped([batch] + cells + [1])
        let positions = try lengths.indices.map { axis in
            let (length, count) = (Double(lengths[axis]), Double(cells[axis]))
            var along = [1] + ones
            along[axis + 1] = lengths[axis]
            let place = try numbers.graph.iota(lengths[axis]).reshaped(along)
            let shift = try numbers.sliced(axis: 1, from: grid + axis, to: grid + axis + 1)
                .reshaped([batch] + ones)
            // Middles of elements are at half numbers, and the cells lie over `length` and one cell more.
            let wide = try (place + shift * (length / count) + 0.5) * (count / (length + length / count))
            return try (wide - 0.5).broadcasted(to: [batch] + lengths + [1])
        }
        return try kept.resampled(
            at: Traced.concatenated(positions, axis: lengths.count + 1), border: .edge)
    }
}
