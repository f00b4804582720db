import Glibc
import Support

/// What the operators do to values; the machine has fast ways for numbers and comes here for the
/// rest, and builtins come here for the same answers.
public enum Operators {
    /// `a op b`.
    public static func binary(_ op: BinaryOperator, _ a: Value, _ b: Value) throws -> Value {
        switch (a, b) {
        case (.number(let x), .number(let y)):
            return try numbers(op, x, y)
        case (.object(let o), _):
            if let result = try o.binary(op, b, reversed: false) { return result }
            if case .object(let p) = b, let result = try p.binary(op, a, reversed: true) { return result }
        case (_, .object(let o)):
            if let result = try o.binary(op, a, reversed: true) { return result }
        case (.string(let s), .string(let t)):
            if op == .add {
                try Limits.checkString(s.string.utf8.count + t.string.utf8.count)
                return .string(s.string + t.string)
            }
            if let result = compare(op, s.string, t.string) { return .bool(result) }
        case (.list(let s), .list(let t)):
            if op == .add {
                try Limits.checkList(s.count + t.count)
                return .list(s.items + t.items)
            }
        default: break
        }
        switch op {
        case .equal: return .bool(try equal(a, b))
        case .notEqual: return .bool(!(try equal(a, b)))
        case .less: return .bool(try order(a, b, op) < 0)
        case .lessEqual: return .bool(try order(a, b, op) <= 0)
        case .greater: return .bool(try order(a, b, op) > 0)
        case .greaterEqual: return .bool(try order(a, b, op) >= 0)
        default: throw mismatch(op, a, b)
        }
    }

    /// The operators on two numbers.
    @inline(__always)
    static func numbers(_ op: BinaryOperator, _ x: Double, _ y: Double) throws -> Value {
        switch op {
        case .add: return .number(x + y)
        case .subtract: return .number(x - y)
        case .multiply: return .number(x * y)
        case .divide:
            if y == 0 { throw divisionByZero }
            return .number(x / y)
        case .floorDivide:
            if y == 0 { throw divisionByZero }
            return .number(quotient(x, y))
        case .modulo:
            if y == 0 { throw divisionByZero }
            return .number(modulo(x, y))
        case .power: return .number(power(x, y))
        case .matmul: throw mismatch(.matmul, .number(x), .number(y))
        case .equal: return .bool(x == y)
        case .notEqual: return .bool(x != y)
        case .less: return .bool(x < y)
        case .lessEqual: return .bool(x <= y)
        case .greater: return .bool(x > y)
        case .greaterEqual: return .bool(x >= y)
        }
    }

    static let divisionByZero = Failure(
        .numeric, "division by zero",
        hint: "test the divisor first, or write `inf` or `nan` where you mean them")

    /// The whole quotient that goes with `modulo`: q * y + x % y is x, as in Python; 6 // 0.2 is 29, since
    /// 0.2 is a little more than a fifth.
    @inline(__always)
    static func quotient(_ x: Double, _ y: Double) -> Double {
        let direct = (x / y).rounded(.down)
        if x == x.rounded(), y == y.rounded(), abs(x) < 9e15, abs(y) < 9e15 { return direct }
        if y.isInfinite, x.isFinite { return x != 0 && (x < 0) != (y < 0) ? -1 : 0 }
        guard x.isFinite, y.isFinite else { return direct }
        return ((x - modulo(x, y)) / y).rounded()
    }

    /// The remainder with the sign of the divisor, as in Python and in mathematics.
    @inline(__always)
    static func modulo(_ x: Double, _ y: Double) -> Double {
        if x >= 0, y > 0, x < 9e15, y < 9e15 {
            let i = Int(x), j = Int(y)
            if Double(i) == x, Double(j) == y { return Double(i % j) }
        }
        let r = fmod(x, y)
        return r != 0 && (r < 0) != (y < 0) ? r + y : r
    }

    @inline(__always)
    static func power(_ x: Double, _ y: Double) -> Double {
        if y == 2 { return x * x }
        return pow(x, y)
    }

