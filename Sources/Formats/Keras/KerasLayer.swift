import Network
import Support
import Tensor

/// A Keras layer's configuration, read under the names of Keras 1, 2 and 3.
struct KerasLayer {
    let kind: String
    let config: JSON
    let name: String

    func unsupported(_ why: String) -> Failure {
        Failure(
            .file, "\(name) (\(kind)) \(why)",
            hint: "build the network in vz and give it the weights: load_weights(net, path)")
    }

    func value(_ names: String...) -> JSON? {
        for name in names { if let value = config[name], !value.isNull { return value } }
        return nil
    }

    func int(_ names: String..., or fallback: Int? = nil) throws -> Int {
        for name in names { if let value = config[name]?.int { return value } }
        guard let fallback else { throw unsupported("lacks '\(names[0])'") }
        return fallback
    }

    func flag(_ names: String..., or fallback: Bool) -> Bool {
        for name in names { if let value = config[name]?.bool { return value } }
        return fallback
    }

    func number(_ names: String..., or fallback: Double) -> Double {
        for name in names { if let value = config[name]?.double { return value } }
        return fallback
    }

    /// A length for each of `rank` axes; one number stands for all.
    func lengths(_ names: String..., rank: Int, or fallback: Int? = nil) throws -> [Int] {
        for name in names {
            if let list = config[name]?.ints, list.count == rank { return list }
            if let one = config[name]?.int { return [Int](repeating: one, count: rank) }
        }
        guard let fallback else { throw unsupported("lacks '\(names[0])'") }
        return [Int](repeating: fallback, count: rank)
    }

    /// (before, after) of each axis.
    func pairs(_ name: String, rank: Int) throws -> [[Int]] {
        if let one = config[name]?.int { return [[Int]](repeating: [one, one], count: rank) }
        let list = config[name]?.array ?? []
        if rank == 1, let pair = config[name]?.ints, pair.count == 2 { return [pair] }
        guard list.count == rank else { throw unsupported("lacks '\(name)'") }
        return try list.map {
            if let one = $0.int { return [one, one] }
            guard let pair = $0.ints, pair.count == 2 else { throw unsupported("lacks '\(name)'") }
            return pair
        }
    }

    func padding() throws -> JSON {
        let name = value("padding", "border_mode")?.string ?? "valid"
        guard ["same", "valid", "causal"].contains(name) else {
            throw unsupported("has padding '\(name)'")
        }
        return .string(name)
    }

    /// A name, or an object that Keras 3 writes in its place.
    func activation(_ key: String = "activation") throws -> JSON {
        guard let given = config[key], !given.isNull else { return .null }
        let name =
            given.string ?? given["config"]?.string ?? given["config"]?["name"]?.string
            ?? given["class_name"]?.string
        guard let name else { throw unsupported("has an activation without a name") }
        let plain = name.lowercased()
        if plain == "linear" { return .null }
        if plain == "leaky_relu" || plain == "leakyrelu" {
            return [
                "name": "leaky_relu", "alpha": .number(given["config"]?["negative_slope"]?.double ?? 0.2),
            ]
        }
        guard let known = try? Activation(plain) else {
            throw unsupported("has the activation '\(name)', which is not known")
        }
        return .string(known.function.rawValue)
    }

    func requireChannelsLast() throws {
        let order = value("data_format", "dim_ordering")?.string ?? "channels_last"
        guard order == "channels_last" || order == "tf" || order == "default" else {
            throw unsupported("has its channels first, and networks with channels last are read")
        }
    }
}

extension KerasModel {
    private static let merges = [
        "Add": "add", "Subtract": "subtract", "Multiply": "multiply", "Average": "average",
        "Maximum": "maximum", "Minimum": "minimum",
    ]
    /// Layers that do nothing to what passes while a network is used.
    private static let passing: Set<String> = [
        "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization", "RandomFlip",
        "RandomRotation", "RandomZoom", "RandomContrast", "RandomTranslation", "RandomBrightness",
        "Identity",
    ]

