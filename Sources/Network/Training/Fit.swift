import Support
import Tensor

/// What `fit` is told besides the network and the data.
public struct FitOptions {
    public var epochs = 1
    public var batch = 32
    public var optimizer: Optimizer
    /// nil: cross-entropy where there are classes, else mean squared error.
    public var loss: Loss?
    /// nil: accuracy where there are classes, else mean absolute error.
    public var metrics: [Metric]?
    public var validation: (any ExampleSet)?
    public var isShuffled = true
    /// From which order, dropout and augmentation follow.
    public var seed: UInt64 = 0
    /// How much each class counts; nil: all the same.
    public var classWeights: [Double]?
    public var earlyStopping: EarlyStopping?
    /// Where to write checkpoints, after every epoch and every `checkpointMinutes`.
    public var checkpoint: String?
    public var checkpointMinutes = 10.0
    /// A checkpoint to go on from.
    public var resume: String?
    /// A file that gets a row an epoch.
    public var csvLog: String?
    public var augment: Augmentation?
    public var progress: ProgressHook?
    /// Sees the training as it stands, up to twenty times a second and after each epoch.
    public var watch: ((FitMoment) -> Void)?
    public var cancel: CancelFlag = .shared

    /// Weights that make every class count the same: n / (classes · examples of the class); 0 for a
    /// class without examples.
    public static func balancedWeights(_ data: any ExampleSet) -> [Double] {
        let counts = data.classCounts
        return counts.map { $0 > 0 ? Double(data.count) / Double(counts.count * $0) : 0 }
    }

    public init(optimizer: Optimizer) { self.optimizer = optimizer }
    public init() throws(Failure) { optimizer = try .adam() }
}

/// A training in its course.
public struct FitMoment: Sendable {
    /// The epochs that are done.
    public let history: History
    /// Epochs as a number that moves: 2.5 in the middle of the third one.
    public let epoch: Double
    /// The means so far of the epoch that runs, by name: "loss", the metrics. Empty between epochs.
    public let running: [(name: String, value: Double)]
}

/// What came of a training.
public struct FitResult {
    public enum Ending: Equatable, Sendable {
        case finished
        /// Early stopping: no better figure for `patience` epochs.
        case stoppedEarly
        case interrupted
        /// The loss or the weights became NaN or infinite; why, as far as it can be told.
        case diverged(String)
    }
    public let history: History
    public let ending: Ending
    /// Whole epochs done, steps in all (both with those before a resume).
    public let epochs: Int
    public let steps: Int
    /// The epoch (from 1) whose weights the network has, where early stopping put them back.
    public let restoredEpoch: Int?
    /// What to tell the person: how to go on, why it stopped. Nil where it just finished.
    public let advice: String?

    public var isInterrupted: Bool { ending == .interrupted }
}

extension Network {
    /// Train on `data`. The weights change in place; the result tells how it went.
    ///
    /// Everything random follows from `options.seed`: two runs on one machine give the same bits, and
    /// so does a run that was interrupted and resumed. An interrupt ends after the current batch.
    /// Throws where network, data and options do not fit together, and where a file cannot be written.
    public func fit(_ data: any ExampleSet, _ options: FitOptions) throws -> FitResult {
        try FitLoop(self, data, options).run()
    }
}

/// One call of `fit`.
final class FitLoop {
    let network: Network
    let data: any ExampleSet
    let options: FitOptions
    let loss: Loss
    let metrics: [Metric]
    let plans: TrainingPlans
    let judge: EvaluationPlans
    let identity: Checkpoint.Identity
    var state: TrainingState
    /// Weights of the best epoch, while early stopping wants them.
    var best: [Tensor]?
    /// Said where a resumed training was complete already.
    private var nothingLeft: String?
    private let clock = ContinuousClock()
    private var lastCheckpoint: ContinuousClock.Instant
    private var lastReport: ContinuousClock.Instant?

    init(_ network: Network, _ data: any ExampleSet, _ options: FitOptions) throws {
        try Self.check(data, options)
        if !network.isBuilt { try network.build(inputShape: data.exampleShape) }
        guard try network.builtInputShape() == data.exampleShape else {
            throw Failure(
                .shape,
                "fit: \(network.name) takes samples of shape \(Shape.describe(try network.builtInputShape())), the data has \(Shape.describe(data.exampleShape))"
            )
        }
        try checkFit(network, data, "fit")
        if let validation = options.validation { try checkFit(network, validation, "fit (validation)") }
        self.network = network
        self.data = data
        self.options = options
        loss = options.loss ?? defaultLoss(network, data)
        metrics = options.metrics ?? defaultMetrics(data)
        plans = try TrainingPlans(
            network, loss: loss, metrics: metrics, optimizer: options.optimizer,
            targetShape: data.targetShape,
            classWeights: options.classWeights)
        judge = EvaluationPlans(network, loss: loss, metrics: metrics, targetShape: data.targetShape)
        identity = Checkpoint.Identity(
            optimizer: options.optimizer.description, loss: loss.name, batch: options.batch,
            data: data.fingerprint)
        state = TrainingState(seed: options.seed)
        lastCheckpoint = clock.now
        if !data.classNames.isEmpty { network.classes = data.classNames }
    }

