import Glibc
import Synchronization

/// A flag that stops work at its next safe point. The signal handler sets it, loops poll it.
///
/// `request()` is async-signal-safe: a look at the clock and two atomic operations.
public final class CancelFlag: Sendable {
    private let requests = Atomic<Int>(0)
    /// When the first of them came, in nanoseconds of the monotonic clock.
    private let first = Atomic<Int>(0)
    /// For `repeated`: the flag that this one looks at.
    private let origin: CancelFlag?

    public init() { origin = nil }
    private init(origin: CancelFlag) { self.origin = origin }

    /// How long the first request lets a step go on, in nanoseconds: a person who pressed Ctrl-C waits
    /// for the prompt.
    private static let patience = 150_000_000

    /// A flag that is set once a stop was asked for more than once, or some time ago: the first request
    /// lets a short step finish, the second does not.
    public var repeated: CancelFlag { CancelFlag(origin: self) }

    /// The flag that Ctrl-C sets.
    public static let shared = CancelFlag()

    /// Ask for a stop. A second request before `clear` asks for a harder one.
    public func request() {
        if count == 0 { first.store(Self.now(), ordering: .relaxed) }
        requests.wrappingAdd(1, ordering: .relaxed)
    }

    private static func now() -> Int {
        var t = timespec()
        clock_gettime(CLOCK_MONOTONIC, &t)
        return t.tv_sec &* 1_000_000_000 &+ t.tv_nsec
    }

    /// Forget all requests; called when the prompt is back.
    public func clear() { requests.store(0, ordering: .relaxed) }

    /// True once a stop was asked for.
    public var isSet: Bool {
        if let origin {
            let count = origin.count
            if count == 0 { return false }
            return count > 1 || Self.now() &- origin.first.load(ordering: .relaxed) > Self.patience
        }
        return requests.load(ordering: .relaxed) > 0
    }

    /// How many times a stop was asked for since `clear`.
    public var count: Int { requests.load(ordering: .relaxed) }

    /// Throw `Failure.interrupted` once a stop was asked for.
    public func check() throws(Failure) {
        if isSet { throw .interrupted }
    }
}
