import Support
import Tensor

/// The same elements in row-major order under another shape.
public struct Reshape: Operation {
    public let shape: [Int]
    public init(_ shape: [Int]) { self.shape = shape }
    public var name: String { "reshape" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        ValueType(try Tensor.completed(shape, count: inputs[0].count), inputs[0].type)
    }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.cotangent.reshaped(c.inputs[0].shape)]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        ReferenceArray(try Tensor.completed(shape, count: inputs[0].values.count), inputs[0].values)
    }
}

/// Axes in another order: axis i of the result is axis `order[i]` of the input.
public struct Transpose: Operation {
    public let order: [Int]
    public init(_ order: [Int]) { self.order = order }
    public var name: String { "transpose" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        guard order.sorted() == Array(inputs[0].shape.indices) else {
            throw Failure(
                .shape,
                "transpose: \(Shape.describe(order)) is no order of the axes of \(Shape.describe(inputs[0].shape))"
            )
        }
        return ValueType(order.map { inputs[0].shape[$0] }, inputs[0].type)
    }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        var back = order
        for (i, axis) in order.enumerated() { back[axis] = i }
        return [try c.cotangent.transposed(back)]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let strides = Shape.strides(inputs[0].shape)
        var result = ReferenceArray(order.map { inputs[0].shape[$0] })
        forEachIndex(result.shape) { flat, index in
            var from = 0
            for (i, axis) in order.enumerated() { from += index[i] * strides[axis] }
            result.values[flat] = inputs[0].values[from]
        }
        return result
    }
}

/// Stretches axes of length 1, as NumPy's broadcast_to.
public struct Broadcast: Operation {
    public let shape: [Int]
    public init(_ shape: [Int]) { self.shape = shape }
    public var name: String { "broadcast" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        guard Shape.broadcast(inputs[0].shape, shape) == shape else {
            throw Failure(
                .shape,
                "broadcast: shape \(Shape.describe(inputs[0].shape)) does not stretch to \(Shape.describe(shape))"
            )
        }
        return ValueType(shape, inputs[0].type)
    }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.cotangent.summed(to: c.inputs[0].shape)]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        inputs[0].stretched(to: shape)
    }
}

/// Joins along one axis.
public struct Concatenate: Operation {
    public let axis: Int
    public init(axis: Int) { self.axis = axis }
    public var name: String { "concat" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        var result = inputs[0]
        for other in inputs.dropFirst() {
            var (a, b) = (result.shape, other.shape)
            guard a.count == b.count else { throw mismatch(inputs) }
            let length = a[axis] + b[axis]
            a[axis] = 0
            b[axis] = 0
            guard a == b else { throw mismatch(inputs) }
            result.shape[axis] = length
            result.type = ElementType.promoted(result.type, other.type)
        }
        return result
    }
    private func mismatch(_ inputs: [ValueType]) -> Failure {
        Failure(
            .shape,
            "concat along axis \(axis): shapes \(inputs.map { Shape.describe($0.shape) }.joined(separator: ", ")) do not fit together",
            hint: "all axes but the joined one must have equal lengths")
    }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        var start = 0
        return try c.inputs.map { input in
            let end = start + input.shape[axis]
            defer { start = end }
            return try c.cotangent.sliced(axis: axis, from: start, to: end)
        }
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        var shape = inputs[0].shape
        shape[axis] = inputs.reduce(0) { $0 + $1.shape[axis] }
        let outer = shape[..<axis].reduce(1, *)
        var values: [Double] = []
        values.reserveCapacity(shape.reduce(1, *))
        for o in 0..<outer {
            for input in inputs {
                let block = input.shape[axis...].reduce(1, *)
                values += input.values[o * block..<(o + 1) * block]
            }
        }
        return ReferenceArray(shape, values)
    }
}

/// A box of positions: from `starts[axis]` by `steps[axis]`, `lengths[axis]` of them.
public struct Slice: Operation {
    public let starts: [Int]
    public let lengths: [Int]
    public let steps: [Int]