    private static func check(_ data: any ExampleSet, _ options: FitOptions) throws(Failure) {
        guard options.epochs >= 1 else {
            throw Failure(.argument, "fit: epochs must be at least 1, not \(options.epochs)")
        }
        guard options.batch >= 1 else {
            throw Failure(.argument, "fit: batch must be at least 1, not \(options.batch)")
        }
        if let weights = options.classWeights {
            guard weights.count == data.classNames.count, weights.allSatisfy({ $0 >= 0 && $0.isFinite })
            else {
                throw Failure(
                    .argument,
                    "fit: class_weights needs a number, 0 or more, for each of the \(data.classNames.count) classes"
                )
            }
        }
        if let monitor = options.earlyStopping?.monitor, monitor.hasPrefix("val_"), options.validation == nil
        {
            throw Failure(
                .argument, "fit: early stopping watches \(monitor), but there is no validation data",
                hint: "give validation data, or watch \"loss\"")
        }
    }

    // MARK: - Epochs

    func run() throws -> FitResult {
        if let path = options.checkpoint { AtomicFile.removeLeftovers(of: path) }
        if let path = options.resume {
            (state, best) = try Checkpoint.read(
                path, identity: identity, network: network, slots: plans.slots)
            if state.epoch >= options.epochs {
                nothingLeft =
                    "'\(path)' has done \(state.epoch) of epochs = \(options.epochs) already: give a greater number to go on"
            }
        }
        while state.epoch < options.epochs && !state.isStopped {
            let start = network.snapshot()
            switch try epoch() {
            case .whole:
                if let ending = try finishEpoch(start) { return try result(ending) }
            case .interrupted:
                try writeCheckpoint()
                return try result(.interrupted)
            case .broken(let reason):
                try network.restore(start)
                return try result(.diverged(reason))
            }
        }
        return try result(state.isStopped ? .stoppedEarly : .finished)
    }

    private enum EpochEnd { case whole, interrupted, broken(String) }

    /// Train until the epoch's data is used up.
    private func epoch() throws -> EpochEnd {
        let key = RandomKey(seed: state.seed, step: UInt64(state.epoch))
        let order = try order(key)
        if state.batchInEpoch == 0 {
            state.sums = [Double](repeating: 0, count: metrics.count + 1)
            state.seen = 0
            state.seconds = 0
        }
        guard state.sums.count == metrics.count + 1 else {
            throw Failure(
                .value, "resume: the checkpoint followed other metrics", hint: "ask for the same metrics")
        }
        let feeder = try BatchFeeder(
            data, order: order, batch: options.batch, first: state.batchInEpoch,
            key: RandomKey(seed: state.seed ^ Stream.augmentation, step: UInt64(state.epoch)),
            augment: options.augment)
        let batches = (order.count + options.batch - 1) / options.batch
        let secondsBefore = state.seconds
        let seenBefore = state.seen
        let begin = clock.now
        // The first Ctrl-C waits for the batch, a second one does not.
        let hard = options.cancel.repeated
        while true {
            // Asked before the batch, so that an interrupt between two calls is seen too.
            if options.cancel.isSet { return .interrupted }
            guard let batch = try feeder.next() else { break }
            let rates = options.optimizer.rates(step: state.step + 1, learningRate: rate(batches))
            let figures: [Double]
            do {
                figures = try plans.run(
                    batch, key: RandomKey(seed: state.seed, step: UInt64(state.step + 1)), rates: rates,
                    cancel: hard)
            } catch let failure as Failure where failure.kind == .interrupted { return .interrupted }
            if !figures[0].isFinite { return .broken(try reason(figures[0], batch)) }
            for (i, figure) in figures.enumerated() { state.sums[i] += figure * Double(batch.count) }
            state.seen += batch.count
            state.step += 1
            state.batchInEpoch += 1
            let spent = (clock.now - begin).seconds
            state.seconds = secondsBefore + spent
            report(batches, speed: Double(state.seen - seenBefore) / max(spent, 1e-9))
            if let path = options.checkpoint,
                (clock.now - lastCheckpoint).seconds > options.checkpointMinutes * 60
            {
                try write(path)
            }
        }
        return .whole
    }

