import Graph
import Network
import Support
import Tensor

/// Which part of the input a place of a layer's map can see.
public struct ReceptiveField {
    private let graph: Graph
    private let input: Int
    private let target: Int
    private let inputLengths: [Int]

    /// Of a layer of a built network.
    public init(of layer: LayerHandle) throws {
        let shape = try layer.network.builtInputShape()
        graph = Graph()
        let x = graph.input(ValueType([1] + shape))
        target = try layer.network.trace(x, upTo: layer).id
        input = x.id
        inputLengths = Array(shape.dropLast())
    }

    /// For each spatial axis of the input the first place and the one after the last.
    /// place: one number for each spatial axis of the layer's map.
    public func range(of place: [Int]) -> [Range<Int>] {
        let whole = inputLengths.map { 0..<$0 }
        let map = Self.lengths(graph.nodes[target].type.shape)
        guard map.count == place.count, !place.isEmpty else { return whole }
        var ranges: [Int: [ClosedRange<Int>]] = [
            target: zip(place, map).map { p, n in
                let inside = min(max(p, 0), max(n - 1, 0))
                return inside...inside
            }
        ]
        var id = target
        while id > input {
            defer { id -= 1 }
            guard let own = ranges[id] else { continue }
            let node = graph.nodes[id]
            for used in node.inputs {
                let shape = graph.nodes[used].type.shape
                let below = Self.below(node, used: used, own, shape)
                guard let known = ranges[used], known.count == below.count else {
                    ranges[used] = below
                    continue
                }
                ranges[used] = zip(known, below).map {
                    min($0.lowerBound, $1.lowerBound)...max($0.upperBound, $1.upperBound)
                }
            }
        }
        guard let seen = ranges[input], seen.count == inputLengths.count else { return whole }
        return seen.map { $0.lowerBound..<($0.upperBound + 1) }
    }

    /// Spatial lengths of [batch, spatial…, channels].
    private static func lengths(_ shape: [Int]) -> [Int] {
        shape.count > 2 ? Array(shape[1..<(shape.count - 1)]) : []
    }

    /// The places of an operation's input that the given places of its result look at.
    private static func below(
        _ node: Graph.Node, used: Int, _ own: [ClosedRange<Int>], _ shape: [Int]
    ) -> [ClosedRange<Int>] {
        let lengths = lengths(shape)
        let all = lengths.map { 0...max($0 - 1, 0) }
        func through(_ windows: [Window]) -> [ClosedRange<Int>] {
            guard windows.count == own.count, lengths.count == own.count else { return all }
            return own.indices.map { i in
                let w = windows[i]
                return clamped(
                    own[i].lowerBound * w.stride - w.padBefore,
                    own[i].upperBound * w.stride - w.padBefore + w.span - 1, lengths[i])
            }
        }
        switch node.operation {
        case let convolution as Convolution:
            return used == node.inputs[0] ? through(convolution.geometry.windows) : all
        case let pool as MaxPool: return through(pool.geometry.windows)
        case let pool as AveragePool: return through(pool.geometry.windows)
        case let transposed as ConvolutionInputGradient:
            let windows = transposed.geometry.windows
            guard used == node.inputs[0], windows.count == own.count, lengths.count == own.count else {
                return all
            }
            return own.indices.map { i in
                let w = windows[i]
                let low = (own[i].lowerBound + w.padBefore - w.span + 1)
                return clamped(
                    low <= 0 ? 0 : (low + w.stride - 1) / w.stride,
                    (own[i].upperBound + w.padBefore) / w.stride,
                    lengths[i])
            }
        case let slice as Slice where slice.starts.count == own.count + 2:
            return own.indices.map { i in
                clamped(
                    slice.starts[i + 1] + own[i].lowerBound * slice.steps[i + 1],
                    slice.starts[i + 1] + own[i].upperBound * slice.steps[i + 1], lengths[i])
            }
        case let pad as Scatter where pad.starts.count == own.count + 2:
            return own.indices.map { i in
                let step = max(pad.steps[i + 1], 1)
                return clamped(
                    (own[i].lowerBound - pad.starts[i + 1]) / step,
                    (own[i].upperBound - pad.starts[i + 1]) / step,
                    lengths[i])
            }
        case is Unary, is Binary, is Select, is Normalize, is Concatenate, is Cast, is StopGradient:
            // Element by element: the same place, or the only one.
            let result = Self.lengths(node.type.shape)
            guard lengths.count == own.count else { return all }
            return own.indices.map { lengths[$0] == result[$0] ? own[$0] : 0...max(lengths[$0] - 1, 0) }
        default: return all
        }
    }

    private static func clamped(_ low: Int, _ high: Int, _ length: Int) -> ClosedRange<Int> {
        let most = max(length - 1, 0)
        let first = min(max(min(low, high), 0), most)
        return first...min(max(max(low, high), first), most)
    }
}
