import Glibc
import Support

/// A file, or bytes in memory, read here and there; every read is checked against the size first.
public final class RandomAccessFile {
    public let path: String
    public let size: Int
    /// -1 where the bytes are in memory.
    private let file: Int32
    private let memory: [UInt8]

    /// Bytes in memory; `name` is for messages.
    public init(_ memory: [UInt8], name: String) {
        path = name
        file = -1
        size = memory.count
        self.memory = memory
    }

    /// Throws a file failure where `path` is no plain file that can be read.
    public init(_ path: String) throws(Failure) {
        self.path = path
        memory = []
        file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            throw Failure(
                .file, "cannot read '\(path)': \(String(cString: strerror(errno)))",
                hint: errno == ENOENT ? "look at the spelling and at the folder you are in" : nil)
        }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(file)
            throw Failure(.file, "'\(path)' is no plain file")
        }
        size = Int(status.st_size)
    }

    deinit { if file >= 0 { close(file) } }

    /// `count` bytes from `offset` on. Throws where they are not all there.
    public func bytes(at offset: Int, _ count: Int) throws(Failure) -> [UInt8] {
        try check(offset, count)
        var bytes = [UInt8](repeating: 0, count: count)
        let got = bytes.withUnsafeMutableBytes { fill($0, offset) }
        guard got else {
            throw Failure(.io, "cannot read '\(path)': it became shorter while it was read")
        }
        return bytes
    }

    public func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Failure) {
        try check(offset, target.count)
        guard fill(target, offset) else {
            throw Failure(.io, "cannot read '\(path)': it became shorter while it was read")
        }
    }

    private func check(_ offset: Int, _ count: Int) throws(Failure) {
        guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
            throw Failure(.file, "'\(path)' is cut off or damaged: something lies outside it")
        }
    }

    private func fill(_ target: UnsafeMutableRawBufferPointer, _ offset: Int) -> Bool {
        if file < 0 {
            memory.withUnsafeBytes { all in
                if let base = all.baseAddress, target.count > 0 {
                    target.baseAddress?.copyMemory(from: base + offset, byteCount: target.count)
                }
            }
            return true
        }
        var done = 0
        while done < target.count {
            guard let base = target.baseAddress else { return true }
            let n = pread(file, base + done, min(target.count - done, 1 << 30), off_t(offset + done))
            if n < 0, errno == EINTR { continue }
            if n <= 0 { return false }
            done += n
        }
        return true
    }
}
