import Support

/// A figure as a value: panels in rows, a title, a size. Nothing is drawn until a terminal draws it.
public struct Figure: Sendable {
    /// Above all panels; nil for none.
    public var title: String?
    /// Left to right, then top to bottom.
    public var panels: [Panel]
    /// Panels in a row.
    public var columns: Int
    /// Width and height in pixels; nil lets the figure choose by its panels.
    public var size: (width: Int, height: Int)?

    public init(title: String? = nil, panels: [Panel], columns: Int = 1) {
        self.title = title
        self.panels = panels
        self.columns = max(1, columns)
    }

    public init(_ panel: Panel) { self.init(panels: [panel]) }

    /// Rows that the panels fill.
    public var rows: Int { max(1, (panels.count + columns - 1) / columns) }

    /// Several figures in one, `columns` in a row: the panels of each, in order.
    ///
    /// Throws `Failure` where there are no panels, or more than `rows * columns` where `rows` is given.
    public static func grid(
        _ figures: [Figure], rows: Int? = nil, columns: Int, title: String? = nil
    ) throws -> Figure {
        var panels: [Panel] = []
        for figure in figures {
            // A title over a figure of one panel belongs to that panel now.
            if figure.panels.count == 1, let title = figure.title, figure.panels[0].title == nil {
                var panel = figure.panels[0]
                panel.title = title
                panels.append(panel)
            } else {
                panels += figure.panels
            }
        }
        guard !panels.isEmpty else { throw Failure(.value, "a figure needs at least one plot") }
        guard columns >= 1, columns <= 64 else {
            throw Failure(.argument, "a figure cannot have \(columns) columns", hint: "use 1 to 64")
        }
        if let rows, rows < 1 || panels.count > rows &* columns {
            throw Failure(
                .argument, "\(panels.count) plots do not fit in \(rows) rows of \(columns)",
                hint: "use figure(\((panels.count + columns - 1) / columns), \(columns), …)")
        }
        return Figure(title: title, panels: panels, columns: columns)
    }

    /// What the figure shows, in a sentence: the alternative text of a page.
    public var summary: String {
        let parts = panels.prefix(12).map(\.summary)
        let more = panels.count > 12 ? ", and \(panels.count - 12) more" : ""
        let body = parts.joined(separator: "; ") + more
        return title.map { "\($0): \(body)" } ?? body
    }
}

/// One pair of axes and what is drawn in it.
public struct Panel: Sendable {
    /// What kind of picture it is, in words: "waveform", "confusion matrix".
    public var kind: String
    public var title: String?
    public var x = Axis()
    public var y = Axis()
    public var marks: [Mark]
    /// The scale of the colours; nil where colours are not values.
    public var colorBar: ColorBar?
    /// Pixels are square, and there are no axes: a picture.
    public var isPicture = false
    /// The grid lines; off over rasters, where they would hide data.
    public var hasGrid = true
    /// The counts behind a confusion matrix, for terminals that show tables.
    public var table: CountTable?
    /// Small multiples: no numbers at the axes.
    public var isSmall = false

    public init(kind: String, marks: [Mark]) {
        self.kind = kind
        self.marks = marks
    }

    /// The names in the legend, in order, with the index of their mark.
    var legend: [(name: String, mark: Int)] {
        marks.enumerated().compactMap { index, mark in mark.name.map { ($0, index) } }
    }

    var summary: String {
        var text = kind
        if let title { text += " “\(title)”" }
        let names = legend.map(\.name)
        if !names.isEmpty { text += " of \(names.prefix(8).joined(separator: ", "))" }
        let labels = [y.label, x.label].compactMap { $0 }
        if !isPicture, !labels.isEmpty { text += " (\(labels.joined(separator: " against ")))" }
        if let reach { text += ", from \(format(reach.low)) to \(format(reach.high))" }
        return text
    }
}

extension Panel {
    /// The least and the greatest of what is drawn upwards, or as colours; nil where that says nothing.
    private var reach: (low: Double, high: Double)? {
        if isPicture { return nil }
        if let bar = colorBar, bar.isShown { return (bar.range.lowerBound, bar.range.upperBound) }
        var bounds = Bounds(log: false)
        for mark in marks {
            switch mark {
            case .line(let line): for value in line.y { bounds.add(value) }
            case .points(let points): for value in points.y { bounds.add(value) }
            case .bars(let bars): for value in bars.height { bounds.add(value) }
            case .raster, .labels: break
            }
        }
        return bounds.isEmpty ? nil : (bounds.low, bounds.high)
    }
}

/// Counts by true class (rows) and predicted class (columns).
public struct CountTable: Sendable {
    public var names: [String]
    /// [classes, classes]
    public var counts: [Double]
}

/// One axis of a panel.
public struct Axis: Sendable {
    /// With its unit: "time (s)".
    public var label: String?
    public var isLog = false
    /// What the person asked for; nil follows the data. A nil end follows the data too.
    public var wanted: (low: Double?, high: Double?)?
    /// Values grow downwards or leftwards, as the rows of a picture do.
    public var isReversed = false
    /// Names in place of numbers.
    public var ticks: [(at: Double, name: String)]?
    /// Room beyond the data as a part of its span.
    public var margin = 0.0
    /// The axis begins at zero where the data allow it: bars and counts.
    public var fromZero = false
    /// Only whole numbers make sense: epochs, steps.
    public var isWhole = false

