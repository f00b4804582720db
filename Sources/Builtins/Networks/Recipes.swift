import Glibc
import Language

/// Data sets, layers and optimizers remember the call that made them, so that a saved session can make
/// them again.
enum Recipes {
    /// The same entries; a data set that one of them gives knows how it was made.
    static func kept(_ table: [Builtin]) -> [Builtin] {
        table.map { entry in
            guard entry.topic == "data" else { return entry }
            return Builtin(
                entry.name, topic: entry.topic, entry.parameters, summary: entry.summary, doc: entry.doc,
                example: entry.example, seeAlso: entry.seeAlso
            ) { args in
                let value = try entry.body(&args)
                if let data = value.asObject as? DataSetObject, data.recipe == nil {
                    data.recipe = call(entry.name, entry.parameters, args)
                }
                return value
            }
        }
    }

    /// The call with its arguments written out; nil where one has no literal.
    ///
    /// - Parameter areNamed: also those without a default, where the function that is called has others
    ///   before them.
    static func call(
        _ name: String, _ parameters: [Language.Parameter], _ args: Arguments, areNamed: Bool = false
    ) -> String? {
        guard args.rest.isEmpty, args.extras.isEmpty else { return nil }
        var parts: [String] = []
        for parameter in parameters where parameter.kind == .required || parameter.kind == .optional {
            let value = args.value(parameter.name)
            if value.isNil { continue }
            guard let text = literal(value) else { return nil }
            let isPlain = parameter.kind == .required && !areNamed
            parts.append(isPlain ? text : "\(parameter.name) = \(text)")
        }
        return "\(name)(\(parts.joined(separator: ", ")))"
    }

    private static func literal(_ value: Value) -> String? {
        switch value {
        case .nil, .bool, .number, .range: return value.written
        case .string(let s):
            // Session files lie anywhere: what is a file here and now must be found from there.
            guard !s.string.hasPrefix("/"), !s.string.hasPrefix("~"),
                let whole = realpath(s.string, nil)
            else { return value.written }
            defer { free(whole) }
            return Value(String(cString: whole)).written
        case .list(let l):
            let items = l.items.map(literal)
            return items.contains { $0 == nil } ? nil : "[\(items.compactMap { $0 }.joined(separator: ", "))]"
        case .record(let r):
            let items = r.pairs.map { key, value in literal(value).map { "\(Value.quoted(key)): \($0)" } }
            return items.contains { $0 == nil } ? nil : "{\(items.compactMap { $0 }.joined(separator: ", "))}"
        default: return nil
        }
    }
}
