import Engine
import Graph
import Language
import Support
import Tensor

/// What `jit` keeps: a plan for each form that the arguments have had.
final class KeptTraces {
    private let function: Value
    private let chance: Chance
    private var entries: [String: Entry] = [:]
    private var clock = 0
    private static let most = 16

    private final class Entry {
        let plan: Plan?
        let result: ValueTree
        /// True where the run wants a random key first.
        let drawsRandom: Bool
        /// What the form names by identity.
        let held: [Value]
        /// The function decides by the numbers themselves: it is called each time.
        let isPlain: Bool
        var tick = 0

        init(plan: Plan?, result: ValueTree, drawsRandom: Bool, held: [Value], isPlain: Bool = false) {
            self.isPlain = isPlain
            self.plan = plan
            self.result = result
            self.drawsRandom = drawsRandom
            self.held = held
        }
    }

    init(_ function: Value, _ chance: Chance) {
        self.function = function
        self.chance = chance
    }

    func call(_ arguments: [Value], _ named: [(name: String, value: Value)], _ interpreter: Interpreter)
        throws -> Value
    {
        var leaves: [Value] = []
        let all = try ValueTree(
            .list(arguments + [Value(named.map { ($0.name, $0.value) })]), numbers: false, into: &leaves)
        // Inside another trace the function simply becomes part of it.
        if Differentiation.openGraph(leaves) != nil {
            return try interpreter.call(function, arguments, named)
        }
        let tensors = try leaves.map { leaf -> Tensor in
            guard case .object(let o) = leaf, let t = o as? TensorObject else {
                throw Failure(.value, "no tensor")
            }
            return try t.tensor(for: "jit")
        }
        var held: [Value] = []
        let form = all.signature(leaves, &held)
        let entry = try entries[form] ?? record(all, tensors, arguments.count, interpreter, held)
        // A call that fails says nothing of the next one: it is recorded anew.
        let plain = entry.isPlain ? try interpreter.call(function, arguments, named) : nil
        if entries[form] == nil {
            forgetOldest()
            entries[form] = entry
        }
        clock += 1
        entry.tick = clock
        if let plain { return plain }
        let key = entry.drawsRandom ? [try Tensor(chance.nextKey().words, shape: [4])] : []
        let results = try entry.plan?.run(key + tensors) ?? []
        return entry.result.value(try results.map(TensorObject.value))
    }

    private func forgetOldest() {
        guard entries.count >= Self.most, let oldest = entries.min(by: { $0.value.tick < $1.value.tick })
        else { return }
        entries[oldest.key] = nil
    }

    private func record(
        _ all: ValueTree, _ tensors: [Tensor], _ positional: Int, _ interpreter: Interpreter, _ held: [Value]
    ) throws -> Entry {
        let trace = Trace(isKept: true)
        return try Trace.$current.withValue(trace) {
            let inputs = tensors.map { trace.graph.input(ValueType($0.shape, $0.type)) }
            let values = all.value(inputs.map { .object(TensorObject($0)) }).asList?.items ?? []
            let named = values.last?.asRecord?.pairs.map { (name: $0.0, value: $0.1) } ?? []
            let plain = Entry(plan: nil, result: all, drawsRandom: false, held: held, isPlain: true)
            let result: Value
            do {
                result = try interpreter.call(function, Array(values.prefix(positional)), named)
            } catch {
                if (error as? Diagnostics)?.isInterrupt ?? (error.asFailure.kind == .interrupted) {
                    throw error
                }
                // Whatever it wanted with numbers: called as it is, it gives its result, or its own error.
                return plain
            }
            if trace.lacksNumbers { return plain }
            var leaves: [Value] = []
            let tree = try ValueTree(result, numbers: false, into: &leaves)
            let outputs = try leaves.map { leaf -> Traced in
                guard case .object(let o) = leaf, let t = o as? TensorObject else {
                    throw Failure(.value, "no tensor")
                }
                return try TensorObject.lifted([t, TensorObject(inputs.first ?? trace.graph.fill(0))])[0]
            }
            let keys = trace.key.map { [$0] } ?? []
            let plan = outputs.isEmpty ? nil : try Plan(inputs: keys + inputs, outputs: outputs)
            return Entry(plan: plan, result: tree, drawsRandom: trace.key != nil, held: held)
        }
    }
}
