import CKernels
import Graph
import Support
import Tensor

/// How a feature map lies in memory: [batch][channels / block][places][block]. Row-major order is
/// one block of all channels.
typealias Block = Int

/// Writes the steps of a plan, unit by unit, choosing layouts as it goes.
final class Emitter {
    let graph: Graph
    let lowering: Lowering
    private(set) var slots: [Slot] = []
    private(set) var steps: [Step] = []
    /// The slot that holds a value in a layout; row-major is block 0.
    private var slotOf: [Place: Int] = [:]
    /// How many units yet to come read a value; those that leave the plan count one more.
    private var readersLeft: [Int: Int] = [:]
    /// Winners noted by a pooling.
    var winnersOf: [Int: Int] = [:]
    /// The layout of a pooling's maps and winners.
    var poolBlock: [Int: Block] = [:]
    private(set) var variables: [Variable] = []
    private var variableIndex: [ObjectIdentifier: Int] = [:]
    /// Variables that a step has written in place.
    private(set) var writtenInPlace: Set<Int> = []

    /// Multiplications of one call of the library, about: a tenth of a second.
    static let longestCall = 8e9

    struct Place: Hashable {
        var value: Int
        var block: Block
    }

    init(graph: Graph, lowering: Lowering, inputs: [Int]) {
        self.graph = graph
        self.lowering = lowering
        for (position, id) in inputs.enumerated() {
            slotOf[Place(value: id, block: 0)] = addSlot(type(id), .input(position))
        }
    }

    // MARK: values and slots

    func type(_ id: Int) -> ValueType { graph.nodes[id].type }
    func bytes(_ type: ValueType) -> Int { type.count * type.type.size }

    private func addSlot(_ type: ValueType, _ home: Slot.Home) -> Int {
        slots.append(Slot(bytes: max(bytes(type), 1), home: home))
        return slots.count - 1
    }

    /// A slot for a value in the making.
    func newSlot(bytes: Int) -> Int {
        slots.append(Slot(bytes: max(bytes, 1), home: .arena))
        return slots.count - 1
    }

    func newSlot(_ type: ValueType) -> Int { newSlot(bytes: bytes(type)) }

    func keptSlot(bytes: Int) throws -> Int {
        slots.append(Slot(bytes: max(bytes, 1), home: .kept(try Buffer(byteCount: max(bytes, 1)))))
        return slots.count - 1
    }

    func constantSlot(_ tensor: Tensor) throws -> Int {
        slots.append(Slot(bytes: max(tensor.byteCount, 1), home: .constant(try tensor.dense())))
        return slots.count - 1
    }

    /// Declares that `slot` holds `value` from now on.
    func define(_ value: Int, in block: Block = 0, _ slot: Int) {
        slotOf[Place(value: value, block: normal(value, block))] = slot
    }

    /// Row-major is block 0, whatever the number of channels; so is any block where both orders agree.
    func normal(_ value: Int, _ block: Block) -> Block {
        guard let channels = type(value).shape.last, block != channels, block != 0 else { return 0 }
        let places = type(value).shape.dropFirst().dropLast().reduce(1, *)
        return places == 1 || (channels == 1) ? 0 : block
    }

    /// The layouts in which a value is at hand.
    func blocks(of value: Int) -> [Block] {
        let id = lowering.source(value)
        return slotOf.keys.filter { $0.value == id }.map(\.block).sorted()
    }

    /// The slot of a value in the wanted layout; puts a reordering step in where it is at hand in another.
    func slot(of value: Int, block: Block = 0) throws -> Int {
        let id = lowering.source(value)
        let wanted = normal(id, block)
        if let slot = slotOf[Place(value: id, block: wanted)] { return slot }
        if let have = blocks(of: id).first, let from = slotOf[Place(value: id, block: have)] {
            let to = newSlot(type(id))
            let map = featureMap(type(id).shape, block: 1)
            let channels = type(id).shape.last ?? 1
            let (blockIn, blockOut) = (have == 0 ? channels : have, wanted == 0 ? channels : wanted)
            add("reorder", reads: [from], writes: [to]) { memory in
                var map = map
                vz_relayout(memory.floats(from), blockIn, memory.floats(to), blockOut, &map)
            }
            define(id, in: wanted, to)
            return to
        }
        let slot = try leafSlot(id)
        slotOf[Place(value: id, block: 0)] = slot
        return wanted == 0 ? slot : try self.slot(of: value, block: block)
    }

    private func leafSlot(_ id: Int) throws -> Int {
        if let tensor = graph.captures[id] { return try constantSlot(tensor) }
        if let variable = graph.variables[id] { return addSlot(type(id), .variable(index(of: variable))) }
        if let fill = graph.nodes[id].operation as? Fill {
            return try constantSlot(Tensor(repeating: fill.value, shape: fill.type.shape, fill.type.type))
        }
        if let iota = graph.nodes[id].operation as? Iota {
            return try constantSlot(iota.tensor())
        }
        throw Failure(.value, "an input of the computation was given no value")
    }

