import Language
import Lens
import Network
import Plot
import Support
import Tensor

/// What is said of series beside their look.
struct SeriesOptions {
    /// Where the values are.
    var x: [Double]?
    /// Which point is marked.
    var best: Series.Best?
}

/// How things become figures.
extension PlotBuiltins {
    /// The figure that suits `values`; nil where they cannot be drawn.
    static func figure(_ values: [Value], labels: [String] = [], _ options: SeriesOptions = SeriesOptions())
        throws
        -> Figure?
    {
        guard let first = values.first else { return nil }
        if values.count == 1, let figure = try one(first, labels) { return figure }
        // A figure among them: all stand beside each other.
        if values.contains(where: { $0.asObject is FigureObject }) {
            var parts: [Figure] = []
            for value in values {
                guard let part = try figure([value]) else { return nil }
                parts.append(part)
            }
            return try Figure.grid(parts, columns: min(values.count, 2))
        }
        if let waves = try waves(values) {
            if waves.count == 1 {
                var panel = try Panel.waveform(waves[0].samples, rate: Double(waves[0].rate))
                panel.title = labels.first
                return Figure(panel)
            }
            return try Figure.waveforms(
                waves.map(\.samples), rate: Double(waves[0].rate), captions: labels)
        }
        if values.count == 1, let tensor = first.asObject as? TensorObject {
            // [k, 1, out] is no picture that is one pixel wide.
            let t = try tensor.concrete()
            if t.rank == 3, t.shape[1] == 1, let kernels = try kernels(t, rate: 16000, captions: labels) {
                return kernels
            }
        }
        if let pictures = try pictures(values) { return try Figure.images(pictures, captions: labels) }
        if values.count == 1, let tensor = first.asObject as? TensorObject {
            let t = try tensor.concrete()
            if t.rank == 2, t.shape[0] > 1, t.shape[1] > 1 {
                return Figure(
                    try Panel.heatmap(t.array(of: Double.self), rows: t.shape[0], columns: t.shape[1]))
            }
            if t.rank == 3, let kernels = try kernels(t, rate: 16000, captions: labels) { return kernels }
        }
        return try series(values, labels, options)
    }

    /// The figure of a thing that has one of its own.
    private static func one(_ value: Value, _ labels: [String]) throws -> Figure? {
        switch value.asObject {
        case let figure as FigureObject: figure.figure
        case let thing as any Drawable: try thing.figure(labels: labels)
        case let run as FitObject: try history(run)
        case let score as EvaluationObject: try confusion(score.result)
        case let matrix as ConfusionObject: try confusion(matrix.result)
        case let result as MaximizationObject: try result.ascent(labels).figure()
        case let table as ComparisonObject: try table.figure()
        case let layer as LayerObject: try filters(layer, labels)
        default: nil
        }
    }

    // MARK: series

    private static func series(_ values: [Value], _ labels: [String], _ options: SeriesOptions) throws
        -> Figure?
    {
        var all: [Value] = values
        // A list of lists is several series: the losses of a maximization of several filters.
        if values.count == 1, let list = values[0].asList, !list.items.isEmpty,
            list.items.allSatisfy({ $0.asList != nil })
        {
            all = list.items
        }
        guard labels.isEmpty || labels.count == all.count else {
            throw Failure(
                .argument, "\(labels.count) labels for \(all.count) series", hint: "give one label for each")
        }
        var series: [Series] = []
        for (i, value) in all.enumerated() {
            guard let y = try numbers(value) else { return nil }
            let counting = value.asList?.counting
            // A plain list counts as its own indices do.
            let first = counting?.first ?? 0
            let x = options.x ?? y.indices.map { first + Double($0) }
            let what = counting?.what
            let best: Series.Best? =
                options.best
                ?? what.flatMap { name in
                    name.hasPrefix("val_") ? (name.contains("loss") ? .lowest : .highest) : nil
                }
            series.append(
                Series(name: labels.indices.contains(i) ? labels[i] : what, x: x, y: y, best: best))
        }
        let names = Set(all.map { $0.asList?.counting?.name ?? "index" })
        let counted = names.count == 1 ? names.first : nil
        var panel = try Panel.series(series, xlabel: options.x == nil ? counted : nil)
        panel.x.isWhole = options.x == nil
        return Figure(panel)
    }

