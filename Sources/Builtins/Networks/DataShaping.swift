import Language
import Media
import Support
import Tensor

/// Choosing, joining and changing examples. `take`, `map`, `split` and `concat` are the functions of
/// the same names for lists and tensors: those hand data over through `apply`.
enum DataShaping {
    static func table() -> [Builtin] { [examples(), balance(), only(), relabel()] }

    private static func examples() -> Builtin {
        Builtin(
            "examples", topic: "data",
            [
                .required("x", "a tensor [n, …] or a list of n tensors: the inputs"),
                .required("y", "n class numbers from 0, n class names, or a tensor [n, …] to predict"),
                .optional("classes", "nil", "names of the classes in the order of their numbers"),
            ],
            summary: "A set of examples from arrays in memory.",
            example:
                "set = examples(randn(4, 8, 1), [\"a\", \"b\", \"a\", \"b\"])\nset.classes  # expect: [\"a\", \"b\"]",
            seeAlso: ["split", "fit", "audio_folder"]
        ) { args in
            let inputs = try inputs(args)
            let y = args.value("y")
            if let targets = y.asObject as? TensorObject, targets.shape.count > 1 {
                let set = ExampleSetObject(try TensorExamples(inputs: inputs, targets: targets.concrete()))
                set.parts = ("examples", [("x", Value(TensorObject(inputs))), ("y", args.value("y"))])
                return Value(set)
            }
            let (labels, names) = try labels(y, args)
            let set = ExampleSetObject(try TensorExamples(inputs: inputs, labels: labels, classNames: names))
            set.parts = (
                "examples",
                [
                    ("x", Value(TensorObject(inputs))), ("y", Value(labels.map(Double.init))),
                    ("classes", Value(names)),
                ]
            )
            return Value(set)
        }
    }

    private static func inputs(_ args: Arguments) throws -> Tensor {
        guard case .list(let list) = args.value("x") else {
            return try args.object("x", as: TensorObject.self, "a tensor or a list of tensors").concrete()
        }
        let parts = try list.items.map { try TensorObject.from($0, "`examples`: each input") }
        guard !parts.isEmpty else { throw args.failure("there are no examples") }
        return try TensorObject.stacked(parts, axis: 0).concrete()
    }

    private static func labels(_ y: Value, _ args: Arguments) throws -> ([Int], [String]) {
        let given = try args.optionalStrings("classes")
        var items: [Value] = []
        if let tensor = y.asObject as? TensorObject {
            items = try tensor.concrete().array(of: Double.self).map { Value($0) }
        } else {
            items = try Sequences.items(y, "`examples` takes as `y`")
        }
        if items.allSatisfy({ $0.asString != nil }) {
            let words = items.compactMap(\.asString)
            let names = given ?? Set(words).sorted()
            let labels = try words.map { word -> Int in
                guard let place = names.firstIndex(of: word) else {
                    throw args.failure(
                        "'\(word)' is not among the classes",
                        hint: Spelling.nearest(word, among: names).map { "did you mean '\($0)'?" })
                }
                return place
            }
            return (labels, names)
        }
        let labels = try items.map { value -> Int in
            guard let label = value.asInt, label >= 0, label < 1 << 20 else {
                throw args.failure(
                    "`y` is made of whole numbers from 0, not of \(value.summary(limit: 30))",
                    hint: "values to predict come as a tensor [n, 1]")
            }
            return label
        }
        return (labels, given ?? (0...(labels.max() ?? 0)).map(String.init))
    }

    private static func balance() -> Builtin {
        Builtin(
            "balance", topic: "data",
            [
                .required("data", "examples, or a data set, of which the training part is balanced"),
                .optional(
                    "repeat", "true",
                    "repeat examples of the rarer classes; false leaves out those of the others"),
            ],
            summary: "As many examples of each class.",
            doc: "Augmentation changes each repetition differently.",
            example: "set = balance(words16().test)\nset.counts.zero == set.counts.dog  # expect: true",
            seeAlso: ["take", "fit"]
        ) { args in
            let repeats = try args.bool("repeat", default: true)
            if let set = args.value("data").asObject as? DataSetObject {
                var data = set.data
                data.split.train = try data.train.balanced(repeating: repeats)
                data.all = try ConcatenatedExamples([data.train, data.validation, data.test])
                return Value(DataSetObject(data))
            }
            return Value(
                ExampleSetObject(
                    try DataBuiltins.examples(args.value("data"), args, "data").balanced(repeating: repeats)))
        }
    }

    private static func only() -> Builtin {
        Builtin(
            "only", topic: "data",
            [.required("data", "a data set or examples"), .required("classes", "names of classes")],
            summary: "The examples of some classes, which keep the order in which they are named.",
            example: "only(words16(), [\"dog\", \"cat\"]).classes  # expect: [\"dog\", \"cat\"]",
            seeAlso: ["take", "balance"]
        ) { args in
            let names = try args.strings("classes")
            if let set = args.value("data").asObject as? DataSetObject {
                return Value(DataSetObject(try set.data.map { try $0.restricted(to: names) }))
            }
            return Value(
                ExampleSetObject(
                    try DataBuiltins.examples(args.value("data"), args, "data").restricted(to: names)))
        }
    }

