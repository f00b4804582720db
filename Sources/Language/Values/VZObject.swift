import Support

/// The operators that dispatch on values.
public enum BinaryOperator: UInt8, Sendable, CaseIterable {
    case add, subtract, multiply, divide, floorDivide, modulo, power, matmul
    case equal, notEqual, less, lessEqual, greater, greaterEqual

    /// As it is written.
    public var symbol: String {
        switch self {
        case .add: "+"
        case .subtract: "-"
        case .multiply: "*"
        case .divide: "/"
        case .floorDivide: "//"
        case .modulo: "%"
        case .power: "^"
        case .matmul: "@"
        case .equal: "=="
        case .notEqual: "!="
        case .less: "<"
        case .lessEqual: "<="
        case .greater: ">"
        case .greaterEqual: ">="
        }
    }

    /// True for the six that compare.
    public var isComparison: Bool { rawValue >= BinaryOperator.equal.rawValue }
}

public enum UnaryOperator: UInt8, Sendable {
    case negate, plus, not
}

/// A thing of the engine as vz sees it. Every requirement has a default: an object says only what
/// it can do.
public protocol VZObject: AnyObject {
    /// As `type(x)` gives it: "tensor", "network", "conv1d".
    var typeName: String { get }

    // MARK: Members

    /// The value after the dot, or nil where there is none of that name; the language then says
    /// which there are.
    func member(_ name: String) throws -> Value?
    /// What may follow the dot, in the order to show; for completion and for messages.
    var memberNames: [String] { get }
    /// The members that are worked out only when they are asked for, with their types: what lists
    /// members with their types asks the others.
    var lateMembers: [String: String] { get }
    /// One line about a member.
    func memberDoc(_ name: String) -> String?
    /// `x.name = value`; false where that member cannot be set.
    func setMember(_ name: String, to value: Value) throws -> Bool

    // MARK: Indexing

    /// `x[i]`, `x[0, :]`, `x[1..]`: one value an axis, each a number (negative counts from the
    /// end), a range (`Span.resolve(length:)`), or what the object takes.
    func index(_ indices: [Value]) throws -> Value
    /// `x[i, …] = value`.
    func setIndex(_ indices: [Value], to value: Value) throws

    // MARK: Calling and counting

    /// How the object is called, where `x(…)` means something: name, parameters and what to do.
    var callable: Builtin? { get }
    /// What `len(x)` gives; nil where it has no length.
    var count: Int? { get }
    /// The elements in order, where `for … in x` means something: each call gives the next.
    func elements() throws -> (() throws -> Value?)?
    /// `value in x`; nil where the question means nothing.
    func contains(_ value: Value) throws -> Bool?

    // MARK: Operators and functions

    /// `x op other`, or `other op x` where `reversed`; nil where it means nothing.
    func binary(_ op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value?
    func unary(_ op: UnaryOperator) throws -> Value?
    /// A function of the common table (sum, mean, abs, sqrt, exp, tanh, max …) called with this
    /// object as its first argument; nil where it means nothing for this object.
    func apply(_ function: String, _ arguments: inout Arguments) throws -> Value?

    // MARK: Showing and comparing

    /// One short line: inside a list, in `whos`, in a message.
    var summary: String { get }
    /// As a line of the shell shows it; may be many lines, without a final newline.
    func display(width: Int) -> String
    /// What a condition makes of it.
    func truth() throws -> Bool
    /// The number or the truth that it stands for, where it is a single one that is being traced: for
    /// formats, and for comparing. Nil where it is none; throws where its numbers are not known yet.
    func plainValue() throws -> Value?
    /// True where both are the same for `==` inside lists and records and for `in`, where `binary`
    /// has no single answer.
    func isEqual(_ other: any VZObject) -> Bool
    /// vz that makes the same thing again, such as `audio_folder("~/my/words")`: how a saved session
    /// keeps what is too large for a file of its own; nil where there is none.
    var recipe: String? { get }
    /// The call that makes the same thing again from values, for what has no recipe because it was made
    /// of things in memory: `examples(x = …, y = …)`.
    var parts: (function: String, arguments: [(name: String, value: Value)])? { get }
}

extension VZObject {
    public func member(_ name: String) throws -> Value? { nil }
    public var memberNames: [String] { [] }
    public var lateMembers: [String: String] { [:] }
    public func memberDoc(_ name: String) -> String? { nil }
    public func setMember(_ name: String, to value: Value) throws -> Bool { false }
    public func index(_ indices: [Value]) throws -> Value {
        throw Failure(.type, "\(Value.object(self).typePhrase) cannot be indexed")
    }
    public func setIndex(_ indices: [Value], to value: Value) throws {
        throw Failure(.type, "the elements of \(Value.object(self).typePhrase) cannot be set")
    }
    public var callable: Builtin? { nil }
    public var count: Int? { nil }
    public func elements() throws -> (() throws -> Value?)? {
        guard let count else { return nil }
        var next = 0
        return { [self] in
            if next >= count { return nil }
            defer { next += 1 }
            return try index([Value(next)])
        }
    }
    public func contains(_ value: Value) throws -> Bool? { nil }
    public func binary(_ op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? { nil }
    public func unary(_ op: UnaryOperator) throws -> Value? { nil }
    public func apply(_ function: String, _ arguments: inout Arguments) throws -> Value? { nil }
    public var summary: String { "<\(typeName)>" }
    public func display(width: Int) -> String { summary }
    public func truth() throws -> Bool {
        throw Failure(.type, "a condition must be true or false, not \(Value.object(self).typePhrase)")
    }
    public func plainValue() throws -> Value? { nil }
    public func isEqual(_ other: any VZObject) -> Bool { self === other }
    public var recipe: String? { nil }
    public var parts: (function: String, arguments: [(name: String, value: Value)])? { nil }
}
