/// Function definitions, parameters and doc comments.
extension Parser {
    mutating func definition() throws(SyntaxError) -> Node {
        let start = take().start
        let nameToken = take()
        let name = NameUse(text(nameToken), nameToken.start, nameToken.end)
        let function = try functionRest(name: name.name, start: start)
        return make(.define(name, function), start, [function.body])
    }

    /// What follows `fn name`: parameters, and `= expression` or a block.
    mutating func functionRest(name: String, start: Int) throws(SyntaxError) -> FunctionNode {
        try expect(
            .leftParen, "`(`", hint: "a function is written `fn name(a, b = 1) = …` or `fn name(a) { … }`")
        let parameters = try parameters()
        let body: Node
        pullUpBrace("fn \(name.isEmpty ? "f" : name)(…) {")
        if kind == .assign {
            try goOn(after: take())
            body = try functionBody { (p) throws(SyntaxError) in try p.expression() }
        } else if kind == .leftBrace {
            body = try functionBody { (p) throws(SyntaxError) in
                let block = try p.block()
                return p.make(.block(block), block.start, [])
            }
        } else {
            throw unexpected(
                "`=` or `{`", hint: "a function is written `fn name(a) = …` or `fn name(a) { … }`")
        }
        return FunctionNode(
            name: name, parameters: parameters, body: body, doc: docComment(before: start), start: start,
            end: lastEnd)
    }

    mutating func functionBody(_ body: (inout Parser) throws(SyntaxError) -> Node) throws(SyntaxError) -> Node
    {
        functionDepth += 1
        let loops = loopDepth
        loopDepth = 0
        defer {
            functionDepth -= 1
            loopDepth = loops
        }
        return try body(&self)
    }

    /// Parameters up to and with the `)`.
    mutating func parameters() throws(SyntaxError) -> [ParameterNode] {
        var result: [ParameterNode] = []
        while kind != .rightParen {
            let parameterStart = current
            var kind = Parameter.Kind.required
            if accept(.star) { kind = .variadic } else if accept(.starStar) { kind = .extras }
            let t = try expect(.name, "a parameter name")
            var defaultValue: Node?
            if accept(.assign) {
                defaultValue = try expression()
                if kind == .required { kind = .optional }
            } else if self.kind == .colon {
                throw unexpected(
                    "`,` or `)`", hint: "parameters have no types; a default is written `\(text(t)) = 1`")
            }
            if result.contains(where: { $0.use.name == text(t) }) {
                throw SyntaxError(message: "`\(text(t))` is a parameter twice", start: t.start, end: t.end)
            }
            try checkOrder(kind, after: result, at: parameterStart)
            result.append(
                ParameterNode(use: NameUse(text(t), t.start, t.end), kind: kind, defaultValue: defaultValue))
            if result.count > 200 {
                throw SyntaxError(
                    message: "a function has at most 200 parameters", start: t.start, end: t.end)
            }
            if !accept(.comma) { break }
        }
        try expect(.rightParen, "`,` or `)`")
        return result
    }

    private func checkOrder(_ kind: Parameter.Kind, after: [ParameterNode], at t: Token) throws(SyntaxError) {
        guard let last = after.last?.kind else { return }
        let problem: String?
        switch (last, kind) {
        case (.extras, _): problem = "`**` must be the last parameter"
        case (.optional, .required) where !after.contains { $0.kind == .variadic }:
            problem = "a parameter without a default cannot follow one with a default"
        case (_, .variadic) where after.contains { $0.kind == .variadic }:
            problem = "only one parameter can take the rest"
        default: problem = nil
        }
        if let problem { throw SyntaxError(message: problem, start: t.start, end: t.end) }
    }

    /// The `##` lines right above `offset`.
    private func docComment(before offset: Int) -> String {
        let bytes = source.bytes
        var lines: [String] = []
        var lineStart = source.lineStart(of: offset)
        while lineStart > 0 {
            let end = lineStart - 1
            var start = end
            while start > 0, bytes[start - 1] != 10 { start -= 1 }
            let line = source.text(start, end)
            guard let first = line.firstIndex(where: { $0 != " " && $0 != "\t" }),
                line[first...].hasPrefix("##")
            else { break }
            var body = line[first...].dropFirst(2)
            if body.first == " " { body = body.dropFirst() }
            while body.last == " " || body.last == "\r" { body = body.dropLast() }
            lines.append(String(body))
            lineStart = start
        }
        return lines.reversed().joined(separator: "\n")
    }
}
