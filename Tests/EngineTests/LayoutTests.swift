import Engine
import Graph
import Support
import Tensor
import Testing

/// Values in the library's blocked layouts must be brought back as what they are.
@Suite struct LayoutTests {
    /// Truth values of a blocked map are asked for by steps that take plain layouts.
    @Test func comparisonsOfBlockedMaps() throws {
        let graph = Graph()
        let x = graph.constant(try Tensor(random: .normal, shape: [1, 12, 16], key: RandomKey(seed: 1)))
        let w = graph.constant(try Tensor(random: .normal, shape: [3, 16, 32], key: RandomKey(seed: 2)))
        let v = graph.constant(try Tensor(random: .normal, shape: [3, 32, 32], key: RandomKey(seed: 3)))
        let y = try x.convolved(with: w)
        let isPositive = try y.binary(.greaterEqual, y.scalar(0))
        let chosen = try isPositive.select(y.convolved(with: v), y * 2)
        let rest = try isPositive.unary(.not).select(y, 0).sum([1])
        let values = try Plan(inputs: [], outputs: [isPositive, chosen, rest]).run()
        let wanted = try graph.referenceValues(of: [isPositive, chosen, rest])
        for (value, want) in zip(values, wanted) {
            let found = try value.array(of: Double.self)
            #expect(zip(found, want.values).allSatisfy { abs($0 - $1) <= 1e-4 * max(1, abs($1)) })
        }
    }
}
