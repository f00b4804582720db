/// One word or sign of a source text; `start ..< end` are byte offsets.
struct Token {
    enum Kind: UInt8 {
        case number, string, rawString, name, newline, end, comment
        // Keywords.
        case fn, `if`, `else`, `for`, `in`, `while`, `break`, `continue`, `return`, `try`, `raise`, use, `as`
        case and, or, not, `true`, `false`, `nil`
        // Signs.
        case leftParen, rightParen, leftBracket, rightBracket, leftBrace, rightBrace
        case comma, semicolon, colon, dot, dotDot, dotDotLess, arrow, pipe, coalesce
        case plus, minus, star, starStar, slash, slashSlash, percent, caret, at
        case equal, notEqual, less, lessEqual, greater, greaterEqual
        case assign, plusAssign, minusAssign, starAssign, slashAssign, slashSlashAssign, percentAssign,
            caretAssign,
            atAssign
    }

    var kind: Kind
    var start: Int
    var end: Int

    static let keywords: [String: Kind] = [
        "fn": .fn, "if": .if, "else": .else, "for": .for, "in": .in, "while": .while, "break": .break,
        "continue": .continue, "return": .return, "try": .try, "raise": .raise, "use": .use, "as": .as,
        "and": .and, "or": .or, "not": .not, "true": .true, "false": .false, "nil": .nil,
    ]

    /// The operator that `+=` and its kin apply.
    var augmented: BinaryOperator? {
        switch kind {
        case .plusAssign: .add
        case .minusAssign: .subtract
        case .starAssign: .multiply
        case .slashAssign: .divide
        case .slashSlashAssign: .floorDivide
        case .percentAssign: .modulo
        case .caretAssign: .power
        case .atAssign: .matmul
        default: nil
        }
    }

    var isKeyword: Bool { kind.rawValue >= Kind.fn.rawValue && kind.rawValue <= Kind.nil.rawValue }

    /// True where an expression may begin with this token.
    var beginsExpression: Bool {
        switch kind {
        case .number, .string, .rawString, .name, .fn, .if, .try, .not, .true, .false, .nil, .leftParen,
            .leftBracket, .leftBrace, .minus, .plus, .dotDot, .dotDotLess:
            true
        default: false
        }
    }
}

/// Words of vz, for completion.
public enum Keywords {
    public static let all: [String] = Token.keywords.keys.sorted()
}

/// A source text with its lines.
final class Source {
    let file: String
    let bytes: [UInt8]
    private var lineStarts: [Int] = []

    init(_ text: String, file: String) {
        self.file = file
        bytes = Array(text.utf8)
    }

    private func starts() -> [Int] {
        if lineStarts.isEmpty {
            lineStarts = [0]
            for (i, b) in bytes.enumerated() where b == 10 { lineStarts.append(i + 1) }
        }
        return lineStarts
    }

    func text(_ start: Int, _ end: Int) -> String {
        let a = max(0, min(start, bytes.count))
        let b = max(a, min(end, bytes.count))
        return String(decoding: bytes[a..<b], as: UTF8.self)
    }

    /// The line (from 1) that holds byte `offset`.
    func line(of offset: Int) -> Int {
        let starts = starts()
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        return low + 1
    }

    /// The offset of the first byte of the line that holds byte `offset`.
    func lineStart(of offset: Int) -> Int { starts()[line(of: offset) - 1] }

    func span(_ start: Int, _ end: Int) -> SourceSpan {
        let start = max(0, min(start, bytes.count))
        let line = line(of: start)
        let lineStart = starts()[line - 1]
        var lineEnd = lineStart
        while lineEnd < bytes.count, bytes[lineEnd] != 10, bytes[lineEnd] != 13 { lineEnd += 1 }
        let column = text(lineStart, start).count
        let length = text(start, max(start, min(end, lineEnd))).count
        return SourceSpan(
            file: file, line: line, column: column + 1, length: max(1, length),
            sourceLine: text(lineStart, lineEnd))
    }
}
