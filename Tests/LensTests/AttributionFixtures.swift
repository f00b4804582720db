import Network
import Support
import Tensor

/// The networks of Tests/Fixtures/make_attributions.py, and what other tools made of them.
enum AttributionFixtures {
    private static let folder =
        String(#filePath.dropLast("LensTests/AttributionFixtures.swift".count)) + "Fixtures"

    static func tensor(_ name: String) throws -> Tensor {
        guard let found = try TensorFile(path: folder + "/attributions.safetensors").tensor(name) else {
            throw Failure(.value, "the fixtures have no \(name)")
        }
        return found
    }
    static func values(_ name: String) throws -> [Double] { try tensor(name).array(of: Double.self) }
    static func chosen(_ key: String) throws -> Int { Int(try values("\(key).class")[0]) }

    /// Convolution, pooling, convolution, batch normalization, global average, dense.
    static func picture() throws -> Network {
        let blocks: [Block] = [
            .layer(try .conv2d(8, 3)), .layer(.relu()), .layer(try .maxpool2d(2)), .layer(try .conv2d(12, 3)),
            .layer(try .batchnorm()), .layer(.relu()),
            .layer(Layer(GlobalPoolLayer(maximum: false, rank: 2))),
            .layer(try .dense(5)),
        ]
        return try filled(Network.sequential(blocks, input: [24, 20, 3], name: "picture"), "p")
    }

    /// Convolution of stride 2, pooling, convolution, pooling, flattened, dense.
    static func wave() throws -> Network {
        let blocks: [Block] = [
            .layer(try .conv1d(6, 9, stride: 2, padding: .valid)), .layer(.relu()), .layer(try .maxpool1d(2)),
            .layer(try .conv1d(8, 5)), .layer(.relu()), .layer(try .maxpool1d(2)), .layer(.flatten()),
            .layer(try .dense(4)),
        ]
        return try filled(Network.sequential(blocks, input: [240, 1], name: "wave"), "s")
    }

    private static func filled(_ network: Network, _ key: String) throws -> Network {
        let missing = try network.setWeights { try tensor("\(key).\($0)") }
        guard missing.isEmpty else { throw Failure(.value, "no weights for \(missing)") }
        return network
    }

    /// Pearson's correlation.
    static func correlation(_ a: [Double], _ b: [Double]) -> Double {
        guard a.count == b.count, a.count > 1 else { return .nan }
        let n = Double(a.count)
        let (ma, mb) = (a.reduce(0, +) / n, b.reduce(0, +) / n)
        var (ab, aa, bb) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            ab += (x - ma) * (y - mb)
            aa += (x - ma) * (x - ma)
            bb += (y - mb) * (y - mb)
        }
        return ab / (aa * bb).squareRoot()
    }
}
