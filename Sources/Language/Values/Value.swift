import Support

/// A value of vz.
///
/// Numbers, booleans, strings, ranges and functions are immutable. Lists and records are shared
/// by reference, as in Python: two names may hold the same list, and a change through one is seen
/// through the other. `copy(xs)` makes an independent one.
///
/// The layout is part of the evaluator's design: 16 bytes, and a number is its bits followed by a
/// zero word, so that the machine tests for a number with one comparison.
public enum Value {
    /// An IEEE double; integers are exact up to 2^53.
    case number(Double)
    case bool(Bool)
    case string(Text)
    case list(List)
    /// Named values in order: `{rate: 16000, mono: true}`.
    case record(Record)
    /// `a..b`, `a..<b`, `a..`, `..b`, and `:` in an index.
    case range(Span)
    /// A function written in vz, with what it captured.
    case function(Function)
    /// A function written in Swift.
    case builtin(Builtin)
    /// A thing of the engine: tensor, network, layer, data set, result, figure.
    case object(any VZObject)
    case `nil`
}

extension Value {
    public init(_ number: Double) { self = .number(number) }
    public init(_ number: Int) { self = .number(Double(number)) }
    public init(_ flag: Bool) { self = .bool(flag) }
    public init(_ text: String) { self = .string(Text(text)) }
    public init(_ items: [Value]) { self = .list(List(items)) }
    public init(_ numbers: [Double]) { self = .list(List(numbers.map { .number($0) })) }
    public init(_ strings: [String]) { self = .list(List(strings.map { Value($0) })) }
    public init(_ pairs: [(String, Value)]) { self = .record(Record(pairs)) }
    public init(_ object: any VZObject) { self = .object(object) }

    public static func string(_ text: String) -> Value { .string(Text(text)) }
    public static func list(_ items: [Value]) -> Value { .list(List(items)) }

    public var isNil: Bool { if case .nil = self { true } else { false } }
    public var asNumber: Double? { if case .number(let x) = self { x } else { nil } }
    public var asBool: Bool? { if case .bool(let b) = self { b } else { nil } }
    public var asString: String? { if case .string(let s) = self { s.string } else { nil } }
    public var asList: List? { if case .list(let l) = self { l } else { nil } }
    public var asRecord: Record? { if case .record(let r) = self { r } else { nil } }
    public var asSpan: Span? { if case .range(let r) = self { r } else { nil } }
    public var asObject: (any VZObject)? { if case .object(let o) = self { o } else { nil } }

    /// The number as an Int, where it is whole and exact.
    public var asInt: Int? {
        if case .number(let x) = self { Int(exactly: x) } else { nil }
    }

    /// True for what `f(…)` can be written with.
    public var isCallable: Bool {
        switch self {
        case .function, .builtin: true
        case .object(let o): o.callable != nil
        default: false
        }
    }

    /// The name of the kind, as `type(x)` gives it.
    public var typeName: String {
        switch self {
        case .number: "number"
        case .bool: "bool"
        case .string: "string"
        case .list: "list"
        case .record: "record"
        case .range: "range"
        case .function, .builtin: "function"
        case .object(let o): o.typeName
        case .nil: "nil"
        }
    }

    /// The kind with its article, for messages: "a number", "an image", "nil".
    public var typePhrase: String {
        let name = typeName
        guard let first = name.first, name != "nil" else { return "nil" }
        return ("aeiou".contains(first) ? "an " : "a ") + name
    }

    /// What a condition makes of the value: booleans are themselves, nil is false, an object says
    /// (a tensor of one element); anything else is an error that says what to write.
    public func truth() throws -> Bool {
        switch self {
        case .bool(let b): return b
        case .nil: return false
        case .object(let o): return try o.truth()
        case .number:
            throw Failure(.type, "a condition must be true or false, not a number", hint: "write `x != 0`")
        case .string:
            throw Failure(.type, "a condition must be true or false, not a string", hint: "write `s != \"\"`")
        case .list, .record:
            throw Failure(
                .type, "a condition must be true or false, not \(typePhrase)", hint: "write `len(x) > 0`")
        default:
            throw Failure(
                .type, "a condition must be true or false, not \(typePhrase)", hint: "write `x != nil`")
        }
    }
}
