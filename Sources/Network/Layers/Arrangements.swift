import Graph
import Support
import Tensor

/// All numbers of a sample in one row.
public struct FlattenLayer: LayerKind {
    public init() {}
    public var kind: String { "flatten" }
    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        let x = inputs[0]
        return try x.reshaped([x.shape.first ?? 1, x.shape.dropFirst().reduce(1, *)])
    }
}

/// The same numbers under another shape (of one sample); one length may be -1.
public struct ReshapeLayer: LayerKind {
    public let shape: [Int]
    public init(_ shape: [Int]) { self.shape = shape }
    init(_ o: Options) throws { try self.init(o.ints("shape")) }

    public var kind: String { "reshape" }
    public var options: JSON { ["shape": .ints(shape)] }
    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        let x = inputs[0]
        let full = try Tensor.completed(shape, count: x.shape.dropFirst().reduce(1, *))
        return try x.reshaped([x.shape[0]] + full)
    }
}

/// Axes of a sample in another order: axis i of the result is axis `order[i]` of the input, from 0.
public struct PermuteLayer: LayerKind {
    public let order: [Int]
    public init(_ order: [Int]) { self.order = order }
    init(_ o: Options) throws { try self.init(o.ints("order")) }

    public var kind: String { "permute" }
    public var options: JSON { ["order": .ints(order)] }
    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        try inputs[0].transposed([0] + order.map { $0 &+ 1 })
    }
}

/// Several values become one.
public struct MergeLayer: LayerKind {
    public enum Rule: String, Sendable, CaseIterable {
        case add, subtract, multiply, average, maximum, minimum, concat
    }
    public let rule: Rule
    /// For concat: the axis of a sample, from 0 or from the end.
    public let axis: Int

    public init(_ rule: Rule, axis: Int = -1) {
        self.rule = rule
        self.axis = axis
    }
    init(_ rule: Rule, _ o: Options) throws { try self.init(rule, axis: o.int("axis", default: -1)) }

    public var kind: String { rule.rawValue }
    public var options: JSON { rule == .concat ? ["axis": .integer(axis)] : [:] }
    public var inputCount: ClosedRange<Int> { rule == .subtract ? 2...2 : 2...(1 << 20) }

    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        guard let first = inputs.first else { throw Failure(.argument, "\(kind): nothing to merge") }
        if rule == .concat {
            let own = try Shape.axis(axis, rank: first.rank - 1, kind)
            return try Traced.concatenated(inputs, axis: own + 1)
        }
        // Batches must never be matched with anything but batches.
        guard inputs.allSatisfy({ $0.rank == first.rank }) else {
            let shapes = inputs.map { Shape.describe(Array($0.shape.dropFirst())) }
            throw Failure(
                .shape, "\(kind): shapes \(shapes.joined(separator: ", ")) have different numbers of axes")
        }
        var sum = first
        for x in inputs.dropFirst() {
            switch rule {
            case .add, .average, .concat: sum = try sum + x
            case .subtract: sum = try sum - x
            case .multiply: sum = try sum * x
            case .maximum: sum = try sum.binary(.maximum, x)
            case .minimum: sum = try sum.binary(.minimum, x)
            }
        }
        return rule == .average ? try sum / Double(inputs.count) : sum
    }
}
