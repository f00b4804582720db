import Support
import Tensor

/// A random change that leaves an example's class as it is.
public protocol Augmentation: Sendable {
    /// What it does with which settings; part of the augmented set's fingerprint.
    var summary: String { get }

    /// Throws where examples of this shape (or rate) cannot be changed so, or a setting is impossible.
    func check(shape: [Int], sampleRate: Int?) throws

    /// Change one example in place. `shape` is [length, channels] or [height, width, channels].
    func apply(_ example: UnsafeMutableBufferPointer<Float>, shape: [Int], _ random: inout RandomNumbers)
        throws
}

/// Blends two examples and their targets: x = λ x1 + (1 - λ) x2 with λ drawn from Beta(alpha, alpha)
/// (Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization").
public struct MixUp: Sendable {
    /// 0.2 blends a little, 1 takes every proportion equally often.
    public var alpha: Double
    /// How many of the examples are blended.
    public var probability: Double

    public init(alpha: Double = 0.2, probability: Double = 1) {
        self.alpha = alpha
        self.probability = probability
    }
}

/// A set whose examples are changed anew each epoch while they are handed out.
///
/// What an example becomes follows from the key and its index, whatever batch and thread it is
/// made in; without a key the examples are as they are, so evaluation sees them unchanged.
public final class AugmentedExamples: ExampleSet {
    public let base: any ExampleSet
    public let fingerprint: String
    private let steps: [any Augmentation]
    private let mixUp: MixUp?

    /// `steps` are applied in order, mix-up last.
    public init(_ base: any ExampleSet, _ steps: [any Augmentation], mixUp: MixUp? = nil) throws {
        for step in steps { try step.check(shape: base.exampleShape, sampleRate: base.sampleRate) }
        if let mixUp {
            guard mixUp.alpha > 0, mixUp.alpha <= 100, (0...1).contains(mixUp.probability) else {
                throw Failure(
                    .value,
                    "mix-up with alpha \(mixUp.alpha) and probability \(mixUp.probability) is not possible",
                    hint: "alpha lies above 0 (0.2 is usual), the probability between 0 and 1")
            }
        }
        self.base = base
        self.steps = steps
        self.mixUp = mixUp
        var digest = Digest()
        digest.add("augmented \(base.fingerprint)")
        for step in steps { digest.add(step.summary) }
        if let mixUp { digest.add("mixup \(mixUp.alpha) \(mixUp.probability)") }
        fingerprint = digest.text
    }

    public var count: Int { base.count }
    public var exampleShape: [Int] { base.exampleShape }
    public var targetShape: [Int] { base.targetShape }
    public var classNames: [String] { base.classNames }
    public var sampleRate: Int? { base.sampleRate }
    public func label(at index: Int) -> Int? { base.label(at: index) }
    public func source(at index: Int) -> String? { base.source(at: index) }
    public func group(at index: Int) -> String? { base.group(at: index) }

    public func fill(
        _ rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutablePointer<Float>,
        targets: UnsafeMutablePointer<Float>, key: RandomKey?
    ) throws {
        guard let key else { return try base.fill(rows, inputs: inputs, targets: targets, key: nil) }
        try fillChanged(rows, inputs, targets, key)
        guard let mixUp else { return }
        let (size, width) = (exampleSize, targetSize)
        var other = [Float](repeating: 0, count: size + width)
        for (i, row) in rows.enumerated() {
            var random = RandomNumbers(key: key.derived(1), stream: UInt32(truncatingIfNeeded: row))
            if random.uniform() >= mixUp.probability { continue }
            var partner = random.index(count)
            let share = Float(random.beta(mixUp.alpha))
            try other.withUnsafeMutableBufferPointer { other in
                guard let second = other.baseAddress else { return }
                try withUnsafePointer(to: &partner) { one in
                    try fillChanged(
                        UnsafeBufferPointer(start: one, count: 1), second, second + size, key)
                }
                Self.blend(inputs + i * size, second, size, share)
                Self.blend(targets + i * width, second + size, width, share)
            }
        }
    }

    private static func blend(
        _ x: UnsafeMutablePointer<Float>, _ y: UnsafePointer<Float>, _ n: Int, _ share: Float
    ) {
        for j in 0..<n { x[j] = share * x[j] + (1 - share) * y[j] }
    }

    /// The examples after every step but mix-up.
    private func fillChanged(
        _ rows: UnsafeBufferPointer<Int>, _ inputs: UnsafeMutablePointer<Float>,
        _ targets: UnsafeMutablePointer<Float>, _ key: RandomKey
    ) throws {
        // The base may augment too, with numbers of its own.
        try base.fill(rows, inputs: inputs, targets: targets, key: key.derived(0))
        let (size, shape) = (exampleSize, exampleShape)
        for (i, row) in rows.enumerated() {
            var random = RandomNumbers(key: key, stream: UInt32(truncatingIfNeeded: row))
            let example = UnsafeMutableBufferPointer(start: inputs + i * size, count: size)
            for step in steps { try step.apply(example, shape: shape, &random) }
        }
    }
}
