import Support

extension Compiler {
    /// The register that holds the value of `node`: a local's own, or a new temporary.
    func operand(_ node: Node) throws -> Int {
        if let r = plainRegister(node) { return r }
        let t = temporary()
        try expression(node, into: t)
        return t
    }

    /// Compute `node` into register `d`.
    func expression(_ node: Node, into d: Int) throws {
        let mark = next
        defer { release(mark) }
        self.mark(node)
        switch node.kind {
        case .number(let x): loadNumber(x, into: d)
        case .string(let s): emit(.loadConstant, d, bx: constant(.string(s)))
        case .bool(let b): emit(b ? .loadTrue : .loadFalse, d)
        case .nil: emit(.loadNil, d)
        case .whole: emit(.wholeAxis, d)
        case .name(let use): load(use, into: d)
        case .interpolation(let pieces): try interpolation(pieces, node, into: d)
        case .list(let items): try list(items, into: d)
        case .record(let entries): try record(entries, into: d)
        case .range(let a, let b, let includesUpper): try range(a, b, includesUpper, into: d)
        case .spread(let n): try expression(n, into: d)
        case .unary(let op, let n):
            let r = try operand(n)
            self.mark(node)
            emit(op == .negate ? .negate : op == .plus ? .plus : .not, d, r)
        case .binary(let op, let a, let b): try binary(op, a, b, node, into: d)
        case .contains(let a, let b, let negated):
            let (ra, rb) = try operands(a, b)
            self.mark(node)
            emit(.contains, d, ra, rb)
            if negated { emit(.not, d, d) }
        case .and, .or, .coalesce: try logical(node, into: d)
        case .call(let f, let arguments): try call(f, arguments, node, into: d)
        case .index(let base, let indices): try index(base, indices, node, into: d)
        case .member(let base, let name): try member(base, name, node, into: d)
        case .function(let f): try closure(f, into: d)
        case .if(let condition, let then, let other): try ifElse(condition, then, other, into: d)
        case .block(let b): try block(b, into: d)
        case .tryElse(let body, let name, let handler): try tryElse(body, name, handler, into: d)
        case .comprehension(let c): try comprehension(c, into: d)
        default:
            try effect(node)
            emit(.loadNil, d)
        }
    }

    private func loadNumber(_ x: Double, into d: Int) {
        emit(.loadNumber, d, bx: number(x))
    }

    /// Two operands; the first is copied where the second could change it.
    private func operands(_ a: Node, _ b: Node) throws -> (Int, Int) {
        var ra = try operand(a)
        if b.hasBlock, plainRegister(a) != nil {
            let t = temporary()
            emit(.move, t, ra)
            ra = t
        }
        return (ra, try operand(b))
    }

    private static let plainOps: [BinaryOperator: Op] = [
        .add: .add, .subtract: .subtract, .multiply: .multiply, .divide: .divide, .floorDivide: .floorDivide,
        .modulo: .modulo, .power: .power, .matmul: .matmul, .equal: .equal, .notEqual: .notEqual,
        .less: .less,
        .lessEqual: .lessEqual, .greater: .greater, .greaterEqual: .greaterEqual,
    ]
    private static let constantOps: [BinaryOperator: Op] = [
        .add: .addK, .subtract: .subtractK, .multiply: .multiplyK, .divide: .divideK,
        .floorDivide: .floorDivideK, .modulo: .moduloK, .power: .powerK,
    ]

    private func binary(_ op: BinaryOperator, _ a: Node, _ b: Node, _ node: Node, into d: Int) throws {
        if case .number(let x) = b.kind, let k = Compiler.constantOps[op] {
            let i = number(x)
            if i < 65536 {
                let r = try operand(a)
                mark(node)
                emit(k, d, r, i)
                return
            }
        }
        let (ra, rb) = try operands(a, b)
        mark(node)
        emit(Compiler.plainOps[op] ?? .add, d, ra, rb)
    }

    private func logical(_ node: Node, into d: Int) throws {
        // The result register may be a variable that the right side reads: work in a temporary.
        let t = temporary()
        let end: Int
        switch node.kind {
        case .and(let a, let b):
            try expression(a, into: t)
            mark(a)
            end = emit(.jumpIfFalse, t)
            try expression(b, into: t)
        case .or(let a, let b):
            try expression(a, into: t)
            mark(a)
            end = emit(.jumpIfTrue, t)
            try expression(b, into: t)
        case .coalesce(let a, let b):
            try expression(a, into: t)
            end = emit(.jumpIfNotNil, t)
            try expression(b, into: t)
        default: return
        }
        patch(end)
        emit(.move, d, t)
    }

