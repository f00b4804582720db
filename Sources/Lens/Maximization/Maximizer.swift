import Engine
import Graph
import Network
import Support
import Tensor

/// Activation maximization: x ← x + η · g / (rms(g) + ε) with g the gradient of the objective with
/// respect to the input (Erhan et al. 2009; the normalized form of the experiments this reproduces), or
/// any other optimizer in any other terms than the input's own.
public struct Maximizer {
    private let climb: Climb
    private let options: MaximizationOptions

    public init(_ objective: Objective, _ options: MaximizationOptions) throws {
        self.options = try options.checked()
        climb = try Climb(objective, self.options)
    }

    public init(_ target: Target, _ options: MaximizationOptions) throws {
        try self.init(Objective(target), options)
    }

    /// Sees a climb as it stands.
    public typealias Watcher = (Maximization) -> Void

    /// Climb. Stopped by `cancel`, it returns what it has; `watch` sees the start, and the result as it
    /// stands up to twenty times a second.
    public func run(
        cancel: CancelFlag = .shared, progress: ProgressHook? = nil, watch: Watcher? = nil
    ) throws -> Maximization {
        let clock = ContinuousClock()
        let begin = clock.now
        let inputs = try climb.inputPlan()
        let result = Maximization(
            objective: climb.objective, options: options, space: climb.space,
            start: try inputs.run([], cancel: CancelFlag())[0])
        watch?(result)
        try work(result, inputs, cancel, progress, watch)
        try finish(result, inputs, cancel)
        let elapsed = (clock.now - begin).components
        result.seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
        report(result, progress, isFinal: true)
        return result
    }

    private func work(
        _ result: Maximization, _ inputs: Plan, _ cancel: CancelFlag, _ progress: ProgressHook?,
        _ watch: Watcher?
    ) throws {
        let plain = try climb.stepPlan(redirected: false)
        let redirected = options.redirected > 0 ? try climb.stepPlan(redirected: true) : plain
        let conditioning = try climb.conditioningPlan()
        let lengths = Array(climb.space.shape.dropLast())
        let frameSteps = frameSteps()
        var vanished: [Int] = []
        let clock = ContinuousClock()
        var lastWatch = clock.now
        for step in 0..<options.steps {
            if frameSteps.contains(step) {
                result.frames.append((step, try inputs.run([], cancel: CancelFlag())[0]))
            }
            do {
                let random = try options.transforms.draw(
                    step, of: options.steps, key: options.key, lengths: lengths)
                let plan = step < options.redirected ? redirected : plain
                let values = try plan.run(rates(step) + random, cancel: cancel)
                vanished = try note(values, step, result)
                if let conditioning, (step + 1) % options.conditioning.every == 0 {
                    _ = try conditioning.run([], cancel: cancel)
                }
            } catch let failure as Failure where failure.kind == .interrupted {
                result.wasInterrupted = true
                break
            }
            result.stepsDone = step + 1
            report(result, progress, isFinal: false)
            if let watch, clock.now - lastWatch > .milliseconds(50) {
                result.last = try inputs.run([], cancel: CancelFlag())[0]
                watch(result)
                lastWatch = clock.now
            }
            if hasSettled(result) {
                result.hasSettled = true
                break
            }
        }
        if !vanished.isEmpty { result.notes.append(vanishedNote(vanished, result)) }
    }

    /// Take a step's scores; the inputs whose gradient has vanished.
    private func note(_ values: [Tensor], _ step: Int, _ result: Maximization) throws -> [Int] {
        let scores = try values[0].array(of: Double.self)
        for (i, score) in scores.enumerated() { result.loss[i].append(score) }
        if values.count > 2 {
            for (i, p) in try values[2].array(of: Double.self).enumerated() {
                result.probabilities[i].append(p)
            }
        }
        if let at = scores.firstIndex(where: \.isNaN) {
            throw Failure(
                .numeric, "maximize: the score of \(result.labels[at]) became NaN at step \(step + 1)",
                hint: "use a smaller eta, or a regularizer such as l2 = 0.001")
        }
        // Below ε what is left of a normalized gradient is no step any more.
        let least = options.norm == .rms ? options.epsilon : 1e-12
        return try values[1].array(of: Double.self).enumerated().filter { !($0.element > least) }.map(
            \.offset)
    }

    /// The scalars of a step: η, or what the optimizer makes of it.
    private func rates(_ step: Int) throws -> [Tensor] {
        let eta = try options.eta.value(at: step, of: options.steps, "eta")
        let all = options.optimizer?.rates(step: step + 1, learningRate: eta) ?? [Float(eta)]
        return try all.map { try Tensor(scalar: $0) }
    }

    /// Steps before which the input is kept, spread over the climb: all that are kept take 64 MB at most
    /// unless more were asked for.
    private func frameSteps() -> Set<Int> {
        let bytes = max(climb.batch * climb.space.shape.reduce(1, *) * 4, 1)
        let count = min(options.frames ?? min(32, (64 << 20) / bytes), options.steps)
        guard count > 1 else { return [] }
        return Set((0..<count).map { $0 * options.steps / count })
    }

