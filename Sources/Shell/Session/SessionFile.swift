import Glibc
import Language
import Support

/// Saved sessions are vz: an entry for each name, in the order of definition. Tensors, networks and
/// sounds lie in a folder beside the file and are read by `load`; data sets are opened again from
/// where they came; results of the engine (runs, scores, maximizations) come back as records.
///
/// Each saving makes a folder of its own, which the text names. The text comes last, in one step: until
/// then the session that was saved before is whole, and afterwards its folder is taken away.
package enum SessionFile {
    package typealias Note = (name: String, reason: String)

    private static let head = "# A session of vzsh"
    private static let helpers = "# for a moment: "
    private static let marks = "# before each name: "

    /// Writes the session; gives what could not be kept with the reason, and the names of what comes
    /// back as a record. Throws where a file cannot be written, and leaves what was saved before.
    package static func save(_ interpreter: Interpreter, to path: String) throws -> (
        lost: [Note], asRecords: [String]
    ) {
        let place = AtomicFile.target(of: path)
        try AtomicFile.check(place)
        let folder = SessionFolder(besides: place)
        let writer = SessionWriter(interpreter, folder: folder)
        do {
            try writer.write()
            let mark = mark(for: writer.entries)
            let text = """
                \(head); load_session(\(Value.quoted(path))) brings it back.
                \(helpers)\(writer.helperPrefix)
                \(marks)\(mark)

                """
            let old = try? TextFile.read(place)
            try AtomicFile.write(
                text + writer.entries.map { "\(mark) \($0.name)\n\($0.text)" }.joined(), to: place)
            AtomicFile.removeLeftovers(of: place)
            SessionFolder.removeOthers(besides: place, than: folder, old: old)
        } catch {
            folder.remove()
            throw error
        }
        return (writer.lost, writer.asRecords)
    }

    /// A comment with which no line of the entries begins: sources of functions stand there as they are.
    private static func mark(for entries: [(name: String, text: String)]) -> String {
        var mark = "#:"
        while entries.contains(where: { ("\n" + $0.text).contains("\n" + mark) }) { mark += ":" }
        return mark
    }

    /// Runs a saved session: its files are named from its own folder, wherever that lies now. What cannot
    /// be had again is named in the error, and all else is there.
    package static func load(_ path: String, _ interpreter: Interpreter) throws {
        let text = try TextFile.read(path)
        guard text.hasPrefix(head) else {
            throw Failure(
                .file, "'\(path)' is no saved session", hint: "a script runs with use \(Value.quoted(path))")
        }
        let before = try Folder.current()
        let place = AtomicFile.target(of: path)
        if let slash = place.lastIndex(of: "/"), slash > place.startIndex {
            _ = chdir(String(place[..<slash]))
        }
        defer { _ = chdir(before) }

        // The text means the builtins by their names, whatever the session calls so.
        let hidden = interpreter.names.filter { interpreter.isPredefined($0.name) }
        for (name, _) in hidden { interpreter[name] = nil }
        defer {
            let now = Set(interpreter.names.map(\.name))
            for (name, value) in hidden where !now.contains(name) { interpreter[name] = value }
        }
        let (entries, prefix) = parts(text)
        defer {
            for (name, _) in interpreter.names where prefix.map({ name.hasPrefix($0) }) ?? false {
                interpreter[name] = nil
            }
        }
        guard prefix != nil else {
            _ = try interpreter.run(text, file: place)
            return
        }
        var missing: [Note] = []
        for entry in entries {
            do {
                _ = try interpreter.run(entry.text, file: place)
            } catch {
                let reason = Self.reason(error)
                if reason.kind == .interrupted { throw error }
                missing.append((entry.name, reason.message))
            }
        }
        guard let first = missing.first else { return }
        let others = missing.dropFirst().map(\.name)
        throw Failure(
            .file,
            "not loaded: \(first.name) (\(first.reason))"
                + (others.isEmpty ? "" : "; nor \(others.joined(separator: ", "))"),
            hint: "everything else of the session is there")
    }

    private static func reason(_ error: any Error) -> (kind: Failure.Kind, message: String) {
        if let first = (error as? Diagnostics)?.all.first { return (first.kind, first.message) }
        let failure = error.asFailure
        return (failure.kind, failure.message)
    }

    /// The entries of a text, and what the names begin with that it needs for a moment only; none of
    /// both in texts of earlier versions, which are run whole.
    private static func parts(_ text: String) -> (entries: [(name: String, text: String)], prefix: String?) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > 2, lines[1].hasPrefix(helpers), lines[2].hasPrefix(marks) else {
            return ([], nil)
        }
        let mark = lines[2].dropFirst(marks.count) + " "
        var entries: [(name: String, text: String)] = []
        for line in lines.dropFirst(3) {
            if line.hasPrefix(mark) {
                entries.append((String(line.dropFirst(mark.count)), ""))
            } else if !entries.isEmpty {
                entries[entries.count - 1].text += line + "\n"
            }
        }
        return (entries, String(lines[1].dropFirst(helpers.count)))
    }
}

/// The folder of one saving: "work.vz.data-PROCESS-NUMBER", made at its first file.
final class SessionFolder {
    /// How the text names it.
    let name: String
    let path: String
    /// The path from the root, for those who would take another to be in the output folder.
    var whole: String { path.hasPrefix("/") ? path : ((try? Folder.current()) ?? ".") + "/" + path }

    init(besides place: String) {
        path = "\(place).data-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        name = String(path.split(separator: "/").last ?? "")
    }

    func make() throws {
        guard mkdir(path, 0o777) != 0, errno != EEXIST else { return }
        throw Failure(.io, "cannot make the folder '\(path)': \(String(cString: strerror(errno)))")
    }

    func remove() { SessionFolder.remove(path) }

    /// Takes away the folders of earlier savings to `place`, and of such as were killed in the middle.
    /// `old` is the text that was there: the folder of earlier versions, "work.vz.data", goes only where
    /// that names it. A folder of a process that is at it right now stays.
    static func removeOthers(besides place: String, than kept: SessionFolder, old: String?) {
        let slash = place.lastIndex(of: "/")
        let folder = slash.map { String(place[...$0]) } ?? "./"
        let stem = String(slash.map { place[place.index(after: $0)...] } ?? place[...]) + ".data"
        guard let handle = opendir(folder) else { return }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(Folder.name(entry))
        }
        closedir(handle)
        for name in names where name.hasPrefix(stem) && name != kept.name {
            let isNamed = old?.contains("load(\(Value.quoted(name + "/").dropLast())") ?? false
            if name == stem {
                if isNamed { remove(folder + name) }
                continue
            }
            let parts = name.dropFirst(stem.count).split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0].isEmpty, let process = pid_t(parts[1]), process > 0,
                UInt32(parts[2]) != nil
            else { continue }
            let isAtWork = process != getpid() && (kill(process, 0) == 0 || errno != ESRCH)
            if isNamed || !isAtWork { remove(folder + name) }
        }
    }

    /// Removes what savings write into their folders, and the folder where nothing else is in it.
    private static func remove(_ path: String) {
        guard let handle = opendir(path) else { return }
        var names: [String] = []
        while let entry = readdir(handle) { names.append(Folder.name(entry)) }
        closedir(handle)
        for name in names
        where name.hasSuffix(".npy") || name.hasSuffix(".safetensors") || name.contains(".tmp") {
            unlink("\(path)/\(name)")
        }
        rmdir(path)
    }
}
