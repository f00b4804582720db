import Glibc
import Graph
import Support
import Tensor

/// How weights follow from gradients: formulas, defaults and names are those of Keras 3.
///
/// An optimizer is a graph transformation: given values and gradients it records the new values.
/// What changes from step to step (the learning rate, bias corrections) comes in as plan inputs, so
/// that nothing is planned anew.
public struct Optimizer: Hashable, Sendable {
    public enum Rule: Hashable, Sendable {
        /// v ← momentum · v − η g; p ← p + v, or with Nesterov p + momentum · v − η g.
        case sgd(momentum: Double, nesterov: Bool)
        /// Kingma and Ba 2015.
        case adam(beta1: Double, beta2: Double, epsilon: Double, amsgrad: Bool)
        /// Dozat 2016: Adam with Nesterov momentum.
        case nadam(beta1: Double, beta2: Double, epsilon: Double)
        /// Tieleman and Hinton 2012.
        case rmsprop(rho: Double, momentum: Double, epsilon: Double, centered: Bool)
        /// The person's own.
        case own(OwnRule)
    }

    public var name: String
    public var rule: Rule
    /// η before the schedule.
    public var learningRate: Double
    public var schedule: Schedule
    /// Before each step p ← p − η · weightDecay · p (decoupled: Loshchilov and Hutter 2019).
    public var weightDecay: Double
    /// Gradients are kept within ±clipValue; each one's norm below clipNorm; all together below globalClipNorm.
    public var clipValue: Double?
    public var clipNorm: Double?
    public var globalClipNorm: Double?

    public init(_ name: String, _ rule: Rule, learningRate: Double, weightDecay: Double = 0) throws(Failure) {
        self.name = name
        self.rule = rule
        self.learningRate = learningRate
        self.weightDecay = weightDecay
        self.schedule = .constant
        func inside(_ x: Double, _ what: String) throws(Failure) {
            guard x >= 0, x < 1 else {
                throw Failure(.argument, "\(name): \(what) lies from 0 to below 1, not \(x)")
            }
        }
        guard learningRate > 0, learningRate.isFinite else {
            throw Failure(.argument, "\(name): the learning rate must be above 0, not \(learningRate)")
        }
        guard weightDecay >= 0, weightDecay.isFinite else {
            throw Failure(.argument, "\(name): weight_decay must be 0 or more, not \(weightDecay)")
        }
        switch rule {
        case .sgd(let momentum, _): try inside(momentum, "momentum")
        case .adam(let b1, let b2, _, _), .nadam(let b1, let b2, _):
            try inside(b1, "beta_1")
            try inside(b2, "beta_2")
        case .rmsprop(let rho, let momentum, _, _):
            try inside(rho, "rho")
            try inside(momentum, "momentum")
        case .own: break
        }
    }

    public static func sgd(
        _ learningRate: Double = 0.01, momentum: Double = 0, nesterov: Bool = false
    ) throws(Failure) -> Optimizer {
        try Optimizer("sgd", .sgd(momentum: momentum, nesterov: nesterov), learningRate: learningRate)
    }
    public static func adam(
        _ learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7,
        amsgrad: Bool = false
    ) throws(Failure) -> Optimizer {
        try Optimizer(
            "adam", .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad),
            learningRate: learningRate)
    }
    public static func adamw(
        _ learningRate: Double = 1e-3, weightDecay: Double = 0.004, beta1: Double = 0.9,
        beta2: Double = 0.999,
        epsilon: Double = 1e-7
    ) throws(Failure) -> Optimizer {
        try Optimizer(
            "adamw", .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: false),
            learningRate: learningRate, weightDecay: weightDecay)
    }
    public static func nadam(
        _ learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7
    ) throws(Failure) -> Optimizer {
        try Optimizer(
            "nadam", .nadam(beta1: beta1, beta2: beta2, epsilon: epsilon), learningRate: learningRate)
    }
    public static func rmsprop(
        _ learningRate: Double = 1e-3, rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7,
        centered: Bool = false
    ) throws(Failure) -> Optimizer {
        try Optimizer(
            "rmsprop", .rmsprop(rho: rho, momentum: momentum, epsilon: epsilon, centered: centered),
            learningRate: learningRate)
    }

    /// What a resumed training must have in common with the first one.
    public var description: String { "\(rule), weight decay \(weightDecay), clip \(clip)" }
    private var clip: String {
        [clipValue, clipNorm, globalClipNorm].map { $0.map { "\($0)" } ?? "-" }.joined(separator: " ")
    }
}

