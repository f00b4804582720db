import Dispatch
import Glibc
import Support
import Synchronization

/// Shows and saves figures for one run of the shell or of a script.
///
/// Where a figure is shown is decided at the first one, by `Settings`. Safe to use from any thread.
public final class Plotter: Sendable {
    public struct Settings: Sendable {
        /// `--plot`: one of `PlotTarget.names`; nil or "auto" decides by what there is.
        public var option: String?
        /// A script runs without a person before it: figures become files where there is no display.
        public var isScript = false
        /// `--out`: where those files go; made at the first one.
        public var folder = "out"
        public var environment: [String: String]
        /// The terminal's descriptors.
        public var input: Int32 = 0
        public var output: Int32 = 1
        /// Takes what is drawn into the terminal.
        public var show: @Sendable ([UInt8]) -> Void
        /// Takes the path of each file that was written.
        public var announce: @Sendable (String) -> Void

        /// - Parameters:
        ///   - environment: the process's own by default.
        ///   - show: writes to standard output by default.
        ///   - announce: does nothing by default.
        public init(
            environment: [String: String]? = nil, show: (@Sendable ([UInt8]) -> Void)? = nil,
            announce: @escaping @Sendable (String) -> Void = { _ in }
        ) {
            self.environment = environment ?? Settings.processEnvironment()
            self.show = show ?? { bytes in Settings.writeOut(bytes) }
            self.announce = announce
        }

        /// As the command line has it.
        public init(
            following settings: Support.Settings, announce: @escaping @Sendable (String) -> Void
        ) {
            self.init(announce: announce)
            option = settings.plot.rawValue
            isScript = !settings.isInteractive
            folder = settings.outputFolder ?? "."
        }

        private static func processEnvironment() -> [String: String] {
            var result: [String: String] = [:]
            var cursor = environ
            while let entry = cursor.pointee {
                let parts = String(cString: entry).split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
                cursor += 1
            }
            return result
        }

        private static func writeOut(_ bytes: [UInt8]) {
            var sent = 0
            while sent < bytes.count {
                let n = bytes.withUnsafeBytes {
                    write(1, $0.baseAddress.map { $0 + sent }, bytes.count - sent)
                }
                if n > 0 {
                    sent += n
                } else if n < 0, errno != EINTR, errno != EAGAIN {
                    return LostResults.note(errno)
                }
            }
        }
    }

    private struct State {
        var target: PlotTarget?
        var filesWritten = 0
        /// Windows that were opened, and what each may read again when it is zoomed.
        var windowsOpened = 0
        var windowData: [Int: GnuplotData] = [:]
        /// The figure that is on its way into its window, and what went wrong with one.
        var showing: DispatchSemaphore?
        var problem: Failure?
    }

    public let settings: Settings
    /// Draws into files.
    public let renderer = FigureRenderer()
    /// Windows have a gnuplot of their own: a picture saved meanwhile does not change their terminal.
    private let windows = GnuplotSession()
    private let state = Mutex(State())

    public init(_ settings: Settings) { self.settings = settings }

    deinit { close() }

    /// Where figures are shown; decided once.
    /// Throws `Failure` where `--plot` names nothing that we know.
    public func target() throws -> PlotTarget {
        if let known = state.withLock({ $0.target }) { return known }
        let chosen = try PlotTarget.chosen(
            option: settings.option, environment: settings.environment, isScript: settings.isScript,
            isTerminal: isatty(settings.output) == 1,
            hasDisplay: { Display.isReachable(settings.environment) },
            speaksSixel: { Display.speaksSixel(input: settings.input, output: settings.output) })
        // gnuplot would wait for its window for a minute, or say nothing.
        if case .window(let terminal) = chosen, !Display.isReachable(settings.environment),
            terminal != .qt || !Display.qtNeedsNone
        {
            throw Failure(
                .io, "there is no display for a window",
                hint: "--plot dumb draws in the terminal, --plot png into files")
        }
        state.withLock { $0.target = chosen }
        return chosen
    }

