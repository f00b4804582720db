import Engine
import Graph
import Network
import Support
import Tensor
import Testing

func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no failure"
    } catch { return (error as? Failure)?.message ?? "\(error)" }
}

/// The first weights of big networks are not needed where only shapes are looked at.
@Suite struct ArchitectureTests {
    @Test func experimentsHaveTheirParameterCounts() throws {
        #expect(try Architectures.base().summary().parameters == 1_855_056)
        #expect(try Architectures.channel32().summary().parameters == 94_768)
        #expect(try Architectures.channel32(64).summary().parameters == 363_600)
        #expect(try Architectures.vgg().summary().parameters == 470_736)
        let wide = try Architectures.channel128().summary()
        #expect(wide.parameters == 2_071_184)
        #expect(wide.states == 4_096)
    }

    @Test func layersAreNamedByKindAndCount() throws {
        let net = try Architectures.channel32()
        #expect(try net.layer("conv1d_3").outputShape == [5333, 32])
        #expect(try net.layer("softmax").outputShape == [16])
        #expect(try net.layer("flatten").outputShape == [448])
        #expect(try net.layer(at: -1).name == "softmax")
        #expect(message { _ = try net.layer("conv1d_33") } == "channel32 has no layer 'conv1d_33'")
        do { _ = try net.layer("relu") } catch {
            #expect((error as? Failure)?.hint == "there are several: relu_1 to relu_8")
        }
        do { _ = try net.layer("sofmax") } catch {
            #expect((error as? Failure)?.hint == "did you mean 'softmax'?")
        }
    }

    @Test func summaryCountsMultiplyAdds() throws {
        let net = try Network.sequential(
            Architectures.blocks([.conv1d(4, 3), .relu(), .flatten(), .dense(2)]), input: [10, 2],
            name: "small")
        let summary = try net.summary()
        #expect(summary.rows.map(\.multiplyAdds) == [10 * 3 * 2 * 4, 0, 0, 40 * 2])
        #expect(summary.rows.map(\.outputShape) == [[10, 4], [10, 4], [40], [2]])
        #expect(summary.text.contains("small: 110 parameters, 320 multiply-adds a sample"))
    }
}

@Suite struct TracingTests {
    @Test func tracesNoFurtherThanAsked() throws {
        let net = try Network.sequential(
            Architectures.blocks([.conv1d(4, 3), .relu(), .flatten(), .dense(2), .softmax()]), input: [10, 2])
        let graph = Graph()
        let x = graph.input(ValueType([1, 10, 2]))
        let y = try net.trace(x, upTo: net.layer("conv1d"))
        #expect(y.shape == [1, 10, 4])
        #expect(!graph.nodes.contains { $0.operation is MatMul || $0.operation is Softmax })
        #expect(
            message { _ = try net.trace(graph.input(ValueType([10, 2]))) }
                == "network: the input has shape [10, 2], expected [batch, 10, 2]")
    }

    @Test func linearSharesEverythingButTheSoftmax() throws {
        let net = try Network.sequential(
            Architectures.blocks([.dense(3), .softmax()]), input: [2], key: RandomKey(seed: 3))
        let linear = try net.linear()
        #expect(linear.parameters[0].variable === net.parameters[0].variable)
        #expect(try linear.layer("softmax").kind == "linear")
        let graph = Graph()
        let x = graph.constant(try Tensor([1, -2] as [Float], shape: [1, 2]))
        let (p, z) = try (net.trace(x), linear.trace(x))
        #expect(try p.evaluated().array(of: Float.self) == z.softmax().evaluated().array(of: Float.self))
        #expect(
            message { _ = try linear.linear() }
                == "linear: the last layer of network, softmax, is no softmax but linear")
        let fused = try Network.sequential(
            Architectures.blocks([.dense(3, activation: .softmax)]), input: [2]
        ).linear()
        #expect(try fused.trace(x).operation is Binary)
    }

    @Test func branchesSharingAndSubnetworks() throws {
        let shared = try Layer.conv1d(4, 3)
        let net = try Network.sequential(
            [
                .layer(shared), .residual([.layer(shared), .layer(.relu())]),
                .branches([[.layer(.relu())], []], merge: MergeLayer(.concat)),
            ], input: [10, 4])
        #expect(net.layerNames == ["conv1d", "conv1d", "relu_1", "add", "relu_2", "concat"])
        #expect(try net.outputShape() == [10, 8])
        #expect(try net.summary().parameters == 3 * 4 * 4 + 4)

        let input = try Symbol.input([10, 4])
        let body = try Symbol(net, input)
        let outer = try Network(from: input, to: Layer(FlattenLayer()).of(body), name: "outer")
        #expect(outer.layerNames.first == "network.conv1d")
        #expect(try outer.outputShape() == [80])
        #expect(outer.parameters[0].variable === net.parameters[0].variable)
    }

    @Test func architectureSurvivesJSON() throws {
        let layer = try Layer.conv1d(4, 3)
        let net = try Network.sequential(
            [
                .layer(layer),
                .residual([.layer(layer), .layer(.batchnorm()), .layer(.activation(.leakyRelu))]),
            ],
            input: [10, 4], name: "again", key: RandomKey(seed: 9))
        net.classes = ["a", "b"]
        net.preprocessing.rate = 16000
        let text = try net.architecture().description
        var given: [String: Tensor] = [:]
        for (name, parameter) in net.namedParameters { given[name] = parameter.variable.value }
        let again = try Network(architecture: JSON(parsing: text)) { given[$0] }
        #expect(try again.architecture() == net.architecture())
        #expect(again.layerNames == net.layerNames)
        let graph = Graph()
        let x = graph.constant(try Tensor(random: .normal, shape: [1, 10, 4], key: RandomKey(seed: 1)))
        #expect(
            try again.trace(x).evaluated().array(of: Float.self)
                == net.trace(x).evaluated().array(of: Float.self))
    }

    @Test func mistakesNameLayerAndShape() throws {
        #expect(
            message { _ = try Network.sequential(Architectures.blocks([.conv2d(4, 3)]), input: [10, 2]) }
                == "conv2d: the input has shape [10, 2], expected [height, width, channels]")
        #expect(
            message { _ = try Network.sequential(Architectures.blocks([.maxpool1d(20)]), input: [10, 2]) }
                == "maxpool1d: a window of 20 does not fit into an axis of 10")
        #expect(
            message { _ = try Layer.dropout(1) }
                == "dropout: the rate is 1.0, it must be at least 0 and below 1")
        #expect(message { _ = try Network.sequential([]) } == "network: a network needs at least one layer")
    }
}
