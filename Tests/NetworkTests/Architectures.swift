import Network

/// The five networks of the experiments.
enum Architectures {
    static func blocks(_ layers: [Layer]) -> [Block] { layers.map(Block.layer) }

    static func base() throws -> Network {
        var layers: [Layer] = []
        for channels in [8, 16, 32, 64, 128] {
            layers += try [.conv1d(channels, 25, padding: .valid), .relu(), .maxpool1d(4, padding: .same)]
        }
        layers += try [.flatten(), .dense(1024), .relu(), .dense(512), .relu(), .dense(16), .softmax()]
        return try .sequential(blocks(layers), input: [16000, 1], name: "base")
    }

    static func channel32(_ width: Int = 32, norm: Bool = false) throws -> Network {
        var layers: [Layer] = []
        for i in 0..<8 {
            layers += try [.conv1d(i < 4 ? width : 2 * width, 5), .relu()] + (i > 0 ? [.maxpool1d(3)] : [])
        }
        layers += try [.flatten(), .dropout(0.75), .dense(16), .softmax()]
        return try .sequential(blocks(layers), input: [16000, 1], name: "channel\(width)")
    }

    static func vgg() throws -> Network {
        var layers: [Layer] = []
        for (i, pool) in [4, 4, 4, 2, 2, 2, 2, 2].enumerated() {
            let channels = i < 4 ? 64 : 128
            layers += try [.conv1d(channels, 3), .relu(), .conv1d(channels, 3), .relu(), .maxpool1d(pool)]
        }
        layers += try [.flatten(), .dense(16), .softmax()]
        return try .sequential(blocks(layers), input: [16000, 1], name: "vgg")
    }

    static func channel128() throws -> Network {
        var layers: [Layer] = []
        for i in 0..<9 {
            layers += try [.conv1d(i < 4 ? 128 : i < 8 ? 256 : 512, 5), .batchnorm(), .relu()]
            if i > 0 { layers.append(try .maxpool1d(3)) }
        }
        layers += try [.flatten(), .dense(16), .softmax()]
        return try .sequential(blocks(layers), input: [16000, 1], name: "channel128")
    }
}
