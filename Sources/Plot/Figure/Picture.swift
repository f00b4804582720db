import Support

/// A picture's numbers: [height, width, channels], channel fastest, 1 (grey), 3 or 4 channels.
public struct Picture: Sendable {
    public var width: Int
    public var height: Int
    public var channels: Int
    public var values: [Float]

    /// Throws `Failure` where the numbers do not fill the shape.
    public init(width: Int, height: Int, channels: Int, values: [Float]) throws {
        guard width > 0, height > 0, [1, 3, 4].contains(channels) else {
            throw Failure(
                .shape, "[\(height), \(width), \(channels)] is no picture",
                hint: "pictures are [height, width, channels] with 1, 3 or 4 channels")
        }
        let (area, overflow) = width.multipliedReportingOverflow(by: height)
        guard !overflow, area <= 1 << 28, values.count == area * channels else {
            throw Failure(.shape, "[\(height), \(width), \(channels)] cannot hold \(values.count) numbers")
        }
        self.width = width
        self.height = height
        self.channels = channels
        self.values = values
    }

    /// How numbers become light.
    public enum Scale: Sendable {
        /// 0…1 and 0…255 are taken as they are; anything else is stretched from its least to its greatest.
        case automatic
        /// From `low` (black) to `high` (white).
        case range(low: Double, high: Double)
    }

    /// [height, width, 3] bytes; transparent pixels lie on white, NaN is black.
    func bytes(_ scale: Scale = .automatic) throws -> [UInt8] {
        let (low, high) = try limits(scale)
        let factor = 255 / (high - low)
        func byte(_ value: Float) -> UInt8 { UInt8(clampedRound: (Double(value) - low) * factor) }
        var result = [UInt8](repeating: 0, count: width * height * 3)
        for i in 0..<(width * height) {
            for c in 0..<3 {
                var light = byte(values[i * channels + (channels == 1 ? 0 : c)])
                if channels == 4 {
                    let alpha = Double(byte(values[i * 4 + 3])) / 255
                    light = UInt8(clampedRound: 255 * (1 - alpha) + Double(light) * alpha)
                }
                result[i * 3 + c] = light
            }
        }
        return result
    }

    /// The numbers that become black and white.
    func limits(_ scale: Scale) throws -> (low: Double, high: Double) {
        if case .range(let low, let high) = scale {
            guard low < high, low.isFinite, high.isFinite else {
                throw Failure(
                    .argument, "a picture from \(format(low)) to \(format(high))", hint: "low before high")
            }
            return (low, high)
        }
        var low = Float.infinity
        var high = -Float.infinity
        for value in values where value.isFinite {
            low = min(low, value)
            high = max(high, value)
        }
        guard low <= high else {
            throw Failure(.value, "nothing to draw: the picture holds no finite number")
        }
        if low >= 0, high <= 1 { return (0, 1) }
        if low >= 0, high <= 255 { return (0, 255) }
        return low < high ? (Double(low), Double(high)) : (Double(low) - 0.5, Double(low) + 0.5)
    }
}

extension Panel {
    /// A picture with square pixels and no axes.
    public static func image(_ picture: Picture, scale: Picture.Scale = .automatic) throws -> Panel {
        picturePanel(
            kind: "image", width: picture.width, height: picture.height, bytes: try picture.bytes(scale))
    }

    static func picturePanel(kind: String, width: Int, height: Int, bytes: [UInt8]) -> Panel {
        let raster = Raster(
            width: width, height: height, cells: .rgb(bytes), x0: 0, x1: Double(width), y0: 0,
            y1: Double(height))
        var panel = Panel(kind: kind, marks: [.raster(raster)])
        panel.isPicture = true
        panel.hasGrid = false
        panel.y.isReversed = true
        return panel
    }

    /// Where in a picture a network sees a class: the picture in grey under the map's colours.
    ///
    /// - Parameter map: [mapHeight, mapWidth] importance, stretched over the picture.
    public static func activation(
        picture: Picture, map: [Double], mapWidth: Int, mapHeight: Int
    ) throws -> Panel {
        guard mapWidth > 0, mapHeight > 0, map.count == mapWidth &* mapHeight else {
            throw Failure(.shape, "a map of [\(mapHeight), \(mapWidth)] cannot hold \(map.count) numbers")
        }
        let range = try finiteRange(map, what: "the class activation map", fromZero: true)
        let span = range.upperBound - range.lowerBound
        var bytes = try picture.bytes()
        // Row by row, so that each axis is interpolated by itself.
        let rows = (0..<mapHeight).map { row in Array(map[(row * mapWidth)..<((row + 1) * mapWidth)]) }
        let wide = rows.map { row in
            (0..<picture.width).map { stretched(row, $0, over: picture.width) }
        }
        for x in 0..<picture.width {
            let column = wide.map { $0[x] }
            for y in 0..<picture.height {
                let value = stretched(column, y, over: picture.height)
                let t = value.isFinite ? min(1, max(0, (value - range.lowerBound) / span)) : 0
                let i = (y * picture.width + x) * 3
                let grey = UInt8(
                    clampedRound: 0.299 * Double(bytes[i]) + 0.587 * Double(bytes[i + 1])
                        + 0.114 * Double(bytes[i + 2]))
                let mixed = RGB(grey, grey, grey).mixed(with: ColorMap.glow.color(t), 0.8 * t.squareRoot())
                (bytes[i], bytes[i + 1], bytes[i + 2]) = (mixed.r, mixed.g, mixed.b)
            }
        }
        var panel = picturePanel(
            kind: "class activation map over a picture", width: picture.width, height: picture.height,
            bytes: bytes)
        panel.colorBar = ColorBar(label: "importance", map: .glow, range: range)
        return panel
    }

