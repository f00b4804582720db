import CKernels
import Graph
import Support
import Tensor

/// A computation made ready to be run many times: traced once, planned once.
///
/// `inputs` are given anew to each run. `updates` write variables at the end of a run, after every
/// value of the run has been computed from the old ones. One thread at a time may run a plan.
public final class Plan {
    private let inputs: [ValueType]
    private let slots: [Slot]
    private let steps: [Step]
    /// How many steps come before the first that writes a variable; from there on a run is not stopped.
    private let interruptible: Int
    private let outputs: [(slot: Int, type: ValueType)]
    /// Variables by the plan's own numbering, and which of them a run writes.
    private let variables: [Variable]
    private let copies: [(slot: Int, variable: Int)]
    private let writes: Set<Int>
    /// Slots whose address is found anew at each run.
    private let bound: [Int]
    private let memory: PlanMemory
    /// For `runSingle`: slots of the inputs, with their positions, and of the only output.
    private let singleInputs: [(slot: Int, position: Int)]
    private let singleResults: [Int]

    public init(
        inputs: [Traced], outputs: [Traced], updates: [(variable: Variable, value: Traced)] = []
    ) throws {
        guard let graph = (outputs.first ?? updates.first?.value)?.graph else {
            throw Failure(.value, "a plan needs at least one output")
        }
        for update in updates where update.value.type != update.variable.type {
            throw Failure(
                .shape,
                "\(update.variable.name) is \(update.variable.type) and cannot take \(update.value.type)")
        }
        let ids = updates.map { (variable: $0.variable, value: $0.value.id) }
        var lowering = Lowering(graph: graph, outputs: outputs.map(\.id), updates: ids)
        let units = lowering.run()
        let emitter = Emitter(graph: graph, lowering: lowering, inputs: inputs.map(\.id))
        try emitter.emit(units, updates: ids, outputs: outputs.map(\.id))
        var ends: [(slot: Int, type: ValueType)] = []
        for output in outputs { ends.append((try emitter.slot(of: output.id), output.type)) }
        var copies: [(slot: Int, variable: Int)] = []
        for update in ids {
            let index = emitter.index(of: update.variable)
            if emitter.writtenInPlace.contains(index) { continue }
            copies.append((try emitter.slot(of: update.value), index))
        }
        emitter.keepUntilEnd(ends.map(\.slot) + copies.map(\.slot))
        self.inputs = inputs.map(\.type)
        self.outputs = ends
        self.copies = copies
        // A result made in the plan's own memory is made in its tensor instead.
        var slots = emitter.slots
        for (position, end) in ends.enumerated()
        where slots[end.slot].isInternal && slots[end.slot].bytes == end.type.count * end.type.type.size {
            slots[end.slot].home = .output(position)
        }
        self.slots = slots
        bound = slots.indices.filter { slots[$0].isBound }
        singleInputs = bound.compactMap { slot in
            if case .input(let position) = slots[slot].home { (slot, position) } else { nil }
        }
        singleResults = bound.filter { if case .output = slots[$0].home { true } else { false } }
        steps = emitter.steps
        interruptible = steps.firstIndex { $0.commits } ?? steps.count
        variables = emitter.variables
        writes = emitter.writtenInPlace.union(copies.map(\.variable))
        memory = try PlanMemory(slots: slots)
        for (index, slot) in slots.enumerated() {
            switch slot.home {
            case .constant(let tensor): memory[index] = tensor.base
            case .kept(let buffer): memory[index] = buffer.base
            case .arena, .input, .output, .variable: break
            }
        }
    }

    /// Compute the outputs for `values`, one for each input, in order.
    /// Throws `Failure.interrupted` soon after `cancel` is set, within a step too where the kernels are
    /// ours; variables then keep their old values.
    public func run(_ values: [Tensor] = [], cancel: CancelFlag = .shared) throws -> [Tensor] {
        try cancel.check()
        let results = try outputs.map { try Tensor(uninitialized: $0.type.shape, $0.type.type) }
        let held = try bind(values, results)
        for step in steps[..<interruptible] { try step.run(memory, until: cancel) }
        for step in steps[interruptible...] { try step.run(memory) }
        for (output, tensor) in zip(outputs, results) {
            if let base = memory[output.slot], base != tensor.base {
                tensor.base.copyMemory(from: base, byteCount: tensor.byteCount)
            }
        }
        if !writes.isEmpty { try writeVariables() }
        withExtendedLifetime(held) {}
        return results
    }

