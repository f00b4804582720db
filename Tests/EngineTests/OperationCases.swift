import Graph
import Support
import Tensor

/// The operations of make_fixtures.py by the names of its cases; a part before a dot serves for all
/// cases that begin with it.
enum OperationCases {
    typealias Body = @Sendable ([Traced]) throws -> Traced

    static let all: [String: Body] = [
        elementwise, reductions, arrangement, convolutions, pooling, normalization, sampling, losses,
    ].reduce(into: [:]) { $0.merge($1) { _, new in new } }

    /// "conv1d.stride3" → its own body, else that of "conv1d".
    static func body(_ name: String) -> Body? {
        all[name] ?? all[String(name.prefix { $0 != "." })]
    }

    /// Cases that hold some inputs constant on purpose, so that differences say otherwise.
    static func isStopped(_ name: String) -> Bool { name == "batchnorm.moving" || name == "hinge" }

    private static let elementwise: [String: Body] = [
        "exp": { try $0[0].exp() }, "log": { try $0[0].log() }, "sqrt": { try $0[0].sqrt() },
        "rsqrt": { try $0[0].unary(.reciprocalSqrt) }, "reciprocal": { try $0[0].unary(.reciprocal) },
        "sin": { try $0[0].unary(.sin) }, "cos": { try $0[0].unary(.cos) }, "tanh": { try $0[0].tanh() },
        "sigmoid": { try $0[0].sigmoid() }, "erf": { try $0[0].unary(.erf) },
        "square": { try $0[0].square() }, "abs": { try $0[0].abs() }, "relu": { try $0[0].relu() },
        "leaky_relu": { try $0[0].unary(.leakyRelu, alpha: 0.2) },
        "elu": { try $0[0].unary(.elu, alpha: 0.7) }, "selu": { try $0[0].selu() },
        "gelu": { try $0[0].gelu() }, "softplus": { try $0[0].unary(.softplus) },
        "swish": { try $0[0].swish() }, "clip": { try $0[0].clipped(-0.5, 0.8) },
        "floor": { try $0[0].unary(.floor) }, "ceil": { try $0[0].unary(.ceil) },
        "round": { try $0[0].unary(.round) }, "sign": { try $0[0].unary(.sign) },
        "add": { try $0[0] + $0[1] }, "subtract": { try $0[0] - $0[1] },
        "multiply": { try $0[0] * $0[1] }, "divide": { try $0[0] / $0[1] },
        "power": { try $0[0].power($0[1]) }, "minimum": { try $0[0].binary(.minimum, $0[1]) },
        "maximum": { try $0[0].binary(.maximum, $0[1]) },
        "remainder": { try $0[0].binary(.remainder, $0[1]) },
        "where": { try ($0[0] > 0).select($0[1], $0[2]) },
    ]

    private static let reductions: [String: Body] = {
        var table: [String: Body] = [
            "argmax.0": { try $0[0].argmax(axis: 0) }, "argmax.2": { try $0[0].argmax(axis: 2) },
            "softmax": { try $0[0].softmax() }, "log_softmax": { try $0[0].logSoftmax() },
            "matmul": { try $0[0].matmul($0[1]) },
            "matmul.transposed": { try $0[0].matmul($0[1], transposeA: true, transposeB: true) },
            "matmul.batched_transposed": { try $0[0].matmul($0[1], transposeA: true, transposeB: true) },
        ]
        let folds: [String: @Sendable (Traced, [Int]) throws -> Traced] = [
            "sum": { try $0.sum($1) }, "mean": { try $0.mean($1) }, "max": { try $0.max($1) },
            "min": { try $0.min($1) }, "var": { try $0.variance($1) },
            "logsumexp": { try $0.logSumExp($1) },
            "norm1": { try $0.norm(1, $1) }, "norm2": { try $0.norm(2, $1) }, "norm3": { try $0.norm(3, $1) },
            "norminf": { try $0.norm(.infinity, $1) },
        ]
        for (name, fold) in folds {
            for (axes, list) in [("all", [0, 1, 2]), ("1", [1]), ("02", [0, 2]), ("ones", [1])] {
                table["\(name).\(axes)"] = { try fold($0[0], list) }
            }
        }
        return table
    }()

