import Language
import Support

/// One piece of vz with what it must print and which errors it must raise, beside the lines.
///
/// `# expect: text` is the next line of output; a line of its own gives a further one. `# error: text`
/// is an error on that line whose message or hint contains the text. A line `# --- name` begins a
/// new case.
struct GoldenCase {
    let name: String
    let file: String
    let line: Int
    let source: String

    /// The cases of a file. Each keeps its line numbers.
    static func read(_ text: String, file: String) -> [GoldenCase] {
        var cases: [GoldenCase] = []
        var name = ""
        var start = 1
        var lines: [Substring] = []
        func finish() {
            let isEmpty = lines.allSatisfy {
                $0.allSatisfy(\.isWhitespace) || $0.hasPrefix("#") && !$0.contains("# error")
            }
            if isEmpty { return }
            let body = String(repeating: "\n", count: start - 1) + lines.joined(separator: "\n")
            cases.append(GoldenCase(name: name, file: file, line: start, source: body))
        }
        for (i, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("# --- ") {
                finish()
                name = String(line.dropFirst(6))
                start = i + 2
                lines = []
            } else {
                lines.append(line)
            }
        }
        finish()
        return cases
    }

    /// The blocks of vz in a text in Markdown.
    static func readMarkdown(_ text: String, file: String) -> [GoldenCase] {
        var cases: [GoldenCase] = []
        var start: Int?
        var lines: [Substring] = []
        for (i, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line == "```vz" {
                start = i + 2
                lines = []
            } else if line == "```", let first = start {
                let body = String(repeating: "\n", count: first - 1) + lines.joined(separator: "\n")
                cases.append(GoldenCase(name: "", file: file, line: first, source: body))
                start = nil
            } else {
                lines.append(line)
            }
        }
        return cases
    }

    private var expected: [String] {
        source.split(separator: "\n").compactMap { line in
            guard let at = StringSearch.find("# expect:", in: String(line)) else { return nil }
            var rest = Substring(String(line).utf8.dropFirst(at + 9))
            while rest.first == " " { rest.removeFirst() }
            while rest.last == " " { rest.removeLast() }
            return String(rest)
        }
    }

    private var errors: [(line: Int, text: String)] {
        var result: [(Int, String)] = []
        for (i, line) in source.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard let at = StringSearch.find("# error: ", in: String(line)) else { continue }
            let rest = Substring(String(line).utf8.dropFirst(at + 9))
            result.append((i + 1, String(rest)))
        }
        return result
    }

    /// What is wrong; nil where all is as the case says.
    func problem(builtins: [Builtin]) -> String? {
        let interpreter = Interpreter(builtins: builtins)
        var output = ""
        interpreter.output = { output += $0 }
        interpreter.show = { output += $0.display(width: 100) + "\n" }
        var found: [Diagnostic] = []
        do {
            try interpreter.run(source, file: file)
        } catch let error as Diagnostics {
            found = error.all
        } catch {
            return "threw \(error)"
        }
        let printed = output.split(separator: "\n", omittingEmptySubsequences: true).map { line in
            var line = line
            while line.first == " " { line.removeFirst() }
            while line.last == " " { line.removeLast() }
            return String(line)
        }
        if printed != expected {
            return "expected \(expected)\nfound    \(printed)" + found.map { "\n\($0)" }.joined()
        }
        let wanted = errors
        if found.count != wanted.count {
            return "expected \(wanted.count) errors, found \(found.count)" + found.map { "\n\($0)" }.joined()
        }
        for (d, w) in zip(found, wanted) {
            let text = d.message + "; " + (d.hint ?? "")
            if StringSearch.find(w.text, in: text) == nil || d.span?.line != w.line {
                return "expected on line \(w.line): \(w.text)\nfound on line \(d.span?.line ?? 0): \(text)"
            }
        }
        return nil
    }
}
