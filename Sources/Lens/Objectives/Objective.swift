import Engine
import Graph
import Network
import Support
import Tensor

/// What a maximization climbs on: one number for each input of a batch, from a network's activations.
///
/// Objectives are values: they add, subtract and scale. Several networks may take part as long as they
/// take inputs of one shape; what their traces share is computed once.
public struct Objective {
    /// The network whose input is climbed: its shape, its preprocessing, its classes.
    public let network: Network
    /// What each aim is called: "conv1d_3[5]", "dog". One input is climbed for each.
    public let labels: [String]
    /// The layer asked about first, for messages.
    public let layer: LayerHandle
    /// The score of each input, [batch], for inputs [batch] + inputShape.
    let body: (Traced) throws -> Traced
    /// The probability of each aim's class, where the aims are classes.
    let probability: ((Traced) throws -> Traced)?
    /// True where each label asks for an input of its own; false where one objective does for any batch.
    let isMany: Bool

    private init(
        _ layer: LayerHandle, labels: [String], isMany: Bool = false,
        probability: ((Traced) throws -> Traced)? = nil, _ body: @escaping (Traced) throws -> Traced
    ) {
        self.layer = layer
        self.network = layer.network
        self.labels = labels
        self.isMany = isMany
        self.probability = probability
        self.body = body
    }

    public var count: Int { labels.count }

    /// The score of each input: [batch].
    public func score(_ x: Traced) throws -> Traced {
        let score = try body(x)
        let batch = x.shape[0]
        guard score.shape == [batch] else {
            throw Failure(
                .shape, "the objective \(labels[0]) gives shape \(Shape.describe(score.shape))",
                hint: "it gives one number for each input of the batch, [\(batch)], or one for all")
        }
        return score
    }

    // MARK: of one layer

    /// The mean of filters' maps, single places of them, or units and classes.
    public init(_ target: Target) {
        let layer = target.layer
        var probability: ((Traced) throws -> Traced)?
        if layer.isOutput && layer.outputShape.count == 1 {
            probability = { x in
                let activation = try layer.network.trace(x, upTo: layer)
                return try target.score(activation.operation is Softmax ? activation : activation.softmax())
            }
        }
        self.init(layer, labels: target.labels, isMany: target.aims.count > 1, probability: probability) {
            try target.score(layer.network.trace($0, upTo: layer))
        }
    }

    /// A class' score before the softmax (logit) of a network that ends in one; else its output.
    public static func logit(_ network: Network, _ classes: [Int]) throws -> Objective {
        let plain = network.outputLayer.layer.kind.withoutSoftmax() == nil ? network : try network.linear()
        return Objective(try Target.classes(plain.outputLayer, classes))
    }

    /// A class' probability.
    public static func probability(_ network: Network, _ classes: [Int]) throws -> Objective {
        let target = try Target.classes(network.outputLayer, classes)
        let plain = Objective(target)
        guard let body = plain.probability else {
            throw Failure(.value, "\(network.name) ends in a map, which has no class probabilities")
        }
        return Objective(
            plain.layer, labels: target.labels, isMany: plain.isMany, probability: body, body)
    }

    /// The mean over all places of the activations' component along `vector` (of unit length):
    /// [channels], or the shape of the layer's whole result.
    public static func direction(_ layer: LayerHandle, _ vector: Tensor) throws -> Objective {
        let direction = try fitted(vector, to: layer, "direction")
        return Objective(layer, labels: ["\(layer.name) along a direction"]) { x in
            let a = try layer.network.trace(x, upTo: layer)
            let v = a.graph.constant(direction)
            let length = try v.square().sum().sqrt() + 1e-12
            let product = try (a * v / length).sum(Array(1..<a.rank))
            let places = direction.rank == 1 ? Double(max(layer.outputShape.dropLast().reduce(1, *), 1)) : 1
            return try product / places
        }
    }

    /// The cosine between the activations and `vector`: at each place and averaged where it has one
    /// number for each channel, of the whole result where it has the result's shape.
    public static func cosine(_ layer: LayerHandle, _ vector: Tensor) throws -> Objective {
        let direction = try fitted(vector, to: layer, "cosine")
        return Objective(layer, labels: ["\(layer.name) towards a vector"]) { x in
            let a = try layer.network.trace(x, upTo: layer)
            let v = a.graph.constant(direction)
            let axes = direction.rank == 1 ? [a.rank - 1] : Array(1..<a.rank)
            let length = try v.square().sum().sqrt()
            let lengths = try (a.square().sum(axes) + 1e-12).sqrt()
            let cosines = try (a * v).sum(axes) / (lengths * length + 1e-12)
            return cosines.rank == 1 ? cosines : try cosines.mean(Array(1..<cosines.rank))
        }
    }

    /// The mean square of a whole layer: whatever is there becomes stronger (Mordvintsev et al. 2015).
    public static func deepDream(_ layer: LayerHandle) -> Objective {
        Objective(layer, labels: ["all of \(layer.name)"]) { x in
            let a = try layer.network.trace(x, upTo: layer)
            return try a.square().mean(Array(1..<a.rank))
        }
    }

