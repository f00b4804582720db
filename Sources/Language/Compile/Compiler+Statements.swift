import Support

extension Compiler {
    /// Run `node` for what it does.
    func effect(_ node: Node) throws {
        let mark = next
        defer { release(mark) }
        self.mark(node)
        switch node.kind {
        case .define(let name, let f):
            if let r = directRegister(name) { return try closure(f, into: r) }
            let t = temporary()
            try closure(f, into: t)
            store(name, from: t)
            if let v = name.variable, v.owner === function, v.needsCell,
                !parts.functionCells.contains(v.register)
            {
                parts.functionCells.append(v.register)
            }
        case .assign(let targets, let value): try assign(targets, value, node)
        case .augment(let target, let op, let value): try augment(target, op, value, node)
        case .for(let f): try loop(f.names, f.iterable) { try self.effects(f.body) }
        case .while(let condition, let body): try whileLoop(condition, body)
        case .break: leave(isBreak: true)
        case .continue: leave(isBreak: false)
        case .return(let value): try returnStatement(value)
        case .raise(let value):
            let r = try operand(value)
            self.mark(node)
            emit(.raise, r)
        case .use(let use): try self.use(use)
        case .if(let condition, let then, let other):
            let otherwise = try jumpsIfFalse(condition)
            try effects(then)
            if let other {
                let end = emit(.jump, 0)
                patch(otherwise)
                try effect(other)
                patch(end)
            } else {
                patch(otherwise)
            }
        case .block(let b): try effects(b)
        default: try expression(node, into: temporary())
        }
    }

    func effects(_ b: Block) throws { for s in b.statements { try effect(s.node) } }

    private func returnStatement(_ value: Node?) throws {
        let r: Int?
        if let value {
            r = try operand(value)
        } else {
            r = nil
        }
        for _ in 0..<tries { emit(.endTry) }
        if let r { emit(.returnValue, r) } else { emit(.returnNil) }
    }

    private func leave(isBreak: Bool) {
        guard let loop = loops.last else { return }
        for _ in loop.tries..<max(loop.tries, tries) { emit(.endTry) }
        let jump = emit(.jump, 0)
        if isBreak {
            loops[loops.count - 1].breaks.append(jump)
        } else {
            loops[loops.count - 1].continues.append(jump)
        }
    }

    // MARK: Setting

    private func assign(_ targets: [Target], _ value: Node, _ node: Node) throws {
        if targets.count == 1, let target = targets.first { return try assign(target, value) }
        if case .list(let items) = value.kind, !value.isBracketed, items.count == targets.count,
            !targets.contains(where: \.takesRest),
            !items.contains(where: { if case .spread = $0.kind { true } else { false } })
        {
            // `a, b = b, a`: all values first, no list.
            let first = next
            for item in items { try expression(item, into: temporary()) }
            for (i, t) in targets.enumerated() { try set(t, from: first + i) }
            return
        }
        let r = try operand(value)
        let first = next
        for _ in targets { _ = temporary() }
        parts.patterns.append(Pattern(count: targets.count, rest: targets.firstIndex(where: \.takesRest)))
        mark(node)
        emit(.unpack, r, first, parts.patterns.count - 1)
        for (i, t) in targets.enumerated() { try set(t, from: first + i) }
    }

    private func assign(_ target: Target, _ value: Node) throws {
        guard case .name(let use) = target.kind else {
            let r = try operand(value)
            return try set(target, from: r)
        }
        // `s = s + x` grows s in place like `s += x`.
        if case .binary(.add, let a, let b) = value.kind, case .name(let left) = a.kind, isSame(left, use),
            !b.hasBlock
        {
            let r = try operand(b)
            mark(value)
            let span = here
            addTo(use, r)
            parts.spans[parts.spans.count - 1] = span
            return
        }
        if let r = directRegister(use), !value.hasBlock, isSafeDirectly(value) {
            return try expression(value, into: r)
        }
        let r = try operand(value)
        store(use, from: r)
    }

    private func isSame(_ a: NameUse, _ b: NameUse) -> Bool {
        a.name == b.name && a.variable === b.variable && !a.needsCheck
    }

    /// True where the value is written to its register by the last instruction alone.
    private func isSafeDirectly(_ node: Node) -> Bool {
        switch node.kind {
        case .number, .string, .bool, .nil, .name, .unary, .binary, .call, .index, .member, .list, .record,
            .function,
            .interpolation, .comprehension, .range, .contains:
            true
        default: false
        }
    }

    private func set(_ target: Target, from r: Int) throws {
        let mark = next
        defer { release(mark) }
        switch target.kind {
        case .name(let use): store(use, from: r)
        case .index(let base, let indices):
            if indices.count == 1, let only = indices.first {
                let rb = try operand(base)
                let ri = try operand(only)
                here = (target.start, target.end)
                note(indices)
                emit(.setIndex, rb, ri, r)
                return
            }
            let first = temporary()
            try expression(base, into: first)
            for i in indices { try expression(i, into: temporary()) }
            here = (target.start, target.end)
            note(indices)
            emit(.setIndexMany, first, r, indices.count)
        case .member(let base, let name):
            let rb = try operand(base)
            here = (target.end - name.utf8.count, target.end)
            emit(.setMember, rb, r, self.name(name))
            emit(.jump, 0, bx: cache())
        }
    }

    private func cache() -> Int {
        parts.cacheCount += 1
        return parts.cacheCount - 1
    }

