import Support
import Tensor

/// (x, positions int32[n]) → the elements of x at `positions` of one axis, in that order. Negative
/// positions count from the end. The positions are a value of the run; one outside the axis takes the
/// nearest inside.
public struct Gather: Operation {
    public let axis: Int
    public init(axis: Int) { self.axis = axis }
    public var name: String { "gather" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        guard inputs[0].shape.indices.contains(axis), inputs[1].rank == 1, inputs[1].type == .int32,
            inputs[0].shape[axis] > 0 || inputs[1].count == 0
        else {
            throw Failure(
                .shape, "gather: positions \(inputs[1]) along axis \(axis) of \(inputs[0])",
                hint: "the positions are a vector of whole numbers (int32), the axis must not be empty")
        }
        var shape = inputs[0].shape
        shape[axis] = inputs[1].count
        return ValueType(shape, inputs[0].type)
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let length = c.inputs[0].shape[axis]
        return [try c.graphAdd(ScatterSum(axis: axis, length: length), [c.cotangent, c.inputs[1]]), nil]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let x = inputs[0]
        let (n, inner) = (x.shape[axis], x.shape[(axis + 1)...].reduce(1, *))
        let places = inputs[1].values.map { Self.place($0, n) }
        var shape = x.shape
        shape[axis] = places.count
        var result = ReferenceArray(shape)
        for outer in 0..<x.shape[..<axis].reduce(1, *) {
            for (i, place) in places.enumerated() {
                let (from, to) = ((outer * n + place) * inner, (outer * places.count + i) * inner)
                for j in 0..<inner { result.values[to + j] = x.values[from + j] }
            }
        }
        return result
    }

    /// The position that a number means on an axis of `n`.
    static func place(_ x: Double, _ n: Int) -> Int {
        let i = Int(Int32(clampingDouble: x))
        return Swift.min(Swift.max(i < 0 ? i + n : i, 0), n - 1)
    }
}

/// (values, positions int32[n]) → zeros with an axis of `length`, and the values added at their
/// positions: the adjoint of `Gather`.
public struct ScatterSum: Operation {
    public let axis: Int
    public let length: Int
    public init(axis: Int, length: Int) {
        self.axis = axis
        self.length = length
    }
    public var name: String { "scatter_sum" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        guard inputs[0].shape.indices.contains(axis), inputs[1] == ValueType([inputs[0].shape[axis]], .int32),
            length > 0 || inputs[1].count == 0
        else {
            throw Failure(.shape, "scatter_sum: positions \(inputs[1]) along axis \(axis) of \(inputs[0])")
        }
        var shape = inputs[0].shape
        shape[axis] = length
        return ValueType(shape, inputs[0].type)
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.graphAdd(Gather(axis: axis), [c.cotangent, c.inputs[1]]), nil]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let x = inputs[0]
        let (n, inner) = (x.shape[axis], x.shape[(axis + 1)...].reduce(1, *))
        let places = inputs[1].values.map { Gather.place($0, length) }
        var shape = x.shape
        shape[axis] = length
        var result = ReferenceArray(shape)
        for outer in 0..<x.shape[..<axis].reduce(1, *) {
            for (i, place) in places.enumerated() {
                let (from, to) = ((outer * n + i) * inner, (outer * length + place) * inner)
                for j in 0..<inner { result.values[to + j] += x.values[from + j] }
            }
        }
        return result
    }
}

extension Traced {
    /// The elements at `positions` (int32 vector) of one axis.
    public func gathered(_ positions: Traced, axis: Int) throws -> Traced {
        try graph.add(Gather(axis: Shape.axis(axis, rank: rank, "gather")), [self, positions])
    }

    /// Local response normalization over neighbouring channels (Krizhevsky et al. 2012), with the
    /// names of TensorFlow: x / (bias + alpha · Σ x²)^beta, the sum over `radius` channels to each side.
    public func localResponseNormalized(
        radius: Int = 5, bias: Double = 1, alpha: Double = 1, beta: Double = 0.5
    ) throws -> Traced {
        guard let channels = shape.last, radius >= 0, bias > 0 else {
            throw Failure(
                .argument,
                "lrn: the radius must not be negative, the bias above 0, and there must be channels")
        }
        let squares = try square()
        let reach = Swift.min(radius, Swift.max(channels - 1, 0))
        var padding = shape.map { _ in (0, 0) }
        padding[rank - 1] = (reach, reach)
        let wide = try squares.padded(padding)
        var sum = squares
        for shift in 0...(2 * reach) where shift != reach {
            sum = try sum + wide.sliced(axis: rank - 1, from: shift, to: shift + channels)
        }
        let scale = try sum * alpha + bias
        return try self / (beta == 0.5 ? scale.sqrt() : scale.power(scale.scalar(beta)))
    }
}
