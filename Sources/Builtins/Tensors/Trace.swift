import Engine
import Graph
import Language
import Support
import Tensor

/// A computation that is being recorded. Tensors at hand that the function uses become inputs of
/// its plan, so that the plan still holds when they have changed.
final class Trace: @unchecked Sendable {
    let graph = Graph()
    /// Tensors that the function used, with the inputs that stand for them.
    private(set) var used: [(input: Traced, tensor: Tensor)] = []
    private var inputOf: [Place: Int] = [:]

    private struct Place: Hashable {
        let base: UnsafeMutableRawPointer
        let shape: [Int]
        let strides: [Int]
        let type: ElementType
    }

    /// What is being traced here, innermost.
    @TaskLocal static var current: Trace?

    func input(for tensor: Tensor) -> Traced {
        let place = Place(base: tensor.base, shape: tensor.shape, strides: tensor.strides, type: tensor.type)
        if let known = inputOf[place] { return used[known].input }
        let input = graph.input(ValueType(tensor.shape, tensor.type))
        inputOf[place] = used.count
        used.append((input, tensor))
        return input
    }

    /// `tensor` as a value of `graph`: an input where the trace is known, else a constant.
    static func constant(_ tensor: Tensor, in graph: Graph) -> Traced {
        if let trace = current, trace.graph === graph { return trace.input(for: tensor) }
        return graph.constant(tensor)
    }
}
