import Engine
import Graph
import Network
import Support
import Tensor

/// Masks over an input, each traced from a few numbers of its own.
protocol InputMasks {
    /// How many there are, and how many numbers make one.
    var count: Int { get }
    var size: Int { get }
    /// What is counted where a mask is 1.
    var measure: MaskPasses.Measure { get }
    /// The numbers of masks, `size` each.
    func numbers(_ range: Range<Int>) throws -> [Float]
    /// Masks [batch, spatial…, 1] between 0 and 1 from their numbers [batch, size].
    func traced(_ numbers: Traced) throws -> Traced
}

/// What a class loses or gains by masks over an input, place by place: the mean of it over the masks,
/// each weighed by what it is at the place. One plan, a batch of masks at a time, added up in variables.
struct MaskPasses {
    enum Measure {
        /// By how much the score falls where the input is covered by the mask (occlusion).
        case fall
        /// By how much the probability is above its mean over all masks where the input is seen through
        /// the mask (RISE).
        case gain
    }
    private let masks: any InputMasks
    private let plan: Plan
    private let sums: Variable
    private let batch: Int

    init(_ network: Network, _ masks: any InputMasks, classes: Int, batch: Int) throws {
        let shape = try network.builtInputShape()
        let lengths = Array(shape.dropLast())
        let places = lengths.reduce(1, *)
        self.masks = masks
        self.batch = min(batch, masks.count)

        let graph = Graph()
        let x = graph.input(ValueType([1] + shape))
        let cover = graph.input(ValueType([1] + shape))
        let numbers = graph.input(ValueType([self.batch, masks.size]))
        let isUsed = graph.input(ValueType([self.batch, 1]))
        let chosen = graph.input(ValueType([classes, try network.classCount()]))
        let plain = graph.input(ValueType([1, classes]))
        let mask = try masks.traced(numbers)
        let rest = try 1 - mask
        let isFall = masks.measure == .fall
        let result = try ClassScores(
            of: network.trace(isFall ? x * rest + cover * mask : x * mask + cover * rest))
        let found = try (isFall ? result.scores : result.probabilities).matmul(chosen, transposeB: true)
        let change = try (isFall ? plain - found : found - plain) * isUsed
        // The last place stands for all: its weight is 1 in every mask.
        let flat = try Traced.concatenated(
            [mask.reshaped([self.batch, places]) * isUsed, isUsed], axis: 1)
        sums = Variable(
            try Tensor(repeating: 0, shape: [classes + 1, places + 1]), name: "sums over masks")
        let ones = try graph.fill(1, shape: [self.batch, 1])
        let all =
            try graph.read(sums)
            + Traced.concatenated([change, ones], axis: 1).matmul(flat, transposeA: true)
        let weighed = try all.sliced(axis: 0, from: 0, to: classes)
        let weights = try all.sliced(axis: 0, from: classes, to: classes + 1)
        let mean = try weighed / weights.binary(.maximum, weights.scalar(1e-30))
        let level = try mean.sliced(axis: 1, from: places, to: places + 1)
        let map = try (weights > 0).select(mean, level).sliced(axis: 1, from: 0, to: places)
        plan = try Plan(
            inputs: [x, cover, numbers, isUsed, chosen, plain],
            outputs: [(isFall ? map : map - level).reshaped([classes] + lengths)],
            updates: [(sums, all)])
    }

    /// The map of each class: [classes, spatial…].
    ///
    /// - cover: what is there instead of the input, [1] + input shape.
    /// - plain: scores or probabilities of the whole input, [1, classes], as the measure has it.
    func run(
        _ x: Tensor, cover: Tensor, chosen: Tensor, plain: Tensor, cancel: CancelFlag, step: (Int) -> Void
    ) throws -> Tensor {
        try sums.assign(Tensor(repeating: 0, shape: sums.type.shape))
        var result = sums.value
        for first in stride(from: 0, to: masks.count, by: batch) {
            let used = first..<min(first + batch, masks.count)
            let missing = batch - used.count
            let numbers =
                try masks.numbers(used) + [Float](repeating: 0, count: missing * masks.size)
            let flags = [Float](repeating: 1, count: used.count) + [Float](repeating: 0, count: missing)
            result = try plan.run(
                [
                    x, cover, Tensor(numbers, shape: [batch, masks.size]), Tensor(flags, shape: [batch, 1]),
                    chosen, plain,
                ],
                cancel: cancel)[0]
            step(used.count)
        }
        return result
    }
}
