import Engine
import Graph
import Support
import Tensor

/// One training step as plans, one for each batch size: loss, gradients and new weights in one graph.
final class TrainingPlans {
    private let network: Network
    private let loss: Loss
    private let metrics: [Metric]
    private let optimizer: Optimizer
    let slots: [OptimizerSlots]
    private let targetShape: [Int]
    private let classWeights: [Double]?
    private let labelSmoothing: Double
    /// Averages of all parameters over the steps, in the order of `Network.parameters`; empty: none.
    let averages: [Variable]
    private var plans: [Int: Plan] = [:]

    init(
        _ network: Network, loss: Loss, metrics: [Metric], optimizer: Optimizer, targetShape: [Int],
        classWeights: [Double]?, labelSmoothing: Double = 0, isAveraging: Bool = false
    ) throws {
        self.network = network
        self.loss = loss
        self.metrics = metrics
        self.optimizer = optimizer
        self.targetShape = targetShape
        self.classWeights = classWeights
        self.labelSmoothing = labelSmoothing
        averages =
            isAveraging
            ? network.parameters.map { Variable($0.variable.value, name: "\($0.variable.name).average") } : []
        let weights = network.trainableParameters.map(\.variable)
        guard !weights.isEmpty else {
            throw Failure(
                .value, "fit: \(network.name) has no weights to train",
                hint: "add a layer with weights, or thaw the frozen ones")
        }
        slots = try optimizer.slots(for: weights)
    }

    /// Run one step: the loss and the metrics of this batch, before the weights change.
    /// `share`: how much of the new weights goes into the averages, where there are any.
    func run(
        _ batch: Batch, key: RandomKey, rates: [Float], averaging share: Float = 0, cancel: CancelFlag
    ) throws -> [Double] {
        let plan = try plans[batch.count] ?? make(batch.count)
        plans[batch.count] = plan
        let scalars = try (rates + (averages.isEmpty ? [] : [share])).map { try Tensor(scalar: $0) }
        let results = try plan.run(
            [batch.inputs, batch.targets, Tensor(key.words, shape: [4])] + scalars, cancel: cancel)
        return try results.map { try $0.scalarValue() }
    }

    private func make(_ batch: Int) throws -> Plan {
        let graph = Graph()
        let x = graph.input(ValueType([batch] + (try network.builtInputShape())))
        let target = graph.input(ValueType([batch] + targetShape))
        let key = graph.input(ValueType([4], .int32))
        let rates = (0..<optimizer.rateCount).map { _ in graph.input(ValueType([])) }
        let context = TraceContext(isTraining: true, key: key)
        let prediction = try network.trace(x, context: context)
        var wanted = target
        if labelSmoothing > 0, let classes = targetShape.last {
            // Szegedy et al. 2016: a share of every target goes to all classes alike.
            wanted = try target * (1 - labelSmoothing) + labelSmoothing / Double(classes)
        }
        var each = try loss.perSample(prediction, wanted)
        if let classWeights {
            let weights = graph.constant(
                try Tensor(classWeights.map(Float.init), shape: [classWeights.count]))
            each = try each * (target * weights).sum([-1])
        }
        var total = try each.mean()
        for penalty in context.penalties { total = try total + penalty }
        let figures = try metrics.map { try $0.perSample(prediction, target).mean() }
        let gradients = try graph.gradients(of: total, withRespectTo: slots.map { graph.read($0.weight) })
        var updates = try optimizer.updates(slots, gradients: gradients, rates: rates) + context.updates
        var scalars = rates
        if !averages.isEmpty {
            let share = graph.input(ValueType([]))
            scalars.append(share)
            for (average, parameter) in zip(averages, network.parameters) {
                let new = updates.first { $0.variable === parameter.variable }?.value
                let old = graph.read(average)
                let value = new ?? graph.read(parameter.variable)
                updates.append((average, try old + (value - old) * share))
            }
        }
        return try Plan(inputs: [x, target, key] + scalars, outputs: [total] + figures, updates: updates)
    }
}

/// Judging as plans, one for each batch size: each sample's loss, metrics and, of classifiers, its class.
final class EvaluationPlans {
    private let network: Network
    private let loss: Loss
    private let metrics: [Metric]
    private let targetShape: [Int]
    private var plans: [Int: Plan] = [:]

