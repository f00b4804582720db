/// A list of records that have the same names, as the shell shows it: a row for each, a column for
/// each name, numbers to the right.
struct RecordTable {
    private let names: [String]
    private let rows: [Record]
    private static let most = 40
    private static let widest = 40

    /// nil where the list is no table: other things in it, or records of other forms.
    init?(_ list: List) {
        guard list.count > 1, case .record(let first)? = list.items.first, first.count > 0, first.count <= 20
        else { return nil }
        var rows: [Record] = []
        for item in list.items {
            guard case .record(let row) = item, row.keys == first.keys else { return nil }
            rows.append(row)
        }
        names = first.keys
        self.rows = rows
    }

    /// nil where a row does not fit into `width`.
    func text(width: Int) -> String? {
        let isLong = rows.count > Self.most
        let shown = isLong ? Array(rows.prefix(Self.most - 10)) + rows.suffix(5) : rows
        var cells = shown.map { row in (0..<names.count).map { Self.cell(row.value(at: $0)) } }
        cells.insert(names.map { ($0, false) }, at: 0)
        let widths = names.indices.map { column in cells.map { Self.columns($0[column].text) }.max() ?? 0 }
        guard widths.reduce(0, +) + 2 * names.count <= width else { return nil }
        // A heading stands over its numbers.
        let isNumber = names.indices.map { column in cells.dropFirst().allSatisfy { $0[column].isNumber } }
        var lines = cells.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let pad = String(repeating: " ", count: max(0, widths[column] - Self.columns(cell.text)))
                line += "  " + (isNumber[column] ? pad + cell.text : cell.text + pad)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
        if isLong { lines.insert("  … \(rows.count - shown.count) more", at: lines.count - 5) }
        return lines.joined(separator: "\n")
    }

    private static func cell(_ value: Value) -> (text: String, isNumber: Bool) {
        switch value {
        case .number(let x): (Numbers.text(x), true)
        case .string(let s)
        where s.string.utf8.count <= widest && !s.string.utf8.contains(where: { $0 < 32 }):
            (s.string, false)
        default: (value.summary(limit: widest), false)
        }
    }

    private static func columns(_ text: String) -> Int {
        text.reduce(0) { $0 + SourceSpan.columns($1) }
    }
}
