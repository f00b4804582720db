import Support

/// Turns a resolved function into instructions for the register machine.
///
/// Registers: parameters first, then the function's other variables, then temporaries in stack
/// order. `operand` gives the register where a value already is; `expression(_:into:)` puts it
/// where it is wanted.
final class Compiler {
    let source: Source
    let module: Module
    let function: FunctionNode
    let parent: Compiler?
    let isMain: Bool
    /// Expression lines of the top level show their values.
    let shows: Bool
    var parts: Prototype.Parts
    /// The next free register.
    var next = 0
    private var numberIndex: [UInt64: Int] = [:]
    private var nameIndex: [String: Int] = [:]
    private var globalIndex: [String: Int] = [:]
    var loops: [Loop] = []
    /// How many `try` bodies are open here.
    var tries = 0
    /// The source of the instructions being made.
    var here: (start: Int, end: Int) = (0, 0)

    struct Loop {
        var breaks: [Int] = []
        var continues: [Int] = []
        let tries: Int
    }

    static let mostRegisters = 60_000

    private init(
        _ function: FunctionNode, source: Source, module: Module, parent: Compiler?, isMain: Bool, shows: Bool
    ) {
        self.function = function
        self.source = source
        self.module = module
        self.parent = parent
        self.isMain = isMain
        self.shows = shows
        parts = Prototype.Parts(source: source, module: module)
    }

    /// The top level of a program.
    static func compile(_ program: Program, module: Module, shows: Bool) throws -> Prototype {
        let compiler = Compiler(
            program.main, source: program.source, module: module, parent: nil, isMain: true, shows: shows)
        return try compiler.prototype()
    }

    private func prototype() throws -> Prototype {
        parts.name = function.name
        parts.label = function.label
        parts.doc = function.doc
        parts.sourceText = isMain ? "" : source.text(function.start, function.end)
        parts.line = source.line(of: function.start)
        here = (function.start, function.start + 1)
        for v in function.locals {
            v.register = next
            next += 1
        }
        parts.parameters = function.parameters.map { p in
            Parameter(
                p.use.name, p.kind,
                defaultText: p.defaultValue.map { source.text($0.start, $0.end) })
        }
        try prologue()
        if isMain {
            try mainBody()
        } else {
            let result = temporary()
            try expression(function.body, into: result)
            emit(.returnValue, result)
        }
        parts.registerCount = max(parts.registerCount, next) + 1
        // Names, patterns and formats are operands of 16 bits.
        let largest = max(parts.names.count, parts.patterns.count, parts.formats.count)
        if parts.registerCount > Compiler.mostRegisters || parts.code.count > 1 << 30 || largest > 65_536 {
            throw Diagnostics([
                Diagnostic(
                    .syntax, "this function is too large", hint: "divide it into several",
                    span: source.span(function.start, function.start + 1))
            ])
        }
        parts.captures = function.captures.map { v in
            if v.owner === parent?.function { return .register(v.register) }
            return .capture(parent?.function.capture(v) ?? 0)
        }
        return Prototype(parts)
    }

    /// Default values of parameters, cells, and marks where a variable has no value at first.
    private func prologue() throws {
        for p in function.parameters {
            guard let v = p.use.variable, p.kind != .required else { continue }
            if let value = p.defaultValue {
                let skip = emit(.jumpIfGiven, v.register)
                try expression(value, into: v.register)
                patch(skip)
            }
        }
        for v in function.locals where !v.isInner {
            let isParameter = v.register < function.parameters.count
            if !isParameter, v.needsHole || v.needsCell { emit(.loadHole, v.register) }
            if v.needsCell { emit(.newCell, v.register, v.register) }
        }
    }

    private func mainBody() throws {
        guard case .block(let block) = function.body.kind else { return }
        for statement in block.statements {
            mark(statement.node)
            if shows { emit(.statement) }
            if isExpression(statement.node) {
                let value = temporary()
                try expression(statement.node, into: value)
                mark(statement.node)
                emit(statement.isSilent || !shows ? .keep : .show, value)
                release(value)
            } else {
                try effect(statement.node)
            }
        }
        emit(.returnNil)
    }

    func isExpression(_ node: Node) -> Bool {
        switch node.kind {
        case .define, .assign, .augment, .for, .while, .break, .continue, .return, .raise, .use: false
        default: true
        }
    }

    // MARK: Emitting

    func mark(_ node: Node) { here = (node.start, node.end) }

    @discardableResult
    func emit(_ op: Op, _ a: Int = 0, _ b: Int = 0, _ c: Int = 0) -> Int {
        emit(Instruction(op, a, b, c))
    }

    @discardableResult
    func emit(_ op: Op, _ a: Int, bx: Int) -> Int { emit(Instruction(op, a, bx: bx)) }

