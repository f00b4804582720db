import Glibc
import Support
import Tensor

/// A function of one number, applied to each element.
public enum UnaryFunction: UInt8, Sendable, CaseIterable {
    case negate, reciprocal, square, sqrt, reciprocalSqrt, exp, log, abs, sign
    case sin, cos, tanh, sigmoid, erf, floor, ceil, round
    case relu, leakyRelu, elu, softplus
    case isNaN, not, identity

    public var name: String {
        switch self {
        case .negate: "-"
        case .reciprocalSqrt: "rsqrt"
        case .leakyRelu: "leaky_relu"
        case .isNaN: "is_nan"
        default: "\(self)"
        }
    }

    /// The definition. `alpha` is leaky ReLU's slope and ELU's scale.
    public func apply(_ x: Double, alpha: Double) -> Double {
        switch self {
        case .negate: -x
        case .reciprocal: 1 / x
        case .square: x * x
        case .sqrt: x.squareRoot()
        case .reciprocalSqrt: 1 / x.squareRoot()
        case .exp: Glibc.exp(x)
        case .log: Glibc.log(x)
        case .abs: Swift.abs(x)
        case .sign: x > 0 ? 1 : x < 0 ? -1 : x
        case .sin: Glibc.sin(x)
        case .cos: Glibc.cos(x)
        case .tanh: Glibc.tanh(x)
        case .sigmoid: x >= 0 ? 1 / (1 + Glibc.exp(-x)) : Glibc.exp(x) / (1 + Glibc.exp(x))
        case .erf: Glibc.erf(x)
        case .floor: x.rounded(.down)
        case .ceil: x.rounded(.up)
        case .round: x.rounded(.toNearestOrEven)
        case .relu: x > 0 ? x : (x.isNaN ? x : 0)
        case .leakyRelu: x > 0 ? x : alpha * x
        case .elu: x > 0 ? x : alpha * expm1(x)
        case .softplus: max(x, 0) + log1p(Glibc.exp(-Swift.abs(x)))
        case .isNaN: x.isNaN ? 1 : 0
        case .not: x == 0 ? 1 : 0
        case .identity: x
        }
    }

    var givesBool: Bool { self == .isNaN || self == .not }
    /// Functions that leave whole numbers whole; the others turn int32 and bool into float32.
    var keepsIntegers: Bool {
        switch self {
        case .negate, .square, .abs, .sign, .relu, .floor, .ceil, .round, .identity: true
        default: false
        }
    }
}

/// Applies `function` to each element. `alpha`: see `UnaryFunction.apply`.
public struct Unary: Operation {
    public let function: UnaryFunction
    public let alpha: Double

    public init(_ function: UnaryFunction, alpha: Double = 0) {
        self.function = function
        self.alpha = alpha
    }

    public var name: String { function.name }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        var type = inputs[0]
        if function.givesBool {
            type.type = .bool
        } else if type.type == .bool && function != .identity {
            type.type = function.keepsIntegers ? .int32 : .float32
        } else if !function.keepsIntegers && !type.type.isFloat {
            type.type = .float32
        }
        return type
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (x, y, dy) = (c.inputs[0], c.output, c.cotangent)
        switch function {
        case .negate: return [try -dy]
        case .identity: return [dy]
        case .reciprocal: return [try -(dy * y.square())]
        case .square: return [try dy * (x * 2)]
        case .sqrt: return [try dy * 0.5 / y]
        case .reciprocalSqrt: return [try dy * -0.5 * y / x]
        case .exp: return [try dy * y]
        case .log: return [try dy / x]
        case .abs: return [try dy * x.unary(.sign)]
        case .sin: return [try dy * x.unary(.cos)]
        case .cos: return [try -(dy * x.unary(.sin))]
        case .tanh: return [try dy * (1 - y.square())]
        case .sigmoid: return [try dy * (y * (1 - y))]
        case .erf: return [try dy * (-x.square()).exp() * (2 / Double.pi.squareRoot())]
        case .relu: return [try x.graph.add(Binary(.reluGradient), [dy, y])]
        case .leakyRelu:
            return [try (x > 0).select(dy, dy * alpha)]
        case .elu: return [try (x > 0).select(dy, dy * (y + alpha))]
        case .softplus: return [try dy * x.unary(.sigmoid)]
        case .sign, .floor, .ceil, .round, .isNaN, .not: return [nil]
        }
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        ReferenceArray(inputs[0].shape, inputs[0].values.map { function.apply($0, alpha: alpha) })
    }
}

