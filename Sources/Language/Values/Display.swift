/// How values are written: for `str` and `print`, inside messages, and as a line of the shell.
extension Value {
    /// As `str(x)` and `"{x}"` give it: a string is itself, anything else as it would be written.
    public var text: String {
        switch self {
        case .string(let s): return s.string
        case .number(let x): return Numbers.text(x)
        default: return written
        }
    }

    /// As it would be written in vz, whole; strings with quotes.
    public var written: String {
        var writer = ValueWriter(limit: ValueWriter.longestText, longest: .max)
        writer.write(self, depth: 0)
        return writer.out
    }

    /// One line of about `limit` characters at most; long lists are shortened.
    public func summary(limit: Int = 80) -> String {
        var writer = ValueWriter(limit: limit, longest: 20)
        writer.write(self, depth: 0)
        return writer.out.count > limit + 1 ? String(writer.out.prefix(max(1, limit - 1))) + "…" : writer.out
    }

    /// As the shell shows the value of a line: lists and records one line where they fit, else one
    /// entry a line, and records of one form as a table; long ones shortened. Without a final newline.
    public func display(width: Int = 80) -> String {
        switch self {
        case .object(let o): return o.display(width: width)
        case .string(let s):
            return s.string.utf8.count > 4000 ? summary(limit: 4000) : Self.quoted(s.string)
        case .list(let l): return Self.display(l, width: width)
        case .record(let r): return Self.display(r, width: width)
        case .function(let f):
            let head = "fn \(f.signature)"
            return f.doc.isEmpty
                ? head
                : head + "\n" + f.doc.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
        case .builtin(let b):
            return b.summary.isEmpty ? "fn \(b.signature)" : "fn \(b.signature)\n    \(b.summary)"
        default: return written
        }
    }

    private static func display(_ list: List, width: Int) -> String {
        let line = Value.list(list).summary(limit: max(20, width * 2))
        if line.count <= width, list.count <= 20 { return line }
        if let table = RecordTable(list)?.text(width: width) { return table }
        let isPlain = list.items.allSatisfy { if case .number = $0 { true } else { false } }
        if isPlain {
            let shown = list.count > 200 ? Array(list.items.prefix(100)) : list.items
            let tail = list.count > 200 ? ["…"] + list.items.suffix(10).map(\.text) : []
            return wrap(shown.map(\.text) + tail, width: width)
                + (list.count > 200 ? "   # \(list.count) numbers" : "")
        }
        let shown = list.count > 40 ? Array(list.items.prefix(30)) : list.items
        var lines = shown.map { "  " + $0.summary(limit: max(20, width - 3)) + "," }
        if list.count > 40 {
            lines.append("  … \(list.count - 33) more")
            lines += list.items.suffix(3).map { "  " + $0.summary(limit: max(20, width - 3)) + "," }
        }
        return "[\n" + lines.joined(separator: "\n") + "\n]"
    }

    private static func wrap(_ words: [String], width: Int) -> String {
        var lines: [String] = []
        var line = "["
        for (i, word) in words.enumerated() {
            let piece = word + (i + 1 < words.count ? "," : "]")
            if line.count + piece.count + 1 > width, line.count > 1 {
                lines.append(line)
                line = " " + piece
            } else {
                line += (line == "[" ? "" : " ") + piece
            }
        }
        return (lines + [line]).joined(separator: "\n")
    }

    private static func display(_ record: Record, width: Int) -> String {
        let line = Value.record(record).summary(limit: max(20, width * 2))
        if line.count <= width, record.count <= 8 { return line }
        let shown = record.pairs.prefix(60)
        let keys = shown.map { ValueWriter.key($0.0) }
        let column = min(30, keys.map(\.count).max() ?? 0)
        var lines = zip(keys, shown).map { key, pair in
            let pad = String(repeating: " ", count: max(0, column - key.count))
            return "  \(key):\(pad) \(pair.1.summary(limit: max(20, width - column - 5))),"
        }
        if record.count > 60 { lines.append("  … \(record.count - 60) more") }
        return "{\n" + lines.joined(separator: "\n") + "\n}"
    }

    /// `s` as a string literal of vz.
    public static func quoted(_ s: String) -> String {
        var out = "\""
        for c in s.unicodeScalars {
            switch c {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            case "\r": out += "\\r"
            case "{": out += "\\{"
            case "}": out += "\\}"
            default:
                if c.value < 32 || c.value == 127 {
                    out += "\\u{\(String(c.value, radix: 16))}"
                } else {
                    out.unicodeScalars.append(c)
                }
            }
        }
        return out + "\""
    }
}

/// Writes values as vz, stopping at a length and a depth: a list may hold itself.
struct ValueWriter {
    var out = ""
    /// Stop after about this many bytes.
    let limit: Int
    /// Show at most this many elements of a list.
    let longest: Int
    private static let deepest = 60
    /// The lists and records that are being written: one inside itself is not written again.
    private var open: [AnyObject] = []
    /// Lists that share their parts can be written much longer than they are.
    static let longestText = 1 << 28

    init(limit: Int, longest: Int) {
        self.limit = limit
        self.longest = longest
    }

    private var isFull: Bool { out.utf8.count > limit }

    static func key(_ key: String) -> String {
        var isName = !key.isEmpty
        for (i, c) in key.unicodeScalars.enumerated() {
            let isLetter = c == "_" || c.properties.isAlphabetic
            if !isLetter && (i == 0 || !(c.value >= 48 && c.value <= 57)) { isName = false }
        }
        return isName ? key : Value.quoted(key)
    }

    mutating func write(_ value: Value, depth: Int) {
        if depth > ValueWriter.deepest {
            out += "…"
            return
        }
        switch value {
        case .number(let x): out += Numbers.text(x)
        case .bool(let b): out += b ? "true" : "false"
        case .string(let s):
            let isLong = limit < ValueWriter.longestText && s.string.utf8.count > 4 * limit
            out += Value.quoted(isLong ? String(s.string.prefix(limit + 1)) : s.string)
        case .nil: out += "nil"
        case .range(let r): out += r.text
        case .function(let f): out += "fn \(f.signature)"
        case .builtin(let b): out += "fn \(b.signature)"
        case .object(let o): out += o.summary
        case .list(let l): write(l, depth: depth)
        case .record(let r): write(r, depth: depth)
        }
    }

    private mutating func write(_ list: List, depth: Int) {
        guard !open.contains(where: { $0 === list }) else {
            out += "[…]"
            return
        }
        open.append(list)
        defer { open.removeLast() }
        out += "["
        for (i, item) in list.items.enumerated() {
            if i > 0 { out += ", " }
            if isFull || (i >= longest - 3 && list.count > longest) {
                out += "… \(list.count - i) more"
                break
            }
            write(item, depth: depth + 1)
        }
        out += "]"
    }

    private mutating func write(_ record: Record, depth: Int) {
        guard !open.contains(where: { $0 === record }) else {
            out += "{…}"
            return
        }
        open.append(record)
        defer { open.removeLast() }
        out += "{"
        for i in 0..<record.count {
            if i > 0 { out += ", " }
            if isFull {
                out += "…"
                break
            }
            out += ValueWriter.key(record.keys[i]) + ": "
            write(record.value(at: i), depth: depth + 1)
        }
        out += "}"
    }
}