    /// A layer of Keras as one of the network.
    mutating func translate(_ layer: KerasLayer, _ inputs: [Flow]) throws -> Flow {
        guard let x = inputs.first else { throw layer.unsupported("takes nothing") }
        if let rule = Self.merges[layer.kind] { return try append(layer.name, rule, [:], inputs, x) }
        if Self.passing.contains(layer.kind) { return x }
        if layer.kind == "Concatenate" || layer.kind == "Merge" {
            return try concatenation(layer, inputs)
        }
        guard inputs.count == 1 else { throw layer.unsupported("takes \(inputs.count) values") }
        if let made = try window(layer, x) ?? shaping(layer, x) ?? normalization(layer, x) {
            return made
        }
        if let (kind, options) = try activation(layer) {
            return try append(layer.name, kind, options, [x], x)
        }
        switch layer.kind {
        case "Dense":
            let units = try layer.int("units", "output_dim")
            return try append(
                layer.name, "dense",
                [
                    "units": .integer(units), "bias": .bool(layer.flag("use_bias", "bias", or: true)),
                    "activation": try layer.activation(),
                ], [x], Flow(node: 0, rank: x.rank, channels: units))
        case "Dropout":
            return try append(
                layer.name, "dropout", ["rate": .number(layer.number("rate", "p", or: 0))], [x], x)
        case "SpatialDropout1D", "SpatialDropout2D":
            return try append(
                layer.name, "spatial_dropout", ["rate": .number(layer.number("rate", "p", or: 0))], [x], x)
        case "Lambda", "TFOpLambda":
            throw layer.unsupported("holds a function of Python, and vzsh runs nothing out of a file")
        default: throw layer.unsupported("is not read")
        }
    }

    private mutating func concatenation(_ layer: KerasLayer, _ inputs: [Flow]) throws -> Flow {
        let axis = try layer.int("axis", "concat_axis", or: -1)
        let own = axis > 0 ? axis - 1 : axis
        var made = inputs[0]
        if own == -1 || own == made.rank - 1 {
            let all = inputs.compactMap(\.channels)
            made.channels = all.count == inputs.count ? all.reduce(0, &+) : nil
        }
        return try append(layer.name, "concat", ["axis": .integer(own)], inputs, made)
    }

    /// Convolutions, pools and what else slides or stretches.
    private mutating func window(_ layer: KerasLayer, _ x: Flow) throws -> Flow? {
        let kinds = [
            "Conv1D": "conv1d", "Convolution1D": "conv1d", "Conv2D": "conv2d", "Convolution2D": "conv2d",
            "DepthwiseConv1D": "depthwise_conv1d", "DepthwiseConv2D": "depthwise_conv2d",
            "SeparableConv1D": "separable_conv1d", "SeparableConv2D": "separable_conv2d",
            "Conv1DTranspose": "conv1d_transpose", "Conv2DTranspose": "conv2d_transpose",
            "MaxPooling1D": "maxpool1d", "MaxPooling2D": "maxpool2d", "AveragePooling1D": "avgpool1d",
            "AveragePooling2D": "avgpool2d", "GlobalMaxPooling1D": "global_maxpool1d",
            "GlobalMaxPooling2D": "global_maxpool2d", "GlobalAveragePooling1D": "global_avgpool1d",
            "GlobalAveragePooling2D": "global_avgpool2d", "UpSampling1D": "upsample1d",
            "UpSampling2D": "upsample2d", "ZeroPadding1D": "zero_padding1d",
            "ZeroPadding2D": "zero_padding2d",
            "Cropping1D": "cropping1d", "Cropping2D": "cropping2d",
        ]
        guard let kind = kinds[layer.kind] else { return nil }
        let rank = kind.contains("1d") ? 1 : 2
        guard x.rank == rank + 1 else { throw layer.unsupported("takes \(x.rank) axes") }
        try layer.requireChannelsLast()
        var made = x
        switch kind {
        case "maxpool1d", "maxpool2d", "avgpool1d", "avgpool2d":
            let size = try layer.lengths("pool_size", "pool_length", rank: rank)
            let options: JSON = [
                "size": .ints(size),
                "stride": .ints(
                    layer.value("strides", "stride") == nil
                        ? size : try layer.lengths("strides", "stride", rank: rank)),
                "padding": try layer.padding(),
            ]
            return try append(layer.name, kind, options, [x], made)
        case "upsample1d", "upsample2d":
            let how = layer.value("interpolation")?.string ?? "nearest"
            let size = try layer.lengths("size", "length", rank: rank)
            guard how == "nearest" || how == "bilinear" else {
                throw layer.unsupported("stretches by '\(how)'")
            }
            if how == "bilinear" {
                return try append(
                    layer.name, "resize\(rank)d",
                    [
                        "scale": .numbers(size.map(Double.init)), "mode": "linear",
                        "coordinates": "half_pixel",
                    ], [x], made)
            }
            return try append(layer.name, kind, ["size": .ints(size)], [x], made)
        case "zero_padding1d", "zero_padding2d", "cropping1d", "cropping2d":
            let key = kind.hasPrefix("zero") ? "padding" : "cropping"
            return try append(
                layer.name, kind, [key: .array(try layer.pairs(key, rank: rank).map(JSON.ints))], [x], made)
        case let global where global.hasPrefix("global"):
            made.rank = 1
            let pooled = try append(layer.name, kind, [:], [x], made)
            guard layer.flag("keepdims", or: false) else { return pooled }
            let shape = [Int](repeating: 1, count: rank) + [-1]
            made.rank = rank + 1
            return try append(
                layer.name + "_keepdims", "reshape", ["shape": .ints(shape)], [pooled], made)
        default: return try convolution(layer, kind, rank, x)
        }
    }

