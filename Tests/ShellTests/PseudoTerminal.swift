import CReadline
import Glibc
import Testing

/// vzsh on a terminal of its own, driven as a person would: what is typed, what appears.
final class PseudoTerminal {
    private let child: pid_t
    private let master: Int32
    private var status: Int32?
    /// Everything that appeared, without escape sequences.
    private(set) var screen = ""
    /// Where `expect` goes on looking.
    private var seen: String.Index
    private var pending: [UInt8] = []
    /// Something came that only a terminal with a cursor to move understands.
    private(set) var hasCodes = false

    /// Starts vzsh (or `program`) in `home`, which is also its home folder, so that nothing of the person
    /// is read.
    init(
        _ arguments: [String] = [], home: String, rows: Int32 = 24, columns: Int32 = 80,
        inputrc: String = "/dev/null", kind: String = "xterm-256color", program: String = Binary.path
    )
        throws
    {
        let environment = [
            "HOME=\(home)", "TERM=\(kind)", "LANG=C.UTF-8", "INPUTRC=\(inputrc)", "PATH=/usr/bin:/bin",
            "NO_COLOR=1", "EDITOR=\(home)/editor",
        ]
        var master: Int32 = -1
        child = Binary.withCStrings([program] + arguments) { argv in
            Binary.withCStrings(environment) { env in
                vz_spawn_on_terminal(program, argv, env, home, rows, columns, &master)
            }
        }
        self.master = master
        seen = screen.startIndex
        try #require(child > 0)
    }

    deinit {
        if status == nil {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
        }
        close(master)
    }

    func send(_ text: String) {
        var text = text
        text.withUTF8 { _ = write(master, $0.baseAddress, $0.count) }
    }

    func line(_ text: String) { send(text + "\r") }

    /// The other end goes away, as a window that is closed does.
    func hangUp() { kill(child, SIGHUP) }

    func resize(rows: Int32, columns: Int32) { vz_resize_terminal(master, rows, columns) }

    /// Waits for `text` behind what was expected before; gives the seconds it took.
    @discardableResult
    func expect(_ text: String, within seconds: Double = 30, _ location: SourceLocation = #_sourceLocation)
        -> Double
    {
        let begin = Self.now()
        repeat {
            if let found = screen[seen...].firstRange(of: text) {
                seen = found.upperBound
                return Self.now() - begin
            }
        } while read(until: begin + seconds)
        if let found = screen[seen...].firstRange(of: text) {
            seen = found.upperBound
            return Self.now() - begin
        }
        Issue.record(
            "'\(text)' did not appear; the screen from there: \(screen[seen...])", sourceLocation: location)
        return .infinity
    }

    /// Waits for the prompt.
    @discardableResult
    func prompt(within seconds: Double = 30, _ location: SourceLocation = #_sourceLocation) -> Double {
        expect("vz> ", within: seconds, location)
    }

    /// The exit status, once it ended.
    func exitStatus(within seconds: Double = 30) -> Int32? {
        let end = Self.now() + seconds
        while status == nil, Self.now() < end {
            _ = read(until: Self.now() + 0.05)
            var code: Int32 = 0
            if waitpid(child, &code, WNOHANG) == child {
                status = code & 0x7F == 0 ? (code >> 8) & 0xFF : 128 + (code & 0x7F)
            }
        }
        return status
    }

    /// Reads what is there, waiting until something comes; false where time is up or it ended.
    private func read(until end: Double) -> Bool {
        let left = end - Self.now()
        guard left > 0 else { return false }
        var wait = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, Int32(left * 1000) + 1) > 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let n = buffer.withUnsafeMutableBytes { Glibc.read(master, $0.baseAddress, $0.count) }
        guard n > 0 else { return false }
        let offset = screen.utf8.distance(from: screen.startIndex, to: seen)
        hasCodes = hasCodes || buffer[..<n].contains(0x1B)
        pending += buffer[..<n]
        screen += Self.plain(&pending)
        seen = screen.utf8.index(screen.startIndex, offsetBy: min(offset, screen.utf8.count))
        return true
    }

    /// Takes whole characters out of `bytes`, without escape sequences and carriage returns.
    private static func plain(_ bytes: inout [UInt8]) -> String {
        var out: [UInt8] = []
        var i = 0
        loop: while i < bytes.count {
            switch bytes[i] {
            case 0x1B:
                guard i + 1 < bytes.count else { break loop }
                if bytes[i + 1] == UInt8(ascii: "[") {
                    guard let end = bytes[(i + 2)...].firstIndex(where: { $0 >= 0x40 && $0 <= 0x7E }) else {
                        break loop
                    }
                    i = end
                } else {
                    i += 1
                }
            case 13, 7: break
            case 0x80...:
                let length = bytes[i] >= 0xF0 ? 4 : bytes[i] >= 0xE0 ? 3 : 2
                guard i + length <= bytes.count else { break loop }
                out += bytes[i..<(i + length)]
                i += length - 1
            default: out.append(bytes[i])
            }
            i += 1
        }
        bytes.removeFirst(min(i, bytes.count))
        return String(decoding: out, as: UTF8.self)
    }

    static func now() -> Double {
        var t = timespec()
        clock_gettime(CLOCK_MONOTONIC, &t)
        return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
    }
}

/// The program under test and ways to run it.
enum Binary {
    /// Built beside the tests.
    static let path: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let n = readlink("/proc/self/exe", &buffer, 4095)
        let own = String(decoding: buffer.prefix(max(0, n)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let slash = own.lastIndex(of: "/"), access(own[..<slash] + "/vzsh", X_OK) == 0 {
            return own[..<slash] + "/vzsh"
        }
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return ["release", "debug"].map { "\(root)/.build/\($0)/vzsh" }.first { access($0, X_OK) == 0 }
            ?? "vzsh"
    }()

    struct Result {
        var status: Int32
        var out: String
        var error: String
    }

    /// Runs vzsh without a terminal.
    static func run(_ arguments: [String], input: String = "", home: String) -> Result {
        let quote = { (s: String) in
            "'" + s.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }
        let files = ["in", "out", "err"].map { "\(home)/.\($0)" }
        put(input, files[0])
        let command =
            "cd \(quote(home)) && env -i HOME=\(quote(home)) PATH=/usr/bin:/bin LANG=C.UTF-8 "
            + ([path] + arguments).map(quote).joined(separator: " ")
            + " < \(quote(files[0])) > \(quote(files[1])) 2> \(quote(files[2]))"
        let status = system(command)
        return Result(
            status: status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F), out: get(files[1]),
            error: get(files[2]))
    }

    static func put(_ text: String, _ path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        var text = text
        text.withUTF8 { _ = write(file, $0.baseAddress, $0.count) }
        close(file)
    }

    static func get(_ path: String) -> String {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let n = read(file, &buffer, buffer.count)
            if n <= 0 { break }
            bytes += buffer[..<n]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func withCStrings<R>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
            capacity: strings.count + 1)
        for (i, text) in strings.enumerated() { pointers[i] = strdup(text) }
        pointers[strings.count] = nil
        defer {
            for i in strings.indices { if let text = pointers[i] { free(text) } }
            pointers.deallocate()
        }
        return body(pointers)
    }
}

/// A folder for one test, removed with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/vzsh-test-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { name in
            name.baseAddress.map { mkdtemp($0) != nil } ?? false
        }
        try #require(made)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func write(_ name: String, _ text: String) { Binary.put(text, "\(path)/\(name)") }
    func read(_ name: String) -> String { Binary.get("\(path)/\(name)") }

    deinit { _ = system("rm -rf '\(path)'") }
}
