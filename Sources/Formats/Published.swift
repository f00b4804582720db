import Support

/// A file that its makers publish.
public struct PublishedFile: Sendable {
    public enum Checksum: Sendable, Equatable {
        case md5(String)
        /// The whole digest, or the first digits of it, as torchvision has them in its files' names.
        case sha256(String)
    }
    /// Its name in the cache.
    public let name: String
    /// Where it is published, best first; empty: nowhere that can be told.
    public let addresses: [String]
    public let checksum: Checksum
    /// What it is, for `fetch` to say.
    public let about: String
    /// Bytes, roughly, to say what is coming; 0 where it is not known.
    public let size: Int

    package init(name: String, addresses: [String], checksum: Checksum, about: String, size: Int) {
        (self.name, self.addresses, self.checksum) = (name, addresses, checksum)
        (self.about, self.size) = (about, size)
    }
}

/// What `fetch` knows: files of networks and of data by the name that people call them.
public enum Published {
    private static let keras = "https://storage.googleapis.com/tensorflow/keras-applications/"
    private static let torch = "https://download.pytorch.org/models/"

    private static func kerasVGG(_ depth: Int, top: Bool, _ md5: String, _ megabytes: Int)
        -> PublishedFile
    {
        let name = "vgg\(depth)_weights_tf_dim_ordering_tf_kernels\(top ? "" : "_notop").h5"
        return PublishedFile(
            name: name, addresses: ["\(keras)vgg\(depth)/\(name)"], checksum: .md5(md5),
            about: "VGG\(depth) of Keras\(top ? "" : " without its dense layers")", size: megabytes << 20)
    }

    private static func vggNoTop(_ depth: Int) -> PublishedFile {
        depth == 16
            ? kerasVGG(16, top: false, "6d6bbae143d832006294945121d1f1fc", 56)
            : kerasVGG(19, top: false, "253f8cb515780f3b799900260a226db6", 77)
    }

    private static func torchvision(_ name: String, _ digits: String, _ megabytes: Int)
        -> PublishedFile
    {
        let file = "\(name)-\(digits).pth"
        let sum = digits.split(separator: "-").last.map(String.init) ?? digits
        return PublishedFile(
            name: file, addresses: [torch + file], checksum: .sha256(sum),
            about: "\(name) of torchvision",
            size: megabytes << 20)
    }

    static let classNames = PublishedFile(
        name: ImageNet.file,
        addresses: [
            "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
        ],
        checksum: .md5("c2c37ea517e94d9795004a39431a14cb"), about: "names of ImageNet's classes",
        size: 35_363
    )

    static let speechCommands = PublishedFile(
        name: "speech_commands_v0.02.tar.gz",
        addresses: [
            "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
            "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
        ],
        checksum: .sha256("af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"),
        about: "Speech Commands 0.02, 105,829 clips (CC BY 4.0)", size: 2_428_923_189)

    /// Files by name; of several the first is the one that `fetch(name)` brings.
    private static let table: [(name: String, files: [PublishedFile])] = [
        (
            "vgg16",
            [
                kerasVGG(16, top: true, "64373286793e3c8b2b4e3219cbf3544b", 528),
                vggNoTop(16), torchvision("vgg16", "397923af", 528),
            ]
        ),
        (
            "vgg19",
            [
                kerasVGG(19, top: true, "cbe5617147190e668d6c5d5026f83318", 548),
                vggNoTop(19), torchvision("vgg19", "dcbb9e9d", 548),
            ]
        ),
        ("alexnet", [torchvision("alexnet", "owt-7be5be79", 233)]),
        ("squeezenet", [torchvision("squeezenet1_1", "b8a52dc0", 5)]),
        ("squeezenet1_0", [torchvision("squeezenet1_0", "b66bff10", 5)]),
        ("squeezenet1_1", [torchvision("squeezenet1_1", "b8a52dc0", 5)]),
        ("resnet18", [torchvision("resnet18", "f37072fd", 45)]),
        ("resnet50", [torchvision("resnet50", "0676ba61", 98)]),
        ("mobilenet_v2", [torchvision("mobilenet_v2", "b0353104", 14)]),
    ]

    /// Names of networks that `load` takes once they were fetched.
    public static let networks: [String] = table.map(\.name)
    /// Everything that `fetch` takes.
    public static let names: [String] =
        networks + ["vgg16_notop", "vgg19_notop", "imagenet_classes", "speech_commands"]

    /// The files of a network, best first; empty where the name is unknown.
    static func files(of network: String) -> [PublishedFile] {
        table.first { $0.name == network }?.files ?? []
    }

    /// What `fetch(name)` brings. Throws a name failure with the nearest name.
    static func wanted(_ name: String) throws -> PublishedFile {
        switch name {
        case "speech_commands": return speechCommands
        case "imagenet_classes": return classNames
        case "vgg16_notop": return vggNoTop(16)
        case "vgg19_notop": return vggNoTop(19)
        default: break
        }
        guard let file = files(of: name).first else {
            throw Failure(
                .name, "nothing is known that could be fetched as '\(name)'",
                hint: Spelling.nearest(name, among: names).map { "did you mean '\($0)'?" }
                    ?? "known are \(names.joined(separator: ", "))")
        }
        return file
    }
}