    /// Minus the mean square difference from the activations that `example` (inputShape) makes.
    public static func content(_ layer: LayerHandle, _ example: Tensor) throws -> Objective {
        let shape = try layer.network.builtInputShape()
        guard example.shape == shape else {
            throw Failure(
                .shape, "content: the example has shape \(Shape.describe(example.shape))",
                hint: "\(layer.network.name) takes \(Shape.describe(shape))")
        }
        let graph = Graph()
        let one = graph.constant(try example.converted(to: .float32).reshaped([1] + shape))
        let wanted = try layer.network.trace(one, upTo: layer).evaluated()
        return Objective(layer, labels: ["content in \(layer.name)"]) { x in
            let a = try layer.network.trace(x, upTo: layer)
            return try -((a - a.graph.constant(wanted)).square().mean(Array(1..<a.rank)))
        }
    }

    /// How different the inputs of a batch look to the layer: minus the mean cosine between their Gram
    /// matrices (channels by channels, over the map), after Olah et al. 2017. 0 at its highest for maps
    /// that share nothing, -1 for equal ones. Needs more than one input: copies.
    public static func diversity(_ layer: LayerHandle) -> Objective {
        Objective(layer, labels: ["diversity in \(layer.name)"]) { x in
            let a = try layer.network.trace(x, upTo: layer)
            let batch = a.shape[0]
            guard batch > 1 else {
                throw Failure(
                    .argument, "diversity compares the inputs of a batch, and there is one only",
                    hint: "climb several at once: copies = 4")
            }
            let channels = a.shape.last ?? 1
            let map = try a.reshaped([batch, a.type.count / (batch * channels), channels])
            let gram = try map.matmul(map, transposeA: true).reshaped([batch, channels * channels])
            let unit = try gram / ((gram.square().sum([1], keepAxes: true) + 1e-12).sqrt())
            let likeness = try unit.matmul(unit, transposeB: true).sum([1]) - 1
            return try likeness / -Double(batch - 1)
        }
    }

    /// Whatever `function` makes of the layers' activations ([batch, …, channels] each): a number for
    /// each input, [batch], or one for all.
    public static func custom(
        _ layers: [LayerHandle], label: String, _ function: @escaping ([Traced]) throws -> Traced
    ) throws -> Objective {
        guard let first = layers.first else {
            throw Failure(.argument, "an objective needs at least one layer")
        }
        for layer in layers { try checkSame(first.network, layer.network) }
        return Objective(first, labels: [label]) { x in
            let result = try function(layers.map { try $0.network.trace(x, upTo: $0) })
            return result.type.count == 1 ? try result.reshaped([1]).broadcasted(to: [x.shape[0]]) : result
        }
    }

    private static func fitted(_ vector: Tensor, to layer: LayerHandle, _ what: String) throws -> Tensor {
        let shape = layer.outputShape
        let channels = shape.last ?? 0
        guard vector.shape == [channels] || vector.shape == shape else {
            throw Failure(
                .shape, "\(what): the vector has shape \(Shape.describe(vector.shape))",
                hint: "\(layer.name) takes [\(channels)], or \(Shape.describe(shape))")
        }
        return try vector.converted(to: .float32)
    }

    private static func checkSame(_ a: Network, _ b: Network) throws {
        let (own, other) = (try a.builtInputShape(), try b.builtInputShape())
        guard own == other else {
            throw Failure(
                .shape,
                "\(a.name) takes inputs \(Shape.describe(own)), \(b.name) takes \(Shape.describe(other)): one input cannot please both"
            )
        }
    }
}

// MARK: - Arithmetic

extension Objective {
    /// `a` and `b` put together by `join`, label and all; one of them may be for many inputs.
    private static func joined(
        _ a: Objective, _ b: Objective, _ sign: String, _ join: @escaping (Traced, Traced) throws -> Traced
    ) throws -> Objective {
        try checkSame(a.network, b.network)
        guard !a.isMany || !b.isMany || a.count == b.count else {
            throw Failure(
                .shape, "objectives for \(a.count) and \(b.count) inputs do not go together",
                hint: "give both as many filters, or one of them one")
        }
        let many = a.isMany ? a : b
        let labels = many.labels.indices.map { i in
            let left = a.labels[a.isMany ? i : 0]
            let right = b.labels[b.isMany ? i : 0]
            return "\(left) \(sign) \(right)"
        }
        let ((first, second)) = (a.body, b.body)
        return Objective(
            a.layer, labels: labels, isMany: a.isMany || b.isMany, probability: a.probability ?? b.probability
        ) { try join(first($0), second($0)) }
    }

    public static func + (a: Objective, b: Objective) throws -> Objective {
        try joined(a, b, "+") { try $0 + $1 }
    }
    public static func - (a: Objective, b: Objective) throws -> Objective {
        try joined(a, b, "−") { try $0 - $1 }
    }
    public static func * (a: Objective, b: Objective) throws -> Objective {
        try joined(a, b, "·") { try $0 * $1 }
    }

    /// `weight` times the objective; the label keeps the weight unless it is 1 or -1.
    public func scaled(by weight: Double) -> Objective {
        let names =
            weight == 1 ? labels : labels.map { weight == -1 ? "−\($0)" : "\(shortNumber(weight)) \($0)" }
        let own = body
        return Objective(layer, labels: names, isMany: isMany, probability: probability) {
            try own($0) * weight
        }
    }
}

/// Four significant digits.
func shortNumber(_ x: Double) -> String {
    guard x.isFinite, x != 0, abs(x) < 1e6 else { return "\(x)" }
    var scale = 1.0
    while abs(x) * scale < 1000 && scale < 1e9 { scale *= 10 }
    let rounded = (x * scale).rounded() / scale
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
}
