import CGnuplot
import Glibc
import Support

/// One running gnuplot: its process and the three pipes to it. Started without a shell.
///
/// It never blocks: bytes go in only while its pipe has room, and what it prints is taken up all the
/// while, so neither side can wait for the other. Its owner gives it to one thread at a time.
final class GnuplotProcess {
    private(set) var pid: pid_t
    private var stream: OpaquePointer?
    private let stdinFD: Int32
    private let stdoutFD: Int32
    private let stderrFD: Int32
    private var reaped = false
    private var isStopped = false
    /// Stands in the environment of this gnuplot and of its windows.
    private let mark = "VZSH_WINDOW=\(getpid())-\(UInt64.random(in: 0 ... .max))"

    /// What gnuplot printed since the last `takeOutput`, still to be looked at.
    private(set) var output: [UInt8] = []
    private(set) var complaints: [UInt8] = []
    private var outputOpen = true
    private var complaintsOpen = true

    /// A pipe write of this size either fits at once or is not started (POSIX PIPE_BUF).
    private static let pieceSize = 4096

    /// Start `program` (a name looked up in PATH, or a path).
    /// Throws `Failure` of kind `.io` where there is none, with how to get it.
    init(program: String = "gnuplot") throws {
        let input = try Pipe()
        let output = try Pipe()
        let complaints = try Pipe()
        pid = try GnuplotProcess.spawn(
            program, mark: mark, stdin: input.readEnd, stdout: output.writeEnd, stderr: complaints.writeEnd)

        // Our copies of gnuplot's ends close with the pipes at the end of this scope; ours live on.
        stdoutFD = output.takeReadEnd()
        stderrFD = complaints.takeReadEnd()
        stdinFD = input.takeWriteEnd()
        for fd in [stdoutFD, stderrFD] { _ = fcntl(fd, F_SETFL, O_NONBLOCK) }
        var code: Int32 = 0
        stream = vz_gnuplot_open(stdinFD, &code)
        if stream == nil {
            Glibc.close(stdinFD)
            stop(patience: 0)
            throw Failure(.io, "cannot open a stream to gnuplot: \(String(cString: strerror(code)))")
        }
    }

    deinit { stop(patience: 0.2) }

    // MARK: Starting and stopping

    private static func spawn(
        _ program: String, mark: String, stdin: Int32, stdout: Int32, stderr: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        guard posix_spawn_file_actions_init(&actions) == 0, posix_spawnattr_init(&attributes) == 0 else {
            throw Failure(.memory, "no memory to start gnuplot")
        }
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, stdin, 0)
        posix_spawn_file_actions_adddup2(&actions, stdout, 1)
        posix_spawn_file_actions_adddup2(&actions, stderr, 2)

