import Network
import Support
import Tensor

/// Operations beyond the common ones: stretching, slices, and the activations of some networks.
extension ONNXNetwork {
    /// Full transposed convolution, then what its padding takes away cropped.
    mutating func transposedConvolution(_ node: ONNXModel.Node) throws -> Flow {
        let x = spatial(try flow(node))
        let kernel = try constant(node, 1)
        let rank = kernel.rank - 2
        guard rank >= 1, node.int("group", 1) == 1, node.ints["output_shape"] == nil,
            ["NOTSET", "VALID"].contains(node.texts["auto_pad"] ?? "NOTSET")
        else { throw unsupported(node, "with groups or a given shape") }
        let w = try window(node, x, size: Array(kernel.shape.dropFirst(2)))
        let more = node.ints["output_padding"] ?? Array(repeating: 0, count: rank)
        guard kernel.shape[0] == x.shape.last, more.count == rank,
            more.allSatisfy({ (0...1 << 20).contains($0) })
        else {
            throw unsupported(node, "with such weights")
        }
        let filters = kernel.shape[1]
        var own = ["kernel": try kernel.transposed(Array(2..<kernel.rank) + [1, 0]).dense()]
        let bias = try optionalConstant(node, 2)
        if let bias { own["bias"] = bias }
        let reach = zip(w.size, w.dilation).map { size, dilation in (size - 1) * dilation + 1 }
        let full = (0..<rank).map { i -> Int in
            let more = max(reach[i] - w.stride[i], 0)
            return x.shape[i] &* w.stride[i] &+ more
        }
        _ = try Self.checked(full + [filters])
        let made = append(
            "conv\(rank)d_transpose",
            [
                "filters": .integer(filters), "kernel": .ints(w.size), "stride": .ints(w.stride),
                "dilation": .ints(w.dilation), "padding": "valid", "bias": .bool(bias != nil),
            ], [x], full + [filters], like: x, named: node.inputs[1], weights: own)
        // Of the full length ONNX keeps (length − 1) · stride + reach + output_padding − pads.
        let cropping = (0..<rank).map { i -> [Int] in
            let (before, after) = (w.padding[i][0], w.padding[i][1])
            let all = (x.shape[i] - 1) * w.stride[i] + reach[i] + more[i]
            let wanted = all - before - after
            return [before, full[i] - before - wanted]
        }
        guard cropping.allSatisfy({ $0[1] >= 0 }) else {
            throw unsupported(node, "with so much output_padding")
        }
        return try cropped(made, cropping, node)
    }

    private mutating func cropped(_ x: Flow, _ cropping: [[Int]], _ node: ONNXModel.Node) throws
        -> Flow
    {
        if cropping.allSatisfy({ $0 == [0, 0] }) { return x }
        let shape = zip(x.shape, cropping).map { $0 - $1[0] - $1[1] } + x.shape.suffix(1)
        guard shape.allSatisfy({ $0 > 0 }) else { throw unsupported(node, "of everything") }
        return append(
            "cropping\(cropping.count)d", ["cropping": .array(cropping.map(JSON.ints))], [x], shape,
            like: x)
    }

