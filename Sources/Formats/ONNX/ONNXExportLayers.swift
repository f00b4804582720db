import Network
import Support
import Tensor

/// Each layer as ONNX's operations.
extension ONNXExport {
    mutating func add(_ use: ONNXUse, _ inputs: [Value]) throws -> Value {
        guard let x = inputs.first else { throw Failure(.value, "it takes nothing") }
        switch use.layer.kind {
        case let kind as ConvolutionLayer:
            return try convolution(use, kind.shared, groups: kind.groups, x)
        case let kind as DepthwiseConvolutionLayer:
            return try convolution(use, kind.shared, groups: x.shape.last ?? 1, x)
        case let kind as SeparableConvolutionLayer: return try separable(use, kind, x)
        case let kind as TransposedConvolutionLayer: return try transposed(use, kind.shared, x)
        case let kind as DenseLayer: return try dense(use, kind, x)
        case let kind as PoolLayer: return pool(use, kind, x)
        case let kind as GlobalPoolLayer:
            let source = first(x)
            let operation = kind.isMaximum ? "GlobalMaxPool" : "GlobalAveragePool"
            emit(operation, [source.name], use.name + "/map", name: use.name)
            emit(
                "Flatten", [use.name + "/map"], use.name, name: use.name + "/flatten", [("axis", .int(1))])
            return Value(name: use.name, shape: use.outputShape, isChannelsFirst: false)
        case let kind as MergeLayer: return try merge(use, kind, inputs)
        case let kind as ActivationLayer: return activate(kind.activation, x, name: use.name)
        case is DropoutLayer: return x
        case let kind as BatchNormalizationLayer: return try batchNormalization(use, kind, x)
        case let kind as LayerNormalizationLayer:
            let source = last(x)
            let inputs = [source.name, try parameter(use, "gamma"), try parameter(use, "beta")]
            emit(
                "LayerNormalization", inputs, use.name, name: use.name,
                [("axis", .int(-1)), ("epsilon", .float(kind.epsilon))])
            return Value(name: use.name, shape: x.shape, isChannelsFirst: false)
        default: return try arrangement(use, x)
        }
    }

    // MARK: - Windows

    /// (before, after) of each axis.
    private func pads(
        _ padding: LayerPadding, _ lengths: [Int], _ size: [Int], _ stride: [Int], _ dilation: [Int]
    ) -> [[Int]] {
        size.indices.map { i in
            let span = (size[i] - 1) * dilation[i] + 1
            switch padding {
            case .valid: return [0, 0]
            case .causal: return [span - 1, 0]
            case .explicit(let pairs): return pairs.indices.contains(i) ? pairs[i] : [0, 0]
            case .same:
                let steps = (lengths[i] + stride[i] - 1) / stride[i]
                let total = max((steps - 1) * stride[i] + span - lengths[i], 0)
                return [total / 2, total - total / 2]
            }
        }
    }

    private func flat(_ pads: [[Int]]) -> Attribute { .ints(pads.map { $0[0] } + pads.map { $0[1] }) }

    private mutating func convolution(
        _ use: ONNXUse, _ o: ConvolutionOptions, groups: Int, _ x: Value
    ) throws -> Value {
        let source = first(x)
        let rank = o.kernel.count
        var inputs = [
            source.name, try parameter(use, "kernel", order: [rank + 1, rank] + Array(0..<rank)),
        ]
        if o.bias { inputs.append(try parameter(use, "bias")) }
        let plain = o.activation == nil ? use.name : use.name + "/linear"
        emit(
            "Conv", inputs, plain, name: plain,
            [
                ("kernel_shape", .ints(o.kernel)), ("strides", .ints(o.stride)),
                ("dilations", .ints(o.dilation)),
                ("group", .int(groups)),
                ("pads", flat(pads(o.padding, x.shape, o.kernel, o.stride, o.dilation))),
            ])
        let made = Value(name: plain, shape: use.outputShape, isChannelsFirst: true)
        return o.activation == nil ? made : activate(o.activation, made, name: use.name)
    }

    private mutating func separable(_ use: ONNXUse, _ kind: SeparableConvolutionLayer, _ x: Value)
        throws
        -> Value
    {
        let o = kind.shared
        let source = first(x)
        let rank = o.kernel.count
        let order = [rank + 1, rank] + Array(0..<rank)
        emit(
            "Conv", [source.name, try parameter(use, "depthwise_kernel", order: order)],
            use.name + "/deep",
            name: use.name + "/deep",
            [
                ("kernel_shape", .ints(o.kernel)), ("strides", .ints(o.stride)),
                ("dilations", .ints(o.dilation)),
                ("group", .int(x.shape.last ?? 1)),
                ("pads", flat(pads(o.padding, x.shape, o.kernel, o.stride, o.dilation))),
            ])
        var inputs = [use.name + "/deep", try parameter(use, "pointwise_kernel", order: order)]
        if o.bias { inputs.append(try parameter(use, "bias")) }
        let plain = o.activation == nil ? use.name : use.name + "/linear"
        emit("Conv", inputs, plain, name: plain)
        let made = Value(name: plain, shape: use.outputShape, isChannelsFirst: true)
        return o.activation == nil ? made : activate(o.activation, made, name: use.name)
    }

