import Language
import Network
import Support

/// The layers' constructors: `conv1d(32, 5)`. Each entry says how its arguments become the options
/// from which `LayerRegistry` makes the layer.
public enum LayerBuiltins {
    public static func table() -> [Builtin] {
        convolutions() + pools() + others() + ArrangementBuiltins.table() + activations() + merges()
    }

    /// The layers and the functions of the same names as one: `tanh()` is a layer, `tanh(x)` a number
    /// or tensor; `conv1d(32, 5)` is a layer, `conv1d(x, kernel)` a convolution.
    static func merged(_ layers: [Builtin], with functions: [Builtin]) -> [Builtin] {
        var byName: [String: Builtin] = [:]
        for layer in layers { byName[layer.name] = layer }
        var result: [Builtin] = []
        for function in functions {
            if let layer = byName.removeValue(forKey: function.name) {
                result.append(dual(layer, function))
            } else if function.name == "input" {
                result.append(withShapes(function))
            } else if function.name == "reshape" {
                result.append(ArrangementBuiltins.reshape(with: function))
            } else {
                result.append(function)
            }
        }
        return result + layers.filter { byName[$0.name] != nil }
    }

    /// `input("name? ")` asks the person, `input([16000, 1])` begins a network.
    private static func withShapes(_ function: Builtin) -> Builtin {
        Builtin(
            function.name, topic: function.topic,
            [.optional("prompt", "\"\"", "what to ask; or a list: the shape of a network's input")],
            summary: function.summary,
            doc: "Of a list of lengths: the input of a network in the functional form, see network.",
            example: function.example + "\nx = input([16000, 1])", seeAlso: ["network"]
        ) { args in
            guard args[0].asList != nil else { return try function.body(&args) }
            return try FunctionalForm.input(args.ints("prompt"))
        }
    }

    private static func dual(_ layer: Builtin, _ function: Builtin) -> Builtin {
        let takesFirst = layer.parameters.first?.kind == .required
        let names = Set(layer.parameters.map(\.name))
        let first: [Language.Parameter] =
            takesFirst ? [] : [.optional("x", "nil", "numbers or a tensor; without it a layer is made")]
        let more = function.parameters.dropFirst().filter { !names.contains($0.name) && $0.kind == .optional }
        // What follows x in a call stays in its place: log(81, 3).
        let own = takesFirst ? layer.parameters + more : more + layer.parameters
        return Builtin(
            layer.name, topic: layer.topic, first + own, summary: layer.summary,
            doc: [layer.doc, "Of numbers or a tensor: \(function.summary)"].filter { !$0.isEmpty }.joined(
                separator: "\n"),
            example: layer.example + "\n" + function.example, seeAlso: layer.seeAlso
        ) { args in
            let isCall = takesFirst ? args[0].asObject is TensorObject : !args[0].isNil
            return isCall ? try function.body(&args) : try layer.body(&args)
        }
    }

    // MARK: parts of entries

    private static let named = Language.Parameter.optional(
        "name", "nil", "what the network calls it; by default kind and count")

    /// A layer of `kind`; `options` reads them from the arguments.
    static func layer(
        _ kind: String, _ parameters: [Language.Parameter], _ summary: String, doc: String = "",
        example: String,
        seeAlso: [String] = [], _ options: @escaping (inout Arguments) throws -> JSON = { _ in [:] }
    ) -> Builtin {
        Builtin(
            kind, topic: "layers", parameters + [named], summary: summary, doc: doc, example: example,
            seeAlso: seeAlso
        ) { args in
            let made = try LayerRegistry.make(kind: kind, options: try options(&args))
            let layer = LayerObject(Layer(made, name: try args.optionalString("name")))
            layer.call = Recipes.call(kind, parameters + [named], args, areNamed: true)
            return Value(layer)
        }
    }

