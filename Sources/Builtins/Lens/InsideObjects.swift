import Language
import Lens
import Network
import Plot
import Support
import Tensor

/// A layer's kernels and their frequency responses.
final class KernelsObject: VZObject, Drawable, Storable {
    let kernels: Kernels
    init(_ kernels: Kernels) { self.kernels = kernels }

    /// Figures show at most so many filters.
    private static let most = 64

    var typeName: String { "filters" }
    private static let docs: [(name: String, doc: String)] = [
        ("kernels", "the weights: [window…, channels, filters] or [inputs, units]"),
        ("order", "the filters in the order shown: by peak frequency where there are responses"),
        ("peaks", "frequency of each filter's greatest response in Hz, in that order"),
        ("responses", "levels in dB, [filters, frequencies], in that order"),
        ("frequencies", "the responses' frequencies in Hz"),
        ("grid", "the kernels one by one as a figure"),
        ("layer", "the layer"),
    ]
    var memberNames: [String] { Self.docs.map(\.name) }
    var lateMembers: [String: String] { ["grid": "figure", "responses": "tensor"] }
    func memberDoc(_ name: String) -> String? { Self.docs.first { $0.name == name }?.doc }

    func member(_ name: String) throws -> Value? {
        switch name {
        case "kernels": return Value(TensorObject(kernels.weights))
        case "order": return Value(kernels.order.map(Double.init))
        case "peaks": return kernels.response.map { r in Value(kernels.order.map { r.peaks[$0] }) } ?? .nil
        case "responses": return try kernels.response == nil ? .nil : Value(TensorObject(sortedLevels()))
        case "frequencies": return kernels.response.map { Value($0.frequencies) } ?? .nil
        case "grid": return Value(FigureObject(try grid(labels: [])))
        case "layer": return Value(LayerObject(kernels.layer))
        default: return nil
        }
    }

    var summary: String {
        let shape = Shape.describe(kernels.weights.shape)
        guard let response = kernels.response, let low = response.peaks.min(), let high = response.peaks.max()
        else {
            return "<filters of \(kernels.layer.name): \(shape)>"
        }
        return "<filters of \(kernels.layer.name): \(shape), peaks from \(Int(low)) to \(Int(high)) Hz>"
    }

    func tensors() throws -> [(String, Tensor)] {
        [("kernels", kernels.weights)] + (kernels.response == nil ? [] : [("responses", try sortedLevels())])
    }

    private func sortedLevels() throws -> Tensor {
        guard let response = kernels.response else { throw Failure(.value, "there are no responses") }
        let n = response.frequencies.count
        let values = try response.levels.array(of: Float.self)
        return try Tensor(
            kernels.order.flatMap { values[$0 * n..<($0 + 1) * n] }, shape: [kernels.order.count, n])
    }

    // MARK: Figures

    func figure(labels: [String]) throws -> Figure {
        guard let response = kernels.response, kernels.weights.shape[1] == 1 else {
            return try grid(labels: labels)
        }
        let (taps, filters) = (kernels.weights.shape[0], kernels.order.count)
        let values = try kernels.weights.array(of: Double.self)
        let rows = kernels.order.flatMap { f in (0..<taps).map { values[$0 * filters + f] } }
        var own = try Panel.heatmap(rows, rows: filters, columns: taps, map: .diverging, valueLabel: "weight")
        own.title = "\(kernels.layer.name): kernels"
        own.x.label = "tap"
        own.y.label = "filter, by peak frequency"
        let levels = try sortedLevels().array(of: Double.self)
        let n = response.frequencies.count
        var heard = try Panel.heatmap(
            levels, rows: filters, columns: n, map: .viridis, valueLabel: "level (dB)")
        if let top = levels.max() {
            // Below 60 dB under the greatest there is nothing to hear.
            heard.colorBar?.range = (top - 60)...top
            let cells = levels.map { max($0, top - 60) }
            heard.marks[0] = .raster(
                Raster(
                    width: n, height: filters, cells: .values(cells), x0: 0, x1: response.rate / 2000,
                    y0: -0.5,
                    y1: Double(filters) - 0.5))
        }
        heard.title = "their frequency responses"
        heard.x.isWhole = false
        heard.x.label = "frequency (kHz)"
        heard.y.label = "filter, by peak frequency"
        return Figure(panels: [own, heard], columns: 2)
    }

