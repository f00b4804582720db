import Language
import Support

/// One thing that fits at the cursor.
package struct Candidate: Equatable {
    /// What takes the place of the word.
    package var text: String
    /// What it becomes where nothing else fits: with its bracket, slash or closing quote.
    package var alone: String
    /// Its type, shown beside it where several fit.
    package var note: String

    package init(_ text: String, alone: String? = nil, note: String = "") {
        self.text = text
        self.alone = alone ?? text
        self.note = note
    }
}

/// What Tab finds: names, members after the dot, named arguments, files in strings, keywords.
package struct Completer {
    package let interpreter: Interpreter

    package init(_ interpreter: Interpreter) { self.interpreter = interpreter }

    /// What fits at byte offset `cursor` of `text`, and the offset where it goes.
    package func complete(_ text: String, at cursor: Int) -> (start: Int, candidates: [Candidate]) {
        if let command = PromptCommand(text), command.takesFiles, text.utf8.prefix(cursor).contains(32) {
            return words(text, cursor, command)
        }
        let context = CursorContext(text, at: cursor)
        switch context.place {
        case .comment: return (context.start, [])
        case .string(let isRaw):
            let quote: Character = isRaw ? "'" : "\""
            let hasEnd = Array(text.utf8).dropFirst(cursor).first == quote.asciiValue
            if context.stringCall == "load" {
                let networks = shipped(context.prefix, hasEnd ? "" : String(quote))
                let found = files(context.prefix, at: context.start, quote: quote, hasEnd: hasEnd)
                if found.start == context.start { return (found.start, networks + found.candidates) }
                return found
            }
            let found = files(context.prefix, at: context.start, quote: quote, hasEnd: hasEnd)
            guard found.start == context.start else { return found }
            return (
                found.start, classes(context, hasEnd ? "" : String(quote)) + found.candidates
            )
        case .member(let receiver):
            guard let value = value(of: receiver) else { return (context.start, []) }
            return (context.start, members(of: value).filter { $0.text.hasPrefix(context.prefix) })
        case .name:
            if context.isIndentation { return (cursor, [Candidate("    ")]) }
            let arguments = self.arguments(context)
            if context.prefix.isEmpty, !arguments.isEmpty { return (context.start, arguments) }
            let before = Array(text.utf8.prefix(context.start))
            return (context.start, arguments + names(context.prefix, isFirst: before.isEmpty))
        }
    }

    // MARK: Names

    private func names(_ prefix: String, isFirst: Bool) -> [Candidate] {
        var found: [Candidate] = []
        var seen: Set<String> = []
        for (name, value) in interpreter.names where name.hasPrefix(prefix) {
            found.append(candidate(name, value))
            seen.insert(name)
        }
        for (name, builtin) in interpreter.builtins where name.hasPrefix(prefix) && !seen.contains(name) {
            found.append(candidate(name, .builtin(builtin)))
        }
        for word in KeywordHelp.entries.map(\.word) where word.hasPrefix(prefix) {
            found.append(
                Candidate(word, alone: KeywordHelp.needsSpace(word) ? word + " " : word, note: "keyword"))
        }
        if isFirst {
            for word in PromptCommand.words where word.hasPrefix(prefix) && !seen.contains(word) {
                if interpreter.builtins[word] == nil {
                    found.append(Candidate(word, alone: word + " ", note: "command"))
                }
            }
        }
        return found.sorted { $0.text < $1.text }
    }

    private func candidate(_ name: String, _ value: Value) -> Candidate {
        switch value {
        case .builtin(let b):
            Candidate(name, alone: b.parameters.isEmpty ? "\(name)()" : "\(name)(", note: b.signature)
        case .function(let f):
            Candidate(name, alone: f.parameters.isEmpty ? "\(name)()" : "\(name)(", note: f.signature)
        case .object(let o): Candidate(name, note: o.summary)
        default: Candidate(name, note: value.typeName)
        }
    }

    // MARK: Members

    private func members(of value: Value) -> [Candidate] {
        switch value {
        case .object(let o):
            o.memberNames.map { name in
                let note = o.memberDoc(name) ?? ""
                return Candidate(name, note: note)
            }
        case .record(let r):
            r.pairs.filter { isName($0.0) }.map { Candidate($0.0, note: $0.1.typeName) }
        default: []
        }
    }

    private func isName(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy {
            $0 == "_" || $0.properties.isAlphabetic || ($0.value >= 48 && $0.value <= 57)
        }
    }

    /// The value of names, dots and constant indices; nothing is called.
    package func value(of path: String) -> Value? {
        var rest = Substring(path)
        func word() -> String {
            let w = rest.prefix { $0 != "." && $0 != "[" }
            rest = rest.dropFirst(w.count)
            return String(w)
        }
        guard var value = interpreter[word()] else { return nil }
        while let c = rest.first {
            rest = rest.dropFirst()
            if c == "." {
                guard let next = member(word(), of: value) else { return nil }
                value = next
            } else {
                let index = String(rest.prefix { $0 != "]" })
                rest = rest.dropFirst(index.count + 1)
                guard let next = element(index, of: value) else { return nil }
                value = next
            }
        }
        return value
    }

    private func member(_ name: String, of value: Value) -> Value? {
        switch value {
        case .record(let r): r[name]
        case .object(let o): try? o.member(name)
        default: nil
        }
    }

    private func element(_ text: String, of value: Value) -> Value? {
        if text.hasPrefix("\""), text.hasSuffix("\""), text.count >= 2 {
            let key = String(text.dropFirst().dropLast())
            switch value {
            case .record(let r): return r[key]
            case .object(let o): return try? o.index([Value(key)])
            default: return nil
            }
        }
        guard let i = Int(text) else { return nil }
        switch value {
        case .list(let l):
            let position = i < 0 ? i &+ l.count : i
            return l.items.indices.contains(position) ? l.items[position] : nil
        case .object(let o): return try? o.index([Value(i)])
        default: return nil
        }
    }

    // MARK: Named arguments

    private func arguments(_ context: CursorContext) -> [Candidate] {
        guard let call = context.call, let function = value(of: call.function) else { return [] }
        let parameters: [Parameter]
        switch function {
        case .builtin(let b): parameters = b.parameters
        case .function(let f): parameters = f.parameters
        case .object(let o): parameters = o.callable?.parameters ?? []
        default: return []
        }
        // What stands without a name fills the first parameters.
        let taken = parameters.prefix { $0.kind == .required || $0.kind == .optional }.prefix(call.positional)
        return parameters.dropFirst(taken.count).compactMap { p in
            guard p.kind == .required || p.kind == .optional, p.name.hasPrefix(context.prefix),
                !call.given.contains(p.name)
            else { return nil }
            let note = [p.defaultText.map { "= \($0)" }, p.doc.isEmpty ? nil : p.doc].compactMap { $0 }
            return Candidate(
                p.name, alone: "\(p.name) = ",
                note: note.isEmpty ? "argument" : note.joined(separator: "  "))
        }
    }

    // MARK: Files and words of commands

    private func files(_ typed: String, at start: Int, quote: Character?, hasEnd: Bool) -> (
        start: Int, candidates: [Candidate]
    ) {
        let hasEscapes = quote == "\""
        let listing = FileNames.matching(hasEscapes ? StringLiteral.unescape(typed) : typed)
        // Only the last part of the path is replaced; the folder stays as it was typed.
        let keep = typed.utf8.lastIndex(of: UInt8(ascii: "/")).map { slash in
            typed.utf8.distance(from: typed.utf8.startIndex, to: slash) + 1
        }
        let found = listing.map { entry in
            let name = hasEscapes ? StringLiteral.escape(entry.name) : entry.name
            let end = entry.isFolder ? "/" : hasEnd ? "" : quote.map(String.init) ?? ""
            return Candidate(name, alone: name + end, note: entry.isFolder ? "folder" : entry.size)
        }
        return (start + (keep ?? 0), found)
    }

    /// The classes of the network, or the data, that the first argument names: `maximize(net.softmax, "`.
    private func classes(_ context: CursorContext, _ end: String) -> [Candidate] {
        guard let argument = context.firstArgument else { return [] }
        for word in argument.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" }) {
            guard case .object(let o)? = interpreter[String(word)],
                case .list(let names)? = try? o.member("classes")
            else { continue }
            return names.items.compactMap(\.asString).filter { $0.hasPrefix(context.prefix) }.map {
                Candidate($0, alone: $0 + end, note: "class")
            }
        }
        return []
    }

    /// The networks that come with vzsh: `load("words13")`.
    private func shipped(_ prefix: String, _ end: String) -> [Candidate] {
        guard let folder = try? Folders.resource(""), !prefix.contains("/") else { return [] }
        return FileNames.entries(of: folder).compactMap { entry in
            guard entry.name.hasSuffix(".safetensors"), entry.name.hasPrefix(prefix) else { return nil }
            let name = String(entry.name.dropLast(".safetensors".count))
            return Candidate(name, alone: name + end, note: "network that comes with vzsh")
        }
    }

    /// The words of `cd`, `ls`, `edit` and `$ command` are files.
    private func words(_ text: String, _ cursor: Int, _ command: PromptCommand) -> (
        start: Int, candidates: [Candidate]
    ) {
        let bytes = Array(text.utf8.prefix(cursor))
        var start = bytes.count
        while start > 0, bytes[start - 1] != UInt8(ascii: " ") { start -= 1 }
        var found = files(
            String(decoding: bytes[start...], as: UTF8.self), at: start, quote: nil, hasEnd: true)
        if case .cd = command { found.candidates.removeAll { $0.note != "folder" } }
        return found
    }
}
