import Language
import Support

/// Records.
enum CoreRecords {
    static func table() -> [Builtin] {
        [
            Builtin(
                "keys", topic: "records", [.required("r")], summary: "The names in a record, in order.",
                example: "keys({a: 1, b: 2})  # expect: [\"a\", \"b\"]", seeAlso: ["values", "items"]
            ) {
                args in
                if case .object(let o) = args[0] { return Value(o.memberNames) }
                return Value(try args.record("r").keys)
            },
            Builtin(
                "values", topic: "records", [.required("r")], summary: "The values in a record, in order.",
                example: "values({a: 1, b: 2})  # expect: [1, 2]", seeAlso: ["keys", "items"]
            ) {
                args in .list(List(try args.record("r").values))
            },
            Builtin(
                "items", topic: "records", [.required("r")], summary: "Lists of a name and its value.",
                example:
                    "items({a: 1})  # expect: [[\"a\", 1]]\nfor k, v in {a: 1} { print(k, v) }  # expect: a 1",
                seeAlso: ["record", "keys"]
            ) { args in .list(List(try args.record("r").pairs.map { .list([Value($0.0), $0.1]) })) },
            Builtin(
                "has", topic: "records", [.required("r"), .required("name")],
                summary: "True where the record, or object, has an entry of that name.",
                example: "has({a: 1}, \"a\")  # expect: true", seeAlso: ["get", "contains"]
            ) {
                args in
                let name = try args.string("name")
                if case .object(let o) = args[0] { return Value(try o.member(name) != nil) }
                return Value(try args.record("r")[name] != nil)
            },
            Builtin(
                "get", topic: "records",
                [
                    .required("x", "a record or a list"), .required("key", "a name or an index"),
                    .optional("default", "nil"),
                ], summary: "An entry, or the default where there is none.",
                example: "get({a: 1}, \"b\", 0)  # expect: 0\nget([5, 6], 7, -1)  # expect: -1",
                seeAlso: ["has"]
            ) {
                args in
                if case .list(let l) = args[0] {
                    let i = try args.int("key")
                    let k = i < 0 ? i + l.count : i
                    return k >= 0 && k < l.count ? l.items[k] : args[2]
                }
                let name = try args.string("key")
                if case .object(let o) = args[0] { return try o.member(name) ?? args[2] }
                return try args.record("x")[name] ?? args[2]
            },
            Builtin(
                "record", topic: "records",
                [.optional("pairs", "[]", "a list of lists of a name and a value"), .extras("entries")],
                summary: "A record from pairs or from named arguments.",
                example:
                    "record([[\"a\", 1], [\"b\", 2]])  # expect: {a: 1, b: 2}\nrecord(x = 3)  # expect: {x: 3}",
                seeAlso: ["items"]
            ) { args in
                let result = Record()
                if case .record(let r) = args[0] {
                    for (k, v) in r.pairs { result[k] = v }
                } else if !args[0].isNil {
                    for pair in try Sequences.items(args[0], "`record` takes") {
                        guard case .list(let p) = pair, p.count == 2, case .string(let key) = p.items[0]
                        else {
                            throw args.failure(
                                "each pair must be a list of a name and a value, not \(pair.summary(limit: 40))"
                            )
                        }
                        result[key.string] = p.items[1]
                    }
                }
                for (name, value) in args.extras { result[name] = value }
                return .record(result)
            },
            Builtin(
                "counts", topic: "records", [.required("xs")],
                summary: "How often each element is there, as a record under its text.",
                example: "counts([\"a\", \"b\", \"a\"])  # expect: {a: 2, b: 1}",
                seeAlso: ["unique", "group_by"]
            ) {
                args in
                let result = Record()
                for x in try Sequences.items(args[0], "`counts` takes") {
                    let key = x.text
                    result[key] = .number((result[key]?.asNumber ?? 0) + 1)
                }
                return .record(result)
            },
        ]
    }
}
