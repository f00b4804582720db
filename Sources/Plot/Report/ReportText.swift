import Support

/// Words as HTML. Everything that comes from a person, a file or a run goes through `escaped`.
enum ReportText {
    static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            default:
                // Control characters are no characters of HTML; those that turn the direction of
                // writing could show code as what it is not.
                let isHidden =
                    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                    || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
                if !isHidden { result.unicodeScalars.append(scalar) }
            }
        }
        return result
    }

    /// Without the terminal's escape sequences, and of a line that was overwritten only its last state.
    static func withoutEscapes(_ text: String) -> String {
        let plain = text.replacing(
            #/\u{1B}(\[[0-?]*[ -\/]*[@-~]|\][^\u{7}\u{1B}]*(\u{7}|\u{1B}\\)|[@-Z\\-_])/#, with: "")
        return plain.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)
            .map { line in line.split(separator: "\r").last.map(String.init) ?? "" }
            .joined(separator: "\n")
    }

    /// "0.42 s", "12.3 s", "3 min 5 s", "2 h 10 min".
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
        if seconds < 0.001 { return "< 1 ms" }
        if seconds < 1 { return "\(Int((seconds * 1000).rounded())) ms" }
        if seconds < 60 { return "\(format(seconds, digits: 3)) s" }
        let whole = Int(seconds.rounded())
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole / 60 % 60) min"
    }

    static func table(header: [String], rows: [[String]]) -> String {
        guard !rows.isEmpty || !header.isEmpty else { return "" }
        var result = "<div class=\"wide\"><table>\n"
        if !header.isEmpty {
            result +=
                "<thead><tr>" + header.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
                + "</tr></thead>\n"
        }
        result += "<tbody>\n"
        for row in rows {
            let cells = row.enumerated().map { index, cell in
                if index == 0 { return "<th scope=\"row\">\(escaped(cell))</th>" }
                let isNumber =
                    Double(cell.replacing(",", with: "").replacing("%", with: "").filter { $0 != " " }) != nil
                return "<td\(isNumber ? " class=\"number\"" : "")>\(escaped(cell))</td>"
            }
            result += "<tr>" + cells.joined() + "</tr>\n"
        }
        return result + "</tbody></table></div>\n"
    }

    /// Paragraphs, lists and headings of a comment; lines that are set in stay as they are, such as commands
    /// and formulas.
    static func prose(_ text: String) -> String {
        var result = ""
        var paragraph: [Substring] = []
        var list: [[Substring]] = []
        var setIn: [Substring] = []
        func flush() {
            if !setIn.isEmpty {
                result += "<pre class=\"set\">\(escaped(setIn.joined(separator: "\n")))</pre>\n"
            }
            setIn = []
            if !paragraph.isEmpty { result += "<p>\(inline(paragraph.joined(separator: " ")))</p>\n" }
            if !list.isEmpty {
                result +=
                    "<ul>" + list.map { "<li>\(inline($0.joined(separator: " ")))</li>" }.joined() + "</ul>\n"
            }
            paragraph = []
            list = []
        }
        for raw in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let line = raw.trimmingPrefix { $0 == " " || $0 == "\t" }
            if line.isEmpty {
                flush()
            } else if list.isEmpty, raw.hasPrefix("    ") {
                if setIn.isEmpty { flush() }
                setIn.append(raw.dropFirst(4))
            } else if !setIn.isEmpty {
                flush()
                paragraph.append(line)
            } else if line.hasPrefix("# ") || line.hasPrefix("--- ") {
                flush()
                let words = line.drop { $0 == "#" || $0 == "-" || $0 == " " }
                let kept = words.reversed().drop { $0 == "-" || $0 == " " }.reversed()
                result += "<h2>\(inline(String(kept)))</h2>\n"
            } else if line.hasPrefix("- ") {
                if list.isEmpty { flush() }
                list.append([line.dropFirst(2)])
            } else if !list.isEmpty {
                list[list.count - 1].append(line)
            } else {
                paragraph.append(line)
            }
        }
        flush()
        return result
    }

    /// `…` as code; nothing else has a meaning.
    private static func inline(_ text: String) -> String {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        // An odd number of backquotes: the last is only a character.
        let pairs = parts.count % 2 == 1 ? parts.count : parts.count - 1
        var result = ""
        for (index, part) in parts.enumerated() {
            if index >= pairs { result += "`" }
            result +=
                index % 2 == 1 && index < pairs
                ? "<code>\(escaped(String(part)))</code>" : escaped(String(part))
        }
        return result
    }

    static let style = """
        :root { --ink: #1d2125; --paper: #ffffff; --soft: #5c6670; --line: #dde2e7; --cell: #f5f7f9;
          --key: #8a3ffc; --text: #0b6e3d; --number: #a8480a; --call: #0058b8; --bad: #b3261e; --bad-cell: #fdecea; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --paper: #15181b; --soft: #9aa5b0;
          --line: #343b42; --cell: #1e2327; --key: #c4a1ff; --text: #7fd6a4; --number: #f2b27c; --call: #86bdff;
          --bad: #ff9d94; --bad-cell: #3a1d1b; } }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 16px/1.6 system-ui, "DejaVu Sans", "Noto Sans", sans-serif; }
        main { max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
        h1 { font-size: 1.7rem; line-height: 1.25; margin: .5rem 0; overflow-wrap: anywhere; }
        h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
        .subtitle, figcaption, .missing { color: var(--soft); font-size: .9rem; }
        pre, code { font-family: ui-monospace, "DejaVu Sans Mono", "Noto Sans Mono", monospace; }
        code { font-size: .92em; }
        pre { font-size: .85rem; line-height: 1.5; margin: .6rem 0; padding: .7rem .9rem; overflow-x: auto;
          border-radius: 6px; tab-size: 4; }
        pre code { font-size: inherit; }
        .cell { position: relative; margin-top: 1.3rem; }
        .code { background: var(--cell); border: 1px solid var(--line); }
        .output { padding-top: .2rem; padding-bottom: .2rem; border-left: 3px solid var(--line); border-radius: 0; }
        .failure { color: var(--bad); background: var(--bad-cell); border-left: 3px solid var(--bad); }
        .time { position: absolute; top: -1.15rem; right: .2rem; color: var(--soft); font-size: .72rem; }
        .k { color: var(--key); } .s { color: var(--text); } .n { color: var(--number); } .f { color: var(--call); }
        .c { color: var(--soft); font-style: italic; }
        figure { margin: 1.2rem 0; }
        img { display: block; max-width: 100%; height: auto; background: #fff; border: 1px solid var(--line);
          border-radius: 6px; }
        .set { border-left: 3px solid var(--line); border-radius: 0; padding: .1rem .9rem; }
        .sound { display: inline-block; vertical-align: top; width: 16.5rem; max-width: 100%; margin: .6rem 1.2rem .6rem 0; }
        audio { width: 100%; display: block; }
        figcaption { margin-top: .35rem; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; font-size: .92rem; }
        th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line);
          vertical-align: top; overflow-wrap: anywhere; }
        tbody th { font-weight: 500; white-space: nowrap; }
        .number { text-align: right; font-variant-numeric: tabular-nums; }
        .reproduce { margin-top: 3rem; font-size: .92rem; }
        .reproduce .number { text-align: left; }
        @media (max-width: 36rem) { .picture { overflow-x: auto; } .picture img { min-width: 34rem; max-width: none; } }
        @media print { body { background: #fff; color: #000; font-size: 11pt; } main { max-width: none; padding: 0; }
          pre { white-space: pre-wrap; } figure, table { break-inside: avoid; } audio { display: none; } }
        """
}
