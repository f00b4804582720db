import CKernels
import Graph
import Support
import Tensor

/// A compiled chain of elementwise operations with the memory its C description needs.
final class ElementwiseProgram {
    private let operands: UnsafeMutablePointer<vz_operand>
    private let code: UnsafeMutablePointer<vz_instruction>
    private let stores: UnsafeMutablePointer<vz_store>
    private let tiles: UnsafeMutablePointer<UInt16>
    private let sources: UnsafeMutablePointer<UnsafeRawPointer?>
    private let targets: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private var program: vz_program
    private let count: Int

    init(
        operands list: [vz_operand], code instructions: [vz_instruction], stores kept: [vz_store], count: Int
    ) {
        func copy<T>(_ items: [T]) -> UnsafeMutablePointer<T> {
            let p = UnsafeMutablePointer<T>.allocate(capacity: max(items.count, 1))
            p.initialize(from: items, count: items.count)
            return p
        }
        operands = copy(list)
        code = copy(instructions)
        stores = copy(kept)
        let (assigned, tileCount) = Self.assignTiles(operands: list.count, instructions, kept)
        tiles = copy(assigned)
        sources = .allocate(capacity: max(list.count, 1))
        sources.initialize(repeating: nil, count: max(list.count, 1))
        targets = .allocate(capacity: max(kept.count, 1))
        targets.initialize(repeating: nil, count: max(kept.count, 1))
        self.count = count
        program = vz_program(
            operands: operands, code: code, stores: stores, operand_count: UInt16(clamping: list.count),
            code_count: UInt16(clamping: instructions.count), store_count: UInt16(clamping: kept.count),
            tiles: tiles, tile_count: UInt16(clamping: tileCount))
    }

    deinit {
        operands.deallocate()
        code.deallocate()
        stores.deallocate()
        tiles.deallocate()
        sources.deallocate()
        targets.deallocate()
    }

    /// Scratch tiles by last use, so that a chain of any length needs only a few.
    private static func assignTiles(
        operands: Int, _ code: [vz_instruction], _ stores: [vz_store]
    ) -> ([UInt16], Int) {
        var lastUse = [Int](repeating: -1, count: operands + code.count)
        for (i, k) in code.enumerated() {
            for value in [k.a, k.b, k.c] where Int(value) < lastUse.count { lastUse[Int(value)] = i }
        }
        for store in stores { lastUse[Int(store.value)] = code.count }
        var free: [UInt16] = []
        var tiles: [UInt16] = []
        var next: UInt16 = 0
        for (i, k) in code.enumerated() {
            // A tile is not handed on within the instruction that reads it last.
            if let tile = free.popLast() {
                tiles.append(tile)
            } else {
                tiles.append(next)
                next += 1
            }
            for value in Set([Int(k.a), Int(k.b), Int(k.c)])
            where value >= operands && value - operands < i && lastUse[value] == i {
                free.append(tiles[value - operands])
            }
        }
        return (tiles, Int(next))
    }

    func run(_ memory: PlanMemory, reads: [Int], writes: [Int]) {
        for (i, slot) in reads.enumerated() { sources[i] = memory[slot].map { UnsafeRawPointer($0) } }
        for (i, slot) in writes.enumerated() { targets[i] = memory[slot] }
        vz_elementwise(&program, sources, targets, count)
    }
}

extension Emitter {
    /// A value read by a group, with the shape under which it is read.
    private struct Operand: Hashable {
        var value: Int
        var shape: [Int]
    }