/// A function of two numbers, applied to each pair of elements after broadcasting.
public enum BinaryFunction: UInt8, Sendable, CaseIterable {
    case add, subtract, multiply, divide, power, remainder, minimum, maximum
    case equal, notEqual, less, lessEqual, greater, greaterEqual, and, or
    /// (dy, y) → dy where y > 0, else 0: the gradient of ReLU from its result.
    case reluGradient

    public var name: String {
        switch self {
        case .add: "+"
        case .subtract: "-"
        case .multiply: "*"
        case .divide: "/"
        case .power: "^"
        case .remainder: "%"
        case .equal: "=="
        case .notEqual: "!="
        case .less: "<"
        case .lessEqual: "<="
        case .greater: ">"
        case .greaterEqual: ">="
        default: "\(self)"
        }
    }

    private static func remainder(_ a: Double, _ b: Double) -> Double {
        let r = fmod(a, b)
        return r != 0 && (r < 0) != (b < 0) ? r + b : r
    }

    /// The definition; comparisons give 1 or 0; the remainder has the divisor's sign, as in Python.
    public func apply(_ a: Double, _ b: Double) -> Double {
        switch self {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: a / b
        case .power: pow(a, b)
        case .remainder: Self.remainder(a, b)
        case .minimum: a.isNaN || b.isNaN ? .nan : min(a, b)
        case .maximum: a.isNaN || b.isNaN ? .nan : max(a, b)
        case .equal: a == b ? 1 : 0
        case .notEqual: a != b ? 1 : 0
        case .less: a < b ? 1 : 0
        case .lessEqual: a <= b ? 1 : 0
        case .greater: a > b ? 1 : 0
        case .greaterEqual: a >= b ? 1 : 0
        case .and: a != 0 && b != 0 ? 1 : 0
        case .or: a != 0 || b != 0 ? 1 : 0
        case .reluGradient: b > 0 ? a : 0
        }
    }

    public var givesBool: Bool {
        switch self {
        case .equal, .notEqual, .less, .lessEqual, .greater, .greaterEqual, .and, .or: true
        default: false
        }
    }
}

/// Applies `function` to pairs of elements; shapes broadcast, types are promoted.
public struct Binary: Operation {
    public let function: BinaryFunction
    public init(_ function: BinaryFunction) { self.function = function }

