import Glibc
import Language
import Support

/// The working directory and what is in it.
package enum Folder {
    package static func current() throws -> String {
        guard let path = getcwd(nil, 0) else {
            throw Failure(.file, "the working directory is gone: \(String(cString: strerror(errno)))")
        }
        defer { free(path) }
        return String(cString: path)
    }

    /// Makes a folder and those above it.
    package static func make(_ path: String, mode: mode_t = 0o777) throws {
        var end = path.startIndex
        while let slash = path[end...].dropFirst().firstIndex(of: "/") {
            mkdir(String(path[..<slash]), mode)
            end = slash
        }
        if mkdir(path, mode) != 0, errno != EEXIST {
            throw Failure(.file, "cannot make the folder '\(path)': \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw Failure(.file, "'\(path)' is not a folder")
        }
    }

    /// The name of an entry of a folder.
    static func name(_ entry: UnsafeMutablePointer<dirent>) -> String {
        withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
    }

    /// The names in a folder, folders with a slash, hidden ones left out.
    package static func names(_ path: String) throws -> [String] {
        let folder = path.isEmpty ? "." : FilePaths.expand(path)
        var status = stat()
        guard stat(folder, &status) == 0 else {
            throw Failure(.file, "cannot list '\(path)': \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return [path] }
        guard access(folder, R_OK) == 0 else {
            throw Failure(.file, "cannot list '\(path)': \(String(cString: strerror(errno)))")
        }
        return FileNames.entries(of: folder).filter { !$0.name.hasPrefix(".") }.map {
            $0.isFolder ? $0.name + "/" : $0.name
        }
    }

    package static func listing(_ path: String, width: Int, style: Style) throws -> String {
        Table.columns(try names(path), width: width) { $0.hasSuffix("/") ? style.name($0) : $0 }
    }
}

/// Text in columns.
package enum Table {
    /// `items` down the columns, as `ls` does.
    package static func columns(_ items: [String], width: Int, style: (String) -> String = { $0 }) -> String {
        guard !items.isEmpty else { return "" }
        let cell = (items.map(Columns.width).max() ?? 0) + 2
        let across = max(1, (width + 2) / cell)
        let down = (items.count + across - 1) / across
        return (0..<down).map { row in
            stride(from: row, to: items.count, by: down).map { i in
                let isLast = i + down >= items.count
                let pad = isLast ? "" : String(repeating: " ", count: cell - Columns.width(items[i]))
                return style(items[i]) + pad
            }.joined()
        }.joined(separator: "\n")
    }
}

/// `whos`: the names of the session, what they are, and their values in short.
package enum Whos {
    package static func text(_ names: [(name: String, value: Value)], width: Int, style: Style) -> String {
        guard !names.isEmpty else { return "no names yet" }
        let rows = names.map {
            (name: $0.name, type: $0.value.typeName, value: $0.value.summary(limit: width))
        }
        let nameColumn = min(30, max(4, rows.map { Columns.width($0.name) }.max() ?? 0))
        let typeColumn = min(20, max(4, rows.map { Columns.width($0.type) }.max() ?? 0))
        let room = max(10, width - nameColumn - typeColumn - 4)
        let head =
            Columns.pad("name", to: nameColumn) + "  " + Columns.pad("type", to: typeColumn) + "  value"
        return
            ([style.dim(head)]
            + rows.map { row in
                style.name(Columns.pad(row.name, to: nameColumn)) + "  "
                    + Columns.pad(row.type, to: typeColumn)
                    + "  " + Columns.cut(row.value, to: room)
            }).joined(separator: "\n")
    }
}
