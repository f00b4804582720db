import Support

/// The one canonical form of a text: indentation, blanks between words, blank lines and comments in
/// columns. Lines stay as they were divided, and comments are kept. What was lined up on purpose stays
/// so: a comment with two blanks or more before it keeps its column, and a line inside brackets that
/// began below the first thing in them still does. Formatting what is formatted changes nothing.
public enum Formatter {
    /// Throws `Diagnostics` where the text does not parse: nothing is changed in a text that is not
    /// understood.
    public static func format(_ text: String, file: String = "<input>") throws -> String {
        _ = try Parser.program(of: text, file: file)
        var writer = FormatWriter(Source(text, file: file))
        return writer.formatted()
    }
}

private struct FormatWriter {
    private struct Bracket {
        let isRecord: Bool
        /// Indentation of the line that opened it, in columns as all others.
        let indent: Int
        /// Where the first thing in it stands, on the same line: in the source, and as written.
        var first: (source: Int, written: Int)?
    }

    /// A finished line: its code and its comment.
    private struct Line {
        var code: String
        var comment: String
        /// Where `comment` stands on a line of its own.
        var indent: Int
        /// The column that the comment had behind code, where it was set off on purpose.
        var column: Int?
    }

    private let source: Source
    private let tokens: [Token]
    private var at = 0
    private var brackets: [Bracket] = []
    private var lines: [Line] = []
    private static let unit = 4

    /// An expression inside a string: one line, with no lines below it.
    private let isInline: Bool

    init(_ source: Source, from: Int = 0, to: Int? = nil) {
        self.source = source
        isInline = to != nil
        var lexer = Lexer(source, from: from, to: to, keepComments: true)
        tokens = lexer.all()
    }

    mutating func formatted() -> String {
        while tokens[at].kind != .end { line() }
        return joined()
    }

    // MARK: Lines

    private mutating func line() {
        var words: [Token] = []
        var comment = ""
        var column: Int?
        while true {
            let t = tokens[at]
            if t.kind == .end { break }
            at += 1
            if t.kind == .newline {
                if words.last?.kind == .rightBrace, comment.isEmpty, elseFollows() {
                    while tokens[at].kind == .newline { at += 1 }
                    continue
                }
                break
            }
            if t.kind == .comment {
                comment = source.text(t.start, t.end)
                if let last = words.last, t.start - last.end >= 2 { column = sourceColumn(t) }
            } else if t.kind != .semicolon || endsStatement(words.last) {
                words.append(t)
            }
        }
        if words.isEmpty {
            blankOrComment(comment)
            return
        }
        let indent = indentation(words)
        let code = write(words, indent: indent)
        lines.append(Line(code: code, comment: comment, indent: indent, column: column))
        previousEnd = words.last
    }

    /// A `;` behind `last` ends something: one of several is enough.
    private func endsStatement(_ last: Token?) -> Bool {
        guard let last else { return false }
        return last.kind != .semicolon && last.kind != .leftBrace
    }

    /// The last word of the line before.
    private var previousEnd: Token?

    /// Characters before a token on its line of the source.
    private mutating func sourceColumn(_ t: Token) -> Int {
        // Mostly asked from left to right: only what is new of the line is counted.
        let known = column.offset <= t.start && !source.bytes[column.offset..<t.start].contains(10)
        let from = known ? column.offset : source.lineStart(of: t.start)
        column = (t.start, (known ? column.count : 0) + source.text(from, t.start).count)
        return column.count
    }

    /// The place whose column was asked for last.
    private var column = (offset: 0, count: 0)

    private func elseFollows() -> Bool {
        var i = at
        while tokens[i].kind == .newline { i += 1 }
        return tokens[i].kind == .else
    }

    private mutating func blankOrComment(_ comment: String) {
        if comment.isEmpty {
            if let last = lines.last, !(last.code.isEmpty && last.comment.isEmpty) {
                lines.append(Line(code: "", comment: "", indent: 0))
            }
            return
        }
        // A comment before a closing bracket belongs to what is inside, one within a statement to that.
        var inside = brackets.last.map { $0.indent + FormatWriter.unit } ?? 0
        let next = nextWord()
        if !isCloser(next.kind), continues(next) { inside += FormatWriter.unit }
        lines.append(Line(code: "", comment: comment, indent: inside))
    }

    /// The place of the next word; comments before it ask for it one after another.
    private var wordAt = 0

    private mutating func nextWord() -> Token {
        wordAt = max(wordAt, at)
        while tokens[wordAt].kind == .newline || tokens[wordAt].kind == .comment { wordAt += 1 }
        return tokens[wordAt]
    }

