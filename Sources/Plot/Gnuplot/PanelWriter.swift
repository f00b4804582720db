import Support

/// Writes the commands for one panel.
struct PanelWriter {
    let panel: Panel
    let terminal: GnuplotTerminal
    /// The panel's share of the sheet in pixels.
    let width: Int
    let height: Int
    let scale: Double
    let isAlone: Bool
    let data: GnuplotData

    private static let soft = "#5A5A5A"

    /// Lines are thinned to what can be seen: twice the pixels, and more where a person can zoom in.
    private var columns: Int {
        let pixels = terminal.isFixed ? width : width * 4
        return min(8192, max(256, pixels))
    }

    func commands() throws -> [String] {
        let (x, y) = try panel.extents()
        var lines = clean() + frame(x, y)
        var plots: [String] = []
        var labels: [String] = []
        for mark in panel.marks {
            switch mark {
            case .line(let line): plots += try draw(line, x, y, &labels)
            case .points(let points): plots += try draw(points, x, y)
            case .bars(let bars): plots += try draw(bars, x, y)
            case .raster(let raster): plots += try draw(raster)
            case .labels(let texts): labels += texts.map(label)
            }
        }
        lines += labels
        lines.append("plot " + plots.joined(separator: ", \\\n     "))
        return lines
    }

    // MARK: Axes

    /// Back to nothing, so that no panel inherits from the one before it.
    private func clean() -> [String] {
        [
            "unset label; unset title; unset key; unset grid; unset colorbox; unset logscale; unset xtics; unset ytics",
            "unset mxtics; unset mytics; unset xlabel; unset ylabel; unset cblabel; set size noratio; set border 0",
        ]
    }

    private func frame(_ x: Extent, _ y: Extent) -> [String] {
        var lines: [String] = []
        if let title = panel.title {
            let size = panel.isSmall || (panel.isPicture && !isAlone) ? 9 : 12
            lines.append(
                "set title \(text(title)) noenhanced font ',\(size)' textcolor rgb '\(RGB.ink.hex)' offset 0,-0.3"
            )
        }
        lines.append("set xrange [\(range(x, panel.x))]")
        lines.append("set yrange [\(range(y, panel.y))]")
        if panel.isPicture {
            lines.append("set size ratio -1")
        } else {
            lines.append("set border \(panel.hasGrid ? 3 : 15) linewidth 0.7 linecolor rgb '#9A9A9A'")
            if !panel.isSmall {
                lines += axis("x", panel.x, x) + axis("y", panel.y, y)
            }
            if panel.hasGrid {
                lines.append("set grid back linetype 1 linewidth 0.5 linecolor rgb '#E2E2E2'")
            }
        }
        if !panel.legend.isEmpty {
            lines.append(
                "set key \(keyPlace(x, y)) noenhanced opaque samplen 2 spacing 1.15 textcolor rgb '\(RGB.ink.hex)'"
            )
        }
        if let bar = panel.colorBar {
            let stops = bar.map.stops.enumerated().map { "\($0.offset) '\($0.element.hex)'" }.joined(
                separator: ", ")
            lines.append("set palette defined (\(stops))")
            lines.append("set cbrange [\(bar.range.lowerBound):\(bar.range.upperBound)]")
            if bar.isShown {
                lines.append("set colorbox noborder")
                lines.append("set cbtics scale 0.4 textcolor rgb '\(PanelWriter.soft)'")
                if let name = bar.label {
                    // gnuplot takes the numbers beside a bar for narrower than they are.
                    let away =
                        switch terminal {
                        case .svg: " offset 1.5,0"
                        case .dumb: ""
                        default: " offset 0.8,0"
                        }
                    let look = "noenhanced textcolor rgb '\(PanelWriter.soft)'"
                    lines.append("set cblabel \(text(name))\(away) \(look)")
                }
            }
        }
        return lines
    }

