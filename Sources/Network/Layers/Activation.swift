import Graph
import Support

/// A function applied to each number, or a softmax over the last axis.
public struct Activation: Hashable, Sendable {
    public enum Function: String, Sendable, CaseIterable {
        case linear, relu, leakyRelu = "leaky_relu", elu, selu, gelu, softplus, softsign, swish, tanh, sigmoid
        case hardSigmoid = "hard_sigmoid", relu6, exponential, log, softmax, logSoftmax = "log_softmax"
    }
    public var function: Function
    /// Slope of leaky_relu below 0 (default 0.3); scale of elu (default 1); what log adds to keep off
    /// log 0 (default 1e-6). Otherwise unused.
    public var alpha: Double

    public init(_ function: Function, alpha: Double? = nil) {
        self.function = function
        self.alpha = alpha ?? (function == .leakyRelu ? 0.3 : function == .log ? 1e-6 : 1)
    }

    /// By name; "silu" is swish, "none" is linear.
    public init(_ name: String, alpha: Double? = nil) throws(Failure) {
        let aliases = ["silu": "swish", "none": "linear", "identity": "linear", "exp": "exponential"]
        guard let function = Function(rawValue: aliases[name] ?? name) else {
            let names = Function.allCases.map(\.rawValue)
            throw Failure(
                .value, "there is no activation '\(name)'",
                hint: Spelling.nearest(name, among: names).map { "did you mean '\($0)'?" }
                    ?? "known are \(names.joined(separator: ", "))")
        }
        self.init(function, alpha: alpha)
    }

    var takesAlpha: Bool { function == .leakyRelu || function == .elu || function == .log }

    var json: JSON {
        takesAlpha
            ? ["name": .string(function.rawValue), "alpha": .number(alpha)] : .string(function.rawValue)
    }

    public func apply(_ x: Traced) throws -> Traced {
        switch function {
        case .linear: x
        case .relu: try x.relu()
        case .leakyRelu: try x.unary(.leakyRelu, alpha: alpha)
        case .elu: try x.unary(.elu, alpha: alpha)
        case .selu: try x.selu()
        case .gelu: try x.gelu()
        case .softplus: try x.unary(.softplus)
        case .softsign: try x / (x.abs() + 1)
        case .swish: try x.swish()
        case .tanh: try x.tanh()
        case .sigmoid: try x.sigmoid()
        case .hardSigmoid: try (x / 6 + 0.5).clipped(0, 1)
        case .relu6: try x.clipped(0, 6)
        case .exponential: try x.exp()
        case .log: try (x + alpha).log()
        case .softmax: try x.softmax()
        case .logSoftmax: try x.logSoftmax()
        }
    }
}

/// An activation as a layer of its own, named after its function: "relu".
public struct ActivationLayer: LayerKind {
    public let activation: Activation
    public init(_ activation: Activation) { self.activation = activation }

    public var kind: String { activation.function.rawValue }
    public var options: JSON { activation.takesAlpha ? ["alpha": .number(activation.alpha)] : [:] }
    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        try activation.apply(inputs[0])
    }
    public func withoutSoftmax() -> (any LayerKind)? {
        switch activation.function {
        case .softmax, .logSoftmax: ActivationLayer(Activation(.linear))
        default: nil
        }
    }
}
