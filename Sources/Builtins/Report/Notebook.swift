/// A script read as a notebook: which of its lines are words about the run, and which are code.
///
/// A comment with an empty line before it (or nothing at all) is prose; one that follows code at once
/// belongs to that code, and so does `##`, which documents the function below it.
package enum Notebook {
    package enum Piece: Equatable {
        case prose(String)
        /// `isJoined`: no empty line parts it from the code before.
        case code(String, isJoined: Bool)
    }

    /// The pieces of `lines` from line `first` (from 0) up to the end of `statement`, or, without one,
    /// of all that is left.
    package static func pieces(_ lines: [Substring], from first: Int, statement: Range<Int>?) -> [Piece] {
        let end = min(statement?.upperBound ?? lines.count, lines.count)
        guard first < end else { return [] }
        var pieces: [Piece] = []
        var prose: [String] = []
        var code: [Substring] = []
        // What stands before: an empty line, or nothing, lets a comment be prose.
        var isParted = first == 0 || isEmpty(lines[first - 1])
        var isJoined = !isParted

        func flush() {
            if !prose.isEmpty { pieces.append(.prose(prose.joined(separator: "\n"))) }
            if !code.isEmpty { pieces.append(.code(code.joined(separator: "\n"), isJoined: isJoined)) }
            prose = []
            code = []
        }

        for i in first..<end {
            let line = lines[i].drop { $0 == " " || $0 == "\t" }
            let isInside = statement.map { i >= $0.lowerBound } ?? false
            if isInside {
                if !prose.isEmpty {
                    flush()
                    isJoined = false
                }
                code.append(lines[i])
            } else if isEmpty(lines[i]) {
                if !prose.isEmpty {
                    prose.append("")
                } else if !code.isEmpty {
                    flush()
                }
                isParted = true
                isJoined = false
            } else if i == 0, line.hasPrefix("#!") {
                continue
            } else if line.hasPrefix("#"), !line.hasPrefix("##"), !prose.isEmpty || (isParted && code.isEmpty)
            {
                prose.append(words(line))
                isParted = false
            } else {
                if !prose.isEmpty {
                    flush()
                    isJoined = false
                }
                code.append(lines[i])
                isParted = false
            }
        }
        flush()
        return pieces
    }

    private static func isEmpty(_ line: Substring) -> Bool { line.allSatisfy(\.isWhitespace) }

    /// A comment without its sign; what stands deeper keeps that.
    private static func words(_ line: Substring) -> String {
        let text = line.dropFirst()
        return String(text.first == " " ? text.dropFirst() : text)
    }
}
