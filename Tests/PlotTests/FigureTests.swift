import Glibc
import Plot
import Support
import Testing

/// What is drawn, by the structure of the svg that gnuplot wrote, and what is refused.
@Suite(.serialized) struct FigureTests {
    static let renderer = FigureRenderer()

    static func svg(_ figure: Figure) throws -> String {
        String(decoding: try renderer.bytes(figure, terminal: .svg), as: UTF8.self)
    }

    static func folder() throws -> String {
        var template = Array("/tmp/vzplotXXXXXX".utf8CString)
        #expect(mkdtemp(&template) != nil)
        return String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test func aSeriesHasItsAxesItsLegendAndItsBestPoint() throws {
        let loss = Samples.losses()
        let figure = Figure(
            try .series(
                [
                    Series(name: "train", y: loss.train),
                    Series(name: "validation", y: loss.validation, best: .lowest),
                ],
                xlabel: "epoch"))
        let svg = try Self.svg(figure)
        for word in ["train", "validation", "epoch", " at 30"] { #expect(svg.contains(word), "\(word)") }
        for color in ["rgb(  0, 114, 178)", "rgb(213,  94,   0)"] { #expect(svg.contains(color), "\(color)") }
    }

    @Test func optionsAreObeyed() throws {
        var options = FigureOptions()
        options.title = "a title"
        options.labels = ["one", "two"]
        options.xlabel = "steps taken"
        options.ylog = true
        options.xrange = (2, nil)
        options.size = (500, 300)
        options.colours = ["#ff0000", "navy"]
        let figure = try Figure(.series([Series(y: [1, 10, 100, 1000]), Series(y: [5, 5, 0, 5])])).applying(
            options)
        let svg = try Self.svg(figure)
        for word in ["a title", "one", "two", "steps taken", "500 300", "1000", "rgb(255,   0,   0)"] {
            #expect(svg.contains(word), "\(word)")
        }
        var bad = FigureOptions()
        bad.labels = ["one"]
        #expect(throws: Failure.self) { try figure.applying(bad) }
        bad = FigureOptions()
        bad.colours = ["bleu"]
        let error = #expect(throws: Failure.self) { try figure.applying(bad) }
        #expect(error?.hint == "did you mean \"blue\"?")
        bad = FigureOptions()
        bad.yrange = (3, 1)
        #expect(throws: Failure.self) { try Self.svg(figure.applying(bad)) }
    }

    static let hostile = [
        "it's `touch /tmp/vz-pwned`", "$(touch /tmp/vz-pwned)", "\"; system('touch /tmp/vz-pwned'); print \"",
        "two\nlines\nsystem('touch /tmp/vz-pwned')", "back\\slash \\n \\",
        "a_b^c {/Symbol x} @mac %d %% ~a{b}", "grüße 二 🎵",
        "nul\0 bell\u{7} del\u{7F}", "' . `touch /tmp/vz-pwned` . '", "", "| touch /tmp/vz-pwned", "EOD\nEOD",
        "' . system('touch /tmp/vz-pwned') . '", "''`touch /tmp/vz-pwned`''", "'\n`touch /tmp/vz-pwned`\n'",
        "'", "''",
        "{{{ # not a comment", "}}} \\", "<b>&amp;", "\\`touch /tmp/vz-pwned`", "\r`touch /tmp/vz-pwned`\r\n",
        String(repeating: "'`touch /tmp/vz-pwned`", count: 40),
    ]

    @Test(arguments: hostile) func textNeverBecomesACommand(_ text: String) throws {
        unlink("/tmp/vz-pwned")
        var panel = try Panel.bars(
            labels: [text, "b"],
            series: [Series(name: text, y: [1, 2]), Series(name: text + "2", y: [2, 1])],
            valueLabel: text)
        panel.title = text
        panel.x.label = text
        var figure = Figure(
            panels: [panel, try .heatmap([1, 2], rows: 1, columns: 2, valueLabel: text)], columns: 2)
        figure.title = text
        let svg = try Self.svg(figure)
        #expect(svg.contains("</svg>"))
        #expect(access("/tmp/vz-pwned", F_OK) != 0)
        for line in text.split(separator: "\n") where line.allSatisfy({ $0.isLetter || $0 == " " }) {
            #expect(svg.contains(line))
        }
        let folder = try Self.folder()
        defer { rmdir(folder) }
        let script = "\(folder)/x.gp"
        try Self.renderer.save(figure, to: script)
        let session = GnuplotSession()
        let answer = try session.run("cd '\(folder)'\nload 'x.gp'\nunset output")
        #expect(answer.complaints.isEmpty, "\(answer.complaints)")
        #expect(access("/tmp/vz-pwned", F_OK) != 0)
        session.close()
        #expect(access("\(folder)/x.gp.png", F_OK) == 0)
        unlink(script)
        unlink("\(folder)/x.gp.png")
    }

    @Test func holesAndInfinitiesAreGaps() throws {
        let y: [Double] = [1, .nan, 3, .infinity, 5, -.infinity, 7, 8]
        for figure in [
            Figure(try .series([Series(y: y)])), Figure(try .waveform(y.map { Float($0) }, rate: 8)),
            Figure(try .scatter([(nil, y, y)])),
            Figure(try .bars(labels: y.map { "\($0)" }, series: [Series(y: y)])),
            Figure(try .histogram([(nil, y)])), Figure(try .heatmap(y, rows: 2, columns: 4)),
            Figure(try .image(Picture(width: 4, height: 2, channels: 1, values: y.map { Float($0) }))),
            Figure(try .spectrogram(y.map { Float($0) }, rate: 8)),
        ] { #expect(try Self.svg(figure).contains("</svg>"), "\(figure.summary)") }
    }

    @Test func oneNumberIsAFigure() throws {
        for value in [0.0, 1, -3e8, 1e-300, 1e299, .leastNonzeroMagnitude] {
            #expect(try Self.svg(Figure(.series([Series(y: [value])]))).contains("</svg>"), "\(value)")
        }
        #expect(try Self.svg(Figure(.waveform([0.5], rate: 16000))).contains("</svg>"))
        #expect(try Self.svg(Figure(.spectrogram([0.5], rate: 16000))).contains("</svg>"))
        #expect(try Self.svg(Figure(.spectrum([(nil, [0])], rate: 16000))).contains("</svg>"))
        #expect(try Self.svg(Figure(.histogram([(nil, [2])]))).contains("</svg>"))
        #expect(try Self.svg(Figure(.confusion([3], labels: ["only"]))).contains("</svg>"))
        #expect(
            try Self.svg(Figure(.image(Picture(width: 1, height: 1, channels: 3, values: [0, 1, 0]))))
                .contains("</svg>"))
        #expect(try Self.svg(Figure(.series([Series(y: [7, 7, 7])]))).contains("</svg>"))
        // Where gnuplot's own arithmetic ends.
        #expect(throws: Failure.self) { try Self.svg(Figure(.series([Series(y: [1e308, -1e308])]))) }
    }

    @Test func nothingIsAnErrorThatSaysSo() throws {
        #expect(throws: Failure.self) { try Panel.series([]) }
        #expect(throws: Failure.self) { try Panel.series([Series(y: [])]) }
        #expect(throws: Failure.self) { try Panel.waveform([], rate: 16000) }
        #expect(throws: Failure.self) { try Panel.waveform([1], rate: 0) }
        #expect(throws: Failure.self) { try Panel.histogram([(nil, [.nan])]) }
        #expect(throws: Failure.self) { try Panel.scatter([]) }
        #expect(throws: Failure.self) { try Panel.heatmap([], rows: 0, columns: 0) }
        #expect(throws: Failure.self) { try Panel.confusion([1, 2], labels: ["a", "b"]) }
        #expect(throws: Failure.self) {
            try Picture(width: 1 << 40, height: 1 << 40, channels: 3, values: [])
        }
        #expect(throws: Failure.self) { try Figure.images([]) }
        let error = #expect(throws: Failure.self) {
            try Self.svg(Figure(.series([Series(y: [.nan, .infinity])])))
        }
        #expect(error?.message.contains("no finite number") == true)
        var log = try Panel.series([Series(y: [-1, 0])])
        log.y.isLog = true
        #expect(throws: Failure.self) { try Self.svg(Figure(log)) }
    }

    /// The ends of the colours of a spectrogram.
    private static func levels(_ samples: [Float], range: Double? = nil) throws -> ClosedRange<Double> {
        let panel = try Panel.spectrogram(samples, rate: 16000, dynamicRange: range)
        return try #require(panel.colorBar).range
    }

    @Test func theColoursOfASpectrogramAreThoseThatItFills() throws {
        // White noise fills little; one quiet cell in a thousand takes no colours from the others.
        let noise = Samples.normal(16000).map { Float($0) }
        let filled = try Self.levels(noise)
        #expect((30...45).contains(filled.upperBound - filled.lowerBound), "\(filled)")
        // Speech between silences takes 80 dB, and what was asked for is obeyed.
        let word = Samples.sound().map { abs($0) < 0.01 ? 0 : $0 }
        let spoken = try Self.levels([Float](repeating: 0, count: 8000) + word)
        #expect(abs(spoken.upperBound - spoken.lowerBound - 80) < 1e-9)
        let asked = try Self.levels(noise, range: 60)
        #expect(abs(asked.upperBound - asked.lowerBound - 60) < 1e-9)
        // Side by side on one scale.
        let quiet = noise.map { $0 / 10 }
        let both = Figure(
            panels: [
                try .waveform(noise, rate: 16000), try .waveform(quiet, rate: 16000),
                try .spectrogram(noise, rate: 16000), try .spectrogram(quiet, rate: 16000),
            ], columns: 2
        ).onOneScale()
        #expect(both.panels[0].y.wanted?.high == both.panels[1].y.wanted?.high)
        #expect(both.panels[2].colorBar?.range == both.panels[3].colorBar?.range)
        #expect(both.panels[3].colorBar?.range.upperBound == filled.upperBound)
    }

    @Test func aMissingBarKeepsItsPlace() throws {
        let groups = [
            Series(name: "dropout", y: [0.9, 0.95, 0.96]), Series(name: "batch norm", y: [0.91, 0.93, .nan]),
        ]
        let panel = try Panel.bars(labels: ["base", "32", "64"], series: groups)
        let svg = try Self.svg(Figure(panel))
        // The legend hides neither bars nor their numbers: it stands above the picture.
        for word in ["dropout", "batch norm", "0.91", "64"] { #expect(svg.contains(word), "\(word)") }
    }

    @Test func anAnimationTellsHowFarItIs() throws {
        let folder = try Self.folder()
        defer { rmdir(folder) }
        let frames = try (1...6).map { Figure(try .series([Series(y: [1, Double($0), 2])])) }
        var told: [Int] = []
        try Self.renderer.animate(frames, to: "\(folder)/a.gif") { progress in
            #expect(progress.total == 6)
            told.append(progress.done)
        }
        #expect(told.last == 6)
        #expect(told == told.sorted())
        unlink("\(folder)/a.gif")
    }

    /// Seconds of this thread's own work: the same however busy the machine is.
    static func effort(_ body: () throws -> Void) rethrows -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
        }
        let start = now()
        try body()
        return now() - start
    }

