import Graph
import Support
import Tensor

/// Layer-wise relevance propagation (Bach et al. 2015; rules as in Montavon et al. 2019): a class'
/// score is shared out from layer to layer until it reaches the input, where the shares add up to it.
///
/// It is the gradient with other rules: what runs back is c = R / a, relevance over activation, so
/// that ReLU, pooling, reshaping, sums and joins keep their own gradients, and only units with
/// weights, other activations and products share by rules of their own.
final class RelevancePropagation {
    private let options: RelevanceOptions
    private let units: RelevanceUnits
    private let input: Traced
    /// Values between which inputs lie, for the box rule: [1, …, channels].
    private let low: Traced?
    private let high: Traced?
    private let isPicture: Bool
    /// Relevance that a first layer's rule hands to the input itself.
    private var arrived: [Traced] = []

    /// - low, high: for the box rule, shaped to broadcast with `input`.
    init(_ options: RelevanceOptions, from input: Traced, to output: Traced, low: Traced?, high: Traced?)
        throws
    {
        self.options = options
        self.input = input
        self.low = low
        self.high = high
        isPicture = input.rank == 4
        units = try RelevanceUnits(from: input, to: output)
    }

    /// The input's relevance for `score`, one number: shaped as the input.
    func relevance(of score: Traced) throws -> Traced {
        arrived = []
        let c = try score.graph.gradients(of: score, withRespectTo: [input]) { operation, context in
            try self.share(operation, context)
        }[0]
        return try arrived.reduce(c * input) { try $0 + $1 }
    }

    /// What goes back through one operation; nil where its gradient is right.
    private func share(_ operation: any Operation, _ context: GradientContext) throws -> [Traced?]? {
        let id = context.output.id
        if units.passed.contains(id) {
            return context.inputs.map { units.influenced[$0.id] ? context.cotangent : nil }
        }
        if let unit = units.units[id] { return [try unitRule(unit, operation, context), nil] }
        switch operation {
        case let unary as Unary: return try activationRule(unary, context)
        case let binary as Binary: return try productRule(binary, context)
        case is Normalize:
            // Behind an activation, with fixed moments: an affine map of each number, which hands its
            // relevance on whole. (Behind a unit with weights it is part of that unit.)
            guard !context.inputs.dropFirst().contains(where: { units.influenced[$0.id] }) else {
                return nil
            }
            let whole = try context.cotangent * context.output / stabilized(context.inputs[0])
            return [whole] + context.inputs.dropFirst().map { _ in nil }
        case is Softmax, is LogSoftmax, is ConvolutionKernelGradient:
            throw Failure(
                .value, "lrp: there is no rule for a \(operation.name) inside a network",
                hint: "use integrated_gradients or gradcam, which take any network")
        default: return nil
        }
    }

    // MARK: - Activations and products

    /// An activation hands its relevance on whole.
    private func activationRule(_ unary: Unary, _ context: GradientContext) throws -> [Traced?]? {
        switch unary.function {
        case .relu, .leakyRelu, .identity, .negate, .abs: return nil
        default: return [try context.cotangent * context.output / stabilized(context.inputs[0])]
        }
    }

    private func productRule(_ binary: Binary, _ context: GradientContext) throws -> [Traced?]? {
        let (a, b, c) = (context.inputs[0], context.inputs[1], context.cotangent)
        let (needsA, needsB) = (context.needed[0], context.needed[1])
        switch binary.function {
        case .multiply where needsA && needsB:
            // A gate weighs what it was computed from; all relevance belongs to the signal.
            if depends(b, on: a) { return [try (c * b).summed(to: a.shape), nil] }
            if depends(a, on: b) { return [nil, try (c * a).summed(to: b.shape)] }
            return [try (c * b * 0.5).summed(to: a.shape), try (c * a * 0.5).summed(to: b.shape)]
        case .divide where needsA && needsB: return [try (c / b).summed(to: a.shape), nil]
        case .maximum where needsA != needsB, .minimum where needsA != needsB:
            let signal = needsA ? a : b
            let part = try (c * context.output / stabilized(signal)).summed(to: signal.shape)
            return needsA ? [part, nil] : [nil, part]
        case .power, .remainder:
            guard !needsB else { throw Failure(.value, "lrp: there is no rule for powers of two values") }
            return [try (c * context.output / stabilized(a)).summed(to: a.shape), nil]
        default: return nil
        }
    }

