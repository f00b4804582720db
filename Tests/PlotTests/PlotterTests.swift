import Glibc
import Plot
import Support
import Synchronization
import Testing

@Suite(.serialized) struct PlotterTests {
    final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    static func chosen(
        _ option: String? = nil, _ environment: [String: String] = [:], script: Bool = false,
        terminal: Bool = true,
        display: Bool = false, sixel: Bool = false
    ) throws -> PlotTarget {
        try PlotTarget.chosen(
            option: option, environment: environment, isScript: script, isTerminal: terminal,
            hasDisplay: { display }, speaksSixel: { sixel })
    }

    @Test func theTargetFollowsWhatThereIs() throws {
        #expect(try Self.chosen() == .text(isUnicode: nil))
        #expect(try Self.chosen(sixel: true) == .sixel)
        #expect(try Self.chosen(terminal: false, sixel: true) == .text(isUnicode: nil))
        #expect(try Self.chosen(display: true, sixel: true) == .window(.qt))
        #expect(try Self.chosen(script: true, sixel: true) == .files(ending: "png"))
        #expect(try Self.chosen(script: true, display: true) == .window(.qt))
        #expect(try Self.chosen(nil, ["GNUTERM": "x11 size 400,300"], display: true) == .window(.x11))
        #expect(try Self.chosen(nil, ["GNUTERM": "qt"]) == .text(isUnicode: nil))
        #expect(try Self.chosen(nil, ["GNUTERM": "tek40xx"]) == .text(isUnicode: nil))
        #expect(try Self.chosen("svg", ["GNUTERM": "x11"], display: true) == .files(ending: "svg"))
        #expect(try Self.chosen("auto", display: true) == .window(.qt))
        let error = #expect(throws: Failure.self) { try Self.chosen("sixle") }
        #expect(error?.hint == "did you mean \"sixel\"?")
    }

    @Test func aDisplayMustAnswer() {
        #expect(!Display.isReachable([:]))
        #expect(!Display.isReachable(["DISPLAY": ":4711"]))
        #expect(!Display.isReachable(["DISPLAY": "nonsense"]))
        #expect(!Display.isReachable(["DISPLAY": "localhost:59999.0"]))
        #expect(!Display.isReachable(["WAYLAND_DISPLAY": "wayland-77", "XDG_RUNTIME_DIR": "/nowhere"]))
    }

    @Test func scriptsWriteNumberedFiles() throws {
        let folder = try FigureTests.folder()
        let log = Log()
        var settings = Plotter.Settings(environment: [:], announce: { log.add($0) })
        settings.isScript = true
        settings.folder = "\(folder)/out/tour"
        let plotter = Plotter(settings)
        var options = FigureOptions()
        options.title = "Loss of `rm -rf` / 2"
        let figure = try Figure(.series([Series(y: [3, 2, 1])])).applying(options)
        try plotter.show(figure)
        let second = try plotter.show(Figure(.waveform([0, 1, 0], rate: 16000)))
        #expect(
            log.all == ["\(folder)/out/tour/01-loss-of-rm-rf-2.png", "\(folder)/out/tour/02-waveform.png"])
        #expect(second == log.all.last)
        for path in log.all { #expect(unlink(path) == 0) }
        for path in ["\(folder)/out/tour", "\(folder)/out", folder] { #expect(rmdir(path) == 0) }
        plotter.close()
    }

    @Test func textAndSixelsGoToTheTerminal() throws {
        let figure = Figure(try .series([Series(y: [3, 2, 1])]))
        for (option, start) in [("text", ""), ("ascii", ""), ("dumb", ""), ("sixel", "\u{1B}P")] {
            let log = Log()
            var settings = Plotter.Settings(
                environment: ["LANG": "C.UTF-8"], show: { log.add(String(decoding: $0, as: UTF8.self)) })
            settings.option = option
            let plotter = Plotter(settings)
            #expect(try plotter.show(figure) == nil)
            #expect(log.all.count == 1)
            #expect(log.all.first?.hasPrefix(start) == true, "\(option)")
            #expect((log.all.first ?? "").count > 200, "\(option)")
            plotter.close()
        }
    }

    @Test func aTerminalIsAskedForSixels() throws {
        for (answer, expected) in [
            ("\u{1B}[?62;4;22c", true), ("\u{1B}[?62;22c", false), ("\u{1B}[?64;14;40c", false), ("", false),
            ("x\u{1B}[?1;4c", true),
        ] {
            #expect(
                Display.attributes(in: Array(answer.utf8))?.contains("4") ?? false == expected,
                "\(answer.debugDescription)")
        }
        #expect(Display.attributes(in: Array("\u{1B}[?62;4".utf8)) == nil)
        // A pipe is no terminal.
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        #expect(!Display.speaksSixel(input: ends[0], output: ends[1]))
        close(ends[0])
        close(ends[1])
    }

