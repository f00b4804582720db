import Engine
import Graph
import Network
import Support
import Tensor

/// The plans of one maximization: what a step computes, traced once.
struct Climb {
    let objective: Objective
    let options: MaximizationOptions
    let space: InputSpace
    let batch: Int
    let representation: Representation
    let best: Variable
    let bestScore: Variable
    /// What an optimizer keeps for each of the representation's variables.
    private let slots: [OptimizerSlots]
    let rateCount: Int

    /// One step: [rates] + the transforms' values → score, gradient's power, probability.
    func stepPlan(redirected: Bool) throws -> Plan {
        let graph = Graph()
        let rates = (0..<rateCount).map { _ in graph.input(ValueType([])) }
        let random = try options.transforms.inputs(graph, spatial: space.shape.count - 1)
        let x = try representation.decode(graph)
        let seen = try options.transforms.apply(x, random, space)
        let score = try objective.score(seen)
        var climbed = score
        if let penalty = try options.regularizers.penalty(x, space) { climbed = try score - penalty }
        let numbers = representation.variables.map { graph.read($0) }
        let rule: GradientRule? = redirected ? { try Self.redirectedReLU($0, $1) } : nil
        let total = try climbed.sum()
        let gradients = try graph.gradients(of: total, withRespectTo: numbers, rule: rule)
        var power = try gradients[0].square().mean(Array(1..<gradients[0].rank))
        for gradient in gradients.dropFirst() {
            power = try power + gradient.square().mean(Array(1..<gradient.rank))
        }
        var updates = try moved(gradients, rates)
        if options.parametrization.isSamples {
            for i in updates.indices where updates[i].variable === representation.variables[0] {
                updates[i].value = try bounded(updates[i].value)
            }
        }
        var outputs = [score, try (power / Double(gradients.count)).sqrt()]
        if let probability = objective.probability { outputs.append(try probability(seen)) }
        if !options.transforms.isActive {
            let old = graph.read(bestScore)
            let isBetter = try score.binary(.greater, old)
            let form = [batch] + space.shape.map { _ in 1 }
            updates.append((best, try isBetter.reshaped(form).select(x, graph.read(best))))
            updates.append((bestScore, try score.binary(.maximum, old)))
        }
        return try Plan(inputs: rates + random.values, outputs: outputs, updates: updates)
    }

    /// The new values of the representation's variables (and of the optimizer's own).
    private func moved(_ gradients: [Traced], _ rates: [Traced]) throws -> [(
        variable: Variable, value: Traced
    )] {
        let directions = try gradients.map { gradient -> Traced in
            let axes = Array(1..<gradient.rank)
            switch options.norm {
            case .rms:
                let power = try gradient.square().mean(axes, keepAxes: true).sqrt()
                return try gradient / (power + options.epsilon)
            case .l2:
                let length = try gradient.square().sum(axes, keepAxes: true).sqrt()
                return try gradient / (length + options.epsilon)
            case .none: return gradient
            }
        }
        if let optimizer = options.optimizer {
            return try optimizer.updates(slots, gradients: directions, rates: rates, minimizing: false)
        }
        return try zip(representation.variables, directions).map { variable, direction in
            (variable, try direction.graph.read(variable) + direction * rates[0])
        }
    }

    /// The input kept within its bounds and its loudness.
    private func bounded(_ x: Traced) throws -> Traced {
        var x = x
        let graph = x.graph
        switch options.bounds {
        case .none: break
        case .range(let low, let high): x = try x.clipped(low, high)
        case .natural:
            guard let range = space.range else { break }
            x = try x.binary(.maximum, space.row(range.low, in: graph))
                .binary(.minimum, space.row(range.high, in: graph))
        }
        return try Self.quietened(x, options.loudness)
    }

    /// Scaled down where its root mean square exceeds `loudness`.
    private static func quietened(_ x: Traced, _ loudness: Double?) throws -> Traced {
        guard let loudness else { return x }
        let level = try (x.square().mean(Array(1..<x.rank), keepAxes: true) + 1e-20).sqrt()
        return try x * (loudness / level.binary(.maximum, level.scalar(loudness)))
    }

    /// Bounds of an input that follows from other numbers: smooth, so that no gradient is cut off.
    private static func softlyBounded(_ x: Traced, _ options: MaximizationOptions, _ space: InputSpace) throws
        -> Traced
    {
        var x = try quietened(x, options.loudness)
        guard space.kind == .sound else { return x }
        switch options.bounds {
        case .none: break
        case .natural: x = try x.tanh()
        case .range(let low, let high):
            let (middle, reach) = ((low + high) / 2, (high - low) / 2)
            x = try ((x - middle) / reach).tanh() * reach + middle
        }
        return x
    }

    /// The blur, low-pass and clipping of every few steps.
    func conditioningPlan() throws -> Plan? {
        let conditioning = options.conditioning
        guard conditioning.isActive else { return nil }
        let graph = Graph()
        let variable = representation.variables[0]
        let x = graph.read(variable)
        let next = try conditioning.apply(
            x,
            gradient: {
                try graph.gradients(of: objective.score(x).sum(), withRespectTo: [x])[0]
            }, space)
        return try Plan(inputs: [], outputs: [], updates: [(variable, next)])
    }

