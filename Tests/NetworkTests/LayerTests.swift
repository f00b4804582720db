import Engine
import Graph
import Network
import Support
import Tensor
import Testing

/// What one layer makes of one sample, its weights given or drawn.
private func run(
    _ kind: any LayerKind, _ x: [Float], _ shape: [Int], weights: [String: Tensor] = [:],
    training: Bool = false
) throws -> (values: [Float], shape: [Int]) {
    let net = try Network.sequential([.layer(Layer(kind, name: "l"))], key: RandomKey(seed: 2))
    try net.build(inputShape: shape) { weights[String($0.dropFirst(2))] }
    let graph = Graph()
    let key = graph.constant(try Tensor(RandomKey(seed: 4, step: 1).words, shape: [4]))
    let input = graph.constant(try Tensor(x, shape: [1] + shape))
    let y = try net.trace(input, context: TraceContext(isTraining: training, key: key))
    #expect(try Array(y.shape.dropFirst()) == net.outputShape())
    return (try y.evaluated().array(of: Float.self), Array(y.shape.dropFirst()))
}

private func tensor(_ values: [Float], _ shape: [Int]) throws -> Tensor { try Tensor(values, shape: shape) }
private func near(_ a: [Float], _ b: [Float], _ tolerance: Float = 1e-5) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
}

