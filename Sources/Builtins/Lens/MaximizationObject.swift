import Language
import Lens
import Network
import Support
import Tensor

/// What a maximization found.
final class MaximizationObject: VZObject {
    let result: Maximization
    init(_ result: Maximization) { self.result = result }

    var rate: Int? { result.space.kind == .sound ? result.space.rate : nil }

    /// One input's own, without the batch axis; all of them otherwise.
    func own(_ t: Tensor) throws -> Tensor { t.shape[0] == 1 ? try t[[.position(0)]] : t }
    func input() throws -> Tensor { try own(result.input) }

    private func signal(_ t: Tensor) throws -> Value {
        let own = try own(t)
        if own.rank == 2, let rate { return Value(WaveObject(own, rate: rate)) }
        return Value(TensorObject(own))
    }

    private func lists(_ values: [[Double]]) -> Value {
        // The first value is that of the start, before any step.
        let lists = zip(values, result.labels).map { values, label in
            let counting = Counting(first: 0, name: "step", what: result.loss.count > 1 ? label : nil)
            return Value.list(List(values.map { Value($0) }, counting: counting))
        }
        return lists.count == 1 ? lists[0] : .list(lists)
    }

    var typeName: String { "maximization" }
    var memberNames: [String] {
        [
            "input", "picture", "best", "last", "loss", "activation", "probabilities", "labels", "layer",
            "eta",
            "seed", "steps", "seconds", "options", "frames", "interrupted", "settled", "notes",
        ]
    }
    var lateMembers: [String: String] { ["picture": "tensor", "frames": "list"] }
    func memberDoc(_ name: String) -> String? {
        switch name {
        case "input":
            "what was found: the best, or the last where random transforms made single scores a matter of luck"
        case "picture": "the input as red, green and blue from 0 to 255"
        case "best": "the input with the highest activation met"
        case "last": "the input after the last step"
        case "loss": "the activation before each step and after the last"
        case "activation": "the activation of input"
        case "probabilities": "the class' probability before each step and after the last"
        case "labels": "what each input is called"
        case "seed": "maximize(…, seed = this) gives the same again"
        case "options": "how it climbed"
        case "frames": "inputs on the way"
        case "settled": "true where it stopped because nothing rose any more"
        default: nil
        }
    }
    func member(_ name: String) throws -> Value? {
        switch name {
        case "input": return try signal(result.input)
        case "picture":
            guard result.space.kind == .picture else {
                throw Failure(
                    .value, "this maximization is no picture", hint: "its input is a sound or a tensor")
            }
            return Value(TensorObject(try own(result.space.pictures(result.input))))
        case "best": return try signal(result.best)
        case "last": return try signal(result.last)
        case "loss": return lists(result.loss)
        case "probabilities": return lists(result.probabilities)
        case "activation":
            return result.count == 1 ? Value(result.activation[0]) : Value(result.activation)
        case "labels": return Value(result.labels)
        case "layer": return Value(LayerObject(result.objective.layer))
        case "eta":
            guard case .constant(let eta) = result.options.eta else { return .nil }
            return Value(eta)
        case "seed": return Value(Double(result.options.key.seed))
        case "steps": return Value(result.stepsDone)
        case "seconds": return Value(result.seconds)
        case "options": return options()
        case "frames": return Value(try result.frames.map { try signal($0.input) })
        case "interrupted": return Value(result.wasInterrupted)
        case "settled": return Value(result.hasSettled)
        case "notes": return Value(result.notes)
        default: return nil
        }
    }

    private func options() -> Value {
        let o = result.options
        let optimizer = o.optimizer.map(\.name) ?? "ascent"
        return Value([
            ("steps", Value(o.steps)), ("optimizer", Value(optimizer)), ("norm", Value(o.norm.rawValue)),
            ("parametrization", Value(o.parametrization.name)), ("copies", Value(o.copies)),
            ("transforms", Value(o.transforms.isActive)), ("penalties", Value(o.regularizers.isActive)),
            ("redirect", Value(o.redirected)),
        ])
    }

    /// `m[i]`: one of several inputs.
    var count: Int? { result.count }
    func index(_ indices: [Value]) throws -> Value {
        guard indices.count == 1, let i = indices[0].asInt else {
            throw Failure(.index, "a maximization is indexed by one whole number, the input's place")
        }
        let place = i < 0 ? i &+ result.count : i
        guard place >= 0, place < result.count else {
            throw Failure(.index, "index \(i) is outside the \(result.count) inputs")
        }
        let one = try result.input[[.position(place)]]
        if one.rank == 2, let rate { return Value(WaveObject(one, rate: rate)) }
        return Value(TensorObject(one))
    }

    var summary: String {
        let labels = result.labels
        let what = labels.count == 1 ? labels[0] : "\(labels[0]) and \(labels.count - 1) more"
        return
            "<maximization of \(what): \(format4(result.loss[0].first ?? .nan)) → \(format4(result.activation[0])) in \(result.stepsDone) steps>"
    }
}
