import Network
import Support
import Tensor

/// What each ONNX operation becomes.
extension ONNXNetwork {
    private static let activations = [
        "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "LeakyRelu": "leaky_relu", "Elu": "elu",
        "Selu": "selu",
        "Softplus": "softplus", "Softsign": "softsign", "Exp": "exponential", "Gelu": "gelu",
    ]
    private static let merges = [
        "Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Max": "maximum",
        "Min": "minimum", "Sum": "add",
        "Mean": "average",
    ]
    mutating func add(_ node: ONNXModel.Node) throws {
        guard let output = node.outputs.first else { return }
        if try fold(node, output) { return }
        if node.operation == "Constant" { return try constantNode(node, output) }
        if node.operation == "Split" { return try split(node) }
        let made = try result(of: node)
        _ = try Self.checked(made.shape)
        flows[output] = made
    }

    mutating func constantNode(_ node: ONNXModel.Node, _ output: String) throws {
        if let tensor = node.tensors["value"] {
            constants[output] = tensor
        } else if let number = node.floats["value_float"] {
            constants[output] = try Tensor(scalar: Float(number))
        } else if let list = node.ints["value_ints"] ?? node.ints["value_int"] {
            constants[output] = try Tensor(list.map { Int32(clamping: $0) }, shape: [list.count])
        } else {
            throw unsupported(node)
        }
    }

    private mutating func result(of node: ONNXModel.Node) throws -> Flow {
        if let kind = Self.activations[node.operation] {
            let x = try flow(node)
            var options: JSON = [:]
            if kind == "leaky_relu" { options = ["alpha": .number(node.float("alpha", 0.01))] }
            if kind == "elu" { options = ["alpha": .number(node.float("alpha", 1))] }
            if let whole = fused(kind, options, x) { return whole }
            return keeping(append(kind, options, [x], x.shape, like: x), x)
        }
        switch node.operation {
        case "Conv": return try convolution(node)
        case "ConvTranspose": return try transposedConvolution(node)
        case "Resize", "Upsample": return try resize(node)
        case "Slice": return try slice(node)
        case "LRN": return try localResponse(node)
        case "HardSigmoid", "HardSwish": return try hard(node)
        case "PRelu": return try slope(node)
        case "LayerNormalization": return try layerNormalization(node)
        case "Sqrt", "Pow", "ReduceL2", "InstanceNormalization", "LSTM", "GRU", "RNN":
            throw unsupported(node)
        case "MaxPool", "AveragePool": return try pool(node)
        case "GlobalMaxPool", "GlobalAveragePool": return try globalPool(node, spatial(flow(node)))
        case "ReduceMean": return try reduceMean(node)
        case "Gemm", "MatMul": return try dense(node)
        case "BatchNormalization": return try batchNormalization(node)
        case "Softmax", "LogSoftmax": return try softmax(node)
        case "Clip": return try clip(node)
        case "Concat": return try concatenation(node)
        case "Dropout", "Identity", "Cast": return try flow(node)
        case "Flatten":
            guard node.int("axis", 1) == 1 else {
                throw unsupported(node, "from another axis than the first")
            }
            return flattened(try flow(node))
        case "Reshape": return try reshape(node)
        case "Squeeze", "Unsqueeze": return try squeeze(node)
        case "Transpose": return try transpose(node)
        case "Pad": return try pad(node)
        default:
            if let kind = Self.merges[node.operation] { return try merge(node, kind) }
            throw unsupported(node)
        }
    }

    /// A value made of `x` number by number has what ONNX thinks of its axes.
    func keeping(_ made: Flow, _ x: Flow) -> Flow {
        var made = made
        (made.isChannelsFirst, made.ones) = (x.isChannelsFirst, x.ones)
        return made
    }

    // MARK: - Windows

    struct Window {
        var size: [Int]
        var stride: [Int]
        var dilation: [Int]
        /// (before, after) of each spatial axis.
        var padding: [[Int]]
    }

