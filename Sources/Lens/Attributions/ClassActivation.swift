import Graph
import Network
import Support
import Tensor

/// The CAM family: the maps of one layer's channels, weighed by what they mean for a class.
///
/// A: the layer's activation [n, spatial…, C]; G: the gradient of the class' score (before softmax)
/// with respect to it. Results are at the layer's resolution.
enum ClassActivation {
    /// One map for each of the class rows of `chosen` ([n, classes], one-hot): [n, spatial…].
    static func map(
        _ method: AttributionMethod, activation a: Traced, scores: ClassScores, chosen: Traced,
        in recording: Recording
    ) throws -> Traced {
        let places = Array(1..<(a.rank - 1))
        if method == .eigencam { return try principal(a, in: recording) }
        let score = try scores.chosen(chosen).sum()
        let g = try a.graph.gradients(of: score, withRespectTo: [a])[0]
        switch method {
        case .cam:
            // Behind a global average the gradient of channel k is its dense weight over the number of
            // places, the same at each: Σ w A, which may be negative (Zhou et al. 2016).
            let count = Double(places.reduce(1) { $0 * a.shape[$1] })
            return try (g.mean(places, keepAxes: true) * count * a).sum([-1])
        case .gradcam:
            // Selvaraju et al. 2017.
            return try (g.mean(places, keepAxes: true) * a).sum([-1]).relu()
        case .xgradcam:
            // Fu et al. 2020: the gradient's mean over the map, each place weighed by its activation.
            let weight = try (g * a).sum(places, keepAxes: true) / (a.sum(places, keepAxes: true) + 1e-7)
            return try (weight * a).sum([-1]).relu()
        case .eigengradcam:
            // The principal component of A · G rather than of A: of the class (pytorch-grad-cam).
            return try principal(g * a, in: recording)
        case .gradcampp:
            // Chattopadhay et al. 2018, equation 19: G² / (2 G² + Σ A · G³), where G is not 0.
            let squared = try g.square()
            let total = try a.sum(places, keepAxes: true)
            let share = try squared / (squared * 2 + total * squared * g + 1e-6)
            let isMoving = try g.binary(.notEqual, g.scalar(0))
            let weight = try (g.relu() * isMoving.select(share, 0)).sum(places, keepAxes: true)
            return try (weight * a).sum([-1]).relu()
        case .layercam:
            // Jiang et al. 2021: each place by its own positive gradient.
            return try (g.relu() * a).sum([-1]).relu()
        case .hirescam:
            // Draelos and Carin 2020: each place by its own gradient.
            return try (g * a).sum([-1]).relu()
        default:
            throw Failure(.value, "\(method.rawValue) is no weighted map of a layer")
        }
    }

    /// Eigen-CAM (Muhammad and Yeasin 2020): the projection of the centred activation on its first
    /// principal component, whatever the class. Its sign is that of the mean activation.
    ///
    /// The component is the Gram matrix' first eigenvector, by squaring the matrix 16 times, which is
    /// as many steps of the power method as 2^16.
    private static func principal(_ a: Traced, in recording: Recording) throws -> Traced {
        let (n, channels) = (a.shape[0], a.shape[a.rank - 1])
        let count = a.shape[1..<(a.rank - 1)].reduce(1, *)
        let rows = try a.reshaped([n, count, channels])
        let x = try rows - rows.mean([1], keepAxes: true)
        let byChannel = channels <= count
        var m = byChannel ? try x.matmul(x, transposeA: true) : try x.matmul(x, transposeB: true)
        func unit(_ t: Traced) throws -> Traced {
            try t / (t.square().sum([1, 2], keepAxes: true).sqrt() + 1e-30)
        }
        for _ in 0..<16 {
            m = try unit(m)
            m = try m.matmul(m)
        }
        let chance = try Tensor(
            random: .normal, shape: [1, min(channels, count), 1], key: RandomKey(seed: 0))
        let first = try unit(unit(m).matmul(recording.give(chance)))
        let projection: Traced
        if byChannel {
            projection = try x.matmul(first)
        } else {
            let length = try x.matmul(first, transposeA: true).square().sum([1, 2], keepAxes: true).sqrt()
            projection = try first * length
        }
        let along = try (projection * x.mean([2], keepAxes: true)).sum([1, 2], keepAxes: true)
        let signed = try (along < 0).select(-projection, projection)
        return try signed.reshaped(Array(a.shape.dropLast())).relu()
    }
}
