import Support

/// Expressions, by precedence climbing over one table.
extension Parser {
    /// How tightly an operator binds, and on which side it groups.
    private struct Binding {
        enum Grouping { case left, right, none }
        let strength: Int
        let grouping: Grouping
    }

    // From loose to tight; `not` stands between `and` and the comparisons, unary minus between
    // products and powers.
    private static let notStrength = 3
    private static let unaryStrength = 10

    private func binding(_ kind: Token.Kind) -> Binding? {
        switch kind {
        case .or: Binding(strength: 1, grouping: .left)
        case .and: Binding(strength: 2, grouping: .left)
        case .equal, .notEqual, .less, .lessEqual, .greater, .greaterEqual, .in:
            Binding(strength: 4, grouping: .none)
        case .not where ahead(1) == .in: Binding(strength: 4, grouping: .none)
        case .pipe: Binding(strength: 5, grouping: .left)
        case .coalesce: Binding(strength: 6, grouping: .right)
        case .dotDot, .dotDotLess: Binding(strength: 7, grouping: .none)
        case .plus, .minus: Binding(strength: 8, grouping: .left)
        case .star, .slash, .slashSlash, .percent, .at: Binding(strength: 9, grouping: .left)
        case .caret: Binding(strength: 11, grouping: .right)
        default: nil
        }
    }

    /// A whole expression, lambdas and `if` included.
    mutating func expression() throws(SyntaxError) -> Node {
        try nested { (p) throws(SyntaxError) in
            if let lambda = try p.lambda() { return lambda }
            return try p.binary(1)
        }
    }

    /// An expression, or `*expression` where a list may be spread.
    mutating func spreadable() throws(SyntaxError) -> Node {
        guard kind == .star else { return try expression() }
        let start = take().start
        let value = try expression()
        return make(.spread(value), start, [value])
    }

    private mutating func binary(_ loosest: Int) throws(SyntaxError) -> Node {
        var left = try prefix(loosest)
        while let b = binding(kind), b.strength >= loosest {
            let op = take()
            if op.kind == .not { take() }
            if op.kind == .dotDot || op.kind == .dotDotLess {
                left = try rangeRest(left, op)
            } else {
                try goOn(after: op)
                if op.kind == .pipe {
                    left = try checked(pipe(left))
                } else {
                    let right = try operand(b.grouping == .right ? b.strength : b.strength + 1, after: op)
                    left = try checked(combine(op, left, right))
                }
            }
            if b.grouping == .none, let next = binding(kind), next.strength == b.strength {
                throw SyntaxError(
                    message: b.strength == 4
                        ? "comparisons do not chain" : "`\(text(current))` cannot follow a range",
                    hint: b.strength == 4 ? "write `a < b and b < c`" : "put one of them in brackets",
                    start: current.start, end: current.end)
            }
        }
        return left
    }

    private mutating func operand(_ loosest: Int, after op: Token) throws(SyntaxError) -> Node {
        try nested { (p) throws(SyntaxError) in
            if p.kind == .star, op.kind == .star {
                throw p.unexpected("a value", hint: "a power is written `x ^ 2`")
            }
            if p.kind == .assign, op.kind == .equal {
                throw p.unexpected("a value", hint: "to compare, write `==`")
            }
            if p.kind == op.kind, let hint = p.increment(p.current),
                [.end, .newline, .semicolon, .rightBrace].contains(p.ahead(1))
            {
                throw p.unexpected("a value", hint: hint)
            }
            return try p.binary(loosest)
        }
    }

    private func combine(_ op: Token, _ a: Node, _ b: Node) -> Node {
        let kind: NodeKind
        switch op.kind {
        case .or: kind = .or(a, b)
        case .and: kind = .and(a, b)
        case .coalesce: kind = .coalesce(a, b)
        case .in: kind = .contains(a, b, negated: false)
        case .not: kind = .contains(a, b, negated: true)
        default: kind = .binary(Parser.operators[op.kind] ?? .add, a, b)
        }
        return make(kind, a.start, [a, b])
    }

