import Network
import Support

/// ResNet-18 and ResNet-50 (He et al. 2015, "Deep Residual Learning for Image Recognition"), as
/// torchvision has them: of a bottleneck's three convolutions the middle one takes the stride. Layers
/// are named as in its weights, with _ for the points.
enum ResNet {
    static func definition(depth: Int) -> Definition {
        Definition(
            name: "resnet\(depth)", input: [224, 224, 3], classes: 1000, isImageNet: true,
            layers: { try layers(isDeep: depth == 50, $0, $1) }, torchPreprocessing: .torchvision,
            preprocessing: .torchvision)
    }

    private static func layers(isDeep: Bool, _ input: [Int], _ classes: Int?) throws
        -> ArchitectureWriter
    {
        var net = ArchitectureWriter()
        net.conv2d("conv1", 64, 7, stride: 2, zeros: 3, bias: false)
        net.batchNorm("bn1")
        net.add("relu", "relu")
        net.maxpool2d("maxpool", 3, stride: 2, before: 1, after: [1, 1])
        var channels = 64
        let depths = isDeep ? [3, 4, 6, 3] : [2, 2, 2, 2]
        for (stage, blocks) in depths.enumerated() {
            let width = 64 << stage
            for block in 0..<blocks {
                let name = "layer\(stage + 1)_\(block)"
                let stride = stage > 0 && block == 0 ? 2 : 1
                let wide = isDeep ? width * 4 : width
                let start = net.last
                let kernels = isDeep ? [1, 3, 1] : [3, 3]
                for (i, kernel) in kernels.enumerated() {
                    let strideHere = (isDeep ? i == 1 : i == 0) ? stride : 1
                    let isLast = i == kernels.count - 1
                    net.conv2d(
                        "\(name)_conv\(i + 1)", isLast ? wide : width, kernel, stride: strideHere,
                        zeros: kernel / 2, bias: false)
                    net.batchNorm("\(name)_bn\(i + 1)")
                    if !isLast { net.add("\(name)_relu\(i + 1)", "relu") }
                }
                let end = net.last
                var way = start
                if stride != 1 || channels != wide {
                    net.conv2d("\(name)_downsample_0", wide, 1, stride: stride, bias: false, from: [start])
                    net.batchNorm("\(name)_downsample_1")
                    way = net.last
                }
                net.add("\(name)_add", "add", from: [end, way])
                net.add("\(name)_relu", "relu")
                channels = wide
            }
        }
        guard let classes else { return net }
        net.add("avgpool", "global_avgpool2d")
        net.dense("fc", classes)
        net.add("softmax", "softmax")
        return net
    }
}
