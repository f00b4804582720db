import Graph
import Support
import Tensor

/// A computation made ready to be run many times: traced once, planned once.
///
/// `inputs` are given anew to each run. `updates` write variables at the end of a run, after every
/// value of the run has been computed from the old ones.
public final class Plan {
    private let graph: Graph
    private let inputs: [Traced]
    private let outputs: [Traced]
    private let updates: [(variable: Variable, value: Traced)]

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
        self.graph = graph
        self.inputs = inputs
        self.outputs = outputs
        self.updates = updates
    }

    /// Compute the outputs for `values`, one for each input, in order.
    /// Throws `Failure.interrupted` between two steps once `cancel` is set; variables then keep their
    /// old values.
    public func run(_ values: [Tensor] = [], cancel: CancelFlag = .shared) throws -> [Tensor] {
        guard values.count == inputs.count else {
            throw Failure(.argument, "the plan takes \(inputs.count) inputs, not \(values.count)")
        }
        var leaves: [Int: ReferenceArray] = [:]
        for (input, value) in zip(inputs, values) {
            guard value.shape == input.shape, value.type == input.type.type else {
                throw Failure(
                    .shape, "the plan's input is \(input.type), not \(ValueType(value.shape, value.type))")
            }
            leaves[input.id] = try ReferenceArray(value)
        }
        try cancel.check()
        let all = outputs + updates.map(\.value)
        let results = try graph.referenceValues(of: all, leaves: leaves)
        let tensors = try zip(all, results).map { try $1.tensor($0.type.type) }
        for (update, value) in zip(updates, tensors.dropFirst(outputs.count)) {
            try update.variable.assign(value)
        }
        return Array(tensors.prefix(outputs.count))
    }
}

extension Traced {
    /// The value, computed now: everything it depends on must be constants or variables.
    public func evaluated() throws -> Tensor {
        try Plan(inputs: [], outputs: [self]).run()[0]
    }
}
