import Support

/// The arguments of one call of a builtin, already matched to its parameters. Reading one as the
/// wrong kind throws an error that names the function, the parameter and what was given.
public struct Arguments {
    public unowned(unsafe) let interpreter: Interpreter
    public unowned(unsafe) let builtin: Builtin
    private let slots: UnsafeMutablePointer<Value>
    /// Bit i: parameter i was given.
    private let given: UInt64
    /// What a variadic parameter took.
    public var rest: [Value]
    /// What an extras parameter took: further named arguments in order.
    public var extras: [(name: String, value: Value)]

    init(
        interpreter: Interpreter, builtin: Builtin, slots: UnsafeMutablePointer<Value>, given: UInt64,
        rest: [Value] = [], extras: [(name: String, value: Value)] = []
    ) {
        self.interpreter = interpreter
        self.builtin = builtin
        self.slots = slots
        self.given = given
        self.rest = rest
        self.extras = extras
    }

    // MARK: Plain access

    /// The argument of the `i`th parameter (variadic and extras not counted); nil value where it
    /// was not given.
    @inline(__always)
    public subscript(i: Int) -> Value { i < builtin.slotCount ? slots[i] : .nil }

    /// True where the argument was written in the call.
    public func isGiven(_ name: String) -> Bool {
        guard let i = builtin.slot(of: name) else { return false }
        return isGiven(at: i)
    }

    @inline(__always)
    public func isGiven(at i: Int) -> Bool { i < 64 && given & (1 << UInt64(i)) != 0 }

    /// The argument called `name`, whatever it is; `.nil` where it was not given.
    public func value(_ name: String) -> Value {
        guard let i = builtin.slot(of: name) else { return .nil }
        return slots[i]
    }

    // MARK: Typed access: required

    public func number(_ name: String) throws -> Double {
        let v = value(name)
        guard case .number(let x) = v else { throw mismatch(name, "a number", v) }
        return x
    }

    /// A whole number.
    public func int(_ name: String) throws -> Int {
        let v = value(name)
        guard let i = v.asInt else { throw mismatch(name, "a whole number", v) }
        return i
    }

    /// A whole number in `range`.
    public func int(_ name: String, in range: ClosedRange<Int>) throws -> Int {
        let i = try int(name)
        guard range.contains(i) else {
            let limits =
                range.upperBound == .max
                ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
            throw Failure(
                .argument, "`\(builtin.name)`: `\(name)` must be \(limits), not \(i)",
                argument: place(name))
        }
        return i
    }

    public func bool(_ name: String) throws -> Bool {
        let v = value(name)
        guard case .bool(let b) = v else { throw mismatch(name, "true or false", v) }
        return b
    }

    public func string(_ name: String) throws -> String {
        let v = value(name)
        guard case .string(let s) = v else { throw mismatch(name, "a string", v) }
        return s.string
    }

    public func list(_ name: String) throws -> List {
        let v = value(name)
        guard case .list(let l) = v else { throw mismatch(name, "a list", v) }
        return l
    }

    public func record(_ name: String) throws -> Record {
        let v = value(name)
        guard case .record(let r) = v else { throw mismatch(name, "a record", v) }
        return r
    }

    public func span(_ name: String) throws -> Span {
        let v = value(name)
        guard case .range(let r) = v else { throw mismatch(name, "a range", v) }
        return r
    }

    /// Something that can be called; call it with `interpreter.call`.
    public func function(_ name: String) throws -> Value {
        let v = value(name)
        guard v.isCallable else { throw mismatch(name, "a function", v) }
        return v
    }

    /// An object of the engine of type `T`; `what` names it in the message ("a network").
    public func object<T>(_ name: String, as type: T.Type, _ what: String) throws -> T {
        let v = value(name)
        guard case .object(let o) = v, let t = o as? T else { throw mismatch(name, what, v) }
        return t
    }

    /// A list (or range) of numbers; a single number counts as a list of one.
    public func numbers(_ name: String) throws -> [Double] {
        let v = value(name)
        switch v {
        case .number(let x): return [x]
        case .range(let r):
            guard let n = r.count, n <= Limits.listItems >> Limits.shift else {
                throw mismatch(name, "a range with an end", v)
            }
            return (0..<n).map { r.element($0) }
        case .list(let l):
            return try l.items.map {
                guard case .number(let x) = $0 else { throw mismatch(name, "a list of numbers", v) }
                return x
            }
        default: throw mismatch(name, "a list of numbers", v)
        }
    }

    /// A list (or range) of whole numbers; a single number counts as a list of one.
    public func ints(_ name: String) throws -> [Int] {
        try numbers(name).map {
            guard let i = Int(exactly: $0) else { throw mismatch(name, "whole numbers", value(name)) }
            return i
        }
    }

    /// A list of strings; a single string counts as a list of one.
    public func strings(_ name: String) throws -> [String] {
        let v = value(name)
        if case .string(let s) = v { return [s.string] }
        guard case .list(let l) = v else { throw mismatch(name, "a list of strings", v) }
        return try l.items.map {
            guard case .string(let s) = $0 else { throw mismatch(name, "a list of strings", v) }
            return s.string
        }
    }