    /// One small picture or waveform for each filter.
    private func grid(labels: [String]) throws -> Figure {
        let weights = kernels.weights
        let shape = weights.shape
        let shown = Array(kernels.order.prefix(Self.most))
        func name(_ i: Int) -> String {
            let peak = kernels.response.map { ": \(Int($0.peaks[i])) Hz" } ?? ""
            return labels.indices.contains(i) ? labels[i] : "\(i)\(peak)"
        }
        let all = Subscript.slice(start: nil, end: nil, step: 1)
        func kernel(_ i: Int) throws -> Tensor {
            try weights[[Subscript](repeating: all, count: shape.count - 1) + [.position(i)]]
        }
        var figure: Figure
        switch shape.count {
        case 3 where shape[1] == 1:
            figure = try Figure.waveforms(
                shown.map { try kernel($0).array(of: Float.self) }, rate: kernels.response?.rate ?? 1,
                captions: shown.map(name))
        case 4 where shape[2] == 3 || shape[2] == 1:
            let isBGR = kernels.layer.network.preprocessing.channels == "BGR"
            let pictures = try shown.map { i -> Picture in
                var picture = try PlotBuiltins.picture(kernel(i))
                if isBGR, shape[2] == 3 {
                    for at in stride(from: 0, to: picture.values.count, by: 3) {
                        picture.values.swapAt(at, at + 2)
                    }
                }
                return picture
            }
            figure = try Figure.images(pictures, captions: shown.map(name))
        case 2:
            figure = Figure(
                try Panel.heatmap(
                    weights.array(of: Double.self), rows: shape[0], columns: shape[1], valueLabel: "weight"))
            figure.panels[0].x.label = "unit"
            figure.panels[0].y.label = "input"
        default:
            // Maps of weights: taps by channels, or the mean over the channels of a picture's kernel.
            let isFlat = shape.count == 3
            let folded = isFlat ? weights : try kernels.overChannels()
            let panels = try shown.map { i -> Panel in
                let one = try folded[[all, all, .position(i)]]
                var panel = try Panel.heatmap(
                    one.array(of: Double.self), rows: one.shape[0], columns: one.shape[1], map: .diverging)
                panel.title = name(i)
                panel.isSmall = true
                panel.colorBar?.isShown = false
                return panel
            }
            figure = Figure(
                panels: panels, columns: max(1, Int((Double(panels.count) * 1.4).squareRoot().rounded(.up))))
            figure.title =
                isFlat
                ? "\(kernels.layer.name): taps down, channels across"
                : "\(kernels.layer.name): mean over channels"
        }
        if shown.count < kernels.order.count {
            figure.title =
                (figure.title ?? kernels.layer.name) + " (\(shown.count) of \(kernels.order.count))"
        }
        return figure
    }
}

/// What every layer makes of one input.
final class ResponsesObject: VZObject, Drawable, Storable {
    let responses: Responses
    private let rate: Int?

    init(_ responses: Responses, rate: Int?) {
        self.responses = responses
        self.rate = rate
    }

    var typeName: String { "activations" }
    var memberNames: [String] { responses.layers.map(\.layer.name) + ["input"] }
    func memberDoc(_ name: String) -> String? {
        responses.layers.first { $0.layer.name == name }.map {
            "\($0.layer.kind), \(Shape.describe($0.value.shape))"
        }
            ?? "what the network was given"
    }
    func member(_ name: String) throws -> Value? {
        if let found = responses.layers.first(where: { $0.layer.name == name }) {
            return Value(TensorObject(found.value))
        }
        return name == "input" ? Value(TensorObject(responses.input)) : nil
    }
    var count: Int? { responses.layers.count }
    func index(_ indices: [Value]) throws -> Value {
        guard indices.count == 1, let i = indices[0].asInt else {
            throw Failure(.index, "activations are indexed by one whole number, the layer's place")
        }
        let n = responses.layers.count
        let place = i < 0 ? i &+ n : i
        guard place >= 0, place < n else { throw Failure(.index, "index \(i) is outside the \(n) layers") }
        return Value(TensorObject(responses.layers[place].value))
    }
    var summary: String { "<activations of \(responses.network.name): \(responses.layers.count) layers>" }
    func tensors() throws -> [(String, Tensor)] { responses.layers.map { ($0.layer.name, $0.value) } }