    /// One number for all axes, or a list of one for each.
    static func lengths(_ args: Arguments, _ name: String, rank: Int, default fallback: Int? = nil)
        throws -> JSON
    {
        guard let given = try args.optionalInts(name) else {
            return fallback.map { .ints([Int](repeating: $0, count: rank)) } ?? .null
        }
        if given.count == 1 { return .ints([Int](repeating: given[0], count: rank)) }
        guard given.count == rank else {
            throw args.failure("`\(name)` must be a number or a list of \(rank), not of \(given.count)")
        }
        return .ints(given)
    }

    private static func activation(_ args: Arguments) throws -> JSON {
        let value = args.value("activation")
        if let layer = (value.asObject as? LayerObject)?.layer { return .string(layer.kind.kind) }
        if case .builtin(let function) = value { return .string(function.name) }
        return try args.optionalString("activation").map(JSON.string) ?? .null
    }

    private static func regularizer(_ args: Arguments) throws -> JSON {
        let (l1, l2) = (try args.optionalNumber("l1"), try args.optionalNumber("l2"))
        if l1 == nil && l2 == nil { return .null }
        return ["l1": .number(l1 ?? 0), "l2": .number(l2 ?? 0)]
    }

    private static func initializer(_ args: Arguments) throws -> JSON {
        if let value = args.value("initializer").asNumber { return .number(value) }
        guard let name = try args.optionalString("initializer") else { return .null }
        _ = try Initializer(name)
        return .string(name)
    }

    /// Only what was given: defaults are the layers' own.
    static func compact(_ members: [(String, JSON)]) -> JSON {
        .object(members.filter { !$0.1.isNull }.map { JSON.Member($0.0, $0.1) })
    }

    private static let weights: [Language.Parameter] = [
        .optional("bias", "true", "add one number a filter"),
        .optional("activation", "nil", "a name such as \"relu\", applied to the result"),
        .optional(
            "initializer", "\"glorot_uniform\"",
            "how the kernel begins: a name such as \"he_normal\" or \"zeros\", or a number"),
        .optional("l1", "nil", "weight of Σ|kernel| in the loss"),
        .optional("l2", "nil", "weight of Σ kernel² in the loss"),
    ]

    // MARK: entries

    private static func convolution(
        _ kind: String, _ rank: Int, _ summary: String, extra: Language.Parameter?
    ) -> Builtin {
        let window = rank == 1 ? "5" : "3"
        var parameters: [Language.Parameter] = [
            .required("filters", "how many filters, the length of the result's last axis"),
            .required("kernel", "length of the window" + (rank == 2 ? ", or [height, width]" : "")),
            .optional("stride", "1", "steps of the window"),
            .optional(
                "padding", "\"same\"",
                "\"same\": ends are padded with zeros; \"valid\": the window stays inside"),
            .optional("dilation", "1", "distance between neighbouring taps"),
        ]
        if let extra { parameters.append(extra) }
        return layer(
            kind, parameters + weights, summary,
            doc:
                "Takes \(rank == 1 ? "[batch, length, channels]" : "[batch, height, width, channels]"); weights begin as Glorot's uniform ones, biases as 0.",
            example: "\(kind)(32, \(window), stride = 2)",
            seeAlso: ["sequential", "dense", rank == 1 ? "maxpool1d" : "maxpool2d"]
        ) { args in
            var members: [(String, JSON)] = [
                ("filters", .integer(try args.int("filters"))),
                ("kernel", try lengths(args, "kernel", rank: rank)),
                ("stride", try lengths(args, "stride", rank: rank, default: 1)),
                ("dilation", try lengths(args, "dilation", rank: rank, default: 1)),
                ("padding", try args.optionalString("padding").map(JSON.string) ?? .null),
                ("bias", try args.optionalBool("bias").map(JSON.bool) ?? .null),
                ("activation", try activation(args)),
                ("kernel_initializer", try initializer(args)),
                ("kernel_regularizer", try regularizer(args)),
            ]
            if let extra {
                members.append((extra.name, try args.optionalInt(extra.name).map(JSON.integer) ?? .null))
            }
            return compact(members)
        }
    }

