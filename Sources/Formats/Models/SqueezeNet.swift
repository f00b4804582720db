import Network
import Support

/// SqueezeNet 1.0 and 1.1 (Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer
/// parameters"), as torchvision has them; its module names stand in the weights.
enum SqueezeNet {
    static func definition(version: String) -> Definition {
        Definition(
            name: version == "1.0" ? "squeezenet1_0" : "squeezenet1_1", input: [224, 224, 3],
            classes: 1000,
            isImageNet: true, layers: { try layers(isOld: version == "1.0", $0, $1) },
            torchPreprocessing: .torchvision, preprocessing: .torchvision)
    }

    private static func layers(isOld: Bool, _ input: [Int], _ classes: Int?) throws
        -> ArchitectureWriter
    {
        var net = ArchitectureWriter()
        var sides = [input[0], input[1]]
        let first = isOld ? 7 : 3
        guard sides.allSatisfy({ $0 >= 32 }) else {
            throw Failure(
                .shape, "squeezenet: pictures of \(input[0]) x \(input[1]) are too small for it",
                hint: "height and width are 32 or more, usually 224")
        }
        net.conv2d("conv1", isOld ? 96 : 64, first, stride: 2, torch: "features.0")
        net.add("conv1_relu", "relu")
        sides = sides.map { ($0 - first) / 2 + 1 }
        /// The last window may stick out, as PyTorch's ceil_mode lets it.
        func pool(_ name: String) {
            let after = sides.map { ($0 - 3) % 2 }
            net.maxpool2d(name, 3, stride: 2, after: after)
            sides = zip(sides, after).map { ($0 + $1 - 3) / 2 + 1 }
        }
        pool("pool1")
        // Squeezed channels by fire module from the second on, and pools in front of which.
        let squeezed = [16, 16, 32, 32, 48, 48, 64, 64]
        let pools: Set<Int> = isOld ? [5, 9] : [4, 6]
        var place = 3
        for (i, channels) in squeezed.enumerated() {
            let n = i + 2
            if pools.contains(n) {
                pool("pool\(n - 1)")
                place += 1
            }
            let wide = channels * 4
            let module = "features.\(place)"
            net.conv2d("fire\(n)_squeeze", channels, 1, torch: module + ".squeeze")
            let narrow = net.add("fire\(n)_squeeze_relu", "relu")
            net.conv2d("fire\(n)_expand1x1", wide, 1, from: [narrow], torch: module + ".expand1x1")
            let one = net.add("fire\(n)_expand1x1_relu", "relu")
            net.conv2d(
                "fire\(n)_expand3x3", wide, 3, zeros: 1, from: [narrow], torch: module + ".expand3x3")
            let three = net.add("fire\(n)_expand3x3_relu", "relu")
            net.add("fire\(n)_concat", "concat", ["axis": -1], from: [one, three])
            place += 1
        }
        guard let classes else { return net }
        net.add("dropout9", "dropout", ["rate": 0.5])
        net.conv2d("conv10", classes, 1, torch: "classifier.1")
        net.add("conv10_relu", "relu")
        net.add("pool10", "global_avgpool2d")
        net.add("softmax", "softmax")
        return net
    }
}
