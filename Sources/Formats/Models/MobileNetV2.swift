import Network
import Support

/// MobileNetV2 (Sandler et al. 2018, "Inverted Residuals and Linear Bottlenecks"), as torchvision has
/// it. Layers are named as in its weights, with _ for the points.
enum MobileNetV2 {
    static let definition = Definition(
        name: "mobilenet_v2", input: [224, 224, 3], classes: 1000, isImageNet: true, layers: layers,
        torchPreprocessing: .torchvision, preprocessing: .torchvision)

    @Sendable private static func layers(_ input: [Int], _ classes: Int?) throws -> ArchitectureWriter {
        var net = ArchitectureWriter()
        /// Convolution, normalization and, by default, relu6.
        func unit(
            _ conv: String, _ norm: String, _ filters: Int, _ kernel: Int, stride: Int = 1,
            isDepthwise: Bool = false, isLinear: Bool = false
        ) {
            net.conv2d(
                conv, filters, kernel, stride: stride, zeros: kernel / 2, bias: false,
                isDepthwise: isDepthwise)
            net.batchNorm(norm)
            if !isLinear { net.add(conv + "_relu6", "relu6") }
        }
        unit("features_0_0", "features_0_1", 32, 3, stride: 2)
        var channels = 32
        var place = 1
        // Expansion, filters, blocks, first stride.
        let stages = [
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
            (6, 320, 1, 1),
        ]
        for (expansion, filters, blocks, firstStride) in stages {
            for block in 0..<blocks {
                let name = "features_\(place)_conv"
                let stride = block == 0 ? firstStride : 1
                let start = net.last
                var part = 0
                if expansion != 1 {
                    unit("\(name)_0_0", "\(name)_0_1", channels * expansion, 1)
                    part = 1
                }
                unit("\(name)_\(part)_0", "\(name)_\(part)_1", 1, 3, stride: stride, isDepthwise: true)
                unit("\(name)_\(part + 1)", "\(name)_\(part + 2)", filters, 1, isLinear: true)
                if stride == 1, channels == filters {
                    net.add("features_\(place)_add", "add", from: [start, net.last])
                }
                channels = filters
                place += 1
            }
        }
        unit("features_18_0", "features_18_1", 1280, 1)
        guard let classes else { return net }
        net.add("avgpool", "global_avgpool2d")
        net.add("dropout", "dropout", ["rate": 0.2])
        net.dense("classifier_1", classes)
        net.add("softmax", "softmax")
        return net
    }
}
