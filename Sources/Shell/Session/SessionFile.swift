import Glibc
import Language
import Support

/// Saved sessions are vz: a line for each name, in the order of definition. Things of the engine
/// lie in a folder beside the file and are read by `load`.
package enum SessionFile {
    /// The ending of the file that `save` writes and `load` reads for each type of object. A type
    /// that is not here is not kept.
    package static let endings = [
        "tensor": "npy", "network": "safetensors", "waveform": "wav", "sound": "wav", "image": "png",
    ]

    /// Writes the session; gives what could not be kept, with the reason.
    package static func save(_ interpreter: Interpreter, to path: String) throws -> [(
        name: String, reason: String
    )] {
        var text = "# A session of vzsh; load_session(\(Value.quoted(path))) brings it back.\n"
        var lost: [(name: String, reason: String)] = []
        var functions: [(name: String, function: Function)] = []
        let folder = path + ".data"
        for (name, value) in interpreter.names {
            do {
                switch value {
                case .object(let o):
                    let file = try keep(o, name: name, in: folder, interpreter)
                    text += "\(name) = load(\(Value.quoted(file)))\n"
                case .function(let f):
                    if let known = functions.first(where: { $0.function === f }) {
                        text += "\(name) = \(known.name)\n"
                    } else {
                        text += try definition(of: f, as: name)
                        functions.append((name, f))
                    }
                case .builtin(let b): text += "\(name) = \(b.name)\n"
                case .list, .record, .number, .string, .bool, .range, .nil:
                    if holdsMore(value, depth: 0) {
                        throw Failure(.value, "it holds functions or things of the engine, or itself")
                    }
                    text += "\(name) = \(value.written);\n"
                }
            } catch {
                lost.append((name, error.asFailure.message))
            }
        }
        try AtomicFile.write(text, to: path)
        return lost
    }

    private static func keep(
        _ object: any VZObject, name: String, in folder: String, _ interpreter: Interpreter
    ) throws
        -> String
    {
        guard let ending = endings[object.typeName] else {
            throw Failure(.value, "a \(object.typeName) cannot be kept")
        }
        guard let save = interpreter.builtins["save"] else { throw Failure(.name, "there is no `save`") }
        mkdir(folder, 0o777)
        let file = "\(folder)/\(name).\(ending)"
        _ = try interpreter.call(.builtin(save), [.object(object), Value(file)])
        return file
    }

    /// A definition that reads as the function did: a lambda needs its name back.
    private static func definition(of f: Function, as name: String) throws -> String {
        let source = f.source
        guard !source.isEmpty else { throw Failure(.value, "its source is not known") }
        let doc = f.doc.isEmpty ? "" : f.doc.split(separator: "\n").map { "## \($0)\n" }.joined()
        if source.hasPrefix("fn ") {
            let renamed = f.name == name ? "" : "\n\(name) = \(f.name)"
            return doc + source + renamed + "\n"
        }
        return "\(name) = \(source)\n"
    }

    /// True where a literal cannot say it all.
    private static func holdsMore(_ value: Value, depth: Int) -> Bool {
        if depth > 50 { return true }
        switch value {
        case .list(let l): return l.items.contains { holdsMore($0, depth: depth + 1) }
        case .record(let r): return r.values.contains { holdsMore($0, depth: depth + 1) }
        case .function, .builtin, .object: return true
        default: return false
        }
    }
}
