import Language
import Support

/// Help on what a name stands for, from the one table of builtins and from doc comments.
package struct Help {
    package let interpreter: Interpreter
    package let style: Style
    package let width: Int

    package init(_ interpreter: Interpreter, style: Style = Style(false), width: Int = 80) {
        self.interpreter = interpreter
        self.style = style
        self.width = width
    }

    // MARK: One name

    /// What `?name` prints. Throws `Failure` where nothing has that name.
    package func text(_ topic: String) throws -> String {
        let topic = Help.name(topic)
        if topic.isEmpty { return overview() }
        if let word = KeywordHelp.entry(topic) {
            return style.strong(word.form) + "\n" + indented(word.text)
        }
        if let value = Completer(interpreter).value(of: topic) { return text(of: value, name: topic) }
        if let text = memberText(topic) { return text }
        let entries = interpreter.builtins.values.filter { $0.topic == topic }
        if !entries.isEmpty { return topicText(topic, entries) }
        if let command = CommandHelp.text(topic) { return indented(command) }
        throw unknown(topic)
    }

    /// The name that is asked for, without the brackets that completion may have put behind it.
    package static func name(_ topic: String) -> String {
        guard topic.count > 1 else { return topic }
        for end in ["()", "("] where topic.hasSuffix(end) { return String(topic.dropLast(end.count)) }
        return topic
    }

    private func unknown(_ topic: String) -> Failure {
        let names = interpreter.names.map(\.name) + interpreter.builtins.keys + topics
        let near = Spelling.nearest(topic, among: names).map { "did you mean `\($0)`? " } ?? ""
        return Failure(
            .name, "nothing is called `\(topic)`",
            hint: near + "apropos(\(Value.quoted(topic))) searches all names and descriptions")
    }

    /// Help on a value as `help(value)` gives it.
    package func text(of value: Value, name: String) -> String {
        switch value {
        case .builtin(let b): return text(of: b)
        case .function(let f):
            var out = style.strong("fn \(f.signature)")
            if !f.doc.isEmpty { out += "\n" + indented(f.doc) }
            let parameters = f.parameters.filter { !$0.doc.isEmpty }
            if !parameters.isEmpty { out += "\n" + table(parameters.map { ($0.text, $0.doc) }) }
            // A function without a name, or one that lost it, cannot be asked for.
            let isKnown =
                if case .function(let own)? = Completer(interpreter).value(of: name) { own === f } else {
                    false
                }
            let more = isKnown ? "; ??\(name) shows its source" : ""
            return out + "\n" + style.dim(indented("defined at \(f.file):\(f.line)\(more)"))
        case .object(let o):
            var out = "\(style.strong(name)): \(o.typeName)\n" + indented(o.summary)
            if let callable = o.callable { out += "\n\n" + text(of: callable) }
            let members = o.memberNames
            if !members.isEmpty {
                out += "\n\n" + style.heading("Members") + "\n"
                out += table(members.prefix(60).map { (".\($0)", o.memberDoc($0) ?? "") })
                if members.count > 60 { out += "\n  … and \(members.count - 60) more" }
            }
            if let maker = maker(of: o) { out += "\n\n" + text(of: maker) }
            return out
        default:
            return "\(style.strong(name)): \(value.typeName)\n" + indented(value.summary(limit: width))
        }
    }

    /// The function that makes such an object: of a layer the one of its kind.
    private func maker(of object: any VZObject) -> Builtin? {
        let kind = object.memberNames.contains("kind") ? try? object.member("kind")?.asString : nil
        return interpreter.builtins[kind ?? object.typeName]
    }

    private func text(of b: Builtin) -> String {
        var out = style.strong(b.signature)
        if !b.summary.isEmpty { out += "\n" + indented(b.summary) }
        if !b.doc.isEmpty { out += "\n\n" + indented(b.doc) }
        let parameters = b.parameters.filter { !$0.doc.isEmpty }
        if !parameters.isEmpty {
            out += "\n\n" + style.heading("Parameters") + "\n" + table(parameters.map { ($0.text, $0.doc) })
        }
        if !b.example.isEmpty {
            let lines = b.example.split(separator: "\n", omittingEmptySubsequences: false)
            out +=
                "\n\n" + style.heading("Example") + "\n"
                + lines.map { "  \(Self.told(String($0)))" }.joined(separator: "\n")
        }
        if !b.seeAlso.isEmpty {
            out += "\n\n" + style.heading("See also") + "\n  " + b.seeAlso.joined(separator: ", ")
        }
        return out
    }

    /// A line of an example: what it must give is a comment to the reader.
    private static func told(_ line: String) -> String { line.replacing("# expect: ", with: "# ") }

    /// `net.conv1d_3` that cannot be worked out as a value still has its line of help.
    private func memberText(_ topic: String) -> String? {
        guard let dot = topic.lastIndex(of: "."),
            case .object(let o)? = Completer(interpreter).value(of: String(topic[..<dot]))
        else { return nil }
        let name = String(topic[topic.index(after: dot)...])
        guard let doc = o.memberDoc(name) else { return nil }
        return style.strong(topic) + "\n" + indented(doc)
    }

    // MARK: Overviews

    private var topics: [String] {
        Set(interpreter.builtins.values.map(\.topic)).filter { !$0.isEmpty }.sorted()
    }

    private func overview() -> String {
        var out = style.heading("vz in one screen") + "\n"
        out += table([
            ("x = 3 * (2 + 1)^2", "a line shows its value; a `;` at its end hides it"),
            ("?name", "explains a function, a variable or a word of the language"),
            ("apropos(\"pool\")", "searches names and descriptions"),
            ("Tab", "completes names, members, arguments and files"),
            ("ans", "the last value"), ("whos", "the names of this session"),
            ("$ command", "runs a command of the system"), ("Ctrl-C", "stops what is running; Ctrl-D leaves"),
        ])
        if !topics.isEmpty {
            out += "\n\n" + style.heading("Topics") + " (?topic lists its functions)\n"
            out += wrapped(topics.joined(separator: ", "), indent: 2)
        }
        out += "\n\n" + style.heading("Commands of the prompt") + "\n"
        out += wrapped(PromptCommand.words.joined(separator: ", "), indent: 2)
        return out
    }

    private func topicText(_ topic: String, _ entries: [Builtin]) -> String {
        style.heading(topic) + "\n"
            + table(entries.sorted { $0.name < $1.name }.map { ($0.name, $0.summary) })
    }

    /// Every name whose name or description holds all the words; names first.
    package func apropos(_ words: String) throws -> String {
        let wanted = words.lowercased().split(separator: " ").map(String.init)
        guard !wanted.isEmpty else { throw Failure(.argument, "`apropos` needs a word to search for") }
        var found: [(rank: Int, name: String, text: String)] = []
        func look(_ name: String, _ summary: String, _ rest: String) {
            let title = name.lowercased()
            let line = summary.lowercased()
            let whole = "\(title) \(line) \(rest.lowercased())"
            guard wanted.allSatisfy({ whole.contains($0) }) else { return }
            let rank = wanted.allSatisfy(title.contains) ? 0 : wanted.allSatisfy(line.contains) ? 1 : 2
            found.append((rank, name, summary))
        }
        for b in interpreter.builtins.values { look(b.name, b.summary, "\(b.topic) \(b.doc)") }
        for (name, value) in interpreter.names {
            if case .function(let f) = value { look(name, f.doc.firstLine, f.doc) }
        }
        for k in KeywordHelp.entries { look(k.word, k.text, "") }
        guard !found.isEmpty else { throw Failure(.name, "nothing is said of \(Value.quoted(words))") }
        found.sort { ($0.rank, $0.name) < ($1.rank, $1.name) }
        return table(found.map { ($0.name, $0.text) })
    }

    // MARK: Form

    private func table(_ rows: [(String, String)]) -> String {
        let column = min(28, rows.map { Columns.width($0.0) }.max() ?? 0)
        return rows.map { name, text in
            let head = "  " + style.name(name)
            guard !text.isEmpty else { return head }
            let lines = Self.wrap(text, width: max(24, width - column - 4))
            let pad = String(repeating: " ", count: column + 4)
            let tail = lines.joined(separator: "\n" + pad)
            if Columns.width(name) > column { return head + "\n" + pad + tail }
            return head + String(repeating: " ", count: column - Columns.width(name) + 2) + tail
        }.joined(separator: "\n")
    }

    private func indented(_ text: String) -> String { wrapped(text, indent: 4) }

    private func wrapped(_ text: String, indent: Int) -> String {
        let pad = String(repeating: " ", count: indent)
        return text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line in
            line.hasPrefix(" ") ? [String(line)] : Self.wrap(String(line), width: max(24, width - indent))
        }.map { $0.isEmpty ? "" : pad + $0 }.joined(separator: "\n")
    }

    /// Breaks a paragraph between words.
    package static func wrap(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, Columns.width(line) + 1 + Columns.width(String(word)) > width {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return lines + [line]
    }
}

extension String {
    var firstLine: String { split(separator: "\n").first.map(String.init) ?? "" }
}

/// The commands of the prompt that have no entry in the table of builtins.
package enum CommandHelp {
    package static func text(_ word: String) -> String? {
        switch word {
        case "time": "time EXPR: works EXPR out, shows its value and how long it took."
        case "exit", "quit": "exit, quit: leaves; so does Ctrl-D."
        default: nil
        }
    }
}