    private func axis(_ name: String, _ axis: Axis, _ extent: Extent) -> [String] {
        var lines: [String] = []
        if axis.isLog { lines.append("set logscale \(name) 10") }
        let look = "nomirror out scale 0.5 textcolor rgb '\(PanelWriter.soft)'"
        if let names = axis.ticks {
            lines.append(
                "set \(name)tics \(rotation(name, names.map(\.name))) nomirror out scale 0 textcolor rgb '\(RGB.ink.hex)' "
                    + "noenhanced ("
                    + shown(names, name).map { "\(tick($0.name)) \($0.at)" }.joined(separator: ", ")
                    + ")")
        } else if axis.isLog,
            case let list = ticks(extent, log: true, whole: false, count: name == "x" ? 9 : 8), list.count > 1
        {
            lines.append(
                "set \(name)tics \(look) noenhanced ("
                    + list.map { "\(tick($0.name)) \($0.at)" }.joined(separator: ", ") + ")")
        } else if axis.isWhole, extent.high - extent.low < 8 {
            lines.append("set \(name)tics 1 \(look) format '%g'")
        } else {
            lines.append("set \(name)tics autofreq \(look) format '%.6g'")
        }
        if let label = axis.label {
            lines.append("set \(name)label \(text(label)) noenhanced textcolor rgb '\(PanelWriter.soft)'")
        }
        return lines
    }

    private func range(_ extent: Extent, _ axis: Axis) -> String {
        axis.isReversed ? "\(extent.high):\(extent.low)" : "\(extent.low):\(extent.high)"
    }

    /// Names that would run into each other stand aslant.
    private func rotation(_ axis: String, _ names: [String]) -> String {
        guard axis == "x" else { return "norotate" }
        let letters = Double(names.map(\.count).max() ?? 0) + 1.5
        let room = Double(width) * 0.85 / Double(max(1, min(names.count, 80))) / (6.5 * scale)
        return letters > room ? "rotate by 45 right" : "norotate"
    }

    /// At most as many names as have room: every second, third, … beyond that.
    private func shown(_ names: [(at: Double, name: String)], _ axis: String) -> [(at: Double, name: String)]
    {
        let room = axis == "x" ? Double(width) * 0.85 / (13 * scale) : Double(height) * 0.85 / (14 * scale)
        let step = max(1, (names.count + max(1, Int(room)) - 1) / max(1, Int(room)))
        return names.enumerated().filter { $0.offset % step == 0 }.map(\.element)
    }

    private func text(_ words: String) -> String { GnuplotText.quoted(GnuplotText.clipped(words)) }
    private func tick(_ words: String) -> String { GnuplotText.tick(GnuplotText.clipped(words, 60)) }

    /// The corner where the legend hides the least.
    private func keyPlace(_ x: Extent, _ y: Extent) -> String {
        let names = panel.legend
        let keyWidth = min(
            0.6, Double((names.map(\.name.count).max() ?? 0) + 8) * 6.5 * scale / (Double(width) * 0.85))
        let keyHeight = min(0.9, (Double(names.count) * 17 + 10) * scale / (Double(height) * 0.75))
        // The numbers on bars leave no corner free.
        if panel.kind == "bar chart", names.count <= 6 { return "outside top center horizontal" }
        if names.count > 12 || keyWidth * keyHeight > 0.3 { return "outside right top vertical" }
        let corners = [
            ("top right", 1 - keyWidth, 1 - keyHeight), ("bottom right", 1 - keyWidth, 0.0),
            ("top left", 0.0, 1 - keyHeight), ("bottom left", 0.0, 0.0),
        ]
        var counts = [Int](repeating: 0, count: 4)
        func count(_ px: Double, _ py: Double) {
            let fx = panel.x.isReversed ? 1 - px : px
            let fy = panel.y.isReversed ? 1 - py : py
            for (i, corner) in corners.enumerated()
            where fx >= corner.1 && fx <= corner.1 + keyWidth && fy >= corner.2 && fy <= corner.2 + keyHeight
            {
                counts[i] += 1
            }
        }
        for mark in panel.marks {
            switch mark {
            case .line(let line):
                let step = max(1, line.y.count / 1000)
                for i in stride(from: 0, to: line.y.count, by: step) where line.y[i].isFinite {
                    count(x.place(line.x[i], log: panel.x.isLog), y.place(line.y[i], log: panel.y.isLog))
                }
            case .points(let points):
                let step = max(1, points.y.count / 1000)
                for i in stride(from: 0, to: min(points.x.count, points.y.count), by: step) {
                    count(x.place(points.x[i], log: panel.x.isLog), y.place(points.y[i], log: panel.y.isLog))
                }
            case .bars(let bars):
                // A bar covers all of its height.
                for (at, height) in zip(bars.at, bars.height) where height.isFinite {
                    for part in 0...10 {
                        let value = height * Double(part) / 10
                        if bars.isHorizontal {
                            count(x.place(value, log: panel.x.isLog), y.place(at, log: panel.y.isLog))
                        } else {
                            count(x.place(at, log: panel.x.isLog), y.place(value, log: panel.y.isLog))
                        }
                    }
                }
            case .labels(let texts):
                // Above its place, as the numbers on bars are.
                let line = 14 * scale / (Double(height) * 0.75)
                for text in texts.prefix(200) {
                    count(
                        x.place(text.x, log: panel.x.isLog),
                        y.place(text.y, log: panel.y.isLog) + (text.offset.y + 0.5) * line)
                }
            case .raster: break
            }
        }
        let best = counts.indices.min { counts[$0] < counts[$1] } ?? 0
        // No free corner: above the picture.
        let hasBars = panel.marks.contains { if case .bars = $0 { true } else { false } }
        if counts[best] > (hasBars ? 0 : 4) { return "outside top center horizontal" }
        return "inside \(corners[best].0) vertical Left reverse"
    }

