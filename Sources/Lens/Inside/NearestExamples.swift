import Engine
import Graph
import Network
import Support
import Tensor

/// The real examples that one filter of a layer answers to most, and where in them.
public struct NearestExamples {
    public struct Match: Sendable {
        /// Place of the example in its set.
        public let index: Int
        /// The filter's greatest activation in it.
        public let activation: Double
        /// The place of the layer's map where that is; empty for layers without a map.
        public let place: [Int]
        /// What that place sees of the input: for each spatial axis first place and the one after the last.
        public let seen: [Range<Int>]
    }
    public let layer: LayerHandle
    public let filter: Int
    /// Strongest first.
    public let matches: [Match]
    /// How many examples were looked at.
    public let count: Int

    /// - count: how many to keep.
    /// Throws where layer, filter and data do not fit, and `Failure.interrupted` once `cancel` is set.
    public init(
        _ layer: LayerHandle, filter: Int, in data: any ExampleSet, count: Int = 9, batch: Int = 16,
        cancel: CancelFlag = .shared, progress: ProgressHook? = nil
    ) throws {
        let network = layer.network
        let shape = try network.builtInputShape()
        guard data.exampleShape == shape else {
            throw Failure(
                .shape, "nearest: the data has examples of shape \(Shape.describe(data.exampleShape))",
                hint: "\(network.name) takes \(Shape.describe(shape))")
        }
        let filters = layer.outputShape.last ?? 0
        guard filter >= 0, filter < filters else {
            throw Failure(
                .index, "nearest: \(layer.name) has no filter \(filter)",
                hint: "it has \(filters), from 0 to \(filters - 1)")
        }
        guard 1...1024 ~= count, 1...1024 ~= batch, data.count > 0 else {
            throw Failure(
                .argument,
                data.count > 0
                    ? "nearest: count and batch must be from 1 to 1024" : "nearest: the data is empty")
        }
        let size = min(batch, data.count)
        let (plan, map) = try Self.plan(layer, filter, size)
        var best: [(index: Int, value: Double, at: Int)] = []
        for start in stride(from: 0, to: data.count, by: size) {
            // The last batch ends with the data; what it repeats is left out.
            let first = max(min(start, data.count - size), 0)
            let inputs = try data.batch(Array(first..<first + size)).inputs
            let values = try plan.run([inputs], cancel: cancel)
            let top = try values[0].array(of: Double.self)
            let at = try values[1].array(of: Int32.self)
            for i in (start - first)..<size where top[i].isFinite {
                best.append((first + i, top[i], Int(at[i])))
            }
            best.sort { ($1.value, $0.index) < ($0.value, $1.index) }
            best = Array(best.prefix(count))
            progress?(
                Progress(
                    label: "nearest \(layer.name)[\(filter)]", done: min(start + size, data.count),
                    total: data.count,
                    isFinal: start + size >= data.count))
        }
        let field = try ReceptiveField(of: layer)
        self.layer = layer
        self.filter = filter
        self.count = data.count
        matches = best.map { index, value, at in
            var place = map
            var rest = at
            for axis in map.indices.reversed() {
                place[axis] = rest % map[axis]
                rest /= map[axis]
            }
            return Match(index: index, activation: value, place: place, seen: field.range(of: place))
        }
    }

    /// inputs [batch] + input shape → greatest activation [batch] and its place in the map, flat.
    private static func plan(_ layer: LayerHandle, _ filter: Int, _ batch: Int) throws -> (Plan, map: [Int]) {
        let graph = Graph()
        let x = graph.input(ValueType([batch] + (try layer.network.builtInputShape())))
        let a = try layer.network.trace(x, upTo: layer)
        let map = Array(layer.outputShape.dropLast())
        let own = try a.sliced(axis: a.rank - 1, from: filter, to: filter + 1)
            .reshaped([batch, map.reduce(1, *)])
        return (try Plan(inputs: [x], outputs: [own.max([1]), own.argmax(axis: 1)]), map)
    }
}
