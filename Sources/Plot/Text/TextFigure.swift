import Support

extension Figure {
    /// The figure drawn with characters: lines in braille, pictures in half blocks, tables as tables.
    ///
    /// Throws `Failure` where there is nothing to draw.
    public func text(_ style: TextStyle) throws -> String {
        guard !panels.isEmpty else { throw Failure(.value, "a figure needs at least one plot") }
        var result = ""
        if let title {
            let words = TextCanvas.fitted(title, style.columns)
            let left = (style.columns - TextCanvas.cells(of: words)) / 2
            result += String(repeating: " ", count: max(0, left)) + words + "\n"
        }
        // As many panels beside each other as stay readable.
        let least = panels.allSatisfy { $0.isSmall || $0.isPicture } ? 14 : 40
        let across = max(1, min(columns, panels.count, style.columns / least))
        let gap = across > 1 ? 2 : 0
        let width = (style.columns - gap * (across - 1)) / across
        for start in stride(from: 0, to: panels.count, by: across) {
            let row = panels[start..<min(panels.count, start + across)]
            let sheets = try row.map { panel in
                try TextPanel(panel: panel, style: style, width: width, isAlone: panels.count == 1).drawn()
            }
            let height = sheets.map(\.height).max() ?? 1
            var canvas = TextCanvas(width: style.columns, height: height)
            for (index, sheet) in sheets.enumerated() {
                for y in 0..<sheet.height {
                    for x in 0..<sheet.width { canvas[index * (width + gap) + x, y] = sheet[x, y] }
                }
            }
            result += canvas.text(style.color)
        }
        return result
    }
}

/// One panel drawn with characters.
struct TextPanel {
    let panel: Panel
    let style: TextStyle
    let width: Int
    let isAlone: Bool

    static let soft = RGB(0x8A8A8A)

    /// Rows of the plot itself.
    var plotHeight: Int {
        let natural =
            panel.isSmall
            ? max(3, width / 6) : isAlone ? max(8, min(20, width / 5)) : max(6, min(14, width / 5))
        // Title, axis, numbers and label need five more.
        return style.rows.map { max(3, min(natural, $0 - 6)) } ?? natural
    }

    func drawn() throws -> TextCanvas {
        if let table = panel.table, let canvas = drawn(table) { return canvas }
        if panel.isPicture { return try drawnPicture() }
        let extents = try panel.extents()
        let hasBars = panel.marks.contains { if case .bars = $0 { true } else { false } }
        if hasBars, panel.x.ticks != nil || panel.y.ticks != nil { return drawnBars() }
        return try drawnAxes(extents.x, extents.y)
    }

    // MARK: Axes