@Suite struct LayerTests {
    @Test func transposedConvolution() throws {
        let weights = try ["kernel": tensor([1, 10, 100], [3, 1, 1]), "bias": tensor([0], [1])]
        func layer(_ padding: LayerPadding) throws -> TransposedConvolutionLayer {
            try TransposedConvolutionLayer(
                ConvolutionOptions(filters: 1, kernel: [3], stride: [2], padding: padding))
        }
        #expect(
            try run(layer(.same), [1, 2, 3], [3, 1], weights: weights).values == [1, 10, 102, 20, 203, 30])
        #expect(
            try run(layer(.valid), [1, 2, 3], [3, 1], weights: weights).values == [
                1, 10, 102, 20, 203, 30, 300,
            ])
        let image = try TransposedConvolutionLayer(
            ConvolutionOptions(filters: 3, kernel: [2, 2], stride: [2, 2]))
        #expect(try run(image, [Float](repeating: 1, count: 12), [2, 3, 2]).shape == [4, 6, 3])
    }

    @Test func separableIsAFullConvolutionOfRankOneKernels() throws {
        let x = try Tensor(random: .normal, shape: [6 * 2], key: RandomKey(seed: 1)).array(of: Float.self)
        let d = try Tensor(random: .normal, shape: [3 * 4], key: RandomKey(seed: 2)).array(of: Float.self)
        let p = try Tensor(random: .normal, shape: [4 * 5], key: RandomKey(seed: 3)).array(of: Float.self)
        var full = [Float](repeating: 0, count: 3 * 2 * 5)
        for k in 0..<3 {
            for m in 0..<4 { for f in 0..<5 { full[(k * 2 + m / 2) * 5 + f] += d[k * 4 + m] * p[m * 5 + f] } }
        }
        let options = try ConvolutionOptions(filters: 5, kernel: [3], bias: false)
        let separable = try run(
            SeparableConvolutionLayer(options, depthMultiplier: 2), x, [6, 2],
            weights: ["depthwise_kernel": tensor(d, [3, 1, 4]), "pointwise_kernel": tensor(p, [1, 4, 5])])
        let plain = try run(
            ConvolutionLayer(options), x, [6, 2], weights: ["kernel": tensor(full, [3, 2, 5])])
        #expect(near(separable.values, plain.values))
    }

    @Test func depthwiseKeepsChannelsApart() throws {
        let layer = try DepthwiseConvolutionLayer(
            ConvolutionOptions(filters: 2, kernel: [2], padding: .valid, bias: false))
        // Channel 0 through kernels (1, 10) and (0, 1), channel 1 through (1, 1) and (2, 0).
        let kernel = try tensor([1, 0, 1, 2, 10, 1, 1, 0], [2, 1, 4])
        let y = try run(layer, [1, 5, 2, 6, 3, 7], [3, 2], weights: ["kernel": kernel])
        #expect(y.values == [21, 2, 11, 10, 32, 3, 13, 12])
    }

    @Test func causalPaddingLooksBackOnly() throws {
        let layer = try ConvolutionLayer(
            ConvolutionOptions(filters: 1, kernel: [2], dilation: [2], padding: .causal, bias: false))
        let y = try run(layer, [1, 2, 3, 4], [4, 1], weights: ["kernel": tensor([10, 1], [2, 1, 1])])
        #expect(y.values == [1, 2, 13, 24])
    }

    @Test func poolsAndArrangements() throws {
        let x: [Float] = [1, 5, 2, 8, 3]
        #expect(try run(PoolLayer(maximum: true, size: [2]), x, [5, 1]).values == [5, 8])
        #expect(try run(PoolLayer(maximum: true, size: [2], padding: .same), x, [5, 1]).values == [5, 8, 3])
        #expect(
            try run(PoolLayer(maximum: false, size: [3], stride: [1]), x, [5, 1]).values.map {
                ($0 * 3).rounded()
            } == [8, 15, 13])
        #expect(try run(GlobalPoolLayer(maximum: true, rank: 1), x, [5, 1]).values == [8])
        #expect(near(try run(GlobalPoolLayer(maximum: false, rank: 1), x, [5, 1]).values, [3.8]))
        #expect(try run(UpsampleLayer(size: [2]), [1, 2, 3, 4], [2, 2]).values == [1, 2, 1, 2, 3, 4, 3, 4])
        #expect(try run(UpsampleLayer(size: [2, 1]), [1, 2], [1, 2, 1]).values == [1, 2, 1, 2])
        #expect(try run(ZeroPaddingLayer([[1, 2]]), [7, 8], [2, 1]).values == [0, 7, 8, 0, 0])
        #expect(try run(CroppingLayer([[1, 2]]), x, [5, 1]).values == [5, 2])
        #expect(try run(ReshapeLayer([2, -1]), [1, 2, 3, 4], [4, 1]).shape == [2, 2])
        #expect(try run(PermuteLayer([1, 0]), [1, 2, 3, 4], [2, 2]).values == [1, 3, 2, 4])
    }

    @Test func normalizations() throws {
        let y = try run(LayerNormalizationLayer(), [1, 2, 3, 6], [2, 2]).values
        #expect(near(y, [-0.9980, 0.9980, -0.99978, 0.99978], 1e-4))
        let moments = try tensor([1, 2, 4, 9], [2, 2])
        let b = try run(BatchNormalizationLayer(), [3, 8], [2], weights: ["moving_moments": moments]).values
        #expect(near(b, [2 / Float(4.001).squareRoot(), 6 / Float(9.001).squareRoot()]))
        let batch = try run(BatchNormalizationLayer(scale: false), [1, 3], [2, 1], training: true).values
        #expect(near(batch, [-1, 1], 1e-3))
    }

    @Test func movingMomentsFollow() throws {
        let net = try Network.sequential([.layer(.batchnorm(momentum: 0.75))], input: [2, 1])
        let graph = Graph()
        let context = TraceContext(isTraining: true)
        let y = try net.trace(graph.constant(tensor([1, 3], [1, 2, 1])), context: context)
        _ = try Plan(inputs: [], outputs: [y], updates: context.updates).run()
        #expect(
            try net.layer("batchnorm").layer.parameter("moving_moments")?.variable.value.array() == [
                0.5, 1 as Float,
            ])
    }

    @Test func dropoutDropsWhileTraining() throws {
        let x = [Float](repeating: 1, count: 1000)
        #expect(try run(DropoutLayer(0.4), x, [1000]).values == x)
        let y = try run(DropoutLayer(0.75), x, [1000], training: true).values
        #expect(Set(y) == [0, 4])
        #expect(200...300 ~= y.count { $0 != 0 })
        let spatial = try run(DropoutLayer(0.5, spatial: true), x, [20, 50], training: true).values
        for channel in 0..<50 { #expect(Set((0..<20).map { spatial[$0 * 50 + channel] }).count == 1) }
        #expect(Set(spatial) == [0, 2])
    }

    @Test func activationsFollowTheirDefinitions() throws {
        let x: [Float] = [-3, -0.5, 0, 2]
        func apply(_ function: Activation.Function) throws -> [Float] {
            try run(ActivationLayer(Activation(function)), x, [4]).values
        }
        #expect(near(try apply(.leakyRelu), [-0.9, -0.15, 0, 2]))
        #expect(near(try apply(.elu), [-0.950213, -0.393469, 0, 2]))
        #expect(near(try apply(.selu), [-1.670569, -0.691758, 0, 2.101402]))
        #expect(near(try apply(.gelu), [-0.004050, -0.154269, 0, 1.954500]))
        #expect(near(try apply(.swish), [-0.142278, -0.188770, 0, 1.761594]))
        #expect(near(try apply(.softsign), [-0.75, -1 / 3, 0, 2 / 3]))
        #expect(near(try apply(.hardSigmoid), [0, 0.416667, 0.5, 0.833333]))
        #expect(near(try apply(.softplus), [0.048587, 0.474077, 0.693147, 2.126928]))
        #expect(near(try apply(.softmax), [0.0055042, 0.0670543, 0.1105537, 0.8168878]))
    }

    @Test func functionsMergesAndTheirMistakes() throws {
        let double = FunctionLayer { x, isTraining in isTraining ? try x[0] * 3 : try x[0] * 2 }
        #expect(try run(double, [1, 2], [2]).values == [2, 4])
        #expect(try run(double, [1, 2], [2], training: true).values == [3, 6])
        let net = try Network.sequential([.layer(Layer(double))], input: [2])
        #expect(
            message { _ = try net.architecture() }.hasPrefix(
                "network cannot be written to a file: fn is a function"))
        let x = try Symbol.input([2])
        for (rule, expected) in [
            (.add, [4, 8]), (.subtract, [-2, -4]), (.multiply, [3, 12]), (.average, [2, 4]),
            (.maximum, [3, 6]), (.minimum, [1, 2]), (.concat, [1, 2, 3, 6]),
        ] as [(MergeLayer.Rule, [Float])] {
            let triple = try Layer(FunctionLayer { x, _ in try x[0] * 3 }).of(x)
            let merged = try Network(from: x, to: Symbol(Layer(MergeLayer(rule)), [x, triple]))
            #expect(
                try merged.predict(tensor([1, 2], [2]), cancel: CancelFlag()).array(of: Float.self)
                    == expected)
        }
        let y = try Symbol.input([2])
        #expect(
            message { _ = try Network(from: x, to: Symbol(Layer(MergeLayer(.add)), [x, y])) }
                == "network: the output depends on an input that is not the network's own")
        #expect(
            message { _ = try Network(from: x, to: Symbol(Layer(MergeLayer(.add)), [x])) }
                == "add takes at least 2 values, not 1")
    }

    @Test func everyKindIsBuiltAgainFromItsOptions() throws {
        let c1 = try ConvolutionOptions(
            filters: 3, kernel: [3], stride: [2], padding: .explicit([[1, 0]]), bias: false,
            activation: Activation(.elu, alpha: 0.5), kernelInitializer: .normal(deviation: 0.1),
            kernelRegularizer: Regularizer(l1: 0.1, l2: 0.2))
        let c2 = try ConvolutionOptions(filters: 3, kernel: [3, 2])
        var kinds: [any LayerKind] = try [
            ConvolutionLayer(c1), ConvolutionLayer(c2, groups: 3),
            SeparableConvolutionLayer(c2, depthMultiplier: 2), DepthwiseConvolutionLayer(c2),
            TransposedConvolutionLayer(c2),
            DenseLayer(4, activation: Activation(.tanh), kernelInitializer: .scaled(.heNormal)),
            PoolLayer(maximum: true, size: [2, 3], stride: [1, 2], padding: .same),
            PoolLayer(maximum: false, size: [2]),
            GlobalPoolLayer(maximum: true, rank: 1), GlobalPoolLayer(maximum: false, rank: 2),
            UpsampleLayer(size: [2, 2]),
            ZeroPaddingLayer([[1, 2], [0, 1]]), CroppingLayer([[1, 1]]),
            BatchNormalizationLayer(momentum: 0.9, scale: false),
            LayerNormalizationLayer(epsilon: 1e-5), DropoutLayer(0.3), DropoutLayer(0.1, spatial: true),
            FlattenLayer(),
            ReshapeLayer([2, -1]), PermuteLayer([1, 0]),
        ]
        kinds += MergeLayer.Rule.allCases.map { MergeLayer($0, axis: 1) }
        kinds += Activation.Function.allCases.map { ActivationLayer(Activation($0, alpha: 0.2)) }
        for kind in kinds {
            let again = try LayerRegistry.make(
                kind: kind.kind, options: JSON(parsing: kind.options.description))
            #expect(again.kind == kind.kind)
            #expect(again.options == kind.options)
        }
        #expect(
            message { _ = try LayerRegistry.make(kind: "conv1d", options: ["filters": "x"]) }
                == "conv1d: the option 'filters' must be a whole number, not \"x\"")
        #expect(
            message { _ = try LayerRegistry.make(kind: "lstm", options: [:]) }
                == "there is no layer of kind 'lstm'")
    }

    @Test func initializersHaveTheirSpread() throws {
        func spread(_ initializer: Initializer) throws -> Double {
            let net = try Network.sequential(
                [.layer(Layer(DenseLayer(200, kernelInitializer: initializer)))], input: [100],
                key: RandomKey(seed: 7))
            let w = try net.parameters[0].variable.value.array(of: Double.self)
            return (w.reduce(0) { $0 + $1 * $1 } / Double(w.count)).squareRoot()
        }
        #expect(abs(try spread(.glorotUniform) - (2.0 / 300).squareRoot()) < 1e-3)
        #expect(abs(try spread(.scaled(.glorotNormal)) - (2.0 / 300).squareRoot()) < 1e-3)
        #expect(abs(try spread(.scaled(.heNormal)) - (2.0 / 100).squareRoot()) < 2e-3)
        #expect(abs(try spread(.scaled(.lecunUniform)) - 0.1) < 1e-3)
        #expect(
            message { _ = try Initializer("glorot_unifrom") } == "there is no initializer 'glorot_unifrom'")
    }

    @Test func losses() throws {
        let graph = Graph()
        let p = graph.constant(try tensor([0.2, 0.8, 0.5, 0.5], [2, 2]))
        let t = graph.constant(try tensor([0, 1, 1, 0], [2, 2]))
        func value(_ loss: Loss, _ x: Traced) throws -> [Float] {
            try loss.perSample(x, t).evaluated().array(of: Float.self)
        }
        #expect(near(try value(.crossEntropy, p), [0.223144, 0.693147]))
        #expect(near(try value(.binaryCrossEntropy, p), [0.223144, 0.693147]))
        #expect(near(try value(.binaryCrossEntropy, p.sigmoid()), [0.584620, 0.724077], 1e-3))
        #expect(near(try value(.meanSquaredError, p), [0.04, 0.25]))
        #expect(near(try value(.meanAbsoluteError, p), [0.2, 0.5]))
        #expect(near(try value(.hinge, p), [0.7, 1]))
        #expect(near(try value(.huber, p * 10), [(1.5 + 6.5) / 2, (3.5 + 4.5) / 2]))
        #expect(near(try value(.crossEntropy, p.softmax()), try value(.crossEntropyFromLogits, p)))
        #expect(near(try value(.crossEntropy, p.logSoftmax()), try value(.crossEntropyFromLogits, p)))
        #expect(near(try Metric.accuracy.perSample(p, t).evaluated().array(), [1, 1]))
        #expect(near(try Metric.topK(1).perSample(p, t).evaluated().array(), [1, 1]))
        #expect(message { _ = try Loss.named("cross_entrpy") } == "there is no loss 'cross_entrpy'")
    }
}