    private mutating func convolution(_ layer: KerasLayer, _ kind: String, _ rank: Int, _ x: Flow)
        throws
        -> Flow
    {
        var made = x
        let isDepthwise = kind.hasPrefix("depthwise")
        let filters =
            try isDepthwise
            ? layer.int("depth_multiplier", or: 1) : layer.int("filters", "nb_filter")
        var kernel =
            layer.value("kernel_size", "filter_length") == nil
            ? [] : try layer.lengths("kernel_size", "filter_length", rank: rank)
        if kernel.isEmpty { kernel = [try layer.int("nb_row"), try layer.int("nb_col")] }
        if let more = layer.config["output_padding"], !more.isNull,
            more.ints?.contains(where: { $0 != 0 }) ?? true
        {
            throw layer.unsupported("has an output_padding")
        }
        made.channels = isDepthwise ? x.channels.map { $0 &* filters } : filters
        var options: JSON = [
            "filters": .integer(filters), "kernel": .ints(kernel),
            "stride": .ints(
                try layer.lengths("strides", "subsample", "subsample_length", rank: rank, or: 1)),
            "dilation": .ints(try layer.lengths("dilation_rate", "atrous_rate", rank: rank, or: 1)),
            "padding": try layer.padding(), "bias": .bool(layer.flag("use_bias", "bias", or: true)),
            "activation": try layer.activation(),
        ]
        if kind == "conv1d" || kind == "conv2d" {
            options["groups"] = .integer(try layer.int("groups", or: 1))
        }
        if kind.hasPrefix("separable") {
            options["depth_multiplier"] = .integer(try layer.int("depth_multiplier", or: 1))
        }
        return try append(layer.name, kind, options, [x], made)
    }

    private mutating func shaping(_ layer: KerasLayer, _ x: Flow) throws -> Flow? {
        switch layer.kind {
        case "Flatten":
            return try append(layer.name, "flatten", [:], [x], Flow(node: 0, rank: 1, channels: nil))
        case "Reshape":
            guard let shape = layer.value("target_shape", "dims")?.ints,
                (1...Shape.maximumRank).contains(shape.count)
            else {
                throw layer.unsupported("lacks 'target_shape'")
            }
            let last = shape.last.flatMap { $0 > 0 ? $0 : nil }
            return try append(
                layer.name, "reshape", ["shape": .ints(shape)], [x],
                Flow(node: 0, rank: shape.count, channels: last))
        case "Permute":
            guard let dims = layer.value("dims")?.ints, dims.count == x.rank,
                dims.allSatisfy({ (1...x.rank).contains($0) })
            else {
                throw layer.unsupported("lacks 'dims'")
            }
            return try append(
                layer.name, "permute", ["order": .ints(dims.map { $0 - 1 })], [x],
                Flow(node: 0, rank: x.rank, channels: dims.last == x.rank ? x.channels : nil))
        default: return nil
        }
    }