    func index(of variable: Variable) -> Int {
        if let known = variableIndex[ObjectIdentifier(variable)] { return known }
        variables.append(variable)
        variableIndex[ObjectIdentifier(variable)] = variables.count - 1
        return variables.count - 1
    }

    /// A feature map's description; the spatial axes of rank 3 and 4 become height and width.
    func featureMap(_ shape: [Int], block: Block) -> vz_map {
        let channels = shape.last ?? 1
        let places = shape.dropFirst().dropLast()
        let (height, width): (Int, Int) =
            switch places.count {
            case 0: (1, 1)
            case 1: (1, places.first ?? 1)
            default: (places.dropLast().reduce(1, *), places.last ?? 1)
            }
        return vz_map(
            batch: shape.first ?? 1, channels: channels, height: height, width: width,
            block: block == 0 ? channels : block)
    }

    // MARK: steps

    /// Adds a step and notes from when to when the slots it touches are in use.
    func add(
        _ label: String, reads: [Int], writes: [Int], commits: Bool = false,
        _ run: @escaping (PlanMemory) throws -> Void
    ) {
        for slot in reads + writes {
            slots[slot].first = min(slots[slot].first, steps.count)
            slots[slot].last = max(slots[slot].last, steps.count)
        }
        let lasts = writes.contains { if case .kept = slots[$0].home { true } else { false } }
        steps.append(Step(label: label, run: run, commits: commits, lasts: lasts))
    }

    /// True where `value` dies with the unit being emitted and its memory is the plan's own, so that a
    /// result may take its place.
    func diesNow(_ value: Int, slot: Int) -> Bool {
        let id = lowering.source(value)
        return readersLeft[id] == 1 && slots[slot].isInternal && blocks(of: id).count == 1
    }

    func emit(_ units: [Unit], updates: [(variable: Variable, value: Int)], outputs: [Int]) throws {
        for unit in units { for id in unit.reads { readersLeft[id, default: 0] += 1 } }
        for id in outputs + updates.map(\.value) { readersLeft[lowering.source(id), default: 0] += 1 }
        let inPlace = updatesInPlace(units, updates, outputs)
        for (index, unit) in units.enumerated() {
            var unit = unit
            for id in unit.writes { if let variable = inPlace[index]?[id] { unit.updates[id] = variable } }
            try emit(unit)
            for id in unit.reads { readersLeft[id, default: 1] -= 1 }
        }
    }

    private func emit(_ unit: Unit) throws {
        switch unit.kind {
        case .elementwise(let nodes): try emitElementwise(nodes, unit)
        case .convolution(let node, let bias, let relu):
            try emitConvolution(node, bias: bias, relu: relu, result: unit.writes[0])
        case .kernelGradient(let node, let bias): try emitKernelGradient(node, biasGradient: bias)
        case .maxPool(let node, let notes): try emitMaxPool(node, notesWinners: notes)
        case .maxPoolGradient(let node, let pool, let masked):
            try emitMaxPoolGradient(node, pool: pool, masked: masked, result: unit.writes[0])
        case .maxPoolSelection(let node, let pool): try emitMaxPoolSelection(node, pool: pool)
        case .normalization(let node, let relu, let pool):
            try emitNormalization(node, relu: relu, pool: pool, result: unit.writes[0])
        case .single(let node): try emitSingle(node)
        }
    }

    private func emitSingle(_ id: Int) throws {
        let node = graph.nodes[id]
        let floats =
            node.type.type == .float32
            && node.inputs.allSatisfy { type($0).type == .float32 }
        if floats && node.type.count > 0 {
            switch node.operation {
            case is ConvolutionInputGradient: if try emitInputGradient(id) { return }
            case let op as Reduce: return try emitReduce(id, op)
            case let op as MatMul: return try emitMatMul(id, op)
            case is Softmax: return try emitRows(id) { vz_softmax($0, $1, $2, $3) }
            case is LogSoftmax: return try emitRows(id) { vz_log_softmax($0, $1, $2, $3) }
            case is BatchMoments: return try emitMoments(id)
            case let op as NormalizeSums: return try emitNormalizeSums(id, op)
            case let op as AveragePool where op.geometry.windows.count <= 2:
                return try emitAveragePool(id, op.geometry)
            case let op as AveragePoolGradient where op.geometry.windows.count <= 2:
                return try emitAveragePoolGradient(id, op)
            case let op as Resize: return try emitResize(id, op)
            case let op as Resample: return try emitResample(id, op)
            case let op as ResampleGradient: return try emitResampleGradient(id, op)
            case is RealFourier: return try emitFourier(id)
            case let op as InverseRealFourier: return try emitInverseFourier(id, op)
            default: break
            }
        }
        if try emitMove(id) { return }
        switch node.operation {
        case let op as Dropout where node.type.type == .float32: try emitDropout(id, op)
        case let op as RandomDraw: try emitRandom(id, op)
        case let op as RandomIntegers:
            try emitIntegers(id, op.stream) {
                try Tensor(integers: op.low..<op.high, shape: op.shape, key: $0, stream: $1)
            }
        case let op as RandomPermutation:
            try emitIntegers(id, op.stream) { try Tensor(permutation: op.length, key: $0, stream: $1) }
        case let op as ScatterSum where node.type.type == .float32 && node.type.count > 0:
            try emitScatterSum(id, op)
        case let op as ArgMax where type(node.inputs[0]).type == .float32: try emitArgMax(id, op)
        default: try emitReference(id)
        }
    }

