import Support

/// Errors that say what may have been meant.
extension Parser {
    /// Two things on a line that do not belong together.
    func afterStatement(_ node: Node) -> SyntaxError {
        if kind == .assign { return badTarget(node) }
        if kind == .rightParen || kind == .rightBracket || kind == .rightBrace {
            return SyntaxError(
                message: "`\(text(current))` closes nothing", hint: "remove it, or open it before",
                start: current.start,
                end: current.end)
        }
        return unexpected("the end of the line or `;`", hint: afterStatementHint(node))
    }

    private func afterStatementHint(_ node: Node) -> String? {
        if kind == .starStar { return "a power is written `x ^ 2`" }
        guard at > 0 else { return nil }
        let before = tokens[at - 1]
        if let hint = conditional() { return hint }
        if isComment() { return "a comment begins with `#`; `//` divides and rounds down" }
        if kind == .colon { return colonHint(node) }
        let isCallBehindBlock = before.kind == .rightBrace && ahead(1) == .leftParen
        if kind == .name, !isCallBehindBlock,
            let hint = Foreign.operators[text(current)] ?? Foreign.words[text(current)]
        {
            return hint
        }
        if isTranspose(before) {
            return Foreign.transpose(before.kind == .name ? text(before) : "A")
        }
        if before.kind == .rightBrace, current.beginsExpression {
            return "put `;` behind the `}`, or begin a new line"
        }
        guard before.kind == .name else {
            let isString = before.kind == .string || before.kind == .rawString
            return isString && (kind == .string || kind == .rawString) ? "strings are joined by `+`" : nil
        }
        let word = text(before)
        if kind == .string || kind == .rawString, before.end == current.start,
            ["f", "r", "b", "u"].contains(word.lowercased())
        {
            return
                "a string needs no letter before it: \"a {x}\" takes in values, 'a\\b' takes all as it stands"
        }
        if let hint = Foreign.words[word] { return hint }
        let isMember = at > 1 && tokens[at - 2].kind == .dot
        guard !isMember, [.name, .number, .string, .rawString].contains(kind) else { return nil }
        if Foreign.constants.contains(word) {
            return
                "a product needs its sign: `\(word) * \(kind == .name || kind == .number ? text(current) : "…")`"
        }
        let isAlone = [.newline, .semicolon, .end].contains(ahead(1))
        return "a call has brackets: `\(word)(\(isAlone ? text(current) : "…"))`"
    }

    /// A `//` stands before on this line: in many languages what follows it is a comment.
    private func isComment() -> Bool {
        var i = at - 1
        while i >= 0, tokens[i].kind != .newline, tokens[i].kind != .semicolon {
            if tokens[i].kind == .slashSlash { return true }
            i -= 1
        }
        return false
    }

    /// Something stands where a value should.
    func noValue() -> SyntaxError {
        let isFirst = at == 0 || tokens[at - 1].kind == .newline
        let hint: String?
        switch kind {
        case .for, .while: hint = "a loop has no value; a list is made with `[f(x) for x in xs]`"
        case .return, .break, .continue, .raise:
            hint = "`\(text(current))` stands on a line of its own, in a block"
        case .assign: hint = assignHint()
        case .dot where ahead(1) == .number:
            hint = "a number begins with a digit: `0.\(text(tokens[at + 1]))`"
        case .at where isFirst:
            hint = "nothing stands before a function; another function is called with it: `f = jit(f)`"
        case .starStar: hint = "a power is written `x ^ 2`"
        case .else:
            hint = "`else` stands on the line of the `}` before it, as in `} else {`, or after `try …`"
        case .slashSlash, .slash, .percent:
            hint = isFirst ? "a comment begins with `#`" : nil
        case .pipe: hint = "a pipe begins with a value: `xs |> sum`"
        case .colon where at > 0 && tokens[at - 1].kind == .try: hint = "write `try … else e -> …`"
        case .colon where at > 0 && [.comma, .leftParen].contains(tokens[at - 1].kind):
            hint = "an element is written with [ ]: `t[1, :]`"
        default: hint = nil
        }
        return unexpected("a value", hint: hint)
    }

