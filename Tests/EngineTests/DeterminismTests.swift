import Engine
import Graph
import Support
import Tensor
import Testing

/// The same seed gives the same bits, run after run and plan after plan, with one thread and with two.
@Suite(.serialized) struct DeterminismTests {
    /// A training step of a small network: dropout, convolution, normalization, pooling, losses, and the
    /// gradients of all weights.
    private func step(rank: Int) throws -> (plan: Plan, inputs: [Tensor]) {
        let graph = Graph()
        let spatial = rank == 1 ? [2000] : [40, 50]
        let window = [Int](repeating: 3, count: rank)
        let shapes = [
            [8] + spatial + [16], window + [16, 32], [32], window + [32, 32], [32], [32], [32, 10],
        ]
        let inputs = shapes.map { graph.input(ValueType($0)) }
        let key = graph.input(ValueType([4], .int32))
        var x = try (inputs[0].convolved(with: inputs[1]) + inputs[2]).relu()
        x = try x.droppedOut(rate: 0.3, key: key, stream: 1)
        x = try x.maxPooled([Int](repeating: 2, count: rank)).convolved(with: inputs[3])
        let moments = try graph.add(BatchMoments(), [x])
        x = try graph.add(Normalize(epsilon: 1e-3), [x, moments, inputs[4], inputs[5]]).relu()
        let logits = try x.mean(Array(1...rank)).matmul(inputs[6])
        let noise = try key.random(.truncatedNormal, shape: [8, 10], stream: 2).softmax()
        let loss = try logits.crossEntropyFromLogits(noise).mean()
        let gradients = try graph.gradients(of: loss, withRespectTo: inputs)
        let values = try shapes.enumerated().map { i, shape in
            try Tensor(random: .normal, shape: shape, key: RandomKey(seed: UInt64(i)))
        }
        let plan = try Plan(inputs: inputs + [key], outputs: [loss, x] + gradients)
        return (plan, values + [try Tensor(RandomKey(seed: 11, step: 3).words, shape: [4])])
    }

    private func bits(_ tensors: [Tensor]) throws -> [[UInt32]] {
        try tensors.map { try $0.array(of: Float.self).map(\.bitPattern) }
    }

    @Test(arguments: [1, 2]) func sameBitsAgain(_ rank: Int) throws {
        let (first, inputs) = try step(rank: rank)
        let a = try bits(first.run(inputs))
        #expect(try a == bits(first.run(inputs)))
        #expect(try a == bits(step(rank: rank).plan.run(inputs)))
    }

    @Test(arguments: [1, 2]) func oneThreadOrTwo(_ rank: Int) throws {
        let before = Effort.threads
        defer { Effort.threads = before }
        var results: [[Tensor]] = []
        for threads in [1, 2] {
            Effort.threads = threads
            let (plan, inputs) = try step(rank: rank)
            results.append(try plan.run(inputs))
        }
        for (i, (one, two)) in zip(results[0], results[1]).enumerated() {
            let (a, b) = (try one.array(of: Double.self), try two.array(of: Double.self))
            let top = a.map { abs($0) }.max() ?? 0
            let worst = zip(a, b).map { abs($0 - $1) }.max() ?? 0
            #expect(worst <= 1e-6 * top, "output \(i): off by \(worst) of \(top)")
        }
    }

    /// Long sums: a dense layer's weights under a big batch, and strided windows laid out as rows.
    @Test func longProductsDoNotFollowTheThreads() throws {
        let before = Effort.threads
        defer { Effort.threads = before }
        var results: [[UInt32]] = []
        for threads in [1, 2, 3] {
            Effort.threads = threads
            let graph = Graph()
            let shapes = [[9000, 48], [9000, 40], [3, 6000, 8], [7, 8, 24]]
            let inputs = shapes.map { graph.input(ValueType($0)) }
            let product = try inputs[0].transposed([1, 0]).matmul(inputs[1])
            let y = try inputs[2].convolved(with: inputs[3], strides: [3], padding: .valid)
            let gradient = try graph.gradients(of: y.square().sum(), withRespectTo: [inputs[3]])
            let plan = try Plan(inputs: inputs, outputs: [product] + gradient)
            let values = try shapes.enumerated().map { i, shape in
                try Tensor(random: .normal, shape: shape, key: RandomKey(seed: UInt64(i)))
            }
            results.append(try bits(plan.run(values)).flatMap { $0 })
        }
        #expect(results[0] == results[1] && results[0] == results[2])
    }

    @Test(arguments: [Distribution.uniform, .normal, .truncatedNormal])
    func randomNumbersDoNotFollowTheThreads(_ distribution: Distribution) throws {
        let before = Effort.threads
        defer { Effort.threads = before }
        var drawn: [[UInt32]] = []
        for threads in [1, 2, 3] {
            Effort.threads = threads
            let key = RandomKey(seed: 5, step: 9)
            drawn += try bits([Tensor(random: distribution, shape: [100_003], key: key, stream: 4)])
        }
        #expect(drawn[0] == drawn[1] && drawn[0] == drawn[2])
    }
}
