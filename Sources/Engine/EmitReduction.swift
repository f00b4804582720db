import CKernels
import COneDNN
import Graph
import Support
import Tensor

extension Emitter {
    func emitReduce(_ id: Int, _ op: Reduce) throws {
        let x = graph.nodes[id].inputs[0]
        let shape = type(x).shape
        if op.axes.isEmpty || type(x).count == 0 { return try emitReference(id) }
        if op.axes.count == shape.count {
            // Over everything, the order does not matter: any layout will do.
            let from = try slot(of: x, block: shape.count >= 3 ? blocks(of: x).last ?? 0 : 0)
            return try addReduce(id, op.fold, from: from, outer: 1, length: type(x).count, inner: 1)
        }
        let summing = op.fold == .sum || op.fold == .mean
        if summing, shape.count >= 2, op.axes == Array(0..<(shape.count - 1)) {
            return try emitChannelSums(id, mean: op.fold == .mean)
        }
        try emitRuns(id, op)
    }

    private func addReduce(
        _ id: Int, _ fold: Reduce.Fold, from: Int, outer: Int, length: Int, inner: Int
    ) throws {
        let to = newSlot(type(id))
        let kind = fold.kernel
        add("\(fold)", reads: [from], writes: [to]) { memory in
            vz_reduce(kind, memory.floats(from), memory.floats(to), outer, length, inner)
        }
        define(id, to)
    }

    private func emitChannelSums(_ id: Int, mean: Bool) throws {
        let x = graph.nodes[id].inputs[0]
        let block = type(x).rank >= 3 ? blocks(of: x).last ?? 0 : 0
        let from = try slot(of: x, block: block)
        let to = newSlot(type(id))
        let map = featureMap(type(x).shape, block: block)
        let scale = mean ? Float(map.channels) / Float(type(x).count) : 1
        add("channel sums", reads: [from], writes: [to]) { memory in
            var map = map
            guard let y = memory.floats(to) else { return }
            vz_channel_sums(memory.floats(from), y, &map)
            if scale != 1 { for i in 0..<map.channels { y[i] *= scale } }
        }
        define(id, to)
    }

    /// Neighbouring axes are folded together, the last ones first.
    private func emitRuns(_ id: Int, _ op: Reduce) throws {
        let x = graph.nodes[id].inputs[0]
        var shape = type(x).shape
        var from = try slot(of: x)
        var axes = op.axes
        while let last = axes.last {
            var first = last
            axes.removeLast()
            while let next = axes.last, next == first - 1 {
                first = next
                axes.removeLast()
            }
            let outer = shape[..<first].reduce(1, *)
            let length = shape[first...last].reduce(1, *)
            let inner = shape[(last + 1)...].reduce(1, *)
            for axis in first...last { shape[axis] = 1 }
            if axes.isEmpty {
                return try addReduce(id, op.fold, from: from, outer: outer, length: length, inner: inner)
            }
            let to = newSlot(bytes: outer * inner * 4)
            let (source, kind) = (from, op.fold.kernel)
            add("\(op.fold)", reads: [from], writes: [to]) { memory in
                vz_reduce(kind, memory.floats(source), memory.floats(to), outer, length, inner)
            }
            from = to
        }
    }

    func emitArgMax(_ id: Int, _ op: ArgMax) throws {
        let x = graph.nodes[id].inputs[0]
        let shape = type(x).shape
        let from = try slot(of: x)
        let to = newSlot(type(id))
        let (outer, length) = (shape[..<op.axis].reduce(1, *), shape[op.axis])
        let inner = shape[(op.axis + 1)...].reduce(1, *)
        add("argmax", reads: [from], writes: [to]) { memory in
            vz_argmax(
                memory.floats(from), memory[to]?.assumingMemoryBound(to: Int32.self), outer, length, inner)
        }
        define(id, to)
    }

