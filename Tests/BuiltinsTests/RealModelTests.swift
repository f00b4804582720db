import Builtins
import Foundation
import Language
import Support
import Testing

/// Real weights on real pictures, where they lie beside the checkout.
@Suite struct RealModelTests {
    private static let data: String? = {
        let checkout = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        return [checkout + "/../shared/data/", checkout + "/../../shared/data/"].first {
            FileManager.default.fileExists(atPath: $0 + "photos/labels.tsv")
        }
    }()

    private func run(_ code: String) throws -> Value {
        let interpreter = Interpreter(builtins: BuiltinTable.all())
        interpreter.output = { _ in }
        interpreter.show = { _ in }
        do { return try interpreter.run(code, file: "test") } catch let error as Diagnostics {
            throw Failure(.value, error.render(color: false))
        }
    }

    /// predict(net, "photo.jpg") alone: cut, scaled and ordered as the network wants it. Every third photo.
    @Test(.enabled(if: RealModelTests.data != nil, "needs the real weights beside the checkout"))
    func squeezeNetKnowsThePhotos() throws {
        let data = try #require(Self.data)
        let table = try String(contentsOfFile: data + "photos/labels.tsv", encoding: .utf8)
        let rows = table.split(separator: "\n").dropFirst().map {
            $0.split(separator: "\t").map(String.init)
        }
        let chosen = stride(from: 0, to: rows.count, by: 3).map { rows[$0] }
        let names = chosen.map { "\"\(data)photos/\($0[0])\"" }.joined(separator: ", ")
        let found = try run(
            """
            net = load("\(data)weights/squeezenet_v1.0.onnx")
            net.classes = imagenet_classes("\(data)weights/imagenet_classes.txt")
            [[p.index for p in predict(net, file)] for file in [\(names)]]
            """)
        let lists = try #require(found.asList).items.map { $0.asList?.items.compactMap(\.asInt) ?? [] }
        let hits = zip(chosen, lists).filter { row, list in Int(row[1]).map(list.contains) ?? false }
            .count
        #expect(
            lists.count == chosen.count && hits * 39 >= 34 * chosen.count - 39,
            "\(hits) of \(chosen.count)")
    }

    @Test func publishedNetworksAreDefinitions() throws {
        let net = try run(
            "[squeezenet(classes = 7, input = [64, 64, 3]), mobilenet_v2(classes = 5, input = [64, 64, 3])]"
        )
        #expect(net.asList?.count == 2)
    }

    /// A picture of one colour through preprocessing that is told by hand.
    @Test func preprocessingIsKeptWithTheNetwork() throws {
        let folder = NSTemporaryDirectory() + "vzsh-builtins-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let red = "P3 4 4 255\n" + String(repeating: "255 51 0 ", count: 16)
        try red.write(toFile: folder + "/red.ppm", atomically: true, encoding: .utf8)
        let value = try run(
            """
            net = sequential(global_avgpool2d(), input = [2, 2, 3])
            net.preprocessing = {kind: "image", channels: "BGR", scale: 0.01, mean: [0, 0.5, 0.55], deviation: [1, 1, 2]}
            save(net, "\(folder)/net.safetensors")
            net = load("\(folder)/net.safetensors")
            predict(net, "\(folder)/red.ppm", top = 1)[0].index
            """)
        #expect(value.asInt == 2)
    }
}
