import Engine
import Graph
import Support
import Tensor

/// A computation being recorded together with the values that it is run on, so that the next one of
/// the same structure runs the plan that was made for the first.
final class Recording {
    let graph = Graph()
    private(set) var inputs: [Traced] = []
    private(set) var values: [Tensor] = []

    /// A value that is given to the run.
    func give(_ tensor: Tensor) throws -> Traced {
        let own = try tensor.dense()
        let traced = graph.input(ValueType(own.shape, own.type))
        inputs.append(traced)
        values.append(own)
        return traced
    }

    func give(_ numbers: [Float], _ shape: [Int]) throws -> Traced { try give(Tensor(numbers, shape: shape)) }

    /// Rows [n, classes] with a one at each of `classes`.
    func oneHot(_ chosen: [Int], of count: Int) throws -> Traced {
        var rows = [Float](repeating: 0, count: chosen.count * count)
        for (i, c) in chosen.enumerated() { rows[i * count + c] = 1 }
        return try give(rows, [chosen.count, count])
    }

    func run(_ outputs: [Traced], cancel: CancelFlag) throws -> [Tensor] {
        try PlanCache.run(inputs: inputs, outputs: outputs, values, cancel: cancel)
    }
}
