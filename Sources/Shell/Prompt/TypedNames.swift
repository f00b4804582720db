/// The names that a text gives to things, found in a text that may not be finished: what stands before
/// `=`, parameters of functions, variables of loops. The session does not know them yet.
package struct TypedNames {
    /// Each once, in order.
    package private(set) var found: [String] = []

    private enum Sign: Equatable {
        case word(String)
        case other(UInt8)
    }

    /// - Parameter hole: the bytes of the word under the cursor, which is no name yet.
    package init(_ text: String, without hole: Range<Int>) {
        let bytes = Array(text.utf8)
        var hole = hole
        while hole.upperBound < bytes.count, CursorContext.isWord(bytes[hole.upperBound]) {
            hole = hole.lowerBound..<(hole.upperBound + 1)
        }
        let signs = Self.signs(bytes, without: hole)
        // Open brackets; true for those in which `=` names an argument.
        var open: [Bool] = []
        for (i, sign) in signs.enumerated() {
            switch sign {
            case .word("fn"):
                guard i + 1 < signs.count else { break }
                if case .word(let name) = signs[i + 1] { add(name) }
                let from = signs[i + 1] == .other(UInt8(ascii: "(")) ? i + 1 : i + 2
                addParameters(signs, from)
            case .word("for"):
                for sign in signs[(i + 1)...] {
                    if sign == .word("in") { break }
                    if case .word(let name) = sign { add(name) } else if sign != .other(Self.comma) { break }
                }
            case .word("as"):
                if i + 1 < signs.count, case .word(let name) = signs[i + 1] { add(name) }
            case .other(Self.equals) where open.last != true && !Self.compares(signs, i):
                addBefore(signs, i)
            case .other(Self.arrow): addLambda(signs, i)
            case .other(UInt8(ascii: "(")), .other(UInt8(ascii: "[")): open.append(true)
            case .other(UInt8(ascii: "{")): open.append(false)
            case .other(UInt8(ascii: ")")), .other(UInt8(ascii: "]")), .other(UInt8(ascii: "}")):
                if !open.isEmpty { open.removeLast() }
            default: break
            }
        }
    }

    private static let equals = UInt8(ascii: "=")
    private static let comma = UInt8(ascii: ",")
    /// Stands for `->`.
    private static let arrow = UInt8(ascii: ">") | 0x80

    /// Words, and the signs between them; strings are one sign, comments and blanks are none.
    private static func signs(_ bytes: [UInt8], without hole: Range<Int>) -> [Sign] {
        var signs: [Sign] = []
        var word: [UInt8] = []
        var last = -1
        func end() {
            if let first = word.first, !(48...57).contains(first) {
                signs.append(.word(String(decoding: word, as: UTF8.self)))
            }
            word = []
        }
        for (place, byte) in CursorContext.code(bytes, from: 0, to: bytes.count) {
            if place != last + 1 { end() }
            let isNext = place == last + 1
            last = place
            if CursorContext.isWord(byte) {
                if !hole.contains(place) { word.append(byte) }
                continue
            }
            end()
            if isNext, byte == UInt8(ascii: ">"), signs.last == .other(UInt8(ascii: "-")) {
                signs[signs.count - 1] = .other(arrow)
            } else if byte != UInt8(ascii: " "), byte != UInt8(ascii: "\t") {
                signs.append(.other(byte))
            }
        }
        end()
        return signs
    }

    private mutating func add(_ name: String) {
        if !found.contains(name) { found.append(name) }
    }

    /// `==`, `<=`, `+=` … make no new name.
    private static func compares(_ signs: [Sign], _ i: Int) -> Bool {
        let near = [i > 0 ? signs[i - 1] : nil, i + 1 < signs.count ? signs[i + 1] : nil]
        if near[1] == .other(equals) { return true }
        guard case .word? = near[0] else { return true }
        return false
    }

    /// `a, b =`
    private mutating func addBefore(_ signs: [Sign], _ i: Int) {
        var names: [String] = []
        var at = i - 1
        while at >= 0, case .word(let name) = signs[at] {
            // `r.name = …` sets a member.
            if at > 0, signs[at - 1] == .other(UInt8(ascii: ".")) { return }
            names.append(name)
            guard at > 0, signs[at - 1] == .other(Self.comma) else { break }
            at -= 2
        }
        for name in names.reversed() { add(name) }
    }

    /// `x ->`, `(x, y) ->`
    private mutating func addLambda(_ signs: [Sign], _ i: Int) {
        guard i > 0 else { return }
        if case .word(let name) = signs[i - 1] { return add(name) }
        guard signs[i - 1] == .other(UInt8(ascii: ")")) else { return }
        var depth = 0
        for at in stride(from: i - 1, through: 0, by: -1) {
            if signs[at] == .other(UInt8(ascii: ")")) { depth += 1 }
            if signs[at] == .other(UInt8(ascii: "(")) { depth -= 1 }
            if depth == 0 { return addParameters(signs, at) }
        }
    }

    /// The words that stand first in each part of the list that opens at `from`.
    private mutating func addParameters(_ signs: [Sign], _ from: Int) {
        guard from < signs.count, signs[from] == .other(UInt8(ascii: "(")) else { return }
        var depth = 0
        var isFirst = true
        for sign in signs[from...] {
            switch sign {
            case .other(UInt8(ascii: "(")), .other(UInt8(ascii: "[")), .other(UInt8(ascii: "{")):
                isFirst = depth == 0
                depth += 1
            case .other(UInt8(ascii: ")")), .other(UInt8(ascii: "]")), .other(UInt8(ascii: "}")):
                depth -= 1
                if depth == 0 { return }
            case .other(Self.comma): isFirst = depth == 1
            case .other(UInt8(ascii: "*")), .other(UInt8(ascii: "\n")): break
            case .word(let name):
                if isFirst { add(name) }
                isFirst = false
            default: isFirst = false
            }
        }
    }
}
