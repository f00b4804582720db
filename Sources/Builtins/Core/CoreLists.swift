import Language
import Support

/// Making, growing and rearranging lists.
enum CoreLists {
    static func table() -> [Builtin] { access() + growing() + arranging() + combining() + [range(), sort()] }

    private static func access() -> [Builtin] {
        [
            Builtin(
                "len", topic: "lists", [.required("x", "a list, string, record, range, tensor or data set")],
                summary: "How many elements it has; of a string, how many characters (code points).",
                example: "len([1, 2, 3])  # expect: 3\nlen(\"héllo\")  # expect: 5"
            ) { args in
                if case .list(let l) = args[0] { return .number(Double(l.count)) }
                if let n = Sequences.count(args[0]) { return Value(n) }
                if case .range = args[0] { return .number(.infinity) }
                throw args.failure("\(args[0].typePhrase) has no length", kind: .type)
            },
            Builtin(
                "first", topic: "lists", [.required("x"), .optional("default", "nil", "where it is empty")],
                summary: "The first element, or the default of an empty list.",
                example: "first([7, 8])  # expect: 7",
                seeAlso: ["last"]
            ) { args in try end(args, 0) },
            Builtin(
                "last", topic: "lists", [.required("x"), .optional("default", "nil", "where it is empty")],
                summary: "The last element, or the default of an empty list.",
                example: "last([7, 8])  # expect: 8",
                seeAlso: ["first"]
            ) { args in try end(args, -1) },
            Builtin(
                "contains", topic: "lists", [.required("x"), .required("value")],
                summary:
                    "True where the value is an element, a part of the string or a name of the record; the same as `value in x`.",
                example: "contains([1, 2], 2)  # expect: true\n\"b\" in \"abc\"  # expect: true",
                seeAlso: ["find", "has"]
            ) { args in Value(try Operators.contains(args[0], args[1])) },
            Builtin(
                "find", topic: "lists",
                [
                    .required("x", "a list or a string"),
                    .required("what", "an element, a part, or a function that says true"),
                ],
                summary:
                    "The index of the first element that is equal, or for which the function is true; nil where none is.",
                example:
                    "find([4, 5, 6], 5)  # expect: 1\nfind([4, 5, 6], x -> x > 4)  # expect: 1\nfind(\"hello\", \"l\")  # expect: 2",
                seeAlso: ["contains", "filter"]
            ) { args in try find(args) },
            Builtin(
                "count", topic: "lists",
                [
                    .required("x"),
                    .required("what", "an element, a part of a string, or a function that says true"),
                ],
                summary: "How many elements are equal, or make the function true.",
                example: "count([1, 2, 1], 1)  # expect: 2\ncount(1..10, x -> x % 3 == 0)  # expect: 3",
                seeAlso: ["counts"]
            ) { args in try count(args) },
        ]
    }

    private static func end(_ args: Arguments, _ index: Double) throws -> Value {
        if Sequences.count(args[0]) == 0 { return args[1] }
        if case .range(let r) = args[0], r.count == nil, index < 0 {
            throw args.failure("a range without an end has no last element")
        }
        return try Sequences.index(args[0], [.number(index)])
    }

