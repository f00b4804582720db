import Support

/// Makes a tree of a text. Errors do not stop it: after one it goes on with the next statement, so
/// that several are reported at once.
struct Parser {
    let source: Source
    var tokens: [Token]
    var at = 0
    var errors: [SyntaxError]
    /// A word of the text is wrong in itself.
    private let isBroken: Bool
    /// Open nesting of expressions and blocks.
    var depth = 0
    var functionDepth = 0
    var loopDepth = 0
    static let deepest = 200
    static let tallest = 1000
    private static let mostErrors = 20

    init(_ source: Source, from: Int = 0, to: Int? = nil) {
        self.source = source
        var lexer = Lexer(source, from: from, to: to)
        tokens = lexer.all()
        errors = lexer.errors
        // No further line mends what is wrong inside a word, such as a string that its line did not end.
        isBroken = errors.contains { !$0.isIncomplete }
    }

    // MARK: Doors

    /// The program of `text`, or all that is wrong with it.
    static func program(of text: String, file: String) throws(Diagnostics) -> Program {
        var parser = Parser(Source(text, file: file))
        let program = parser.program()
        let found = parser.diagnostics()
        if !found.isEmpty { throw Diagnostics(found) }
        return program
    }

    static func outcome(of text: String, file: String) -> ParseOutcome {
        var parser = Parser(Source(text, file: file))
        _ = parser.program()
        guard let first = parser.errors.min(by: { $0.start < $1.start }) else { return .complete }
        let isOpen = parser.errors.allSatisfy(\.isIncomplete) || first.isIncomplete
        if isOpen, !parser.isBroken { return .incomplete }
        return .errors(parser.diagnostics())
    }

    /// What can be read of `text`, with all that is wrong; `isWhole` where nothing had to be left out.
    static func reading(of text: String, file: String) -> (
        program: Program, found: [Diagnostic], isWhole: Bool
    ) {
        var parser = Parser(Source(text, file: file))
        let program = parser.program()
        return (program, parser.diagnostics(), parser.errors.allSatisfy(\.isMended))
    }

    private func diagnostics() -> [Diagnostic] {
        var seen = Set<Int>()
        // What only follows from a broken word is not said beside it.
        let errors = isBroken ? errors.filter { !$0.isIncomplete } : errors
        return errors.sorted { $0.start < $1.start }.filter {
            seen.insert(source.line(of: $0.start)).inserted
        }
        .prefix(Parser.mostErrors).map {
            Diagnostic(.syntax, $0.message, hint: $0.hint, span: source.span($0.start, $0.end))
        }
    }

    mutating func program() -> Program {
        var statements: [Statement] = []
        while current.kind != .end {
            statements += statementsOfLine(closing: .end)
        }
        let end = source.bytes.count
        let body = Node(.block(Block(statements, 0, end)), 0, end)
        return Program(
            source: source,
            main: FunctionNode(name: "", parameters: [], body: body, doc: "", start: 0, end: end))
    }

    // MARK: Tokens

    var current: Token { tokens[at] }
    var kind: Token.Kind { tokens[at].kind }
    func ahead(_ n: Int) -> Token.Kind { at + n < tokens.count ? tokens[at + n].kind : .end }
    /// End of the last token taken.
    var lastEnd: Int { at > 0 ? tokens[at - 1].end : 0 }

    @discardableResult
    mutating func take() -> Token {
        let t = tokens[at]
        if at + 1 < tokens.count { at += 1 }
        return t
    }

    mutating func accept(_ kind: Token.Kind) -> Bool {
        guard self.kind == kind else { return false }
        take()
        return true
    }

    mutating func skipNewlines() { while kind == .newline { take() } }

    /// Passes over the line ends behind `op`: its value may stand on the next line, but the next line
    /// may also show that it is missing.
    mutating func goOn(after op: Token) throws(SyntaxError) {
        guard kind == .newline || kind == .end else { return }
        let lineEnd = at
        skipNewlines()
        let isSet = kind == .name && (ahead(1) == .assign || tokens[at + 1].augmented != nil)
        guard kind == .end || isSet else { return }
        let found = kind == .end ? describe(current) : "the end of the line"
        if isSet { at = lineEnd }
        throw SyntaxError(
            message: "expected a value, found \(found)", start: op.start, end: op.end,
            isIncomplete: kind == .end)
    }

    func text(_ t: Token) -> String { source.text(t.start, t.end) }

    /// The token in words: "`)`", "the end of the line", "the name `x`".
    func describe(_ t: Token) -> String {
        switch t.kind {
        case .end: "the end of the text"
        case .newline: "the end of the line"
        case .name: "the name `\(text(t))`"
        case .number: "the number `\(text(t))`"
        case .string, .rawString: "a string"
        default: "`\(text(t))`"
        }
    }

    func unexpected(_ wanted: String, hint: String? = nil) -> SyntaxError {
        let t = current
        return SyntaxError(
            message: "expected \(wanted), found \(describe(t))", hint: hint, start: t.start,
            end: max(t.end, t.start + 1), isIncomplete: t.kind == .end)
    }

