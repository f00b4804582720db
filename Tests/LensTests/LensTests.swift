import Engine
import Graph
import Lens
import Network
import Support
import Tensor
import Testing

@Suite struct MaximizationTests {
    /// A small waveform classifier with weights that follow from a seed.
    private func network() throws -> Network {
        let layers: [Block] = [
            .layer(try .conv1d(16, 5)), .layer(.relu()), .layer(try .maxpool1d(3)), .layer(.flatten()),
            .layer(try .dense(4)), .layer(.softmax()),
        ]
        let network = try Network.sequential(layers, input: [60, 1], name: "small", key: RandomKey(seed: 3))
        network.classes = ["zero", "one", "two", "three"]
        return network
    }

    @Test func followsTheFormula() throws {
        let net = try network()
        let layer = try net.layer("conv1d")
        var options = MaximizationOptions(eta: 0.1)
        options.steps = 20
        let result = try Maximizer(Target(layer, [.filter(5)]), options).run()

        // The update written out with plans of its own, one gradient at a time.
        let noise = try Tensor(random: .uniform, shape: [1, 60, 1], key: RandomKey(seed: 0))
        var x = try Tensor(noise.array(of: Float.self).map { ($0 - 0.5) * 0.2 }, shape: [1, 60, 1])
        var losses: [Double] = []
        for _ in 0..<20 {
            let graph = Graph()
            let input = graph.input(ValueType([1, 60, 1]))
            let activation = try net.trace(input, upTo: layer)
            let all = Subscript.slice(start: nil, end: nil, step: 1)
            let loss = try activation.indexed([all, all, .position(5)]).mean()
            let g = try graph.gradients(of: loss, withRespectTo: [input])[0]
            let values = try Plan(inputs: [input], outputs: [loss, g]).run([x])
            losses.append(try values[0].scalarValue())
            let gradient = try values[1].array(of: Double.self)
            let rms = (gradient.reduce(0) { $0 + $1 * $1 } / 60).squareRoot()
            let old = try x.array(of: Double.self)
            x = try Tensor(zip(old, gradient).map { Float($0 + 0.1 * $1 / (rms + 1e-8)) }, shape: [1, 60, 1])
        }
        #expect(result.loss[0].count == 21)
        #expect(zip(result.loss[0], losses).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
        #expect(
            zip(try result.last.array(of: Float.self), try x.array(of: Float.self)).allSatisfy {
                abs($0 - $1) < 1e-4
            })
        #expect(result.loss[0].last ?? 0 > result.loss[0][0])
    }

    @Test func aGridIsOneBatchOfTheSameClimbs() throws {
        let net = try network()
        let layer = try net.layer("conv1d")
        var options = MaximizationOptions(eta: 0.1)
        options.steps = 5
        let grid = try Maximizer(Target(layer, [.filter(2), .filter(7)]), options).run()
        for (i, filter) in [2, 7].enumerated() {
            let alone = try Maximizer(Target(layer, [.filter(filter)]), options).run()
            #expect(zip(grid.loss[i], alone.loss[0]).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }

    @Test func softmaxSaturatesWhereLinearClimbs() throws {
        let net = try network()
        var options = MaximizationOptions(eta: 0.5)
        options.steps = 150
        let soft = try Maximizer(Target(net.outputLayer, [.filter(2)]), options).run()
        let linear = try Maximizer(Target(net.linear().outputLayer, [.filter(2)]), options).run()
        #expect(soft.bestScore[0] <= 1)
        #expect(soft.probabilities[0] == soft.loss[0])
        #expect(linear.bestScore[0] > 2 * linear.loss[0][20])
        #expect(linear.probabilities[0].last ?? 0 > 0.99)
        #expect(soft.labels == ["two"])
    }

    @Test func regularizersAndJitterKeepTheInputSmall() throws {
        let net = try network()
        var options = MaximizationOptions(eta: 0.1)
        options.steps = 40
        let target = try Target(net.layer("conv1d"), [.filter(3)])
        let plain = try Maximizer(target, options).run()
        options.regularizers.l2 = 0.05
        options.regularizers.totalVariation = 0.01
        options.transforms.jitter = .constant(4)
        let regularized = try Maximizer(target, options).run()
        func power(_ m: Maximization) throws -> Float {
            try m.last.array(of: Float.self).reduce(0) { $0 + $1 * $1 }
        }
        #expect(try power(regularized) < power(plain))
        let again = try Maximizer(target, options).run()
        #expect(try again.last.array(of: Float.self) == regularized.last.array(of: Float.self))
    }

    /// Where the gradient is too small for a step it says why, and what to do.
    @Test func aStallIsExplained() throws {
        let net = try network()
        var options = MaximizationOptions(eta: 0.5)
        options.steps = 3000
        let soft = try Maximizer(Target(net.outputLayer, [.filter(2)]), options).run()
        #expect(soft.notes.contains { $0.contains("Maximize linear(") })
        // The same by the probability of a network that ends before its softmax.
        let sure = try Maximizer(Objective.probability(net.linear(), [2]), options).run()
        #expect(sure.labels == ["two"])
        #expect(sure.notes.contains { $0.contains("the softmax is saturated. Maximize logit(") })
        // The power of silence is flat at silence.
        let flat = try Network.sequential(
            [.layer(try .conv1d(4, 5)), .layer(Layer(SquaredModulusLayer()))], input: [32, 1], name: "flat")
        options.steps = 3
        options.start = .zeros
        let still = try Maximizer(Target(flat.outputLayer, [.filter(0)]), options).run()
        #expect(still.notes.contains { $0.contains("vanished") && $0.contains("start elsewhere") })
    }

    @Test func stopsAndKeepsWhatWasFound() throws {
        let net = try network()
        let cancel = CancelFlag()
        var options = MaximizationOptions(eta: 0.1)
        options.steps = 1000
        let maximizer = try Maximizer(Target(net.layer("conv1d"), [.filter(0)]), options)
        let result = try maximizer.run(cancel: cancel, progress: { if $0.done == 7 { cancel.request() } })
        #expect(result.wasInterrupted)
        #expect(result.stepsDone == 7)
        #expect(result.loss[0].count == 8)
        // One who waits no longer does not wait for the last score either.
        for jitter in [0.0, 1.0] {
            options.transforms.jitter = .constant(jitter)
            cancel.clear()
            let hurried = try Maximizer(Target(net.layer("conv1d"), [.filter(0)]), options).run(
                cancel: cancel,
                progress: {
                    if $0.done == 7, !$0.isFinal {
                        cancel.request()
                        cancel.request()
                    }
                })
            #expect(hurried.wasInterrupted && hurried.stepsDone == 7)
            #expect(hurried.loss[0].count == 7)
            #expect(hurried.activation[0] == (jitter > 0 ? hurried.loss[0].last : hurried.loss[0].max()))
            #expect(hurried.input.shape == hurried.last.shape)
        }
        // Where no step was done there is nothing to keep.
        #expect(throws: Failure.interrupted) { try maximizer.run(cancel: cancel) }
    }

    @Test func namesWhatIsNotThere() throws {
        let net = try network()
        #expect(throws: Failure(.index, "maximize: conv1d has no filter 16", hint: "it has 16, from 0 to 15"))
        {
            try Target(net.layer("conv1d"), [.filter(16)])
        }
        #expect(throws: Failure.self) {
            try Maximizer(Target(net.layer("relu"), [.filter(0)]), .init(eta: .nan))
        }
    }
}
