import Support
import Tensor

/// What pooling operations share: windows over the spatial axes of [batch, spatial…, channels].
public struct PoolGeometry: Hashable, Sendable {
    public var windows: [Window]
    public init(_ windows: [Window]) { self.windows = windows }

    func outputShape(_ x: [Int], _ name: String) throws -> [Int] {
        let n = windows.count
        guard x.count == n + 2 else {
            let axes = n == 1 ? "[batch, length, channels]" : "[batch, height, width, channels]"
            throw Failure(.shape, "\(name): the input has shape \(Shape.describe(x)), expected \(axes)")
        }
        for i in 0..<n where windows[i].outputLength(x[i + 1]) <= 0 {
            throw Failure(
                .shape, "\(name): a window of \(windows[i].size) does not fit into an axis of \(x[i + 1])",
                hint: "use padding = \"same\", a smaller window, or fewer pooling layers")
        }
        for window in windows where window.padBefore >= window.span || window.padAfter >= window.span {
            throw Failure(.argument, "\(name): padding must be smaller than the window of \(window.size)")
        }
        return [x[0]] + (0..<n).map { windows[$0].outputLength(x[$0 + 1]) } + [x[n + 1]]
    }

    /// Calls `body(y index, x indices under the window)`; positions in the padding are left out.
    func forEachWindow(x: [Int], y: [Int], _ body: (Int, [Int]) -> Void) {
        let n = windows.count
        let xs = Shape.strides(x)
        let taps = windows.map(\.size)
        forEachIndex(y) { flat, place in
            var under: [Int] = []
            forEachIndex(taps) { _, tap in
                var at = place[0] * xs[0] + place[n + 1]
                for i in 0..<n {
                    let p =
                        place[i + 1] * windows[i].stride + tap[i] * windows[i].dilation - windows[i].padBefore
                    if p < 0 || p >= x[i + 1] { return }
                    at += p * xs[i + 1]
                }
                under.append(at)
            }
            body(flat, under)
        }
    }

    /// The x index that holds each window's greatest value: the first of equals.
    func winners(_ x: ReferenceArray, y: [Int]) -> [Int] {
        var result = [Int](repeating: 0, count: y.reduce(1, *))
        forEachWindow(x: x.shape, y: y) { flat, under in
            guard var best = under.first else { return }
            for i in under where x.values[i] > x.values[best] || (x.values[i].isNaN && !x.values[best].isNaN)
            {
                best = i
            }
            result[flat] = best
        }
        return result
    }
}

/// The greatest value under each window.
public struct MaxPool: Operation {
    public let geometry: PoolGeometry
    public init(_ geometry: PoolGeometry) { self.geometry = geometry }
    public var name: String { "maxpool\(geometry.windows.count)d" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat(inputs, name)
        return ValueType(try geometry.outputShape(inputs[0].shape, name), inputs[0].type)
    }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.graphAdd(MaxPoolGradient(geometry), [c.inputs[0], c.cotangent])]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let shape = try geometry.outputShape(inputs[0].shape, name)
        return ReferenceArray(shape, geometry.winners(inputs[0], y: shape).map { inputs[0].values[$0] })
    }
}

/// (input, result's cotangent) → input's cotangent: each goes to the position that won its window.
public struct MaxPoolGradient: Operation {
    public let geometry: PoolGeometry
    public init(_ geometry: PoolGeometry) { self.geometry = geometry }
    public var name: String { "maxpool\(geometry.windows.count)d_gradient" }

    public func result(_ inputs: [ValueType]) throws -> ValueType { inputs[0] }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [nil, try c.graphAdd(MaxPoolSelection(geometry), [c.inputs[0], c.cotangent])]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        var dx = ReferenceArray(inputs[0].shape)
        for (flat, winner) in geometry.winners(inputs[0], y: inputs[1].shape).enumerated() {
            dx.values[winner] += inputs[1].values[flat]
        }
        return dx
    }
}

/// (input, values shaped like it) → of each window, the value where the input's greatest lies.
public struct MaxPoolSelection: Operation {
    public let geometry: PoolGeometry
    public init(_ geometry: PoolGeometry) { self.geometry = geometry }
    public var name: String { "maxpool\(geometry.windows.count)d_selection" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        ValueType(try geometry.outputShape(inputs[0].shape, name), inputs[1].type)
    }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [nil, try c.graphAdd(MaxPoolGradient(geometry), [c.inputs[0], c.cotangent])]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let shape = try geometry.outputShape(inputs[0].shape, name)
        return ReferenceArray(shape, geometry.winners(inputs[0], y: shape).map { inputs[1].values[$0] })
    }
}

/// The mean under each window; positions in the padding do not count.
public struct AveragePool: Operation {
    public let geometry: PoolGeometry
    public init(_ geometry: PoolGeometry) { self.geometry = geometry }
    public var name: String { "avgpool\(geometry.windows.count)d" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat(inputs, name)
        return ValueType(try geometry.outputShape(inputs[0].shape, name), inputs[0].type)
    }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.graphAdd(AveragePoolGradient(geometry, inputShape: c.inputs[0].shape), [c.cotangent])]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        var y = ReferenceArray(try geometry.outputShape(inputs[0].shape, name))
        geometry.forEachWindow(x: inputs[0].shape, y: y.shape) { flat, under in
            y.values[flat] = under.reduce(0) { $0 + inputs[0].values[$1] } / Double(under.count)
        }
        return y
    }
}

/// result's cotangent → input's cotangent.
public struct AveragePoolGradient: Operation {
    public let geometry: PoolGeometry
    public let inputShape: [Int]

    public init(_ geometry: PoolGeometry, inputShape: [Int]) {
        self.geometry = geometry
        self.inputShape = inputShape
    }
    public var name: String { "avgpool\(geometry.windows.count)d_gradient" }

    public func result(_ inputs: [ValueType]) throws -> ValueType { ValueType(inputShape, inputs[0].type) }
    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        [try c.graphAdd(AveragePool(geometry), [c.cotangent])]
    }
    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        var dx = ReferenceArray(inputShape)
        geometry.forEachWindow(x: inputShape, y: inputs[0].shape) { flat, under in
            for i in under { dx.values[i] += inputs[0].values[flat] / Double(under.count) }
        }
        return dx
    }
}

extension Traced {
    private func poolGeometry(
        _ sizes: [Int], _ strides: [Int]?, _ padding: Padding, _ name: String
    ) throws -> PoolGeometry {
        let n = sizes.count
        guard n >= 1, rank == n + 2 else {
            let axes = n == 1 ? "[batch, length, channels]" : "[batch, height, width, channels]"
            throw Failure(.shape, "\(name): the input has shape \(Shape.describe(shape)), expected \(axes)")
        }
        return PoolGeometry(
            try padding.windows(
                lengths: Array(shape[1...n]), sizes: sizes, strides: strides ?? sizes,
                dilations: [Int](repeating: 1, count: n), name))
    }

    /// Greatest value under windows of `sizes`; strides are the sizes where not given.
    public func maxPooled(_ sizes: [Int], strides: [Int]? = nil, padding: Padding = .valid) throws -> Traced {
        let geometry = try poolGeometry(sizes, strides, padding, "maxpool\(sizes.count)d")
        return try graph.add(MaxPool(geometry), [self])
    }

    /// Mean under windows of `sizes`; strides are the sizes where not given.
    public func averagePooled(
        _ sizes: [Int], strides: [Int]? = nil, padding: Padding = .valid
    ) throws -> Traced {
        let geometry = try poolGeometry(sizes, strides, padding, "avgpool\(sizes.count)d")
        return try graph.add(AveragePool(geometry), [self])
    }
}
