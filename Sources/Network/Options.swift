import Graph
import Support

/// Reads a layer's options from JSON and says which one is wrong.
struct Options {
    let kind: String
    let json: JSON

    private func wrong(_ name: String, _ expected: String) -> Failure {
        let found = json[name].map { "not \($0)" } ?? "but it is missing"
        return Failure(.file, "\(kind): the option '\(name)' must be \(expected), \(found)")
    }

    func int(_ name: String, default fallback: Int? = nil) throws -> Int {
        if json[name] == nil, let fallback { return fallback }
        guard let value = json[name]?.int else { throw wrong(name, "a whole number") }
        return value
    }

    func ints(_ name: String) throws -> [Int] {
        guard let values = json[name]?.ints else { throw wrong(name, "a list of whole numbers") }
        return values
    }

    func number(_ name: String, default fallback: Double? = nil) throws -> Double {
        if json[name] == nil, let fallback { return fallback }
        guard let value = json[name]?.double else { throw wrong(name, "a number") }
        return value
    }

    func flag(_ name: String, default fallback: Bool) throws -> Bool {
        guard let value = json[name] else { return fallback }
        guard let flag = value.bool else { throw wrong(name, "true or false") }
        return flag
    }

    func activation(_ name: String = "activation") throws -> Activation? {
        guard let value = json[name], !value.isNull else { return nil }
        if let name = value.string { return try Activation(name) }
        guard let name = value["name"]?.string else { throw wrong(name, "an activation") }
        return try Activation(name, alpha: value["alpha"]?.double)
    }

    func initializer(_ name: String, default fallback: Initializer) throws -> Initializer {
        try json[name].map { try Initializer(json: $0) } ?? fallback
    }

    func regularizer(_ name: String) -> Regularizer? { Regularizer(json: json[name]) }

    func padding(default fallback: LayerPadding) throws -> LayerPadding {
        guard let value = json["padding"] else { return fallback }
        if let name = value.string { return try LayerPadding(name) }
        guard let pairs = value.array?.compactMap(\.ints), pairs.count == value.array?.count else {
            throw wrong("padding", "\"same\", \"valid\", \"causal\" or pairs of numbers")
        }
        return .explicit(pairs)
    }
}

/// How a window treats the ends of an axis.
public enum LayerPadding: Hashable, Sendable {
    /// Nothing is added: the window stays inside.
    case valid
    /// Zeros so that the length becomes ceil(length / stride), as TensorFlow.
    case same
    /// Zeros before only: no result sees what comes later. One spatial axis.
    case causal
    /// (before, after) for each spatial axis.
    case explicit([[Int]])

    public init(_ name: String) throws(Failure) {
        switch name {
        case "valid": self = .valid
        case "same": self = .same
        case "causal": self = .causal
        default:
            throw Failure(
                .value, "there is no padding '\(name)'",
                hint: "use \"same\", \"valid\", \"causal\" or numbers")
        }
    }

    var json: JSON {
        switch self {
        case .valid: "valid"
        case .same: "same"
        case .causal: "causal"
        case .explicit(let pairs): .array(pairs.map(JSON.ints))
        }
    }

    /// As the graph knows it, for windows of these sizes.
    func padding(sizes: [Int], dilations: [Int]) throws -> Padding {
        switch self {
        case .valid: return .valid
        case .same: return .same
        case .causal:
            guard sizes.count == 1 else {
                throw Failure(.argument, "causal padding is for one spatial axis, not \(sizes.count)")
            }
            let (reach, overflow) = (sizes[0] - 1).multipliedReportingOverflow(by: dilations[0])
            return .explicit([[overflow ? .max : reach, 0]])
        case .explicit(let pairs): return .explicit(pairs)
        }
    }
}