    init(_ network: Network, loss: Loss, metrics: [Metric], targetShape: [Int]) {
        self.network = network
        self.loss = loss
        self.metrics = metrics
        self.targetShape = targetShape
    }

    struct Totals {
        /// Σ over the samples: the loss, then the metrics.
        var sums: [Double]
        var count = 0
        /// What the network took each sample for; empty without classes.
        var classes: [Int32] = []

        func mean(_ i: Int) -> Double { count > 0 ? sums[i] / Double(count) : .nan }
    }

    /// The whole set, in order. `classes` asks for each sample's class too.
    func run(
        _ data: any ExampleSet, batch: Int, classes: Bool, cancel: CancelFlag,
        progress: (_ done: Int) -> Void = { _ in }
    ) throws -> Totals {
        var totals = Totals(sums: [Double](repeating: 0, count: metrics.count + 1))
        let feeder = try BatchFeeder(data, order: Array(0..<data.count), batch: batch, key: nil)
        while let batch = try feeder.next() {
            let plan = try plans[batch.count] ?? make(batch.count)
            plans[batch.count] = plan
            let results = try plan.run([batch.inputs, batch.targets], cancel: cancel)
            for i in totals.sums.indices {
                for value in try results[i].array(of: Float.self) { totals.sums[i] += Double(value) }
            }
            totals.count += batch.count
            if classes, let last = results.last { totals.classes += try last.array(of: Int32.self) }
            progress(totals.count)
        }
        return totals
    }

    private func make(_ batch: Int) throws -> Plan {
        let graph = Graph()
        let x = graph.input(ValueType([batch] + (try network.builtInputShape())))
        let target = graph.input(ValueType([batch] + targetShape))
        let prediction = try network.trace(x)
        var outputs = [try loss.perSample(prediction, target)]
        outputs += try metrics.map { try $0.perSample(prediction, target) }
        if prediction.rank == 2 { outputs.append(try prediction.argmax(axis: -1)) }
        return try Plan(inputs: [x, target], outputs: outputs)
    }
}

/// A network's results as plans, one for each batch size; the least used are let go.
final class PredictionPlans {
    private unowned let network: Network
    private var plans: [(batch: Int, plan: Plan)] = []
    private static let kept = 3

    init(_ network: Network) { self.network = network }

    /// [batch] + inputShape → [batch] + outputShape.
    func run(_ inputs: Tensor, cancel: CancelFlag) throws -> Tensor {
        let batch = inputs.shape.first ?? 0
        let known: Plan
        if let at = plans.firstIndex(where: { $0.batch == batch }) {
            known = plans.remove(at: at).plan
        } else {
            let graph = Graph()
            let x = graph.input(ValueType([batch] + (try network.builtInputShape())))
            known = try Plan(inputs: [x], outputs: [network.trace(x)])
        }
        plans.append((batch, known))
        if plans.count > Self.kept { plans.removeFirst() }
        return try known.run([inputs], cancel: cancel)[0]
    }
}

/// Losses and metrics that fit a network and its data unless others are asked for, with the checks
/// that spare a person a shape error from deep inside.
func checkFit(
    _ network: Network, _ data: any ExampleSet, _ what: String
) throws {
    guard data.count > 0 else { throw Failure(.value, "\(what): the data has no examples") }
    let output = try network.outputShape()
    guard output == data.targetShape else {
        let classes = data.classNames.count
        throw Failure(
            .shape,
            "\(what): \(network.name) ends in shape \(Shape.describe(output)), the data's targets have shape \(Shape.describe(data.targetShape))",
            hint: classes > 0 ? "the data has \(classes) classes: end in dense(\(classes)), softmax()" : nil)
    }
}

/// Cross-entropy where there are classes: of probabilities after a softmax (and after a function of the
/// user's own, which may be one), of logits otherwise.
func defaultLoss(_ network: Network, _ data: any ExampleSet) -> Loss {
    guard !data.classNames.isEmpty else { return .meanSquaredError }
    if data.targetSize == 1 { return .binaryCrossEntropy }
    let last = network.outputLayer.layer.kind
    return last.withoutSoftmax() != nil || last is FunctionLayer ? .crossEntropy : .crossEntropyFromLogits
}

func defaultMetrics(_ data: any ExampleSet) -> [Metric] {
    data.classNames.isEmpty ? [.meanAbsoluteError] : [.accuracy]
}