    private static func convolutions() -> [Builtin] {
        [1, 2].flatMap { rank in
            let n = "\(rank)d"
            return [
                convolution(
                    "conv\(n)", rank, "A layer of filters that slide along the input.",
                    extra: .optional("groups", "1", "into how many groups of channels it falls apart")),
                convolution(
                    "separable_conv\(n)", rank, "One filter a channel, then a mixture of channels.",
                    extra: .optional("depth_multiplier", "1", "filters for each channel")),
                convolution(
                    "conv\(n)_transpose", rank, "The way back of a convolution: it stretches the input.",
                    extra: nil),
            ]
        }
    }

    private static func pools() -> [Builtin] {
        [1, 2].flatMap { rank -> [Builtin] in
            let n = "\(rank)d"
            let sliding = [("maxpool\(n)", "greatest"), ("avgpool\(n)", "mean")].map { kind, word in
                layer(
                    kind,
                    [
                        .required("size", "length of the window"),
                        .optional("stride", "size", "steps of the window"),
                        .optional("padding", "\"valid\"", "\"valid\" rounds the length down, \"same\" up"),
                    ],
                    "The \(word) value of each window.", example: "\(kind)(2)",
                    seeAlso: ["conv\(n)", "global_maxpool\(n)"]
                ) { args in
                    compact([
                        ("size", try lengths(args, "size", rank: rank)),
                        (
                            "stride",
                            try lengths(args, args.value("stride").isNil ? "size" : "stride", rank: rank)
                        ),
                        ("padding", try args.optionalString("padding").map(JSON.string) ?? .null),
                    ])
                }
            }
            let global = [("global_maxpool\(n)", "greatest"), ("global_avgpool\(n)", "mean")].map {
                kind, word in
                layer(
                    kind, [], "The \(word) value of each channel's whole map.", example: "\(kind)()",
                    seeAlso: ["flatten"])
            }
            let stretch = layer(
                "upsample\(n)", [.required("size", "how often each value is repeated")],
                "Repeats each value along the spatial axes.", example: "upsample\(n)(2)",
                seeAlso: ["conv\(n)_transpose"]
            ) { args in compact([("size", try lengths(args, "size", rank: rank))]) }
            return sliding + global + [stretch]
        }
    }

    private static func others() -> [Builtin] {
        [
            layer(
                "dense", [.required("units", "length of the result")] + weights,
                "A layer that joins every input with every unit.",
                example: "dense(16, activation = \"relu\")",
                seeAlso: ["flatten", "softmax"]
            ) { args in
                compact([
                    ("units", .integer(try args.int("units"))),
                    ("bias", try args.optionalBool("bias").map(JSON.bool) ?? .null),
                    ("activation", try activation(args)), ("kernel_initializer", try initializer(args)),
                    ("kernel_regularizer", try regularizer(args)),
                ])
            },
            layer(
                "batchnorm",
                [
                    .optional("momentum", "0.99", "how slowly the moving mean and variance follow"),
                    .optional("epsilon", "0.001", "added to the variance"),
                ],
                "Normalizes each channel over the batch (Ioffe and Szegedy 2015).", example: "batchnorm()",
                seeAlso: ["layernorm", "dropout"]
            ) { args in
                compact([
                    ("momentum", try args.optionalNumber("momentum").map(JSON.number) ?? .null),
                    ("epsilon", try args.optionalNumber("epsilon").map(JSON.number) ?? .null),
                ])
            },
            layer(
                "layernorm", [.optional("epsilon", "0.001", "added to the variance")],
                "Normalizes each sample over its channels (Ba et al. 2016).", example: "layernorm()",
                seeAlso: ["batchnorm"]
            ) { args in compact([("epsilon", try args.optionalNumber("epsilon").map(JSON.number) ?? .null)])
            },
            dropout("dropout", "Sets a share of the values to 0 while training."),
            dropout("spatial_dropout", "Sets whole channels to 0 while training."),
            layer(
                "flatten", [], "All values of a sample in one axis.", example: "flatten()",
                seeAlso: ["dense", "reshape"]),
            layer(
                "squared_modulus", [],
                "The power of pairs of channels: first half real parts, second half imaginary ones.",
                doc: "[..., 2C] becomes [..., C]: re² + im², as in LEAF (Zeghidour et al. 2021).",
                example:
                    "sequential(conv1d(8, 9), squared_modulus(), input = [32, 1]).squared_modulus.shape  # expect: [32, 4]",
                seeAlso: ["gabor_bank", "log"]),
        ]
    }