    private static func find(_ args: Arguments) throws -> Value {
        if case .string(let s) = args[0] {
            guard case .string(let part) = args[1] else { throw args.mismatch("what", "a string", args[1]) }
            guard let at = StringSearch.find(part.string, in: s.string) else { return .nil }
            return Value(s.string.utf8.prefix(at).reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) })
        }
        let items = try Sequences.items(args[0], "`find` searches")
        for (i, item) in items.enumerated() where try matches(item, args[1], args) { return Value(i) }
        return .nil
    }

    private static func count(_ args: Arguments) throws -> Value {
        if case .string(let s) = args[0], case .string(let part) = args[1] {
            if part.string.isEmpty { throw args.failure("an empty string cannot be counted") }
            var n = 0
            var at = 0
            while let hit = StringSearch.find(part.string, in: s.string, from: at) {
                n += 1
                at = hit + part.string.utf8.count
            }
            return Value(n)
        }
        let items = try Sequences.items(args[0], "`count` searches")
        return Value(try items.reduce(0) { $0 + (try matches($1, args[1], args) ? 1 : 0) })
    }

    /// Equal to `what`, or true for it where it is a function.
    private static func matches(_ item: Value, _ what: Value, _ args: Arguments) throws -> Bool {
        switch what {
        case .function, .builtin: try args.interpreter.call(what, [item]).truth()
        default: try Operators.equal(item, what)
        }
    }

    private static func growing() -> [Builtin] {
        [
            Builtin(
                "push", topic: "lists", [.required("xs"), .required("value"), .variadic("more")],
                summary: "Puts values at the end of the list, which it changes.",
                example: "xs = [1]\npush(xs, 2, 3)\nxs  # expect: [1, 2, 3]",
                seeAlso: ["pop", "insert", "extend"]
            ) { args in
                let list = try args.list("xs")
                try Limits.checkList(list.count + 1 + args.rest.count)
                list.items.append(args[1])
                if !args.rest.isEmpty { list.items.append(contentsOf: args.rest) }
                return .nil
            },
            Builtin(
                "append", topic: "lists", [.required("xs"), .required("value")],
                summary: "A new list with the value at the end; `push` changes the list itself.",
                example: "append([1, 2], 3)  # expect: [1, 2, 3]", seeAlso: ["push"]
            ) { args in
                let list = try args.list("xs")
                try Limits.checkList(list.count + 1)
                return .list(List(list.items + [args[1]]))
            },
            Builtin(
                "extend", topic: "lists", [.required("xs"), .required("values")],
                summary: "Puts all elements of another list at the end of the list, which it changes.",
                example: "xs = [1]\nextend(xs, [2, 3])\nxs  # expect: [1, 2, 3]", seeAlso: ["push"]
            ) { args in
                let list = try args.list("xs")
                let more = try Sequences.items(args[1], "`extend` takes")
                try Limits.checkList(list.count + more.count)
                list.items.append(contentsOf: more)
                return .nil
            },
            Builtin(
                "pop", topic: "lists", [.required("xs"), .optional("index", "-1", "which one")],
                summary: "Takes an element out of the list, the last one by default, and gives it.",
                example: "xs = [1, 2, 3]\npop(xs)  # expect: 3\nxs  # expect: [1, 2]",
                seeAlso: ["push", "remove"]
            ) { args in
                let list = try args.list("xs")
                if list.count == 0 { throw args.failure("the list is empty", kind: .index) }
                let index = try args.number("index", default: -1)
                return list.items.remove(at: try Sequences.position(index, list.count, "a list"))
            },
            Builtin(
                "insert", topic: "lists",
                [.required("xs"), .required("index", "0 ... len(xs)"), .required("value")],
                summary: "Puts a value before the element at an index of the list, which it changes.",
                example: "xs = [1, 3]\ninsert(xs, 1, 2)\nxs  # expect: [1, 2, 3]", seeAlso: ["push"]
            ) { args in
                let list = try args.list("xs")
                let index = try args.number("index")
                try Limits.checkList(list.count + 1)
                let at =
                    index == Double(list.count)
                    ? list.count : try Sequences.position(index, list.count, "a list")
                list.items.insert(args[2], at: at)
                return .nil
            },
            Builtin(
                "remove", topic: "lists",
                [.required("x", "a list or a record"), .required("what", "an index, or a name")],
                summary: "Takes an element out of a list or an entry out of a record, and gives its value.",
                example:
                    "xs = [5, 6]\nremove(xs, 0)  # expect: 5\nr = {a: 1, b: 2}\nremove(r, \"a\")  # expect: 1\nr  # expect: {b: 2}",
                seeAlso: ["pop"]
            ) { args in
                if case .record(let r) = args[0] {
                    let key = try args.string("what")
                    guard let value = r.remove(key) else {
                        throw args.failure("the record has no `\(key)`", kind: .name)
                    }
                    return value
                }
                let list = try args.list("x")
                return list.items.remove(
                    at: try Sequences.position(try args.number("what"), list.count, "a list"))
            },
        ]
    }

    private static func arranging() -> [Builtin] {
        [
            Builtin(
                "reverse", topic: "lists",
                [.required("x", "a list, range or string"), .optional("axis", "nil", "of a tensor")],
                summary: "The elements from the last to the first.",
                example: "reverse([1, 2, 3])  # expect: [3, 2, 1]\nreverse(\"abc\")  # expect: \"cba\"",
                seeAlso: ["sort"]
            ) { args in
                if case .object(let o) = args[0], let result = try o.apply("reverse", &args) { return result }
                if case .string(let s) = args[0] {
                    return Value(String(String.UnicodeScalarView(s.string.unicodeScalars.reversed())))
                }
                return .list(List(try Sequences.items(args[0], "`reverse` takes").reversed()))
            },
            Builtin(
                "unique", topic: "lists", [.required("xs")],
                summary: "Each element once, in order of first appearance.",
                example: "unique([3, 1, 3])  # expect: [3, 1]", seeAlso: ["counts"]
            ) { args in
                if case .object(let o) = args[0], let result = try o.apply("unique", &args) { return result }
                return .list(List(try unique(try Sequences.items(args[0], "`unique` takes"))))
            },
            Builtin(
                "chunk", topic: "lists", [.required("xs"), .required("n", "how many in each")],
                summary: "The list cut into lists of n; the last may be shorter.",
                example: "chunk(1..5, 2)  # expect: [[1, 2], [3, 4], [5]]"
            ) { args in
                let items = try Sequences.items(args[0], "`chunk` takes")
                let n = try args.int("n", in: 1...Int.max)
                return .list(
                    List(
                        stride(from: 0, to: items.count, by: n).map {
                            .list(List(Array(items[$0..<min(items.count, $0 + min(n, items.count))])))
                        }))
            },
            Builtin(
                "repeat", topic: "lists",
                [.required("x", "a string, a list, or a tensor"), .required("n", "how many times")],
                summary: "A string or a list n times over.",
                example: "repeat(\"ab\", 3)  # expect: \"ababab\"\nrepeat([0], 3)  # expect: [0, 0, 0]"
            ) { args in
                if case .object(let o) = args[0], let result = try o.apply("repeat", &args) { return result }
                let n = try args.int("n", in: 0...Int.max)
                if case .string(let s) = args[0] {
                    let (bytes, overflow) = s.string.utf8.count.multipliedReportingOverflow(by: n)
                    try Limits.checkString(overflow ? -1 : bytes)
                    return Value(bytes == 0 ? "" : String(repeating: s.string, count: n))
                }
                let list = try args.list("x")
                let (count, overflow) = list.count.multipliedReportingOverflow(by: n)
                try Limits.checkList(overflow ? -1 : count)
                var items: [Value] = []
                items.reserveCapacity(count)
                if count > 0 { for _ in 0..<n { items += list.items } }
                return .list(List(items))
            },
            Builtin(
                "copy", topic: "lists",
                [
                    .required("x", "a list or a record"),
                    .optional("deep", "false", "also copy the lists and records inside"),
                ],
                summary:
                    "A new list or record with the same elements; what is inside is shared unless `deep`.",
                example: "a = [1]\nb = copy(a)\npush(b, 2)\na  # expect: [1]"
            ) { args in
                if case .object(let o) = args[0], let result = try o.apply("copy", &args) { return result }
                var copied = 0
                return try copy(args[0], deep: try args.bool("deep", default: false), depth: 0, &copied)
            },
        ]
    }

    private static func unique(_ items: [Value]) throws -> [Value] {
        var result: [Value] = []
        var numbers = Set<Double>()
        var strings = Set<String>()
        var others: [Value] = []
        for (i, item) in items.enumerated() {
            if i & 0xFFFF == 0xFFFF { try CancelFlag.shared.check() }
            switch item {
            case .number(let x): if numbers.insert(x).inserted { result.append(item) }
            case .string(let s): if strings.insert(s.string).inserted { result.append(item) }
            default:
                if try !others.contains(where: { try Operators.equal($0, item) }) {
                    others.append(item)
                    result.append(item)
                }
            }
        }
        return result
    }

    /// `copied` counts values: lists that share their parts become much larger than they were.
    private static func copy(_ v: Value, deep: Bool, depth: Int, _ copied: inout Int) throws -> Value {
        if depth > 200 {
            throw Failure(
                .value, "`copy`: too deeply nested", hint: "a list that holds itself has no deep copy")
        }
        copied += 1
        if copied & 0xFFF == 0 {
            try CancelFlag.shared.check()
            if copied > 1 << 24 { throw Failure(.memory, "`copy`: more than \(1 << 24) values inside") }
        }
        switch v {
        case .list(let l):
            if !deep { return .list(List(l.items)) }
            return .list(List(try l.items.map { try copy($0, deep: true, depth: depth + 1, &copied) }))
        case .record(let r):
            if !deep { return Value(r.pairs) }
            return Value(try r.pairs.map { ($0.0, try copy($0.1, deep: true, depth: depth + 1, &copied)) })
        default: return v
        }
    }

    private static func combining() -> [Builtin] {
        [
            Builtin(
                "zip", topic: "lists", [.variadic("lists")],
                summary: "Lists of the first elements, the second elements, …, as long as the shortest list.",
                example: "zip([1, 2], [\"a\", \"b\"])  # expect: [[1, \"a\"], [2, \"b\"]]",
                seeAlso: ["enumerate"]
            ) { args in
                let finite = args.rest.compactMap { v -> Int? in
                    if case .range(let r) = v { return r.count } else { return Sequences.count(v) }
                }
                guard let shortest = finite.min() else {
                    if args.rest.isEmpty { return .list([]) }
                    throw args.failure("one list must have an end")
                }
                let lists = try args.rest.map { v -> [Value] in
                    if case .range(let r) = v, r.count == nil {
                        return (0..<shortest).map { .number(r.element($0)) }
                    }
                    return try Sequences.items(v, "`zip` takes")
                }
                let n = lists.map(\.count).min() ?? 0
                if lists.count == 2 {
                    let (a, b) = (lists[0], lists[1])
                    return .list(List(try LongWork.list(n) { .list(List([a[$0], b[$0]])) }))
                }
                return .list(List(try LongWork.list(n) { i in .list(List(lists.map { $0[i] })) }))
            },
            Builtin(
                "enumerate", topic: "lists", [.required("xs"), .optional("start", "0", "the first number")],
                summary: "Lists of an index and its element.",
                example:
                    "enumerate([\"a\", \"b\"])  # expect: [[0, \"a\"], [1, \"b\"]]\nfor i, x in enumerate([\"a\"]) { print(i, x) }  # expect: 0 a",
                seeAlso: ["zip"]
            ) { args in
                let start = try args.number("start", default: 0)
                let items = try Sequences.items(args[0], "`enumerate` takes")
                return .list(
                    List(
                        try LongWork.list(items.count) {
                            .list(List([.number(start + Double($0)), items[$0]]))
                        }))
            },
            Builtin(
                "chain", topic: "lists", [.variadic("lists", "lists, or one list of lists")],
                summary: "The elements of several lists in one list.",
                example: "chain([1], [2, 3])  # expect: [1, 2, 3]\nchain([[1], [2]])  # expect: [1, 2]"
            ) { args in
                let parts =
                    args.rest.count == 1 ? try Sequences.items(args.rest[0], "`chain` takes") : args.rest
                var items: [Value] = []
                for part in parts {
                    items += try Sequences.items(part, "`chain` takes")
                    try Limits.checkList(items.count)
                }
                return .list(List(items))
            },
        ]
    }

    private static func range() -> Builtin {
        Builtin(
            "range", topic: "lists",
            [
                .required("a", "the first number, or with one argument the end"),
                .optional("b", "nil", "the end, not included"), .optional("step", "1"),
            ],
            summary: "A range with a step; the end is not included, as in `a..<b`.",
            example:
                "list(range(0, 10, 3))  # expect: [0, 3, 6, 9]\nlist(range(3))  # expect: [0, 1, 2]\nlist(range(3, 0, step = -1))  # expect: [3, 2, 1]",
            seeAlso: ["list"]
        ) { args in
            let a = try args.number("a")
            let b = try args.optionalNumber("b")
            let step = try args.number("step", default: 1)
            if step == 0 || step.isNaN { throw args.failure("`step` must not be 0") }
            return .range(
                b == nil
                    ? Span(0, a, includesUpper: false, step: step)
                    : Span(a, b, includesUpper: false, step: step))
        }
    }

    private static func sort() -> Builtin {
        Builtin(
            "sort", topic: "lists",
            [
                .required("xs"), .optional("by", "nil", "sort by what this function gives for each element"),
                .optional("reverse", "false", "from the largest to the smallest"),
            ],
            summary: "A new list, sorted; elements that are equal keep their order.",
            doc: "Numbers, strings, booleans and lists of these have an order; nan comes last.",
            example:
                "sort([3, 1, 2])  # expect: [1, 2, 3]\nsort([\"bb\", \"a\"], by = len)  # expect: [\"a\", \"bb\"]\nsort([1, 3, 2], reverse = true)  # expect: [3, 2, 1]",
            seeAlso: ["reverse", "min", "max"]
        ) { args in
            if case .object(let o) = args[0], let result = try o.apply("sort", &args) { return result }
            let items = try Sequences.items(args[0], "`sort` takes")
            let reversed = try args.bool("reverse", default: false)
            guard let by = try args.optionalFunction("by") else {
                return .list(List(try Sorting.order(of: items, reversed: reversed).map { items[$0] }))
            }
            let keys = try items.map { try args.interpreter.call(by, [$0]) }
            let order = try Sorting.order(of: keys, reversed: reversed)
            return .list(List(order.map { items[$0] }))
        }
    }
}
