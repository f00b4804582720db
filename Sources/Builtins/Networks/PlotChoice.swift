import Language
import Lens
import Network
import Plot
import Support
import Tensor

/// How things become figures.
extension PlotBuiltins {
    /// The figure that suits `values`; nil where they cannot be drawn.
    static func figure(_ values: [Value], labels: [String] = []) throws -> Figure? {
        if values.count == 1, let object = values[0].asObject {
            switch object {
            case let figure as FigureObject: return figure.figure
            case let run as FitObject: return try history(run)
            case let score as EvaluationObject: return try confusion(score.result)
            case let matrix as ConfusionObject: return try confusion(matrix.result)
            case let result as MaximizationObject: return try maximization(result, labels)
            case let table as ComparisonObject: return try table.figure()
            default: break
            }
        }
        if values.allSatisfy({ $0.asObject is FigureObject }) {
            return try Figure.grid(
                values.compactMap { ($0.asObject as? FigureObject)?.figure }, columns: min(values.count, 2))
        }
        if let panel = try wave(values, labels) {
            if values.count == 1 { return Figure(panel) }
            let waves = try values.map { try samples($0)?.samples ?? [] }
            return try Figure.waveforms(
                waves, rate: Double(try samples(values[0])?.rate ?? 16000), captions: labels)
        }
        if let pictures = try pictures(values) { return try Figure.images(pictures, captions: labels) }
        if values.count == 1, let tensor = (values[0].asObject as? TensorObject),
            try tensor.concrete().rank == 2
        {
            let t = try tensor.concrete()
            return Figure(try Panel.heatmap(t.array(of: Double.self), rows: t.shape[0], columns: t.shape[1]))
        }
        let series = try values.enumerated().compactMap { i, value in
            try numbers(value).map { Series(name: labels.indices.contains(i) ? labels[i] : nil, y: $0) }
        }
        return series.count == values.count ? Figure(try Panel.series(series)) : nil
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

    static func wave(_ values: [Value], _ labels: [String]) throws -> Panel? {
        guard !values.isEmpty else { return nil }
        var known: [(samples: [Float], rate: Int)] = []
        for value in values {
            guard let one = try samples(value) else { return nil }
            known.append(one)
        }
        return try Panel.waveform(known[0].samples, rate: Double(known[0].rate))
    }

    static func spectrum(_ values: [Value], _ labels: [String]) throws -> Panel? {
        var waves: [(name: String?, samples: [Float])] = []
        var rate = 16000
        for (i, value) in values.enumerated() {
            guard let one = try samples(value) else { return nil }
            rate = one.rate
            waves.append((labels.indices.contains(i) ? labels[i] : nil, one.samples))
        }
        return waves.isEmpty ? nil : try Panel.spectrum(waves, rate: Double(rate))
    }

    static func spectrogram(_ values: [Value], _ labels: [String]) throws -> Panel? {
        guard let first = values.first, let one = try samples(first) else { return nil }
        return try Panel.spectrogram(one.samples, rate: Double(one.rate))
    }

    /// Pictures: tensors [height, width, 3], [height, width, 1], or a batch of them.
    private static func pictures(_ values: [Value]) throws -> [Picture]? {
        var found: [Picture] = []
        for value in values {
            guard let tensor = value.asObject as? TensorObject else { return nil }
            let t = try tensor.concrete()
            switch t.rank {
            case 3 where t.shape[2] == 3 || t.shape[2] == 1: found.append(try picture(t))
            case 4 where t.shape[3] == 3 || t.shape[3] == 1:
                for i in 0..<t.shape[0] { found.append(try picture(t[[.position(i)]])) }
            default: return nil
            }
        }
        return found.isEmpty ? nil : found
    }

    static func picture(_ t: Tensor) throws -> Picture {
        try Picture(
            width: t.shape[1], height: t.shape[0], channels: t.shape[2], values: try t.array(of: Float.self))
    }

    // MARK: results

    private static func history(_ run: FitObject) throws -> Figure {
        let h = run.result.history
        func panel(_ name: String, _ best: Series.Best) throws -> Panel? {
            let train = h[name]
            let validation = h["val_\(name)"]
            guard !train.isEmpty else { return nil }
            var series = [Series(name: "train", y: train)]
            if !validation.isEmpty { series.append(Series(name: "validation", y: validation, best: best)) }
            var panel = try Panel.series(series, xlabel: "epoch")
            panel.title = name
            return panel
        }
        let panels = try [panel("loss", .lowest), panel("accuracy", .highest)].compactMap { $0 }
        guard !panels.isEmpty else { throw Failure(.value, "the run has no whole epoch to draw yet") }
        return Figure(panels: panels, columns: panels.count)
    }

    private static func confusion(_ result: Evaluation) throws -> Figure {
        guard !result.classes.isEmpty else {
            throw Failure(.value, "there are no classes, so there is no confusion matrix")
        }
        return Figure(
            try Panel.confusion(result.confusion.flatMap { $0.map(Double.init) }, labels: result.classes))
    }

    /// Sound: waveform, spectrogram and loss. Pictures: the pictures, then the loss.
    private static func maximization(_ object: MaximizationObject, _ labels: [String]) throws -> Figure {
        let result = object.result
        let names = labels.isEmpty ? result.labels : labels
        let n = result.count
        if let rate = object.rate {
            if n > 1 {
                let waves = try (0..<n).map { try result.input[[.position($0)]].array(of: Float.self) }
                return try Figure.waveforms(waves, rate: Double(rate), captions: names)
            }
            let samples = try object.input().array(of: Float.self)
            var panels = [
                try Panel.waveform(samples, rate: Double(rate)),
                try Panel.spectrogram(samples, rate: Double(rate)),
                try climb(result),
            ]
            for (i, title) in [
                "what \(names.first ?? "") answers to most", "its spectrogram", "activation by step",
            ].enumerated() {
                panels[i].title = title
            }
            return Figure(panels: panels, columns: 3)
        }
        let seen = try result.space.pictures(result.input)
        let shape = seen.shape
        guard shape.count == 4, shape[3] == 3 || shape[3] == 1 else {
            return Figure(try climb(result))
        }
        let pictures = try (0..<n).map { try picture(seen[[.position($0)]]) }
        if n > 1 { return try Figure.images(pictures, captions: names) }
        var image = try Panel.image(pictures[0])
        image.title = names.first
        var loss = try climb(result)
        loss.title = "activation by step"
        return Figure(panels: [image, loss], columns: 2)
    }

    private static func climb(_ result: Maximization) throws -> Panel {
        let series = zip(result.labels, result.loss).map { name, loss in
            Series(name: result.loss.count > 1 ? name : nil, x: loss.indices.map(Double.init), y: loss)
        }
        var panel = try Panel.series(Array(series), xlabel: "step")
        panel.y.label = "activation"
        return panel
    }
}
