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
        let hash = key.hash(with: inputs)
        if let entry = plans.withLock({ $0.value.take(hash, key, inputs) }) {
            defer { plans.withLock { _ in entry.isBusy = false } }
            return try entry.plan.run(inputs)[0]
        }
        do {
            let graph = Graph()
            let values = inputs.map { graph.input(ValueType($0.shape, $0.type)) }
            let plan = try Plan(inputs: values, outputs: [trace(values)])
            let result = try plan.run(inputs)[0]
            plans.withLock { $0.value.put(hash, key, inputs, plan) }
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

extension Eager.Key {
    /// Of the computation and the types of its inputs (FNV-1a over words): made for each operator that
    /// is run, so nothing is allocated.
    fileprivate func hash(with inputs: [Tensor]) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ word: UInt64) { hash = (hash ^ word) &* 0x0000_0100_0000_01b3 }
        for byte in name.utf8 { mix(UInt64(byte)) }
        for option in options { mix(option.bitPattern ^ option.bitPattern >> 32) }
        for input in inputs {
            mix(UInt64(input.type.rawValue) << 8 | UInt64(input.shape.count))
            for length in input.shape { mix(UInt64(bitPattern: Int64(length))) }
        }
        return hash
    }
}

/// Plans at rest, the least recently used forgotten first.
private struct PlanStore {
    static let most = 512
    /// A plan with more working memory is not kept: what it computes takes longer than planning.
    private static let mostBytes = 1 << 20

    final class Entry {
        let key: Eager.Key
        let types: [ValueType]
        let plan: Plan
        var tick: Int
        var isBusy = false
        init(_ key: Eager.Key, _ types: [ValueType], _ plan: Plan, tick: Int) {
            self.key = key
            self.types = types
            self.plan = plan
            self.tick = tick
        }

        func isFor(_ key: Eager.Key, _ inputs: [Tensor]) -> Bool {
            guard inputs.count == types.count, key == self.key else { return false }
            for i in inputs.indices where inputs[i].type != types[i].type || inputs[i].shape != types[i].shape
            {
                return false
            }
            return true
        }
    }
    /// By hash; two computations of one hash share a place in turn.
    private var entries: [UInt64: Entry] = [:]
    private var clock = 0

    var count: Int { entries.count }

    mutating func take(_ hash: UInt64, _ key: Eager.Key, _ inputs: [Tensor]) -> Entry? {
        guard let entry = entries[hash], !entry.isBusy, entry.isFor(key, inputs) else { return nil }
        clock += 1
        entry.tick = clock
        entry.isBusy = true
        return entry
    }

    mutating func put(_ hash: UInt64, _ key: Eager.Key, _ inputs: [Tensor], _ plan: Plan) {
        guard plan.workingBytes <= Self.mostBytes, entries[hash]?.isBusy != true else { return }
        clock += 1
        let types = inputs.map { ValueType($0.shape, $0.type) }
        entries[hash] = Entry(key, types, plan, tick: clock)
        guard entries.count > Self.most else { return }
        // A quarter at once, so that a full store does not cost a search each time.
        let ticks = entries.values.map(\.tick).sorted()
        let oldest = ticks[ticks.count / 4]
        entries = entries.filter { $0.value.tick > oldest }
    }
}
