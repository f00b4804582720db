import Builtins
import CReadline
import Glibc
import Language
import Support

/// How a piece of vz ended; the process's exit status follows it.
public enum Outcome: Int32, Sendable {
    case done = 0
    case failed = 1
    case interrupted = 130
}

/// One interpreter with its console: runs texts, shows values and errors, knows `ans`.
public final class Session {
    public let interpreter: Interpreter
    public let console: Console
    /// A person sits at the prompt: `ans` is kept, the prompt's commands work.
    package var isInteractive = false
    /// Ctrl-D asks where names would be lost.
    package var confirmsExit = false
    /// Names were defined or changed since the session was last saved.
    package var isUnsaved = false
    /// The last text that was typed and run, for `edit`.
    package var lastInput = ""
    /// Keeps a text in the history of the prompt.
    package var remember: (String) -> Void = { _ in }
    /// The exit status of the last `$`.
    package var systemStatus: Int32 = 0
    /// The folder before the last `cd`, for `cd -`.
    package var previousFolder: String?

    public init(builtins: [Builtin], console: Console) {
        self.console = console
        let link = SessionLink()
        interpreter = Interpreter(builtins: builtins + ShellBuiltins.table(link))
        link.session = self
        let record = RunRecord.shared
        interpreter.output = { [console] in
            console.write($0)
            record.output($0)
        }
        interpreter.show = { [console] value in
            // A figure that is the value of a line is to be seen.
            if try PlotBuiltins.shows(value) { return }
            let text = value.display(width: console.width)
            console.writeLine(text)
            record.show(value, text: text)
        }
        interpreter.progress = { [console] report in
            console.show(report)
            if report.isFinal, !report.figures.isEmpty { record.output(console.summary(report) + "\n") }
        }
        interpreter.willRun = { record.statement(file: $0, lines: $1) }
        // Notes come from what the interpreter runs, on its thread.
        nonisolated(unsafe) let shown = console
        Notes.give { shown.note($0) }
        Notes.keep { record.output($0 + "\n") }
    }

    package var help: Help {
        Help(interpreter, style: console.outStyle, width: min(100, console.width))
    }

    // MARK: Running

    /// Runs a text of vz; errors are shown.
    @discardableResult
    public func run(_ text: String, file: String) -> Outcome {
        RunRecord.shared.begin(text, file: file)
        if PlotBuiltins.draws(text) { PlotBuiltins.warmUp() }
        let outcome = shielded { _ = try interpreter.run(text, file: file) }
        RunRecord.shared.end(isWhole: outcome == .done)
        if isInteractive {
            if !interpreter.lastValue.isNil { interpreter["ans"] = interpreter.lastValue }
            isUnsaved = isUnsaved || interpreter.names.contains { $0.name != "ans" }
        }
        return outcome
    }

    /// Runs what was typed: a command of the prompt, or vz.
    @discardableResult
    package func runInput(_ text: String) -> Outcome {
        if let command = self.command(text) {
            return shielded { try run(command) }
        }
        if let name = PromptCommand.askedBehind(text) {
            return shielded {
                throw Failure(.syntax, "`?` stands before the name", hint: "write `?\(name)`")
            }
        }
        lastInput = text
        return run(text, file: "<input>")
    }

    /// The command that `text` is, unless the session took its word for a name of its own.
    package func command(_ text: String) -> PromptCommand? {
        guard let command = PromptCommand(text) else { return nil }
        if let word = command.word, interpreter.names.contains(where: { $0.name == word }) { return nil }
        return command
    }

    /// Runs `body`, shows its error, and leaves everything ready for the next line.
    @discardableResult
    package func shielded(_ body: () throws -> Void) -> Outcome {
        var outcome = Outcome.done
        do {
            try body()
        } catch {
            outcome = report(error)
        }
        console.endProgress()
        console.flush()
        if isInteractive { CancelFlag.shared.clear() }
        return outcome
    }

    /// The run is over: writes the pages that were asked for. False where one could not be written.
    package func writeReports() -> Bool {
        let outcome = shielded {
            for path in try ReportBuiltins.finish(progress: interpreter.progress) {
                console.note("report: \(path)")
            }
        }
        return outcome == .done
    }

    private func report(_ error: any Error) -> Outcome {
        let diagnostics: Diagnostics =
            switch error {
            case let d as Diagnostics: d
            case let d as Diagnostic: Diagnostics([d])
            case let f as Failure: Diagnostics([Diagnostic(f.kind, f.message, hint: f.hint)])
            default: Diagnostics([Diagnostic(.value, "\(error)")])
            }
        console.endProgress()
        if diagnostics.isInterrupt {
            console.interrupted()
            RunRecord.shared.failure("interrupted")
            return .interrupted
        }
        console.error(diagnostics)
        RunRecord.shared.failure(diagnostics.render(color: false))
        return .failed
    }
}

extension Diagnostics: Diagnosing {}

/// The builtins of the shell are made before their session is.
package final class SessionLink {
    package weak var session: Session?

    package func require() throws -> Session {
        guard let session else { throw Failure(.value, "this works in a session of vzsh only") }
        return session
    }
}
