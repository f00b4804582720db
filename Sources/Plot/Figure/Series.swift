import Support

/// One series of a figure: y, and x where it is not 1, 2, 3, …
public struct Series: Sendable {
    /// Which point is marked as the best.
    public enum Best: Sendable { case lowest, highest }

    public var name: String?
    public var x: [Double]?
    public var y: [Double]
    /// The best point is marked and its value written beside it: the best epoch.
    public var best: Best?

    public init(name: String? = nil, x: [Double]? = nil, y: [Double], best: Best? = nil) {
        self.name = name
        self.x = x
        self.y = y
        self.best = best
    }

    /// The index of the best finite value, or nil.
    var bestIndex: Int? {
        guard let best else { return nil }
        let finite = y.indices.filter { y[$0].isFinite }
        return best == .lowest ? finite.min { y[$0] < y[$1] } : finite.max { y[$0] < y[$1] }
    }
}

extension Panel {
    /// Series as lines, with a legend where there are several: losses, accuracies, scores.
    ///
    /// - Parameter xlabel: what x counts where the series bring no x of their own.
    /// Throws `Failure` where there is no series, one is empty, or x and y differ in length.
    public static func series(_ series: [Series], xlabel: String? = nil) throws -> Panel {
        guard !series.isEmpty else { throw Failure(.value, "nothing to draw: no series was given") }
        var marks: [Mark] = []
        for (index, one) in series.enumerated() {
            let name = one.name ?? "series \(index + 1)"
            guard !one.y.isEmpty else {
                throw Failure(
                    .value, "nothing to draw: \(name) is empty", hint: "was anything recorded in it?")
            }
            if let x = one.x, x.count != one.y.count {
                throw Failure(
                    .shape, "\(name) has \(x.count) places and \(one.y.count) values",
                    hint: "one x for each y")
            }
            var line = Line(
                name: series.count > 1 || one.name != nil ? name : nil,
                x: one.x.map { .values($0) } ?? .uniform(start: 1, step: 1), y: one.y, color: .ofSeries(index)
            )
            line.isDashed = index >= RGB.series.count
            if let best = one.bestIndex {
                line.highlights = [(best, "\(format(one.y[best])) at \(format(line.x[best], digits: 6))")]
            } else if one.y.count == 1 {
                // One point makes no line; a mark can be seen.
                line.highlights = [(0, format(one.y[0]))]
            }
            marks.append(.line(line))
        }
        var panel = Panel(kind: "line chart", marks: marks)
        panel.x.label = xlabel
        panel.x.isWhole = series.allSatisfy { $0.x == nil }
        panel.y.margin = 0.05
        if series.count == 1, case .line(var line) = panel.marks[0], let name = line.name {
            // One series needs no legend: its name stands at the axis.
            line.name = nil
            panel.y.label = name
            panel.marks[0] = .line(line)
        }
        return panel
    }

    /// Points (x, y), one cloud for each group.
    /// Throws `Failure` where there are none or lengths differ.
    public static func scatter(_ groups: [(name: String?, x: [Double], y: [Double])]) throws -> Panel {
        guard groups.contains(where: { !$0.y.isEmpty }) else {
            throw Failure(.value, "nothing to draw: there are no points")
        }
        let shapes = [7, 5, 9, 11, 13, 6, 4, 8]
        var marks: [Mark] = []
        for (index, group) in groups.enumerated() {
            guard group.x.count == group.y.count else {
                throw Failure(
                    .shape, "\(group.name ?? "scatter"): \(group.x.count) x for \(group.y.count) y",
                    hint: "one x for each y")
            }
            var points = Points(name: group.name, x: group.x, y: group.y, color: .ofSeries(index))
            points.shape = shapes[index % shapes.count]
            marks.append(.points(points))
        }
        var panel = Panel(kind: "scatter plot", marks: marks)
        panel.x.margin = 0.04
        panel.y.margin = 0.05
        return panel
    }