    func emitElementwise(_ nodes: [Int], _ unit: Unit) throws {
        let shape = type(nodes[0]).shape
        let inside = Set(nodes)
        var operands: [Operand] = []
        var numbers: [Double] = []
        var indexOf: [Operand: Int] = [:]
        var numberOf: [Double: Int] = [:]
        for id in nodes {
            for input in graph.nodes[id].inputs where !inside.contains(input) {
                if let fill = graph.nodes[lowering.source(input)].operation as? Fill {
                    if numberOf[fill.value] == nil {
                        numberOf[fill.value] = numbers.count
                        numbers.append(fill.value)
                    }
                    continue
                }
                let operand = Operand(value: lowering.source(input), shape: type(input).shape)
                if indexOf[operand] == nil {
                    indexOf[operand] = operands.count
                    operands.append(operand)
                }
            }
        }
        // Only numbers of four bytes can be brought from one layout into another.
        let isPlain = unit.writes.contains { type($0).type != .float32 }
        let block = isPlain ? 0 : chooseBlock(shape, operands)
        var reads = try operands.map { try slot(of: $0.value, block: $0.shape == shape ? block : 0) }
        var loads = operands.map { load(of: $0.shape, type($0.value).type == .bool, in: shape, block: block) }
        for number in numbers {
            reads.append(try constantSlot(Tensor(scalar: Float(number))))
            loads.append(scalarLoad())
        }
        let (code, valueOf) = compile(nodes, operandCount: loads.count) { input in
            if let fill = self.graph.nodes[self.lowering.source(input)].operation as? Fill {
                return operands.count + (numberOf[fill.value] ?? 0)
            }
            return indexOf[Operand(value: self.lowering.source(input), shape: self.type(input).shape)] ?? 0
        }
        var writes: [Int] = []
        var stores: [vz_store] = []
        var taken: Set<Int> = []
        var commits = false
        for id in unit.writes {
            let isBool = type(id).type == .bool
            stores.append(vz_store(value: UInt16(clamping: valueOf[id] ?? 0), is_bool: isBool ? 1 : 0))
            if let variable = unit.updates[id], block == 0 {
                let slot = try variableSlot(variable)
                // Elements read elsewhere than where they are written would be read too late.
                let safe = zip(reads, loads).allSatisfy {
                    $0 != slot || UInt32($1.mode) == VZ_DIRECT.rawValue
                }
                if safe {
                    writes.append(slot)
                    noteWrittenInPlace(variable)
                    commits = true
                    continue
                }
            }
            let reused = operands.indices.first { i in
                !isBool && operands[i].shape == shape && type(operands[i].value).type == .float32
                    && !taken.contains(reads[i]) && diesNow(operands[i].value, slot: reads[i])
                    && operands.filter { $0.value == operands[i].value }.count == 1
            }
            let slot = reused.map { reads[$0] } ?? newSlot(type(id))
            taken.insert(slot)
            writes.append(slot)
            define(id, in: block, slot)
        }
        let program = ElementwiseProgram(
            operands: loads, code: code, stores: stores, count: type(nodes[0]).count)
        let (from, to) = (reads, writes)
        add("elementwise(\(code.count))", reads: from, writes: to, commits: commits) { memory in
            program.run(memory, reads: from, writes: to)
        }
    }

    /// The layout of the first whole operand that has one of its own, where all others can follow.
    private func chooseBlock(_ shape: [Int], _ operands: [Operand]) -> Block {
        guard shape.count >= 3 else { return 0 }
        for operand in operands where operand.shape == shape {
            let have = blocks(of: operand.value)
            guard let block = have.first(where: { $0 != 0 }), !have.contains(0) else { continue }
            let fits = operands.allSatisfy { other in
                other.shape == shape && type(other.value).type == .float32
                    || other.shape.reduce(1, *) == 1 || isChannelVector(other.shape, of: shape)
                    || isBatchVector(other.shape, of: shape)
            }
            if fits { return block }
        }
        return 0
    }

    private func isChannelVector(_ shape: [Int], of whole: [Int]) -> Bool {
        shape.last == whole.last && shape.dropLast().allSatisfy { $0 == 1 }
    }

    private func isBatchVector(_ shape: [Int], of whole: [Int]) -> Bool {
        shape.count == whole.count && shape.first == whole.first && shape.dropFirst().allSatisfy { $0 == 1 }
    }

    private func scalarLoad() -> vz_operand {
        var load = vz_operand()
        load.mode = UInt8(VZ_SCALAR.rawValue)
        return load
    }

