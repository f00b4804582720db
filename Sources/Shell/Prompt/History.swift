import Glibc
import Language
import Support

/// What was typed, in one file: an entry a line, line ends and backslashes escaped. Each entry is
/// appended as soon as it was typed, by one write, so that a crash loses nothing and two sessions
/// do not mix their lines.
package struct History {
    package let path: String
    private var last: String?

    /// Entries that are read back; the file is cut down to them when it holds twice as many.
    package static let limit = 10_000

    package init(path: String) { self.path = path }

    /// $XDG_STATE_HOME/vzsh/history, or ~/.local/state/vzsh/history; nil without a home.
    package static var standardPath: String? {
        if let state = Terminal.environment("XDG_STATE_HOME"), state.hasPrefix("/") {
            return state + "/vzsh/history"
        }
        guard let home = Terminal.environment("HOME"), !home.isEmpty else { return nil }
        return home + "/.local/state/vzsh/history"
    }

    /// All entries, oldest first. A missing or broken file gives none, or what can be read of it.
    package mutating func load() -> [String] {
        var entries = lines().map { History.decode($0) }
        if entries.count > 2 * History.limit {
            entries = Array(entries.suffix(History.limit))
            let kept = entries.map { History.encode($0) + "\n" }.joined()
            try? AtomicFile.write(kept, to: path)
            chmod(path, 0o600)
        }
        entries = Array(entries.suffix(History.limit))
        last = entries.last
        return entries
    }

    /// At most so many bytes are read, from the file's end.
    private static let mostBytes = 64 << 20

    /// The lines of the file as they are; bytes that are no UTF-8 cost the letter they stand for, no more.
    private func lines() -> [Substring] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return [] }
        let begin = max(0, Int(status.st_size) - History.mostBytes)
        guard lseek(file, off_t(begin), SEEK_SET) >= 0 else { return [] }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < History.mostBytes {
            let n = read(file, &buffer, buffer.count)
            if n < 0, errno == EINTR { continue }
            if n <= 0 { break }
            bytes.append(contentsOf: buffer[..<n])
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        return begin > 0 ? Array(lines.dropFirst()) : lines
    }

    /// Appends an entry; one that repeats the last is left out. True where it is new.
    @discardableResult
    package mutating func append(_ entry: String) -> Bool {
        guard !entry.isEmpty, entry != last else { return false }
        last = entry
        if let slash = path.lastIndex(of: "/") { try? Folder.make(String(path[..<slash]), mode: 0o700) }
        let file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { return true }
        defer { close(file) }
        var status = stat()
        var end: UInt8 = 10
        // A line that was cut off, or written by hand, may not have its end.
        if fstat(file, &status) == 0, status.st_size > 0 { pread(file, &end, 1, status.st_size - 1) }
        var line = (end == 10 ? "" : "\n") + History.encode(entry) + "\n"
        line.withUTF8 { _ = write(file, $0.baseAddress, $0.count) }
        return true
    }

    package static func encode(_ entry: String) -> String {
        var out = ""
        for c in entry.unicodeScalars {
            switch c {
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            default: out.unicodeScalars.append(c)
            }
        }
        return out
    }

    package static func decode(_ line: some StringProtocol) -> String {
        guard line.utf8.contains(UInt8(ascii: "\\")) else { return String(line) }
        var out = String.UnicodeScalarView()
        var isEscaped = false
        for c in line.unicodeScalars {
            if isEscaped {
                out.append(c == "n" ? "\n" : c == "r" ? "\r" : c)
                isEscaped = false
            } else if c == "\\" {
                isEscaped = true
            } else {
                out.append(c)
            }
        }
        return String(out)
    }
}
