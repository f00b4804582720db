import Support
import Tensor

/// Mean and biased variance of each channel (the last axis) over all other axes: [..., C] → [2, C].
public struct BatchMoments: Operation {
    public init() {}
    public var name: String { "batch_moments" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat(inputs, "batchnorm")
        guard inputs[0].rank >= 2, inputs[0].count > 0 else {
            throw Failure(
                .shape,
                "batchnorm: the input has shape \(inputs[0].shape), expected [batch, …, channels], not empty")
        }
        return ValueType([2, inputs[0].shape[inputs[0].rank - 1]], inputs[0].type)
    }

    /// d mean / dx = 1/N; d variance / dx = 2 (x − mean) / N.
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let x = c.inputs[0]
        let channels = x.shape[x.rank - 1]
        let n = Double(x.type.count / channels)
        let mean = try c.output.row(0)
        let slope = try c.cotangent.row(1) * (2 / n)
        let shift = try c.cotangent.row(0) / n - slope * mean
        return [try x * slope + shift]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let x = inputs[0]
        let channels = x.shape[x.shape.count - 1]
        let n = Double(x.values.count / channels)
        var moments = ReferenceArray([2, channels])
        for (i, v) in x.values.enumerated() { moments.values[i % channels] += v / n }
        for (i, v) in x.values.enumerated() {
            let d = v - moments.values[i % channels]
            moments.values[channels + i % channels] += d * d / n
        }
        return moments
    }
}

/// (x [..., C], moments [2, C], gamma [C], beta [C]) → gamma · (x − mean) / √(variance + ε) + beta:
/// batch normalization (Ioffe and Szegedy 2015), with the batch's moments or the moving ones.
public struct Normalize: Operation {
    public let epsilon: Double
    public init(epsilon: Double) { self.epsilon = epsilon }
    public var name: String { "batchnorm" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        let shape = inputs[0].shape
        let channels = shape.last ?? 0
        guard inputs[1].shape == [2, channels], inputs[2].shape == [channels], inputs[3].shape == [channels]
        else {
            throw Failure(
                .shape, "batchnorm: \(channels) channels do not fit \(inputs[1]), \(inputs[2]), \(inputs[3])")
        }
        return inputs[0]
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (x, moments, gamma, dy) = (c.inputs[0], c.inputs[1], c.inputs[2], c.cotangent)
        let deviation = try (moments.row(1) + epsilon).unary(.reciprocalSqrt)
        let scale = try gamma * deviation
        let dx = c.needed[0] ? try dy * scale : nil
        guard c.needed[1] || c.needed[2] || c.needed[3] else { return [dx, nil, nil, nil] }
        let sums = try c.graphAdd(NormalizeSums(epsilon: epsilon), [x, moments, dy])
        let (byInput, plain) = try (sums.row(0), sums.row(1))
        var dMoments: Traced?
        if c.needed[1] {
            let dMean = try -(scale * plain)
            let dVariance = try scale * deviation * byInput * -0.5
            dMoments = try Traced.concatenated(
                [dMean.reshaped([1] + dMean.shape), dVariance.reshaped([1] + dVariance.shape)], axis: 0)
        }
        return [dx, dMoments, byInput, plain]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let channels = inputs[2].values.count
        var y = inputs[0]
        for i in y.values.indices {
            let ch = i % channels
            let deviation = (inputs[1].values[channels + ch] + epsilon).squareRoot()
            y.values[i] =
                (y.values[i] - inputs[1].values[ch]) / deviation * inputs[2].values[ch] + inputs[3].values[ch]
        }
        return y
    }
}

/// (x, moments [2, C], dy) → [2, C]: Σ dy · (x − mean) / √(variance + ε) and Σ dy, for each channel.
public struct NormalizeSums: Operation {
    public let epsilon: Double
    public init(epsilon: Double) { self.epsilon = epsilon }
    public var name: String { "batchnorm_sums" }

    public func result(_ inputs: [ValueType]) throws -> ValueType { inputs[1] }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (x, moments, dy) = (c.inputs[0], c.inputs[1], c.inputs[2])
        let (weight, plain) = try (c.cotangent.row(0), c.cotangent.row(1))
        let mean = try moments.row(0)
        let deviation = try (moments.row(1) + epsilon).unary(.reciprocalSqrt)
        let centred = try x - mean
        let dx = c.needed[0] ? try dy * (weight * deviation) : nil
        let ddy = c.needed[2] ? try centred * (deviation * weight) + plain : nil
        var dMoments: Traced?
        if c.needed[1] {
            let outer = Array(x.shape.indices.dropLast())
            let dMean = try -(dy.sum(outer) * deviation * weight)
            let dVariance = try (dy * centred).sum(outer) * deviation * deviation * deviation * weight * -0.5
            dMoments = try Traced.concatenated(
                [dMean.reshaped([1] + dMean.shape), dVariance.reshaped([1] + dVariance.shape)], axis: 0)
        }
        return [dx, dMoments, ddy]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let (x, moments, dy) = (inputs[0], inputs[1], inputs[2])
        let channels = moments.shape[1]
        var sums = ReferenceArray([2, channels])
        for (i, g) in dy.values.enumerated() {
            let ch = i % channels
            let deviation = (moments.values[channels + ch] + epsilon).squareRoot()
            sums.values[ch] += g * (x.values[i] - moments.values[ch]) / deviation
            sums.values[channels + ch] += g
        }
        return sums
    }
}

extension Traced {
    /// Row `i` of a [n, C] value, as [C].
    public func row(_ i: Int) throws -> Traced {
        try sliced(axis: 0, from: i, to: i + 1).reshaped(Array(shape.dropFirst()))
    }

    /// (x − mean) / √(variance + ε) over the last axis, then · gamma + beta (Ba et al. 2016).
    public func layerNormalized(gamma: Traced, beta: Traced, epsilon: Double = 1e-3) throws -> Traced {
        let centred = try self - mean([-1], keepAxes: true)
        let variance = try centred.square().mean([-1], keepAxes: true)
        return try centred * (variance + epsilon).unary(.reciprocalSqrt) * gamma + beta
    }
}