    private func order(_ key: RandomKey) throws -> [Int] {
        guard options.isShuffled else { return Array(0..<data.count) }
        return try Tensor(permutation: data.count, key: key, stream: Stream.shuffle).array(of: Int32.self)
            .map(Int.init)
    }

    /// The learning rate of the next step.
    private func rate(_ batches: Int) -> Double {
        let epoch = Double(state.epoch) + Double(state.batchInEpoch) / Double(max(batches, 1))
        return options.optimizer.learningRate
            * options.optimizer.schedule.factor(
                epoch: epoch, total: Double(options.epochs), plateauFactor: state.plateauFactor)
    }

    /// Validation, history, schedule, early stopping, checkpoint. An ending where training is over.
    private func finishEpoch(_ start: [Tensor]) throws -> FitResult.Ending? {
        if let name = try network.firstBrokenParameter() {
            try network.restore(start)
            return .diverged("\(name) holds NaN or infinite numbers after epoch \(state.epoch + 1)")
        }
        var row = [("loss", state.sums[0])] + zip(metrics.map(\.name), state.sums.dropFirst())
        row = row.map { ($0.0, $0.1 / Double(max(state.seen, 1))) }
        if let validation = options.validation {
            let totals: EvaluationPlans.Totals
            do {
                totals = try judge.run(
                    validation, batch: options.batch, classes: false, cancel: options.cancel
                ) { reportValidation($0, of: validation.count) }
            } catch let failure as Failure where failure.kind == .interrupted {
                // Nothing of the epoch is lost: resumed, it has no batch left and validates again.
                try writeCheckpoint()
                return .interrupted
            }
            row.append(("val_loss", totals.mean(0)))
            for (i, metric) in metrics.enumerated() { row.append(("val_\(metric.name)", totals.mean(i + 1))) }
        }
        let batches = (data.count + options.batch - 1) / options.batch
        let lastRate =
            options.optimizer.learningRate
            * options.optimizer.schedule.factor(
                epoch: Double(state.epoch) + Double(max(batches - 1, 0)) / Double(max(batches, 1)),
                total: Double(options.epochs), plateauFactor: state.plateauFactor)
        row += [("learning_rate", lastRate), ("seconds", state.seconds)]
        reportEpoch(row, batches)
        state.history.append(row.map { (name: $0.0, value: $0.1) })
        try follow(row)
        options.watch?(
            FitMoment(history: state.history, epoch: Double(state.epoch + 1), running: []))
        state.epoch += 1
        state.batchInEpoch = 0
        if let path = options.csvLog { try AtomicFile.write(state.history.csv, to: path) }
        try writeCheckpoint()
        return nil
    }

    /// Plateaus and early stopping look at the epoch's figures.
    private func follow(_ row: [(String, Double)]) throws {
        func value(_ name: String) throws -> Double {
            guard let found = row.first(where: { $0.0 == name }) else {
                throw Failure(
                    .name, "fit: early stopping watches '\(name)', which is not followed",
                    hint: "followed are \(row.map(\.0).filter { $0 != "seconds" }.joined(separator: ", "))")
            }
            return found.1
        }
        if let plateau = options.optimizer.schedule.plateau {
            let name = options.validation == nil ? "loss" : "val_loss"
            _ = state.plateau.take(
                try value(name), epoch: state.epoch, rising: false, minimumChange: plateau.minimumChange)
            if state.plateau.waited >= plateau.patience {
                state.plateauFactor *= plateau.factor
                state.plateau.waited = 0
            }
        }
        guard let stopping = options.earlyStopping else { return }
        let isBest = state.stopping.take(
            try value(stopping.monitor), epoch: state.epoch, rising: EarlyStopping.isRising(stopping.monitor),
            minimumChange: stopping.minimumChange)
        if isBest && stopping.restoresBest { best = network.snapshot() }
        if state.stopping.waited >= stopping.patience { state.isStopped = true }
    }

    // MARK: - Checkpoints and the end

    private func writeCheckpoint() throws {
        if let path = options.checkpoint { try write(path) }
    }

    private func write(_ path: String) throws {
        try Checkpoint.write(
            state, identity: identity, network: network, slots: plans.slots, best: best, to: path)
        lastCheckpoint = clock.now
    }

