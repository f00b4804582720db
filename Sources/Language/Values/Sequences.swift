import Support

/// Elements and slices of lists, strings, ranges, records and objects.
public enum Sequences {
    /// All elements of what can be looped over. `purpose` begins the message where it cannot.
    public static func items(_ v: Value, _ purpose: String) throws -> [Value] {
        switch v {
        case .list(let l): return l.items
        case .range(let r):
            guard let n = r.count else { throw Failure(.value, "a range without an end has no last element") }
            try Limits.checkList(n)
            return try LongWork.list(n) { .number(r.element($0)) }
        case .string(let s): return s.string.unicodeScalars.map { .string(Text.letter($0)) }
        case .record(let r): return r.keys.map { Value($0) }
        case .object(let o):
            if let next = try o.elements() {
                var result: [Value] = []
                while let e = try next() {
                    try CancelFlag.shared.check()
                    try Limits.checkList(result.count)
                    result.append(e)
                }
                return result
            }
        default: break
        }
        throw Failure(.type, "\(purpose) a list, not \(v.typePhrase)")
    }

    /// `v[i, …]`.
    public static func index(_ v: Value, _ indices: [Value]) throws -> Value {
        if case .object(let o) = v { return try o.index(indices) }
        guard indices.count == 1, let i = indices.first else {
            throw Failure(
                .index, "\(v.typePhrase) has one axis, not \(indices.count)",
                hint: "a list of lists is indexed twice, `xs[i][j]`; a tensor takes `t[i, j]`")
        }
        switch (v, i) {
        case (.list(let l), .number(let x)): return l.items[try position(x, l.count, "a list")]
        case (.list(let l), .range(let r)):
            let (start, count, step) = try r.resolve(length: l.count)
            return .list(List((0..<count).map { l.items[start + $0 * step] }))
        case (.string(let s), .number(let x)):
            return .string(s.scalar(at: try position(x, s.count, "a string")))
        case (.string(let s), .range(let r)):
            let (start, count, step) = try r.resolve(length: s.count)
            return .string(s.slice(start: start, count: count, step: step))
        case (.range(let r), .number(let x)):
            guard let n = r.count else {
                guard x >= 0, x == x.rounded() else {
                    throw Failure(.index, "a range without an end counts from 0")
                }
                return .number((r.lower ?? 0) + x * r.step)
            }
            return .number(r.element(try position(x, n, "a range")))
        case (.range(let r), .range(let s)):
            guard let n = r.count else { throw Failure(.index, "a range without an end cannot be sliced") }
            let (start, count, step) = try s.resolve(length: n)
            try Limits.checkList(count)
            return .list(List(try LongWork.list(count) { .number(r.element(start + $0 * step)) }))
        case (.record(let r), .string(let s)):
            guard let value = r[s.string] else { throw Members.missing(s.string, in: r) }
            return value
        case (.record, _):
            throw Failure(
                .index, "a record is indexed by a name in quotes, not \(i.typePhrase)",
                hint: "write `r[\"name\"]` or `r.name`")
        case (.list, _), (.string, _), (.range, _):
            throw Failure(
                .index, "an index is a whole number or a range, not \(i.typePhrase)", hint: indexHint(i))
        case (.function, _), (.builtin, _):
            throw Failure(.type, "a function cannot be indexed", hint: "call it with ( ): `f(x)`")
        default:
            throw Failure(.type, "\(v.typePhrase) cannot be indexed")
        }
    }

    private static func indexHint(_ i: Value) -> String? {
        switch i {
        case .bool: "`[x for x in xs if …]` picks elements by a condition"
        case .list: "`[xs[i] for i in is]` picks several elements"
        default: nil
        }
    }

    /// The place that index `x` means among `count`; negative counts from the end.
    public static func position(_ x: Double, _ count: Int, _ what: String) throws -> Int {
        guard let i = Int(exactly: x) else {
            throw Failure(
                .index, "an index is a whole number, not \(Numbers.text(x))",
                hint: "floor(x) or round(x) makes one")
        }
        let k = i < 0 ? i &+ count : i
        guard k >= 0, k < count else {
            throw Failure(
                .index, "index \(i) is outside \(what) of \(count)",
                hint: count == 0
                    ? "it is empty" : "indices go from 0 to \(count - 1), or from -1 back to -\(count)")
        }
        return k
    }