    // MARK: Figure

    /// Figures show at most so many layers, so many columns of time and so many channels of a picture.
    private static let mostLayers = 36
    private static let mostColumns = 400
    private static let mostChannels = 16

    func figure(labels: [String]) throws -> Figure {
        let movers: Set = ["dropout", "spatial_dropout", "flatten", "reshape", "permute"]
        var shown = responses.layers.filter { !movers.contains($0.layer.kind) || responses.layers.count == 1 }
        if shown.count > Self.mostLayers {
            let step = Double(shown.count - 1) / Double(Self.mostLayers - 1)
            shown = (0..<Self.mostLayers).map { shown[Int((Double($0) * step).rounded())] }
        }
        let panels = try shown.map { layer, value -> Panel in
            var panel = try Self.panel(value, layer)
            panel.title = "\(layer.name) \(Shape.describe(layer.outputShape))"
            return panel
        }
        var figure = Figure(
            panels: panels, columns: max(1, Int((Double(panels.count) * 1.2).squareRoot().rounded(.up))))
        if shown.count < responses.layers.count, shown.count == Self.mostLayers {
            figure.title = "\(responses.network.name): \(shown.count) of \(responses.layers.count) layers"
        }
        return figure
    }

    private static func panel(_ value: Tensor, _ layer: LayerHandle) throws -> Panel {
        switch value.rank {
        case 2:
            // Channels down, time across; many samples share a column by their greatest size.
            let (length, channels) = (value.shape[0], value.shape[1])
            let values = try value.array(of: Double.self)
            let columns = min(length, mostColumns)
            var cells = [Double](repeating: 0, count: channels * columns)
            for t in 0..<length {
                let column = t * columns / length
                for c in 0..<channels {
                    let (x, at) = (values[t * channels + c], c * columns + column)
                    if abs(x) > abs(cells[at]) { cells[at] = x }
                }
            }
            var panel = try Panel.heatmap(cells, rows: channels, columns: columns)
            panel.isSmall = true
            panel.colorBar?.isShown = false
            return panel
        case 3: return try mosaic(value)
        default:
            let values = try value.array(of: Double.self)
            let classes = layer.network.classes
            if values.count <= 40 {
                let names = classes.count == values.count ? classes : values.indices.map(String.init)
                return try Panel.bars(labels: names, series: [Series(y: values)])
            }
            var panel = try Panel.series([Series(x: values.indices.map(Double.init), y: values)])
            panel.isSmall = true
            return panel
        }
    }

    /// The channels that answer most, each from its least to its greatest value, side by side.
    private static func mosaic(_ value: Tensor) throws -> Panel {
        let (height, width, channels) = (value.shape[0], value.shape[1], value.shape[2])
        let values = try value.array(of: Float.self)
        var (low, high) = (
            [Float](repeating: .infinity, count: channels), [Float](repeating: -.infinity, count: channels)
        )
        for (i, x) in values.enumerated() where x.isFinite {
            low[i % channels] = min(low[i % channels], x)
            high[i % channels] = max(high[i % channels], x)
        }
        let chosen = Array((0..<channels).sorted { high[$0] > high[$1] }.prefix(mostChannels)).sorted()
        let across = max(1, Int(Double(chosen.count).squareRoot().rounded(.up)))
        let down = (chosen.count + across - 1) / across
        let (wide, tall) = (across * (width + 1) - 1, down * (height + 1) - 1)
        var light = [Float](repeating: 1, count: wide * tall)
        for (n, c) in chosen.enumerated() {
            let (x0, y0) = (n % across * (width + 1), n / across * (height + 1))
            let span = high[c] > low[c] ? high[c] - low[c] : 1
            for y in 0..<height {
                for x in 0..<width {
                    light[(y0 + y) * wide + x0 + x] = (values[(y * width + x) * channels + c] - low[c]) / span
                }
            }
        }
        return try Panel.image(
            Picture(width: wide, height: tall, channels: 1, values: light), scale: .range(low: 0, high: 1))
    }
}

