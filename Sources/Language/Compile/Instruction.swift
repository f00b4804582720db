import Support

/// What the machine does. Operands a, b, c are registers of the frame unless a line says otherwise;
/// `bx` is b and c together, 32 bits. A *K* variant takes a number of the constant table as c.
enum Op: UInt8 {
    // Loading and moving.
    case move, loadConstant, loadNumber, loadNil, loadTrue, loadFalse, loadHole
    /// a = value of global cell bx.
    case getGlobal, setGlobal
    /// Cells of captured variables: the register (or capture) holds the cell.
    case newCell, getCell, getCellChecked, setCell
    case getCapture, getCaptureCell, getCaptureCellChecked, setCaptureCell
    /// Throw where register a has no value; bx names it.
    case checkHole
    /// Jump to bx unless register a (a parameter) was not given.
    case jumpIfGiven

    // Arithmetic: a = b op c.
    case add, subtract, multiply, divide, floorDivide, modulo, power, matmul
    case addK, subtractK, multiplyK, divideK, floorDivideK, moduloK, powerK
    case equal, notEqual, less, lessEqual, greater, greaterEqual
    case negate, plus, not
    /// a = b in c.
    case contains
    /// a += b, in place where nobody else holds the string or list.
    case addTo, addToGlobal, addToCell, addToCaptureCell

    // Jumps.
    case jump, loop, jumpIfFalse, jumpIfTrue, jumpIfNotNil
    // Unless a op b, go where the next word (a jump) says.
    case unlessEqual, unlessNotEqual, unlessLess, unlessLessEqual, unlessGreater, unlessGreaterEqual
    case unlessEqualK, unlessNotEqualK, unlessLessK, unlessLessEqualK, unlessGreaterK, unlessGreaterEqualK

    // Loops. a: the iterable, a+1: position, a+2: limit, a+3…: the loop's variables.
    case forPrepare, forNext
    case forRangePrepare, forRangeNext, forRangeBelowPrepare, forRangeBelowNext

    // Containers.
    /// a = [b, b+1, …], c elements.
    case newList
    case append, extend
    case newRecord
    /// Record a: entry named constant c becomes b.
    case setEntry
    case spreadRecord
    /// a = b..c; the next word's a: bit 0 lower given, bit 1 upper given, bit 2 includes upper.
    case range
    /// a = constant `:`.
    case wholeAxis
    case getIndex, setIndex
    /// a = b[b+1, …] with c indices; and a[a+1, …] = b with c indices.
    case getIndexMany, setIndexMany
    /// a = b.name(c); the next word's bx is a place to remember the position.
    case getMember, setMember
    /// Registers b, b+1, … from the elements of a; c: pattern.
    case unpack
    /// a = text of b … b+c-1.
    case concatenate
    /// a = b in format constant c.
    case format

    // Functions.
    /// c = call of register a-1 with the b arguments a, a+1, …
    case call
    /// The same for global cell bx of the next word.
    case callGlobal
    /// The same with names and spreads as call shape bx of the next word says.
    case callShaped
    case closure
    case returnValue, returnNil

    // Errors.
    /// From here to `endTry`, an error goes to bx with itself in a.
    case beginTry, endTry
    case raise

    // The top level.
    case show, keep
    case statement
    case use
}

/// One instruction: 8 bytes.
struct Instruction {
    var op: Op
    var a: UInt16
    var b: UInt16
    var c: UInt16

    init(_ op: Op, _ a: Int = 0, _ b: Int = 0, _ c: Int = 0) {
        self.op = op
        self.a = UInt16(truncatingIfNeeded: a)
        self.b = UInt16(truncatingIfNeeded: b)
        self.c = UInt16(truncatingIfNeeded: c)
    }

    init(_ op: Op, _ a: Int, bx: Int) {
        self.init(op, a, bx & 0xFFFF, bx >> 16)
    }

    @inline(__always) var ra: Int { Int(a) }
    @inline(__always) var rb: Int { Int(b) }
    @inline(__always) var rc: Int { Int(c) }
    @inline(__always) var bx: Int { Int(b) | Int(c) << 16 }
}

/// How the arguments of a call with names or spreads are to be read.
struct CallShape {
    let kinds: [Argument.Kind]
}

/// Where a closure takes a captured variable from.
enum CaptureSource {
    /// A register of the function that makes the closure.
    case register(Int)
    /// A capture of that function.
    case capture(Int)
}

/// A left side of several variables: how many, and which takes the rest.
struct Pattern {
    let count: Int
    let rest: Int?
}

/// What the machine reads of a prototype at each call.
struct Entry {
    let code: UnsafeMutablePointer<Instruction>
    let numbers: UnsafeMutablePointer<Double>
    let globals: UnsafeMutablePointer<UnsafeMutablePointer<Value>>
    let caches: UnsafeMutablePointer<Int>
    let registerCount: Int
    let parameterCount: Int
    let isSimple: Bool
    /// Inner functions live in cells here: they may hold themselves.
    let hasFunctionCells: Bool
}

/// Byte offsets of one argument of a call.
struct ArgumentSpan {
    /// Empty where it has none, nil where it is spread.
    let name: String?
    let start: Int
    let valueStart: Int
    let end: Int
}