    mutating func resize(_ node: ONNXModel.Node) throws -> Flow {
        let x = spatial(try flow(node))
        let rank = x.shape.count - 1
        guard x.isChannelsFirst, (1...2).contains(rank) else {
            throw unsupported(node, "of such a value")
        }
        let mode = node.texts["mode"] ?? "nearest"
        guard mode == "nearest" || mode == "linear" || mode == "cubic" else {
            throw unsupported(node, "by '\(mode)'")
        }
        let isOld = node.operation == "Upsample" || model.opset < 11
        var coordinates =
            isOld ? "asymmetric" : node.texts["coordinate_transformation_mode"] ?? "half_pixel"
        let scaleAt = isOld ? 1 : 2
        var scales =
            try node.tensors["scales"]?.array(of: Double.self)
            ?? optionalConstant(node, scaleAt)?.array(of: Double.self) ?? []
        var lengths: [Int]
        if scales.count == rank + 2 {
            scales = Array(scales.dropFirst(2))
            guard scales.allSatisfy({ $0 > 0 && $0 < 1_048_576 }) else {
                throw unsupported(node, "by such factors")
            }
            lengths = zip(x.shape, scales).map { Int((Double($0) * $1).rounded(.down)) }
        } else {
            let sizes = try optionalConstant(node, 3)?.array(of: Int32.self).map { Int($0) } ?? []
            let axes = node.ints["axes"] ?? Array(0..<rank + 2)
            guard sizes.count == axes.count, Array(axes.suffix(rank)) == Array(2..<rank + 2), !isOld else {
                throw unsupported(node, "to a size that is computed")
            }
            lengths = Array(sizes.suffix(rank))
            scales = zip(lengths, x.shape).map { Double($0) / Double($1) }
        }
        guard lengths.allSatisfy({ (1...1 << 20).contains($0) }) else {
            throw unsupported(node, "to such a size")
        }
        let shape = lengths + x.shape.suffix(1)
        _ = try Self.checked(shape)
        // They differ where nothing but one place is left.
        if coordinates == "pytorch_half_pixel", lengths.allSatisfy({ $0 > 1 }) { coordinates = "half_pixel" }
        let isWhole = zip(lengths, x.shape).allSatisfy { $0 % $1 == 0 }
        let rounding = isOld ? "floor" : node.texts["nearest_mode"] ?? "round_prefer_floor"
        let isPlain =
            mode == "nearest" && isWhole
            && (coordinates == "asymmetric" && rounding == "floor"
                || coordinates == "half_pixel" && rounding.hasPrefix("round"))
        if isPlain {
            let size = zip(lengths, x.shape).map { $0 / $1 }
            return append("upsample\(rank)d", ["size": .ints(size)], [x], shape, like: x)
        }
        let options: JSON = [
            "length": .ints(lengths), "scale": .numbers(scales), "mode": .string(mode),
            "coordinates": .string(coordinates), "rounding": .string(rounding),
            "cubic": .number(node.float("cubic_coeff_a", -0.75)),
        ]
        return append("resize\(rank)d", options, [x], shape, like: x)
    }

    /// One stretch of one axis, or of several, step 1.
    mutating func slice(_ node: ONNXModel.Node) throws -> Flow {
        var x = spatial(try flow(node))
        let starts = try node.ints["starts"] ?? constant(node, 1).array(of: Int32.self).map { Int($0) }
        let ends = try node.ints["ends"] ?? constant(node, 2).array(of: Int32.self).map { Int($0) }
        let axes =
            try node.ints["axes"] ?? optionalConstant(node, 3)?.array(of: Int32.self).map { Int($0) }
            ?? Array(0..<starts.count)
        let steps = try optionalConstant(node, 4)?.array(of: Int32.self) ?? []
        guard starts.count == ends.count, axes.count == starts.count, steps.allSatisfy({ $0 == 1 })
        else {
            throw unsupported(node, "with steps")
        }
        for (i, axis) in axes.enumerated() {
            guard let own = try self.axis(axis, of: x), own >= 0 else {
                throw unsupported(node, "of the batch")
            }
            let length = x.shape[own]
            let from = min(max(starts[i] < 0 ? starts[i] + length : starts[i], 0), length)
            let to = min(max(ends[i] < 0 ? ends[i] + length : ends[i], from), length)
            x = try sliced(x, own, from, to, node)
        }
        return x
    }

    private mutating func sliced(
        _ x: Flow, _ axis: Int, _ from: Int, _ to: Int, _ node: ONNXModel.Node
    )
        throws -> Flow
    {
        guard to > from else { throw unsupported(node, "that leaves nothing") }
        if from == 0, to == x.shape[axis] { return x }
        var shape = x.shape
        shape[axis] = to - from
        return keeping(
            append(
                "slice", ["axis": .integer(axis), "from": .integer(from), "to": .integer(to)], [x], shape,
                like: x), x)
    }