    private func depends(_ value: Traced, on other: Traced) -> Bool {
        var seen: Set<Int> = []
        var open = [value.id]
        while let id = open.popLast() {
            if id == other.id { return true }
            if id < other.id || !seen.insert(id).inserted { continue }
            open += value.graph.nodes[id].inputs
        }
        return false
    }

    // MARK: - Units with weights

    /// The rule of a unit, and c for what it takes.
    private func unitRule(
        _ unit: RelevanceUnits.Unit, _ operation: any Operation, _ context: GradientContext
    ) throws -> Traced? {
        let a = context.inputs[0]
        let relevance = try context.cotangent * Traced(graph: a.graph, id: unit.end)
        if a.id == input.id, let first = first { return try firstRule(first, unit, operation, a, relevance) }
        let rule =
            options.rule == .composite
            ? (unit.isConvolution ? RelevanceOptions.Rule.gamma : .epsilon) : options.rule
        let bias = options.bias ? unit.bias : nil
        switch rule {
        case .epsilon, .composite:
            return try shared(relevance, a, operation, unit.weights, bias)
        case .plus:
            let up = try unit.weights.relu()
            if isNonNegative(a) { return try shared(relevance, a, operation, up, bias?.relu()) }
            // The positive parts are those of equal signs.
            let (onPositive, onNegative) = try split(
                relevance, a, operation, up, -(-unit.weights).relu(), bias?.relu())
            return try (a > 0).select(onPositive, onNegative)
        case .gamma:
            let up = try strengthened(unit.weights)
            let bias = try bias.map { try strengthened($0) }
            if isNonNegative(a) { return try shared(relevance, a, operation, up, bias) }
            return try signed(relevance, a, unit, operation, up)
        }
    }

    /// The first layer's rule, where it has one of its own.
    private var first: RelevanceOptions.First? {
        switch options.first {
        case .rule: nil
        case let first?: first
        case nil: options.rule == .composite ? (isPicture && low != nil ? .box : .w2) : nil
        }
    }

    /// w + gamma · max(w, 0).
    private func strengthened(_ w: Traced) throws -> Traced { try w + w.relu() * options.gamma }
    /// w + gamma · min(w, 0).
    private func weakened(_ w: Traced) throws -> Traced { try w - (-w).relu() * options.gamma }

    /// R / z goes back along the weights: c of the input.
    private func shared(
        _ relevance: Traced, _ a: Traced, _ operation: any Operation, _ weights: Traced, _ bias: Traced?
    ) throws -> Traced {
        let z = try forward(operation, a, weights)
        let whole = try bias.map { try z + $0 } ?? z
        return try back(relevance / stabilized(whole), operation, a, weights)
    }

    /// The gamma rule where inputs have both signs (Andéol et al. 2021): a positive sum strengthens
    /// the parts that are positive, a negative one those that are negative.
    private func signed(
        _ relevance: Traced, _ a: Traced, _ unit: RelevanceUnits.Unit, _ operation: any Operation,
        _ up: Traced
    ) throws -> Traced {
        let down = try weakened(unit.weights)
        let sum = Traced(graph: a.graph, id: unit.end)
        let isPositive = try sum.binary(.greaterEqual, sum.scalar(0))
        let none = try a.scalar(0)
        let bias = options.bias ? unit.bias : nil
        let (p1, n1) = try split(
            isPositive.select(relevance, none), a, operation, up, down, bias.map { try strengthened($0) })
        let (p2, n2) = try split(
            isPositive.select(none, relevance), a, operation, down, up, bias.map { try weakened($0) })
        return try (a > 0).select(p1 + p2, n1 + n2)
    }