    /// True where no aim has risen by the wanted share of its range within the last steps.
    private func hasSettled(_ result: Maximization) -> Bool {
        guard let share = options.settled, result.stepsDone >= 2 * options.patience else { return false }
        let span = max(options.patience, 2)
        return result.loss.allSatisfy { loss in
            let recent = loss.suffix(span / 2)
            let before = loss.dropLast(span / 2).suffix(span - span / 2)
            guard let low = loss.min(), let high = loss.max(), high > low else { return true }
            let rise =
                recent.reduce(0, +) / Double(recent.count) - before.reduce(0, +)
                / Double(max(before.count, 1))
            return rise < share * (high - low)
        }
    }

    /// The score after the last step, and the best of all. A person who stopped the climb does not wait
    /// for a large network's last score: then the best is that of the steps before.
    private func finish(_ result: Maximization, _ inputs: Plan, _ cancel: CancelFlag) throws {
        let values: [Tensor]
        do {
            values = try climb.scorePlan().run(
                [], cancel: result.wasInterrupted ? cancel.repeated : CancelFlag())
        } catch let failure as Failure where failure.kind == .interrupted {
            guard result.stepsDone > 0 else { throw failure }
            return try finish(result, last: inputs.run([], cancel: CancelFlag())[0])
        }
        let scores = try values[1].array(of: Double.self)
        for (i, score) in scores.enumerated() { result.loss[i].append(score) }
        if values.count > 2 {
            for (i, p) in try values[2].array(of: Double.self).enumerated() {
                result.probabilities[i].append(p)
            }
        }
        result.last = values[0]
        if !result.frames.isEmpty { result.frames.append((result.stepsDone, values[0])) }
        if options.transforms.isActive {
            result.best = values[0]
            result.bestScore = scores
            return
        }
        var bestScores = try climb.bestScore.value.array(of: Double.self)
        let size = climb.space.shape.reduce(1, *)
        var bestValues = try climb.best.value.array(of: Float.self)
        let lastValues = try values[0].array(of: Float.self)
        for (i, score) in scores.enumerated() where score > bestScores[i] {
            bestScores[i] = score
            bestValues.replaceSubrange(i * size..<(i + 1) * size, with: lastValues[i * size..<(i + 1) * size])
        }
        result.best = try Tensor(bestValues, shape: climb.best.type.shape)
        result.bestScore = bestScores
    }

    /// The best of the steps that were done, where the score after the last is not known.
    private func finish(_ result: Maximization, last: Tensor) throws {
        result.last = last
        if !result.frames.isEmpty { result.frames.append((result.stepsDone, last)) }
        if options.transforms.isActive {
            result.best = last
            result.bestScore = result.loss.map { $0.last ?? .nan }
        } else {
            result.best = climb.best.value
            result.bestScore = try climb.bestScore.value.array(of: Double.self)
        }
    }

    private func report(_ result: Maximization, _ progress: ProgressHook?, isFinal: Bool) {
        guard let progress else { return }
        let count = result.count
        let label = "maximize \(result.labels[0])" + (count > 1 ? " and \(count - 1) more" : "")
        var figures = [(name: "score", value: shortNumber(result.loss[0].last ?? 0))]
        if let p = result.probabilities[0].last {
            figures.append((name: "probability", value: shortNumber(p)))
        }
        progress(
            Progress(
                label: label, done: result.stepsDone, total: options.steps, figures: figures, isFinal: isFinal
            ))
    }

    /// Why the gradient vanished, as far as the scores tell, and what to do.
    private func vanishedNote(_ inputs: [Int], _ result: Maximization) -> String {
        let layer = climb.objective.layer
        let names = inputs.prefix(8).map { result.labels[$0] }.joined(separator: ", ")
        let more = inputs.count > 8 ? " and \(inputs.count - 8) more" : ""
        let why = "the gradient of \(names)\(more) vanished: the input no longer moves"
        if layer.isOutput && layer.layer.kind.withoutSoftmax() != nil {
            return why
                + "; the softmax is saturated. Maximize linear(\(layer.network.name)).\(layer.name) instead"
        }
        // A score that is the probability itself: objectives of one's own may end in a softmax too.
        let isProbability = inputs.allSatisfy { i in
            guard let p = result.probabilities[i].last, p > 0.99 else { return false }
            return result.loss[i].last == p
        }
        if isProbability {
            return why + "; the softmax is saturated. Maximize logit(\(layer.network.name), …) instead"
        }
        let elsewhere = "start elsewhere (start = a clip, or another seed)"
        guard inputs.contains(where: { result.loss[$0].last == 0 }) else {
            return why
                + "; nothing near this input changes the score (an input of zeros, or units at the flat ends of their activations). Take fewer or smaller steps, or \(elsewhere)"
        }
        if options.redirected > 0 {
            return why
                + "; the filter is still dead here after \(options.redirected) redirected steps. Give it more of them (redirect = \(4 * options.redirected)) or a larger eta, or \(elsewhere)"
        }
        return why
            + "; the filter is dead here (all its ReLUs are off). Let the first steps through (redirect = 16), or \(elsewhere)"
    }
}
