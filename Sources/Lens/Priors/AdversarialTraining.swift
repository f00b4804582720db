import Engine
import Graph
import Network
import Support
import Tensor

/// How a generator and a discriminator are trained against each other.
public struct AdversarialOptions {
    public enum Loss: String, Sendable, CaseIterable {
        /// mean relu(1 − D(x)) + mean relu(1 + D(G(z))) (Lim and Ye 2017; Miyato et al. 2018).
        case hinge
        /// mean D(G(z)) − mean D(x) + λ mean (|∇D| − 1)² between them (Gulrajani et al. 2017).
        case wassersteinGP = "wgan_gp"
    }
    public var loss = Loss.hinge
    /// λ of wgan_gp.
    public var penaltyWeight = 10.0
    /// Weights of the discriminator are divided by their largest singular value (Miyato et al. 2018);
    /// nil: with hinge.
    public var spectralNorm: Bool?
    public var steps = 1000
    public var batch = 32
    /// Discriminator steps for each of the generator.
    public var discriminatorSteps: Int?
    public var generatorOptimizer: Optimizer
    public var discriminatorOptimizer: Optimizer
    /// The generator that is kept is a moving average of the trained one: a weight of this much for the
    /// past (Yazici et al. 2019); 0 keeps the last.
    public var average = 0.999
    public var key = RandomKey(seed: 0)
    /// A file that gets the whole state every `checkpointMinutes`, at the end and when interrupted.
    public var checkpoint: String?
    public var checkpointMinutes = 2.0
    /// A checkpoint to go on from.
    public var resume: String?

    public init() throws {
        generatorOptimizer = try .adam(2e-4, beta1: 0.5, beta2: 0.9)
        discriminatorOptimizer = try .adam(2e-4, beta1: 0.5, beta2: 0.9)
    }
}

/// What an adversarial training has seen: losses by generator step.
public struct AdversarialHistory {
    public internal(set) var generator: [Double] = []
    public internal(set) var discriminator: [Double] = []
    public internal(set) var wasInterrupted = false
    public internal(set) var seconds = 0.0
    /// Steps that a checkpoint had done before.
    public internal(set) var resumedAt = 0
}

/// Generative adversarial training (Goodfellow et al. 2014) of any generator, [d] → example shape, and
/// discriminator, example shape → [1], on the examples of a data set. Codes are normal numbers.
///
/// Each side's step is one plan: forward, gradients and new weights; with wgan_gp the penalty's second
/// derivatives too.
public final class AdversarialTraining {
    private let generator: Network
    private let discriminator: Network
    private let data: any ExampleSet
    private var options: AdversarialOptions
    private let code: [Int]
    private let generatorSlots: [OptimizerSlots]
    private let discriminatorSlots: [OptimizerSlots]
    /// Moving averages of the generator's weights.
    private let averages: [(weight: Variable, average: Variable)]
    /// For each kernel of the discriminator the left singular vector found so far.
    private let singular: [(weight: Variable, vector: Variable)]
    private let checkpoint: AdversarialCheckpoint

    public init(
        _ generator: Network, against discriminator: Network, _ data: any ExampleSet,
        _ options: AdversarialOptions
    ) throws {
        self.generator = generator
        self.discriminator = discriminator
        self.data = data
        self.options = options
        guard data.count > 0 else { throw Failure(.value, "fit_gan: the data has no examples") }
        try discriminator.build(inputShape: data.exampleShape)
        code = try generator.builtInputShape()
        let made = try generator.outputShape()
        guard made == data.exampleShape else {
            throw Failure(
                .shape,
                "fit_gan: \(generator.name) makes \(Shape.describe(made)), the examples are \(Shape.describe(data.exampleShape))"
            )
        }
        guard try discriminator.outputShape() == [1] else {
            throw Failure(
                .shape,
                "fit_gan: \(discriminator.name) gives \(Shape.describe(try discriminator.outputShape())), expected [1]",
                hint: "end it in flatten(), dense(1)")
        }
        guard options.steps >= 1, options.batch >= 1, options.batch <= 65536 else {
            throw Failure(.argument, "fit_gan: steps and batch must be at least 1")
        }
        guard (0..<1).contains(options.average) else {
            throw Failure(.argument, "fit_gan: average lies from 0 to below 1, not \(options.average)")
        }
        let weights = generator.trainableParameters.map(\.variable)
        guard !weights.isEmpty, !discriminator.trainableParameters.isEmpty else {
            throw Failure(.value, "fit_gan: a network without weights cannot be trained")
        }
        generatorSlots = try options.generatorOptimizer.slots(for: weights)
        discriminatorSlots = try options.discriminatorOptimizer.slots(
            for: discriminator.trainableParameters.map(\.variable))
        averages =
            options.average > 0
            ? weights.map { ($0, Variable($0.value, name: "\($0.name).average")) } : []
        singular =
            options.spectralNorm ?? (options.loss == .hinge)
            ? try discriminator.trainableParameters.filter { $0.variable.type.rank >= 2 }.map {
                let columns = $0.variable.type.shape.last ?? 1
                let first = try Tensor(random: .normal, shape: [1, columns], key: options.key, stream: 11)
                return ($0.variable, Variable(first, name: "\($0.variable.name).singular"))
            } : []
        checkpoint = AdversarialCheckpoint(
            generator, discriminator,
            slots: [("generator", generatorSlots), ("discriminator", discriminatorSlots)],
            averages: averages, singular: singular,
            identity: .init(
                loss: options.loss.rawValue, batch: options.batch,
                discriminatorSteps: Self.discriminatorSteps(options),
                optimizers:
                    "\(options.generatorOptimizer.description), \(options.discriminatorOptimizer.description)",
                data: data.fingerprint))
    }

