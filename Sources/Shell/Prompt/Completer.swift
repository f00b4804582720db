import Language
import Support

/// One thing that fits at the cursor.
package struct Candidate: Equatable {
    /// What takes the place of the word.
    package var text: String
    /// What it becomes where nothing else fits: with its bracket, slash or closing quote.
    package var alone: String
    /// Its type, shown beside it where several fit, and with more words where there is room for them.
    package var type: String
    package var note: String

    package init(_ text: String, alone: String? = nil, type: String? = nil, note: String = "") {
        self.text = text
        self.alone = alone ?? text
        self.type = type ?? note
        self.note = note
    }
}

/// What Tab finds: names, members after the dot, named arguments, files in strings, keywords.
package struct Completer {
    package let interpreter: Interpreter

    package init(_ interpreter: Interpreter) { self.interpreter = interpreter }

    /// What fits at byte offset `cursor` of `text`, and the offset where it goes.
    package func complete(_ text: String, at cursor: Int) -> (start: Int, candidates: [Candidate]) {
        if let found = command(text, cursor) { return found }
        let context = CursorContext(text, at: cursor)
        switch context.place {
        case .comment: return (context.start, [])
        case .string(let isRaw):
            let quote: Character = isRaw ? "'" : "\""
            let hasEnd = Array(text.utf8).dropFirst(cursor).first == quote.asciiValue
            return string(context, quote, hasEnd: hasEnd)
        case .member(let receiver):
            return (context.start, members(receiver, context.prefix))
        case .name:
            if context.isIndentation { return (cursor, [Candidate("    ")]) }
            let arguments = self.arguments(context)
            if context.prefix.isEmpty, !arguments.isEmpty { return (context.start, arguments) }
            let locals = TypedNames(text, without: context.start..<cursor).found
            return (context.start, arguments + names(context.prefix, locals, isFirst: context.start == 0))
        }
    }

    // MARK: Names

    /// What is called so: of the session, of the text that is being typed, of vzsh.
    func names(_ prefix: String, _ locals: [String] = [], isFirst: Bool = false) -> [Candidate] {
        var found: [Candidate] = []
        var seen: Set<String> = []
        for (name, value) in interpreter.names where name.hasPrefix(prefix) {
            found.append(candidate(name, value))
            seen.insert(name)
        }
        for name in locals where name.hasPrefix(prefix) && seen.insert(name).inserted {
            found.append(Candidate(name, note: "local"))
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

    func candidate(_ name: String, _ value: Value) -> Candidate {
        switch value {
        case .builtin(let b):
            Candidate(
                name, alone: b.parameters.isEmpty ? "\(name)()" : "\(name)(", type: value.typeName,
                note: b.signature)
        case .function(let f):
            Candidate(
                name, alone: f.parameters.isEmpty ? "\(name)()" : "\(name)(", type: value.typeName,
                note: f.signature)
        case .object(let o): Candidate(name, type: o.typeName, note: o.summary)
        default: Candidate(name, note: value.typeName)
        }
    }

    // MARK: Members

    func members(_ receiver: String, _ prefix: String) -> [Candidate] {
        switch value(of: receiver) {
        case .object(let o):
            let late = o.lateMembers
            return o.memberNames.filter { $0.hasPrefix(prefix) }.map { name in
                let type = late[name] ?? (try? o.member(name))?.typeName ?? ""
                let note = [type, o.memberDoc(name) ?? ""].filter { !$0.isEmpty }
                return Candidate(name, type: type, note: note.joined(separator: "  "))
            }
        case .record(let r):
            return r.pairs.filter { $0.0.hasPrefix(prefix) && isName($0.0) }.map {
                Candidate($0.0, note: $0.1.typeName)
            }
        default: return []
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
        guard let call = context.call else { return [] }
        let parameters = parameters(of: call.function)
        // What stands without a name fills the first parameters.
        let taken = parameters.prefix { $0.kind == .required || $0.kind == .optional }.prefix(call.positional)
        return parameters.dropFirst(taken.count).compactMap { p in
            guard p.kind == .required || p.kind == .optional, p.name.hasPrefix(context.prefix),
                !call.given.contains(p.name)
            else { return nil }
            let note = [p.defaultText.map { "= \($0)" }, p.doc.isEmpty ? nil : p.doc].compactMap { $0 }
            return Candidate(
                p.name, alone: "\(p.name) = ", type: "argument",
                note: note.isEmpty ? "argument" : note.joined(separator: "  "))
        }
    }

    func parameters(of function: String) -> [Parameter] {
        switch value(of: function) {
        case .builtin(let b): b.parameters
        case .function(let f): f.parameters
        case .object(let o): o.callable?.parameters ?? []
        default: []
        }
    }
}
