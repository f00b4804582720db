import Language
import Network
import Support

/// Networks of any shape: layers are called on values, and a network is what lies between two of them.
enum FunctionalForm {
    static func table(_ chance: Chance) -> [Builtin] { [network(chance)] + merges() }

    /// A sample's value that a network is built from: `input([16000, 1])`.
    static func input(_ shape: [Int]) throws -> Value { Value(SymbolObject(try Symbol.input(shape))) }

    private static func network(_ chance: Chance) -> Builtin {
        Builtin(
            "network", topic: "networks",
            [
                .required("input", "what input(shape) gave"),
                .required("output", "what layers made of it"),
                .optional("name", "\"network\"", "what messages and files call it"),
                .optional("classes", "nil", "names of the classes"),
            ],
            summary: "Everything between an input and an output: branches, residuals, shared layers.",
            doc:
                "Layers and networks are called on values; + adds them, concat joins their channels. A layer called twice shares its weights.",
            example:
                "x = input([16, 4])\ny = conv1d(4, 3)(x) + x\nnet = network(x, softmax()(dense(2)(flatten()(y))))\nnet.output.shape  # expect: [2]",
            seeAlso: ["input", "sequential", "residual", "branches", "merge"]
        ) { args in
            let x = try args.object("input", as: SymbolObject.self, "an input").symbol
            let y = try args.object("output", as: SymbolObject.self, "what layers made of the input").symbol
            let network = try Network(
                from: x, to: y, name: try args.string("name", default: "network"), key: chance.nextKey())
            if let names = try args.optionalStrings("classes") { network.classes = names }
            return Value(NetworkObject(network))
        }
    }

    private static func merges() -> [Builtin] {
        [
            Builtin(
                "merge", topic: "layers",
                [
                    .variadic("values", "values of the functional form"),
                    .optional(
                        "by", "\"add\"",
                        "\"add\", \"subtract\", \"multiply\", \"average\", \"maximum\", \"minimum\", \"concat\""
                    ),
                    .optional("axis", "-1", "for concat: the axis of a sample"),
                ],
                summary: "Several values of the functional form as one.",
                example:
                    "x = input([16, 4])\nnetwork(x, merge(x, relu()(x), by = \"maximum\")).output.shape  # expect: [16, 4]",
                seeAlso: ["network", "branches", "residual"]
            ) { args in
                let rule = try args.choice("by", of: MergeLayer.Rule.allCases.map(\.rawValue), default: "add")
                guard let known = MergeLayer.Rule(rawValue: rule) else { return .nil }
                let symbols = try symbols(args.rest, "merge")
                return Value(
                    SymbolObject(
                        try Symbol(
                            Layer(MergeLayer(known, axis: try args.int("axis", default: -1))), symbols)))
            }
        ]
    }

    static func symbols(_ values: [Value], _ what: String) throws -> [Symbol] {
        try values.map { value in
            guard let symbol = (value.asObject as? SymbolObject)?.symbol else {
                throw Failure(
                    .type, "`\(what)`: \(value.typePhrase) is no value of the functional form",
                    hint: "begin with x = input([length, channels])")
            }
            return symbol
        }
    }

    /// What a layer is when it is called: `conv1d(4, 3)(x)`.
    static func call(_ layer: Layer, _ name: String) -> Builtin {
        Builtin(
            name, topic: "layers", [.variadic("values", "one value of the functional form, or several")]
        ) { args in
            Value(SymbolObject(try Symbol(layer, try symbols(args.rest, name))))
        }
    }
}

/// A value in the functional form.
final class SymbolObject: VZObject {
    let symbol: Symbol
    init(_ symbol: Symbol) { self.symbol = symbol }

    var typeName: String { "value" }
    var summary: String { "<value of a network to be>" }

    func binary(_ op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
        guard let partner = (other.asObject as? SymbolObject)?.symbol else { return nil }
        let rule: MergeLayer.Rule
        switch op {
        case .add: rule = .add
        case .subtract: rule = .subtract
        case .multiply: rule = .multiply
        default: return nil
        }
        let operands = reversed ? [partner, symbol] : [symbol, partner]
        return Value(SymbolObject(try Symbol(Layer(MergeLayer(rule)), operands)))
    }

    func apply(_ function: String, _ args: inout Arguments) throws -> Value? {
        guard function == "concat" else { return nil }
        let axis = args.isGiven("axis") ? try args.int("axis") : -1
        let symbols = try FunctionalForm.symbols([.object(self)] + args.rest, "concat")
        return Value(SymbolObject(try Symbol(Layer(MergeLayer(.concat, axis: axis)), symbols)))
    }
}
