import Support

/// What is wrong with a text, as the lexer and the parser find it.
struct SyntaxError: Error {
    var message: String
    var hint: String?
    var start: Int
    var end: Int
    /// More text might mend it: the shell asks for another line.
    var isIncomplete = false
    /// What stands there is understood all the same: the tree is whole.
    var isMended = false
}

/// Cuts a text into tokens. Line ends are tokens, except inside `(` and `[`, and before a line that
/// goes on with `|>` or `.name`.
struct Lexer {
    let source: Source
    private let bytes: [UInt8]
    private var at: Int
    private let end: Int
    private var tokens: [Token] = []
    private(set) var errors: [SyntaxError] = []
    /// Comments in order; with `keepComments` they are tokens too.
    private let keepComments: Bool
    private var brackets: [(kind: Token.Kind, start: Int)] = []
    private static let deepestInterpolation = 20
    /// Up to where the next word is known, and whether it goes on with the statement.
    private var continuation = (until: 0, answer: false)

    init(_ source: Source, from: Int = 0, to: Int? = nil, keepComments: Bool = false) {
        self.source = source
        bytes = source.bytes
        at = from
        end = to ?? source.bytes.count
        self.keepComments = keepComments
    }

    private func peek(_ ahead: Int = 0) -> UInt8 { at + ahead < end ? bytes[at + ahead] : 0 }

    mutating func all() -> [Token] {
        tokens.reserveCapacity((end - at) / 4 + 8)
        if at == 0, end >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { at = 3 }
        while at < end { next() }
        tokens.append(Token(kind: .end, start: end, end: end))
        return tokens
    }

    /// For the text behind a `{` inside a string: the offsets of the `}` that closes it and of a `:`
    /// before a format.
    mutating func endOfInterpolation() -> (close: Int, colon: Int?)? {
        var open = 0
        var colon: Int?
        var seen = 0
        while at < end {
            next()
            while seen < tokens.count {
                let t = tokens[seen]
                seen += 1
                switch t.kind {
                case .leftParen, .leftBracket, .leftBrace: open += 1
                case .rightParen, .rightBracket: open -= 1
                case .rightBrace:
                    if open == 0 { return (t.start, colon) }
                    open -= 1
                case .colon where open == 0 && colon == nil: colon = t.start
                default: break
                }
            }
        }
        return nil
    }

    private mutating func add(_ kind: Token.Kind, _ length: Int) {
        tokens.append(Token(kind: kind, start: at, end: at + length))
        at += length
    }

    private mutating func next() {
        let c = bytes[at]
        switch c {
        case 32, 9, 13: at += 1
        case 10: newline()
        case 35: comment()
        case 48...57: number()
        case 34: string()
        case 39: rawString()
        case 65...90, 95, 97...122: name()
        case 128...: wide()
        default: sign(c)
        }
    }

    private mutating func newline() {
        if brackets.isEmpty || brackets.last?.kind == .leftBrace {
            if keepComments || !continuesOnNextLine() {
                tokens.append(Token(kind: .newline, start: at, end: at + 1))
            }
        } else {
            if keepComments { tokens.append(Token(kind: .newline, start: at, end: at + 1)) }
            closeBracketsBeforeStatement()
        }
        at += 1
    }

    /// An unclosed bracket must not swallow the rest of the file: a line that begins, at the left
    /// margin, as only a statement can, closes them all.
    private mutating func closeBracketsBeforeStatement() {
        if keepComments || !beginsStatement(at + 1) { return }
        brackets.removeAll()
        tokens.append(Token(kind: .newline, start: at, end: at + 1))
    }

    /// True where the line at `from`, inside ( or [, begins as nothing inside them can.
    private func beginsStatement(_ from: Int) -> Bool {
        guard from < end, isNameStart(bytes[from]) else { return false }
        var i = from
        while i < end, isNameStart(bytes[i]) || isDigit(bytes[i]) { i += 1 }
        let length = i - from
        while i < end, bytes[i] == 32 || bytes[i] == 9 { i += 1 }
        if i > from + length, length <= 6 {
            let word = source.text(from, from + length)
            // A function without a name may stand inside brackets.
            if word == "fn" { return i < end && isNameStart(bytes[i]) }
            if ["use", "while", "return"].contains(word) { return true }
            if word == "for" { return beginsLoop(i) }
        }
        // `name = …`, but not `name == …`, nor an argument with its name.
        guard i + 1 < end else { return false }
        let isAssignment = bytes[i] == 61 && bytes[i + 1] != 61 && bytes[i + 1] != 62
        let isAugmented = [43, 45, 42, 47, 37, 94, 64].contains(bytes[i]) && bytes[i + 1] == 61
        if !isAssignment { return isAugmented }
        return brackets.last?.kind != .leftParen || ![.comma, .leftParen].contains(tokens.last?.kind)
    }

