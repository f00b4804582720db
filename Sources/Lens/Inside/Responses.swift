import Graph
import Network
import Support
import Tensor

/// What every layer of a network makes of one input.
public struct Responses {
    public let network: Network
    public let input: Tensor
    /// In order; values without the batch axis.
    public let layers: [(layer: LayerHandle, value: Tensor)]

    /// - layers: nil takes all, each once.
    public init(
        of network: Network, to input: Tensor, layers: [LayerHandle]? = nil, cancel: CancelFlag = .shared
    ) throws {
        let shape = try network.builtInputShape()
        guard input.shape == shape else {
            throw Failure(
                .shape, "activations: the input has shape \(Shape.describe(input.shape))",
                hint: "\(network.name) takes \(Shape.describe(shape))")
        }
        let wanted = layers ?? network.allLayers
        let recording = Recording()
        let x = try recording.give(input.converted(to: .float32).reshaped([1] + shape))
        let results = try recording.run(network.trace(x, layers: wanted), cancel: cancel)
        self.network = network
        self.input = input
        self.layers = try zip(wanted, results).map { ($0, try $1.reshaped($0.outputShape)) }
    }
}
