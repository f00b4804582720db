import Glibc
import Support

/// Reading text files whole.
public enum TextFile {
    /// When and how a file last changed: enough to see that it is still the same.
    public struct Stamp: Equatable {
        let seconds: Int
        let nanoseconds: Int
        let size: Int
        let inode: UInt
    }

    public static func stamp(_ path: String) throws -> Stamp {
        var info = stat()
        guard stat(path, &info) == 0 else { throw failure(path, errno) }
        return Stamp(
            seconds: info.st_mtim.tv_sec, nanoseconds: info.st_mtim.tv_nsec, size: Int(info.st_size),
            inode: UInt(info.st_ino))
    }

    /// The text of the file at `path`, which must be UTF-8.
    public static func read(_ path: String) throws -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure(path, errno) }
        defer { close(file) }
        var info = stat()
        guard fstat(file, &info) == 0 else { throw failure(path, errno) }
        if info.st_mode & S_IFMT == S_IFDIR {
            throw Failure(.file, "'\(path)' is a folder", hint: "name a file in it")
        }
        return try read(file, name: path)
    }

    /// The text that an open file still has, up to its end; Ctrl-C ends the wait for a pipe.
    public static func read(_ file: Int32, name: String) throws -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var info = stat()
        let mayBlock = fstat(file, &info) == 0 && info.st_mode & S_IFMT != S_IFREG
        while true {
            if mayBlock { try waitForInput(file) }
            let n = Glibc.read(file, &buffer, buffer.count)
            if n < 0, errno == EINTR || errno == EAGAIN { continue }
            if n < 0 { throw failure(name, errno) }
            if n == 0 { break }
            bytes.append(contentsOf: buffer[..<n])
            try Limits.checkString(bytes.count)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(
                .file, "'\(name)' is not a text in UTF-8",
                hint: "iconv converts texts; a binary file needs its own reader")
        }
        return text
    }

    private static let currentFolder =
        "look with `ls`; the name is taken from the current folder unless it begins with / or ~"

    /// What is said where the file that `use` names, as `path` seen from `file`, is not there.
    static func used(_ path: String, from file: String, _ failure: Failure) -> Failure {
        guard failure.hint != nil, failure.kind == .io, let slash = file.lastIndex(of: "/"),
            !FilePaths.expand(path).hasPrefix("/")
        else { return failure }
        var failure = failure
        failure.hint =
            "look with `ls`; the name is taken from the folder of the file that uses it, '\(file[..<slash])'"
        return failure
    }

    /// Comes back where reading will not block. A signal starts an interrupted `read` again, so the wait
    /// looks at the flag itself.
    private static func waitForInput(_ file: Int32) throws {
        var wait = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
        var isReady = false
        while !isReady {
            isReady = poll(&wait, 1, 100) > 0
            try CancelFlag.shared.check()
        }
    }

    private static func failure(_ path: String, _ code: Int32) -> Failure {
        Failure(
            .io, "cannot read '\(path)': \(String(cString: strerror(code)))",
            hint: code == ENOENT
                ? path.hasPrefix("/") ? "look with `ls`" : currentFolder : nil)
    }
}