    private mutating func indentation(_ words: [Token]) -> Int {
        var depth = brackets.count
        var i = 0
        while i < words.count, isCloser(words[i].kind), depth > 0 {
            depth -= 1
            i += 1
        }
        if i > 0 { return brackets[depth].indent }
        if let first = brackets.last?.first, first.source == sourceColumn(words[0]) { return first.written }
        let inside = brackets.last.map { $0.indent + FormatWriter.unit } ?? 0
        return continues(words[0]) ? inside + FormatWriter.unit : inside
    }

    /// The line goes on with the statement of the line before.
    private func continues(_ first: Token) -> Bool {
        if first.kind == .pipe || first.kind == .dot { return true }
        guard let last = previousEnd else { return false }
        return isBinary(last.kind) || last.kind == .assign || last.augmented != nil || last.kind == .arrow
    }

    // MARK: Words

    private mutating func write(_ words: [Token], indent: Int) -> String {
        var out = String(repeating: " ", count: indent)
        // Characters of the line's last part, as far as they were counted.
        var (written, measured) = (0, out.startIndex)
        var previous: Token?
        var beforePrevious: Token?
        for (i, t) in words.enumerated() {
            if let previous, needsBlank(beforePrevious, previous, t, i + 1 < words.count ? words[i + 1] : nil)
            {
                out += " "
            }
            if let previous, isOpener(previous.kind), previous.kind != .leftBrace, !brackets.isEmpty,
                !isInline
            {
                let part = out[measured...]
                written = part.utf8.contains(10) ? width(part) : written + part.count
                measured = out.endIndex
                brackets[brackets.count - 1].first = (sourceColumn(t), written)
            }
            out += t.kind == .string ? string(t) : source.text(t.start, t.end)
            if isOpener(t.kind) {
                brackets.append(Bracket(isRecord: t.kind == .leftBrace && opensRecord(t), indent: indent))
            } else if isCloser(t.kind) {
                closed = brackets.popLast()
            }
            wasUnary = isUnary(t, after: previous)
            beforePrevious = previous
            previous = t
        }
        return out
    }

    // MARK: Strings

    /// A string with the expressions in it in their one form.
    private func string(_ t: Token) -> String {
        let bytes = source.bytes
        let isLong = t.end - t.start >= 6 && bytes[t.start + 1] == 34 && bytes[t.start + 2] == 34
        let stop = t.end - (isLong ? 3 : 1)
        var out = ""
        var done = t.start
        var i = t.start + (isLong ? 3 : 1)
        while i < stop {
            if bytes[i] == 92 || (bytes[i] == 123 && bytes[i + 1] == 123) {
                i += 2
            } else if bytes[i] == 123 {
                var lexer = Lexer(source, from: i + 1, to: stop)
                guard let (close, colon) = lexer.endOfInterpolation() else { break }
                if let expression = Self.expression(source, i + 1, colon ?? close) {
                    out += source.text(done, i + 1) + expression
                    done = colon ?? close
                }
                i = close + 1
            } else {
                i += 1
            }
        }
        return out + source.text(done, t.end)
    }

    /// The one form of an expression of one line inside a string; nil where it stays as it is.
    private static func expression(_ source: Source, _ from: Int, _ to: Int) -> String? {
        var writer = FormatWriter(source, from: from, to: to)
        let words = writer.tokens.dropLast()
        if words.isEmpty || words.contains(where: { $0.kind == .newline || $0.kind == .comment }) {
            return nil
        }
        let text = writer.write(Array(words), indent: 0)
        // `{{` would be a bracket of the text.
        if text.hasPrefix("{") || text.contains("\n") { return nil }
        var lexer = Lexer(Source(text, file: ""))
        return lexer.all().dropLast().map(\.kind) == words.map(\.kind) ? text : nil
    }

    /// The bracket that the last closing one ended.
    private var closed: Bracket?
    /// The last word written is a sign before a value.
    private var wasUnary = false

    private func needsBlank(_ beforeLast: Token?, _ last: Token, _ t: Token, _ next: Token?) -> Bool {
        switch t.kind {
        case .comma, .semicolon, .rightParen, .rightBracket, .colon, .dot:
            return t.kind == .colon && last.kind == .comma
        case .rightBrace:
            return last.kind != .leftBrace && !(brackets.last?.isRecord ?? false)
        case .dotDot, .dotDotLess:
            return needsBlankBeforeValue(last)
        case .caret: return false
        case .leftParen, .leftBracket:
            if endsValue(last) { return false }
            if last.kind == .fn { return false }
        default: break
        }
        switch last.kind {
        // `1.. < x` compares an open range; without the blank it would be the sign of another one.
        case .dotDot: return t.kind == .less || t.kind == .lessEqual
        case .leftParen, .leftBracket, .dot, .dotDotLess, .caret: return false
        case .leftBrace: return !(brackets.last?.isRecord ?? false)
        default: return !wasUnary
        }
    }

