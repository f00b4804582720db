import CKernels
import Graph
import Tensor

extension Emitter {
    func emitGather(_ id: Int, _ op: Gather) throws {
        let inputs = graph.nodes[id].inputs
        let shape = type(inputs[0]).shape
        let (from, positions) = (try slot(of: inputs[0]), try slot(of: inputs[1]))
        let to = newSlot(type(id))
        let (outer, length) = (shape[..<op.axis].reduce(1, *), shape[op.axis])
        let (count, inner) = (type(inputs[1]).count, shape[(op.axis + 1)...].reduce(1, *) * words(id))
        add("gather", reads: [from, positions], writes: [to]) { memory in
            vz_gather(
                memory.floats(from), memory[positions]?.assumingMemoryBound(to: Int32.self),
                memory.floats(to),
                outer, length, count, inner)
        }
        define(id, to)
    }

    func emitScatterSum(_ id: Int, _ op: ScatterSum) throws {
        let inputs = graph.nodes[id].inputs
        let shape = type(id).shape
        let (from, positions) = (try slot(of: inputs[0]), try slot(of: inputs[1]))
        let to = newSlot(type(id))
        let (outer, length) = (shape[..<op.axis].reduce(1, *), op.length)
        let (count, inner) = (type(inputs[1]).count, shape[(op.axis + 1)...].reduce(1, *))
        add("scatter_sum", reads: [from, positions], writes: [to]) { memory in
            vz_scatter_sum(
                memory.floats(from), memory[positions]?.assumingMemoryBound(to: Int32.self),
                memory.floats(to),
                outer, length, count, inner)
        }
        define(id, to)
    }
}