    @discardableResult
    mutating func expect(_ kind: Token.Kind, _ wanted: String, hint: String? = nil) throws(SyntaxError)
        -> Token
    {
        guard self.kind == kind else { throw unexpected(wanted, hint: hint) }
        return take()
    }

    mutating func nested<T>(_ body: (inout Parser) throws(SyntaxError) -> T) throws(SyntaxError) -> T {
        depth += 1
        defer { depth -= 1 }
        if depth > Parser.deepest {
            throw SyntaxError(
                message: "this is nested too deeply", hint: "give the inner parts names",
                start: current.start,
                end: current.end)
        }
        return try body(&self)
    }

    // MARK: Statements

    /// The statements up to the end of the line. After an error: none, and the reader stands at the
    /// next statement.
    private mutating func statementsOfLine(closing: Token.Kind) -> [Statement] {
        var result: [Statement] = []
        while kind == .newline || kind == .semicolon { take() }
        if kind == closing || kind == .end { return result }
        do throws(SyntaxError) {
            let node = try statement()
            var isSilent = false
            if kind == .semicolon {
                isSilent = true
                take()
            } else if kind != .newline, kind != closing, kind != .end {
                throw afterStatement(node)
            }
            result.append(Statement(node: node, isSilent: isSilent))
        } catch {
            errors.append(error)
            recover(closing: closing)
        }
        return result
    }

    /// Go on at the next statement: behind the line's end, or at the bracket that closes this block.
    private mutating func recover(closing: Token.Kind) {
        var open = 0
        while kind != .end {
            switch kind {
            case .newline, .semicolon:
                if open <= 0 { return }
            case .leftBrace: open += 1
            case .rightBrace:
                if open == 0, closing == .rightBrace { return }
                open = max(0, open - 1)
            default: break
            }
            take()
        }
    }

    /// A `{` on a line of its own: said once, and read as if it stood where it should.
    mutating func pullUpBrace(_ example: String) {
        guard kind == .newline else { return }
        var n = 1
        while ahead(n) == .newline { n += 1 }
        guard ahead(n) == .leftBrace else { return }
        at += n
        errors.append(
            SyntaxError(
                message: "this `{` stands on a line of its own",
                hint: "put it at the end of the line before: `\(example)`", start: current.start,
                end: current.end, isMended: true))
    }

    mutating func block() throws(SyntaxError) -> Block {
        try nested { (p) throws(SyntaxError) in
            p.pullUpBrace("if x > 2 {")
            let start = p.current.start
            let hint = p.blockHint()
            try p.expect(.leftBrace, "`{`", hint: hint)
            var statements: [Statement] = []
            while p.kind != .rightBrace {
                if p.kind == .end {
                    throw SyntaxError(
                        message: "this `{` is not closed", hint: "end the block with `}`", start: start,
                        end: start + 1,
                        isIncomplete: true)
                }
                statements += p.statementsOfLine(closing: .rightBrace)
            }
            p.take()
            return Block(statements, start, p.lastEnd)
        }
    }

    private mutating func statement() throws(SyntaxError) -> Node {
        let start = current.start
        if current.isKeyword, ahead(1) == .assign { throw reserved() }
        switch kind {
        case .fn where ahead(1) == .name: return try definition()
        case .for: return try forLoop()
        case .while:
            take()
            let condition = try expression()
            let body = try loopBody()
            return make(.while(condition, body), start, [condition])
        case .break, .continue:
            let word = take()
            if loopDepth == 0 { misplaced(word, "a loop") }
            return make(word.kind == .break ? .break : .continue, start, [])
        case .return: return try returnStatement()
        case .raise:
            take()
            let value = try expression()
            return make(.raise(value), start, [value])
        case .use: return try use()
        default: return try assignmentOrExpression()
        }
    }

    private mutating func misplaced(_ word: Token, _ place: String) {
        errors.append(
            SyntaxError(
                message: "`\(text(word))` outside \(place)", start: word.start, end: word.end, isMended: true)
        )
    }

    mutating func loopBody() throws(SyntaxError) -> Block {
        loopDepth += 1
        defer { loopDepth -= 1 }
        return try block()
    }

    private mutating func forLoop() throws(SyntaxError) -> Node {
        let start = take().start
        let names = try loopNames()
        try expect(.in, "`in`", hint: "a loop is written `for x in xs { … }`")
        let iterable = try expression()
        let body = try loopBody()
        return make(.for(ForNode(names, iterable, body)), start, [iterable])
    }

    mutating func loopNames() throws(SyntaxError) -> [NameUse] {
        if kind == .leftParen {
            let isList = ahead(1) == .name && ahead(2) == .comma
            throw unexpected(
                "a name",
                hint: "write `for \(isList ? "a, b in …`" : "x in xs { … }`"), without brackets")
        }
        var names: [NameUse] = []
        repeat {
            let t = try expect(.name, "a name")
            names.append(NameUse(text(t), t.start, t.end))
        } while accept(.comma)
        return names
    }

