import Glibc
import Support
import Tensor

/// How good a network is on data that it did not learn from.
public struct Evaluation: Sendable {
    /// Precision, recall and their harmonic mean for one class; NaN where nothing was there to judge.
    public struct ClassScore: Sendable {
        public let name: String
        /// Examples of this class.
        public let count: Int
        /// Of those taken for this class, how many are of it.
        public let precision: Double
        /// Of those of this class, how many were taken for it.
        public let recall: Double
        public let f1: Double
    }

    public struct Confusion: Sendable {
        public let actual: String
        public let predicted: String
        public let count: Int
    }

    public let loss: Double
    /// The metrics in order, averaged over all examples.
    public let metrics: [(name: String, value: Double)]
    public let count: Int
    public let classes: [String]
    /// confusion[actual][predicted]; empty without classes.
    public let confusion: [[Int]]
    /// What each example was taken for.
    public let predicted: [Int]

    /// The share of examples whose class was found.
    public var accuracy: Double { metrics.first { $0.name == "accuracy" }?.value ?? .nan }

    public var classScores: [ClassScore] {
        classes.indices.map { i in
            let hits = Double(confusion[i][i])
            let actual = confusion[i].reduce(0, +)
            let taken = confusion.reduce(0) { $0 + $1[i] }
            let precision = taken > 0 ? hits / Double(taken) : .nan
            let recall = actual > 0 ? hits / Double(actual) : .nan
            let f1 = taken + actual > 0 ? 2 * hits / Double(taken + actual) : .nan
            return ClassScore(name: classes[i], count: actual, precision: precision, recall: recall, f1: f1)
        }
    }

    /// The pairs taken for each other most often, most frequent first.
    public func mostConfused(_ limit: Int = 10) -> [Confusion] {
        var pairs: [Confusion] = []
        for (i, row) in confusion.enumerated() {
            for (j, n) in row.enumerated() where i != j && n > 0 {
                pairs.append(Confusion(actual: classes[i], predicted: classes[j], count: n))
            }
        }
        return Array(
            pairs.sorted { ($1.count, $0.actual, $0.predicted) < ($0.count, $1.actual, $1.predicted) }.prefix(
                max(limit, 0)))
    }
}

extension Network {
    /// Loss, metrics and confusion over a whole set. Throws where network and data do not fit, and
    /// `Failure.interrupted` once `cancel` is set.
    public func evaluate(
        _ data: any ExampleSet, batch: Int = 32, loss: Loss? = nil, metrics: [Metric]? = nil,
        progress: ProgressHook? = nil, cancel: CancelFlag = .shared
    ) throws -> Evaluation {
        guard batch >= 1 else { throw Failure(.argument, "evaluate: batch must be at least 1, not \(batch)") }
        guard try builtInputShape() == data.exampleShape else {
            throw Failure(
                .shape,
                "evaluate: \(name) takes samples of shape \(Shape.describe(try builtInputShape())), the data has \(Shape.describe(data.exampleShape))"
            )
        }
        try checkFit(self, data, "evaluate")
        if !classes.isEmpty, !data.classNames.isEmpty, classes != data.classNames {
            throw Failure(
                .value,
                "evaluate: \(name) knows the classes \(classes.prefix(4).joined(separator: ", ")) …, the data has \(data.classNames.prefix(4).joined(separator: ", ")) …",
                hint: "choose the data's classes in the network's order")
        }
        let metrics = metrics ?? defaultMetrics(data)
        let plans = EvaluationPlans(
            self, loss: loss ?? defaultLoss(self, data), metrics: metrics, targetShape: data.targetShape)
        let hasClasses = data.classNames.count > 1 && data.targetShape == [data.classNames.count]
        let batches = (data.count + batch - 1) / batch
        let totals = try plans.run(data, batch: batch, classes: hasClasses, cancel: cancel) { done in
            progress?(
                Progress(
                    label: "evaluate", done: (done + batch - 1) / batch, total: batches,
                    isFinal: done == data.count))
        }
        var confusion: [[Int]] = []
        if hasClasses {
            let n = data.classNames.count
            confusion = [[Int]](repeating: [Int](repeating: 0, count: n), count: n)
            for (i, guess) in totals.classes.enumerated() {
                if let label = data.label(at: i), confusion.indices.contains(label), 0..<n ~= Int(guess) {
                    confusion[label][Int(guess)] += 1
                }
            }
        }
        return Evaluation(
            loss: totals.mean(0),
            metrics: metrics.enumerated().map { (name: $1.name, value: totals.mean($0 + 1)) },
            count: totals.count,
            classes: hasClasses ? data.classNames : [], confusion: confusion,
            predicted: totals.classes.map(Int.init))
    }

    /// The network's results: [n] + inputShape → [n] + outputShape; one sample without its batch axis
    /// gives one result without it. Many samples go through in pieces of `batch`.
    public func predict(_ inputs: Tensor, batch: Int = 32, cancel: CancelFlag = .shared) throws -> Tensor {
        let own = try builtInputShape()
        let x = try inputs.converted(to: .float32)
        if x.shape == own {
            return try predict(x.reshaped([1] + own), batch: batch, cancel: cancel).reshaped(outputShape())
        }
        guard x.rank == own.count + 1, Array(x.shape.dropFirst()) == own, x.shape[0] > 0, batch >= 1 else {
            throw Failure(
                .shape,
                "predict: \(name) takes samples of shape \(Shape.describe(own)), not \(Shape.describe(inputs.shape))",
                hint: "give one sample, or a batch of them with one more axis in front")
        }
        let n = x.shape[0]
        if n <= batch { return try predictionPlans.run(x.dense(), cancel: cancel) }
        let result = try Tensor(uninitialized: [n] + outputShape())
        let row = try Shape.count(outputShape()) * 4
        for start in stride(from: 0, to: n, by: batch) {
            let end = min(start + batch, n)
            let part = try x[[.slice(start: start, end: end, step: 1)]].dense()
            try predictionPlans.run(part, cancel: cancel).withBytes { bytes in
                if let from = bytes.baseAddress {
                    (result.buffer.base + start * row).copyMemory(from: from, byteCount: bytes.count)
                }
            }
        }
        return result
    }

    /// Scores as probabilities: those of a softmax or of sigmoids are some already; anything else,
    /// logarithms of a softmax too, goes through a softmax.
    private static func probabilities(_ scores: [Double]) -> [Double] {
        if scores.allSatisfy({ $0 >= 0 && $0 <= 1 }) { return scores }
        let greatest = scores.max() ?? 0
        let raised = scores.map { Glibc.exp($0 - greatest) }
        let sum = raised.reduce(0, +)
        return raised.map { $0 / sum }
    }

    /// One sample's classes with their probabilities, the likeliest first.
    public func classify(
        _ sample: Tensor, top: Int = 5, cancel: CancelFlag = .shared
    ) throws -> [(name: String, index: Int, probability: Double)] {
        let y = try predict(sample, cancel: cancel)
        guard y.rank == 1 || (y.rank == 2 && y.shape[0] == 1) else {
            throw Failure(
                .shape, "classify: one sample at a time, not a batch of shape \(Shape.describe(sample.shape))"
            )
        }
        let values = Self.probabilities(try y.array(of: Double.self))
        let ranked = values.indices.sorted { values[$0] > values[$1] }
        return ranked.prefix(max(top, 0)).map {
            (classes.indices.contains($0) ? classes[$0] : "\($0)", $0, values[$0])
        }
    }
}
