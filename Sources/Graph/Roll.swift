import Support
import Tensor

/// (x, shifts int32[axes]) → x moved by `shifts` along `axes`; what leaves one end enters the other.
/// The shifts are a value of the run, so that a random jitter needs no new plan.
public struct Roll: Operation {
    public let axes: [Int]
    /// 1, or -1 for the way back.
    public let sign: Int

    public init(axes: [Int], sign: Int = 1) {
        self.axes = axes
        self.sign = sign
    }
    public var name: String { "roll" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        guard inputs[1] == ValueType([axes.count], .int32),
            axes.allSatisfy({ inputs[0].shape.indices.contains($0) })
        else {
            throw Failure(
                .shape, "roll: shifts \(inputs[1]) for axes \(Shape.describe(axes)) of \(inputs[0])",
                hint: "give one whole number for each axis")
        }
        return inputs[0]
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.graphAdd(Roll(axes: axes, sign: -sign), [c.cotangent, c.inputs[1]]), nil]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let shape = inputs[0].shape
        let strides = Shape.strides(shape)
        var shifts = [Int](repeating: 0, count: shape.count)
        for (axis, shift) in zip(axes, inputs[1].values) {
            shifts[axis] = sign * Int(Int32(clampingDouble: shift))
        }
        var result = ReferenceArray(shape)
        forEachIndex(shape) { flat, index in
            var to = 0
            for axis in index.indices {
                let place = (index[axis] + shifts[axis]) % shape[axis]
                to += (place < 0 ? place + shape[axis] : place) * strides[axis]
            }
            result.values[to] = inputs[0].values[flat]
        }
        return result
    }
}

extension Traced {
    /// Moved along `axes` by `shifts`, int32[axes.count], a value of the run.
    public func rolled(by shifts: Traced, axes: [Int]) throws -> Traced {
        try graph.add(Roll(axes: axes), [self, shifts])
    }
}
