import Engine
import Graph
import Language
import Support
import Tensor

/// Gradients of vz functions: the function is called once with values that record what is done to
/// them; the record is differentiated, planned and run. Plans are kept by their structure, so that a
/// loop plans once.
struct Differentiation {
    let function: Value
    let interpreter: Interpreter
    /// Which positional arguments to differentiate by.
    let wrt: [Int]
    /// True where `wrt` was one argument, so that one gradient is given and not a list.
    let isSingle: Bool
    let named: [(name: String, value: Value)]
    /// "grad" or "value_and_grad", for messages.
    let caller: String

    /// The trees of the arguments to differentiate by, with their tensors and numbers.
    private func trees(_ arguments: [Value]) throws -> (trees: [ValueTree], leaves: [Value]) {
        var leaves: [Value] = []
        var trees: [ValueTree] = []
        for i in wrt {
            guard i < arguments.count else {
                throw Failure(
                    .argument,
                    "`\(caller)`: there is no argument \(i) to differentiate by, the call has \(arguments.count)",
                    hint: "arguments to differentiate by are given by position")
            }
            let before = leaves.count
            trees.append(try ValueTree(arguments[i], numbers: true, into: &leaves))
            if leaves.count == before {
                throw Failure(
                    .type, "`\(caller)`: argument \(i) is \(arguments[i].typePhrase), which has no gradient",
                    hint: "differentiate by tensors, numbers, or lists and records of them")
            }
        }
        return (trees, leaves)
    }

    /// The leaves as values of a trace.
    private func lifted(_ leaves: [Value], in graph: Graph, _ make: (Tensor) throws -> Traced) throws
        -> [TensorObject]
    {
        try leaves.map { leaf in
            switch leaf {
            case .number(let x): return TensorObject(try make(Tensor(scalar: x)), isWeak: true)
            case .object(let o):
                guard let t = o as? TensorObject else { break }
                guard t.elementType.isFloat else {
                    throw Failure(
                        .type,
                        "`\(caller)`: an argument is \(t.type), whose steps are too large for a gradient",
                        hint: "convert it: astype(x, \"float32\")")
                }
                switch t.content {
                case .concrete(let tensor): return TensorObject(try make(tensor))
                case .traced(let traced): return TensorObject(try Self.fresh(traced), isWeak: t.isWeak)
                }
            default: break
            }
            throw Failure(.type, "`\(caller)`: \(leaf.typePhrase) has no gradient")
        }
    }

    /// The same value as a node of its own, so that a gradient by it counts nothing else.
    private static func fresh(_ value: Traced) throws -> Traced {
        // `alpha` means nothing to the identity; it keeps equal nodes apart.
        try value.graph.add(Unary(.identity, alpha: Double(value.graph.nodes.count)), [value])
    }

    /// Call the function with `leaves` in their places; its result in the trace.
    private func traceResult(
        _ arguments: [Value], _ trees: [ValueTree], _ leaves: [TensorObject], in graph: Graph
    ) throws -> TensorObject {
        var full = arguments
        var values = leaves.map { Value.object($0) }
        for (tree, i) in zip(trees, wrt) { full[i] = tree.value(values) }
        values = []
        let result = try interpreter.call(function, full, named)
        switch result {
        case .number(let x): return TensorObject(try graph.fill(x, .float64), isWeak: true)
        case .object(let o):
            guard let t = o as? TensorObject else { break }
            if case .concrete(let tensor) = t.content {
                return TensorObject(Trace.constant(tensor, in: graph))
            }
            return t
        default: break
        }
        throw Failure(
            .type,
            "`\(caller)`: the function must return a number or a tensor of one, not \(result.typePhrase)",
            hint: "its last expression is its value")
    }

    private func gradients(_ result: TensorObject, _ leaves: [TensorObject]) throws -> (
        value: Traced, gradients: [Traced]
    ) {
        guard case .traced(let value) = result.content else { throw Failure(.value, "nothing was traced") }
        let inputs = try TensorObject.lifted(leaves)
        return (value, try value.graph.gradients(of: value, withRespectTo: inputs))
    }

    /// (value, gradients) of the function at `arguments`.
    func run(_ arguments: [Value]) throws -> (value: Value, gradient: Value) {
        let (trees, leaves) = try trees(arguments)
        if let graph = Self.openGraph(leaves) { return try runInside(graph, arguments, trees, leaves) }
        let trace = Trace()
        return try Trace.$current.withValue(trace) {
            var given: [Tensor] = []
            let inputs = try lifted(leaves, in: trace.graph) { tensor in
                given.append(tensor)
                return trace.input(tensor)
            }
            let result = try traceResult(arguments, trees, inputs, in: trace.graph)
            let (value, gradients) = try gradients(result, inputs)
            let all = try TensorObject.lifted(inputs) + trace.used.map(\.input)
            let results = try PlanCache.run(
                inputs: all, outputs: [value] + gradients, given + trace.used.map(\.tensor))
            let parts = try zip(leaves, results.dropFirst()).map { leaf, tensor -> Value in
                leaf.asNumber != nil ? try TensorObject.value(tensor) : .object(TensorObject(tensor))
            }
            return (try TensorObject.value(results[0]), shaped(trees, parts))
        }
    }

