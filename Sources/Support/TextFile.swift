import Glibc

/// Small files read whole.
public enum TextFile {
    /// The file's text, what is not UTF-8 replaced; nil where it does not exist.
    /// Throws where it cannot be read, is no plain file, or is longer than `limit` bytes.
    public static func read(_ path: String, atMost limit: Int) throws(Failure) -> String? {
        guard let bytes = try bytes(path, atMost: limit) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The file's bytes; nil where it does not exist.
    public static func bytes(_ path: String, atMost limit: Int) throws(Failure) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw Failure(.file, "cannot read '\(path)': \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(.file, "'\(path)' is not a plain file")
        }
        guard status.st_size <= limit else {
            throw Failure(
                .file, "'\(path)' is longer than the \(limit >> 20) MiB that are read of such a file")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let room = bytes.count - done
            let n = bytes.withUnsafeMutableBytes { p in
                p.baseAddress.map { Glibc.read(file, $0 + done, room) } ?? 0
            }
            if n < 0, errno == EINTR { continue }
            guard n >= 0 else {
                throw Failure(.file, "cannot read '\(path)': \(String(cString: strerror(errno)))")
            }
            if n == 0 { break }
            done += n
        }
        if done < bytes.count { bytes.removeLast(bytes.count - done) }
        return bytes
    }
}
