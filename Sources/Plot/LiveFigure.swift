import Dispatch
import Support
import Synchronization

/// A figure that follows long work: `fit`, `maximize`.
///
/// The work offers a new figure at every step and goes on at once; at most a few times a second one is
/// built, and drawn on another thread. Offers while gnuplot is busy are forgotten. Only windows move;
/// elsewhere the work shows its figure when it is done.
public final class LiveFigure: Sendable {
    private let plotter: Plotter
    private let terminal: GnuplotTerminal?
    private let interval: Double
    private let queue = DispatchQueue(label: "vzsh.live-figure", qos: .utility)
    /// When the next figure is wanted; infinity while one is being drawn.
    private let due = Atomic<UInt64>(0)

    /// - Parameter interval: seconds from figure to figure at least.
    public init(_ plotter: Plotter, interval: Double = 0.3) {
        self.plotter = plotter
        self.interval = interval
        if case .window(let terminal)? = try? plotter.target() {
            self.terminal = terminal
        } else {
            terminal = nil
        }
    }

    /// True where figures move.
    public var isLive: Bool { terminal != nil }

    /// Offer a figure; `make` is called, here and now, only where one is wanted.
    /// A figure that cannot be drawn yet (no value so far) is passed over.
    public func offer(_ make: () throws -> Figure) {
        guard let terminal else { return }
        let now = UInt64(monotonicSeconds() * 1e6)
        guard now >= due.load(ordering: .relaxed) else { return }
        guard let figure = try? make() else { return }
        due.store(.max, ordering: .relaxed)
        queue.async { [self] in
            let start = monotonicSeconds()
            try? plotter.showWindow(figure, terminal, cancel: nil)
            let end = monotonicSeconds()
            // A figure that takes long is drawn seldom: gnuplot has a tenth of a core at most.
            let wait = max(interval, (end - start) * 9)
            due.store(UInt64((end + wait) * 1e6), ordering: .relaxed)
        }
    }

    /// Wait for the figure being drawn, so that one shown now comes after it.
    public func finish() { queue.sync {} }
}
