import Graph
import Language
import Network
import Support
import Tensor

/// Layers, losses, metrics and optimizers that are written in vz. Each is called while the engine
/// records a step, once for each plan; what it records then runs as part of the plan.
enum OwnFunctions {
    /// `function(arguments)` with what it draws and uses recorded in `graph`.
    static func call(
        _ function: Value, _ arguments: [Value], named: [(name: String, value: Value)] = [],
        in graph: Graph, key: Traced? = nil, stream: UInt32 = 0, _ interpreter: Interpreter
    ) throws -> Value {
        let trace = Trace(within: graph, key: key, stream: stream)
        return try Trace.$current.withValue(trace) { try interpreter.call(function, arguments, named) }
    }

    /// What a function gave back, as a value of `graph`. `what` begins the message where it is none.
    static func traced(_ value: Value, in graph: Graph, _ what: String, hint: String) throws -> Traced {
        switch value {
        case .number(let x): return try graph.fill(x)
        case .object(let o):
            guard let t = o as? TensorObject else { break }
            let traced = try t.traced(in: graph)
            return traced.type.type == .float32 ? traced : try traced.cast(.float32)
        default: break
        }
        throw Failure(.type, "\(what) must return a tensor, not \(value.typePhrase)", hint: hint)
    }

    private static func has(_ function: Value, _ parameter: String) -> Bool {
        guard case .function(let f) = function else { return false }
        return f.parameters.contains { $0.name == parameter }
    }

    // MARK: Layers

    /// A layer of a function from tensor to tensor; with `parameters`, a record of first values or a
    /// function from the input's shape to one, the function gets their values as its second argument.
    static func layer(_ function: Value, parameters: Value = .nil, _ interpreter: Interpreter)
        -> FunctionLayer
    {
        let name = GradientBuiltins.called(function)
        let wantsTraining = has(function, "training")
        return FunctionLayer(
            kind: name == "fn" || name == "f" ? "function" : name,
            parameters: { inputs in try firstValues(parameters, inputs[0], interpreter) }
        ) { inputs, values, context in
            var arguments = [Value(TensorObject(inputs[0]))]
            if !parameters.isNil {
                arguments.append(Value(values.map { ($0.name, Value(TensorObject($0.value))) }))
            }
            let named = wantsTraining ? [(name: "training", value: Value(context.isRunningTraining))] : []
            let key = context.isRunningTraining ? try? context.key() : nil
            let result = try call(
                function, arguments, named: named, in: inputs[0].graph, key: key, stream: context.stream,
                interpreter)
            return try traced(
                result, in: inputs[0].graph, "a layer's function",
                hint: "return what it makes of its argument")
        }
    }

    private static func firstValues(_ parameters: Value, _ shape: [Int], _ interpreter: Interpreter) throws
        -> [(name: String, value: Tensor)]
    {
        if parameters.isNil { return [] }
        var value = parameters
        if value.isCallable { value = try interpreter.call(value, [Value(shape.map(Double.init))]) }
        guard case .record(let record) = value else {
            throw Failure(
                .type, "`layer`: `parameters` must be a record of tensors, not \(value.typePhrase)",
                hint: "write {scale: ones(8)}, or shape -> {scale: ones(shape[-1])}")
        }
        return try record.pairs.map { name, value in
            (name, try TensorObject.from(value, "`layer`: the parameter `\(name)`").tensor(for: "`layer`"))
        }
    }

    // MARK: Losses and metrics

    /// A loss by name or as a function (prediction, target).
    static func loss(_ value: Value, _ interpreter: Interpreter) throws -> Loss? {
        if value.isNil { return nil }
        if let name = value.asString { return try Loss.named(name) }
        guard value.isCallable else {
            throw Failure(
                .argument, "`loss` must be a name or a function, not \(value.typePhrase)",
                hint: "such as \"mse\", or (prediction, target) -> mean((prediction - target)^2, axis = -1)")
        }
        let name = GradientBuiltins.called(value)
        return Loss(name == "fn" || name == "f" ? "loss" : name) { p, t in
            try judged(value, p, t, "a loss", interpreter)
        }
    }

    /// Metrics: names and functions in a list, one of them, or a record that names functions.
    static func metrics(_ value: Value, _ interpreter: Interpreter) throws -> [Metric]? {
        switch value {
        case .nil: return nil
        case .list(let list):
            return try list.items.enumerated().map {
                try metric($1, "metric_\($0 + 1)", interpreter)
            }
        case .record(let record):
            return try record.pairs.map { try metric($0.1, $0.0, interpreter, named: true) }
        default: return [try metric(value, "metric", interpreter)]
        }
    }

    private static func metric(
        _ value: Value, _ fallback: String, _ interpreter: Interpreter, named: Bool = false
    ) throws -> Metric {
        if let name = value.asString { return try Metric.named(name) }
        guard value.isCallable else {
            throw Failure(
                .argument, "a metric must be a name or a function, not \(value.typePhrase)",
                hint: "such as \"accuracy\", or (prediction, target) -> mean(abs(prediction - target))")
        }
        let own = GradientBuiltins.called(value)
        return Metric(named || own == "fn" || own == "f" ? fallback : own) { p, t in
            try judged(value, p, t, "a metric", interpreter)
        }
    }

