import Engine
import Graph
import Language
import Support
import Tensor

// Values of vz as tensors.
extension TensorObject {
    /// The tensor that `value` is or stands for: a tensor, a number, true or false, a (nested) list
    /// or a range of numbers. `what` begins the message where it is none.
    public static func from(_ value: Value, _ what: String, _ type: ElementType? = nil) throws -> TensorObject
    {
        // By way of float32 whole numbers above 2^24 would lose their last digits.
        let isWide = type == .int32 || type == .float64
        guard let t = try optional(value, isWide: isWide) else {
            throw Failure(
                .type, "\(what) must be a tensor, or numbers in lists, not \(value.typePhrase)")
        }
        guard let type else { return t }
        if type == .int32, value.asObject == nil { try requireInt32(t, what) }
        return try t.converted(to: type)
    }

    private static func requireInt32(_ t: TensorObject, _ what: String) throws {
        let limits = -2_147_483_649.0..<2_147_483_648.0
        guard case .concrete(let tensor) = t.content, tensor.type == .float64,
            let wrong = try tensor.array(of: Double.self).first(where: {
                !limits.contains($0) || $0 == limits.lowerBound
            })
        else { return }
        throw Failure(
            .value, "\(what) holds \(Numbers.text(wrong)), which int32 cannot",
            hint: "int32 goes from -2147483648 to 2147483647; float64 holds whole numbers up to 2^53")
    }

    /// nil where `value` does not stand for a tensor. Numbers become float32, or float64 where `isWide`.
    static func optional(_ value: Value, isWide: Bool = false) throws -> TensorObject? {
        switch value {
        case .object(let o): return o as? TensorObject
        case .number(let x):
            return TensorObject(try Tensor(repeating: x, shape: [], isWide ? .float64 : .float32))
        case .bool(let b): return TensorObject(try Tensor(scalar: b))
        case .range(let r):
            guard let n = r.count else { throw Failure(.value, "a range without an end cannot be a tensor") }
            guard n <= 1 << 28 else {
                throw Failure(.memory, "a range of \(n) numbers is too long for a tensor")
            }
            if isWide { return TensorObject(try Tensor(LongWork.list(n) { r.element($0) }, shape: [n])) }
            return TensorObject(try Tensor(LongWork.list(n) { Float(r.element($0)) }, shape: [n]))
        case .list(let l): return try fromList(l, isWide)
        default: return nil
        }
    }

    /// True where `value` could be the tensor of an operation.
    static func isTensorLike(_ value: Value) -> Bool {
        switch value {
        case .object(let o): o is TensorObject
        case .list(let l): l.items.first.map(isTensorLike) ?? false || l.items.first?.asNumber != nil
        default: false
        }
    }

    private static func fromList(_ list: List, _ isWide: Bool) throws -> TensorObject? {
        var collector = Collector()
        if try collector.collect(.list(list), 0) {
            if collector.isBool, !collector.values.isEmpty {
                return TensorObject(try Tensor(collector.values.map { $0 != 0 }, shape: collector.shape))
            }
            if isWide { return TensorObject(try Tensor(collector.values, shape: collector.shape)) }
            return TensorObject(try Tensor(collector.values.map(Float.init), shape: collector.shape))
        }
        // Tensors among the items: they become rows.
        let parts = try list.items.map { try from($0, "each item of the list") }
        return try stacked(parts, axis: 0)
    }

    /// Numbers of nested lists, with the shape that they fill.
    private struct Collector {
        var shape: [Int] = []
        var values: [Double] = []
        var isBool = true
        private var isShapeKnown = false

        /// False where something else than numbers is met.
        mutating func collect(_ value: Value, _ depth: Int) throws -> Bool {
            switch value {
            case .number(let x):
                values.append(x)
                isBool = false
            case .bool(let b): values.append(b ? 1 : 0)
            case .list(let l):
                guard depth < Shape.maximumRank else {
                    throw Failure(
                        .shape, "a tensor has at most \(Shape.maximumRank) axes; the list is nested deeper")
                }
                if !isShapeKnown { shape.append(l.count) }
                guard depth < shape.count, shape[depth] == l.count else { throw ragged(depth, l.count) }
                for item in l.items { if try !collect(item, depth + 1) { return false } }
                if l.items.isEmpty { isShapeKnown = true }
                return true
            default: return false
            }
            guard !isShapeKnown || depth == shape.count else { throw ragged(depth, nil) }
            isShapeKnown = true
            return true
        }