    /// As `run` for a plan of one output, with as little around it as can be: what a line such as
    /// `t + 1` costs beside its own computation.
    func runSingle(_ values: [Tensor], cancel: CancelFlag = .shared) throws -> Tensor {
        guard variables.isEmpty, outputs.count == 1, values.count == inputs.count else {
            return try run(values, cancel: cancel)[0]
        }
        for i in values.indices where !values[i].isDense { return try run(values, cancel: cancel)[0] }
        try cancel.check()
        let result = try Tensor(uninitialized: outputs[0].type.shape, outputs[0].type.type)
        for i in singleInputs.indices { memory[singleInputs[i].slot] = values[singleInputs[i].position].base }
        for slot in singleResults { memory[slot] = result.base }
        for i in steps.indices { try steps[i].run(memory, until: cancel) }
        if let base = memory[outputs[0].slot], base != result.base {
            result.base.copyMemory(from: base, byteCount: result.byteCount)
        }
        withExtendedLifetime(values) {}
        return result
    }

    /// Fills in the addresses of what comes from outside; returns what must live until the end.
    private func bind(_ values: [Tensor], _ results: [Tensor]) throws -> [Tensor] {
        guard values.count == inputs.count else {
            throw Failure(.argument, "the plan takes \(inputs.count) inputs, not \(values.count)")
        }
        var held: [Tensor] = []
        for (type, value) in zip(inputs, values) {
            guard value.shape == type.shape, value.type == type.type else {
                throw Failure(
                    .shape, "the plan's input is \(type), not \(ValueType(value.shape, value.type))")
            }
            held.append(try value.dense())
        }
        for index in bound {
            switch slots[index].home {
            case .input(let position): memory[index] = held[position].base
            case .output(let position): memory[index] = results[position].base
            case .variable(let number):
                let variable = variables[number]
                if writes.contains(number) {
                    memory[index] = try variable.exclusiveBase()
                } else {
                    let value = try variable.value.dense()
                    held.append(value)
                    memory[index] = value.base
                }
            case .arena, .constant, .kept: break
            }
        }
        return held
    }

    private func writeVariables() throws {
        // All new values are taken before the first is written: one may be another's old value.
        var fresh: [(Variable, Tensor)] = []
        for copy in copies {
            let variable = variables[copy.variable]
            let tensor = try Tensor(uninitialized: variable.type.shape, variable.type.type)
            if let base = memory[copy.slot] {
                tensor.base.copyMemory(from: base, byteCount: tensor.byteCount)
            }
            fresh.append((variable, tensor))
        }
        for (variable, tensor) in fresh { try variable.assign(tensor) }
        let copied = Set(copies.map(\.variable))
        for number in writes where !copied.contains(number) { variables[number].touch() }
    }

    /// As `run`, with the seconds that each step took: for looking where the time goes.
    public func profile(_ values: [Tensor] = []) throws -> [(label: String, seconds: Double)] {
        let results = try outputs.map { try Tensor(uninitialized: $0.type.shape, $0.type.type) }
        let held = try bind(values, results)
        let clock = ContinuousClock()
        var times: [(label: String, seconds: Double)] = []
        for step in steps {
            let elapsed = try clock.measure { try step.run(memory) }
            let (seconds, attoseconds) = elapsed.components
            times.append((step.label, Double(seconds) + Double(attoseconds) * 1e-18))
        }
        try writeVariables()
        withExtendedLifetime((held, results)) {}
        return times
    }

    /// Names of the steps in order, for tests and for looking where the time goes.
    public var stepLabels: [String] { steps.map(\.label) }

    /// Bytes of working memory.
    public var workingBytes: Int { memory.arenaBytes }
}

extension Traced {
    /// The value, computed now: everything it depends on must be constants or variables.
    public func evaluated() throws -> Tensor {
        try Plan(inputs: [], outputs: [self]).run()[0]
    }
}
