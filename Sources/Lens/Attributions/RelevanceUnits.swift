import Graph
import Support
import Tensor

/// The units of a recorded network that share out relevance: a convolution or matrix product with
/// fixed weights, its bias, and a batch normalization behind it, which is folded into its weights.
struct RelevanceUnits {
    struct Unit {
        /// The convolution or matrix product, and what the unit ends with.
        let core: Int
        let end: Int
        /// Weights and bias of the whole unit.
        let weights: Traced
        let bias: Traced?
        let isConvolution: Bool
    }
    private(set) var units: [Int: Unit] = [:]
    /// Biases and folded normalizations: what comes to them goes on to the core as it is.
    private(set) var passed: Set<Int> = []
    /// Which values depend on the input.
    let influenced: [Bool]

    init(from input: Traced, to output: Traced) throws {
        let graph = output.graph
        let nodes = graph.nodes
        var influenced = [Bool](repeating: false, count: output.id + 1)
        var users = [[Int]](repeating: [], count: output.id + 1)
        influenced[input.id] = true
        for id in 0...output.id {
            if nodes[id].inputs.contains(where: { influenced[$0] }) { influenced[id] = true }
            guard influenced[id] else { continue }
            for used in Set(nodes[id].inputs) { users[used].append(id) }
        }
        self.influenced = influenced
        for id in 0...output.id where influenced[id] && Self.isCore(nodes[id]) {
            let inputs = nodes[id].inputs
            guard influenced[inputs[0]], !influenced[inputs[1]] else {
                throw Failure(
                    .value,
                    "lrp: there is no rule for a \(nodes[id].operation.name) of two values of the network",
                    hint: "it is defined for layers with fixed weights; use integrated_gradients or gradcam")
            }
            units[id] = try unit(id, graph, users)
        }
    }

    private static func isCore(_ node: Graph.Node) -> Bool {
        node.operation is Convolution || node.operation is ConvolutionInputGradient
            || node.operation is MatMul
    }

    private mutating func unit(_ core: Int, _ graph: Graph, _ users: [[Int]]) throws -> Unit {
        var weights = Traced(graph: graph, id: graph.nodes[core].inputs[1])
        var bias: Traced?
        var end = core
        func next() -> (id: Int, node: Graph.Node)? {
            users[end].count == 1 ? (users[end][0], graph.nodes[users[end][0]]) : nil
        }
        if let (id, node) = next(), (node.operation as? Binary)?.function == .add,
            let other = node.inputs.first(where: { $0 != end }), !influenced[other],
            graph.nodes[other].type.shape == [graph.nodes[end].type.shape.last ?? 0]
        {
            bias = Traced(graph: graph, id: other)
            end = id
            passed.insert(id)
        }
        if let (id, node) = next(), let normalize = node.operation as? Normalize, node.inputs[0] == end,
            !node.inputs.dropFirst().contains(where: { influenced[$0] })
        {
            let parts = node.inputs.map { Traced(graph: graph, id: $0) }
            let scale = try parts[2] * (parts[1].row(1) + normalize.epsilon).unary(.reciprocalSqrt)
            let centre = try bias.map { try $0 - parts[1].row(0) } ?? -parts[1].row(0)
            bias = try centre * scale + parts[3]
            weights = try weights * Self.overFilters(scale, graph.nodes[core].operation)
            end = id
            passed.insert(id)
        }
        return Unit(
            core: core, end: end, weights: weights, bias: bias,
            isConvolution: !(graph.nodes[core].operation is MatMul))
    }

    /// One number for each filter, to be multiplied with the weights.
    private static func overFilters(_ scale: Traced, _ operation: any Operation) throws -> Traced {
        let isTransposed = operation is ConvolutionInputGradient || (operation as? MatMul)?.transposeB == true
        return isTransposed ? try scale.reshaped([scale.shape[0], 1]) : scale
    }
}
