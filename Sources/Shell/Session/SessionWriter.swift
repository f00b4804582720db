import Glibc
import Language
import Support

/// Turns the values of a session into vz.
final class SessionWriter {
    /// The text of each name.
    private(set) var entries: [(name: String, text: String)] = []
    private(set) var lost: [SessionFile.Note] = []
    private(set) var asRecords: [String] = []
    /// What names begin with that only the text itself needs; the loader takes them away.
    let helperPrefix: String
    private let interpreter: Interpreter
    private let folder: SessionFolder
    private let sharing: Sharing
    private let names: [(name: String, value: Value)]
    /// What was written, with the name under which it can be had again.
    private var objects: [(object: any VZObject, name: String)] = []
    private var written: Set<String> = []
    private var helperCount = 0
    private static let deepest = 50

    /// What is undone where something cannot be written after all.
    private struct Made {
        var known: [ObjectIdentifier: String] = [:]
        var fileNames: Set<String> = []
        var usedFiles: [String: String] = [:]
        /// Names of data sets and of their parts, by the vz that makes them.
        var recipes: [String: String] = [:]
        /// Helpers that the entry at work needs before it.
        var before = ""
    }
    private var made = Made()

    init(_ interpreter: Interpreter, folder: SessionFolder) {
        self.interpreter = interpreter
        self.folder = folder
        names = interpreter.names.filter { $0.name != "ans" }
        sharing = Sharing(of: names.map(\.value))
        var prefix = "kept__"
        while names.contains(where: { $0.name.hasPrefix(prefix) }) { prefix += "_" }
        helperPrefix = prefix
    }

    /// Writes all names. Those that hide a builtin come last: what is before them may need it.
    func write() throws {
        for (name, value) in names where !interpreter.isPredefined(name) { try write(name, value) }
        var hiding: [(name: String, text: String)] = []
        for (name, value) in names where interpreter.isPredefined(name) {
            if case .function = value { continue }
            let helper = newHelper()
            try entry(name) { "\(helper) = \(try expression(value, name, depth: 0));\n" }
            if lost.last?.name != name { hiding.append((name, "\(name) = \(helper);\n")) }
        }
        for (name, value) in names where interpreter.isPredefined(name) {
            if case .function = value { try write(name, value) }
        }
        entries += hiding
    }

    private func write(_ name: String, _ value: Value) throws {
        guard written.insert(name).inserted else { return }
        if case .function(let f) = value, f.name != name, made.known[ObjectIdentifier(f)] == nil,
            case .function(let same)? = interpreter[f.name], same === f, !interpreter.isPredefined(f.name)
        {
            // Under its own name first.
            try write(f.name, value)
        }
        try entry(name) {
            if case .function(let f) = value, made.known[ObjectIdentifier(f)] == nil,
                interpreter.usedFile(of: f) == nil
            {
                let definition = try definition(of: f, as: name)
                made.known[ObjectIdentifier(f)] = name
                return definition
            }
            let comesAsRecord = value.asObject.map { isResult($0) } ?? false
            let expression = try expression(value, name, depth: 0, isWhole: true)
            if comesAsRecord { asRecords.append(name) }
            switch value {
            case .object(let o):
                objects.append((o, name))
                if let recipe = o.recipe { made.recipes[recipe, default: name] = name }
            case .list(let l): made.known[ObjectIdentifier(l), default: name] = name
            case .record(let r): made.known[ObjectIdentifier(r), default: name] = name
            default: break
            }
            return "\(name) = \(expression);\n"
        }
    }

    /// One entry of the text; what cannot be written is lost, but a disk that is full is an error.
    private func entry(_ name: String, _ body: () throws -> String) throws {
        made.before = ""
        do {
            let own = try attempt(body)
            entries.append((name, made.before + own))
        } catch {
            if Self.endsSaving(error) { throw error }
            lost.append((name, error.asFailure.message))
        }
    }

    /// Where `body` fails nothing of what it made stays: no helper, no file.
    private func attempt<T>(_ body: () throws -> T) throws -> T {
        let before = made
        do { return try body() } catch {
            for file in made.fileNames.subtracting(before.fileNames) { unlink("\(folder.path)/\(file)") }
            made = before
            throw error
        }
    }

    private static func endsSaving(_ error: any Error) -> Bool {
        if let all = (error as? Diagnostics)?.all { return all.contains { isOutside($0.kind) } }
        return isOutside(error.asFailure.kind)
    }

    private static func isOutside(_ kind: Failure.Kind) -> Bool {
        [.io, .file, .memory, .interrupted].contains(kind)
    }

    private func newHelper() -> String {
        helperCount += 1
        return "\(helperPrefix)\(helperCount)"
    }

