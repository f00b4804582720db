import Engine
import Graph
import Language
import Support
import Tensor

/// What the parts between `[` and `]` pick from a tensor: a position, or a start, a number and a
/// step for each axis. Missing trailing parts take whole axes; nil is a new axis of length 1.
struct IndexBox {
    private(set) var starts: [Int] = []
    private(set) var lengths: [Int] = []
    private(set) var steps: [Int] = []
    /// Axes of the result: a source axis, or -1 for a new one.
    private var axes: [Int] = []

    init(_ indices: [Value], shape: [Int]) throws {
        for (place, part) in indices.enumerated() {
            if part.isNil {
                axes.append(-1)
                continue
            }
            let axis = starts.count
            guard axis < shape.count else {
                throw Failure(
                    .index,
                    "\(indices.count) indices for a tensor of shape \(Shape.describe(shape))",
                    hint: shape.isEmpty
                        ? "a single number has no axes: `t.item` gives it"
                        : "it has \(shape.count) \(shape.count == 1 ? "axis" : "axes")",
                    argument: Failure.Argument("", position: place))
            }
            switch part {
            case .range(let r):
                let (start, count, step) = try Self.at(place) { try r.resolve(length: shape[axis]) }
                starts.append(count == 0 ? 0 : start)
                lengths.append(count)
                steps.append(step)
                axes.append(axis)
            default:
                starts.append(try Self.at(place) { try Self.position(part, shape, axis) })
                lengths.append(1)
                steps.append(1)
            }
        }
        for axis in starts.count..<shape.count {
            starts.append(0)
            lengths.append(shape[axis])
            steps.append(1)
            axes.append(axis)
        }
    }

    /// What goes wrong in `body` is the fault of the index at `place`.
    static func at<T>(_ place: Int, _ body: () throws -> T) throws -> T {
        do { return try body() } catch var failure as Failure {
            failure.argument = Failure.Argument("", position: place)
            throw failure
        }
    }

    private static func position(_ part: Value, _ shape: [Int], _ axis: Int) throws -> Int {
        guard case .number(let x) = part else {
            throw Failure(
                .index, "a tensor is indexed by whole numbers and ranges, not by \(part.typePhrase)",
                hint: "`t[0]`, `t[1.., :]`, `t[[0, 2]]`, `t[t > 0]`")
        }
        guard let i = Int(exactly: x) else {
            throw Failure(
                .index, "an index is a whole number, not \(Numbers.text(x))",
                hint: "floor(x) or round(x) makes one")
        }
        let n = shape[axis]
        let place = i < 0 ? i &+ n : i
        guard place >= 0, place < n else {
            throw Failure(
                .index, "index \(i) is outside axis \(axis) of shape \(Shape.describe(shape))",
                hint: n == 0 ? "the axis is empty" : "it runs from 0 to \(n - 1), or from -\(n) to -1")
        }
        return place
    }

    var resultShape: [Int] { axes.map { $0 < 0 ? 1 : lengths[$0] } }

    /// Nothing is copied.
    func view(of t: Tensor) -> Tensor {
        var offset = t.offset
        for axis in starts.indices { offset += starts[axis] * t.strides[axis] }
        return Tensor(
            type: t.type, shape: resultShape, strides: axes.map { $0 < 0 ? 0 : t.strides[$0] * steps[$0] },
            offset: offset, buffer: t.buffer)
    }

    func slice(of t: Traced) throws -> Traced {
        let isWhole = lengths == t.shape && steps.allSatisfy { $0 == 1 }
        let part = isWhole ? t : try t.graph.add(Slice(starts: starts, lengths: lengths, steps: steps), [t])
        return try part.reshaped(resultShape)
    }
}

extension TensorObject {
    /// The only index, where it is a tensor of truth values.
    static func mask(_ indices: [Value]) -> TensorObject? {
        guard indices.count == 1, case .object(let o) = indices[0], let mask = o as? TensorObject,
            mask.elementType == .bool
        else { return nil }
        return mask
    }

    /// The elements where `mask` holds, as a vector; rows where it has fewer axes.
    func masked(_ mask: TensorObject) throws -> Value {
        guard case .concrete(let t) = content, case .concrete(let m) = mask.content else {
            throw Failure(
                .value,
                "a condition as an index gives as many elements as it holds, which a trace cannot know",
                hint: "write where(condition, t, 0)")
        }
        guard m.rank <= t.rank, m.rank > 0, Array(t.shape.prefix(m.rank)) == m.shape else {
            throw Failure(
                .shape,
                "a condition of shape \(Shape.describe(m.shape)) does not fit a tensor of shape \(Shape.describe(t.shape))"
            )
        }
        let rest = Array(t.shape.dropFirst(m.rank))
        let rows = try t.reshaped([m.count] + rest)
        let places = try m.array(of: Bool.self).enumerated().filter(\.element).map(\.offset)
        return .object(TensorObject(try Self.rows(places, of: rows)))
    }