    private static let operators: [Token.Kind: BinaryOperator] = [
        .plus: .add, .minus: .subtract, .star: .multiply, .slash: .divide, .slashSlash: .floorDivide,
        .percent: .modulo, .caret: .power, .at: .matmul, .equal: .equal, .notEqual: .notEqual, .less: .less,
        .lessEqual: .lessEqual, .greater: .greater, .greaterEqual: .greaterEqual,
    ]

    private mutating func rangeRest(_ lower: Node?, _ op: Token) throws(SyntaxError) -> Node {
        let start = lower?.start ?? op.start
        var upper: Node?
        if current.beginsExpression, kind != .dotDot, kind != .dotDotLess {
            // A block after an open range belongs to the statement: `for i in 1.. { … }`.
            if kind != .leftBrace { upper = try operand(8, after: op) }
        }
        if upper == nil, op.kind == .dotDotLess { throw unexpected("the end of the range") }
        return make(
            .range(lower, upper, includesUpper: op.kind == .dotDot), start, [lower, upper].compactMap { $0 })
    }

    /// `x |> f(a)` is f(x, a); `x |> f` is f(x).
    private mutating func pipe(_ left: Node) throws(SyntaxError) -> Node {
        if let function = try lambda() { return call(function, [left], left.start) }
        let right = try operand(6, after: current)
        if case .call(let function, let arguments) = right.kind, !right.isBracketed {
            let first = Argument(kind: .positional, value: left, start: left.start)
            return make(.call(function, [first] + arguments), left.start, [left, right])
        }
        return call(right, [left], left.start)
    }

    private func call(_ function: Node, _ values: [Node], _ start: Int) -> Node {
        let arguments = values.map { Argument(kind: .positional, value: $0, start: $0.start) }
        return make(.call(function, arguments), start, values + [function])
    }

    private mutating func prefix(_ loosest: Int) throws(SyntaxError) -> Node {
        let t = current
        switch t.kind {
        case .minus, .plus:
            take()
            let value = try operand(Parser.unaryStrength, after: t)
            if t.kind == .minus, case .number(let x) = value.kind { return make(.number(-x), t.start, []) }
            return try checked(make(.unary(t.kind == .minus ? .negate : .plus, value), t.start, [value]))
        case .not:
            if loosest > Parser.notStrength {
                throw unexpected("a value", hint: "put `not …` in brackets here")
            }
            take()
            let value = try operand(Parser.notStrength, after: t)
            return try checked(make(.unary(.not, value), t.start, [value]))
        case .dotDot, .dotDotLess:
            take()
            return try rangeRest(nil, t)
        default: return try postfix()
        }
    }

    // MARK: Lambdas

    private mutating func lambda() throws(SyntaxError) -> Node? {
        let start = current.start
        if kind == .name, ahead(1) == .arrow {
            let t = take()
            let parameter = ParameterNode(
                use: NameUse(text(t), t.start, t.end), kind: .required, defaultValue: nil)
            return try lambdaRest([parameter], start)
        }
        if kind == .leftParen, parenthesesBeginLambda() {
            take()
            return try lambdaRest(try parameters(), start)
        }
        return nil
    }

    private mutating func lambdaRest(_ parameters: [ParameterNode], _ start: Int) throws(SyntaxError) -> Node
    {
        try goOn(after: try expect(.arrow, "`->`"))
        let body = try functionBody { (p) throws(SyntaxError) in try p.blockOrExpression() }
        let function = FunctionNode(
            name: "", parameters: parameters, body: body, doc: "", start: start, end: lastEnd)
        return try checked(make(.function(function), start, [body] + parameters.compactMap(\.defaultValue)))
    }

    /// A block, unless the brace begins a record: `{name: …}`, `{"name": …}`, `{**r}`.
    private mutating func blockOrExpression() throws(SyntaxError) -> Node {
        guard kind == .leftBrace, !braceBeginsRecord() else { return try expression() }
        let block = try block()
        return make(.block(block), block.start, [])
    }

    private func braceBeginsRecord() -> Bool {
        var n = 1
        while ahead(n) == .newline { n += 1 }
        switch ahead(n) {
        case .starStar: return true
        case .string, .rawString: return ahead(n + 1) == .colon
        case .rightBrace: return false
        default:
            guard at + n < tokens.count else { return false }
            return isKey(tokens[at + n]) && ahead(n + 1) == .colon
        }
    }

