import Engine
import Graph
import Network
import Support
import Tensor
import Testing

import Lens

@Suite struct ObjectiveTests {
    private func network(classes: [String] = ["a", "b", "c"]) throws -> Network {
        let network = try Network.sequential(
            [
                .layer(try .conv1d(6, 5)), .layer(.relu()), .layer(try .maxpool1d(2)), .layer(.flatten()),
                .layer(try .dense(3)), .layer(.softmax()),
            ], input: [32, 1], name: "small", key: RandomKey(seed: 5))
        network.classes = classes
        return network
    }

    private func scores(_ objective: Objective, _ x: Tensor) throws -> [Double] {
        try objective.score(Graph().constant(x)).evaluated().array(of: Double.self)
    }

    @Test func arithmetic() throws {
        let net = try network()
        let layer = try net.layer("relu")
        let x = try Tensor(random: .normal, shape: [2, 32, 1], key: RandomKey(seed: 1))
        let a = Objective(try Target(layer, [.filter(1)]))
        let b = Objective(try Target(layer, [.filter(4)]))
        let (own, other) = (try scores(a, x), try scores(b, x))
        let sum = try scores(a - b.scaled(by: 2), x)
        for i in 0..<2 { #expect(abs(sum[i] - (own[i] - 2 * other[i])) < 1e-6) }
        #expect(try (a - b.scaled(by: 2)).labels == ["relu[1] − 2 relu[4]"])
        let many = Objective(try Target(layer, [.filter(1), .filter(2)]))
        #expect(try (many + b).labels == ["relu[1] + relu[4]", "relu[2] + relu[4]"])
        let three = Objective(try Target(layer, [.filter(1), .filter(2), .filter(3)]))
        #expect(throws: Failure.self) { try many + three }
    }

    @Test func directionsAndWholeLayers() throws {
        let net = try network()
        let layer = try net.layer("relu")
        let x = try Tensor(random: .normal, shape: [1, 32, 1], key: RandomKey(seed: 1))
        let graph = Graph()
        let a = try net.trace(graph.constant(x), upTo: layer).evaluated().array(of: Double.self)
        let axis = try Tensor([0, 2, 0, 0, 0, 0] as [Float], shape: [6])
        let mean = stride(from: 1, to: a.count, by: 6).reduce(0.0) { $0 + a[$1] } / 32
        #expect(abs(try scores(.direction(layer, axis), x)[0] - mean) < 1e-6)
        #expect(
            abs(try scores(.deepDream(layer), x)[0] - a.reduce(0) { $0 + $1 * $1 } / Double(a.count)) < 1e-5)
        let whole = try Tensor(a.map(Float.init), shape: [32, 6])
        #expect(abs(try scores(.cosine(layer, whole), x)[0] - 1) < 1e-5)
        let example = try x.reshaped([32, 1])
        #expect(abs(try scores(.content(layer, example), x)[0]) < 1e-9)
        #expect(throws: Failure.self) { try Objective.direction(layer, example) }
    }

    @Test func equalInputsAreNotDiverse() throws {
        let net = try network()
        let layer = try net.layer("conv1d")
        let one = try Tensor(random: .normal, shape: [1, 32, 1], key: RandomKey(seed: 1))
        let same = try one.broadcasted(to: [3, 32, 1]).dense()
        #expect(try scores(.diversity(layer), same).allSatisfy { abs($0 + 1) < 1e-4 })
        let others = try Tensor(random: .normal, shape: [3, 32, 1], key: RandomKey(seed: 2))
        #expect(try scores(.diversity(layer), others).allSatisfy { $0 > -0.999 })
        var options = MaximizationOptions(eta: 0.1)
        options.copies = 3
        options.steps = 10
        let both = try Objective(Target(layer, [.filter(2)])) + Objective.diversity(layer).scaled(by: 3)
        let result = try Maximizer(both, options).run()
        #expect(result.count == 3)
        #expect(result.input.shape == [3, 32, 1])
        #expect(result.loss.allSatisfy { ($0.last ?? 0) > $0[0] })
    }

    @Test func classesByProbabilityAndByScore() throws {
        let net = try network()
        let x = try Tensor(random: .normal, shape: [1, 32, 1], key: RandomKey(seed: 1))
        let p = try scores(.probability(net, [0, 1, 2]), try x.broadcasted(to: [3, 32, 1]).dense())
        #expect(abs(p.reduce(0, +) - 1) < 1e-5)
        let logit = try Objective.logit(net, [1])
        #expect(logit.labels == ["b"])
        #expect(abs(try scores(logit, x)[0]) > 0)
    }

    @Test func severalNetworksShareTheInput() throws {
        let (first, second) = (try network(), try network())
        let both = try Objective.logit(first, [1]) + Objective.logit(second, [1])
        var options = MaximizationOptions(eta: 0.1)
        options.steps = 5
        #expect(try Maximizer(both, options).run().loss[0].count == 6)
        let other = try Network.sequential(
            [.layer(.flatten()), .layer(try .dense(2))], input: [16, 1], name: "other")
        #expect(throws: Failure.self) { try Objective.logit(first, [1]) + Objective.logit(other, [1]) }
    }

    /// A filter that is off everywhere has no gradient; letting the first steps through wakes it.
    @Test func redirectionWakesDeadFilters() throws {
        let net = try network()
        let bias = try #require(net.layer("conv1d").layer.parameter("bias"))
        try bias.variable.assign(Tensor(repeating: -3, shape: [6]))
        let target = try Target(net.layer("relu"), [.filter(2)])
        var options = MaximizationOptions(eta: 0.5)
        options.steps = 60
        let dead = try Maximizer(target, options).run()
        #expect(dead.bestScore[0] == 0)
        #expect(dead.notes.contains { $0.contains("redirect") })
        options.redirected = 40
        let woken = try Maximizer(target, options).run()
        #expect(woken.bestScore[0] > 0.1)
        #expect(woken.notes.isEmpty)
    }

    @Test func stopsWhereNothingRises() throws {
        let net = try network()
        var options = MaximizationOptions(eta: 0.3)
        options.steps = 2000
        options.settled = 0.001
        let result = try Maximizer(Objective.probability(net, [1]), options).run()
        #expect(result.hasSettled)
        #expect(result.stepsDone < 1000)
    }
}
