import Network
import Support
import Tensor

/// Weights by layer, as files of other programs hold them: in the order of their layers.
public struct LayerWeights: Sendable {
    public struct Entry: Sendable {
        public var name: String
        /// Names without the layer's own ("kernel", "bias", "moving_mean"), in the file's order.
        public var tensors: [(name: String, tensor: Tensor)]

        public init(name: String, tensors: [(name: String, tensor: Tensor)]) {
            self.name = name
            self.tensors = tensors
        }
    }

    public var layers: [Entry]

    public init(layers: [Entry]) { self.layers = layers }

    /// The value for a parameter of a layer: under its own name or a usual other one, the moving
    /// moments put together from mean and variance. Nil where the layer has none.
    static func value(_ parameter: String, in layer: Entry) throws -> Tensor? {
        func find(_ names: [String]) -> Tensor? {
            for name in names {
                if let found = layer.tensors.first(where: { $0.name == name }) { return found.tensor }
            }
            return nil
        }
        switch parameter {
        case "kernel": return find(["kernel", "W", "weight"])
        case "bias": return find(["bias", "b"])
        case "gamma": return find(["gamma", "weight", "scale"])
        case "beta": return find(["beta", "bias", "B"])
        case "moving_moments":
            if let both = find([parameter]) { return both }
            guard let mean = find(["moving_mean", "running_mean", "mean"]),
                let variance = find(["moving_variance", "running_var", "var"])
            else { return nil }
            let values = try mean.array(of: Float.self) + variance.array(of: Float.self)
            return try Tensor(values, shape: [2, mean.count])
        default: return find([parameter])
        }
    }

    /// Give a network these weights: by the layers' names where any is the same, else in order.
    /// Nothing is changed unless every parameter that finds a value fits it.
    /// - Returns: what did not match, in words; empty where all did.
    /// Throws a shape failure where a tensor does not fit, a file failure where nothing matches.
    public func apply(to network: Network, from path: String) throws -> [String] {
        let targets = network.layers.filter { !$0.parameters.isEmpty }
        let names = Dictionary(
            network.nodes.map { (ObjectIdentifier($0.layer), $0.name) },
            uniquingKeysWith: { first, _ in first })
        func name(_ layer: Layer) -> String { names[ObjectIdentifier(layer)] ?? "layer" }
        let filled = layers.filter { !$0.tensors.isEmpty }
        let byName = Dictionary(filled.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let isByName = targets.contains { byName[name($0)] != nil }
        var plan: [(Parameter, Tensor)] = []
        var notes: [String] = []
        var used: Set<String> = []
        for (i, target) in targets.enumerated() {
            guard let source = isByName ? byName[name(target)] : filled.indices.contains(i) ? filled[i] : nil
            else {
                notes.append("\(name(target)) has no weights in '\(path)' and keeps its own")
                continue
            }
            used.insert(source.name)
            for parameter in target.parameters {
                guard let value = try Self.value(parameter.name, in: source) else {
                    notes.append(
                        "\(name(target)).\(parameter.name) is not in '\(path)' and keeps its own value")
                    continue
                }
                let wanted = parameter.variable.type.shape
                guard value.shape == wanted else {
                    throw Failure(
                        .shape,
                        "'\(path)': \(source.name) has a \(parameter.name) of shape \(Shape.describe(value.shape)), "
                            + "\(name(target)) of \(network.name) needs \(Shape.describe(wanted))")
                }
                plan.append((parameter, try value.converted(to: parameter.variable.type.type).dense()))
            }
        }
        guard !plan.isEmpty else {
            throw Failure(.file, "no weights in '\(path)' belong to a layer of \(network.name)")
        }
        for layer in filled where !used.contains(layer.name) {
            notes.append("'\(path)' has weights for '\(layer.name)', which \(network.name) does not have")
        }
        for (parameter, value) in plan { try parameter.variable.assign(value) }
        return notes
    }
}