    /// ConvTranspose gives (length − 1) · stride + span + output_padding − pads.
    private mutating func transposed(_ use: ONNXUse, _ o: ConvolutionOptions, _ x: Value) throws
        -> Value
    {
        let source = first(x)
        let rank = o.kernel.count
        var inputs = [
            source.name, try parameter(use, "kernel", order: [rank + 1, rank] + Array(0..<rank)),
        ]
        if o.bias { inputs.append(try parameter(use, "bias")) }
        let lengths = Array(use.outputShape.dropLast())
        let around =
            o.padding == .same
            ? pads(.same, lengths, o.kernel, o.stride, o.dilation) : o.kernel.map { _ in [0, 0] }
        let more = (0..<rank).map { i -> Int in
            let span = (o.kernel[i] - 1) * o.dilation[i] + 1
            return lengths[i] - ((x.shape[i] - 1) * o.stride[i] + span - around[i][0] - around[i][1])
        }
        let plain = o.activation == nil ? use.name : use.name + "/linear"
        emit(
            "ConvTranspose", inputs, plain, name: plain,
            [
                ("kernel_shape", .ints(o.kernel)), ("strides", .ints(o.stride)),
                ("dilations", .ints(o.dilation)),
                ("pads", flat(around)), ("output_padding", .ints(more)),
            ])
        let made = Value(name: plain, shape: use.outputShape, isChannelsFirst: true)
        return o.activation == nil ? made : activate(o.activation, made, name: use.name)
    }

    private mutating func pool(_ use: ONNXUse, _ kind: PoolLayer, _ x: Value) -> Value {
        let source = first(x)
        let ones = kind.size.map { _ in 1 }
        emit(
            kind.isMaximum ? "MaxPool" : "AveragePool", [source.name], use.name, name: use.name,
            [
                ("kernel_shape", .ints(kind.size)), ("strides", .ints(kind.stride)),
                ("pads", flat(pads(kind.padding, x.shape, kind.size, kind.stride, ones))),
            ])
        return Value(name: use.name, shape: use.outputShape, isChannelsFirst: true)
    }

    // MARK: - Numbers

    private mutating func dense(_ use: ONNXUse, _ kind: DenseLayer, _ x: Value) throws -> Value {
        let kernel = try parameter(use, "kernel")
        let plain = kind.activation == nil ? use.name : use.name + "/linear"
        if x.shape.count == 1 {
            emit(
                "Gemm", [x.name, kernel] + (kind.bias ? [try parameter(use, "bias")] : []), plain,
                name: plain
            )
        } else {
            let product = kind.bias ? use.name + "/product" : plain
            emit("MatMul", [last(x).name, kernel], product, name: product)
            if kind.bias { emit("Add", [product, try parameter(use, "bias")], plain, name: plain) }
        }
        let made = Value(name: plain, shape: use.outputShape, isChannelsFirst: false)
        return kind.activation == nil ? made : activate(kind.activation, made, name: use.name)
    }

    private mutating func batchNormalization(
        _ use: ONNXUse, _ kind: BatchNormalizationLayer, _ x: Value
    )
        throws -> Value
    {
        let source = first(x)
        guard let channels = x.shape.last,
            let moments = use.layer.parameter("moving_moments")?.variable.value
        else {
            throw Failure(.value, "its moments are missing")
        }
        func moment(_ i: Int) -> () throws -> Tensor {
            { try moments[[.position(i)]].dense() }
        }
        let gamma =
            kind.scale
            ? try parameter(use, "gamma")
            : constant("\(use.owner).gamma", [channels]) { try Tensor(repeating: 1, shape: [channels]) }
        let beta =
            kind.center
            ? try parameter(use, "beta")
            : constant("\(use.owner).beta", [channels]) { try Tensor(repeating: 0, shape: [channels]) }
        let mean = constant("\(use.owner).moving_mean", [channels], moment(0))
        let variance = constant("\(use.owner).moving_variance", [channels], moment(1))
        emit(
            "BatchNormalization", [source.name, gamma, beta, mean, variance], use.name, name: use.name,
            [("epsilon", .float(kind.epsilon)), ("momentum", .float(kind.momentum))])
        return Value(name: use.name, shape: x.shape, isChannelsFirst: x.shape.count > 1)
    }