    /// What marks a normalization that stands for Keras' Normalization, and for its Rescaling: it is
    /// written as such again.
    static let normalization = 1e-14
    static let rescaling = 0.0009765625

    private mutating func normalization(_ layer: KerasLayer, _ x: Flow) throws -> Flow? {
        switch layer.kind {
        case "BatchNormalization", "LayerNormalization":
            let axes = layer.value("axis").flatMap { $0.ints ?? $0.int.map { [$0] } } ?? [-1]
            guard axes == [-1] || axes == [x.rank] else {
                throw layer.unsupported("normalizes along another axis than the last")
            }
            let epsilon = JSON.number(layer.number("epsilon", or: 1e-3))
            let (center, scale) = (layer.flag("center", or: true), layer.flag("scale", or: true))
            if layer.kind == "LayerNormalization" {
                guard center, scale else { throw layer.unsupported("has no scale or no center") }
                return try append(layer.name, "layernorm", ["epsilon": epsilon], [x], x)
            }
            return try append(
                layer.name, "batchnorm",
                [
                    "epsilon": epsilon, "momentum": .number(layer.number("momentum", or: 0.99)),
                    "center": .bool(center), "scale": .bool(scale),
                ], [x], x)
        case "Rescaling":
            return try affine(layer, x, scale: layer.config["scale"], offset: layer.config["offset"])
        case "Normalization":
            // The moments come from the file, (x − mean) / √variance.
            return try append(
                layer.name, "batchnorm",
                ["epsilon": .number(Self.normalization), "center": false, "scale": false], [x], x)
        default: return nil
        }
    }

    /// x · scale + offset by channel, as a normalization of mean 0 and variance 1.
    private mutating func affine(_ layer: KerasLayer, _ x: Flow, scale: JSON?, offset: JSON?) throws
        -> Flow
    {
        guard let channels = x.channels, channels <= 1 << 20 else {
            throw layer.unsupported("stands behind layers of unknown width")
        }
        func each(_ json: JSON?, _ fallback: Float) throws -> [Float] {
            if let one = json?.double { return [Float](repeating: Float(one), count: channels) }
            guard let list = json?.doubles, list.count == channels else {
                if json == nil || json?.isNull == true {
                    return [Float](repeating: fallback, count: channels)
                }
                throw layer.unsupported("has another number of scales than channels")
            }
            return list.map { Float($0) }
        }
        let epsilon = Float(Self.rescaling)
        constants["\(layer.name).gamma"] = try Tensor(each(scale, 1), shape: [channels])
        constants["\(layer.name).beta"] = try Tensor(each(offset, 0), shape: [channels])
        constants["\(layer.name).moving_moments"] = try Tensor(
            [Float](repeating: 0, count: channels) + [Float](repeating: 1 - epsilon, count: channels),
            shape: [2, channels])
        return try append(layer.name, "batchnorm", ["epsilon": .number(Double(epsilon))], [x], x)
    }

    private func activation(_ layer: KerasLayer) throws -> (String, JSON)? {
        switch layer.kind {
        case "Activation":
            let given = try layer.activation()
            if given.isNull { return ("linear", [:]) }
            if let name = given.string { return (name, [:]) }
            return (given["name"]?.string ?? "linear", ["alpha": given["alpha"] ?? 0.2])
        case "ReLU":
            let slope = layer.number("negative_slope", or: 0)
            let limit = layer.config["max_value"]?.double
            guard layer.number("threshold", or: 0) == 0, slope == 0 || limit == nil,
                limit == nil || limit == 6
            else {
                throw layer.unsupported("has a threshold or a limit other than 6")
            }
            if slope != 0 { return ("leaky_relu", ["alpha": .number(slope)]) }
            return (limit == 6 ? "relu6" : "relu", [:])
        case "LeakyReLU":
            return ("leaky_relu", ["alpha": .number(layer.number("negative_slope", "alpha", or: 0.3))])
        case "ELU": return ("elu", ["alpha": .number(layer.number("alpha", or: 1))])
        case "Softmax":
            guard layer.config["axis"]?.int ?? -1 == -1 else {
                throw layer.unsupported("runs along another axis than the last")
            }
            return ("softmax", [:])
        default: return nil
        }
    }
}
