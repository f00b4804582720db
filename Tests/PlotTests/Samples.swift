import Glibc
import Plot
import Support

/// Every kind of figure, with data whose look is known.
enum Samples {
    /// A word-like sound: a gliding tone with harmonics that comes and goes.
    static func sound(seconds: Double = 1, rate: Double = 16000) -> [Float] {
        var phase = 0.0
        return (0..<Int(seconds * rate)).map { i in
            let t = Double(i) / rate
            let envelope = exp(-pow((t - 0.5) / 0.18, 2)) * (0.7 + 0.3 * sin(2 * .pi * 5 * t))
            phase += 2 * .pi * (180 + 900 * t * t) / rate
            let noise = Double((i &* 1_103_515_245 &+ 12345) >> 8 & 0xFFFF) / 65536 - 0.5
            return Float(
                envelope * (0.6 * sin(phase) + 0.25 * sin(3 * phase) + 0.1 * sin(7 * phase)) + 0.004 * noise)
        }
    }

    /// Numbers that look random and are the same everywhere.
    static func noise(_ count: Int, seed: UInt64 = 1) -> [Double] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 33) / Double(1 << 31)
        }
    }

    static func normal(_ count: Int, seed: UInt64 = 1) -> [Double] {
        let a = noise(count, seed: seed)
        let b = noise(count, seed: seed &+ 99)
        return (0..<count).map { sqrt(-2 * log(a[$0] + 1e-12)) * cos(2 * .pi * b[$0]) }
    }

    /// Rings in colour.
    static func picture(_ width: Int = 96, _ height: Int = 64, phase: Double = 0) throws -> Picture {
        var values: [Float] = []
        for y in 0..<height {
            for x in 0..<width {
                let dx = Double(x) - Double(width) / 2
                let dy = Double(y) - Double(height) / 2
                let r = sqrt(dx * dx + dy * dy)
                values.append(Float(0.5 + 0.5 * sin(r / 4 + phase)))
                values.append(Float(0.5 + 0.5 * sin(r / 6 + 1 + phase)))
                values.append(Float(Double(x) / Double(width)))
            }
        }
        return try Picture(width: width, height: height, channels: 3, values: values)
    }

    static let words = [
        "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "bed", "cat", "happy",
    ]

    static func confusion(_ n: Int) -> [Double] {
        let random = noise(n * n, seed: 5)
        return (0..<(n * n)).map { i in
            i / n == i % n
                ? 180 + (random[i] * 60).rounded() : random[i] > 0.72 ? (random[i] * 12).rounded() : 0
        }
    }

    static func losses() -> (train: [Double], validation: [Double]) {
        let n = noise(80, seed: 3)
        let train = (0..<40).map { (i: Int) -> Double in
            let decay: Double = 2.3 * exp(-Double(i) / 8)
            return decay + 0.12 + 0.02 * n[i]
        }
        let validation = (0..<40).map { (i: Int) -> Double in
            let decay: Double = 2.2 * exp(-Double(i) / 7)
            let growth: Double = 0.0045 * Double(i)
            return decay + 0.31 + growth + 0.03 * n[i + 40]
        }
        return (train, validation)
    }

    static func all() throws -> [(name: String, figure: Figure)] {
        let wave = sound()
        let loss = losses()
        var series = try Panel.series(
            [
                Series(name: "train", y: loss.train),
                Series(name: "validation", y: loss.validation, best: .lowest),
            ],
            xlabel: "epoch")
        series.title = "loss"
        var logs = try Panel.series(
            [
                Series(name: "softmax", y: (0..<200).map { 1 / (1 + exp(7 - Double($0) / 6)) }),
                Series(name: "linear", y: (0..<200).map { 10 + 400 * (1 - exp(-Double($0) / 90)) }),
            ], xlabel: "step")
        logs.y.isLog = true
        logs.title = "score of the class"
        let map = (0..<63).map { exp(-pow((Double($0) - 34) / 8, 2)) }
        var picture = try Panel.image(Self.picture())
        picture.title = "rings"
        let heat = (0..<960).map { (i: Int) -> Double in
            let x = Double(i % 40) / 5
            let y = Double(i / 40) / 4
            return sin(x) * cos(y)
        }
        let spots = (0..<49).map { (i: Int) -> Double in
            let x = Double(i % 7) - 4
            let y = Double(i / 7) - 2
            return exp(-(x * x + y * y) / 3)
        }
        var grid = try Figure.images(
            (0..<12).map { try Self.picture(64, 64, phase: Double($0)) },
            captions: (0..<12).map { "filter \($0)" })
        grid.title = "block1_conv1"
        let kernels = (0..<24).map { (k: Int) -> [Float] in
            (0..<25).map { (i: Int) -> Float in
                let t = (Double(i) - 12) / 6
                return Float(exp(-t * t) * sin(Double(i) * Double(k + 1) / 8))
            }
        }
        let a = normal(300, seed: 1), b = normal(300, seed: 2), c = normal(300, seed: 7)
        var maximized = try Figure.grid(
            [
                Figure(Panel.waveform(wave, rate: 16000)), Figure(Panel.spectrogram(wave, rate: 16000)),
                Figure(Panel.spectrum([("input", wave)], rate: 16000)),
                Figure(
                    Panel.series(
                        [Series(name: "activation", y: (0..<100).map { 12 + 4 * sqrt(Double($0)) })],
                        xlabel: "step")),
            ], columns: 2)
        maximized.title = "net.conv1d_3, filter 5"
        return [
            ("series", Figure(series)), ("logarithmic", Figure(logs)),
            ("waveform", Figure(try .waveform(wave, rate: 16000))),
            ("spectrogram", Figure(try .spectrogram(wave, rate: 16000))),
            (
                "spectrum",
                Figure(
                    try .spectrum(
                        [("clip", wave), ("noise", noise(16000).map { Float($0 - 0.5) })], rate: 16000))
            ),
            ("image", Figure(picture)), ("images", grid),
            ("kernels", try Figure.waveforms(kernels, rate: 16000, captions: (0..<24).map { "\($0)" })),
            ("confusion", Figure(try .confusion(confusion(13), labels: words))),
            ("cam-wave", Figure(try .activation(wave: wave, rate: 16000, map: map))),
            (
                "cam-picture",
                Figure(
                    try .activation(picture: Self.picture(160, 120), map: spots, mapWidth: 7, mapHeight: 7))
            ),
            (
                "bars",
                Figure(
                    try .bars(
                        labels: ["plain", "jitter", "L2", "total variation", "all"],
                        series: [Series(name: "clarity", y: [0.21, 0.42, 0.3, 0.55, 0.78])]))
            ),
            (
                "groups",
                Figure(
                    try .bars(
                        labels: ["base", "ch 32", "ch 64", "VGG"],
                        series: [
                            Series(name: "dropout", y: [0.909, 0.9533, 0.9589, 0.962]),
                            Series(name: "batch norm", y: [0.9072, 0.9285, .nan, 0.9423]),
                            Series(name: "both", y: [0.924, 0.9391, 0.9497, 0.9136]),
                        ], valueLabel: "accuracy"))
            ),
            ("histogram", Figure(try .histogram([("weights", a + b)]))),
            (
                "scatter",
                Figure(try .scatter([("cat", a, b), ("dog", b.map { $0 + 2.5 }, c.map { $0 * 0.5 + 1 })]))
            ),
            ("heatmap", Figure(try .heatmap(heat, rows: 24, columns: 40))),
            ("maximization", maximized),
        ]
    }
}
