import Engine
import Graph
import Network
import Support
import Tensor

/// How a maximization climbs.
public struct MaximizationOptions {
    /// Step size η.
    public var eta: Double
    public var steps = 200
    /// The gradient is divided by its root mean square (+ ε), its Euclidean length, or by nothing.
    public enum Norm: String, Sendable, CaseIterable { case rms, l2, none }
    public var norm = Norm.rms
    public var epsilon = 1e-8
    /// Where it begins: [n] + input shape or one input for all; nil: seeded uniform noise.
    public var start: Tensor?
    public var key = RandomKey(seed: 0)
    /// The input is moved by up to this many positions, at random, before each step's forward pass.
    public var jitter = 0
    public var regularizers = Regularizers()
    /// Values are kept between these after each step.
    public var bounds: ClosedRange<Double>?
    /// How many inputs on the way are kept for an animation; nil: 32, fewer where they are large.
    public var frames: Int?

    public init(eta: Double) { self.eta = eta }

    func checked() throws -> MaximizationOptions {
        guard eta.isFinite, eta != 0 else {
            throw Failure(.argument, "maximize: eta must be a number other than 0")
        }
        guard steps >= 1, steps <= 10_000_000 else {
            throw Failure(.argument, "maximize: steps must be at least 1, not \(steps)")
        }
        guard jitter >= 0, jitter < 1 << 20 else {
            throw Failure(.argument, "maximize: jitter must not be negative")
        }
        return self
    }
}

/// What a maximization found: one input for each aim, and how it came about.
public final class Maximization {
    public let target: Target
    public let options: MaximizationOptions
    /// The inputs after the last step, and those with the highest score met: [n] + input shape.
    public internal(set) var last: Tensor
    public internal(set) var best: Tensor
    /// Score of each aim before each step, and after the last: n lists of steps + 1 numbers.
    public internal(set) var loss: [[Double]]
    /// Probability of each aim's class before each step, where the layer is the network's output.
    public internal(set) var probabilities: [[Double]]
    /// Highest score met.
    public internal(set) var bestScore: [Double]
    public internal(set) var stepsDone = 0
    public internal(set) var wasInterrupted = false
    public internal(set) var seconds = 0.0
    /// The inputs on the way, evenly spread over the steps, the start among them: for an animation.
    public internal(set) var frames: [(step: Int, input: Tensor)] = []
    /// What the person should know: a gradient that has vanished, and what to do about it.
    public internal(set) var notes: [String] = []

    init(target: Target, options: MaximizationOptions, start: Tensor) {
        self.target = target
        self.options = options
        last = start
        best = start
        loss = target.aims.map { _ in [] }
        probabilities = loss
        bestScore = target.aims.map { _ in -.infinity }
    }
}

/// Activation maximization: x ← x + η · g / (rms(g) + ε) with g the gradient of the aim's score with
/// respect to the input (Erhan et al. 2009; the normalized form of the experiments this reproduces).
public struct Maximizer {
    private let target: Target
    private let options: MaximizationOptions
    private let plan: Plan
    private let scorePlan: Plan
    private let input: Variable
    private let best: Variable
    private let bestScore: Variable
    private let jitterAxes: [Int]
    private let hasProbabilities: Bool

    public init(_ target: Target, _ options: MaximizationOptions) throws {
        self.target = target
        self.options = try options.checked()
        let network = target.layer.network
        let start = try Self.start(target, options)
        let n = target.aims.count
        input = Variable(start, name: "input")
        best = Variable(start, name: "best input")
        bestScore = Variable(try Tensor(repeating: -Double.infinity, shape: [n]), name: "best score")
        jitterAxes = options.jitter > 0 ? Array(1..<max(start.rank - 1, 1)) : []

        let graph = Graph()
        let x = graph.read(input)
        let shifts = graph.input(ValueType([jitterAxes.count], .int32))
        let seen = jitterAxes.isEmpty ? x : try x.rolled(by: shifts, axes: jitterAxes)
        let activation = try network.trace(seen, upTo: target.layer)
        let score = try target.score(activation)
        let penalty = try options.regularizers.penalty(x, middle: Self.middle(network))
        let objective = try (penalty.map { try score - $0 } ?? score).sum()
        let gradient = try graph.gradients(of: objective, withRespectTo: [x])[0]
        let axes = Array(1..<x.rank)
        let power = try gradient.square().mean(axes, keepAxes: true).sqrt()
        let direction: Traced
        switch options.norm {
        case .rms: direction = try gradient / (power + options.epsilon)
        case .l2:
            let length = try gradient.square().sum(axes, keepAxes: true).sqrt()
            direction = try gradient / (length + options.epsilon)
        case .none: direction = gradient
        }
        var next = try x + direction * options.eta
        if let bounds = options.bounds { next = try next.clipped(bounds.lowerBound, bounds.upperBound) }
        let old = graph.read(bestScore)
        let isBetter = try score.binary(.greater, old)
        let kept = try isBetter.reshaped([n] + axes.map { _ in 1 }).select(x, graph.read(best))
        var outputs = [score, try power.reshaped([n])]
        hasProbabilities = target.layer.isOutput && activation.rank == 2
        if hasProbabilities { outputs.append(try Self.probability(target, activation)) }
        plan = try Plan(
            inputs: [shifts], outputs: outputs,
            updates: [(input, next), (best, kept), (bestScore, score.binary(.maximum, old))])
        scorePlan = try Self.makeScorePlan(target, input, hasProbabilities)
    }