    func window(_ node: ONNXModel.Node, _ x: Flow, size: [Int]) throws -> Window {
        let rank = size.count
        guard x.isChannelsFirst, x.shape.count == rank + 1, (1...2).contains(rank) else {
            throw unsupported(node, "over \(rank) axes of \(Shape.describe(x.shape))")
        }
        let stride = node.ints["strides"] ?? Array(repeating: 1, count: rank)
        let dilation = node.ints["dilations"] ?? Array(repeating: 1, count: rank)
        let pads = node.ints["pads"] ?? Array(repeating: 0, count: rank * 2)
        guard stride.count == rank, dilation.count == rank, pads.count == rank * 2,
            (size + stride + dilation).allSatisfy({ (1...1 << 20).contains($0) }),
            pads.allSatisfy({ (0...1 << 20).contains($0) })
        else { throw unsupported(node, "with such a window") }
        var padding = (0..<rank).map { [pads[$0], pads[rank + $0]] }
        let automatic = node.texts["auto_pad"] ?? "NOTSET"
        if automatic == "SAME_UPPER" || automatic == "SAME_LOWER" {
            for i in 0..<rank {
                let reach = (size[i] - 1) * dilation[i] + 1
                let steps = (x.shape[i] + stride[i] - 1) / stride[i]
                let total = max((steps - 1) * stride[i] + reach - x.shape[i], 0)
                let less = total / 2
                padding[i] = automatic == "SAME_UPPER" ? [less, total - less] : [total - less, less]
            }
        }
        return Window(size: size, stride: stride, dilation: dilation, padding: padding)
    }

    func lengths(_ x: Flow, _ w: Window) throws -> [Int] {
        try w.size.indices.map { i in
            let reach = (w.size[i] - 1) * w.dilation[i] + 1
            let room = x.shape[i] + w.padding[i][0] + w.padding[i][1] - reach
            guard room >= 0 else {
                throw Failure(
                    .file, "a window of \(reach) is longer than the axis of \(x.shape[i]) it moves along")
            }
            return room / w.stride[i] + 1
        }
    }

    private mutating func convolution(_ node: ONNXModel.Node) throws -> Flow {
        var x = spatial(try flow(node))
        let kernel = try constant(node, 1)
        let rank = kernel.rank - 2
        guard rank >= 1 else { throw unsupported(node, "with such weights") }
        var w = try window(node, x, size: Array(kernel.shape.dropFirst(2)))
        // Zeros further out than a window reaches are a layer of their own.
        if zip(w.padding, zip(w.size, w.dilation)).contains(where: { pads, own in
            pads.contains { $0 > (own.0 - 1) * own.1 }
        }) {
            x = padded(x, w.padding)
            w.padding = w.padding.map { _ in [0, 0] }
        }
        let order = Array(2..<kernel.rank) + [1, 0]
        var own = ["kernel": try kernel.transposed(order).dense()]
        let bias = try optionalConstant(node, 2)
        if let bias { own["bias"] = bias }
        let options: JSON = [
            "filters": .integer(kernel.shape[0]), "kernel": .ints(w.size), "stride": .ints(w.stride),
            "dilation": .ints(w.dilation), "padding": .array(w.padding.map(JSON.ints)),
            "bias": .bool(bias != nil),
            "groups": .integer(node.int("group", 1)),
        ]
        let shape = try lengths(x, w) + [kernel.shape[0]]
        return append("conv\(rank)d", options, [x], shape, like: x, named: node.inputs[1], weights: own)
    }

    mutating func padded(_ x: Flow, _ padding: [[Int]]) -> Flow {
        if padding.allSatisfy({ $0 == [0, 0] }) { return x }
        let shape = zip(x.shape, padding).map { $0 + $1[0] + $1[1] } + x.shape.suffix(1)
        return append(
            "zero_padding\(padding.count)d", ["padding": .array(padding.map(JSON.ints))], [x], shape,
            like: x)
    }

