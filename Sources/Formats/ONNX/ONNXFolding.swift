import Support
import Tensor

/// Nodes that compute nothing but constants: shapes of other values, and weights put in another order.
extension ONNXNetwork {
    /// The most numbers that a computed constant may have: they are shapes, sizes and axes.
    private static let mostNumbers = 4096

    /// True where the node's result is a constant, which is then known.
    mutating func fold(_ node: ONNXModel.Node, _ output: String) throws -> Bool {
        if node.operation == "Shape" {
            let x = try flow(node)
            let all = shapeInONNX(x)
            let start = min(max(bounded(node.int("start", 0), all.count), 0), all.count)
            let end = min(max(bounded(node.int("end", all.count), all.count), start), all.count)
            constants[output] = try list(Array(all[start..<end]))
            return true
        }
        let known = node.inputs.filter { !$0.isEmpty }
        guard !known.isEmpty, known.allSatisfy({ constants[$0] != nil }) else { return false }
        guard let tensor = try folded(node, known.compactMap { constants[$0] }) else { return false }
        constants[output] = tensor
        return true
    }

    /// A value's shape as ONNX has it, the batch as 1.
    func shapeInONNX(_ x: Flow) -> [Int] {
        if x.ones > 0 { return [1] + x.shape.suffix(1) + [Int](repeating: 1, count: x.ones) }
        return x.isChannelsFirst ? [1] + x.shape.suffix(1) + x.shape.dropLast() : [1] + x.shape
    }

    private func bounded(_ index: Int, _ count: Int) -> Int { index < 0 ? index &+ count : index }

    private func list(_ numbers: [Int]) throws -> Tensor {
        try Tensor(numbers.map { Int32(clamping: $0) }, shape: [numbers.count])
    }

    private func folded(_ node: ONNXModel.Node, _ values: [Tensor]) throws -> Tensor? {
        let x = values[0]
        switch node.operation {
        case "Identity", "Dropout": return x
        case "Transpose":
            guard let order = node.ints["perm"], order.sorted() == Array(0..<x.rank) else { return nil }
            return try x.transposed(order).dense()
        case "Reshape":
            guard values.count == 2, values[1].count <= Shape.maximumRank else { return nil }
            var target = try values[1].array(of: Int32.self).map { Int($0) }
            for i in target.indices where target[i] == 0 && i < x.rank { target[i] = x.shape[i] }
            return try x.reshaped(Tensor.completed(target, count: x.count))
        case "Unsqueeze", "Squeeze": return try squeezed(node, values)
        case "Cast": return try cast(node, x)
        case "Sqrt" where x.count <= Self.mostNumbers:
            return try Tensor(x.array(of: Float.self).map { $0.squareRoot() }, shape: x.shape)
        case "Slice" where x.count <= Self.mostNumbers: return try sliced(node, values)
        default: break
        }
        guard values.allSatisfy({ $0.count <= Self.mostNumbers && $0.rank <= 1 }) else { return nil }
        return try small(node, values)
    }

    private func squeezed(_ node: ONNXModel.Node, _ values: [Tensor]) throws -> Tensor {
        let x = values[0]
        var axes =
            try node.ints["axes"]
            ?? (values.count > 1 ? values[1].array(of: Int32.self).map { Int($0) } : [])
        if node.operation == "Squeeze" {
            axes = axes.map { bounded($0, x.rank) }
            let isAll = axes.isEmpty
            return try x.reshaped(
                x.shape.indices.filter { x.shape[$0] != 1 || !(isAll || axes.contains($0)) }.map {
                    x.shape[$0]
                })
        }
        var shape = x.shape
        guard x.rank + axes.count <= Shape.maximumRank else {
            throw unsupported(node, "to so many axes")
        }
        for axis in axes.map({ bounded($0, x.rank + axes.count) }).sorted() {
            guard (0...shape.count).contains(axis) else { throw unsupported(node, "at axis \(axis)") }
            shape.insert(1, at: axis)
        }
        return try x.reshaped(shape)
    }

    private func cast(_ node: ONNXModel.Node, _ x: Tensor) throws -> Tensor? {
        switch node.int("to", 1) {
        case 1, 10, 16: return try x.converted(to: .float32)
        case 11: return try x.converted(to: .float64)
        case 2...7, 12, 13: return try x.converted(to: .int32)
        default: return nil
        }
    }

