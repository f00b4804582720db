import Graph
import Support
import Tensor

/// A network: layers joined into a directed graph without cycles, one input, one output.
///
/// It computes nothing itself: `trace` records its computation in a graph, and plans run it.
public final class Network {
    /// One use of a layer.
    public struct Node {
        public let layer: Layer
        /// "conv1d_3"; layers of a sub-network are called "encoder.conv1d_3".
        public let name: String
        /// Positions of the nodes it takes; -1 is the network's input.
        public let inputs: [Int]
        /// Shapes of one sample; empty lists until the network is built.
        public internal(set) var outputShape: [Int] = []
        /// Multiplications followed by an addition, for one sample.
        public internal(set) var multiplyAdds = 0
    }

    public let name: String
    public private(set) var nodes: [Node]
    /// Which node's value is the result.
    public let output: Int
    /// Shape of one sample; nil until the network is built.
    public private(set) var inputShape: [Int]?
    /// Names of the classes, in order of the output's last axis; empty where there are none.
    public var classes: [String] = []
    /// What is done to raw samples before they reach the input.
    public var preprocessing = Preprocessing()
    /// Anything else worth keeping with the weights: accuracy, training data, licence.
    public var notes: JSON = [:]
    /// From which the first weights are drawn.
    public let key: RandomKey
    /// Plans of `predict`, kept while the network lives.
    lazy var predictionPlans = PredictionPlans(self)

    init(name: String, nodes: [Node], output: Int, key: RandomKey) {
        self.name = name
        self.nodes = nodes
        self.output = output
        self.key = key
    }

    /// The same structure and metadata over other nodes, sharing the layers that stay.
    func replacing(_ position: Int, with layer: Layer) -> Network {
        var copy = nodes
        var node = Node(layer: layer, name: copy[position].name, inputs: copy[position].inputs)
        node.outputShape = copy[position].outputShape
        node.multiplyAdds = copy[position].multiplyAdds
        copy[position] = node
        return with(copy)
    }

    /// The same network with weights of its own, equal at first. Functions of the user's are shared.
    public func copy() -> Network {
        var layers: [ObjectIdentifier: Layer] = [:]
        let copies = nodes.map { node in
            let id = ObjectIdentifier(node.layer)
            let layer = layers[id] ?? Layer(copying: node.layer)
            layers[id] = layer
            var copy = Node(layer: layer, name: node.name, inputs: node.inputs)
            copy.outputShape = node.outputShape
            copy.multiplyAdds = node.multiplyAdds
            return copy
        }
        return with(copies)
    }

    private func with(_ nodes: [Node]) -> Network {
        let network = Network(name: name, nodes: nodes, output: output, key: key)
        network.inputShape = inputShape
        network.classes = classes
        network.preprocessing = preprocessing
        network.notes = notes
        return network
    }

    public var isBuilt: Bool { inputShape != nil }

    /// Shape of one result. Throws where the network was not built.
    public func outputShape() throws -> [Int] {
        _ = try builtInputShape()
        return nodes[output].outputShape
    }

    /// The input's shape, or a failure that says how to give one.
    public func builtInputShape() throws -> [Int] {
        guard let inputShape else {
            throw Failure(
                .value, "\(name) does not know the shape of its input yet",
                hint: "give it: sequential(…, input = [length, channels]), or train it with fit")
        }
        return inputShape
    }

    // MARK: - Building

    /// Work out all shapes for samples of `inputShape`, and make the weights that are missing.
    /// `weights(full name)` may give them ("conv1d_1.kernel"); otherwise they are drawn.
    /// A network that is built already only checks that the shape is its own.
    public func build(inputShape: [Int], weights: ((String) throws -> Tensor?)? = nil) throws {
        if let own = self.inputShape {
            guard own == inputShape else {
                throw Failure(
                    .shape,
                    "\(name) takes samples of shape \(Shape.describe(own)), not \(Shape.describe(inputShape))"
                )
            }
            return
        }
        guard !inputShape.isEmpty, inputShape.allSatisfy({ $0 > 0 }) else {
            throw Failure(.shape, "\(name): an input of shape \(Shape.describe(inputShape)) holds nothing")
        }
        _ = try Shape.count(inputShape)
        var shapes: [[Int]] = []
        // Streams from here on belong to first weights; see `Stream`.
        var stream = Stream.weights
        for (i, node) in nodes.enumerated() {
            let inputs = node.inputs.map { $0 < 0 ? inputShape : shapes[$0] }
            do {
                try node.layer.build(for: inputs, name: node.name) { spec, fullName in
                    defer { stream += 1 }
                    if let given = try weights?(fullName) ?? spec.value { return given }
                    return try spec.initializer.value(
                        shape: spec.shape, fans: spec.fans, key: key, stream: stream)
                }
                let result = try Self.measure(node, inputs: inputs)
                nodes[i].outputShape = result.shape
                nodes[i].multiplyAdds = result.multiplyAdds
                shapes.append(result.shape)
            } catch let failure as Failure {
                throw failure.named(node.name, in: name)
            }
        }
        self.inputShape = inputShape
    }

