import Graph
import Support
import Tensor

/// Greatest value or mean under windows; strides are the window's lengths unless given, "valid" by
/// default, so lengths round down ("same" rounds up).
public struct PoolLayer: LayerKind {
    public let isMaximum: Bool
    public let size: [Int]
    public let stride: [Int]
    public let padding: LayerPadding

    public init(
        maximum isMaximum: Bool, size: [Int], stride: [Int] = [], padding: LayerPadding = .valid
    ) throws(Failure) {
        self.isMaximum = isMaximum
        self.size = size
        self.stride = stride.isEmpty ? size : stride
        self.padding = padding
        guard 1...2 ~= size.count else {
            throw Failure(.argument, "pooling: the window has one or two lengths, not \(size.count)")
        }
        try checkLengths(size, "size", rank: size.count, kind)
        try checkLengths(self.stride, "stride", rank: size.count, kind)
    }
    init(maximum isMaximum: Bool, _ o: Options) throws {
        try self.init(
            maximum: isMaximum, size: o.ints("size"), stride: o.ints("stride"),
            padding: o.padding(default: .valid))
    }

    public var kind: String { "\(isMaximum ? "max" : "avg")pool\(size.count)d" }
    public var options: JSON { ["size": .ints(size), "stride": .ints(stride), "padding": padding.json] }

    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        try checkSpatial(Array(inputs[0].shape.dropFirst()), rank: size.count, kind)
        let padding = try padding.padding(sizes: size, dilations: size.map { _ in 1 })
        return isMaximum
            ? try inputs[0].maxPooled(size, strides: stride, padding: padding)
            : try inputs[0].averagePooled(size, strides: stride, padding: padding)
    }
}

/// Greatest value or mean of each channel over all spatial axes: [batch, spatial…, C] → [batch, C].
public struct GlobalPoolLayer: LayerKind {
    public let isMaximum: Bool
    public let rank: Int

    public init(maximum isMaximum: Bool, rank: Int) {
        self.isMaximum = isMaximum
        self.rank = rank
    }

    public var kind: String { "global_\(isMaximum ? "max" : "avg")pool\(rank)d" }

    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        try checkSpatial(Array(inputs[0].shape.dropFirst()), rank: rank, kind)
        return try inputs[0].reduce(isMaximum ? .max : .mean, axes: Array(1...rank))
    }
}

/// Each position repeated: [length, C] → [length · size, C], the same for height and width.
public struct UpsampleLayer: LayerKind {
    public let size: [Int]

    public init(size: [Int]) throws(Failure) {
        self.size = size
        try checkLengths(size, "size", rank: size.count == 2 ? 2 : 1, "upsample")
    }
    init(_ o: Options) throws { try self.init(size: o.ints("size")) }

    public var kind: String { "upsample\(size.count)d" }
    public var options: JSON { ["size": .ints(size)] }

    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        try checkSpatial(Array(inputs[0].shape.dropFirst()), rank: size.count, kind)
        return try inputs[0].upsampled(size)
    }
}

/// Zeros before and after each spatial axis.
public struct ZeroPaddingLayer: LayerKind {
    /// (before, after) for each spatial axis.
    public let padding: [[Int]]

    public init(_ padding: [[Int]]) throws(Failure) {
        self.padding = padding
        guard 1...2 ~= padding.count,
            padding.allSatisfy({ $0.count == 2 && $0.allSatisfy { 0...(1 << 30) ~= $0 } })
        else { throw Failure(.argument, "zero_padding: a pair (before, after) for each of one or two axes") }
    }
    init(_ o: Options) throws { try self.init(o.pairs("padding")) }

    public var kind: String { "zero_padding\(padding.count)d" }
    public var options: JSON { ["padding": .array(padding.map(JSON.ints))] }

    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        try checkSpatial(Array(inputs[0].shape.dropFirst()), rank: padding.count, kind)
        return try inputs[0].padded([(0, 0)] + padding.map { ($0[0], $0[1]) } + [(0, 0)])
    }
}

/// Takes positions away before and after each spatial axis.
public struct CroppingLayer: LayerKind {
    public let cropping: [[Int]]

    public init(_ cropping: [[Int]]) throws(Failure) {
        self.cropping = cropping
        guard 1...2 ~= cropping.count,
            cropping.allSatisfy({ $0.count == 2 && $0.allSatisfy { 0...(1 << 30) ~= $0 } })
        else { throw Failure(.argument, "cropping: a pair (before, after) for each of one or two axes") }
    }
    init(_ o: Options) throws { try self.init(o.pairs("cropping")) }

    public var kind: String { "cropping\(cropping.count)d" }
    public var options: JSON { ["cropping": .array(cropping.map(JSON.ints))] }

    public func trace(_ inputs: [Traced], _: LayerContext) throws -> Traced {
        var x = inputs[0]
        try checkSpatial(Array(x.shape.dropFirst()), rank: cropping.count, kind)
        for (i, pair) in cropping.enumerated() where pair != [0, 0] {
            guard pair[0] + pair[1] < x.shape[i + 1] else {
                throw Failure(.shape, "\(kind): nothing is left of an axis of \(x.shape[i + 1])")
            }
            x = try x.sliced(axis: i + 1, from: pair[0], to: x.shape[i + 1] - pair[1])
        }
        return x
    }
}

extension Options {
    func pairs(_ name: String) throws -> [[Int]] {
        guard let list = json[name]?.array?.compactMap(\.ints) else {
            throw Failure(.file, "\(kind): the option '\(name)' must be a list of pairs")
        }
        return list
    }
}
