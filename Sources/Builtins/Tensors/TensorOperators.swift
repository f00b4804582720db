import Engine
import Graph
import Language
import Support
import Tensor

extension TensorObject {
    public func binary(_ op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
        if op == .power, !reversed, case .number(let x) = other { return try power(x) }
        guard let partner = try partner(for: other) else { return nil }
        let (a, b) = reversed ? (partner, self) : (self, partner)
        return try Self.binary(op, a, b)
    }

    /// `other` as the second operand beside self; nil where it is none.
    private func partner(for other: Value) throws -> TensorObject? {
        switch other {
        case .number(let x): return try number(x)
        case .bool(let b):
            // A truth value beside a tensor of truth values only: true + t is no arithmetic.
            return elementType == .bool ? TensorObject(try Tensor(scalar: b)) : nil
        case .object(let o):
            guard let t = o as? TensorObject else { return nil }
            guard t.isWeak != isWeak else { return t }
            return t
        case .list: return try TensorObject.optional(other)
        default: return nil
        }
    }

    /// A number beside this tensor: of its type, where that holds it.
    func number(_ x: Double) throws -> TensorObject {
        switch content {
        case .concrete(let t):
            return TensorObject(try Tensor(repeating: x, shape: [], Self.type(of: x, beside: t.type)))
        case .traced(let t):
            return TensorObject(try t.graph.fill(x, Self.type(of: x, beside: t.type.type)), isWeak: true)
        }
    }

    private static func type(of x: Double, beside type: ElementType) -> ElementType {
        if type.isFloat { return type }
        return x == x.rounded() && abs(x) <= 2_147_483_647 ? .int32 : .float32
    }

    /// A traced number that meets a tensor takes its type, so that float64 does not spread.
    private static func matched(_ a: TensorObject, _ b: TensorObject) throws -> (TensorObject, TensorObject) {
        if a.isWeak == b.isWeak { return (a, b) }
        let (weak, strong) = a.isWeak ? (a, b) : (b, a)
        let target = strong.elementType.isFloat ? strong.elementType : .float32
        guard weak.elementType.isFloat, weak.elementType != target else { return (a, b) }
        let cast = try weak.converted(to: target)
        return a.isWeak ? (cast, b) : (a, cast)
    }

    static func binary(_ op: BinaryOperator, _ first: TensorObject, _ second: TensorObject) throws -> Value {
        let (a, b) = try matched(first, second)
        let function: BinaryFunction
        switch op {
        case .add: function = .add
        case .subtract: function = .subtract
        case .multiply: function = .multiply
        case .divide: function = .divide
        case .modulo: function = .remainder
        case .power: function = .power
        case .equal: function = .equal
        case .notEqual: function = .notEqual
        case .less: function = .less
        case .lessEqual: function = .lessEqual
        case .greater: function = .greater
        case .greaterEqual: function = .greaterEqual
        case .floorDivide:
            let isWhole = !a.elementType.isFloat && !b.elementType.isFloat
            return try compute("//", [], [a, b]) {
                // Whole numbers of 32 bits need more digits than float32 has.
                let a = isWhole ? try $0[0].cast(.float64) : $0[0]
                let b = isWhole ? try $0[1].cast(.float64) : $0[1]
                // The quotient that goes with the remainder; a division by 0 or of infinity has none.
                let direct = try (a / b).unary(.floor)
                let exact = try ((a - a.binary(.remainder, b)) / b).unary(.round)
                let quotient = try exact.unary(.isNaN).select(direct, exact)
                return isWhole ? try quotient.cast(.int32) : quotient
            }
        case .matmul:
            do { return try matmul(a, b) } catch var failure as Failure
                where failure.message.hasPrefix("matmul:")
            {
                failure.message = "@" + failure.message.dropFirst(6)
                throw failure
            }
        }
        return try compute(function.name, a, b) {
            function == .power ? try $0[0].power($0[1]) : try $0[0].binary(function, $0[1])
        }
    }

    private func power(_ x: Double) throws -> Value {
        // These have forms of their own that are faster and exact.
        if x == 1 || x == 2 || x == 0.5 || x == -1 {
            return try Self.compute("^", [x], [self]) { try $0[0].power($0[0].scalar(x)) }
        }
        return try Self.binary(.power, self, number(x))
    }

    /// The matrix product as NumPy takes it: a vector is a row before, a column behind.
    static func matmul(_ a: TensorObject, _ b: TensorObject) throws -> Value {
        // Matrices at hand take no detours: this is what loops of small products wait for.
        if case .concrete(let x) = a.content, case .concrete(let y) = b.content, x.rank == 2, y.rank == 2 {
            return .object(TensorObject(try Eager.run(Eager.Key("@"), [x, y]) { try $0[0].matmul($0[1]) }))
        }
        let (rowOnly, columnOnly) = (a.shape.count == 1, b.shape.count == 1)
        guard !a.shape.isEmpty, !b.shape.isEmpty else {
            throw Failure(
                .shape,
                "@: shapes \(Shape.describe(a.shape)) and \(Shape.describe(b.shape)): a single number is no matrix",
                hint: "write `*`")
        }
        return try compute("@", a, b) { v in
            var (x, y) = (v[0], v[1])
            if rowOnly { x = try x.reshaped([1] + x.shape) }
            if columnOnly { y = try y.reshaped(y.shape + [1]) }
            let product = try x.matmul(y)
            var shape = product.shape
            if columnOnly { shape.removeLast() }
            if rowOnly { shape.remove(at: shape.count - (columnOnly ? 1 : 2)) }
            return try product.reshaped(shape)
        }
    }

    public func unary(_ op: UnaryOperator) throws -> Value? {
        switch op {
        case .plus: return .object(self)
        case .negate: return try Self.compute("negate", [], [self]) { try $0[0].unary(.negate) }
        case .not: return try Self.compute("not", [], [self]) { try $0[0].unary(.not) }
        }
    }
}
