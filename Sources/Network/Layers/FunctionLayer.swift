import Graph
import Support
import Tensor

/// A function of the person's own as a layer: it may use every operation of the graph, and parameters
/// that are trained with all others.
public struct FunctionLayer: LayerKind {
    /// Gives the parameters by name with their first values, for inputs of these shapes (without the
    /// batch axis).
    public typealias FirstValues = (_ inputs: [[Int]]) throws -> [(name: String, value: Tensor)]
    /// Records the computation on `inputs` ([batch] + shape) with the parameters' values.
    public typealias Body = (
        _ inputs: [Traced], _ parameters: [(name: String, value: Traced)], _ context: LayerContext
    ) throws -> Traced

    public let kind: String
    public let inputCount: ClosedRange<Int>
    private let firstValues: FirstValues
    private let body: Body

    public init(
        kind: String = "function", inputCount: ClosedRange<Int> = 1...1,
        parameters: @escaping FirstValues = { _ in [] }, _ body: @escaping Body
    ) {
        self.kind = kind
        self.inputCount = inputCount
        firstValues = parameters
        self.body = body
    }

    /// Without parameters: `body` is given the inputs and whether the network trains.
    public init(
        kind: String = "fn", inputCount: ClosedRange<Int> = 1...1,
        _ body: @escaping ([Traced], _ isTraining: Bool) throws -> Traced
    ) {
        self.init(kind: kind, inputCount: inputCount, parameters: { _ in [] }) { inputs, _, context in
            try body(inputs, context.isRunningTraining)
        }
    }

    public var isSavable: Bool { false }

    public func parameters(for inputs: [[Int]]) throws -> [ParameterSpec] {
        try firstValues(inputs).map { name, value in
            ParameterSpec(name, value.shape, .zeros, value: try value.converted(to: .float32))
        }
    }

    public func trace(_ inputs: [Traced], _ context: LayerContext) throws -> Traced {
        let names = context.layer?.parameters.map(\.name) ?? []
        return try body(inputs, names.map { (name: $0, value: try context.parameter($0)) }, context)
    }
}
