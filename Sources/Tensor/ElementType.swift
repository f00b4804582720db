/// The type of a tensor's elements. `float32` is the default everywhere.
public enum ElementType: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case bool, int32, float32, float64

    /// Bytes of one element.
    public var size: Int {
        switch self {
        case .bool: 1
        case .int32, .float32: 4
        case .float64: 8
        }
    }

    public var isFloat: Bool { self == .float32 || self == .float64 }

    public var description: String {
        switch self {
        case .bool: "bool"
        case .int32: "int32"
        case .float32: "float32"
        case .float64: "float64"
        }
    }

    /// The type that holds both: bool < int32 < float32 < float64.
    public static func promoted(_ a: ElementType, _ b: ElementType) -> ElementType {
        a.rawValue >= b.rawValue ? a : b
    }
}

/// A Swift type that a tensor can hold.
public protocol Element: Sendable {
    static var elementType: ElementType { get }
}

extension Bool: Element { public static var elementType: ElementType { .bool } }
extension Int32: Element { public static var elementType: ElementType { .int32 } }
extension Float: Element { public static var elementType: ElementType { .float32 } }
extension Double: Element { public static var elementType: ElementType { .float64 } }
