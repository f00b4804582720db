/// Makes texts: random bytes, random words of vz, mutations of known texts, and random programs.
struct Generator {
    private var state: UInt64
    private let corpus: [[UInt8]]
    private let names: [String]

    init(seed: UInt64, corpus: [[UInt8]], names: [String]) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1
        self.corpus = corpus
        self.names = names
    }

    /// splitmix64.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ n: Int) -> Int { n <= 0 ? 0 : Int(next() % UInt64(n)) }
    private mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }
    private mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    mutating func text() -> String {
        switch below(20) {
        case 0: return String(decoding: (0..<below(200)).map { _ in UInt8(below(256)) }, as: UTF8.self)
        case 1, 2, 3: return words(below(60))
        case 4...10: return mutated()
        default: return program()
        }
    }

    // MARK: Words

    private static let words = [
        "fn", "if", "else", "for", "in", "while", "break", "continue", "return", "try", "raise", "use", "as",
        "and",
        "or", "not", "true", "false", "nil", "x", "y", "xs", "f", "s", "r", "1", "2.5", "0", "1e300", "0xff",
        "\"a\"",
        "\"{x}\"", "'r'", "\"\"\"", "\"", "(", ")", "[", "]", "{", "}", ",", ";", ":", ".", "..", "..<", "->",
        "|>", "??",
        "+", "-", "*", "**", "/", "//", "%", "^", "@", "==", "!=", "<", "<=", ">", ">=", "=", "+=", "-=",
        "*=", "\n",
        "\n", "##", "#", "é", "😀", "\\", "=>", "!", "&&", "$",
    ]

    private mutating func words(_ n: Int) -> String {
        var out = ""
        for _ in 0..<n {
            out += chance(10) ? pick(names) : pick(Generator.words)
            if chance(80) { out += " " }
        }
        return out
    }

    // MARK: Mutation

    private mutating func mutated() -> String {
        guard !corpus.isEmpty else { return program() }
        var bytes = pick(corpus)
        for _ in 0...below(6) {
            let at = below(bytes.count + 1)
            switch below(7) {
            case 0 where at < bytes.count: bytes[at] = UInt8(below(256))
            case 1 where at < bytes.count: bytes.remove(at: at)
            case 2: bytes.insert(contentsOf: Array(pick(Generator.words).utf8), at: at)
            case 3:
                let end = min(bytes.count, at + below(30))
                bytes.removeSubrange(at..<end)
            case 4:
                let other = pick(corpus)
                let from = below(other.count)
                bytes.insert(contentsOf: other[from..<min(other.count, from + below(60))], at: at)
            case 5:
                let end = min(bytes.count, at + below(20))
                let piece = Array(bytes[at..<end])
                for _ in 0..<below(8) { bytes.insert(contentsOf: piece, at: at) }
            default: bytes.insert(contentsOf: Array(pick(names).utf8), at: at)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Programs

    private mutating func program() -> String {
        var out = "x = 3; y = -1.5; xs = [1, 2, 3]; s = \"aé\"; r = {a: 1, b: [2]}\nfn f(a, b = 2, *c) = a\n"
        // Most are small: more of them are tried in the same time.
        let depth = 1 + below(3)
        for _ in 0...below(depth == 3 ? 6 : 3) { out += statement(depth) + "\n" }
        return out
    }

    private mutating func name() -> String { pick(["x", "y", "xs", "s", "r", "f", "z", "i"]) }

    private mutating func block(_ depth: Int) -> String {
        "{ " + (0...below(3)).map { _ in statement(depth - 1) }.joined(separator: "\n") + " }"
    }

    private mutating func statement(_ depth: Int) -> String {
        if depth <= 0 { return expression(1) }
        switch below(14) {
        case 0, 1: return "\(name()) = \(expression(depth))"
        case 2: return "\(name()) \(pick(["+=", "-=", "*=", "/=", "^=", "%=", "//="])) \(expression(depth))"
        case 3: return "for \(name()) in \(expression(depth)) \(block(depth))"
        case 4: return "for i, z in \(expression(depth)) \(block(depth))"
        case 5: return "while \(expression(depth)) \(block(depth))"
        case 6: return "if \(expression(depth)) \(block(depth)) else \(block(depth))"
        case 7: return "fn \(name())(\(pick(["", "a", "a, b = 1", "*c", "a, **d"]))) \(block(depth))"
        case 8: return "\(name())[\(expression(1))] = \(expression(depth))"
        case 9: return "x, y = \(expression(depth)), \(expression(depth))"
        case 10: return "x, *y = \(expression(depth))"
        case 11:
            return pick([
                "break", "continue", "return \(expression(1))", "raise \(expression(1))", "r.a += 1",
            ])
        default: return expression(depth)
        }
    }

    private mutating func expression(_ depth: Int) -> String {
        if depth <= 0 || chance(15) {
            return pick([
                "1", "0", "-1", "2.5", "1e300", "nil", "true", "false", "\"a\"", "\"é{x}\"", "[]", "{}",
                "inf", "nan", name(),
                name(), name(), "1..3", "xs", "s",
            ])
        }
        let d = depth - 1
        switch below(18) {
        case 0, 1, 2:
            let ops = [
                "+", "-", "*", "/", "//", "%", "^", "@", "==", "!=", "<", "<=", ">", ">=", "and", "or", "??",
                "in", "not in",
                "..", "..<", "|>",
            ]
            return "(\(expression(d)) \(pick(ops)) \(expression(d)))"
        case 3: return "\(pick(["-", "not ", "+"]))(\(expression(d)))"
        case 4: return "[\((0..<below(4)).map { _ in expression(d) }.joined(separator: ", "))]"
        case 5: return "{a: \(expression(d)), \"b c\": \(expression(d))}"
        case 6: return "(\(expression(d)))[\(expression(d))]"
        case 7: return "(\(expression(d))).\(pick(["a", "b", "first", "name"]))"
        case 8: return "[\(expression(d)) for i in \(expression(d)) if \(expression(d))]"
        case 9: return "(i -> \(expression(d)))"
        case 10: return "((i, z = 1) -> \(block(d)))"
        case 11: return "(try \(expression(d)) else e -> \(expression(d)))"
        case 12: return "(if \(expression(d)) \(block(d)) else \(block(d)))"
        case 13: return "\"a{\(pick(["x", "xs", "s", "r", "1 + 2"]))}b{x:.2f}\""
        case 14: return "\(name())(\(expression(d)))"
        case 15:
            return
                "(\(expression(d)))[\(pick(["1..", "..-1", "0..<2", ":", "-2..-1", "0, 1", "range(5, 0, -2)"]))]"
        default:
            let arguments = (0..<below(4)).map { _ in (chance(8) ? "*" : "") + expression(d) }
            return "\(pick(names))(\(arguments.joined(separator: ", ")))"
        }
    }
}
