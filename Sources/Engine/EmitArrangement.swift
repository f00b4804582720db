import CKernels
import Graph
import Support
import Tensor

extension Emitter {
    /// How many 32-bit words an element takes; 0 where it is no whole number of them. The kernels that
    /// only move elements take float64 for pairs of words: an axis of two more.
    func words(_ id: Int) -> Int {
        switch type(id).type {
        case .float32, .int32: 1
        case .float64: 2
        case .bool: 0
        }
    }

    private func addGather(_ id: Int, from: Int, offset: Int, shape: [Int], strides: [Int]) {
        let to = newSlot(type(id))
        let n = words(id)
        let (offset, shape) = (offset * n, n == 2 ? shape + [2] : shape)
        let strides = n == 2 ? strides.map { $0 * 2 } + [1] : strides
        add(graph.nodes[id].operation.name, reads: [from], writes: [to]) { memory in
            vz_gather_strided(
                memory.floats(from).map { $0 + offset }, memory.floats(to), shape.count, shape, strides)
        }
        define(id, to)
    }

    func emitTranspose(_ id: Int, _ op: Transpose) throws {
        let x = graph.nodes[id].inputs[0]
        let strides = Shape.strides(type(x).shape)
        addGather(
            id, from: try slot(of: x), offset: 0, shape: type(id).shape, strides: op.order.map { strides[$0] }
        )
    }

    /// True where all axes but the last are taken whole.
    private func takesChannels(_ whole: [Int], _ part: [Int], _ starts: [Int], _ steps: [Int]) -> Bool {
        whole.count >= 3 && whole.dropLast() == part.dropLast() && (steps.last ?? 1) > 0
            && starts.dropLast().allSatisfy { $0 == 0 } && steps.dropLast().allSatisfy { $0 == 1 }
    }

    func emitSlice(_ id: Int, _ op: Slice) throws {
        let x = graph.nodes[id].inputs[0]
        let shape = type(x).shape
        if takesChannels(shape, op.lengths, op.starts, op.steps), let block = blocks(of: x).last, block != 0,
            let first = op.starts.last, let step = op.steps.last, let count = op.lengths.last
        {
            let from = try slot(of: x, block: block)
            let to = newSlot(type(id))
            let map = featureMap(shape, block: block)
            add("take channels", reads: [from], writes: [to]) { memory in
                var map = map
                vz_take_channels(memory.floats(from), memory.floats(to), &map, first, step, count)
            }
            return define(id, to)
        }
        let strides = Shape.strides(shape)
        let offset = zip(op.starts, strides).reduce(0) { $0 + $1.0 * $1.1 }
        addGather(
            id, from: try slot(of: x), offset: offset, shape: op.lengths,
            strides: zip(op.steps, strides).map { $0 * $1 })
    }

    func emitScatter(_ id: Int, _ op: Scatter) throws {
        let x = graph.nodes[id].inputs[0]
        let part = type(x).shape
        let from = try slot(of: x)
        let to = newSlot(type(id))
        if op.value == 0, type(id).type == .float32, takesChannels(op.shape, part, op.starts, op.steps),
            let channels = op.shape.last,
            channels % 16 == 0,
            let first = op.starts.last, let step = op.steps.last, let count = part.last
        {
            let map = featureMap(op.shape, block: 16)
            add("put channels", reads: [from], writes: [to]) { memory in
                var map = map
                vz_put_channels(memory.floats(from), memory.floats(to), &map, first, step, count)
            }
            return define(id, in: 16, to)
        }
        let n = words(id)
        let strides = Shape.strides(op.shape)
        let offset = zip(op.starts, strides).reduce(0) { $0 + $1.0 * $1.1 } * n
        let steps = zip(op.steps, strides).map { $0 * $1 * n } + (n == 2 ? [1] : [])
        let shape = n == 2 ? part + [2] : part
        let (whole, value, element) = (type(id).count, op.value, type(id).type)
        add("pad", reads: [from], writes: [to]) { memory in
            guard let y = memory.floats(to), let base = memory[to] else { return }
            switch element {
            case .float64:
                base.assumingMemoryBound(to: Double.self).update(repeating: value, count: whole)
            case .int32:
                base.assumingMemoryBound(to: Int32.self).update(
                    repeating: Int32(clampingDouble: value), count: whole)
            default: vz_fill(y, Float(value), whole)
            }
            vz_scatter_strided(memory.floats(from), y + offset, shape.count, shape, steps)
        }
        define(id, to)
    }

    func emitConcatenate(_ id: Int, _ op: Concatenate) throws {
        let node = graph.nodes[id]
        let shape = node.type.shape
        let outer = shape[..<op.axis].reduce(1, *)
        let reads = try node.inputs.map { try slot(of: $0) }
        let runs = node.inputs.map { type($0).shape[op.axis...].reduce(1, *) * words(id) }
        let row = runs.reduce(0, +)
        let to = newSlot(node.type)
        add("concat", reads: reads, writes: [to]) { memory in
            var column = 0
            for (slot, run) in zip(reads, runs) {
                guard let x = memory.floats(slot), let y = memory.floats(to) else { return }
                for o in 0..<outer {
                    (y + o * row + column).update(from: x + o * run, count: run)
                }
                column += run
            }
        }
        define(id, to)
    }
}

extension Emitter {
    /// One axis at a time: blocks of whole rows change places.
    func emitRoll(_ id: Int, _ op: Roll) throws {
        let node = graph.nodes[id]
        let shape = node.type.shape
        let shifts = try slot(of: node.inputs[1])
        var from = try slot(of: node.inputs[0])
        for (position, axis) in op.axes.enumerated() {
            let to = newSlot(node.type)
            let (length, inner) = (shape[axis], shape[(axis + 1)...].reduce(1, *) * words(id))
            let outer = shape[..<axis].reduce(1, *)
            let (source, sign) = (from, op.sign)
            add("roll", reads: [source, shifts], writes: [to]) { memory in
                guard let x = memory.floats(source), let y = memory.floats(to),
                    let by = memory[shifts]?.assumingMemoryBound(to: Int32.self), length > 0
                else { return }
                let shift = ((sign * Int(by[position])) % length + length) % length
                for o in 0..<outer {
                    let (a, b) = (x + o * length * inner, y + o * length * inner)
                    (b + shift * inner).update(from: a, count: (length - shift) * inner)
                    b.update(from: a + (length - shift) * inner, count: shift * inner)
                }
            }
            from = to
        }
        define(id, from)
    }
}