    func emitRows(
        _ id: Int,
        _ kernel: @escaping (UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, Int, Int) -> Void
    ) throws {
        let from = try slot(of: graph.nodes[id].inputs[0])
        let to = newSlot(type(id))
        let length = type(id).shape.last ?? 1
        let rows = type(id).count / max(length, 1)
        add(graph.nodes[id].operation.name, reads: [from], writes: [to]) { memory in
            kernel(memory.floats(from), memory.floats(to), rows, length)
        }
        define(id, to)
    }

    func emitMatMul(_ id: Int, _ op: MatMul) throws {
        let node = graph.nodes[id]
        let (a, b) = (type(node.inputs[0]).shape, type(node.inputs[1]).shape)
        let d = op.dimensions(a, b)
        if d.k == 0 { return try emitReference(id) }
        let (from, with) = (try slot(of: node.inputs[0]), try slot(of: node.inputs[1]))
        let to = newSlot(node.type)
        let (leadA, leadB) = (Array(a.dropLast(2)), Array(b.dropLast(2)))
        // Leading axes of the first operand alone are just more rows.
        let folds = leadB.allSatisfy { $0 == 1 } && !op.transposeA && leadA.count >= leadB.count
        let lead = folds ? [] : Array(node.type.shape.dropLast(2))
        let rows = folds ? leadA.reduce(d.m, *) : d.m
        let stepsA = Self.batchOffsets(leadA, lead, d.m * d.k)
        let stepsB = Self.batchOffsets(leadB, lead, d.k * d.n)
        let (ta, tb) = (op.transposeA ? Int32(1) : 0, op.transposeB ? Int32(1) : 0)
        let stepC = d.m * d.n
        if rows * d.n * d.k <= Self.smallProduct {
            add("small matmul", reads: [from, with], writes: [to]) { memory in
                vz_small_matmul(
                    ta, tb, rows, d.n, d.k, memory.floats(from), stepsA, memory.floats(with), stepsB,
                    memory.floats(to), stepsA.count)
            }
            return define(id, to)
        }
        // Large products in pieces, between which the plan looks whether it should stop.
        let products = Double(rows) * Double(d.n) * Double(d.k)
        let most = op.transposeA ? rows : max(Int(Double(rows) * min(Self.longestCall / products, 1)), 1)
        let isLong = products * Double(stepsA.count) > Self.longestCall
        let pieces = isLong ? stepsA.indices.map { $0..<$0 + 1 } : [stepsA.indices]
        for batches in pieces {
            for row in stride(from: 0, to: rows, by: most) {
                add("matmul", reads: [from, with], writes: [to]) { memory in
                    guard let x = memory.floats(from), let w = memory.floats(with), let y = memory.floats(to)
                    else { return }
                    for batch in batches {
                        let code = vz_sgemm(
                            ta, tb, Int64(min(most, rows - row)), Int64(d.n), Int64(d.k),
                            x + stepsA[batch] + row * d.k, w + stepsB[batch],
                            y + batch * stepC + row * d.n)
                        if code != 0 { throw Failure(.numeric, "a matrix product failed inside oneDNN") }
                    }
                }
            }
        }
        define(id, to)
    }

    /// Up to so many multiplications the library's call costs more than the product.
    private static let smallProduct = 4096

    /// Where each matrix of a broadcast batch begins.
    private static func batchOffsets(_ own: [Int], _ lead: [Int], _ size: Int) -> [Int] {
        let n = lead.reduce(1, *)
        let padded = [Int](repeating: 1, count: max(lead.count - own.count, 0)) + own
        let strides = Shape.strides(padded)
        return (0..<n).map { batch in
            var (rest, at) = (batch, 0)
            for axis in lead.indices.reversed() {
                if padded[axis] != 1 { at += rest % lead[axis] * strides[axis] }
                rest /= lead[axis]
            }
            return at * size
        }
    }
}

extension Reduce.Fold {
    var kernel: vz_fold {
        switch self {
        case .sum: VZ_FOLD_SUM
        case .mean: VZ_FOLD_MEAN
        case .max: VZ_FOLD_MAX
        case .min: VZ_FOLD_MIN
        }
    }
}
