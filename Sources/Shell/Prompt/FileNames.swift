import Glibc
import Language

/// The files that a beginning of a path can mean.
package enum FileNames {
    package struct Entry: Equatable {
        package var name: String
        package var isFolder: Bool
        package var bytes: Int

        /// As a listing shows it: "12 kB".
        package var size: String {
            switch bytes {
            case 10_000_000_000...: "\(bytes / 1_000_000_000) GB"
            case 10_000_000...: "\(bytes / 1_000_000) MB"
            case 10_000...: "\(bytes / 1000) kB"
            default: "\(bytes) B"
            }
        }
    }

    /// The entries of the folder of `path` whose names start as its last part does, in order.
    /// Hidden ones only where a dot was typed.
    package static func matching(_ path: String) -> [Entry] {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { String(path[...$0]) } ?? "./"
        let prefix = slash.map { String(path[path.index(after: $0)...]) } ?? path
        return entries(of: folder).filter {
            $0.name.hasPrefix(prefix) && (prefix.hasPrefix(".") || !$0.name.hasPrefix("."))
        }
    }

    /// What is in a folder, without `.` and `..`; empty where it cannot be read.
    package static func entries(of folder: String) -> [Entry] {
        let folder = FilePaths.expand(folder)
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var found: [Entry] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            var status = stat()
            let isThere = stat(folder + "/" + name, &status) == 0
            let isFolder = isThere && status.st_mode & S_IFMT == S_IFDIR
            found.append(Entry(name: name, isFolder: isFolder, bytes: isThere ? Int(status.st_size) : 0))
        }
        return found.sorted { $0.name < $1.name }
    }
}

/// The inside of a string literal of vz, one way and back.
package enum StringLiteral {
    /// As it stands between quotes.
    package static func escape(_ text: String) -> String {
        String(Value.quoted(text).dropFirst().dropLast())
    }

    /// What was meant; an escape at the end may be unfinished.
    package static func unescape(_ text: String) -> String {
        var out = ""
        var isEscaped = false
        for c in text {
            if !isEscaped, c == "\\" {
                isEscaped = true
                continue
            }
            switch (isEscaped, c) {
            case (true, "n"): out.append("\n")
            case (true, "t"): out.append("\t")
            default: out.append(c)
            }
            isEscaped = false
        }
        return out
    }
}
