import Support

/// A place in a source text. Lines and columns count from 1; columns count characters.
public struct SourceSpan: Sendable, Equatable {
    public var file: String
    public var line: Int
    public var column: Int
    /// How many characters the caret line marks; at least 1.
    public var length: Int
    /// The text of the line.
    public var sourceLine: String

    public init(file: String, line: Int, column: Int, length: Int, sourceLine: String) {
        self.file = file
        self.line = line
        self.column = column
        self.length = length
        self.sourceLine = sourceLine
    }
}

/// One error as a person reads it: what, where with a caret, what to do, and how it got there.
public struct Diagnostic: Error, Sendable, CustomStringConvertible {
    /// One step of a call trace: the function that was running and the place of its call.
    public struct Step: Sendable, Equatable {
        public var function: String
        public var span: SourceSpan
    }

    public var kind: Failure.Kind
    public var message: String
    public var hint: String?
    public var span: SourceSpan?
    /// The calls that led there, innermost first; where they are many, the first and the last of them.
    public private(set) var trace: [Step]
    /// How many calls are left out of the trace, behind its first `innermost`.
    public private(set) var omitted = 0

    /// How many calls at either end of a long trace are kept.
    static let innermost = 8
    static let outermost = 4

    public init(
        _ kind: Failure.Kind, _ message: String, hint: String? = nil, span: SourceSpan? = nil,
        trace: [Step] = []
    ) {
        self.kind = kind
        self.message = message
        self.hint = hint
        self.span = span
        self.trace = trace
    }

    /// Add `count` calls at the outer end of the trace; `step` tells those that are kept.
    mutating func append(_ count: Int, _ step: (Int) -> Step) {
        let most = Diagnostic.innermost + Diagnostic.outermost
        let first = max(0, min(count, Diagnostic.innermost - trace.count))
        for i in 0..<first { trace.append(step(i)) }
        let last = min(count - first, Diagnostic.outermost)
        for i in count - last..<count { trace.append(step(i)) }
        let surplus = max(0, trace.count - most)
        if surplus > 0 { trace.removeSubrange(Diagnostic.innermost..<Diagnostic.innermost + surplus) }
        omitted += surplus + count - first - last
    }

    /// The same as the rooms below throw it.
    public var failure: Failure { Failure(kind, message, hint: hint) }

    /// The whole report, without a final newline; coloured for a terminal.
    public func render(color: Bool = false) -> String {
        let style = Style(color: color)
        var out = style.error("error") + style.strong(": " + message)
        if let span {
            let number = String(span.line)
            let pad = String(repeating: " ", count: number.count)
            out += "\n\(pad)\(style.dim("-->")) \(span.file):\(span.line):\(span.column)"
            let (line, caret) = span.marked()
            out += "\n\(style.dim("\(number) |")) \(line)"
            out += "\n\(pad) \(style.dim("|")) \(style.error(caret))"
        }
        if let hint { out += "\n\(style.hint("hint")): \(hint)" }
        for (i, step) in trace.enumerated() {
            if i == Diagnostic.innermost, omitted > 0 {
                out += style.dim("\n  … \(omitted) more call\(omitted == 1 ? "" : "s") …")
            }
            out += style.dim(
                "\n  in \(step.function), called at \(step.span.file):\(step.span.line):\(step.span.column)")
        }
        return out
    }

    public var description: String { render() }

    private struct Style {
        let color: Bool
        func wrap(_ code: String, _ s: String) -> String { color ? "\u{1B}[\(code)m\(s)\u{1B}[0m" : s }
        func error(_ s: String) -> String { wrap("1;31", s) }
        func strong(_ s: String) -> String { wrap("1", s) }
        func dim(_ s: String) -> String { wrap("2", s) }
        func hint(_ s: String) -> String { wrap("1;36", s) }
    }
}

/// All that is wrong with one source text: what `Interpreter.run` throws. A run-time error is one
/// diagnostic, a text that does not parse may have several.
public struct Diagnostics: Error, Sendable, CustomStringConvertible {
    public var all: [Diagnostic]

    public init(_ all: [Diagnostic]) { self.all = all }

    /// True where the work was stopped by the person.
    public var isInterrupt: Bool { all.contains { $0.kind == .interrupted } }

    public func render(color: Bool = false) -> String {
        all.map { $0.render(color: color) }.joined(separator: "\n\n")
    }

    public var description: String { render() }
}

extension SourceSpan {
    /// The line and its carets, cut to a window around the span where the line is long.
    func marked() -> (line: String, caret: String) {
        var characters = Array(sourceLine)
        var start = max(0, min(column - 1, characters.count))
        var cutLeft = false
        if start > 80 {
            characters.removeFirst(start - 40)
            start = 40
            cutLeft = true
        }
        var line = String(characters.prefix(120).map { $0 == "\t" ? " " : $0 })
        if characters.count > 120 { line += "…" }
        if cutLeft { line = "…" + line; start += 1 }
        let room = max(1, min(length, 120 - start))
        let before = line.prefix(start).map { Self.columns($0) }.reduce(0, +)
        let under = line.dropFirst(start).prefix(room).map { Self.columns($0) }.reduce(0, +)
        return (line, String(repeating: " ", count: before) + String(repeating: "^", count: max(1, under)))
    }

    /// Terminal columns of a character: wide for East Asian and emoji.
    static func columns(_ c: Character) -> Int {
        guard let s = c.unicodeScalars.first else { return 0 }
        switch s.value {
        case 0..<0x1100: return 1
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
