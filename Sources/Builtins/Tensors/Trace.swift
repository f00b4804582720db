import Engine
import Graph
import Language
import Support
import Tensor

/// A computation that is being recorded: by `grad` for one call, by `jit` for many.
final class Trace: @unchecked Sendable {
    let graph = Graph()
    /// For `jit`: tensors that the function uses are constants, and random numbers are drawn anew at
    /// each run. Otherwise those tensors are inputs, so that a kept plan holds when they change.
    let isKept: Bool
    /// Tensors that the function used, with the inputs that stand for them.
    private(set) var used: [(input: Traced, tensor: Tensor)] = []
    /// The input for the random key of a run, where random numbers are drawn.
    private(set) var key: Traced?
    private var streams: UInt32 = 0
    private var valueOf: [Place: Traced] = [:]

    private struct Place: Hashable {
        let base: UnsafeMutableRawPointer
        let shape: [Int]
        let strides: [Int]
        let type: ElementType
    }

    init(isKept: Bool = false) { self.isKept = isKept }

    /// What is being traced here, innermost.
    @TaskLocal static var current: Trace?

    private func value(of tensor: Tensor) -> Traced {
        let place = Place(base: tensor.base, shape: tensor.shape, strides: tensor.strides, type: tensor.type)
        if let known = valueOf[place] { return known }
        let value = isKept ? graph.constant(tensor) : graph.input(ValueType(tensor.shape, tensor.type))
        valueOf[place] = value
        // Held as long as the trace: another tensor must not come to lie at the same place.
        used.append((value, tensor))
        return value
    }

    /// `tensor` as a value of `graph`.
    static func constant(_ tensor: Tensor, in graph: Graph) -> Traced {
        if let trace = current, trace.graph === graph { return trace.value(of: tensor) }
        return graph.constant(tensor)
    }

    /// Random numbers that each run of a kept trace draws anew: `draw` is given the key and a stream.
    func random(_ draw: (Traced, UInt32) throws -> Traced) throws -> Traced {
        let key = self.key ?? graph.input(ValueType([4], .int32))
        self.key = key
        streams += 1
        return try draw(key, streams)
    }
}