    private func interpolation(_ pieces: [Interpolated], _ node: Node, into d: Int) throws {
        let first = next
        for piece in pieces {
            let t = temporary()
            switch piece {
            case .text(let s): emit(.loadConstant, t, bx: constant(.string(s)))
            case .value(let n, let format):
                try expression(n, into: t)
                if let format, let f = NumberFormat(format) {
                    parts.formats.append(f)
                    mark(n)
                    emit(.format, t, t, parts.formats.count - 1)
                }
            }
        }
        mark(node)
        emit(.concatenate, d, first, pieces.count)
    }

    private func list(_ items: [Node], into d: Int) throws {
        let isSpread = items.contains { if case .spread = $0.kind { true } else { false } }
        if items.count <= 64, !isSpread {
            let first = next
            for item in items { try expression(item, into: temporary()) }
            emit(.newList, d, first, items.count)
            return
        }
        let result = temporary()
        emit(.newList, result, 0, 0)
        for item in items {
            let mark = next
            let r = try operand(item)
            if case .spread(let inner) = item.kind {
                self.mark(inner)
                emit(.extend, result, r)
            } else {
                emit(.append, result, r)
            }
            release(mark)
        }
        emit(.move, d, result)
    }

    private func record(_ entries: [RecordEntry], into d: Int) throws {
        let result = temporary()
        emit(.newRecord, result)
        for entry in entries {
            let mark = next
            let r = try operand(entry.value)
            if let key = entry.key {
                emit(.setEntry, result, r, name(key))
            } else {
                self.mark(entry.value)
                emit(.spreadRecord, result, r)
            }
            release(mark)
        }
        emit(.move, d, result)
    }

    private func range(_ a: Node?, _ b: Node?, _ includesUpper: Bool, into d: Int) throws {
        let whole = here
        let ra = try a.map(operand) ?? 0
        let rb = try b.map(operand) ?? 0
        here = whole
        emit(.range, d, ra, rb)
        emit(.jump, (a == nil ? 0 : 1) | (b == nil ? 0 : 2) | (includesUpper ? 4 : 0))
    }

    // MARK: Calls

    private func call(_ f: Node, _ arguments: [Argument], _ node: Node, into d: Int) throws {
        var isPlain = arguments.count <= 255
        for a in arguments { if case .positional = a.kind {} else { isPlain = false } }
        if isPlain, case .name(let use) = f.kind, use.variable == nil {
            let g = global(use.name)
            let first = try argumentRegisters(arguments)
            mark(node)
            note(arguments)
            emit(.callGlobal, first, arguments.count, d)
            here = (use.start, use.end)
            emit(.jump, 0, bx: g)
            return
        }
        let callee = temporary()
        try expression(f, into: callee)
        let first = try argumentRegisters(arguments)
        mark(node)
        note(arguments)
        if isPlain {
            emit(.call, first, arguments.count, d)
        } else {
            parts.shapes.append(CallShape(kinds: arguments.map(\.kind)))
            emit(.callShaped, first, arguments.count, d)
            emit(.jump, 0, bx: parts.shapes.count - 1)
        }
    }

    /// Where the arguments of the call that comes next stand, for errors.
    private func note(_ arguments: [Argument]) {
        guard !arguments.isEmpty else { return }
        parts.arguments[position] = arguments.map { a in
            var name: String?
            if case .named(let own) = a.kind { name = own }
            if case .positional = a.kind { name = "" }
            return ArgumentSpan(name: name, start: a.start, valueStart: a.value.start, end: a.value.end)
        }
    }

    /// The same of the indices of the access that comes next.
    func note(_ indices: [Node]) {
        parts.arguments[position] = indices.map {
            ArgumentSpan(name: "", start: $0.start, valueStart: $0.start, end: $0.end)
        }
    }

    private func argumentRegisters(_ arguments: [Argument]) throws -> Int {
        let first = next
        for a in arguments { try expression(a.value, into: temporary()) }
        if arguments.isEmpty { _ = temporary() }
        return first
    }

    private func index(_ base: Node, _ indices: [Node], _ node: Node, into d: Int) throws {
        if indices.count == 1, let only = indices.first {
            let (rb, ri) = try operands(base, only)
            mark(node)
            note(indices)
            emit(.getIndex, d, rb, ri)
            return
        }
        let first = temporary()
        try expression(base, into: first)
        for i in indices { try expression(i, into: temporary()) }
        mark(node)
        note(indices)
        emit(.getIndexMany, d, first, indices.count)
    }

    private func member(_ base: Node, _ name: String, _ node: Node, into d: Int) throws {
        let r = try operand(base)
        markMember(node, name)
        emit(.getMember, d, r, self.name(name))
        emit(.jump, 0, bx: parts.cacheCount)
        parts.cacheCount += 1
    }

