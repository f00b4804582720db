import Language
import Support

/// What `bench` measured, in seconds.
package final class Timing: VZObject {
    package let median: Double
    package let minimum: Double
    package let mean: Double
    package let runs: Int

    package init(_ seconds: [Double], runs: Int) {
        let sorted = seconds.sorted()
        median = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        minimum = sorted.first ?? 0
        mean = seconds.isEmpty ? 0 : seconds.reduce(0, +) / Double(seconds.count)
        self.runs = runs
    }

    package var typeName: String { "timing" }
    package var memberNames: [String] { ["median", "min", "mean", "runs"] }

    package func member(_ name: String) -> Value? {
        switch name {
        case "median": Value(median)
        case "min": Value(minimum)
        case "mean": Value(mean)
        case "runs": Value(runs)
        default: nil
        }
    }

    package func memberDoc(_ name: String) -> String? {
        switch name {
        case "median": "seconds that half of the runs took at most"
        case "min": "seconds of the fastest run"
        case "mean": "seconds of a run on average"
        case "runs": "how many runs were measured"
        default: nil
        }
    }

    package var summary: String { "\(TimeText.text(median)) (median of \(runs) runs)" }

    package func display(width: Int) -> String {
        "median \(TimeText.text(median))   min \(TimeText.text(minimum))   "
            + "mean \(TimeText.text(mean))   \(runs) \(runs == 1 ? "run" : "runs")"
    }

    /// Runs `body` for about `seconds`: once to warm up, then in rounds long enough for the clock.
    package static func measure(seconds: Double, _ body: () throws -> Void) throws -> Timing {
        var begin = Clock.now()
        try body()
        begin = Clock.now()
        try body()
        let once = max(1e-9, Clock.now() - begin)
        // A round of at least 100 µs keeps the clock's own cost below a thousandth.
        let inRound = once > 1e-4 ? 1 : Int(1e-4 / once) + 1
        let end = begin + seconds
        var rounds: [Double] = [once]
        if inRound > 1 { rounds = [] }
        var runs = rounds.count
        repeat {
            try CancelFlag.shared.check()
            begin = Clock.now()
            for _ in 0..<inRound { try body() }
            rounds.append((Clock.now() - begin) / Double(inRound))
            runs += inRound
        } while Clock.now() < end && rounds.count < 100_000
        return Timing(rounds, runs: runs)
    }
}
