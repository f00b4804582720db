import Glibc
import Language
import Support

/// Functions of numbers; on a list they work element by element, on a tensor as the tensor does.
enum CoreNumbers {
    static func table() -> [Builtin] {
        roots() + trigonometry() + rounding() + [clip(), isClose()]
    }

    /// A function of one number.
    static func elementwise(
        _ name: String, _ summary: String, example: String, seeAlso: [String] = [],
        _ f: @escaping (Double) -> Double
    ) -> Builtin {
        Builtin(
            name, topic: "numbers", [.required("x", "a number, a list of numbers, or a tensor")],
            summary: summary,
            example: example, seeAlso: seeAlso
        ) { args in
            if case .number(let x) = args[0] { return .number(f(x)) }
            if case .object(let o) = args[0], let result = try o.apply(name, &args) { return result }
            return try map(args[0], args, "x", f)
        }
    }

    /// `f` of each number in `v`, which may be a list of lists.
    static func map(
        _ v: Value, _ args: Arguments, _ parameter: String, depth: Int = 0, _ f: (Double) -> Double
    ) throws -> Value {
        switch v {
        case .number(let x): return .number(f(x))
        case .list, .range:
            if depth > 100 { throw args.failure("the list is nested too deeply") }
            let items = try Sequences.items(v, "")
            return .list(List(try items.map { try map($0, args, parameter, depth: depth + 1, f) }))
        default: throw args.mismatch(parameter, "a number or a list of numbers", v)
        }
    }

    private static func roots() -> [Builtin] {
        [
            elementwise(
                "abs", "The magnitude of a number.",
                example: "abs(-2)  # expect: 2\nabs([-1, 2])  # expect: [1, 2]",
                seeAlso: ["sign"], Swift.abs),
            elementwise(
                "sign", "-1, 0 or 1 as the number is below, at or above 0.",
                example: "sign(-3)  # expect: -1",
                seeAlso: ["abs"]
            ) { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 },
            elementwise(
                "sqrt", "The square root; of a negative number it is nan.", example: "sqrt(9)  # expect: 3",
                { $0.squareRoot() }),
            elementwise(
                "exp", "e to the power x.", example: "exp(0)  # expect: 1", seeAlso: ["log"], Glibc.exp),
            elementwise(
                "log2", "The logarithm to base 2.", example: "log2(8)  # expect: 3", seeAlso: ["log"],
                Glibc.log2),
            elementwise(
                "log10", "The logarithm to base 10.", example: "log10(1000)  # expect: 3", seeAlso: ["log"],
                Glibc.log10),
            elementwise(
                "log1p", "log(1 + x), exact for small x.", example: "log1p(0)  # expect: 0", seeAlso: ["log"],
                Glibc.log1p),
            elementwise(
                "expm1", "exp(x) - 1, exact for small x.", example: "expm1(0)  # expect: 0", seeAlso: ["exp"],
                Glibc.expm1),
            Builtin(
                "log", topic: "numbers",
                [
                    .required("x", "a number, a list of numbers, or a tensor"),
                    .optional("base", "nil", "the base; without it the natural logarithm"),
                ],
                summary: "The natural logarithm, or that to another base.",
                example: "log(1)  # expect: 0\nlog(81, 3) |> round  # expect: 4",
                seeAlso: ["exp", "log2", "log10"]
            ) { args in
                if case .object(let o) = args[0], let result = try o.apply("log", &args) { return result }
                guard let base = try args.optionalNumber("base") else {
                    return try map(args[0], args, "x", Glibc.log)
                }
                let scale = Glibc.log(base)
                return try map(args[0], args, "x") { Glibc.log($0) / scale }
            },
        ]
    }