    // MARK: Marks

    private func title(_ name: String?) -> String {
        name.map { "title \(GnuplotText.quoted(GnuplotText.clipped($0, 60))) noenhanced" } ?? "notitle"
    }

    private func draw(_ line: Line, _ x: Extent, _ y: Extent, _ labels: inout [String]) throws -> [String] {
        let indices =
            Thinning.line(line, extent: x, log: panel.x.isLog, columns: columns) ?? Array(line.y.indices)
        let xs = indices.map { line.x[$0] }
        // Infinities are gaps, as NaN is.
        let ys = indices.map { i in line.y[i].isFinite && (!panel.y.isLog || line.y[i] > 0) ? line.y[i] : .nan
        }
        for highlight in line.highlights where highlight.index >= 0 && highlight.index < line.y.count {
            labels.append(mark(line, highlight, x, y))
        }
        if let values = line.values {
            let shades = indices.map { $0 < values.count ? values[$0] : .nan }
            return [
                "\(try data.table([xs, ys, shades])) using 1:2:3 with lines linewidth \(line.width) linecolor palette notitle"
            ]
        }
        if terminal == .png, indices.count < line.y.count,
            let columns = Thinning.envelope(
                xs, ys, x, y, log: (panel.x.isLog, panel.y.isLog), width: width, height: height)
        {
            let look = "with vectors nohead linewidth \(line.width) linecolor rgb '\(line.color.hex)'"
            return ["\(try data.table(columns)) using 1:2:3:4 \(look) \(title(line.name))"]
        }
        let dash = line.isDashed ? " dashtype 2" : ""
        let look = "with lines linewidth \(line.width)\(dash) linecolor rgb '\(line.color.hex)'"
        return ["\(try data.table([xs, ys])) using 1:2 \(look) \(title(line.name))"]
    }

    /// A dot on the line, and its words on the side that has room.
    private func mark(_ line: Line, _ highlight: (index: Int, text: String), _ x: Extent, _ y: Extent)
        -> String
    {
        let (px, py) = (line.x[highlight.index], line.y[highlight.index])
        guard px.isFinite, py.isFinite else { return "" }
        let fx = x.place(px, log: panel.x.isLog)
        let fy = y.place(py, log: panel.y.isLog)
        let side = fx < 0.12 ? "left" : fx > 0.88 ? "right" : "center"
        return
            "set label \(text(highlight.text)) at \(px),\(py) \(side) offset 0,\(fy < 0.5 ? 0.9 : -0.9) front noenhanced "
            + "font ',9' textcolor rgb '\(line.color.mixed(with: .ink, 0.3).hex)' "
            + "point pointtype 7 pointsize 0.8 linecolor rgb '\(line.color.hex)'"
    }

