import Support

/// Reads class and speaker out of a file's name.
///
/// A pattern is the name with `*` for anything, `{speaker}` for the speaker and, where the folders
/// do not tell the classes, `{class}`: "{class}_{speaker}_*" reads "7_jackson_12" as class 7 spoken
/// by jackson. It is matched against the path below the class folder (below the whole folder where
/// it has a `{class}`), without the file's ending. Each part takes as little as possible and never
/// crosses a `/`, save `*`.
public struct NamePattern: Sendable, Equatable {
    enum Part: Sendable, Equatable {
        case text([UInt8])
        case anything
        case speaker
        case label
    }

    let parts: [Part]
    public let text: String
    /// True where the classes come from the names, not from the folders.
    public var readsClass: Bool { parts.contains(.label) }

    /// Throws a value failure where a name in braces is none of the two, or comes twice.
    public init(_ text: String) throws(Failure) {
        var parts: [Part] = []
        var literal: [UInt8] = []
        var rest = Substring(text)
        func flush() {
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = []
        }
        while let c = rest.first {
            if c == "*" {
                flush()
                if parts.last != .anything { parts.append(.anything) }
                rest.removeFirst()
            } else if c == "{" {
                flush()
                let part: Part
                if rest.hasPrefix("{speaker}") {
                    part = .speaker
                } else if rest.hasPrefix("{class}") {
                    part = .label
                } else {
                    throw Self.wrong(text, "braces hold 'speaker' or 'class'")
                }
                if parts.contains(part) { throw Self.wrong(text, "a name comes twice") }
                parts.append(part)
                rest = rest.drop { $0 != "}" }.dropFirst()
            } else {
                literal += String(c).utf8
                rest.removeFirst()
            }
        }
        flush()
        if parts.isEmpty { throw Self.wrong(text, "it is empty") }
        self.parts = parts
        self.text = text
    }

    private static func wrong(_ text: String, _ why: String) -> Failure {
        Failure(
            .value, "'\(text)' is no pattern for names: \(why)",
            hint: "write the name with {speaker} for the speaker and * for anything, such as \"{speaker}_*\"")
    }

    /// What the name tells; nil where it does not match.
    package func match(_ name: String) -> (speaker: String?, label: String?)? {
        let bytes = Array(name.utf8)
        var found: [Part: Range<Int>] = [:]
        var budget = 100_000
        guard match(bytes, 0, 0, &found, &budget) else { return nil }
        func read(_ part: Part) -> String? {
            found[part].map { String(decoding: bytes[$0], as: UTF8.self) }
        }
        return (read(.speaker), read(.label))
    }

    /// `budget` bounds the steps that a pattern of many stars may take on one name.
    private func match(
        _ name: [UInt8], _ at: Int, _ part: Int, _ found: inout [Part: Range<Int>], _ budget: inout Int
    ) -> Bool {
        budget -= 1
        if budget < 0 { return false }
        guard part < parts.count else { return at == name.count }
        switch parts[part] {
        case .text(let literal):
            guard name.count - at >= literal.count, name[at..<at + literal.count].elementsEqual(literal)
            else {
                return false
            }
            return match(name, at + literal.count, part + 1, &found, &budget)
        case let variable:
            if part == parts.count - 1, variable == .anything { return true }
            var end = variable == .anything ? at : at + 1
            while end <= name.count {
                if variable != .anything, name[end - 1] == UInt8(ascii: "/") { return false }
                if match(name, end, part + 1, &found, &budget) {
                    if variable != .anything { found[variable] = at..<end }
                    return true
                }
                end += 1
            }
            return false
        }
    }

    /// The speaker where no pattern is given: the name before `_nohash_` (Speech Commands), else
    /// before the first `_` or, where that only repeats the class, between the first two; else the
    /// whole name.
    package static func usualSpeaker(_ name: Substring, label: String) -> Substring {
        if let marker = name.range(ofText: "_nohash_") { return name[..<marker.lowerBound] }
        let fields = name.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count > 1, let first = fields.first else { return name }
        if first == label { return fields[1] }
        return first.isEmpty ? name : first
    }
}

extension NamePattern.Part: Hashable {}

extension Substring {
    /// The first place of `text`, compared by bytes.
    func range(ofText text: String) -> Range<Index>? {
        let needle = Array(text.utf8)
        let hay = utf8
        var at = hay.startIndex
        while at != hay.endIndex {
            if hay[at...].starts(with: needle) { return at..<hay.index(at, offsetBy: needle.count) }
            at = hay.index(after: at)
        }
        return nil
    }
}
