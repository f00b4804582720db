/// Reads a string literal: escapes, and expressions between `{` and `}`.
struct StringReader {
    private let token: Token
    private let bytes: [UInt8]
    private var at: Int
    private let end: Int
    private var text: [UInt8] = []
    private var parts: [Interpolated] = []
    private var children: [Node] = []
    private let parser: Parser

    static func read(_ token: Token, in parser: Parser) throws(SyntaxError) -> Node {
        var reader = StringReader(token, parser)
        return try reader.node()
    }

    private init(_ token: Token, _ parser: Parser) {
        self.token = token
        self.parser = parser
        bytes = parser.source.bytes
        let isLong =
            token.end - token.start >= 6 && bytes[token.start + 1] == 34 && bytes[token.start + 2] == 34
        let quotes = isLong ? 3 : 1
        at = token.start + quotes
        end = max(at, token.end - quotes)
        // The line end right after the opening quotes of a long string is not part of it.
        if isLong, at < end, bytes[at] == 10 { at += 1 }
    }

    private mutating func node() throws(SyntaxError) -> Node {
        while at < end {
            switch bytes[at] {
            case 92: try escape()
            case 123:
                if at + 1 < end, bytes[at + 1] == 123 {
                    text.append(123)
                    at += 2
                } else {
                    try interpolation()
                }
            case 125:
                guard at + 1 < end, bytes[at + 1] == 125 else {
                    throw SyntaxError(
                        message: "a `}` inside a string needs another", hint: "write `}}` or `\\}`",
                        start: at, end: at + 1)
                }
                text.append(125)
                at += 2
            default:
                text.append(bytes[at])
                at += 1
            }
        }
        if parts.isEmpty {
            return Node(.string(String(decoding: text, as: UTF8.self)), token.start, token.end)
        }
        flush()
        return parser.make(.interpolation(parts), token.start, children)
    }

    private mutating func flush() {
        if text.isEmpty { return }
        parts.append(.text(String(decoding: text, as: UTF8.self)))
        text = []
    }

    private mutating func escape() throws(SyntaxError) {
        let start = at
        let c = at + 1 < end ? bytes[at + 1] : 0
        at += 2
        switch c {
        case 110: text.append(10)
        case 116: text.append(9)
        case 114: text.append(13)
        case 48: text.append(0)
        case 101: text.append(27)
        case 92, 34, 39, 123, 125: text.append(c)
        case 10: break
        case 117: try unicodeEscape(start)
        default:
            throw SyntaxError(
                message: "`\\\(parser.source.text(start + 1, start + 2))` is not an escape",
                hint:
                    "the escapes are \\n \\t \\r \\0 \\e \\\\ \\\" \\{ \\} \\u{1F600}; text between ' and ' has none",
                start: start, end: start + 2)
        }
    }

    private mutating func unicodeEscape(_ start: Int) throws(SyntaxError) {
        var value: UInt32 = 0
        var digits = 0
        var isGood = at < end && bytes[at] == 123
        at += 1
        while at < end, bytes[at] != 125, digits <= 8 {
            guard let d = Character(UnicodeScalar(bytes[at])).hexDigitValue else { isGood = false; break }
            value = value &* 16 &+ UInt32(d)
            digits += 1
            at += 1
        }
        guard isGood, at < end, bytes[at] == 125, digits > 0, digits <= 6, let scalar = Unicode.Scalar(value)
        else {
            throw SyntaxError(
                message: "this is not a character's number",
                hint: "write \\u{1F600}, with its hexadecimal number",
                start: start, end: min(end, at + 1))
        }
        at += 1
        text += Array(String(scalar).utf8)
    }

    private mutating func interpolation() throws(SyntaxError) {
        let start = at
        let (close, colon) = try bounds()
        let stop = colon ?? close
        var inner = Parser(parser.source, from: start + 1, to: stop)
        inner.depth = parser.depth + 1
        inner.functionDepth = parser.functionDepth
        if let error = inner.errors.first { throw error }
        if inner.kind == .end {
            throw SyntaxError(
                message: "there is nothing between { and }",
                hint: "write `{{` or `\\{` for the bracket itself", start: start,
                end: close + 1)
        }
        inner.skipNewlines()
        let value: Node
        do {
            value = try inner.expression()
        } catch {
            var error = error
            error.isIncomplete = false
            // The text of the brackets ends there, not the program.
            error.message = error.message.replacing("found the end of the text", with: "found `}`")
            throw error
        }
        // What is wrong in a block inside does not throw.
        if let error = inner.errors.first { throw error }
        inner.skipNewlines()
        if inner.kind != .end {
            var error = inner.unexpected("`}`")
            error.isIncomplete = false
            throw error
        }
        flush()
        let format = colon.map { parser.source.text($0 + 1, close) }
        if let format, NumberFormat(format) == nil {
            throw SyntaxError(
                message: "`\(format)` is not a format",
                hint: "a format is like `.3f`, `8.2f`, `.1%`, `e`, `>10`, `<10` or `06.2f`",
                start: stop, end: close)
        }
        parts.append(.value(value, format: format))
        children.append(value)
        at = close + 1
    }

    /// The offsets of the closing `}` and of a `:` before a format.
    private func bounds() throws(SyntaxError) -> (close: Int, colon: Int?) {
        var lexer = Lexer(parser.source, from: at + 1, to: end)
        if let found = lexer.endOfInterpolation() { return found }
        throw SyntaxError(
            message: "this `{` is not closed", hint: "write `{{` or `\\{` for the bracket itself", start: at,
            end: at + 1)
    }
}
