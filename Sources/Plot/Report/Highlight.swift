/// Statements of vz as HTML with syntax colours. Made for the eye: it never fails, whatever the text.
enum Highlight {
    private static let keywords: Set<String> = [
        "fn", "if", "else", "while", "for", "in", "try", "raise", "use", "as", "and", "or", "not", "nil",
        "true", "false", "return",
        "break",
        "continue",
    ]

    static func html(_ source: String) -> String {
        var result = ""
        var scanner = Scanner(Array(source))
        while let (text, kind) = scanner.next() {
            let escaped = ReportText.escaped(text)
            result += kind.map { "<span class=\"\($0)\">\(escaped)</span>" } ?? escaped
        }
        return result
    }

    /// One piece after the other, with the class that colours it.
    private struct Scanner {
        let text: [Character]
        var at = 0

        init(_ text: [Character]) { self.text = text }

        private func peek(_ offset: Int = 0) -> Character? {
            at + offset < text.count ? text[at + offset] : nil
        }

        private mutating func take(while condition: (Character) -> Bool) -> String {
            let start = at
            while let character = peek(), condition(character) { at += 1 }
            return String(text[start..<at])
        }

        mutating func next() -> (String, String?)? {
            guard let first = peek() else { return nil }
            switch first {
            case "#": return (take { !$0.isNewline }, "c")
            case "\"": return (string(), "s")
            case _ where first.isNumber: return (number(), "n")
            case _ where first.isLetter || first == "_":
                let word = take { $0.isLetter || $0.isNumber || $0 == "_" }
                if Highlight.keywords.contains(word) { return (word, "k") }
                return (word, peek() == "(" ? "f" : nil)
            default:
                at += 1
                return (String(first), nil)
            }
        }

        /// To the closing quote, past what stands in braces and after backslashes; an open one to its line's end.
        private mutating func string() -> String {
            let start = at
            at += 1
            var depth = 0
            while let character = peek() {
                at += 1
                if character == "\\" {
                    at = min(text.count, at + 1)
                } else if character == "{" {
                    depth += 1
                } else if character == "}" {
                    depth = max(0, depth - 1)
                } else if character == "\"", depth == 0 {
                    break
                } else if character.isNewline {
                    break
                }
            }
            return String(text[start..<at])
        }

        /// Digits, one point that begins no range, an exponent.
        private mutating func number() -> String {
            let start = at
            _ = take { $0.isNumber || $0 == "_" }
            if peek() == ".", peek(1)?.isNumber == true {
                at += 1
                _ = take { $0.isNumber || $0 == "_" }
            }
            if let e = peek(), e == "e" || e == "E" {
                let signed = peek(1) == "-" || peek(1) == "+"
                if peek(signed ? 2 : 1)?.isNumber == true {
                    at += signed ? 2 : 1
                    _ = take { $0.isNumber }
                }
            }
            return String(text[start..<at])
        }
    }
}