    /// One of a few words.
    public func choice(_ name: String, of words: [String]) throws -> String {
        let word = try string(name)
        if words.contains(word) { return word }
        let list = words.map { "\"\($0)\"" }.joined(separator: ", ")
        throw Failure(
            .argument, "`\(builtin.name)`: `\(name)` must be one of \(list), not \"\(word)\"",
            hint: Spelling.nearest(word, among: words).map { "did you mean \"\($0)\"?" },
            argument: place(name))
    }

    // MARK: Typed access: optional

    // Each gives nil (or the default) where the argument was left out or is nil.

    public func optionalNumber(_ name: String) throws -> Double? {
        value(name).isNil ? nil : try number(name)
    }
    public func optionalInt(_ name: String) throws -> Int? { value(name).isNil ? nil : try int(name) }
    public func optionalBool(_ name: String) throws -> Bool? { value(name).isNil ? nil : try bool(name) }
    public func optionalString(_ name: String) throws -> String? {
        value(name).isNil ? nil : try string(name)
    }
    public func optionalList(_ name: String) throws -> List? { value(name).isNil ? nil : try list(name) }
    public func optionalRecord(_ name: String) throws -> Record? {
        value(name).isNil ? nil : try record(name)
    }
    public func optionalFunction(_ name: String) throws -> Value? {
        value(name).isNil ? nil : try function(name)
    }
    public func optionalNumbers(_ name: String) throws -> [Double]? {
        value(name).isNil ? nil : try numbers(name)
    }
    public func optionalInts(_ name: String) throws -> [Int]? { value(name).isNil ? nil : try ints(name) }
    public func optionalStrings(_ name: String) throws -> [String]? {
        value(name).isNil ? nil : try strings(name)
    }
    public func optionalObject<T>(_ name: String, as type: T.Type, _ what: String) throws -> T? {
        value(name).isNil ? nil : try object(name, as: type, what)
    }

    public func number(_ name: String, default d: Double) throws -> Double { try optionalNumber(name) ?? d }
    public func int(_ name: String, default d: Int) throws -> Int { try optionalInt(name) ?? d }
    public func int(_ name: String, in range: ClosedRange<Int>, default d: Int) throws -> Int {
        value(name).isNil ? d : try int(name, in: range)
    }
    public func bool(_ name: String, default d: Bool) throws -> Bool { try optionalBool(name) ?? d }
    public func string(_ name: String, default d: String) throws -> String { try optionalString(name) ?? d }
    public func choice(_ name: String, of words: [String], default d: String) throws -> String {
        value(name).isNil ? d : try choice(name, of: words)
    }

    /// A file name, with a leading `~` replaced by the home directory.
    public func path(_ name: String) throws -> String { FilePaths.expand(try string(name)) }
    public func optionalPath(_ name: String) throws -> String? { value(name).isNil ? nil : try path(name) }

    // MARK: Failures

    /// "`fit`: `epochs` must be a whole number, not a string ("ten")".
    public func mismatch(_ name: String, _ wanted: String, _ v: Value) -> Failure {
        let shown: String
        switch v {
        case .number, .bool, .string: shown = "\(v.typePhrase) (\(v.summary(limit: 40)))"
        default: shown = v.typePhrase
        }
        return Failure(
            .argument, "`\(builtin.name)`: `\(name)` must be \(wanted), not \(shown)",
            hint: wanted.hasSuffix("number") ? Self.itemHint(v) : nil, argument: place(name))
    }

    /// A number is wanted: an object that holds one has it as a member.
    private static func itemHint(_ v: Value) -> String? {
        guard case .object(let o) = v, o.memberNames.contains("item") else { return nil }
        return
            "`x.item` is the number in \(v.typePhrase.contains("tensor") ? "a tensor of one element" : "it")"
    }

    private func place(_ name: String) -> Failure.Argument {
        let slot = builtin.slot(of: name)
        return Failure.Argument(name, position: slot.flatMap { $0 < builtin.positionalSlots ? $0 : nil })
    }

    /// A failure of this call: its message starts with the function's name. `argument` is the
    /// parameter whose value is wrong.
    public func failure(
        _ message: String, hint: String? = nil, kind: Failure.Kind = .argument, argument: String? = nil
    ) -> Failure {
        Failure(kind, "`\(builtin.name)`: \(message)", hint: hint, argument: argument.map(place))
    }

    /// What goes wrong in `body` is the fault of the argument `name`.
    public func blaming<T>(_ name: String, _ body: () throws -> T) throws -> T {
        try blaming(place(name), body)
    }

    /// What goes wrong in `body` is the fault of the `i`th of the further arguments.
    public func blaming<T>(rest i: Int, _ body: () throws -> T) throws -> T {
        try blaming(Failure.Argument("", position: builtin.positionalSlots + i), body)
    }

    private func blaming<T>(_ argument: Failure.Argument, _ body: () throws -> T) throws -> T {
        do { return try body() } catch var failure as Failure where failure.argument == nil {
            failure.argument = argument
            throw failure
        }
    }
}