    public init(label: String? = nil) { self.label = label }
}

/// The scale of a raster's or a line's colours.
public struct ColorBar: Sendable {
    public var label: String?
    public var map: ColorMap
    public var range: ClosedRange<Double>
    /// False where the colours need no numbers beside the picture.
    public var isShown = true

    public init(label: String? = nil, map: ColorMap, range: ClosedRange<Double>, isShown: Bool = true) {
        self.label = label
        self.map = map
        self.range = range
        self.isShown = isShown
    }
}

/// One thing drawn in a panel.
public enum Mark: Sendable {
    case line(Line)
    case points(Points)
    case bars(Bars)
    case raster(Raster)
    case labels([TextLabel])

    /// Its name in the legend.
    var name: String? {
        switch self {
        case .line(let line): line.name
        case .points(let points): points.name
        case .bars(let bars): bars.name
        case .raster, .labels: nil
        }
    }
}

/// A polyline y(x). NaN in `y` (or an infinity) is a gap.
public struct Line: Sendable {
    public var name: String?
    public var x: Positions
    public var y: [Double]
    public var color: RGB
    /// Width in points at the figure's own scale.
    public var width = 1.8
    public var isDashed = false
    /// Points that are marked, with a word beside each: the best epoch.
    public var highlights: [(index: Int, text: String)] = []
    /// Colour at each point through the panel's colour bar, instead of `color`.
    public var values: [Double]?

    public init(name: String? = nil, x: Positions, y: [Double], color: RGB) {
        self.name = name
        self.x = x
        self.y = y
        self.color = color
    }
}

/// Where the points of a line are.
public enum Positions: Sendable {
    /// start, start + step, …
    case uniform(start: Double, step: Double)
    case values([Double])

    @inline(__always)
    subscript(i: Int) -> Double {
        switch self {
        case .uniform(let start, let step): start + Double(i) * step
        case .values(let values): i < values.count ? values[i] : .nan
        }
    }

    /// True where positions never go back, so that columns of pixels can be thinned.
    func isSorted(count: Int) -> Bool {
        switch self {
        case .uniform(_, let step): return step >= 0
        case .values(let values):
            var last = -Double.infinity
            for value in values.prefix(count) {
                guard value >= last else { return false }
                last = value
            }
            return true
        }
    }
}

/// A cloud of points.
public struct Points: Sendable {
    public var name: String?
    public var x: [Double]
    public var y: [Double]
    public var color: RGB
    /// The shape, counted as gnuplot's `pointtype`s are; a second way to tell groups apart.
    public var shape = 7
    /// Colour at each point through the panel's colour bar, instead of `color`.
    public var values: [Double]?

    public init(name: String? = nil, x: [Double], y: [Double], color: RGB) {
        self.name = name
        self.x = x
        self.y = y
        self.color = color
    }
}

/// Bars from zero.
public struct Bars: Sendable {
    public var name: String?
    /// Middle of each bar along its axis.
    public var at: [Double]
    public var height: [Double]
    /// Thickness along the axis, in its units.
    public var width: Double
    public var color: RGB
    /// Bars go to the right, their names stand at the left.
    public var isHorizontal = false
    /// A thin light edge between bars; histograms have none.
    public var hasEdge = false

    public init(name: String? = nil, at: [Double], height: [Double], width: Double, color: RGB) {
        self.name = name
        self.at = at
        self.height = height
        self.width = width
        self.color = color
    }
}

/// A rectangle of cells. Row 0 lies at `y0`, column 0 at `x0`.
public struct Raster: Sendable {
    public enum Cells: Sendable {
        /// [height, width] values shown through the panel's colour bar. NaN is a hole.
        case values([Double])
        /// [height, width, 3] bytes red, green, blue.
        case rgb([UInt8])
    }

    public var width: Int
    public var height: Int
    public var cells: Cells
    /// The outer edges in axis units.
    public var x0: Double, x1: Double, y0: Double, y1: Double

    public init(width: Int, height: Int, cells: Cells, x0: Double, x1: Double, y0: Double, y1: Double) {
        self.width = width
        self.height = height
        self.cells = cells
        self.x0 = x0
        self.x1 = x1
        self.y0 = y0
        self.y1 = y1
    }
}

/// Words at a place in the axes.
public struct TextLabel: Sendable {
    public enum Anchor: Sendable { case left, center, right }
    public var text: String
    public var x: Double
    public var y: Double
    public var color: RGB
    /// Size relative to the figure's own text.
    public var scale: Double
    public var anchor: Anchor
    /// Away from its place, in letters: the value beside the end of a bar.
    public var offset = (x: 0.0, y: 0.0)

    public init(
        _ text: String, x: Double, y: Double, color: RGB = .ink, scale: Double = 1, anchor: Anchor = .center
    ) {
        self.text = text
        self.x = x
        self.y = y
        self.color = color
        self.scale = scale
        self.anchor = anchor
    }
}