    private func drawnAxes(_ x: Extent, _ y: Extent) throws -> TextCanvas {
        let height = plotHeight
        let hasNumbers = !panel.isSmall
        let yTicks =
            hasNumbers
            ? panel.y.ticks ?? ticks(y, log: panel.y.isLog, whole: panel.y.isWhole, count: max(2, height / 3))
            : []
        let left =
            hasNumbers
            ? min(max(8, width / 4), (yTicks.map { TextCanvas.cells(of: $0.name) }.max() ?? 0) + 1) : 0
        let names = panel.legend
        // The names stand where the lines end, or above where that would take too much room.
        let longest = names.map { TextCanvas.cells(of: $0.name) }.max() ?? 0
        let areLines = panel.marks.allSatisfy { if case .line = $0 { true } else { false } }
        let beside = !names.isEmpty && areLines && longest <= width / 5 && names.count <= height
        let right = beside ? longest + 1 : 0
        let plotWidth = max(8, width - left - 1 - right)
        let titleRows = panel.title == nil ? 0 : 1
        let legendRows = !names.isEmpty && !beside ? 1 : 0
        let labelRows = hasNumbers && panel.y.label != nil ? 1 : 0
        let scaleRows = panel.colorBar?.isShown == true ? 1 : 0
        let top = titleRows + legendRows + labelRows
        let below = (hasNumbers ? 2 + (panel.x.label == nil ? 0 : 1) : 1) + scaleRows
        var canvas = TextCanvas(width: width, height: top + height + below)

        put(centered: panel.title, y: 0, in: &canvas)
        if legendRows == 1 { putLegend(names, y: titleRows, in: &canvas) }
        if labelRows == 1, let label = panel.y.label {
            canvas.put(label, x: 0, y: top - 1, ink: TextPanel.soft)
        }

        let plotX = left + 1
        for mark in panel.marks {
            if case .raster(let raster) = mark {
                paint(raster, x, y, x0: plotX, y0: top, columns: plotWidth, rows: height, in: &canvas)
            }
        }
        var field = DotField(columns: plotWidth, rows: height)
        var ends: [(row: Int, index: Int)] = []
        for (index, mark) in panel.marks.enumerated() {
            switch mark {
            case .line(let line):
                let end = draw(line, index: index, x, y, in: &field)
                if beside, line.name != nil { ends.append((end / 4, index)) }
            case .points(let points): draw(points, index: index, x, y, in: &field)
            case .bars(let bars):
                draw(bars, x, y, x0: plotX, y0: top, columns: plotWidth, rows: height, in: &canvas)
            case .raster, .labels: break
            }
        }
        field.paint(&canvas, x: plotX, y: top, isUnicode: style.isUnicode)
        for mark in panel.marks {
            if case .line(let line) = mark {
                putHighlights(line, x, y, x0: plotX, y0: top, field, in: &canvas)
            }
        }
        putEnds(ends, x: plotX + plotWidth + 1, y0: top, rows: height, in: &canvas)
        if style.color == .none {
            putShades(x, x0: plotX, y: top + height - 1, columns: plotWidth, in: &canvas)
        }
        frame(x, y, yTicks, left: left, top: top, columns: plotWidth, rows: height, in: &canvas)
        if scaleRows == 1, let bar = panel.colorBar { putScale(bar, y: canvas.height - 1, in: &canvas) }
        return canvas
    }

    private func frame(
        _ x: Extent, _ y: Extent, _ yTicks: [(at: Double, name: String)], left: Int, top: Int, columns: Int,
        rows: Int, in canvas: inout TextCanvas
    ) {
        let (bar, tee, corner, line, cross): (Character, Character, Character, Character, Character) =
            style.isUnicode ? ("│", "┤", "└", "─", "┬") : ("|", "+", "+", "-", "+")
        for row in 0..<rows { canvas.put(bar, x: left, y: top + row, ink: TextPanel.soft) }
        var lastRow = Int.max
        // From below, and no two numbers in one row.
        for tick in yTicks.sorted(by: { row(of: $0.at, y, rows) > row(of: $1.at, y, rows) }) {
            let place = y.place(tick.at, log: panel.y.isLog)
            guard place >= -1e-9, place <= 1 + 1e-9 else { continue }
            let row = row(of: tick.at, y, rows)
            guard row < lastRow else { continue }
            lastRow = row
            let name = TextCanvas.fitted(tick.name, left - 1)
            canvas.put(tee, x: left, y: top + row, ink: TextPanel.soft)
            canvas.put(
                name, x: left - 1 - TextCanvas.cells(of: name) + 1 - 1, y: top + row, ink: TextPanel.soft)
        }
        canvas.put(corner, x: left, y: top + rows, ink: TextPanel.soft)
        for column in 0..<columns {
            canvas.put(line, x: left + 1 + column, y: top + rows, ink: TextPanel.soft)
        }
        guard !panel.isSmall else { return }
        let xTicks =
            panel.x.ticks ?? ticks(x, log: panel.x.isLog, whole: panel.x.isWhole, count: max(2, columns / 12))
        var free = 0
        for tick in xTicks {
            var place = x.place(tick.at, log: panel.x.isLog)
            guard place >= -1e-9, place <= 1 + 1e-9 else { continue }
            if panel.x.isReversed { place = 1 - place }
            let column = left + 1 + min(columns - 1, Int(place * Double(columns)))
            let cells = TextCanvas.cells(of: tick.name)
            let start = min(max(0, column - cells / 2), canvas.width - cells)
            guard start >= free, cells <= 16 else { continue }
            canvas.put(cross, x: column, y: top + rows, ink: TextPanel.soft)
            canvas.put(tick.name, x: start, y: top + rows + 1, ink: TextPanel.soft)
            free = start + cells + 1
        }
        if let label = panel.x.label {
            let words = TextCanvas.fitted(label, columns)
            canvas.put(
                words, x: left + 1 + (columns - TextCanvas.cells(of: words)) / 2, y: top + rows + 2,
                ink: TextPanel.soft)
        }
    }

