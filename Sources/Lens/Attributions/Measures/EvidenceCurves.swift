import Engine
import Graph
import Network
import Support
import Tensor

/// How well a map tells what matters (Petsiuk et al. 2018): the class' probability while the most
/// important places are deleted first, and while they are inserted first into what holds nothing.
///
/// A good map's deletion curve falls at once (small area) and its insertion curve rises at once
/// (great area); the same in random order says what a map that tells nothing reaches.
public struct EvidenceCurves: Sendable {
    public let label: String
    /// Part of the places deleted or inserted, from 0 to 1.
    public let parts: [Double]
    /// The class' probability at each part.
    public let deletion: [Double]
    public let insertion: [Double]
    public let randomDeletion: [Double]
    public let randomInsertion: [Double]

    /// Areas under the curves, by the trapezoidal rule.
    public var deletionArea: Double { Self.area(deletion) }
    public var insertionArea: Double { Self.area(insertion) }
    public var randomDeletionArea: Double { Self.area(randomDeletion) }
    public var randomInsertionArea: Double { Self.area(randomInsertion) }

    static func area(_ curve: [Double]) -> Double {
        guard curve.count > 1 else { return curve.first ?? .nan }
        let ends = ((curve.first ?? 0) + (curve.last ?? 0)) / 2
        return (curve.reduce(0, +) - ends) / Double(curve.count - 1)
    }
}

extension Attribution {
    /// Deletion and insertion for one of the attribution's classes.
    ///
    /// - index: which of `classes`.
    /// - steps: pieces in which places go; the curves have one point more.
    /// - orders: how many random orders the reference is the mean of.
    /// - baseline: what deleted places hold and insertion begins with, [1] + input shape or less; nil:
    ///   zeros for waveforms; for pictures deletion leaves zeros and insertion begins with a blurred copy.
    public func evidenceCurves(
        index: Int = 0, steps: Int = 20, orders: Int = 3, baseline: Tensor? = nil,
        key: RandomKey = RandomKey(seed: 0),
        cancel: CancelFlag = .shared
    ) throws -> EvidenceCurves {
        guard classes.indices.contains(index) else {
            throw Failure(.index, "insertion_deletion: there are \(classes.count) classes, not \(index + 1)")
        }
        guard 2...1000 ~= steps, 1...100 ~= orders else {
            throw Failure(.argument, "insertion_deletion: steps must be from 2 to 1000, orders from 1 to 100")
        }
        let lengths = Array(input.shape.dropLast())
        let places = lengths.reduce(1, *)
        let values = try map[[.position(index)]].array(of: Float.self)
        let plan = try EvidencePlan(network, batch: min(steps + 1, 16))
        let x = try input.converted(to: .float32).dense().reshaped([1] + input.shape)
        var empty = try Tensor(repeating: 0, shape: x.shape)
        var blurred = empty
        if let baseline {
            let whole = baseline.rank == x.rank ? baseline : try baseline.reshaped([1] + baseline.shape)
            empty = try whole.converted(to: .float32).broadcasted(to: x.shape).dense()
            blurred = empty
        } else if lengths.count == 2 {
            blurred = try Self.blurred(x, cancel)
        }
        let parts = (0...steps).map { Double($0) / Double(steps) }
        func curve(_ order: [Float], _ inside: Tensor, _ outside: Tensor) throws -> [Double] {
            try plan.run(
                order, inside: inside, outside: outside, parts: parts.map { $0 * Double(places) },
                of: classes[index], cancel: cancel)
        }
        let order = try Self.ranks(values, key: key)
        var (deletions, insertions) = (
            [Double](repeating: 0, count: steps + 1), [Double](repeating: 0, count: steps + 1)
        )
        for i in 0..<orders {
            let none = [Float](repeating: 0, count: places)
            let random = try Self.ranks(
                none, key: RandomKey(seed: key.seed, step: key.step &+ UInt64(i) &+ 1))
            for (j, p) in try curve(random, empty, x).enumerated() { deletions[j] += p / Double(orders) }
            for (j, p) in try curve(random, x, blurred).enumerated() { insertions[j] += p / Double(orders) }
        }
        return EvidenceCurves(
            label: labels[index], parts: parts, deletion: try curve(order, empty, x),
            insertion: try curve(order, x, blurred), randomDeletion: deletions, randomInsertion: insertions)
    }

    /// The rank of each place, 0 for the greatest value; equal ones in random order.
    static func ranks(_ values: [Float], key: RandomKey) throws -> [Float] {
        let chance = try Tensor(permutation: values.count, key: key).array(of: Int32.self).map(Int.init)
        func sortable(_ x: Float) -> Float { x.isNaN ? -.infinity : x }
        let sorted = chance.sorted { sortable(values[$0]) > sortable(values[$1]) }
        var ranks = [Float](repeating: 0, count: values.count)
        for (rank, place) in sorted.enumerated() { ranks[place] = Float(rank) }
        return ranks
    }

    /// A picture without its detail: smoothed over a fifth of its sides.
    private static func blurred(_ x: Tensor, _ cancel: CancelFlag) throws -> Tensor {
        let recording = Recording()
        let value = try recording.give(x)
        // Each channel is a picture of one channel.
        let (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3])
        let apart = try value.transposed([3, 1, 2, 0])
        let soft = try apart.smoothed([max(height / 5, 1), max(width / 5, 1)], in: recording)
        return try recording.run(
            [soft.reshaped([channels, height, width, 1]).transposed([3, 1, 2, 0])], cancel: cancel)[0]
    }
}

/// A class' probability where the places ranked first hold one input and the others another.
private struct EvidencePlan {
    private let plan: Plan
    private let batch: Int
    private let lengths: [Int]
    private let count: Int

    init(_ network: Network, batch: Int) throws {
        self.batch = batch
        let shape = try network.builtInputShape()
        lengths = Array(shape.dropLast())
        count = try network.classCount()
        let graph = Graph()
        let inside = graph.input(ValueType([1] + shape))
        let outside = graph.input(ValueType([1] + shape))
        let ranks = graph.input(ValueType([1] + lengths + [1]))
        let limits = graph.input(ValueType([batch] + shape.map { _ in 1 }))
        let chosen = graph.input(ValueType([1, count]))
        let mixed = try ranks.binary(.less, limits).select(inside, outside)
        let probability = try (ClassScores(of: network.trace(mixed)).probabilities * chosen).sum([-1])
        plan = try Plan(inputs: [inside, outside, ranks, limits, chosen], outputs: [probability])
    }

    func run(
        _ order: [Float], inside: Tensor, outside: Tensor, parts: [Double], of c: Int, cancel: CancelFlag
    ) throws -> [Double] {
        let ranks = try Tensor(order, shape: [1] + lengths + [1])
        var row = [Float](repeating: 0, count: count)
        row[c] = 1
        let chosen = try Tensor(row, shape: [1, count])
        var curve: [Double] = []
        for start in stride(from: 0, to: parts.count, by: batch) {
            let used = parts[start..<min(start + batch, parts.count)].map { Float($0) }
            let limits = try Tensor(
                used + [Float](repeating: 0, count: batch - used.count),
                shape: [batch] + [Int](repeating: 1, count: lengths.count + 1))
            let values = try plan.run([inside, outside, ranks, limits, chosen], cancel: cancel)[0]
            curve += try values.array(of: Double.self).prefix(used.count)
        }
        return curve
    }
}