    private static func compare(_ op: BinaryOperator, _ s: String, _ t: String) -> Bool? {
        switch op {
        case .equal: sameScalars(s, t)
        case .notEqual: !sameScalars(s, t)
        case .less: scalarOrder(s, t) < 0
        case .lessEqual: scalarOrder(s, t) <= 0
        case .greater: scalarOrder(s, t) > 0
        case .greaterEqual: scalarOrder(s, t) >= 0
        default: nil
        }
    }

    /// Strings are the same where their code points are.
    static func sameScalars(_ s: String, _ t: String) -> Bool {
        s.utf8.count == t.utf8.count && scalarOrder(s, t) == 0
    }

    /// Order by code points, which is the order of the UTF-8 bytes.
    static func scalarOrder(_ s: String, _ t: String) -> Int {
        let quick: Int? =
            s.utf8.withContiguousStorageIfAvailable { a in
                t.utf8.withContiguousStorageIfAvailable { b -> Int in
                    let n = min(a.count, b.count)
                    if n > 0, let p = a.baseAddress, let q = b.baseAddress {
                        let c = memcmp(p, q, n)
                        if c != 0 { return Int(c) }
                    }
                    return a.count - b.count
                }
            } ?? nil
        if let quick { return quick }
        for (a, b) in zip(s.utf8, t.utf8) where a != b { return Int(a) - Int(b) }
        return s.utf8.count - t.utf8.count
    }

    private static let deepest = 200

    /// `a == b`: deep for lists and records; values of different kinds are never equal.
    public static func equal(_ a: Value, _ b: Value) throws -> Bool {
        var work = 0
        return try equal(a, b, 0, &work)
    }

    /// `work` counts comparisons: lists that share their parts can be much larger than they look.
    private static func equal(_ a: Value, _ b: Value, _ depth: Int, _ work: inout Int) throws -> Bool {
        if depth > deepest { throw Failure(.value, "too deeply nested to compare") }
        work &+= 1
        if work & 0xFFFF == 0 { try CancelFlag.shared.check() }
        switch (a, b) {
        case (.number(let x), .number(let y)): return x == y
        case (.bool(let x), .bool(let y)): return x == y
        case (.string(let x), .string(let y)): return x === y || sameScalars(x.string, y.string)
        case (.nil, .nil): return true
        case (.list(let x), .list(let y)):
            if x === y { return true }
            guard x.count == y.count else { return false }
            for i in 0..<x.count {
                guard i < x.count, i < y.count else { return false }
                if try !equal(x.items[i], y.items[i], depth + 1, &work) { return false }
            }
            return true
        case (.record(let x), .record(let y)):
            if x === y { return true }
            guard x.count == y.count else { return false }
            for i in 0..<x.count {
                guard let other = y[x.keys[i]] else { return false }
                if try !equal(x.value(at: i), other, depth + 1, &work) { return false }
            }
            return true
        case (.range(let x), .range(let y)):
            return x === y
                || (x.lower == y.lower && x.upper == y.upper && x.includesUpper == y.includesUpper
                    && x.step == y.step)
        case (.function(let x), .function(let y)): return x === y
        case (.builtin(let x), .builtin(let y)): return x === y
        case (.object(let x), .object(let y)):
            if x === y { return true }
            if let p = try x.plainValue(), let q = try y.plainValue() { return try equal(p, q, depth, &work) }
            return x.isEqual(y)
        case (.object(let x), .number), (.object(let x), .bool):
            guard let plain = try x.plainValue() else { return false }
            return try equal(plain, b, depth, &work)
        case (.number, .object(let y)), (.bool, .object(let y)):
            guard let plain = try y.plainValue() else { return false }
            return try equal(a, plain, depth, &work)
        default: return false
        }
    }

    /// Below, at or above 0 as `a` is before, beside or after `b`: numbers, strings, booleans, and
    /// lists element by element. NaN stands after every number.
    public static func order(_ a: Value, _ b: Value) throws -> Int { try order(a, b, .less) }

