import Language
import Support

/// What Tab finds in a string: files, keys of a record, classes, the values that an argument may have.
extension Completer {
    func string(_ context: CursorContext, _ quote: Character, hasEnd: Bool) -> (
        start: Int, candidates: [Candidate]
    ) {
        let end = hasEnd ? "" : String(quote)
        if let owner = context.stringIndex {
            return (context.start, keys(of: owner, context.prefix, quote, end))
        }
        let values = values(context, end)
        if !values.isEmpty { return (context.start, values) }
        let found = files(context.prefix, at: context.start, quote: quote, hasEnd: hasEnd)
        guard found.start == context.start else { return found }
        let names =
            context.stringCall == "load" ? shipped(context.prefix, end) : classes(context, end)
        return (found.start, names + found.candidates)
    }

    /// `opts["`: the keys of the record.
    private func keys(of owner: String, _ prefix: String, _ quote: Character, _ end: String) -> [Candidate] {
        guard case .record(let r)? = value(of: owner) else { return [] }
        return r.pairs.compactMap { key, value in
            let text = quote == "\"" ? StringLiteral.escape(key) : key
            guard text.hasPrefix(prefix), quote == "\"" || !key.contains(where: { "'\n".contains($0) }) else {
                return nil
            }
            return Candidate(text, alone: text + end, note: value.typeName)
        }
    }

    /// `style = "`: the values that the parameter's help puts in quotes.
    private func values(_ context: CursorContext, _ end: String) -> [Candidate] {
        guard let call = context.stringArgument else { return [] }
        let all = parameters(of: call.function)
        let places = all.prefix { $0.kind == .required || $0.kind == .optional }
        let parameter =
            call.name.map { name in all.first { $0.name == name } }
            ?? (call.positional < places.count ? places[call.positional] : nil)
        guard let parameter else { return [] }
        let own = Self.quoted(parameter.defaultText ?? "")
        return (own + Self.quoted(parameter.doc).filter { !own.contains($0) })
            .filter { $0.hasPrefix(context.prefix) }.map {
                Candidate($0, alone: $0 + end, note: own.contains($0) ? "value, the default" : "value")
            }
    }

    /// The words of `text` that stand in double quotes.
    private static func quoted(_ text: String) -> [String] {
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.enumerated().compactMap { i, part in
            let isWord = !part.isEmpty && part.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
            return i % 2 == 1 && i < parts.count - 1 && isWord ? String(part) : nil
        }
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

    private func files(_ typed: String, at start: Int, quote: Character, hasEnd: Bool) -> (
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
            let end = entry.isFolder ? "/" : hasEnd ? "" : String(quote)
            return Candidate(
                name, alone: name + end, type: entry.isFolder ? "folder" : "file",
                note: entry.isFolder ? "folder" : entry.size)
        }
        return (start + (keep ?? 0), found)
    }
}
