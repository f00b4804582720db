import Graph
import Support
import Tensor

/// Batch normalization (Ioffe and Szegedy 2015) of each channel: with the batch's moments while
/// training, with moving ones otherwise. moving ← moving · momentum + batch · (1 − momentum).
/// gamma [C], beta [C], moving_moments [2, C] (mean, variance).
public struct BatchNormalizationLayer: LayerKind {
    public let momentum: Double
    public let epsilon: Double
    public let center: Bool
    public let scale: Bool

    public init(momentum: Double = 0.99, epsilon: Double = 1e-3, center: Bool = true, scale: Bool = true)
        throws(Failure)
    {
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        guard momentum >= 0, momentum <= 1 else {
            throw Failure(.argument, "batchnorm: momentum lies between 0 and 1, not \(momentum)")
        }
        guard epsilon > 0, epsilon.isFinite else {
            throw Failure(.argument, "batchnorm: epsilon must be above 0, not \(epsilon)")
        }
    }
    init(_ o: Options) throws {
        try self.init(
            momentum: o.number("momentum", default: 0.99), epsilon: o.number("epsilon", default: 1e-3),
            center: o.flag("center", default: true), scale: o.flag("scale", default: true))
    }

    public var kind: String { "batchnorm" }
    public var options: JSON {
        [
            "momentum": .number(momentum), "epsilon": .number(epsilon), "center": .bool(center),
            "scale": .bool(scale),
        ]
    }

    public func parameters(for inputs: [[Int]]) throws -> [ParameterSpec] {
        guard let channels = inputs[0].last, channels > 0 else {
            throw Failure(
                .shape,
                "batchnorm: the input has shape \(Shape.describe(inputs[0])), expected [..., channels]")
        }
        var specs: [ParameterSpec] = []
        if scale { specs.append(ParameterSpec("gamma", [channels], .ones)) }
        if center { specs.append(ParameterSpec("beta", [channels], .zeros)) }
        return specs + [ParameterSpec("moving_moments", [2, channels], .meanZeroVarianceOne, isState: true)]
    }

    public func trace(_ inputs: [Traced], _ context: LayerContext) throws -> Traced {
        let x = inputs[0]
        let channels = x.shape[x.rank - 1]
        let gamma =
            scale ? try context.parameter("gamma") : try x.graph.fill(1, shape: [channels], x.type.type)
        let beta =
            center ? try context.parameter("beta") : try x.graph.fill(0, shape: [channels], x.type.type)
        var moments = try context.parameter("moving_moments")
        if context.isTraining {
            moments = try x.graph.add(BatchMoments(), [x])
            try context.update("moving_moments") { try $0 * momentum + moments * (1 - momentum) }
        }
        return try x.graph.add(Normalize(epsilon: epsilon), [x, moments, gamma, beta])
    }
}

/// Layer normalization (Ba et al. 2016) over the last axis. gamma [C], beta [C].
public struct LayerNormalizationLayer: LayerKind {
    public let epsilon: Double

    public init(epsilon: Double = 1e-3) throws(Failure) {
        self.epsilon = epsilon
        guard epsilon > 0, epsilon.isFinite else {
            throw Failure(.argument, "layernorm: epsilon must be above 0, not \(epsilon)")
        }
    }
    init(_ o: Options) throws { try self.init(epsilon: o.number("epsilon", default: 1e-3)) }

    public var kind: String { "layernorm" }
    public var options: JSON { ["epsilon": .number(epsilon)] }

    public func parameters(for inputs: [[Int]]) throws -> [ParameterSpec] {
        guard let channels = inputs[0].last, channels > 0 else {
            throw Failure(
                .shape,
                "layernorm: the input has shape \(Shape.describe(inputs[0])), expected [..., channels]")
        }
        return [ParameterSpec("gamma", [channels], .ones), ParameterSpec("beta", [channels], .zeros)]
    }

    public func trace(_ inputs: [Traced], _ context: LayerContext) throws -> Traced {
        try inputs[0].layerNormalized(
            gamma: context.parameter("gamma"), beta: context.parameter("beta"), epsilon: epsilon)
    }
}

/// While training, zeros with probability `rate`; the rest is scaled by 1 / (1 − rate) (Srivastava et
/// al. 2014). Spatial: whole channels at once (Tompson et al. 2015).
public struct DropoutLayer: LayerKind {
    public let rate: Double
    public let isSpatial: Bool

    public init(_ rate: Double, spatial isSpatial: Bool = false) throws(Failure) {
        self.rate = rate
        self.isSpatial = isSpatial
        guard rate >= 0, rate < 1 else {
            throw Failure(
                .argument,
                "\(isSpatial ? "spatial_dropout" : "dropout"): the rate is \(rate), it must be at least 0 and below 1"
            )
        }
    }
    init(spatial: Bool, _ o: Options) throws { try self.init(o.number("rate"), spatial: spatial) }

    public var kind: String { isSpatial ? "spatial_dropout" : "dropout" }
    public var options: JSON { ["rate": .number(rate)] }

    public func trace(_ inputs: [Traced], _ context: LayerContext) throws -> Traced {
        let x = inputs[0]
        guard !isSpatial || x.rank >= 3 else {
            throw Failure(
                .shape,
                "spatial_dropout: the input has shape \(Shape.describe(Array(x.shape.dropFirst()))), expected [spatial…, channels]"
            )
        }
        guard context.isRunningTraining, rate > 0 else { return x }
        return try x.droppedOut(
            rate: rate, key: context.key(), stream: context.stream,
            sharedAxes: isSpatial ? Array(1..<(x.rank - 1)) : [])
    }
}
