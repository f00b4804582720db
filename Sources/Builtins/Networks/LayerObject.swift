import Language
import Network
import Support
import Tensor

/// A layer as vz sees it, before or inside a network.
public final class LayerObject: VZObject {
    public let layer: Layer
    /// Its place in a network, once it is taken from one: `net.conv1d_3`.
    public let handle: LayerHandle?
    /// The call that made it.
    var call: String?

    public init(_ layer: Layer) {
        self.layer = layer
        handle = nil
    }

    public init(_ handle: LayerHandle) {
        layer = handle.layer
        self.handle = handle
    }

    public var typeName: String { "layer" }
    public var memberNames: [String] {
        ["name", "kind", "trainable", "parameters"] + (handle == nil ? [] : ["shape", "network"])
            + layer.parameters.map(\.name)
    }

    public func memberDoc(_ name: String) -> String? {
        switch name {
        case "name": "what the network calls it"
        case "kind": "what kind of layer it is"
        case "trainable": "false keeps its weights as they are while training"
        case "parameters": "number of its weights"
        case "shape": "shape of its result for one sample; the last axis holds filters, units or classes"
        case "network": "the network it belongs to"
        default: "its weights, a tensor"
        }
    }

    public func member(_ name: String) throws -> Value? {
        switch name {
        case "name": return Value(handle?.name ?? layer.givenName ?? layer.kind.kind)
        case "kind": return Value(layer.kind.kind)
        case "trainable": return Value(layer.isTrainable)
        case "parameters": return Value(layer.parameters.filter { !$0.isState }.reduce(0) { $0 + $1.count })
        case "shape": return handle.map { Value($0.outputShape.map(Double.init)) }
        case "network": return handle.map { Value(NetworkObject($0.network)) }
        default:
            return layer.parameters.first { $0.name == name }.map { Value(TensorObject($0.variable.value)) }
        }
    }

    public func setMember(_ name: String, to value: Value) throws -> Bool {
        if name == "trainable", let flag = value.asBool {
            layer.isTrainable = flag
            call = nil
            return true
        }
        guard let parameter = layer.parameters.first(where: { $0.name == name }) else { return false }
        guard let tensor = (value.asObject as? TensorObject) else {
            throw Failure(.type, "\(name) is a tensor and cannot take \(value.typePhrase)")
        }
        try parameter.variable.assign(try tensor.concrete().converted(to: .float32))
        return true
    }

    /// `conv1d(4, 3)(x)` in the functional form; a layer of a network is called to be shared.
    public var callable: Builtin? { FunctionalForm.call(layer, handle?.name ?? layer.kind.kind) }

    public func isEqual(_ other: any VZObject) -> Bool { (other as? LayerObject)?.layer === layer }

    /// Of a layer without weights yet: with them it is another one than the call makes.
    public var recipe: String? { handle == nil && layer.parameters.isEmpty ? call : nil }

    public var summary: String {
        let options = layer.kind.options.members ?? []
        let text = options.filter { !$0.value.isNull }.map { "\($0.key) = \($0.value)" }.joined(
            separator: ", ")
        let shape = handle.map { " → \(Shape.describe($0.outputShape))" } ?? ""
        return "\(handle?.name ?? layer.kind.kind)(\(text))\(shape)"
    }
}