    /// The inputs as they stand.
    func inputPlan() throws -> Plan {
        let graph = Graph()
        return try Plan(inputs: [], outputs: [representation.decode(graph)])
    }

    /// The inputs as they stand, their scores and probabilities, nothing moved at random.
    func scorePlan() throws -> Plan {
        let graph = Graph()
        let x = try representation.decode(graph)
        var outputs = [x, try objective.score(x)]
        if let probability = objective.probability { outputs.append(try probability(x)) }
        return try Plan(inputs: [], outputs: outputs)
    }

    /// Where a ReLU blocks a sample's whole gradient, what would raise its input is let through (Lucid's
    /// redirected ReLU, Olah et al. 2017).
    static func redirectedReLU(_ operation: any Operation, _ c: GradientContext) throws -> [Traced?]? {
        guard let unary = operation as? Unary, unary.function == .relu, c.inputs[0].rank > 1 else {
            return nil
        }
        let x = c.inputs[0]
        let plain = try x.graph.add(Binary(.reluGradient), [c.cotangent, c.output])
        // What raises the input where it is below 0.
        let raising = try x.graph.add(Binary(.reluGradient), [c.cotangent.relu(), -x])
        let power = try plain.square().sum(Array(1..<x.rank), keepAxes: true)
        let isDead = try power.binary(.equal, power.scalar(0)).cast(x.type.type)
        return [try plain + raising * isDead]
    }
}

// MARK: - Making one

extension Climb {
    init(_ objective: Objective, _ options: MaximizationOptions) throws {
        self.objective = objective
        self.options = options
        let space = try InputSpace(objective.network)
        self.space = space
        let (count, overflow) = objective.count.multipliedReportingOverflow(by: options.copies)
        guard !overflow, count <= 4096 else {
            throw Failure(.argument, "maximize: more than 4096 inputs at once", hint: "ask for fewer")
        }
        batch = count
        try options.conditioning.checked(space)
        let made = try options.parametrization.made(
            space, batch: count, Self.beginning(options, space, count))
        if options.parametrization.isSamples {
            representation = made
        } else {
            representation = Representation(variables: made.variables) { graph in
                try Self.softlyBounded(made.decode(graph), options, space)
            }
        }
        let silence = try Tensor(repeating: 0, shape: [count] + space.shape)
        best = Variable(silence, name: "best input")
        bestScore = Variable(try Tensor(repeating: -Double.infinity, shape: [count]), name: "best score")
        slots = try options.optimizer?.slots(for: representation.variables) ?? []
        rateCount = options.optimizer?.rateCount ?? 1
    }

    /// Inputs of one aim begin with the same noise as those of the others, so that differences are the
    /// network's; copies have noise of their own.
    private static func beginning(_ options: MaximizationOptions, _ space: InputSpace, _ batch: Int) throws
        -> Beginning
    {
        let keys = (0..<batch).map { i in
            let copy = UInt64(i % options.copies)
            return copy == 0
                ? options.key
                : RandomKey(seed: options.key.seed &+ copy &* 0x9E37_79B9, step: options.key.step)
        }
        switch options.start {
        case .given(let x): return .inputs(try fitted(x, [batch] + space.shape))
        case .zeros:
            let graph = Graph()
            let row = try space.row(space.middle, in: graph).broadcasted(to: [batch] + space.shape)
            return .inputs(try row.evaluated())
        case .noise:
            guard options.parametrization.isSamples else { return .noise(keys) }
            let isPicture = space.shape.count == 3
            var values: [Float] = []
            for key in keys {
                let noise = try Tensor(random: .uniform, shape: space.shape, key: key)
                let spread: Float = isPicture ? 20 : 0.2
                values += try noise.array(of: Float.self).map { ($0 - 0.5) * spread }
            }
            let graph = Graph()
            let noise = graph.constant(try Tensor(values, shape: [batch] + space.shape))
            guard isPicture, space.middle.contains(where: { $0 != 0 }) else {
                return .inputs(try noise.evaluated())
            }
            return .inputs(try space.aroundGrey(noise).evaluated())
        }
    }

    private static func fitted(_ given: Tensor, _ shape: [Int]) throws -> Tensor {
        let whole = given.rank == shape.count ? given : try given.reshaped([1] + given.shape)
        guard whole.rank == shape.count, Array(whole.shape.dropFirst()) == Array(shape.dropFirst()) else {
            throw Failure(
                .shape, "maximize: the start has shape \(Shape.describe(given.shape))",
                hint: "the network takes \(Shape.describe(Array(shape.dropFirst())))")
        }
        guard whole.shape[0] == 1 || whole.shape[0] == shape[0] else {
            throw Failure(
                .shape, "maximize: \(whole.shape[0]) starts for \(shape[0]) inputs",
                hint: "give one, or one for each")
        }
        return try whole.broadcasted(to: shape).converted(to: .float32).dense()
    }
}
