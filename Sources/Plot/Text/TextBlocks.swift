import Support

/// Bars, pictures and tables with characters.
extension TextPanel {
    // MARK: Bars

    /// Bars of categories: one row each, its name at the left, its number at the end.
    func drawnBars() -> TextCanvas {
        let names = (panel.x.ticks ?? panel.y.ticks ?? []).sorted { $0.at < $1.at }
        let series = panel.marks.enumerated().compactMap { index, mark -> (Int, Bars)? in
            if case .bars(let bars) = mark { (index, bars) } else { nil }
        }
        let values = series.flatMap { $0.1.height }.filter { abs($0) < 1e300 }
        let low = min(0, values.min() ?? 0)
        let high = max(0, values.max() ?? 0)
        let left = min(width / 3, (names.map { TextCanvas.cells(of: $0.name) }.max() ?? 0) + 1)
        let numbers = (values.map { format($0).count }.max() ?? 0) + 1
        let room = max(4, width - left - 1 - numbers)
        let isGrouped = series.count > 1
        let rowsEach = series.count + (isGrouped ? 1 : 0)
        let label = panel.x.ticks == nil ? panel.x.label : panel.y.label
        let top = (panel.title == nil ? 0 : 1) + (isGrouped ? 1 : 0)
        var canvas = TextCanvas(
            width: width, height: top + names.count * rowsEach + (label == nil ? 0 : 1))
        put(centered: panel.title, y: 0, in: &canvas)
        if isGrouped {
            var x = left + 1
            for (index, bars) in series {
                canvas.put(style.isUnicode ? "█" : mark(index), x: x, y: top - 1, ink: bars.color)
                canvas.put(bars.name ?? "", x: x + 2, y: top - 1)
                x += 5 + TextCanvas.cells(of: bars.name ?? "")
            }
        }
        let span = high > low ? high - low : 1
        let zero = Int((-low / span * Double(room)).rounded())
        for (row, name) in names.enumerated() {
            let words = TextCanvas.fitted(name.name, left - 1)
            canvas.put(words, x: left - 1 - TextCanvas.cells(of: words), y: top + row * rowsEach)
            for (place, (index, bars)) in series.enumerated() where row < bars.height.count {
                let y = top + row * rowsEach + place
                canvas.put(style.isUnicode ? "│" : "|", x: left + zero, y: y, ink: TextPanel.soft)
                guard bars.height[row].isFinite else {
                    canvas.put("–", x: left + zero + 2, y: y, ink: TextPanel.soft)
                    continue
                }
                let eighths = Int((abs(bars.height[row]) / span * Double(room) * 8).rounded())
                putBar(
                    eighths, backwards: bars.height[row] < 0, x: left + zero + 1, y: y, bars.color, index,
                    in: &canvas)
                let end = bars.height[row] < 0 ? left + zero + 2 : left + zero + 2 + (eighths + 7) / 8
                canvas.put(format(bars.height[row]), x: min(end, width - numbers + 1), y: y)
            }
        }
        if let label { canvas.put(label, x: left + 1, y: canvas.height - 1, ink: TextPanel.soft) }
        return canvas
    }

    private func putBar(
        _ eighths: Int, backwards: Bool, x: Int, y: Int, _ color: RGB, _ index: Int,
        in canvas: inout TextCanvas
    ) {
        let whole = eighths / 8
        let sign: Character = style.isUnicode ? "█" : (style.color == .none ? mark(index) : "#")
        for i in 0..<whole { canvas.put(sign, x: backwards ? x - 2 - i : x + i, y: y, ink: color) }
        if eighths % 8 > 0, style.isUnicode, !backwards {
            canvas.put(Array("▏▎▍▌▋▊▉")[eighths % 8 - 1], x: x + whole, y: y, ink: color)
        }
    }

