import Glibc

/// Files are whole or not there: written beside the target, flushed to disk, then renamed over it.
public enum AtomicFile {
    /// Write `bytes` to `path` by way of a temporary file, fsync and rename.
    /// Throws `Failure` of kind `.io` that names the path and the system's reason.
    public static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
        try write(to: path) { sink in try sink(bytes) }
    }

    public static func write(_ text: String, to path: String) throws {
        var text = text
        try text.withUTF8 { try write(UnsafeRawBufferPointer($0), to: path) }
    }

    public static func write(_ bytes: [UInt8], to path: String) throws {
        try bytes.withUnsafeBytes { try write($0, to: path) }
    }

    /// Write in pieces: `body` calls its argument once for each piece. Nothing is left behind
    /// where `body` throws or the disk is full.
    public static func write(
        to path: String, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let place = target(of: path)
        let temporary = "\(place).tmp\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw failure("cannot write", path, errno) }
        do {
            try body { piece in try writeAll(piece, to: file, path: path) }
            guard fsync(file) == 0 else { throw failure("cannot flush", path, errno) }
        } catch {
            close(file)
            unlink(temporary)
            throw error
        }
        guard close(file) == 0 else {
            let code = errno
            unlink(temporary)
            throw failure("cannot write", path, code)
        }
        guard rename(temporary, place) == 0 else {
            let code = errno
            unlink(temporary)
            throw failure("cannot write", path, code)
        }
        flushFolder(of: place)
    }

    /// The file that is written where `path` is written: the one that a symbolic link stands for, which
    /// may not exist yet. The link itself stays.
    public static func target(of path: String) -> String {
        var place = path
        // As many links as the system follows.
        for _ in 0..<40 {
            var status = stat()
            guard lstat(place, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { break }
            var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            let length = readlink(place, &bytes, Int(PATH_MAX))
            guard length > 0 else { break }
            let next = String(decoding: bytes[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if next.hasPrefix("/") {
                place = next
            } else {
                place = (place.lastIndex(of: "/").map { String(place[...$0]) } ?? "") + next
            }
        }
        return place
    }

    /// Throws what `write` would throw for a folder that is missing or may not be written to; leaves
    /// everything as it is.
    public static func check(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw failure("cannot write", path, EISDIR)
        }
        let temporary = "\(target(of: path)).tmp\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw failure("cannot write", path, errno) }
        close(file)
        unlink(temporary)
    }

    /// Take away what writers of `path` left behind when they were killed in the middle of writing.
    /// Files of processes that still run are left alone.
    public static func removeLeftovers(of path: String) {
        let path = target(of: path)
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { String(path[...$0]) } ?? "./"
        let prefix = String(slash.map { path[path.index(after: $0)...] } ?? path[...]) + ".tmp"
        guard let handle = opendir(folder) else { return }
        defer { closedir(handle) }
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasPrefix(prefix) else { continue }
            let parts = name.dropFirst(prefix.count).split(separator: "-")
            guard parts.count == 2, let process = pid_t(parts[0]), UInt32(parts[1]) != nil, process > 0,
                kill(process, 0) != 0, errno == ESRCH
            else { continue }
            unlink(folder + name)
        }
    }

    private static func writeAll(_ piece: UnsafeRawBufferPointer, to file: Int32, path: String) throws {
        var written = 0
        while written < piece.count {
            guard let base = piece.baseAddress else { return }
            let n = Glibc.write(file, base + written, min(piece.count - written, 1 << 30))
            if n < 0 {
                if errno == EINTR { continue }
                throw failure("cannot write", path, errno)
            }
            written += n
        }
    }

    /// The rename itself must reach the disk too; a file system that cannot do this is no error.
    private static func flushFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let handle = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else { return }
        _ = fsync(handle)
        close(handle)
    }

    static func failure(_ what: String, _ path: String, _ code: Int32) -> Failure {
        let reason = String(cString: strerror(code))
        let hint =
            switch code {
            case ENOENT: "the folder does not exist: create it first, or choose another"
            case EACCES, EPERM, EROFS: "choose a folder that you may write to"
            case ENOSPC, EDQUOT: "make room on that disk, or choose another folder"
            default: nil as String?
            }
        return Failure(.io, "\(what) '\(path)': \(reason)", hint: hint)
    }
}