    /// The numbers of a list or of a tensor of one long axis.
    static func numbers(_ value: Value) throws -> [Double]? {
        switch value {
        case .list(let list):
            let numbers = list.items.compactMap(\.asNumber)
            return numbers.count == list.items.count ? numbers : nil
        case .range(let span):
            guard let n = span.count, n < 1 << 24 else { return nil }
            return (0..<n).map { span.element($0) }
        case .object(let tensor as TensorObject):
            let t = try tensor.concrete()
            return t.shape.filter { $0 != 1 }.count <= 1 ? try t.array(of: Double.self) : nil
        default: return nil
        }
    }

    /// All numbers of a list or of a tensor of any shape.
    static func allNumbers(_ value: Value) throws -> [Double]? {
        if let tensor = value.asObject as? TensorObject {
            return try tensor.concrete().array(of: Double.self)
        }
        return try numbers(value)
    }

    // MARK: sound

    /// The samples of what is a sound: a waveform, an example, a maximization, a tensor [length, 1].
    static func samples(_ value: Value) throws -> (samples: [Float], rate: Int)? {
        switch value.asObject {
        case let wave as WaveObject: return (try wave.concrete().array(of: Float.self), wave.rate)
        case let tensor as TensorObject:
            let t = try tensor.concrete()
            guard t.rank == 2, t.shape[1] == 1, t.shape[0] > 1 else { return nil }
            return (try t.array(of: Float.self), 16000)
        case let example as ExampleObject:
            guard let rate = example.set.sampleRate else { return nil }
            return (try example.input().array(of: Float.self), rate)
        case let result as MaximizationObject:
            guard let rate = result.rate, result.result.count == 1 else { return nil }
            return (try result.input().array(of: Float.self), rate)
        default: return nil
        }
    }

    /// Sounds, where all values are: also a batch [n, length, 1] whose clips are long.
    private static func waves(_ values: [Value]) throws -> [(samples: [Float], rate: Int)]? {
        var found: [(samples: [Float], rate: Int)] = []
        for value in values {
            if let one = try samples(value) {
                found.append(one)
                continue
            }
            guard let tensor = value.asObject as? TensorObject, try isBatchOfSound(tensor) else { return nil }
            let t = try tensor.concrete()
            for i in 0..<t.shape[0] { found.append((try t[[.position(i)]].array(of: Float.self), 16000)) }
        }
        return found.isEmpty ? nil : found
    }

    /// [n, length, 1] looks like [height, width, 1]; no picture is so much wider than high.
    private static func isBatchOfSound(_ tensor: TensorObject) throws -> Bool {
        let shape = try tensor.concrete().shape
        return shape.count == 3 && shape[2] == 1 && shape[1] >= 512 && shape[1] >= 8 * shape[0]
    }

    // MARK: pictures and filters

    /// Pictures: tensors [height, width, 3], [height, width, 1], or a batch of them; `takesTables`:
    /// [height, width] too.
    static func pictures(_ values: [Value], takesTables: Bool = false) throws -> [Picture]? {
        var found: [Picture] = []
        for value in values {
            switch value.asObject {
            case let tensor as TensorObject:
                let t = try tensor.concrete()
                switch t.rank {
                case 2 where takesTables:
                    found.append(try picture(t.reshaped([t.shape[0], t.shape[1], 1])))
                case 3 where [1, 3, 4].contains(t.shape[2]): found.append(try picture(t))
                case 4 where [1, 3, 4].contains(t.shape[3]):
                    for i in 0..<t.shape[0] { found.append(try picture(t[[.position(i)]])) }
                default: return nil
                }
            case let example as ExampleObject where example.set.exampleShape.count == 3:
                found.append(try picture(example.input()))
            case let result as MaximizationObject where result.result.space.kind == .picture:
                let all = try result.result.space.pictures(result.result.input)
                for i in 0..<all.shape[0] { found.append(try picture(all[[.position(i)]])) }
            default: return nil
            }
        }
        return found.isEmpty ? nil : found
    }

