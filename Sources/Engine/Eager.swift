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
        let full = PlanKey(key: key, inputs: inputs)
        if let entry = plans.withLock({ $0.value.take(full) }) {
            defer { plans.withLock { _ in entry.isBusy = false } }
            return try entry.plan.run(inputs)[0]
        }
        do {
            let graph = Graph()
            let values = inputs.map { graph.input(ValueType($0.shape, $0.type)) }
            let plan = try Plan(inputs: values, outputs: [trace(values)])
            let result = try plan.run(inputs)[0]
            plans.withLock { $0.value.put(full, plan) }
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

/// Computation and input types.
private struct PlanKey: Hashable {
    let key: Eager.Key
    let shapes: [[Int]]
    /// Element types of the first 31 inputs, two bits each; those of more are among the shapes.
    let types: Int

    init(key: Eager.Key, inputs: [Tensor]) {
        self.key = key
        var shapes = inputs.map(\.shape)
        if inputs.count > 31 { shapes.append(inputs.map { Int($0.type.rawValue) }) }
        self.shapes = shapes
        types = inputs.prefix(31).reduce(0) { $0 << 2 | Int($1.type.rawValue) }
    }
}

/// Plans at rest, the least recently used forgotten first.
private struct PlanStore {
    static let most = 512
    /// A plan with more working memory is not kept: what it computes takes longer than planning.
    private static let mostBytes = 1 << 20

    final class Entry {
        let plan: Plan
        var tick: Int
        var isBusy = false
        init(_ plan: Plan, tick: Int) {
            self.plan = plan
            self.tick = tick
        }
    }
    private var entries: [PlanKey: Entry] = [:]
    private var clock = 0

    var count: Int { entries.count }

    mutating func take(_ key: PlanKey) -> Entry? {
        guard let entry = entries[key], !entry.isBusy else { return nil }
        clock += 1
        entry.tick = clock
        entry.isBusy = true
        return entry
    }

    mutating func put(_ key: PlanKey, _ plan: Plan) {
        guard plan.workingBytes <= Self.mostBytes, entries[key] == nil else { return }
        clock += 1
        entries[key] = Entry(plan, tick: clock)
        guard entries.count > Self.most else { return }
        // A quarter at once, so that a full store does not cost a search each time.
        let ticks = entries.values.map(\.tick).sorted()
        let oldest = ticks[ticks.count / 4]
        entries = entries.filter { $0.value.tick > oldest }
    }
}
