import Support
import Tensor

/// Augmentation as named settings, the way a person asks for it.
public struct AugmentationOptions: Sendable {
    /// Seconds that a waveform moves at most.
    public var shift: Double?
    /// Decibels, from and to.
    public var gain: (Double, Double)?
    /// Signal-to-noise ratio in decibels, from and to, and how many examples are noisy.
    public var noise: (Double, Double)?
    public var noiseProbability = 0.8
    /// Noise to add, at the clips' rate; without any, white, pink and brown.
    public var recordings: [Audio] = []
    /// Factors of speed, from and to.
    public var speed: (Double, Double)?
    /// Share of the clip that a silenced stretch takes at most, and how many stretches.
    public var mask: Double?
    public var masks = 1
    /// Mix-up's alpha.
    public var mixUp: Double?
    public var mixUpProbability = 1.0
    /// Which mirror images of pictures count as the same.
    public var flip: Flip.Axis?
    /// Pixels that a picture moves at most.
    public var crop: Int?

    public init() {}

    /// `set` with these changes, in an order that makes sense: speed, place, loudness, noise, masks.
    /// Throws where a setting is impossible or does not suit the examples.
    public func applied(to set: any ExampleSet) throws -> AugmentedExamples {
        var steps: [any Augmentation] = []
        if let speed { steps.append(SpeedChange(factors: try Self.range("speed", speed))) }
        if let shift {
            guard let rate = set.sampleRate else {
                throw Failure(
                    .value, "a time shift in seconds needs examples of a known rate",
                    hint: "data sets of sound files have one")
            }
            steps.append(TimeShift(seconds: shift, rate: rate))
        }
        if let gain { steps.append(Gain(decibels: try Self.range("gain", gain))) }
        if let noise {
            let ratio = try Self.range("noise", noise)
            steps.append(
                BackgroundNoise(recordings: recordings, ratio: ratio, probability: noiseProbability))
        }
        if let mask { steps.append(TimeMask(stretches: masks, share: mask)) }
        if let flip { steps.append(Flip(flip)) }
        if let crop { steps.append(RandomCrop(pixels: crop)) }
        return try AugmentedExamples(
            set, steps, mixUp: mixUp.map { MixUp(alpha: $0, probability: mixUpProbability) })
    }

    private static func range(_ name: String, _ bounds: (Double, Double)) throws(Failure) -> ClosedRange<
        Double
    > {
        guard bounds.0 <= bounds.1 else {
            throw Failure(
                .value, "\(name) from \(bounds.0) to \(bounds.1) is no range",
                hint: "the smaller one comes first")
        }
        return bounds.0...bounds.1
    }
}