    /// R / z goes back along weights of their own for positive and for negative inputs: c of either.
    private func split(
        _ relevance: Traced, _ a: Traced, _ operation: any Operation, _ onPositive: Traced,
        _ onNegative: Traced, _ bias: Traced?
    ) throws -> (onPositive: Traced, onNegative: Traced) {
        var z = try forward(operation, a.relu(), onPositive) + forward(operation, -(-a).relu(), onNegative)
        if let bias { z = try z + bias }
        let s = try relevance / stabilized(z)
        return (try back(s, operation, a, onPositive), try back(s, operation, a, onNegative))
    }

    private func firstRule(
        _ first: RelevanceOptions.First, _ unit: RelevanceUnits.Unit, _ operation: any Operation, _ a: Traced,
        _ relevance: Traced
    ) throws -> Traced? {
        let w = unit.weights
        switch first {
        case .rule: return nil
        case .w2, .flat:
            let shares = try first == .flat ? w.graph.fill(1, shape: w.shape) : w.square()
            let ones = try a.graph.fill(1, shape: a.shape)
            let z = try forward(operation, ones, shares)
            arrived.append(try back(relevance / stabilized(z), operation, a, shares))
        case .box:
            guard let low, let high else {
                throw Failure(.value, "lrp: the box rule needs the lowest and highest values of an input")
            }
            let (up, down) = try (w.relu(), -(-w).relu())
            let (l, h) = try (low.broadcasted(to: a.shape), high.broadcasted(to: a.shape))
            let z = try forward(operation, a, w) - forward(operation, l, up) - forward(operation, h, down)
            let s = try relevance / stabilized(z)
            arrived.append(
                try a * back(s, operation, a, w) - l * back(s, operation, a, up) - h
                    * back(s, operation, a, down))
        }
        return nil
    }

    private func forward<O: Operation>(_ operation: O, _ a: Traced, _ weights: Traced) throws -> Traced {
        try a.graph.add(operation, [a, weights])
    }

    /// The adjoint of `forward` at `s`.
    private func back(_ s: Traced, _ operation: any Operation, _ a: Traced, _ weights: Traced) throws
        -> Traced
    {
        let z = try forward(operation, a, weights)
        return try a.graph.gradients(of: z, withRespectTo: [a], seed: s)[0]
    }

    /// z moved away from 0 by epsilon.
    private func stabilized(_ z: Traced) throws -> Traced {
        let epsilon = max(options.epsilon, 1e-12)
        return try z + z.binary(.greaterEqual, z.scalar(0)).select(z.scalar(epsilon), -epsilon)
    }

    /// True where the value cannot be negative, as far as its computation tells.
    private func isNonNegative(_ value: Traced) -> Bool {
        switch value.operation {
        case let unary as Unary:
            switch unary.function {
            case .relu, .sigmoid, .softplus, .exp, .square, .abs, .sqrt: return true
            case .identity: return isNonNegative(value.inputs[0])
            default: return false
            }
        case is Softmax: return true
        case let binary as Binary where binary.function == .add || binary.function == .multiply:
            return value.inputs.allSatisfy(isNonNegative)
        case let binary as Binary where binary.function == .maximum || binary.function == .minimum:
            let parts = value.inputs.map(isNonNegative)
            return binary.function == .maximum ? parts.contains(true) : !parts.contains(false)
        case let fill as Fill: return fill.value >= 0
        case is MaxPool, is AveragePool, is Reshape, is Transpose, is Broadcast, is Slice, is Scatter,
            is Reduce,
            is Concatenate:
            return value.inputs.allSatisfy(isNonNegative)
        default: return false
        }
    }
}
