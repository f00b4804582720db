import Glibc
import Language
import Support

/// Saved sessions are vz: a line for each name, in the order of definition. Tensors, networks and
/// sounds lie in a folder beside the file and are read by `load`; data sets are opened again from
/// where they came; results of the engine (runs, scores, maximizations) come back as records.
package enum SessionFile {
    package typealias Note = (name: String, reason: String)

    /// Writes the session; gives what could not be kept with the reason, and the names of what comes
    /// back as a record.
    package static func save(_ interpreter: Interpreter, to path: String) throws -> (
        lost: [Note], asRecords: [String]
    ) {
        let writer = SessionWriter(interpreter, path: path)
        for (name, value) in interpreter.names where name != "ans" { writer.write(name, value) }
        let head = "# A session of vzsh; load_session(\(Value.quoted(path))) brings it back.\n"
        try AtomicFile.write(head + writer.text, to: path)
        return (writer.lost, writer.asRecords)
    }

    /// Runs a saved session: its files are named from its own folder, wherever that lies now.
    package static func load(_ path: String, _ interpreter: Interpreter) throws {
        let text = try TextFile.read(path)
        guard text.hasPrefix("# A session of vzsh") else {
            throw Failure(
                .file, "'\(path)' is no saved session", hint: "a script runs with use \(Value.quoted(path))")
        }
        let before = try Folder.current()
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex { _ = chdir(String(path[..<slash])) }
        defer { _ = chdir(before) }
        _ = try interpreter.run(text, file: path)
    }
}

/// Turns the values of a session into vz.
private final class SessionWriter {
    private(set) var text = ""
    private(set) var lost: [SessionFile.Note] = []
    private(set) var asRecords: [String] = []
    private let interpreter: Interpreter
    /// Where things go that have no literal, and how the file names that folder.
    private let folder: String
    private let folderName: String
    /// What was written, with the name under which it can be had again.
    private var objects: [(object: any VZObject, name: String)] = []
    private var functions: [(function: Function, name: String)] = []
    private var containers: [(value: Value, name: String)] = []
    private var fileNames: Set<String> = []
    private static let deepest = 50

    init(_ interpreter: Interpreter, path: String) {
        self.interpreter = interpreter
        let whole = path.hasPrefix("/") ? path : ((try? Folder.current()) ?? ".") + "/" + path
        folder = whole + ".data"
        folderName = String(folder.split(separator: "/").last ?? "")
    }

    func write(_ name: String, _ value: Value) {
        do {
            if case .function(let f) = value, !functions.contains(where: { $0.function === f }) {
                text += try definition(of: f, as: name)
                functions.append((f, name))
                return
            }
            let comesAsRecord = value.asObject.map { isResult($0) } ?? false
            text += "\(name) = \(try expression(value, name, depth: 0));\n"
            if comesAsRecord { asRecords.append(name) }
            switch value {
            case .object(let o): objects.append((o, name))
            case .list, .record: containers.append((value, name))
            default: break
            }
        } catch {
            lost.append((name, error.asFailure.message))
        }
    }

    /// vz that makes `value`; `name` is for the files that it needs.
    private func expression(_ value: Value, _ name: String, depth: Int) throws -> String {
        guard depth < Self.deepest else { throw Failure(.value, "it holds itself, or is nested too deeply") }
        switch value {
        case .nil, .bool, .number, .string, .range: return value.written
        case .list(let l):
            if let known = known(value) { return known }
            return "["
                + (try l.items.map { try expression($0, name, depth: depth + 1) }).joined(separator: ", ")
                + "]"
        case .record(let r):
            if let known = known(value) { return known }
            return try record(r.pairs, name, depth)
        case .function(let f):
            if let known = functions.first(where: { $0.function === f }) { return known.name }
            guard !f.hasCaptures, f.name.isEmpty, !f.source.isEmpty else { throw Self.closure(f) }
            return "(\(f.source))"
        case .builtin(let b):
            guard interpreter.builtins[b.name] === b else {
                throw Failure(.value, "`\(b.name)` was made by a function")
            }
            return b.name
        case .object(let o): return try object(o, name, depth)
        }
    }

