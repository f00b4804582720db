import Graph
import Language
import Support
import Tensor

/// Making tensors.
enum TensorMaking {
    static func table(_ chance: Chance) -> [Builtin] {
        [
            tensor(), filled("zeros", 0), filled("ones", 1), full(), eye(), arange(), linspace(),
            like("zeros_like", 0),
            like("ones_like", 1),
        ]
            + random(chance)
    }

    static let typeParameter = Parameter.optional(
        "type", "\"float32\"", "\"float32\", \"float64\", \"int32\" or \"bool\"")

    static func type(_ args: Arguments, default d: ElementType = .float32) throws -> ElementType {
        let names = ElementType.allCases.map(\.description)
        let name = try args.choice("type", of: names, default: d.description)
        return ElementType.allCases.first { $0.description == name } ?? d
    }

    /// A shape given as numbers (`zeros(2, 3)`) or as one list (`zeros([2, 3])`).
    static func shape(_ args: Arguments, _ values: [Value]) throws -> [Int] {
        var values = values
        var isList = false
        if values.count == 1, case .list(let l) = values[0] { (values, isList) = (l.items, true) }
        let shape = try values.enumerated().map { i, v -> Int in
            if let n = v.asInt { return n }
            let what = v.asNumber.map(Numbers.text) ?? v.typePhrase
            return try args.blaming(rest: isList ? 0 : i) {
                throw args.failure(
                    "a shape is made of whole numbers, not of \(what)",
                    hint: "write \(args.builtin.name)(2, 3)")
            }
        }
        do { _ = try Shape.count(shape) } catch {
            throw args.failure(error.message, hint: error.hint, kind: error.kind)
        }
        return shape
    }

    private static func result(_ tensor: Tensor) -> Value { .object(TensorObject(tensor)) }

    private static func tensor() -> Builtin {
        Builtin(
            "tensor", topic: "tensors",
            [.required("values", "numbers in nested lists, a range, a number, or a tensor"), typeParameter],
            summary: "A tensor of the given numbers.",
            doc:
                "Lists of equal lengths nest to axes, outermost first. The type is float32, and bool for truth values, unless it is given.",
            example: "t = tensor([[1, 2], [3, 4]])\nt.shape  # expect: [2, 2]",
            seeAlso: ["zeros", "arange", "randn"]
        ) { args in
            let type = args[1].isNil ? nil : try Self.type(args)
            return .object(try TensorObject.from(args[0], "`tensor`: `values`", type))
        }
    }

    private static func filled(_ name: String, _ value: Double) -> Builtin {
        Builtin(
            name, topic: "tensors",
            [.variadic("shape", "lengths of the axes, or one list of them"), typeParameter],
            summary: "A tensor of \(name).", example: "sum(\(name)(2, 3))  # expect: \(Int(value * 6))",
            seeAlso: ["full", "\(name)_like"]
        ) { args in
            result(try Tensor(repeating: value, shape: shape(args, args.rest), type(args)))
        }
    }

    private static func like(_ name: String, _ value: Double) -> Builtin {
        Builtin(
            name, topic: "tensors", [.required("t", "a tensor")],
            summary: "A tensor of \(Int(value))s with the shape and type of another.",
            example: "sum(\(name)(tensor([5, 7])))  # expect: \(Int(value * 2))"
        ) { args in
            let type = try TensorObject.from(args[0], "`\(name)`: `t`").type
            return result(try Tensor(repeating: value, shape: type.shape, type.type))
        }
    }

    private static func full() -> Builtin {
        Builtin(
            "full", topic: "tensors",
            [.required("shape", "a list of lengths"), .required("value"), typeParameter],
            summary: "A tensor with one value everywhere.", example: "full([2], 7)[1]  # expect: 7",
            seeAlso: ["zeros", "ones"]
        ) { args in
            result(try Tensor(repeating: args.number("value"), shape: shape(args, [args[0]]), type(args)))
        }
    }

    private static func eye() -> Builtin {
        Builtin(
            "eye", topic: "tensors", [.required("n", "rows"), .optional("m", "n", "columns")],
            summary: "The identity matrix: ones on the diagonal, zeros elsewhere.",
            example: "sum(eye(3))  # expect: 3"
        ) { args in
            let n = try args.int("n", in: 0...(1 << 24))
            let m = try args.int("m", in: 0...(1 << 24), default: n)
            let t = try Tensor(repeating: 0, shape: [n, m])
            let p = t.base.assumingMemoryBound(to: Float.self)
            for i in 0..<min(n, m) { p[i * m + i] = 1 }
            return result(t)
        }
    }