    /// `v[i, …] = value`.
    public static func setIndex(_ v: Value, _ indices: [Value], _ value: Value) throws {
        if case .object(let o) = v { return try o.setIndex(indices, to: value) }
        guard indices.count == 1, let i = indices.first else {
            throw Failure(
                .index, "\(v.typePhrase) has one axis, not \(indices.count)",
                hint: "a list of lists is indexed twice, `xs[i][j]`")
        }
        switch (v, i) {
        case (.list(let l), .number(let x)):
            let k = try position(x, l.count, "a list")
            l.items[k] = value
        case (.list(let l), .range(let r)):
            let (start, count, step) = try r.resolve(length: l.count)
            let new = try items(value, "a slice is set to the elements of")
            if step == 1 {
                try Limits.checkList(l.count - count + new.count)
                l.items.replaceSubrange(start..<start + count, with: new)
                return
            }
            guard new.count == count else {
                throw Failure(.value, "a slice of \(count) elements cannot take \(new.count)")
            }
            for k in 0..<count { l.items[start + k * step] = new[k] }
        case (.record(let r), .string(let s)): r[s.string] = value
        case (.record, _):
            throw Failure(
                .index, "a record is indexed by a name in quotes, not \(i.typePhrase)",
                hint: "write `r[\"name\"] = …` or `r.name = …`")
        case (.string, _):
            throw Failure(
                .type, "the characters of a string cannot be set",
                hint: "make a new one: `s[..<i] + \"x\" + s[i + 1..]`")
        case (.list, _):
            throw Failure(.index, "an index is a whole number or a range, not \(i.typePhrase)")
        default:
            throw Failure(.type, "the elements of \(v.typePhrase) cannot be set")
        }
    }

    /// `len(v)`; nil where it has none.
    public static func count(_ v: Value) -> Int? {
        switch v {
        case .list(let l): l.count
        case .string(let s): s.count
        case .record(let r): r.count
        case .range(let r): r.count
        case .object(let o): o.count
        default: nil
        }
    }
}

/// What stands after a dot.
public enum Members {
    /// `v.name`.
    public static func get(_ v: Value, _ name: String) throws -> Value {
        switch v {
        case .record(let r):
            if let value = r[name] { return value }
            throw missing(name, in: r)
        case .object(let o):
            if let value = try o.member(name) { return value }
            throw missing(name, v, o.memberNames)
        case .range(let r):
            switch name {
            case "first", "start": return r.lower.map { .number($0) } ?? .nil
            case "last", "stop": return r.upper.map { .number($0) } ?? .nil
            case "step": return .number(r.step)
            default: throw missing(name, v, ["first", "last", "step"])
            }
        case .function(let f):
            switch name {
            case "name": return Value(f.name)
            case "doc": return Value(f.doc)
            case "parameters": return Value(f.parameters.map(\.name))
            case "source": return Value(f.source)
            default: throw missing(name, v, ["name", "doc", "parameters", "source"])
            }
        case .builtin(let b):
            switch name {
            case "name": return Value(b.name)
            case "doc": return Value(b.summary)
            case "parameters": return Value(b.parameters.map(\.name))
            default: throw missing(name, v, ["name", "doc", "parameters"])
            }
        case .nil:
            throw Failure(
                .type, "nil has no member `\(name)`", hint: "nil stands for nothing: look where it comes from"
            )
        default:
            throw Failure(
                .name, "\(v.typePhrase) has no member `\(name)`",
                hint: methods[name].map { "write `\($0)`" })
        }
    }

    /// What methods of other languages are called here, where it is something else.
    private static let methods = [
        "length": "len(x)", "size": "len(x)", "count": "len(x)", "len": "len(x)", "append": "push(xs, x)",
        "add": "push(xs, x)", "extend": "xs + ys", "strip": "trim(s)", "items": "for name, value in r",
        "format": "\"… {x:.2f}\"", "startswith": "starts_with(s, part)", "endswith": "ends_with(s, part)",
        "toString": "str(x)", "index": "find(xs, x)",
    ]

    /// Names after the dot, for completion.
    public static func names(_ v: Value) -> [String] {
        switch v {
        case .record(let r): r.keys
        case .object(let o): o.memberNames
        case .range: ["first", "last", "step"]
        case .function: ["name", "doc", "parameters", "source"]
        case .builtin: ["name", "doc", "parameters"]
        default: []
        }
    }

    static func missing(_ name: String, in r: Record) -> Failure {
        if let near = Spelling.nearest(name, among: r.keys) {
            return Failure(.name, "this record has no `\(name)`", hint: "did you mean `\(near)`?")
        }
        let keys = r.keys.prefix(12).joined(separator: ", ") + (r.count > 12 ? ", …" : "")
        return Failure(
            .name, "this record has no `\(name)`",
            hint: r.count == 0 ? "it is empty" : "it has \(keys)")
    }

    private static func missing(_ name: String, _ v: Value, _ names: [String]) -> Failure {
        if let near = Spelling.nearest(name, among: names) {
            return Failure(.name, "\(v.typePhrase) has no member `\(name)`", hint: "did you mean `\(near)`?")
        }
        let list = names.prefix(16).joined(separator: ", ") + (names.count > 16 ? ", …" : "")
        return Failure(
            .name, "\(v.typePhrase) has no member `\(name)`", hint: names.isEmpty ? nil : "it has \(list)")
    }

    /// `v.name = value`.
    public static func set(_ v: Value, _ name: String, _ value: Value) throws {
        switch v {
        case .record(let r): r[name] = value
        case .object(let o):
            if try o.setMember(name, to: value) { return }
            if o.memberNames.contains(name) {
                throw Failure(.type, "`\(name)` of \(v.typePhrase) cannot be set")
            }
            throw missing(name, v, o.memberNames)
        default: throw Failure(.type, "\(v.typePhrase) has no members that can be set")
        }
    }
}