    /// A second for a million points and a tenth for a waveform, on a quiet machine with gnuplot's own
    /// time; what is asked for here does not depend on who else computes.
    @Test func manyPointsAreHandedOverFast() throws {
        let y = Samples.noise(1_000_000)
        let wave = Samples.sound()
        var bytes: [UInt8] = []
        let line = try Self.effort {
            bytes = try Self.renderer.bytes(Figure(.series([Series(y: y)])), terminal: .png)
        }
        #expect(bytes.count > 10_000)
        let cloud = try Self.effort {
            bytes = try Self.renderer.bytes(Figure(.scatter([(nil, y, y.reversed())])), terminal: .png)
        }
        let short = try Self.effort {
            bytes = try Self.renderer.bytes(Figure(.waveform(wave, rate: 16000)), terminal: .png)
        }
        #expect(line < 0.5, "a line of a million points: \(line) s")
        #expect(cloud < 0.5, "a cloud of a million points: \(cloud) s")
        #expect(short < 0.05, "a waveform of 16,000 samples: \(short) s")
        // What gnuplot gets is no more than its sheet shows.
        for (figure, most) in [
            (Figure(try .series([Series(y: y)])), 6000), (Figure(try .scatter([(nil, y, y)])), 70_000),
            (Figure(try .waveform(wave, rate: 16000)), 6000),
        ] {
            let folder = try Self.folder()
            try Self.renderer.save(figure, to: "\(folder)/x.gp")
            let text = try TextFile.read("\(folder)/x.gp", atMost: 100 << 20) ?? ""
            let lines = text.split(separator: "\n").count
            #expect(lines > 100 && lines < most, "\(figure.summary): \(lines) lines")
            unlink("\(folder)/x.gp")
            rmdir(folder)
        }
    }

