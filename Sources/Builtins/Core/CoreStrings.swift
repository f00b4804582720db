import Language
import Support

/// Text.
enum CoreStrings {
    static func table() -> [Builtin] { cutting() + changing() + asking() + formatting() }

    private static func cutting() -> [Builtin] {
        [
            Builtin(
                "split", topic: "strings",
                [
                    .required("s"), .optional("separator", "nil", "without it any run of blanks"),
                    .optional("most", "nil", "cut at most so many times"),
                ],
                summary: "The parts of a string between separators.",
                example:
                    "split(\"a,b,c\", \",\")  # expect: [\"a\", \"b\", \"c\"]\nsplit(\" two  words \")  # expect: [\"two\", \"words\"]",
                seeAlso: ["join", "lines", "chars"]
            ) { args in try split(args) },
            Builtin(
                "join", topic: "strings", [.required("xs"), .optional("separator", "\"\"")],
                summary: "One string of all elements, with the separator between them.",
                example:
                    "join([\"a\", \"b\"], \"-\")  # expect: \"a-b\"\njoin(1..3, \", \")  # expect: \"1, 2, 3\"",
                seeAlso: ["split"]
            ) { args in
                if case .string(let s) = args[0], case .list = args[1] {
                    throw args.failure(
                        "the list comes first", hint: "write join(xs, \(Value(s.string).written))")
                }
                let separator = try args.string("separator", default: "")
                var out = ""
                for (i, x) in try Sequences.items(args[0], "`join` takes").enumerated() {
                    if i > 0 { out += separator }
                    out += x.text
                    try Limits.checkString(out.utf8.count)
                }
                return Value(out)
            },
            Builtin(
                "lines", topic: "strings", [.required("s")],
                summary: "The lines of a text, without their ends.",
                example: "lines(\"a\\nb\\n\")  # expect: [\"a\", \"b\"]", seeAlso: ["split", "read_text"]
            ) { args in
                var result: [Value] = []
                var line: [UInt8] = []
                let text = try args.string("s")
                for b in text.utf8 {
                    if b == 10 {
                        if line.last == 13 { line.removeLast() }
                        result.append(Value(String(decoding: line, as: UTF8.self)))
                        line.removeAll(keepingCapacity: true)
                    } else {
                        line.append(b)
                    }
                }
                if !line.isEmpty { result.append(Value(String(decoding: line, as: UTF8.self))) }
                return .list(List(result))
            },
            Builtin(
                "chars", topic: "strings", [.required("s")],
                summary: "The characters (code points) of a string.",
                example: "chars(\"añ\")  # expect: [\"a\", \"ñ\"]", seeAlso: ["split", "code", "char"]
            ) { args in .list(List(try args.string("s").unicodeScalars.map { Value(String($0)) })) },
            Builtin(
                "trim", topic: "strings", [.required("s"), .optional("characters", "blanks and line ends")],
                summary: "The string without blanks (or other characters) at both ends.",
                example: "trim(\"  a b \")  # expect: \"a b\"\ntrim(\"--x-\", \"-\")  # expect: \"x\""
            ) { args in
                let set = try args.optionalString("characters").map { Set($0.unicodeScalars) }
                let isOut = { (c: Unicode.Scalar) in set?.contains(c) ?? c.properties.isWhitespace }
                var s = Substring(try args.string("s")).unicodeScalars
                while let c = s.first, isOut(c) { s.removeFirst() }
                while let c = s.last, isOut(c) { s.removeLast() }
                return Value(String(s))
            },
        ]
    }

    private static func split(_ args: Arguments) throws -> Value {
        try split(args.string("s"), separator: args.optionalString("separator"), args)
    }

    /// Cut at most `most` (of the arguments) times.
    static func split(_ s: String, separator: String?, _ args: Arguments) throws -> Value {
        let most = try args.int("most", in: 0...Int.max, default: Int.max)
        guard let separator else {
            let parts = s.unicodeScalars.split(maxSplits: most, omittingEmptySubsequences: true) {
                $0.properties.isWhitespace
            }
            return .list(List(parts.map { Value(String($0)) }))
        }
        if separator.isEmpty {
            throw args.failure("the separator is empty", hint: "chars(s) gives the characters")
        }
        var parts: [Value] = []
        let bytes = Array(s.utf8)
        var at = 0
        while parts.count < most, let hit = StringSearch.find(separator, in: s, from: at) {
            parts.append(Value(String(decoding: bytes[at..<hit], as: UTF8.self)))
            at = hit + separator.utf8.count
            if parts.count & 0xFFF == 0 { try CancelFlag.shared.check() }
        }
        parts.append(Value(String(decoding: bytes[at...], as: UTF8.self)))
        return .list(List(parts))
    }

