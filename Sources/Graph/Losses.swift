import Support
import Tensor

// How far predictions (self) are from targets of the same shape, element by element; whoever trains
// averages. Cross-entropy, which is taken row by row, stands beside softmax.
extension Traced {
    /// (p − t)².
    public func squaredError(_ target: Traced) throws -> Traced {
        try requireSameShape(target, "mse")
        return try (self - target).square()
    }

    /// |p − t|.
    public func absoluteError(_ target: Traced) throws -> Traced {
        try requireSameShape(target, "mae")
        return try (self - target).abs()
    }

    /// −t log p − (1 − t) log(1 − p) of probabilities p. Straight after a sigmoid it goes back to the
    /// logits, which loses nothing; otherwise probabilities are kept within 1e-7 of 0 and 1.
    public func binaryCrossEntropy(_ target: Traced) throws -> Traced {
        try requireSameShape(target, "binary_cross_entropy")
        if let unary = operation as? Unary, unary.function == .sigmoid {
            return try inputs[0].binaryCrossEntropyFromLogits(target)
        }
        let p = try clipped(1e-7, 1 - 1e-7)
        return try -(target * p.log() + (1 - target) * (1 - p).log())
    }

    /// The same of logits x: max(x, 0) − x t + log(1 + exp(−|x|)).
    public func binaryCrossEntropyFromLogits(_ target: Traced) throws -> Traced {
        try requireSameShape(target, "binary_cross_entropy")
        // As t · softplus(−x) + (1 − t) · softplus(x), whose gradients hold at 0 too.
        return try target * (-self).unary(.softplus) + (1 - target) * unary(.softplus)
    }

    /// max(1 − t p, 0) for targets −1 and 1; targets of 0 count as −1, as in Keras.
    public func hingeLoss(_ target: Traced) throws -> Traced {
        try requireSameShape(target, "hinge")
        let sign = try (target > 0).select(target.scalar(1), -1)
        return try (1 - sign * self).relu()
    }

    /// (p − t)² / 2 up to `delta`, delta · (|p − t| − delta / 2) beyond (Huber 1964).
    public func huberLoss(_ target: Traced, delta: Double = 1) throws -> Traced {
        try requireSameShape(target, "huber")
        guard delta > 0 else { throw Failure(.argument, "huber: delta must be above 0, not \(delta)") }
        let e = try (self - target).abs()
        return try (e > delta).select((e - delta / 2) * delta, e.square() * 0.5)
    }

    private func requireSameShape(_ target: Traced, _ name: String) throws {
        guard shape == target.shape else {
            throw Failure(
                .shape,
                "\(name): predictions \(Shape.describe(shape)) and targets \(Shape.describe(target.shape)) differ in shape",
                hint: "the network's output must have the shape of the targets")
        }
    }
}
