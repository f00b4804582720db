import Glibc
import Support

/// Programs of the machine that play and record.
enum ExternalProgram {
    /// Its path; nil where no folder of `searchPath` (by default `$PATH`) has it.
    static func find(_ name: String, in searchPath: String?) -> String? {
        let folders = searchPath ?? Folders.environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in folders.split(separator: ":") where folder.hasPrefix("/") {
            let path = "\(folder)/\(name)"
            if access(path, X_OK) == 0 { return path }
        }
        return nil
    }

    /// Nil where the program ended well, else why not. No shell is involved: the file's name is one argument.
    /// - Parameter limit: seconds after which it is ended.
    /// Throws `.interrupted` on a stop, once the program has ended.
    static func run(_ tool: String, _ arguments: [String], limit: Double, _ cancel: CancelFlag) throws
        -> String?
    {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor: Int32 in 0...2 {
            posix_spawn_file_actions_addopen(
                &actions, descriptor, "/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY, 0)
        }
        // A group of its own: the terminal's Ctrl-C reaches us, and we end the program.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))

        var argv: [UnsafeMutablePointer<CChar>?] = ([tool] + arguments).map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, tool, &actions, &attributes, &argv, environ)
        guard code == 0 else { return String(cString: strerror(code)) }

        var status: Int32 = 0
        var waited = 0.0
        while true {
            let ended = waitpid(child, &status, WNOHANG)
            if ended == child { break }
            if ended < 0, errno != EINTR { return String(cString: strerror(errno)) }
            if cancel.isSet || waited > limit {
                kill(child, SIGKILL)
                while waitpid(child, &status, 0) < 0, errno == EINTR {}
                if cancel.isSet { throw Failure.interrupted }
                return "no end after \(Int(limit)) s"
            }
            usleep(10_000)
            waited += 0.01
        }
        if status & 0x7f != 0 { return "ended by signal \(status & 0x7f)" }
        let exit = status >> 8 & 0xff
        return exit == 0 ? nil : "exit code \(exit)"
    }
}
