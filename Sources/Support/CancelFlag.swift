import Synchronization

/// A flag that stops work at its next safe point. The signal handler sets it, loops poll it.
///
/// `request()` is async-signal-safe: it is one atomic add.
public final class CancelFlag: Sendable {
    private let requests = Atomic<Int>(0)

    public init() {}

    /// The flag that Ctrl-C sets.
    public static let shared = CancelFlag()

    /// Ask for a stop. A second request before `clear` asks for a harder one.
    public func request() { requests.wrappingAdd(1, ordering: .relaxed) }

    /// Forget all requests; called when the prompt is back.
    public func clear() { requests.store(0, ordering: .relaxed) }

    /// True once a stop was asked for.
    public var isSet: Bool { requests.load(ordering: .relaxed) > 0 }

    /// How many times a stop was asked for since `clear`.
    public var count: Int { requests.load(ordering: .relaxed) }

    /// Throw `Failure.interrupted` once a stop was asked for.
    public func check() throws(Failure) {
        if isSet { throw .interrupted }
    }
}
