import Engine
import Graph
import Language
import Support
import Tensor

/// What the layers do, as functions of tensors; the layers' own builtins take the same names.
enum TensorNeural {
    static func table() -> [Builtin] {
        activations() + softmaxes() + [1, 2].flatMap { windows($0) } + [flatten(), layerNorm()]
    }

    private static let x = Parameter.required("x", "a tensor")
    private static let example = "tensor([[1, 2], [3, 4]])"

    /// The first argument, whatever the entry that it came through calls it.
    private static func input(_ args: Arguments) throws -> TensorObject {
        try TensorObject.from(args[0], "`\(args.builtin.name)`: the first argument")
    }

    // MARK: Activations

    private static func activations() -> [Builtin] {
        let plain: [(String, String, String)] = [
            ("relu", "max(x, 0).", "relu(tensor([-1, 2])).values  # expect: [0, 2]"),
            ("relu6", "x between 0 and 6.", "relu6(tensor([-1, 9])).values  # expect: [0, 6]"),
            (
                "selu", "The self-normalizing exponential unit (Klambauer et al. 2017).",
                "selu(tensor([0])).values  # expect: [0]"
            ),
            (
                "gelu", "x · Φ(x), with the exact error function (Hendrycks and Gimpel 2016).",
                "gelu(tensor([0])).values  # expect: [0]"
            ),
            ("softplus", "log(1 + exp(x)).", "softplus(tensor([100])).values  # expect: [100]"),
            ("softsign", "x / (1 + |x|).", "softsign(tensor([1])).values  # expect: [0.5]"),
            ("swish", "x · sigmoid(x), also called SiLU.", "swish(tensor([0])).values  # expect: [0]"),
            ("sigmoid", "1 / (1 + exp(-x)).", "sigmoid(tensor([0])).values  # expect: [0.5]"),
            (
                "hard_sigmoid", "x / 6 + 1/2, between 0 and 1.",
                "hard_sigmoid(tensor([0])).values  # expect: [0.5]"
            ),
            ("exponential", "exp(x).", "exponential(tensor([0])).values  # expect: [1]"),
        ]
        return plain.map { name, summary, example in
            Builtin(name, topic: "tensors", [x], summary: "Element by element: \(summary)", example: example)
            { args in
                let function = name == "exponential" ? "exp" : name
                return try input(args).apply(function, &args) ?? .nil
            }
        } + [
            sloped("leaky_relu", .leakyRelu, 0.3, "x above 0, alpha · x below."),
            sloped("elu", .elu, 1, "x above 0, alpha · (exp(x) - 1) below."),
        ]
    }

    private static func sloped(_ name: String, _ function: UnaryFunction, _ alpha: Double, _ summary: String)
        -> Builtin
    {
        Builtin(
            name, topic: "tensors", [x, .optional("alpha", Numbers.text(alpha))],
            summary: "Element by element: \(summary)",
            example: "\(name)(tensor([2])).values  # expect: [2]"
        ) { args in
            let alpha = try args.number("alpha", default: alpha)
            return try TensorObject.compute(name, [alpha], [input(args)]) {
                try $0[0].unary(function, alpha: alpha)
            }
        }
    }

    private static func softmaxes() -> [Builtin] {
        [
            ("softmax", "exp(x) / Σ exp(x) along an axis: each row becomes probabilities."),
            ("log_softmax", "log(softmax(x)), computed without overflow."),
        ].map {
            name, summary in
            Builtin(
                name, topic: "tensors", [x, .optional("axis", "-1", "along which it sums to 1")],
                summary: summary,
                example:
                    "round(sum(\(name == "softmax" ? "softmax" : "exp(log_softmax")(tensor([1, 2, 3]))\(name == "softmax" ? "" : ")")), 4)  # expect: 1",
                seeAlso: ["logsumexp"]
            ) { args in
                let t = try input(args)
                let axis = try Shape.axis(args.int("axis", default: -1), rank: t.shape.count, name)
                var order = Array(t.shape.indices)
                order.swapAt(axis, order.count - 1)
                return try TensorObject.compute(name, [Double(axis)], [t]) { v in
                    let row = try v[0].transposed(order)
                    return try (name == "softmax" ? row.softmax() : row.logSoftmax()).transposed(order)
                }
            }
        }
    }

    // MARK: Windows

    private static func padding(
        _ args: Arguments, rank: Int, default d: String, kernel: [Int], dilation: [Int]
    ) throws -> Padding {
        let words = ["same", "valid"] + (rank == 1 && d == "same" ? ["causal"] : [])
        switch try args.choice("padding", of: words, default: d) {
        case "valid": return .valid
        case "causal":
            let (reach, overflow) = ((kernel.first ?? 1) - 1).multipliedReportingOverflow(
                by: dilation.first ?? 1)
            guard !overflow else { throw args.failure("the dilation is too great") }
            return .explicit([[reach, 0]])
        default: return .same
        }
    }

