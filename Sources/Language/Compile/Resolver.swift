import Support

/// Says for every name whether it is a local, a captured local of an outer function, or a global.
///
/// A function's variables are its parameters and the names it assigns to, anywhere in it. A name
/// that an enclosing function has is that function's variable. Names of `for`, of comprehensions
/// and of `else e ->` live in their loop, comprehension or handler. At the top level names are
/// globals.
final class Resolver {
    private final class Scope {
        let node: FunctionNode
        let parent: Scope?
        let isMain: Bool
        /// Variables of the whole function.
        var variables: [String: Variable] = [:]
        /// Loops, comprehensions and handlers that are open, innermost last.
        var inner: [[String: Variable]] = []
        /// Variables that surely have a value here; one set for each open branch.
        var definite: [Set<ObjectIdentifier>] = [[]]
        var loops = 0

        init(_ node: FunctionNode, parent: Scope?, isMain: Bool) {
            self.node = node
            self.parent = parent
            self.isMain = isMain
        }

        func find(_ name: String) -> Variable? {
            for scope in inner.reversed() { if let v = scope[name] { return v } }
            return variables[name]
        }

        func isDefinite(_ v: Variable) -> Bool {
            let id = ObjectIdentifier(v)
            return definite.contains { $0.contains(id) }
        }
    }

    private let source: Source
    private var scope: Scope
    private(set) var errors: [Diagnostic] = []
    /// Globals that the text reads and sets, for `check`.
    private(set) var globalReads: [NameUse] = []
    private(set) var globalNames: Set<String> = []
    private(set) var uses: [(node: UseNode, start: Int, end: Int)] = []

    private init(_ program: Program) {
        source = program.source
        scope = Scope(program.main, parent: nil, isMain: true)
    }

    @discardableResult
    static func resolve(_ program: Program) -> Resolver {
        let resolver = Resolver(program)
        resolver.visit(program.main.body)
        resolver.finish(resolver.scope)
        return resolver
    }

    // MARK: Names

    private func lookUp(_ name: String) -> (variable: Variable, isDefinite: Bool)? {
        var s: Scope? = scope
        while let at = s {
            if let v = at.find(name) { return (v, at.isDefinite(v)) }
            s = at.parent
        }
        return nil
    }

    private func bind(_ use: NameUse, to variable: Variable) {
        use.variable = variable
        guard variable.owner !== scope.node else { return }
        variable.isCaptured = true
        var s: Scope? = scope
        while let at = s, at.node !== variable.owner {
            _ = at.node.capture(variable)
            s = at.parent
        }
    }

    private func read(_ use: NameUse) {
        guard let (variable, isDefinite) = lookUp(use.name) else {
            globalReads.append(use)
            return
        }
        bind(use, to: variable)
        if isDefinite { return }
        use.needsCheck = true
        variable.needsHole = true
        if variable.owner !== scope.node { variable.needsCell = true }
    }

    private func assign(_ use: NameUse) {
        if let (variable, _) = lookUp(use.name) {
            bind(use, to: variable)
            variable.assignments += 1
            if variable.owner !== scope.node {
                variable.needsCell = true
                variable.needsHole = variable.needsHole || !isDefiniteAnywhere(variable)
            } else {
                if scope.loops > 0 { variable.isSetInLoop = true }
                scope.definite[scope.definite.count - 1].insert(ObjectIdentifier(variable))
            }
        } else {
            globalNames.insert(use.name)
        }
    }

    private func isDefiniteAnywhere(_ v: Variable) -> Bool {
        var s: Scope? = scope
        while let at = s {
            if at.isDefinite(v) { return true }
            s = at.parent
        }
        return false
    }

    /// A new variable of the open loop, comprehension or handler.
    private func declare(_ use: NameUse, in names: inout [String: Variable]) {
        let v = Variable(use.name, owner: scope.node)
        v.assignments = 1
        use.variable = v
        v.isInner = true
        names[use.name] = v
        scope.node.locals.append(v)
        scope.definite[scope.definite.count - 1].insert(ObjectIdentifier(v))
    }

    private func branch(_ body: () -> Void) {
        scope.definite.append([])
        body()
        scope.definite.removeLast()
    }

