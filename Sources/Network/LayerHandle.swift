import Support
import Tensor

/// A layer as part of a network: what `net.conv1d_3` is.
public struct LayerHandle {
    public let network: Network
    /// Position in `network.nodes`.
    public let position: Int

    public var node: Network.Node { network.nodes[position] }
    public var layer: Layer { node.layer }
    public var name: String { node.name }
    public var kind: String { layer.kind.kind }
    /// Shape of one sample's result; the last axis holds filters, units or classes.
    public var outputShape: [Int] { node.outputShape }
    /// True for the layer whose result is the network's.
    public var isOutput: Bool { position == network.output }

    /// The position of a class given by name. Throws where the network has no such class.
    public func classIndex(_ name: String) throws -> Int {
        guard !network.classes.isEmpty else {
            throw Failure(
                .name, "\(network.name) has no names for its classes", hint: "give the class by its index")
        }
        guard let index = network.classes.firstIndex(of: name) else {
            throw Failure(
                .name, "\(network.name) has no class '\(name)'",
                hint: Spelling.nearest(name, among: network.classes).map { "did you mean '\($0)'?" }
                    ?? "its classes are \(network.classes.prefix(24).joined(separator: ", "))")
        }
        return index
    }
}

extension Network {
    /// The layer of that name. Throws a name failure with the nearest one.
    public func layer(_ name: String) throws -> LayerHandle {
        if let position = nodes.firstIndex(where: { $0.name == name }) {
            return LayerHandle(network: self, position: position)
        }
        let names = nodes.map(\.name)
        // relu where there are several: relu_1; conv1d_9 where there are six.
        let hint: String
        let kind = name.split(separator: "_").dropLast().joined(separator: "_")
        let alike = nodes.filter { $0.layer.kind.kind == kind }.map(\.name)
        if let first = alike.first, let last = alike.last, Int(name.dropFirst(kind.count + 1)) != nil {
            hint = first == last ? "it has one of that kind: \(first)" : "it has \(first) to \(last)"
        } else if names.contains(name + "_1") {
            let last = nodes.filter { $0.name.hasPrefix(name + "_") && $0.layer.kind.kind == name }.count
            hint = "there are several: \(name)_1 to \(name)_\(max(last, 2))"
        } else if let near = Spelling.nearest(name, among: names) {
            hint = "did you mean '\(near)'?"
        } else {
            hint = "its layers are \(names.prefix(24).joined(separator: ", "))\(names.count > 24 ? " …" : "")"
        }
        throw Failure(.name, "\(self.name) has no layer '\(name)'", hint: hint)
    }

    /// The layer at a position from 0; negative ones count from the end.
    public func layer(at index: Int) throws -> LayerHandle {
        let position = index < 0 ? index &+ nodes.count : index
        guard nodes.indices.contains(position) else {
            throw Failure(.index, "\(name) has \(nodes.count) layers, there is no layer \(index)")
        }
        return LayerHandle(network: self, position: position)
    }

    public var layerNames: [String] { nodes.map(\.name) }
    public var allLayers: [LayerHandle] { nodes.indices.map { LayerHandle(network: self, position: $0) } }
    public var outputLayer: LayerHandle { LayerHandle(network: self, position: output) }

    /// The same network, sharing every weight, with the softmax at its end replaced by its input:
    /// the score of a class goes on climbing where its probability stands still.
    public func linear() throws -> Network {
        let last = nodes[output]
        guard let plain = last.layer.kind.withoutSoftmax() else {
            throw Failure(
                .value,
                "linear: the last layer of \(name), \(last.name), is no softmax but \(last.layer.kind.kind)",
                hint: "its scores are linear already, or another layer follows its softmax")
        }
        return replacing(output, with: Layer(plain, name: last.layer.givenName, sharing: last.layer))
    }
}
