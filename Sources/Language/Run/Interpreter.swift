@preconcurrency import Glibc
import Support

/// What the parser says of a text.
public enum ParseOutcome: Sendable {
    /// It can be run.
    case complete
    /// It is the beginning of something: an open bracket, an operator at the end.
    case incomplete
    /// It is wrong, whatever follows.
    case errors([Diagnostic])
}

/// Runs vz. One interpreter belongs to one thread at a time; it keeps its globals between runs.
public final class Interpreter {
    /// The table of builtins by name.
    public let builtins: [String: Builtin]
    /// Takes what `print` writes. The default writes to standard output.
    public var output: (String) -> Void
    /// Takes the value of each line at the top level that is shown (not ended by `;`, not nil).
    /// The default writes `value.display()` and a newline to `output`.
    public var show: ((Value) throws -> Void)?
    /// Reads a line for `input`, which gives it the prompt; nil at the end of input. Where there is
    /// none, `input` writes the prompt and reads standard input.
    public var ask: ((_ prompt: String) throws -> String?)?
    /// Told before each statement of the top level runs: its file and its lines, from 1.
    public var willRun: ((_ file: String, _ lines: ClosedRange<Int>) -> Void)?
    /// Takes the progress reports of long work (`fit`, `maximize`, downloads); the shell shows them.
    public var progress: ProgressHook = { _ in }
    /// Values in the list `args` of a script.
    public var scriptArguments: [String] = [] {
        didSet { arguments.items = scriptArguments.map { Value($0) } }
    }
    private let arguments = List()
    /// The value of the last expression line, shown or not.
    public internal(set) var lastValue: Value = .nil
    /// How many calls may be open at once; deeper recursion is an error.
    public var maximumDepth = 10_000

    /// How many loop turns and calls may still run before the work is stopped; nil: no limit. For
    /// running what nobody has read.
    package var stepBudget: Int? {
        get { machine.budget }
        set { machine.budget = newValue }
    }

    /// Builtins and the constants `pi`, `inf`, `nan` and `args`.
    let predefined: [String: Value]
    let main: Module
    private(set) lazy var machine = Machine(interpreter: self)
    /// Files that were used, by path.
    var modules: [String: (stamp: TextFile.Stamp, module: Module)] = [:]
    var usesInProgress: [String] = []

    public init(builtins table: [Builtin]) {
        var byName: [String: Builtin] = [:]
        byName.reserveCapacity(table.count)
        for b in table { byName[b.name] = b }
        builtins = byName
        output = { text in
            var text = text
            text.withUTF8 { _ = fwrite($0.baseAddress, 1, $0.count, stdout) }
        }
        var names: [String: Value] = [
            "pi": .number(.pi), "inf": .number(.infinity), "nan": .number(.nan), "args": .list(arguments),
        ]
        for (name, b) in byName { names[name] = .builtin(b) }
        predefined = names
        main = Module(name: "main", predefined: names)
    }

    // MARK: Running

    /// Run a source text at the top level. `file` names it in messages and is what `use` and
    /// relative paths start from. Gives the value of the last expression line.
    /// Throws `Diagnostics`.
    @discardableResult
    public func run(_ source: String, file: String = "<input>") throws -> Value {
        try run(source, file: file, in: main, showing: true)
    }

    /// What the parser makes of a text, without running it.
    public static func parse(_ source: String, file: String = "<input>") -> ParseOutcome {
        Parser.outcome(of: source, file: file)
    }

    /// Parse and resolve only: syntax errors, and names that nothing defines. Empty where all is well.
    public func check(_ source: String, file: String) -> [Diagnostic] {
        Checker.check(source, file: file, known: Set(predefined.keys))
    }

    /// Call a vz function, builtin or callable object. Re-entrant: builtins use it for the
    /// functions that they are given. Throws `Diagnostics` or `Failure`.
    public func call(_ function: Value, _ arguments: [Value], _ named: [(name: String, value: Value)] = [])
        throws
        -> Value
    {
        try machine.call(function, arguments, named)
    }

    // MARK: Names

    /// What the session defined, in order of first definition; builtins are not among them.
    public var names: [(name: String, value: Value)] { main.definitions }

    /// A global by name: what the session defined, or else a builtin.
    public subscript(name: String) -> Value? {
        get { main.value(of: name) }
        set {
            if let newValue { main.define(name, newValue) } else { main.remove(name) }
        }
    }

    /// Forget all that the session defined.
    public func reset() { main.removeAll() }
}