    /// Steps of the discriminator for each of the generator.
    private static func discriminatorSteps(_ options: AdversarialOptions) -> Int {
        max(options.discriminatorSteps ?? (options.loss == .hinge ? 1 : 5), 1)
    }

    // MARK: plans

    /// Normal codes [batch] + code shape.
    private func codes(_ key: Traced) throws -> Traced {
        try key.random(.normal, shape: [options.batch] + code, stream: 0x7001)
    }

    /// The discriminator's kernels over their largest singular values, one step of power iteration each.
    private func normalized(_ graph: Graph, into context: TraceContext) throws -> [(
        variable: Variable, value: Traced
    )] {
        try singular.map { weight, vector in
            let w = graph.read(weight)
            let columns = weight.type.shape.last ?? 1
            let matrix = try w.reshaped([weight.type.count / columns, columns])
            let fixed = try matrix.stopped()
            func unit(_ v: Traced) throws -> Traced { try v / (v.square().sum().sqrt() + 1e-12) }
            let u = try unit(graph.read(vector).matmul(fixed, transposeB: true)).stopped()
            let v = try unit(u.matmul(fixed)).stopped()
            let sigma = try (u.matmul(matrix) * v).sum()
            context.substitutes[ObjectIdentifier(weight)] = try w / (sigma + 1e-12)
            return (vector, v)
        }
    }

    /// The discriminator's judgement of each sample, [batch].
    private func judged(_ x: Traced, _ context: TraceContext) throws -> Traced {
        try discriminator.trace(x, context: context).reshaped([x.shape[0]])
    }

    private func discriminatorPlan() throws -> Plan {
        let (graph, n) = (Graph(), options.batch)
        let real = graph.input(ValueType([n] + data.exampleShape))
        let key = graph.input(ValueType([4], .int32))
        let optimizer = options.discriminatorOptimizer
        let rates = (0..<optimizer.rateCount).map { _ in graph.input(ValueType([])) }
        let fake = try generator.trace(codes(key), context: TraceContext(isTraining: true, key: key))
            .stopped()
        let context = TraceContext(isTraining: true, key: key)
        let vectors = try normalized(graph, into: context)
        let both = try judged(Traced.concatenated([real, fake], axis: 0), context)
        let (onReal, onFake) = (
            try both.sliced(axis: 0, from: 0, to: n), try both.sliced(axis: 0, from: n, to: 2 * n)
        )
        var loss: Traced
        switch options.loss {
        case .hinge: loss = try (1 - onReal).relu().mean() + (onFake + 1).relu().mean()
        case .wassersteinGP:
            let form = [n] + data.exampleShape.map { _ in 1 }
            let part = try key.random(.uniform, shape: form, stream: 0x7002)
            let between = try fake + (real - fake) * part
            let slope = try graph.gradients(
                of: judged(between, context).sum(), withRespectTo: [between])[0]
            let length = try (slope.square().sum(Array(1..<slope.rank)) + 1e-12).sqrt()
            loss =
                try onFake.mean() - onReal.mean()
                + (length - 1).square().mean() * options.penaltyWeight
        }
        let gradients = try graph.gradients(
            of: loss, withRespectTo: discriminatorSlots.map { graph.read($0.weight) })
        let updates = try optimizer.updates(discriminatorSlots, gradients: gradients, rates: rates)
        return try Plan(
            inputs: [real, key] + rates, outputs: [loss], updates: updates + context.updates + vectors)
    }

    private func generatorPlan() throws -> Plan {
        let graph = Graph()
        let key = graph.input(ValueType([4], .int32))
        let optimizer = options.generatorOptimizer
        let rates = (0..<optimizer.rateCount).map { _ in graph.input(ValueType([])) }
        let own = TraceContext(isTraining: true, key: key)
        let fake = try generator.trace(codes(key), context: own)
        let context = TraceContext(isTraining: true, key: key)
        _ = try normalized(graph, into: context)
        let loss = try -(judged(fake, context).mean())
        let gradients = try graph.gradients(
            of: loss, withRespectTo: generatorSlots.map { graph.read($0.weight) })
        var updates = try optimizer.updates(generatorSlots, gradients: gradients, rates: rates)
        for (weight, average) in averages {
            guard let new = updates.first(where: { $0.variable === weight })?.value else { continue }
            let old = graph.read(average)
            updates.append((average, try old + (new - old) * (1 - options.average)))
        }
        return try Plan(inputs: [key] + rates, outputs: [loss], updates: updates + own.updates)
    }