    /// What a layer makes of one sample: traced on a scratch graph, nothing is computed.
    private static func measure(_ node: Node, inputs: [[Int]]) throws -> (shape: [Int], multiplyAdds: Int) {
        let graph = Graph()
        let samples = inputs.map { graph.input(ValueType([1] + $0)) }
        let y = try node.trace(samples, TraceContext(), stream: 0)
        guard y.rank >= 1, y.shape[0] == 1 else {
            throw Failure(
                .shape, "the result has shape \(Shape.describe(y.shape)): its first axis must stay the batch")
        }
        return (Array(y.shape.dropFirst()), graph.multiplyAdds)
    }

    // MARK: - Tracing

    /// Record the whole network on `x` [batch] + inputShape; the result is [batch] + outputShape.
    public func trace(_ x: Traced, context: TraceContext = TraceContext()) throws -> Traced {
        try values(of: [output], given: [-1: x], context: context)[0]
    }

    /// A layer's result, without recording what comes after it.
    public func trace(
        _ x: Traced, upTo layer: LayerHandle, context: TraceContext = TraceContext()
    ) throws -> Traced {
        try values(of: [position(of: layer)], given: [-1: x], context: context)[0]
    }

    /// Several layers' results for one input, from one recording.
    public func trace(
        _ x: Traced, layers: [LayerHandle], context: TraceContext = TraceContext()
    ) throws -> [Traced] {
        try values(of: layers.map(position), given: [-1: x], context: context)
    }

    /// The network's result where some layers' values are given by their positions (-1: the input): only
    /// what comes after them is recorded. Throws where they do not determine the result.
    public func trace(given known: [Int: Traced], context: TraceContext = TraceContext()) throws -> Traced {
        try values(of: [output], given: known, context: context)[0]
    }

    /// The positions (-1: the input) of the values that determine the result together with that of
    /// `layer`: what comes after it takes them, and they do not depend on it.
    public func positions(beside layer: LayerHandle) throws -> [Int] {
        let own = try position(of: layer)
        var follows = [Bool](repeating: false, count: nodes.count)
        follows[own] = true
        for (i, node) in nodes.enumerated() where node.inputs.contains(where: { $0 >= 0 && follows[$0] }) {
            follows[i] = true
        }
        guard follows[output] else {
            throw Failure(.value, "the result of \(name) does not depend on \(layer.name)")
        }
        var beside: Set<Int> = []
        for i in needed(for: [output], given: [own]) where follows[i] {
            for input in nodes[i].inputs where input < 0 || !follows[input] { beside.insert(input) }
        }
        return beside.sorted()
    }

    /// The positions that must be traced for `targets` where those of `known` are given, in order.
    private func needed(for targets: [Int], given known: Set<Int>) -> [Int] {
        var isNeeded = [Bool](repeating: false, count: nodes.count)
        for target in targets { isNeeded[target] = true }
        for i in nodes.indices.reversed() where isNeeded[i] {
            if known.contains(i) {
                isNeeded[i] = false
                continue
            }
            for input in nodes[i].inputs where input >= 0 { isNeeded[input] = true }
        }
        return nodes.indices.filter { isNeeded[$0] }
    }

    private func position(of layer: LayerHandle) throws -> Int {
        if layer.network === self { return layer.position }
        // The same layer seen through a network that shares it, such as linear(net).
        guard nodes.indices.contains(layer.position), nodes[layer.position].layer === layer.layer else {
            throw Failure(.name, "\(layer.name) is a layer of \(layer.network.name), not of \(name)")
        }
        return layer.position
    }

    func values(of targets: [Int], given known: [Int: Traced], context: TraceContext) throws -> [Traced] {
        for (position, value) in known {
            let shape = position < 0 ? try builtInputShape() : nodes[position].outputShape
            guard value.rank == shape.count + 1, Array(value.shape.dropFirst()) == shape else {
                throw Failure(
                    .shape,
                    "\(name): \(position < 0 ? "the input" : nodes[position].name) has shape \(Shape.describe(value.shape)), expected [batch, \(shape.map(String.init).joined(separator: ", "))]",
                    hint: value.shape == shape
                        ? "add the batch axis: reshape to \(Shape.describe([1] + shape))" : nil)
            }
        }
        var results = known
        for i in needed(for: targets, given: Set(known.keys)) {
            let node = nodes[i]
            let inputs = try node.inputs.map { input in
                guard let value = results[input] else {
                    throw Failure(.value, "\(name): \(node.name) takes a value that was not given")
                }
                return value
            }
            do {
                results[i] = try node.trace(inputs, context, stream: UInt32(truncatingIfNeeded: i + 1))
            } catch let failure as Failure {
                throw failure.named(node.name, in: name)
            }
        }
        return targets.compactMap { results[$0] }
    }

