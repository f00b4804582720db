import Language

/// Names that plain values and tensors share: `split("a b")` cuts a string, `split(t, 3)` a tensor.
enum CommonNames {
    /// Both tables; where both have a name, one entry that looks at its first argument.
    static func merged(_ plain: [Builtin], with tensors: [Builtin]) -> [Builtin] {
        var ofTensors: [String: Builtin] = [:]
        for b in tensors { ofTensors[b.name] = b }
        var result: [Builtin] = []
        for b in plain {
            result.append(ofTensors.removeValue(forKey: b.name).map { either(b, $0) } ?? b)
        }
        return result + tensors.filter { ofTensors[$0.name] != nil }
    }

    private static func either(_ plain: Builtin, _ tensor: Builtin) -> Builtin {
        let names = Set(plain.parameters.map(\.name))
        let more = tensor.parameters.dropFirst().filter {
            !names.contains($0.name) && ($0.kind == .optional || $0.kind == .required)
        }.map { Parameter.optional($0.name, $0.defaultText ?? "nil", "of a tensor: \($0.doc)") }
        return Builtin(
            plain.name, topic: plain.topic, plain.parameters + more, summary: plain.summary,
            doc: [plain.doc, "Of a tensor: \(tensor.summary)"].filter { !$0.isEmpty }.joined(separator: "\n"),
            example: plain.example + "\n" + tensor.example, seeAlso: plain.seeAlso
        ) { args in
            // What walks along its elements walks along those of other objects too; strings are no objects.
            guard case .object(let o) = args[0], o is TensorObject || plain.topic == "strings" else {
                return try plain.body(&args)
            }
            // What stands without a name stands where the tensor's function has its own parameters.
            let given = plain.parameters.map { args.value($0.name) }
            let positional = given.prefix { !$0.isNil }
            let named = more.map { (name: $0.name, value: args.value($0.name)) }.filter { !$0.value.isNil }
            return try args.interpreter.call(.builtin(tensor), Array(positional), named)
        }
    }
}