    private func row(of value: Double, _ y: Extent, _ rows: Int) -> Int {
        let place = y.place(value, log: panel.y.isLog)
        let down = panel.y.isReversed ? place : 1 - place
        return min(rows - 1, max(0, Int(down * Double(rows))))
    }

    // MARK: Words

    func put(centered words: String?, y: Int, in canvas: inout TextCanvas) {
        guard let words else { return }
        let fitted = TextCanvas.fitted(words, canvas.width)
        canvas.put(fitted, x: (canvas.width - TextCanvas.cells(of: fitted)) / 2, y: y)
    }

    private func putLegend(_ names: [(name: String, mark: Int)], y: Int, in canvas: inout TextCanvas) {
        var x = 2
        for (name, index) in names {
            let sign: String =
                switch panel.marks[index] {
                case .line: style.isUnicode ? "──" : "\(mark(index))\(mark(index))"
                case .points: style.isUnicode ? "⠶" : "\(mark(index))"
                default: style.isUnicode ? "█" : "\(mark(index))"
                }
            canvas.put(sign, x: x, y: y, ink: color(index))
            x += TextCanvas.cells(of: sign) + 1
            canvas.put(name, x: x, y: y)
            x += TextCanvas.cells(of: name) + 3
            if x >= canvas.width { return }
        }
    }

    /// The names of lines beside their ends, moved apart where ends meet.
    private func putEnds(
        _ ends: [(row: Int, index: Int)], x: Int, y0: Int, rows: Int, in canvas: inout TextCanvas
    ) {
        var sorted = ends.sorted { $0.row < $1.row }
        var lowest = -1
        for i in sorted.indices {
            sorted[i].row = max(sorted[i].row, lowest + 1)
            lowest = sorted[i].row
        }
        // What ran out at the bottom goes up again.
        var limit = rows - 1
        for i in sorted.indices.reversed() {
            sorted[i].row = min(sorted[i].row, limit)
            limit = sorted[i].row - 1
        }
        for end in sorted where end.row >= 0 {
            guard let name = panel.marks[end.index].name else { continue }
            canvas.put(name, x: x, y: y0 + end.row, ink: color(end.index))
        }
    }

    private func putHighlights(
        _ line: Line, _ x: Extent, _ y: Extent, x0: Int, y0: Int, _ field: DotField,
        in canvas: inout TextCanvas
    ) {
        for highlight in line.highlights where line.y.indices.contains(highlight.index) {
            guard let (px, py) = dot(line.x[highlight.index], line.y[highlight.index], x, y, field),
                px >= 0, py >= 0, px < Double(field.width), py < Double(field.height)
            else { continue }
            let (column, row) = (Int(px) / 2, Int(py) / 4)
            canvas.put(style.isUnicode ? "●" : "O", x: x0 + column, y: y0 + row, ink: line.color)
            let cells = TextCanvas.cells(of: highlight.text)
            let textRow = row + (row < field.rows / 2 ? 1 : -1)
            let start = min(max(0, column - cells / 2), max(0, field.columns - cells))
            canvas.put(highlight.text, x: x0 + start, y: y0 + textRow, ink: line.color, limit: field.columns)
        }
    }

    /// Without colours a line's values stand as shades in the lowest row.
    private func putShades(_ x: Extent, x0: Int, y: Int, columns: Int, in canvas: inout TextCanvas) {
        guard let bar = panel.colorBar, case .line(let line)? = panel.marks.first, let values = line.values
        else {
            return
        }
        var strongest = [Double](repeating: -.infinity, count: columns)
        for (i, value) in values.enumerated() where value.isFinite {
            let place = x.place(line.x[i], log: panel.x.isLog)
            guard place >= 0, place <= 1 else { continue }
            let column = min(columns - 1, Int(place * Double(columns)))
            strongest[column] = max(strongest[column], value)
        }
        let span = bar.range.upperBound - bar.range.lowerBound
        for (column, value) in strongest.enumerated() where value.isFinite {
            canvas.put(TextPanel.shade((value - bar.range.lowerBound) / span), x: x0 + column, y: y)
        }
    }