    /// Arithmetic on lists of a few numbers.
    private func small(_ node: ONNXModel.Node, _ values: [Tensor]) throws -> Tensor? {
        let isFloat = values.contains { $0.type == .float32 || $0.type == .float64 }
        func made(_ numbers: [Double], _ shape: [Int]) throws -> Tensor {
            isFloat
                ? try Tensor(numbers.map { Float($0) }, shape: shape)
                : try Tensor(numbers.map { Int32(clampingDouble: $0) }, shape: shape)
        }
        let x = try values[0].array(of: Double.self)
        switch node.operation {
        case "Floor": return try made(x.map { $0.rounded(.down) }, values[0].shape)
        case "Ceil": return try made(x.map { $0.rounded(.up) }, values[0].shape)
        case "Concat":
            let all = try values.flatMap { try $0.array(of: Double.self) }
            guard all.count <= Self.mostNumbers else { return nil }
            return try made(all, [all.count])
        case "Gather":
            guard values.count == 2, values[0].rank == 1 else { return nil }
            let picked = try values[1].array(of: Int32.self).map { bounded(Int($0), x.count) }
            guard picked.allSatisfy({ x.indices.contains($0) }) else {
                throw unsupported(node, "outside its list")
            }
            return try made(picked.map { x[$0] }, values[1].shape)
        case "ConstantOfShape":
            let shape = x.map { Int(exactly: $0) ?? -1 }
            guard shape.allSatisfy({ $0 >= 0 }), let count = try? Shape.count(shape),
                count <= Self.mostNumbers
            else { return nil }
            let value = try node.tensors["value"]?.scalarValue() ?? 0
            return node.tensors["value"]?.type == .int32
                ? try Tensor(repeating: value, shape: shape, .int32)
                : try Tensor(repeating: value, shape: shape)
        case "Add", "Sub", "Mul", "Div":
            guard values.count == 2 else { return nil }
            let y = try values[1].array(of: Double.self)
            guard x.count == y.count || x.count == 1 || y.count == 1 else { return nil }
            let n = max(x.count, y.count)
            let result = (0..<n).map { i -> Double in
                let (a, b) = (x[x.count == 1 ? 0 : i], y[y.count == 1 ? 0 : i])
                switch node.operation {
                case "Add": return a + b
                case "Sub": return a - b
                case "Mul": return a * b
                default: return isFloat || b == 0 ? a / b : (a / b).rounded(.towardZero)
                }
            }
            return try made(
                result,
                values[0].rank >= values[1].rank ? values[0].shape.isEmpty && n == 1 ? [] : [n] : [n])
        default: return nil
        }
    }

    /// Stretches of any axes, backwards too.
    private func sliced(_ node: ONNXModel.Node, _ values: [Tensor]) throws -> Tensor? {
        let x = values[0]
        func numbers(_ name: String, _ at: Int) throws -> [Int]? {
            if let list = node.ints[name] { return list }
            return values.indices.contains(at) ? try values[at].array(of: Int32.self).map { Int($0) } : nil
        }
        guard let starts = try numbers("starts", 1), let ends = try numbers("ends", 2),
            starts.count == ends.count
        else { return nil }
        let axes = try numbers("axes", 3) ?? Array(0..<starts.count)
        let steps = try numbers("steps", 4) ?? starts.map { _ in 1 }
        guard axes.count == starts.count, steps.count == starts.count else { return nil }
        var parts = [Subscript](repeating: .slice(start: nil, end: nil, step: 1), count: x.rank)
        for i in axes.indices {
            let axis = bounded(axes[i], x.rank)
            guard parts.indices.contains(axis), steps[i] != 0, abs(steps[i]) < 1 << 20 else { return nil }
            let n = x.shape[axis]
            let start = bounded(starts[i], n)
            let end = bounded(ends[i], n)
            parts[axis] =
                steps[i] > 0
                ? .slice(start: min(max(start, 0), n), end: min(max(end, 0), n), step: steps[i])
                : .slice(
                    start: min(max(start, 0), n - 1), end: end < 0 ? nil : min(end, n - 1), step: steps[i])
        }
        return try x[parts].dense()
    }
}
