import Engine
import Graph
import Network
import Support
import Tensor

/// Finds where in an input the evidence for classes lies: traced, differentiated and planned once,
/// then run as often as the method asks.
public struct Attributor {
    let network: Network
    let method: AttributionMethod
    let options: AttributionOptions
    /// Of the input.
    let shape: [Int]
    /// True where Grad-CAM is run in the place of CAM.
    private let isStandIn: Bool

    /// Throws where the method does not fit the network or an option is out of range.
    public init(_ network: Network, _ method: AttributionMethod, _ options: AttributionOptions = .init())
        throws
    {
        shape = try network.builtInputShape()
        guard try network.outputShape().last ?? 0 > 0 else {
            throw Failure(.shape, "\(network.name) has no classes to attribute to")
        }
        var options = try options.checked(method, shape)
        if method.usesLayer {
            let layer = try options.layer ?? network.lastMapLayer()
            guard layer.outputShape.count >= 2 else {
                throw Failure(
                    .shape,
                    "\(method.rawValue): \(layer.name) has shape \(Shape.describe(layer.outputShape)) and no places to draw",
                    hint: "name a layer with a map, such as \(try network.lastMapLayer().name)")
            }
            guard layer.outputShape.count == shape.count else {
                throw Failure(
                    .shape,
                    "\(method.rawValue): \(layer.name) has other axes than the input of \(Shape.describe(shape))",
                    hint: "name a layer with as many axes as the input")
            }
            options.layer = layer
        }
        self.network = network
        // Where no class activation map is defined, Grad-CAM generalizes it.
        if method == .cam, let layer = options.layer, !network.isAveragedLinearly(after: layer) {
            self.method = .gradcam
        } else {
            self.method = method
        }
        isStandIn = self.method != method
        self.options = options
    }

    /// The same for a copy of the network.
    func onCopy(_ copy: Network) throws -> Attributor {
        var same = options
        if let layer = options.layer { same.layer = try copy.layer(at: layer.position) }
        return try Attributor(copy, method, same)
    }

