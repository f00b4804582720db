import Engine
import Graph
import Language
import Support
import Tensor

/// Arranging the elements of tensors.
enum TensorShaping {
    static func table() -> [Builtin] {
        [
            reshape(), transpose(), concat(), stack(), split(), pad(), slice(), flip(), roll(), broadcast(),
            take(),
            squeeze(), expand(), astype(),
        ]
    }

    static let x = Parameter.required("x", "a tensor")

    static func tensor(_ args: Arguments, _ name: String = "x") throws -> TensorObject {
        try TensorObject.from(args.value(name), "`\(args.builtin.name)`: `\(name)`")
    }

    /// An axis argument, from 0.
    static func axis(_ args: Arguments, _ t: TensorObject, default d: Int) throws -> Int {
        try Shape.axis(args.int("axis", default: d), rank: t.shape.count, args.builtin.name)
    }

    private static func reshape() -> Builtin {
        Builtin(
            "reshape", topic: "tensors",
            [x, .variadic("shape", "lengths of the axes, or one list; one may be -1")],
            summary: "The same elements under another shape.",
            example: "reshape(arange(6), 2, -1).shape  # expect: [2, 3]", seeAlso: ["flatten", "transpose"]
        ) { args in
            let given = args.rest.count == 1 ? (args.rest[0].asList?.items ?? args.rest) : args.rest
            let shape = try TensorMaking.shape(args, given.map { $0.asNumber == -1 ? .number(1) : $0 })
            let wanted = zip(given, shape).map { $0.asNumber == -1 ? -1 : $1 }
            return .object(try tensor(args).reshaped(wanted))
        }
    }

    private static func transpose() -> Builtin {
        Builtin(
            "transpose", topic: "tensors",
            [x, .variadic("order", "old axes in their new order; without it reversed")],
            summary: "The axes in another order.",
            example: "transpose(zeros(2, 3, 4), 2, 0, 1).shape  # expect: [4, 2, 3]",
            seeAlso: ["reshape"]
        ) { args in
            let t = try tensor(args)
            var given = args.rest
            if given.count == 1, case .list(let l) = given[0] { given = l.items }
            if given.isEmpty { return try t.transposed(Array(t.shape.indices.reversed())) }
            let order = try given.map { v -> Int in
                guard let i = v.asInt else {
                    throw args.failure("`order` is made of whole numbers, not of \(v.typePhrase)")
                }
                return try Shape.axis(i, rank: t.shape.count, "transpose")
            }
            return try t.transposed(order)
        }
    }

    private static func parts(_ args: Arguments) throws -> [TensorObject] {
        var values = [args[0]] + args.rest
        if values.count == 1, case .list(let l) = values[0] { values = l.items }
        return try values.map { try TensorObject.from($0, "`\(args.builtin.name)`: each part") }
    }

    private static func joining(
        _ name: String, _ summary: String, _ example: String,
        _ join: @escaping ([TensorObject], Int) throws -> TensorObject
    ) -> Builtin {
        Builtin(
            name, topic: "tensors",
            [
                .required("x", "a list of tensors, or the first of several"), .variadic("more"),
                .optional("axis", "0"),
            ],
            summary: summary, example: example, seeAlso: [name == "concat" ? "stack" : "concat", "split"]
        ) { args in
            let first = args[0].asList?.items.first ?? args[0]
            if !(first.asObject is TensorObject), case .object(let o) = first {
                // concat([a, b]) is concat(a, b).
                if let list = args[0].asList { args.rest = Array(list.items.dropFirst()) }
                if let result = try o.apply(name, &args) { return result }
            }
            let parts = try parts(args)
            guard !parts.isEmpty else { throw args.failure("there is nothing to join") }
            return .object(try join(parts, args.int("axis", default: 0)))
        }
    }

    private static func concat() -> Builtin {
        joining(
            "concat", "Tensors joined along an axis that they have.",
            "concat([zeros(2, 3), ones(1, 3)]).shape  # expect: [3, 3]"
        ) { try TensorObject.concatenated($0, axis: $1) }
    }

    private static func stack() -> Builtin {
        joining(
            "stack", "Tensors of one shape joined along a new axis.",
            "stack([zeros(3), ones(3)]).shape  # expect: [2, 3]"
        ) {
            try TensorObject.stacked($0, axis: $1)
        }
    }

