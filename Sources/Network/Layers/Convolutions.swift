import Graph
import Support
import Tensor

/// What the convolutions share: how many filters, the window, and what comes after.
public struct ConvolutionOptions: Hashable, Sendable {
    public var filters: Int
    /// One length for each spatial axis.
    public var kernel: [Int]
    public var stride: [Int]
    public var dilation: [Int]
    /// "same" unless told otherwise.
    public var padding: LayerPadding
    public var bias: Bool
    public var activation: Activation?
    public var kernelInitializer: Initializer
    public var biasInitializer: Initializer
    public var kernelRegularizer: Regularizer?

    /// `stride` and `dilation` empty: all ones.
    public init(
        filters: Int, kernel: [Int], stride: [Int] = [], dilation: [Int] = [], padding: LayerPadding = .same,
        bias: Bool = true, activation: Activation? = nil, kernelInitializer: Initializer = .glorotUniform,
        biasInitializer: Initializer = .zeros, kernelRegularizer: Regularizer? = nil
    ) throws(Failure) {
        self.filters = filters
        self.kernel = kernel
        self.stride = stride.isEmpty ? kernel.map { _ in 1 } : stride
        self.dilation = dilation.isEmpty ? kernel.map { _ in 1 } : dilation
        self.padding = padding
        self.bias = bias
        self.activation = activation
        self.kernelInitializer = kernelInitializer
        self.biasInitializer = biasInitializer
        self.kernelRegularizer = kernelRegularizer
        try checkLength(filters, "filters", "convolution")
        try checkLengths(kernel, "kernel", rank: kernel.count, "convolution")
        try checkLengths(self.stride, "stride", rank: kernel.count, "convolution")
        try checkLengths(self.dilation, "dilation", rank: kernel.count, "convolution")
        guard 1...2 ~= kernel.count else {
            throw Failure(.argument, "convolution: the kernel has one or two lengths, not \(kernel.count)")
        }
    }

    init(_ o: Options) throws {
        try self.init(
            filters: o.int("filters"), kernel: o.ints("kernel"), stride: o.ints("stride"),
            dilation: o.ints("dilation"), padding: o.padding(default: .same),
            bias: o.flag("bias", default: true),
            activation: o.activation(),
            kernelInitializer: o.initializer("kernel_initializer", default: .glorotUniform),
            biasInitializer: o.initializer("bias_initializer", default: .zeros),
            kernelRegularizer: o.regularizer("kernel_regularizer"))
    }

    func json(_ more: [JSON.Member] = []) -> JSON {
        var json: JSON = [
            "filters": .integer(filters), "kernel": .ints(kernel), "stride": .ints(stride),
            "dilation": .ints(dilation), "padding": padding.json, "bias": .bool(bias),
            "activation": activation?.json ?? .null, "kernel_initializer": kernelInitializer.json,
            "bias_initializer": biasInitializer.json, "kernel_regularizer": kernelRegularizer?.json ?? .null,
        ]
        for member in more { json[member.key] = member.value }
        return json
    }

    /// Channels of the only input; checks its rank.
    func channels(of inputs: [[Int]], _ kind: String) throws -> Int {
        try checkSpatial(inputs[0], rank: kernel.count, kind)
        return inputs[0][kernel.count]
    }

    var biasSpec: [ParameterSpec] { bias ? [ParameterSpec("bias", [filters], biasInitializer)] : [] }

    func finish(_ x: Traced, _ context: LayerContext) throws -> Traced {
        let y = bias ? try x + context.parameter("bias") : x
        return try activation?.apply(y) ?? y
    }

    /// The same without softmax at the end; nil where there is none.
    var withoutSoftmax: ConvolutionOptions? {
        guard activation?.function == .softmax || activation?.function == .logSoftmax else { return nil }
        var plain = self
        plain.activation = nil
        return plain
    }
}

/// Convolution, [length, channels] or [height, width, channels]; "same" padding by default.
/// kernel [window…, channels / groups, filters].
public struct ConvolutionLayer: LayerKind {
    public let shared: ConvolutionOptions
    public let groups: Int

    public init(_ shared: ConvolutionOptions, groups: Int = 1) throws(Failure) {
        self.shared = shared
        self.groups = groups
        try checkLength(groups, "groups", kind)
    }
    init(_ o: Options) throws { try self.init(ConvolutionOptions(o), groups: o.int("groups", default: 1)) }

    public var kind: String { "conv\(shared.kernel.count)d" }
    public var options: JSON { shared.json([.init("groups", .integer(groups))]) }

    public func parameters(for inputs: [[Int]]) throws -> [ParameterSpec] {
        let channels = try shared.channels(of: inputs, kind)
        guard channels % groups == 0, shared.filters % groups == 0, channels > 0 else {
            throw Failure(
                .argument,
                "\(kind): \(channels) channels and \(shared.filters) filters do not divide into \(groups) groups"
            )
        }
        let kernel = ParameterSpec(
            "kernel", shared.kernel + [channels / groups, shared.filters], shared.kernelInitializer,
            regularizer: shared.kernelRegularizer)
        return [kernel] + shared.biasSpec
    }