    @Test func colorsFollowTheEnvironment() {
        func color(_ environment: [String: String], terminal: Bool = true) -> TextStyle.Color {
            Display.style(environment, isTerminal: terminal, columns: 80, rows: 24).color
        }
        #expect(color(["TERM": "xterm-256color"]) == .palette)
        #expect(color(["TERM": "xterm", "COLORTERM": "truecolor"]) == .full)
        #expect(color(["TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"]) == .none)
        #expect(color(["TERM": "dumb"]) == .none)
        #expect(color(["TERM": "xterm-256color"], terminal: false) == .none)
        #expect(!Display.style(["LANG": "C"], isTerminal: true, columns: 80, rows: 24).isUnicode)
        #expect(Display.style(["LC_ALL": "de_DE.UTF-8"], isTerminal: true, columns: 80, rows: 24).isUnicode)
    }

    /// At the prompt nobody waits for the program behind the first window.
    @Test func theFirstWindowIsNotWaitedFor() throws {
        setenv("QT_QPA_PLATFORM", "offscreen", 1)
        var settings = Plotter.Settings(environment: [:])
        settings.option = "qt"
        let plotter = Plotter(settings)
        let wave = Figure(try .waveform(Samples.sound(), rate: 16000))
        let start = ContinuousClock.now
        try plotter.show(wave)
        // A tenth on a quiet machine, where the window takes a quarter to begin; tests run on busy ones.
        let elapsed = ContinuousClock.now - start
        #expect(elapsed < .milliseconds(500), "\(elapsed)")
        #expect(plotter.hasWindow)
        // What cannot be drawn is an error, if not of this figure then of the next.
        let empty = Figure(try .series([Series(y: [.nan])]))
        #expect(throws: Failure.self) {
            try plotter.show(empty)
            try plotter.show(wave)
        }
        plotter.close()
    }

    @Test func aLiveFigureDoesNotHoldUpTheWork() throws {
        setenv("QT_QPA_PLATFORM", "offscreen", 1)
        var settings = Plotter.Settings(environment: [:])
        settings.option = "qt"
        let plotter = Plotter(settings)
        let live = LiveFigure(plotter)
        #expect(live.isLive)
        let made = Log()
        var values: [Double] = []
        // The first offer may pay for page faults; what counts is what one costs on the long run.
        let start = ContinuousClock.now
        let work = FigureTests.effort {
            for step in 0..<200_000 {
                values.append(Double(step))
                live.offer {
                    made.add("\(step)")
                    let now = values
                    return { Figure(try .series([Series(y: now)])) }
                }
            }
        }
        try live.finish(Figure(.series([Series(y: values)])))
        #expect(!made.all.isEmpty)
        let elapsed = Double((ContinuousClock.now - start).components.seconds) + 1
        #expect(Double(made.all.count) <= elapsed / 0.3 + 2)
        #expect(work < 1, "\(work) s for 200,000 offers")
        plotter.close()

        // Characters move in a terminal only, and the tests' output is none.
        settings.option = "text"
        settings.output = open("/dev/null", O_WRONLY | O_CLOEXEC)
        #expect(!LiveFigure(Plotter(settings)).isLive)
        close(settings.output)
    }

    @Test func withoutADisplayALiveFigureIsOneFileWrittenAgain() throws {
        let folder = try FigureTests.folder()
        let log = Log()
        var settings = Plotter.Settings(environment: [:], announce: { log.add($0) })
        settings.isScript = true
        settings.folder = folder
        let plotter = Plotter(settings)
        let live = LiveFigure(plotter)
        live.begin(name: "climb") { { Figure(try .series([Series(y: [0])])) } }
        // The beginning is there at once, whatever the work takes.
        #expect(access("\(folder)/01-climb.png", R_OK) == 0)
        for step in 1...3 {
            live.offer(name: "climb") {
                { Figure(try .series([Series(y: (0...step).map(Double.init))])) }
            }
        }
        let path = try live.finish(name: "climb", Figure(.series([Series(y: [1, 2, 3])])))
        #expect(path == "\(folder)/01-climb.png")
        #expect(log.all == ["\(folder)/01-climb.png"])
        #expect(unlink("\(folder)/01-climb.png") == 0)
        #expect(rmdir(folder) == 0)
        plotter.close()
    }

    @Test func keptFiguresAreSmallAndLookTheSame() throws {
        let y = Samples.noise(1_000_000)
        var series = Series(name: "loss", y: y, best: .lowest)
        series.y[500_000] = -3
        let figure = try Figure(.series([series])).reduced()
        guard case .line(let line)? = figure.panels[0].marks.first else {
            Issue.record("no line")
            return
        }
        #expect(line.y.count < 20_000)
        #expect(line.y.min() == -3)
        #expect(line.highlights.first.map { line.y[$0.index] } == -3)
        #expect(line.highlights.first?.text == "-3 at 500001")
        let cloud = try Figure(.scatter([(nil, y, y.reversed())])).reduced()
        guard case .points(let points)? = cloud.panels[0].marks.first else {
            Issue.record("no points")
            return
        }
        #expect(points.x.count < 1024 * 1024)
        #expect(try FigureTests.svg(figure).contains("-3 at 500001"))
    }
}

