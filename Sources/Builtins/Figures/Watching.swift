import Lens
import Network
import Plot
import Support
import Tensor

/// A training as curves that grow: losses and accuracies by epoch, and by batch within the epochs.
struct TrainingCurve: Sendable {
    private struct Trace: Sendable {
        var at: [Double] = []
        var mean: [Double] = []

        /// Half as many points, each the mean of two.
        mutating func halve() {
            let pairs = stride(from: 0, to: at.count - 1, by: 2)
            (at, mean) = (pairs.map { at[$0 + 1] }, pairs.map { (mean[$0] + mean[$0 + 1]) / 2 })
        }
    }

    private var history = History()
    private var batches: [String: Trace] = [:]
    private var last: (epoch: Double, means: [String: Double]) = (0, [:])
    /// Points by batch that are kept of one curve.
    private static let most = 2000

    /// The training as it stands now.
    mutating func add(_ moment: FitMoment) {
        history = moment.history
        guard !moment.running.isEmpty else {
            last = (moment.epoch, [:])
            return
        }
        // `running` are means since the epoch began; the mean since the last moment follows from two of them.
        let start = moment.epoch.rounded(.down)
        let before = max(0, last.epoch - start)
        let now = moment.epoch - start
        for (name, mean) in moment.running {
            let old = before > 0 ? last.means[name] ?? 0 : 0
            guard now > before else { continue }
            let value = (mean * now - old * before) / (now - before)
            batches[name, default: Trace()].at.append(moment.epoch)
            batches[name, default: Trace()].mean.append(value)
            if batches[name]?.at.count ?? 0 > TrainingCurve.most { batches[name]?.halve() }
        }
        last = (moment.epoch, Dictionary(uniqueKeysWithValues: moment.running.map { ($0.name, $0.value) }))
    }

    /// One panel for the loss and one for each metric.
    func figure() throws -> Figure {
        let running = batches.keys.sorted { ($0 == "loss" ? "" : $0) < ($1 == "loss" ? "" : $1) }
        let names = history.count > 0 ? TrainingCurve.curves(history) : running
        let panels = try names.map { try panel($0) }
        guard !panels.isEmpty else { throw Failure(.value, "the run has no step to draw yet") }
        return Figure(panels: panels, columns: min(panels.count, 3))
    }

    /// The names of what has a curve: not the learning rate, the seconds, or what belongs to another's.
    static func curves(_ history: History) -> [String] {
        history.columns.filter { !$0.hasPrefix("val_") && $0 != "learning_rate" && $0 != "seconds" }
    }

    private func panel(_ name: String) throws -> Panel {
        let trace = batches[name]
        var panel: Panel
        if history.count > 0 {
            panel = try TrainingCurve.panel(name, history)
        } else {
            panel = try Panel.series(
                [Series(name: "train", x: trace?.at, y: trace?.mean ?? [])], xlabel: "epoch")
            panel.y.label = nil
            panel.title = name
            panel.x.wanted = (0, nil)
            return panel
        }
        if let trace, trace.at.count > 1 {
            var line = Line(
                name: "train, by batch", x: .values(trace.at), y: trace.mean,
                color: RGB.ofSeries(0).mixed(with: .paper, 0.65))
            line.width = 0.8
            panel.marks.insert(.line(line), at: 0)
            panel.x.isWhole = false
            panel.x.wanted = (0, nil)
        }
        return panel
    }

    /// Training and validation of one figure by epoch, the best epoch marked.
    static func panel(_ name: String, _ history: History) throws -> Panel {
        let isError = name == "loss" || name.contains("error")
        var series = [Series(name: "train", y: history[name])]
        let validation = history["val_\(name)"]
        if !validation.isEmpty {
            series.append(Series(name: "validation", y: validation, best: isError ? .lowest : .highest))
        }
        var panel = try Panel.series(series, xlabel: "epoch")
        panel.title = name
        if series.count == 1 { panel.y.label = nil }
        return panel
    }
}

/// A maximization, finished or not, as its figure needs it.
struct Ascent: Sendable {
    var labels: [String]
    /// [aims] + the input's shape.
    var inputs: Tensor
    var loss: [[Double]]
    /// Samples a second, where the inputs are sound.
    var rate: Int?
    /// How many steps there will be; nil where all were taken.
    var steps: Int?