    // MARK: - Parameters

    /// All layers, each once, in order.
    public var layers: [Layer] {
        var seen: Set<ObjectIdentifier> = []
        return nodes.map(\.layer).filter { seen.insert(ObjectIdentifier($0)).inserted }
    }

    /// All parameters, each once, in order.
    public var parameters: [Parameter] { layers.flatMap(\.parameters) }

    /// All parameters with the names that files use: "conv1d_1.kernel".
    public var namedParameters: [(name: String, parameter: Parameter)] {
        var seen: Set<ObjectIdentifier> = []
        return nodes.filter { seen.insert(ObjectIdentifier($0.layer)).inserted }.flatMap { node in
            node.layer.parameters.map { ("\(node.name).\($0.name)", $0) }
        }
    }

    /// The parameters that training changes: weights of layers that are not frozen.
    public var trainableParameters: [Parameter] {
        layers.filter(\.isTrainable).flatMap(\.parameters).filter { !$0.isState }
    }

    /// Put weights back: `value(name)` gives each parameter's, nil keeps what it has. All are fetched
    /// and checked before the first one changes. Returns the names that got none.
    @discardableResult
    public func setWeights(_ value: (String) throws -> Tensor?) throws -> [String] {
        _ = try builtInputShape()
        var missing: [String] = []
        var found: [(Variable, Tensor)] = []
        for (name, parameter) in namedParameters {
            guard let tensor = try value(name) else {
                missing.append(name)
                continue
            }
            guard tensor.shape == parameter.variable.type.shape else {
                throw Failure(
                    .shape,
                    "\(self.name).\(name) has shape \(Shape.describe(parameter.variable.type.shape)), the given one \(Shape.describe(tensor.shape))"
                )
            }
            found.append((parameter.variable, try tensor.converted(to: parameter.variable.type.type)))
        }
        for (variable, tensor) in found { try variable.assign(tensor) }
        return missing
    }

    /// Freeze or thaw every layer.
    public func setTrainable(_ isTrainable: Bool) {
        for layer in layers { layer.isTrainable = isTrainable }
    }
}

extension Network.Node {
    /// Record this node's layer; regularizers leave their penalties in the context.
    func trace(_ inputs: [Traced], _ whole: TraceContext, stream: UInt32) throws -> Traced {
        guard let graph = inputs.first?.graph else { throw Failure(.argument, "\(name) has no input") }
        var values: [String: Traced] = [:]
        for parameter in layer.parameters {
            let value =
                whole.substitutes[ObjectIdentifier(parameter.variable)] ?? graph.read(parameter.variable)
            values[parameter.name] = value
            if whole.isTraining, layer.isTrainable, let penalty = try parameter.regularizer?.penalty(value),
                !whole.penalties.contains(where: { $0.id == penalty.id })
            {
                whole.penalties.append(penalty)
            }
        }
        return try layer.kind.trace(
            inputs, LayerContext(values: values, layer: layer, whole: whole, stream: stream, name: name))
    }
}

/// Which random stream belongs to what; Philox keeps them apart. Layers use 1 and up.
enum Stream {
    static let weights: UInt32 = 0x40000
    static let shuffle: UInt32 = 0x80000
    /// Data sets number their streams themselves, so augmentation has a seed of its own.
    static let augmentation: UInt64 = 0xA5A5_5A5A_C3C3_3C3C
}

extension Failure {
    /// Says in which layer it happened, unless the message does already.
    func named(_ layer: String, in network: String) -> Failure {
        var named = self
        if !message.hasPrefix(layer) { named.message = "\(layer) (in \(network)): \(message)" }
        return named
    }
}

extension Graph {
    /// Multiplications followed by an addition in all convolutions and matrix products recorded.
    public var multiplyAdds: Int {
        nodes.reduce(0) { sum, node in
            let inputs = node.inputs.map { nodes[$0].type }
            switch node.operation {
            case is Convolution:
                return sum &+ node.type.count &* (inputs[1].count / max(inputs[1].shape.last ?? 1, 1))
            case is ConvolutionInputGradient:
                return sum &+ inputs[0].count &* (inputs[1].count / max(inputs[1].shape.last ?? 1, 1))
            case let product as MatMul:
                return sum &+ node.type.count &* product.dimensions(inputs[0].shape, inputs[1].shape).k
            default: return sum
            }
        }
    }
}
