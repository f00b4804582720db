import Support

/// Variables, operators and conditions: what the loop does not do itself.
extension Machine {
    var prototype: Prototype { frames[depth].function._withUnsafeGuaranteedRef { $0.prototype } }

    @inline(never)
    func loadConstant(_ d: Slot, _ i: Int) { d.pointee = prototype.constants[i] }

    // MARK: Variables

    @inline(never)
    func getGlobal(_ d: Slot, _ g: Slot, _ i: Int) throws {
        if g.high >> 60 == Tag.objectNibble, g.pointee.isHole { throw unknownName(i) }
        d.pointee = g.pointee
    }

    func setGlobal(_ g: Slot, _ r: Slot) {
        if g.high == Tag.function { graveyard.append(g.pointee) }
        g.copy(r)
    }

    /// The name of global `i`, which has no value.
    func unknownName(_ i: Int) -> Failure {
        let prototype = prototype
        let name = i < prototype.globalNames.count ? prototype.globalNames[i] : "?"
        return Names.unknown(name, among: prototype.module.knownNames)
    }

    func newCell(_ d: Slot, _ r: Slot) { d.pointee = .object(Cell(r.pointee)) }

    func getChecked(_ d: Slot, _ cell: Slot, _ pc: UnsafeMutablePointer<Instruction>) throws {
        if cell.pointee.isHole { throw noValue(prototype.names[pc.pointee.bx]) }
        d.pointee = cell.pointee
    }

    func checkHole(_ r: Slot, _ name: Int) throws {
        if r.pointee.isHole { throw noValue(prototype.names[name]) }
    }

    private func noValue(_ name: String) -> Failure {
        let hint: String
        switch prototype.module.value(of: name) {
        case nil: hint = "set it before it is read, on every way that leads here"
        case .function, .builtin:
            hint =
                "this function sets `\(name)`, so it is its own here and hides the function `\(name)`: choose another name"
        default:
            hint =
                "this function sets `\(name)`, so it is its own; a function never sets a global: give the value back with `return`, or keep it in a record"
        }
        return Failure(.name, "`\(name)` has no value yet here", hint: hint)
    }

    @inline(__always)
    func getCapture(_ d: Slot, _ i: Int) {
        d.copy(captures + i)
    }

    @inline(__always)
    func captureSlot(_ i: Int) -> Slot {
        captures.advanced(by: i).reference(Cell.self)._withUnsafeGuaranteedRef { $0.slot }
    }

    /// What the running function captured.
    @inline(__always)
    private var captures: Slot { frames[depth].function._withUnsafeGuaranteedRef { $0.captures } }

    // MARK: Operators

    @inline(never)
    func binary(_ op: BinaryOperator, _ d: Slot, _ x: Slot, _ y: Slot) throws {
        if x.high | y.high == 0 {
            d.pointee = try Operators.numbers(op, x.number, y.number)
            return
        }
        ticks &-= 64
        if op == .add, x.high == Tag.string, y.high == Tag.string {
            let joined = try joined(x.reference(Text.self), y.reference(Text.self))
            d.pointee = .string(joined)
            return
        }
        let result = try Operators.binary(op, x.pointee, y.pointee)
        d.pointee = result
    }

    @inline(__always)
    private func joined(_ x: Unmanaged<Text>, _ y: Unmanaged<Text>) throws -> Text {
        try x._withUnsafeGuaranteedRef { first in
            try y._withUnsafeGuaranteedRef { second in
                try Limits.checkString(first.string.utf8.count + second.string.utf8.count)
                return Text(first.string + second.string)
            }
        }
    }

    @inline(never)
    func binaryK(_ op: BinaryOperator, _ d: Slot, _ x: Slot, _ y: Double) throws {
        if x.high == 0 {
            d.pointee = try Operators.numbers(op, x.number, y)
            return
        }
        ticks &-= 64
        let result = try Operators.binary(op, x.pointee, .number(y))
        d.pointee = result
    }

    @inline(never)
    func unary(_ op: UnaryOperator, _ d: Slot, _ x: Slot) throws {
        let result = try Operators.unary(op, x.pointee)
        d.pointee = result
    }

