import Network
import Support
import Tensor

/// VGG-16 and VGG-19 (Simonyan and Zisserman 2014, "Very Deep Convolutional Networks for Large-Scale
/// Image Recognition", configurations D and E), layers named as Keras names them, so that its
/// published weights fit; torchvision's fit by their order.
public enum VGG {
    static func definition(depth: Int) -> Definition {
        Definition(
            name: "vgg\(depth)", input: [224, 224, 3], classes: 1000, isImageNet: true,
            layers: { try layers(depth: depth, input: $0, classes: $1) },
            torchPreprocessing: .torchvision, preprocessing: .caffe)
    }

    /// - Parameters:
    ///   - depth: 16 or 19 layers with weights.
    ///   - classes: units of the last layer; nil leaves the three dense layers out, so that pictures
    ///     of any size from 32 on go in.
    ///   - input: [height, width, 3]; with classes [224, 224, 3] is what the published weights need.
    /// Pictures go in as BGR with the mean of ImageNet taken off; `preprocessing` says so.
    public static func network(
        depth: Int = 16, classes: Int? = 1000, input: [Int] = [224, 224, 3],
        weights: ((String) throws -> Tensor?)? = nil
    ) throws -> Network {
        guard depth == 16 || depth == 19 else {
            throw Failure(.value, "there is no VGG of \(depth) layers", hint: "use vgg16() or vgg19()")
        }
        return try definition(depth: depth).network(input: input, classes: classes, weights: weights)
    }

    private static func layers(depth: Int, input: [Int], classes: Int?) throws -> ArchitectureWriter {
        guard input[0] >= 32, input[1] >= 32 else {
            throw Failure(
                .shape,
                "vgg\(depth): the input has shape \(Shape.describe(input)), expected [height, width, 3]",
                hint: "height and width are 32 or more, usually 224")
        }
        var net = ArchitectureWriter()
        let convolutions = depth == 16 ? [2, 2, 3, 3, 3] : [2, 2, 4, 4, 4]
        // torchvision counts activations and pools too.
        var place = 0
        for (i, filters) in [64, 128, 256, 512, 512].enumerated() {
            for j in 1...convolutions[i] {
                net.add(
                    "block\(i + 1)_conv\(j)", "conv2d",
                    [
                        "filters": .integer(filters), "kernel": [3, 3], "stride": [1, 1], "dilation": [1, 1],
                        "padding": "same", "bias": true, "activation": "relu",
                    ], torch: "features.\(place)")
                place += 2
            }
            net.add(
                "block\(i + 1)_pool", "maxpool2d", ["size": [2, 2], "stride": [2, 2], "padding": "valid"])
            place += 1
        }
        if let classes {
            net.add("flatten", "flatten")
            net.add("fc1", "dense", ["units": 4096, "activation": "relu"], torch: "classifier.0")
            net.add("fc2", "dense", ["units": 4096, "activation": "relu"], torch: "classifier.3")
            net.add(
                "predictions", "dense", ["units": .integer(classes), "activation": "softmax"],
                torch: "classifier.6")
        }
        return net
    }
}