    /// A name or a keyword: both may name an entry of a record.
    func isKey(_ t: Token) -> Bool { t.kind == .name || t.isKeyword }

    private func parenthesesBeginLambda() -> Bool {
        // Cheap refusals first: a lambda's brackets begin with `)`, a name or a star.
        switch ahead(1) {
        case .rightParen: return ahead(2) == .arrow
        case .star, .starStar: break
        case .name: guard [.comma, .rightParen, .assign].contains(ahead(2)) else { return false }
        default: return false
        }
        var i = at + 1
        var open = 1
        while i < tokens.count {
            switch tokens[i].kind {
            case .leftParen, .leftBracket, .leftBrace: open += 1
            case .rightParen, .rightBracket, .rightBrace:
                open -= 1
                if open == 0 { return i + 1 < tokens.count && tokens[i + 1].kind == .arrow }
            case .end: return false
            default: break
            }
            i += 1
        }
        return false
    }

    // MARK: Postfix

    private mutating func postfix() throws(SyntaxError) -> Node {
        var node = try primary()
        while true {
            switch kind {
            case .leftParen:
                take()
                let arguments = try arguments()
                node = try checked(make(.call(node, arguments), node.start, [node] + arguments.map(\.value)))
            case .leftBracket:
                let indices = try indices()
                node = try checked(make(.index(node, indices), node.start, [node] + indices))
            case .dot:
                take()
                let hint = memberHint(node)
                if kind != .name || hint != nil { throw unexpected("a member's name after `.`", hint: hint) }
                let t = take()
                node = try checked(make(.member(node, text(t)), node.start, [node]))
            default: return node
            }
        }
    }

    private mutating func arguments() throws(SyntaxError) -> [Argument] {
        let open = tokens[at - 1]
        var result: [Argument] = []
        var named = Set<String>()
        while kind != .rightParen, kind != .end, kind != .newline {
            let t = current
            if t.isKeyword, ahead(1) == .assign { throw reserved() }
            if kind == .name, ahead(1) == .assign {
                take()
                take()
                let value = try expression()
                if !named.insert(text(t)).inserted {
                    throw SyntaxError(message: "`\(text(t))` is given twice", start: t.start, end: t.end)
                }
                result.append(Argument(kind: .named(text(t)), value: value, start: t.start))
            } else if accept(.starStar) {
                result.append(Argument(kind: .spreadRecord, value: try expression(), start: t.start))
            } else {
                let isSpread = accept(.star)
                let value = try expression()
                if !named.isEmpty {
                    throw SyntaxError(
                        message: "an argument without a name cannot follow one with a name",
                        hint: "put it first, or give it its name", start: value.start, end: value.end)
                }
                result.append(Argument(kind: isSpread ? .spread : .positional, value: value, start: t.start))
            }
            if !accept(.comma) { break }
        }
        try close(.rightParen, open, "`,` or `)`")
        return result
    }

    /// `[i]`, `[a..b]`, `[0, :]`.
    private mutating func indices() throws(SyntaxError) -> [Node] {
        let open = take()
        var result: [Node] = []
        repeat {
            if kind == .colon {
                let t = take()
                if kind != .comma, kind != .rightBracket {
                    throw unexpected(
                        "`,` or `]`", hint: "part of an axis is written `a..b`, or `a..<b` without b")
                }
                result.append(make(.whole, t.start, []))
            } else {
                if kind == .rightBracket { break }
                result.append(try expression())
            }
        } while accept(.comma)
        if result.isEmpty { throw unexpected("an index") }
        if kind == .colon {
            throw unexpected("`,` or `]`", hint: "part of an axis is written `a..b`, or `a..<b` without b")
        }
        try close(.rightBracket, open, "`,` or `]`")
        return result
    }

    /// The closing bracket; where the text ends or another statement begins, the error is at the
    /// opening one.
    mutating func close(_ kind: Token.Kind, _ open: Token, _ wanted: String) throws(SyntaxError) {
        if accept(kind) { return }
        if current.kind == .end || current.kind == .newline {
            throw SyntaxError(
                message: "this `\(text(open))` is not closed", start: open.start, end: open.end,
                isIncomplete: current.kind == .end)
        }
        throw unclosed(open, wanted)
    }
}
