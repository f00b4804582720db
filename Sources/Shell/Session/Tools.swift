import Glibc
import Language
import Support

/// `vzsh check` and `vzsh fmt`: work on files without a session.
public enum Tools {
    private static func text(_ file: String) throws -> (text: String, name: String) {
        file == "-"
            ? (try TextFile.read(STDIN_FILENO, name: "<stdin>"), "<stdin>") : (try TextFile.read(file), file)
    }

    /// Reports what is wrong with each file, `-` being standard input; 1 where something is.
    public static func check(_ files: [String], builtins: [Builtin]) -> Int32 {
        let session = Session(builtins: builtins, console: Console())
        var status: Int32 = 0
        for file in files {
            let outcome = session.shielded {
                let (text, name) = try text(file)
                let found = session.interpreter.check(text, file: name)
                if !found.isEmpty { throw Diagnostics(found) }
            }
            if outcome != .done { status = 1 }
        }
        return status
    }

    /// Puts each file into the canonical form, in place; `-` is standard input, written to standard
    /// output. With `onlyChecks` nothing is written, and 1 says that a file is not in that form.
    public static func format(_ files: [String], onlyChecks: Bool) -> Int32 {
        let session = Session(builtins: [], console: Console())
        var status: Int32 = 0
        for file in files {
            let outcome = session.shielded {
                let (text, name) = try text(file)
                let formatted = try Formatter.format(text, file: name)
                if onlyChecks {
                    if formatted != text {
                        session.console.writeLine(file)
                        status = 1
                    }
                } else if file == "-" {
                    session.console.write(formatted)
                } else if formatted != text {
                    try replace(file, with: formatted)
                }
            }
            if outcome != .done { status = 1 }
        }
        return session.console.finish() ? status : max(status, 1)
    }

    /// A script that can be executed stays so.
    private static func replace(_ file: String, with text: String) throws {
        var before = stat()
        let isKnown = stat(file, &before) == 0
        try AtomicFile.write(text, to: file)
        if isKnown { chmod(file, before.st_mode & 0o7777) }
    }
}
