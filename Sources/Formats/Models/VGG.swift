import Network
import Support
import Tensor

/// VGG-16 and VGG-19 (Simonyan and Zisserman 2014, "Very Deep Convolutional Networks for Large-Scale
/// Image Recognition", configurations D and E), layers named as Keras names them, so that its
/// published weights fit.
public enum VGG {
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
        guard input.count == 3, input[2] == 3, input[0] >= 32, input[1] >= 32 else {
            throw Failure(
                .shape,
                "vgg\(depth): the input has shape \(Shape.describe(input)), expected [height, width, 3]",
                hint: "height and width are 32 or more, usually 224")
        }
        var layers: [JSON] = []
        func add(_ name: String, _ kind: String, _ options: JSON) {
            layers.append([
                "name": .string(name), "kind": .string(kind), "options": options,
                "inputs": .ints([layers.count - 1]),
            ])
        }
        let convolutions = depth == 16 ? [2, 2, 3, 3, 3] : [2, 2, 4, 4, 4]
        for (i, filters) in [64, 128, 256, 512, 512].enumerated() {
            for j in 1...convolutions[i] {
                add(
                    "block\(i + 1)_conv\(j)", "conv2d",
                    [
                        "filters": .integer(filters), "kernel": [3, 3], "stride": [1, 1], "dilation": [1, 1],
                        "padding": "same", "bias": true, "activation": "relu",
                    ])
            }
            add("block\(i + 1)_pool", "maxpool2d", ["size": [2, 2], "stride": [2, 2], "padding": "valid"])
        }
        if let classes {
            add("flatten", "flatten", [:])
            add("fc1", "dense", ["units": 4096, "activation": "relu"])
            add("fc2", "dense", ["units": 4096, "activation": "relu"])
            add("predictions", "dense", ["units": .integer(classes), "activation": "softmax"])
        }
        let preprocessing = Preprocessing(kind: "image", channels: "BGR", mean: [103.939, 116.779, 123.68])
        let architecture: JSON = [
            "format": 1, "name": .string("vgg\(depth)"), "input": .ints(input), "layers": .array(layers),
            "output": .integer(layers.count - 1), "preprocessing": preprocessing.json,
        ]
        return try Network(architecture: architecture, weights: weights)
    }
}
