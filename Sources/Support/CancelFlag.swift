import Synchronization

/// A flag that stops work at its next safe point. The signal handler sets it, loops poll it.
///
/// `request()` is async-signal-safe: it is one atomic add.
public final class CancelFlag: Sendable {
    private let requests = Atomic<Int>(0)
    /// For `repeated`: the flag that this one looks at.
    private let origin: CancelFlag?

    public init() { origin = nil }
    private init(origin: CancelFlag) { self.origin = origin }

    /// A flag that is set once a stop was asked for more than once: the first request lets a step
    /// finish, the second does not.
    public var repeated: CancelFlag { CancelFlag(origin: self) }

    /// The flag that Ctrl-C sets.
    public static let shared = CancelFlag()

    /// Ask for a stop. A second request before `clear` asks for a harder one.
    public func request() { requests.wrappingAdd(1, ordering: .relaxed) }

    /// Forget all requests; called when the prompt is back.
    public func clear() { requests.store(0, ordering: .relaxed) }

    /// True once a stop was asked for.
    public var isSet: Bool {
        if let origin { return origin.count > 1 }
        return requests.load(ordering: .relaxed) > 0
    }

    /// How many times a stop was asked for since `clear`.
    public var count: Int { requests.load(ordering: .relaxed) }

    /// Throw `Failure.interrupted` once a stop was asked for.
    public func check() throws(Failure) {
        if isSet { throw .interrupted }
    }
}