    private mutating func pool(_ node: ONNXModel.Node) throws -> Flow {
        var x = spatial(try flow(node))
        let isMaximum = node.operation == "MaxPool"
        var w = try window(node, x, size: node.ints["kernel_shape"] ?? [])
        guard w.dilation.allSatisfy({ $0 == 1 }) else { throw unsupported(node, "with dilation") }
        if !isMaximum, node.int("count_include_pad", 0) != 0 {
            x = padded(x, w.padding)
            w.padding = w.padding.map { _ in [0, 0] }
        }
        if node.int("ceil_mode", 0) != 0 {
            for i in w.size.indices {
                // Room for one more window where the last one would stick out, unless it would begin
                // behind the axis.
                let length = x.shape[i] + w.padding[i][0] + w.padding[i][1]
                let rest = (length - w.size[i]) % w.stride[i]
                guard length >= w.size[i], rest > 0 else { continue }
                let steps = (length - w.size[i]) / w.stride[i] + 1
                if steps * w.stride[i] < x.shape[i] + w.padding[i][0] {
                    w.padding[i][1] += w.stride[i] - rest
                }
            }
        }
        let options: JSON = [
            "size": .ints(w.size), "stride": .ints(w.stride), "padding": .array(w.padding.map(JSON.ints)),
        ]
        let shape = try lengths(x, w) + x.shape.suffix(1)
        if w.size.allSatisfy({ $0 == 1 }), w.stride.allSatisfy({ $0 == 1 }) { return x }
        return append("\(isMaximum ? "max" : "avg")pool\(w.size.count)d", options, [x], shape, like: x)
    }

    private mutating func globalPool(_ node: ONNXModel.Node, _ x: Flow) throws -> Flow {
        let rank = x.shape.count - 1
        guard x.isChannelsFirst, (1...2).contains(rank) else {
            throw unsupported(node, "of \(Shape.describe(x.shape))")
        }
        let kind = node.operation == "GlobalMaxPool" ? "max" : "avg"
        var pooled = append("global_\(kind)pool\(rank)d", [:], [x], Array(x.shape.suffix(1)), like: x)
        pooled.ones = rank
        return pooled
    }

    private mutating func reduceMean(_ node: ONNXModel.Node) throws -> Flow {
        let x = spatial(try flow(node))
        let axes =
            try node.ints["axes"] ?? optionalConstant(node, 1)?.array(of: Int32.self).map { Int($0) }
            ?? []
        let own = Set(try axes.map { try axis($0, of: x) })
        guard x.isChannelsFirst, own == Set((0..<x.shape.count - 1).map { Optional($0) }) else {
            throw unsupported(node, "over other axes than all the spatial ones")
        }
        var pooled = try globalPool(node, x)
        if node.int("keepdims", 1) == 0 { pooled.ones = 0 }
        return pooled
    }

    private mutating func pad(_ node: ONNXModel.Node) throws -> Flow {
        let x = spatial(try flow(node))
        let pads = try node.ints["pads"] ?? constant(node, 1).array(of: Int32.self).map { Int($0) }
        let rank = x.shape.count
        guard pads.count == (rank + 1) * 2, (node.texts["mode"] ?? "constant") == "constant" else {
            throw unsupported(node, "in this way")
        }
        if pads.allSatisfy({ $0 == 0 }) { return x }
        let value = try node.floats["value"] ?? optionalConstant(node, 2)?.scalarValue() ?? 0
        let others = [0, 1, rank + 1, rank + 2]
        guard value == 0, x.isChannelsFirst, others.allSatisfy({ pads[$0] == 0 }),
            pads.allSatisfy({ (0...1 << 20).contains($0) })
        else { throw unsupported(node, "with other than zeros around the spatial axes") }
        return padded(x, (0..<rank - 1).map { [pads[2 + $0], pads[rank + 3 + $0]] })
    }

