import Support
import Tensor

/// What is known of a value while tracing: its element type and its shape.
public struct ValueType: Hashable, Sendable, CustomStringConvertible {
    public var type: ElementType
    public var shape: [Int]

    public init(_ shape: [Int], _ type: ElementType = .float32) {
        self.type = type
        self.shape = shape
    }

    public var rank: Int { shape.count }
    /// Number of elements; shapes of traced values have been checked against overflow.
    public var count: Int { shape.reduce(1, *) }
    public var description: String { "\(type)\(Shape.describe(shape))" }
}

/// A tensor that lives from step to step: a weight, an optimizer's moment, the input that a
/// maximization climbs with. Plans read it and may write it.
public final class Variable: @unchecked Sendable {
    /// For messages and files: "conv1d_3.kernel".
    public var name: String
    public let type: ValueType
    /// Counts the writes, so that a plan knows when a packed copy is stale.
    public private(set) var version = 0
    public private(set) var value: Tensor

    public init(_ value: Tensor, name: String) {
        self.name = name
        self.value = value
        self.type = ValueType(value.shape, value.type)
    }

    /// Replace the value. Throws a shape failure where shape or element type differ.
    public func assign(_ newValue: Tensor) throws(Failure) {
        guard newValue.shape == type.shape, newValue.type == type.type else {
            throw Failure(
                .shape,
                "\(name) is \(type) and cannot take \(ValueType(newValue.shape, newValue.type))")
        }
        value = newValue
        version += 1
    }

    /// Address of the value for a plan that writes into it. Whoever holds the old value keeps it.
    public func exclusiveBase() throws(Failure) -> UnsafeMutableRawPointer { try value.exclusiveBase() }

    /// Called by a plan that has written into `value`'s buffer itself.
    public func touch() { version += 1 }
}

/// A computation as data: operations in the order in which they were traced, each on earlier values.
///
/// Equal operations on equal inputs are recorded once. A graph is built by one thread.
public final class Graph {
    public struct Node {
        public let operation: any Operation
        /// Positions of the inputs in `nodes`, all smaller than this node's own.
        public let inputs: [Int]
        public let type: ValueType
    }

    public private(set) var nodes: [Node] = []
    /// Tensors that the computation holds as constants, by node.
    public private(set) var captures: [Int: Tensor] = [:]
    /// Variables that the computation reads, by node.
    public private(set) var variables: [Int: Variable] = [:]
    private var known: [NodeKey: Int] = [:]
    private var variableNodes: [ObjectIdentifier: Int] = [:]
    private var nextLeaf = 0

    private struct NodeKey: Hashable {
        let operation: AnyHashable
        let inputs: [Int]
    }

    public init() {}

    /// Record `operation` on `inputs` after its shape rule has agreed.
    public func add(_ operation: some Operation, _ inputs: [Traced]) throws -> Traced {
        for input in inputs where input.graph !== self {
            throw Failure(.value, "\(operation.name): values of two different traces cannot be mixed")
        }
        let key = NodeKey(operation: AnyHashable(operation), inputs: inputs.map(\.id))
        if let id = known[key] { return Traced(graph: self, id: id) }
        let type = try operation.result(inputs.map(\.type))
        do { _ = try Shape.count(type.shape) } catch {
            throw Failure(error.kind, "\(operation.name): \(error.message)", hint: error.hint)
        }
        let value = append(Node(operation: operation, inputs: key.inputs, type: type))
        known[key] = value.id
        return value
    }

    private func append(_ node: Node) -> Traced {
        nodes.append(node)
        return Traced(graph: self, id: nodes.count - 1)
    }

    private func leaf(_ role: Leaf.Role, _ type: ValueType) -> Traced {
        nextLeaf += 1
        return append(
            Node(operation: Leaf(role: role, number: nextLeaf - 1, type: type), inputs: [], type: type))
    }

    /// A value that each run is given anew.
    public func input(_ type: ValueType) -> Traced { leaf(.input, type) }

    /// A tensor held as a constant.
    public func constant(_ tensor: Tensor) -> Traced {
        let value = leaf(.capture, ValueType(tensor.shape, tensor.type))
        captures[value.id] = tensor
        return value
    }

    /// One number, stretched to `shape`; part of the structure.
    public func fill(_ value: Double, shape: [Int] = [], _ type: ElementType = .float32) throws -> Traced {
        try add(Fill(value: value, type: ValueType(shape, type)), [])
    }

    /// The variable's value at the start of a run.
    public func read(_ variable: Variable) -> Traced {
        if let id = variableNodes[ObjectIdentifier(variable)] { return Traced(graph: self, id: id) }
        let value = leaf(.variable, variable.type)
        variables[value.id] = variable
        variableNodes[ObjectIdentifier(variable)] = value.id
        return value
    }
}

/// A value of a traced computation: a handle into its graph.
public struct Traced {
    public let graph: Graph
    public let id: Int

    public init(graph: Graph, id: Int) {
        self.graph = graph
        self.id = id
    }

    public var type: ValueType { graph.nodes[id].type }
    public var shape: [Int] { type.shape }
    public var rank: Int { type.shape.count }
    public var operation: any Operation { graph.nodes[id].operation }
    public var inputs: [Traced] { graph.nodes[id].inputs.map { Traced(graph: graph, id: $0) } }
}