// MARK: - What changes from step to step

extension Optimizer {
    /// How many scalar plan inputs `rates` gives.
    public var rateCount: Int {
        let own =
            switch rule {
            case .sgd, .adam, .rmsprop: 1
            case .own: 2
            case .nadam: 3
            }
        return own + (weightDecay > 0 ? 1 : 0)
    }

    /// The scalars for a step, counted from 1, at learning rate η; worked out in float64.
    public func rates(step: Int, learningRate: Double) -> [Float] {
        let t = Double(step)
        var own: [Double]
        switch rule {
        case .sgd, .rmsprop: own = [learningRate]
        case .own: own = [learningRate, t]
        case .adam(let b1, let b2, _, _):
            own = [learningRate * (1 - pow(b2, t)).squareRoot() / (1 - pow(b1, t))]
        case .nadam(let b1, let b2, _):
            let now = b1 * (1 - 0.5 * pow(0.96, t))
            let next = b1 * (1 - 0.5 * pow(0.96, t + 1))
            let product = Self.nadamProduct(b1, step)
            own = [
                learningRate * next / (1 - product * next), learningRate * (1 - now) / (1 - product),
                1 / (1 - pow(b2, t)),
            ]
        }
        if weightDecay > 0 { own.append(learningRate * weightDecay) }
        return own.map(Float.init)
    }

    /// Π of Nadam's momenta up to a step; it vanishes after a few hundred, so the loop is short.
    private static func nadamProduct(_ beta1: Double, _ step: Int) -> Double {
        var product = 1.0
        for i in 1...max(step, 1) {
            product *= beta1 * (1 - 0.5 * pow(0.96, Double(i)))
            if product < 1e-30 { return 0 }
        }
        return product
    }
}

// MARK: - Slots and updates

/// A rule of the person's own: how a weight follows from its gradient.
// It is called only by whoever traces a training step, on that thread.
public final class OwnRule: Hashable, CustomStringConvertible, @unchecked Sendable {
    /// Records one step for one weight: its value, its gradient, what is kept for it, the learning rate
    /// and the step's number from 1 (scalars). Gives the weight's new value and what is to be kept.
    public typealias Body = (
        _ weight: Traced, _ gradient: Traced, _ state: [(name: String, value: Traced)], _ rate: Traced,
        _ step: Traced
    ) throws -> (weight: Traced, state: [String: Traced])

    /// What is kept for each weight, in the weight's shape, and the number that fills it at first.
    public let state: [(name: String, first: Double)]
    /// Tells it from other rules: a resumed training must use the same.
    public let description: String
    private let body: Body

    public init(_ description: String, state: [(name: String, first: Double)], _ body: @escaping Body) {
        self.description = description
        self.state = state
        self.body = body
    }

    func step(_ p: Traced, _ g: Traced, _ old: [(name: String, value: Traced)], _ rates: [Traced]) throws
        -> (Traced, [String: Traced])
    {
        guard rates.count >= 2 else {
            throw Failure(.argument, "\(description): a rule needs the rate and the step's number")
        }
        let (new, kept) = try body(p, g, old, rates[0], rates[1])
        for (name, value) in [("the weight", new)] + kept.map({ ($0.key, $0.value) })
        where value.type != p.type {
            throw Failure(
                .shape, "the optimizer gives \(value.type) for \(name), which is \(p.type)",
                hint: "what is kept for a weight has the weight's shape")
        }
        return (new, kept)
    }

    public static func == (a: OwnRule, b: OwnRule) -> Bool { a === b }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// The tensors that an optimizer keeps for one weight.
public struct OptimizerSlots {
    public let weight: Variable
    /// By name: "momentum", "velocity" …; zeros at first, unless a rule of one's own says otherwise.
    public let slots: [(name: String, variable: Variable)]
}

extension Optimizer {
    /// What is kept for each weight, with the number that fills it at first.
    private var slotNames: [(name: String, first: Double)] {
        let names: [String]
        switch rule {
        case .sgd(let momentum, _): names = momentum > 0 ? ["momentum"] : []
        case .adam(_, _, _, let amsgrad):
            names = ["momentum", "velocity"] + (amsgrad ? ["velocity_hat"] : [])
        case .nadam: names = ["momentum", "velocity"]
        case .rmsprop(_, let momentum, _, let centered):
            names = ["velocity"] + (momentum > 0 ? ["momentum"] : []) + (centered ? ["average_gradient"] : [])
        case .own(let rule): return rule.state
        }
        return names.map { ($0, 0) }
    }

