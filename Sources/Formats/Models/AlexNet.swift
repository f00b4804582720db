import Network
import Support

/// AlexNet as torchvision has it (Krizhevsky 2014, "One weird trick for parallelizing convolutional
/// neural networks"): five convolutions, three dense layers, softmax.
enum AlexNet {
    static let definition = Definition(
        name: "alexnet", input: [224, 224, 3], classes: 1000, isImageNet: true, layers: layers,
        torchPreprocessing: .torchvision, preprocessing: .torchvision)

    @Sendable private static func layers(_ input: [Int], _ classes: Int?) throws -> ArchitectureWriter {
        guard input[0] >= 63, input[1] >= 63 else {
            throw Failure(
                .shape, "alexnet: pictures of \(input[0]) x \(input[1]) are too small for it",
                hint: "height and width are 63 or more, usually 224")
        }
        var net = ArchitectureWriter()
        let convolutions = [
            (64, 11, 4, 2), (192, 5, 1, 2), (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1),
        ]
        let places = [0, 3, 6, 8, 10]
        for (i, (filters, kernel, stride, zeros)) in convolutions.enumerated() {
            net.conv2d(
                "conv\(i + 1)", filters, kernel, stride: stride, zeros: zeros,
                torch: "features.\(places[i])")
            net.add("relu\(i + 1)", "relu")
            if [0, 1, 4].contains(i) { net.maxpool2d("pool\(i + 1)", 3, stride: 2) }
        }
        guard let classes else { return net }
        net.add("flatten", "flatten")
        net.add("dropout6", "dropout", ["rate": 0.5])
        net.dense("fc6", 4096, torch: "classifier.1")
        net.add("fc6_relu", "relu")
        net.add("dropout7", "dropout", ["rate": 0.5])
        net.dense("fc7", 4096, torch: "classifier.4")
        net.add("fc7_relu", "relu")
        net.dense("fc8", classes, torch: "classifier.6")
        net.add("softmax", "softmax")
        return net
    }
}
