/// What went wrong, in words for the person who caused it.
///
/// Every room throws this one error. `message` says what is wrong and names the operation, the
/// shapes or the file; `hint` says what to do. The language adds source line, caret and trace.
public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of mistake it is; the shell's exit code and `try … else e -> e.kind` follow it.
    public enum Kind: String, Sendable {
        case value, type, shape, name, index, argument, file, io, memory, numeric, interrupted, syntax, raised
    }

    public var kind: Kind
    public var message: String
    public var hint: String?

    public init(_ kind: Kind, _ message: String, hint: String? = nil) {
        self.kind = kind
        self.message = message
        self.hint = hint
    }

    public var description: String { hint.map { "\(message)\n  hint: \($0)" } ?? message }

    /// The work was stopped by the person (Ctrl-C).
    public static let interrupted = Failure(.interrupted, "interrupted")
}
