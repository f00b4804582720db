import Graph
import Support
import Tensor

/// How far a prediction is from its target: [batch, …] and [batch, …] → one number a sample, [batch].
public struct Loss {
    public let name: String
    let body: (_ prediction: Traced, _ target: Traced) throws -> Traced

    /// A loss of the person's own. The result is [batch], or a scalar for the whole batch.
    public init(_ name: String, _ body: @escaping (Traced, Traced) throws -> Traced) {
        self.name = name
        self.body = body
    }

    /// [batch], whatever the body gave: further axes are averaged, a scalar holds for every sample.
    public func perSample(_ prediction: Traced, _ target: Traced) throws -> Traced {
        let value = try body(prediction, target)
        let batch = prediction.shape.first ?? 1
        if value.rank == 0 { return try value.broadcasted(to: [batch]) }
        guard value.shape[0] == batch else {
            throw Failure(
                .shape,
                "the loss '\(name)' gives shape \(Shape.describe(value.shape)) for a batch of \(batch)",
                hint: "give one number for each sample, or one for all")
        }
        return value.rank == 1 ? value : try value.mean(Array(1..<value.rank))
    }

    /// −Σ target · log prediction over the last axis. After a softmax it goes back to the logits.
    public static var crossEntropy: Loss {
        Loss("cross_entropy") { p, t in
            if p.operation is LogSoftmax { return try p.inputs[0].crossEntropyFromLogits(t) }
            return try p.crossEntropy(t)
        }
    }
    /// The same where the network ends in logits: no softmax before it.
    public static var crossEntropyFromLogits: Loss {
        Loss("cross_entropy_logits") { p, t in try p.crossEntropyFromLogits(t) }
    }
    /// −t log p − (1 − t) log(1 − p), mean over the last axis; after a sigmoid it goes back to the logits.
    public static var binaryCrossEntropy: Loss {
        Loss("binary_cross_entropy") { p, t in try p.binaryCrossEntropy(t) }
    }
    /// Mean of (p − t)².
    public static var meanSquaredError: Loss { Loss("mse") { p, t in try p.squaredError(t) } }
    /// Mean of |p − t|.
    public static var meanAbsoluteError: Loss { Loss("mae") { p, t in try p.absoluteError(t) } }
    /// Mean of max(1 − t p, 0); targets 0 and 1 become −1 and 1, as in Keras.
    public static var hinge: Loss { Loss("hinge") { p, t in try p.hingeLoss(t) } }
    /// Quadratic near 0, linear from 1 on (Huber 1964).
    public static var huber: Loss { Loss("huber") { p, t in try p.huberLoss(t) } }

    static var all: [Loss] {
        [
            .crossEntropy, .crossEntropyFromLogits, .binaryCrossEntropy, .meanSquaredError,
            .meanAbsoluteError,
            .hinge, .huber,
        ]
    }

    /// By name: "cross_entropy", "cross_entropy_logits", "binary_cross_entropy" ("bce"), "mse", "mae",
    /// "hinge", "huber".
    public static func named(_ name: String) throws(Failure) -> Loss {
        let wanted = name == "bce" ? "binary_cross_entropy" : name
        guard let loss = all.first(where: { $0.name == wanted }) else {
            let names = all.map(\.name)
            throw Failure(
                .value, "there is no loss '\(name)'",
                hint: Spelling.nearest(name, among: names).map { "did you mean '\($0)'?" }
                    ?? "known are \(names.joined(separator: ", ")), or give a function (prediction, target)")
        }
        return loss
    }
}

private func matching(_ p: Traced, _ t: Traced, _ name: String) throws {
    guard p.shape == t.shape else {
        throw Failure(
            .shape,
            "\(name): predictions \(Shape.describe(p.shape)) and targets \(Shape.describe(t.shape)) differ in shape",
            hint: "the network's output must have the shape of the targets")
    }
}

/// A figure that is followed beside the loss; one number a sample, averaged over all.
public struct Metric {
    public let name: String
    let body: (_ prediction: Traced, _ target: Traced) throws -> Traced

    /// A metric of the person's own; the result is [batch], or a scalar for the whole batch.
    public init(_ name: String, _ body: @escaping (Traced, Traced) throws -> Traced) {
        self.name = name
        self.body = body
    }

    public func perSample(_ prediction: Traced, _ target: Traced) throws -> Traced {
        try Loss(name, body).perSample(prediction, target).cast(.float32)
    }

    /// 1 where the greatest prediction is the greatest target; with a single output, where both lie on
    /// the same side of a half.
    public static var accuracy: Metric {
        Metric("accuracy") { p, t in
            try matching(p, t, "accuracy")
            guard let last = p.shape.last, last > 1 else {
                return try (p > 0.5).binary(.equal, t > 0.5).cast(.float32)
            }
            return try p.argmax(axis: -1).binary(.equal, t.argmax(axis: -1)).cast(.float32)
        }
    }

    /// 1 where the target class is among the k greatest predictions.
    public static func topK(_ k: Int) -> Metric {
        Metric("top\(k)_accuracy") { p, t in
            try matching(p, t, "top\(k)_accuracy")
            let own = try (p * t).sum([-1], keepAxes: true)
            let better = try p.binary(.greater, own).cast(.float32).sum([-1])
            return try (better < Double(k)).cast(.float32)
        }
    }

    public static var meanAbsoluteError: Metric {
        Metric("mae") { p, t in try Loss.meanAbsoluteError.perSample(p, t) }
    }
    public static var meanSquaredError: Metric {
        Metric("mse") { p, t in try Loss.meanSquaredError.perSample(p, t) }
    }

    /// By name: "accuracy", "top5_accuracy", "mae", "mse".
    public static func named(_ name: String) throws(Failure) -> Metric {
        switch name {
        case "accuracy": return .accuracy
        case "mae": return .meanAbsoluteError
        case "mse": return .meanSquaredError
        default:
            if name.hasPrefix("top"), let k = Int(name.dropFirst(3).prefix { $0.isNumber }), k > 0 {
                return .topK(k)
            }
            throw Failure(
                .value, "there is no metric '\(name)'",
                hint: "known are accuracy, top5_accuracy, mae, mse, or give a function (prediction, target)")
        }
    }
}
