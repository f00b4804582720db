import Dispatch
import Glibc
import Support
import Synchronization

/// A figure that follows long work: `fit`, `maximize`.
///
/// The work offers its state at every step and goes on at once. At most a few times a second a figure
/// is made of it and drawn, on another thread and by a gnuplot that yields to the work; what is offered
/// meanwhile is forgotten. In a window the figure moves, in a terminal it is drawn anew in its place,
/// and in a script without a display one file is written again and again.
public final class LiveFigure: Sendable {
    /// Makes the figure of one state, on the drawing thread.
    public typealias Drawing = @Sendable () throws -> Figure

    private enum Place {
        case window(GnuplotTerminal)
        case terminal
        case file(ending: String)
    }

    private struct State {
        /// When the next figure is wanted; infinity while one is being drawn.
        var due = 0.0
        /// Characters that were made on the drawing thread and wait for the work's own to be shown.
        var ready: String?
        /// Rows of the drawing in the terminal, and of what was printed under it.
        var rows = 0
        var below = 0
        /// The file that is written again and again, or the window.
        var path: String?
        var isAnnounced = false
        var window: Int?
    }

    private let plotter: Plotter
    /// Draws files while the work goes on; its gnuplot comes after everybody else's work.
    private let drawer = FigureRenderer()
    private let place: Place?
    private let interval: Double
    private let queue = DispatchQueue(label: "vzsh.live-figure", qos: .utility)
    private let state = Mutex(State())

    /// Ends the figure that is being drawn: the work is done, and its last state comes.
    private let abandon = CancelFlag()

    /// Seconds between pictures for each second that drawing one took: even where both share one core,
    /// drawing takes a fiftieth of it.
    private static let rest = 50.0

    /// - Parameter interval: seconds from figure to figure at least.
    public init(_ plotter: Plotter, interval: Double = 0.3) {
        self.plotter = plotter
        switch try? plotter.target() {
        case .window(let terminal)?: (place, self.interval) = (.window(terminal), interval)
        case .text?, .sixel?, .dumb?:
            // What is redirected into a file is no place for pictures that move.
            place = isatty(plotter.settings.output) == 1 ? .terminal : nil
            self.interval = max(interval, 0.5)
        case .files(let ending)?: (place, self.interval) = (.file(ending: ending), max(interval, 2))
        case PlotTarget.none?, nil: (place, self.interval) = (nil, interval)
        }
    }

    /// True where figures are followed at all.
    public var isLive: Bool { place != nil }

    /// Show the state before the work begins: at once, for nothing else is to be done yet.
    public func begin(name: String? = nil, _ take: () throws -> Drawing) {
        guard let place, let drawing = try? take() else { return }
        let start = monotonicSeconds()
        // What keeps it from being drawn, the last figure tells.
        try? draw(drawing(), place, name: name, isAlone: true)
        showReady()
        let end = monotonicSeconds()
        state.withLock { $0.due = end + max(interval, (end - start) * LiveFigure.rest) }
    }

    /// Offer the present state. `take` is called, here and now, only where a figure is wanted: it copies
    /// what the drawing needs. A figure that cannot be drawn yet is passed over.
    public func offer(name: String? = nil, _ take: () throws -> Drawing) {
        guard let place else { return }
        showReady()
        let now = monotonicSeconds()
        guard state.withLock({ $0.due <= now }), let drawing = try? take() else { return }
        state.withLock { $0.due = .infinity }
        queue.async { [self] in
            let start = monotonicSeconds()
            try? draw(drawing(), place, name: name)
            let end = monotonicSeconds()
            state.withLock { $0.due = end + max(interval, (end - start) * LiveFigure.rest) }
        }
    }

    /// A line was printed under the figure.
    public func lineWasPrinted() { state.withLock { if $0.rows > 0 { $0.below += 1 } } }

    /// The work is done: wait for the figure being drawn, then show the last state.
    /// - Returns: the file that it was written to, where figures go to files.
    /// Throws `Failure` where it cannot be drawn.
    @discardableResult
    public func finish(name: String? = nil, _ figure: Figure) throws -> String? {
        guard let place else { return nil }
        abandon.request()
        queue.sync {}
        drawer.session.close()
        try draw(figure, place, name: name, isAlone: true)
        showReady()
        return state.withLock { $0.path }
    }

    /// - Parameter isAlone: nothing else is to be done meanwhile: before the work, and after it.
    private func draw(_ figure: Figure, _ place: Place, name: String?, isAlone: Bool = false) throws {
        switch place {
        case .window(let terminal):
            let window = state.withLock { s in
                let window = s.window ?? plotter.nextWindow()
                s.window = window
                return window
            }
            try plotter.showWindow(figure, terminal, window: window, cancel: nil, isLive: !isAlone)
        case .terminal:
            let text = try figure.text(plotter.textStyle(nil))
            state.withLock { $0.ready = text }
        case .file(let ending):
            if !isAlone { drawer.session.yieldToOthers(by: 19) }
            let path = try state.withLock { $0.path } ?? plotter.nextPath(figure, name: name, ending: ending)
            state.withLock { $0.path = path }
            // A gnuplot that gave way to all others keeps doing so; the first and the last figure are for another one.
            try (isAlone ? plotter.renderer : drawer).save(figure, to: path, cancel: isAlone ? nil : abandon)
            let isNew = state.withLock { s in
                defer { s.isAnnounced = true }
                return !s.isAnnounced
            }
            if isNew { plotter.settings.announce(path) }
        }
    }

    /// Put the drawing that is ready into the terminal, over the one before it.
    private func showReady() {
        let text: String? = state.withLock { s in
            guard let text = s.ready else { return nil }
            s.ready = nil
            let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
            // Where the one before has scrolled away, or is of another size, a new one begins below.
            let screen = Display.size(of: plotter.settings.output)?.rows ?? 24
            var out = "\r\u{1B}[K"
            var down = ""
            if s.rows == lines.count, s.rows + s.below < screen {
                out += "\u{1B}[\(s.rows + s.below)A"
                if s.below > 0 { down = "\u{1B}[\(s.below)B" }
            } else {
                s.below = 0
            }
            s.rows = lines.count
            for line in lines { out += line + "\u{1B}[K\n" }
            return out + down + "\r"
        }
        if let text { plotter.settings.show(Array(text.utf8)) }
    }
}
