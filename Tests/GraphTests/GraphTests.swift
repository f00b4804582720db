import Graph
import Support
import Tensor
import Testing

/// Gradients of every operation against central differences, all in float64.
@Suite struct FiniteDifferenceTests {
    private func check(
        _ shapes: [[Int]], positive: Bool = false, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: ([Traced]) throws -> Traced
    ) throws {
        let graph = Graph()
        let inputs = shapes.map { graph.input(ValueType($0, .float64)) }
        let y = try body(inputs)
        let weights = try graph.constant(
            Tensor(random: .uniform, shape: y.shape, key: RandomKey(seed: 5)).converted(to: .float64))
        let loss = try (y * weights).sum()
        let gradients = try graph.gradients(of: loss, withRespectTo: inputs)
        var leaves: [Int: ReferenceArray] = [:]
        for (i, input) in inputs.enumerated() {
            var a = try ReferenceArray(
                Tensor(random: .uniform, shape: input.shape, key: RandomKey(seed: UInt64(i))))
            a.values = a.values.map { positive ? $0 + 0.5 : $0 * 2 - 1 }
            leaves[input.id] = a
        }
        let analytic = try graph.referenceValues(of: gradients, leaves: leaves)
        let step = 1e-6
        for (i, input) in inputs.enumerated() {
            for j in 0..<(leaves[input.id]?.values.count ?? 0) {
                var (up, down) = (leaves, leaves)
                up[input.id]?.values[j] += step
                down[input.id]?.values[j] -= step
                let difference =
                    try graph.referenceValues(of: [loss], leaves: up)[0].values[0]
                    - graph.referenceValues(of: [loss], leaves: down)[0].values[0]
                let numeric = difference / (2 * step)
                let own = analytic[i].values[j]
                #expect(
                    abs(numeric - own) <= 1e-5 * max(1, abs(own)),
                    "input \(i)[\(j)]: \(own), numeric \(numeric)",
                    sourceLocation: sourceLocation)
            }
        }
    }

    @Test(arguments: UnaryFunction.allCases) func unary(_ function: UnaryFunction) throws {
        if function.apply(0.3, alpha: 0.2) == function.apply(0.7, alpha: 0.2) || function == .isNaN { return }
        let positive = [.log, .sqrt, .reciprocal, .reciprocalSqrt].contains(function)
        try check([[2, 5]], positive: positive) { try $0[0].unary(function, alpha: 0.2).cast(.float64) }
    }

    @Test(arguments: [BinaryFunction.add, .subtract, .multiply, .divide, .power, .minimum, .maximum])
    func binary(_ function: BinaryFunction) throws {
        try check([[2, 3], [3]], positive: true) { try $0[0].binary(function, $0[1]) }
        try check([[2, 1], [1, 3]], positive: true) { try $0[0].binary(function, $0[1]) }
    }

    @Test func composites() throws {
        try check([[7]]) { try $0[0].gelu() + $0[0].selu() + $0[0].swish() }
        try check([[3, 4], [4], [4]]) { try $0[0].layerNormalized(gamma: $0[1], beta: $0[2]) }
    }

    @Test(arguments: [Reduce.Fold.sum, .mean, .max, .min]) func reductions(_ fold: Reduce.Fold) throws {
        try check([[2, 3, 4]]) { try $0[0].reduce(fold, axes: [1]) }
        try check([[2, 3, 4]]) { try $0[0].reduce(fold, axes: [0, 2], keepAxes: true) }
    }

    @Test func arrangement() throws {
        try check([[2, 3, 4]]) { try $0[0].transposed([2, 0, 1]) }
        try check([[2, 3], [2, 1]]) { try Traced.concatenated($0, axis: 1) }
        try check([[4, 5]]) { try $0[0].indexed([.position(-1), .slice(start: 3, end: nil, step: -2)]) }
        try check([[2, 3]]) { try $0[0].padded([(1, 0), (2, 1)]) }
    }

    @Test func matmul() throws {
        try check([[3, 4], [4, 2]]) { try $0[0].matmul($0[1]) }
        try check([[4, 3], [2, 4]]) { try $0[0].matmul($0[1], transposeA: true, transposeB: true) }
        try check([[2, 3, 4], [4, 2]]) { try $0[0].matmul($0[1]) }
    }

    @Test func convolutions() throws {
        try check([[2, 7, 2], [3, 2, 3]]) { try $0[0].convolved(with: $0[1]) }
        try check([[1, 9, 4], [3, 2, 2]]) {
            try $0[0].convolved(
                with: $0[1], strides: [2], dilations: [2], groups: 2, padding: .explicit([[1, 3]]))
        }
        try check([[1, 4, 5, 2], [3, 2, 2, 3]]) {
            try $0[0].convolved(with: $0[1], strides: [1, 2], padding: .valid)
        }
    }

    @Test func pooling() throws {
        try check([[2, 7, 2]]) { try $0[0].maxPooled([3], padding: .same) }
        try check([[2, 7, 2]]) { try $0[0].averagePooled([3], strides: [2], padding: .same) }
        try check([[1, 4, 5, 2]]) { try $0[0].maxPooled([2, 2]) }
    }

    @Test func normalization() throws {
        try check([[3, 4, 2], [2], [2]]) { v in
            let moments = try v[0].graph.add(BatchMoments(), [v[0]])
            return try v[0].graph.add(Normalize(epsilon: 1e-3), [v[0], moments, v[1], v[2]])
        }
    }

    @Test func softmaxAndLosses() throws {
        try check([[3, 4]]) { try $0[0].softmax() }
        try check([[3, 4]]) { try $0[0].logSoftmax() }
        try check([[3, 4], [3, 4]]) { try $0[0].crossEntropyFromLogits($0[1]) }
        try check([[3, 4], [3, 4]]) { try $0[0].softmax().crossEntropy($0[1]) }
    }

    @Test func secondDerivatives() throws {
        try check([[2, 5, 2], [3, 2, 2]]) { v in
            let y = try v[0].convolved(with: v[1]).tanh().sum()
            let g = try v[0].graph.gradients(of: y, withRespectTo: [v[1]])[0]
            return try g.square()
        }
        try check([[2, 3, 2], [2], [2]]) { v in
            let moments = try v[0].graph.add(BatchMoments(), [v[0]])
            let y = try v[0].graph.add(Normalize(epsilon: 1e-3), [v[0], moments, v[1], v[2]]).tanh().sum()
            return try v[0].graph.gradients(of: y, withRespectTo: [v[0]])[0]
        }
    }
}

@Suite struct ShapeRuleTests {
    private func message(_ body: (Graph) throws -> Void) -> String {
        do {
            try body(Graph())
            return "no failure"
        } catch { return (error as? Failure)?.message ?? "\(error)" }
    }

    @Test func messagesNameOperationAndShapes() {
        #expect(
            message { g in _ = try g.input(ValueType([2, 3])) + g.input(ValueType([4])) }
                == "+: shapes [2, 3] and [4] do not fit together")
        #expect(
            message { g in
                _ = try g.input(ValueType([1, 8, 2])).convolved(with: g.input(ValueType([3, 4, 5])))
            }
                == "conv1d: an input of 2 channels does not fit a kernel of shape [3, 4, 5]")
        #expect(
            message { g in
                _ = try g.input(ValueType([1, 2, 1])).convolved(
                    with: g.input(ValueType([5, 1, 1])), padding: .valid)
            } == "conv1d: a kernel of 5 does not fit into an axis of 2")
        #expect(
            message { g in _ = try g.input(ValueType([2, 3])).matmul(g.input(ValueType([2, 3]))) }
                == "matmul: shapes [2, 3] and [2, 3] do not fit together")
    }
}
