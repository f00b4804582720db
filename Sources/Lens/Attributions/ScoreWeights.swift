import Engine
import Graph
import Network
import Support
import Tensor

/// Score-CAM (Wang et al. 2020): a channel weighs as much as the class' score is high when the input is
/// seen only where the channel is active. No gradient is needed.
struct ScoreWeights {
    private let plan: Plan
    private let batch: Int
    private let mapShape: [Int]

    /// - mapShape: of one channel's map, without channels.
    init(_ network: Network, mapShape: [Int], batch: Int) throws {
        (self.batch, self.mapShape) = (batch, mapShape)
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
        plan = try Plan(inputs: [x, maps], outputs: [scores])
    }

    /// The scores of the input seen through each channel: [channels, classes]. maps: [channels,
    /// spatial…, 1].
    func run(_ x: Tensor, maps: Tensor, cancel: CancelFlag, step: (Int) -> Void) throws -> Tensor {
        let channels = maps.shape[0]
        var rows: [Float] = []
        var classes = 0
        for start in stride(from: 0, to: channels, by: batch) {
            // The last piece ends with the last channel; what it repeats is left out.
            let first = max(min(start, channels - batch), 0)
            let part = try maps[[.slice(start: first, end: first + batch, step: 1)]]
            let scores = try plan.run([x, part], cancel: cancel)[0]
            classes = scores.shape[1]
            rows += try scores.array(of: Float.self).dropFirst((start - first) * classes)
            step(min(batch, channels - start))
        }
        return try Tensor(rows, shape: [channels, classes])
    }
}