    /// The upright bars of a histogram, in eighths of a row.
    func draw(
        _ bars: Bars, _ x: Extent, _ y: Extent, x0: Int, y0: Int, columns: Int, rows: Int,
        in canvas: inout TextCanvas
    ) {
        let blocks = Array("▁▂▃▄▅▆▇█")
        for column in 0..<columns {
            // The tallest bar whose middle or edge falls into this column of cells.
            let from = x.low + (x.high - x.low) * Double(column) / Double(columns)
            let to = x.low + (x.high - x.low) * Double(column + 1) / Double(columns)
            var tallest = -Double.infinity
            for (at, height) in zip(bars.at, bars.height) where height.isFinite {
                let center = (from + to) / 2
                let covers = abs(at - center) <= bars.width / 2
                if covers || (at >= from && at < to) { tallest = max(tallest, height) }
            }
            guard tallest > y.low, tallest.isFinite else { continue }
            let place = min(1, max(0, y.place(tallest, log: panel.y.isLog)))
            let eighths = max(1, Int((place * Double(rows) * 8).rounded()))
            for row in 0..<((eighths + 7) / 8) {
                let part = min(8, eighths - row * 8)
                canvas.put(
                    style.isUnicode ? blocks[part - 1] : "#", x: x0 + column, y: y0 + rows - 1 - row,
                    ink: bars.color)
            }
        }
    }

    // MARK: Pictures

    static func shade(_ t: Double) -> Character {
        let ramp = Array(" .:-=+*#%@")
        return t.isFinite ? ramp[min(9, max(0, Int(t * 10)))] : " "
    }

    /// A picture with square pixels: half blocks in colour, shades without.
    func drawnPicture() throws -> TextCanvas {
        guard case .raster(let raster)? = panel.marks.first else {
            return TextCanvas(width: width, height: 1)
        }
        let titleRows = panel.title == nil ? 0 : 1
        let scaleRows = panel.colorBar?.isShown == true ? 1 : 0
        let most = max(2, (style.rows ?? 40) - 2 - titleRows - scaleRows)
        // A cell is about twice as high as wide: two pixels in one.
        let aspect = Double(raster.height) / Double(raster.width)
        var columns = min(width, isAlone ? 72 : width)
        var rows = max(1, Int((Double(columns) * aspect / 2).rounded()))
        if rows > most {
            rows = most
            columns = max(2, min(width, Int((Double(rows) * 2 / aspect).rounded())))
        }
        var canvas = TextCanvas(width: width, height: titleRows + rows + scaleRows)
        put(centered: panel.title, y: 0, in: &canvas)
        let all = Extent(low: 0, high: Double(raster.height))
        paint(
            raster, Extent(low: 0, high: Double(raster.width)), all, x0: isAlone ? 0 : (width - columns) / 2,
            y0: titleRows, columns: columns, rows: rows, in: &canvas)
        if scaleRows == 1, let bar = panel.colorBar { putScale(bar, y: canvas.height - 1, in: &canvas) }
        return canvas
    }

    /// Fill a rectangle of cells with what the raster shows between the ends of the axes.
    func paint(
        _ raster: Raster, _ x: Extent, _ y: Extent, x0: Int, y0: Int, columns: Int, rows: Int,
        in canvas: inout TextCanvas
    ) {
        let isColored = style.color != .none
        let parts = isColored && style.isUnicode ? 2 : 1
        let height = rows * parts
        func sample(_ column: Int, _ row: Int) -> (color: RGB, light: Double)? {
            let fromX = x.low + (x.high - x.low) * Double(column) / Double(columns)
            let toX = x.low + (x.high - x.low) * Double(column + 1) / Double(columns)
            let down = (Double(row) / Double(height), Double(row + 1) / Double(height))
            let (fromY, toY) =
                panel.y.isReversed
                ? (y.low + (y.high - y.low) * down.0, y.low + (y.high - y.low) * down.1)
                : (y.high - (y.high - y.low) * down.1, y.high - (y.high - y.low) * down.0)
            return mean(raster, fromX, toX, fromY, toY)
        }
        for row in 0..<rows {
            for column in 0..<columns {
                let upper = sample(column, row * parts)
                if !isColored {
                    if let upper { canvas.put(TextPanel.shade(upper.light), x: x0 + column, y: y0 + row) }
                } else if parts == 1 {
                    canvas.put(" ", x: x0 + column, y: y0 + row, paper: upper?.color)
                } else {
                    let lower = sample(column, row * parts + 1)
                    canvas.put("▀", x: x0 + column, y: y0 + row, ink: upper?.color, paper: lower?.color)
                }
            }
        }
    }