    /// The attribution of `classes` (nil: the likeliest) in `input`, of the network's input shape.
    /// Throws `Failure.interrupted` once `cancel` is set.
    public func run(
        _ input: Tensor, classes: [Int]? = nil, cancel: CancelFlag = .shared, progress: ProgressHook? = nil
    ) throws -> Attribution {
        let clock = ContinuousClock()
        let begin = clock.now
        guard input.shape == shape else {
            throw Failure(
                .shape, "\(method.rawValue): the input has shape \(Shape.describe(input.shape))",
                hint: "\(network.name) takes \(Shape.describe(shape))")
        }
        let x = try input.converted(to: .float32).dense().reshaped([1] + shape)
        let (scores, probabilities) = try network.classScores(x, cancel: cancel)
        let all = try scores.array(of: Double.self)
        let chosen = classes ?? [all.indices.max { all[$0] < all[$1] } ?? 0]
        try check(chosen, all)
        let likely = try probabilities.array(of: Double.self)
        let work = Work(
            x: x, classes: chosen, count: all.count, scores: chosen.map { all[$0] },
            probabilities: chosen.map { likely[$0] }, cancel: cancel, progress: progress,
            label: "\(method.rawValue) \(network.className(chosen[0]))")
        let raw = try attribute(work)
        let map = try onInput(raw, cancel)
        work.finish()
        let elapsed = (clock.now - begin).components
        return Attribution(
            network: network, method: method, layer: method.usesLayer ? options.layer : nil, input: input,
            classes: chosen, labels: chosen.map(network.className), scores: work.scores,
            probabilities: work.probabilities, raw: raw, map: map, isSigned: method.isSigned,
            settings: settings, residuals: try residuals(raw, work), notes: notes,
            seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
    }

    private func check(_ classes: [Int], _ scores: [Double]) throws {
        guard !classes.isEmpty, classes.count <= 64 else {
            throw Failure(.argument, "\(method.rawValue): give from 1 to 64 classes, not \(classes.count)")
        }
        guard let bad = classes.first(where: { !scores.indices.contains($0) }) else {
            guard let broken = classes.first(where: { !scores[$0].isFinite }) else { return }
            throw Failure(
                .numeric,
                "\(method.rawValue): the score of \(network.className(broken)) is not a finite number",
                hint: "look at the input and at the weights for NaN")
        }
        throw Failure(
            .index, "\(method.rawValue): \(network.name) has no class \(bad)",
            hint: "it has \(scores.count), from 0 to \(scores.count - 1)")
    }

    /// What one run carries along.
    final class Work {
        /// [1] + input shape
        let x: Tensor
        let classes: [Int]
        /// Of the network.
        let count: Int
        /// Of the classes, before softmax and after it.
        let scores: [Double]
        let probabilities: [Double]
        let cancel: CancelFlag
        private let progress: ProgressHook?
        private let label: String
        private var done = 0
        /// How many steps there are; 0 where none is told.
        var total = 0

        init(
            x: Tensor, classes: [Int], count: Int, scores: [Double], probabilities: [Double],
            cancel: CancelFlag, progress: ProgressHook?, label: String
        ) {
            (self.x, self.classes, self.count) = (x, classes, count)
            (self.scores, self.probabilities) = (scores, probabilities)
            (self.cancel, self.progress, self.label) = (cancel, progress, label)
        }

        /// One-hot rows of the chosen classes.
        func rows(_ chosen: [Int]) throws -> Tensor {
            var values = [Float](repeating: 0, count: chosen.count * count)
            for (i, c) in chosen.enumerated() { values[i * count + c] = 1 }
            return try Tensor(values, shape: [chosen.count, count])
        }
        func advance(_ n: Int) {
            done += n
            progress?(Progress(label: label, done: done, total: total))
        }
        func finish() {
            if total > 0 { progress?(Progress(label: label, done: done, total: total, isFinal: true)) }
        }
    }

    // MARK: - Methods

    private func attribute(_ work: Work) throws -> Tensor {
        switch method {
        case .scorecam, .ablationcam: return try weighedByScores(work)
        case .smoothgrad, .integratedGradients, .gradientSHAP: return try pathGradients(work)
        case .occlusion, .rise: return try masked(work)
        case .lrp: return try relevance(work)
        case _ where method.usesLayer:
            guard let layer = options.layer else { throw Failure(.value, "\(method.rawValue) needs a layer") }
            let recording = Recording()
            let x = try batched(recording.give(work.x), work.classes.count)
            let values = try network.trace(x, layers: [layer, network.outputLayer])
            let (scores, chosen) = (
                try ClassScores(of: values[1]), try recording.oneHot(work.classes, of: work.count)
            )
            let isGuided = method == .guidedGradcam
            let map = try ClassActivation.map(
                isGuided ? .gradcam : method, activation: values[0], scores: scores, chosen: chosen,
                in: recording)
            guard isGuided else { return try recording.run([map], cancel: work.cancel)[0] }
            // Selvaraju et al. 2017: what guided backpropagation finds, where Grad-CAM looks.
            let found = try InputGradients.gradient(.guidedBackprop, x, scores, chosen)
            return try recording.run([found * stretched(map)], cancel: work.cancel)[0]
        default:
            let recording = Recording()
            let x = try batched(recording.give(work.x), work.classes.count)
            let g = try InputGradients.gradient(
                method, x, ClassScores(of: network.trace(x)), recording.oneHot(work.classes, of: work.count))
            return try recording.run([g], cancel: work.cancel)[0]
        }
    }

    /// One copy for each class.
    private func batched(_ x: Traced, _ n: Int) throws -> Traced {
        n == 1 ? x : try x.broadcasted(to: [n] + shape)
    }

    private func relevance(_ work: Work) throws -> Tensor {
        let recording = Recording()
        let x = try batched(recording.give(work.x), work.classes.count)
        let scores = try ClassScores(of: network.trace(x)).scores
        let (low, high) = try bounds(recording)
        let propagation = try RelevancePropagation(
            options.relevance, from: x, to: scores, low: low, high: high)
        let chosen = try recording.oneHot(work.classes, of: work.count)
        let score = try (scores * chosen).sum()
        return try recording.run([propagation.relevance(of: score)], cancel: work.cancel)[0]
    }

    /// The lowest and highest values of each channel that a picture may have, for the box rule.
    private func bounds(_ recording: Recording) throws -> (Traced?, Traced?) {
        let channels = shape.last ?? 1
        let axes = shape.map { _ in 1 }
        func give(_ values: [Float]) throws -> Traced {
            let all = values.count == 1 ? [Float](repeating: values[0], count: channels) : values
            guard all.count == channels else {
                throw Failure(
                    .argument,
                    "lrp: low and high need one number, or one for each of the \(channels) channels")
            }
            return try recording.give(all, axes + [channels])
        }
        if let low = options.relevance.low, let high = options.relevance.high {
            return (try give(low), try give(high))
        }
        let known = network.preprocessing
        guard known.kind == "image", shape.count == 3 else { return (nil, nil) }
        func value(_ raw: Double) -> [Float] {
            (0..<channels).map { c in
                let mean = known.mean.indices.contains(c) ? known.mean[c] : 0
                let deviation = known.deviation.indices.contains(c) ? known.deviation[c] : 1
                return Float((raw * known.scale - mean) / deviation)
            }
        }
        return (try give(value(0)), try give(value(255)))
    }

    // MARK: - Results

    /// Maps [n, spatial… of a layer] over the input: [n, spatial…, 1].
    private func stretched(_ maps: Traced) throws -> Traced {
        try maps.reshaped(maps.shape + [1]).resized(Array(shape.dropLast()))
    }

    /// The importance of each place of the input: layers' maps stretched over it, channels folded.
    private func onInput(_ raw: Tensor, _ cancel: CancelFlag) throws -> Tensor {
        let lengths = Array(shape.dropLast())
        let recording = Recording()
        let value = try recording.give(raw)
        let map: Traced
        switch method {
        case _ where method.isByMasks: return raw
        case _ where method.isLayerMap:
            map = try stretched(value).reshaped([raw.shape[0]] + lengths)
        case _ where method.isShared:
            // Shares of a score add up.
            map = try shape.count > 1 ? value.sum([-1]) : value
        default:
            // The strongest channel, as Simonyan et al. 2014.
            map = try shape.count > 1 ? value.abs().max([-1]) : value.abs()
        }
        return try recording.run([map], cancel: cancel)[0]
    }

    private func residuals(_ raw: Tensor, _ work: Work) throws -> [Double]? {
        guard method == .integratedGradients || method == .gradientSHAP || method == .lrp else { return nil }
        let expected = try method == .lrp ? work.scores : gains(work)
        let recording = Recording()
        let sums = try recording.give(raw).sum(Array(1..<raw.rank))
        let found = try recording.run([sums], cancel: work.cancel)[0].array(of: Double.self)
        return zip(found, expected).map { $0 - $1 }
    }

    private var settings: JSON {
        var all: JSON = [:]
        switch method {
        case .integratedGradients: all["steps"] = .integer(options.steps)
        case .smoothgrad, .gradientSHAP:
            all["samples"] = .integer(options.samples)
            all["noise"] = .number(noise)
            if method == .gradientSHAP { all["baselines"] = .integer(baselineCount) }
            all["seed"] = .number(Double(options.key.seed))
        case .rise:
            all["masks"] = .integer(options.masks)
            all["cells"] = .ints(options.cells ?? [])
            all["keep"] = .number(options.keep)
            all["seed"] = .number(Double(options.key.seed))
        case .occlusion:
            all["window"] = .ints(options.window ?? [])
            all["stride"] = .ints(options.stride ?? [])
        case .lrp:
            let relevance = options.relevance
            all["rule"] = .string(relevance.rule.rawValue)
            all["epsilon"] = .number(relevance.epsilon)
            if relevance.rule == .gamma || relevance.rule == .composite {
                all["gamma"] = .number(relevance.gamma)
            }
            all["bias"] = .bool(relevance.bias)
            if let first = relevance.first { all["first"] = .string(first.rawValue) }
        default: break
        }
        return all
    }

    private var notes: [String] {
        guard method == .gradcam, let layer = options.layer, isStandIn else { return [] }
        return [
            "\(network.name) does not end in a global average and dense layers behind \(layer.name), so no class activation map is defined; this is Grad-CAM, its generalization"
        ]
    }
}