    private func result(_ ending: FitResult.Ending) throws -> FitResult {
        var restored: Int?
        if let best, ending == .finished || ending == .stoppedEarly {
            try network.restore(best)
            restored = state.stopping.bestEpoch + 1
        }
        var advice: String?
        switch ending {
        case .finished: advice = nothingLeft
        case .stoppedEarly:
            advice =
                "stopped after epoch \(state.epoch): \(options.earlyStopping?.monitor ?? "the figure") no longer got better"
        case .interrupted:
            advice =
                "interrupted in epoch \(state.epoch + 1) after \(state.step) steps; \(network.name) keeps what it learned"
            if let path = options.checkpoint {
                advice = advice.map { "\($0). To go on: the same fit(…) with resume = \"\(path)\"" }
            } else {
                advice = advice.map {
                    "\($0). To go on exactly where it stopped next time, give checkpoint = \"run.vzck\""
                }
            }
        case .diverged(let reason):
            advice = "\(reason); the weights are those from before epoch \(state.epoch + 1)"
        }
        return FitResult(
            history: state.history, ending: ending, epochs: state.epoch, steps: state.step,
            restoredEpoch: restored,
            advice: advice)
    }

    /// Why the loss is no number, as far as the batch and the weights tell.
    private func reason(_ loss: Double, _ batch: Batch) throws -> String {
        let place =
            "the loss became \(loss.isNaN ? "NaN" : "infinite") in epoch \(state.epoch + 1), batch \(state.batchInEpoch + 1)"
        let data = try batch.inputs.array(of: Float.self) + batch.targets.array(of: Float.self)
        if data.contains(where: { !$0.isFinite }) {
            return "\(place): an example of that batch holds NaN or infinite numbers"
        }
        return
            "\(place): the weights grew without bounds; a lower learning rate than \(options.optimizer.learningRate), clipping or batch normalization may help"
    }

    // MARK: - Reports

    private func report(_ batches: Int, speed: Double) {
        guard options.progress != nil || options.watch != nil else { return }
        let now = clock.now
        if let last = lastReport, (now - last).seconds < 0.05 { return }
        lastReport = now
        let names = ["loss"] + metrics.map(\.name)
        let means = zip(names, state.sums).map { (name: $0, value: $1 / Double(max(state.seen, 1))) }
        options.watch?(
            FitMoment(
                history: state.history,
                epoch: Double(state.epoch) + Double(state.batchInEpoch) / Double(max(batches, 1)),
                running: means))
        guard let progress = options.progress else { return }
        var figures = means.map { ($0.name, shown($0.value)) }
        figures.append(("samples/s", shown(speed)))
        progress(
            Progress(
                label: "epoch \(state.epoch + 1)/\(options.epochs)", done: state.batchInEpoch, total: batches,
                figures: figures.map { (name: $0.0, value: $0.1) }))
    }

    private func reportValidation(_ done: Int, of count: Int) {
        guard let progress = options.progress else { return }
        let now = clock.now
        if let last = lastReport, (now - last).seconds < 0.05 { return }
        lastReport = now
        progress(
            Progress(
                label: "epoch \(state.epoch + 1)/\(options.epochs), validation",
                done: (done + options.batch - 1) / options.batch,
                total: (count + options.batch - 1) / options.batch))
    }

    private func reportEpoch(_ row: [(String, Double)], _ batches: Int) {
        guard let progress = options.progress else { return }
        var figures = row.filter { $0.0 != "learning_rate" }.map { (name: $0.0, value: shown($0.1)) }
        figures.append(("samples/s", shown(Double(state.seen) / max(state.seconds, 1e-9))))
        progress(
            Progress(
                label: "epoch \(state.epoch + 1)/\(options.epochs)", done: batches, total: batches,
                figures: figures,
                isFinal: true))
    }
}

/// Four significant figures, whole from 100 on.
func shown(_ x: Double) -> String {
    guard x.isFinite else { return "\(x)" }
    if x == 0 { return "0" }
    let size = abs(x)
    if size >= 1e9 || size < 1e-4 { return "\(Float(x))" }
    if size >= 100 { return "\(Int(x.rounded()))" }
    var digits = 3
    var limit = 1.0
    while size >= limit * 10 {
        limit *= 10
        digits -= 1
    }
    while size < limit {
        limit /= 10
        digits += 1
    }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let whole = Int((size * scale).rounded())
    let text = String(whole)
    let padded = String(repeating: "0", count: max(digits + 1 - text.count, 0)) + text
    return (x < 0 ? "-" : "") + padded.dropLast(digits) + "." + padded.suffix(digits)
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
