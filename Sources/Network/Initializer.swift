import Engine
import Graph
import Support
import Tensor

/// How a parameter begins. Names, scales and defaults are those of Keras.
public enum Initializer: Hashable, Sendable {
    case zeros, ones
    /// Moving moments [2, C] before the first batch: means 0, variances 1.
    case meanZeroVarianceOne
    case constant(Double)
    /// Uniform in ±limit.
    case uniform(limit: Double)
    /// Normal of mean 0.
    case normal(deviation: Double)
    /// Variance scaled by the fans: scale / fan.
    case scaled(Scaling)

    public enum Scaling: String, Hashable, Sendable, CaseIterable {
        /// Uniform, variance 2 / (in + out): Glorot and Bengio 2010.
        case glorotUniform = "glorot_uniform"
        case glorotNormal = "glorot_normal"
        /// Variance 2 / in: He et al. 2015.
        case heUniform = "he_uniform"
        case heNormal = "he_normal"
        /// Variance 1 / in: LeCun et al. 1998.
        case lecunUniform = "lecun_uniform"
        case lecunNormal = "lecun_normal"
    }

    public static let glorotUniform = Initializer.scaled(.glorotUniform)

    static let names =
        ["zeros", "ones", "constant", "random_uniform", "random_normal"] + Scaling.allCases.map(\.rawValue)

    /// By name: "glorot_uniform", "he_normal", "zeros" …; a number is a constant.
    public init(_ name: String) throws(Failure) {
        switch name {
        case "zeros": self = .zeros
        case "ones": self = .ones
        case "moments": self = .meanZeroVarianceOne
        case "random_uniform": self = .uniform(limit: 0.05)
        case "random_normal": self = .normal(deviation: 0.05)
        default:
            guard let scaling = Scaling(rawValue: name) else {
                throw Failure(
                    .value, "there is no initializer '\(name)'",
                    hint: Spelling.nearest(name, among: Self.names).map { "did you mean '\($0)'?" }
                        ?? "known are \(Self.names.joined(separator: ", "))")
            }
            self = .scaled(scaling)
        }
    }

    init(json: JSON) throws {
        if let name = json.string {
            try self.init(name)
        } else if let value = json.double {
            self = .constant(value)
        } else if let limit = json["uniform"]?.double {
            self = .uniform(limit: limit)
        } else if let deviation = json["normal"]?.double {
            self = .normal(deviation: deviation)
        } else {
            throw Failure(.file, "\(json) is no initializer")
        }
    }

    var json: JSON {
        switch self {
        case .zeros: "zeros"
        case .ones: "ones"
        case .meanZeroVarianceOne: "moments"
        case .constant(let value): .number(value)
        case .uniform(let limit): ["uniform": .number(limit)]
        case .normal(let deviation): ["normal": .number(deviation)]
        case .scaled(let scaling): .string(scaling.rawValue)
        }
    }

    /// Lengths of a kernel [window…, in, out]: the window times in, the window times out.
    static func fans(of shape: [Int]) -> (Int, Int) {
        guard let last = shape.last else { return (1, 1) }
        guard shape.count > 1 else { return (last, last) }
        let window = shape.dropLast(2).reduce(1, *)
        return (window * shape[shape.count - 2], window * last)
    }

    /// The first value, float32.
    func value(shape: [Int], fans: (Int, Int)?, key: RandomKey, stream: UInt32) throws -> Tensor {
        let (fanIn, fanOut) = fans ?? Self.fans(of: shape)
        switch self {
        case .zeros: return try Tensor(repeating: 0, shape: shape)
        case .ones: return try Tensor(repeating: 1, shape: shape)
        case .meanZeroVarianceOne:
            let half = try Shape.count(shape) / 2
            return try Tensor(
                [Float](repeating: 0, count: half) + [Float](repeating: 1, count: half), shape: shape)
        case .constant(let value): return try Tensor(repeating: value, shape: shape)
        case .uniform(let limit): return try Self.drawn(.uniform, limit, shape, key, stream)
        case .normal(let deviation): return try Self.drawn(.normal, deviation, shape, key, stream)
        case .scaled(let scaling):
            let inputs = Double(max(fanIn, 1))
            let mean = max((Double(fanIn) + Double(fanOut)) / 2, 1)
            // A normal cut off at two deviations has 0.8796 times the deviation.
            let cut = 0.87962566103423978
            switch scaling {
            case .glorotUniform: return try Self.drawn(.uniform, (3 / mean).squareRoot(), shape, key, stream)
            case .glorotNormal:
                return try Self.drawn(.truncatedNormal, (1 / mean).squareRoot() / cut, shape, key, stream)
            case .heUniform: return try Self.drawn(.uniform, (6 / inputs).squareRoot(), shape, key, stream)
            case .heNormal:
                return try Self.drawn(.truncatedNormal, (2 / inputs).squareRoot() / cut, shape, key, stream)
            case .lecunUniform: return try Self.drawn(.uniform, (3 / inputs).squareRoot(), shape, key, stream)
            case .lecunNormal:
                return try Self.drawn(.truncatedNormal, (1 / inputs).squareRoot() / cut, shape, key, stream)
            }
        }
    }

    private static func drawn(
        _ distribution: Distribution, _ scale: Double, _ shape: [Int], _ key: RandomKey, _ stream: UInt32
    ) throws -> Tensor {
        let graph = Graph()
        let words = graph.constant(try Tensor(key.words, shape: [4]))
        let x = try words.random(distribution, shape: shape, stream: stream)
        return try (distribution == .uniform ? (x * 2 - 1) * scale : x * scale).evaluated()
    }
}

/// What a weight adds to the loss: l1 · Σ |w| + l2 · Σ w².
public struct Regularizer: Hashable, Sendable {
    public var l1: Double
    public var l2: Double

    public init(l1: Double = 0, l2: Double = 0) {
        self.l1 = l1
        self.l2 = l2
    }

    init?(json: JSON?) {
        guard let json, !json.isNull else { return nil }
        self.init(l1: json["l1"]?.double ?? 0, l2: json["l2"]?.double ?? 0)
    }

    var json: JSON { ["l1": .number(l1), "l2": .number(l2)] }

    func penalty(_ w: Traced) throws -> Traced? {
        var sum: Traced?
        if l1 != 0 { sum = try w.abs().sum() * l1 }
        if l2 != 0 {
            let squares = try w.square().sum() * l2
            sum = try sum.map { try $0 + squares } ?? squares
        }
        return sum
    }
}
