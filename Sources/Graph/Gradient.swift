import Support
import Tensor

/// Another derivative for an operation; nil: its own.
public typealias GradientRule = (any Operation, GradientContext) throws -> [Traced?]?

extension Graph {
    /// The gradient of `output` with respect to each of `inputs`, as new values of this graph:
    /// reverse-mode differentiation by graph transformation, so it can be differentiated again.
    ///
    /// - output: a single number, unless `seed` (same shape as `output`) says how to weigh its elements.
    /// - rule: another derivative for some operations, nil where an operation keeps its own: a ReLU that
    ///   lets through what it should block, and the like.
    /// - Nothing is recorded that the asked-for gradients do not need.
    public func gradients(
        of output: Traced, withRespectTo inputs: [Traced], seed: Traced? = nil, rule: GradientRule? = nil
    ) throws -> [Traced] {
        guard output.type.type.isFloat else {
            throw Failure(
                .type, "grad: the function's result is \(output.type), not a float tensor",
                hint: "differentiate something smooth: sums, losses, activations")
        }
        if seed == nil && output.type.count != 1 {
            throw Failure(
                .shape,
                "grad: the function's result has shape \(Shape.describe(output.shape)), not one number",
                hint: "reduce it with sum or mean")
        }
        let influenced = nodesInfluenced(by: inputs.map(\.id), upTo: output.id)
        var cotangents: [Int: Traced] = [:]
        if output.id < influenced.count, influenced[output.id] {
            cotangents[output.id] = try seed ?? fill(1, shape: output.shape, output.type.type)
        }
        let wanted = Set(inputs.map(\.id))
        var id = output.id
        while id >= 0 {
            defer { id -= 1 }
            guard influenced[id], let cotangent = cotangents[id] else { continue }
            let node = nodes[id]
            if node.inputs.isEmpty { continue }
            if !wanted.contains(id) { cotangents[id] = nil }
            let needed = node.inputs.map { influenced[$0] }
            guard needed.contains(true) else { continue }
            let context = GradientContext(
                inputs: node.inputs.map { Traced(graph: self, id: $0) },
                output: Traced(graph: self, id: id), cotangent: cotangent, needed: needed)
            let parts = try rule?(node.operation, context) ?? node.operation.gradient(context)
            for (position, input) in node.inputs.enumerated()
            where needed[position] && position < parts.count {
                guard let part = parts[position] else { continue }
                cotangents[input] = try cotangents[input].map { try $0 + part } ?? part
            }
        }
        return try inputs.map { input in
            try cotangents[input.id] ?? fill(0, shape: input.shape, input.type.type)
        }
    }

    /// Which nodes up to `last` depend on one of `ids` (those themselves included).
    private func nodesInfluenced(by ids: [Int], upTo last: Int) -> [Bool] {
        var influenced = [Bool](repeating: false, count: last + 1)
        for id in ids where id <= last { influenced[id] = true }
        for id in 0...last where !influenced[id] {
            influenced[id] = nodes[id].type.type.isFloat && nodes[id].inputs.contains { influenced[$0] }
        }
        return influenced
    }

    /// Run the computation plainly in float64 through the reference kernels.
    /// `values` gives the leaves' values by node; captures and variables are taken as they stand.
    public func referenceValues(
        of outputs: [Traced], leaves: [Int: ReferenceArray] = [:]
    ) throws -> [ReferenceArray] {
        var needed = [Bool](repeating: false, count: nodes.count)
        for output in outputs { needed[output.id] = true }
        for id in nodes.indices.reversed() where needed[id] {
            for input in nodes[id].inputs { needed[input] = true }
        }
        var values = leaves
        for id in nodes.indices where needed[id] && values[id] == nil {
            if let tensor = captures[id] ?? variables[id]?.value {
                values[id] = try ReferenceArray(tensor)
            } else {
                let inputs = try nodes[id].inputs.map { input in
                    guard let value = values[input] else {
                        throw Failure(.value, "an input of the computation was given no value")
                    }
                    return value
                }
                values[id] = try nodes[id].operation.reference(inputs)
            }
        }
        return outputs.compactMap { values[$0.id] }
    }
}