    public var name: String { function.name }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        let (a, b) = (inputs[0], inputs[1])
        guard let shape = Shape.broadcast(a.shape, b.shape) else {
            throw Failure(
                .shape,
                "\(name): shapes \(Shape.describe(a.shape)) and \(Shape.describe(b.shape)) do not fit together",
                hint: "axes are matched from the last; lengths must be equal, or one of them 1")
        }
        if function.givesBool { return ValueType(shape, .bool) }
        var type = ElementType.promoted(a.type, b.type)
        if type == .bool { type = .int32 }
        if (function == .divide || function == .power) && !type.isFloat { type = .float32 }
        return ValueType(shape, type)
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (a, b, dy) = (c.inputs[0], c.inputs[1], c.cotangent)
        func reduced(_ wanted: Int, _ value: () throws -> Traced) throws -> Traced? {
            guard c.needed[wanted] else { return nil }
            return try value().summed(to: c.inputs[wanted].shape)
        }
        switch function {
        case .add: return [try reduced(0) { dy }, try reduced(1) { dy }]
        case .subtract: return [try reduced(0) { dy }, try reduced(1) { try -dy }]
        case .multiply: return [try reduced(0) { try dy * b }, try reduced(1) { try dy * a }]
        case .divide:
            return [try reduced(0) { try dy / b }, try reduced(1) { try -(dy * c.output / b) }]
        case .power:
            return [
                try reduced(0) { try dy * b * a.power(b - 1) },
                // Where the base is 0 the derivative by the exponent is taken as 0, not NaN.
                try reduced(1) { try dy * c.output * (a > 0).select(a, 1).log() },
            ]
        case .remainder:
            return [
                try reduced(0) { dy }, try reduced(1) { try -(dy * ((a - c.output) / b).unary(.round)) },
            ]
        case .minimum, .maximum:
            let first = try function == .minimum ? a.binary(.lessEqual, b) : a.binary(.greaterEqual, b)
            return [
                try reduced(0) { try first.select(dy, 0) }, try reduced(1) { try first.select(0, dy) },
            ]
        case .reluGradient:
            return [try reduced(0) { try c.graphAdd(Binary(.reluGradient), [dy, b]) }, nil]
        case .equal, .notEqual, .less, .lessEqual, .greater, .greaterEqual, .and, .or: return [nil, nil]
        }
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let shape = Shape.broadcast(inputs[0].shape, inputs[1].shape) ?? []
        let (a, b) = (inputs[0].stretched(to: shape).values, inputs[1].stretched(to: shape).values)
        return ReferenceArray(shape, zip(a, b).map { function.apply($0, $1) })
    }
}

/// (condition, a, b) → a where the condition holds, else b; shapes broadcast.
public struct Select: Operation {
    public init() {}
    public var name: String { "where" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        let shapes = inputs.map(\.shape)
        guard let ab = Shape.broadcast(shapes[1], shapes[2]), let all = Shape.broadcast(shapes[0], ab) else {
            throw Failure(
                .shape,
                "where: shapes \(shapes.map(Shape.describe).joined(separator: ", ")) do not fit together")
        }
        return ValueType(all, ElementType.promoted(inputs[1].type, inputs[2].type))
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (condition, dy) = (c.inputs[0], c.cotangent)
        return [
            nil,
            c.needed[1] ? try condition.select(dy, 0).summed(to: c.inputs[1].shape) : nil,
            c.needed[2] ? try condition.select(0, dy).summed(to: c.inputs[2].shape) : nil,
        ]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let ab = Shape.broadcast(inputs[1].shape, inputs[2].shape) ?? []
        let shape = Shape.broadcast(inputs[0].shape, ab) ?? []
        let parts = inputs.map { $0.stretched(to: shape).values }
        return ReferenceArray(shape, parts[0].indices.map { parts[0][$0] != 0 ? parts[1][$0] : parts[2][$0] })
    }
}

/// The same values in another element type.
public struct Cast: Operation {
    public let target: ElementType
    public init(_ target: ElementType) { self.target = target }
    public var name: String { "\(target)" }

    public func result(_ inputs: [ValueType]) throws -> ValueType { ValueType(inputs[0].shape, target) }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        guard target.isFloat, c.inputs[0].type.type.isFloat else { return [nil] }
        return [try c.cotangent.cast(c.inputs[0].type.type)]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        ReferenceArray(
            inputs[0].shape,
            inputs[0].values.map {
                switch target {
                case .bool: $0 != 0 ? 1 : 0
                case .int32: Double(Int32(clampingDouble: $0))
                case .float32, .float64: $0
                }
            })
    }
}

extension GradientContext {
    func graphAdd(_ operation: some Operation, _ inputs: [Traced]) throws -> Traced {
        try output.graph.add(operation, inputs)
    }
}

// MARK: - On traced values

extension Traced {
    public func unary(_ function: UnaryFunction, alpha: Double = 0) throws -> Traced {
        try graph.add(Unary(function, alpha: alpha), [self])
    }

    public func binary(_ function: BinaryFunction, _ other: Traced) throws -> Traced {
        try graph.add(Binary(function), [self, other])
    }

