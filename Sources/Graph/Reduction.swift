import Support
import Tensor

/// Folds axes away. With `keepAxes` they stay with length 1.
public struct Reduce: Operation {
    public enum Fold: UInt8, Sendable, CaseIterable { case sum, mean, max, min }
    public let fold: Fold
    /// Axes from 0, ascending.
    public let axes: [Int]
    public let keepAxes: Bool

    public init(_ fold: Fold, axes: [Int], keepAxes: Bool) {
        self.fold = fold
        self.axes = axes
        self.keepAxes = keepAxes
    }

    public var name: String { "\(fold)" }

    static func reducedShape(_ shape: [Int], axes: [Int], keepAxes: Bool) -> [Int] {
        keepAxes
            ? shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
            : shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
    }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        let shape = inputs[0].shape
        if fold != .sum, let empty = axes.first(where: { shape[$0] == 0 }) {
            throw Failure(
                .shape,
                "\(name) over axis \(empty) of shape \(Shape.describe(shape)): nothing to take the \(name) of"
            )
        }
        var type = inputs[0].type
        if type == .bool { type = .int32 }
        if fold == .mean && !type.isFloat { type = .float32 }
        return ValueType(Self.reducedShape(shape, axes: axes, keepAxes: keepAxes), type)
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let x = c.inputs[0]
        let kept = Self.reducedShape(x.shape, axes: axes, keepAxes: true)
        let dy = try c.cotangent.reshaped(kept)
        switch fold {
        case .sum: return [try dy.broadcasted(to: x.shape)]
        case .mean:
            let n = axes.reduce(1) { $0 * x.shape[$1] }
            return [try (dy / Double(n)).broadcasted(to: x.shape)]
        case .max, .min:
            // Where several elements share the extreme, they share its gradient.
            let isExtreme = try x.binary(.equal, c.output.reshaped(kept))
            let share = try isExtreme.cast(x.type.type).reduce(.sum, axes: axes, keepAxes: true)
            return [try isExtreme.select((dy / share), 0)]
        }
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let x = inputs[0]
        let kept = Self.reducedShape(x.shape, axes: axes, keepAxes: true)
        let start: Double =
            switch fold {
            case .sum, .mean: 0
            case .max: -.infinity
            case .min: .infinity
            }
        var result = ReferenceArray(kept, repeating: start)
        let strides = Shape.strides(kept)
        forEachIndex(x.shape) { flat, index in
            var to = 0
            for axis in index.indices where kept[axis] != 1 { to += index[axis] * strides[axis] }
            let (old, new) = (result.values[to], x.values[flat])
            switch fold {
            case .sum, .mean: result.values[to] = old + new
            case .max: result.values[to] = new.isNaN || old.isNaN ? .nan : Swift.max(old, new)
            case .min: result.values[to] = new.isNaN || old.isNaN ? .nan : Swift.min(old, new)
            }
        }
        if fold == .mean {
            let n = Double(axes.reduce(1) { $0 * x.shape[$1] })
            result.values = result.values.map { $0 / n }
        }
        result.shape = Self.reducedShape(x.shape, axes: axes, keepAxes: keepAxes)
        return result
    }
}

/// The position of the greatest element along one axis (the first of equals), as int32. A NaN counts as
/// the greatest, as in NumPy, so that it is where `max` found it.
public struct ArgMax: Operation {
    public let axis: Int
    public init(axis: Int) { self.axis = axis }
    public var name: String { "argmax" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        guard inputs[0].shape[axis] > 0 else {
            throw Failure(.shape, "argmax over an empty axis of shape \(Shape.describe(inputs[0].shape))")
        }
        return ValueType(Reduce.reducedShape(inputs[0].shape, axes: [axis], keepAxes: false), .int32)
    }

    public func gradient(_: GradientContext) throws -> [Traced?] { [nil] }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let x = inputs[0]
        let inner = x.shape[(axis + 1)...].reduce(1, *)
        let n = x.shape[axis]
        var result = ReferenceArray(Reduce.reducedShape(x.shape, axes: [axis], keepAxes: false))
        for position in result.values.indices {
            let first = position / inner * inner * n + position % inner
            var best = 0
            for i in 1..<Swift.max(n, 1) {
                let (v, top) = (x.values[first + i * inner], x.values[first + best * inner])
                if v > top || (v.isNaN && !top.isNaN) { best = i }
            }
            result.values[position] = Double(best)
        }
        return result
    }
}