    /// The probability of each aim's class: the softmax of the scores, unless they are one already.
    private static func probability(_ target: Target, _ activation: Traced) throws -> Traced {
        let isSoftmax = activation.operation is Softmax
        return try target.score(isSoftmax ? activation : activation.softmax())
    }

    private static func makeScorePlan(_ target: Target, _ input: Variable, _ probabilities: Bool) throws
        -> Plan
    {
        let graph = Graph()
        let activation = try target.layer.network.trace(graph.read(input), upTo: target.layer)
        var outputs = [try target.score(activation)]
        if probabilities { outputs.append(try probability(target, activation)) }
        return try Plan(inputs: [], outputs: outputs)
    }

    /// The middle of the values that the network expects: 128 where pictures are taken as they are.
    private static func middle(_ network: Network) -> Double {
        network.preprocessing.kind == "image" && network.preprocessing.mean.isEmpty
            ? 128 * network.preprocessing.scale : 0
    }

    /// The start: as given, or (uniform [0, 1) − 0.5) · 20 + 128 for pictures, · 0.2 for waveforms.
    private static func start(_ target: Target, _ options: MaximizationOptions) throws -> Tensor {
        let network = target.layer.network
        let shape = [target.aims.count] + (try network.builtInputShape())
        if let given = options.start {
            let whole = given.rank == shape.count ? given : try given.reshaped([1] + given.shape)
            guard whole.rank == shape.count, Array(whole.shape.dropFirst()) == Array(shape.dropFirst()) else {
                throw Failure(
                    .shape, "maximize: the start has shape \(Shape.describe(given.shape))",
                    hint: "\(network.name) takes \(Shape.describe(Array(shape.dropFirst())))")
            }
            return try whole.broadcasted(to: shape).converted(to: .float32).dense()
        }
        // Each aim begins with the same noise, so that differences are the network's.
        let noise = try Tensor(random: .uniform, shape: Array(shape.dropFirst()), key: options.key)
        let isPicture = shape.count == 4
        let (spread, middle) = isPicture ? (Float(20), Float(Self.middle(network))) : (0.2, 0)
        let values = try noise.array(of: Float.self).map { ($0 - 0.5) * spread + middle }
        return try Tensor(values, shape: Array(shape.dropFirst())).broadcasted(to: shape).dense()
    }

    /// Climb. Stopped by `cancel`, it returns what it has; `watch` sees the result as it stands, up to
    /// twenty times a second.
    public func run(
        cancel: CancelFlag = .shared, progress: ProgressHook? = nil, watch: ((Maximization) -> Void)? = nil
    ) throws -> Maximization {
        let result = Maximization(target: target, options: options, start: input.value)
        let clock = ContinuousClock()
        let begin = clock.now
        var vanished = 0
        var lastWatch = begin
        let stride = frameStride()
        for step in 0..<options.steps {
            if let stride, step % stride == 0 { result.frames.append((step, input.value)) }
            do {
                let values = try plan.run([shifts(step)], cancel: cancel)
                let scores = try values[0].array(of: Double.self)
                for (i, score) in scores.enumerated() { result.loss[i].append(score) }
                if hasProbabilities {
                    for (i, p) in try values[2].array(of: Double.self).enumerated() {
                        result.probabilities[i].append(p)
                    }
                }
                vanished = try values[1].array(of: Double.self).contains { !($0 > 1e-12) } ? vanished + 1 : 0
                if scores.contains(where: \.isNaN) {
                    throw Failure(
                        .numeric, "maximize: the score of \(target.labels[0]) became NaN at step \(step + 1)",
                        hint: "use a smaller eta, or a regularizer such as l2 = 0.001")
                }
            } catch let failure as Failure where failure.kind == .interrupted {
                result.wasInterrupted = true
                break
            }
            result.stepsDone = step + 1
            report(result, progress, isFinal: false)
            if let watch, clock.now - lastWatch > .milliseconds(50) {
                result.last = input.value
                watch(result)
                lastWatch = clock.now
            }
        }
        try finish(result)
        let elapsed = (clock.now - begin).components
        result.seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
        if vanished > 0 { result.notes.append(Self.vanishedNote(target)) }
        report(result, progress, isFinal: true)
        return result
    }