    /// One number for all axes, or one for each.
    private static func lengths(_ args: Arguments, _ name: String, rank: Int, default d: Int) throws -> [Int]
    {
        let given = try args.optionalInts(name) ?? [d]
        if given.count == 1 { return [Int](repeating: given[0], count: rank) }
        guard given.count == rank else {
            throw args.failure("`\(name)` must be a number or a list of \(rank), not of \(given.count)")
        }
        return given
    }

    private static func options(_ padding: Padding, _ more: [[Int]]) -> [Double] {
        let code: Double =
            switch padding {
            case .valid: 0
            case .same: 1
            case .explicit: 2
            }
        return [code] + more.flatMap { $0.map(Double.init) }
    }

    private static func windows(_ rank: Int) -> [Builtin] {
        let n = "\(rank)d"
        let axes = rank == 1 ? "[batch, length, channels]" : "[batch, height, width, channels]"
        let map = rank == 1 ? "1, 8, 2" : "1, 8, 8, 2"
        let taps = rank == 1 ? "3" : "3, 3"
        let size = rank == 1 ? "8" : "8, 8"
        let x = Parameter.required("x", axes)
        return [
            convolution(
                "conv\(n)", rank, isTransposed: false, x,
                "conv\(n)(zeros(\(map)), zeros(\(taps), 2, 4)).shape  # expect: [1, \(size), 4]"),
            convolution(
                "conv\(n)_transpose", rank, isTransposed: true, x,
                "conv\(n)_transpose(zeros(\(map)), zeros(\(taps), 4, 2), stride = 2).shape  # expect: [1, \(rank == 1 ? "16" : "16, 16"), 4]"
            ),
            pooling("maxpool\(n)", rank, isMaximum: true, x, map),
            pooling("avgpool\(n)", rank, isMaximum: false, x, map),
            global("global_maxpool\(n)", rank, .max, x, map),
            global("global_avgpool\(n)", rank, .mean, x, map),
            upsampling(rank, x, map),
        ]
    }

    private static func convolution(
        _ name: String, _ rank: Int, isTransposed: Bool, _ x: Parameter, _ example: String
    ) -> Builtin {
        let kernel = rank == 1 ? "length" : "height, width"
        return Builtin(
            name, topic: "tensors",
            [
                x,
                .required(
                    "kernel",
                    isTransposed
                        ? "[\(kernel), filters / groups, channels]"
                        : "[\(kernel), channels / groups, filters]"),
                .optional("stride", "1"), .optional("padding", "\"same\"", "\"same\" or \"valid\""),
                .optional("dilation", "1"),
                .optional("groups", "1", "into how many groups the channels fall apart"),
                .optional("bias", "nil", "a tensor [filters] that is added"),
            ],
            summary: isTransposed
                ? "The adjoint of a convolution: it stretches its input by the stride."
                : "The input convolved with a kernel: filters that slide along it.",
            example: example, seeAlso: [isTransposed ? "conv\(rank)d" : "conv\(rank)d_transpose"]
        ) { args in
            let (t, w) = (try input(args), try TensorObject.from(args[1], "`\(name)`: the kernel"))
            let stride = try lengths(args, "stride", rank: rank, default: 1)
            let dilation = try lengths(args, "dilation", rank: rank, default: 1)
            guard w.shape.count == rank + 2 else {
                throw args.failure(
                    "the kernel has shape \(Shape.describe(w.shape)), expected [\(kernel), channels, filters]",
                    kind: .shape)
            }
            let size = Array(w.shape.prefix(rank))
            let padding = try padding(args, rank: rank, default: "same", kernel: size, dilation: dilation)
            let groups = try args.int("groups", in: 1...(1 << 30), default: 1)
            var operands = [t, w]
            if let bias = args.value("bias").asObject as? TensorObject { operands.append(bias) }
            return try TensorObject.compute(
                name, options(padding, [stride, dilation, [groups, operands.count]]), operands
            ) { v in
                let y =
                    isTransposed
                    ? try v[0].convolvedTransposed(
                        with: v[1], strides: stride, dilations: dilation, groups: groups, padding: padding)
                    : try v[0].convolved(
                        with: v[1], strides: stride, dilations: dilation, groups: groups, padding: padding)
                return v.count > 2 ? try y + v[2] : y
            }
        }
    }