    /// A table of numbers as colours.
    ///
    /// - Parameters:
    ///   - values: [rows, columns].
    ///   - map: nil takes viridis, and the diverging map (white at zero) where the values have both signs.
    public static func heatmap(
        _ values: [Double], rows: Int, columns: Int, rowLabels: [String] = [], columnLabels: [String] = [],
        map: ColorMap? = nil, valueLabel: String? = nil
    ) throws -> Panel {
        guard rows > 0, columns > 0, values.count == rows &* columns else {
            throw Failure(.shape, "a heat map of [\(rows), \(columns)] cannot hold \(values.count) numbers")
        }
        for (labels, count, what) in [(rowLabels, rows, "rows"), (columnLabels, columns, "columns")]
        where !labels.isEmpty && labels.count != count {
            throw Failure(.shape, "\(labels.count) labels for \(count) \(what)", hint: "one label for each")
        }
        var range = try finiteRange(values, what: "the heat map")
        let signed = range.lowerBound < 0 && range.upperBound > 0
        let chosen = map ?? (signed ? .diverging : .viridis)
        if signed, chosen == .diverging {
            let end = max(-range.lowerBound, range.upperBound)
            range = -end...end
        }
        let raster = Raster(
            width: columns, height: rows, cells: .values(values.map { $0.isFinite ? $0 : .nan }), x0: -0.5,
            x1: Double(columns) - 0.5, y0: -0.5, y1: Double(rows) - 0.5)
        var panel = Panel(kind: "heat map", marks: [.raster(raster)])
        panel.hasGrid = false
        panel.y.isReversed = true
        panel.x.isWhole = true
        panel.y.isWhole = true
        if !columnLabels.isEmpty {
            panel.x.ticks = columnLabels.enumerated().map { (Double($0.offset), $0.element) }
        }
        if !rowLabels.isEmpty {
            panel.y.ticks = rowLabels.enumerated().map { (Double($0.offset), $0.element) }
        }
        panel.colorBar = ColorBar(label: valueLabel, map: chosen, range: range)
        return panel
    }

    /// How often each true class was taken for each class, with counts and percentages of the true class.
    ///
    /// - Parameters:
    ///   - counts: [classes, classes], row = true class.
    ///   - labels: the classes' names, in order.
    public static func confusion(_ counts: [Double], labels: [String]) throws -> Panel {
        let n = labels.count
        guard n > 0, counts.count == n &* n else {
            throw Failure(
                .shape, "a confusion matrix of \(n) classes cannot hold \(counts.count) counts",
                hint: "counts are [classes, classes], one label for each class")
        }
        guard counts.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
            throw Failure(.value, "a confusion matrix holds counts: whole numbers from zero")
        }
        var percent = [Double](repeating: 0, count: n * n)
        var texts: [TextLabel] = []
        // Numbers stay readable up to about 32 classes; percentages fit beside them up to 20.
        let scale = n <= 8 ? 1.0 : n <= 16 ? 0.62 : n <= 20 ? 0.5 : 0.42
        for row in 0..<n {
            let total = counts[(row * n)..<((row + 1) * n)].reduce(0, +)
            for column in 0..<n {
                let count = counts[row * n + column]
                let share = total > 0 ? 100 * count / total : 0
                percent[row * n + column] = share
                guard n <= 32, count > 0 else { continue }
                let paper = ColorMap.blues.color(share / 100)
                let share1 = share >= 99.95 ? "100" : format(share, digits: share < 10 ? 2 : 3)
                var text = TextLabel(
                    format(count, digits: 9), x: Double(column), y: Double(row),
                    color: paper.luminance < 0.35 ? .paper : .ink, scale: scale)
                // Two labels rather than two lines: terminals space lines by their own text's height.
                if n <= 20 { text.offset.y = 0.55 * scale }
                texts.append(text)
                if n <= 20 {
                    text.text = "\(share1) %"
                    text.offset.y = -0.55 * scale
                    texts.append(text)
                }
            }
        }
        var panel = try heatmap(
            percent, rows: n, columns: n, rowLabels: labels, columnLabels: labels, map: .blues,
            valueLabel: "of the true class (%)")
        panel.marks.append(.labels(texts))
        panel.kind = "confusion matrix"
        panel.table = CountTable(names: labels, counts: counts)
        panel.x.label = "predicted class"
        panel.y.label = "true class"
        panel.colorBar?.range = 0...100
        let all = counts.reduce(0, +)
        if all > 0 {
            let right = (0..<n).reduce(0.0) { $0 + counts[$1 * n + $1] }
            let share = format(100 * right / all, digits: 3)
            panel.title = "accuracy \(share) % (\(format(right, digits: 9)) of \(format(all, digits: 9)))"
        }
        return panel
    }
}
