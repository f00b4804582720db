import Engine
import Formats
import Graph
import Language
import Network
import Support
import Tensor

/// Making, showing, keeping and using networks.
public enum NetworkBuiltins {
    public static func table(_ chance: Chance) -> [Builtin] {
        [sequential(chance), summary(), linear(), predict(), setNotes(), ArrangementBuiltins.gaborBank()]
    }

    /// Layers, networks, blocks and lists of them as the blocks of a network.
    static func blocks(_ values: [Value], _ interpreter: Interpreter) throws -> [Block] {
        try values.flatMap { value -> [Block] in
            switch value {
            case .list(let list): return try blocks(list.items, interpreter)
            case .object(let object):
                if let layer = object as? LayerObject { return [.layer(layer.layer)] }
                if let network = object as? NetworkObject { return [.network(network.network)] }
                if let block = object as? BlockObject { return [block.block] }
                throw notALayer(value)
            case .builtin(let function):
                throw Failure(
                    .type, "`sequential`: \(function.name) is a function, not a layer",
                    hint: "call it: \(function.name)()")
            case .function: return [.layer(Layer(OwnFunctions.layer(value, interpreter)))]
            default: throw notALayer(value)
            }
        }
    }

    private static func notALayer(_ value: Value) -> Failure {
        Failure(
            .type, "`sequential`: \(value.typePhrase) is no layer",
            hint: "give layers such as conv1d(32, 5), or lists of them")
    }

    private static func sequential(_ chance: Chance) -> Builtin {
        Builtin(
            "sequential", topic: "networks",
            [
                .variadic("layers", "layers, lists of layers, networks"),
                .optional(
                    "input", "nil", "shape of one sample: [length, channels] or [height, width, channels]"),
                .optional("name", "\"network\"", "what messages and files call it"),
                .optional("classes", "nil", "names of the classes"),
            ],
            summary: "A network of layers one after another.",
            doc:
                "Layers are named by kind and count: net.conv1d_3; the only one of its kind has no number: net.softmax.",
            example:
                "net = sequential(conv1d(8, 5), relu(), flatten(), dense(2), softmax(), input = [100, 1])\nnet.conv1d.shape  # expect: [100, 8]",
            seeAlso: ["summary", "fit", "conv1d"]
        ) { args in
            let network = try Network.sequential(
                try args.rest.enumerated().flatMap { i, value in
                    try args.blaming(rest: i) { try blocks([value], args.interpreter) }
                }, input: try args.optionalInts("input"),
                name: try args.string("name", default: "network"), key: chance.nextKey())
            if let names = try args.optionalStrings("classes") { network.classes = names }
            return Value(NetworkObject(network))
        }
    }

    private static func summary() -> Builtin {
        Builtin(
            "summary", topic: "networks", [.required("net", "a network")],
            summary: "Prints the layers with output shapes, parameters and multiply-adds.",
            example: "summary(sequential(conv1d(8, 5), relu(), input = [100, 1]))", seeAlso: ["sequential"]
        ) { args in
            let network = try args.network()
            args.interpreter.output(try network.summary().text + "\n")
            return .nil
        }
    }

    private static func linear() -> Builtin {
        Builtin(
            "linear", topic: "networks", [.optional("net", "nil", "a network that ends in a softmax")],
            summary: "The same network, sharing its weights, with the last softmax replaced by its input.",
            doc:
                "A class' probability saturates and its gradient vanishes; its linear score goes on climbing. Without a network it is the layer that changes nothing.",
            example:
                "net = sequential(dense(3), softmax(), input = [4])\nlinear(net).softmax.kind  # expect: \"linear\"",
            seeAlso: ["maximize"]
        ) { args in
            if args[0].isNil { return Value(LayerObject(.activation(.linear))) }
            return Value(
                NetworkObject(try args.network().linear()))
        }
    }

    private static func predict() -> Builtin {
        Builtin(
            "predict", topic: "training",
            [
                .required("net", "a network"),
                .required(
                    "x", "a sample as a tensor, an example of a data set, or a sound's or picture's file"),
                .optional("top", "5", "how many classes to name"),
            ],
            summary: "The likeliest classes of one sample with their probabilities.",
            doc: "Files are prepared as the network's preprocessing says: net.preprocessing.",
            example:
                "net = sequential(dense(2), softmax(), input = [3], classes = [\"a\", \"b\"])\nlen(predict(net, zeros(3)))  # expect: 2",
            seeAlso: ["evaluate", "fit"]
        ) { args in
            let network = try args.network()
            let sample = try Samples.sample(args.value("x"), for: network, args)
            let ranked = try network.classify(sample, top: try args.int("top", in: 1...100_000, default: 5))
            return Value(
                ranked.map {
                    Value([
                        ("class", Value($0.name)), ("probability", Value($0.probability)),
                        ("index", Value($0.index)),
                    ])
                })
        }
    }

    private static func setNotes() -> Builtin {
        Builtin(
            "set_notes", topic: "networks",
            [.required("net", "a network"), .required("notes", "a record of plain values")],
            summary: "What is kept with the network's weights in its file: accuracy, data, licence.",
            example:
                "net = sequential(dense(2), input = [3])\nset_notes(net, {accuracy: 0.9})\nnet.notes.accuracy  # expect: 0.9",
            seeAlso: ["save"]
        ) { args in
            let network = try args.network()
            network.notes = try JSON(Language.Value.record(try args.record("notes")))
            return .nil
        }
    }
}
