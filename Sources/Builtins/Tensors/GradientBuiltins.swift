import Language
import Support
import Tensor

/// `grad` and its kin.
enum GradientBuiltins {
    static func table(_ chance: Chance) -> [Builtin] {
        [grad(), valueAndGrad(), gradcheck(chance), jit(chance), stopGradient()]
    }

    private static let function = Parameter.required("f", "a function from tensors or numbers to one number")
    private static let wrt = Parameter.optional(
        "wrt", "0", "by which argument: its position, its name, or a list of them")

    private static func grad() -> Builtin {
        Builtin(
            "grad", topic: "gradients", [function, wrt],
            summary: "The function that gives the gradient of f with respect to its first argument.",
            doc:
                "f is called with values that record what is done to them; the record is differentiated backwards. Loops, closures, calls and conditions are followed as they run for these arguments: the gradient is that of the way that was taken. Elements of float32 tensors stay float32 meanwhile, so that a loop should not wait for more digits than seven. The argument may be a tensor, a number, or a list or record of them: the gradient has the same form. Gradients can be differentiated again: grad(grad(f)).",
            example:
                "g = grad(x -> x^3)\ng(2)  # expect: 12\ngrad(v -> sum(v^2))(tensor([1, 2])).values  # expect: [2, 4]\ngrad(grad(x -> x^3))(2)  # expect: 12\ngrad(x -> if x > 0 { x^2 } else { -x })(-3)  # expect: -1",
            seeAlso: ["value_and_grad", "gradcheck", "jit"]
        ) { args in try derivative("grad", args) { $0.gradient } }
    }

    private static func valueAndGrad() -> Builtin {
        Builtin(
            "value_and_grad", topic: "gradients", [function, wrt],
            summary: "As grad, but gives [value, gradient].",
            example: "value, slope = value_and_grad(x -> x^2)(3)\n[value, slope]  # expect: [9, 6]",
            seeAlso: ["grad"]
        ) { args in try derivative("value_and_grad", args) { .list([$0.value, $0.gradient]) } }
    }

    private static func derivative(
        _ name: String, _ args: Arguments, _ pick: @escaping ((value: Value, gradient: Value)) -> Value
    ) throws -> Value {
        let f = try args.function("f")
        let (wrt, isSingle) = try positions(args, of: f)
        return .builtin(
            Builtin(
                "\(name)(\(called(f)))", topic: "gradients",
                [.variadic("arguments", "as the function takes them"), .extras("named")],
                summary: "The gradient of \(called(f)), made by \(name)."
            ) { args in
                let differentiation = Differentiation(
                    function: f, interpreter: args.interpreter, wrt: wrt, isSingle: isSingle,
                    named: args.extras, caller: name)
                return pick(try differentiation.run(args.rest))
            })
    }

    static func called(_ f: Value) -> String {
        switch f {
        case .function(let f): f.name.isEmpty ? "fn" : f.name
        case .builtin(let b): b.name
        default: "f"
        }
    }

    /// The positions that `wrt` names.
    private static func positions(_ args: Arguments, of f: Value) throws -> (wrt: [Int], isSingle: Bool) {
        func position(_ v: Value) throws -> Int {
            if let i = v.asInt, i >= 0 { return i }
            guard let name = v.asString else {
                throw args.failure("`wrt` is a position from 0 or a name, not \(v.summary(limit: 30))")
            }
            let names: [String] =
                switch f {
                case .function(let f): f.parameters.map(\.name)
                case .builtin(let b): b.parameters.map(\.name)
                default: []
                }
            guard let i = names.firstIndex(of: name) else {
                throw args.failure(
                    "the function has no parameter `\(name)`",
                    hint: Spelling.nearest(name, among: names).map { "did you mean `\($0)`?" }
                        ?? (names.isEmpty ? nil : "it has \(names.joined(separator: ", "))"))
            }
            return i
        }
        let wrt = args.value("wrt")
        if wrt.isNil { return ([0], true) }
        guard case .list(let l) = wrt else { return ([try position(wrt)], true) }
        guard l.count > 0 else { throw args.failure("`wrt` names no argument") }
        return (try l.items.map(position), false)
    }

