import Glibc
import Synchronization

/// What the person should know and is no result: a file that was left out, how to go on.
public enum Notes {
    private static let taker = Mutex<(@Sendable (String) -> Void)?>(nil)
    private static let keeper = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// Whoever shows progress takes the notes too, so that a line that is being redrawn ends first.
    public static func give(to body: @escaping @Sendable (String) -> Void) {
        taker.withLock { $0 = body }
    }

    /// Whoever keeps a record of the run takes what `say` says, quiet or not.
    public static func keep(by body: @escaping @Sendable (String) -> Void) {
        keeper.withLock { $0 = body }
    }

    /// A line on standard error, unless the session is quiet.
    public static func say(_ text: String) {
        keeper.withLock({ $0 })?(text)
        announce(text)
    }

    /// The same, but for the terminal only: where a file is that the record holds itself.
    public static func announce(_ text: String) {
        if Settings.current.isQuiet { return }
        if let body = taker.withLock({ $0 }) { return body(text) }
        var line = Array((text + "\n").utf8)
        line.withUnsafeMutableBytes { _ = write(2, $0.baseAddress, $0.count) }
    }
}