    public init(starts: [Int], lengths: [Int], steps: [Int]) {
        self.starts = starts
        self.lengths = lengths
        self.steps = steps
    }
    public var name: String { "slice" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        let shape = inputs[0].shape
        for axis in shape.indices where lengths[axis] > 0 {
            let last = starts[axis] + (lengths[axis] - 1) * steps[axis]
            guard starts[axis] >= 0, starts[axis] < shape[axis], last >= 0, last < shape[axis] else {
                throw Failure(
                    .index,
                    "slice: positions \(starts[axis]) to \(last) are outside axis \(axis) of \(Shape.describe(shape))"
                )
            }
        }
        return ValueType(lengths, inputs[0].type)
    }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.graphAdd(Scatter(shape: c.inputs[0].shape, starts: starts, steps: steps), [c.cotangent])]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let strides = Shape.strides(inputs[0].shape)
        var result = ReferenceArray(lengths)
        forEachIndex(lengths) { flat, index in
            var from = 0
            for axis in index.indices { from += (starts[axis] + index[axis] * steps[axis]) * strides[axis] }
            result.values[flat] = inputs[0].values[from]
        }
        return result
    }
}

/// `value` (0) at every position of `shape`, with the input laid at `starts` by `steps`: the adjoint of
/// `Slice`, and padding.
public struct Scatter: Operation {
    public let shape: [Int]
    public let starts: [Int]
    public let steps: [Int]
    public let value: Double

    public init(shape: [Int], starts: [Int], steps: [Int], value: Double = 0) {
        self.shape = shape
        self.starts = starts
        self.steps = steps
        self.value = value
    }
    public var name: String { "pad" }

    public func result(_ inputs: [ValueType]) throws -> ValueType { ValueType(shape, inputs[0].type) }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.graphAdd(Slice(starts: starts, lengths: c.inputs[0].shape, steps: steps), [c.cotangent])]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let strides = Shape.strides(shape)
        var result = ReferenceArray(shape, repeating: value)
        forEachIndex(inputs[0].shape) { flat, index in
            var to = 0
            for axis in index.indices { to += (starts[axis] + index[axis] * steps[axis]) * strides[axis] }
            result.values[to] = inputs[0].values[flat]
        }
        return result
    }
}

extension Traced {
    /// The same elements under another shape; one length may be -1.
    public func reshaped(_ newShape: [Int]) throws -> Traced {
        let full = try Tensor.completed(newShape, count: type.count)
        return full == shape ? self : try graph.add(Reshape(full), [self])
    }

    public func transposed(_ order: [Int]) throws -> Traced {
        order == Array(shape.indices) ? self : try graph.add(Transpose(order), [self])
    }

    public func broadcasted(to target: [Int]) throws -> Traced {
        shape == target ? self : try graph.add(Broadcast(target), [self])
    }

    /// Positions `from..<to` of one axis.
    public func sliced(axis: Int, from: Int, to: Int) throws -> Traced {
        var starts = [Int](repeating: 0, count: rank)
        var lengths = shape
        starts[axis] = from
        lengths[axis] = to - from
        return try graph.add(Slice(starts: starts, lengths: lengths, steps: shape.map { _ in 1 }), [self])
    }

    /// As `Tensor`'s subscript: positions drop their axis, slices keep it.
    public func indexed(_ parts: [Subscript]) throws -> Traced {
        var starts: [Int] = []
        var lengths: [Int] = []
        var steps: [Int] = []
        var final: [Int] = []
        for part in parts {
            if part == .newAxis {
                final.append(1)
                continue
            }
            let axis = starts.count
            guard axis < rank else {
                throw Failure(.index, "too many indices for a tensor of shape \(Shape.describe(shape))")
            }
            switch part {
            case .position(let i):
                let p = i < 0 ? i &+ shape[axis] : i
                guard p >= 0, p < shape[axis] else {
                    throw Failure(
                        .index, "index \(i) is outside axis \(axis) of shape \(Shape.describe(shape))")
                }
                starts.append(p)
                lengths.append(1)
                steps.append(1)
            case .slice(let from, let to, let step):
                let (first, count) = try Tensor.resolve(from, to, step, length: shape[axis])
                starts.append(first)
                lengths.append(count)
                steps.append(step)
                final.append(count)
            case .newAxis: break
            }
        }
        let rest = starts.count..<rank
        starts += rest.map { _ in 0 }
        steps += rest.map { _ in 1 }
        lengths += shape[rest]
        final += shape[rest]
        return try graph.add(Slice(starts: starts, lengths: lengths, steps: steps), [self]).reshaped(final)
    }

    public static func concatenated(_ parts: [Traced], axis: Int) throws -> Traced {
        guard let first = parts.first else { throw Failure(.argument, "concat: nothing to join") }
        let axis = try Shape.axis(axis, rank: first.rank, "concat")
        return parts.count == 1 ? first : try first.graph.add(Concatenate(axis: axis), parts)
    }
}