    /// Rows of the first axis, copied.
    static func rows(_ places: [Int], of t: Tensor) throws -> Tensor {
        let source = try t.dense()
        let result = try Tensor(uninitialized: [places.count] + t.shape.dropFirst(), t.type)
        let bytes = t.shape.dropFirst().reduce(1, *) * t.type.size
        for (i, place) in places.enumerated() {
            (result.base + i * bytes).copyMemory(from: source.base + place * bytes, byteCount: bytes)
        }
        return result
    }

    /// The axis whose index is a list of positions, and those.
    func gathered(_ indices: [Value]) throws -> (axis: Int, places: [Int])? {
        var axis = 0
        for (place, part) in indices.enumerated() {
            var list: [Value]?
            if case .list(let l) = part { list = l.items }
            if case .object(let o) = part, let t = o as? TensorObject, t.shape.count == 1 {
                list = try Self.nested(t.tensor(for: "an index")).asList?.items
            }
            if let list {
                guard axis < shape.count else { return nil }
                let places = try list.map { item -> Int in
                    let box = try IndexBox.at(place) { try IndexBox([item], shape: [shape[axis]]) }
                    guard case .number = item else {
                        throw Failure(
                            .index, "a list of positions holds whole numbers, not \(item.typePhrase)")
                    }
                    return box.starts[0]
                }
                return (axis, places)
            }
            if !part.isNil { axis += 1 }
        }
        return nil
    }

    /// The axis whose index is a vector that is being traced (drawn inside jit, say), and that vector.
    func tracedPositions(_ indices: [Value]) -> (axis: Int, positions: TensorObject)? {
        var axis = 0
        for part in indices {
            if case .object(let o) = part, let t = o as? TensorObject, t.isTraced, t.shape.count == 1 {
                return axis < shape.count ? (axis, t) : nil
            }
            if !part.isNil { axis += 1 }
        }
        return nil
    }

    /// Picks the elements at traced positions of `axis`, then applies the other parts.
    func gather(_ indices: [Value], axis: Int, _ positions: TensorObject) throws -> Value {
        guard positions.elementType == .int32 else {
            throw Failure(
                .type, "an index that is being traced must be int32, not \(positions.type)",
                hint: "convert it: astype(i, \"int32\")")
        }
        let v = try Self.lifted([self, positions])
        return try pick(TensorObject(v[0].gathered(v[1], axis: axis)), indices)
    }

    /// Picks `places` along `axis`, then applies the other parts.
    func gather(_ indices: [Value], axis: Int, _ places: [Int]) throws -> Value {
        try pick(taken(places, axis: axis), indices)
    }

    private func pick(_ picked: TensorObject, _ indices: [Value]) throws -> Value {
        let rest = indices.map { part -> Value in
            switch part {
            case .list: return .range(.all)
            case .object(let o) where o is TensorObject: return .range(.all)
            default: return part
            }
        }
        return try picked.index(rest)
    }

    /// The elements at `places` of one axis, in that order.
    func taken(_ places: [Int], axis: Int) throws -> TensorObject {
        var order = Array(shape.indices)
        order.remove(at: axis)
        order.insert(axis, at: 0)
        var back = order
        for (i, a) in order.enumerated() { back[a] = i }
        switch content {
        case .concrete(let t):
            return TensorObject(try Self.rows(places, of: t.transposed(order)).transposed(back))
        case .traced(let t):
            // Few runs of neighbours are taken as slices.
            let breaks = places.indices.dropFirst().count { places[$0] != places[$0 - 1] + 1 }
            if breaks > 3 {
                let positions = Trace.constant(
                    try Tensor(places.map { Int32(clamping: $0) }, shape: [places.count]), in: t.graph)
                return TensorObject(try t.gathered(positions, axis: axis))
            }
            var parts: [Traced] = []
            var start = 0
            while start < places.count {
                var end = start + 1
                while end < places.count, places[end] == places[end - 1] + 1 { end += 1 }
                parts.append(try t.sliced(axis: axis, from: places[start], to: places[end - 1] + 1))
                start = end
            }
            guard !parts.isEmpty else { return TensorObject(try t.sliced(axis: axis, from: 0, to: 0)) }
            return TensorObject(try Traced.concatenated(parts, axis: axis))
        }
    }
}