    private static func pooling(_ name: String, _ rank: Int, isMaximum: Bool, _ x: Parameter, _ map: String)
        -> Builtin
    {
        Builtin(
            name, topic: "tensors",
            [
                x, .required("size", "length of the window"), .optional("stride", "size"),
                .optional("padding", "\"valid\"", "\"valid\" rounds the length down, \"same\" up"),
            ],
            summary: "The \(isMaximum ? "greatest" : "mean") value of each window.",
            example: "\(name)(zeros(\(map)), 2).shape  # expect: [1, \(rank == 1 ? "4" : "4, 4"), 2]"
        ) { args in
            let t = try input(args)
            guard args[1].asNumber != nil || args[1].asList != nil else {
                throw args.mismatch("size", "a number or a list", args[1])
            }
            let size = try sizes(args, rank)
            let stride =
                args.value("stride").isNil ? size : try lengths(args, "stride", rank: rank, default: 1)
            let padding = try padding(args, rank: rank, default: "valid", kernel: size, dilation: [1])
            return try TensorObject.compute(name, options(padding, [size, stride]), [t]) {
                isMaximum
                    ? try $0[0].maxPooled(size, strides: stride, padding: padding)
                    : try $0[0].averagePooled(size, strides: stride, padding: padding)
            }
        }
    }

    /// The second argument: one number for all axes, or one for each.
    private static func sizes(_ args: Arguments, _ rank: Int) throws -> [Int] {
        let values = args[1].asList?.items ?? [args[1]]
        let given = try values.map { v -> Int in
            guard let n = v.asInt else {
                throw args.failure("a window's length is a whole number, not \(v.summary(limit: 30))")
            }
            return n
        }
        if given.count == 1 { return [Int](repeating: given[0], count: rank) }
        guard given.count == rank else {
            throw args.failure("the window has \(rank) lengths, not \(given.count)")
        }
        return given
    }

    private static func global(
        _ name: String, _ rank: Int, _ fold: Reduce.Fold, _ x: Parameter, _ map: String
    ) -> Builtin {
        Builtin(
            name, topic: "tensors", [x],
            summary:
                "The \(fold == .max ? "greatest" : "mean") value of each channel's whole map: [batch, channels].",
            example: "\(name)(zeros(\(map))).shape  # expect: [1, 2]"
        ) { args in
            let t = try input(args)
            guard t.shape.count == rank + 2 else {
                throw args.failure(
                    "the input has shape \(Shape.describe(t.shape)), expected \(rank + 2) axes", kind: .shape)
            }
            return try TensorObject.compute(name, [], [t]) { try $0[0].reduce(fold, axes: Array(1...rank)) }
        }
    }

    private static func upsampling(_ rank: Int, _ x: Parameter, _ map: String) -> Builtin {
        let name = "upsample\(rank)d"
        return Builtin(
            name, topic: "tensors", [x, .required("size", "how often each value is repeated")],
            summary: "Repeats each value along the spatial axes.",
            example: "\(name)(zeros(\(map)), 2).shape  # expect: [1, \(rank == 1 ? "16" : "16, 16"), 2]"
        ) { args in
            let t = try input(args)
            let size = try sizes(args, rank)
            guard t.shape.count == rank + 2 else {
                throw args.failure(
                    "the input has shape \(Shape.describe(t.shape)), expected \(rank + 2) axes", kind: .shape)
            }
            guard size.allSatisfy({ $0 >= 1 && $0 < 1 << 30 }) else {
                throw args.failure("`size` must be at least 1")
            }
            return try TensorObject.compute(name, size.map(Double.init), [t]) { try $0[0].upsampled(size) }
        }
    }

    // MARK: Others

    private static func flatten() -> Builtin {
        Builtin(
            "flatten", topic: "tensors",
            [x, .optional("axis", "1", "the first axis that is folded into the last")],
            summary: "All values of a sample in one axis: [batch, …] becomes [batch, n].",
            example: "flatten(zeros(2, 3, 4)).shape  # expect: [2, 12]", seeAlso: ["reshape"]
        ) { args in
            let t = try input(args)
            let axis = try args.int(
                "axis", in: 0...Shape.maximumRank, default: min(1, max(t.shape.count - 1, 0)))
            let rest = t.shape.dropFirst(axis).reduce(1, *)
            return .object(try t.reshaped(Array(t.shape.prefix(axis)) + [rest]))
        }
    }

    private static func layerNorm() -> Builtin {
        Builtin(
            "layernorm", topic: "tensors", [x, .optional("epsilon", "0.001", "added to the variance")],
            summary: "Each row brought to mean 0 and variance 1 (Ba et al. 2016).",
            example: "round(mean(layernorm(tensor([1, 2, 3]))), 4)  # expect: 0"
        ) { args in
            let t = try input(args)
            let epsilon = try args.number("epsilon", default: 1e-3)
            guard epsilon > 0 else { throw args.failure("`epsilon` must be above 0") }
            guard !t.shape.isEmpty else { throw args.failure("a single number has no row", kind: .shape) }
            return try TensorObject.compute("layernorm", [epsilon], [t]) { v in
                let centred = try v[0] - v[0].mean([-1], keepAxes: true)
                return try centred
                    * (centred.square().mean([-1], keepAxes: true) + epsilon).unary(.reciprocalSqrt)
            }
        }
    }
}
