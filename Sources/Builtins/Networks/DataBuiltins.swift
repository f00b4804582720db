import Language
import Media
import Network
import Support
import Tensor

/// Opening, choosing and looking at labelled examples.
public enum DataBuiltins {
    public static func table() -> [Builtin] {
        [words16(), audioFolder(), speechCommands(), imagesFolder(), readAudio(), listen()]
            + DataShaping.table()
    }

    // MARK: what functions take

    /// Training and validation examples: a data set's parts, or the examples themselves.
    static func parts(_ value: Value, _ args: Arguments) throws -> (any ExampleSet, (any ExampleSet)?) {
        if let set = value.asObject as? DataSetObject {
            return (set.data.train, set.data.validation.count > 0 ? set.data.validation : nil)
        }
        return (try examples(value, args, "data"), nil)
    }

    static func examples(_ value: Value, _ args: Arguments, _ name: String) throws -> any ExampleSet {
        switch value.asObject {
        case let set as DataSetObject: return set.data.all
        case let set as ExampleSetObject: return set.examples
        default: throw args.mismatch(name, "a data set or a part of one", value)
        }
    }

    /// Tell what was left out and what looks odd.
    static func opened(_ data: DataSet) -> Value {
        let classes = data.all.classNames.count
        RunRecord.shared.fact(
            "data \(data.name)",
            "\(data.all.count) examples of \(classes) classes, fingerprint \(data.all.fingerprint)")
        for note in data.notes { Notes.say("\(data.name): \(note)") }
        for problem in data.problems.prefix(8) { Notes.say("\(data.name): left out \(problem)") }
        if data.problems.count > 8 {
            Notes.say("\(data.name): and \(data.problems.count - 8) more, see its problems")
        }
        return Value(DataSetObject(data))
    }

    // MARK: entries

    private static func words16() -> Builtin {
        Builtin(
            "words16", topic: "data", [],
            summary: "The small data set that comes with vzsh: sixteen words spoken by synthetic voices.",
            doc:
                "zero … nine, bed, bird, tree, cat, house, dog; one second at 16 kHz; no voice is in two parts.",
            example: "len(words16().classes)  # expect: 16", seeAlso: ["audio_folder", "fit"]
        ) { args in opened(try ClipArchive.words16(progress: args.interpreter.progress)) }
    }

    private static func audioFolder() -> Builtin {
        Builtin(
            "audio_folder", topic: "data",
            [
                .required("folder", "a folder with a folder of sound files for each class"),
                .optional(
                    "classes", "nil",
                    "names of the classes wanted, in the order of their indices; by default all"),
                .optional("rate", "16000", "samples a second"), .optional("seconds", "1", "length of a clip"),
                .optional(
                    "speaker", "nil", "how file names tell the speaker, such as '{class}_{speaker}_*'"),
                .optional("validation", "10", "percentage of speakers for validation"),
                .optional("testing", "10", "percentage of speakers for the test"),
                .optional(
                    "split_seed", "0",
                    "0 splits as Speech Commands does; another number divides the speakers anew"),
            ],
            summary: "A data set from a folder of recordings (wav, flac, ogg, mp3).",
            doc:
                "No speaker is in two parts. Clips are decoded once into a cache, cropped or padded to length, mono.",
            example: "# data = audio_folder(\"~/my/words\", rate = 16000, seconds = 1)",
            seeAlso: ["speech_commands", "fit"]
        ) { args in
            var options = AudioFolder.Options()
            options.classes = try args.optionalStrings("classes")
            options.rate = try args.int("rate", in: 1...10_000_000, default: 16000)
            options.seconds = try args.number("seconds", default: 1)
            options.pattern = try args.optionalString("speaker")
            options.validation = try args.number("validation", default: 10)
            options.testing = try args.number("testing", default: 10)
            options.splitSeed = try args.int("split_seed", default: 0)
            return opened(
                try AudioFolder.open(args.path("folder"), options, progress: args.interpreter.progress))
        }
    }