extension Traced {
    /// Fold `axes` (nil: all; negative ones count from the end).
    public func reduce(_ fold: Reduce.Fold, axes: [Int]? = nil, keepAxes: Bool = false) throws -> Traced {
        let chosen = try (axes ?? Array(shape.indices)).map { try Shape.axis($0, rank: rank, "\(fold)") }
        guard Set(chosen).count == chosen.count else {
            throw Failure(.argument, "\(fold): an axis is named twice in \(Shape.describe(axes ?? []))")
        }
        return try graph.add(Reduce(fold, axes: chosen.sorted(), keepAxes: keepAxes), [self])
    }

    public func sum(_ axes: [Int]? = nil, keepAxes: Bool = false) throws -> Traced {
        try reduce(.sum, axes: axes, keepAxes: keepAxes)
    }
    public func mean(_ axes: [Int]? = nil, keepAxes: Bool = false) throws -> Traced {
        try reduce(.mean, axes: axes, keepAxes: keepAxes)
    }
    public func max(_ axes: [Int]? = nil, keepAxes: Bool = false) throws -> Traced {
        try reduce(.max, axes: axes, keepAxes: keepAxes)
    }
    public func min(_ axes: [Int]? = nil, keepAxes: Bool = false) throws -> Traced {
        try reduce(.min, axes: axes, keepAxes: keepAxes)
    }

    /// Biased variance over `axes`.
    public func variance(_ axes: [Int]? = nil, keepAxes: Bool = false) throws -> Traced {
        try (self - mean(axes, keepAxes: true)).square().mean(axes, keepAxes: keepAxes)
    }

    /// log Σ exp(x) over `axes`, without overflow.
    public func logSumExp(_ axes: [Int]? = nil, keepAxes: Bool = false) throws -> Traced {
        // Where all are −∞ or one is ∞ the greatest is the answer; it must not be taken from itself.
        let top = try max(axes, keepAxes: true)
        let base = try (top.abs() < .infinity).select(top, 0).stopped()
        let result = try (self - base).exp().sum(axes, keepAxes: true).log() + base
        if keepAxes { return result }
        let folded = try (axes ?? Array(shape.indices)).map { try Shape.axis($0, rank: rank, "logsumexp") }
        return try result.reshaped(Reduce.reducedShape(shape, axes: folded, keepAxes: false))
    }

    /// (Σ |x|^p)^(1/p) over `axes`; `p` may be infinite: the greatest magnitude.
    public func norm(_ p: Double = 2, _ axes: [Int]? = nil, keepAxes: Bool = false) throws -> Traced {
        guard p > 0 else { throw Failure(.argument, "norm: the order must be above 0, not \(p)") }
        if p == .infinity { return try abs().max(axes, keepAxes: keepAxes) }
        if p == 1 { return try abs().sum(axes, keepAxes: keepAxes) }
        if p == 2 {
            let sum = try square().sum(axes, keepAxes: keepAxes)
            // The slope at 0, where there is none, is taken as 0.
            return try (sum > 0).select((sum > 0).select(sum, 1).sqrt(), sum)
        }
        let x = try abs()
        let sum = try x.power(x.scalar(p)).sum(axes, keepAxes: keepAxes)
        return try (sum > 0).select((sum > 0).select(sum, 1).power(sum.scalar(1 / p)), sum)
    }

    public func argmax(axis: Int) throws -> Traced {
        try graph.add(ArgMax(axis: Shape.axis(axis, rank: rank, "argmax")), [self])
    }

    /// The adjoint of broadcasting: sums stretched axes so that the shape becomes `target`.
    public func summed(to target: [Int]) throws -> Traced {
        if shape == target { return self }
        let lead = rank - target.count
        let stretched = shape.indices.filter { $0 < lead || (target[$0 - lead] == 1 && shape[$0] != 1) }
        return try sum(stretched, keepAxes: true).reshaped(target)
    }
}