    private static let arrangement: [String: Body] = [
        "transpose": { try $0[0].transposed([2, 0, 1]) }, "reshape": { try $0[0].reshaped([4, 6]) },
        "broadcast": { try $0[0].broadcasted(to: [3, 2, 4]) },
        "concat.0": { try Traced.concatenated($0, axis: 0) },
        "concat.1": { try Traced.concatenated($0, axis: 1) },
        "slice": {
            try $0[0].indexed([.slice(start: 1, end: nil, step: 1), .slice(start: nil, end: nil, step: 2)])
        },
        "slice.one": {
            try $0[0].indexed([
                .slice(start: nil, end: nil, step: 1), .slice(start: 2, end: 3, step: 1),
                .slice(start: 1, end: nil, step: 1),
            ])
        },
        "flip": { try $0[0].flipped([0, 2]) },
        "roll": { v in
            let shifts = try v[0].graph.constant(Tensor([2, -1] as [Int32], shape: [2]))
            return try v[0].rolled(by: shifts, axes: [1, 2])
        },
        "pad.constant": { try $0[0].padded([(0, 3), (2, 1)], value: 1.5) },
        "pad.infinite": { v in
            let wide = try v[0].padded([(0, 0), (1, 2)], value: -.infinity)
            return try wide.binary(.maximum, wide.scalar(-9))
        },
        "pad.reflect": { try $0[0].padded([(0, 0), (3, 2), (0, 0)], border: .reflect) },
        "pad.edge": { try $0[0].padded([(0, 0), (3, 2), (0, 0)], border: .edge) },
        "gather.0": { try $0[0].gathered($0[1], axis: 0) },
        "gather.1": { try $0[0].gathered($0[1], axis: 1) },
    ]

    private static func conv(
        _ strides: [Int]? = nil, _ dilations: [Int]? = nil, _ groups: Int = 1, _ padding: Padding = .same
    ) -> Body {
        return {
            try $0[0].convolved(
                with: $0[1], strides: strides, dilations: dilations, groups: groups, padding: padding)
        }
    }

    private static func transposedConv(
        _ strides: [Int]? = nil, _ dilations: [Int]? = nil, _ groups: Int = 1, _ padding: Padding = .same,
        lengths: [Int]? = nil
    ) -> Body {
        return {
            try $0[0].convolvedTransposed(
                with: $0[1], strides: strides, dilations: dilations, groups: groups, padding: padding,
                lengths: lengths)
        }
    }

    private static let convolutions: [String: Body] = [
        "conv1d": conv(), "conv1d.valid": conv(nil, nil, 1, .valid), "conv1d.stride": conv([2]),
        "conv1d.stride3": conv([3]), "conv1d.dilated": conv(nil, [3]),
        "conv1d.explicit": conv(nil, nil, 1, .explicit([[4, 1]])), "conv1d.grouped": conv(nil, nil, 2),
        "conv1d.depthwise": conv(nil, nil, 3), "conv2d": conv(), "conv2d.valid": conv(nil, nil, 1, .valid),
        "conv2d.stride": conv([2, 3]), "conv2d.dilated": conv(nil, [2, 3], 1, .valid),
        "conv2d.explicit": conv(nil, nil, 1, .explicit([[0, 2], [3, 1]])),
        "conv2d.grouped": conv(nil, nil, 2), "conv2d.depthwise": conv([2, 2], nil, 3),
        "conv1d_transpose.same": transposedConv([2]),
        "conv1d_transpose.valid": transposedConv([2], nil, 1, .valid),
        "conv1d_transpose.short": transposedConv([3], nil, 1, .valid),
        "conv1d_transpose.grouped": transposedConv([2], nil, 2),
        "conv1d_transpose.dilated": transposedConv(nil, [2]),
        "conv2d_transpose.same": transposedConv([2, 2]),
        "conv2d_transpose.explicit": transposedConv(
            [2, 2], nil, 1, .explicit([[1, 1], [1, 0]]), lengths: [6, 8]),
    ]

