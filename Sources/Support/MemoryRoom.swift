import Glibc
import Synchronization

/// How much memory the process may still take: by its limits (ulimit -v, ulimit -d) and by what the
/// machine has. Lists and strings cannot fail in the middle of growing, so they ask before.
public enum MemoryRoom {
    /// What is left, and what sets that bound, in words for a message.
    public static func left() -> (bytes: Int, reason: String) {
        var best = (bytes: Int.max, reason: "")
        let used = numbers("/proc/self/statm").map { $0 &* max(sysconf(Int32(_SC_PAGESIZE)), 1) }
        let limits: [(__rlimit_resource, name: String, place: Int)] = [
            (RLIMIT_AS, "ulimit -v", 0), (RLIMIT_DATA, "ulimit -d", 5),
        ]
        for (resource, name, place) in limits {
            var limit = rlimit()
            guard getrlimit(Int32(bitPattern: resource.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max,
                used.indices.contains(place)
            else { continue }
            let all = Int(clamping: limit.rlim_cur)
            let bytes = max(0, all - used[place])
            if bytes < best.bytes {
                best = (
                    bytes, "\(name) lets this process have \(gib(all)) GiB, of which \(gib(bytes)) are left"
                )
            }
        }
        if let bytes = available(), bytes < best.bytes {
            best = (bytes, "this machine has \(gib(bytes)) GiB left")
        }
        return best
    }

    private static let lastTime = Atomic<Int>(0)
    private static let lastBytes = Atomic<Int>(0)

    /// Throws where `bytes`, and as much again while they grow, are more than what is left. Cheap to ask
    /// again and again while something grows.
    public static func check(_ bytes: Int, for what: @autoclosure () -> String, hint: String) throws(Failure)
    {
        var t = timespec()
        clock_gettime(CLOCK_MONOTONIC, &t)
        let now = t.tv_sec &* 1_000_000_000 &+ t.tv_nsec
        // What can be taken in two milliseconds is within the reserve.
        if now &- lastTime.load(ordering: .relaxed) < 2_000_000, bytes <= lastBytes.load(ordering: .relaxed) {
            return
        }
        let room = left()
        let (double, overflow) = bytes.multipliedReportingOverflow(by: 2)
        let (wanted, more) = double.addingReportingOverflow(reserve)
        guard !overflow, !more, wanted <= room.bytes else {
            throw Failure(
                .memory, "not enough memory for \(what()): \(room.reason)", hint: hint)
        }
        lastTime.store(now, ordering: .relaxed)
        lastBytes.store(bytes &+ bytes / 8, ordering: .relaxed)
    }

    private static let reserve = 24 << 20

    /// Memory that the kernel would give without taking it from others, and free swap.
    private static func available() -> Int? {
        guard let text = text("/proc/meminfo") else { return nil }
        var sum: Int?
        for line in text.split(separator: "\n") {
            guard line.hasPrefix("MemAvailable:") || line.hasPrefix("SwapFree:"),
                let kib = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
            else { continue }
            sum = (sum ?? 0) &+ kib &* 1024
        }
        return sum
    }

    private static func numbers(_ path: String) -> [Int] {
        (text(path) ?? "").split { $0 == " " || $0 == "\n" }.compactMap { Int($0) }
    }

    private static func text(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let n = read(file, &bytes, bytes.count)
        return n > 0 ? String(decoding: bytes[..<n], as: UTF8.self) : nil
    }

    /// "1.9"
    private static func gib(_ bytes: Int) -> String {
        let tenths = bytes / (1 << 30) * 10 + bytes % (1 << 30) * 10 / (1 << 30)
        return "\(tenths / 10).\(tenths % 10)"
    }
}