    public func trace(_ inputs: [Traced], _ context: LayerContext) throws -> Traced {
        let y = try inputs[0].convolved(
            with: context.parameter("kernel"), strides: shared.stride, dilations: shared.dilation,
            groups: groups,
            padding: shared.padding.padding(sizes: shared.kernel, dilations: shared.dilation))
        return try shared.finish(y, context)
    }

    public func withoutSoftmax() -> (any LayerKind)? {
        shared.withoutSoftmax.flatMap { try? ConvolutionLayer($0, groups: groups) }
    }
}

/// Each channel convolved on its own, `depthMultiplier` times: [..., C] → [..., C · multiplier].
/// kernel [window…, 1, channels · multiplier].
public struct DepthwiseConvolutionLayer: LayerKind {
    /// `filters` holds the multiplier.
    public let shared: ConvolutionOptions
    public var depthMultiplier: Int { shared.filters }

    public init(_ shared: ConvolutionOptions) { self.shared = shared }
    init(_ o: Options) throws { try self.init(ConvolutionOptions(o)) }

    public var kind: String { "depthwise_conv\(shared.kernel.count)d" }
    public var options: JSON { shared.json() }

    public func parameters(for inputs: [[Int]]) throws -> [ParameterSpec] {
        let channels = try shared.channels(of: inputs, kind)
        let (wide, overflow) = channels.multipliedReportingOverflow(by: depthMultiplier)
        guard !overflow else {
            throw Failure(.argument, "\(kind): depth_multiplier \(depthMultiplier) is too great")
        }
        let taps = shared.kernel.reduce(1, &*)
        let kernel = ParameterSpec(
            "kernel", shared.kernel + [1, wide], shared.kernelInitializer,
            fans: (taps &* channels, taps &* depthMultiplier), regularizer: shared.kernelRegularizer)
        return [kernel] + (shared.bias ? [ParameterSpec("bias", [wide], shared.biasInitializer)] : [])
    }

    public func trace(_ inputs: [Traced], _ context: LayerContext) throws -> Traced {
        let y = try inputs[0].convolved(
            with: context.parameter("kernel"), strides: shared.stride, dilations: shared.dilation,
            groups: inputs[0].shape[inputs[0].rank - 1],
            padding: shared.padding.padding(sizes: shared.kernel, dilations: shared.dilation))
        return try shared.finish(y, context)
    }
}

/// Each channel convolved on its own, `depthMultiplier` times, then mixed by a 1x1 convolution.
/// depthwise_kernel [window…, 1, channels · multiplier], pointwise_kernel [1…, channels · multiplier, filters].
public struct SeparableConvolutionLayer: LayerKind {
    public let shared: ConvolutionOptions
    public let depthMultiplier: Int

    public init(_ shared: ConvolutionOptions, depthMultiplier: Int = 1) throws(Failure) {
        self.shared = shared
        self.depthMultiplier = depthMultiplier
        try checkLength(depthMultiplier, "depth_multiplier", kind)
    }
    init(_ o: Options) throws {
        try self.init(ConvolutionOptions(o), depthMultiplier: o.int("depth_multiplier", default: 1))
    }

    public var kind: String { "separable_conv\(shared.kernel.count)d" }
    public var options: JSON { shared.json([.init("depth_multiplier", .integer(depthMultiplier))]) }

    public func parameters(for inputs: [[Int]]) throws -> [ParameterSpec] {
        let channels = try shared.channels(of: inputs, kind)
        let (wide, overflow) = channels.multipliedReportingOverflow(by: depthMultiplier)
        guard !overflow else {
            throw Failure(.argument, "\(kind): depth_multiplier \(depthMultiplier) is too great")
        }
        let taps = shared.kernel.reduce(1, &*)
        return [
            ParameterSpec(
                "depthwise_kernel", shared.kernel + [1, wide], shared.kernelInitializer,
                fans: (taps &* channels, taps &* depthMultiplier), regularizer: shared.kernelRegularizer),
            ParameterSpec(
                "pointwise_kernel", shared.kernel.map { _ in 1 } + [wide, shared.filters],
                shared.kernelInitializer,
                regularizer: shared.kernelRegularizer),
        ] + shared.biasSpec
    }

    public func trace(_ inputs: [Traced], _ context: LayerContext) throws -> Traced {
        let channels = inputs[0].shape[inputs[0].rank - 1]
        let deep = try inputs[0].convolved(
            with: context.parameter("depthwise_kernel"), strides: shared.stride, dilations: shared.dilation,
            groups: channels,
            padding: shared.padding.padding(sizes: shared.kernel, dilations: shared.dilation))
        return try shared.finish(deep.convolved(with: context.parameter("pointwise_kernel")), context)
    }

    public func withoutSoftmax() -> (any LayerKind)? {
        shared.withoutSoftmax.flatMap { try? SeparableConvolutionLayer($0, depthMultiplier: depthMultiplier) }
    }
}

/// Transposed convolution: the adjoint of a convolution, used to lengthen. Result length: length ·
/// stride with "same" padding, length · stride + max(kernel − stride, 0) with "valid".
/// kernel [window…, filters, channels].
public struct TransposedConvolutionLayer: LayerKind {
    public let shared: ConvolutionOptions

