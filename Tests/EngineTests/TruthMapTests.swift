import Engine
import Graph
import Support
import Tensor
import Testing

/// Truth values of feature maps are bytes: they must not be laid out as maps of floats are.
@Suite struct TruthMapTests {
    @Test func comparisonsOfConvolutionsReadInSeveralWays() throws {
        let graph = Graph()
        let x = graph.input(ValueType([2, 500, 1]))
        let kernel = graph.constant(try Tensor(random: .normal, shape: [5, 1, 32], key: RandomKey(seed: 1)))
        let map = try x.convolved(with: kernel)
        let isPositive = try map > 0
        let share = try isPositive.cast(.float32).mean([1, 2])
        let other = try map.square().sum([1], keepAxes: true)
        let chosen = try isPositive.select(map, map * other).sum([1, 2])
        let value = try Tensor(random: .normal, shape: [2, 500, 1], key: RandomKey(seed: 2))
        let own = try Plan(inputs: [x], outputs: [isPositive, share, chosen]).run([value])
        let exact = try graph.referenceValues(
            of: [isPositive, share, chosen], leaves: [x.id: try ReferenceArray(value)])
        for (a, b) in zip(own, exact) {
            let size = b.values.reduce(1) { max($0, abs($1)) }
            #expect(zip(try a.array(of: Double.self), b.values).allSatisfy { abs($0 - $1) < 1e-4 * size })
        }
    }
}