    private static func speechCommands() -> Builtin {
        Builtin(
            "speech_commands", topic: "data",
            [
                .required("folder", "where speech_commands_v0.02 was unpacked"),
                .optional("words", "nil", "the words wanted, in the order of their indices; by default all"),
            ],
            summary: "Google's Speech Commands with its published split.",
            example:
                "# data = speech_commands(\"~/data/speech_commands_v0.02\", words = [\"zero\", \"one\", \"dog\"])",
            seeAlso: ["audio_folder"]
        ) { args in
            opened(
                try AudioFolder.speechCommands(
                    args.path("folder"), words: try args.optionalStrings("words"),
                    progress: args.interpreter.progress))
        }
    }

    private static func imagesFolder() -> Builtin {
        Builtin(
            "images_folder", topic: "data",
            [
                .required("folder", "a folder with a folder of pictures for each class"),
                .optional(
                    "classes", "nil",
                    "names of the classes wanted, in the order of their indices; by default all"),
                .optional(
                    "size", "224",
                    "pixels of a side, or [height, width]: resized to cover it, the middle cut out"),
                .optional(
                    "group", "\"*\"",
                    "how file names tell what must not be in two parts, such as '{speaker}_*' for the photographer"
                ),
                .optional("validation", "10", "percentage for validation"),
                .optional("testing", "10", "percentage for the test"),
                .optional("split_seed", "0", "another number divides anew"),
            ],
            summary: "A data set from a folder of pictures (png, jpeg, gif, bmp, ppm).",
            doc:
                "Each is [height, width, 3], red, green and blue from 0 to 255. Pictures are decoded once into a cache.",
            example: "# data = images_folder(\"~/pictures\", size = 96)",
            seeAlso: ["audio_folder", "fit", "augment"]
        ) { args in
            var options = PictureFolder.Options()
            options.classes = try args.optionalStrings("classes")
            let size = try args.optionalInts("size") ?? [224]
            guard size.count == 1 || size.count == 2 else {
                throw args.failure("`size` must be a number or [height, width]")
            }
            (options.height, options.width) = (size[0], size[size.count - 1])
            options.pattern = try args.string("group", default: "*")
            options.validation = try args.number("validation", default: 10)
            options.testing = try args.number("testing", default: 10)
            options.splitSeed = try args.int("split_seed", default: 0)
            return opened(
                try PictureFolder.open(args.path("folder"), options, progress: args.interpreter.progress))
        }
    }

    private static func listen() -> Builtin {
        Builtin(
            "listen", topic: "sound",
            [
                .optional("seconds", "1", "how long"), .optional("rate", "16000", "samples a second"),
            ],
            summary: "Records from the microphone: a waveform [length, 1].",
            example: "# predict(load(\"words13\"), listen(1))", seeAlso: ["predict", "play", "save"]
        ) { args in
            let seconds = try args.number("seconds", default: 1)
            Notes.say("recording for \(format4(seconds)) s")
            let audio = try Recorder.record(
                seconds: seconds, rate: try args.int("rate", in: 1...10_000_000, default: 16000))
            return Value(
                WaveObject(try Tensor(audio.samples, shape: [audio.samples.count, 1]), rate: audio.rate))
        }
    }

    private static func readAudio() -> Builtin {
        Builtin(
            "read_audio", topic: "sound",
            [
                .required("path", "a sound file"),
                .optional("rate", "nil", "samples a second; by default the file's own"),
            ],
            summary: "A sound file as a waveform [length, 1] in -1 … 1.",
            example: "# wave = read_audio(\"dog.wav\", rate = 16000)",
            seeAlso: ["play", "save"]
        ) { args in
            RunRecord.shared.read(try args.path("path"))
            let audio = try AudioFile.read(args.path("path"), rate: try args.optionalInt("rate"))
            return Value(
                WaveObject(try Tensor(audio.samples, shape: [audio.samples.count, 1]), rate: audio.rate))
        }
    }
}