    /// One bar for each label, in groups where there are several series.
    ///
    /// Bars lie down where there are many or their names are long, so that names stay readable.
    /// Throws `Failure` where there are no labels or a series has another length.
    public static func bars(
        labels: [String], series: [Series], valueLabel: String? = nil, horizontal: Bool? = nil
    ) throws -> Panel {
        guard !labels.isEmpty, !series.isEmpty else {
            throw Failure(.value, "nothing to draw: there are no bars")
        }
        let lying = horizontal ?? (labels.count > 12 || labels.contains { $0.count > 12 })
        let thickness = 0.76 / Double(series.count)
        var marks: [Mark] = []
        var texts: [TextLabel] = []
        let digits = lying ? 3 : digitsWithRoom(series, bars: labels.count * series.count)
        for (index, one) in series.enumerated() {
            guard one.y.count == labels.count else {
                throw Failure(
                    .shape, "\(one.name ?? "bars"): \(one.y.count) values for \(labels.count) labels",
                    hint: "one label for each bar")
            }
            let offset = (Double(index) - Double(series.count - 1) / 2) * thickness
            var bars = Bars(
                name: series.count > 1 ? one.name ?? "series \(index + 1)" : nil,
                at: labels.indices.map { Double($0) + offset }, height: one.y, width: thickness,
                color: .ofSeries(index))
            bars.isHorizontal = lying
            marks.append(.bars(bars))
            for (at, value) in zip(bars.at, one.y) where value.isFinite && digits > 0 {
                var text = TextLabel(
                    format(value, digits: digits), x: lying ? value : at, y: lying ? at : value, scale: 0.85,
                    anchor: !lying ? .center : value < 0 ? .right : .left)
                text.offset = lying ? (value < 0 ? -0.6 : 0.6, 0) : (0, value < 0 ? -0.7 : 0.6)
                texts.append(text)
            }
        }
        // The numbers themselves, as long as they do not run into each other.
        if texts.count <= (lying ? 40 : 16) { marks.append(.labels(texts)) }
        var panel = Panel(kind: "bar chart", marks: marks)
        var names = Axis()
        names.ticks = labels.enumerated().map { (Double($0.offset), $0.element) }
        names.margin = 0.02
        names.isReversed = lying
        var values = Axis(label: valueLabel ?? (series.count == 1 ? series[0].name : nil))
        values.fromZero = true
        values.margin = lying ? 0.1 : 0.08
        (panel.x, panel.y) = lying ? (values, names) : (names, values)
        return panel
    }

    /// With how many digits the numbers on upright bars do not run into each other; 0: with none.
    private static func digitsWithRoom(_ series: [Series], bars: Int) -> Int {
        // Three quarters of about 680 pixels are bars, and a digit is 6.4 wide.
        let room = 680 * 0.76 / Double(max(1, bars))
        return [3, 2].first { digits in
            let longest = series.flatMap(\.y).map { format($0, digits: digits).count }.max() ?? 0
            return Double(longest) * 6.4 <= room
        } ?? 0
    }

    /// How often values fall in each of equal bins.
    ///
    /// - Parameter bins: how many; nil follows Freedman and Diaconis (1981): 2 · IQR / n^(1/3) wide.
    /// Throws `Failure` where no value is finite.
    public static func histogram(
        _ groups: [(name: String?, values: [Double])], bins: Int? = nil
    ) throws -> Panel {
        let all = groups.flatMap(\.values).filter { abs($0) < 1e300 }
        guard let low = all.min(), let high = all.max() else {
            throw Failure(.value, "nothing to count: the data hold no finite number")
        }
        if let bins, bins < 1 || bins > 4096 {
            throw Failure(.argument, "bins = \(bins)", hint: "use 1 to 4096")
        }
        let count = bins ?? Panel.binCount(all, low, high)
        let start = low == high ? low - 0.5 : low
        let width = low == high ? 1 / Double(count) : (high - low) / Double(count)
        guard width > 0, width.isFinite else {
            throw Failure(
                .numeric, "the values from \(format(low)) to \(format(high)) are too close to count in bins")
        }
        var marks: [Mark] = []
        for (index, group) in groups.enumerated() {
            var counts = [Double](repeating: 0, count: count)
            for value in group.values where abs(value) < 1e300 {
                counts[min(count - 1, max(0, Int((value - start) / width)))] += 1
            }
            var bars = Bars(
                name: groups.count > 1 ? group.name ?? "series \(index + 1)" : nil,
                at: (0..<count).map { start + (Double($0) + 0.5) * width }, height: counts, width: width,
                color: .ofSeries(index))
            bars.hasEdge = count <= 100
            marks.append(.bars(bars))
        }
        var panel = Panel(kind: "histogram", marks: marks)
        panel.x.label = groups.count == 1 ? groups[0].name : nil
        panel.x.margin = 0.02
        panel.y = Axis(label: "count")
        panel.y.fromZero = true
        panel.y.margin = 0.05
        return panel
    }

    private static func binCount(_ values: [Double], _ low: Double, _ high: Double) -> Int {
        guard values.count > 1, high > low else { return 1 }
        let sorted = values.sorted()
        let quartiles = sorted[sorted.count * 3 / 4] - sorted[sorted.count / 4]
        let sturges = log2Ceil(values.count) + 1
        guard quartiles > 0 else { return max(10, sturges) }
        let width = 2 * quartiles / Double(values.count).power(1.0 / 3)
        let count = (high - low) / width
        return min(200, max(min(sturges, 10), count < 200 ? Int(count.rounded(.up)) : 200))
    }

    private static func log2Ceil(_ n: Int) -> Int { n <= 1 ? 0 : Int.bitWidth - (n - 1).leadingZeroBitCount }
}
