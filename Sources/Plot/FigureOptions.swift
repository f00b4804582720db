import Support

/// What a person may say about any figure: `plot(…, title = "loss", ylog = true)`.
public struct FigureOptions: Sendable {
    public var title: String?
    /// Names of the series, in order.
    public var labels: [String]?
    public var xlabel: String?
    public var ylabel: String?
    public var xlog: Bool?
    public var ylog: Bool?
    /// The ends of the axis; a nil end follows the data.
    public var xrange: (low: Double?, high: Double?)?
    public var yrange: (low: Double?, high: Double?)?
    /// Width and height in pixels.
    public var size: (width: Int, height: Int)?
    /// Colours of the series in order, or one name of a colour map where colours are values.
    public var colours: [String]?

    public init() {}
}

extension Figure {
    /// The figure as the person wants it. Axis options hold for every panel that has axes; a title
    /// goes over the only panel, or over all of them.
    ///
    /// Throws `Failure` naming the option that does not fit.
    public func applying(_ options: FigureOptions) throws -> Figure {
        var figure = self
        if let title = options.title {
            if figure.panels.count == 1 { figure.panels[0].title = title } else { figure.title = title }
        }
        if let size = options.size {
            guard (64...16_384).contains(size.width), (48...16_384).contains(size.height) else {
                throw Failure(
                    .argument, "size = [\(size.width), \(size.height)]",
                    hint: "give width and height in pixels, from 64 x 48 to 16384 x 16384")
            }
            figure.size = size
        }
        for index in figure.panels.indices {
            try figure.panels[index].apply(options)
        }
        return figure
    }
}

extension Panel {
    fileprivate mutating func apply(_ options: FigureOptions) throws {
        if let labels = options.labels { try name(labels) }
        if let colours = options.colours { try paint(colours) }
        if isPicture { return }
        // Bars that lie down: what is asked for the values' axis, upright y, is asked for x.
        var options = options
        if marks.contains(where: { if case .bars(let bars) = $0 { bars.isHorizontal } else { false } }) {
            (options.xlabel, options.ylabel) = (options.ylabel, options.xlabel)
            (options.xlog, options.ylog) = (options.ylog, options.xlog)
            (options.xrange, options.yrange) = (options.yrange, options.xrange)
        }
        if let label = options.xlabel { x.label = label.isEmpty ? nil : label }
        if let label = options.ylabel { y.label = label.isEmpty ? nil : label }
        if let range = options.xrange { x.wanted = range }
        if let range = options.yrange { y.wanted = range }
        let hasRaster = marks.contains { if case .raster = $0 { true } else { false } }
        for (isLog, name, hasNames) in [
            (options.xlog ?? false, "xlog", x.ticks != nil), (options.ylog ?? false, "ylog", y.ticks != nil),
        ] where isLog && (hasRaster || hasNames) {
            throw Failure(
                .argument, "\(name) does not fit a \(kind)",
                hint: hasRaster ? "its cells are equally wide and high" : "that axis holds names")
        }
        if let isLog = options.xlog { x.isLog = isLog }
        if let isLog = options.ylog { y.isLog = isLog }
    }

    /// Name the series in order.
    private mutating func name(_ labels: [String]) throws {
        let nameable = marks.indices.filter {
            switch marks[$0] {
            case .line, .points, .bars: true
            case .raster, .labels: false
            }
        }
        // Categories of bars and classes are named by the kind itself.
        guard !nameable.isEmpty else { return }
        guard labels.count == nameable.count else {
            throw Failure(
                .argument, "\(labels.count) labels for \(nameable.count) series",
                hint: "give one label for each series")
        }
        for (label, index) in zip(labels, nameable) {
            switch marks[index] {
            case .line(var line):
                line.name = label
                marks[index] = .line(line)
            case .points(var points):
                points.name = label
                marks[index] = .points(points)
            case .bars(var bars):
                bars.name = label
                marks[index] = .bars(bars)
            case .raster, .labels: break
            }
        }
    }

    /// Colours for the series in order, or a map for values.
    private mutating func paint(_ colours: [String]) throws {
        if colorBar != nil {
            if colours.count == 1 {
                guard let map = ColorMap.named(colours[0]) else {
                    let names = ColorMap.all.map(\.name)
                    throw Failure(
                        .value, "'\(colours[0])' is not a colour map",
                        hint: Spelling.nearest(colours[0], among: names).map { "did you mean \"\($0)\"?" }
                            ?? "choose one of \(names.joined(separator: ", "))")
                }
                colorBar?.map = map
            } else if colours.count > 1 {
                colorBar?.map = ColorMap(from: try colours.map { try RGB(named: $0) })
            }
            return
        }
        var wanted = try colours.map { try RGB(named: $0) }[...]
        for index in marks.indices {
            guard let color = wanted.first else { return }
            switch marks[index] {
            case .line(var line):
                line.color = color
                marks[index] = .line(line)
            case .points(var points):
                points.color = color
                marks[index] = .points(points)
            case .bars(var bars):
                bars.color = color
                marks[index] = .bars(bars)
            case .raster, .labels: continue
            }
            wanted = wanted.dropFirst()
        }
    }
}
