import Network
import Support
import Tensor

/// What a maximization found: one input for each aim (and copy), and how it came about.
public final class Maximization {
    public let objective: Objective
    public let options: MaximizationOptions
    public let space: InputSpace
    /// What each input is called.
    public let labels: [String]
    /// The inputs after the last step, and those with the highest score met: [n] + input shape.
    public internal(set) var last: Tensor
    public internal(set) var best: Tensor
    /// Score of each input before each step, and after the last: n lists of steps + 1 numbers (of steps
    /// where the climb of a large network was stopped, whose last score is not waited for).
    public internal(set) var loss: [[Double]]
    /// Probability of each input's class before each step, where the aims are classes.
    public internal(set) var probabilities: [[Double]]
    /// Highest score met.
    public internal(set) var bestScore: [Double]
    public internal(set) var stepsDone = 0
    public internal(set) var wasInterrupted = false
    public internal(set) var hasSettled = false
    public internal(set) var seconds = 0.0
    /// What the person should know: a gradient that has vanished, and what to do about it.
    public internal(set) var notes: [String] = []
    /// States on the way, for an animation: the step, and the inputs before it.
    public internal(set) var frames: [(step: Int, input: Tensor)] = []

    init(objective: Objective, options: MaximizationOptions, space: InputSpace, start: Tensor) {
        self.objective = objective
        self.options = options
        self.space = space
        let copies = options.copies
        labels = objective.labels.flatMap { label in
            (0..<copies).map { copies == 1 ? label : "\(label) #\($0 + 1)" }
        }
        last = start
        best = start
        loss = labels.map { _ in [] }
        probabilities = loss
        bestScore = labels.map { _ in -.infinity }
    }

    public var network: Network { objective.network }
    public var count: Int { labels.count }
    /// What it found: the state of the highest score, or the last one where random transforms make the
    /// score of a single step a matter of luck.
    public var input: Tensor { options.transforms.isActive ? last : best }
    /// The score of `input`.
    public var activation: [Double] {
        options.transforms.isActive ? loss.map { $0.last ?? .nan } : bestScore
    }
}