    /// The colours' scale: its ends and a strip between them.
    func putScale(_ bar: ColorBar, y: Int, in canvas: inout TextCanvas) {
        let strip = min(24, max(6, canvas.width / 3))
        let low = format(bar.range.lowerBound)
        canvas.put(low, x: 2, y: y, ink: TextPanel.soft)
        var x = 3 + low.count
        for i in 0..<strip {
            let t = Double(i) / Double(max(1, strip - 1))
            if style.color == .none {
                canvas.put(TextPanel.shade(t), x: x, y: y)
            } else {
                canvas.put(" ", x: x, y: y, paper: bar.map.color(t))
            }
            x += 1
        }
        canvas.put(
            format(bar.range.upperBound) + (bar.label.map { "  \($0)" } ?? ""), x: x + 1, y: y,
            ink: TextPanel.soft)
    }

    func color(_ index: Int) -> RGB {
        switch panel.marks[index] {
        case .line(let line): line.color
        case .points(let points): points.color
        case .bars(let bars): bars.color
        case .raster, .labels: .ink
        }
    }

    /// The ASCII mark of a series.
    func mark(_ index: Int) -> Character { Array("*o+x#%@&")[index % 8] }

    // MARK: Lines and points

    /// Where a value lies in dots, from the left and from above.
    private func dot(_ px: Double, _ py: Double, _ x: Extent, _ y: Extent, _ field: DotField) -> (
        Double, Double
    )? {
        guard px.isFinite, py.isFinite, !panel.x.isLog || px > 0, !panel.y.isLog || py > 0 else { return nil }
        var fx = x.place(px, log: panel.x.isLog)
        var fy = 1 - y.place(py, log: panel.y.isLog)
        if panel.x.isReversed { fx = 1 - fx }
        if panel.y.isReversed { fy = 1 - fy }
        guard abs(fx) < 1e6, abs(fy) < 1e6 else { return nil }
        return (fx * Double(field.width - 1), fy * Double(field.height - 1))
    }

    /// Draws the line; the row of dots in which it ends.
    private func draw(_ line: Line, index: Int, _ x: Extent, _ y: Extent, in field: inout DotField) -> Int {
        let indices =
            Thinning.line(line, extent: x, log: panel.x.isLog, columns: field.width) ?? Array(line.y.indices)
        // Without colours the second line is dashed, the third more so.
        let dash = style.color == .none ? [0, 4, 1, 7][index % 4] : line.isDashed ? 4 : 0
        var phase = 0
        var before: (Double, Double)?
        var end = 0
        for i in indices {
            guard let here = dot(line.x[i], line.y[i], x, y, field) else {
                before = nil
                continue
            }
            var ink = line.color
            if let values = line.values, let bar = panel.colorBar, i < values.count {
                ink = bar.map.color(
                    (values[i] - bar.range.lowerBound) / (bar.range.upperBound - bar.range.lowerBound))
            }
            let from = before ?? here
            field.line(from.0, from.1, here.0, here.1, ink: ink, mark: mark(index), dash: dash, phase: &phase)
            before = here
            end = Int(min(Double(field.height - 1), max(0, here.1)))
        }
        return end
    }

    private func draw(_ points: Points, index: Int, _ x: Extent, _ y: Extent, in field: inout DotField) {
        for i in 0..<min(points.x.count, points.y.count) {
            guard let (px, py) = dot(points.x[i], points.y[i], x, y, field) else { continue }
            let (cx, cy) = (Int(px.rounded()), Int(py.rounded()))
            field.set(cx, cy, ink: points.color, mark: mark(index))
            // Few points are drawn as small squares that can be seen, and told apart, alone.
            if points.y.count <= 400, index % 2 == 0 {
                field.set(cx + 1, cy, ink: points.color, mark: mark(index))
                field.set(cx, cy + 1, ink: points.color, mark: mark(index))
                field.set(cx + 1, cy + 1, ink: points.color, mark: mark(index))
            }
        }
    }
}
