import Graph
import Language
import Support
import Tensor

/// A waveform that knows its rate: a tensor [length, 1].
public final class WaveObject: TensorObject {
    public let rate: Int

    public init(_ tensor: Tensor, rate: Int) {
        self.rate = rate
        super.init(tensor)
    }

    public override var memberNames: [String] { super.memberNames + ["rate", "seconds"] }

    public override func memberDoc(_ name: String) -> String? {
        switch name {
        case "rate": "samples a second"
        case "seconds": "how long it is"
        default: super.memberDoc(name)
        }
    }

    public override func member(_ name: String) throws -> Value? {
        switch name {
        case "rate": Value(rate)
        case "seconds": Value(Double(shape.first ?? 0) / Double(max(rate, 1)))
        default: try super.member(name)
        }
    }
}

extension TensorObject {
    /// The numbers, for what cannot work on a traced value.
    func concrete() throws -> Tensor { try tensor(for: "this") }

    /// The value in a trace, nil where the numbers are at hand.
    var tracedValue: Traced? { if case .traced(let t) = content { t } else { nil } }

    /// The value in `graph`; numbers become a constant of it.
    func traced(in graph: Graph) throws -> Traced {
        if let tracedValue { return tracedValue }
        return graph.constant(try concrete())
    }
}
