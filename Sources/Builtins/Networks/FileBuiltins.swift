import Formats
import Language
import Lens
import Media
import Network
import Plot
import Support
import Tensor

/// `save` and `load`: what a thing becomes follows from what it is and from the file's ending.
public enum FileBuiltins {
    public static func table() -> [Builtin] { [save(), load(), play()] }

    private static let soundEndings = ["wav", "flac", "ogg"]

    private static func ending(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        return name.contains(".") ? String(name.split(separator: ".").last ?? "").lowercased() : ""
    }

    private static func save() -> Builtin {
        Builtin(
            "save", topic: "files",
            [
                .required("what", "a network, tensor, waveform, maximization or figure"),
                .required("path", "where to"),
            ],
            summary: "Writes a thing to a file whose ending says how.",
            doc:
                "Networks: .safetensors (vzsh's own, whole), .onnx (whole), .h5 (weights for Keras), .npz (weights). Sound: .wav, .flac, .ogg. Figures and pictures: .png, .svg, .pdf, .gp. Tensors: .npy, .npz, .safetensors. A file is whole or not there.",
            example:
                "net = sequential(dense(2), input = [3])\nsave(net, \"/tmp/vzsh-example.safetensors\")\nload(\"/tmp/vzsh-example.safetensors\").name  # expect: \"network\"",
            seeAlso: ["load"]
        ) { args in
            let path = try Outputs.place(args.path("path"))
            let kind = ending(path)
            switch args.value("what").asObject {
            case let network as NetworkObject:
                try ModelFile.save(network.network, to: path)
            case let thing? where soundEndings.contains(kind):
                let audio = try sound(thing, args)
                try AudioFile.write(audio, to: path)
                RunRecord.shared.sound(audio, file: path)
            case let tensor as TensorObject where kind == "npy":
                try NumPyFile.write(try tensor.concrete(), to: path)
            case let tensor as TensorObject where kind == "npz":
                try NumPyFile.write([("tensor", try tensor.concrete())], toArchive: path)
            case let tensor as TensorObject where kind == "safetensors":
                try TensorFile.write([("tensor", try tensor.concrete())], to: path)
            case let result as MaximizationObject where kind == "safetensors":
                let losses = try result.result.loss.map { try Tensor($0, shape: [$0.count]) }
                try TensorFile.write(
                    [
                        ("input", result.result.input), ("best", result.result.best),
                        ("last", result.result.last),
                    ]
                        + losses.enumerated().map { ("loss_\($0)", $1) }, to: path)
            case let result as any Storable where kind == "safetensors":
                try TensorFile.write(try result.tensors(), to: path)
            case let result as any Storable where kind == "npz":
                try NumPyFile.write(try result.tensors(), toArchive: path)
            case let result as MaximizationObject where kind == "gif":
                try PlotBuiltins.animate(
                    result.frames(), to: path, progress: args.interpreter.progress)
            case let thing?:
                // Drawing takes its time.
                guard thing is FigureObject || FigureRenderer.endings.contains(kind) else {
                    throw unsuitable(thing, kind, path, args)
                }
                guard let figure = try PlotBuiltins.figure([.object(thing)]) else {
                    throw args.mismatch("what", "something that can be saved as .\(kind)", args.value("what"))
                }
                try PlotBuiltins.save(figure, to: path)
            default:
                throw args.mismatch(
                    "what", "a network, tensor, waveform, maximization or figure", args.value("what"))
            }
            return .nil
        }
    }

    /// An ending that means nothing for this thing; the hint names those that do.
    private static func unsuitable(_ thing: any VZObject, _ kind: String, _ path: String, _ args: Arguments)
        -> Failure
    {
        let own: [String] =
            switch thing {
            case is TensorObject: ["npy", "npz", "safetensors"]
            case is MaximizationObject: ["safetensors"]
            case is any Storable: ["safetensors", "npz"]
            default: []
            }
        let isSound = thing is TensorObject || thing is MaximizationObject || thing is any Audible
        let groups = [
            (own, "its numbers"), (isSound ? soundEndings : [], "a sound"),
            (["png", "svg", "pdf"], "a figure"),
        ]
        let known = groups.filter { !$0.0.isEmpty }.map { endings, what in
            "\(endings.map { "." + $0 }.joined(separator: ", ")) for \(what)"
        }
        return args.failure(
            kind.isEmpty
                ? "'\(path)' has no ending, so it is not clear what to write"
                : "\(Value.object(thing).typePhrase) cannot be saved as .\(kind)",
            hint: "end the name in " + known.joined(separator: "; "))
    }