        // A process group of its own: Ctrl-C in the terminal is for the shell, not for gnuplot.
        // Signals that the shell ignores or blocks are ordinary again for gnuplot: with SIGPIPE
        // ordinary, it ends when the shell is gone.
        var ordinary = sigset_t()
        var none = sigset_t()
        sigemptyset(&ordinary)
        sigemptyset(&none)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&ordinary, signal) }
        posix_spawnattr_setsigdefault(&attributes, &ordinary)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))

        // -d: nobody's ~/.gnuplot changes what a figure looks like, or runs.
        let arguments = [program, "-d"]
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = (environment() + [mark]).map { strdup($0) } + [nil]
        defer {
            for pointer in argv { free(pointer) }
            for pointer in envp { free(pointer) }
        }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, program, &actions, &attributes, &argv, &envp)
        guard code == 0 else {
            throw Failure(
                .io, "cannot start gnuplot ('\(program)'): \(String(cString: strerror(code)))",
                hint: code == ENOENT ? "install it: sudo apt install gnuplot-qt" : nil)
        }
        return pid
    }

    /// Our environment, but for what would make gnuplot act on its own: numbers are written with a
    /// point, and no window opens before it is asked for.
    private static func environment() -> [String] {
        var kept: [String] = []
        var cursor = environ
        while let entry = cursor.pointee {
            let text = String(cString: entry)
            let own = ["GNUTERM=", "LC_NUMERIC=", "LC_ALL=", "GNUPLOT_", "FIT_"].contains {
                text.hasPrefix($0)
            }
            if !own { kept.append(text) }
            cursor += 1
        }
        return kept + ["GNUTERM=unknown", "LC_NUMERIC=C"]
    }

    /// False once the process has ended; its exit status is then collected.
    var isRunning: Bool {
        if reaped { return false }
        var status: Int32 = 0
        let answer = waitpid(pid, &status, WNOHANG)
        if answer == pid || (answer == -1 && errno == ECHILD) { reaped = true }
        return !reaped
    }

    /// Close its input, which ends it, wait `patience` seconds for that, then kill it; collect it.
    func stop(patience: Double) {
        if let stream { vz_gnuplot_close(stream) }
        guard !isStopped else { return }
        isStopped = true
        stream = nil
        if patience > 0 {
            let end = monotonicSeconds() + patience
            while isRunning, monotonicSeconds() < end {
                drain()
                usleep(2000)
            }
        }
        if !reaped {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            reaped = true
        }
        GnuplotProcess.endWindows(of: mark)
        Glibc.close(stdoutFD)
        Glibc.close(stderrFD)
    }

    /// A window is a process in a session of its own: it outlives a gnuplot that was killed, or that ended
    /// before the window was ready to be told.
    private static func endWindows(of mark: String) {
        guard let folder = opendir("/proc") else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let process = pid_t(name), process != getpid() else { continue }
            let file = open("/proc/\(name)/environ", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { continue }
            defer { close(file) }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = Glibc.read(file, &bytes, bytes.count)
            guard count > 0 else { continue }
            let words = bytes[..<count].split(separator: 0)
            if words.contains(where: { $0.elementsEqual(mark.utf8) }) { kill(process, SIGKILL) }
        }
    }

    // MARK: Writing and reading

    /// Why an exchange ended before its end.
    enum Ended: Error { case died, late, cancelled }

    /// Send `text` and take up what gnuplot prints until `isDone` says that its answer is whole.
    /// Throws `Ended.died` where gnuplot has gone, `.late` after `seconds`, `.cancelled` soon after
    /// `cancel` is set.
    func exchange(
        _ text: some Collection<UInt8>, seconds: Double, cancel: CancelFlag?,
        until isDone: (GnuplotProcess) -> Bool
    ) throws(Ended) {
        let bytes = Array(text)
        let end = monotonicSeconds() + seconds
        var sent = 0
        while true {
            if sent == bytes.count, isDone(self) { return }
            if let cancel, cancel.isSet { throw .cancelled }
            let left = end - monotonicSeconds()
            if left <= 0 { throw .late }
            let wantsRoom = sent < bytes.count
            // Short waits, so that a cancellation is seen soon.
            let ready = poll(forRoom: wantsRoom, milliseconds: Int32(min(50, left * 1000 + 1)))
            if ready.output || ready.complaints { drain() }
            if sent == bytes.count, isDone(self) { return }
            if wantsRoom, ready.room {
                let count = min(GnuplotProcess.pieceSize, bytes.count - sent)
                guard write(bytes, from: sent, count: count) else { throw .died }
                sent += count
            }
            if !complaintsOpen || !isRunning {
                drain()
                if sent == bytes.count, isDone(self) { return }
                throw .died
            }
        }
    }

    private func write(_ bytes: [UInt8], from start: Int, count: Int) -> Bool {
        guard let stream else { return false }
        return bytes.withUnsafeBytes { all in
            vz_gnuplot_write(stream, all.baseAddress.map { $0 + start }, count) == 0
        }
    }

    private func poll(forRoom: Bool, milliseconds: Int32) -> (room: Bool, output: Bool, complaints: Bool) {
        var set = [
            pollfd(fd: forRoom ? stdinFD : -1, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: outputOpen ? stdoutFD : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: complaintsOpen ? stderrFD : -1, events: Int16(POLLIN), revents: 0),
        ]
        guard Glibc.poll(&set, 3, milliseconds) > 0 else { return (false, false, false) }
        return (set[0].revents != 0, set[1].revents != 0, set[2].revents != 0)
    }

    /// Take up all that gnuplot has printed so far.
    func drain() {
        if outputOpen { outputOpen = GnuplotProcess.read(stdoutFD, into: &output) }
        if complaintsOpen { complaintsOpen = GnuplotProcess.read(stderrFD, into: &complaints) }
    }

    /// False at the end of the file.
    private static func read(_ fd: Int32, into bytes: inout [UInt8]) -> Bool {
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            let n = Glibc.read(fd, &piece, piece.count)
            if n > 0 {
                bytes.append(contentsOf: piece[..<n])
            } else if n == 0 {
                return false
            } else if errno != EINTR {
                return errno == EAGAIN || errno == EWOULDBLOCK
            }
        }
    }

    /// Forget what was printed so far.
    func forget() {
        drain()
        output.removeAll(keepingCapacity: true)
        complaints.removeAll(keepingCapacity: true)
    }
}

/// Seconds on a clock that nobody sets.
func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}

/// Both ends of a pipe, closed on exec; closes what nobody took.
private final class Pipe {
    private(set) var readEnd: Int32
    private(set) var writeEnd: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard vz_pipe(&ends) == 0 else {
            throw Failure(
                .io, "cannot open a pipe to gnuplot: \(String(cString: strerror(errno)))",
                hint: errno == EMFILE ? "too many files are open in this process" : nil)
        }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    func takeReadEnd() -> Int32 {
        defer { readEnd = -1 }
        return readEnd
    }

    func takeWriteEnd() -> Int32 {
        defer { writeEnd = -1 }
        return writeEnd
    }

    deinit {
        if readEnd >= 0 { close(readEnd) }
        if writeEnd >= 0 { close(writeEnd) }
    }
}
