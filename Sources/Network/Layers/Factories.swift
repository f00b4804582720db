import Graph
import Support

/// Short forms, as networks are written down: `.conv1d(32, 5)`.
extension Layer {
    public static func conv1d(
        _ filters: Int, _ kernel: Int, stride: Int = 1, padding: LayerPadding = .same, dilation: Int = 1,
        groups: Int = 1, bias: Bool = true, activation: Activation.Function? = nil,
        regularizer: Regularizer? = nil, name: String? = nil
    ) throws -> Layer {
        let options = try ConvolutionOptions(
            filters: filters, kernel: [kernel], stride: [stride], dilation: [dilation], padding: padding,
            bias: bias,
            activation: activation.map { Activation($0) }, kernelRegularizer: regularizer)
        return Layer(try ConvolutionLayer(options, groups: groups), name: name)
    }

    /// `kernel` and `stride` are lengths for height and width alike.
    public static func conv2d(
        _ filters: Int, _ kernel: Int, stride: Int = 1, padding: LayerPadding = .same, dilation: Int = 1,
        groups: Int = 1, bias: Bool = true, activation: Activation.Function? = nil,
        regularizer: Regularizer? = nil, name: String? = nil
    ) throws -> Layer {
        let options = try ConvolutionOptions(
            filters: filters, kernel: [kernel, kernel], stride: [stride, stride],
            dilation: [dilation, dilation],
            padding: padding, bias: bias, activation: activation.map { Activation($0) },
            kernelRegularizer: regularizer)
        return Layer(try ConvolutionLayer(options, groups: groups), name: name)
    }

    public static func dense(
        _ units: Int, activation: Activation.Function? = nil, bias: Bool = true,
        regularizer: Regularizer? = nil,
        name: String? = nil
    ) throws -> Layer {
        Layer(
            try DenseLayer(
                units, bias: bias, activation: activation.map { Activation($0) },
                kernelRegularizer: regularizer),
            name: name)
    }

    public static func maxpool1d(
        _ size: Int, stride: Int? = nil, padding: LayerPadding = .valid, name: String? = nil
    ) throws -> Layer {
        Layer(
            try PoolLayer(maximum: true, size: [size], stride: [stride ?? size], padding: padding), name: name
        )
    }

    public static func maxpool2d(
        _ size: Int, stride: Int? = nil, padding: LayerPadding = .valid, name: String? = nil
    ) throws -> Layer {
        let step = stride ?? size
        return Layer(
            try PoolLayer(maximum: true, size: [size, size], stride: [step, step], padding: padding),
            name: name)
    }

    public static func batchnorm(momentum: Double = 0.99, name: String? = nil) throws -> Layer {
        Layer(try BatchNormalizationLayer(momentum: momentum), name: name)
    }

    public static func dropout(_ rate: Double, name: String? = nil) throws -> Layer {
        Layer(try DropoutLayer(rate), name: name)
    }

    public static func flatten() -> Layer { Layer(FlattenLayer()) }

    public static func activation(_ function: Activation.Function, name: String? = nil) -> Layer {
        Layer(ActivationLayer(Activation(function)), name: name)
    }

    public static func relu() -> Layer { .activation(.relu) }
    public static func softmax() -> Layer { .activation(.softmax) }
}