/// The compiled form of a function.
final class Prototype {
    let name: String
    /// What traces call it: its name, or for a lambda the variable that it was assigned to.
    let label: String
    let doc: String
    let parameters: [Parameter]
    let sourceText: String
    let source: Source
    let line: Int
    let code: UnsafeMutablePointer<Instruction>
    let codeCount: Int
    let numbers: UnsafeMutablePointer<Double>
    private let numberCount: Int
    /// The slots of the global cells, which `cells` keeps alive.
    let globals: UnsafeMutablePointer<UnsafeMutablePointer<Value>>
    let globalNames: [String]
    private let cells: [Cell]
    let constants: [Value]
    let names: [String]
    let prototypes: [Prototype]
    let shapes: [CallShape]
    let patterns: [Pattern]
    let formats: [NumberFormat]
    let captures: [CaptureSource]
    let uses: [UseNode]
    let module: Module
    /// Registers of cells that inner functions were defined into.
    let functionCells: [Int]
    /// Remembered positions of record members.
    let caches: UnsafeMutablePointer<Int>
    let registerCount: Int
    /// Byte offsets of the source of each instruction.
    private let spans: [(start: Int, end: Int)]
    /// The same of the arguments of calls, by the call's instruction.
    private let arguments: [Int: [ArgumentSpan]]

    let entry: UnsafeMutablePointer<Entry>
    /// Parameters that fill registers 0, 1, …
    let parameterCount: Int
    let requiredCount: Int
    /// All are required and none takes the rest.
    let isSimple: Bool
    let variadicRegister: Int?
    let extrasRegister: Int?
    let positionalCount: Int

    init(_ parts: Parts) {
        name = parts.name
        label = parts.label
        doc = parts.doc
        parameters = parts.parameters
        sourceText = parts.sourceText
        source = parts.source
        line = parts.line
        codeCount = parts.code.count
        code = .allocate(capacity: max(1, parts.code.count))
        code.initialize(from: parts.code, count: parts.code.count)
        numberCount = parts.numbers.count
        numbers = .allocate(capacity: max(1, parts.numbers.count))
        numbers.initialize(from: parts.numbers, count: parts.numbers.count)
        cells = parts.globals.map(\.cell)
        globalNames = parts.globals.map(\.name)
        globals = .allocate(capacity: max(1, parts.globals.count))
        globals.initialize(from: parts.globals.map(\.cell.slot), count: parts.globals.count)
        constants = parts.constants
        names = parts.names
        prototypes = parts.prototypes
        shapes = parts.shapes
        patterns = parts.patterns
        formats = parts.formats
        captures = parts.captures
        uses = parts.uses
        functionCells = parts.functionCells
        module = parts.module
        caches = .allocate(capacity: max(1, parts.cacheCount))
        caches.initialize(repeating: 0, count: max(1, parts.cacheCount))
        registerCount = parts.registerCount
        spans = parts.spans
        arguments = parts.arguments
        parameterCount = parts.parameters.count
        requiredCount = parts.parameters.filter { $0.kind == .required }.count
        variadicRegister = parts.parameters.firstIndex { $0.kind == .variadic }
        extrasRegister = parts.parameters.firstIndex { $0.kind == .extras }
        isSimple = parts.parameters.allSatisfy { $0.kind == .required }
        positionalCount = parts.parameters.prefix { $0.kind == .required || $0.kind == .optional }.count
        entry = .allocate(capacity: 1)
        entry.initialize(
            to: Entry(
                code: code, numbers: numbers, globals: globals, caches: caches, registerCount: registerCount,
                parameterCount: parameterCount, isSimple: isSimple,
                hasFunctionCells: !functionCells.isEmpty))
    }

    deinit {
        code.deallocate()
        numbers.deallocate()
        globals.deallocate()
        caches.deallocate()
        entry.deallocate()
    }

    var file: String { source.file }

    /// The source of the instruction at `index`.
    func span(at index: Int) -> SourceSpan {
        guard index >= 0, index < spans.count else { return source.span(0, 1) }
        return source.span(spans[index].start, spans[index].end)
    }

    /// The source of one argument of the call at `index`, where it can be told.
    func span(of argument: Failure.Argument, at index: Int) -> SourceSpan? {
        guard let all = arguments[index] else { return nil }
        if !argument.name.isEmpty, let named = all.first(where: { $0.name == argument.name }) {
            return argument.isName
                ? source.span(named.start, named.start + argument.name.utf8.count)
                : source.span(named.valueStart, named.end)
        }
        // What is spread may be many.
        guard let position = argument.position, all.indices.contains(position),
            all[...position].allSatisfy({ $0.name == "" })
        else { return nil }
        return source.span(all[position].start, all[position].end)
    }

    /// The lines (from 1) of the source of the instruction at `index`.
    func lines(at index: Int) -> ClosedRange<Int> {
        guard index >= 0, index < spans.count else { return 1...1 }
        let first = source.line(of: spans[index].start)
        return first...max(first, source.line(of: max(spans[index].start, spans[index].end - 1)))
    }

    /// What the compiler collects.
    struct Parts {
        var name = ""
        var label = ""
        var doc = ""
        var parameters: [Parameter] = []
        var sourceText = ""
        var source: Source
        var line = 1
        var code: [Instruction] = []
        var spans: [(start: Int, end: Int)] = []
        var arguments: [Int: [ArgumentSpan]] = [:]
        var numbers: [Double] = []
        var globals: [(name: String, cell: Cell)] = []
        var constants: [Value] = []
        var names: [String] = []
        var prototypes: [Prototype] = []
        var shapes: [CallShape] = []
        var patterns: [Pattern] = []
        var formats: [NumberFormat] = []
        var captures: [CaptureSource] = []
        var uses: [UseNode] = []
        var functionCells: [Int] = []
        var module: Module
        var cacheCount = 0
        var registerCount = 0
    }
}