    /// Every how many steps an input is kept: all that are kept take 16 MB at most unless more were asked for.
    private func frameStride() -> Int? {
        let size = max(1, input.type.shape.reduce(4, *))
        let count = options.frames ?? min(32, (16 << 20) / size)
        return count > 0 ? max(1, (options.steps + count - 1) / count) : nil
    }

    /// One random shift for each axis, from -jitter to jitter.
    private func shifts(_ step: Int) throws -> Tensor {
        if jitterAxes.isEmpty { return try Tensor([Int32](), shape: [0]) }
        let key = RandomKey(seed: options.key.seed, step: options.key.step &+ UInt64(step) &+ 1)
        let chance = try Tensor(random: .uniform, shape: [jitterAxes.count], key: key, stream: 1)
            .array(of: Float.self)
        let span = Float(2 * options.jitter + 1)
        return try Tensor(chance.map { Int32($0 * span) - Int32(options.jitter) }, shape: [jitterAxes.count])
    }

    /// The score after the last step, and the best of all.
    private func finish(_ result: Maximization) throws {
        let values = try scorePlan.run([], cancel: CancelFlag())
        let scores = try values[0].array(of: Double.self)
        for (i, score) in scores.enumerated() { result.loss[i].append(score) }
        if hasProbabilities {
            for (i, p) in try values[1].array(of: Double.self).enumerated() {
                result.probabilities[i].append(p)
            }
        }
        result.last = input.value
        var bestScores = try bestScore.value.array(of: Double.self)
        let size = input.type.shape.dropFirst().reduce(1, *)
        var bestValues = try best.value.array(of: Float.self)
        let lastValues = try input.value.array(of: Float.self)
        for (i, score) in scores.enumerated() where score > bestScores[i] {
            bestScores[i] = score
            bestValues.replaceSubrange(i * size..<(i + 1) * size, with: lastValues[i * size..<(i + 1) * size])
        }
        result.best = try Tensor(bestValues, shape: best.type.shape)
        result.bestScore = bestScores
    }

    private func report(_ result: Maximization, _ progress: ProgressHook?, isFinal: Bool) {
        guard let progress else { return }
        let count = target.labels.count
        let label = "maximize \(target.labels[0])" + (count > 1 ? " and \(count - 1) more" : "")
        var figures = [(name: "score", value: Self.short(result.loss[0].last ?? 0))]
        if let p = result.probabilities[0].last {
            figures.append((name: "probability", value: Self.short(p)))
        }
        progress(
            Progress(
                label: label, done: result.stepsDone, total: options.steps, figures: figures, isFinal: isFinal
            ))
    }

    /// Four significant digits.
    private static func short(_ x: Double) -> String {
        guard x.isFinite, x != 0, abs(x) < 1e6 else { return "\(x)" }
        var scale = 1.0
        while abs(x) * scale < 1000 && scale < 1e9 { scale *= 10 }
        return "\((x * scale).rounded() / scale)"
    }

    private static func vanishedNote(_ target: Target) -> String {
        let layer = target.layer
        let why =
            "the gradient of \(target.labels.joined(separator: ", ")) vanished: the input no longer moves"
        if layer.isOutput && layer.kind == "softmax" {
            return why
                + "; the softmax is saturated. Maximize linear(\(layer.network.name)).\(layer.name) instead"
        }
        return why
            + "; the filter is dead here (all its ReLUs are off). Start elsewhere (start = a clip or another seed)"
    }
}