    static func picture(_ t: Tensor) throws -> Picture {
        try Picture(
            width: t.shape[1], height: t.shape[0], channels: t.shape[2], values: try t.array(of: Float.self))
    }

    /// Kernels [k, 1, out] as waveforms on one scale, [k, in, out] as heat maps; nil for another shape.
    private static func kernels(_ t: Tensor, rate: Double, captions: [String]) throws -> Figure? {
        guard t.rank == 3, t.shape[0] > 0, t.shape[2] > 1 else { return nil }
        let (k, inputs, filters) = (t.shape[0], t.shape[1], min(t.shape[2], 256))
        let values = try t.array(of: Double.self)
        let names = captions.isEmpty ? (0..<filters).map { "\($0)" } : captions
        func tap(_ i: Int, _ c: Int, _ f: Int) -> Double { values[(i * inputs + c) * t.shape[2] + f] }
        if inputs == 1 {
            let waves = (0..<filters).map { f in (0..<k).map { Float(tap($0, 0, f)) } }
            return try Figure.waveforms(waves, rate: rate, captions: names)
        }
        let reach = values.reduce(0) { max($0, abs($1)) }
        let panels = try (0..<min(filters, 64)).map { f in
            var panel = try Panel.heatmap(
                (0..<inputs).flatMap { c in (0..<k).map { tap($0, c, f) } }, rows: inputs, columns: k,
                map: .diverging)
            if reach > 0, reach.isFinite { panel.colorBar?.range = -reach...reach }
            panel.colorBar?.isShown = false
            panel.isSmall = true
            panel.title = names.indices.contains(f) ? names[f] : nil
            return panel
        }
        return Figure(panels: panels, columns: Figure.squareColumns(panels.count))
    }

    /// What a convolution has learned to look for: its filters.
    private static func filters(_ layer: LayerObject, _ labels: [String]) throws -> Figure {
        let name = layer.handle?.name ?? layer.layer.kind.kind
        guard let kernel = layer.layer.parameters.first(where: { $0.name == "kernel" })?.variable.value else {
            throw Failure(
                .type, "\(name) has no filters to draw", hint: "draw a convolution, such as net.conv1d_1")
        }
        var figure: Figure?
        if kernel.rank == 3 {
            let rate = layer.handle?.network.preprocessing.rate ?? 16000
            figure = try kernels(kernel, rate: Double(rate), captions: labels)
        } else if kernel.rank == 4, [1, 3].contains(kernel.shape[2]) {
            let shape = kernel.shape
            let values = try kernel.array(of: Float.self)
            let count = min(shape[3], 256)
            let pictures = try (0..<count).map { f in
                try Picture(
                    width: shape[1], height: shape[0], channels: shape[2],
                    values: (0..<shape[0] * shape[1] * shape[2]).map { values[$0 * shape[3] + f] })
            }
            figure = try Figure.images(
                pictures, captions: labels.isEmpty ? (0..<count).map { "\($0)" } : labels, shared: true)
        }
        guard var figure else {
            throw Failure(
                .shape, "the filters of \(name), \(Shape.describe(kernel.shape)), have no one picture",
                hint: "maximize(net.\(name), 0, 0.1) shows what a filter of a deep layer answers to")
        }
        figure.title = "filters of \(name)"
        return figure
    }

    // MARK: results

    private static func history(_ run: FitObject) throws -> Figure {
        let h = run.result.history
        guard h.count > 0 else { throw Failure(.value, "the run has no whole epoch to draw yet") }
        let panels = try TrainingCurve.curves(h).map { try TrainingCurve.panel($0, h) }
        return Figure(panels: panels, columns: min(panels.count, 3))
    }

    static func confusion(_ result: Evaluation) throws -> Figure {
        guard !result.classes.isEmpty else {
            throw Failure(.value, "there are no classes, so there is no confusion matrix")
        }
        return Figure(
            try Panel.confusion(result.confusion.flatMap { $0.map(Double.init) }, labels: result.classes))
    }
}
