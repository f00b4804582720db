import Language
import Support

/// Functions that take functions.
enum CoreFunctional {
    static func table() -> [Builtin] {
        [map(), filter(), reduce(), each(), any(), all(), groupBy(), apply()]
    }

    /// The list and the function of `map`, `filter` and their kin; a hint where they are swapped.
    private static func listAndFunction(_ args: Arguments) throws -> ([Value], Value) {
        let f = args[1]
        guard f.isCallable else {
            throw Failure(
                .argument, args.mismatch("f", "a function", f).message,
                hint: args[0].isCallable
                    ? "the list comes first: `\(args.builtin.name)(xs, f)`, `xs |> \(args.builtin.name)(f)`"
                    : nil)
        }
        return (try Sequences.items(args[0], "`\(args.builtin.name)` takes"), f)
    }

    private static func map() -> Builtin {
        Builtin(
            "map", topic: "functions",
            [
                .required("xs"), .required("f"),
                .variadic("more", "further lists; f takes an element of each"),
            ],
            summary: "A list of f(x) for each element x.",
            example:
                "map([1, 2, 3], x -> x^2)  # expect: [1, 4, 9]\n[1, 2] |> map(str)  # expect: [\"1\", \"2\"]\nmap([1, 2], (a, b) -> a + b, [10, 20])  # expect: [11, 22]",
            seeAlso: ["filter", "reduce", "each"]
        ) { args in
            if case .object(let o) = args[0], let result = try o.apply("map", &args) { return result }
            let (items, f) = try listAndFunction(args)
            let interpreter = args.interpreter
            if args.rest.isEmpty { return .list(List(try items.map { try interpreter.call(f, [$0]) })) }
            let others = try args.rest.map { try Sequences.items($0, "`map` takes") }
            let n = others.reduce(items.count) { min($0, $1.count) }
            return .list(
                List(try (0..<n).map { i in try interpreter.call(f, [items[i]] + others.map { $0[i] }) }))
        }
    }

    private static func filter() -> Builtin {
        Builtin(
            "filter", topic: "functions", [.required("xs"), .required("f")],
            summary:
                "The elements for which f(x) is true; of a record, the entries for which f(name, value) is.",
            example: "filter(1..6, x -> x % 2 == 0)  # expect: [2, 4, 6]", seeAlso: ["map", "find", "count"]
        ) { args in
            if case .object(let o) = args[0], let result = try o.apply("filter", &args) { return result }
            let interpreter = args.interpreter
            if case .record(let r) = args[0] {
                let f = try args.function("f")
                return Value(try r.pairs.filter { try interpreter.call(f, [Value($0.0), $0.1]).truth() })
            }
            let (items, f) = try listAndFunction(args)
            return .list(List(try items.filter { try interpreter.call(f, [$0]).truth() }))
        }
    }

    private static func reduce() -> Builtin {
        Builtin(
            "reduce", topic: "functions",
            [
                .required("xs"), .required("f", "a function of the result so far and the next element"),
                .optional("start", "the first element"),
            ],
            summary: "One value from all: f(f(f(start, x0), x1), …).",
            example:
                "reduce([1, 2, 3], (a, b) -> a * b)  # expect: 6\nreduce([\"a\", \"b\"], (s, x) -> s + x, \">\")  # expect: \">ab\"",
            seeAlso: ["map", "sum"]
        ) { args in
            let (items, f) = try listAndFunction(args)
            var rest = items[...]
            var result: Value
            if args.isGiven(at: 2) {
                result = args[2]
            } else {
                guard let first = rest.popFirst() else {
                    throw args.failure("the list is empty", hint: "give a `start`", kind: .value)
                }
                result = first
            }
            for x in rest { result = try args.interpreter.call(f, [result, x]) }
            return result
        }
    }

    private static func each() -> Builtin {
        Builtin(
            "each", topic: "functions", [.required("xs"), .required("f")],
            summary: "Calls f(x) for each element, for what it does.",
            example: "each([1, 2], x -> print(x))  # expect: 1\n# expect: 2",
            seeAlso: ["map"]
        ) { args in
            let (items, f) = try listAndFunction(args)
            for x in items { _ = try args.interpreter.call(f, [x]) }
            return .nil
        }
    }

    private static func any() -> Builtin {
        Builtin(
            "any", topic: "functions",
            [
                .required("xs"),
                .optional("f", "nil", "what to ask of each; without it the elements are true or false"),
            ],
            summary: "True where at least one element is true, or makes f true.",
            example: "any([1, 5], x -> x > 3)  # expect: true\nany([false, false])  # expect: false",
            seeAlso: ["all", "find"]
        ) { args in
            if case .object(let o) = args[0], let result = try o.apply("any", &args) { return result }
            let f = try args.optionalFunction("f")
            for x in try Sequences.items(args[0], "`any` takes") {
                if try f.map({ try args.interpreter.call($0, [x]) })?.truth() ?? x.truth() {
                    return .bool(true)
                }
            }
            return .bool(false)
        }
    }

    private static func all() -> Builtin {
        Builtin(
            "all", topic: "functions",
            [
                .required("xs"),
                .optional("f", "nil", "what to ask of each; without it the elements are true or false"),
            ],
            summary: "True where every element is true, or makes f true; of an empty list true.",
            example: "all([4, 5], x -> x > 3)  # expect: true\nall([])  # expect: true", seeAlso: ["any"]
        ) { args in
            if case .object(let o) = args[0], let result = try o.apply("all", &args) { return result }
            let f = try args.optionalFunction("f")
            for x in try Sequences.items(args[0], "`all` takes") {
                if try !(f.map({ try args.interpreter.call($0, [x]) })?.truth() ?? x.truth()) {
                    return .bool(false)
                }
            }
            return .bool(true)
        }
    }

    private static func groupBy() -> Builtin {
        Builtin(
            "group_by", topic: "functions", [.required("xs"), .required("f")],
            summary: "A record of lists: the elements under what f gives for each, as text.",
            example:
                "group_by(1..4, x -> if x % 2 == 0 { \"even\" } else { \"odd\" })  # expect: {odd: [1, 3], even: [2, 4]}",
            seeAlso: ["counts"]
        ) { args in
            let (items, f) = try listAndFunction(args)
            let result = Record()
            for x in items {
                let key = try args.interpreter.call(f, [x]).text
                if case .list(let group)? = result[key] {
                    group.items.append(x)
                } else {
                    result[key] = .list([x])
                }
            }
            return .record(result)
        }
    }

    private static func apply() -> Builtin {
        Builtin(
            "apply", topic: "functions",
            [.required("f"), .optional("arguments", "[]"), .optional("named", "{}")],
            summary:
                "Calls f with a list of arguments and a record of named ones; the same as f(*arguments, **named).",
            example: "apply(max, [3, 8])  # expect: 8"
        ) { args in
            let f = try args.function("f")
            let positional = args[1].isNil ? [] : try Sequences.items(args[1], "`apply` takes")
            let named = try args.optionalRecord("named")?.pairs ?? []
            return try args.interpreter.call(f, positional, named.map { (name: $0.0, value: $0.1) })
        }
    }
}