    /// Only root can make a disk so small; others skip this.
    @Test func aFullDiskIsAnErrorAndNothingHalfWrittenStays() throws {
        let folder = try Self.folder()
        defer { rmdir(folder) }
        guard system("mount -t tmpfs -o size=16k tmpfs '\(folder)' 2>/dev/null") == 0 else { return }
        defer { system("umount '\(folder)'") }
        let figure = Figure(try .waveform(Samples.sound(), rate: 16000))
        for ending in ["png", "svg", "pdf", "gp"] {
            let error = #expect(throws: Failure.self) {
                try Self.renderer.save(figure, to: "\(folder)/x.\(ending)")
            }
            #expect(error?.message.contains("No space left") == true, "\(ending)")
            #expect(access("\(folder)/x.\(ending)", F_OK) != 0)
        }
        #expect(system("[ -z \"$(ls -A '\(folder)')\" ]") == 0, "leftovers")
        // And the next figure is drawn.
        #expect(try Self.svg(figure).contains("</svg>"))
    }

    @Test func filesAreWholeOrNotThere() throws {
        let folder = try Self.folder()
        defer { rmdir(folder) }
        let figure = Figure(try .series([Series(y: [1, 2, 4])]))
        for (ending, start) in [
            ("png", "\u{89}PNG"), ("svg", "<?xml"), ("pdf", "%PDF"), ("gif", "GIF89a"), ("six", "\u{1B}P"),
            ("gp", "# A"),
        ] {
            let path = "\(folder)/it's \"a\" `b` $c.\(ending)"
            try Self.renderer.save(figure, to: path)
            let file = try #require(fopen(path, "re"))
            var head = [UInt8](repeating: 0, count: 8)
            fread(&head, 1, 8, file)
            fclose(file)
            let expected = ending == "png" ? [0x89, 0x50, 0x4E, 0x47] : Array(start.utf8)
            #expect(Array(head.prefix(expected.count)) == expected, "\(ending)")
            unlink(path)
        }
        let missing = #expect(throws: Failure.self) {
            try Self.renderer.save(figure, to: "\(folder)/no/x.png")
        }
        #expect(missing?.kind == .io)
        #expect(throws: Failure.self) { try Self.renderer.save(figure, to: "/proc/x.png") }
        let unknown = #expect(throws: Failure.self) { try Self.renderer.save(figure, to: "\(folder)/x.pgn") }
        #expect(unknown?.hint == "did you mean .png?")
        #expect(throws: Failure.self) { try Self.renderer.save(figure, to: "") }
        try Self.renderer.animate([figure, figure, figure], to: "\(folder)/a.gif")
        unlink("\(folder)/a.gif")
        // Nothing half written stays behind.
        #expect(rmdir(folder) == 0)
    }
}