/// The examples that a filter answers to most.
final class NearestObject: VZObject, Drawable {
    let found: NearestExamples
    let examples: any ExampleSet

    init(_ found: NearestExamples, _ examples: any ExampleSet) {
        self.found = found
        self.examples = examples
    }

    var typeName: String { "nearest examples" }
    var memberNames: [String] { ["layer", "filter", "activations", "indices"] }
    func memberDoc(_ name: String) -> String? {
        switch name {
        case "layer": "the layer"
        case "filter": "the filter's index"
        case "activations": "greatest activation in each, strongest first"
        case "indices": "places of the examples in the data"
        default: nil
        }
    }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "layer": Value(LayerObject(found.layer))
        case "filter": Value(found.filter)
        case "activations": Value(found.matches.map(\.activation))
        case "indices": Value(found.matches.map { Double($0.index) })
        default: nil
        }
    }

    var count: Int? { found.matches.count }
    func index(_ indices: [Value]) throws -> Value {
        guard indices.count == 1, let i = indices[0].asInt else {
            throw Failure(.index, "nearest examples are indexed by one whole number")
        }
        let n = found.matches.count
        let place = i < 0 ? i &+ n : i
        guard place >= 0, place < n else { throw Failure(.index, "index \(i) is outside the \(n) examples") }
        let match = found.matches[place]
        let part = try part(match)
        let sound = examples.sampleRate.flatMap { part.rank == 2 ? Value(WaveObject(part, rate: $0)) : nil }
        return Value([
            ("index", Value(match.index)), ("class", Value(label(match) ?? "")),
            ("activation", Value(match.activation)),
            ("place", Value(match.place.map(Double.init))),
            ("seen", Value(match.seen.map { Value([Double($0.lowerBound), Double($0.upperBound)]) })),
            ("part", sound ?? Value(TensorObject(part))),
            ("example", Value(ExampleObject(examples, match.index))),
        ])
    }

    private func label(_ match: NearestExamples.Match) -> String? {
        examples.label(at: match.index).flatMap {
            examples.classNames.indices.contains($0) ? examples.classNames[$0] : nil
        }
    }

    /// What the strongest place sees of the example.
    private func part(_ match: NearestExamples.Match) throws -> Tensor {
        try examples.input(at: match.index)[
            match.seen.map { .slice(start: $0.lowerBound, end: $0.upperBound, step: 1) }
        ].dense()
    }

    var summary: String {
        "<\(found.matches.count) of \(found.count) examples nearest to \(found.layer.name)[\(found.filter)]: activation \(format4(found.matches.first?.activation ?? .nan)) to \(format4(found.matches.last?.activation ?? .nan))>"
    }

    func figure(labels: [String]) throws -> Figure {
        let parts = try found.matches.map { try part($0) }
        let rate = examples.sampleRate
        let names = found.matches.enumerated().map { i, match -> String in
            if labels.indices.contains(i) { return labels[i] }
            let place: String
            if let rate, let first = match.seen.first {
                place = " at \(format4(Double(first.lowerBound) / Double(max(rate, 1)))) s"
            } else {
                place = ""
            }
            return "\(label(match) ?? "example \(match.index)") \(format4(match.activation))\(place)"
        }
        var figure: Figure
        switch parts.first?.rank {
        case 2:
            figure = try Figure.waveforms(
                parts.map { try $0.array(of: Float.self) }, rate: Double(rate ?? 1), captions: names)
        case 3:
            figure = try Figure.images(
                parts.map { try Displayed.picture($0, of: found.layer.network) }, captions: names)
        default:
            throw Failure(
                .value, "examples of this kind cannot be drawn", hint: "plot draws waveforms and pictures")
        }
        figure.title = "\(found.layer.name)[\(found.filter)]: strongest of \(found.count) examples"
        return figure
    }
}
