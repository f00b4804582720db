import Engine
import Foundation
import Graph
import Support
import Tensor

extension Workloads {
    enum Direction: String, CaseIterable {
        case forward, input, kernel
    }

    /// One convolution with a bias and, forward, ReLU, `same` padding: input [batch, lengths…, channels],
    /// kernel [windows…, channels, filters]; forward, or the gradient with respect to the input or to
    /// the kernel and the bias.
    static func convolution(
        _ direction: Direction, input shape: [Int], window: [Int], filters: Int, stride: Int
    ) throws -> Workload {
        let graph = Graph()
        let channels = shape.last ?? 1
        let x = graph.input(ValueType(shape))
        let w = graph.input(ValueType(window + [channels, filters]))
        let b = graph.input(ValueType([filters]))
        let strides = [Int](repeating: stride, count: window.count)
        let y = try x.convolved(with: w, strides: strides) + b
        let dy = graph.input(y.type)
        let result: [Traced]
        switch direction {
        case .forward: result = [try y.relu()]
        case .input: result = try graph.gradients(of: (y * dy).sum(), withRespectTo: [x])
        case .kernel: result = try graph.gradients(of: (y * dy).sum(), withRespectTo: [w, b])
        }
        // One number of the result is the loss that a workload returns; the rest is kept in the plan.
        let first = try result[0].indexed(result[0].shape.map { _ in .position(0) })
        let plan = try Plan(inputs: [x, w, b, dy], outputs: [first] + result)
        let values = try [x, w, b, dy].enumerated().map { i, value in
            try Tensor(random: .normal, shape: value.shape, key: RandomKey(seed: UInt64(i)))
        }
        let flops = 2 * Double(y.type.count) * Double(window.reduce(channels, *))
        return Workload(
            name: "conv \(direction.rawValue)", plan: plan, inputs: { _ in values }, flops: flops,
            parameters: w.type.count + filters)
    }
}