    private static let pooling: [String: Body] = {
        var table: [String: Body] = [
            "global_avgpool1d": { try $0[0].mean([1]) }, "global_maxpool2d": { try $0[0].max([1, 2]) },
        ]
        let windows: [(String, [Int], [Int]?, Padding)] = [
            ("1d", [3], nil, .valid), ("1d.remainder", [3], nil, .valid), ("1d.same", [3], [2], .same),
            ("1d.same_stride1", [4], [1], .same), ("1d.overlap", [4], [2], .valid),
            ("1d.length1", [3], nil, .same), ("2d", [2, 2], nil, .valid),
            ("2d.same", [3, 2], [2, 2], .same), ("2d.overlap", [3, 3], [2, 2], .valid),
        ]
        for (name, size, strides, padding) in windows {
            table["maxpool\(name)"] = { try $0[0].maxPooled(size, strides: strides, padding: padding) }
            table["avgpool\(name)"] = { try $0[0].averagePooled(size, strides: strides, padding: padding) }
        }
        return table
    }()

    private static let normalization: [String: Body] = [
        "batchnorm": { v in
            let moments = try v[0].graph.add(BatchMoments(), [v[0]])
            return try v[0].graph.add(Normalize(epsilon: 1e-3), [v[0], moments, v[1], v[2]])
        },
        "batchnorm.moving": { v in
            let rows = try [v[1], v[2]].map { try $0.stopped().reshaped([1, -1]) }
            let moments = try Traced.concatenated(rows, axis: 0)
            return try v[0].graph.add(Normalize(epsilon: 1e-3), [v[0], moments, v[3], v[4]])
        },
        "layernorm": { try $0[0].layerNormalized(gamma: $0[1], beta: $0[2]) },
        "lrn": { try $0[0].localResponseNormalized(radius: 2, bias: 2, alpha: 0.5, beta: 0.75) },
        "lrn.wide": { try $0[0].localResponseNormalized() },
    ]

    private static let sampling: [String: Body] = [
        "upsample1d": { try $0[0].upsampled([3]) }, "upsample2d": { try $0[0].upsampled([3, 2]) },
        "resize.linear1d": { try $0[0].resized([11]) }, "resize.linear1d_shrink": { try $0[0].resized([4]) },
        "resize.linear2d": { try $0[0].resized([7, 9]) },
        "resize.antialias": { try $0[0].resized([3, 4], antialias: true) },
        "resize.cubic": { try $0[0].resized([9, 11], interpolation: .cubic) },
        "resize.cubic_shrink": { try $0[0].resized([3, 4], interpolation: .cubic, antialias: true) },
        "resize.nearest": { try $0[0].resized([5, 3], interpolation: .nearest) },
        "resize.one": { try $0[0].resized([5, 4]) },
        "resample.zeros": { try $0[0].resampled(at: $0[1], border: .zeros) },
        "resample.edge": { try $0[0].resampled(at: $0[1], border: .edge) },
        "resample.reflect": { try $0[0].resampled(at: $0[1], border: .reflect) },
        "rfft": { try $0[0].realFourier() },
        "irfft.1": { try $0[0].inverseRealFourier(length: 1) },
        "irfft.2": { try $0[0].inverseRealFourier(length: 2) },
        "irfft.5": { try $0[0].inverseRealFourier(length: 5) },
        "irfft.8": { try $0[0].inverseRealFourier(length: 8) },
        "irfft.15": { try $0[0].inverseRealFourier(length: 15) },
    ]

    private static let losses: [String: Body] = [
        "cross_entropy_logits": { try $0[0].crossEntropyFromLogits($0[1]) },
        "cross_entropy": { try $0[0].crossEntropy($0[1]) },
        "cross_entropy.softmax": { try $0[0].softmax().crossEntropy($0[1]) },
        "mse": { try $0[0].squaredError($0[1]) }, "mae": { try $0[0].absoluteError($0[1]) },
        "huber": { try $0[0].huberLoss($0[1]) }, "bce": { try $0[0].binaryCrossEntropy($0[1]) },
        "bce.sigmoid": { try $0[0].sigmoid().binaryCrossEntropy($0[1]) },
        "hinge": { try $0[0].hingeLoss($0[1].stopped()) },
    ]
}