    // MARK: training

    /// Train. Stopped by `cancel`, the generator keeps what it has learned. `each` sees the step after it.
    public func run(
        cancel: CancelFlag = .shared, progress: ProgressHook? = nil,
        each: ((_ step: Int, _ history: AdversarialHistory) throws -> Void)? = nil
    ) throws -> AdversarialHistory {
        if let path = options.checkpoint { AtomicFile.removeLeftovers(of: path) }
        var history = AdversarialHistory()
        if let path = options.resume {
            (history, options.key.seed) = try checkpoint.read(path)
            history.resumedAt = history.generator.count
        }
        let clock = ContinuousClock()
        var lastWritten = clock.now
        let (before, begin) = (history.seconds, clock.now)
        func elapsed(_ from: ContinuousClock.Instant) -> Double {
            let parts = (clock.now - from).components
            return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
        }
        do {
            let steps = try Steps(self)
            // The first Ctrl-C waits for the step, so that a checkpoint stands between two; a second one
            // does not.
            let hard = cancel.repeated
            while history.generator.count < options.steps {
                if cancel.isSet {
                    history.wasInterrupted = true
                    break
                }
                try steps.run(history.generator.count + 1, &history, hard)
                history.seconds = before + elapsed(begin)
                let done = history.generator.count
                report(done, history, progress, isFinal: done == options.steps)
                try each?(done, history)
                if elapsed(lastWritten) > options.checkpointMinutes * 60 {
                    try write(history)
                    lastWritten = clock.now
                }
            }
        } catch let failure as Failure where failure.kind == .interrupted {
            history.wasInterrupted = true
        }
        if history.wasInterrupted {
            report(history.generator.count, history, progress, isFinal: true)
        }
        try write(history)
        for (weight, average) in averages where !history.generator.isEmpty {
            try weight.assign(average.value)
        }
        return history
    }

    private func write(_ history: AdversarialHistory) throws {
        guard let path = options.checkpoint, !history.generator.isEmpty else { return }
        try checkpoint.write(history, seed: options.key.seed, generator: generator, to: path)
    }

    /// The plans of both sides' steps. What is random in a step follows from its number alone, so that a
    /// training goes on from a checkpoint as if it had never stopped.
    private struct Steps {
        let training: AdversarialTraining
        let judge: Plan
        let make: Plan

        init(_ training: AdversarialTraining) throws {
            self.training = training
            judge = try training.discriminatorPlan()
            make = try training.generatorPlan()
        }

        /// Step `step`, from 1: the discriminator's, then the generator's.
        func run(_ step: Int, _ history: inout AdversarialHistory, _ cancel: CancelFlag) throws {
            let (o, data) = (training.options, training.data)
            let judgeSteps = AdversarialTraining.discriminatorSteps(o)
            var loss = 0.0
            var count = UInt64(step - 1) &* UInt64(judgeSteps)
            for _ in 1...judgeSteps {
                count &+= 1
                let key = RandomKey(seed: o.key.seed, step: count)
                var order = RandomNumbers(key: key, stream: 0x7003)
                let places = (0..<o.batch).map { _ in order.index(data.count) }
                let real = try data.batch(places, key: key).inputs
                let rates = try AdversarialTraining.scalars(o.discriminatorOptimizer, Int(clamping: count))
                loss = try judge.run([real, training.key(2 &* count)] + rates, cancel: cancel)[0]
                    .scalarValue()
            }
            let rates = try AdversarialTraining.scalars(o.generatorOptimizer, step)
            let own = try make.run([training.key(2 &* count &+ 1)] + rates, cancel: cancel)[0].scalarValue()
            guard own.isFinite, loss.isFinite else {
                throw Failure(
                    .numeric, "fit_gan: a loss became \(own.isFinite ? loss : own) at step \(step)",
                    hint: "use a lower rate")
            }
            history.generator.append(own)
            history.discriminator.append(loss)
        }
    }

    private func key(_ step: UInt64) throws -> Tensor {
        try Tensor(RandomKey(seed: options.key.seed, step: step).words, shape: [4])
    }

    private static func scalars(_ optimizer: Optimizer, _ step: Int) throws -> [Tensor] {
        try optimizer.rates(step: step, learningRate: optimizer.learningRate).map { try Tensor(scalar: $0) }
    }

    private func report(_ step: Int, _ history: AdversarialHistory, _ progress: ProgressHook?, isFinal: Bool)
    {
        func recent(_ values: [Double]) -> String {
            let last = values.suffix(50)
            return shortNumber(last.isEmpty ? 0 : last.reduce(0, +) / Double(last.count))
        }
        progress?(
            Progress(
                label: "fit_gan \(generator.name)", done: step, total: options.steps,
                figures: [
                    (name: "generator", value: recent(history.generator)),
                    (name: "discriminator", value: recent(history.discriminator)),
                ], isFinal: isFinal))
    }
}
