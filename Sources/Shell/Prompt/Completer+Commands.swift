import Language
import Support

/// What Tab finds behind the words of a command: files, names to be explained, names to be forgotten.
extension Completer {
    /// Nil where `text` is vz, or a command of which vz is a part.
    func command(_ text: String, _ cursor: Int) -> (start: Int, candidates: [Candidate])? {
        guard let command = PromptCommand(text), let from = Self.tail(text, cursor) else { return nil }
        if let word = command.word, interpreter.names.contains(where: { $0.name == word }) { return nil }
        let bytes = Array(text.utf8.prefix(cursor))
        switch command {
        case .cd, .ls: return files(CommandWord(bytes, from: from, isShell: false), command)
        case .system: return files(CommandWord(bytes, from: from, isShell: true), command)
        case .edit:
            let found = files(CommandWord(bytes, from: from, isShell: false), command)
            let typed = String(decoding: bytes[from...], as: UTF8.self)
            let functions = session(typed).filter { $0.type == "function" }
            return found.start == from ? (from, functions + found.candidates) : found
        case .clear:
            var start = bytes.count
            while start > from, CursorContext.isWord(bytes[start - 1]) { start -= 1 }
            let typed = String(decoding: bytes[start...], as: UTF8.self)
            let all = "all".hasPrefix(typed) ? [Candidate("all", note: "every name")] : []
            return (start, session(typed) + all)
        case .help, .source, .apropos:
            let context = CursorContext(text, at: cursor)
            switch context.place {
            case .member(let receiver): return (context.start, members(receiver, context.prefix))
            case .name: return (context.start, explained(context.prefix, command))
            default: return (context.start, [])
            }
        default: return nil
        }
    }

    /// Where what follows the command's word or sign begins; nil where the cursor stands before that.
    private static func tail(_ text: String, _ cursor: Int) -> Int? {
        let bytes = Array(text.utf8.prefix(cursor))
        let blank = UInt8(ascii: " ")
        var i = bytes.firstIndex { $0 != blank } ?? bytes.count
        guard i < bytes.count else { return nil }
        if CursorContext.isWord(bytes[i]) {
            while i < bytes.count, CursorContext.isWord(bytes[i]) { i += 1 }
            guard i < bytes.count else { return nil }
        } else {
            while i < bytes.count, bytes[i] == UInt8(ascii: "?") || bytes[i] == UInt8(ascii: "$") { i += 1 }
        }
        while i < bytes.count, bytes[i] == blank { i += 1 }
        return i
    }

    /// The names of the session alone, without brackets.
    private func session(_ prefix: String) -> [Candidate] {
        bare(interpreter.names.filter { $0.name.hasPrefix(prefix) }.map { candidate($0.name, $0.value) })
    }

    private func bare(_ candidates: [Candidate]) -> [Candidate] {
        candidates.map { Candidate($0.text, type: $0.type, note: $0.note) }
    }

    /// What help can be asked for.
    private func explained(_ prefix: String, _ command: PromptCommand) -> [Candidate] {
        let names = bare(names(prefix, isFirst: true))
        guard case .help = command else { return names }
        let topics = Set(interpreter.builtins.values.map(\.topic)).filter { topic in
            !topic.isEmpty && topic.hasPrefix(prefix) && !names.contains { $0.text == topic }
        }
        return (names + topics.map { Candidate($0, note: "topic") }).sorted { $0.text < $1.text }
    }

    private func files(_ word: CommandWord, _ command: PromptCommand) -> (
        start: Int, candidates: [Candidate]
    ) {
        let found = FileNames.matching(word.path).compactMap { entry -> Candidate? in
            if case .cd = command, !entry.isFolder { return nil }
            guard let name = word.written(entry.name) else { return nil }
            let end = entry.isFolder ? "/" : word.end
            return Candidate(
                name, alone: name + end, type: entry.isFolder ? "folder" : "file",
                note: entry.isFolder ? "folder" : entry.size)
        }
        return (word.start, found)
    }
}

/// The file that is being named at the end of a command, in the manner of the system's shell, or of
/// vzsh's own commands: there the rest of the line is one path, blanks and all.
package struct CommandWord {
    /// Where the last part of the path begins, behind its slash and its quote.
    package private(set) var start: Int
    /// The path without quotes and backslashes.
    package private(set) var path = ""
    private let isShell: Bool
    /// The quote that is open, and whether it has to be written with the name.
    private var quote: UInt8?
    private var opensInside = false
    private var hasBackslash = false

    package init(_ bytes: [UInt8], from: Int, isShell: Bool) {
        self.isShell = isShell
        start = from
        var text: [UInt8] = []
        var quotedAt = from
        var i = from
        while i < bytes.count {
            let c = bytes[i]
            if c == UInt8(ascii: "\\"), quote != UInt8(ascii: "'"), isShell || quote == nil {
                hasBackslash = true
                i += 1
                if i < bytes.count { text.append(bytes[i]) }
            } else if let open = quote {
                if c == open { quote = nil } else { text.append(c) }
            } else if c == UInt8(ascii: "\"") || c == UInt8(ascii: "'"), isShell || i == from {
                (quote, quotedAt) = (c, i)
            } else if isShell, Self.breaks.contains(c) {
                (text, start, hasBackslash) = ([], i + 1, false)
            } else {
                text.append(c)
            }
            if c == UInt8(ascii: "/") { start = i + 1 }
            i += 1
        }
        path = String(decoding: text, as: UTF8.self)
        if quote != nil {
            if quotedAt == start { start += 1 }
            opensInside = quotedAt > start
        }
    }

    private static let breaks = Set(" \t;|&<>()".utf8)
    /// What the shell takes as it is.
    private static let plain = Set("-_./~,+:@%^=".unicodeScalars)

    /// What closes the word behind a file.
    package var end: String { quote.map { String(decoding: [$0], as: UTF8.self) } ?? "" }

    /// `name` as it must stand; nil where it cannot stand there.
    package func written(_ name: String) -> String? {
        if name.contains(where: \.isNewline) { return nil }
        guard let quote else {
            let needs = { (c: Unicode.Scalar) -> Bool in
                if !isShell { return c == "\\" || c == " " && hasBackslash }
                return c.isASCII && !c.properties.isAlphabetic && !("0"..."9").contains(c)
                    && !Self.plain.contains(c)
            }
            return Self.escaped(name, needs)
        }
        let sign = Unicode.Scalar(quote)
        let lead = opensInside ? String(sign) : ""
        if isShell, sign == "\"" { return lead + Self.escaped(name) { "\"\\$`".unicodeScalars.contains($0) } }
        return name.unicodeScalars.contains(sign) ? nil : lead + name
    }

    private static func escaped(_ name: String, _ needs: (Unicode.Scalar) -> Bool) -> String {
        var out = String.UnicodeScalarView()
        for c in name.unicodeScalars {
            if needs(c) { out.append("\\") }
            out.append(c)
        }
        return String(out)
    }
}