    private static func relabel() -> Builtin {
        Builtin(
            "relabel", topic: "data",
            [
                .required("data", "a data set or examples"),
                .required("names", "a record of old and new names; what is not in it keeps its name"),
            ],
            summary: "The same examples with other names for their classes; one name joins several.",
            example:
                "relabel(only(words16(), [\"dog\", \"cat\"]), {dog: \"pet\", cat: \"pet\"}).classes  # expect: [\"pet\"]",
            seeAlso: ["only", "concat"]
        ) { args in
            let pairs = try args.record("names").pairs
            var names: [String: String] = [:]
            for (old, new) in pairs {
                guard let new = new.asString else {
                    throw args.failure("the new name of '\(old)' must be a string, not \(new.typePhrase)")
                }
                names[old] = new
            }
            if let set = args.value("data").asObject as? DataSetObject {
                return Value(DataSetObject(try set.data.map { try $0.relabelled(names) }))
            }
            return Value(
                ExampleSetObject(
                    try DataBuiltins.examples(args.value("data"), args, "data").relabelled(names)))
        }
    }

    // MARK: what lists, tensors and data have in common

    /// A function of vz from one input to another, as the data sets take it.
    private static func change(_ args: Arguments) throws -> (Tensor) throws -> Tensor {
        let f = try args.function("f")
        let interpreter = args.interpreter
        return { x in
            let result = try interpreter.call(f, [Value(TensorObject(x))])
            guard let tensor = result.asObject as? TensorObject else {
                throw Failure(
                    .type, "`map` over examples: the function must return a tensor, not \(result.typePhrase)")
            }
            return try tensor.concrete()
        }
    }

    private static func shares(_ args: Arguments) throws -> [Double] {
        // The parameter is called as the other kinds of `split` need it.
        guard let list = args[1].asList, !list.items.isEmpty else {
            throw args.failure(
                "data is split into shares, not into \(args[1].summary(limit: 30))",
                hint: "for example split(data, [0.8, 0.1, 0.1])")
        }
        return try list.items.map {
            guard let share = $0.asNumber else {
                throw args.failure("shares are numbers, not \($0.typePhrase)")
            }
            return share
        }
    }

    private static func count(_ args: Arguments) throws -> Int {
        guard let n = args[1].asInt, n > 0 else {
            throw args.failure("of data a whole number of examples is taken, such as take(data, 100)")
        }
        return n
    }

    static func apply(_ function: String, to data: DataSet, _ args: Arguments) throws -> Value? {
        switch function {
        case "take":
            let n = try count(args)
            return Value(DataSetObject(try data.map { try $0.taken(n) }))
        case "map":
            let change = try change(args)
            var result = data
            result.split = try ExampleSplit(
                train: data.train.mapped(progress: args.interpreter.progress, change),
                validation: data.validation.mapped(progress: args.interpreter.progress, change),
                test: data.test.mapped(progress: args.interpreter.progress, change))
            let parts = [result.train, result.validation, result.test].filter { $0.count > 0 }
            result.all = try ConcatenatedExamples(parts)
            return Value(DataSetObject(result))
        case "split":
            let shares = try shares(args)
            guard (2...3).contains(shares.count) else {
                throw args.failure(
                    "a data set has two or three parts, not \(shares.count)",
                    hint: "shares of training, validation and test: [0.8, 0.1, 0.1]")
            }
            let parts = try data.all.divided(shares, seed: 0)
            var result = data
            result.split = ExampleSplit(
                train: parts[0], validation: parts[1],
                test: parts.count > 2 ? parts[2] : try Subset(data.all, []))
            return Value(DataSetObject(result))
        case "concat":
            let all = [args[0]] + args.rest
            let sets = try all.map { value -> DataSet in
                guard let set = value.asObject as? DataSetObject else {
                    throw args.failure(
                        "a data set is joined with data sets, not with \(value.typePhrase)",
                        hint: "take their parts: concat(a.train, b)")
                }
                return set.data
            }
            return Value(DataSetObject(try DataSet.concatenated(sets)))
        default: return nil
        }
    }

    static func apply(_ function: String, to set: any ExampleSet, _ args: Arguments) throws -> Value? {
        switch function {
        case "take": return Value(ExampleSetObject(try set.taken(count(args))))
        case "map":
            return Value(
                ExampleSetObject(try set.mapped(progress: args.interpreter.progress, change(args))))
        case "split":
            return Value(try set.divided(shares(args), seed: 0).map { Value(ExampleSetObject($0)) })
        case "concat":
            let sets = try ([args[0]] + args.rest).map { try DataBuiltins.examples($0, args, "x") }
            return Value(ExampleSetObject(try ConcatenatedExamples(sets)))
        default: return nil
        }
    }
}
