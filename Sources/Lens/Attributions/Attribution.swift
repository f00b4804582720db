import Graph
import Network
import Support
import Tensor

/// How the parts of an input that count for a class are found.
public enum AttributionMethod: String, Sendable, CaseIterable {
    // Maps of a layer, weighed and stretched over the input.
    case cam, gradcam, gradcampp, xgradcam, layercam, scorecam, ablationcam, hirescam, eigencam, eigengradcam
    // What the score answers to in the input itself.
    case saliency, smoothgrad, integratedGradients = "integrated_gradients"
    case gradientSHAP = "gradient_shap"
    case gradientTimesInput = "grad_times_input", guidedBackprop = "guided_backprop", deconvnet
    case occlusion, rise, lrp
    /// Both: guided backpropagation under Grad-CAM's map.
    case guidedGradcam = "guided_gradcam"

    /// True where a layer's map is weighed.
    public var isLayerMap: Bool {
        switch self {
        case .cam, .gradcam, .gradcampp, .xgradcam, .layercam, .scorecam, .ablationcam, .hirescam,
            .eigencam, .eigengradcam:
            true
        default: false
        }
    }

    /// True where a layer takes part.
    var usesLayer: Bool { isLayerMap || self == .guidedGradcam }

    /// True where parts of the input are covered: there is a value for each place, not each number.
    public var isByMasks: Bool { self == .occlusion || self == .rise }

    /// True where what the input adds to a score is shared out over its numbers.
    var isShared: Bool {
        switch self {
        case .integratedGradients, .gradientSHAP, .gradientTimesInput, .lrp: true
        default: false
        }
    }

    /// True where values below 0 speak against the class.
    public var isSigned: Bool { isShared || isByMasks || self == .cam }

    /// The noise that is laid over the input unless told otherwise.
    var usualNoise: Double { self == .smoothgrad ? 0.15 : 0 }
}

/// What an attribution is told besides network, input and classes. Each method takes what it needs.
public struct AttributionOptions {
    /// The layer whose map is weighed; nil: the last one with a map before pooling, flattening or the end.
    public var layer: LayerHandle?
    /// Points of the path of integrated gradients (Gauss-Legendre nodes).
    public var steps = 50
    /// Noisy copies that SmoothGrad averages over, or points of gradient SHAP.
    public var samples = 50
    /// Noise of the copies or points as a part of max(x) − min(x); nil: 0.15 for SmoothGrad, else none.
    public var noise: Double?
    /// What stands for nothing: integrated gradients begin there, occlusion and RISE lay it over; nil:
    /// zeros. Gradient SHAP begins at several, [n] + input shape.
    public var baseline: Tensor?
    /// RISE: how many masks, their cells along each spatial axis (nil: 16 of a sound, 7 x 7 of a
    /// picture), and the probability that a cell is seen.
    public var masks = 4000
    public var cells: [Int]?
    public var keep = 0.5
    /// What occlusion covers at a time and how far it moves, one length for each spatial axis; nil:
    /// an eighth of each axis, moved by half of that.
    public var window: [Int]?
    public var stride: [Int]?
    public var relevance = RelevanceOptions()
    /// Inputs that go through the network at once where many do; nil: as many as fit well.
    public var batch: Int?
    public var key = RandomKey(seed: 0)

    public init() {}
}

/// Where in an input the evidence for one class or several lies.
///
/// Axis n runs over the classes.
public struct Attribution {
    public let network: Network
    public let method: AttributionMethod
    /// The layer whose map was weighed, for the CAM family.
    public let layer: LayerHandle?
    /// The input: the network's input shape, without the batch.
    public let input: Tensor
    /// The classes, and what they are called.
    public let classes: [Int]
    public let labels: [String]
    /// The class' score before softmax and its probability, n of each.
    public let scores: [Double]
    public let probabilities: [Double]
    /// What the method gives: [n, spatial… of the layer] for the CAM family, [n, spatial…] for
    /// occlusion and RISE, [n] + input shape for the others.
    public let raw: Tensor
    /// Importance of each place of the input: [n, spatial…].
    public let map: Tensor
    /// True where values below 0 speak against the class.
    public let isSigned: Bool
    /// Options that the method used, as they are to be shown.
    public let settings: JSON
    /// By how much the sum over the input differs from what it should be, n of each: from
    /// f(x) − f(baseline) for integrated gradients (the mean over the baselines for gradient SHAP), from
    /// the score for lrp.
    public let residuals: [Double]?
    /// What the person should know: which method stood in for which.
    public let notes: [String]
    public let seconds: Double
}