    /// `number` as a scalar of this value's float type.
    public func scalar(_ number: Double) throws -> Traced {
        let own = type.type
        let fits = own.isFloat || (own == .int32 && number == number.rounded() && Swift.abs(number) < 2e9)
        return try graph.fill(number, fits ? own : .float32)
    }

    public static func + (a: Traced, b: Traced) throws -> Traced { try a.binary(.add, b) }
    public static func - (a: Traced, b: Traced) throws -> Traced { try a.binary(.subtract, b) }
    public static func * (a: Traced, b: Traced) throws -> Traced { try a.binary(.multiply, b) }
    public static func / (a: Traced, b: Traced) throws -> Traced { try a.binary(.divide, b) }
    public static func + (a: Traced, b: Double) throws -> Traced { try a + a.scalar(b) }
    public static func - (a: Traced, b: Double) throws -> Traced { try a - a.scalar(b) }
    public static func * (a: Traced, b: Double) throws -> Traced { try a * a.scalar(b) }
    public static func / (a: Traced, b: Double) throws -> Traced { try a / a.scalar(b) }
    public static func + (a: Double, b: Traced) throws -> Traced { try b.scalar(a) + b }
    public static func - (a: Double, b: Traced) throws -> Traced { try b.scalar(a) - b }
    public static func * (a: Double, b: Traced) throws -> Traced { try b.scalar(a) * b }
    public static func / (a: Double, b: Traced) throws -> Traced { try b.scalar(a) / b }
    public static prefix func - (a: Traced) throws -> Traced { try a.unary(.negate) }
    public static func > (a: Traced, b: Double) throws -> Traced { try a.binary(.greater, a.scalar(b)) }
    public static func < (a: Traced, b: Double) throws -> Traced { try a.binary(.less, a.scalar(b)) }

    public func square() throws -> Traced { try unary(.square) }
    public func sqrt() throws -> Traced { try unary(.sqrt) }
    public func exp() throws -> Traced { try unary(.exp) }
    public func log() throws -> Traced { try unary(.log) }
    public func abs() throws -> Traced { try unary(.abs) }
    public func tanh() throws -> Traced { try unary(.tanh) }
    public func relu() throws -> Traced { try unary(.relu) }
    public func sigmoid() throws -> Traced { try unary(.sigmoid) }

    /// a^b. Whole powers 1, 2 and -1, and the square root, take their own faster forms.
    public func power(_ exponent: Traced) throws -> Traced {
        if let fill = exponent.operation as? Fill, exponent.type.count == 1, exponent.rank <= rank {
            switch fill.value {
            case 1: return try unary(.identity)
            case 2: return try unary(.square)
            case 0.5: return try unary(.sqrt)
            case -1: return try unary(.reciprocal)
            default: break
            }
        }
        return try binary(.power, exponent)
    }

    /// Self is the condition: `a` where it holds, else `b`.
    public func select(_ a: Traced, _ b: Traced) throws -> Traced { try graph.add(Select(), [self, a, b]) }
    public func select(_ a: Traced, _ b: Double) throws -> Traced { try select(a, a.scalar(b)) }
    public func select(_ a: Double, _ b: Traced) throws -> Traced { try select(b.scalar(a), b) }

    public func cast(_ target: ElementType) throws -> Traced {
        target == type.type ? self : try graph.add(Cast(target), [self])
    }

    /// gelu(x) = x · Φ(x), with the exact error function (Hendrycks and Gimpel 2016).
    public func gelu() throws -> Traced {
        try self * ((self * 0.5.squareRoot()).unary(.erf) + 1) * 0.5
    }

    /// selu (Klambauer et al. 2017).
    public func selu() throws -> Traced {
        try unary(.elu, alpha: 1.6732632423543772) * 1.0507009873554805
    }

    /// swish(x) = x · sigmoid(x), also called SiLU.
    public func swish() throws -> Traced { try self * sigmoid() }

    /// Between `low` and `high`.
    public func clipped(_ low: Double, _ high: Double) throws -> Traced {
        try binary(.maximum, scalar(low)).binary(.minimum, scalar(high))
    }
}
