import Support
import Tensor

/// What a convolution's three directions share.
///
/// Axes: input [batch, spatial…, channels], kernel [window…, channels / groups, filters], result
/// [batch, spatial…, filters]. As everywhere in the field it is the cross-correlation.
public struct ConvolutionGeometry: Hashable, Sendable {
    /// One window for each spatial axis.
    public var windows: [Window]
    public var groups: Int

    public init(windows: [Window], groups: Int = 1) {
        self.windows = windows
        self.groups = groups
    }

    var label: String { "conv\(windows.count)d" }

    /// Shape of the result for input and kernel shapes, checked.
    func outputShape(_ x: [Int], _ w: [Int]) throws -> [Int] {
        let n = windows.count
        guard x.count == n + 2 else {
            let axes = n == 1 ? "[batch, length, channels]" : "[batch, height, width, channels]"
            throw Failure(
                .shape, "\(label): the input has shape \(Shape.describe(x)), expected \(axes)",
                hint: x.count == n + 1 ? "add the batch axis: reshape to \(Shape.describe([1] + x))" : nil)
        }
        guard w.count == n + 2 else {
            let axes = n == 1 ? "[size, channels, filters]" : "[height, width, channels, filters]"
            throw Failure(.shape, "\(label): the kernel has shape \(Shape.describe(w)), expected \(axes)")
        }
        let (channels, filters) = (x[n + 1], w[n + 1])
        guard groups >= 1, channels == w[n] * groups, filters % groups == 0, filters > 0, channels > 0 else {
            throw Failure(
                .shape,
                "\(label): an input of \(channels) channels does not fit a kernel of shape \(Shape.describe(w))"
                    + (groups == 1 ? "" : " in \(groups) groups"),
                hint: "the kernel's axis before the last counts the input's channels"
                    + (groups == 1 ? "" : " of one group"))
        }
        for i in 0..<n {
            guard windows[i].size == w[i] else {
                throw Failure(
                    .shape, "\(label): window \(windows[i].size) does not match kernel \(Shape.describe(w))")
            }
            guard windows[i].outputLength(x[i + 1]) > 0 else {
                throw Failure(
                    .shape,
                    "\(label): a kernel of \(windows[i].span) does not fit into an axis of \(x[i + 1])"
                        + (windows[i].padBefore + windows[i].padAfter > 0
                            ? " padded by \(windows[i].padBefore + windows[i].padAfter)" : ""),
                    hint: "use padding = \"same\", a shorter kernel or a longer input")
            }
        }
        return [x[0]] + (0..<n).map { windows[$0].outputLength(x[$0 + 1]) } + [filters]
    }

    /// Calls `body(x index, w index, y index)` for each multiplication of the convolution.
    func forEachProduct(x: [Int], w: [Int], y: [Int], _ body: (Int, Int, Int) -> Void) {
        let n = windows.count
        let (xs, ws, ys) = (Shape.strides(x), Shape.strides(w), Shape.strides(y))
        let perGroup = w[n + 1] / groups
        forEachIndex(Array(y[..<(n + 1)])) { _, place in
            forEachIndex(Array(w[..<n])) { _, tap in
                var xAt = place[0] * xs[0]
                var yAt = place[0] * ys[0]
                var wAt = 0
                for i in 0..<n {
                    let window = windows[i]
                    let p = place[i + 1] * window.stride + tap[i] * window.dilation - window.padBefore
                    if p < 0 || p >= x[i + 1] { return }
                    xAt += p * xs[i + 1]
                    yAt += place[i + 1] * ys[i + 1]
                    wAt += tap[i] * ws[i]
                }
                for filter in 0..<w[n + 1] {
                    let firstChannel = filter / perGroup * w[n]
                    for channel in 0..<w[n] {
                        body(xAt + firstChannel + channel, wAt + channel * ws[n] + filter, yAt + filter)
                    }
                }
            }
        }
    }
}

/// (input, kernel) → result.
public struct Convolution: Operation {
    public let geometry: ConvolutionGeometry
    public init(_ geometry: ConvolutionGeometry) { self.geometry = geometry }
    public var name: String { geometry.label }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat(inputs, name)
        return ValueType(
            try geometry.outputShape(inputs[0].shape, inputs[1].shape),
            ElementType.promoted(inputs[0].type, inputs[1].type))
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (x, w, dy) = (c.inputs[0], c.inputs[1], c.cotangent)
        return [
            c.needed[0]
                ? try c.graphAdd(ConvolutionInputGradient(geometry, inputShape: x.shape), [dy, w]) : nil,
            c.needed[1]
                ? try c.graphAdd(ConvolutionKernelGradient(geometry, kernelShape: w.shape), [x, dy]) : nil,
        ]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let (x, w) = (inputs[0], inputs[1])
        var y = ReferenceArray(try geometry.outputShape(x.shape, w.shape))
        geometry.forEachProduct(x: x.shape, w: w.shape, y: y.shape) { i, j, k in
            y.values[k] += x.values[i] * w.values[j]
        }
        return y
    }
}