extension Attribution {
    /// One of its classes.
    public func only(_ index: Int) throws -> Attribution {
        guard classes.indices.contains(index) else {
            throw Failure(.index, "an attribution of \(classes.count) classes has no class at \(index)")
        }
        func row(_ t: Tensor) throws -> Tensor {
            try t[[.slice(start: index, end: index + 1, step: 1)]].dense()
        }
        return Attribution(
            network: network, method: method, layer: layer, input: input, classes: [classes[index]],
            labels: [labels[index]], scores: [scores[index]], probabilities: [probabilities[index]],
            raw: try row(raw), map: try row(map), isSigned: isSigned, settings: settings,
            residuals: residuals.map { [$0[index]] }, notes: notes, seconds: seconds)
    }
}

extension AttributionOptions {
    func checked(_ method: AttributionMethod, _ shape: [Int]) throws -> AttributionOptions {
        let name = method.rawValue
        guard 1...100_000 ~= steps else {
            throw Failure(.argument, "\(name): steps must be from 1 to 100000, not \(steps)")
        }
        guard 1...1_000_000 ~= samples else {
            throw Failure(.argument, "\(name): samples must be from 1 to 1000000, not \(samples)")
        }
        let noise = noise ?? method.usualNoise
        guard noise.isFinite, noise >= 0 else {
            throw Failure(.argument, "\(name): noise must be at least 0, not \(noise)")
        }
        guard 1...1_000_000 ~= masks, keep > 0, keep < 1 else {
            throw Failure(
                .argument,
                "\(name): masks must be from 1 to 1000000 and keep between 0 and 1, not \(masks) and \(keep)"
            )
        }
        if let batch, !(1...4096 ~= batch) {
            throw Failure(.argument, "\(name): batch must be from 1 to 4096, not \(batch)")
        }
        try relevance.check()
        guard shape.count >= 2 else {
            guard !method.usesLayer, !method.isByMasks else {
                throw Failure(
                    .shape, "\(name): an input of shape \(Shape.describe(shape)) has no places to point at",
                    hint: "it takes waveforms [length, channels] and pictures [height, width, channels]")
            }
            return self
        }
        var options = self
        let lengths = Array(shape.dropLast())
        guard method != .rise || lengths.count <= 2 else {
            throw Failure(
                .shape, "rise: there are no masks for an input of shape \(Shape.describe(shape))",
                hint: "it takes waveforms [length, channels] and pictures [height, width, channels]")
        }
        let fewest = lengths.count == 1 ? 16 : 7
        options.cells = try Self.lengths(cells, lengths.map { min(fewest, $0) }, lengths, "cells", name)
        let window = try Self.lengths(window, lengths.map { max($0 / 8, 1) }, lengths, "window", name)
        options.window = window
        options.stride = try Self.lengths(stride, window.map { max($0 / 2, 1) }, lengths, "stride", name)
        return options
    }

    private static func lengths(
        _ given: [Int]?, _ standard: [Int], _ axes: [Int], _ what: String, _ name: String
    ) throws -> [Int] {
        guard var given else { return standard }
        if given.count == 1 { given = axes.map { _ in given[0] } }
        guard given.count == axes.count, zip(given, axes).allSatisfy({ $0 >= 1 && $0 <= $1 }) else {
            throw Failure(
                .argument,
                "\(name): \(what) \(Shape.describe(given)) does not fit an input of \(Shape.describe(axes))",
                hint: "give a length from 1 to that of the axis, or one for each axis")
        }
        return given
    }
}