    /// A waveform to be heard: brought to a level of 0.9 where it is louder, with short fades.
    static func sound(_ thing: any VZObject, _ args: Arguments) throws -> Audio {
        let (tensor, rate): (Tensor, Int)
        switch thing {
        case let wave as WaveObject: (tensor, rate) = (try wave.concrete(), wave.rate)
        case let result as MaximizationObject:
            guard let known = result.rate else {
                throw args.failure("this maximization is a picture, not a sound")
            }
            (tensor, rate) = (try result.input(), known)
        case let example as ExampleObject:
            guard let known = example.set.sampleRate else { throw args.failure("this example is no sound") }
            (tensor, rate) = (try example.input(), known)
        case let result as any Audible: return try result.audio()
        case let plain as TensorObject: (tensor, rate) = (try plain.concrete(), 16000)
        default: throw args.failure("\(thing.typeName) is no sound")
        }
        guard tensor.rank == 1 || (tensor.rank == 2 && tensor.shape[1] == 1) else {
            throw args.failure(
                "a sound is a tensor [length] or [length, 1], not \(Shape.describe(tensor.shape))")
        }
        return Audio(samples: try tensor.array(of: Float.self), rate: rate)
    }

    private static func load() -> Builtin {
        Builtin(
            "load", topic: "files",
            [
                .required("path", "a file, or the name of a network"),
                .optional("input", "nil", "the input's shape, where a network's file leaves it open"),
            ],
            summary: "Reads a network, tensors, a sound or a picture by what the file holds.",
            doc:
                "Networks: vzsh's own .safetensors and checkpoints, Keras' .h5 and .keras, .onnx, and weights of networks that vzsh knows (PyTorch's .pt and .pth, safetensors, Keras' .h5). By name: \"words13\" comes with vzsh (thirteen spoken words from raw waveforms), \"vgg16\", \"squeezenet\" and others once they were fetched. Tensors: .npy; .npz and weights of unknown networks as a record by name. Pictures, as [height, width, 3] from 0 to 255: .png, .jpg, .gif, .bmp, .ppm.",
            example: "net = load(\"words13\")\nlen(net.classes)  # expect: 13",
            seeAlso: ["save", "fetch", "load_weights"]
        ) { args in
            // What a script saved lies in its output folder.
            let given = Outputs.find(try args.path("path"))
            let kind = ending(given)
            RunRecord.shared.load(given)
            if soundEndings.contains(kind) || kind == "mp3" {
                let audio = try AudioFile.read(given)
                return Value(WaveObject(try audio.tensor(), rate: audio.rate))
            }
            if PictureFile.endings.contains(kind) {
                return Value(TensorObject(try PictureFile.read(given).tensor()))
            }
            switch try ModelFile.open(given, input: try args.optionalInts("input")) {
            case .network(let loaded):
                for note in loaded.notes { Notes.say(note) }
                return Value(NetworkObject(loaded.network))
            case .tensors(let tensors):
                if tensors.count == 1, tensors[0].name == "tensor" {
                    return Value(TensorObject(tensors[0].tensor))
                }
                return Value(tensors.map { ($0.name, Value(TensorObject($0.tensor))) })
            }
        }
    }

    private static func play() -> Builtin {
        Builtin(
            "play", topic: "sound", [.required("sound", "a waveform, an example, a maximization")],
            summary: "Plays a sound; without a loudspeaker it says where the file is.",
            example: "# play(read_audio(\"dog.wav\"))",
            seeAlso: ["save"]
        ) { args in
            guard let thing = args.value("sound").asObject else {
                throw args.mismatch("sound", "a waveform", args.value("sound"))
            }
            let audio = try sound(thing, args)
            let what = args.value("sound").summary(limit: 80)
            RunRecord.shared.sound(audio, caption: String(what.trimmingPrefix("<").filter { $0 != ">" }))
            if let message = try Player.play(audio, keepAt: try Outputs.place("sound.wav")).message {
                Notes.say(message)
            }
            return .nil
        }
    }
}
