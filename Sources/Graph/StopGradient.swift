import Tensor

/// The same value, which gradients take for a constant.
public struct StopGradient: Operation {
    public init() {}
    public var name: String { "stop_gradient" }
    public func result(_ inputs: [ValueType]) throws -> ValueType { inputs[0] }
    public func gradient(_: GradientContext) throws -> [Traced?] { [nil] }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray { inputs[0] }
}

extension Traced {
    public func stopped() throws -> Traced { try graph.add(StopGradient(), [self]) }
}