    private func record(_ pairs: [(String, Value)], _ name: String, _ depth: Int) throws -> String {
        "{"
            + (try pairs.map { "\(Value.quoted($0.0)): \(try expression($0.1, name, depth: depth + 1))" })
            .joined(separator: ", ") + "}"
    }

    /// The name of a list or record that was written already: it stays shared.
    private func known(_ value: Value) -> String? {
        containers.first {
            switch ($0.value, value) {
            case (.list(let a), .list(let b)): a === b
            case (.record(let a), .record(let b)): a === b
            default: false
            }
        }?.name
    }

    // MARK: Functions

    private static func closure(_ f: Function) -> Failure {
        f.hasCaptures
            ? Failure(.value, "it remembers variables of the function that made it")
            : Failure(.value, "it holds the function `\(f.name)`, which the session no longer names")
    }

    /// A definition that reads as the function did: a lambda needs its name back.
    private func definition(of f: Function, as name: String) throws -> String {
        let source = f.source
        guard !source.isEmpty else { throw Failure(.value, "its source is not known") }
        guard !f.hasCaptures else { throw Self.closure(f) }
        let doc = f.doc.isEmpty ? "" : f.doc.split(separator: "\n").map { "## \($0)\n" }.joined()
        if source.hasPrefix("fn ") {
            let renamed = f.name == name ? "" : "\n\(name) = \(f.name)"
            return doc + source + renamed + "\n"
        }
        return "\(name) = \(source)\n"
    }

    // MARK: Things of the engine

    private func object(_ o: any VZObject, _ name: String, _ depth: Int) throws -> String {
        if let known = objects.first(where: { $0.object === o || $0.object.isEqual(o) && isShared(o) }) {
            return known.name
        }
        if let member = member(o) { return member }
        if let recipe = o.recipe { return recipe }
        switch o.typeName {
        case "tensor":
            let file = try keep(o, name, "npy")
            guard let rate = try o.member("rate")?.asNumber else { return file }
            return "sound(\(file), rate = \(Value(rate).written))"
        case "network": return try keep(o, name, "safetensors")
        default: break
        }
        guard isResult(o) else { throw Failure(.value, "\(Value.object(o).typePhrase) cannot be kept") }
        guard !o.memberNames.isEmpty else {
            guard let next = try o.elements() else { return "[]" }
            var items: [Value] = []
            while let item = try next() { items.append(item) }
            return try expression(.list(List(items)), name, depth: depth + 1)
        }
        var pairs: [String] = []
        for key in o.memberNames {
            // What cannot be kept of a result is left out of its record.
            guard let value = try? o.member(key),
                let text = try? expression(value, "\(name)_\(key)", depth: depth + 1)
            else { continue }
            pairs.append("\(Value.quoted(key)): \(text)")
        }
        return "{" + pairs.joined(separator: ", ") + "}"
    }

    /// Tensors of equal numbers are still two things; a network is the same under each of its names.
    private func isShared(_ o: any VZObject) -> Bool { o.typeName == "network" }

    /// Holds figures that a record can hold too.
    private func isResult(_ o: any VZObject) -> Bool {
        if o.recipe != nil { return false }
        return ["run", "score", "confusion", "maximization", "timing", "attribution", "comparison"]
            .contains(o.typeName)
    }

    /// A layer as a member of a network of the session: `net.conv1d_3`.
    private func member(_ o: any VZObject) -> String? {
        guard o.typeName == "layer", let owner = try? o.member("network")?.asObject,
            let name = try? o.member("name")?.asString,
            let known = objects.first(where: { $0.object.isEqual(owner) })
        else { return nil }
        return "\(known.name).\(name)"
    }

    private func keep(_ o: any VZObject, _ name: String, _ ending: String) throws -> String {
        guard let save = interpreter.builtins["save"] else { throw Failure(.name, "there is no `save`") }
        try Folder.make(folder)
        var file = "\(name).\(ending)"
        var n = 1
        while !fileNames.insert(file).inserted {
            n += 1
            file = "\(name)_\(n).\(ending)"
        }
        _ = try interpreter.call(.builtin(save), [.object(o), Value("\(folder)/\(file)")])
        return "load(\(Value.quoted("\(folderName)/\(file)")))"
    }
}
