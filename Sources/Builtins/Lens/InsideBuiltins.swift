import Language
import Lens
import Network
import Plot
import Support
import Tensor

/// What is inside a network: kernels, responses, and the examples that a filter answers to most.
public enum InsideBuiltins {
    public static func table() -> [Builtin] { [filters(), activations(), nearest()] }

    private static func handle(_ args: Arguments) throws -> LayerHandle {
        let object = try args.object("layer", as: LayerObject.self, "a layer of a network")
        guard let handle = object.handle else {
            throw args.failure(
                "this \(object.layer.kind.kind) is not part of a network yet",
                hint: "take it from one: net.conv1d_3",
                kind: .value)
        }
        return handle
    }

    private static func filters() -> Builtin {
        Builtin(
            "filters", topic: "lens",
            [
                .required("layer", "a convolution or dense layer of a network"),
                .optional(
                    "rate", "nil",
                    "samples a second that the layer hears; by default the network's, for its first layer"),
                .optional("points", "257", "frequencies of the responses"),
            ],
            summary: "A layer's kernels; for the first layer on waveforms also their frequency responses.",
            doc: """
                plot draws them: waveforms and their responses in dB sorted by peak frequency, pictures for the first \
                layer on pictures, and maps of weights for layers further in. Responses of several input channels add \
                up as powers.
                """,
            example:
                "net = sequential(conv1d(8, 25), relu(), input = [400, 1])\nf = filters(net.conv1d)\n[f.responses.shape, len(f.peaks)]  # expect: [[8, 257], 8]",
            seeAlso: ["activations", "nearest", "maximize", "plot"]
        ) { args in
            let layer = try handle(args)
            let network = layer.network
            var rate = try args.optionalNumber("rate")
            if rate == nil, try network.builtInputShape().count == 2, layer.node.inputs == [-1] {
                rate = Double(network.preprocessing.rate ?? 16000)
            }
            return Value(
                KernelsObject(
                    try Kernels(
                        of: layer, rate: rate, points: try args.int("points", in: 2...65536, default: 257))))
        }
    }

    private static func activations() -> Builtin {
        Builtin(
            "activations", topic: "lens",
            [
                .required("net", "a network"),
                .required("x", "a waveform, picture, tensor, example of a data set, or a sound file"),
                .optional("layers", "nil", "names of layers; by default all"),
            ],
            summary: "What every layer makes of one input: a record of tensors that plot draws.",
            doc:
                "activations(net, wave).conv1d_3 is that layer's result. plot shows each layer's channels over time or space.",
            example:
                "net = sequential(conv1d(8, 5), relu(), maxpool1d(2), input = [64, 1])\na = activations(net, randn(64, 1))\na.relu.shape  # expect: [64, 8]",
            seeAlso: ["filters", "nearest", "cam", "plot"]
        ) { args in
            let network = try args.network()
            let sample = try Samples.sample(args.value("x"), for: network, args)
            let layers = try args.optionalStrings("layers")?.map { try network.layer($0) }
            let found = try Responses(of: network, to: sample, layers: layers)
            return Value(ResponsesObject(found, rate: try AttributionBuiltins.rate(args.value("x"), network)))
        }
    }

    private static func nearest() -> Builtin {
        Builtin(
            "nearest", topic: "lens",
            [
                .required("layer", "a layer of a network"),
                .required("filter", "a filter's index, or a class' name"),
                .required("data", "examples: data.test, data.train.take(200), or a whole data set"),
                .optional("count", "9", "how many to find"),
                .optional("batch", "16", "examples that go through the network at once"),
            ],
            summary: "The real examples that a filter answers to most, and where in them.",
            doc:
                "Each has index, class, activation, place, seen (what that place of the layer sees of the input) and part (that part of the input). plot draws the parts; play one with play(n[0].part).",
            example:
                "data = words16().test.take(16)\nnet = sequential(conv1d(4, 25, stride = 4), relu(), input = [16000, 1])\nlen(nearest(net.relu, 2, data, count = 3))  # expect: 3",
            seeAlso: ["filters", "activations", "maximize", "plot"]
        ) { args in
            let layer = try handle(args)
            let filter: Int
            if let name = args.value("filter").asString {
                filter = try layer.classIndex(name)
            } else {
                filter = try args.int("filter")
            }
            let examples: any ExampleSet
            switch args.value("data").asObject {
            case let set as ExampleSetObject: examples = set.examples
            case let data as DataSetObject: examples = data.data.all
            default: throw args.mismatch("data", "examples, such as data.test", args.value("data"))
            }
            let found = try NearestExamples(
                layer, filter: filter, in: examples, count: try args.int("count", in: 1...1024, default: 9),
                batch: try args.int("batch", in: 1...1024, default: 16), progress: args.interpreter.progress)
            return Value(NearestObject(found, examples))
        }
    }
}