    /// A maximization with `inputs`, those found or those on the way.
    init(_ object: MaximizationObject, _ inputs: Tensor, _ names: [String] = [], steps: Int? = nil) throws {
        let result = object.result
        labels = names.isEmpty ? result.labels : names
        self.inputs = result.space.kind == .picture ? try result.space.pictures(inputs) : inputs
        loss = result.loss
        rate = object.rate
        self.steps = steps
    }

    /// A step was taken, so that there is a climb to draw.
    private var hasBegun: Bool { !(loss.first ?? []).isEmpty }

    /// Sound: waveform, spectrogram and the climb. Pictures: the pictures; one alone with its climb.
    func figure() throws -> Figure {
        let n = loss.count
        if let rate {
            if n > 1 {
                let waves = try (0..<n).map { try inputs[[.position($0)]].array(of: Float.self) }
                return try Figure.waveforms(waves, rate: Double(rate), captions: labels)
            }
            let samples = try inputs.array(of: Float.self)
            var panels = [
                try Panel.waveform(samples, rate: Double(rate)),
                try Panel.spectrogram(samples, rate: Double(rate)),
            ]
            if hasBegun { panels.append(try climb()) }
            for (i, title) in [
                "what \(labels.first ?? "it") answers to most", "its spectrogram", "activation by step",
            ]
            .prefix(panels.count).enumerated() { panels[i].title = title }
            if !hasBegun { panels[0].title = "where the climb begins" }
            return Figure(panels: panels, columns: 3)
        }
        let shape = inputs.shape
        guard shape.count == 4, [1, 3, 4].contains(shape[3]) else { return Figure(try climb()) }
        let pictures = try (0..<n).map { try PlotBuiltins.picture(inputs[[.position($0)]]) }
        if n > 1 { return try Figure.images(pictures, captions: labels) }
        var image = try Panel.image(pictures[0])
        image.title = labels.first
        guard hasBegun else { return Figure(image) }
        var loss = try climb()
        loss.title = "activation by step"
        return Figure(panels: [image, loss], columns: 2)
    }

    /// The activation before each step, and after the last: step 0 is the start.
    private func climb() throws -> Panel {
        let series = zip(labels, loss).map { name, loss in
            Series(name: self.loss.count > 1 ? name : nil, x: loss.indices.map(Double.init), y: loss)
        }
        var panel = try Panel.series(Array(series), xlabel: "step")
        panel.y.label = "activation"
        if let steps { panel.x.wanted = (0, Double(steps)) }
        return panel
    }
}

extension MaximizationObject {
    /// What its figure shows: the inputs that were found.
    func ascent(_ names: [String] = []) throws -> Ascent {
        try Ascent(self, result.input, names)
    }

    /// The frames of its animation: the inputs on the way, and the last.
    func frames() throws -> [Figure] {
        let kept = result.frames
        guard kept.count > 2 else {
            throw Failure(
                .value, "this maximization kept no inputs on its way, so there is nothing to move",
                hint: "maximize(…, frames = 30) keeps 30 of them; they take memory")
        }
        var pictures: [Figure] = []
        let reach = try kept.map { try $0.1.array(of: Float.self).reduce(0) { max($0, abs($1)) } }.max() ?? 1
        for (step, input) in kept {
            var ascent = try Ascent(self, input, steps: max(1, result.stepsDone))
            ascent.loss = result.loss.map { Array($0.prefix(step + 1)) }
            var figure = try ascent.figure()
            figure.title = "step \(step)"
            // One scale for all frames: what grows is seen to grow.
            for i in figure.panels.indices where figure.panels[i].kind == "waveform" {
                figure.panels[i].y.wanted = (-Double(reach) * 1.05, Double(reach) * 1.05)
            }
            for i in figure.panels.indices where figure.panels[i].kind == "line chart" {
                let finite = result.loss.flatMap { $0 }.filter(\.isFinite)
                if let low = finite.min(), let high = finite.max(), low < high {
                    figure.panels[i].y.wanted = (low, high)
                }
            }
            pictures.append(figure)
        }
        return pictures
    }
}