    private static func changing() -> [Builtin] {
        [
            Builtin(
                "upper", topic: "strings", [.required("s")], summary: "In capital letters.",
                example: "upper(\"straße\")  # expect: \"STRASSE\"", seeAlso: ["lower"]
            ) {
                args in
                let s = try args.string("s")
                return Value(mapped(s) { $0 >= 97 && $0 <= 122 ? $0 - 32 : $0 } ?? s.uppercased())
            },
            Builtin(
                "lower", topic: "strings", [.required("s")], summary: "In small letters.",
                example: "lower(\"ÄB\")  # expect: \"äb\"", seeAlso: ["upper"]
            ) {
                args in
                let s = try args.string("s")
                return Value(mapped(s) { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 } ?? s.lowercased())
            },
            Builtin(
                "replace", topic: "strings",
                [
                    .required("s"), .required("old"), .required("new"),
                    .optional("most", "nil", "replace at most so many"),
                ],
                summary: "The string with each `old` replaced by `new`.",
                example: "replace(\"a-b-c\", \"-\", \"+\")  # expect: \"a+b+c\""
            ) { args in
                let s = try args.string("s")
                let old = try args.string("old")
                let new = try args.string("new")
                let most = try args.int("most", in: 0...Int.max, default: Int.max)
                if old.isEmpty { throw args.failure("`old` is empty") }
                return try StringSearch.replace(old, by: new, in: s, most: most).map { Value($0) } ?? args[0]
            },
            Builtin(
                "pad_left", topic: "strings",
                [.required("s"), .required("width"), .optional("fill", "\" \"")],
                summary: "The string with blanks before it, to a width.",
                example: "pad_left(\"7\", 3, \"0\")  # expect: \"007\"", seeAlso: ["pad_right", "format"]
            ) { args in
                let (s, fill) = try padding(args)
                return Value(fill + s)
            },
            Builtin(
                "pad_right", topic: "strings",
                [.required("s"), .required("width"), .optional("fill", "\" \"")],
                summary: "The string with blanks behind it, to a width.",
                example: "pad_right(\"ab\", 4) + \"|\"  # expect: \"ab  |\"", seeAlso: ["pad_left"]
            ) { args in
                let (s, fill) = try padding(args)
                return Value(s + fill)
            },
        ]
    }

    private static func padding(_ args: Arguments) throws -> (String, String) {
        let s = args[0].text
        let width = try args.int("width", in: 0...1_000_000)
        let fill = try args.string("fill", default: " ")
        guard fill.count == 1 else { throw args.failure("`fill` must be one character") }
        return (s, String(repeating: fill, count: max(0, width - s.count)))
    }

    private static func asking() -> [Builtin] {
        [
            Builtin(
                "starts_with", topic: "strings", [.required("s"), .required("part")],
                summary: "True where the string begins with the part.",
                example: "starts_with(\"hello\", \"he\")  # expect: true", seeAlso: ["ends_with", "contains"]
            ) {
                args in Value(try args.string("s").utf8.starts(with: try args.string("part").utf8))
            },
            Builtin(
                "ends_with", topic: "strings", [.required("s"), .required("part")],
                summary: "True where the string ends with the part.",
                example: "ends_with(\"a.wav\", \".wav\")  # expect: true",
                seeAlso: ["starts_with", "contains"]
            ) {
                args in
                Value(
                    try args.string("s").utf8.reversed().starts(with: try args.string("part").utf8.reversed())
                )
            },
            Builtin(
                "code", topic: "strings", [.required("c", "a string of one character")],
                summary: "The number of a character in Unicode.", example: "code(\"A\")  # expect: 65",
                seeAlso: ["char"]
            ) {
                args in
                let s = try args.string("c").unicodeScalars
                guard s.count == 1, let c = s.first else {
                    throw args.failure("`c` must be one character, not \(s.count)")
                }
                return Value(Int(c.value))
            },
            Builtin(
                "char", topic: "strings", [.required("code")],
                summary: "The character with a number in Unicode.", example: "char(65)  # expect: \"A\"",
                seeAlso: ["code"]
            ) {
                args in
                guard let c = Unicode.Scalar(UInt32(try args.int("code", in: 0...0x10FFFF))) else {
                    throw args.failure("there is no character with this number")
                }
                return Value(String(c))
            },
        ]
    }

