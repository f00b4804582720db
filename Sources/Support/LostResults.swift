import Glibc
import Synchronization

/// Results that standard output did not take, because its disk is full or its reader gone. Whoever writes
/// there says so here; the shell tells the person, and ends with status 1.
public enum LostResults {
    private static let first = Atomic<Int32>(0)

    /// Keeps the `errno` of the first write that failed.
    public static func note(_ code: Int32) {
        _ = first.compareExchange(expected: 0, desired: code, ordering: .relaxed)
    }

    /// Why results were lost; nil where none were.
    public static var reason: String? {
        let code = first.load(ordering: .relaxed)
        return code == 0 ? nil : String(cString: strerror(code))
    }
}
