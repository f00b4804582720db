import Language
import Network
import Support

/// Layers that arrange values without weights, and the first kernels for networks that listen.
enum ArrangementBuiltins {
    static func table() -> [Builtin] { [permute()] + frames() }

    /// `reshape(x, 2, -1)` is of a tensor, `reshape([2, -1])` a layer.
    static func reshape(with function: Builtin) -> Builtin {
        Builtin(
            "reshape", topic: function.topic,
            [
                .required("x", "a tensor; or alone a list: the shape of a sample, for a layer"),
                .variadic("shape", "lengths of the axes, or one list; one may be -1"),
                .optional("name", "nil", "of the layer"),
            ],
            summary: function.summary,
            doc: "Of a list alone: a layer that gives the numbers of a sample another shape.",
            example: function.example
                + "\nsequential(reshape([50, 2]), input = [100, 1]).reshape.shape  # expect: [50, 2]",
            seeAlso: function.seeAlso + ["permute"]
        ) { args in
            guard args.rest.isEmpty, args[0].asList != nil else { return try function.body(&args) }
            let made = try LayerRegistry.make(kind: "reshape", options: ["shape": .ints(try args.ints("x"))])
            return Value(LayerObject(Layer(made, name: try args.optionalString("name"))))
        }
    }

    private static func permute() -> Builtin {
        LayerBuiltins.layer(
            "permute", [.required("order", "the old axes of a sample in their new order, from 0")],
            "The axes of a sample in another order.",
            example: "sequential(permute([1, 0]), input = [100, 3]).permute.shape  # expect: [3, 100]",
            seeAlso: ["reshape"]
        ) { args in ["order": .ints(try args.ints("order"))] }
    }

    /// [(before, after)] for each axis: a number for all sides, or a list of pairs.
    private static func pairs(_ args: Arguments, _ name: String, rank: Int) throws -> JSON {
        let value = args.value(name)
        if let n = value.asInt { return .array((0..<rank).map { _ in .ints([n, n]) }) }
        guard let list = value.asList else {
            throw args.failure("`\(name)` must be a number, or a list of [before, after] for each axis")
        }
        let given = rank == 1 && list.items.allSatisfy({ $0.asInt != nil }) ? [value] : list.items
        let pairs = try given.map { item -> JSON in
            guard let pair = item.asList?.items.compactMap(\.asInt), pair.count == 2 else {
                throw args.failure("`\(name)` is made of pairs [before, after]")
            }
            return .ints(pair)
        }
        guard pairs.count == rank else {
            throw args.failure("`\(name)` needs a pair for each of \(rank) axes, not \(pairs.count)")
        }
        return .array(pairs)
    }

    private static func frames() -> [Builtin] {
        [1, 2].flatMap { rank -> [Builtin] in
            let n = "\(rank)d"
            return [
                LayerBuiltins.layer(
                    "zero_padding\(n)",
                    [.required("padding", "zeros on every side, or [before, after] for each axis")],
                    "Zeros before and after each spatial axis.", example: "zero_padding\(n)(2)",
                    seeAlso: ["cropping\(n)"]
                ) { args in ["padding": try pairs(args, "padding", rank: rank)] },
                LayerBuiltins.layer(
                    "cropping\(n)",
                    [.required("cropping", "places taken from every side, or [before, after] for each axis")],
                    "Takes places away before and after each spatial axis.", example: "cropping\(n)(2)",
                    seeAlso: ["zero_padding\(n)"]
                ) { args in ["cropping": try pairs(args, "cropping", rank: rank)] },
                depthwise(rank),
            ]
        }
    }

    private static func depthwise(_ rank: Int) -> Builtin {
        LayerBuiltins.layer(
            "depthwise_conv\(rank)d",
            [
                .required("kernel", "length of the window" + (rank == 2 ? ", or [height, width]" : "")),
                .optional("stride", "1", "steps of the window"),
                .optional("padding", "\"same\"", "\"same\" or \"valid\""),
                .optional("dilation", "1", "distance between neighbouring taps"),
                .optional("depth_multiplier", "1", "filters for each channel"),
                .optional("bias", "true", "add one number a filter"),
            ],
            "Filters that each see one channel only.", example: "depthwise_conv\(rank)d(3)",
            seeAlso: ["separable_conv\(rank)d", "conv\(rank)d"]
        ) { args in
            LayerBuiltins.compact([
                ("filters", .integer(try args.optionalInt("depth_multiplier") ?? 1)),
                ("kernel", try LayerBuiltins.lengths(args, "kernel", rank: rank)),
                ("stride", try LayerBuiltins.lengths(args, "stride", rank: rank, default: 1)),
                ("dilation", try LayerBuiltins.lengths(args, "dilation", rank: rank, default: 1)),
                ("padding", try args.optionalString("padding").map(JSON.string) ?? .null),
                ("bias", try args.optionalBool("bias").map(JSON.bool) ?? .null),
            ])
        }
    }

    /// The kernel for a convolution that begins as the ear does.
    static func gaborBank() -> Builtin {
        Builtin(
            "gabor_bank", topic: "networks",
            [
                .required("filters", "an even number: a cosine and a sine for each band"),
                .required("length", "samples of a kernel; 25 ms are usual for speech"),
                .optional("rate", "16000", "samples a second"),
                .optional("low", "60", "the lowest frequency in Hz"),
                .optional("high", "0.95 of half the rate", "the highest"),
            ],
            summary: "Kernels [length, 1, filters]: Gabor filters spaced evenly on the mel scale.",
            doc:
                "To begin with rather than noise: net.conv1d_1.kernel = gabor_bank(80, 400). All cosines come first, then all sines, so that squared_modulus gives each band's energy.",
            example: "gabor_bank(80, 400).shape  # expect: [400, 1, 80]",
            seeAlso: ["squared_modulus", "conv1d"]
        ) { args in
            Value(
                TensorObject(
                    try FilterBank.gabor(
                        filters: args.int("filters"), length: args.int("length"),
                        rate: args.int("rate", in: 1...10_000_000, default: 16000),
                        low: args.number("low", default: 60), high: args.optionalNumber("high"))))
        }
    }
}
