import Graph
import Support
import Synchronization
import Tensor

/// Runs one small computation on tensors at hand: a line such as `t @ t + 1`, an operator at a
/// time. It is the same mechanism as everything else (trace, plan, run); the plan of each
/// computation is kept, so that the next one of the same kind on inputs of the same types only runs.
public enum Eager {
    /// What tells one computation from another, besides the types of its inputs.
    public struct Key: Hashable, Sendable {
        /// The computation's name: "+", "softmax", "conv1d".
        public var name: String
        /// All options that the trace depends on.
        public var options: [Double]

        public init(_ name: String, _ options: [Double] = []) {
            self.name = name
            self.options = options
        }
    }

    /// The result of the computation that `trace` records, on `inputs`. `trace` must depend on
    /// nothing but `key` and the types of its inputs. Throws what `trace` and the run throw.
    public static func run(
        _ key: Key, _ inputs: [Tensor], _ trace: ([Traced]) throws -> Traced
    ) throws -> Tensor {
        let signature = Signature(key, inputs)
        if let entry = plans.withLock({ $0.value.take(signature, key, inputs) }) {
            defer { entry.isBusy.store(false, ordering: .releasing) }
            return try entry.plan.runSingle(inputs)
        }
        do {
            let graph = Graph()
            let values = inputs.map { graph.input(ValueType($0.shape, $0.type)) }
            let plan = try Plan(inputs: values, outputs: [trace(values)])
            let result = try plan.runSingle(inputs)
            plans.withLock { $0.value.put(PlanStore.Entry(plan, key, inputs), signature) }
            return result
        } catch let failure as Failure where failure.kind == .memory {
            let shapes = inputs.map { Shape.describe($0.shape) }.joined(separator: ", ")
            throw Failure(.memory, "\(key.name) of \(shapes): \(failure.message)", hint: failure.hint)
        }
    }

    /// How many plans are kept, and how many at most; for tests.
    package static var keptPlans: Int { plans.withLock { $0.value.count } }
    package static let mostPlans = PlanStore.most

    private struct Box: @unchecked Sendable { var value = PlanStore() }
    // An entry is run only by whoever marked it as busy, so never by two threads.
    private static let plans = Mutex(Box())
}

/// A cheap mixture of a computation and its inputs' types: where to look for its plan.
private struct Signature {
    var bits: UInt64 = 0xcbf2_9ce4_8422_2325

    init(_ key: Eager.Key, _ inputs: [Tensor]) {
        for byte in key.name.utf8 { mix(UInt64(byte)) }
        for option in key.options { mix(option.bitPattern) }
        for i in inputs.indices {
            mix(UInt64(inputs[i].type.rawValue) &+ 0x100)
            for length in inputs[i].shape { mix(UInt64(bitPattern: Int64(length))) }
        }
        bits ^= bits >> 29
    }

    private mutating func mix(_ x: UInt64) {
        bits = (bits ^ x) &* 0x9E37_79B9_7F4A_7C15
        bits ^= bits >> 32
    }
}

/// Plans at rest: sets of four, in each the least recently used forgotten first.
private struct PlanStore {
    private static let sets = 128
    private static let ways = 4
    static let most = sets * ways
    /// A plan with more working memory is not kept: what it computes takes longer than planning.
    private static let mostBytes = 1 << 20

    // Its tick changes only under the store's lock.
    final class Entry: @unchecked Sendable {
        let plan: Plan
        let isBusy = Atomic(false)
        private let key: Eager.Key
        private let shapes: [[Int]]
        private let types: [ElementType]
        var tick = 0

        init(_ plan: Plan, _ key: Eager.Key, _ inputs: [Tensor]) {
            self.plan = plan
            self.key = key
            shapes = inputs.map(\.shape)
            types = inputs.map(\.type)
        }

        func isFor(_ key: Eager.Key, _ inputs: [Tensor]) -> Bool {
            guard shapes.count == inputs.count, self.key.name == key.name, self.key.options == key.options
            else { return false }
            for i in inputs.indices where types[i] != inputs[i].type || shapes[i] != inputs[i].shape {
                return false
            }
            return true
        }
    }
    private var entries = [Entry?](repeating: nil, count: most)
    private var clock = 0
    private(set) var count = 0

    private static func places(_ signature: Signature) -> Range<Int> {
        let first = Int(signature.bits % UInt64(sets)) * ways
        return first..<first + ways
    }

    mutating func take(_ signature: Signature, _ key: Eager.Key, _ inputs: [Tensor]) -> Entry? {
        for place in Self.places(signature) {
            guard let entry = entries[place], entry.isFor(key, inputs) else { continue }
            guard !entry.isBusy.exchange(true, ordering: .acquiring) else { return nil }
            clock += 1
            entry.tick = clock
            return entry
        }
        return nil
    }

    /// Keeps an entry, unless another thread has kept the same by now.
    mutating func put(_ entry: Entry, _ signature: Signature) {
        guard entry.plan.workingBytes <= Self.mostBytes else { return }
        clock += 1
        entry.tick = clock
        var best = Self.places(signature).lowerBound
        for place in Self.places(signature) {
            guard let old = entries[place] else {
                count += 1
                entries[place] = entry
                return
            }
            if old.tick < entries[best]?.tick ?? 0 { best = place }
        }
        entries[best] = entry
    }
}
