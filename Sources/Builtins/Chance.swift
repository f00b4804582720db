import Glibc
import Support
import Tensor

/// The session's source of random numbers: `randn`, `fit`, `maximize` and all others take their
/// keys here, so that everything follows from one seed.
public final class Chance {
    public private(set) var seed: UInt64
    /// How many keys were drawn since the seed was set.
    private var drawn: UInt64 = 0

    /// `seed` nil: one from the system, another each time.
    public init(seed: UInt64? = Settings.current.seed) {
        self.seed = seed ?? UInt64.random(in: 0..<(1 << 32))
    }

    /// Start again from `seed`.
    public func restart(_ seed: UInt64) {
        self.seed = seed
        drawn = 0
    }

    /// A key of its own for the next computation that draws random numbers.
    public func nextKey() -> RandomKey {
        // What is drawn as plain values while a function is recorded would be the same in each call.
        if let trace = Trace.current, trace.drawsAnew { trace.refuse() }
        drawn &+= 1
        return RandomKey(seed: Self.mixed(seed &+ drawn &* 0x9E37_79B9_7F4A_7C15))
    }

    /// The finalizer of SplitMix64 (Steele et al. 2014): neighbouring numbers become unrelated ones.
    private static func mixed(_ x: UInt64) -> UInt64 {
        var z = x
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