    private static func split() -> Builtin {
        Builtin(
            "split", topic: "tensors",
            [x, .required("parts", "how many equal parts, or a list of lengths"), .optional("axis", "0")],
            summary: "Cut along an axis: a list of tensors.",
            doc:
                "Examples and data sets are split into shares, no speaker in two parts: split(data, [0.8, 0.1, 0.1]).",
            example: "len(split(arange(6), 3))  # expect: 3", seeAlso: ["concat"]
        ) { args in
            if !(args[0].asObject is TensorObject), case .object(let o) = args[0],
                let result = try o.apply("split", &args)
            {
                return result
            }
            let t = try tensor(args)
            let axis = try axis(args, t, default: 0)
            let length = t.shape[axis]
            var lengths = try args.ints("parts")
            if args.value("parts").asNumber != nil {
                let n = lengths[0]
                guard n > 0, length % n == 0, n <= max(length, 1) else {
                    throw args.failure(
                        "an axis of \(length) does not split into \(n) equal parts",
                        hint: "give a list of lengths", kind: .shape)
                }
                lengths = [Int](repeating: length / n, count: n)
            }
            guard lengths.allSatisfy({ $0 >= 0 && $0 <= length }), lengths.reduce(0, +) == length else {
                throw args.failure(
                    "lengths \(Shape.describe(lengths)) do not make up an axis of \(length)", kind: .shape)
            }
            var start = 0
            return .list(
                try lengths.map { n in
                    defer { start += n }
                    return try piece(t, axis, start, n, 1)
                })
        }
    }

    /// `count` positions of one axis.
    static func piece(_ t: TensorObject, _ axis: Int, _ start: Int, _ count: Int, _ step: Int) throws -> Value
    {
        let end = start + count * step
        let span = Span(Double(start), Double(end), includesUpper: false, step: Double(step))
        let parts = t.shape.indices.map { $0 == axis ? Value.range(span) : .range(.all) }
        return try t.index(parts)
    }

    private static func slice() -> Builtin {
        Builtin(
            "slice", topic: "tensors",
            [
                x, .required("start"), .required("end", "not included"), .optional("axis", "0"),
                .optional("step", "1"),
            ],
            summary: "Positions start up to end of an axis, as `x[start..<end]` for the first.",
            example: "slice(arange(5), 1, 3).values  # expect: [1, 2]", seeAlso: ["take"]
        ) { args in
            let t = try tensor(args)
            let axis = try axis(args, t, default: 0)
            let step = try args.int("step", default: 1)
            guard step != 0 else { throw args.failure("`step` must not be 0") }
            let span = Span(
                Double(try args.int("start")), Double(try args.int("end")), includesUpper: false,
                step: Double(step))
            return try t.index(t.shape.indices.map { $0 == axis ? .range(span) : .range(.all) })
        }
    }

    private static func pad() -> Builtin {
        Builtin(
            "pad", topic: "tensors",
            [
                x,
                .required(
                    "padding",
                    "a number for all axes, or a list with a number or a pair [before, after] for each axis"),
                .optional("value", "0", "what is added"),
                .optional(
                    "mode", "\"constant\"", "\"constant\", \"reflect\" (mirrored at the edge) or \"edge\""),
            ],
            summary: "Elements added before and after each axis.",
            example: "pad(tensor([1, 2, 3]), 1).values  # expect: [0, 1, 2, 3, 0]",
            seeAlso: ["slice", "roll"]
        ) { args in
            let t = try tensor(args)
            let pairs = try padding(args, t)
            let mode = try args.choice("mode", of: ["constant", "reflect", "edge"], default: "constant")
            let value = try args.number("value", default: 0)
            let border: Border = mode == "edge" ? .edge : mode == "reflect" ? .reflect : .zeros
            let options =
                [value, Double(border.rawValue)] + pairs.flatMap { [Double($0.0), Double($0.1)] }
            return .object(
                try TensorObject.computeTensor("pad", options, [t]) {
                    border == .zeros
                        ? try $0[0].padded(pairs, value: value) : try $0[0].padded(pairs, border: border)
                })
        }
    }

    private static func padding(_ args: Arguments, _ t: TensorObject) throws -> [(Int, Int)] {
        func length(_ v: Value) throws -> Int {
            guard let n = v.asInt, n >= 0, n < 1 << 31 else {
                throw args.failure(
                    "`padding` is made of whole numbers of at least 0, not of \(v.summary(limit: 30))")
            }
            return n
        }
        let given = args.value("padding")
        if case .number = given {
            let n = try length(given)
            return t.shape.map { _ in (n, n) }
        }
        let items = try args.list("padding").items
        guard items.count == t.shape.count else {
            throw args.failure(
                "`padding` has \(items.count) entries for a tensor of \(t.shape.count) axes",
                hint: "give one number, or a pair [before, after] for each axis", kind: .shape)
        }
        return try items.map { item in
            guard case .list(let pair) = item else { return try (length(item), length(item)) }
            guard pair.count == 2 else { throw args.failure("a pair of `padding` is [before, after]") }
            return try (length(pair.items[0]), length(pair.items[1]))
        }
    }

