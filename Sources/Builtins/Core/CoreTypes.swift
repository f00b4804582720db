import Language
import Support

/// What a value is.
enum CoreTypes {
    static func table() -> [Builtin] {
        [
            Builtin(
                "type", topic: "types", [.required("x")], summary: "The name of a value's kind.",
                example:
                    "type(1)  # expect: \"number\"\ntype([])  # expect: \"list\"\ntype(nil)  # expect: \"nil\""
            ) {
                args in Value(args[0].typeName)
            },
            Builtin(
                "list", topic: "types", [.required("x")],
                summary: "The elements of a range, string, record or tensor as a list.",
                example: "list(1..3)  # expect: [1, 2, 3]\nlist(\"ab\")  # expect: [\"a\", \"b\"]",
                seeAlso: ["range", "copy"]
            ) {
                args in
                if case .object(let o) = args[0], let result = try o.apply("list", &args) { return result }
                return .list(List(try Sequences.items(args[0], "`list` takes")))
            },
            test("is_nil", "nil", "is_nil(nil)  # expect: true") { $0.isNil },
            test("is_bool", "true or false", "is_bool(1)  # expect: false") { $0.asBool != nil },
            test("is_number", "a number", "is_number(1)  # expect: true") { $0.asNumber != nil },
            test("is_int", "a whole number", "is_int(1.5)  # expect: false") { $0.asInt != nil },
            test("is_string", "a string", "is_string(\"a\")  # expect: true") { $0.asString != nil },
            test("is_list", "a list", "is_list([])  # expect: true") { $0.asList != nil },
            test("is_record", "a record", "is_record({})  # expect: true") { $0.asRecord != nil },
            test("is_range", "a range", "is_range(1..2)  # expect: true") { $0.asSpan != nil },
            test("is_function", "something that can be called", "is_function(len)  # expect: true") {
                $0.isCallable
            },
            CoreNumbers.predicate("is_nan", "not a number", "is_nan(nan)  # expect: true") { $0.isNaN },
            CoreNumbers.predicate("is_finite", "neither infinite nor nan", "is_finite(inf)  # expect: false")
            { $0.isFinite },
        ]
    }

    private static func test(
        _ name: String, _ what: String, _ example: String, _ f: @escaping (Value) -> Bool
    ) -> Builtin {
        Builtin(
            name, topic: "types", [.required("x")], summary: "True where x is \(what).", example: example,
            seeAlso: ["type"]
        ) {
            args in .bool(f(args[0]))
        }
    }
}

extension CoreNumbers {
    static func predicate(_ name: String, _ what: String, _ example: String, _ f: @escaping (Double) -> Bool)
        -> Builtin
    {
        Builtin(
            name, topic: "types", [.required("x", "a number, or a tensor")],
            summary: "True where x is \(what).", example: example
        ) {
            args in
            if case .object(let o) = args[0], let result = try o.apply(name, &args) { return result }
            guard case .number(let x) = args[0] else { return .bool(false) }
            return .bool(f(x))
        }
    }
}