    private static func judged(
        _ function: Value, _ p: Traced, _ t: Traced, _ what: String, _ interpreter: Interpreter
    ) throws -> Traced {
        let arguments = [Value(TensorObject(p)), Value(TensorObject(t))]
        let result = try call(function, arguments, in: p.graph, interpreter)
        // A number that depends on nothing has no gradient.
        if what == "a loss", result.asNumber != nil {
            throw Failure(
                .type, "a loss must return a tensor, not a number: it has no gradient",
                hint: "work it out from the prediction")
        }
        return try traced(
            result, in: p.graph, what,
            hint:
                "its arguments are the prediction and the target, [batch, …]; return a number for each sample, or one for all"
        )
    }

    // MARK: Optimizers

    /// A rule (weight, gradient, state) → new weight; what it sets in the record `state` is kept.
    static func rule(_ function: Value, state: Record?, _ interpreter: Interpreter) throws -> OwnRule {
        let kept = try (state?.pairs ?? []).map { name, value -> (name: String, first: Double) in
            guard let first = value.asNumber, name != "rate", name != "step" else {
                throw Failure(
                    .argument,
                    name == "rate" || name == "step"
                        ? "`optimizer`: the state has a `\(name)` already"
                        : "`optimizer`: `state` gives each entry's first number, but `\(name)` is \(value.typePhrase)",
                    hint: "such as {momentum: 0}: what is kept has the shape of its weight")
            }
            return (name, first)
        }
        var digest = Digest()
        if case .function(let f) = function { digest.add(f.source) }
        let name = GradientBuiltins.called(function)
        return OwnRule("\(name) \(digest.text)", state: kept) { weight, gradient, old, rate, step in
            let record = Record(
                old.map { ($0.name, Value(TensorObject($0.value))) }
                    + [("rate", Value(TensorObject(rate))), ("step", Value(TensorObject(step)))])
            let arguments = [Value(TensorObject(weight)), Value(TensorObject(gradient)), .record(record)]
            let graph = weight.graph
            let result = try call(function, arguments, in: graph, interpreter)
            let hint = "return the weight's new value, such as weight - state.rate * gradient"
            let new = try traced(result, in: graph, "an optimizer's function", hint: hint)
            guard new.shape == weight.shape else {
                throw Failure(
                    .shape,
                    "an optimizer's function, `\(name)`, gave shape \(Shape.describe(new.shape)) for a weight of shape \(Shape.describe(weight.shape))",
                    hint: hint)
            }
            var state: [String: Traced] = [:]
            for (name, _) in kept {
                let value = try traced(
                    record[name] ?? .nil, in: graph, "the state `\(name)` of an optimizer",
                    hint: "keep it in the record that the function is given")
                state[name] = try value.broadcasted(to: weight.shape)
            }
            return (new, state)
        }
    }

    // MARK: Entries

    static func table() -> [Builtin] { [layerEntry(), optimizerEntry()] }

    private static func layerEntry() -> Builtin {
        Builtin(
            "layer", topic: "layers",
            [
                .required("f", "a function from [batch, …] to [batch, …]; with parameters, (x, p) -> …"),
                .optional(
                    "parameters", "nil",
                    "a record of first values, or a function from the input's shape (without the batch) to one"
                ),
                .optional("name", "nil", "what the network calls it; by default the function's name"),
            ],
            summary: "A layer written in vz, with parameters that are trained.",
            doc:
                "A function without parameters can stand in sequential as it is. Where f has a parameter `training` it is told whether the network trains; random numbers that it draws are drawn anew at each step. A network with such a layer can be trained, maximized and checkpointed, but not saved with its architecture.",
            example:
                "fn scaled(x, p) = x * p.scale\nnet = sequential(layer(scaled, parameters = s -> {scale: ones(s[-1])}), input = [4])\nnet.scaled.parameters  # expect: 4",
            seeAlso: ["sequential", "optimizer", "fit"]
        ) { args in
            let made = layer(
                try args.function("f"), parameters: args.value("parameters"), args.interpreter)
            return Value(LayerObject(Layer(made, name: try args.optionalString("name"))))
        }
    }

    private static func optimizerEntry() -> Builtin {
        Builtin(
            "optimizer", topic: "training",
            [
                .required("f", "a function (weight, gradient, state) -> the weight's new value"),
                .optional("rate", "0.001", "the learning rate; the function finds it in state.rate"),
                .optional(
                    "state", "{}", "what is kept for each weight, with its first number: {momentum: 0}"),
                .optional("schedule", "nil", "as of adam"),
                .optional("clip_norm", "nil", "all gradients together are kept below this length"),
                .optional("clip_value", "nil", "each gradient is kept between minus and plus this"),
            ],
            summary: "An optimizer written in vz.",
            doc:
                "The function sees one weight, its gradient, and a record: what it kept, the rate, and the step counted from 1. What it sets in the record is kept until the next step. It is called once for each weight, to be recorded; the record then runs as part of each step.",
            example:
                "fn heavy_ball(w, g, s) {\n    s.v = 0.9 * s.v - s.rate * g\n    w + s.v\n}\noptimizer(heavy_ball, rate = 0.01, state = {v: 0}).name  # expect: \"heavy_ball\"",
            seeAlso: ["fit", "sgd", "adam", "layer"]
        ) { args in
            let function = try args.function("f")
            let rule = try rule(function, state: try args.optionalRecord("state"), args.interpreter)
            let name = GradientBuiltins.called(function)
            var made = try Optimizer(
                name == "fn" || name == "f" ? "optimizer" : name, .own(rule),
                learningRate: try args.number("rate", default: 1e-3))
            made.schedule = try TrainingBuiltins.schedule(args.value("schedule"), args)
            made.globalClipNorm = try args.optionalNumber("clip_norm")
            made.clipValue = try args.optionalNumber("clip_value")
            return Value(OptimizerObject(made))
        }
    }
}