    public init(_ shared: ConvolutionOptions) throws(Failure) {
        self.shared = shared
        switch shared.padding {
        case .same, .valid: break
        default: throw Failure(.argument, "\(kind): padding is \"same\" or \"valid\"")
        }
    }
    init(_ o: Options) throws { try self.init(ConvolutionOptions(o)) }

    public var kind: String { "conv\(shared.kernel.count)d_transpose" }
    public var options: JSON { shared.json() }

    public func parameters(for inputs: [[Int]]) throws -> [ParameterSpec] {
        let channels = try shared.channels(of: inputs, kind)
        let kernel = ParameterSpec(
            "kernel", shared.kernel + [shared.filters, channels], shared.kernelInitializer,
            regularizer: shared.kernelRegularizer)
        return [kernel] + shared.biasSpec
    }

    public func trace(_ inputs: [Traced], _ context: LayerContext) throws -> Traced {
        let y = try inputs[0].convolvedTransposed(
            with: context.parameter("kernel"), strides: shared.stride, dilations: shared.dilation,
            padding: shared.padding.padding(sizes: shared.kernel, dilations: shared.dilation))
        return try shared.finish(y, context)
    }

    public func withoutSoftmax() -> (any LayerKind)? {
        shared.withoutSoftmax.flatMap { try? TransposedConvolutionLayer($0) }
    }
}

/// Every unit sees every number of the last axis: x · kernel + bias. kernel [inputs, units].
public struct DenseLayer: LayerKind {
    public let units: Int
    public let bias: Bool
    public let activation: Activation?
    public let kernelInitializer: Initializer
    public let biasInitializer: Initializer
    public let kernelRegularizer: Regularizer?

    public init(
        _ units: Int, bias: Bool = true, activation: Activation? = nil,
        kernelInitializer: Initializer = .glorotUniform,
        biasInitializer: Initializer = .zeros, kernelRegularizer: Regularizer? = nil
    ) throws(Failure) {
        self.units = units
        self.bias = bias
        self.activation = activation
        self.kernelInitializer = kernelInitializer
        self.biasInitializer = biasInitializer
        self.kernelRegularizer = kernelRegularizer
        try checkLength(units, "units", kind)
    }
    init(_ o: Options) throws {
        try self.init(
            o.int("units"), bias: o.flag("bias", default: true), activation: o.activation(),
            kernelInitializer: o.initializer("kernel_initializer", default: .glorotUniform),
            biasInitializer: o.initializer("bias_initializer", default: .zeros),
            kernelRegularizer: o.regularizer("kernel_regularizer"))
    }

    public var kind: String { "dense" }
    public var options: JSON {
        [
            "units": .integer(units), "bias": .bool(bias), "activation": activation?.json ?? .null,
            "kernel_initializer": kernelInitializer.json, "bias_initializer": biasInitializer.json,
            "kernel_regularizer": kernelRegularizer?.json ?? .null,
        ]
    }

    public func parameters(for inputs: [[Int]]) throws -> [ParameterSpec] {
        guard let length = inputs[0].last, length > 0 else {
            throw Failure(
                .shape, "dense: the input has shape \(Shape.describe(inputs[0])), expected [features]")
        }
        return [
            ParameterSpec("kernel", [length, units], kernelInitializer, regularizer: kernelRegularizer)
        ] + (bias ? [ParameterSpec("bias", [units], biasInitializer)] : [])
    }

    public func trace(_ inputs: [Traced], _ context: LayerContext) throws -> Traced {
        var y = try inputs[0].matmul(context.parameter("kernel"))
        if bias { y = try y + context.parameter("bias") }
        return try activation?.apply(y) ?? y
    }

    public func withoutSoftmax() -> (any LayerKind)? {
        guard activation?.function == .softmax || activation?.function == .logSoftmax else { return nil }
        return try? DenseLayer(
            units, bias: bias, kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
            kernelRegularizer: kernelRegularizer)
    }
}

// MARK: - Checks that layers share

func checkLength(_ value: Int, _ what: String, _ kind: String) throws(Failure) {
    guard 1...(1 << 30) ~= value else {
        throw Failure(.argument, "\(kind): \(what) must be at least 1, not \(value)")
    }
}

func checkLengths(_ values: [Int], _ what: String, rank: Int, _ kind: String) throws(Failure) {
    guard values.count == rank else {
        throw Failure(.argument, "\(kind): \(what) needs \(rank) lengths, not \(values.count)")
    }
    for value in values { try checkLength(value, what, kind) }
}

/// [length, channels] for rank 1, [height, width, channels] for rank 2.
func checkSpatial(_ shape: [Int], rank: Int, _ kind: String) throws(Failure) {
    guard shape.count == rank + 1 else {
        let axes = rank == 1 ? "[length, channels]" : "[height, width, channels]"
        throw Failure(
            .shape, "\(kind): the input has shape \(Shape.describe(shape)), expected \(axes)",
            hint: shape.count == rank
                ? "an axis for the channels is missing: \(Shape.describe(shape + [1]))" : nil)
    }
}
