import Engine
import Graph
import Network
import Support
import Tensor

/// The classes' scores where something is done to an input for one channel of a layer after another, a
/// batch of them at a time: what methods that need no gradient weigh channels by.
struct ChannelScores {
    private let plan: Plan
    private let batch: Int

    /// Score-CAM (Wang et al. 2020): the input is seen only where the channel is active. A run takes the
    /// input [1] + input shape and, for each channel, its map [spatial…, 1] of `mapShape`.
    static func seenThrough(_ network: Network, mapShape: [Int], batch: Int) throws -> ChannelScores {
        let shape = try network.builtInputShape()
        let graph = Graph()
        let x = graph.input(ValueType([1] + shape))
        let maps = graph.input(ValueType([batch] + mapShape + [1]))
        let wide = try maps.resized(Array(shape.dropLast()))
        let axes = Array(1..<wide.rank)
        let low = try wide.min(axes, keepAxes: true)
        let high = try wide.max(axes, keepAxes: true)
        let mask = try (wide - low) / (high - low + 1e-8)
        let scores = try ClassScores(of: network.trace(x * mask)).scores
        return ChannelScores(
            plan: try Plan(inputs: [x, maps], outputs: [scores]), batch: batch)
    }

    /// Ablation-CAM (Desai and Ramaswamy 2020): the layer's map without the channel. A run takes the map
    /// and the values at the positions `beside` it, [1] + shape each, which are computed once, and the
    /// number of each channel, of shape [1, …]; one that the layer does not have leaves the map whole.
    static func ablated(
        _ network: Network, _ layer: LayerHandle, beside: [Int], batch: Int
    ) throws -> ChannelScores {
        let shape = layer.outputShape
        let channels = shape.last ?? 1
        let ones = shape.map { _ in 1 }
        let graph = Graph()
        let map = graph.input(ValueType([1] + shape))
        let others = try beside.map { position in
            let own = try position < 0 ? network.builtInputShape() : network.nodes[position].outputShape
            return graph.input(ValueType([1] + own))
        }
        let numbers = graph.input(ValueType([batch] + ones))
        let channel = try graph.iota(channels).reshaped(ones + [channels])
        let ablated = try channel.binary(.notEqual, numbers).select(map, 0)
        var given = [layer.position: ablated]
        for (position, value) in zip(beside, others) {
            given[position] = try value.broadcasted(to: [batch] + value.shape.dropFirst())
        }
        let scores = try ClassScores(of: network.trace(given: given)).scores
        return ChannelScores(
            plan: try Plan(inputs: [map] + others + [numbers], outputs: [scores]), batch: batch)
    }

    /// The scores with each of `each` [n, …] in turn: [n, classes]. `fixed`: what all have in common.
    func run(_ fixed: [Tensor], each: Tensor, cancel: CancelFlag, step: (Int) -> Void) throws -> Tensor {
        let count = each.shape[0]
        var rows: [Float] = []
        var classes = 0
        for start in stride(from: 0, to: count, by: batch) {
            // The last piece ends with the last row; what it repeats is left out.
            let first = max(min(start, count - batch), 0)
            let part = try each[[.slice(start: first, end: first + batch, step: 1)]]
            let scores = try plan.run(fixed + [part], cancel: cancel)[0]
            classes = scores.shape[1]
            rows += try scores.array(of: Float.self).dropFirst((start - first) * classes)
            step(min(batch, count - start))
        }
        return try Tensor(rows, shape: [count, classes])
    }
}