/// One after the other: they look for the windows of this whole process.
@Suite(.serialized) struct WindowTests {
    /// Qt draws into memory here: no display is needed.
    @Test func aWindowIsShownAgainAfterItsGnuplotDied() throws {
        setenv("QT_QPA_PLATFORM", "offscreen", 1)
        var settings = Plotter.Settings(environment: [:])
        settings.option = "qt"
        let plotter = Plotter(settings)
        let figure = Figure(try .series([Series(y: [3, 2, 1])]))
        #expect(try plotter.show(figure) == nil)
        let pid = try #require(plotter.windowProcessID)
        kill(pid, SIGKILL)
        usleep(20_000)
        try plotter.show(figure)
        #expect(plotter.windowProcessID != pid)
        #expect(SessionTests.state(of: pid) == nil)
        let next = try #require(plotter.windowProcessID)
        plotter.close()
        #expect(SessionTests.state(of: next) == nil)
        // The windows, processes of their own, are gone too.
        let find =
            "for p in $(pgrep -x gnuplot_qt); do grep -qsa VZSH_WINDOW=\(getpid())- /proc/$p/environ && exit 0; done; exit 1"
        var patience = 100
        while system(find) == 0, patience > 0 {
            usleep(20_000)
            patience -= 1
        }
        #expect(patience > 0, "a window is still there")
    }

    /// The person closes the window: its process ends, gnuplot itself lives on.
    @Test func aWindowThatWasClosedOpensAgain() throws {
        setenv("QT_QPA_PLATFORM", "offscreen", 1)
        var settings = Plotter.Settings(environment: [:])
        settings.option = "qt"
        let plotter = Plotter(settings)
        let figure = Figure(try .series([Series(y: [3, 2, 1])]))
        try plotter.show(figure)
        _ = try #require(plotter.windowProcessID)
        let close =
            "for p in $(pgrep -x gnuplot_qt); do grep -qsa VZSH_WINDOW=\(getpid())- /proc/$p/environ && kill -9 $p && n=1; done; [ \"$n\" ]"
        #expect(system(close) == 0, "there was a window")
        usleep(50_000)
        for _ in 1...3 { try plotter.show(figure) }
        #expect(plotter.windowProcessID != nil)
        #expect(system(close) == 0, "there is one again")
        plotter.close()
    }
}
