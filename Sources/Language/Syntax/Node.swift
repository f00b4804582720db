/// A piece of a parsed program. `start ..< end` are byte offsets of its source.
final class Node {
    let kind: NodeKind
    let start: Int
    let end: Int
    /// Height of the tree below; the parser keeps it small enough to walk by recursion.
    let height: Int

    /// A block is inside, so that evaluating it may set variables.
    let hasBlock: Bool
    /// Written between ( and ).
    let isBracketed: Bool

    init(
        _ kind: NodeKind, _ start: Int, _ end: Int, height: Int = 1, hasBlock: Bool = false,
        isBracketed: Bool = false
    ) {
        self.kind = kind
        self.start = start
        self.end = end
        self.height = height
        self.hasBlock = hasBlock
        self.isBracketed = isBracketed
    }
}

enum NodeKind {
    // Expressions.
    case number(Double)
    case string(String)
    case interpolation([Interpolated])
    case bool(Bool)
    case `nil`
    case name(NameUse)
    case list([Node])
    case record([RecordEntry])
    case range(Node?, Node?, includesUpper: Bool)
    /// `:` in an index.
    case whole
    /// `*xs` among arguments or list elements; `**r` is an argument or a record entry.
    case spread(Node)
    case unary(UnaryOperator, Node)
    case binary(BinaryOperator, Node, Node)
    case contains(Node, Node, negated: Bool)
    case and(Node, Node)
    case or(Node, Node)
    case coalesce(Node, Node)
    case call(Node, [Argument])
    case index(Node, [Node])
    case member(Node, String)
    case function(FunctionNode)
    case `if`(Node, Block, Node?)
    case block(Block)
    case tryElse(Node, NameUse?, Node)
    case comprehension(Comprehension)
    // Statements.
    case define(NameUse, FunctionNode)
    case assign([Target], Node)
    case augment(Target, BinaryOperator, Node)
    case `for`(ForNode)
    case `while`(Node, Block)
    case `break`
    case `continue`
    case `return`(Node?)
    case raise(Node)
    case use(UseNode)
}

enum Interpolated {
    case text(String)
    /// The expression and its format, if one follows a colon.
    case value(Node, format: String?)
}

/// A name where it is read or set; the resolver says what it stands for.
final class NameUse {
    let name: String
    let start: Int
    let end: Int
    /// nil: a global.
    var variable: Variable?
    /// The variable may be without a value here.
    var needsCheck = false

    init(_ name: String, _ start: Int, _ end: Int) {
        self.name = name
        self.start = start
        self.end = end
    }
}

/// A local variable of one function.
final class Variable {
    let name: String
    unowned let owner: FunctionNode
    /// Read or set by an inner function.
    var isCaptured = false
    /// Captured in a way that needs a shared cell: set more than once, or set after the capture.
    var needsCell = false
    var assignments = 0
    /// It is read where it may not have a value.
    var needsHole = false
    /// It belongs to a loop, a comprehension or a handler, not to the whole function.
    var isInner = false
    /// Set inside a loop of its function.
    var isSetInLoop = false
    /// Its place in the frame; the compiler's.
    var register = -1

    init(_ name: String, owner: FunctionNode) {
        self.name = name
        self.owner = owner
    }
}

struct RecordEntry {
    /// nil: `**r`.
    let key: String?
    let value: Node
}

struct Argument {
    enum Kind {
        case positional, named(String), spread, spreadRecord
    }
    let kind: Kind
    let value: Node
    let start: Int
}

struct ParameterNode {
    let use: NameUse
    let kind: Parameter.Kind
    let defaultValue: Node?
}

/// A function: named, or a lambda.
final class FunctionNode {
    let name: String
    /// What traces call it: its name, or the variable that it is assigned to.
    var label: String
    let parameters: [ParameterNode]
    /// A block or an expression.
    let body: Node
    let doc: String
    let start: Int
    let end: Int
    /// The resolver's: the locals that live in registers, and what is captured from outside.
    var locals: [Variable] = []
    var captures: [Variable] = []
    var parameterVariables: [Variable] = []
    weak var parent: FunctionNode?

    init(name: String, parameters: [ParameterNode], body: Node, doc: String, start: Int, end: Int) {
        self.name = name
        label = name
        self.parameters = parameters
        self.body = body
        self.doc = doc
        self.start = start
        self.end = end
    }

    /// The place of an outer variable among the captures.
    func capture(_ variable: Variable) -> Int {
        if let i = captures.firstIndex(where: { $0 === variable }) { return i }
        captures.append(variable)
        return captures.count - 1
    }
}

final class Block {
    let statements: [Statement]
    let start: Int
    let end: Int
    init(_ statements: [Statement], _ start: Int, _ end: Int) {
        self.statements = statements
        self.start = start
        self.end = end
    }
}

struct Statement {
    let node: Node
    /// Ended by `;`: its value is not shown.
    let isSilent: Bool
}

enum TargetKind {
    case name(NameUse)
    case index(Node, [Node])
    case member(Node, String)
}

struct Target {
    let kind: TargetKind
    let start: Int
    let end: Int
    /// `*rest` takes what is left.
    var takesRest = false
}

final class ForNode {
    let names: [NameUse]
    let iterable: Node
    let body: Block
    init(_ names: [NameUse], _ iterable: Node, _ body: Block) {
        self.names = names
        self.iterable = iterable
        self.body = body
    }
}

final class Comprehension {
    enum Clause {
        case forIn([NameUse], Node)
        case when(Node)
    }
    let element: Node
    let clauses: [Clause]
    init(_ element: Node, _ clauses: [Clause]) {
        self.element = element
        self.clauses = clauses
    }
}

final class UseNode {
    let path: String
    let alias: NameUse?
    init(_ path: String, _ alias: NameUse?) {
        self.path = path
        self.alias = alias
    }
}

/// A parsed text: its top level is a function without parameters whose own names are globals.
struct Program {
    let source: Source
    let main: FunctionNode
}
