import Support

/// Turns progress reports into one line with a bar and the time that is left, or, where nobody
/// watches a terminal, into one plain line when a piece of work is done.
package struct ProgressLine {
    /// Where the pieces of text go: a redrawn line, its end, its removal.
    private let write: (String) -> Void
    private let isTerminal: Bool
    private let style: Style
    private let now: () -> Double
    private let width: () -> Int

    /// The work that is shown, since when, and how far it was then.
    private var label = ""
    private var total = 0
    private var began = 0.0
    private var doneAtBegin = 0
    private var drawnAt = -1.0
    private var isDrawn = false

    /// Redrawn no more often than this, in seconds.
    private static let interval = 0.1
    /// Work that is over sooner shows no bar.
    private static let patience = 0.2

    package init(
        isTerminal: Bool, style: Style, now: @escaping () -> Double, width: @escaping () -> Int,
        write: @escaping (String) -> Void
    ) {
        self.isTerminal = isTerminal
        self.style = style
        self.now = now
        self.width = width
        self.write = write
    }

    package mutating func show(_ report: Progress) {
        let time = now()
        if report.label != label || report.total != total || report.done < doneAtBegin {
            label = report.label
            total = report.total
            began = time
            doneAtBegin = report.done
        }
        if report.isFinal {
            wipe()
            // What was soon done and has no figures to tell is no news.
            if !report.figures.isEmpty || time - began >= Self.patience {
                let parts = parts(report, elapsed: time - began)
                write(
                    (isTerminal ? Self.folded(parts, width: width()) : parts.joined(separator: "  ")) + "\n")
            }
            label = ""
            drawnAt = -1
            return
        }
        guard isTerminal, time - drawnAt >= Self.interval else { return }
        if drawnAt < 0, time - began < Self.patience { return }
        write("\r\u{1B}[K" + line(report, elapsed: time - began, width: width() - 1))
        drawnAt = time
        isDrawn = true
    }

    /// Takes the line away: something else is to be written, or the work is over.
    package mutating func wipe() {
        guard isDrawn else { return }
        write("\r\u{1B}[K")
        isDrawn = false
    }

    /// Forgets the work, after an error or Ctrl-C.
    package mutating func end() {
        wipe()
        label = ""
        drawnAt = -1
    }

    /// The last line of a piece of work: "epoch 3/40  loss 0.412  val_loss 0.5  12.3 s".
    package func summary(_ report: Progress, elapsed: Double) -> String {
        parts(report, elapsed: elapsed).joined(separator: "  ")
    }

    private func parts(_ report: Progress, elapsed: Double) -> [String] {
        var parts = [report.label]
        parts += report.figures.map { "\($0.name) \($0.value)" }
        if elapsed >= 0.05 { parts.append(TimeText.text(elapsed)) }
        return parts
    }

    /// In lines of at most `width` columns, broken between the parts; what follows the first is indented.
    private static func folded(_ parts: [String], width: Int) -> String {
        var text = ""
        var used = 0
        for part in parts {
            let columns = Columns.width(part)
            if used > 0, used + 2 + columns > width {
                text += "\n"
                used = 0
            }
            let gap = text.isEmpty ? "" : "  "
            text += gap + part
            used += gap.utf8.count + columns
        }
        return text
    }

    /// The line while it goes on, in at most `width` columns. What does not fit is left out: first
    /// figures from the last on, then the bar.
    package func line(_ report: Progress, elapsed: Double, width: Int) -> String {
        var head = report.label
        var tail = ""
        if report.total > 0 {
            tail = "\(report.done)/\(report.total)"
            if let left = remaining(report, elapsed: elapsed) { tail += "  ETA \(TimeText.clock(left))" }
        } else {
            tail = "\(report.done)  \(TimeText.clock(elapsed))"
        }
        var figures = report.figures.map { "\($0.name) \($0.value)" }
        func used() -> Int {
            ([head, tail] + figures).map(Columns.width).reduce(0, +) + 2 * (figures.count + 1)
        }
        while used() > width, !figures.isEmpty { figures.removeLast() }
        if used() > width { head = Columns.cut(head, to: max(0, width - Columns.width(tail) - 2)) }
        let room = width - used() - 2
        var parts = [head]
        if report.total > 0, room >= 6 { parts.append(bar(report, columns: min(30, room))) }
        parts.append(tail)
        parts += figures.map { style.dim($0) }
        let out = parts.joined(separator: "  ")
        return used() <= width ? out : Columns.cut(tail, to: width)
    }

    private func bar(_ report: Progress, columns: Int) -> String {
        let share = min(1, max(0, Double(report.done) / Double(report.total)))
        let filled = Int(share * Double(columns))
        return style.bar(String(repeating: "━", count: filled))
            + style.dim(String(repeating: style.isOn ? "━" : "─", count: columns - filled))
    }

    private func remaining(_ report: Progress, elapsed: Double) -> Double? {
        let steps = Double(report.done) - Double(doneAtBegin)
        guard steps >= 1, elapsed > 0, report.done <= report.total else { return nil }
        return elapsed / steps * (Double(report.total) - Double(report.done))
    }
}

/// Times as people read them.
package enum TimeText {
    /// "1:02:03" or "2:03".
    package static func clock(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "–" }
        let s = Int(seconds.rounded())
        let two = { (n: Int) in n < 10 ? "0\(n)" : "\(n)" }
        return s >= 3600
            ? "\(s / 3600):\(two(s / 60 % 60)):\(two(s % 60))" : "\(s / 60):\(two(s % 60))"
    }

    /// Three digits and a unit: "12.3 ms", "1.40 s"; a clock from a minute on.
    package static func text(_ seconds: Double) -> String {
        guard seconds.isFinite else { return "–" }
        if seconds >= 60 { return clock(seconds) }
        let (value, unit): (Double, String) =
            switch seconds {
            case 1...: (seconds, "s")
            case 1e-3...: (seconds * 1e3, "ms")
            case 1e-6...: (seconds * 1e6, "µs")
            default: (seconds * 1e9, "ns")
            }
        let digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
        return "\(fixed(value, digits)) \(unit)"
    }

    /// `value` ≥ 0 with so many digits after the point.
    package static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let whole = Int((value * Double(scale)).rounded())
        guard digits > 0 else { return "\(whole)" }
        let fraction = String(whole % scale)
        return "\(whole / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
