import Support

/// Every kind of layer by its name, made from options as files hold them.
public enum LayerRegistry {
    /// Build a layer kind from what `LayerKind.kind` and `LayerKind.options` gave.
    public static func make(kind: String, options: JSON) throws -> any LayerKind {
        let o = Options(kind: kind, json: options)
        if let function = Activation.Function(rawValue: kind) {
            return ActivationLayer(Activation(function, alpha: options["alpha"]?.double))
        }
        if let rule = MergeLayer.Rule(rawValue: kind) { return try MergeLayer(rule, o) }
        switch kind {
        case "conv1d", "conv2d": return try ConvolutionLayer(o)
        case "separable_conv1d", "separable_conv2d": return try SeparableConvolutionLayer(o)
        case "depthwise_conv1d", "depthwise_conv2d": return try DepthwiseConvolutionLayer(o)
        case "conv1d_transpose", "conv2d_transpose": return try TransposedConvolutionLayer(o)
        case "dense": return try DenseLayer(o)
        case "maxpool1d", "maxpool2d": return try PoolLayer(maximum: true, o)
        case "avgpool1d", "avgpool2d": return try PoolLayer(maximum: false, o)
        case "global_maxpool1d", "global_maxpool2d":
            return GlobalPoolLayer(maximum: true, rank: kind.contains("1") ? 1 : 2)
        case "global_avgpool1d", "global_avgpool2d":
            return GlobalPoolLayer(maximum: false, rank: kind.contains("1") ? 1 : 2)
        case "upsample1d", "upsample2d": return try UpsampleLayer(o)
        case "zero_padding1d", "zero_padding2d": return try ZeroPaddingLayer(o)
        case "cropping1d", "cropping2d": return try CroppingLayer(o)
        case "batchnorm": return try BatchNormalizationLayer(o)
        case "layernorm": return try LayerNormalizationLayer(o)
        case "dropout": return try DropoutLayer(spatial: false, o)
        case "spatial_dropout": return try DropoutLayer(spatial: true, o)
        case "resize1d", "resize2d": return try ResizeLayer(o)
        case "lrn": return try LocalResponseLayer(o)
        case "slice": return try SliceLayer(o)
        case "flatten": return FlattenLayer()
        case "reshape": return try ReshapeLayer(o)
        case "permute": return try PermuteLayer(o)
        default:
            throw Failure(
                .file, "there is no layer of kind '\(kind)'",
                hint: "the file may come from a newer vzsh, or hold a function that only its script knows")
        }
    }
}
