import Graph
import Network
import Support
import Tensor

/// What is to be made strong in a layer: one aim for each input of the batch.
public struct Target {
    public enum Aim: Hashable, Sendable {
        /// The mean of one filter's activation map (of one unit, one class, where the layer has no map).
        case filter(Int)
        /// One filter at one place of its map.
        case unit(filter: Int, place: [Int])
    }

    public let layer: LayerHandle
    public let aims: [Aim]
    /// What each aim is called: "conv1d_3[5]", "dog".
    public let labels: [String]

    /// Classes of a network's last layer; those without names are called by their numbers.
    static func classes(_ layer: LayerHandle, _ classes: [Int]) throws -> Target {
        try Target(layer, classes.map { .filter($0) }, unnamed: { "class \($0)" })
    }

    /// Throws where the layer has no such filter or place. `unnamed` says what a filter without a name
    /// is called; nil for "conv1d_3[5]".
    public init(_ layer: LayerHandle, _ aims: [Aim], unnamed: ((Int) -> String)? = nil) throws {
        guard !aims.isEmpty else { throw Failure(.argument, "maximize: no filter was given") }
        let shape = layer.outputShape
        let filters = shape.last ?? 0
        for aim in aims {
            let filter: Int
            switch aim {
            case .filter(let f): filter = f
            case .unit(let f, let place):
                filter = f
                let map = Array(shape.dropLast())
                guard place.count == map.count, zip(place, map).allSatisfy({ $0 >= 0 && $0 < $1 }) else {
                    throw Failure(
                        .index, "maximize: \(layer.name) has no place \(Shape.describe(place))",
                        hint: "its map has shape \(Shape.describe(map))")
                }
            }
            guard filter >= 0, filter < filters else {
                throw Failure(
                    .index, "maximize: \(layer.name) has no filter \(filter)",
                    hint: "it has \(filters), from 0 to \(filters - 1)")
            }
        }
        self.layer = layer
        self.aims = aims
        labels = aims.map { aim in
            switch aim {
            case .filter(let f):
                layer.isOutput && layer.network.classes.indices.contains(f)
                    ? layer.network.classes[f] : unnamed?(f) ?? "\(layer.name)[\(f)]"
            case .unit(let f, let place): "\(layer.name)[\(f)] at \(Shape.describe(place))"
            }
        }
    }

    /// The score of each input: [batch] from the layer's activation [batch, …, filters].
    func score(_ activation: Traced) throws -> Traced {
        let all = Subscript.slice(start: nil, end: nil, step: 1)
        let map = activation.rank - 2
        if let aim = aims.first, aims.count == 1 {
            switch aim {
            case .filter(let f):
                let one = try activation.indexed([Subscript](repeating: all, count: map + 1) + [.position(f)])
                return map == 0 ? one : try one.mean(Array(1...map))
            case .unit(let f, let place):
                return try activation.indexed([all] + place.map { .position($0) } + [.position(f)])
            }
        }
        guard activation.shape[0] % aims.count == 0 else {
            throw Failure(.shape, "\(aims.count) aims do not divide \(activation.shape[0]) inputs")
        }
        return try (activation * activation.graph.constant(weights(activation.shape))).sum(
            Array(1..<activation.rank))
    }

    /// How much each element of the activation counts for its input's score; several inputs may have
    /// the same aim, one after another.
    private func weights(_ shape: [Int]) throws -> Tensor {
        let size = shape.dropFirst().reduce(1, *)
        let filters = shape.last ?? 1
        var values = [Float](repeating: 0, count: shape.reduce(1, *))
        let strides = Shape.strides(Array(shape.dropFirst()))
        let copies = shape[0] / aims.count
        for i in 0..<shape[0] {
            switch aims[i / copies] {
            case .filter(let f):
                let share = Float(filters) / Float(size)
                for at in stride(from: i * size + f, to: (i + 1) * size, by: filters) { values[at] = share }
            case .unit(let f, let place):
                values[i * size + zip(place, strides).reduce(0) { $0 + $1.0 * $1.1 } + f] = 1
            }
        }
        return try Tensor(values, shape: shape)
    }
}
