import CKernels
import Graph
import Support
import Tensor

extension Emitter {
    func emitDropout(_ id: Int, _ op: Dropout) throws {
        let node = graph.nodes[id]
        let (from, key) = (try slot(of: node.inputs[0]), try slot(of: node.inputs[1]))
        let to = newSlot(node.type)
        let (count, rate, stream) = (node.type.count, Float(op.rate), op.stream)
        add("dropout", reads: [from, key], writes: [to]) { memory in
            var key = Emitter.key(memory, key, stream)
            vz_dropout(memory.floats(from), memory.floats(to), count, rate, &key)
        }
        define(id, to)
    }

    func emitRandom(_ id: Int, _ op: RandomDraw) throws {
        let key = try slot(of: graph.nodes[id].inputs[0])
        let to = newSlot(type(id))
        let (count, stream, distribution) = (type(id).count, op.stream, op.distribution)
        add(op.name, reads: [key], writes: [to]) { memory in
            var key = Emitter.key(memory, key, stream)
            switch distribution {
            case .uniform: vz_random_uniform(memory.floats(to), count, 0, &key)
            case .normal: vz_random_normal(memory.floats(to), count, 0, &key)
            case .truncatedNormal: vz_random_truncated_normal(memory.floats(to), count, 0, &key)
            }
        }
        define(id, to)
    }

    private static func key(_ memory: PlanMemory, _ slot: Int, _ stream: UInt32) -> vz_key {
        guard let words = memory[slot]?.assumingMemoryBound(to: UInt32.self) else { return vz_key() }
        return vz_key(seed: (words[0], words[1]), step: (words[2], words[3]), stream: stream)
    }

    /// Whole numbers: drawn as tensors are.
    func emitIntegers(
        _ id: Int, _ stream: UInt32, _ draw: @escaping (RandomKey, UInt32) throws -> Tensor
    ) throws {
        let key = try slot(of: graph.nodes[id].inputs[0])
        let to = newSlot(type(id))
        add(graph.nodes[id].operation.name, reads: [key], writes: [to]) { memory in
            guard let words = memory[key]?.assumingMemoryBound(to: Int32.self) else { return }
            let tensor = try draw(RandomKey(words: [words[0], words[1], words[2], words[3]]), stream)
            memory[to]?.copyMemory(from: tensor.base, byteCount: tensor.byteCount)
        }
        define(id, to)
    }
}
