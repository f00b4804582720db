import Network
import Support
import Tensor

/// Whether an attribution depends on what the network has learned (Adebayo et al. 2018): the layers'
/// weights are drawn anew one after another, from the last to the first, and the map is made again.
/// A map that stays the same shows the input, not the network.
public struct WeightSanity: Sendable {
    public struct Stage: Sendable {
        /// The layer whose weights were drawn anew last; all behind it were before.
        public let layer: String
        /// Spearman's rank correlation of the map's sizes with the original one's.
        public let correlation: Double
    }
    public let method: String
    public let label: String
    public let stages: [Stage]
}

extension Attributor {
    /// The sanity check for one class of an input (nil: the likeliest).
    public func weightSanity(
        _ input: Tensor, class chosen: Int? = nil, key: RandomKey = RandomKey(seed: 0),
        cancel: CancelFlag = .shared, progress: ProgressHook? = nil
    ) throws -> WeightSanity {
        let original = try run(input, classes: chosen.map { [$0] }, cancel: cancel)
        let reference = try Self.sizes(original.map)
        let copy = network.copy()
        let again = try onCopy(copy)
        let weighted = copy.nodes.indices.reversed().filter { !copy.nodes[$0].layer.parameters.isEmpty }
        var stages: [WeightSanity.Stage] = []
        for (i, position) in weighted.enumerated() {
            let layer = try copy.layer(at: position)
            try copy.redraw(layer, key: key)
            let map = try again.run(input, classes: original.classes, cancel: cancel).map
            stages.append(
                .init(layer: layer.name, correlation: Self.spearman(reference, try Self.sizes(map))))
            progress?(
                Progress(
                    label: "sanity \(method.rawValue)", done: i + 1, total: weighted.count,
                    isFinal: i + 1 == weighted.count))
        }
        return WeightSanity(method: method.rawValue, label: original.labels[0], stages: stages)
    }

    private static func sizes(_ map: Tensor) throws -> [Float] {
        try map.array(of: Float.self).map { abs($0) }
    }

    /// Pearson's correlation of the ranks; equal values share the mean of theirs. NaN where one is flat.
    static func spearman(_ a: [Float], _ b: [Float]) -> Double {
        let (x, y) = (ranks(a), ranks(b))
        let n = Double(x.count)
        guard n > 1 else { return .nan }
        let mean = (n - 1) / 2
        var (xy, xx, yy) = (0.0, 0.0, 0.0)
        for (p, q) in zip(x, y) {
            xy += (p - mean) * (q - mean)
            xx += (p - mean) * (p - mean)
            yy += (q - mean) * (q - mean)
        }
        return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : .nan
    }

    private static func ranks(_ values: [Float]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start
            while end + 1 < order.count, values[order[end + 1]] == values[order[start]] { end += 1 }
            for i in start...end { ranks[order[i]] = Double(start + end) / 2 }
            start = end + 1
        }
        return ranks
    }
}