    /// How a tile of the whole is brought in from an operand of `shape`.
    private func load(of shape: [Int], _ isBool: Bool, in whole: [Int], block: Block) -> vz_operand {
        var load = vz_operand()
        load.is_bool = isBool ? 1 : 0
        func mode(_ mode: vz_load_mode, period: Int = 1, count: Int = 1) -> vz_operand {
            load.mode = UInt8(mode.rawValue)
            load.period = max(period, 1)
            load.count = max(count, 1)
            return load
        }
        let count = shape.reduce(1, *)
        if shape == whole { return mode(VZ_DIRECT) }
        if count == 1 { return mode(VZ_SCALAR) }
        let padded = [Int](repeating: 1, count: max(whole.count - shape.count, 0)) + shape
        if padded == whole { return mode(VZ_DIRECT) }
        if block != 0 && isChannelVector(shape, of: whole) {
            load.block = UInt32(clamping: block)
            return mode(
                VZ_BLOCKED_CHANNEL, period: whole.dropFirst().dropLast().reduce(1, *), count: whole.last ?? 1)
        }
        let firstReal = padded.firstIndex { $0 != 1 } ?? 0
        if Array(padded[firstReal...]) == Array(whole[firstReal...]) {
            return mode(VZ_PERIODIC, period: count)
        }
        let lastReal = (padded.lastIndex { $0 != 1 } ?? 0) + 1
        if Array(padded[firstReal..<lastReal]) == Array(whole[firstReal..<lastReal]) {
            return mode(VZ_REPEATED, period: whole[lastReal...].reduce(1, *), count: count)
        }
        load.rank = UInt8(clamping: whole.count)
        let strides = Shape.strides(padded)
        withUnsafeMutableBytes(of: &load.shape) { bytes in
            let p = bytes.bindMemory(to: Int.self)
            for axis in whole.indices { p[axis] = whole[axis] }
        }
        withUnsafeMutableBytes(of: &load.strides) { bytes in
            let p = bytes.bindMemory(to: Int.self)
            for axis in whole.indices { p[axis] = padded[axis] == 1 ? 0 : strides[axis] }
        }
        return mode(VZ_STRIDED)
    }

    /// Instructions for the nodes in order; also the number of each node's value.
    private func compile(
        _ nodes: [Int], operandCount: Int, operand: (Int) -> Int
    ) -> ([vz_instruction], [Int: Int]) {
        var code: [vz_instruction] = []
        var valueOf: [Int: Int] = [:]
        for id in nodes {
            let node = graph.nodes[id]
            let values = node.inputs.map { UInt16(clamping: valueOf[$0] ?? operand($0)) }
            var instruction = vz_instruction()
            instruction.a = values[0]
            instruction.b = values.count > 1 ? values[1] : values[0]
            instruction.c = values.count > 2 ? values[2] : values[0]
            switch node.operation {
            case let op as Unary:
                instruction.opcode = UInt16(op.function.opcode.rawValue)
                instruction.alpha = Float(op.alpha)
            case let op as Binary: instruction.opcode = UInt16(op.function.opcode.rawValue)
            case is Select: instruction.opcode = UInt16(VZ_SELECT.rawValue)
            case let op as Cast where op.target == .bool: instruction.opcode = UInt16(VZ_TO_BOOL.rawValue)
            default: instruction.opcode = UInt16(VZ_IDENTITY.rawValue)
            }
            valueOf[id] = operandCount + code.count
            code.append(instruction)
        }
        return (code, valueOf)
    }
}

extension UnaryFunction {
    var opcode: vz_opcode {
        switch self {
        case .negate: VZ_NEGATE
        case .reciprocal: VZ_RECIPROCAL
        case .square: VZ_SQUARE
        case .sqrt: VZ_SQRT
        case .reciprocalSqrt: VZ_RSQRT
        case .exp: VZ_EXP
        case .log: VZ_LOG
        case .abs: VZ_ABS
        case .sign: VZ_SIGN
        case .sin: VZ_SIN
        case .cos: VZ_COS
        case .tanh: VZ_TANH
        case .sigmoid: VZ_SIGMOID
        case .erf: VZ_ERF
        case .floor: VZ_FLOOR
        case .ceil: VZ_CEIL
        case .round: VZ_ROUND
        case .relu: VZ_RELU
        case .leakyRelu: VZ_LEAKY_RELU
        case .elu: VZ_ELU
        case .softplus: VZ_SOFTPLUS
        case .isNaN: VZ_IS_NAN
        case .not: VZ_NOT
        case .identity: VZ_IDENTITY
        }
    }
}

extension BinaryFunction {
    var opcode: vz_opcode {
        switch self {
        case .add: VZ_ADD
        case .subtract: VZ_SUBTRACT
        case .multiply: VZ_MULTIPLY
        case .divide: VZ_DIVIDE
        case .power: VZ_POWER
        case .remainder: VZ_REMAINDER
        case .minimum: VZ_MINIMUM
        case .maximum: VZ_MAXIMUM
        case .equal: VZ_EQUAL
        case .notEqual: VZ_NOT_EQUAL
        case .less: VZ_LESS
        case .lessEqual: VZ_LESS_EQUAL
        case .greater: VZ_GREATER
        case .greaterEqual: VZ_GREATER_EQUAL
        case .and: VZ_AND
        case .or: VZ_OR
        case .reluGradient: VZ_RELU_GRADIENT
        }
    }
}