    private func augment(_ target: Target, _ op: BinaryOperator, _ value: Node, _ node: Node) throws {
        switch target.kind {
        case .name(let use):
            if op == .add {
                let r = try operand(value)
                addTo(use, r)
                parts.spans[parts.spans.count - 1] = (node.start, node.end)
                return
            }
            let left = Node(.name(use), use.start, use.end)
            if let r = directRegister(use), !use.needsCheck, !value.hasBlock {
                return try expression(Node(.binary(op, left, value), node.start, node.end), into: r)
            }
            let t = temporary()
            try expression(Node(.binary(op, left, value), node.start, node.end), into: t)
            store(use, from: t)
        case .index(let base, let indices): try augmentIndex(base, indices, op, value, node)
        case .member(let base, let name):
            let rb = try operand(base)
            let t = temporary()
            here = (target.end - name.utf8.count, target.end)
            emit(.getMember, t, rb, self.name(name))
            emit(.jump, 0, bx: cache())
            let rv = try operand(value)
            mark(node)
            emit(op: op, t, t, rv)
            here = (target.end - name.utf8.count, target.end)
            emit(.setMember, rb, t, self.name(name))
            emit(.jump, 0, bx: cache())
        }
    }

    private func augmentIndex(
        _ base: Node, _ indices: [Node], _ op: BinaryOperator, _ value: Node, _ node: Node
    ) throws {
        if indices.count == 1, let only = indices.first {
            let rb = try operand(base)
            let ri = try operand(only)
            let t = temporary()
            mark(node)
            note(indices)
            emit(.getIndex, t, rb, ri)
            let rv = try operand(value)
            mark(node)
            emit(op: op, t, t, rv)
            emit(.setIndex, rb, ri, t)
            return
        }
        let first = temporary()
        try expression(base, into: first)
        for i in indices { try expression(i, into: temporary()) }
        let t = temporary()
        mark(node)
        note(indices)
        emit(.getIndexMany, t, first, indices.count)
        let rv = try operand(value)
        mark(node)
        emit(op: op, t, t, rv)
        emit(.setIndexMany, first, t, indices.count)
    }

    private func emit(op: BinaryOperator, _ d: Int, _ a: Int, _ b: Int) {
        let ops: [BinaryOperator: Op] = [
            .add: .add, .subtract: .subtract, .multiply: .multiply, .divide: .divide,
            .floorDivide: .floorDivide,
            .modulo: .modulo, .power: .power, .matmul: .matmul,
        ]
        emit(ops[op] ?? .add, d, a, b)
    }

    private func use(_ use: UseNode) throws {
        parts.uses.append(use)
        let t = temporary()
        emit(.use, t, bx: parts.uses.count - 1)
        if let alias = use.alias { store(alias, from: t) }
    }

    // MARK: Loops

    private func whileLoop(_ condition: Node, _ body: Block) throws {
        loops.append(Loop(tries: tries))
        let top = position
        let exits = try jumpsIfFalse(condition)
        try effects(body)
        finishLoop(top, exits)
    }

    /// `for names in iterable { body }`, also of comprehensions.
    func loop(_ names: [NameUse], _ iterable: Node, _ body: () throws -> Void) throws {
        if names.count == 1, let name = names.first,
            case .range(let lower?, let upper?, let includesUpper) = iterable.kind
        {
            return try rangeLoop(name, lower, upper, includesUpper, iterable, body)
        }
        let mark = next
        defer { release(mark) }
        let state = temporary()
        _ = temporary()
        _ = temporary()
        try expression(iterable, into: state)
        self.mark(iterable)
        emit(.forPrepare, state, names.count)
        loops.append(Loop(tries: tries))
        let top = position
        let variables = names.compactMap(\.variable)
        let isDirect = !variables.contains { $0.needsCell }
        let first: Int
        if isDirect, let v = variables.first {
            first = v.register
        } else {
            first = next
            for _ in names { _ = temporary() }
        }
        self.mark(iterable)
        emit(.forNext, state, first, names.count)
        let exit = emit(.jump, 0)
        if !isDirect {
            for (i, v) in variables.enumerated() {
                emit(v.needsCell ? .newCell : .move, v.register, first + i)
            }
        }
        try body()
        finishLoop(top, [exit])
    }

    /// Every way back to the top leads over `loop`, which looks whether it should stop.
    private func finishLoop(_ top: Int, _ exits: [Int]) {
        let back = emit(.loop, 0, bx: top)
        let loop = loops.removeLast()
        patch(loop.continues, to: back)
        patch(exits)
        patch(loop.breaks)
    }

    /// A loop over a range that is written in place needs no range.
    private func rangeLoop(
        _ name: NameUse, _ lower: Node, _ upper: Node, _ includesUpper: Bool, _ iterable: Node,
        _ body: () throws -> Void
    ) throws {
        guard let v = name.variable else { return }
        let mark = next
        defer { release(mark) }
        let state = temporary()
        let limit = temporary()
        try expression(lower, into: state)
        try expression(upper, into: limit)
        self.mark(iterable)
        emit(includesUpper ? .forRangePrepare : .forRangeBelowPrepare, state)
        loops.append(Loop(tries: tries))
        let top = position
        let target = v.needsCell ? temporary() : v.register
        emit(includesUpper ? .forRangeNext : .forRangeBelowNext, state, target)
        let exit = emit(.jump, 0)
        if v.needsCell { emit(.newCell, v.register, target) }
        try body()
        finishLoop(top, [exit])
    }
}
