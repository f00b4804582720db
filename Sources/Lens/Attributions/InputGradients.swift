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
/// in a variable: SmoothGrad, integrated gradients and gradient SHAP.
struct PathGradients {
    /// Where the points lie.
    struct Course {
        /// From so many baselines to the input, each gradient times the whole way; 0: at the input itself.
        var baselines = 0
        /// The input has normal noise on it.
        var isNoisy = false
    }

    /// One for each point.
    struct Points {
        /// From 0 at the baseline to 1 at the input.
        var places: [Double]
        var weights: [Double]
        /// Which baseline.
        var rows: [Int]
    }

    private let course: Course
    private let plan: Plan
    private let total: Variable
    private let batch: Int
    private let shape: [Int]

    init(_ network: Network, batch: Int, _ course: Course) throws {
        shape = try network.builtInputShape()
        (self.batch, self.course) = (batch, course)
        let graph = Graph()
        let ones = shape.map { _ in 1 }
        let x = graph.input(ValueType([1] + shape))
        let weights = graph.input(ValueType([batch] + ones))
        let chosen = graph.input(ValueType([1, try network.classCount()]))
        var inputs = [x, weights, chosen]
        func given(_ shape: [Int], _ type: ElementType = .float32) -> Traced {
            inputs.append(graph.input(ValueType(shape, type)))
            return inputs[inputs.count - 1]
        }
        var end = x
        if course.isNoisy {
            let (key, size) = (given([4], .int32), given([]))
            let noise = try key.random(.normal, shape: [batch] + shape, stream: 1)
            end = try x + noise * (x.max() - x.min()) * size
        }
        var points = end
        var way: Traced?
        if course.baselines > 0 {
            let (all, places) = (given([course.baselines] + shape), given([batch] + ones))
            let start = course.baselines == 1 ? all : try all.gathered(given([batch], .int32), axis: 0)
            let difference = try end - start
            points = try start + difference * places
            way = difference
        }
        let score = try ClassScores(of: network.trace(points)).chosen(chosen).sum()
        let g = try graph.gradients(of: score, withRespectTo: [points])[0] * weights
        // One way for all is left until they are summed up.
        var part = try (way.map { $0.shape[0] > 1 ? try g * $0 : g } ?? g).sum([0], keepAxes: true)
        if let way, way.shape[0] == 1 { part = try part * way }
        total = Variable(try Tensor(repeating: 0, shape: [1] + shape), name: "sum of gradients")
        let sum = try graph.read(total) + part
        plan = try Plan(inputs: inputs, outputs: [sum], updates: [(total, sum)])
    }

    /// The attribution of one class, [1] + input shape.
    ///
    /// - baselines: [baselines] + input shape, where the course has any.
    /// - noise: its standard deviation as a part of max(x) − min(x).
    func run(
        _ x: Tensor, baselines: Tensor, noise: Double, key: RandomKey, chosen: Tensor, points: Points,
        cancel: CancelFlag, step: (Int) -> Void
    ) throws -> Tensor {
        try total.assign(Tensor(repeating: 0, shape: [1] + shape))
        let count = points.weights.count
        let ones = shape.map { _ in 1 }
        var result = total.value
        for start in stride(from: 0, to: count, by: batch) {
            let used = start..<min(start + batch, count)
            // Places beyond the last point weigh nothing.
            let missing = batch - used.count
            func padded(_ values: [Double]) throws -> Tensor {
                try Tensor(
                    values[used].map { Float($0) } + [Float](repeating: 0, count: missing),
                    shape: [batch] + ones)
            }
            var values = try [x, padded(points.weights), chosen]
            if course.isNoisy {
                let own = RandomKey(seed: key.seed, step: key.step &+ UInt64(start / batch))
                values += try [Tensor(own.words, shape: [4]), Tensor(scalar: Float(noise))]
            }
            if course.baselines > 0 { values += try [baselines, padded(points.places)] }
            if course.baselines > 1 {
                let rows = points.rows[used].map { Int32(clamping: $0) }
                values.append(try Tensor(rows + [Int32](repeating: 0, count: missing), shape: [batch]))
            }
            result = try plan.run(values, cancel: cancel)[0]
            step(used.count)
        }
        return result
    }
}
