import Support
import Tensor

extension Network {
    /// Give a layer's parameters new first values, as if the network had just been made; moving moments
    /// become those of no data. Returns false where the layer has none.
    @discardableResult
    public func redraw(_ layer: LayerHandle, key: RandomKey) throws -> Bool {
        guard layer.network === self else {
            throw Failure(.name, "\(layer.name) is a layer of \(layer.network.name), not of \(name)")
        }
        let input = try builtInputShape()
        let shapes = layer.node.inputs.map { $0 < 0 ? input : nodes[$0].outputShape }
        let specs = try layer.layer.kind.parameters(for: shapes)
        for (i, (spec, parameter)) in zip(specs, layer.layer.parameters).enumerated() {
            let stream = Stream.weights &+ UInt32(truncatingIfNeeded: layer.position &* 16 &+ i)
            try parameter.variable.assign(
                spec.initializer.value(shape: spec.shape, fans: spec.fans, key: key, stream: stream))
        }
        return !specs.isEmpty
    }
}