    /// Like `branch`, and gives what surely has a value behind it.
    private func branchSet(_ body: () -> Void) -> Set<ObjectIdentifier> {
        scope.definite.append([])
        body()
        return scope.definite.removeLast()
    }

    private func finish(_ scope: Scope) {
        for v in scope.node.locals where v.isCaptured && (v.assignments > 1 || v.isSetInLoop) {
            v.needsCell = true
        }
    }

    // MARK: Functions

    private func visit(_ function: FunctionNode) {
        function.parent = scope.node
        let outer = scope
        let inner = Scope(function, parent: outer, isMain: false)
        for p in function.parameters {
            let v = Variable(p.use.name, owner: function)
            v.assignments = 1
            p.use.variable = v
            inner.variables[p.use.name] = v
            function.locals.append(v)
            function.parameterVariables.append(v)
        }
        scope = inner
        var assigned: [String] = []
        AssignedNames.collect(function.body, into: &assigned)
        for name in assigned where inner.variables[name] == nil && outerLookUp(name, from: outer) == nil {
            let v = Variable(name, owner: function)
            inner.variables[name] = v
            function.locals.append(v)
        }
        for p in function.parameters {
            if let d = p.defaultValue { visit(d) }
            if let v = p.use.variable { inner.definite[0].insert(ObjectIdentifier(v)) }
        }
        visit(function.body)
        finish(inner)
        scope = outer
    }

    private func outerLookUp(_ name: String, from: Scope) -> Variable? {
        var s: Scope? = from
        while let at = s {
            if let v = at.find(name) { return v }
            s = at.parent
        }
        return nil
    }

    // MARK: Trees

    private func visit(_ block: Block) { for s in block.statements { visit(s.node) } }

    private func visit(_ node: Node) {
        switch node.kind {
        case .number, .string, .bool, .nil, .whole, .break, .continue: break
        case .name(let use): read(use)
        case .interpolation(let parts):
            for case .value(let n, _) in parts { visit(n) }
        case .list(let items): items.forEach(visit)
        case .record(let entries): entries.forEach { visit($0.value) }
        case .range(let a, let b, _):
            if let a { visit(a) }
            if let b { visit(b) }
        case .spread(let n), .unary(_, let n), .raise(let n), .member(let n, _): visit(n)
        case .binary(_, let a, let b), .contains(let a, let b, _):
            visit(a)
            visit(b)
        case .and(let a, let b), .or(let a, let b), .coalesce(let a, let b):
            visit(a)
            branch { visit(b) }
        case .call(let f, let arguments):
            visit(f)
            for a in arguments { visit(a.value) }
        case .index(let base, let indices):
            visit(base)
            indices.forEach(visit)
        case .function(let f): visit(f)
        case .block(let b): visit(b)
        case .return(let value): if let value { visit(value) }
        case .if, .tryElse, .comprehension, .for, .while: visitControl(node)
        case .define, .assign, .augment, .use: visitSetting(node)
        }
    }

    private func visitControl(_ node: Node) {
        switch node.kind {
        case .if(let condition, let then, let other):
            visit(condition)
            let a = branchSet { visit(then) }
            guard let other else { return }
            let b = branchSet { visit(other) }
            scope.definite[scope.definite.count - 1].formUnion(a.intersection(b))
        case .tryElse(let body, let name, let handler):
            branch { visit(body) }
            branch {
                var names: [String: Variable] = [:]
                if let name { declare(name, in: &names) }
                scope.inner.append(names)
                visit(handler)
                scope.inner.removeLast()
            }
        case .comprehension(let c):
            branch { visit(c) }
        case .for(let loop):
            visit(loop.iterable)
            branch {
                var names: [String: Variable] = [:]
                for n in loop.names { declare(n, in: &names) }
                scope.inner.append(names)
                scope.loops += 1
                visit(loop.body)
                scope.loops -= 1
                scope.inner.removeLast()
            }
        case .while(let condition, let body):
            scope.loops += 1
            visit(condition)
            branch { visit(body) }
            scope.loops -= 1
        default: break
        }
    }