    private mutating func returnStatement() throws(SyntaxError) -> Node {
        let word = take()
        if functionDepth == 0 { misplaced(word, "a function") }
        guard current.beginsExpression else { return make(.return(nil), word.start, []) }
        let value = try expressionList()
        return make(.return(value), word.start, [value])
    }

    private mutating func use() throws(SyntaxError) -> Node {
        let start = take().start
        guard kind == .string || kind == .rawString else {
            throw unexpected(
                "a file name in quotes", hint: "write `use \"file.vz\"` or `use \"file.vz\" as m`")
        }
        let path = try string()
        guard case .string(let file) = path.kind else {
            throw SyntaxError(
                message: "the file name of `use` must be plain text", start: path.start, end: path.end)
        }
        var alias: NameUse?
        if accept(.as) {
            let t = try expect(.name, "a name")
            alias = NameUse(text(t), t.start, t.end)
        }
        return make(.use(UseNode(file, alias)), start, [])
    }

    /// `a`, or `a, b, c` as a list.
    private mutating func expressionList() throws(SyntaxError) -> Node {
        let first = try expression()
        guard kind == .comma else { return first }
        var items = [first]
        while accept(.comma) {
            skipNewlines()
            items.append(try spreadable())
        }
        return make(.list(items), first.start, items)
    }

    private mutating func assignmentOrExpression() throws(SyntaxError) -> Node {
        let start = current.start
        var targets: [Node] = [try spreadable()]
        while kind == .comma {
            take()
            targets.append(try spreadable())
        }
        if kind == .assign {
            let places = try makeTargets(targets)
            try goOn(after: take())
            let value = try expressionList()
            if case .function(let function) = value.kind, places.count == 1, function.name.isEmpty,
                case .name(let use)? = places.first?.kind
            {
                function.label = use.name
            }
            return make(.assign(places, value), start, targets + [value])
        }
        if let op = current.augmented {
            guard targets.count == 1, let left = targets.first else {
                throw unexpected("`=`", hint: "an operator with `=` changes one variable at a time")
            }
            let place = try target(left)
            try goOn(after: take())
            let value = try expression()
            return make(.augment(place, op, value), start, [left, value])
        }
        if targets.count > 1 {
            throw unexpected("`=`", hint: "several values on a line need brackets: [a, b]")
        }
        if let only = targets.first {
            if case .spread = only.kind {
                throw SyntaxError(
                    message: "`*` spreads a list among arguments or inside [ ]", start: only.start,
                    end: only.end)
            }
            return only
        }
        throw unexpected("an expression")
    }

    private func makeTargets(_ nodes: [Node]) throws(SyntaxError) -> [Target] {
        var places: [Target] = []
        var rests = 0
        for node in nodes {
            if case .spread(let inner) = node.kind {
                var place = try target(inner)
                place.takesRest = true
                rests += 1
                places.append(place)
            } else {
                places.append(try target(node))
            }
        }
        if rests > 1 || (rests == 1 && nodes.count == 1) {
            throw SyntaxError(
                message: rests > 1
                    ? "only one `*name` can take the rest" : "`*name` needs another name beside it",
                start: nodes[0].start, end: nodes[nodes.count - 1].end)
        }
        return places
    }

    private func target(_ node: Node) throws(SyntaxError) -> Target {
        switch node.kind {
        case .name(let use): return Target(kind: .name(use), start: node.start, end: node.end)
        case .index(let base, let indices):
            return Target(kind: .index(base, indices), start: node.start, end: node.end)
        case .member(let base, let name):
            return Target(kind: .member(base, name), start: node.start, end: node.end)
        default: throw badTarget(node)
        }
    }

    func badTarget(_ node: Node) -> SyntaxError {
        let hint: String
        switch node.kind {
        case .call: hint = "a function is defined with `fn name(a) = …`"
        case .binary, .and, .or, .unary, .contains: hint = "to compare, write `==`"
        case .list: hint = "several variables are set with `a, b = …`"
        case .assign(let targets, let value): return assignedTwice(targets, value)
        default: hint = "the left side of `=` is a name, `x[i]` or `x.name`"
        }
        return SyntaxError(
            message: "this cannot be assigned to", hint: hint, start: node.start, end: node.end)
    }

    // MARK: Nodes

    func make(_ kind: NodeKind, _ start: Int, _ children: [Node]) -> Node {
        var height = 0
        var hasBlock = false
        for child in children {
            height = max(height, child.height)
            hasBlock = hasBlock || child.hasBlock
        }
        switch kind {
        case .if, .block, .tryElse: hasBlock = true
        case .function: hasBlock = false
        default: break
        }
        return Node(kind, start, lastEnd, height: height + 1, hasBlock: hasBlock)
    }

    /// The node, unless the tree has grown too tall to be walked.
    func checked(_ node: Node) throws(SyntaxError) -> Node {
        if node.height > Parser.tallest {
            throw SyntaxError(
                message: "this expression is too long", hint: "give parts of it names", start: node.start,
                end: node.end)
        }
        return node
    }
}