    private func draw(_ points: Points, _ x: Extent, _ y: Extent) throws -> [String] {
        // A small point covers about this many pixels across.
        let cell = (terminal.isFixed ? 2.5 : 1.25) * scale
        let indices =
            Thinning.points(
                points, x: (x, panel.x.isLog), y: (y, panel.y.isLog),
                columns: max(64, Int(Double(width) / cell)),
                rows: max(64, Int(Double(height) / cell))) ?? Array(0..<min(points.x.count, points.y.count))
        let usual: Double =
            switch points.y.count {
            case ...60: 1.1
            case ...500: 0.8
            case ...5000: 0.45
            default: 0.25
            }
        let size = usual * terminal.pointScale(scale)
        var columns = [
            indices.map { points.x[$0] }, indices.map { points.y[$0].isFinite ? points.y[$0] : .nan },
        ]
        if let values = points.values {
            columns.append(indices.map { $0 < values.count ? values[$0] : .nan })
            return [
                "\(try data.table(columns)) using 1:2:3 with points pointtype \(points.shape) pointsize \(size) linecolor palette \(title(points.name))"
            ]
        }
        return [
            "\(try data.table(columns)) using 1:2 with points pointtype \(points.shape) pointsize \(size) linecolor rgb '\(points.color.hex)' \(title(points.name))"
        ]
    }

    private func draw(_ bars: Bars, _ x: Extent, _ y: Extent) throws -> [String] {
        // On a logarithmic axis a bar begins at the axis' end, for it cannot begin at zero.
        let values = bars.isHorizontal ? panel.x : panel.y
        let base = values.isLog ? (bars.isHorizontal ? x : y).low : 0
        var columns = [[Double]](repeating: [], count: 6)
        for (at, height) in zip(bars.at, bars.height) where height.isFinite {
            let across = [at - bars.width / 2, at + bars.width / 2]
            let along = [min(base, height), max(base, height)]
            let (xs, ys) = bars.isHorizontal ? (along, across) : (across, along)
            let row = [(xs[0] + xs[1]) / 2, (ys[0] + ys[1]) / 2, xs[0], xs[1], ys[0], ys[1]]
            for (i, value) in row.enumerated() { columns[i].append(value) }
        }
        let edge = bars.hasEdge ? "border linecolor rgb '#FFFFFF'" : "noborder"
        let fill = panel.legend.count > 1 && bars.hasEdge ? "transparent solid 0.6" : "solid 0.95"
        return [
            "\(try data.table(columns)) using 1:2:3:4:5:6 with boxxyerror fillstyle \(fill) \(edge) linewidth 0.5 fillcolor rgb '\(bars.color.hex)' \(title(bars.name))"
        ]
    }

    private func draw(_ raster: Raster) throws -> [String] {
        let limit = terminal.isFixed ? 1 : 2
        var fitted = Thinning.raster(raster, width: width * limit, height: height * limit)
        // Who shows an svg or a pdf blurs few large cells into each other; repeated cells stay sharp.
        if (terminal == .svg || terminal == .pdf), fitted.width * fitted.height < 65_536 {
            fitted = Thinning.repeated(
                fitted, times: max(1, min(128, 512 / max(fitted.width, fitted.height))))
        }
        let (source, using) = try data.raster(fitted)
        switch fitted.cells {
        case .values: return ["\(source) using \(using) with image notitle"]
        case .rgb:
            let picture = "\(source) using \(using) with rgbimage notitle"
            // gnuplot draws the colour bar only where something takes its colour from it.
            guard panel.colorBar?.isShown == true else { return [picture] }
            return [picture, "NaN with lines linecolor palette notitle"]
        }
    }

    private func label(_ label: TextLabel) -> String {
        let anchor =
            switch label.anchor {
            case .left: "left"
            case .center: "center"
            case .right: "right"
            }
        // Windows take whole sizes only.
        let steps = terminal.isWindow ? 1.0 : 10.0
        let size = max(3, (10 * label.scale * steps).rounded() / steps)
        // Two lines are centred on their place by half a line.
        let rise = label.offset.y + (label.text.contains("\n") ? 0.4 * label.scale : 0)
        return
            "set label \(text(label.text)) at \(label.x),\(label.y) \(anchor) offset \(label.offset.x),\(rise) front noenhanced "
            + "font ',\(size)' textcolor rgb '\(label.color.hex)'"
    }
}