    /// vz that makes `value`; `name` is for the files that it needs. `isWhole`: a name stands for it.
    private func expression(_ value: Value, _ name: String, depth: Int, isWhole: Bool = false) throws
        -> String
    {
        guard depth < Self.deepest else { throw Failure(.value, "it is nested too deeply") }
        switch value {
        case .nil, .bool, .number, .string, .range: return value.written
        case .list(let l):
            if let name = made.known[ObjectIdentifier(l)] { return name }
            guard sharing.needsName(l, isWhole: isWhole) else { return try list(l, name, depth) }
            let helper = newHelper()
            made.known[ObjectIdentifier(l)] = helper
            made.before += "\(helper) = [];\n"
            let items = try list(l, name, depth)
            made.before += "extend(\(helper), \(items));\n"
            return helper
        case .record(let r):
            if let name = made.known[ObjectIdentifier(r)] { return name }
            guard sharing.needsName(r, isWhole: isWhole) else { return try record(r.pairs, name, depth) }
            let helper = newHelper()
            made.known[ObjectIdentifier(r)] = helper
            made.before += "\(helper) = {};\n"
            for (key, value) in r.pairs {
                let member = try expression(value, name, depth: depth + 1)
                made.before += "\(helper)[\(Value.quoted(key))] = \(member);\n"
            }
            return helper
        case .function(let f): return try function(f)
        case .builtin(let b):
            guard interpreter.builtins[b.name] === b else {
                throw Failure(.value, "`\(b.name)` was made by a function")
            }
            return b.name
        case .object(let o): return try object(o, name, depth)
        }
    }

    private func list(_ l: List, _ name: String, _ depth: Int) throws -> String {
        "[" + (try l.items.map { try expression($0, name, depth: depth + 1) }).joined(separator: ", ") + "]"
    }

    private func record(_ pairs: [(String, Value)], _ name: String, _ depth: Int) throws -> String {
        "{"
            + (try pairs.map { "\(Value.quoted($0.0)): \(try expression($0.1, name, depth: depth + 1))" })
            .joined(separator: ", ") + "}"
    }

    // MARK: Functions

    /// A function as a value: by its name, by the file that has it, or without a name.
    private func function(_ f: Function) throws -> String {
        if let name = made.known[ObjectIdentifier(f)] { return name }
        if let file = interpreter.usedFile(of: f) { return try member(f, of: file) }
        return "(\(try unnamed(f)))"
    }

    /// A function of a used file works with the names of that file, so it is had from there again.
    private func member(_ f: Function, of file: String) throws -> String {
        guard let name = interpreter.usedName(of: f) else {
            throw Failure(.value, "it belongs to '\(file)', which has no name for it")
        }
        if let helper = made.usedFiles[file] { return "\(helper).\(name)" }
        guard let whole = realpath(file, nil) else {
            throw Failure(.value, "it belongs to '\(file)', which is not there now")
        }
        defer { free(whole) }
        let helper = newHelper()
        made.usedFiles[file] = helper
        made.before += "use \(Value.quoted(String(cString: whole))) as \(helper)\n"
        return "\(helper).\(name)"
    }

    /// A definition under `name`, whatever the function was called when it was made: that name may be
    /// another function's by now.
    private func definition(of f: Function, as name: String) throws -> String {
        let source = try plainSource(of: f)
        let doc = f.doc.isEmpty ? "" : f.doc.split(separator: "\n").map { "## \($0)\n" }.joined()
        if f.name == name, source.hasPrefix("fn ") { return doc + source + "\n" }
        return "\(doc)\(name) = \(try unnamed(f))\n"
    }

    /// "fn(x) = …" of "fn f(x) = …"; lambdas are as they were. The names in it are those of the session,
    /// its own among them, so that it calls what it called.
    private func unnamed(_ f: Function) throws -> String {
        let source = try plainSource(of: f)
        guard !f.name.isEmpty, source.hasPrefix("fn") else { return source }
        let rest = source.dropFirst(2).drop { $0 == " " || $0 == "\t" }
        guard rest.hasPrefix(f.name) else { return source }
        return "fn" + rest.dropFirst(f.name.count)
    }

    private func plainSource(of f: Function) throws -> String {
        guard !f.source.isEmpty else { throw Failure(.value, "its source is not known") }
        guard !f.hasCaptures else {
            throw Failure(.value, "it remembers variables of the function that made it")
        }
        return f.source
    }

    // MARK: Things of the engine

