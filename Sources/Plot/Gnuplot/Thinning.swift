extension Figure {
    /// The same figure with no more points than a page or a slide can show: to be kept, and drawn later.
    public func reduced() -> Figure {
        var figure = self
        for index in figure.panels.indices { figure.panels[index].reduce() }
        return figure
    }
}

extension Panel {
    /// More columns than any sheet has pixels.
    private static let columns = 4096

    fileprivate mutating func reduce() {
        guard let (xs, ys) = try? extents() else { return }
        for index in marks.indices {
            switch marks[index] {
            case .line(let line):
                if let kept = Thinning.line(line, extent: xs, log: x.isLog, columns: Panel.columns) {
                    marks[index] = .line(line.keeping(kept))
                }
            case .points(let points):
                let places = (x: (extent: xs, isLog: x.isLog), y: (extent: ys, isLog: y.isLog))
                if let kept = Thinning.points(
                    points, x: places.x, y: places.y, columns: 1024, rows: 1024)
                {
                    var fewer = points
                    fewer.x = kept.map { points.x[$0] }
                    fewer.y = kept.map { points.y[$0] }
                    fewer.values = points.values.map { values in
                        kept.map { $0 < values.count ? values[$0] : .nan }
                    }
                    marks[index] = .points(fewer)
                }
            case .raster(let raster):
                marks[index] = .raster(Thinning.raster(raster, width: 1600, height: 1600))
            case .bars, .labels: break
            }
        }
    }
}

extension Line {
    /// Only the points at `indices`, which go up.
    fileprivate func keeping(_ indices: [Int]) -> Line {
        var line = self
        line.x = .values(indices.map { x[$0] })
        line.y = indices.map { y[$0] }
        line.values = values.map { values in indices.map { $0 < values.count ? values[$0] : .nan } }
        line.highlights = highlights.compactMap { highlight in
            indices.firstIndex(of: highlight.index).map { ($0, highlight.text) }
        }
        return line
    }
}

/// Fewer points, the same picture.
enum Thinning {
    /// The indices of a line's points that decide what is seen on `columns` columns of pixels: in each
    /// column the first, the last, the least and the greatest (the M4 aggregation of Jugel et al. 2014,
    /// exact for lines on that raster), and a gap where values are missing.
    ///
    /// All indices where the line is short or its x go back.
    static func line(_ line: Line, extent: Extent, log isLog: Bool, columns: Int) -> [Int]? {
        let count = line.y.count
        guard count > columns * 4, line.x.isSorted(count: count) else { return nil }
        var kept: [Int] = []
        kept.reserveCapacity(columns * 4 + 8)
        var column = Int.min
        var first = -1, last = -1, least = -1, greatest = -1
        var inGap = false

        func flush() {
            guard first >= 0 else { return }
            let inner = least < greatest ? (least, greatest) : (greatest, least)
            kept.append(first)
            if inner.0 != first, inner.0 != last { kept.append(inner.0) }
            if inner.1 != inner.0, inner.1 != first, inner.1 != last { kept.append(inner.1) }
            if last != first { kept.append(last) }
            first = -1
        }

        for i in 0..<count {
            let y = line.y[i]
            guard y.isFinite else {
                if !inGap {
                    flush()
                    column = Int.min
                    kept.append(i)
                    inGap = true
                }
                continue
            }
            inGap = false
            let place = extent.place(line.x[i], log: isLog) * Double(columns)
            // Beyond the ends one point on each side is enough to lead the line out of the picture.
            let here = place >= 0 ? (place <= Double(columns) ? Int(place) : columns + 1) : -1
            if here != column || first < 0 {
                flush()
                column = here
                first = i
                least = i
                greatest = i
            }
            if y < line.y[least] { least = i }
            if y > line.y[greatest] { greatest = i }
            last = i
        }
        flush()
        return kept
    }

    /// The same line as upright strokes, one for each column of pixels, as audio editors draw: x, y and
    /// the stroke's width (0) and height. Each stroke reaches to its neighbour.
    ///
    /// Nil unless most columns are taller than a few pixels: there one path through all of them costs
    /// cairo a hundred milliseconds, and looks the same.
    static func envelope(
        _ xs: [Double], _ ys: [Double], _ x: Extent, _ y: Extent, log isLog: (x: Bool, y: Bool), width: Int,
        height: Int
    ) -> [[Double]]? {
        guard !isLog.y else { return nil }
        let pixel = (y.high - y.low) / Double(max(1, height))
        var strokes: [[Double]] = [[], [], [], []]
        var tall = 0
        var column = Int.min
        var low = 0.0, high = 0.0, at = 0.0
        var before: (low: Double, high: Double)?

        func flush() {
            guard column != Int.min else { return }
            if high - low > 3 * pixel { tall += 1 }
            var (bottom, top) = (low, high)
            if let before {
                bottom = min(bottom, before.high)
                top = max(top, before.low)
            }
            before = (low, high)
            if top - bottom < pixel {
                (bottom, top) = ((bottom + top - pixel) / 2, (bottom + top + pixel) / 2)
            }
            for (i, value) in [at, bottom, 0, top - bottom].enumerated() { strokes[i].append(value) }
        }

        for (px, py) in zip(xs, ys) {
            guard py.isFinite else {
                flush()
                column = Int.min
                before = nil
                continue
            }
            let place = x.place(px, log: isLog.x)
            guard place >= 0, place <= 1 else { continue }
            let here = Int(place * Double(width))
            if here != column {
                flush()
                (column, low, high, at) = (here, py, py, px)
            }
            low = min(low, py)
            high = max(high, py)
        }
        flush()
        return tall * 3 > strokes[0].count ? strokes : nil
    }

