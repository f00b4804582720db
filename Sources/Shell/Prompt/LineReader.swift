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

    /// More than this are shown without their types, in columns.
    private static let manyCandidates = 24

    private func list(_ texts: [String]) {
        let width = Terminal.width
        var out = "\n"
        if texts.count > Self.manyCandidates {
            out += Table.columns(texts, width: width)
        } else {
            var notes: [String: String] = [:]
            for c in found { notes[c.text] = c.note }
            let column = min(32, texts.map(Columns.width).max() ?? 0)
            out += texts.map { text in
                let note = Columns.cut(notes[text] ?? "", to: max(0, width - column - 3))
                return note.isEmpty ? text : Columns.pad(text, to: column) + "  " + style.dim(note)
            }.joined(separator: "\n")
        }
        out += "\n"
        out.withCString { vz_write_out($0, strlen($0)) }
        vz_flush_out()
        vz_redraw_below()
    }
}
