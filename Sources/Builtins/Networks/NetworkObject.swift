import Language
import Media
import Network
import Support
import Tensor

/// A network as vz sees it: its layers are members by name.
public final class NetworkObject: VZObject {
    public let network: Network
    public init(_ network: Network) { self.network = network }

    public var typeName: String { "network" }
    private static let own = [
        "name", "layers", "classes", "parameters", "input", "output", "rate", "notes", "preprocessing",
    ]
    public var memberNames: [String] { network.layerNames + Self.own }

    public func memberDoc(_ name: String) -> String? {
        switch name {
        case "name": "what its maker called it"
        case "layers": "the list of its layers, in order"
        case "classes": "names of its classes"
        case "parameters": "number of its trained weights"
        case "input": "shape of one sample"
        case "output": "its last layer"
        case "rate": "samples a second of the waveforms that it takes; nil where it takes others"
        case "notes": "what was kept with its weights: accuracy, data, licence"
        case "preprocessing":
            "what is done to files before they go in: channels, scale, mean, deviation, crop, rate"
        default: (try? network.layer(name)).map { LayerObject($0).summary }
        }
    }

    public func member(_ name: String) throws -> Value? {
        if network.layerNames.contains(name) { return Value(LayerObject(try network.layer(name))) }
        switch name {
        case "name": return Value(network.name)
        case "layers": return Value(network.allLayers.map { Value(LayerObject($0)) })
        case "classes": return Value(network.classes)
        case "parameters": return Value(network.parameters.filter { !$0.isState }.reduce(0) { $0 + $1.count })
        case "input": return network.inputShape.map { Value($0.map(Double.init)) } ?? .nil
        case "output": return Value(LayerObject(network.outputLayer))
        case "rate": return network.preprocessing.rate.map { Value($0) } ?? .nil
        case "notes": return network.notes.value
        case "preprocessing": return network.preprocessing.json.value
        default:
            // A layer's name says best what is missing.
            if Self.own.contains(name) { return nil }
            return Value(LayerObject(try network.layer(name)))
        }
    }

    public func setMember(_ name: String, to value: Value) throws -> Bool {
        if name == "rate", let rate = value.asInt {
            try Resampler.check(rate)
            network.preprocessing.kind = "audio"
            network.preprocessing.rate = rate
            return true
        }
        if name == "preprocessing", case .record = value {
            network.preprocessing = Preprocessing(json: try JSON(value))
            return true
        }
        guard name == "classes", let names = value.asList?.items.compactMap(\.asString) else { return false }
        network.classes = names
        return true
    }

    public var count: Int? { network.nodes.count }
    public func index(_ indices: [Value]) throws -> Value {
        guard indices.count == 1, let i = indices[0].asInt else {
            throw Failure(.index, "a network is indexed by one whole number, the layer's place")
        }
        return Value(LayerObject(try network.layer(at: i)))
    }

    /// `net(x)`: the network's result for a sample or a batch.
    public var callable: Builtin? {
        Builtin(network.name, topic: "networks", [.required("x", "a sample, or a batch of them")]) {
            [network] args in
            if let symbol = args.value("x").asObject as? SymbolObject {
                return Value(SymbolObject(try Symbol(network, symbol.symbol)))
            }
            let x = try args.object("x", as: TensorObject.self, "a tensor")
            if let traced = x.tracedValue { return Value(TensorObject(try network.trace(traced))) }
            do { return Value(TensorObject(try network.predict(try x.concrete()))) } catch var failure
                as Failure
            {
                // Nobody wrote `predict` here.
                if failure.message.hasPrefix("predict: ") { failure.message.removeFirst(9) }
                throw failure
            }
        }
    }

    public var summary: String {
        "<network \(network.name): \(network.nodes.count) layer\(network.nodes.count == 1 ? "" : "s"), \(Summary.grouped(network.parameters.filter { !$0.isState }.reduce(0) { $0 + $1.count })) parameters>"
    }
    public func display(width: Int) -> String { (try? network.summary().text) ?? summary }
    public func isEqual(_ other: any VZObject) -> Bool { (other as? NetworkObject)?.network === network }
}

extension JSON {
    /// As a value of vz.
    var value: Language.Value {
        switch self {
        case .null: .nil
        case .bool(let b): Language.Value(b)
        case .integer(let i): Language.Value(i)
        case .number(let d): Language.Value(d)
        case .string(let s): Language.Value(s)
        case .array(let items): Language.Value(items.map(\.value))
        case .object(let members): Language.Value(members.map { ($0.key, $0.value.value) })
        }
    }

    /// A value of vz as JSON. Throws for functions and objects.
    init(_ value: Language.Value) throws {
        switch value {
        case .nil: self = .null
        case .bool(let b): self = .bool(b)
        case .number(let x): self = Int(exactly: x).map(JSON.integer) ?? .number(x)
        case .string(let s): self = .string(s.string)
        case .list(let l): self = .array(try l.items.map { try JSON($0) })
        case .record(let r): self = .object(try r.pairs.map { JSON.Member($0.0, try JSON($0.1)) })
        default: throw Failure(.type, "\(value.typePhrase) cannot be kept in a file's notes")
        }
    }
}
