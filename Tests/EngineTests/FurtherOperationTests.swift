import Engine
import Graph
import Support
import Tensor
import Testing

/// Operations beyond the networks' own: gradients against central differences in float64, and the
/// engine against the definitions.
@Suite struct FurtherOperationTests {
    private func check(
        _ shape: [Int], sourceLocation: SourceLocation = #_sourceLocation, _ body: (Traced) throws -> Traced
    ) throws {
        let graph = Graph()
        let x = graph.input(ValueType(shape))
        let y = try body(x)
        let weights = try graph.constant(Tensor(random: .uniform, shape: y.shape, key: RandomKey(seed: 5)))
        let loss = try (y * weights).sum()
        let gradient = try graph.gradients(of: loss, withRespectTo: [x])[0]
        let value = try Tensor(random: .normal, shape: shape, key: RandomKey(seed: 1))
        let array = try ReferenceArray(value)
        let exact = try graph.referenceValues(of: [y, gradient], leaves: [x.id: array])
        for j in array.values.indices {
            var (up, down) = (array, array)
            up.values[j] += 1e-5
            down.values[j] -= 1e-5
            let difference =
                try graph.referenceValues(of: [loss], leaves: [x.id: up])[0].values[0]
                - graph.referenceValues(of: [loss], leaves: [x.id: down])[0].values[0]
            let own = exact[1].values[j]
            #expect(
                abs(difference / 2e-5 - own) <= 1e-5 * max(1, abs(own)), "[\(j)]",
                sourceLocation: sourceLocation)
        }
        let fast = try Plan(inputs: [x], outputs: [y, gradient]).run([value])
        for (a, b) in zip(fast, exact) {
            let values = try a.array(of: Double.self)
            let size = b.values.map { abs($0) }.max() ?? 1
            #expect(
                zip(values, b.values).allSatisfy { abs($0 - $1) <= 1e-5 * max(size, 1) },
                sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: [1, 2, 3, 7, 8, 16]) func fourier(_ n: Int) throws {
        try check([2, n]) { try $0.realFourier() }
        try check([2, n / 2 + 1, 2]) { try $0.inverseRealFourier(length: n) }
        try check([3, n]) { try $0.realFourier().square().inverseRealFourier(length: n) }
    }

    @Test func fourierThereAndBack() throws {
        let x = try Tensor(random: .normal, shape: [3, 1000], key: RandomKey(seed: 2))
        let graph = Graph()
        let y = try graph.constant(x).realFourier().inverseRealFourier(length: 1000).evaluated()
        let pairs = zip(try x.array(of: Float.self), try y.array(of: Float.self))
        #expect(pairs.allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test func gather() throws {
        try check([4, 3]) { x in
            try x.gathered(x.graph.constant(Tensor([2 as Int32, 0, 2, -1], shape: [4])), axis: 0)
        }
        try check([2, 5, 2]) { x in
            try x.gathered(x.graph.constant(Tensor([4 as Int32, 4], shape: [2])), axis: 1)
        }
    }

    @Test func localResponse() throws {
        try check([2, 3, 6]) { try $0.localResponseNormalized(radius: 2, bias: 2, alpha: 0.5, beta: 0.75) }
        try check([2, 3]) { try $0.localResponseNormalized() }
    }

    @Test func stopGradient() throws {
        let graph = Graph()
        let x = graph.input(ValueType([2]))
        let gradient = try graph.gradients(of: (x * x.stopped()).sum(), withRespectTo: [x])[0]
        let value = try Tensor([3 as Float, -2], shape: [2])
        #expect(try Plan(inputs: [x], outputs: [gradient]).run([value])[0].array(of: Float.self) == [3, -2])
    }
}