    /// An open range after a word: `for i in ..5`, but `xs[1..]`.
    private func needsBlankBeforeValue(_ last: Token) -> Bool {
        if endsValue(last) || wasUnary { return false }
        return last.kind != .leftParen && last.kind != .leftBracket
    }

    private func endsValue(_ t: Token) -> Bool {
        switch t.kind {
        case .name, .number, .string, .rawString, .rightParen, .rightBracket, .rightBrace, .true, .false,
            .nil:
            true
        default: false
        }
    }

    /// A sign before a value (`-x`, `*xs`, `**r`), not between two.
    private func isUnary(_ t: Token, after last: Token?) -> Bool {
        switch t.kind {
        case .minus, .plus, .star, .starStar:
            // At the beginning of a line it can only be a sign: an operator there would begin a
            // statement, unless the line is inside brackets.
            guard let last else { return brackets.isEmpty || !(previousEnd.map(endsValue) ?? false) }
            return !endsValue(last)
        default: return false
        }
    }

    private func opensRecord(_ brace: Token) -> Bool {
        // Tokens are in order of their place.
        var low = 0
        var high = tokens.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if tokens[middle].start <= brace.start { low = middle } else { high = middle }
        }
        var i = low + 1
        while tokens[i].kind == .newline || tokens[i].kind == .comment { i += 1 }
        if tokens[i].kind == .starStar { return true }
        return i + 1 < tokens.count && tokens[i + 1].kind == .colon
    }

    private func isOpener(_ k: Token.Kind) -> Bool { k == .leftParen || k == .leftBracket || k == .leftBrace }
    private func isCloser(_ k: Token.Kind) -> Bool {
        k == .rightParen || k == .rightBracket || k == .rightBrace
    }

    private func isBinary(_ k: Token.Kind) -> Bool {
        switch k {
        case .plus, .minus, .star, .slash, .slashSlash, .percent, .caret, .at, .equal, .notEqual, .less,
            .lessEqual,
            .greater, .greaterEqual, .pipe, .coalesce, .and, .or, .not, .in:
            true
        default: false
        }
    }

    // MARK: The whole

    /// Comments behind the code of neighbouring lines stand in one column.
    private func joined() -> String {
        var lines = lines
        // No blank line after an opening or before a closing bracket, none at either end.
        var kept: [Line] = []
        for (i, l) in lines.enumerated() {
            if l.code.isEmpty, l.comment.isEmpty {
                let before = kept.last?.code.last
                let after = lines[(i + 1)...].first { !($0.code.isEmpty && $0.comment.isEmpty) }
                guard let after, !kept.isEmpty else { continue }
                if let before, "{[(".contains(before), kept.last?.comment.isEmpty == true { continue }
                if let c = after.code.first(where: { $0 != " " }), "}])".contains(c) { continue }
            }
            kept.append(l)
        }
        lines = kept
        var out = ""
        var i = 0
        while i < lines.count {
            var j = i
            while j < lines.count, !lines[j].code.isEmpty, !lines[j].comment.isEmpty { j += 1 }
            if j == i {
                out += plain(lines[i]) + "\n"
                i += 1
                continue
            }
            // Neighbours keep their columns together, or stand in one together.
            let keep = lines[i..<j].allSatisfy { ($0.column ?? 0) - width($0.code) >= 2 }
            let together = (lines[i..<j].map { width($0.code) }.max() ?? 0) + 2
            for l in lines[i..<j] {
                let column = keep ? l.column ?? together : together
                out += l.code + String(repeating: " ", count: column - width(l.code)) + l.comment + "\n"
            }
            i = j
        }
        return out
    }

    private func plain(_ l: Line) -> String {
        if l.code.isEmpty {
            return l.comment.isEmpty
                ? "" : String(repeating: " ", count: l.indent) + l.comment
        }
        return l.code
    }

    /// Characters behind the last line end: a long string may have several lines.
    private func width(_ code: some StringProtocol) -> Int {
        (code.split(separator: "\n", omittingEmptySubsequences: false).last ?? "").count
    }
}
