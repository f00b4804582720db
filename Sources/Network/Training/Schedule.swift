import Glibc
import Support

/// How the learning rate changes while training. Lengths are in epochs and may be fractions: the rate
/// is worked out for every step.
public indirect enum Schedule: Hashable, Sendable {
    case constant
    /// Times `factor` after every `every` epochs.
    case step(every: Double, factor: Double)
    /// Half a cosine from 1 down to `final` over `epochs` (nil: the whole training);
    /// Loshchilov and Hutter 2017.
    case cosine(epochs: Double? = nil, final: Double = 0)
    /// Times `factor` each epoch, steadily.
    case exponential(factor: Double)
    /// Rises in a line from 0 to 1 over `epochs`, then `then`, which counts from there.
    case warmUp(epochs: Double, then: Schedule = .constant)
    /// Times `factor` whenever the watched figure did not get better by `minimumChange` for `patience`
    /// epochs, but never below `minimum` times the first rate.
    case plateau(factor: Double = 0.1, patience: Int = 10, minimumChange: Double = 1e-4, minimum: Double = 0)

    /// What the learning rate is multiplied by at `epoch` (0 at the first step) of `total`.
    /// `plateauFactor` is what plateaus have made of it so far.
    func factor(epoch: Double, total: Double, plateauFactor: Double) -> Double {
        switch self {
        case .constant: return 1
        case .step(let every, let factor): return every > 0 ? pow(factor, (epoch / every).rounded(.down)) : 1
        case .cosine(let epochs, let final):
            let length = max(epochs ?? total, 1e-9)
            let position = min(max(epoch / length, 0), 1)
            return final + (1 - final) * 0.5 * (1 + cos(Double.pi * position))
        case .exponential(let factor): return pow(factor, epoch)
        case .warmUp(let epochs, let then):
            if epoch < epochs { return epoch / epochs }
            return then.factor(
                epoch: epoch - epochs, total: max(total - epochs, 0), plateauFactor: plateauFactor)
        case .plateau(_, _, _, let minimum): return max(plateauFactor, minimum)
        }
    }

    /// The plateau rule inside, if there is one.
    var plateau: (factor: Double, patience: Int, minimumChange: Double)? {
        switch self {
        case .plateau(let factor, let patience, let change, _): (factor, patience, change)
        case .warmUp(_, let then): then.plateau
        default: nil
        }
    }
}

/// Watches one figure from epoch to epoch: early stopping and plateaus.
struct Watch: Equatable {
    var best: Double?
    var bestEpoch = 0
    var waited = 0

    /// Take an epoch's figure; true where it is the best so far.
    mutating func take(_ value: Double, epoch: Int, rising: Bool, minimumChange: Double) -> Bool {
        let isBetter =
            best.map { rising ? value > $0 + minimumChange : value < $0 - minimumChange } ?? !value.isNaN
        if isBetter {
            best = value
            bestEpoch = epoch
            waited = 0
        } else {
            waited += 1
        }
        return isBetter
    }

    var json: JSON {
        [
            "best": best.map(JSON.number) ?? .null, "best_epoch": .integer(bestEpoch),
            "waited": .integer(waited),
        ]
    }

    init() {}

    init(json: JSON?) {
        best = json?["best"]?.double
        bestEpoch = json?["best_epoch"]?.int ?? 0
        waited = json?["waited"]?.int ?? 0
    }
}

/// Stop where a figure no longer gets better.
public struct EarlyStopping: Hashable, Sendable {
    /// A column of the history: "val_loss", "val_accuracy", "loss" …
    public var monitor: String
    /// Epochs without a better figure before training stops.
    public var patience: Int
    /// What counts as better.
    public var minimumChange: Double
    /// Give the network the weights of the best epoch at the end.
    public var restoresBest: Bool

    public init(
        monitor: String = "val_loss", patience: Int = 5, minimumChange: Double = 0, restoresBest: Bool = true
    ) throws(Failure) {
        guard patience >= 1 else {
            throw Failure(.argument, "early stopping: patience must be at least 1 epoch, not \(patience)")
        }
        self.monitor = monitor
        self.patience = patience
        self.minimumChange = max(minimumChange, 0)
        self.restoresBest = restoresBest
    }

    /// Accuracies rise, losses and errors fall.
    static func isRising(_ monitor: String) -> Bool { monitor.hasSuffix("accuracy") }
}