    private static func gradcheck(_ chance: Chance) -> Builtin {
        Builtin(
            "gradcheck", topic: "gradients",
            [
                .required("f", "a function to one number"),
                .variadic("arguments", "where to check it; every tensor and number is varied"),
                .optional(
                    "tolerance", "1e-5", "how far they may be apart, relative where the gradient is above 1"),
                .optional("step", "1e-5", "by how much an element is varied, relative where it is above 1"),
                .optional(
                    "samples", "200", "at most so many elements of each tensor are varied, chosen at random"),
            ],
            summary: "Compare the gradient of f with central differences; the largest difference is given.",
            doc:
                "The differences are computed in float64 by the operations' definitions. Where one is greater than the tolerance it is an error that says where. The gradient that the engine computes in float32 is held to 1e-3.",
            example: "gradcheck(v -> sum(tanh(v)^2), randn(3, 2)) < 1e-6  # expect: true", seeAlso: ["grad"]
        ) { args in
            let f = try args.function("f")
            guard !args.rest.isEmpty else {
                throw args.failure("there is no point to check at", hint: "write gradcheck(f, x)")
            }
            let differentiable = args.rest.indices.filter { !isPlain(args.rest[$0]) }
            let differentiation = Differentiation(
                function: f, interpreter: args.interpreter, wrt: differentiable, isSingle: false, named: [],
                caller: "gradcheck")
            let options = Differentiation.CheckOptions(
                step: try args.number("step", default: 1e-5),
                tolerance: try args.number("tolerance", default: 1e-5),
                samples: try args.int("samples", in: 1...(1 << 30), default: 200))
            guard options.step > 0, options.tolerance >= 0 else {
                throw args.failure("`step` and `tolerance` must be above 0")
            }
            return .number(try differentiation.check(args.rest, options, chance))
        }
    }

    /// Nothing in it that a gradient could be taken by.
    private static func isPlain(_ value: Value) -> Bool {
        switch value {
        case .number, .list, .record: false
        case .object(let o): !(o is TensorObject)
        default: true
        }
    }

    private static func jit(_ chance: Chance) -> Builtin {
        Builtin(
            "jit", topic: "gradients", [.required("f", "a function of tensors")],
            summary:
                "The same function, recorded once for each form of its arguments and then run as one plan.",
            doc:
                "Later calls with tensors of the same shapes and types do not run f again. So what f prints is printed once, numbers among the arguments are part of the form (give a tensor where it changes from call to call), and tensors that f uses from outside stay as they were. Random numbers are drawn anew at each call. A function that decides by the numbers themselves, or takes them out, cannot be recorded: it is called each time (its first call may begin twice).",
            example:
                "f = jit(v -> sum(v^2) + 1)\nf(tensor([1, 2]))  # expect: 6\nf(tensor([2, 2]))  # expect: 9",
            seeAlso: ["grad"]
        ) { args in
            let f = try args.function("f")
            let kept = KeptTraces(f, chance)
            return .builtin(
                Builtin(
                    "jit(\(called(f)))", topic: "gradients",
                    [.variadic("arguments", "as the function takes them"), .extras("named")],
                    summary: "\(called(f)), recorded by jit."
                ) { args in try kept.call(args.rest, args.extras, args.interpreter) })
        }
    }

    private static func stopGradient() -> Builtin {
        Builtin(
            "stop_gradient", topic: "gradients", [.required("x", "a tensor or a number")],
            summary: "The same value, which gradients take for a constant.",
            example: "grad(x -> x * stop_gradient(x))(3)  # expect: 3", seeAlso: ["grad"]
        ) { args in
            guard case .object(let o) = args[0], let t = o as? TensorObject, case .traced(let x) = t.content
            else { return args[0] }
            return .object(TensorObject(try x.stopped(), isWeak: t.isWeak))
        }
    }
}