    private static func dropout(_ kind: String, _ summary: String) -> Builtin {
        layer(
            kind, [.required("rate", "the share that is dropped, from 0 to below 1")], summary,
            example: "\(kind)(0.5)",
            seeAlso: ["batchnorm"]
        ) { args in compact([("rate", .number(try args.number("rate")))]) }
    }

    private static func activations() -> [Builtin] {
        Activation.Function.allCases.filter { $0 != .linear }.map { function in
            let kind = function.rawValue
            let alpha: Language.Parameter? =
                switch function {
                case .elu: .optional("alpha", "1", "what negative values are scaled by")
                case .leakyRelu: .optional("alpha", "0.3", "what negative values are scaled by")
                case .log: .optional("alpha", "1e-6", "what is added first, so that 0 has a logarithm")
                default: nil
                }
            return layer(
                kind, alpha.map { [$0] } ?? [], "The activation \(kind) as a layer.", example: "\(kind)()",
                seeAlso: ["conv1d", "dense"]
            ) { args in
                alpha == nil
                    ? [:] : compact([("alpha", try args.optionalNumber("alpha").map(JSON.number) ?? .null)])
            }
        }
    }

    /// Layers that merge the ways of a branching network.
    private static func merges() -> [Builtin] {
        [
            Builtin(
                "residual", topic: "layers", [.variadic("layers", "the layers of the way around")],
                summary: "x + layers(x): a residual block for sequential.",
                example: "sequential(residual(conv1d(4, 3), relu(), conv1d(4, 3)), input = [16, 4])",
                seeAlso: ["branches", "sequential"]
            ) { args in Value(BlockObject(.residual(try NetworkBuiltins.blocks(args.rest, args.interpreter))))
            },
            Builtin(
                "branches", topic: "layers",
                [
                    .variadic("ways", "lists of layers, side by side; an empty one passes its input on"),
                    .optional(
                        "merge", "\"concat\"",
                        "how their results are joined: \"concat\", \"add\", \"multiply\" …"),
                ],
                summary: "Several ways from one value, merged again: a block for sequential.",
                example:
                    "sequential(branches([conv1d(4, 3)], [conv1d(4, 9)]), flatten(), dense(2), input = [16, 1])",
                seeAlso: ["residual", "sequential"]
            ) { args in
                let interpreter = args.interpreter
                let ways = try args.rest.map { try NetworkBuiltins.blocks([$0], interpreter) }
                let rule = try args.choice(
                    "merge", of: MergeLayer.Rule.allCases.map(\.rawValue), default: "concat")
                guard ways.count > 1, let known = MergeLayer.Rule(rawValue: rule) else {
                    throw args.failure("at least two ways are needed", hint: "give two lists of layers")
                }
                return Value(BlockObject(.branches(ways, merge: MergeLayer(known))))
            },
        ]
    }
}

/// Part of a network to be, as `residual` and `branches` give it.
final class BlockObject: VZObject {
    let block: Block
    init(_ block: Block) { self.block = block }
    var typeName: String { "block" }
}
