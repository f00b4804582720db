/// One parameter of a function: what help, completion and the argument errors say about it.
public struct Parameter: Sendable {
    public enum Kind: Sendable {
        /// Must be given.
        case required
        /// May be left out.
        case optional
        /// Takes all further positional arguments: `sequential(a, b, c)`.
        case variadic
        /// Takes all further named arguments.
        case extras
    }

    public let name: String
    public let kind: Kind
    /// The default as help shows it: "1", "nil", "\"same\"".
    public let defaultText: String?
    public let doc: String

    public init(_ name: String, _ kind: Kind, defaultText: String? = nil, doc: String = "") {
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
        self.doc = doc
    }

    public static func required(_ name: String, _ doc: String = "") -> Parameter {
        Parameter(name, .required, doc: doc)
    }
    /// `defaultText` is what help shows; the Swift side gives the value itself.
    public static func optional(_ name: String, _ defaultText: String = "nil", _ doc: String = "")
        -> Parameter
    {
        Parameter(name, .optional, defaultText: defaultText, doc: doc)
    }
    public static func variadic(_ name: String, _ doc: String = "") -> Parameter {
        Parameter(name, .variadic, doc: doc)
    }
    public static func extras(_ name: String, _ doc: String = "") -> Parameter {
        Parameter(name, .extras, doc: doc)
    }

    /// As a signature shows it: "stride = 1", "*layers".
    public var text: String {
        switch kind {
        case .required: name
        case .optional: "\(name) = \(defaultText ?? "nil")"
        case .variadic: "*\(name)"
        case .extras: "**\(name)"
        }
    }
}

/// A function written in Swift: its entry in the one table from which help, completion, the
/// reference and the argument errors come.
public final class Builtin: @unchecked Sendable {
    public typealias Body = (inout Arguments) throws -> Value

    public let name: String
    /// Where the reference lists it: "lists", "layers", "training".
    public let topic: String
    public let parameters: [Parameter]
    /// One line.
    public let summary: String
    /// Further paragraphs.
    public let doc: String
    /// vz source that runs as it stands; lines may end in `# expect: …`.
    public let example: String
    public let seeAlso: [String]
    public let body: Body

    /// How many parameters take a slot (all but variadic and extras; those stand last).
    let slotCount: Int
    let requiredCount: Int
    /// How many positional arguments fill slots before a variadic parameter takes the rest.
    let positionalSlots: Int
    let variadicName: String?
    let extrasName: String?
    /// The names of the parameters that take a slot, in order.
    private let slotNames: [String]

    public init(
        _ name: String, topic: String = "", _ parameters: [Parameter] = [], summary: String = "",
        doc: String = "", example: String = "", seeAlso: [String] = [], _ body: @escaping Body
    ) {
        self.name = name
        self.topic = topic
        self.parameters = parameters
        self.summary = summary
        self.doc = doc
        self.example = example
        self.seeAlso = seeAlso
        self.body = body
        var slots = 0
        var required = 0
        for p in parameters {
            if p.kind == .required { required += 1 }
            if p.kind == .required || p.kind == .optional { slots += 1 }
        }
        var positional = 0
        for p in parameters {
            if p.kind == .variadic { break }
            if p.kind != .extras { positional += 1 }
        }
        positionalSlots = positional
        slotCount = slots
        requiredCount = required
        variadicName = parameters.first { $0.kind == .variadic }?.name
        extrasName = parameters.first { $0.kind == .extras }?.name
        slotNames = parameters.filter { $0.kind == .required || $0.kind == .optional }.map(\.name)
    }

    /// "conv1d(filters, kernel, stride = 1)"
    public var signature: String {
        "\(name)(\(parameters.map(\.text).joined(separator: ", ")))"
    }

    /// The parameters that take a slot, in order: their place is their index in `Arguments`.
    /// A variadic parameter may stand before optional ones: `sequential(*layers, input = nil)`;
    /// then what follows it is given by name only.
    func slot(of name: String) -> Int? {
        for i in slotNames.indices where slotNames[i] == name { return i }
        return nil
    }

    /// The parameter that fills `slot`.
    func parameter(at slot: Int) -> Parameter? {
        var n = 0
        for p in parameters where p.kind == .required || p.kind == .optional {
            if n == slot { return p }
            n += 1
        }
        return nil
    }
}
