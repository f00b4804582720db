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

extension WaveObject {
    static func table() -> [Builtin] {
        [
            Builtin(
                "sound", topic: "sound",
                [
                    .required("x", "a tensor [length] or [length, 1]"),
                    .optional("rate", "16000", "samples a second"),
                ],
                summary: "A tensor as a sound that knows its rate, to be drawn, played and saved.",
                example: "sound(zeros(8000), rate = 16000).seconds  # expect: 0.5",
                seeAlso: ["read_audio", "play"]
            ) { args in
                var x = try TensorObject.from(args[0], "`sound`: `x`").tensor(for: "`sound`")
                if x.rank == 1 { x = try x.reshaped(x.shape + [1]) }
                guard x.rank == 2, x.shape[1] == 1 else {
                    throw args.failure(
                        "a waveform is [length] or [length, 1], not \(Shape.describe(x.shape))", kind: .shape)
                }
                let rate = try args.int("rate", in: 1...10_000_000, default: 16000)
                return Value(WaveObject(try x.converted(to: .float32), rate: rate))
            }
        ]
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