    private static func trigonometry() -> [Builtin] {
        [
            elementwise(
                "sin", "The sine of an angle in radians.", example: "sin(0)  # expect: 0",
                seeAlso: ["cos", "pi"], Glibc.sin),
            elementwise(
                "cos", "The cosine of an angle in radians.", example: "cos(0)  # expect: 1", seeAlso: ["sin"],
                Glibc.cos),
            elementwise(
                "tan", "The tangent of an angle in radians.", example: "tan(0)  # expect: 0", Glibc.tan),
            elementwise(
                "asin", "The angle whose sine is x, in radians.", example: "asin(0)  # expect: 0", Glibc.asin),
            elementwise(
                "acos", "The angle whose cosine is x, in radians.", example: "acos(1)  # expect: 0",
                Glibc.acos),
            elementwise(
                "atan", "The angle whose tangent is x, in radians.", example: "atan(0)  # expect: 0",
                seeAlso: ["atan2"], Glibc.atan),
            elementwise("sinh", "The hyperbolic sine.", example: "sinh(0)  # expect: 0", Glibc.sinh),
            elementwise("cosh", "The hyperbolic cosine.", example: "cosh(0)  # expect: 1", Glibc.cosh),
            elementwise("tanh", "The hyperbolic tangent.", example: "tanh(0)  # expect: 0", Glibc.tanh),
            Builtin(
                "atan2", topic: "numbers", [.required("y"), .required("x")],
                summary: "The angle of the point (x, y), in radians from -pi to pi.",
                example: "atan2(0, 1)  # expect: 0",
                seeAlso: ["atan"]
            ) { args in .number(Glibc.atan2(try args.number("y"), try args.number("x"))) },
            Builtin(
                "hypot", topic: "numbers", [.required("x"), .required("y")],
                summary: "sqrt(x^2 + y^2).", example: "hypot(3, 4)  # expect: 5"
            ) { args in .number(Glibc.hypot(try args.number("x"), try args.number("y"))) },
        ]
    }

    private static func rounding() -> [Builtin] {
        [
            elementwise(
                "floor", "The largest whole number that is not above x.",
                example: "floor(-1.5)  # expect: -2", seeAlso: ["ceil", "round"], Glibc.floor),
            elementwise(
                "ceil", "The smallest whole number that is not below x.", example: "ceil(1.2)  # expect: 2",
                seeAlso: ["floor", "round"], Glibc.ceil),
            elementwise(
                "trunc", "x without its fraction.", example: "trunc(-1.7)  # expect: -1", seeAlso: ["floor"],
                Glibc.trunc),
            Builtin(
                "round", topic: "numbers",
                [
                    .required("x", "a number, a list of numbers, or a tensor"),
                    .optional("digits", "0", "decimal places; negative ones round tens and hundreds"),
                ],
                summary:
                    "The nearest whole number, or the nearest with some decimal places; halves go to the even one.",
                example: "round(2.567, 2)  # expect: 2.57\nround(2.5)  # expect: 2",
                seeAlso: ["floor", "ceil", "format"]
            ) { args in
                if case .object(let o) = args[0], let result = try o.apply("round", &args) { return result }
                let digits = args[1].isNil ? 0 : try args.int("digits", in: -300...300)
                return try map(args[0], args, "x") { rounded($0, digits) }
            },
        ]
    }

    /// Decimal rounding by way of the decimal text, as 2.675 is less than it seems.
    private static func rounded(_ x: Double, _ digits: Int) -> Double {
        if !x.isFinite { return x }
        if digits == 0 { return x.rounded(.toNearestOrEven) }
        if digits < 0 {
            let scale = Glibc.pow(10, Double(-digits))
            return (x / scale).rounded(.toNearestOrEven) * scale
        }
        if digits > 17 || Swift.abs(x) >= 1e16 { return x }
        return Double(Numbers.formatted(x, precision: digits, conversion: "f")) ?? x
    }

    private static func clip() -> Builtin {
        Builtin(
            "clip", topic: "numbers",
            [
                .required("x", "a number, a list of numbers, or a tensor"), .required("low"),
                .required("high"),
            ],
            summary: "x kept between low and high.",
            example: "clip(5, 0, 1)  # expect: 1\nclip([-1, 0.5, 2], 0, 1)  # expect: [0, 0.5, 1]",
            seeAlso: ["min", "max"]
        ) { args in
            if case .object(let o) = args[0], let result = try o.apply("clip", &args) { return result }
            let low = try args.number("low")
            let high = try args.number("high")
            return try map(args[0], args, "x") { Swift.min(Swift.max($0, low), high) }
        }
    }

    private static func isClose() -> Builtin {
        Builtin(
            "is_close", topic: "numbers",
            [
                .required("a"), .required("b"),
                .optional(
                    "tolerance", "1e-9",
                    "allowed difference, relative to the larger one where that is above 1"),
            ],
            summary: "True where two numbers differ by rounding only.",
            example: "is_close(0.1 + 0.2, 0.3)  # expect: true"
        ) { args in
            let a = try args.number("a")
            let b = try args.number("b")
            let t = try args.number("tolerance", default: 1e-9)
            return Value(a == b || Swift.abs(a - b) <= t * Swift.max(1, Swift.abs(a), Swift.abs(b)))
        }
    }
}
