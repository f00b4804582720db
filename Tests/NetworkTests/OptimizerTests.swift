import Engine
import Graph
import Network
import Support
import Tensor
import Testing

/// Three steps on two weights whose gradients are (p/2 + t/10, 2p − 0.3); the numbers come from the
/// formulas of Keras' documentation worked out in float64 outside of vzsh.
@Suite struct OptimizerTests {
    private func steps(_ optimizer: Optimizer, count: Int = 3) throws -> [Float] {
        let graph = Graph()
        let p = Variable(try Tensor([1, -2] as [Float], shape: [2]), name: "p")
        let g = graph.input(ValueType([2]))
        let rates = (0..<optimizer.rateCount).map { _ in graph.input(ValueType([])) }
        let slots = try optimizer.slots(for: [p])
        let plan = try Plan(
            inputs: [g] + rates, outputs: [],
            updates: optimizer.updates(slots, gradients: [g], rates: rates))
        for t in 1...count {
            let now = try p.value.array(of: Float.self)
            let gradient = try Tensor([0.5 * now[0] + 0.1 * Float(t), 2 * now[1] - 0.3], shape: [2])
            let scalars = try optimizer.rates(step: t, learningRate: optimizer.learningRate).map {
                try Tensor(scalar: $0)
            }
            _ = try plan.run([gradient] + scalars)
        }
        return try p.value.array(of: Float.self)
    }

    private func expect(
        _ optimizer: Optimizer, _ a: Float, _ b: Float, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let p = try steps(optimizer)
        #expect(abs(p[0] - a) < 2e-6 && abs(p[1] - b) < 2e-6, "\(p)", sourceLocation: sourceLocation)
    }

    @Test func rulesGiveKerasNumbers() throws {
        try expect(.sgd(0.1), 0.79935, -0.9508)
        try expect(.sgd(0.1, momentum: 0.9), 0.63915, 0.0167)
        try expect(.sgd(0.1, momentum: 0.9, nesterov: true), 0.49446015, 0.3829568)
        try expect(.adam(0.1), 0.699536335, -1.700569918)
        try expect(.adamw(0.1), 0.698457525, -1.698296343)
        try expect(.adam(0.1, amsgrad: true), 0.699536335, -1.700569918)
        try expect(.nadam(0.1), 0.738045117, -1.749393363)
        try expect(.rmsprop(0.1), 0.281855444, -1.305041328)
        try expect(.rmsprop(0.1, momentum: 0.9), -0.417994944, -0.596733079)
        try expect(.rmsprop(0.1, momentum: 0.5, centered: true), -0.128974628, -0.889679073)
    }

    @Test func clipping() throws {
        var optimizer = try Optimizer.sgd(0.1)
        optimizer.clipValue = 0.25
        // Gradients 0.6 and −4.3 become ±0.25.
        #expect(try steps(optimizer, count: 1) == [0.975, -1.975])
        optimizer.clipValue = nil
        optimizer.clipNorm = 1
        let norm = Float(0.6 * 0.6 + 4.3 * 4.3).squareRoot()
        let p = try steps(optimizer, count: 1)
        #expect(abs(p[0] - (1 - 0.1 * 0.6 / norm)) < 1e-6 && abs(p[1] - (-2 + 0.1 * 4.3 / norm)) < 1e-6)
        optimizer.clipNorm = nil
        optimizer.globalClipNorm = 100
        #expect(try steps(optimizer, count: 1) == steps(.sgd(0.1), count: 1))
    }

    @Test func mistakesAreNamed() {
        #expect(message { _ = try Optimizer.adam(-1) } == "adam: the learning rate must be above 0, not -1.0")
        #expect(
            message { _ = try Optimizer.sgd(0.1, momentum: 1) }
                == "sgd: momentum lies from 0 to below 1, not 1.0")
    }
}
