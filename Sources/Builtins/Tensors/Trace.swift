import Engine
import Graph
import Language
import Support
import Tensor

/// A computation that is being recorded: by `grad` for one call, by `jit` for many.
final class Trace: @unchecked Sendable {
    let graph: Graph
    /// For `jit`: tensors that the function uses are constants, and random numbers are drawn anew at
    /// each run. Otherwise those tensors are inputs, so that a kept plan holds when they change.
    let isKept: Bool
    /// Tensors that the function used, with the inputs that stand for them.
    private(set) var used: [(input: Traced, tensor: Tensor)] = []
    /// The input for the random key of a run, where random numbers are drawn.
    private(set) var key: Traced?
    private var streams: UInt32
    private var valueOf: [Place: Traced] = [:]

    private struct Place: Hashable {
        let base: UnsafeMutableRawPointer
        let shape: [Int]
        let strides: [Int]
        let type: ElementType
    }

    /// True where random numbers are part of the record and drawn anew at each run.
    let drawsAnew: Bool

    init(isKept: Bool = false) {
        graph = Graph()
        streams = 0
        self.isKept = isKept
        drawsAnew = isKept
    }

    /// Part of what the engine records in a graph of its own: a layer or a loss written in vz.
    /// `key` is the random key of a run; without one, random numbers stay as they are drawn now.
    /// `stream` keeps them apart from those of other parts.
    init(within graph: Graph, key: Traced?, stream: UInt32) {
        self.graph = graph
        self.key = key
        // Layers' own streams are the small numbers.
        streams = 0x100_0000 &+ stream &* 0x1000
        isKept = true
        drawsAnew = key != nil
    }

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