    private static func arange() -> Builtin {
        Builtin(
            "arange", topic: "tensors",
            [
                .required("a", "the first number, or with one argument the end"),
                .optional("b", "nil", "the end, not included"), .optional("step", "1"), typeParameter,
            ],
            summary: "Numbers at equal distances, the end not included.",
            example: "arange(4).values  # expect: [0, 1, 2, 3]\narange(1, 2, 0.25).size  # expect: 4",
            seeAlso: ["linspace", "range"]
        ) { args in
            let first = try args.number("a")
            let from = args[1].isNil ? 0 : first
            let to = args[1].isNil ? first : try args.number("b")
            let step = try args.number("step", default: 1)
            guard step != 0, step.isFinite, from.isFinite, to.isFinite else {
                throw args.failure("the step must not be 0, and all must be finite")
            }
            let count = max(((to - from) / step - 1e-9).rounded(.up), 0)
            guard count < 1e10 else {
                throw args.failure("\(Numbers.text(count)) numbers are too many", kind: .memory)
            }
            let type = try type(args)
            let values = (0..<Int(count)).map { from + Double($0) * step }
            return result(try Tensor(values, shape: [values.count]).converted(to: type))
        }
    }

    private static func linspace() -> Builtin {
        Builtin(
            "linspace", topic: "tensors",
            [
                .required("a"), .required("b"), .optional("n", "50", "how many, both ends included"),
                typeParameter,
            ],
            summary: "n numbers at equal distances from a to b, both included.",
            example: "linspace(0, 1, 5).values  # expect: [0, 0.25, 0.5, 0.75, 1]", seeAlso: ["arange"]
        ) { args in
            let (a, b) = (try args.number("a"), try args.number("b"))
            let n = try args.int("n", in: 0...(1 << 30), default: 50)
            let values = (0..<n).map {
                $0 == n - 1 && n > 1 ? b : a + (b - a) * Double($0) / Double(max(n - 1, 1))
            }
            return result(try Tensor(values, shape: [n]).converted(to: type(args)))
        }
    }

    // MARK: Chance

    private static func random(_ chance: Chance) -> [Builtin] {
        [
            seed(chance),
            drawn(
                "rand", chance, .uniform,
                "Random numbers, evenly spread between low (included) and high (not).",
                [.optional("low", "0"), .optional("high", "1")]),
            drawn(
                "randn", chance, .normal, "Random numbers with the normal distribution.",
                [.optional("mean", "0"), .optional("std", "1", "standard deviation")]),
            drawn(
                "truncated_normal", chance, .truncatedNormal,
                "Normal random numbers; those beyond two standard deviations are drawn again.",
                [.optional("mean", "0"), .optional("std", "1", "standard deviation")]),
            bernoulli(chance), randint(chance), permutation(chance), shuffle(chance),
        ]
    }

    private static func seed(_ chance: Chance) -> Builtin {
        Builtin(
            "seed", topic: "chance",
            [.optional("n", "nil", "a whole number; without it the current seed is given")],
            summary: "Start the random numbers again from n.",
            doc:
                "Everything random follows from the seed: rand and randn, first weights, shuffling, dropout, fit and maximize. The same seed gives the same numbers on every machine and at any number of threads.",
            example: "seed(7)\na = rand(3)\nseed(7)\nall(a == rand(3))  # expect: true",
            seeAlso: ["rand", "randn"]
        ) { args in
            guard !args[0].isNil else { return .number(Double(chance.seed)) }
            let n = try args.int("n")
            chance.restart(UInt64(bitPattern: Int64(n)))
            return .nil
        }
    }

    private static func drawn(
        _ name: String, _ chance: Chance, _ distribution: Distribution, _ summary: String,
        _ options: [Parameter]
    ) -> Builtin {
        Builtin(
            name, topic: "chance",
            [.variadic("shape", "lengths of the axes, or one list; without it one number")] + options,
            summary: summary, example: "\(name)(2, 3).shape  # expect: [2, 3]",
            seeAlso: ["seed", "rand", "randn"].filter { $0 != name }
        ) { args in
            let (firstName, secondName) = (options[0].name, options[1].name)
            let isUniform = distribution == .uniform
            let first = try args.number(firstName, default: 0)
            let second = try args.number(secondName, default: 1)
            let shape = try shape(args, args.rest)
            let scale = isUniform ? second - first : second
            if let trace = Trace.current, trace.drawsAnew {
                let drawn = try trace.random { try $0.random(distribution, shape: shape, stream: $1) }
                return .object(TensorObject(try drawn * scale + first))
            }
            let tensor = try Tensor(random: distribution, shape: shape, key: chance.nextKey())
            guard first != 0 || second != 1 else {
                return args.rest.isEmpty ? try TensorObject.value(tensor) : result(tensor)
            }
            let p = tensor.base.assumingMemoryBound(to: Float.self)
            for i in 0..<tensor.count { p[i] = Float(Double(p[i]) * scale + first) }
            return args.rest.isEmpty ? try TensorObject.value(tensor) : result(tensor)
        }
    }

