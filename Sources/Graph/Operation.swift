import Support
import Tensor

/// One kind of computation. An operation is data (its geometry, its options) with a shape rule, a
/// gradient and a reference kernel; how it runs fast is the engine's business.
public protocol Operation: Hashable, Sendable {
    /// What messages call it: "conv1d".
    var name: String { get }

    /// The shape rule: the result's type, or a failure that names the operation and the shapes.
    func result(_ inputs: [ValueType]) throws -> ValueType

    /// The cotangents of the inputs, as new nodes of the same graph; nil where an input has no
    /// influence that can be differentiated. Only `context.needed` ones are used.
    func gradient(_ context: GradientContext) throws -> [Traced?]

    /// The definition, plainly computed in float64; what fast kernels are tested against, and what
    /// runs where the engine has no kernel of its own.
    func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray
}

extension Operation {
    public func gradient(_ context: GradientContext) throws -> [Traced?] {
        throw Failure(.value, "\(name) has no gradient")
    }
}

/// What an operation is told when its gradient is asked for.
public struct GradientContext {
    public let inputs: [Traced]
    public let output: Traced
    /// The gradient of the result of it all with respect to `output`.
    public let cotangent: Traced
    /// For which inputs a cotangent is wanted.
    public let needed: [Bool]
}

/// A dense row-major float64 array, for reference kernels.
public struct ReferenceArray: Sendable {
    public var shape: [Int]
    public var values: [Double]

    public init(_ shape: [Int], _ values: [Double]) {
        self.shape = shape
        self.values = values
    }

    public init(_ shape: [Int], repeating value: Double = 0) {
        self.init(shape, [Double](repeating: value, count: shape.reduce(1, *)))
    }

    public init(_ tensor: Tensor) throws {
        self.init(tensor.shape, try tensor.array(of: Double.self))
    }

    public func tensor(_ type: ElementType) throws -> Tensor {
        try Tensor(values, shape: shape).converted(to: type)
    }

    /// Values stretched to `target` as NumPy broadcasts; the shapes have been found to fit.
    func stretched(to target: [Int]) -> ReferenceArray {
        if shape == target { return self }
        let own = Shape.strides(shape)
        let lead = target.count - shape.count
        let steps = target.indices.map { axis in
            axis < lead || shape[axis - lead] == 1 ? 0 : own[axis - lead]
        }
        var result = ReferenceArray(target)
        forEachIndex(target) { flat, index in
            var from = 0
            for axis in index.indices { from += index[axis] * steps[axis] }
            result.values[flat] = values[from]
        }
        return result
    }
}

/// Calls `body(flat, index)` for each position of a row-major array.
func forEachIndex(_ shape: [Int], _ body: (Int, [Int]) -> Void) {
    let n = shape.reduce(1, *)
    if n == 0 { return }
    var index = [Int](repeating: 0, count: shape.count)
    for flat in 0..<n {
        body(flat, index)
        var axis = shape.count - 1
        while axis >= 0 {
            index[axis] += 1
            if index[axis] < shape[axis] { break }
            index[axis] = 0
            axis -= 1
        }
    }
}

/// A value that comes from outside the computation.
public struct Leaf: Operation {
    public enum Role: Sendable { case input, capture, variable }
    public let role: Role
    /// Counts the leaves of a graph, so that no two are taken for one.
    public let number: Int
    public let type: ValueType

    public var name: String { "\(role)" }
    public func result(_: [ValueType]) throws -> ValueType { type }
    public func gradient(_: GradientContext) throws -> [Traced?] { [] }
    public func reference(_: [ReferenceArray]) throws -> ReferenceArray {
        throw Failure(.value, "\(name) has no value of its own")
    }
}

/// One number at every position.
public struct Fill: Operation {
    public let value: Double
    public let type: ValueType

    public var name: String { "fill" }
    public func result(_: [ValueType]) throws -> ValueType { type }
    public func gradient(_: GradientContext) throws -> [Traced?] { [] }
    public func reference(_: [ReferenceArray]) throws -> ReferenceArray {
        ReferenceArray(type.shape, repeating: value)
    }
}
