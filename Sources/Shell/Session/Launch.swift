import Builtins
import CReadline
import Glibc
import Language
import Support

/// Starts a session as the command line asks for it, and ends with its exit status.
public struct Launch {
    /// What to run.
    public enum Program: Sendable, Equatable {
        /// Texts that run one after the other.
        case code([String])
        case file(String)
        case standardInput
        case nothing
    }

    public var program: Program = .nothing
    public var arguments: [String] = []
    /// The prompt comes after the program.
    public var staysInteractive = false
    public var readsRC = true
    public var isQuiet = false

    public init() {}

    /// Version of vzsh.
    public static let version = "0.1.0"

    public func run(builtins: [Builtin]) -> Int32 {
        Terminal.useUnicode()
        vz_interrupts_begin { CancelFlag.shared.request() }
        vz_hangup_begin()
        _ = CancelFlag.shared.isSet
        let console = Console(isQuiet: isQuiet)
        let session = Session(builtins: builtins, console: console)
        session.interpreter.scriptArguments = arguments
        var program = program
        let prompts = staysInteractive || (program == .nothing && Terminal.inIsTerminal)
        if program == .nothing, !Terminal.inIsTerminal { program = .standardInput }
        Settings.current.isInteractive = prompts

        tellRecord()
        var isReady = Outcome.done
        isReady = session.shielded { try ReportBuiltins.check() }
        guard isReady == .done else { return isReady.rawValue }
        // Where a prompt follows, nothing may cost the person what is there.
        vz_interrupts_deadly(prompts ? 0 : 1)
        if prompts, readsRC { runRC(session) }
        if prompts, program == .nothing, !isQuiet { greet(console) }
        var outcome = runProgram(program, session)
        if prompts {
            guard Terminal.inIsTerminal || staysInteractive else { return outcome.rawValue }
            let status = Prompt(session).run()
            let isWritten = session.writeReports()
            let isWhole = console.finish()
            PlotBuiltins.close()
            return isWritten && isWhole ? status : max(status, 1)
        }
        if outcome == .done, CancelFlag.shared.isSet { outcome = .interrupted }
        if !session.writeReports(), outcome == .done { outcome = .failed }
        if !console.finish(), outcome == .done { outcome = .failed }
        if outcome == .done, Terminal.inIsTerminal {
            session.shielded {
                try PlotBuiltins.hold { console.note("close the window, or press Ctrl-C, to end") }
            }
        }
        PlotBuiltins.close()
        return outcome.rawValue
    }

    /// What a page of the run tells at its end, as far as it is known now.
    private func tellRecord() {
        let record = RunRecord.shared
        record.fact("version", "vzsh \(Launch.version)")
        let words = CommandLine.arguments.enumerated().map { i, word in
            i == 0 ? String(word.split(separator: "/").last ?? "vzsh") : Launch.quoted(word)
        }
        record.fact("command", words.joined(separator: " "))
        if let folder = try? Folder.current() { record.fact("folder", folder) }
        if case .file(let path) = program { record.read(path) }
    }

    /// A word as a shell takes it.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=:,+@%".contains($0) }
        return isPlain && !word.isEmpty
            ? word
            : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
                + "'"
    }

    private func runProgram(_ program: Program, _ session: Session) -> Outcome {
        switch program {
        case .nothing: return .done
        case .code(let texts): return session.runCode(texts)
        case .file(let path):
            var outcome = Outcome.done
            let read = session.shielded {
                outcome = session.run(try TextFile.read(path), file: path)
            }
            return read == .done ? outcome : read
        case .standardInput:
            var outcome = Outcome.done
            let read = session.shielded {
                outcome = session.runPiped(try TextFile.read(STDIN_FILENO, name: "<stdin>"))
            }
            return read == .done ? outcome : read
        }
    }

    /// The folder of `--out`, made with those above it where they are missing.
    public static func makeFolder(_ path: String) throws {
        try Folder.make(FilePaths.expand(path))
    }

    private func greet(_ console: Console) {
        let style = console.outStyle
        console.writeLine(
            "\(style.strong("vzsh")) \(Launch.version)   \(style.dim("? helps, Tab completes, Ctrl-D leaves"))"
        )
    }

    /// ~/.config/vzsh/rc.vz; an error in it is shown, and the session goes on.
    private func runRC(_ session: Session) {
        guard let path = Launch.rcPath, access(path, F_OK) == 0 else { return }
        session.shielded { session.run(try TextFile.read(path), file: path) }
        // Ctrl-C meant this file alone.
        CancelFlag.shared.clear()
    }

    private static var rcPath: String? {
        if let config = Terminal.environment("XDG_CONFIG_HOME"), config.hasPrefix("/") {
            return config + "/vzsh/rc.vz"
        }
        return Terminal.environment("HOME").map { $0 + "/.config/vzsh/rc.vz" }
    }
}

extension Session {
    /// The texts of `-e`: the commands of the prompt work in them too, each a text of its own; what is vz
    /// is one text.
    package func runCode(_ texts: [String]) -> Outcome {
        var lines: [String] = []
        for (i, text) in texts.enumerated() {
            let isCommand = command(text) != nil
            if !isCommand { lines.append(text) }
            if !lines.isEmpty, isCommand || i == texts.count - 1 {
                let outcome = run(lines.joined(separator: "\n"), file: "<command line>")
                guard outcome == .done else { return outcome }
                lines = []
            }
            if let command = command(text), isCommand {
                let outcome = runCommand(command)
                guard outcome == .done else { return outcome }
            }
        }
        return .done
    }

    /// A script from a pipe; one line may be a command of the prompt.
    func runPiped(_ text: String) -> Outcome {
        let line = text.trimmed
        if !line.contains("\n"), let command = command(line) { return runCommand(command) }
        return run(text, file: "<stdin>")
    }

    /// Where no person sees the status of a `$`, it is that of vzsh.
    private func runCommand(_ command: PromptCommand) -> Outcome {
        systemStatus = 0
        let outcome = shielded { try run(command) }
        return outcome == .done && systemStatus != 0 ? .failed : outcome
    }
}