/// A data set with its parts.
final class DataSetObject: VZObject {
    let data: DataSet
    var recipe: String?
    init(_ data: DataSet) { self.data = data }

    var typeName: String { "data set" }
    var memberNames: [String] { ["train", "validation", "test", "all", "classes", "name", "problems"] }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "train": Value(ExampleSetObject(data.train, recipe: recipe.map { $0 + ".train" }))
        case "validation": Value(ExampleSetObject(data.validation, recipe: recipe.map { $0 + ".validation" }))
        case "test": Value(ExampleSetObject(data.test, recipe: recipe.map { $0 + ".test" }))
        case "all": Value(ExampleSetObject(data.all, recipe: recipe.map { $0 + ".all" }))
        case "classes": Value(data.all.classNames)
        case "name": Value(data.name)
        case "problems": Value(data.problems)
        default: nil
        }
    }
    func apply(_ function: String, _ args: inout Arguments) throws -> Value? {
        try DataShaping.apply(function, to: data, args)
    }
    var count: Int? { data.all.count }
    func index(_ indices: [Value]) throws -> Value { try ExampleSetObject(data.all).index(indices) }

    var summary: String {
        "<data \(data.name): \(data.all.count) examples, \(data.all.classNames.count) classes>"
    }
    func display(width: Int) -> String {
        var lines = [
            "\(data.name): \(data.train.count) for training, \(data.validation.count) for validation, \(data.test.count) for the test; each \(Shape.describe(data.all.exampleShape))"
        ]
        let parts = [data.train, data.validation, data.test].map(\.classCounts)
        if !data.all.classNames.isEmpty {
            lines.append(
                "class".padded(16) + ["training", "validation", "test"].map { $0.leftPadded(12) }.joined())
            for (i, name) in data.all.classNames.enumerated() {
                lines.append(
                    name.padded(16)
                        + parts.map { String($0.indices.contains(i) ? $0[i] : 0).leftPadded(12) }.joined())
            }
        }
        return lines.joined(separator: "\n")
    }
}

/// Labelled examples: a part of a data set.
final class ExampleSetObject: VZObject {
    let examples: any ExampleSet
    let recipe: String?
    /// Of a set that was made of tensors in memory.
    var parts: (function: String, arguments: [(name: String, value: Value)])?
    init(_ examples: any ExampleSet, recipe: String? = nil) {
        self.examples = examples
        self.recipe = recipe
    }

    var typeName: String { "examples" }
    var memberNames: [String] { ["classes", "counts", "shape", "take", "only", "balance", "indices_of"] }
    func memberDoc(_ name: String) -> String? {
        switch name {
        case "classes": "names of the classes"
        case "counts": "number of examples by class"
        case "shape": "shape of one example"
        case "take": "take(n): the first n, spread over the classes"
        case "only": "only(names): the examples of these classes"
        case "balance": "balance(): as many of each class"
        case "indices_of": "indices_of(name): places of a class' examples"
        default: nil
        }
    }
    func member(_ name: String) throws -> Value? {
        let set = examples
        let recipe = recipe
        switch name {
        case "classes": return Value(set.classNames)
        case "counts": return Value(zip(set.classNames, set.classCounts).map { ($0, Value($1)) })
        case "shape": return Value(set.exampleShape.map(Double.init))
        case "take":
            return .builtin(
                Builtin("take", topic: "data", [.required("n", "how many")]) { args in
                    let n = try args.int("n", in: 1...Int.max)
                    return Value(
                        ExampleSetObject(try set.taken(n), recipe: recipe.map { "\($0).take(\(n))" }))
                })
        case "only":
            return .builtin(
                Builtin("only", topic: "data", [.required("names", "names of classes")]) { args in
                    let names = try args.strings("names")
                    let made = recipe.map { "\($0).only(\(Value(names).written))" }
                    return Value(ExampleSetObject(try set.restricted(to: names), recipe: made))
                })
        case "balance":
            return .builtin(
                Builtin("balance", topic: "data", []) { _ in
                    Value(ExampleSetObject(try set.balanced(), recipe: recipe.map { "\($0).balance()" }))
                })
        case "indices_of":
            return .builtin(
                Builtin("indices_of", topic: "data", [.required("name", "a class")]) { args in
                    let name = try args.string("name")
                    guard let label = set.classNames.firstIndex(of: name) else {
                        throw args.failure(
                            "there is no class '\(name)'",
                            hint: Spelling.nearest(name, among: set.classNames).map {
                                "did you mean '\($0)'?"
                            }, kind: .name)
                    }
                    return Value((0..<set.count).filter { set.label(at: $0) == label }.map(Double.init))
                })
        default: return nil
        }
    }