    private static func order(_ a: Value, _ b: Value, _ op: BinaryOperator, _ depth: Int = 0) throws -> Int {
        if depth > deepest { throw Failure(.value, "too deeply nested to compare") }
        switch (a, b) {
        case (.number(let x), .number(let y)):
            if x < y { return -1 }
            if x > y { return 1 }
            if x == y { return 0 }
            return x.isNaN ? (y.isNaN ? 0 : 1) : -1
        case (.string(let x), .string(let y)): return scalarOrder(x.string, y.string)
        case (.bool(let x), .bool(let y)): return (x ? 1 : 0) - (y ? 1 : 0)
        case (.list(let x), .list(let y)):
            for i in 0..<min(x.count, y.count) {
                let o = try order(x.items[i], y.items[i], op, depth + 1)
                if o != 0 { return o }
            }
            return x.count - y.count
        case (.object(let x), _):
            guard let plain = try x.plainValue() else { throw mismatch(op, a, b) }
            return try order(plain, b, op, depth + 1)
        case (_, .object(let y)):
            guard let plain = try y.plainValue() else { throw mismatch(op, a, b) }
            return try order(a, plain, op, depth + 1)
        default: throw mismatch(op, a, b)
        }
    }

    /// `-a`, `+a`.
    public static func unary(_ op: UnaryOperator, _ a: Value) throws -> Value {
        switch (op, a) {
        case (.negate, .number(let x)): return .number(-x)
        case (.plus, .number): return a
        case (.not, _):
            if case .object(let o) = a, let result = try o.unary(.not) { return result }
            return .bool(!(try a.truth()))
        case (_, .object(let o)):
            if let result = try o.unary(op) { return result }
            fallthrough
        default:
            throw Failure(
                .type, "`\(op == .negate ? "-" : "+")` does not work on \(a.typePhrase)", hint: listHint(a))
        }
    }

    /// `a in b`.
    public static func contains(_ b: Value, _ a: Value) throws -> Bool {
        switch b {
        case .list(let l):
            var i = 0
            while i < l.count {
                if try equal(l.items[i], a) { return true }
                i += 1
            }
            return false
        case .record(let r):
            guard case .string(let s) = a else {
                throw Failure(.type, "a record is searched by name: a string, not \(a.typePhrase)")
            }
            return r.position(of: s.string) != nil
        case .string(let s):
            guard case .string(let part) = a else {
                throw Failure(
                    .type, "a string is searched for a string, not \(a.typePhrase)",
                    hint: "write `str(x) in s`")
            }
            return StringSearch.find(part.string, in: s.string) != nil
        case .range(let r):
            guard let x = try a.asNumber ?? a.asObject?.plainValue()?.asNumber else { return false }
            return contains(r, x)
        case .object(let o):
            if let answer = try o.contains(a) { return answer }
            fallthrough
        default:
            throw Failure(
                .type, "`in` looks into lists, records, strings and ranges, not into \(b.typePhrase)")
        }
    }

    private static func contains(_ r: Span, _ x: Double) -> Bool {
        let from = r.lower ?? 0
        let k = (x - from) / r.step
        guard k >= 0, k == k.rounded() else { return false }
        guard let upper = r.upper else { return true }
        if x == upper { return r.includesUpper }
        return r.step > 0 ? x < upper : x > upper
    }

    private static func listHint(_ a: Value) -> String? {
        if case .list = a { return "write `xs |> map(v -> -v)`, or make a tensor: `tensor(xs)`" }
        return nil
    }

