import Builtins
import CReadline
import Glibc
import Language
import Support

/// The commands of the prompt.
extension Session {
    package func run(_ command: PromptCommand) throws {
        switch command {
        case .help(let topic): console.writeLine(try help.text(topic))
        case .source(let name): console.writeLine(try source(of: name))
        case .apropos(let words): console.writeLine(try help.apropos(bare(words)))
        case .system(let line): try system(line)
        case .cd(let path): try changeFolder(path.isEmpty ? "~" : bare(path))
        case .pwd: console.writeLine(try Folder.current())
        case .ls(let path):
            console.writeLine(try Folder.listing(bare(path), width: console.width, style: console.outStyle))
        case .whos:
            console.writeLine(Whos.text(interpreter.names, width: console.width, style: console.outStyle))
        case .clear(let names): try clear(names)
        case .edit(let what): try edit(bare(what))
        case .time(let text): try time(text)
        case .bench(let text): try bench(text)
        case .exit: leave(0)
        }
    }

    /// A word of a command may stand in quotes, as it would in vz, or have backslashes before its
    /// blanks, as it would in the system's shell.
    private func bare(_ text: String) -> String {
        guard text.count >= 2, let quote = text.first, quote == "\"" || quote == "'", text.last == quote
        else {
            return CommandWord(Array(text.utf8), from: 0, isShell: false).path
        }
        return String(text.dropFirst().dropLast())
    }

    // MARK: Looking

    package func source(of name: String) throws -> String {
        let name = Help.name(name)
        guard let value = Completer(interpreter).value(of: name) else { return try help.text(name) }
        switch value {
        case .function(let f): return f.source
        case .builtin(let b): return "# \(b.name) is built in\n" + help.text(of: value, name: name)
        default: return "\(name) = \(value.display(width: console.width))"
        }
    }

    package func time(_ text: String) throws {
        let wall = Clock.now()
        let processor = Clock.processor()
        defer {
            let busy = TimeText.text(Clock.processor() - processor)
            console.note("time: \(TimeText.text(Clock.now() - wall)) (processor \(busy))")
        }
        lastInput = text
        let value = try interpreter.run(text, file: "<input>")
        if !value.isNil { interpreter["ans"] = value }
    }

    package func bench(_ text: String) throws {
        let value = try interpreter.run("bench(() -> \(text))", file: "<input>")
        interpreter["ans"] = value
    }

    // MARK: Files and the system

    package func changeFolder(_ path: String) throws {
        var target = FilePaths.expand(path)
        if path == "-" {
            guard let previousFolder else { throw Failure(.file, "there was no folder before this one") }
            target = previousFolder
        }
        let before = try? Folder.current()
        guard chdir(target) == 0 else {
            throw Failure(.file, "cannot enter '\(path)': \(String(cString: strerror(errno)))")
        }
        previousFolder = before
        if path == "-" { console.writeLine(target) }
    }

    /// Runs a line by the system's shell, which has the terminal and Ctrl-C meanwhile.
    package func system(_ line: String) throws {
        guard !line.isEmpty else {
            throw Failure(.argument, "`$` needs a command", hint: "such as `$ ls -la`")
        }
        console.endProgress()
        console.flush()
        vz_interrupts_ignore(1)
        let status = Terminal.aloud { Glibc.system(line) }
        vz_interrupts_ignore(0)
        if status == -1 { throw Failure(.io, "cannot run a command: \(String(cString: strerror(errno)))") }
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        systemStatus = code
        if code != 0 { console.note("exit status \(code)") }
        let words = line.split(separator: " ")
        if words.first == "cd" {
            console.note(
                "`$` runs in a process of its own; write `cd \(words.dropFirst().joined(separator: " "))` to change the folder here"
            )
        }
    }

    /// `edit`: the last input, `edit f`: a function of the session; both run afterwards.
    /// `edit file.vz`: a file.
    package func edit(_ what: String) throws {
        if what.isEmpty {
            try editAndRun(lastInput)
        } else if case .function(let f)? = Completer(interpreter).value(of: what) {
            try editAndRun(f.source)
        } else {
            try Editor.open(FilePaths.expand(what), session: self)
        }
    }

    private func editAndRun(_ text: String) throws {
        let path = "/tmp/vzsh-edit-\(getpid()).vz"
        try AtomicFile.write(text + "\n", to: path)
        defer { unlink(path) }
        try Editor.open(path, session: self)
        let edited = try TextFile.read(path).trimmed
        guard !edited.isEmpty else { return }
        console.writeLine(console.outStyle.dim(edited))
        remember(edited)
        lastInput = edited
        _ = run(edited, file: "<input>")
    }

    package func clear(_ names: [String]) throws {
        if names.isEmpty {
            if Terminal.outIsTerminal, !Terminal.isDumb { console.write("\u{1B}[H\u{1B}[2J\u{1B}[3J") }
            return
        }
        if names == ["all"], interpreter.names.allSatisfy({ $0.name != "all" }) {
            interpreter.reset()
            return
        }
        for name in names {
            guard interpreter.names.contains(where: { $0.name == name }) else {
                throw Failure(
                    .name, "the session has no `\(name)`",
                    hint: "`whos` lists its names; `clear all` forgets all")
            }
            interpreter[name] = nil
        }
    }

    /// Ends the process in good order.
    package func leave(_ code: Int32) -> Never {
        console.endProgress()
        RunRecord.shared.end(isWhole: false)
        let isWritten = writeReports()
        let isWhole = console.finish()
        PlotBuiltins.close()
        exit(isWritten && isWhole ? code : max(code, 1))
    }
}

/// The person's editor.
enum Editor {
    static func open(_ path: String, session: Session) throws {
        let choice = ["VISUAL", "EDITOR"].lazy.compactMap(Terminal.environment).first { !$0.isEmpty }
        let quoted =
            "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
            + "'"
        let program =
            choice ?? "$(command -v sensible-editor || command -v nano || command -v vi || echo false)"
        session.console.flush()
        vz_interrupts_ignore(1)
        let status = Terminal.aloud { system("\(program) \(quoted)") }
        vz_interrupts_ignore(0)
        if status != 0 {
            throw Failure(
                .io, "the editor failed", hint: "set EDITOR to the one you want, such as `EDITOR=nano vzsh`")
        }
    }
}
