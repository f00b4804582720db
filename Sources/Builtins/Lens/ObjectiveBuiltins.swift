import Graph
import Language
import Lens
import Network
import Support
import Tensor

/// Objectives as values: what `maximize` climbs on.
enum ObjectiveBuiltins {
    static func table() -> [Builtin] {
        [
            channel(), classScore("logit"), classScore("probability"), vector("direction"), vector("cosine"),
            deepDream(), diversity(), content(), objective(), maco(),
        ]
    }

    private static let net =
        "net = sequential(conv1d(8, 5), relu(), flatten(), dense(2), softmax(), input = [64, 1])\n"
    private static let layerParameter = Language.Parameter.required(
        "layer", "a layer of a network: net.conv1d_3")
    private static let more =
        "Objectives add, subtract and scale: channel(a, 3) + 0.5 * channel(b, 4) - content(c, wave)."

    private static func layer(_ args: Arguments) throws -> LayerHandle {
        try MaximizeBuiltin.handle(
            try args.object("layer", as: LayerObject.self, "a layer of a network"), args)
    }

    private static func channel() -> Builtin {
        Builtin(
            "channel", topic: "lens",
            [
                layerParameter,
                .required("filter", "a filter's index, a class' name, or a range or list of them"),
                .optional("at", "nil", "one place of the map, a single neuron: a number, or [row, column]"),
            ],
            summary: "The objective of a filter: the mean of its map, or one neuron of it.", doc: more,
            example: net
                + "m = maximize(channel(net.conv1d, 3) - channel(net.conv1d, 4), 0.1, steps = 3)\nlen(m.loss)  # expect: 4",
            seeAlso: ["maximize", "logit", "direction", "objective"]
        ) { args in
            Value(ObjectiveObject(Objective(try MaximizeBuiltin.target(try layer(args), args))))
        }
    }

    private static func classScore(_ name: String) -> Builtin {
        Builtin(
            name, topic: "lens",
            [.required("net", "a network"), .required("class", "a class' name or index, or a list of them")],
            summary: name == "logit"
                ? "The objective of a class: its score before the softmax."
                : "The objective of a class: its probability, which saturates.", doc: more,
            example: net + "maximize(\(name)(net, 1), 0.1, steps = 3).steps  # expect: 3",
            seeAlso: ["maximize", "linear", name == "logit" ? "probability" : "logit"]
        ) { args in
            let network = try args.network()
            let classes = try MaximizeBuiltin.filters(network.outputLayer, args, "class")
            return Value(
                ObjectiveObject(
                    try name == "logit"
                        ? .logit(network, classes) : .probability(network, classes)))
        }
    }

    private static func vector(_ name: String) -> Builtin {
        Builtin(
            name, topic: "lens",
            [
                layerParameter,
                .required("vector", "one number for each filter, or the layer's whole shape"),
            ],
            summary: name == "direction"
                ? "The objective of a direction: how far the activations go along a vector."
                : "The objective of a direction: the cosine between the activations and a vector.", doc: more,
            example: net
                + "maximize(\(name)(net.conv1d, ones(8)), 0.1, steps = 3).steps  # expect: 3",
            seeAlso: ["maximize", name == "direction" ? "cosine" : "direction"]
        ) { args in
            let layer = try layer(args)
            let v = try TensorObject.from(args.value("vector"), "`vector`").tensor(for: name)
            return Value(
                ObjectiveObject(try name == "direction" ? .direction(layer, v) : .cosine(layer, v)))
        }
    }

    private static func deepDream() -> Builtin {
        Builtin(
            "deepdream", topic: "lens", [layerParameter],
            summary: "The objective of a whole layer: the mean square of all it gives.",
            doc: "Whatever the layer sees in the start becomes stronger (Mordvintsev et al. 2015). \(more)",
            example: net + "maximize(deepdream(net.conv1d), 0.1, steps = 3).steps  # expect: 3",
            seeAlso: ["maximize", "channel"]
        ) { args in Value(ObjectiveObject(.deepDream(try layer(args)))) }
    }

    private static func diversity() -> Builtin {
        Builtin(
            "diversity", topic: "lens", [layerParameter],
            summary: "The objective of difference: how unlike each other several inputs look to a layer.",
            doc:
                "Minus the mean cosine between Gram matrices (Olah et al. 2017), from -1 to 0; add it with a weight and ask for copies.",
            example: net
                + "m = maximize(channel(net.conv1d, 3) + 2 * diversity(net.conv1d), 0.1, copies = 3, steps = 3)\nlen(m.labels)  # expect: 3",
            seeAlso: ["maximize", "channel"]
        ) { args in Value(ObjectiveObject(.diversity(try layer(args)))) }
    }

    private static func content() -> Builtin {
        Builtin(
            "content", topic: "lens",
            [layerParameter, .required("example", "a sound, a picture, an example of a data set")],
            summary: "The objective of an example: minus the mean square difference from its activations.",
            doc: "What a layer keeps of an example (Mahendran and Vedaldi 2015). \(more)",
            example: net + "maximize(content(net.conv1d, randn(64, 1)), 0.1, steps = 3).steps  # expect: 3",
            seeAlso: ["maximize", "channel"]
        ) { args in
            let layer = try layer(args)
            return Value(
                ObjectiveObject(
                    try .content(layer, Samples.sample(args.value("example"), for: layer.network, args))))
        }
    }

