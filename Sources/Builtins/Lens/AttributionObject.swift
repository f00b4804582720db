import Language
import Lens
import Media
import Network
import Plot
import Support
import Tensor

/// Where the evidence for a class, or several, lies in an input.
final class AttributionObject: VZObject {
    let result: Attribution
    /// Samples a second of the input, where it is a sound.
    let rate: Int?

    init(_ result: Attribution, rate: Int?) {
        self.result = result
        self.rate = rate
    }

    private var isOne: Bool { result.classes.count == 1 }

    /// One class' own, without the axis of classes; all of them otherwise.
    private func own(_ t: Tensor) throws -> Value {
        Value(TensorObject(isOne ? try t[[.position(0)]].dense() : t))
    }
    private func list(_ values: [Double]) -> Value { isOne ? Value(values[0]) : Value(values) }

    private func signal(_ t: Tensor) -> Value {
        if t.rank == 2, let rate { return Value(WaveObject(t, rate: rate)) }
        return Value(TensorObject(t))
    }

    var typeName: String { "attribution" }

    private static let docs: [(name: String, doc: String)] = [
        ("map", "importance of each place of the input: [length] or [height, width]"),
        ("raw", "what the method gave: the layer's own map, or a value for each number of the input"),
        ("input", "the input that was looked at"),
        ("class", "the class' name; a list where there are several"),
        ("index", "the class' index"),
        ("score", "the class' score before softmax"),
        ("probability", "the class' probability"),
        ("method", "how it was found: \"gradcam\", \"lrp\" …"),
        ("layer", "the layer whose map was weighed, nil where the method needs none"),
        ("signed", "true where values below 0 speak against the class"),
        ("residual", "what the sum over the input misses: of f(x) − f(baselines), or of the score for lrp"),
        ("options", "the method's options"),
        (
            "attended",
            "attended(threshold, smoothing): the input where only what the network attends to is kept"
        ),
        ("network", "the network that was asked"),
        ("notes", "what else to know"),
        ("seconds", "how long it took"),
    ]
    var memberNames: [String] { Self.docs.map(\.name) }
    func memberDoc(_ name: String) -> String? { Self.docs.first { $0.name == name }?.doc }

    func member(_ name: String) throws -> Value? {
        switch name {
        case "map": return try own(result.map)
        case "raw": return try own(result.raw)
        case "input": return signal(result.input)
        case "class": return isOne ? Value(result.labels[0]) : Value(result.labels)
        case "index": return isOne ? Value(result.classes[0]) : Value(result.classes.map(Double.init))
        case "score": return list(result.scores)
        case "probability": return list(result.probabilities)
        case "method": return Value(result.method.rawValue)
        case "layer": return result.layer.map { Value(LayerObject($0)) } ?? .nil
        case "signed": return Value(result.isSigned)
        case "residual": return result.residuals.map(list) ?? .nil
        case "options": return result.settings.value
        case "attended": return .builtin(attended)
        case "network": return Value(NetworkObject(result.network))
        case "notes": return Value(result.notes)
        case "seconds": return Value(result.seconds)
        default: return nil
        }
    }

    private var attended: Builtin {
        Builtin(
            "attended", topic: "lens",
            [
                .optional(
                    "threshold", "0.3", "part of the map's greatest value from which the input is kept whole"),
                .optional(
                    "smoothing", "nil",
                    "over how many places the gate is smoothed; by default 1/80 of an axis"),
            ],
            summary: "The input where only what the network attends to is kept, through a smooth gate.",
            example:
                "net = sequential(conv1d(4, 5), relu(), global_avgpool1d(), dense(2), softmax(), input = [200, 1])\ncam(net, randn(200, 1), 1).attended(threshold = 0.5).shape  # expect: [200, 1]"
        ) { [self] args in
            var options = AttendedOptions()
            options.threshold = try args.number("threshold", default: 0.3)
            options.smoothing = try args.optionalInt("smoothing")
            let kept = try result.attended(options)
            return isOne ? signal(try kept[[.position(0)]].dense()) : Value(TensorObject(kept))
        }
    }

    // MARK: One class of several

    var count: Int? { result.classes.count }
    func index(_ indices: [Value]) throws -> Value {
        guard indices.count == 1, let i = indices[0].asInt else {
            throw Failure(.index, "an attribution is indexed by one whole number, the class' place")
        }
        let n = result.classes.count
        let place = i < 0 ? i &+ n : i
        guard place >= 0, place < n else {
            throw Failure(.index, "index \(i) is outside the attribution's \(n) class\(n == 1 ? "" : "es")")
        }
        return Value(AttributionObject(try result.only(place), rate: rate))
    }

    var summary: String {
        let what =
            result.labels.count == 1
            ? result.labels[0] : "\(result.labels[0]) and \(result.labels.count - 1) more"
        let place = result.layer.map { " at \($0.name)" } ?? ""
        return
            "<\(result.method.rawValue) of \(what)\(place): probability \(format4(result.probabilities[0]))>"
    }
}

extension AttributionObject: Storable {
    func tensors() throws -> [(String, Tensor)] {
        [("map", result.map), ("raw", result.raw), ("input", result.input)]
    }
}

extension AttributionObject: Audible {
    func audio() throws -> Audio {
        guard let rate, result.input.rank == 2 else {
            throw Failure(.value, "this attribution is of a picture, not of a sound", hint: "plot it")
        }
        guard isOne else {
            throw Failure(
                .value, "this attribution is of \(result.classes.count) classes",
                hint: "take one of them, such as result[0], to hear what counts for it")
        }
        return try Audio(result.attended()[[.position(0)]].dense(), rate: rate)
    }
}

