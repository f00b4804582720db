import Network
import Support
import Tensor

/// How a maximization climbs.
public struct MaximizationOptions {
    /// Step size η.
    public var eta: Strength
    public var steps = 200
    /// nil: x ← x + η · g, plain ascent on the normalized gradient. Otherwise the optimizer's own rule,
    /// climbing, at the rate η.
    public var optimizer: Optimizer?
    /// The gradient is divided by its root mean square (+ ε), its Euclidean length, or by nothing.
    public enum Norm: String, Sendable, CaseIterable { case rms, l2, none }
    public var norm = Norm.rms
    public var epsilon = 1e-8
    /// Where it begins.
    public enum Start {
        /// Seeded uniform noise: (u − ½) · 20 + 128 for pictures, · 0.2 for sounds; in the terms of other
        /// parametrizations their own small noise.
        case noise
        /// Grey, or silence.
        case zeros
        /// [n] + input shape, or one input for all, in the network's units.
        case given(Tensor)
    }
    public var start = Start.noise
    public var key = RandomKey(seed: 0)
    /// So many inputs for each aim, each with noise of its own.
    public var copies = 1
    public var parametrization = Parametrization.samples
    public var transforms = Transforms()
    public var regularizers = Regularizers()
    public var conditioning = Conditioning()
    /// Between what values the input stays.
    public enum Bounds: Hashable, Sendable {
        case none
        /// What a sound (-1 … 1) or a picture (0 … 255) can hold.
        case natural
        /// In the network's units.
        case range(Double, Double)
    }
    public var bounds = Bounds.none
    /// The root mean square of a sound stays at or below this.
    public var loudness: Double?
    /// In the first steps a ReLU that blocks a sample's whole gradient lets through what would raise it.
    public var redirected = 0
    /// Stop once no aim has risen by this share of its range over the last `patience` steps.
    public var settled: Double?
    public var patience = 25
    /// How many inputs on the way are kept for an animation; nil: 32, fewer where they are large.
    public var frames: Int?

    public init(eta: Double) { self.eta = .constant(eta) }

    func checked() throws -> MaximizationOptions {
        if case .constant(let eta) = eta {
            guard eta.isFinite, eta != 0 else {
                throw Failure(.argument, "maximize: eta must be a number other than 0")
            }
        }
        guard steps >= 1, steps <= 10_000_000 else {
            throw Failure(.argument, "maximize: steps must be at least 1, not \(steps)")
        }
        guard copies >= 1, copies <= 4096 else {
            throw Failure(.argument, "maximize: copies lie from 1 to 4096, not \(copies)")
        }
        if let loudness, !(loudness > 0) {
            throw Failure(.argument, "maximize: loudness must be above 0, not \(loudness)")
        }
        if !parametrization.isSamples && conditioning.isActive {
            throw Failure(
                .argument,
                "maximize: blur, lowpass and clipping work on samples, not on \(parametrization.name)",
                hint: "leave them out, or use parametrization = \"samples\"")
        }
        return self
    }
}
