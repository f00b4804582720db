import Support

/// One part of an index such as `t[0, 2.., :]`.
public enum Subscript: Sendable, Hashable {
    /// One position; the axis disappears. Negative counts from the end.
    case position(Int)
    /// From `start` (included) to `end` (excluded) by `step`; nil is the axis' own end. Negative
    /// bounds count from the end; a negative step walks backwards.
    case slice(start: Int?, end: Int?, step: Int)
    /// A new axis of length 1.
    case newAxis
}

extension Tensor {
    /// A view of the chosen positions; missing trailing parts take whole axes. Nothing is copied.
    public subscript(parts: [Subscript]) -> Tensor {
        get throws(Failure) {
            var newShape: [Int] = []
            var newStrides: [Int] = []
            var start = offset
            var axis = 0
            for part in parts {
                if part == .newAxis {
                    newShape.append(1)
                    newStrides.append(0)
                    continue
                }
                guard axis < rank else {
                    throw Failure(
                        .index,
                        "\(parts.filter { $0 != .newAxis }.count) indices for a tensor of shape \(Shape.describe(shape))",
                        hint: "it has \(rank) \(rank == 1 ? "axis" : "axes")")
                }
                switch part {
                case .position(let i):
                    let n = shape[axis]
                    let p = i < 0 ? i &+ n : i
                    guard p >= 0, p < n else {
                        throw Failure(
                            .index, "index \(i) is outside axis \(axis) of shape \(Shape.describe(shape))",
                            hint: n == 0
                                ? "the axis is empty" : "it runs from 0 to \(n - 1), or from -\(n) to -1")
                    }
                    start += p * strides[axis]
                case .slice(let from, let to, let step):
                    let (first, length) = try Self.resolve(from, to, step, length: shape[axis])
                    start += first * strides[axis]
                    newShape.append(length)
                    newStrides.append(strides[axis] * step)
                case .newAxis: break
                }
                axis += 1
            }
            newShape += shape[axis...]
            newStrides += strides[axis...]
            return Tensor(type: type, shape: newShape, strides: newStrides, offset: start, buffer: buffer)
        }
    }

    /// First position and number of positions of a slice, clamped to the axis as Python does.
    public static func resolve(
        _ from: Int?, _ to: Int?, _ step: Int, length n: Int
    ) throws(Failure) -> (first: Int, count: Int) {
        guard step != 0 else { throw Failure(.value, "a slice's step cannot be 0") }
        func clamp(_ bound: Int, _ low: Int, _ high: Int) -> Int {
            min(max(bound < 0 ? bound &+ n : bound, low), high)
        }
        if step > 0 {
            let first = clamp(from ?? 0, 0, n)
            let end = clamp(to ?? n, 0, n)
            let span = max(end - first, 0)
            return (span == 0 ? 0 : first, span / step + (span % step == 0 ? 0 : 1))
        }
        let first = from.map { clamp($0, -1, n - 1) } ?? n - 1
        let end = to.map { clamp($0, -1, n - 1) } ?? -1
        let span = max(first - end, 0)
        guard step != Int.min else { return (span == 0 ? 0 : first, min(span, 1)) }
        return (span == 0 ? 0 : first, span / -step + (span % -step == 0 ? 0 : 1))
    }

    /// The same elements under another shape; one length may be -1 and is worked out. A view where
    /// the elements lie one after another, else a copy.
    public func reshaped(_ newShape: [Int]) throws(Failure) -> Tensor {
        let full = try Self.completed(newShape, count: count)
        let t = try dense()
        return Tensor(
            type: type, shape: full, strides: Shape.strides(full), offset: t.offset, buffer: t.buffer)
    }

    /// Works out a -1 in `shape` and checks that it holds `count` elements.
    public static func completed(_ shape: [Int], count: Int) throws(Failure) -> [Int] {
        var full = shape
        if let unknown = shape.firstIndex(of: -1) {
            var rest = shape
            rest.remove(at: unknown)
            let n = try Shape.count(rest)
            guard n > 0, count % n == 0 else {
                throw Failure(
                    .shape, "reshape: \(count) elements cannot take shape \(Shape.describe(shape))",
                    hint: "the other lengths must divide the number of elements")
            }
            full[unknown] = count / n
        }
        guard try Shape.count(full) == count else {
            throw Failure(
                .shape, "reshape: \(count) elements cannot take shape \(Shape.describe(shape))",
                hint: "a reshape keeps the number of elements; -1 stands for whatever is left")
        }
        return full
    }