    func apply(_ function: String, _ args: inout Arguments) throws -> Value? {
        try DataShaping.apply(function, to: examples, args)
    }
    var count: Int? { examples.count }
    func index(_ indices: [Value]) throws -> Value {
        guard indices.count == 1 else { throw Failure(.index, "examples are indexed by one number or range") }
        if let i = indices[0].asInt {
            let place = i < 0 ? i &+ examples.count : i
            guard place >= 0, place < examples.count else {
                throw Failure(.index, "index \(i) is outside the \(examples.count) examples")
            }
            return Value(ExampleObject(examples, place, recipe: recipe.map { "\($0)[\(place)]" }))
        }
        guard let span = indices[0].asSpan else {
            throw Failure(
                .index, "examples are indexed by a whole number or a range, not \(indices[0].typePhrase)")
        }
        let (start, count, step) = try span.resolve(length: examples.count)
        return Value(
            ExampleSetObject(
                try Subset(examples, (0..<count).map { start + $0 * step }),
                recipe: recipe.map { "\($0)[\(indices[0].written)]" }))
    }

    var summary: String { "<\(examples.count) examples of \(examples.classNames.count) classes>" }
    func display(width: Int) -> String {
        ([summary]
            + zip(examples.classNames, examples.classCounts).map { $0.padded(16) + String($1).leftPadded(8) })
            .joined(separator: "\n")
    }
}

/// One example.
final class ExampleObject: VZObject {
    let set: any ExampleSet
    let place: Int
    let recipe: String?
    init(_ set: any ExampleSet, _ place: Int, recipe: String? = nil) {
        self.set = set
        self.place = place
        self.recipe = recipe
    }

    /// Its input, [length, channels] or [height, width, channels].
    func input() throws -> Tensor {
        let x = try Tensor(uninitialized: set.exampleShape)
        var target = [Float](repeating: 0, count: max(set.targetSize, 1))
        try [place].withUnsafeBufferPointer { indices in
            try set.fill(
                indices, inputs: x.base.assumingMemoryBound(to: Float.self), targets: &target, key: nil)
        }
        return x
    }

    var typeName: String { "example" }
    var memberNames: [String] { ["x", "label", "name", "file", "speaker"] }
    var lateMembers: [String: String] { ["x": "tensor"] }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "x":
            let x = try input()
            return Value(set.sampleRate.map { WaveObject(x, rate: $0) } ?? TensorObject(x))
        case "label": return set.label(at: place).map { Value($0) } ?? .nil
        case "name":
            return set.label(at: place).map {
                Value(set.classNames.indices.contains($0) ? set.classNames[$0] : "\($0)")
            } ?? .nil
        case "file": return set.source(at: place).map { Value($0) } ?? .nil
        case "speaker": return set.group(at: place).map { Value($0) } ?? .nil
        default: return nil
        }
    }
    var summary: String {
        let label = set.label(at: place).flatMap {
            set.classNames.indices.contains($0) ? set.classNames[$0] : nil
        }
        return "<example \(place): \(label ?? "no class"), \(Shape.describe(set.exampleShape))>"
    }
}