    private static func formatting() -> [Builtin] {
        [
            Builtin(
                "format", topic: "strings",
                [.required("x"), .required("spec", "[<>^][+][0][width][,][.digits][f e g d x b % s]")],
                summary: "A value as text in a given form; the same as \"{x:spec}\".",
                example:
                    "format(pi, \".3f\")  # expect: \"3.142\"\nformat(94768, \",\")  # expect: \"94,768\"\nformat(0.4127, \".1%\")  # expect: \"41.3%\"\n\"{7:03}\"  # expect: \"007\"",
                seeAlso: ["str", "round"]
            ) { args in
                let spec = try args.string("spec")
                guard let format = NumberFormat(spec) else {
                    throw args.failure(
                        "\"\(spec)\" is not a format",
                        hint: "a format is like .3f, 8.2f, .1%, e, >10, <10, 06.2f or ,", argument: "spec")
                }
                return Value(try args.blaming("x") { try format.apply(args[0]) })
            },
            Builtin(
                "str", topic: "strings", [.required("x")],
                summary: "Any value as a string; a string stays as it is.",
                example: "str(1.5)  # expect: \"1.5\"\nstr([1, \"a\"]) |> print  # expect: [1, \"a\"]",
                seeAlso: ["repr", "num", "format"]
            ) { args in
                if case .string = args[0] { return args[0] }
                return Value(args[0].text)
            },
            Builtin(
                "repr", topic: "strings", [.required("x")],
                summary: "A value as it is written in vz; strings with their quotes.",
                example: "print(repr(\"a\"))  # expect: \"a\"", seeAlso: ["str"]
            ) { args in Value(args[0].written) },
            Builtin(
                "num", topic: "strings",
                [
                    .required("s"),
                    .optional("default", "an error", "what to give where the string is no number"),
                ],
                summary: "The number that a string spells.",
                example: "num(\"2.5\")  # expect: 2.5\nnum(\"x\", nil) ?? 0  # expect: 0",
                seeAlso: ["str", "int"]
            ) { args in
                if case .number = args[0] { return args[0] }
                if case .bool(let b) = args[0] { return .number(b ? 1 : 0) }
                if case .object(let o) = args[0], let result = try o.apply("num", &args) { return result }
                let s = try args.string("s")
                if let x = parse(s) { return .number(x) }
                if args.isGiven(at: 1) { return args[1] }
                throw args.failure(
                    "\(Value(s).summary(limit: 40)) is not a number", hint: "num(s, nil) gives nil instead",
                    kind: .value, argument: "s")
            },
            Builtin(
                "int", topic: "strings", [.required("x", "a number, or a string that spells one")],
                summary: "The whole part of a number, towards zero.",
                example: "int(-2.7)  # expect: -2\nint(\"42\")  # expect: 42",
                seeAlso: ["round", "floor", "num"]
            ) { args in
                if case .object(let o) = args[0], let result = try o.apply("int", &args) { return result }
                let x: Double
                if case .string(let s) = args[0] {
                    guard let parsed = parse(s.string) else {
                        throw args.failure(
                            "\(args[0].summary(limit: 40)) is not a number", kind: .value, argument: "x")
                    }
                    x = parsed
                } else {
                    x = try args.number("x")
                }
                if !x.isFinite { throw args.failure("\(Numbers.text(x)) has no whole part", kind: .value) }
                return .number(x.rounded(.towardZero) + 0)
            },
        ]
    }

    /// `f` of each byte of a text in ASCII; nil for other texts.
    private static func mapped(_ s: String, _ f: (UInt8) -> UInt8) -> String? {
        let bytes = s.utf8
        guard bytes.allSatisfy({ $0 < 128 }) else { return nil }
        return String(unsafeUninitializedCapacity: bytes.count) { out in
            var n = 0
            for byte in bytes {
                out[n] = f(byte)
                n += 1
            }
            return n
        }
    }

    /// A number as vz writes it; blanks around it do not matter.
    private static func parse(_ s: String) -> Double? {
        // Digits, point, sign and exponent alone, as nearly all are.
        if s.utf8.allSatisfy({ ($0 >= 48 && $0 <= 57) || $0 == 46 || $0 == 45 || $0 == 43 || $0 == 101 }) {
            return Double(s)
        }
        var t = Substring(s)
        while let c = t.first, c.isWhitespace { t.removeFirst() }
        while let c = t.last, c.isWhitespace { t.removeLast() }
        let digits = t.filter { $0 != "_" }
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
            return UInt64(digits.dropFirst(2), radix: 16).map { Double($0) }
        }
        return Double(digits)
    }
}