/// (result's cotangent, kernel) → input's cotangent; by another name the transposed convolution.
public struct ConvolutionInputGradient: Operation {
    public let geometry: ConvolutionGeometry
    public let inputShape: [Int]

    public init(_ geometry: ConvolutionGeometry, inputShape: [Int]) {
        self.geometry = geometry
        self.inputShape = inputShape
    }
    public var name: String { geometry.label + "_transpose" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat(inputs, name)
        let expected = try geometry.outputShape(inputShape, inputs[1].shape)
        guard inputs[0].shape == expected else {
            throw Failure(
                .shape,
                "\(name): the input has shape \(Shape.describe(inputs[0].shape)), expected \(Shape.describe(expected))"
            )
        }
        return ValueType(inputShape, ElementType.promoted(inputs[0].type, inputs[1].type))
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (dy, w, ddx) = (c.inputs[0], c.inputs[1], c.cotangent)
        return [
            c.needed[0] ? try c.graphAdd(Convolution(geometry), [ddx, w]) : nil,
            c.needed[1]
                ? try c.graphAdd(ConvolutionKernelGradient(geometry, kernelShape: w.shape), [ddx, dy]) : nil,
        ]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let (dy, w) = (inputs[0], inputs[1])
        var dx = ReferenceArray(inputShape)
        geometry.forEachProduct(x: inputShape, w: w.shape, y: dy.shape) { i, j, k in
            dx.values[i] += dy.values[k] * w.values[j]
        }
        return dx
    }
}

/// (input, result's cotangent) → kernel's cotangent.
public struct ConvolutionKernelGradient: Operation {
    public let geometry: ConvolutionGeometry
    public let kernelShape: [Int]

    public init(_ geometry: ConvolutionGeometry, kernelShape: [Int]) {
        self.geometry = geometry
        self.kernelShape = kernelShape
    }
    public var name: String { geometry.label + "_kernel_gradient" }

    public func result(_ inputs: [ValueType]) throws -> ValueType {
        try requireFloat(inputs, name)
        let expected = try geometry.outputShape(inputs[0].shape, kernelShape)
        guard inputs[1].shape == expected else {
            throw Failure(
                .shape,
                "\(name): the cotangent has shape \(Shape.describe(inputs[1].shape)), expected \(Shape.describe(expected))"
            )
        }
        return ValueType(kernelShape, ElementType.promoted(inputs[0].type, inputs[1].type))
    }

    public func gradient(_ c: GradientContext) throws -> [Traced?] {
        let (x, dy, ddw) = (c.inputs[0], c.inputs[1], c.cotangent)
        return [
            c.needed[0]
                ? try c.graphAdd(ConvolutionInputGradient(geometry, inputShape: x.shape), [dy, ddw]) : nil,
            c.needed[1] ? try c.graphAdd(Convolution(geometry), [x, ddw]) : nil,
        ]
    }

    public func reference(_ inputs: [ReferenceArray]) throws -> ReferenceArray {
        let (x, dy) = (inputs[0], inputs[1])
        var dw = ReferenceArray(kernelShape)
        geometry.forEachProduct(x: x.shape, w: kernelShape, y: dy.shape) { i, j, k in
            dw.values[j] += x.values[i] * dy.values[k]
        }
        return dw
    }
}

func requireFloat(_ inputs: [ValueType], _ name: String) throws {
    for input in inputs where !input.type.isFloat {
        throw Failure(
            .type, "\(name) works on float tensors, not \(input.type)", hint: "convert it with float(…)")
    }
}

extension Traced {
    /// Convolution of [batch, spatial…, channels] with `kernel` [window…, channels / groups, filters].
    public func convolved(
        with kernel: Traced, strides: [Int]? = nil, dilations: [Int]? = nil, groups: Int = 1,
        padding: Padding = .same
    ) throws -> Traced {
        let n = kernel.rank - 2
        let geometry = ConvolutionGeometry(
            windows: [Window](repeating: Window(size: 1), count: Swift.max(n, 1)))
        guard n >= 1, rank == n + 2 else {
            _ = try geometry.outputShape(shape, kernel.shape)
            throw Failure(.shape, "convolution: the kernel needs at least three axes")
        }
        let windows = try padding.windows(
            lengths: Array(shape[1...n]), sizes: Array(kernel.shape[..<n]),
            strides: strides ?? [Int](repeating: 1, count: n),
            dilations: dilations ?? [Int](repeating: 1, count: n), geometry.label)
        // Fast kernels do not reach far into the padding, so a long one is laid out first: 400 samples
        // of waveform took a thousand times as long otherwise.
        if n == 1, Swift.max(windows[0].padBefore, windows[0].padAfter) > 24 {
            let ends = (windows[0].padBefore, windows[0].padAfter)
            return try padded([(0, 0), ends, (0, 0)]).convolved(
                with: kernel, strides: strides, dilations: dilations, groups: groups, padding: .valid)
        }
        return try graph.add(
            Convolution(ConvolutionGeometry(windows: windows, groups: groups)), [self, kernel])
    }
}
