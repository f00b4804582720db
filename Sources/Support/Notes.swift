import Glibc
import Synchronization

/// What the person should know and is no result: a file that was left out, how to go on.
public enum Notes {
    private static let taker = Mutex<(@Sendable (_ text: String, _ isKept: Bool) -> Void)?>(nil)

    /// Whoever shows progress takes the notes too, so that a line that is being redrawn ends first. What
    /// is kept belongs to the run's record; the rest tells only of files.
    public static func give(to body: @escaping @Sendable (_ text: String, _ isKept: Bool) -> Void) {
        taker.withLock { $0 = body }
    }

    /// A line on standard error, unless the session is quiet.
    public static func say(_ text: String) { tell(text, isKept: true) }

    /// What only the terminal is told: where a file is.
    public static func announce(_ text: String) { tell(text, isKept: false) }

    private static func tell(_ text: String, isKept: Bool) {
        if let body = taker.withLock({ $0 }) { return body(text, isKept) }
        if Settings.current.isQuiet { return }
        var line = Array((text + "\n").utf8)
        line.withUnsafeMutableBytes { _ = write(2, $0.baseAddress, $0.count) }
    }
}
