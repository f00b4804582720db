import Engine
import Graph
import Support
import Tensor
import Testing

/// Gradients differentiated again: of every fixture's operation, the slope of one number made of its
/// gradients, by the graph, against central differences in float64; and the plan against the reference.
@Suite struct SecondDerivativeTests {
    private static let cases = OperationFixtureTests.fixtures.indices.filter { index in
        let fixture = OperationFixtureTests.fixtures[index]
        return fixture.gradients.contains { $0 != nil } && !fixture.name.hasSuffix(".wide")
            && !OperationCases.isStopped(fixture.name)
    }

    private func weights(_ value: Traced, _ seed: UInt64) throws -> Traced {
        let noise = try Tensor(random: .uniform, shape: value.shape, key: RandomKey(seed: seed))
        return try value.graph.constant(noise) + 0.5
    }

    @Test(arguments: cases) func differentiatesAgain(_ index: Int) throws {
        let fixture = OperationFixtureTests.fixtures[index]
        let body = try #require(OperationCases.body(fixture.name))
        let graph = Graph()
        let inputs = fixture.inputs.map { graph.input(ValueType($0.shape, $0.type)) }
        let own = zip(inputs, fixture.gradients).filter { $0.1 != nil }.map(\.0)
        let result = try body(inputs)
        // A curved function of the result, so that operations that are themselves linear count too.
        let loss = try (result.square() * weights(result, 1)).sum()
        let first = try graph.gradients(of: loss, withRespectTo: own)
        var total = try graph.fill(0)
        for (i, gradient) in first.enumerated() {
            total = try total + (gradient * weights(gradient, UInt64(i + 2))).sum()
        }
        let second = try graph.gradients(of: total, withRespectTo: own)
        var leaves: [Int: ReferenceArray] = [:]
        for (input, value) in zip(inputs, fixture.inputs) { leaves[input.id] = try ReferenceArray(value) }
        let exact = try graph.referenceValues(of: second, leaves: leaves)
        for (i, input) in own.enumerated() {
            let way = try Tensor(random: .uniform, shape: input.shape, key: RandomKey(seed: UInt64(index)))
                .array(of: Double.self).map { $0 - 0.5 }
            let slope = zip(exact[i].values, way).reduce(0) { $0 + $1.0 * $1.1 }
            func moved(_ h: Double) throws -> Double {
                var leaves = leaves
                if let x = leaves[input.id] {
                    leaves[input.id]?.values = zip(x.values, way).map { $0 + h * $1 }
                }
                return try graph.referenceValues(of: [total], leaves: leaves)[0].values[0]
            }
            let numeric = try (moved(1e-5) - moved(-1e-5)) / 2e-5
            #expect(
                abs(numeric - slope) <= 1e-4 * max(1, abs(slope)),
                "\(fixture.name) input \(i): \(slope), numeric \(numeric)")
        }
        let planned = try Plan(inputs: inputs, outputs: second).run(fixture.inputs)
        for (found, wanted) in zip(planned, exact) {
            let top = max(wanted.values.map { abs($0) }.max() ?? 0, 1e-2)
            let worst = zip(try found.array(of: Double.self), wanted.values).map { abs($0 - $1) }.max() ?? 0
            #expect(worst <= 1e-4 * top, "\(fixture.name) by plan: off by \(worst) of \(top)")
        }
    }
}