    /// Show `figure`: in the window, in the terminal, or as a numbered file in the output folder.
    ///
    /// - Parameter name: for the file's name; nil takes the figure's title or kind.
    /// - Returns: the path of the file that was written, or nil.
    @discardableResult
    public func show(_ figure: Figure, name: String? = nil, cancel: CancelFlag? = nil) throws -> String? {
        switch try target() {
        case .window(let terminal):
            if settings.isScript {
                try showWindow(figure, terminal, cancel: cancel)
            } else {
                try showSoon(figure, terminal, cancel: cancel)
            }
        case .sixel:
            let fitted = figure.fitting(width: sixelWidth())
            settings.show(try renderer.bytes(fitted, terminal: .sixel, cancel: cancel) + [10])
        case .text(let isUnicode): settings.show(Array(try figure.text(textStyle(isUnicode)).utf8))
        case .dumb:
            let style = textStyle(nil)
            let terminal = GnuplotTerminal.dumb(columns: style.columns, rows: min(style.rows ?? 24, 30))
            settings.show(try renderer.bytes(figure, terminal: terminal, cancel: cancel))
        case .files(let ending):
            let path = try nextPath(figure, name: name, ending: ending)
            try renderer.save(figure, to: path, cancel: cancel)
            settings.announce(path)
            return path
        case .none: for panel in figure.panels { _ = try panel.extents() }
        }
        return nil
    }

    /// Write `figure` to `path`; see `FigureRenderer.save`.
    public func save(_ figure: Figure, to path: String, cancel: CancelFlag? = nil) throws {
        try renderer.save(figure, to: path, cancel: cancel)
    }

    /// Start gnuplot on another thread, where figures are likely to need one.
    public func warmUp() {
        let environment = settings.environment
        var isWindow = environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil
        if let option = settings.option,
            let target = (try? PlotTarget.named(option, environment: environment)) ?? nil
        {
            switch target {
            case .text, .none: return
            case .window: isWindow = true
            case .sixel, .dumb, .files: isWindow = false
            }
        }
        DispatchQueue.global(qos: .userInitiated).async { [self, isWindow] in
            (isWindow ? windows : renderer.session).warmUp()
        }
    }

    /// End every gnuplot; the next figure starts another.
    public func close() {
        try? finishShowing(cancel: nil)
        windows.close()
        renderer.session.close()
        state.withLock { $0.windowData = [:] }
    }

    // MARK: Windows

    /// Show `figure` in the window, and come back when it is there, or after a moment where that takes
    /// longer: the program behind the first window needs a while to begin. What goes wrong then is an
    /// error of the next figure.
    private func showSoon(_ figure: Figure, _ terminal: GnuplotTerminal, cancel: CancelFlag?) throws {
        try finishShowing(cancel: cancel)
        let isShown = DispatchSemaphore(value: 0)
        state.withLock { $0.showing = isShown }
        DispatchQueue.global(qos: .userInitiated).async { [self] in
            do {
                try showWindow(figure, terminal, cancel: nil)
            } catch let failure as Failure {
                state.withLock { $0.problem = failure }
            } catch {}
            isShown.signal()
        }
        if isShown.wait(timeout: .now() + Plotter.moment) == .success {
            isShown.signal()
            try finishShowing(cancel: cancel)
        }
    }

    /// Seconds that a person waits for a window without noticing.
    private static let moment = 0.06

    /// Wait for the window that is on its way. Throws what went wrong with it.
    private func finishShowing(cancel: CancelFlag?) throws {
        try waitUntilShown(cancel: cancel)
        let problem = state.withLock { s in
            defer { (s.showing, s.problem) = (nil, nil) }
            return s.problem
        }
        if let problem { throw problem }
    }

    private func waitUntilShown(cancel: CancelFlag?) throws {
        guard let showing = state.withLock({ $0.showing }) else { return }
        while showing.wait(timeout: .now() + 0.05) == .timedOut { try cancel?.check() }
        // For whoever asks next.
        showing.signal()
    }

    /// The window of the next figure: one for all at the prompt, each its own in a script, as long as
    /// they are not too many.
    func nextWindow() -> Int {
        guard settings.isScript else { return 0 }
        return state.withLock { s in
            defer { s.windowsOpened += 1 }
            return s.windowsOpened % 16
        }
    }

