import Support
import Tensor

/// The numbers 0, 1, … length − 1: the coordinates of an axis, float32 or int32.
public struct Iota: Operation {
    public let length: Int
    public let type: ElementType
    public init(_ length: Int, _ type: ElementType = .float32) {
        self.length = length
        self.type = type
    }
    public var name: String { "iota" }

    public func result(_: [ValueType]) throws -> ValueType {
        guard length >= 0, type == .int32 ? length <= Int(Int32.max) : type.isFloat else {
            throw Failure(.argument, "iota: \(length) coordinates of type \(type)")
        }
        return ValueType([length], type)
    }
    public func gradient(_: GradientContext) throws -> [Traced?] { [] }
    public func reference(_: [ReferenceArray]) throws -> ReferenceArray {
        ReferenceArray([length], (0..<length).map(Double.init))
    }

    /// The numbers themselves.
    public func tensor() throws -> Tensor {
        let t = try Tensor(uninitialized: [length], type)
        switch type {
        case .int32:
            let p = t.base.assumingMemoryBound(to: Int32.self)
            for i in 0..<length { p[i] = Int32(truncatingIfNeeded: i) }
        case .float64:
            let p = t.base.assumingMemoryBound(to: Double.self)
            for i in 0..<length { p[i] = Double(i) }
        default:
            let p = t.base.assumingMemoryBound(to: Float.self)
            for i in 0..<length { p[i] = Float(i) }
        }
        return t
    }
}

extension Graph {
    /// 0, 1, … length − 1.
    public func iota(_ length: Int, _ type: ElementType = .float32) throws -> Traced {
        try add(Iota(length, type), [])
    }
}
