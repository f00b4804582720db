import CReadline
import Glibc
import Language

/// Readline as the prompt uses it.
package final class LineReader {
    package enum Line: Equatable {
        case text(String)
        case end
        case interrupted
    }

    private let completer: Completer
    private let style: Style
    /// What was typed before the line that is being edited: completion sees the whole block.
    package var block = ""
    private var isAsking = false
    /// The candidates of the last Tab, for the list.
    private var found: [Candidate] = []

    /// Readline calls back without a context; there is one terminal, and one reader of it.
    nonisolated(unsafe) private static var current: LineReader?

    package init(_ completer: Completer, style: Style) {
        self.completer = completer
        self.style = style
        LineReader.current = self
        vz_readline_begin(
            "vzsh",
            { line, point in
                guard let line else { return }
                LineReader.current?.complete(String(cString: line), Int(point))
            },
            { texts, count in
                guard let texts else { return }
                LineReader.current?.list(
                    (0..<Int(count)).compactMap { texts[$0].map { String(cString: $0) } })
            })
        vz_history_limit(Int32(History.limit))
    }

    /// Reads a line. Its prompt may hold colours.
    package func read(prompt: String) -> Line {
        var status = VZ_END
        let text = vz_read_line(prompt, &status)
        defer { free(text) }
        switch status {
        case VZ_LINE: return text.map { .text(String(cString: $0)) } ?? .end
        case VZ_INTERRUPTED: return .interrupted
        default: return .end
        }
    }

    /// Reads an answer: it is no vz, so nothing completes it.
    package func ask(_ prompt: String) -> Line {
        isAsking = true
        defer { isAsking = false }
        return read(prompt: prompt)
    }

    package func remember(_ entry: String) { vz_history_add(entry) }

    /// `text` as it must stand in a prompt: Readline must know which bytes take no columns.
    package static func invisible(_ text: String) -> String {
        var out = ""
        var isEscape = false
        for c in text.unicodeScalars {
            if c == "\u{1B}" {
                isEscape = true
                out += "\u{01}\u{1B}"
            } else {
                out.unicodeScalars.append(c)
                if isEscape, c == "m" {
                    isEscape = false
                    out += "\u{02}"
                }
            }
        }
        return out
    }

    // MARK: Completion

    private func complete(_ line: String, _ point: Int) {
        if isAsking { return }
        let offset = block.utf8.count
        let (start, candidates) = completer.complete(block + line, at: offset + point)
        guard start >= offset else { return }
        found = candidates
        vz_completion_start(Int32(start - offset))
        for c in candidates { vz_completion_add(c.text, c.alone) }
    }

    /// More than this are never shown one in a line.
    private static let manyCandidates = 60

    private func list(_ texts: [String]) {
        let out = "\n" + listing(texts, width: Terminal.width, height: Terminal.height) + "\n"
        out.withCString { vz_write_out($0, strlen($0)) }
        vz_flush_out()
        vz_redraw_below()
    }

    /// The candidates with all that is known of them where each can have a line of its own, in columns with
    /// their types where those fit on the screen, or else by themselves.
    private func listing(_ texts: [String], width: Int, height: Int) -> String {
        let column = min(32, texts.map(Columns.width).max() ?? 0)
        let known = Dictionary(found.map { ($0.text, $0) }, uniquingKeysWith: { first, _ in first })
        if texts.count <= min(Self.manyCandidates, height - 2) {
            return texts.map { text in
                let note = Columns.cut(known[text]?.note ?? "", to: max(0, width - column - 3))
                return note.isEmpty ? text : Columns.pad(text, to: column) + "  " + style.dim(note)
            }.joined(separator: "\n")
        }
        let typed = texts.map { text in
            let type = Columns.cut(known[text]?.type ?? "", to: 16)
            return type.isEmpty ? text : Columns.pad(text, to: column) + "  " + type
        }
        let types = zip(typed, texts).map { String($0.dropFirst($1.count)) }
        let table = Table.columns(typed, width: width) { cell in
            guard let i = typed.firstIndex(of: cell) else { return cell }
            return texts[i] + style.dim(types[i])
        }
        let lines = table.split(separator: "\n").count
        return lines <= height - 2 ? table : Table.columns(texts, width: width)
    }
}