    // MARK: - Numbers

    private mutating func dense(_ node: ONNXModel.Node) throws -> Flow {
        var x = try flow(node)
        var kernel = try constant(node, 1)
        guard kernel.rank == 2 else { throw unsupported(node, "with weights of \(kernel.rank) axes") }
        var bias: Tensor?
        if node.operation == "Gemm" {
            guard node.int("transA", 0) == 0 else { throw unsupported(node, "with its input turned") }
            x = flattened(x)
            if node.int("transB", 0) != 0 { kernel = try kernel.transposed([1, 0]).dense() }
            kernel = try scaled(kernel, node.float("alpha", 1))
            bias = try optionalConstant(node, 2).map { try scaled($0, node.float("beta", 1)) }
        } else if x.isChannelsFirst || x.ones > 0 {
            throw unsupported(node, "along a spatial axis")
        }
        guard x.shape.last == kernel.shape[0] else {
            throw Failure(
                .file,
                "weights of shape \(Shape.describe(kernel.shape)) do not fit \(Shape.describe(x.shape))")
        }
        let units = kernel.shape[1]
        var own = ["kernel": kernel]
        if let bias { own["bias"] = try bias.reshaped([bias.count]).broadcasted(to: [units]).dense() }
        let shape = x.shape.dropLast() + [units]
        return append(
            "dense", ["units": .integer(units), "bias": .bool(bias != nil)], [x], Array(shape), like: x,
            named: node.inputs[1], weights: own)
    }

    func scaled(_ tensor: Tensor, _ factor: Double) throws -> Tensor {
        if factor == 1 { return tensor }
        return try Tensor(tensor.array(of: Float.self).map { $0 * Float(factor) }, shape: tensor.shape)
    }

    private mutating func batchNormalization(_ node: ONNXModel.Node) throws -> Flow {
        var x = try flow(node)
        if x.shape.count > 1, !x.isChannelsFirst { x = spatial(x) }
        let (mean, variance) = (try constant(node, 3), try constant(node, 4))
        let moments = try mean.array(of: Float.self) + variance.array(of: Float.self)
        let own = [
            "gamma": try constant(node, 1), "beta": try constant(node, 2),
            "moving_moments": try Tensor(moments, shape: [2, mean.count]),
        ]
        let options: JSON = ["epsilon": .number(node.float("epsilon", 1e-5)), "momentum": .number(0.9)]
        return keeping(
            append("batchnorm", options, [x], x.shape, like: x, named: node.inputs[1], weights: own), x)
    }

    private mutating func softmax(_ node: ONNXModel.Node) throws -> Flow {
        var x = try flow(node)
        let axis = node.int("axis", model.opset < 13 ? 1 : -1)
        // Before opset 13 everything from the axis on was one row.
        if model.opset < 13, axis == 1, x.shape.count > 1 { x = flattened(x) }
        guard try self.axis(axis, of: x) == x.shape.count - 1 else {
            throw unsupported(node, "along another axis than the channels")
        }
        let kind = node.operation == "Softmax" ? "softmax" : "log_softmax"
        if let whole = fused(kind, [:], x) { return whole }
        return keeping(append(kind, [:], [x], x.shape, like: x), x)
    }

    private mutating func clip(_ node: ONNXModel.Node) throws -> Flow {
        let x = try flow(node)
        let low = try node.floats["min"] ?? optionalConstant(node, 1)?.scalarValue() ?? -.infinity
        let high = try node.floats["max"] ?? optionalConstant(node, 2)?.scalarValue() ?? .infinity
        guard low == 0, high == 6 || high == .infinity else {
            throw unsupported(node, "from \(low) to \(high)")
        }
        if let whole = fused(high == 6 ? "relu6" : "relu", [:], x) { return whole }
        return keeping(append(high == 6 ? "relu6" : "relu", [:], [x], x.shape, like: x), x)
    }

