import Engine
import Graph
import Language
import Support
import Tensor

/// A tensor as vz sees it: numbers at hand, or a value of a computation that is being traced (by
/// `grad`, `jit`, a layer written in vz). Both take the same operators and functions.
public class TensorObject: VZObject {
    public enum Content {
        case concrete(Tensor)
        case traced(Traced)
    }
    public private(set) var content: Content
    /// A traced number: it takes the type of the tensor that it meets, as plain numbers do.
    let isWeak: Bool

    public init(_ tensor: Tensor) {
        content = .concrete(tensor)
        isWeak = false
    }

    public init(_ traced: Traced, isWeak: Bool = false) {
        content = .traced(traced)
        self.isWeak = isWeak
    }

    /// What a computation gives back to vz: a single number is a number, anything else a tensor.
    public static func value(_ tensor: Tensor) throws -> Value {
        guard tensor.rank == 0 else { return .object(TensorObject(tensor)) }
        let x = try tensor.scalarValue()
        if tensor.type == .bool { return .bool(x != 0) }
        return .number(tensor.type == .float32 ? decimal(Float(x)) : x)
    }

    /// The decimal number that a float32 is written as: 0.1, not 0.10000000149. It reads back as the
    /// same float32.
    static func decimal(_ x: Float) -> Double {
        if x == x.rounded(), abs(x) < 16_777_216 { return Double(x) }
        return x.isFinite ? Double(x.description) ?? Double(x) : Double(x)
    }

    public var type: ValueType {
        switch content {
        case .concrete(let t): ValueType(t.shape, t.type)
        case .traced(let t): t.type
        }
    }
    public var shape: [Int] { type.shape }
    public var elementType: ElementType { type.type }

    public var isTraced: Bool { if case .traced = content { true } else { false } }

    /// The numbers. Throws where the tensor is being traced; `what` says what wanted them.
    public func tensor(for what: String) throws -> Tensor {
        switch content {
        case .concrete(let t): return t
        case .traced: throw Self.unknown(what)
        }
    }

    /// The numbers, where there are any: of a value that `grad` traces they are worked out.
    private func known() throws -> Tensor? {
        switch content {
        case .concrete(let t): t
        case .traced(let t): try Trace.current?.numbers(of: t)
        }
    }

    static func unknown(_ what: String) -> Failure {
        let isKept = Trace.current?.isKept ?? true
        Trace.current?.refuse()
        return Failure(
            .value,
            "\(what) needs the numbers of a tensor, but this one is being traced\(isKept ? ": it has none yet" : "")",
            hint: isKept
                ? "what layers, losses and optimizers record must hold for all numbers: choose with where(condition, a, b), or decide outside"
                : "a number that is taken out of a tensor has no gradient: stay with tensors, such as t[0], sum(t), where(condition, a, b)"
        )
    }

    // MARK: Members

    public var typeName: String { "tensor" }
    public var memberNames: [String] {
        ["shape", "type", "size", "rank", "T", "values", "list", "item", "bytes"]
    }

    public var lateMembers: [String: String] {
        ["T": "tensor", "values": "list", "list": "list", "item": "number"]
    }

    public func memberDoc(_ name: String) -> String? {
        switch name {
        case "shape": "lengths of the axes, outermost first"
        case "type": "element type: \"float32\", \"float64\", \"int32\" or \"bool\""
        case "size": "number of elements"
        case "rank": "number of axes"
        case "T": "the axes in reverse order"
        case "values", "list": "the elements as a list (of lists)"
        case "item": "the only element as a number"
        case "bytes": "bytes of memory that the elements take"
        default: nil
        }
    }

    public func member(_ name: String) throws -> Value? {
        switch name {
        case "shape": return Value(shape.map(Double.init))
        case "type": return Value("\(elementType)")
        case "size": return Value(type.count)
        case "rank": return Value(shape.count)
        case "bytes": return Value(type.count * elementType.size)
        case "T": return try transposed(Array(shape.indices.reversed()))
        case "values", "list": return try Self.nested(tensor(for: "`.\(name)`"))
        case "item":
            let t = try tensor(for: "`.item`")
            _ = try t.scalarValue()
            return try Self.value(t.reshaped([]))
        default: return nil
        }
    }

