import Support
import Tensor

extension Traced {
    /// `value` around: `padding[axis]` = (before, after).
    public func padded(_ padding: [(Int, Int)], value: Double = 0) throws -> Traced {
        let target = try paddedShape(padding)
        return try graph.add(
            Scatter(shape: target, starts: padding.map(\.0), steps: shape.map { _ in 1 }, value: value),
            [self])
    }

    /// The tensor's own elements around: the last one again (`edge`) or mirrored about it (`reflect`).
    public func padded(_ padding: [(Int, Int)], border: Border) throws -> Traced {
        if border == .zeros { return try padded(padding) }
        _ = try paddedShape(padding)
        var result = self
        for (axis, pair) in padding.enumerated() where pair != (0, 0) {
            let n = shape[axis]
            guard n > 0, border == .edge || Swift.max(pair.0, pair.1) < n else {
                throw Failure(
                    .shape,
                    "pad: an axis of \(n) cannot be \(border == .edge ? "continued" : "mirrored") by \(Swift.max(pair.0, pair.1))",
                    hint: "pad by less than the axis is long")
            }
            // Each border is read backwards, or is one element stretched.
            func part(_ count: Int, _ isBefore: Bool) throws -> Traced? {
                if count == 0 { return nil }
                if border == .edge {
                    let last = try result.sliced(axis: axis, from: isBefore ? 0 : n - 1, to: isBefore ? 1 : n)
                    var target = result.shape
                    target[axis] = count
                    return try last.broadcasted(to: target)
                }
                let from = isBefore ? 1 : n - 1 - count
                return try result.sliced(axis: axis, from: from, to: from + count).flipped([axis])
            }
            let parts = try [part(pair.0, true), result, part(pair.1, false)].compactMap { $0 }
            result = try Traced.concatenated(parts, axis: axis)
        }
        return result
    }

    private func paddedShape(_ padding: [(Int, Int)]) throws -> [Int] {
        guard padding.count == rank, padding.allSatisfy({ 0...(1 << 48) ~= $0.0 && 0...(1 << 48) ~= $0.1 })
        else {
            throw Failure(
                .argument, "pad: one pair (before, after), neither negative, for each of the \(rank) axes")
        }
        return zip(shape, padding).map { $0 + $1.0 + $1.1 }
    }

    /// Turned round along `axes`.
    public func flipped(_ axes: [Int]) throws -> Traced {
        let turned = try Set(axes.map { try Shape.axis($0, rank: rank, "flip") })
        if turned.isEmpty { return self }
        return try indexed(
            shape.indices.map {
                .slice(start: nil, end: nil, step: turned.contains($0) ? -1 : 1)
            })
    }

    /// Cut along one axis into parts of `lengths`.
    public func split(_ lengths: [Int], axis: Int) throws -> [Traced] {
        let axis = try Shape.axis(axis, rank: rank, "split")
        guard lengths.allSatisfy({ 0...shape[axis] ~= $0 }), lengths.reduce(0, &+) == shape[axis] else {
            throw Failure(
                .shape, "split: lengths \(Shape.describe(lengths)) do not make up an axis of \(shape[axis])")
        }
        var start = 0
        return try lengths.map { n in
            defer { start += n }
            return try sliced(axis: axis, from: start, to: start + n)
        }
    }
}
