import Support

/// How layer-wise relevance propagation shares a unit's relevance among its inputs.
public struct RelevanceOptions: Sendable, Hashable {
    public enum Rule: String, Sendable, CaseIterable {
        /// By each input's part a·w of the sum z, whose size is enlarged by epsilon.
        case epsilon
        /// With positive parts strengthened: w + gamma · max(w, 0).
        case gamma
        /// By the positive parts alone: max(w, 0). Also called z⁺ and alpha1beta0.
        case plus
        /// Dense layers by epsilon, convolutions by gamma, and the first layer by the values that its
        /// input may take ("box") for pictures, by the squares of its weights ("w2") for sound.
        case composite
    }
    /// What the first layer does instead, where it looks at the input itself.
    public enum First: String, Sendable, CaseIterable {
        /// As its kind of layer.
        case rule
        /// By squared weights, whatever the input's values.
        case w2
        /// Evenly over the positions under the window.
        case flat
        /// By the distance from the lowest and highest values that inputs take.
        case box
    }
    public var rule = Rule.composite
    public var epsilon = 1e-6
    public var gamma = 0.25
    /// True: biases keep their share, as Montavon et al. 2019 and Captum have it. False: they get none, and
    /// all relevance reaches the input.
    public var bias = true
    /// nil: by the rule.
    public var first: First?
    /// Lowest and highest values of an input's channels, for "box"; nil: from the input given.
    public var low: [Float]?
    public var high: [Float]?

    public init() {}

    func check() throws {
        guard epsilon.isFinite, epsilon >= 0 else {
            throw Failure(.argument, "lrp: epsilon must be at least 0, not \(epsilon)")
        }
        guard gamma.isFinite, gamma >= 0 else {
            throw Failure(.argument, "lrp: gamma must be at least 0, not \(gamma)")
        }
    }
}