    private mutating func merge(_ node: ONNXModel.Node, _ kind: String) throws -> Flow {
        let inputs = node.inputs
        if inputs.count == 2, let at = inputs.firstIndex(where: { constants[$0] != nil }) {
            return try withConstant(node, constant(node, at), flow(node, 1 - at))
        }
        if kind == "divide" { throw unsupported(node, "of one value by another") }
        var values = try inputs.indices.map { try flow(node, $0) }
        guard values.count > 1 else { return try flow(node) }
        // Behind global pooling one number for a whole map: broadcast over the map.
        if Set(values.map(\.shape)).count > 1 || Set(values.map(\.isChannelsFirst)).count > 1 {
            values = values.map { spatial($0) }
        }
        guard let first = values.first, kind == "subtract" ? values.count == 2 : true,
            values.allSatisfy({
                $0.shape.count == first.shape.count && $0.ones == first.ones
                    && $0.isChannelsFirst == first.isChannelsFirst
            })
        else { throw unsupported(node, "on values of different shapes") }
        var shape = first.shape
        for value in values.dropFirst() {
            for i in shape.indices where shape[i] != value.shape[i] {
                guard shape[i] == 1 || value.shape[i] == 1 else {
                    throw unsupported(node, "on values of different shapes")
                }
                shape[i] = max(shape[i], value.shape[i])
            }
        }
        return keeping(append(kind, [:], values, shape, like: first), first)
    }

    /// A number for each channel added, taken off or multiplied: a normalization of fixed moments, or
    /// the bias of the dense layer before.
    private mutating func withConstant(_ node: ONNXModel.Node, _ constant: Tensor, _ x: Flow) throws
        -> Flow
    {
        guard let channels = x.shape.last else { throw unsupported(node) }
        if node.operation == "Add", let biased = try biased(node, constant, x) { return biased }
        let spread = constant.shape.drop { $0 == 1 }
        let isPerChannel =
            constant.count == 1
            || constant.count == channels
                && (x.isChannelsFirst || x.ones > 0
                    ? constant.rank >= x.shape.count + x.ones && spread.dropFirst().allSatisfy { $0 == 1 }
                        && spread.count == x.shape.count + x.ones
                    : spread.count == 1)
        guard isPerChannel else {
            throw unsupported(node, "with a constant of shape \(Shape.describe(constant.shape))")
        }
        let values = try constant.array(of: Float.self)
        let each = values.count == 1 ? Array(repeating: values[0], count: channels) : values
        let isSwapped = constants[node.inputs[0]] != nil
        var (gamma, beta) = (
            [Float](repeating: 1, count: channels), [Float](repeating: 0, count: channels)
        )
        switch node.operation {
        case "Add": beta = each
        case "Mul": gamma = each
        case "Sub" where !isSwapped: beta = each.map { -$0 }
        case "Sub": (gamma, beta) = (gamma.map { -$0 }, each)
        case "Div" where !isSwapped: gamma = each.map { 1 / $0 }
        default: throw unsupported(node, "with a constant")
        }
        // Mean 0 and variance 1 - ε, so that nothing but gamma and beta is left.
        let epsilon: Float = 0.0009765625
        let moments =
            [Float](repeating: 0, count: channels) + [Float](repeating: 1 - epsilon, count: channels)
        let own = [
            "gamma": try Tensor(gamma, shape: [channels]), "beta": try Tensor(beta, shape: [channels]),
            "moving_moments": try Tensor(moments, shape: [2, channels]),
        ]
        return keeping(
            append(
                "batchnorm", ["epsilon": .number(Double(epsilon))], [x], x.shape, like: x, weights: own), x
        )
    }

    // MARK: - Shapes