    func markMember(_ node: Node, _ name: String) {
        here = node.isBracketed ? (node.start, node.end) : (node.end - name.utf8.count, node.end)
    }

    // MARK: Control inside expressions

    private func ifElse(_ condition: Node, _ then: Block, _ other: Node?, into d: Int) throws {
        let otherwise = try jumpsIfFalse(condition)
        try block(then, into: d)
        let end = emit(.jump, 0)
        patch(otherwise)
        if let other { try expression(other, into: d) } else { emit(.loadNil, d) }
        patch(end)
    }

    /// The value of a block is that of its last line.
    func block(_ b: Block, into d: Int) throws {
        guard let last = b.statements.last else {
            emit(.loadNil, d)
            return
        }
        for s in b.statements.dropLast() { try effect(s.node) }
        if isExpression(last.node) {
            try expression(last.node, into: d)
        } else {
            try effect(last.node)
            emit(.loadNil, d)
        }
    }

    private func tryElse(_ body: Node, _ name: NameUse?, _ handler: Node, into d: Int) throws {
        let error = temporary()
        let begin = emit(.beginTry, error)
        tries += 1
        try expression(body, into: d)
        tries -= 1
        emit(.endTry)
        let end = emit(.jump, 0)
        patch(begin)
        if let name, let v = name.variable {
            emit(v.needsCell ? .newCell : .move, v.register, error)
        }
        try expression(handler, into: d)
        patch(end)
    }

    private func comprehension(_ c: Comprehension, into d: Int) throws {
        let result = temporary()
        emit(.newList, result, 0, 0)
        try clauses(c, 0, result)
        emit(.move, d, result)
    }

    private func clauses(_ c: Comprehension, _ i: Int, _ result: Int) throws {
        guard i < c.clauses.count else {
            let mark = next
            let r = try operand(c.element)
            emit(.append, result, r)
            release(mark)
            return
        }
        switch c.clauses[i] {
        case .when(let condition):
            let skip = try jumpsIfFalse(condition)
            try clauses(c, i + 1, result)
            patch(skip)
        case .forIn(let names, let iterable):
            try loop(names, iterable) { try self.clauses(c, i + 1, result) }
        }
    }

    // MARK: Conditions

    /// Jumps, still to be patched, that are taken where `node` is false.
    func jumpsIfFalse(_ node: Node) throws -> [Int] {
        let mark = next
        defer { release(mark) }
        switch node.kind {
        case .bool(true): return []
        case .unary(.not, let n): return try jumpsIfTrue(n)
        case .and(let a, let b): return try jumpsIfFalse(a) + jumpsIfFalse(b)
        case .or(let a, let b):
            let yes = try jumpsIfTrue(a)
            let no = try jumpsIfFalse(b)
            patch(yes)
            return no
        case .binary(let op, let a, let b) where op.isComparison: return [try unless(op, a, b, node)]
        default:
            let r = try operand(node)
            self.mark(node)
            return [emit(.jumpIfFalse, r)]
        }
    }

    private func jumpsIfTrue(_ node: Node) throws -> [Int] {
        let mark = next
        defer { release(mark) }
        switch node.kind {
        case .unary(.not, let n): return try jumpsIfFalse(n)
        case .or(let a, let b): return try jumpsIfTrue(a) + jumpsIfTrue(b)
        case .and, .binary:
            let no = try jumpsIfFalse(node)
            let yes = emit(.jump, 0)
            patch(no)
            return [yes]
        default:
            let r = try operand(node)
            self.mark(node)
            return [emit(.jumpIfTrue, r)]
        }
    }

    private static let unlessOps: [BinaryOperator: (plain: Op, constant: Op)] = [
        .equal: (.unlessEqual, .unlessEqualK), .notEqual: (.unlessNotEqual, .unlessNotEqualK),
        .less: (.unlessLess, .unlessLessK), .lessEqual: (.unlessLessEqual, .unlessLessEqualK),
        .greater: (.unlessGreater, .unlessGreaterK),
        .greaterEqual: (.unlessGreaterEqual, .unlessGreaterEqualK),
    ]

    private func unless(_ op: BinaryOperator, _ a: Node, _ b: Node, _ node: Node) throws -> Int {
        let ops = Compiler.unlessOps[op] ?? (.unlessEqual, .unlessEqualK)
        if case .number(let x) = b.kind {
            let i = number(x)
            if i < 65536 {
                let r = try operand(a)
                mark(node)
                emit(ops.constant, r, 0, i)
                return emit(.jump, 0)
            }
        }
        let (ra, rb) = try operands(a, b)
        mark(node)
        emit(ops.plain, ra, rb)
        return emit(.jump, 0)
    }
}
