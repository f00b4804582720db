import Engine
import Graph
import Network
import Support
import Tensor

/// Attributions that are gradients of a class' score with respect to the input.
enum InputGradients {
    /// What goes back through a ReLU instead of its gradient (Springenberg et al. 2015).
    static func rule(_ method: AttributionMethod) -> GradientRule? {
        switch method {
        case .guidedBackprop:
            // Only what is positive, and only where the ReLU was on.
            return { operation, context in
                guard (operation as? Unary)?.function == .relu else { return nil }
                return [
                    try context.output.graph.add(
                        Binary(.reluGradient), [context.cotangent.relu(), context.output])
                ]
            }
        case .deconvnet:
            // Only what is positive, wherever the ReLU was (Zeiler and Fergus 2014).
            return { operation, context in
                guard (operation as? Unary)?.function == .relu else { return nil }
                return [try context.cotangent.relu()]
            }
        default: return nil
        }
    }

    /// One pass: the gradient, or the gradient times the input, for each class row. x: [n] + input.
    static func gradient(_ method: AttributionMethod, _ x: Traced, _ scores: ClassScores, _ chosen: Traced)
        throws
        -> Traced
    {
        let total = try scores.chosen(chosen).sum()
        let g = try x.graph.gradients(of: total, withRespectTo: [x], rule: rule(method))[0]
        return method == .gradientTimesInput ? try g * x : g
    }
}

/// Gradients at many points around one input, a batch of them at a time through one plan, summed up
/// in a variable: integrated gradients and SmoothGrad.
struct PathGradients {
    private let plan: Plan
    private let total: Variable
    private let batch: Int
    private let shape: [Int]
    private let isPath: Bool

    /// - isPath: the points lie between a baseline and the input (integrated gradients); otherwise
    ///   around the input with noise (SmoothGrad).
    init(_ network: Network, batch: Int, isPath: Bool) throws {
        shape = try network.builtInputShape()
        (self.batch, self.isPath) = (batch, isPath)
        let graph = Graph()
        let ones = shape.map { _ in 1 }
        let x = graph.input(ValueType([1] + shape))
        let other = isPath ? graph.input(ValueType([1] + shape)) : graph.input(ValueType([4], .int32))
        let places = graph.input(ValueType([batch] + ones))
        let weights = graph.input(ValueType([batch] + ones))
        let chosen = graph.input(ValueType([1, try network.classCount()]))
        let points: Traced
        if isPath {
            points = try other + (x - other) * places
        } else {
            let noise = try other.random(.normal, shape: [batch] + shape, stream: 1)
            points = try x + noise * (x.max() - x.min()) * places
        }
        let score = try ClassScores(of: network.trace(points)).chosen(chosen).sum()
        let g = try graph.gradients(of: score, withRespectTo: [points])[0]
        total = Variable(try Tensor(repeating: 0, shape: [1] + shape), name: "sum of gradients")
        let sum = try graph.read(total) + (g * weights).sum([0], keepAxes: true)
        let result = isPath ? try sum * (x - other) : sum
        plan = try Plan(
            inputs: [x, other, places, weights, chosen], outputs: [result], updates: [(total, sum)])
    }

    /// The attribution of one class, [1] + input shape. `points`: place (or noise) and weight of each.
    func run(
        _ x: Tensor, baseline: Tensor?, key: RandomKey, chosen: Tensor,
        points: (places: [Double], weights: [Double]), cancel: CancelFlag, step: (Int) -> Void
    ) throws -> Tensor {
        try total.assign(Tensor(repeating: 0, shape: [1] + shape))
        let count = points.places.count
        let ones = shape.map { _ in 1 }
        var result = total.value
        for start in stride(from: 0, to: count, by: batch) {
            let used = start..<min(start + batch, count)
            func padded(_ values: [Double]) throws -> Tensor {
                // Places beyond the last point weigh nothing.
                let own = values[used].map { Float($0) }
                return try Tensor(
                    own + [Float](repeating: 0, count: batch - own.count), shape: [batch] + ones)
            }
            let other: Tensor
            if isPath, let baseline {
                other = baseline
            } else {
                let words = RandomKey(seed: key.seed, step: key.step &+ UInt64(start / batch)).words
                other = try Tensor(words, shape: [4])
            }
            result = try plan.run(
                [x, other, padded(points.places), padded(points.weights), chosen], cancel: cancel)[0]
            step(used.count)
        }
        return result
    }
}
