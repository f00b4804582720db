import CKernels
import COneDNN
import Support

/// How much of the machine computes, for the whole process. Set it before the first plan is made:
/// primitives keep what held when they were made.
public enum Effort {
    /// Threads that compute; one a core unless it was set.
    public static var threads: Int {
        get { Int(vz_threads()) }
        set { vz_set_threads(Int32(clamping: newValue)) }
    }

    /// What the command line asked for.
    public static func apply(_ settings: Settings) {
        if let n = settings.threads { threads = n }
        if settings.precision == .bf16 { allowBFloat16() }
    }

    /// Lets convolutions that are planned from now on, and matrix products, round their inputs to bfloat16
    /// where the processor computes with it; sums, weights and everything else stay float32.
    public static func allowBFloat16() { _ = vz_allow_bfloat16(1) }
}
