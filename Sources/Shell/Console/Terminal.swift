import CReadline
import Glibc

/// What is known of the terminal: whether there is one, its width, whether it shows colours.
package enum Terminal {
    package static let outIsTerminal = isatty(STDOUT_FILENO) == 1
    package static let errorIsTerminal = isatty(STDERR_FILENO) == 1
    package static let inIsTerminal = isatty(STDIN_FILENO) == 1

    /// Columns now; 80 where nobody knows.
    package static var width: Int {
        var rows: Int32 = 24
        var columns: Int32 = 80
        vz_terminal_size(&rows, &columns)
        return max(20, Int(columns))
    }

    /// Rows now; 24 where nobody knows.
    package static var height: Int {
        var rows: Int32 = 24
        var columns: Int32 = 80
        vz_terminal_size(&rows, &columns)
        return rows > 0 ? Int(rows) : 24
    }

    /// It shows what it is sent and nothing else: no line can be drawn again, the screen cannot be wiped.
    package static let isDumb = (environment("TERM") ?? "").isEmpty || environment("TERM") == "dumb"

    /// Colours on a terminal, unless NO_COLOR asks for none or the terminal is a dumb one.
    package static func showsColor(isTerminal: Bool) -> Bool {
        isTerminal && (environment("NO_COLOR") ?? "").isEmpty && !isDumb
    }

    /// `body` with what is typed shown on the terminal, which is off while something runs at the prompt.
    package static func aloud<T>(_ body: () throws -> T) rethrows -> T {
        let before = vz_echo(1)
        defer { vz_echo(before) }
        return try body()
    }

    package static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Text is UTF-8 everywhere in vzsh. A locale that says otherwise would make Readline take
    /// letters apart, so the C library's own UTF-8 locale takes its place; numbers keep their point.
    package static func useUnicode() {
        let codeset = setlocale(LC_CTYPE, "").flatMap { _ in nl_langinfo(Int32(CODESET)) }
        if let codeset, String(cString: codeset) == "UTF-8" { return }
        setlocale(LC_CTYPE, "C.UTF-8")
        // Readline asks the environment again when it begins.
        setenv("LC_CTYPE", "C.UTF-8", 1)
        if getenv("LC_ALL") != nil { unsetenv("LC_ALL") }
    }
}

/// The columns that text takes on a terminal.
package enum Columns {
    package static func width(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 >= 32 && $0 < 127 }) { return text.utf8.count }
        return text.unicodeScalars.reduce(0) { $0 + Int(vz_columns_of($1.value)) }
    }

    /// `text` in at most `columns` columns, its end replaced by "…" where it is longer.
    package static func cut(_ text: String, to columns: Int) -> String {
        if width(text) <= columns { return text }
        var out = ""
        var used = 0
        for c in text {
            let w = width(String(c))
            if used + w > columns - 1 { break }
            out.append(c)
            used += w
        }
        return columns > 0 ? out + "…" : ""
    }

    /// `text` filled up with spaces to `columns`.
    package static func pad(_ text: String, to columns: Int) -> String {
        text + String(repeating: " ", count: max(0, columns - width(text)))
    }
}

/// The one colour scheme of the shell.
package struct Style: Sendable {
    package let isOn: Bool

    package init(_ isOn: Bool) { self.isOn = isOn }

    private func wrap(_ code: String, _ text: String) -> String {
        isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    package func strong(_ text: String) -> String { wrap("1", text) }
    package func dim(_ text: String) -> String { wrap("2", text) }
    package func name(_ text: String) -> String { wrap("36", text) }
    package func heading(_ text: String) -> String { wrap("1;33", text) }
    package func prompt(_ text: String) -> String { wrap("1;32", text) }
    package func bar(_ text: String) -> String { wrap("32", text) }
}