        private func ragged(_ depth: Int, _ count: Int?) -> Failure {
            let found = count.map { "a list of \($0)" } ?? "a number"
            let wanted = depth < shape.count ? "a list of \(shape[depth])" : "a number"
            return Failure(
                .shape, "the lists do not fill a tensor: \(found) stands where \(wanted) is due",
                hint: "all rows must have equal lengths")
        }
    }

    // MARK: One computation on tensors at hand or traced

    /// The values as parts of one trace; those at hand become its inputs.
    static func lifted(_ operands: [TensorObject]) throws -> [Traced] {
        var graph: Graph?
        for case .traced(let t) in operands.map(\.content) { graph = t.graph }
        guard let graph else { throw Failure(.value, "nothing is being traced") }
        return operands.map { operand in
            switch operand.content {
            case .traced(let t): t
            case .concrete(let t): Trace.constant(t, in: graph)
            }
        }
    }

    /// Run or record the computation `trace` on `operands`; `name` and `options` are all that it
    /// depends on.
    static func compute(
        _ name: String, _ options: [Double] = [], _ operands: [TensorObject],
        _ trace: ([Traced]) throws -> Traced
    ) throws -> Value {
        var tensors: [Tensor] = []
        tensors.reserveCapacity(operands.count)
        for operand in operands {
            guard case .concrete(let t) = operand.content else {
                let weak = operands.allSatisfy(\.isWeak)
                return .object(TensorObject(try trace(lifted(operands)), isWeak: weak))
            }
            tensors.append(t)
        }
        return try value(Eager.run(Eager.Key(name, options), tensors, trace))
    }

    /// The same for two operands, without the way over a list where both are at hand.
    static func compute(
        _ name: String, _ a: TensorObject, _ b: TensorObject, _ trace: ([Traced]) throws -> Traced
    ) throws -> Value {
        guard case .concrete(let x) = a.content, case .concrete(let y) = b.content else {
            return try compute(name, [], [a, b], trace)
        }
        return try value(Eager.run(Eager.Key(name), [x, y], trace))
    }

    /// The same where a tensor is wanted even for a single number.
    static func computeTensor(
        _ name: String, _ options: [Double] = [], _ operands: [TensorObject],
        _ trace: ([Traced]) throws -> Traced
    ) throws -> TensorObject {
        if operands.contains(where: \.isTraced) {
            return TensorObject(try trace(lifted(operands)), isWeak: operands.allSatisfy(\.isWeak))
        }
        return TensorObject(
            try Eager.run(Eager.Key(name, options), operands.map { try $0.tensor(for: name) }, trace))
    }

    // MARK: Views

    func converted(to type: ElementType) throws -> TensorObject {
        switch content {
        case .concrete(let t): type == t.type ? self : TensorObject(try t.converted(to: type))
        case .traced(let t): TensorObject(try t.cast(type))
        }
    }

    func transposed(_ order: [Int]) throws -> Value {
        switch content {
        case .concrete(let t): .object(TensorObject(try t.transposed(order)))
        case .traced(let t): .object(TensorObject(try t.transposed(order)))
        }
    }

    func reshaped(_ shape: [Int]) throws -> TensorObject {
        switch content {
        case .concrete(let t): TensorObject(try t.reshaped(shape))
        case .traced(let t): TensorObject(try t.reshaped(shape))
        }
    }

    func broadcasted(to shape: [Int]) throws -> TensorObject {
        switch content {
        case .concrete(let t): TensorObject(try t.broadcasted(to: shape))
        case .traced(let t): TensorObject(try t.broadcasted(to: shape))
        }
    }

    static func concatenated(_ parts: [TensorObject], axis: Int) throws -> TensorObject {
        guard let first = parts.first else { throw Failure(.argument, "concat: nothing to join") }
        if parts.count == 1 { return first }
        let axis = try Shape.axis(axis, rank: first.shape.count, "concat")
        let type = parts.reduce(first.elementType) { ElementType.promoted($0, $1.elementType) }
        let same = try parts.map { try $0.converted(to: type) }
        return try computeTensor("concat", [Double(axis)], same) { try Traced.concatenated($0, axis: axis) }
    }

    static func stacked(_ parts: [TensorObject], axis: Int) throws -> TensorObject {
        guard let first = parts.first else { throw Failure(.argument, "stack: nothing to join") }
        for part in parts where part.shape != first.shape {
            throw Failure(
                .shape,
                "stack: shapes \(Shape.describe(first.shape)) and \(Shape.describe(part.shape)) differ",
                hint: "concat joins tensors along an axis that they have")
        }
        let axis = try Shape.axis(axis, rank: first.shape.count + 1, "stack")
        var shape = first.shape
        shape.insert(1, at: axis)
        return try concatenated(parts.map { try $0.reshaped(shape) }, axis: axis)
    }
}
