import Builtins
import CReadline
import Glibc
import Language
import Support

/// The loop at the prompt: read a block, run it, show what comes, until Ctrl-D.
public final class Prompt {
    private let session: Session
    private let reader: LineReader
    private var history: History?

    public init(_ session: Session) {
        self.session = session
        session.isInteractive = true
        reader = LineReader(Completer(session.interpreter), style: session.console.outStyle)
        history = History.standardPath.map { History(path: $0) }
        for entry in history?.load() ?? [] { reader.remember(entry) }
        session.remember = { [weak self] in self?.remember($0) }
        guard isPerson else { return }
        session.interpreter.ask = { [weak self] in try self?.ask($0) }
    }

    /// Someone types, and sees what comes.
    private let isPerson = Terminal.inIsTerminal && Terminal.outIsTerminal

    /// Runs until the person leaves; gives the exit status.
    public func run() -> Int32 {
        CancelFlag.shared.clear()
        // While the person reads the greeting.
        PlotBuiltins.warmUp()
        while true {
            switch readBlock() {
            case .text(let text):
                if text.trimmed.isEmpty { continue }
                remember(text)
                session.console.diary?.write(
                    "vz> " + text.split(separator: "\n").joined(separator: "\n..> ") + "\n")
                CancelFlag.shared.clear()
                let before = isPerson ? vz_echo(0) : 1
                session.runInput(text)
                vz_echo(before)
            case .interrupted: CancelFlag.shared.clear()
            case .end:
                if leaves() {
                    session.console.flush()
                    return 0
                }
            }
        }
    }

    /// Lines up to one that the parser finds complete, or wrong. A command is a line of its own.
    private func readBlock() -> LineReader.Line {
        var block = ""
        while true {
            session.console.flush()
            reader.block = block
            let line = reader.read(prompt: prompt(isContinuation: !block.isEmpty))
            guard case .text(let text) = line else {
                // Ctrl-D inside a block gives the block up, as Ctrl-C does.
                return block.isEmpty || line == .interrupted ? line : .interrupted
            }
            block += text
            let goesOn = session.command(block).map(\.goesOn) ?? PromptCommand.goesOn(block)
            guard goesOn else { return .text(block) }
            block += "\n"
        }
    }

    private func prompt(isContinuation: Bool) -> String {
        let style = session.console.outStyle
        return LineReader.invisible(isContinuation ? style.dim("..> ") : style.prompt("vz> "))
    }

    /// Into the history, without the line ends behind it that a paste may bring.
    private func remember(_ text: String) {
        let end = text.lastIndex { !$0.isWhitespace }
        let entry = end.map { String(text[...$0]) } ?? ""
        if history?.append(entry) ?? true { reader.remember(entry) }
    }

    /// A line for `input`, edited as those of the prompt are; nil where Ctrl-D ends it.
    private func ask(_ prompt: String) throws -> String? {
        session.console.endProgress()
        session.console.flush()
        let answer = Terminal.aloud { reader.ask(LineReader.invisible(prompt)) }
        guard answer != .interrupted else { throw Failure.interrupted }
        guard case .text(let text) = answer else { return nil }
        session.console.diary?.write(prompt + text + "\n")
        return text
    }

    private func leaves() -> Bool {
        guard session.confirmsExit, session.isUnsaved, isPerson, vz_hung_up() == 0 else { return true }
        let names = session.interpreter.names.filter { $0.name != "ans" }.map(\.name)
        session.console.note(
            "not saved: \(names.prefix(8).joined(separator: ", "))\(names.count > 8 ? " …" : "")")
        if case .text(let answer) = reader.read(prompt: "leave and lose them? [y/N] ") {
            return answer.trimmed.lowercased().hasPrefix("y")
        }
        return false
    }
}
