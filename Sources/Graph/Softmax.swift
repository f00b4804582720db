import Glibc
import Support
import Tensor

/// exp(x) / Σ exp(x) over the last axis.
public struct Softmax: Operation {
    public init() {}
    public var name: String { "softmax" }

    public func result(_ inputs: [ValueType]) throws -> ValueType { try lastAxisRule(inputs, name) }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (y, dy) = (c.output, c.cotangent)
        return [try y * (dy - (dy * y).sum([-1], keepAxes: true))]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        overRows(inputs[0]) { row in
            let top = row.max() ?? 0
            let powers = row.map { exp($0 - top) }
            let total = powers.reduce(0, +)
            return powers.map { $0 / total }
        }
    }
}

/// x − log Σ exp(x) over the last axis.
public struct LogSoftmax: Operation {
    public init() {}
    public var name: String { "log_softmax" }

    public func result(_ inputs: [ValueType]) throws -> ValueType { try lastAxisRule(inputs, name) }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.cotangent - c.output.exp() * c.cotangent.sum([-1], keepAxes: true)]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        overRows(inputs[0]) { row in
            let top = row.max() ?? 0
            let total = log(row.reduce(0) { $0 + exp($1 - top) })
            return row.map { $0 - top - total }
        }
    }
}

private func lastAxisRule(_ inputs: [ValueType], _ name: String) throws -> ValueType {
    try requireFloat(inputs, name)
    guard let classes = inputs[0].shape.last, classes > 0 else {
        throw Failure(.shape, "\(name) needs a last axis with at least one class, not \(inputs[0])")
    }
    return inputs[0]
}

private func overRows(_ x: ReferenceArray, _ body: ([Double]) -> [Double]) -> ReferenceArray {
    let n = x.shape.last ?? 1
    var result = x
    for start in stride(from: 0, to: x.values.count, by: max(n, 1)) {
        result.values.replaceSubrange(start..<start + n, with: body(Array(x.values[start..<start + n])))
    }
    return result
}

extension Traced {
    public func softmax() throws -> Traced { try graph.add(Softmax(), [self]) }
    public func logSoftmax() throws -> Traced { try graph.add(LogSoftmax(), [self]) }

    /// Cross-entropy of each row: −Σ labels · log softmax(self). Self: logits [batch, classes];
    /// labels: the same shape, each row a distribution (one-hot). Result: [batch].
    public func crossEntropyFromLogits(_ labels: Traced) throws -> Traced {
        guard shape == labels.shape else { throw labelMismatch(labels) }
        return try -(labels * logSoftmax()).sum([-1])
    }

    /// Cross-entropy where self holds probabilities [batch, classes]. Straight after a softmax it
    /// goes back to the logits, which loses nothing; otherwise probabilities are kept above 1e-7.
    public func crossEntropy(_ labels: Traced) throws -> Traced {
        if operation is Softmax { return try inputs[0].crossEntropyFromLogits(labels) }
        guard shape == labels.shape else { throw labelMismatch(labels) }
        return try -(labels * clipped(1e-7, 1).log()).sum([-1])
    }

    private func labelMismatch(_ labels: Traced) -> Failure {
        Failure(
            .shape,
            "cross-entropy: predictions \(Shape.describe(shape)) and labels \(Shape.describe(labels.shape)) differ",
            hint: "labels are one-hot rows, as one_hot makes them: [batch, classes]")
    }
}
