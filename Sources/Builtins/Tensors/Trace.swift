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
    /// True once something wanted numbers that are not known yet, or drew some that a record would keep.
    private(set) var lacksNumbers = false
    private var streams: UInt32
    private var valueOf: [Place: Traced] = [:]
    /// Of a trace for one call: values whose numbers are at hand, by node.
    private var known: [Int: Tensor] = [:]

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
        if !isKept { known[value.id] = tensor }
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

    // MARK: Numbers of values, while tracing

    /// What wants numbers that a trace has not, or must not take out of it.
    func refuse() { lacksNumbers = true }

    /// Values whose numbers take more memory together are not kept between two questions.
    private static let mostKept = 64 << 20

    /// A new input that stands for `tensor`.
    func input(_ tensor: Tensor) -> Traced {
        let value = graph.input(ValueType(tensor.shape, tensor.type))
        if !isKept { known[value.id] = tensor }
        return value
    }

    /// The numbers of a value, computed from what is at hand: what a condition on it needs. Nil where
    /// the trace is for many calls, whose numbers are not known yet.
    func numbers(of value: Traced) throws -> Tensor? {
        guard !isKept, value.graph === graph else { return nil }
        if let tensor = known[value.id] { return tensor }
        // The same operations in a graph of their own, which begins at what is known: a loop asks for the
        // same structure each time round, so that its plan is found again.
        let part = Graph()
        var copies: [Int: Traced] = [:]
        var inputs: [Traced] = []
        var given: [Tensor] = []
        var fresh: [Int] = []
        for id in needed(for: value.id) {
            let node = graph.nodes[id]
            if let tensor = known[id] {
                let input = part.input(node.type)
                inputs.append(input)
                given.append(tensor)
                copies[id] = input
            } else if let tensor = graph.captures[id] {
                copies[id] = part.constant(tensor)
            } else if let variable = graph.variables[id] {
                copies[id] = part.read(variable)
            } else if node.operation is Leaf {
                return nil
            } else {
                copies[id] = try part.add(node.operation, node.inputs.compactMap { copies[$0] })
                fresh.append(id)
            }
        }
        let bytes = fresh.reduce(0) { $0 &+ graph.nodes[$1].type.count &* graph.nodes[$1].type.type.size }
        let wanted = bytes <= Self.mostKept ? fresh : [value.id]
        let results = try PlanCache.run(inputs: inputs, outputs: wanted.compactMap { copies[$0] }, given)
        for (id, tensor) in zip(wanted, results) { known[id] = tensor }
        return results.last
    }

    /// What must be worked out for node `id`, and the known values it begins with, inputs first.
    private func needed(for id: Int) -> [Int] {
        var found: Set<Int> = [id]
        var open = [id]
        while let next = open.popLast() {
            if known[next] != nil { continue }
            for input in graph.nodes[next].inputs where found.insert(input).inserted { open.append(input) }
        }
        return found.sorted()
    }
}
