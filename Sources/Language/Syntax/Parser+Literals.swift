import Support

/// Primary expressions: literals, brackets, `if`, `try`.
extension Parser {
    mutating func primary() throws(SyntaxError) -> Node {
        let t = current
        switch t.kind {
        case .number:
            take()
            return make(.number(try numberValue(t)), t.start, [])
        case .string, .rawString: return try string()
        case .true, .false:
            take()
            return make(.bool(t.kind == .true), t.start, [])
        case .nil:
            take()
            return make(.nil, t.start, [])
        case .name:
            take()
            return make(.name(NameUse(text(t), t.start, t.end)), t.start, [])
        case .leftParen: return try parenthesized()
        case .leftBracket: return try listOrComprehension()
        case .leftBrace: return try record()
        case .if: return try ifExpression()
        case .try: return try tryExpression()
        case .fn:
            take()
            let function = try functionRest(name: "", start: t.start)
            return try checked(make(.function(function), t.start, [function.body]))
        default: throw noValue()
        }
    }

    private func numberValue(_ t: Token) throws(SyntaxError) -> Double {
        var digits = text(t).replacing("_")
        if digits.count > 2, digits.hasPrefix("0"),
            let radix = ["x": 16, "b": 2, "o": 8][digits.dropFirst().first?.lowercased() ?? ""]
        {
            digits.removeFirst(2)
            var value = 0.0
            for c in digits { value = value * Double(radix) + Double(c.hexDigitValue ?? 0) }
            return value
        }
        guard let value = Double(digits) else {
            // The lexer has already said what is wrong with it.
            return 0
        }
        if value.isInfinite {
            throw SyntaxError(
                message: "this number is too large", hint: "write `inf` where you mean it", start: t.start,
                end: t.end)
        }
        return value
    }

    private mutating func parenthesized() throws(SyntaxError) -> Node {
        let open = take()
        if kind == .rightParen {
            throw unexpected("a value", hint: "a function without parameters is written `() -> …`")
        }
        let value = try expression()
        if kind == .comma {
            throw unexpected("`)`", hint: "a list is written with [ ]")
        }
        try close(.rightParen, open, "`)`")
        // The brackets belong to the expression: `(x |> f)(a)` calls its result.
        return Node(
            value.kind, open.start, lastEnd, height: value.height, hasBlock: value.hasBlock, isBracketed: true
        )
    }

    private mutating func listOrComprehension() throws(SyntaxError) -> Node {
        let open = take()
        var items: [Node] = []
        // A line end here is the lexer's sign that the bracket is not closed.
        while kind != .rightBracket, kind != .end, kind != .newline {
            let item = try spreadable()
            if items.isEmpty, kind == .for { return try comprehension(item, open) }
            items.append(item)
            if !accept(.comma) { break }
        }
        try close(.rightBracket, open, "`,` or `]`")
        return make(.list(items), open.start, items)
    }

    private mutating func comprehension(_ element: Node, _ open: Token) throws(SyntaxError) -> Node {
        var clauses: [Comprehension.Clause] = []
        var children = [element]
        while kind == .for || kind == .if {
            if accept(.for) {
                let names = try loopNames()
                try expect(.in, "`in`", hint: "a list is made with `[f(x) for x in xs]`")
                let iterable = try expression()
                children.append(iterable)
                clauses.append(.forIn(names, iterable))
            } else {
                take()
                let condition = try expression()
                children.append(condition)
                clauses.append(.when(condition))
            }
        }
        try close(.rightBracket, open, "`for`, `if` or `]`")
        return try checked(make(.comprehension(Comprehension(element, clauses)), open.start, children))
    }

    private mutating func record() throws(SyntaxError) -> Node {
        let open = take()
        var entries: [RecordEntry] = []
        skipNewlines()
        var isMended = false
        while kind != .rightBrace {
            entries.append(try recordEntry())
            skipNewlines()
            if accept(.comma) {
                skipNewlines()
            } else if isNextEntry() {
                if !isMended { errors.append(missingComma()) }
                isMended = true
            } else {
                break
            }
        }
        if kind == .end {
            throw SyntaxError(
                message: "this `{` is not closed", start: open.start, end: open.end, isIncomplete: true)
        }
        let hint = kind == .for ? "a record of pairs is made with `record([[k, v] for k, v in …])`" : nil
        try expect(.rightBrace, "`,` or `}`", hint: hint)
        return make(.record(entries), open.start, entries.map(\.value))
    }