    /// The indices of the points that are seen where `columns` by `rows` places can each show one.
    static func points(
        _ points: Points, x: (extent: Extent, isLog: Bool), y: (extent: Extent, isLog: Bool), columns: Int,
        rows: Int
    ) -> [Int]? {
        let count = min(points.x.count, points.y.count)
        guard count > 20_000 else { return nil }
        var seen = [Bool](repeating: false, count: columns * rows)
        var kept: [Int] = []
        for i in 0..<count {
            let px = x.extent.place(points.x[i], log: x.isLog)
            let py = y.extent.place(points.y[i], log: y.isLog)
            guard px >= 0, px <= 1, py >= 0, py <= 1 else { continue }
            let cell =
                min(rows - 1, Int(py * Double(rows))) * columns + min(columns - 1, Int(px * Double(columns)))
            if !seen[cell] {
                seen[cell] = true
                kept.append(i)
            }
        }
        return kept
    }

    /// Each cell as a block of `times` by `times` of the same.
    static func repeated(_ raster: Raster, times: Int) -> Raster {
        guard times > 1 else { return raster }
        var result = raster
        result.width = raster.width * times
        result.height = raster.height * times
        func spread<T>(_ cells: [T], channels: Int) -> [T] {
            var spread: [T] = []
            spread.reserveCapacity(cells.count * times * times)
            for row in 0..<raster.height {
                var line: [T] = []
                for column in 0..<raster.width {
                    let at = (row * raster.width + column) * channels
                    for _ in 0..<times { line += cells[at..<(at + channels)] }
                }
                for _ in 0..<times { spread += line }
            }
            return spread
        }
        switch raster.cells {
        case .values(let values): result.cells = .values(spread(values, channels: 1))
        case .rgb(let bytes): result.cells = .rgb(spread(bytes, channels: 3))
        }
        return result
    }

    /// A raster of at most `width` by `height` cells: means of blocks, so that no cell is skipped.
    static func raster(_ raster: Raster, width: Int, height: Int) -> Raster {
        let stepX = max(1, raster.width / max(1, width))
        let stepY = max(1, raster.height / max(1, height))
        guard stepX > 1 || stepY > 1 else { return raster }
        let newWidth = (raster.width + stepX - 1) / stepX
        let newHeight = (raster.height + stepY - 1) / stepY
        var result = raster
        result.width = newWidth
        result.height = newHeight
        // The last block may reach beyond the raster; its outer edge follows.
        result.x1 = raster.x0 + (raster.x1 - raster.x0) * Double(newWidth * stepX) / Double(raster.width)
        result.y1 = raster.y0 + (raster.y1 - raster.y0) * Double(newHeight * stepY) / Double(raster.height)
        func block(_ row: Int, _ column: Int, _ body: (Int) -> Void) {
            for y in (row * stepY)..<min(raster.height, (row + 1) * stepY) {
                for x in (column * stepX)..<min(raster.width, (column + 1) * stepX) {
                    body(y * raster.width + x)
                }
            }
        }
        switch raster.cells {
        case .values(let values):
            var cells = [Double](repeating: .nan, count: newWidth * newHeight)
            for row in 0..<newHeight {
                for column in 0..<newWidth {
                    var sum = 0.0
                    var n = 0
                    block(row, column) { i in
                        if values[i].isFinite {
                            sum += values[i]
                            n += 1
                        }
                    }
                    if n > 0 { cells[row * newWidth + column] = sum / Double(n) }
                }
            }
            result.cells = .values(cells)
        case .rgb(let bytes):
            var cells = [UInt8](repeating: 0, count: newWidth * newHeight * 3)
            for row in 0..<newHeight {
                for column in 0..<newWidth {
                    var sums = (0, 0, 0)
                    var n = 0
                    block(row, column) { i in
                        sums.0 += Int(bytes[i * 3])
                        sums.1 += Int(bytes[i * 3 + 1])
                        sums.2 += Int(bytes[i * 3 + 2])
                        n += 1
                    }
                    let i = (row * newWidth + column) * 3
                    n = max(1, n)
                    cells[i] = UInt8(sums.0 / n)
                    cells[i + 1] = UInt8(sums.1 / n)
                    cells[i + 2] = UInt8(sums.2 / n)
                }
            }
            result.cells = .rgb(cells)
        }
        return result
    }
}