    /// Operations that only move elements, of any type of whole words. False for all others.
    private func emitMove(_ id: Int) throws -> Bool {
        let node = graph.nodes[id]
        func fits(_ inputs: [Int]) -> Bool {
            words(id) > 0 && node.type.count > 0 && node.type.rank < Shape.maximumRank
                && inputs.allSatisfy { type($0).type == node.type.type }
        }
        switch node.operation {
        case let op as Transpose where fits(node.inputs): try emitTranspose(id, op)
        case let op as Slice where fits(node.inputs): try emitSlice(id, op)
        case let op as Scatter where fits(node.inputs): try emitScatter(id, op)
        case let op as Concatenate where fits(node.inputs): try emitConcatenate(id, op)
        case let op as Gather where fits([node.inputs[0]]): try emitGather(id, op)
        case let op as Roll where fits([node.inputs[0]]) && !op.axes.isEmpty: try emitRoll(id, op)
        default: return false
        }
        return true
    }

    /// The definition itself, in float64, where there is no faster way.
    func emitReference(_ id: Int) throws {
        let node = graph.nodes[id]
        let reads = try node.inputs.map { try slot(of: $0) }
        let types = node.inputs.map { type($0) }
        let to = newSlot(node.type)
        let (operation, result) = (node.operation, node.type)
        add(operation.name, reads: reads, writes: [to]) { memory in
            var inputs: [ReferenceArray] = []
            for (slot, type) in zip(reads, types) {
                guard let base = memory[slot] else { continue }
                let view = Tensor(
                    type: type.type, shape: type.shape, strides: Shape.strides(type.shape), offset: 0,
                    buffer: Buffer(base: base, byteCount: type.count * type.type.size, owner: memory))
                inputs.append(try ReferenceArray(view))
            }
            let value = try operation.reference(inputs).tensor(result.type)
            memory[to]?.copyMemory(from: value.base, byteCount: value.byteCount)
        }
        define(id, to)
    }

    // MARK: updates in place

    /// For each unit, the results that may be written straight into their variables: nothing reads the
    /// variable afterwards, and nothing but the update needs the result.
    private func updatesInPlace(
        _ units: [Unit], _ updates: [(variable: Variable, value: Int)], _ outputs: [Int]
    ) -> [Int: [Int: Variable]] {
        var lastRead: [Int: Int] = [:]
        for (index, unit) in units.enumerated() { for id in unit.reads { lastRead[id] = index } }
        var leafOf: [ObjectIdentifier: Int] = [:]
        for (id, variable) in graph.variables { leafOf[ObjectIdentifier(variable)] = id }
        let leaving = Set(outputs.map(lowering.source))
        var counts: [Int: Int] = [:]
        for update in updates { counts[lowering.source(update.value), default: 0] += 1 }
        // From the first in-place write on a run is not interrupted, so such units must come last.
        var firstOfTail = units.count
        let values = Set(updates.map { lowering.source($0.value) })
        while firstOfTail > 0,
            units[firstOfTail - 1].writes.allSatisfy({ values.contains($0) && !leaving.contains($0) })
        {
            firstOfTail -= 1
        }
        var result: [Int: [Int: Variable]] = [:]
        for (index, unit) in units.enumerated() where index >= firstOfTail {
            guard case .elementwise = unit.kind else { continue }
            for update in updates {
                let value = lowering.source(update.value)
                guard value == update.value, unit.writes.contains(value), counts[value] == 1,
                    lastRead[value] == nil,
                    type(value).type == .float32
                else { continue }
                if let leaf = leafOf[ObjectIdentifier(update.variable)] {
                    guard (lastRead[leaf] ?? -1) <= index, !leaving.contains(leaf), !values.contains(leaf)
                    else { continue }
                }
                result[index, default: [:]][value] = update.variable
            }
        }
        return result
    }

    /// Slots whose contents are read after the last step.
    func keepUntilEnd(_ kept: [Int]) {
        for slot in kept { slots[slot].last = steps.count }
    }

    func noteWrittenInPlace(_ variable: Variable) { writtenInPlace.insert(index(of: variable)) }

    /// A slot for a variable's own memory.
    func variableSlot(_ variable: Variable) throws -> Int {
        if let id = graph.variables.first(where: { $0.value === variable })?.key { return try slot(of: id) }
        slots.append(Slot(bytes: bytes(variable.type), home: .variable(index(of: variable))))
        return slots.count - 1
    }
}
