/// What went wrong, in words for the person who caused it.
///
/// Every room throws this one error. `message` says what is wrong and names the operation, the
/// shapes or the file; `hint` says what to do. The language adds source line, caret and trace.
public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of mistake it is; the shell's exit code and `try … else e -> e.kind` follow it.
    public enum Kind: String, Sendable {
        case value, type, shape, name, index, argument, file, io, memory, numeric, interrupted, syntax, raised
    }

    /// The argument of a call that is wrong, for the caret under it.
    public struct Argument: Sendable, Equatable {
        /// The parameter that it is for.
        public let name: String
        /// Its place among those that are given without a name.
        public let position: Int?
        /// The name itself is wrong, not the value.
        public let isName: Bool

        public init(_ name: String, position: Int? = nil, isName: Bool = false) {
            (self.name, self.position, self.isName) = (name, position, isName)
        }
    }

    public var kind: Kind
    public var message: String
    public var hint: String?
    public var argument: Argument?

    public init(_ kind: Kind, _ message: String, hint: String? = nil, argument: Argument? = nil) {
        self.kind = kind
        self.message = message
        self.hint = hint
        self.argument = argument
    }

    public var description: String { hint.map { "\(message)\n  hint: \($0)" } ?? message }

    /// The work was stopped by the person (Ctrl-C).
    public static let interrupted = Failure(.interrupted, "interrupted")
}