    /// Another entry begins, though no comma stands before it.
    private func isNextEntry() -> Bool {
        if kind == .starStar { return tokens[at - 1].kind == .newline }
        return (isKey(current) || kind == .string || kind == .rawString) && ahead(1) == .colon
    }

    /// Said once for a record, however many are missing.
    private func missingComma() -> SyntaxError {
        let t = current
        return SyntaxError(
            message: "expected `,` or `}`, found \(describe(t))",
            hint: "a comma stands behind each entry: `{a: 1, b: 2}`", start: t.start, end: t.end,
            isMended: true)
    }

    private mutating func recordEntry() throws(SyntaxError) -> RecordEntry {
        if accept(.starStar) { return RecordEntry(key: nil, value: try expression()) }
        let t = current
        let key: String
        switch t.kind {
        case .string, .rawString:
            let literal = try string()
            guard case .string(let s) = literal.kind else {
                throw SyntaxError(
                    message: "a key must be plain text", hint: "set it later: `r[key] = value`",
                    start: t.start, end: t.end)
            }
            key = s
        case .name, .fn, .if, .else, .for, .in, .while, .break, .continue, .return, .try, .raise, .use, .as,
            .and,
            .or, .not, .true, .false, .nil:
            take()
            key = text(t)
        default:
            throw unexpected(
                "`name: value`",
                hint:
                    "a record is written `{rate: 16000, mono: true}`; a block stands after `if`, `for`, `fn` or `->`"
            )
        }
        try expect(.colon, "`:` after `\(key)`", hint: "a record is written `{rate: 16000, mono: true}`")
        skipNewlines()
        return RecordEntry(key: key, value: try expression())
    }

    // MARK: if and try

    private mutating func ifExpression() throws(SyntaxError) -> Node {
        try nested { (p) throws(SyntaxError) in
            let start = p.take().start
            let condition = try p.expression()
            if p.kind == .assign {
                throw p.unexpected("`{`", hint: "to compare, write `==`")
            }
            let then = try p.block()
            var other: Node?
            if p.elseFollows() {
                p.skipNewlines()
                p.take()
                if p.kind == .if {
                    other = try p.ifExpression()
                } else {
                    let block = try p.block()
                    other = p.make(.block(block), block.start, [])
                }
            }
            return try p.checked(
                p.make(.if(condition, then, other), start, [condition] + [other].compactMap { $0 }))
        }
    }

    /// `else` may stand on the line after the `}`.
    private func elseFollows() -> Bool {
        var n = 0
        while ahead(n) == .newline { n += 1 }
        return ahead(n) == .else
    }

    private mutating func tryExpression() throws(SyntaxError) -> Node {
        let start = take().start
        let body = try blockOrValue()
        guard elseFollows() else {
            throw unexpected(
                "`else`", hint: "write `try … else value`, or `try … else e -> …` to see the error `e`")
        }
        skipNewlines()
        take()
        var name: NameUse?
        if kind == .name, ahead(1) == .arrow {
            let t = take()
            take()
            name = NameUse(text(t), t.start, t.end)
            skipNewlines()
        }
        let handler = try blockOrValue()
        return try checked(make(.tryElse(body, name, handler), start, [body, handler]))
    }

    private mutating func blockOrValue() throws(SyntaxError) -> Node {
        guard kind == .leftBrace, !recordFollows() else { return try expression() }
        let block = try block()
        return make(.block(block), block.start, [])
    }

    private func recordFollows() -> Bool {
        var n = 1
        while ahead(n) == .newline { n += 1 }
        return ahead(n) == .starStar || ahead(n + 1) == .colon
    }

    // MARK: Strings

    mutating func string() throws(SyntaxError) -> Node {
        let t = take()
        if t.kind == .rawString {
            return make(.string(source.text(t.start + 1, max(t.start + 1, t.end - 1))), t.start, [])
        }
        return try StringReader.read(t, in: self)
    }
}

extension String {
    /// Without one character.
    fileprivate func replacing(_ c: Character) -> String { filter { $0 != c } }
}
