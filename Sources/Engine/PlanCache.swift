import Graph
import Support
import Synchronization
import Tensor

/// Plans kept by the structure of their computation: whoever traces the same function again runs
/// the plan that was made the first time.
public enum PlanCache {
    /// What a computation gives for `values`, one for each of `inputs`; as `Plan(inputs:outputs:)`
    /// and `run`, but planned only where no kept plan has the same structure. Constants count as the
    /// same only where they are the same memory, so what changes from trace to trace must be an input.
    public static func run(
        inputs: [Traced], outputs: [Traced], _ values: [Tensor], cancel: CancelFlag = .shared
    ) throws -> [Tensor] {
        guard let graph = outputs.first?.graph else { return [] }
        let form = Form(graph: graph, inputs: inputs.map(\.id), outputs: outputs.map(\.id))
        if let entry = store.withLock({ $0.value.take(form) }) {
            defer { store.withLock { _ in entry.isBusy = false } }
            return try entry.plan.run(values, cancel: cancel)
        }
        let plan = try Plan(inputs: inputs, outputs: outputs)
        let results = try plan.run(values, cancel: cancel)
        store.withLock { $0.value.put(Entry(form, plan)) }
        return results
    }

    /// How many plans are kept; for tests.
    package static var count: Int { store.withLock { $0.value.entries.count } }

    private struct Box: @unchecked Sendable { var value = Store() }
    // An entry is run only by whoever marked it as busy, so never by two threads.
    private static let store = Mutex(Box())
}

/// A computation, to be compared with others.
// Built by one thread, then only read.
private struct Form: @unchecked Sendable {
    let graph: Graph
    let inputs: [Int]
    let outputs: [Int]

    func matches(_ other: Form) -> Bool {
        let (a, b) = (graph.nodes, other.graph.nodes)
        guard a.count == b.count, inputs == other.inputs, outputs == other.outputs else { return false }
        for i in a.indices {
            guard a[i].type == b[i].type, a[i].inputs == b[i].inputs,
                Self.same(a[i].operation, b[i].operation)
            else { return false }
        }
        return graph.variables.count == other.graph.variables.count
            && graph.variables.allSatisfy { other.graph.variables[$0.key] === $0.value }
            && graph.captures.count == other.graph.captures.count
            && graph.captures.allSatisfy { id, tensor in
                guard let same = other.graph.captures[id] else { return false }
                return same.base == tensor.base && same.shape == tensor.shape
                    && same.strides == tensor.strides
                    && same.type == tensor.type
            }
    }

    private static func same<O: Operation>(_ a: O, _ b: any Operation) -> Bool { (b as? O) == a }
}

// Its state is changed only under the store's lock.
private final class Entry: @unchecked Sendable {
    let form: Form
    let plan: Plan
    var tick = 0
    var isBusy = false

    init(_ form: Form, _ plan: Plan) {
        self.form = form
        self.plan = plan
    }
}

private struct Store {
    /// At most so many plans, and working memory in all; the newest is kept whatever it takes.
    private static let most = 64
    private static let mostBytes = 256 << 20

    private(set) var entries: [Entry] = []
    private var clock = 0

    mutating func take(_ form: Form) -> Entry? {
        guard let entry = entries.first(where: { !$0.isBusy && $0.form.matches(form) }) else { return nil }
        clock += 1
        entry.tick = clock
        entry.isBusy = true
        return entry
    }

    mutating func put(_ entry: Entry) {
        clock += 1
        entry.tick = clock
        entries.append(entry)
        var bytes = entries.reduce(0) { $0 + $1.plan.workingBytes }
        while entries.count > 1, entries.count > Self.most || bytes > Self.mostBytes,
            let oldest = entries.indices.min(by: { entries[$0].tick < entries[$1].tick }),
            entries[oldest] !== entry
        {
            bytes -= entries[oldest].plan.workingBytes
            entries.remove(at: oldest)
        }
    }
}