    private mutating func merge(_ use: ONNXUse, _ kind: MergeLayer, _ inputs: [Value]) throws -> Value {
        let isFirst = inputs.contains { $0.isChannelsFirst && $0.shape.count > 1 }
        let values = inputs.map { isFirst ? first($0) : $0 }
        let names = values.map(\.name)
        let rank = use.outputShape.count
        switch kind.rule {
        case .concat:
            let own = kind.axis < 0 ? kind.axis + rank : kind.axis
            let axis = isFirst ? (own == rank - 1 ? 1 : own + 2) : own + 1
            emit("Concat", names, use.name, name: use.name, [("axis", .int(axis))])
        case .average: emit("Mean", names, use.name, name: use.name)
        case .maximum: emit("Max", names, use.name, name: use.name)
        case .minimum: emit("Min", names, use.name, name: use.name)
        case .add, .subtract, .multiply:
            let operation = kind.rule == .add ? "Add" : kind.rule == .subtract ? "Sub" : "Mul"
            var sum = names[0]
            for (i, name) in names.enumerated().dropFirst() {
                let made = i == names.count - 1 ? use.name : "\(use.name)/\(i)"
                emit(operation, [sum, name], made, name: made)
                sum = made
            }
        }
        return Value(name: use.name, shape: use.outputShape, isChannelsFirst: isFirst)
    }

    // MARK: - Shapes

    private mutating func arrangement(_ use: ONNXUse, _ x: Value) throws -> Value {
        let name = use.name
        var made = Value(name: name, shape: use.outputShape, isChannelsFirst: false)
        let rank = x.shape.count
        switch use.layer.kind {
        case is FlattenLayer:
            emit("Flatten", [last(x).name], name, name: name, [("axis", .int(1))])
            return made
        case is ReshapeLayer:
            let shape = whole(name + "/shape", [0] + use.outputShape)
            emit("Reshape", [last(x).name, shape], name, name: name)
            return made
        case let kind as PermuteLayer:
            emit(
                "Transpose", [last(x).name], name, name: name,
                [("perm", .ints([0] + kind.order.map { $0 + 1 }))])
            return made
        case let kind as ZeroPaddingLayer:
            let pads = [0, 0] + kind.padding.map { $0[0] } + [0, 0] + kind.padding.map { $0[1] }
            emit("Pad", [first(x).name, whole(name + "/pads", pads)], name, name: name)
        case let kind as CroppingLayer:
            let from = whole(name + "/from", kind.cropping.map { $0[0] })
            let to = whole(name + "/to", kind.cropping.indices.map { x.shape[$0] - kind.cropping[$0][1] })
            let axes = whole(name + "/axes", kind.cropping.indices.map { $0 + 2 })
            emit("Slice", [first(x).name, from, to, axes], name, name: name)
        case let kind as SliceLayer:
            let own = kind.axis < 0 ? kind.axis + rank : kind.axis
            let axis = rank == 1 ? 1 : own == rank - 1 ? 1 : own + 2
            let inputs = [
                first(x).name, whole(name + "/from", [kind.from]), whole(name + "/to", [kind.to]),
                whole(name + "/axes", [axis]),
            ]
            emit("Slice", inputs, name, name: name)
        case let kind as UpsampleLayer:
            let factors = [1, 1] + kind.size.map { Float($0) }
            let scales = constant(name + "/scales", [factors.count]) {
                try Tensor(factors, shape: [factors.count])
            }
            emit(
                "Resize", [first(x).name, "", scales], name, name: name,
                [
                    ("mode", .text("nearest")), ("coordinate_transformation_mode", .text("asymmetric")),
                    ("nearest_mode", .text("floor")),
                ])
        case let kind as ResizeLayer:
            let sizes = whole(name + "/sizes", Array(use.outputShape.dropLast()))
            emit(
                "Resize", [first(x).name, "", "", sizes], name, name: name,
                [
                    ("mode", .text(kind.mode.rawValue)),
                    ("coordinate_transformation_mode", .text(kind.coordinates)),
                    ("nearest_mode", .text(kind.rounding)), ("cubic_coeff_a", .float(kind.cubic)),
                    ("axes", .ints((0..<kind.rank).map { $0 + 2 })),
                ])
        case let kind as LocalResponseLayer:
            emit(
                "LRN", [first(x).name], name, name: name,
                [
                    ("size", .int(kind.size)), ("alpha", .float(kind.alpha)), ("beta", .float(kind.beta)),
                    ("bias", .float(kind.bias)),
                ])
        default:
            throw Failure(
                .value, "a layer of kind '\(use.layer.kind.kind)' has no counterpart in ONNX",
                hint: "save the network as .safetensors")
        }
        made.isChannelsFirst = rank > 1
        return made
    }
}