    /// The graph that is open already: gradients of gradients stay inside it.
    static func openGraph(_ leaves: [Value]) -> Graph? {
        for case .object(let o) in leaves {
            if let t = o as? TensorObject, case .traced(let traced) = t.content { return traced.graph }
        }
        return Trace.current?.graph
    }

    private func runInside(_ graph: Graph, _ arguments: [Value], _ trees: [ValueTree], _ leaves: [Value])
        throws
        -> (value: Value, gradient: Value)
    {
        let inputs = try lifted(leaves, in: graph) { try Self.fresh(Trace.constant($0, in: graph)) }
        let result = try traceResult(arguments, trees, inputs, in: graph)
        let (value, gradients) = try gradients(result, inputs)
        let parts = zip(inputs, gradients).map { Value.object(TensorObject($1, isWeak: $0.isWeak)) }
        return (.object(TensorObject(value, isWeak: result.isWeak)), shaped(trees, parts))
    }

    private func shaped(_ trees: [ValueTree], _ parts: [Value]) -> Value {
        let values = trees.map { $0.value(parts) }
        return isSingle ? values[0] : .list(values)
    }

    // MARK: Against finite differences

    struct CheckOptions {
        var step: Double
        var tolerance: Double
        /// At most so many elements of each tensor are varied.
        var samples: Int
    }

    /// The largest difference, relative to the gradient's size, between the gradient and central
    /// differences (f(x + h) - f(x - h)) / 2h computed in float64. Throws where one exceeds the
    /// tolerance.
    func check(_ arguments: [Value], _ options: CheckOptions, _ chance: Chance) throws -> Double {
        let (trees, leaves) = try trees(arguments)
        let trace = Trace()
        return try Trace.$current.withValue(trace) {
            var given: [Tensor] = []
            let inputs = try lifted(leaves, in: trace.graph) { tensor in
                given.append(tensor)
                return trace.input(tensor)
            }
            let result = try traceResult(arguments, trees, inputs, in: trace.graph)
            let (value, gradients) = try gradients(result, inputs)
            let own = try TensorObject.lifted(inputs)
            var values: [Int: ReferenceArray] = [:]
            for (input, tensor) in zip(own, given) { values[input.id] = try ReferenceArray(tensor) }
            for (input, tensor) in trace.used { values[input.id] = try ReferenceArray(tensor) }
            let exact = try trace.graph.referenceValues(of: gradients, leaves: values)
            let fast = try PlanCache.run(
                inputs: own + trace.used.map(\.input), outputs: gradients, given + trace.used.map(\.tensor))
            var worst = 0.0
            for (i, input) in own.enumerated() {
                let comparison = Comparison(
                    analytic: exact[i].values, engine: try fast[i].array(of: Double.self), shape: input.shape,
                    argument: own.count == 1 ? "" : " of tensor \(i)", options: options)
                let places = try Self.places(exact[i].values.count, options.samples, chance)
                for place in places {
                    try CancelFlag.shared.check()
                    func shifted(_ by: Double) throws -> Double {
                        var moved = values
                        moved[input.id]?.values[place] += by
                        return try trace.graph.referenceValues(of: [value], leaves: moved)[0].values[0]
                    }
                    let x = values[input.id]?.values[place] ?? 0
                    let h = options.step * max(1, abs(x))
                    worst = max(
                        worst, try comparison.check(place, numeric: (shifted(h) - shifted(-h)) / (2 * h)))
                }
            }
            return worst
        }
    }

    /// Which elements to vary: all, or a random choice.
    private static func places(_ count: Int, _ most: Int, _ chance: Chance) throws -> [Int] {
        guard count > most else { return Array(0..<count) }
        return try Tensor(permutation: count, key: chance.nextKey()).array(of: Int32.self).prefix(most).map(
            Int.init
        ).sorted()
    }

    private struct Comparison {
        let analytic: [Double]
        let engine: [Double]
        let shape: [Int]
        let argument: String
        let options: CheckOptions

        /// The relative difference at one element. Throws where it is too great.
        func check(_ place: Int, numeric: Double) throws -> Double {
            let size = max(1, abs(numeric), abs(analytic[place]))
            let difference = abs(analytic[place] - numeric) / size
            guard difference <= options.tolerance else {
                throw failure(place, "the gradient is", analytic[place], numeric, difference)
            }
            // The engine works in float32.
            let rounding = abs(engine[place] - analytic[place]) / size
            guard rounding <= max(1e-3, options.tolerance) else {
                throw failure(place, "the engine's gradient is", engine[place], numeric, rounding)
            }
            return difference
        }

        private func failure(_ place: Int, _ what: String, _ found: Double, _ numeric: Double, _ by: Double)
            -> Failure
        {
            var rest = place
            let index = Shape.strides(shape).map { stride -> Int in
                defer { rest %= max(stride, 1) }
                return rest / max(stride, 1)
            }
            let place = shape.isEmpty ? "" : " at \(Shape.describe(index))"
            return Failure(
                .numeric,
                "`gradcheck`: \(what) \(Numbers.short(found, digits: 7))\(place)\(argument), central differences give \(Numbers.short(numeric, digits: 7)) (\(Numbers.short(by, digits: 3)) apart)",
                hint: "a kink (abs, relu, max) close to the point also does this; try other numbers")
        }
    }
}