    @inline(never)
    func contains(_ d: Slot, _ x: Slot, _ y: Slot) throws {
        let result = try Operators.contains(y.pointee, x.pointee)
        d.set(result)
    }

    @inline(never)
    func test(_ op: BinaryOperator, _ x: Slot, _ y: Slot) throws -> Bool {
        if x.high == Tag.string, y.high == Tag.string, op == .equal || op == .notEqual {
            let same = x.low == y.low || Operators.sameScalars(text(x), text(y))
            return same == (op == .equal)
        }
        return try Operators.binary(op, x.pointee, y.pointee).truth()
    }

    @inline(__always)
    private func text(_ x: Slot) -> String { x.reference(Text.self)._withUnsafeGuaranteedRef { $0.string } }

    @inline(never)
    func testK(_ op: BinaryOperator, _ x: Slot, _ y: Double) throws -> Bool {
        try Operators.binary(op, x.pointee, .number(y)).truth()
    }

    @inline(__always)
    func truth(_ x: Slot) throws -> Bool {
        let high = x.high
        if high == Tag.bool { return x.low & 1 != 0 }
        if high == Tag.nil { return false }
        return try slowTruth(x)
    }

    @inline(never)
    private func slowTruth(_ x: Slot) throws -> Bool { try x.pointee.truth() }

    // MARK: Adding in place

    /// `x += y`. A string or list that only `x` holds grows in place, so that building one piece by
    /// piece takes time in proportion to its length.
    @inline(never)
    func add(_ y: Slot, to x: Slot) throws {
        if x.high | y.high == 0 {
            x.set(x.number + y.number)
        } else if x.high == Tag.string, y.high == Tag.string {
            let piece = y.reference(Text.self)
            try addText(piece, to: x)
        } else if x.high == Tag.list, y.high == Tag.list, isUnique(x, List.self) {
            try x.reference(List.self)._withUnsafeGuaranteedRef { list in
                try y.reference(List.self)._withUnsafeGuaranteedRef { other in
                    try Limits.checkList(list.count + other.count)
                    list.items.append(contentsOf: other.items)
                }
            }
        } else {
            ticks &-= 64
            let result = try Operators.binary(.add, x.pointee, y.pointee)
            x.pointee = result
        }
    }

    private func addText(_ piece: Unmanaged<Text>, to x: Slot) throws {
        if isUnique(x, Text.self) {
            try x.reference(Text.self)._withUnsafeGuaranteedRef { text in
                try piece._withUnsafeGuaranteedRef { other in
                    try Limits.checkString(text.string.utf8.count + other.string.utf8.count)
                    text.append(other)
                }
            }
            return
        }
        let result = try joined(x.reference(Text.self), piece)
        x.pointee = .string(result)
    }

    /// True where the slot holds the only reference.
    private func isUnique<T: AnyObject>(_ x: Slot, _ type: T.Type) -> Bool {
        isKnownUniquelyReferenced(&UnsafeMutableRawPointer(x).assumingMemoryBound(to: type).pointee)
    }

    func addToGlobal(_ g: Slot, _ r: Slot, _ i: Int) throws {
        if g.high | r.high == 0 {
            g.set(g.number + r.number)
        } else {
            if g.high >> 60 == Tag.objectNibble, g.pointee.isHole { throw unknownName(i) }
            try add(r, to: g)
        }
    }

    func addToCell(_ cell: Slot, _ r: Slot) throws {
        if cell.high >> 60 == Tag.objectNibble, cell.pointee.isHole {
            throw Failure(.name, "this variable has no value yet here", hint: "set it before it is changed")
        }
        try add(r, to: cell)
    }
}

/// Messages about names that nothing defines.
enum Names {
    static func unknown(_ name: String, among known: [String]) -> Failure {
        let hint =
            Foreign.names[name] ?? Spelling.nearest(name, among: known).map { "did you mean `\($0)`?" }
        return Failure(.name, "unknown name `\(name)`", hint: hint)
    }
}