    /// Axes in another order; `order[i]` is the old axis that becomes axis i. A view.
    public func transposed(_ order: [Int]) throws(Failure) -> Tensor {
        guard order.sorted() == Array(0..<rank) else {
            throw Failure(
                .shape, "transpose: \(Shape.describe(order)) is no order of the \(rank) axes",
                hint: "name each axis from 0 to \(max(rank - 1, 0)) once")
        }
        return Tensor(
            type: type, shape: order.map { shape[$0] }, strides: order.map { strides[$0] }, offset: offset,
            buffer: buffer)
    }

    /// A view stretched to `target` as NumPy broadcasts.
    public func broadcasted(to target: [Int]) throws(Failure) -> Tensor {
        if shape == target { return self }
        guard target.count >= rank, Shape.broadcast(shape, target) == target else {
            throw Failure(
                .shape,
                "broadcast: shape \(Shape.describe(shape)) does not stretch to \(Shape.describe(target))",
                hint: "axes are matched from the last; only axes of length 1 stretch")
        }
        let lead = target.count - rank
        var newStrides = [Int](repeating: 0, count: target.count)
        for axis in 0..<rank where shape[axis] == target[lead + axis] {
            newStrides[lead + axis] = strides[axis]
        }
        return Tensor(type: type, shape: target, strides: newStrides, offset: offset, buffer: buffer)
    }

    /// Itself where dense, else a row-major copy.
    public func dense() throws(Failure) -> Tensor {
        if isDense { return self }
        let copy = try Tensor(uninitialized: shape, type)
        let size = type.size
        var target = copy.buffer.base
        let source = UnsafeRawPointer(buffer.base)
        forEachRow { first, step, length in
            if step == 1 {
                target.copyMemory(from: source + first * size, byteCount: length * size)
            } else {
                switch size {
                case 1: Self.gather(UInt8.self, source, first, step, length, target)
                case 4: Self.gather(UInt32.self, source, first, step, length, target)
                default: Self.gather(UInt64.self, source, first, step, length, target)
                }
            }
            target += length * size
        }
        return copy
    }

    private static func gather<W>(
        _: W.Type, _ source: UnsafeRawPointer, _ first: Int, _ step: Int, _ length: Int,
        _ target: UnsafeMutableRawPointer
    ) {
        let from = source.assumingMemoryBound(to: W.self)
        let to = target.assumingMemoryBound(to: W.self)
        for i in 0..<length { to[i] = from[first + i * step] }
    }

    /// Calls `body(first element, step, length)` for each innermost row, in row-major order.
    func forEachRow(_ body: (Int, Int, Int) -> Void) {
        if count == 0 { return }
        guard let length = shape.last, let step = strides.last else { return body(offset, 1, 1) }
        var position = [Int](repeating: 0, count: rank)
        var first = offset
        while true {
            body(first, step, length)
            var axis = rank - 2
            while axis >= 0 {
                position[axis] += 1
                first += strides[axis]
                if position[axis] < shape[axis] { break }
                first -= strides[axis] * shape[axis]
                position[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }

    /// The same values in another element type; to int32 they are truncated and clamped, to bool
    /// anything but 0 is true.
    public func converted(to target: ElementType) throws(Failure) -> Tensor {
        if target == type { return self }
        let copy = try Tensor(uninitialized: shape, target)
        switch type {
        case .float32: convert(to: copy) { (x: Float) in Double(x) }
        case .float64: convert(to: copy) { (x: Double) in x }
        case .int32: convert(to: copy) { (x: Int32) in Double(x) }
        case .bool: convert(to: copy) { (x: UInt8) in x != 0 ? 1 : 0 }
        }
        return copy
    }

    @inline(__always)
    private func convert<A>(to copy: Tensor, _ value: (A) -> Double) {
        switch copy.type {
        case .float32: fill(copy) { Float(value($0)) }
        case .float64: fill(copy, value)
        case .int32: fill(copy) { Int32(clampingDouble: value($0)) }
        case .bool: fill(copy) { (x: A) -> UInt8 in value(x) != 0 ? 1 : 0 }
        }
    }

    /// Writes what `f` makes of each element to the dense `copy`, in row-major order.
    @inline(__always)
    private func fill<A, B>(_ copy: Tensor, _ f: (A) -> B) {
        let from = UnsafeRawPointer(buffer.base).assumingMemoryBound(to: A.self)
        let to = copy.buffer.base.assumingMemoryBound(to: B.self)
        var i = 0
        forEachRow { first, step, length in
            if step == 1 {
                for j in 0..<length { to[i &+ j] = f(from[first &+ j]) }
            } else {
                for j in 0..<length { to[i &+ j] = f(from[first &+ j &* step]) }
            }
            i &+= length
        }
    }
}