    /// Fresh slots for weights.
    public func slots(for weights: [Variable]) throws -> [OptimizerSlots] {
        try weights.map { weight in
            OptimizerSlots(
                weight: weight,
                slots: try slotNames.map { name, first in
                    let tensor = try Tensor(repeating: first, shape: weight.type.shape, weight.type.type)
                    return (name, Variable(tensor, name: "\(weight.name).\(name)"))
                })
        }
    }

    /// Record one step. `gradients` go with `slots`; `rates` are scalars, as many as `rateCount`.
    /// `minimizing` false climbs instead.
    public func updates(
        _ slots: [OptimizerSlots], gradients: [Traced], rates: [Traced], minimizing: Bool = true
    ) throws -> [(variable: Variable, value: Traced)] {
        guard gradients.count == slots.count, rates.count == rateCount else {
            throw Failure(.argument, "\(name): \(gradients.count) gradients for \(slots.count) weights")
        }
        let directed = minimizing ? gradients : try gradients.map { try -$0 }
        var result: [(variable: Variable, value: Traced)] = []
        for (own, gradient) in zip(slots, try clipped(directed)) {
            var p = gradient.graph.read(own.weight)
            if weightDecay > 0, let decay = rates.last { p = try p - p * decay }
            var old: [String: Traced] = [:]
            for slot in own.slots { old[slot.name] = gradient.graph.read(slot.variable) }
            let (new, kept) = try step(p, gradient, old, rates)
            result.append((own.weight, new))
            for slot in own.slots {
                if let value = kept[slot.name] { result.append((slot.variable, value)) }
            }
        }
        return result
    }

    private func step(
        _ p: Traced, _ g: Traced, _ old: [String: Traced], _ rates: [Traced]
    ) throws -> (Traced, [String: Traced]) {
        let zero = try p.scalar(0)
        func slot(_ name: String) -> Traced { old[name] ?? zero }
        func moved(_ average: Traced, _ value: Traced, _ keep: Double) throws -> Traced {
            try average + (value - average) * (1 - keep)
        }
        switch rule {
        case .sgd(let momentum, let nesterov):
            let push = try g * rates[0]
            guard momentum > 0 else { return (try p - push, [:]) }
            let v = try slot("momentum") * momentum - push
            return (nesterov ? try p + v * momentum - push : try p + v, ["momentum": v])
        case .adam(let b1, let b2, let epsilon, let amsgrad):
            let m = try moved(slot("momentum"), g, b1)
            let v = try moved(slot("velocity"), g.square(), b2)
            var kept = ["momentum": m, "velocity": v]
            var scale = v
            if amsgrad {
                scale = try slot("velocity_hat").binary(.maximum, v)
                kept["velocity_hat"] = scale
            }
            return (try p - m * rates[0] / (scale.sqrt() + epsilon), kept)
        case .nadam(let b1, let b2, let epsilon):
            let m = try moved(slot("momentum"), g, b1)
            let v = try moved(slot("velocity"), g.square(), b2)
            let push = try m * rates[0] + g * rates[1]
            return (try p - push / ((v * rates[2]).sqrt() + epsilon), ["momentum": m, "velocity": v])
        case .rmsprop(let rho, let momentum, let epsilon, let centered):
            let v = try moved(slot("velocity"), g.square(), rho)
            var kept = ["velocity": v]
            var spread = v
            if centered {
                let average = try moved(slot("average_gradient"), g, rho)
                kept["average_gradient"] = average
                spread = try v - average.square()
            }
            var push = try g * rates[0] * (spread + epsilon).unary(.reciprocalSqrt)
            if momentum > 0 {
                push = try slot("momentum") * momentum + push
                kept["momentum"] = push
            }
            return (try p - push, kept)
        case .own(let rule):
            return try rule.step(p, g, rule.state.map { ($0.name, slot($0.name)) }, rates)
        }
    }

    private func clipped(_ gradients: [Traced]) throws -> [Traced] {
        var all = gradients
        if let limit = clipValue { all = try all.map { try $0.clipped(-limit, limit) } }
        if let limit = clipNorm {
            all = try all.map {
                try $0 * (limit / $0.square().sum().sqrt().binary(.maximum, $0.scalar(limit)))
            }
        }
        if let limit = globalClipNorm, let first = all.first {
            var total = try first.square().sum()
            for g in all.dropFirst() { total = try total + g.square().sum() }
            let scale = try limit / total.sqrt().binary(.maximum, total.scalar(limit))
            all = try all.map { try $0 * scale }
        }
        return all
    }
}