    private func object(_ o: any VZObject, _ name: String, _ depth: Int) throws -> String {
        if let known = objects.first(where: { $0.object === o || $0.object.isEqual(o) && isShared(o) }) {
            return known.name
        }
        if let member = member(o) { return member }
        if let recipe = o.recipe { return named(recipe) }
        if let parts = o.parts {
            let arguments = try parts.arguments.map { argument in
                let text = try expression(argument.value, "\(name)_\(argument.name)", depth: depth + 1)
                return "\(argument.name) = \(text)"
            }
            return "\(parts.function)(\(arguments.joined(separator: ", ")))"
        }
        switch o.typeName {
        case "tensor":
            let file = try keep(o, name, "npy")
            guard let rate = try o.member("rate")?.asNumber else { return file }
            return "sound(\(file), rate = \(Value(rate).written))"
        case "network": return try keep(o, name, "safetensors")
        default: break
        }
        guard isResult(o) else { throw Failure(.value, "a session cannot keep things of type \(o.typeName)") }
        guard !o.memberNames.isEmpty else {
            guard let next = try o.elements() else { return "[]" }
            var items: [Value] = []
            while let item = try next() { items.append(item) }
            return try list(List(items), name, depth)
        }
        var pairs: [String] = []
        for key in o.memberNames {
            guard let text = try resultMember(o, key, "\(name)_\(key)", depth + 1) else { continue }
            pairs.append("\(Value.quoted(key)): \(text)")
        }
        return "{" + pairs.joined(separator: ", ") + "}"
    }

    /// A recipe such as `audio_folder("words").train[3]` by the name of what it begins with, so that a
    /// data set is opened once however many of its parts there are.
    private func named(_ recipe: String) -> String {
        let parts = made.recipes.keys.filter {
            recipe.hasPrefix($0) && [".", "["].contains(recipe.dropFirst($0.count).first)
        }
        if let longest = parts.max(by: { $0.utf8.count < $1.utf8.count }), let name = made.recipes[longest] {
            return name + recipe.dropFirst(longest.count)
        }
        guard let root = Self.firstCall(of: recipe), root.count < recipe.count else { return recipe }
        let helper = newHelper()
        made.before += "\(helper) = \(root);\n"
        made.recipes[String(root)] = helper
        return helper + recipe.dropFirst(root.count)
    }

    /// "audio_folder(…)" of "audio_folder(…).train"; nil where it begins with no call.
    private static func firstCall(of recipe: String) -> Substring? {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for i in recipe.indices {
            let c = recipe[i]
            if isInString {
                if c == "\"", !isEscaped { isInString = false }
                isEscaped = c == "\\" && !isEscaped
                continue
            }
            switch c {
            case "\"": isInString = true
            case "(": depth += 1
            case ")":
                depth -= 1
                if depth == 0 { return recipe[...i] }
            default: break
            }
        }
        return nil
    }

    /// What cannot be kept of a result is left out of its record.
    private func resultMember(_ o: any VZObject, _ key: String, _ name: String, _ depth: Int) throws
        -> String?
    {
        do {
            guard let value = try o.member(key) else { return nil }
            return try attempt { try expression(value, name, depth: depth) }
        } catch {
            if Self.endsSaving(error) { throw error }
            return nil
        }
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
        try folder.make()
        var file = "\(name).\(ending)"
        var n = 1
        while !made.fileNames.insert(file).inserted {
            n += 1
            file = "\(name)_\(n).\(ending)"
        }
        _ = try interpreter.call(.builtin(save), [.object(o), Value("\(folder.whole)/\(file)")])
        return "load(\(Value.quoted("\(folder.name)/\(file)")))"
    }
}

/// Which lists and records of a session are met more than once, and which hold themselves: those need a
/// name to be the same thing again.
private final class Sharing {
    private var meetings: [ObjectIdentifier: Int] = [:]
    private var open: Set<ObjectIdentifier> = []
    private var cyclic: Set<ObjectIdentifier> = []
    /// Deeper than what can be written.
    private static let deepest = 100

    init(of values: [Value]) { for value in values { visit(value, 0) } }

    /// - Parameter isWhole: it is about to get a name of the session, which will do where it does not
    ///   hold itself.
    func needsName(_ container: AnyObject, isWhole: Bool) -> Bool {
        let id = ObjectIdentifier(container)
        return cyclic.contains(id) || !isWhole && meetings[id] ?? 0 > 1
    }

    private func visit(_ value: Value, _ depth: Int) {
        switch value {
        case .list(let l): enter(l, depth) { for item in l.items { visit(item, depth + 1) } }
        case .record(let r): enter(r, depth) { for item in r.values { visit(item, depth + 1) } }
        default: break
        }
    }

    private func enter(_ container: AnyObject, _ depth: Int, _ inside: () -> Void) {
        let id = ObjectIdentifier(container)
        meetings[id, default: 0] += 1
        if open.contains(id) { cyclic.insert(id) }
        guard meetings[id] == 1, depth < Self.deepest else { return }
        open.insert(id)
        inside()
        open.remove(id)
    }
}