    /// True where what follows `for` is the head of a loop, not a part of a comprehension.
    private func beginsLoop(_ from: Int) -> Bool {
        var stop = from
        while stop < end, bytes[stop] != 10, bytes[stop] != 35 { stop += 1 }
        let line = source.text(from, stop).split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })
        guard line.last == "{", line.count > 3, let last = line.dropLast().last?.last else { return false }
        // A brace behind a value begins a block.
        let isBehindValue = last.isLetter || last.isNumber || last == "_" || last == ")" || last == "]"
        let isInExpression = line.contains {
            ["if", "else", "try", "fn", "->", "in{"].contains($0) || $0.contains("fn(") || $0.hasSuffix("(fn")
        }
        return isBehindValue && !isInExpression && line.dropLast().last != "in"
    }

    /// Asked at each line end: the answer holds up to the next word.
    private mutating func continuesOnNextLine() -> Bool {
        if at < continuation.until { return continuation.answer }
        var i = at
        let answer = nextWordContinues(&i)
        continuation = (i, answer)
        return answer
    }

    private func nextWordContinues(_ i: inout Int) -> Bool {
        while i < end {
            switch bytes[i] {
            case 32, 9, 10, 13: i += 1
            case 35: while i < end, bytes[i] != 10 { i += 1 }
            case 124: return i + 1 < end && bytes[i + 1] == 62
            case 46: return i + 1 < end && isNameStart(bytes[i + 1])
            default: return false
            }
        }
        return false
    }

    private mutating func comment() {
        let start = at
        while at < end, bytes[at] != 10 { at += 1 }
        if keepComments {
            var stop = at
            while stop > start, bytes[stop - 1] == 13 || bytes[stop - 1] == 32 || bytes[stop - 1] == 9 {
                stop -= 1
            }
            tokens.append(Token(kind: .comment, start: start, end: stop))
        }
    }

    private func isNameStart(_ c: UInt8) -> Bool {
        (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c == 95 || c >= 128
    }

    private func isDigit(_ c: UInt8) -> Bool { c >= 48 && c <= 57 }

    // MARK: Numbers

    private mutating func number() {
        let start = at
        if peek() == 48, let radix = [120: 16, 88: 16, 98: 2, 66: 2, 111: 8, 79: 8][Int(peek(1))] {
            at += 2
            digits(radix: radix, from: start)
            return
        }
        while isDigit(peek()) || (peek() == 95 && isDigit(peek(1))) { at += 1 }
        if peek() == 46, isDigit(peek(1)) {
            at += 1
            while isDigit(peek()) || (peek() == 95 && isDigit(peek(1))) { at += 1 }
        }
        if peek() == 101 || peek() == 69 {
            let sign = peek(1) == 43 || peek(1) == 45 ? 1 : 0
            if isDigit(peek(1 + sign)) {
                at += 1 + sign
                while isDigit(peek()) { at += 1 }
            }
        }
        finishNumber(start)
    }

    private mutating func digits(radix: Int, from start: Int) {
        let first = at
        while at < end {
            let c = peek()
            let value: Int? =
                switch c {
                case 48...57: Int(c) - 48
                case 65...70: Int(c) - 55
                case 97...102: Int(c) - 87
                default: nil
                }
            guard c == 95 || value.map({ $0 < radix }) ?? false else { break }
            at += 1
        }
        if at == first {
            errors.append(
                SyntaxError(
                    message: "digits are missing after `\(source.text(start, at))`", start: start, end: at))
        }
        finishNumber(start)
    }

    private mutating func finishNumber(_ start: Int) {
        if at < end, isNameStart(bytes[at]) {
            let wrong = at
            while at < end, isNameStart(bytes[at]) || isDigit(bytes[at]) { at += 1 }
            let rest = source.text(wrong, at)
            let hint =
                rest.first == "_"
                ? "`_` stands between the digits of a number: `1_000`"
                : "a name cannot begin with a digit; a product needs its sign: `\(source.text(start, wrong)) * \(rest)`"
            errors.append(
                SyntaxError(
                    message: "`\(source.text(start, at))` is neither a number nor a name", hint: hint,
                    start: start, end: at))
        }
        tokens.append(Token(kind: .number, start: start, end: at))
    }

    // MARK: Strings

    private mutating func string() {
        let start = at
        at = skipString(at, depth: 0, brace: nil)
        tokens.append(Token(kind: .string, start: start, end: at))
    }

    /// The offset behind the string literal that begins at `from`; `brace` is the `{` of the string
    /// around it.
    private mutating func skipString(_ from: Int, depth: Int, brace: Int?) -> Int {
        let isLong = from + 2 < end && bytes[from + 1] == 34 && bytes[from + 2] == 34
        var i = from + (isLong ? 3 : 1)
        while i < end {
            switch bytes[i] {
            case 92: i += 2
            case 34:
                if !isLong { return i + 1 }
                if i + 2 < end, bytes[i + 1] == 34, bytes[i + 2] == 34 { return i + 3 }
                i += 1
            case 10 where !isLong:
                if let brace { reportOpenBrace(brace) } else { reportOpenString(from, i) }
                return i
            case 123:
                if i + 1 < end, bytes[i + 1] == 123 {
                    i += 2
                } else {
                    let before = errors.count
                    i = skipInterpolation(i, depth: depth, isLong: isLong)
                    if errors.count > before { return i }
                }
            default: i += 1
            }
        }
        if let brace, !isLong {
            reportOpenBrace(brace)
            return end
        }
        errors.append(
            SyntaxError(
                message: "this string is not closed", hint: isLong ? "end it with \"\"\"" : "end it with \"",
                start: from, end: min(end, from + (isLong ? 3 : 1)), isIncomplete: isLong))
        return end
    }

    private mutating func reportOpenBrace(_ at: Int) {
        errors.append(
            SyntaxError(
                message: "this `{` is not closed",
                hint: "end it with `}`, or write `{{` for the bracket itself",
                start: at, end: at + 1))
    }

    private mutating func reportOpenString(_ from: Int, _ to: Int) {
        errors.append(
            SyntaxError(
                message: "this string is not closed",
                hint: "end it with \" on the same line; text of several lines goes between \"\"\" and \"\"\"",
                start: from, end: to))
    }

    /// The offset behind the `}` that closes the `{` at `from` inside a string.
    private mutating func skipInterpolation(_ from: Int, depth: Int, isLong: Bool) -> Int {
        var i = from + 1
        var open = 1
        while i < end {
            switch bytes[i] {
            case 123: open += 1; i += 1
            case 125:
                open -= 1
                i += 1
                if open == 0 { return i }
            case 34:
                if depth >= Lexer.deepestInterpolation {
                    errors.append(
                        SyntaxError(
                            message: "strings inside strings are nested too deeply", start: from, end: i))
                    return end
                }
                let before = errors.count
                i = skipString(i, depth: depth + 1, brace: isLong ? nil : from)
                if errors.count > before { return i }
            case 39:
                i += 1
                while i < end, bytes[i] != 39, bytes[i] != 10 { i += 1 }
                if i < end, bytes[i] == 39 { i += 1 }
            case 10 where !isLong:
                reportOpenBrace(from)
                return i
            default: i += 1
            }
        }
        if !isLong { reportOpenBrace(from) }
        return i
    }

    private mutating func rawString() {
        let start = at
        at += 1
        while at < end, bytes[at] != 39, bytes[at] != 10 { at += 1 }
        if at < end, bytes[at] == 39 {
            at += 1
        } else {
            var hint = "end it with '"
            if let last = tokens.last, last.end == start,
                [.name, .rightParen, .rightBracket].contains(last.kind)
            {
                hint = Foreign.transpose(last.kind == .name ? source.text(last.start, last.end) : "A")
            }
            errors.append(
                SyntaxError(message: "this string is not closed", hint: hint, start: start, end: at))
        }
        tokens.append(Token(kind: .rawString, start: start, end: at))
    }

    // MARK: Names

    private mutating func name() {
        let start = at
        while at < end {
            let c = bytes[at]
            if c >= 128 {
                guard let (scalar, n) = scalar(at), isNamePart(scalar) else { break }
                at += n
            } else if isNameStart(c) || isDigit(c) {
                at += 1
            } else {
                break
            }
        }
        let length = at - start
        var kind = Token.Kind.name
        if length <= 8, let k = Token.keywords[source.text(start, at)] {
            // After a dot a keyword is a member's name: `e.in`.
            if tokens.last?.kind != .dot { kind = k }
        }
        tokens.append(Token(kind: kind, start: start, end: at))
    }

    private func isNamePart(_ s: Unicode.Scalar) -> Bool {
        s.properties.isAlphabetic || s.properties.numericType != nil || s.properties.isXIDContinue
    }

    private func scalar(_ i: Int) -> (Unicode.Scalar, Int)? {
        var decoder = UTF8()
        var iterator = bytes[i..<min(end, i + 4)].makeIterator()
        guard case .scalarValue(let s) = decoder.decode(&iterator) else { return nil }
        return (s, s.utf8.count)
    }

    private mutating func wide() {
        guard let (s, n) = scalar(at) else {
            errors.append(SyntaxError(message: "this is not valid UTF-8 text", start: at, end: at + 1))
            at += 1
            return
        }
        if s.properties.isAlphabetic || s.properties.isXIDStart { return name() }
        if s.properties.isWhitespace || s.value == 0xFEFF { at += n; return }
        let hint: String? =
            switch s {
            case "“", "”", "„": "write straight quotes: \""
            case "‘", "’": "write straight quotes: '"
            case "−", "–", "—": "write `-`"
            case "×", "·": "write `*`"
            case "÷": "write `/`"
            case "≤": "write `<=`"
            case "≥": "write `>=`"
            case "≠": "write `!=`"
            case "→": "write `->`"
            case "…": "write `..`"
            default: nil
            }
        errors.append(
            SyntaxError(message: "`\(Character(s))` means nothing here", hint: hint, start: at, end: at + n))
        at += n
    }

    // MARK: Signs

    private mutating func sign(_ c: UInt8) {
        switch c {
        case 40: open(.leftParen)
        case 91: open(.leftBracket)
        case 123: open(.leftBrace)
        case 41: close(.rightParen, .leftParen)
        case 93: close(.rightBracket, .leftBracket)
        case 125: close(.rightBrace, .leftBrace)
        case 44: add(.comma, 1)
        case 59: add(.semicolon, 1)
        case 58: add(.colon, 1)
        case 46:
            if peek(1) == 46 { peek(2) == 60 ? add(.dotDotLess, 3) : add(.dotDot, 2) } else { add(.dot, 1) }
        case 43: peek(1) == 61 ? add(.plusAssign, 2) : add(.plus, 1)
        case 45: peek(1) == 62 ? add(.arrow, 2) : peek(1) == 61 ? add(.minusAssign, 2) : add(.minus, 1)
        case 42: peek(1) == 42 ? add(.starStar, 2) : peek(1) == 61 ? add(.starAssign, 2) : add(.star, 1)
        case 47:
            if peek(1) == 47 {
                peek(2) == 61 ? add(.slashSlashAssign, 3) : add(.slashSlash, 2)
            } else {
                peek(1) == 61 ? add(.slashAssign, 2) : add(.slash, 1)
            }
        case 37: peek(1) == 61 ? add(.percentAssign, 2) : add(.percent, 1)
        case 94: peek(1) == 61 ? add(.caretAssign, 2) : add(.caret, 1)
        case 64: peek(1) == 61 ? add(.atAssign, 2) : add(.at, 1)
        case 61:
            if peek(1) == 62 { wrong(2, "`->`") } else { peek(1) == 61 ? add(.equal, 2) : add(.assign, 1) }
        case 60: peek(1) == 61 ? add(.lessEqual, 2) : add(.less, 1)
        case 62: peek(1) == 61 ? add(.greaterEqual, 2) : add(.greater, 1)
        case 33: peek(1) == 61 ? add(.notEqual, 2) : wrong(1, "`not`")
        case 124:
            peek(1) == 62
                ? add(.pipe, 2) : peek(1) == 124 ? wrong(2, "`or`") : wrong(1, "`or`, or `|>` for a pipe")
        case 38: peek(1) == 38 ? wrong(2, "`and`") : wrong(1, "`and`")
        case 63: peek(1) == 63 ? add(.coalesce, 2) : wrong(1, "`if c { a } else { b }`")
        case 0..<32, 127:
            let number = String(source.bytes[at], radix: 16, uppercase: true)
            errors.append(
                SyntaxError(
                    message:
                        "the character U+\(String(repeating: "0", count: 4 - number.count))\(number) is not part of vz",
                    hint: "is this a text? An editor that shows such characters can take it away", start: at,
                    end: at + 1))
            at += 1
        default: wrong(1, nil)
        }
    }

    private mutating func wrong(_ length: Int, _ instead: String?) {
        let text = source.text(at, at + length)
        errors.append(
            SyntaxError(
                message: "`\(text)` is not an operator of vz", hint: instead.map { "write \($0)" }, start: at,
                end: at + length))
        at += length
    }

    private mutating func open(_ kind: Token.Kind) {
        brackets.append((kind, at))
        add(kind, 1)
    }

    private mutating func close(_ kind: Token.Kind, _ opening: Token.Kind) {
        if let i = brackets.lastIndex(where: { $0.kind == opening }) { brackets.removeSubrange(i...) }
        add(kind, 1)
    }
}
