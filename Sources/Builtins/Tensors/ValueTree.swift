import Graph
import Language
import Support
import Tensor

/// The tensors and numbers inside a value (itself one, or in lists and records), and the value
/// without them, so that others can be put in their places.
indirect enum ValueTree {
    case leaf(Int)
    case list([ValueTree])
    case record([(String, ValueTree)])
    /// Anything else, as it is.
    case fixed(Value)

    /// Takes the tensors out of `value`, and the numbers too where `numbers` is set. They are
    /// appended to `leaves`.
    init(_ value: Value, numbers: Bool, into leaves: inout [Value], depth: Int = 0) throws {
        guard depth < 60 else { throw Failure(.value, "the argument is nested too deeply") }
        switch value {
        case .object(let o) where o is TensorObject: self = Self.leaf(value, &leaves)
        case .number where numbers: self = Self.leaf(value, &leaves)
        case .list(let l):
            var items: [ValueTree] = []
            for item in l.items {
                items.append(try ValueTree(item, numbers: numbers, into: &leaves, depth: depth + 1))
            }
            self = .list(items)
        case .record(let r):
            var pairs: [(String, ValueTree)] = []
            for (key, item) in r.pairs {
                pairs.append((key, try ValueTree(item, numbers: numbers, into: &leaves, depth: depth + 1)))
            }
            self = .record(pairs)
        default: self = .fixed(value)
        }
    }

    private static func leaf(_ value: Value, _ leaves: inout [Value]) -> ValueTree {
        leaves.append(value)
        return .leaf(leaves.count - 1)
    }

    /// The value with `leaves` in the places of its own.
    func value(_ leaves: [Value]) -> Value {
        switch self {
        case .leaf(let i): return i < leaves.count ? leaves[i] : .nil
        case .list(let items): return .list(items.map { $0.value(leaves) })
        case .record(let pairs): return Value(pairs.map { ($0.0, $0.1.value(leaves)) })
        case .fixed(let value): return value
        }
    }

    /// Tells values of one structure from others: what a kept trace depends on besides its tensors.
    /// Things that have an identity are appended to `held`, which must outlive the text.
    func signature(_ leaves: [Value], _ held: inout [Value]) -> String {
        switch self {
        case .leaf(let i):
            guard case .object(let o) = leaves[i], let t = o as? TensorObject else { return "#" }
            return t.type.description
        case .list(let items):
            return "[" + items.map { $0.signature(leaves, &held) }.joined(separator: ",") + "]"
        case .record(let pairs):
            return "{"
                + pairs.map { "\(Value.quoted($0.0)):\($0.1.signature(leaves, &held))" }.joined(
                    separator: ",") + "}"
        case .fixed(let value):
            switch value {
            case .number, .bool, .string, .nil, .range: return value.written
            case .function(let f):
                held.append(value)
                return "fn\(ObjectIdentifier(f).hashValue)"
            case .builtin(let b):
                held.append(value)
                return "fn\(ObjectIdentifier(b).hashValue)"
            case .object(let o):
                held.append(value)
                return "object\(ObjectIdentifier(o).hashValue)"
            case .list, .record: return ""
            }
        }
    }
}