    private func emit(_ i: Instruction) -> Int {
        parts.code.append(i)
        parts.spans.append(here)
        return parts.code.count - 1
    }

    var position: Int { parts.code.count }

    /// Let the jump at `index` go to `target`, or here.
    func patch(_ index: Int, to target: Int? = nil) {
        let old = parts.code[index]
        parts.code[index] = Instruction(old.op, old.ra, bx: target ?? position)
    }

    func patch(_ indices: [Int], to target: Int? = nil) { for i in indices { patch(i, to: target) } }

    // MARK: Registers and tables

    func temporary() -> Int {
        let r = next
        next += 1
        parts.registerCount = max(parts.registerCount, next)
        return r
    }

    /// Give back temporaries from `register` on.
    func release(_ register: Int) { next = min(next, max(register, function.locals.count)) }

    func number(_ x: Double) -> Int {
        if let i = numberIndex[x.bitPattern] { return i }
        parts.numbers.append(x)
        numberIndex[x.bitPattern] = parts.numbers.count - 1
        return parts.numbers.count - 1
    }

    func constant(_ v: Value) -> Int {
        parts.constants.append(v)
        return parts.constants.count - 1
    }

    func name(_ s: String) -> Int {
        if let i = nameIndex[s] { return i }
        parts.names.append(s)
        nameIndex[s] = parts.names.count - 1
        return parts.names.count - 1
    }

    func global(_ name: String, isSet: Bool = false) -> Int {
        let cell = isSet ? module.ownCell(name) : module.cell(name)
        if let i = globalIndex[name] { return i }
        parts.globals.append((name, cell))
        globalIndex[name] = parts.globals.count - 1
        return parts.globals.count - 1
    }

    // MARK: Variables

    /// Where a name lives, seen from this function.
    private enum Place {
        case register(Int), cell(Int), capture(Int), captureCell(Int), global(Int)
    }

    private func place(_ use: NameUse, isSet: Bool = false) -> Place {
        guard let v = use.variable else { return .global(global(use.name, isSet: isSet)) }
        if v.owner === function { return v.needsCell ? .cell(v.register) : .register(v.register) }
        let i = function.capture(v)
        return v.needsCell ? .captureCell(i) : .capture(i)
    }

    /// The register of a plain local that surely has a value; nil for anything else.
    func plainRegister(_ node: Node) -> Int? {
        guard case .name(let use) = node.kind, !use.needsCheck, case .register(let r) = place(use),
            use.variable != nil
        else { return nil }
        return r
    }

    func load(_ use: NameUse, into d: Int) {
        here = (use.start, use.end)
        switch place(use) {
        case .register(let r):
            if use.needsCheck { emit(.checkHole, r, bx: name(use.name)) }
            if r != d { emit(.move, d, r) }
        case .cell(let r): emit(use.needsCheck ? .getCellChecked : .getCell, d, r, 0); nameWord(use)
        case .capture(let i): emit(.getCapture, d, i)
        case .captureCell(let i):
            emit(use.needsCheck ? .getCaptureCellChecked : .getCaptureCell, d, i); nameWord(use)
        case .global(let g): emit(.getGlobal, d, bx: g)
        }
    }

    /// A checked load is followed by a word that names the variable.
    private func nameWord(_ use: NameUse) {
        if use.needsCheck { emit(.jump, 0, bx: name(use.name)) }
    }

    func store(_ use: NameUse, from r: Int) {
        here = (use.start, use.end)
        switch place(use, isSet: true) {
        case .register(let d): if d != r { emit(.move, d, r) }
        case .cell(let d): emit(.setCell, d, r)
        case .capture(let i), .captureCell(let i): emit(.setCaptureCell, i, r)
        case .global(let g): emit(.setGlobal, r, bx: g)
        }
    }

    /// `name += value`, in place where it can be.
    func addTo(_ use: NameUse, _ r: Int) {
        here = (use.start, use.end)
        switch place(use, isSet: true) {
        case .register(let d):
            if use.needsCheck { emit(.checkHole, d, bx: name(use.name)) }
            emit(.addTo, d, r)
        case .cell(let d): emit(.addToCell, d, r)
        case .capture(let i), .captureCell(let i): emit(.addToCaptureCell, i, r)
        case .global(let g): emit(.addToGlobal, r, bx: g)
        }
    }

    /// The register that an assignment may compute into directly.
    func directRegister(_ use: NameUse) -> Int? {
        if case .register(let r) = place(use, isSet: true), use.variable != nil { return r }
        return nil
    }

    // MARK: Functions

    func closure(_ node: FunctionNode, into d: Int) throws {
        let compiler = Compiler(
            node, source: source, module: module, parent: self, isMain: false, shows: false)
        let prototype = try compiler.prototype()
        parts.prototypes.append(prototype)
        emit(.closure, d, bx: parts.prototypes.count - 1)
    }
}