    private static func objective() -> Builtin {
        Builtin(
            "objective", topic: "lens",
            [
                .required("layers", "a layer, or a list of layers"),
                .required("function", "of their activations, [batch, …, filters] each"),
                .optional("label", "\"objective\"", "what figures call it"),
            ],
            summary: "An objective of your own: any function of activations.",
            doc: "It gives one number for each input of the batch, or one for all. \(more)",
            example: net
                + "o = objective([net.conv1d, net.dense], (a, b) -> mean(a[:, :, 2]) - sum(b))\nmaximize(o, 0.1, steps = 3).steps  # expect: 3",
            seeAlso: ["maximize", "channel"]
        ) { args in
            let items = args.value("layers").asList?.items ?? [args.value("layers")]
            let layers = try items.map { item in
                guard let object = item.asObject as? LayerObject else {
                    throw args.mismatch("layers", "a layer of a network, or a list of layers", item)
                }
                return try MaximizeBuiltin.handle(object, args)
            }
            let label = try args.string("label", default: "objective")
            return Value(
                ObjectiveObject(
                    try custom(layers, try args.function("function"), args.interpreter, label: label)))
        }
    }

    /// A vz function of activations as an objective.
    static func custom(
        _ layers: [LayerHandle], _ function: Value, _ interpreter: Interpreter, label: String? = nil
    ) throws -> Objective {
        let names = layers.map(\.name).joined(separator: ", ")
        return try Objective.custom(layers, label: label ?? "f(\(names))") { activations in
            guard let graph = activations.first?.graph else { throw Failure(.value, "no activation") }
            let result = try interpreter.call(function, activations.map { Value(TensorObject($0)) })
            guard let tensor = result.asObject as? TensorObject, tensor.isTraced else {
                throw Failure(
                    .type,
                    "the objective's function must give a tensor made of its argument, not \(result.typePhrase)",
                    hint: "for example a -> mean(a[:, :, 3])")
            }
            return try tensor.traced(in: graph)
        }
    }

    private static func maco() -> Builtin {
        Builtin(
            "maco", topic: "lens",
            [
                .required(
                    "data", "examples, a data set, or a list of sounds or pictures in the network's units"),
                .optional("examples", "512", "so many of them at most"),
            ],
            summary:
                "The mean magnitude spectrum of examples, for maximize(…, parametrization = maco(data)).",
            doc:
                "MACO (Fel et al. 2023, \"Unlocking feature visualization for deeper networks with magnitude constrained optimization\"): the magnitudes stay as real examples have them, only phases are climbed with.",
            example:
                "s = maco([randn(64, 1), randn(64, 1)])\nnet = sequential(conv1d(8, 5), relu(), input = [64, 1])\nmaximize(net.conv1d, 3, 0.1, parametrization = s, steps = 3).steps  # expect: 3",
            seeAlso: ["maximize"]
        ) { args in
            let most = try args.int("examples", in: 1...1_000_000, default: 512)
            if case .list(let list) = args.value("data") {
                let parts = try list.items.map { try TensorObject.from($0, "each example") }
                let all = try TensorObject.stacked(parts, axis: 0).concrete().converted(to: .float32)
                let set = try TensorExamples(inputs: all, labels: parts.map { _ in 0 }, classNames: ["all"])
                return Value(SpectrumObject(try MagnitudeSpectrum(set, most: most)))
            }
            return Value(
                SpectrumObject(
                    try MagnitudeSpectrum(DataBuiltins.examples(args.value("data"), args, "data"), most: most)
                ))
        }
    }
}

/// An objective as a value.
final class ObjectiveObject: VZObject {
    let objective: Objective
    init(_ objective: Objective) { self.objective = objective }

    var typeName: String { "objective" }
    var memberNames: [String] { ["labels", "layer"] }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "labels": Value(objective.labels)
        case "layer": Value(LayerObject(objective.layer))
        default: nil
        }
    }

    func binary(_ op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
        if let number = other.asNumber {
            switch op {
            case .multiply: return Value(ObjectiveObject(objective.scaled(by: number)))
            case .divide where !reversed && number != 0:
                return Value(ObjectiveObject(objective.scaled(by: 1 / number)))
            default: return nil
            }
        }
        guard let other = (other.asObject as? ObjectiveObject)?.objective else { return nil }
        let (a, b) = reversed ? (other, objective) : (objective, other)
        switch op {
        case .add: return Value(ObjectiveObject(try a + b))
        case .subtract: return Value(ObjectiveObject(try a - b))
        case .multiply: return Value(ObjectiveObject(try a * b))
        default: return nil
        }
    }

    func unary(_ op: UnaryOperator) throws -> Value? {
        op == .negate ? Value(ObjectiveObject(objective.scaled(by: -1))) : nil
    }

    var summary: String {
        let labels = objective.labels
        return "<objective: \(labels[0])\(labels.count > 1 ? " and \(labels.count - 1) more" : "")>"
    }
}

/// A learned magnitude spectrum as a value.
final class SpectrumObject: VZObject {
    let spectrum: MagnitudeSpectrum
    init(_ spectrum: MagnitudeSpectrum) { self.spectrum = spectrum }
    var typeName: String { "spectrum" }
    var memberNames: [String] { ["values"] }
    func memberDoc(_ name: String) -> String? { "magnitudes by channel and frequency" }
    func member(_ name: String) throws -> Value? {
        name == "values" ? Value(TensorObject(spectrum.values)) : nil
    }
    var summary: String {
        "<magnitude spectrum of \(spectrum.source): \(Shape.describe(spectrum.values.shape))>"
    }
}