    /// The mean of the cells between four edges; nil where there are none.
    private func mean(_ raster: Raster, _ x0: Double, _ x1: Double, _ y0: Double, _ y1: Double) -> (
        color: RGB, light: Double
    )? {
        func cells(_ from: Double, _ to: Double, _ low: Double, _ high: Double, _ count: Int) -> Range<Int>? {
            let scale = Double(count) / (high - low)
            let (a, b) = ((from - low) * scale, (to - low) * scale)
            guard b > 0, a < Double(count), a.isFinite, b.isFinite else { return nil }
            let first = min(count - 1, max(0, Int(max(0, a + 1e-9))))
            return first..<max(first + 1, min(count, Int(min(Double(count), b - 1e-9).rounded(.up))))
        }
        guard let columns = cells(x0, x1, raster.x0, raster.x1, raster.width),
            let rows = cells(y0, y1, raster.y0, raster.y1, raster.height)
        else { return nil }
        switch raster.cells {
        case .values(let values):
            guard let bar = panel.colorBar else { return nil }
            var sum = 0.0
            var n = 0.0
            for row in rows {
                for column in columns {
                    let value = values[row * raster.width + column]
                    if value.isFinite {
                        sum += value
                        n += 1
                    }
                }
            }
            guard n > 0 else { return nil }
            let t = (sum / n - bar.range.lowerBound) / (bar.range.upperBound - bar.range.lowerBound)
            return (bar.map.color(t), min(1, max(0, t)))
        case .rgb(let bytes):
            var sums = (0.0, 0.0, 0.0)
            for row in rows {
                for column in columns {
                    let i = (row * raster.width + column) * 3
                    sums.0 += Double(bytes[i])
                    sums.1 += Double(bytes[i + 1])
                    sums.2 += Double(bytes[i + 2])
                }
            }
            let n = Double(rows.count * columns.count)
            let color = RGB(
                UInt8(clampedRound: sums.0 / n), UInt8(clampedRound: sums.1 / n),
                UInt8(clampedRound: sums.2 / n))
            // What the eye sees as half as light has less than half of the light.
            return (color, color.luminance.squareRoot())
        }
    }

    // MARK: Tables

    /// The counts of a confusion matrix as a table; nil where it is too wide for the terminal.
    func drawn(_ table: CountTable) -> TextCanvas? {
        let n = table.names.count
        let left = min(14, (table.names.map { TextCanvas.cells(of: $0) }.max() ?? 0) + 1)
        let numbers = table.counts.map { format($0, digits: 9).count }.max() ?? 1
        // Names of classes above the columns, as wide as there is room.
        let share = 9
        let cell = min(9, (width - left - 2 - share) / max(1, n))
        guard cell >= max(4, numbers + 1) else { return nil }
        var canvas = TextCanvas(width: width, height: n + (panel.title == nil ? 3 : 4))
        var y = 0
        if panel.title != nil {
            put(centered: panel.title, y: 0, in: &canvas)
            y = 1
        }
        canvas.put("predicted", x: left + 1, y: y, ink: TextPanel.soft)
        y += 1
        for (column, name) in table.names.enumerated() {
            let words = TextCanvas.fitted(name, cell - 1)
            canvas.put(words, x: left + 1 + (column + 1) * cell - TextCanvas.cells(of: words), y: y)
        }
        canvas.put("right", x: left + 1 + n * cell + 4, y: y, ink: TextPanel.soft)
        y += 1
        for row in 0..<n {
            let words = TextCanvas.fitted(table.names[row], left - 1)
            canvas.put(words, x: left - 1 - TextCanvas.cells(of: words), y: y)
            canvas.put(style.isUnicode ? "│" : "|", x: left, y: y, ink: TextPanel.soft)
            let total = table.counts[(row * n)..<((row + 1) * n)].reduce(0, +)
            for column in 0..<n {
                let count = table.counts[row * n + column]
                let share = total > 0 ? count / total : 0
                // Pale cells would be the loudest of all on a dark terminal: only large shares have paper.
                let paper = share >= 0.2 ? ColorMap.blues.color(share) : nil
                let number = count > 0 ? format(count, digits: 9) : style.isUnicode ? "·" : "."
                let padded = String(repeating: " ", count: max(0, cell - number.count)) + number
                let plain = share >= 0.04 ? RGB.ofSeries(1) : count > 0 ? nil : TextPanel.soft
                let ink = paper.map { $0.luminance < 0.35 ? RGB.paper : RGB.ink } ?? plain
                canvas.put(padded, x: left + 1 + column * cell, y: y, ink: ink, paper: paper)
            }
            if total > 0 {
                let percent = format(100 * table.counts[row * n + row] / total, digits: 3) + " %"
                canvas.put(percent, x: left + 1 + n * cell + 9 - percent.count, y: y)
            }
            y += 1
        }
        canvas.put("rows: the true class", x: left + 1, y: y, ink: TextPanel.soft)
        return canvas
    }
}