    private func visit(_ c: Comprehension) {
        var opened = 0
        scope.loops += 1
        for clause in c.clauses {
            switch clause {
            case .forIn(let names, let iterable):
                visit(iterable)
                var table: [String: Variable] = [:]
                for n in names { declare(n, in: &table) }
                scope.inner.append(table)
                opened += 1
            case .when(let condition): visit(condition)
            }
        }
        visit(c.element)
        scope.loops -= 1
        scope.inner.removeLast(opened)
    }

    private func visitSetting(_ node: Node) {
        switch node.kind {
        case .define(let name, let function):
            // The name is set after the function is made: a function that calls itself finds
            // itself in the cell.
            if scope.isMain { globalNames.insert(name.name) }
            visit(function)
            assign(name)
        case .assign(let targets, let value):
            visit(value)
            for t in targets { visit(t) }
        case .augment(let target, _, let value):
            visit(value)
            visitAugmented(target)
        case .use(let use):
            uses.append((use, node.start, node.end))
            if let alias = use.alias { assign(alias) }
        default: break
        }
    }

    private func visit(_ target: Target) {
        switch target.kind {
        case .name(let use): assign(use)
        case .index(let base, let indices):
            visit(base)
            indices.forEach(visit)
        case .member(let base, _): visit(base)
        }
    }

    private func visitAugmented(_ target: Target) {
        guard case .name(let use) = target.kind else { return visit(target) }
        if lookUp(use.name) == nil, !isAtTopLevel {
            errors.append(
                Diagnostic(
                    .name, "`\(use.name)` is not a variable of this function",
                    hint:
                        "give the new value back with `return`, or keep it in a record: `state.\(use.name) += 1`",
                    span: source.span(use.start, use.end)))
            return
        }
        if lookUp(use.name) == nil {
            globalReads.append(use)
            return
        }
        read(use)
        assign(use)
    }

    private var isAtTopLevel: Bool { scope.isMain }
}

/// The names that a function assigns to, inner functions not looked into.
enum AssignedNames {
    static func collect(_ node: Node, into names: inout [String]) {
        switch node.kind {
        case .block(let b): collect(b, into: &names)
        case .if(let c, let then, let other):
            collect(c, into: &names)
            collect(then, into: &names)
            if let other { collect(other, into: &names) }
        case .for(let loop):
            collect(loop.iterable, into: &names)
            collect(loop.body, into: &names)
        case .while(let c, let body):
            collect(c, into: &names)
            collect(body, into: &names)
        case .tryElse(let body, _, let handler):
            collect(body, into: &names)
            collect(handler, into: &names)
        case .define(let name, _): names.append(name.name)
        case .assign(let targets, let value):
            collect(value, into: &names)
            for t in targets { if case .name(let use) = t.kind { names.append(use.name) } }
        default:
            if node.hasBlock { collectParts(node, into: &names) }
        }
    }

    private static func collect(_ block: Block, into names: inout [String]) {
        for s in block.statements { collect(s.node, into: &names) }
    }

    /// Blocks inside expressions.
    private static func collectParts(_ node: Node, into names: inout [String]) {
        var parts: [Node] = []
        switch node.kind {
        case .interpolation(let p): for case .value(let n, _) in p { parts.append(n) }
        case .list(let items): parts = items
        case .record(let entries): parts = entries.map(\.value)
        case .range(let a, let b, _): parts = [a, b].compactMap { $0 }
        case .spread(let n), .unary(_, let n), .raise(let n), .member(let n, _), .augment(_, _, let n):
            parts = [n]
        case .binary(_, let a, let b), .contains(let a, let b, _), .and(let a, let b), .or(let a, let b),
            .coalesce(let a, let b):
            parts = [a, b]
        case .call(let f, let arguments): parts = [f] + arguments.map(\.value)
        case .index(let base, let indices): parts = [base] + indices
        case .return(let value): parts = value.map { [$0] } ?? []
        case .comprehension(let c):
            parts = [c.element]
            for clause in c.clauses {
                switch clause {
                case .forIn(_, let n), .when(let n): parts.append(n)
                }
            }
        default: break
        }
        for p in parts { collect(p, into: &names) }
    }
}