    private mutating func concatenation(_ node: ONNXModel.Node) throws -> Flow {
        let values = try node.inputs.indices.map { try flow(node, $0) }
        guard let first = values.first, let axis = try axis(node.int("axis", 1), of: first), axis >= 0,
            values.allSatisfy({
                $0.ones == first.ones && $0.isChannelsFirst == first.isChannelsFirst
                    && $0.shape.count == first.shape.count
            })
        else { throw unsupported(node, "of such values") }
        if values.count == 1 { return first }
        var shape = first.shape
        for value in values.dropFirst() {
            for i in shape.indices where i != axis && shape[i] != value.shape[i] {
                throw Failure(
                    .file,
                    "shapes \(Shape.describe(first.shape)) and \(Shape.describe(value.shape)) do not join")
            }
            shape[axis] &+= value.shape[axis]
        }
        return keeping(append("concat", ["axis": .integer(axis)], values, shape, like: first), first)
    }

    private mutating func reshape(_ node: ONNXModel.Node) throws -> Flow {
        let x = try flow(node)
        guard node.inputs.count > 1 || node.ints["shape"] != nil else {
            throw unsupported(node, "to no shape")
        }
        let target = try node.ints["shape"] ?? constant(node, 1).array(of: Int32.self).map { Int($0) }
        let count = x.shape.reduce(1, *)
        // [batch, everything].
        if target.count == 2, target[1] == -1 || target[1] == count { return flattened(x) }
        let given = shapeInONNX(x)
        guard target.count > 1, target.count <= Shape.maximumRank,
            target[0] == given[0] || target[0] <= 0
        else {
            throw unsupported(node, "to \(Shape.describe(target))")
        }
        // Channels are put last where something needs them there.
        let full = try Tensor.completed(
            target.indices.dropFirst().map {
                target[$0] == 0 && $0 < given.count ? given[$0] : target[$0]
            },
            count: count)
        var row = x
        if x.isChannelsFirst || x.ones > 0 { row = flattened(x) }
        var made = append("reshape", ["shape": .ints(full)], [row], full, like: row)
        made.isChannelsFirst = false
        return made
    }

    private mutating func squeeze(_ node: ONNXModel.Node) throws -> Flow {
        let x = try flow(node)
        if node.operation == "Squeeze" {
            guard x.ones > 0 || x.shape.dropLast().allSatisfy({ $0 == 1 }) else {
                throw unsupported(node, "of such a value")
            }
            return flattened(x)
        }
        let axes = try node.ints["axes"] ?? constant(node, 1).array(of: Int32.self).map { Int($0) }
        guard x.shape.count == 1, axes.sorted() == Array(2..<2 + axes.count) || axes == [-1],
            axes.count <= 2
        else {
            throw unsupported(node, "of such a value")
        }
        var made = x
        made.ones = axes.count
        made.isChannelsFirst = true
        return made
    }

    private mutating func transpose(_ node: ONNXModel.Node) throws -> Flow {
        var x = try flow(node)
        if x.ones > 0 { x = spatial(x) }
        let rank = x.shape.count + 1
        let order = node.ints["perm"] ?? []
        guard order.count == rank, order.first == 0, order.sorted() == Array(0..<rank) else {
            throw unsupported(node, "of the batch")
        }
        let last = Array(2..<rank) + [1]
        // Channels to the end, and back: ours never were elsewhere.
        if x.isChannelsFirst, order == [0] + last {
            x.isChannelsFirst = false
            return x
        }
        if !x.isChannelsFirst, rank > 2, order == [0, rank - 1] + Array(1..<rank - 1) {
            x.isChannelsFirst = true
            return x
        }
        if x.isChannelsFirst {
            // First into ONNX's order, then as it says.
            let back = [rank - 2] + Array(0..<rank - 2)
            x = append("permute", ["order": .ints(back)], [x], back.map { x.shape[$0] }, like: x)
            x.isChannelsFirst = false
        }
        let own = order.dropFirst().map { $0 - 1 }
        return append("permute", ["order": .ints(own)], [x], own.map { x.shape[$0] }, like: x)
    }
}
