import Graph
import Network
import Support
import Tensor

/// A network's classes as traced values: scores before softmax, and probabilities.
struct ClassScores {
    /// [batch, classes]
    let scores: Traced
    /// [batch, classes]
    let probabilities: Traced

    /// From the network's result. A softmax (or sigmoid) at the end is taken off for the scores; where
    /// there is none, the result is the score and its softmax the probability. A result with a map
    /// counts by its mean over the map.
    init(of result: Traced) throws {
        var last = result
        while last.operation is Reshape { last = last.inputs[0] }
        var scores = result
        var probabilities: Traced?
        if last.operation is Softmax || last.operation is LogSoftmax {
            scores = try last.inputs[0].reshaped(result.shape)
            probabilities = try scores.softmax()
        } else if let unary = last.operation as? Unary, unary.function == .sigmoid {
            scores = try last.inputs[0].reshaped(result.shape)
            probabilities = result
        }
        func flat(_ t: Traced) throws -> Traced {
            t.rank > 2
                ? try t.mean(Array(1..<(t.rank - 1)))
                : try t.reshaped([t.shape[0], t.shape.dropFirst().reduce(1, *)])
        }
        self.scores = try flat(scores)
        self.probabilities = try flat(probabilities ?? self.scores.softmax())
    }

    /// The score of each input's class: [batch]. chosen: one-hot rows [batch or 1, classes].
    func chosen(_ chosen: Traced) throws -> Traced { try (scores * chosen).sum([-1]) }
}

extension Network {
    /// Number of classes: the length of the result's last axis.
    func classCount() throws -> Int { try outputShape().last ?? 1 }

    /// Scores and probabilities of `inputs` [n] + input shape, [n, classes] each.
    func classScores(_ inputs: Tensor, cancel: CancelFlag) throws -> (scores: Tensor, probabilities: Tensor) {
        let recording = Recording()
        let result = try ClassScores(of: trace(recording.give(inputs)))
        let values = try recording.run([result.scores, result.probabilities], cancel: cancel)
        return (values[0], values[1])
    }

    /// What a class is called.
    func className(_ index: Int) -> String { classes.indices.contains(index) ? classes[index] : "\(index)" }

    /// The layer that class activation maps are drawn from unless told otherwise: the last one with a
    /// map before pooling, flattening or the end, a rectified one where the convolution is followed by
    /// its activation.
    public func lastMapLayer() throws -> LayerHandle {
        _ = try builtInputShape()
        var hasConvolution = false
        var last: Int?
        for (i, node) in nodes.enumerated() {
            let kind = node.layer.kind
            if kind is ConvolutionLayer || kind is DepthwiseConvolutionLayer
                || kind is SeparableConvolutionLayer
                || kind is TransposedConvolutionLayer
            {
                hasConvolution = true
            }
            let isMover =
                kind is PoolLayer || kind is GlobalPoolLayer || kind is DropoutLayer || kind is PermuteLayer
                || kind is ReshapeLayer || kind is ZeroPaddingLayer || kind is CroppingLayer
                || kind is UpsampleLayer || kind is FlattenLayer || Self.isSoftmax(kind)
            if hasConvolution, node.outputShape.count >= 2, !isMover { last = i }
        }
        guard let last else {
            throw Failure(
                .value, "\(name) has no convolution whose map could be drawn over its input",
                hint: "name a layer with places: layer = net.conv1d_3, or use saliency, which needs none")
        }
        return try layer(at: last)
    }

    static func isSoftmax(_ kind: any LayerKind) -> Bool {
        guard let activation = (kind as? ActivationLayer)?.activation.function else { return false }
        return activation == .softmax || activation == .logSoftmax
    }

    /// True where the score is a weighted sum of the layer's channels, each averaged over its map:
    /// class activation maps are defined there (Zhou et al. 2016).
    func isAveragedLinearly(after layer: LayerHandle) -> Bool {
        var at = layer.position
        var averaged = false
        while at != output {
            let users = nodes.indices.filter { nodes[$0].inputs.contains(at) }
            guard users.count == 1, nodes[users[0]].inputs.count == 1 else { return false }
            at = users[0]
            switch nodes[at].layer.kind {
            case let pool as GlobalPoolLayer:
                guard !pool.isMaximum else { return false }
                averaged = true
            case let pool as PoolLayer
            where !pool.isMaximum && nodes[at].outputShape.dropLast().allSatisfy({ $0 == 1 }):
                averaged = true
            case is DropoutLayer, is FlattenLayer, is ReshapeLayer, is PermuteLayer:
                // Before the average a flattening keeps the places apart: dense weights differ by place.
                if !averaged, !(nodes[at].layer.kind is DropoutLayer) { return false }
            case let dense as DenseLayer:
                guard averaged else { return false }
                let function = dense.activation?.function ?? .linear
                let isLast = at == output && (function == .softmax || function == .sigmoid)
                guard function == .linear || isLast else { return false }
            case let activation as ActivationLayer:
                let function = activation.activation.function
                guard function == .linear || (averaged && at == lastActivation && function != .relu) else {
                    return false
                }
            default: return false
            }
        }
        return averaged
    }

    /// The position of a softmax or sigmoid at the end, behind which only shapes change.
    private var lastActivation: Int? {
        var at = output
        while at >= 0, nodes[at].layer.kind is FlattenLayer || nodes[at].layer.kind is ReshapeLayer {
            at = nodes[at].inputs.first ?? -1
        }
        guard at >= 0, let function = (nodes[at].layer.kind as? ActivationLayer)?.activation.function else {
            return nil
        }
        return function == .softmax || function == .logSoftmax || function == .sigmoid ? at : nil
    }
}
