import Engine
import Foundation
import Graph
import Support
import Tensor
import Testing

/// Every operation against PyTorch in float64 (make_fixtures.py), results and gradients, through the
/// planned engine and through the reference kernels, and both against finite differences.
@Suite struct OperationFixtureTests {
    private static let path =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/operations.safetensors").path

    struct Fixture: Sendable {
        let name: String
        var inputs: [Tensor] = []
        var result: Tensor
        /// nil where an input has none.
        var gradients: [Tensor?] = []
    }

    static let fixtures: [Fixture] = {
        guard let file = try? TensorFile(path: path) else { return [] }
        let names = file.entries.map(\.name).filter { $0.hasSuffix("/out") }.map { String($0.dropLast(4)) }
        return names.sorted().compactMap { name in
            guard let out = try? file.tensor(name + "/out") else { return nil }
            var fixture = Fixture(name: name, result: out)
            while let input = try? file.tensor("\(name)/in\(fixture.inputs.count)") {
                fixture.gradients.append(try? file.tensor("\(name)/grad\(fixture.inputs.count)"))
                fixture.inputs.append(input)
            }
            return fixture
        }
    }()

    /// The graph of one case: its inputs, its result and its gradients for weights cos 1, cos 2 …
    private struct Traces {
        let graph = Graph()
        let inputs: [Traced]
        let result: Traced
        let loss: Traced?
        let gradients: [Traced]

        init(_ fixture: Fixture, _ body: OperationCases.Body) throws {
            let graph = graph
            inputs = fixture.inputs.map { graph.input(ValueType($0.shape, $0.type)) }
            result = try body(inputs)
            guard fixture.gradients.contains(where: { $0 != nil }) else {
                loss = nil
                gradients = []
                return
            }
            let weights = (0..<result.type.count).map { Float(cos(Double($0 + 1))) }
            let total = try (result * graph.constant(Tensor(weights, shape: result.shape))).sum()
            let wanted = zip(inputs, fixture.gradients).filter { $0.1 != nil }.map(\.0)
            loss = total
            gradients = try graph.gradients(of: total, withRespectTo: wanted)
        }
    }

    /// |a − b| within 1e-5 of b, or of a tenth of the largest |b| where b itself is what is left of
    /// larger terms.
    private func compare(_ found: [Double], _ wanted: Tensor, _ what: String) throws {
        let expected = try wanted.array(of: Double.self)
        #expect(found.count == expected.count, "\(what)")
        let top = expected.map { abs($0) }.filter(\.isFinite).max() ?? 0
        for (i, (a, b)) in zip(found, expected).enumerated() where !(a == b) {
            let size = max(abs(b), top * 0.1, 1e-3)
            #expect(abs(a - b) <= 1e-5 * size, "\(what)[\(i)]: \(a), wanted \(b)")
        }
    }

    @Test func everyCaseIsKnown() {
        #expect(Self.fixtures.count > 250)
        for fixture in Self.fixtures {
            #expect(OperationCases.body(fixture.name) != nil, "\(fixture.name) has no operation")
        }
        let used = Self.fixtures.flatMap { [$0.name, String($0.name.prefix { $0 != "." })] }
        let idle = Set(OperationCases.all.keys).subtracting(used)
        #expect(idle.isEmpty, "without fixtures: \(idle.sorted())")
    }

    @Test(arguments: fixtures.indices) func matches(_ index: Int) throws {
        let fixture = Self.fixtures[index]
        let body = try #require(OperationCases.body(fixture.name))
        let traces = try Traces(fixture, body)
        let outputs = [traces.result] + traces.gradients
        let wanted = [fixture.result] + fixture.gradients.compactMap { $0 }
        #expect(traces.result.shape == fixture.result.shape, "\(fixture.name)")
        var leaves: [Int: ReferenceArray] = [:]
        for (input, value) in zip(traces.inputs, fixture.inputs) {
            leaves[input.id] = try ReferenceArray(value)
        }
        let reference = try traces.graph.referenceValues(of: outputs, leaves: leaves)
        let planned = try Plan(inputs: traces.inputs, outputs: outputs).run(fixture.inputs)
        for (i, tensor) in wanted.enumerated() {
            let what = "\(fixture.name) \(i == 0 ? "result" : "gradient \(i - 1)")"
            try compare(reference[i].values, tensor, what + " by reference")
            try compare(planned[i].array(of: Double.self), tensor, what + " by plan")
        }
    }

    /// Central differences along one random direction: by reference with a small step, by the plan,
    /// which is float32, with a larger one.
    @Test(arguments: fixtures.indices) func finiteDifferencesAgree(_ index: Int) throws {
        let fixture = Self.fixtures[index]
        if OperationCases.isStopped(fixture.name) { return }
        if fixture.name.hasSuffix(".wide") && fixture.inputs[0].rank == 1 { return }
        let traces = try Traces(fixture, try #require(OperationCases.body(fixture.name)))
        guard let loss = traces.loss else { return }
        let plan = try Plan(inputs: traces.inputs, outputs: [loss])
        let gradients = fixture.gradients
        for (position, gradient) in gradients.enumerated() {
            guard let gradient else { continue }
            let x = try fixture.inputs[position].array(of: Double.self)
            let way = try Tensor(
                random: .uniform, shape: [x.count], key: RandomKey(seed: UInt64(index))
            ).array(of: Double.self).map { $0 - 0.5 }
            let slope = try zip(gradient.array(of: Double.self), way).reduce(0) { $0 + $1.0 * $1.1 }
            func moved(_ h: Double) -> [Double] { zip(x, way).map { $0 + h * $1 } }
            func exact(_ h: Double) throws -> Double {
                var leaves: [Int: ReferenceArray] = [:]
                for (i, (input, value)) in zip(traces.inputs, fixture.inputs).enumerated() {
                    leaves[input.id] =
                        i == position
                        ? ReferenceArray(value.shape, moved(h)) : try ReferenceArray(value)
                }
                return try traces.graph.referenceValues(of: [loss], leaves: leaves)[0].values[0]
            }
            func fast(_ h: Double) throws -> Double {
                var inputs = fixture.inputs
                inputs[position] = try Tensor(
                    moved(h).map { Float($0) }, shape: fixture.inputs[position].shape)
                return try plan.run(inputs)[0].scalarValue()
            }
            let size = max(1, abs(slope))
            let numeric = try (exact(1e-6) - exact(-1e-6)) / 2e-6
            #expect(abs(numeric - slope) <= 1e-5 * size, "\(fixture.name) input \(position) by reference")
            let coarse = try (fast(2e-3) - fast(-2e-3)) / 4e-3
            #expect(
                abs(coarse - slope) <= 2e-2 * size,
                "\(fixture.name) input \(position) by plan: \(coarse), \(slope)")
        }
    }
}