    /// "`+` does not work on a number and a string", with what to write.
    static func mismatch(_ op: BinaryOperator, _ a: Value, _ b: Value) -> Failure {
        let hint: String?
        switch (op, a, b) {
        case (.add, .string, .number), (.add, .string, .bool), (.add, .string, .nil):
            hint = "write \"…{x}\", or s + str(x)"
        case (.add, .number, .string), (.add, .bool, .string), (.add, .nil, .string):
            hint = "write \"{x}…\", or str(x) + s; num(s) makes a number of a string"
        case (.modulo, .string, _):
            hint = "values stand in the text: \"{x}\", and a format behind a colon: \"{x:.2f}\""
        case (.multiply, .string, .number), (.multiply, .number, .string):
            hint = "write repeat(s, n)"
        case (.multiply, .list, .number), (.multiply, .number, .list):
            hint = "write `xs |> map(v -> v * 2)`, make a tensor: `tensor(xs) * 2`, or repeat(xs, n)"
        case (.add, .list, _):
            hint = "write xs + [x] for a longer list, or make a tensor: `tensor(xs) + 1`"
        case (_, .list, _), (_, _, .list):
            hint = "write `xs |> map(v -> …)`, or make a tensor: `tensor(xs)`"
        case (.matmul, .number, .number):
            hint = "`@` is the matrix product; write `*`"
        case (_, .nil, _), (_, _, .nil):
            hint = "nil stands for nothing; `x ?? 0` gives another value in its place"
        case (_, .string, .number), (_, .number, .string):
            hint = "num(s) makes a number of a string, str(x) a string of a number"
        default: hint = nil
        }
        return Failure(
            .type, "`\(op.symbol)` does not work on \(a.typePhrase) and \(b.typePhrase)", hint: hint)
    }
}

/// Searching text by code points.
public enum StringSearch {
    /// Byte offset of the first `part` in `text` at or after byte `from`.
    public static func find(_ part: String, in text: String, from: Int = 0) -> Int? {
        var text = text, part = part
        return text.withUTF8 { t in part.withUTF8 { p in position(of: p, in: t, from: from) } }
    }

    /// `text` with each `old` (at most `most` of them) replaced by `new`; nil where there is none.
    public static func replace(_ old: String, by new: String, in text: String, most: Int) throws -> String? {
        var (text, old, new) = (text, old, new)
        return try text.withUTF8 { t in
            try old.withUTF8 { o in
                try new.withUTF8 { n in
                    var hits: [Int] = []
                    var at = 0
                    while hits.count < most, !o.isEmpty, let hit = position(of: o, in: t, from: at) {
                        hits.append(hit)
                        if hits.count & 0xFFFF == 0 { try CancelFlag.shared.check() }
                        at = hit + o.count
                    }
                    return try hits.isEmpty ? nil : replaced(t, hits, length: o.count, by: n)
                }
            }
        }
    }

    private static func replaced(
        _ t: UnsafeBufferPointer<UInt8>, _ hits: [Int], length: Int, by new: UnsafeBufferPointer<UInt8>
    ) throws -> String {
        let (added, overflow) = hits.count.multipliedReportingOverflow(by: new.count)
        let size = t.count - hits.count * length
        try Limits.checkString(overflow || added > .max - size ? -1 : size + added)
        return String(unsafeUninitializedCapacity: size + added) { out in
            var (from, to) = (0, 0)
            func copy(_ piece: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
                for i in range { out[to &+ i &- range.lowerBound] = piece[i] }
                to += range.count
            }
            for hit in hits {
                copy(t, from..<hit)
                copy(new, 0..<new.count)
                from = hit + length
            }
            copy(t, from..<t.count)
            return to
        }
    }

    private static func position(
        of p: UnsafeBufferPointer<UInt8>, in t: UnsafeBufferPointer<UInt8>, from: Int
    ) -> Int? {
        if from < 0 || from > t.count { return nil }
        guard let first = p.first, let needle = p.baseAddress, let base = t.baseAddress else {
            return p.isEmpty ? from : nil
        }
        var at = from
        while at + p.count <= t.count {
            guard let hit = memchr(base + at, Int32(first), t.count - p.count - at + 1) else { return nil }
            at = UnsafeRawPointer(hit) - UnsafeRawPointer(base)
            if memcmp(base + at, needle, p.count) == 0 { return at }
            at += 1
        }
        return nil
    }
}
