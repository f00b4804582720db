import Glibc
import Support

/// What is to be known of the machine and of files to do a run again.
enum Machine {
    /// The processor, the memory, the system: what `reproduction` ends with.
    static func facts() -> [(name: String, value: String)] {
        let settings = Settings.current
        var facts: [(name: String, value: String)] = []
        let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let name = field("model name", of: "/proc/cpuinfo", separator: ":") ?? "processor"
        let memory =
            field("MemTotal", of: "/proc/meminfo", separator: ":").flatMap {
                Double($0.split(separator: " ").first ?? "")
            }
        let gigabytes = memory.map { ", \(Int(($0 / 1_048_576).rounded())) GB of memory" } ?? ""
        facts.append(("machine", "\(name), \(cores) cores\(gigabytes)"))
        facts.append(("system", system()))
        let threads = settings.threads.map { "\($0)" } ?? "one a core"
        facts.append(("threads", "\(threads), precision \(settings.precision.rawValue)"))
        return facts
    }

    private static func system() -> String {
        var names = utsname()
        uname(&names)
        let kernel = withUnsafeBytes(of: &names.release) { text($0) }
        let kind = withUnsafeBytes(of: &names.machine) { text($0) }
        let system = field("PRETTY_NAME", of: "/etc/os-release", separator: "=") ?? "Linux"
        return "\(system.filter { $0 != "\"" }), Linux \(kernel), \(kind)"
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The value of the first line that begins with `name`.
    private static func field(_ name: String, of path: String, separator: Character) -> String? {
        // Files of the system have no size of their own.
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
            let at = line.firstIndex(of: separator)
        else { return nil }
        return String(line[line.index(after: at)...].drop { $0 == " " })
    }

    /// "23 November 2026, 14:05".
    static func date() -> String {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        let months = [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December",
        ]
        func two(_ n: Int32) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let month = months.indices.contains(Int(parts.tm_mon)) ? months[Int(parts.tm_mon)] : "?"
        return "\(parts.tm_mday) \(month) \(1900 + parts.tm_year), \(two(parts.tm_hour)):\(two(parts.tm_min))"
    }

    /// The size of a file and its SHA-1, as `sha1sum` gives it.
    static func hash(_ path: String) -> String {
        let file = open(Folders.expand(path), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "no longer there" }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return "no file" }
        let size = Int(status.st_size)
        // Beyond this hashing would take longer than most runs.
        guard size <= 1 << 31, size > 0,
            let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), memory != MAP_FAILED
        else { return "\(size) bytes" }
        defer { munmap(memory, size) }
        return "\(size) bytes, SHA-1 \(SHA1.hex(of: UnsafeRawBufferPointer(start: memory, count: size)))"
    }
}