    /// Several stretches of an axis, one after another.
    mutating func split(_ node: ONNXModel.Node) throws {
        let x = spatial(try flow(node))
        guard let axis = try axis(node.int("axis", 0), of: x), axis >= 0 else {
            throw unsupported(node, "of the batch")
        }
        let n = node.outputs.count
        let length = x.shape[axis]
        let given =
            try node.ints["split"] ?? optionalConstant(node, 1)?.array(of: Int32.self).map { Int($0) }
        let each = n > 0 ? (length + n - 1) / n : 0
        let sizes = given ?? (0..<n).map { min(each, length - $0 * each) }
        guard sizes.count == n, sizes.allSatisfy({ $0 > 0 && $0 <= length }),
            sizes.reduce(0, +) == length
        else {
            throw unsupported(node, "into such parts")
        }
        var at = 0
        for (output, size) in zip(node.outputs, sizes) {
            flows[output] = try sliced(x, axis, at, at + size, node)
            at += size
        }
    }

    /// x / (bias + alpha / size · Σ x² of neighbouring channels)^beta (Krizhevsky et al. 2012).
    mutating func localResponse(_ node: ONNXModel.Node) throws -> Flow {
        let x = spatial(try flow(node))
        guard x.isChannelsFirst else { throw unsupported(node, "of such a value") }
        let options: JSON = [
            "size": .integer(node.int("size", 1)), "alpha": .number(node.float("alpha", 0.0001)),
            "beta": .number(node.float("beta", 0.75)), "bias": .number(node.float("bias", 1)),
        ]
        return append("lrn", options, [x], x.shape, like: x)
    }

    /// HardSigmoid max(0, min(1, x / 6 + 0.5)), and x times it.
    mutating func hard(_ node: ONNXModel.Node) throws -> Flow {
        let x = try flow(node)
        if node.operation == "HardSigmoid" {
            let (alpha, beta) = (node.float("alpha", 0.2), node.float("beta", 0.5))
            guard abs(alpha - 1 / 6) < 1e-4, abs(beta - 0.5) < 1e-6 else {
                throw unsupported(node, "with alpha \(alpha) and beta \(beta)")
            }
        }
        let gate = keeping(append("hard_sigmoid", [:], [x], x.shape, like: x), x)
        if node.operation == "HardSigmoid" { return gate }
        return keeping(append("multiply", [:], [x, gate], x.shape, like: x), x)
    }

    /// A slope below 0 that is the same for all channels.
    mutating func slope(_ node: ONNXModel.Node) throws -> Flow {
        let x = try flow(node)
        let slopes = try constant(node, 1).array(of: Double.self)
        guard let first = slopes.first, slopes.allSatisfy({ $0 == first }) else {
            throw unsupported(node, "with a slope for each channel")
        }
        return keeping(append("leaky_relu", ["alpha": .number(first)], [x], x.shape, like: x), x)
    }

    mutating func layerNormalization(_ node: ONNXModel.Node) throws -> Flow {
        let x = try flow(node)
        let axis = node.int("axis", -1)
        guard !x.isChannelsFirst || x.shape.count == 1, axis == -1 || axis == x.shape.count, x.ones == 0
        else {
            throw unsupported(node, "along other axes than the last")
        }
        let gamma = try constant(node, 1)
        let own = [
            "gamma": gamma,
            "beta": try optionalConstant(node, 2) ?? Tensor(repeating: 0, shape: gamma.shape),
        ]
        return keeping(
            append(
                "layernorm", ["epsilon": .number(node.float("epsilon", 1e-5))], [x], x.shape, like: x,
                named: node.inputs[1], weights: own), x)
    }

    /// The bias of a dense layer or convolution that was written without: nil where this is none.
    mutating func biased(_ node: ONNXModel.Node, _ constant: Tensor, _ x: Flow) throws -> Flow? {
        guard x.node >= 0, let name = layers[x.node]["name"]?.string,
            let kind = layers[x.node]["kind"]?.string,
            kind == "dense", layers[x.node]["options"]?["bias"]?.bool == false, !x.isChannelsFirst,
            x.ones == 0,
            let units = x.shape.last, constant.count == units, constant.shape.last == units,
            let value = node.inputs.first(where: { constants[$0] == nil }), uses[value] == 1
        else { return nil }
        layers[x.node]["options"]?["bias"] = true
        weights["\(name).bias"] = try constant.reshaped([units]).converted(to: .float32).dense()
        return x
    }
}
