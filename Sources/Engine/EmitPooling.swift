import CKernels
import Graph
import Support
import Tensor

extension Emitter {
    func pool(_ geometry: PoolGeometry, places: [Int]) -> vz_pool {
        var pool = vz_pool()
        func pair(_ value: (Window) -> Int, _ missing: Int) -> (Int, Int) {
            geometry.windows.count == 1
                ? (missing, value(geometry.windows[0]))
                : (value(geometry.windows[0]), value(geometry.windows[1]))
        }
        pool.size = pair({ $0.size }, 1)
        pool.stride = pair({ $0.stride }, 1)
        pool.dilation = pair({ $0.dilation }, 1)
        pool.pad = pair({ $0.padBefore }, 0)
        pool.out = places.count == 1 ? (1, places[0]) : (places[0], places[1])
        return pool
    }

    func places(_ shape: [Int]) -> [Int] { Array(shape.dropFirst().dropLast()) }

    /// The layout in which a map is at hand, the library's own first.
    func presentBlock(_ value: Int) -> Block { blocks(of: value).last ?? 0 }

    func emitMaxPool(_ id: Int, notesWinners: Bool) throws {
        let node = graph.nodes[id]
        let x = node.inputs[0]
        guard let op = node.operation as? MaxPool, node.type.count > 0 else { return try emitReference(id) }
        let block = presentBlock(x)
        let from = try slot(of: x, block: block)
        let to = newSlot(node.type)
        let winners = notesWinners ? newSlot(bytes: node.type.count) : nil
        let map = featureMap(type(x).shape, block: block)
        let geometry = pool(op.geometry, places: places(node.type.shape))
        add(op.name, reads: [from], writes: [to] + (winners.map { [$0] } ?? [])) { memory in
            var (map, geometry) = (map, geometry)
            vz_maxpool(
                memory.floats(from), memory.floats(to),
                winners.flatMap { memory[$0]?.assumingMemoryBound(to: UInt8.self) }, &map, &geometry)
        }
        define(id, in: block, to)
        winnersOf[id] = winners
        poolBlock[id] = block
    }

    func emitMaxPoolGradient(_ id: Int, pool pooled: Int, masked: Bool, result: Int) throws {
        let node = graph.nodes[id]
        guard let op = node.operation as? MaxPoolGradient, let winners = winnersOf[pooled] else {
            return try emitReference(id)
        }
        let block = poolBlock[pooled] ?? 0
        let from = try slot(of: node.inputs[1], block: block)
        let forward = masked ? try slot(of: pooled, block: block) : nil
        let to = newSlot(node.type)
        let map = featureMap(node.type.shape, block: block)
        let geometry = pool(op.geometry, places: places(type(pooled).shape))
        add(op.name, reads: [from, winners] + (forward.map { [$0] } ?? []), writes: [to]) { memory in
            var (map, geometry) = (map, geometry)
            vz_maxpool_gradient(
                memory.floats(from), memory[winners]?.assumingMemoryBound(to: UInt8.self),
                forward.flatMap { memory.floats($0) }, memory.floats(to), &map, &geometry)
        }
        define(result, in: block, to)
    }

    func emitMaxPoolSelection(_ id: Int, pool pooled: Int) throws {
        let node = graph.nodes[id]
        guard let op = node.operation as? MaxPoolSelection, let winners = winnersOf[pooled] else {
            return try emitReference(id)
        }
        let block = poolBlock[pooled] ?? 0
        let from = try slot(of: node.inputs[1], block: block)
        let to = newSlot(node.type)
        let map = featureMap(type(node.inputs[1]).shape, block: block)
        let geometry = pool(op.geometry, places: places(node.type.shape))
        add(op.name, reads: [from, winners], writes: [to]) { memory in
            var (map, geometry) = (map, geometry)
            vz_maxpool_select(
                memory.floats(from), memory[winners]?.assumingMemoryBound(to: UInt8.self), memory.floats(to),
                &map,
                &geometry)
        }
        define(id, in: block, to)
    }

    func emitAveragePool(_ id: Int, _ poolGeometry: PoolGeometry) throws {
        let node = graph.nodes[id]
        let x = node.inputs[0]
        let block = presentBlock(x)
        let from = try slot(of: x, block: block)
        let to = newSlot(node.type)
        let map = featureMap(type(x).shape, block: block)
        let geometry = pool(poolGeometry, places: places(node.type.shape))
        add(node.operation.name, reads: [from], writes: [to]) { memory in
            var (map, geometry) = (map, geometry)
            vz_avgpool(memory.floats(from), memory.floats(to), &map, &geometry)
        }
        define(id, in: block, to)
    }

    func emitAveragePoolGradient(_ id: Int, _ op: AveragePoolGradient) throws {
        let node = graph.nodes[id]
        let block = presentBlock(node.inputs[0])
        let from = try slot(of: node.inputs[0], block: block)
        let to = newSlot(node.type)
        let map = featureMap(node.type.shape, block: block)
        let geometry = pool(op.geometry, places: places(type(node.inputs[0]).shape))
        add(op.name, reads: [from], writes: [to]) { memory in
            var (map, geometry) = (map, geometry)
            vz_avgpool_gradient(memory.floats(from), memory.floats(to), &map, &geometry)
        }
        define(id, in: block, to)
    }
}