extension AttributionObject: Drawable {
    func figure(labels: [String]) throws -> Figure {
        let names = result.labels.indices.map { i in
            labels.indices.contains(i)
                ? labels[i] : "\(result.labels[i]), probability \(format4(result.probabilities[i]))"
        }
        let place = result.layer.map { " at \($0.name)" } ?? ""
        let title = "\(result.method.rawValue)\(place)"
        return result.input.rank == 3 ? try overPicture(names, title) : try overWave(names, title)
    }

    /// False where values change from place to place, as gradients do.
    private var isSmooth: Bool { result.method.isLayerMap || result.method.isByMasks }

    /// What colours the input: the evidence for each class. Where it changes from sample to sample it is
    /// smoothed, so that the eye finds the place.
    private func shown() throws -> Tensor { try result.envelope(smoothing: isSmooth ? 1 : nil) }

    /// Values held within what is drawn: single places that outdo all others would leave these without
    /// colour, so only 98 % of the sum of sizes counts, as Captum draws them.
    private func drawn(_ values: [Double]) -> [Double] {
        let sizes = values.map { abs($0) }.filter(\.isFinite).sorted()
        guard !isSmooth, let greatest = sizes.last, greatest > 0 else { return values }
        let total = sizes.reduce(0, +)
        var sum = 0.0
        let end = sizes.first {
            sum += $0
            return sum >= 0.98 * total
        }
        return values.map { min(max($0, -(end ?? greatest)), end ?? greatest) }
    }

    /// The waveform coloured by the evidence for each class; under it the map itself.
    private func overWave(_ names: [String], _ title: String) throws -> Figure {
        let samples = try result.input[[.slice(start: nil, end: nil, step: 1), .position(0)]].array(
            of: Float.self)
        let rate = Double(self.rate ?? 1)
        var panels: [Panel] = []
        let colours = try shown()
        for (i, name) in names.enumerated() {
            let map = try result.map[[.position(i)]].array(of: Double.self)
            let shown = drawn(try colours[[.position(i)]].array(of: Double.self))
            var wave = try Panel.activation(wave: samples, rate: rate, map: shown)
            wave.title = "\(title): \(name)"
            var line = try Panel.series([Series(x: map.indices.map { Double($0) / rate }, y: map)])
            line.title = result.isSigned ? "evidence for (above 0) and against" : "importance"
            line.x.label = wave.x.label
            line.x.wanted = (0, Double(map.count) / rate)
            line.y.label = result.isSigned ? "evidence" : "importance"
            panels += [wave, line]
        }
        return Figure(panels: panels, columns: names.count == 1 ? 1 : 2)
    }

    /// The picture, then each class' map over it, and where there is evidence against a class the map.
    private func overPicture(_ names: [String], _ title: String) throws -> Figure {
        let picture = try Displayed.picture(result.input, of: result.network)
        let shape = result.map.shape
        let colours = try shown()
        let hasBothSigns = try result.isSigned && result.map.array(of: Float.self).contains { $0 < 0 }
        var panels: [Panel] = []
        for (i, name) in names.enumerated() {
            var plain = try Panel.image(picture)
            plain.title = name
            let map = drawn(try result.map[[.position(i)]].array(of: Double.self))
            let shown = drawn(try colours[[.position(i)]].array(of: Double.self))
            var over = try Panel.activation(
                picture: picture, map: shown, mapWidth: shape[2], mapHeight: shape[1])
            over.title = title
            panels += [plain, over]
            if hasBothSigns {
                var signed = try Panel.heatmap(map, rows: shape[1], columns: shape[2], map: .diverging)
                signed.title = "for (red) and against (blue)"
                let end = map.reduce(0) { max($0, abs($1)) }
                if end > 0 { signed.colorBar?.range = -end...end }
                signed.isPicture = true
                panels.append(signed)
            }
        }
        return Figure(panels: panels, columns: hasBothSigns ? 3 : 2)
    }
}

/// Inputs as people look at them.
enum Displayed {
    /// A network's input [height, width, channels] as a picture: preprocessing undone, RGB.
    static func picture(_ input: Tensor, of network: Network) throws -> Plot.Picture {
        let known = network.preprocessing
        guard input.rank == 3, input.shape[2] == 3 || input.shape[2] == 1 else {
            throw Failure(
                .shape, "an input of shape \(Shape.describe(input.shape)) is no picture",
                hint: "pictures have 1 or 3 channels")
        }
        guard known.kind == "image", known.scale != 0 else { return try PlotBuiltins.picture(input) }
        let channels = input.shape[2]
        var values = try input.array(of: Float.self)
        for i in values.indices {
            let c = i % channels
            let mean = known.mean.indices.contains(c) ? known.mean[c] : 0
            let deviation = known.deviation.indices.contains(c) ? known.deviation[c] : 1
            let raw = (Double(values[i]) * deviation + mean) / known.scale
            values[i] = Float(min(max(raw, 0), 255))
        }
        if known.channels == "BGR", channels == 3 {
            for i in stride(from: 0, to: values.count, by: 3) { values.swapAt(i, i + 2) }
        }
        return try Plot.Picture(
            width: input.shape[1], height: input.shape[0], channels: channels, values: values)
    }
}