    /// - Parameters:
    ///   - window: which one; the next one by default.
    ///   - isLive: other work goes on meanwhile, and comes first.
    func showWindow(
        _ figure: Figure, _ terminal: GnuplotTerminal, window: Int? = nil, cancel: CancelFlag?,
        isLive: Bool = false
    ) throws {
        if isLive { windows.yieldToOthers(by: 10) }
        let window = window ?? nextWindow()
        let script = try GnuplotScript(figure, terminal: terminal, output: nil, window: window)
        // The terminal first and alone: a window's terminal reads its input in its own way from then on.
        // That way an event of the window can end a line of commands in its middle; so the figure itself
        // is a file that gnuplot loads, and one short line is all that is read so.
        let parts = [script.setup, "load \(try script.data.file(script.body))"]
        var answer = try windows.run(parts, cancel: cancel)
        if answer.complaints.contains("will restart") || answer.complaints.contains("invalid command") {
            // The window's own process was gone (gnuplot starts another for the figure after this one),
            // or that short line was cut.
            answer = try windows.run(parts, cancel: cancel)
        }
        state.withLock { $0.windowData[window] = script.data }
        let errors = FigureRenderer.errors(in: answer.complaints)
        guard errors.isEmpty else {
            throw Failure(
                .io, "gnuplot could not draw the figure: \(errors)",
                hint: "--plot text draws in the terminal, --plot png into files of \(settings.folder)")
        }
    }

    /// The process id of the gnuplot behind the window, or nil.
    package var windowProcessID: Int32? {
        try? waitUntilShown(cancel: nil)
        return windows.processID
    }

    /// True while a window is open, as far as we know.
    public var hasWindow: Bool {
        try? waitUntilShown(cancel: nil)
        return state.withLock { !$0.windowData.isEmpty } && windows.processID != nil
    }

    /// Wait until the person closes the window that was drawn last; at once where none is open.
    public func waitForWindow(cancel: CancelFlag? = nil) throws {
        try finishShowing(cancel: cancel)
        guard hasWindow else { return }
        _ = try windows.run("pause mouse close", cancel: cancel, patience: .infinity)
        state.withLock { $0.windowData = [:] }
    }

    // MARK: Terminals

    func textStyle(_ isUnicode: Bool?) -> TextStyle {
        let size = Display.size(of: settings.output)
        // The last column is left free: a full line would wrap in some terminals.
        let columns = size.map { $0.columns - 1 } ?? Int(settings.environment["COLUMNS"] ?? "") ?? 80
        var style = Display.style(
            settings.environment, isTerminal: isatty(settings.output) == 1, columns: min(columns, 140),
            rows: size.map { $0.rows - 2 })
        if let isUnicode { style.isUnicode = isUnicode }
        return style
    }

    private func sixelWidth() -> Int {
        guard let size = Display.size(of: settings.output) else { return 800 }
        return min(1600, size.width > 0 ? size.width : size.columns * 9)
    }

    // MARK: Files

    /// "out/name/03-loss.png".
    func nextPath(_ figure: Figure, name: String?, ending: String) throws -> String {
        try Folders.make(settings.folder)
        let number = state.withLock {
            $0.filesWritten += 1
            return $0.filesWritten
        }
        // The first panel's title says what that one shows, not what all of them do.
        let only = figure.panels.count == 1 ? figure.panels.first?.title : nil
        let words = name ?? figure.title ?? only ?? figure.panels.first?.kind ?? "figure"
        let stem = Plotter.slug(words)
        let file = "\(number < 10 ? "0" : "")\(number)-\(stem).\(ending)"
        return settings.folder == "." ? file : "\(settings.folder)/\(file)"
    }

    /// Letters and digits of `words`, joined by dashes: a name that needs no quotes anywhere.
    static func slug(_ words: String) -> String {
        var result = ""
        for character in words.lowercased().prefix(200) {
            if character.isLetter || character.isNumber {
                result.append(character)
            } else if result.last != "-", !result.isEmpty {
                result.append("-")
            }
            if result.utf8.count >= 60 { break }
        }
        while result.last == "-" { result.removeLast() }
        return result.isEmpty ? "figure" : result
    }
}

extension Figure {
    /// The same at most `width` pixels wide, everything smaller in proportion.
    func fitting(width: Int) -> Figure {
        let sheet = Sheet(self, zoom: 1)
        guard sheet.width > width, width >= 64 else { return self }
        var figure = self
        figure.size = (width, max(48, sheet.height * width / sheet.width))
        return figure
    }
}
