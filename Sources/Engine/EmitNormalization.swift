import CKernels
import Graph
import Support
import Tensor

extension Emitter {
    func emitMoments(_ id: Int) throws {
        let x = graph.nodes[id].inputs[0]
        let block = type(x).rank >= 3 ? presentBlock(x) : 0
        let from = try slot(of: x, block: block)
        let to = newSlot(type(id))
        let map = featureMap(type(x).shape, block: block)
        add("batch moments", reads: [from], writes: [to]) { memory in
            var map = map
            vz_moments(memory.floats(from), memory.floats(to), &map)
        }
        define(id, to)
    }

    func emitNormalizeSums(_ id: Int, _ op: NormalizeSums) throws {
        let inputs = graph.nodes[id].inputs
        let block = type(inputs[0]).rank >= 3 ? presentBlock(inputs[0]) : 0
        let x = try slot(of: inputs[0], block: block)
        let moments = try slot(of: inputs[1])
        let dy = try slot(of: inputs[2], block: block)
        let to = newSlot(type(id))
        let map = featureMap(type(inputs[0]).shape, block: block)
        let epsilon = Float(op.epsilon)
        add("batchnorm sums", reads: [x, moments, dy], writes: [to]) { memory in
            var map = map
            vz_normalize_sums(
                memory.floats(x), memory.floats(moments), memory.floats(dy), memory.floats(to), epsilon, &map)
        }
        define(id, to)
    }

    /// Normalization with the ReLU and the max pooling that followed, in one pass.
    func emitNormalization(
        _ id: Int, relu: Bool, pool pooled: (node: Int, notesWinners: Bool)?, result: Int
    ) throws {
        let inputs = graph.nodes[id].inputs
        guard let op = graph.nodes[id].operation as? Normalize else { return try emitReference(id) }
        let block = type(id).rank >= 3 ? presentBlock(inputs[0]) : 0
        let x = try slot(of: inputs[0], block: block)
        let rest = try inputs[1...].map { try slot(of: $0) }
        let scratch = newSlot(bytes: 2 * (type(id).shape.last ?? 1) * 4)
        let to = newSlot(type(result))
        let map = featureMap(type(id).shape, block: block)
        let (epsilon, after) = (Float(op.epsilon), Int32(relu ? 1 : 0))
        guard let pooled, let maxPool = graph.nodes[pooled.node].operation as? MaxPool else {
            add(relu ? "batchnorm, relu" : "batchnorm", reads: [x] + rest, writes: [to, scratch]) { memory in
                var map = map
                vz_normalize(
                    memory.floats(x), memory.floats(rest[0]), memory.floats(rest[1]), memory.floats(rest[2]),
                    memory.floats(to), epsilon, after, memory.floats(scratch), &map)
            }
            return define(result, in: block, to)
        }
        let winners = pooled.notesWinners ? newSlot(bytes: type(result).count) : nil
        let geometry = pool(maxPool.geometry, places: places(type(result).shape))
        add(
            relu ? "batchnorm, relu, maxpool" : "batchnorm, maxpool", reads: [x] + rest,
            writes: [to, scratch] + (winners.map { [$0] } ?? [])
        ) { memory in
            var (map, geometry) = (map, geometry)
            vz_normalize_maxpool(
                memory.floats(x), memory.floats(rest[0]), memory.floats(rest[1]), memory.floats(rest[2]),
                memory.floats(to), winners.flatMap { memory[$0]?.assumingMemoryBound(to: UInt8.self) },
                epsilon, after, memory.floats(scratch), &map, &geometry)
        }
        define(result, in: block, to)
        winnersOf[result] = winners
        poolBlock[result] = block
    }
}