    /// A bracket that something else than its end follows: where it was opened, or what is missing.
    func unclosed(_ open: Token, _ wanted: String) -> SyntaxError {
        let line = source.line(of: open.start)
        var hint: String?
        if kind == .assign {
            hint = "to compare, write `==`"
        } else if let conditional = conditional() {
            hint = conditional
        } else if kind == .for {
            hint = "a list is made between [ and ]: `[f(x) for x in xs]`"
        } else if kind == .colon {
            hint =
                ahead(1) == .colon
                ? "parameters have no types; a function is written `fn f(x) = …`" : rangeHint()
        } else if kind == .name, at > 0, tokens[at - 1].kind == .name, text(tokens[at - 1]) == "lambda" {
            hint = Foreign.words["lambda"]
        } else if at > 0, isTranspose(tokens[at - 1]) {
            hint = Foreign.transpose(tokens[at - 1].kind == .name ? text(tokens[at - 1]) : "A")
        } else if source.line(of: current.start) != line {
            let comma = current.beginsExpression ? ", or put a comma before this" : ""
            hint = "close the `\(text(open))` of line \(line)\(comma)"
        } else if open.kind == .leftBracket, kind == .semicolon {
            hint = "the rows of a matrix are lists: `tensor([[1, 2], [3, 4]])`"
        } else if current.beginsExpression, wanted.contains("`,`") {
            hint = "put a comma before it"
        }
        return unexpected(wanted, hint: hint)
    }

    // MARK: Single mistakes

    /// `while = 3`: a word of the language where a name should stand.
    func reserved() -> SyntaxError {
        SyntaxError(
            message: "`\(text(current))` is a word of the language, not a name",
            hint: "choose another name: `\(text(current))_1`", start: current.start, end: current.end)
    }

    /// `x = y = 3`.
    func assignedTwice(_ targets: [Target], _ value: Node) -> SyntaxError {
        var hint = "set one after the other: `y = …; x = y`"
        if let first = targets.first, targets.count == 1, case .name(let y) = value.kind {
            let x = source.text(first.start, first.end)
            let isAlone = [.newline, .semicolon, .end].contains(ahead(2))
            let new = isAlone && tokens[at + 1].end - tokens[at + 1].start < 40 ? text(tokens[at + 1]) : "…"
            if first.end - first.start < 40 {
                hint = "set one after the other: `\(y.name) = \(new); \(x) = \(y.name)`"
            }
        }
        return SyntaxError(
            message: "an assignment has no value", hint: hint, start: current.start, end: current.end)
    }

    private func assignHint() -> String {
        if at > 0, tokens[at - 1].kind == .comma {
            return "the first element is taken with `x = xs[0]`, the others with `x, *rest = xs`"
        }
        return "to compare, write `==`"
    }

    /// `x++`: the sign `t` right behind another one of its kind.
    func increment(_ t: Token) -> String? {
        guard t.kind == .plus || t.kind == .minus, at > 0 else { return nil }
        let before = tokens[at - 1]
        return before.kind == t.kind && before.end == t.start ? "write `x \(text(t))= 1`" : nil
    }

    /// What a block's missing `{` may come from.
    func blockHint() -> String? {
        // `for i in 1:10 {`
        if kind == .colon, ahead(1) == .number || ahead(1) == .name, ahead(2) == .leftBrace {
            return rangeHint()
        }
        return kind == .colon || current.beginsExpression ? "a block goes between { and }" : nil
    }

    /// `1:10`.
    private func rangeHint() -> String {
        let isSimple = { (t: Token) in (t.kind == .number || t.kind == .name) && t.end - t.start < 20 }
        guard at > 0, at + 1 < tokens.count, isSimple(tokens[at - 1]), isSimple(tokens[at + 1]) else {
            return "a range is written `1..10`"
        }
        return "a range is written `\(text(tokens[at - 1]))..\(text(tokens[at + 1]))`"
    }