    private static func bernoulli(_ chance: Chance) -> Builtin {
        Builtin(
            "bernoulli", topic: "chance",
            [.required("p", "probability of a 1"), .variadic("shape", "lengths of the axes, or one list")],
            summary: "Random zeros and ones, each a one with probability p.",
            example: "sum(bernoulli(1, 5))  # expect: 5", seeAlso: ["rand"]
        ) { args in
            let p = try args.number("p")
            guard p >= 0, p <= 1 else {
                throw args.failure("`p` lies between 0 and 1, not \(Numbers.text(p))")
            }
            let shape = try shape(args, args.rest)
            if let trace = Trace.current, trace.drawsAnew {
                return .object(
                    TensorObject(try trace.random { try $0.bernoulli(p, shape: shape, stream: $1) }))
            }
            let tensor = try Tensor(random: .uniform, shape: shape, key: chance.nextKey())
            let x = tensor.base.assumingMemoryBound(to: Float.self)
            for i in 0..<tensor.count { x[i] = Double(x[i]) < p ? 1 : 0 }
            return args.rest.isEmpty ? try TensorObject.value(tensor) : result(tensor)
        }
    }

    private static func randint(_ chance: Chance) -> Builtin {
        Builtin(
            "randint", topic: "chance",
            [
                .required("low", "the least"), .required("high", "one more than the greatest"),
                .variadic("shape", "lengths of the axes, or one list; without it one number"),
            ],
            summary: "Random whole numbers from low to high - 1.", example: "randint(3, 4)  # expect: 3",
            seeAlso: ["rand"]
        ) { args in
            let (low, high) = (try args.int("low"), try args.int("high"))
            guard low < high, low >= -2_147_483_648, high <= 2_147_483_648 else {
                throw args.failure("`low` must be below `high`, both within 32 bits: \(low), \(high)")
            }
            let shape = try shape(args, args.rest)
            if let trace = Trace.current, trace.drawsAnew {
                return .object(
                    TensorObject(
                        try trace.random { try $0.randomIntegers(low..<high, shape: shape, stream: $1) }))
            }
            let drawn = try Tensor(integers: low..<high, shape: shape, key: chance.nextKey())
            return try args.rest.isEmpty ? TensorObject.value(drawn) : result(drawn)
        }
    }

    private static func permutation(_ chance: Chance) -> Builtin {
        Builtin(
            "permutation", topic: "chance", [.required("n")],
            summary: "The numbers 0 to n - 1 in random order.", example: "sum(permutation(5))  # expect: 10",
            seeAlso: ["shuffle"]
        ) { args in
            let n = try args.int("n", in: 0...(1 << 27))
            if let trace = Trace.current, trace.drawsAnew {
                return .object(TensorObject(try trace.random { try $0.randomPermutation(n, stream: $1) }))
            }
            return result(try Tensor(permutation: n, key: chance.nextKey()))
        }
    }

    private static func shuffle(_ chance: Chance) -> Builtin {
        Builtin(
            "shuffle", topic: "chance", [.required("x", "a list, or a tensor, whose first axis is shuffled")],
            summary: "The same elements in random order.", example: "sum(shuffle([1, 2, 3]))  # expect: 6",
            seeAlso: ["permutation"]
        ) { args in
            if case .object(let o) = args[0], let t = o as? TensorObject {
                guard let n = t.shape.first else {
                    throw args.failure("one number has no order", kind: .value)
                }
                let order = try Tensor(permutation: n, key: chance.nextKey()).array(of: Int32.self)
                return .object(try t.taken(order.map(Int.init), axis: 0))
            }
            let all = try Sequences.items(args[0], "`shuffle`: `x` must be")
            let order = try Tensor(permutation: all.count, key: chance.nextKey()).array(of: Int32.self)
            return .list(order.map { all[Int($0)] })
        }
    }
}
