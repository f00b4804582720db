import Graph
import Support
import Tensor

/// What a layer is, as a value: its kind, its options, the parameters it needs and the computation
/// it traces. `Layer` gives it identity and weights.
///
/// Shapes here are those of one sample, without the batch axis; traced values have it first.
public protocol LayerKind {
    /// What users and files call it: "conv1d". Layers without a name of their own are named after it.
    var kind: String { get }
    /// The options as a JSON object: with `kind` they are enough to build the layer again.
    var options: JSON { get }
    /// How many values it takes.
    var inputCount: ClosedRange<Int> { get }
    /// False where it cannot be written to a file and read back (a function of the user's).
    var isSavable: Bool { get }

    /// The parameters for inputs of these shapes. Throws where the layer does not fit them.
    func parameters(for inputs: [[Int]]) throws -> [ParameterSpec]
    /// Record the layer's computation on `inputs`.
    func trace(_ inputs: [Traced], _ context: LayerContext) throws -> Traced
    /// The same layer without its own softmax at the end; nil where it has none.
    func withoutSoftmax() -> (any LayerKind)?
}

extension LayerKind {
    public var options: JSON { [:] }
    public var inputCount: ClosedRange<Int> { 1...1 }
    public var isSavable: Bool { true }
    public func parameters(for inputs: [[Int]]) throws -> [ParameterSpec] { [] }
    public func withoutSoftmax() -> (any LayerKind)? { nil }
}

/// A tensor that a layer wants.
public struct ParameterSpec {
    /// "kernel", "bias", "gamma", "beta", "moving_moments" …
    public var name: String
    public var shape: [Int]
    public var initializer: Initializer
    /// Lengths that the initializer scales by: (inputs, outputs) of one unit; nil: from the shape.
    public var fans: (Int, Int)?
    /// True for what training follows but no gradient reaches: the moving moments.
    public var isState: Bool
    public var regularizer: Regularizer?
    /// The first value itself; nil: the initializer makes it.
    public var value: Tensor?

    public init(
        _ name: String, _ shape: [Int], _ initializer: Initializer, fans: (Int, Int)? = nil,
        isState: Bool = false, regularizer: Regularizer? = nil, value: Tensor? = nil
    ) {
        self.name = name
        self.shape = shape
        self.initializer = initializer
        self.fans = fans
        self.isState = isState
        self.regularizer = regularizer
        self.value = value
    }
}

/// A parameter that a layer has.
public struct Parameter {
    public let name: String
    public let variable: Variable
    /// Not trained: moving moments.
    public let isState: Bool
    public let regularizer: Regularizer?

    public var count: Int { variable.type.count }
}

/// A layer: a kind with identity, weights and whether they are trained. Used twice, it is shared.
public final class Layer {
    public let kind: any LayerKind
    /// The name its maker chose, if any; networks name the others.
    public let givenName: String?
    /// False: frozen. Its weights stay, and batch normalization uses its moving moments.
    public var isTrainable = true
    /// Empty until a network that knows the input's shape has built it.
    public private(set) var parameters: [Parameter] = []
    public private(set) var isBuilt = false

    public init(_ kind: any LayerKind, name: String? = nil) {
        self.kind = kind
        self.givenName = name
    }

    /// Another description of the same weights.
    init(_ kind: any LayerKind, name: String?, sharing other: Layer) {
        self.kind = kind
        self.givenName = name
        self.parameters = other.parameters
        self.isBuilt = other.isBuilt
        self.isTrainable = other.isTrainable
    }

    /// The same kind with parameters of its own, equal at first.
    init(copying other: Layer) {
        kind = other.kind
        givenName = other.givenName
        isTrainable = other.isTrainable
        isBuilt = other.isBuilt
        parameters = other.parameters.map {
            Parameter(
                name: $0.name, variable: Variable($0.variable.value, name: $0.variable.name),
                isState: $0.isState,
                regularizer: $0.regularizer)
        }
    }

    public func parameter(_ name: String) -> Parameter? { parameters.first { $0.name == name } }

    /// Make the parameters for inputs of these shapes, or check that those at hand fit.
    /// `value(specification, full name)` gives each its first value.
    func build(
        for inputs: [[Int]], name: String, _ value: (ParameterSpec, String) throws -> Tensor
    ) throws {
        guard kind.inputCount.contains(inputs.count) else {
            let n = kind.inputCount
            throw Failure(
                .argument,
                "\(name) takes \(n.lowerBound == n.upperBound ? "\(n.lowerBound)" : "at least \(n.lowerBound)") inputs, not \(inputs.count)"
            )
        }
        let specs = try kind.parameters(for: inputs)
        if isBuilt {
            for (spec, parameter) in zip(specs, parameters) where spec.shape != parameter.variable.type.shape
            {
                throw Failure(
                    .shape,
                    "\(name) is shared: its \(spec.name) has shape \(Shape.describe(parameter.variable.type.shape)), here it would need \(Shape.describe(spec.shape))",
                    hint: "a shared layer needs inputs of the same number of channels everywhere")
            }
            return
        }
        parameters = try specs.map { spec in
            let fullName = "\(name).\(spec.name)"
            let variable = Variable(try value(spec, fullName), name: fullName)
            guard variable.type == ValueType(spec.shape) else {
                throw Failure(
                    .shape, "\(fullName) is \(ValueType(spec.shape)) and cannot take \(variable.type)")
            }
            return Parameter(
                name: spec.name, variable: variable, isState: spec.isState, regularizer: spec.regularizer)
        }
        isBuilt = true
    }
}