    /// A colon behind a statement.
    private func colonHint(_ node: Node) -> String {
        if ahead(1) == .assign { return "write `=`" }
        if case .name(let use) = node.kind {
            if let hint = Foreign.words[use.name] { return hint }
            if ahead(1) == .name { return "variables have no types: `\(use.name) = …`" }
        }
        if let before = at > 0 ? tokens[at - 1] : nil, before.kind == .name,
            let hint = Foreign.words[text(before)]
        {
            return hint
        }
        switch ahead(1) {
        case .number, .name, .leftParen, .minus: return rangeHint()
        default: return "a block goes between { and }"
        }
    }

    /// `a if c else b`, with what stands there where it is short.
    private func conditional() -> String? {
        guard kind == .if, at > 0 else { return nil }
        let simple = { (i: Int) -> Bool in
            self.tokens.indices.contains(i)
                && [.number, .name, .string, .rawString, .true, .false, .nil].contains(self.tokens[i].kind)
                && self.tokens[i].end - self.tokens[i].start < 20
        }
        var i = at + 1
        while i < tokens.count, i < at + 12, tokens[i].kind != .else, tokens[i].kind != .newline { i += 1 }
        guard i < tokens.count, tokens[i].kind == .else, i > at + 1 else {
            return "an `if` stands before what it decides: `if c { a } else { b }`"
        }
        let isWhole =
            at < 2 || [.assign, .leftParen, .comma, .leftBracket, .newline].contains(tokens[at - 2].kind)
        let endsThere =
            i + 2 >= tokens.count
            || [.newline, .end, .semicolon, .comma, .rightParen, .rightBracket].contains(tokens[i + 2].kind)
        let value = isWhole && simple(at - 1) ? text(tokens[at - 1]) : "a"
        let other = endsThere && simple(i + 1) ? text(tokens[i + 1]) : "b"
        let condition = source.text(tokens[at + 1].start, tokens[i - 1].end)
        return "write `if \(condition.count < 40 ? condition : "c") { \(value) } else { \(other) }`"
    }

    /// A text in single quotes right behind a value: the transpose of other languages.
    private func isTranspose(_ before: Token) -> Bool {
        guard kind == .rawString, before.end == current.start else { return false }
        if before.kind == .rightParen || before.kind == .rightBracket { return true }
        guard before.kind == .name else { return false }
        let isPrefix = ["f", "r", "b", "u"].contains(text(before).lowercased())
        let first = current.start + 1 < source.bytes.count ? source.bytes[current.start + 1] : 0
        return !isPrefix || [32, 41, 42, 43, 44, 45, 47, 59, 64, 93].contains(first)
    }

    /// What may be meant by a dot that no name follows, or by `1.e3`.
    func memberHint(_ node: Node) -> String? {
        if case .number = node.kind, !node.isBracketed, at > 1, tokens[at - 2].kind == .number {
            let digits = text(tokens[at - 2])
            guard kind == .name else { return "a number ends with a digit: `\(digits).0`" }
            let word = text(current)
            let isExponent =
                word.count > 1 && "eE".contains(word.prefix(1)) && word.dropFirst().allSatisfy(\.isNumber)
            let isSigned = (word == "e" || word == "E") && (ahead(1) == .minus || ahead(1) == .plus)
            return isExponent || isSigned
                ? "a number has a digit behind its point: `\(digits).0\(word)`" : nil
        }
        switch kind {
        case .plus, .minus, .star, .slash, .caret, .percent, .equal, .less, .greater, .starStar, .notEqual,
            .lessEqual, .greaterEqual:
            return "the operators work on every element of a tensor as they are: `x \(text(current)) y`"
        default: return nil
        }
    }
}