    private static func flip() -> Builtin {
        Builtin(
            "flip", topic: "tensors", [x, .optional("axis", "nil", "the axis, or axes; without it all")],
            summary: "The elements in reverse order.", example: "flip(arange(3)).values  # expect: [2, 1, 0]",
            seeAlso: ["roll"]
        ) { args in try tensor(args).flipped(args.optionalInts("axis")) }
    }

    private static func roll() -> Builtin {
        Builtin(
            "roll", topic: "tensors",
            [x, .required("shift", "by how many positions"), .optional("axis", "0")],
            summary: "Moved along an axis; what leaves at the end comes in at the beginning.",
            example: "roll(arange(4), 1).values  # expect: [3, 0, 1, 2]", seeAlso: ["flip"]
        ) { args in
            let t = try tensor(args)
            let axis = try axis(args, t, default: 0)
            let n = t.shape[axis]
            let shift = try args.int("shift")
            let by = n == 0 ? 0 : ((shift % n) + n) % n
            if by == 0 { return .object(t) }
            return .object(
                try TensorObject.computeTensor("roll", [Double(axis), Double(by)], [t]) {
                    try Traced.concatenated(
                        [
                            $0[0].sliced(axis: axis, from: n - by, to: n),
                            $0[0].sliced(axis: axis, from: 0, to: n - by),
                        ], axis: axis)
                })
        }
    }

    private static func broadcast() -> Builtin {
        Builtin(
            "broadcast", topic: "tensors", [x, .variadic("shape", "lengths of the axes, or one list")],
            summary: "Stretched to a shape, as operators stretch their operands.",
            example: "broadcast(tensor([1, 2]), 3, 2).shape  # expect: [3, 2]"
        ) { args in .object(try tensor(args).broadcasted(to: TensorMaking.shape(args, args.rest))) }
    }

    private static func take() -> Builtin {
        Builtin(
            "take", topic: "tensors",
            [x, .required("positions", "a list of positions"), .optional("axis", "0")],
            summary: "The elements at some positions of an axis, in that order.",
            doc: "Of examples or a data set the first n, spread over the classes: take(data, 100).",
            example: "take(tensor([5, 6, 7]), [2, 0]).values  # expect: [7, 5]", seeAlso: ["slice"]
        ) { args in
            if !(args[0].asObject is TensorObject), case .object(let o) = args[0],
                let result = try o.apply("take", &args)
            {
                return result
            }
            let t = try tensor(args)
            let axis = try axis(args, t, default: 0)
            var parts = t.shape.indices.map { _ in Value.range(.all) }
            parts[axis] = args.value("positions")
            if case .range = parts[axis] { parts[axis] = Value(try args.numbers("positions")) }
            return try t.index(parts)
        }
    }

    private static func squeeze() -> Builtin {
        Builtin(
            "squeeze", topic: "tensors",
            [x, .optional("axis", "nil", "the axis; without it all of length 1")],
            summary: "Without axes of length 1.", example: "squeeze(zeros(1, 3, 1)).shape  # expect: [3]",
            seeAlso: ["expand"]
        ) { args in
            let t = try tensor(args)
            guard let given = try args.optionalInts("axis") else {
                return .object(try t.reshaped(t.shape.filter { $0 != 1 }))
            }
            let axes = try given.map { try Shape.axis($0, rank: t.shape.count, "squeeze") }
            for axis in axes where t.shape[axis] != 1 {
                throw args.failure(
                    "axis \(axis) of \(Shape.describe(t.shape)) has length \(t.shape[axis]), not 1",
                    kind: .shape)
            }
            return .object(try t.reshaped(t.shape.indices.filter { !axes.contains($0) }.map { t.shape[$0] }))
        }
    }

    private static func expand() -> Builtin {
        Builtin(
            "expand", topic: "tensors", [x, .optional("axis", "0", "where it stands in the result")],
            summary: "With a new axis of length 1.",
            example: "expand(zeros(3), axis = -1).shape  # expect: [3, 1]", seeAlso: ["squeeze"]
        ) { args in
            let t = try tensor(args)
            let axis = try Shape.axis(args.int("axis", default: 0), rank: t.shape.count + 1, "expand")
            var shape = t.shape
            shape.insert(1, at: axis)
            return .object(try t.reshaped(shape))
        }
    }

    private static func astype() -> Builtin {
        Builtin(
            "astype", topic: "tensors",
            [x, .required("type", "\"float32\", \"float64\", \"int32\" or \"bool\"")],
            summary: "The same values in another element type.",
            doc: "To int32 they lose their fraction; as bool everything but 0 is true.",
            example: "astype(tensor([1.7, -1.7]), \"int32\").values  # expect: [1, -1]"
        ) { args in .object(try tensor(args).converted(to: TensorMaking.type(args))) }
    }
}