    /// The elements as nested lists.
    static func nested(_ t: Tensor) throws -> Value {
        guard t.rank > 0 else { return try value(t) }
        guard t.rank > 1 else {
            try Limits.checkList(t.count)
            switch t.type {
            case .bool: return .list(try t.array(of: Bool.self).map { .bool($0) })
            case .float32:
                let numbers = try t.array(of: Float.self)
                return .list(List(try LongWork.list(numbers.count) { .number(decimal(numbers[$0])) }))
            case .int32, .float64: return Value(try t.array(of: Double.self))
            }
        }
        return .list(try (0..<t.shape[0]).map { try nested(t[[.position($0)]]) })
    }

    // MARK: Counting and looping

    public var count: Int? { shape.first }

    public func elements() throws -> (() throws -> Value?)? {
        guard let n = shape.first else { return nil }
        // The elements of a vector are taken out at once.
        if case .concrete(let t) = content, t.rank == 1, let items = try Self.nested(t).asList {
            var next = 0
            return {
                guard next < items.count else { return nil }
                defer { next += 1 }
                return items.items[next]
            }
        }
        var next = 0
        return { [self] in
            guard next < n else { return nil }
            defer { next += 1 }
            return try index([Value(next)])
        }
    }

    public func contains(_ value: Value) throws -> Bool? {
        guard let x = try value.asNumber ?? value.asObject?.plainValue()?.asNumber else { return nil }
        guard let t = try known() else { throw Self.unknown("`in`") }
        return try t.array(of: Double.self).contains(elementType == .float32 ? Double(Float(x)) : x)
    }

    // MARK: Indexing

    public func index(_ indices: [Value]) throws -> Value {
        if let mask = Self.mask(indices) { return try masked(mask) }
        if let (axis, places) = tracedPositions(indices) { return try gather(indices, axis: axis, places) }
        if let (axis, places) = try gathered(indices) { return try gather(indices, axis: axis, places) }
        let box = try IndexBox(indices, shape: shape)
        switch content {
        case .concrete(let t): return try Self.value(box.view(of: t))
        case .traced(let t): return .object(TensorObject(try box.slice(of: t)))
        }
    }

    public func setIndex(_ indices: [Value], to value: Value) throws {
        guard case .concrete(var tensor) = content else {
            throw Failure(
                .value, "the elements of a tensor that is being traced cannot be set",
                hint: "make a new one: where(condition, a, b), concat, pad")
        }
        let values = try TensorObject.from(value, "the new elements").tensor(for: "setting elements")
        let box = try IndexBox(indices, shape: shape)
        guard Shape.broadcast(values.shape, box.resultShape) == box.resultShape else {
            throw Failure(
                .shape,
                "values of shape \(Shape.describe(values.shape)) do not fit a place of shape \(Shape.describe(box.resultShape))"
            )
        }
        // Let go of the memory first: only a sole owner writes in place.
        content = .concrete(values)
        defer { content = .concrete(tensor) }
        try tensor.assign(values) { t throws(Failure) in box.view(of: t) }
    }

    // MARK: Showing and comparing

    public var summary: String {
        guard let t = try? known() else { return "<traced \(type)>" }
        if isTraced, t.rank == 0, let value = try? Self.value(t) { return value.text }
        return TensorText.summary(t)
    }

    public func plainValue() throws -> Value? {
        guard isTraced else { return nil }
        guard let t = try known() else { throw Self.unknown("a comparison") }
        return t.rank == 0 ? try Self.value(t) : nil
    }

    public func display(width: Int) -> String {
        guard let t = try? known(), !isTraced || t.rank > 0 else { return summary }
        return (try? TensorText.display(t, width: width)) ?? summary
    }

    public func truth() throws -> Bool {
        guard let t = try known() else { throw Self.unknown("a condition") }
        // Outside of a trace it would be a number.
        if isTraced, t.rank == 0, t.type != .bool { return try Value.number(0).truth() }
        guard t.count == 1 else {
            throw Failure(
                .type, "a condition must be true or false, not a tensor of shape \(Shape.describe(t.shape))",
                hint: "write all(t), any(t), or compare one number: `sum(t) > 0`")
        }
        return try t.scalarValue() != 0
    }

    public func isEqual(_ other: any VZObject) -> Bool {
        if self === other { return true }
        guard let other = other as? TensorObject, let a = try? known(), let b = try? other.known(),
            a.shape == b.shape,
            let x = try? a.array(of: Double.self), let y = try? b.array(of: Double.self)
        else { return false }
        return x == y
    }
}
