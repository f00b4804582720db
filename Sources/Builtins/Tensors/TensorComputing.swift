import Engine
import Graph
import Language
import Support
import Tensor

/// Computing with tensors: what is not in the common table of functions.
enum TensorComputing {
    static func table() -> [Builtin] {
        elementwise() + [
            truth(
                "all", "True where every element is true or not 0.", "all(tensor([1, 2]) > 0)  # expect: true"
            ),
            truth(
                "any", "True where some element is true or not 0.", "any(tensor([1, 2]) > 1)  # expect: true"),
            logical("logical_and", .and, "both"), logical("logical_or", .or, "either of the two"),
            choose(), matmul(), norm(), logsumexp(), oneHot(),
        ]
    }

    private static func elementwise() -> [Builtin] {
        [
            ("rsqrt", "1 / sqrt(x).", "rsqrt(tensor([4])).values  # expect: [0.5]"),
            ("square", "x^2.", "square(tensor([3])).values  # expect: [9]"),
            ("reciprocal", "1 / x.", "reciprocal(tensor([4])).values  # expect: [0.25]"),
            ("erf", "The error function.", "erf(tensor([0])).values  # expect: [0]"),
            ("is_nan", "True where x is not a number.", "any(is_nan(tensor([1, nan])))  # expect: true"),
        ].map { name, summary, example in
            Builtin(
                name, topic: "tensors", [.required("x", "a tensor, a number, or a list of numbers")],
                summary: summary, example: example
            ) { args in
                let t = try TensorShaping.tensor(args)
                return try t.apply(name, &args) ?? .nil
            }
        }
    }

    private static func truth(_ name: String, _ summary: String, _ example: String) -> Builtin {
        Builtin(
            name, topic: "tensors",
            [
                .required("x", "a tensor, or a list of truth values"),
                .optional("axis", "nil", "the axis, or axes, to go along; without it all"),
                .optional("keepdims", "false", "keep those axes with length 1"),
            ],
            summary: summary, example: example, seeAlso: [name == "all" ? "any" : "all"]
        ) { args in
            if case .list(let l) = args[0], args[1].isNil,
                !l.items.contains(where: { $0.asObject != nil || $0.asList != nil })
            {
                let truths = try l.items.map { try $0.asNumber.map { $0 != 0 } ?? $0.truth() }
                return .bool(name == "all" ? !truths.contains(false) : truths.contains(true))
            }
            return try TensorShaping.tensor(args).reduced(name, args)
        }
    }

    private static func logical(_ name: String, _ function: BinaryFunction, _ word: String) -> Builtin {
        Builtin(
            name, topic: "tensors", [.required("a", "a tensor of truth values"), .required("b")],
            summary: "Element by element: true where \(word) hold.",
            example:
                "sum(\(name)(tensor([true, false]), tensor([true, true])))  # expect: \(function == .and ? 1 : 2)",
            seeAlso: ["where", "all", "any"]
        ) { args in
            let a = try TensorShaping.tensor(args, "a")
            let b = try TensorShaping.tensor(args, "b")
            return try TensorObject.compute(name, [], [a, b]) { try $0[0].binary(function, $0[1]) }
        }
    }

    private static func choose() -> Builtin {
        Builtin(
            "where", topic: "tensors",
            [
                .required("condition", "a tensor of truth values"),
                .required("a", "taken where the condition holds"),
                .required("b", "taken elsewhere"),
            ],
            summary: "Elements of a where the condition holds, else of b.",
            example: "t = tensor([-1, 2])\nwhere(t > 0, t, 0).values  # expect: [0, 2]",
            seeAlso: ["clip", "logical_and"]
        ) { args in
            let condition = try TensorShaping.tensor(args, "condition")
            // A number takes the type of the other value.
            func side(_ name: String, _ other: String) throws -> TensorObject {
                if case .number(let x) = args.value(name), case .object(let o) = args.value(other),
                    let t = o as? TensorObject
                {
                    return try t.number(x)
                }
                return try TensorShaping.tensor(args, name)
            }
            return try TensorObject.compute("where", [], [condition, side("a", "b"), side("b", "a")]) {
                try $0[0].select($0[1], $0[2])
            }
        }
    }

    private static func matmul() -> Builtin {
        Builtin(
            "matmul", topic: "tensors",
            [.required("a", "[..., m, k], or a vector [k]"), .required("b", "[..., k, n], or a vector [k]")],
            summary: "The matrix product, as `a @ b`; leading axes broadcast.",
            example: "matmul(tensor([[1, 2]]), tensor([[3], [4]]))[0, 0]  # expect: 11"
        ) { args in try TensorObject.matmul(TensorShaping.tensor(args, "a"), TensorShaping.tensor(args, "b"))
        }
    }

    private static func norm() -> Builtin {
        Builtin(
            "norm", topic: "tensors",
            [
                .required("x", "a tensor"),
                .optional("p", "2", "the order: a number, or inf for the largest magnitude"),
                .optional("axis", "nil", "the axis, or axes, to reduce; without it all"),
                .optional("keepdims", "false", "keep reduced axes with length 1"),
            ],
            summary: "The p-norm: (sum |x|^p)^(1/p).",
            example: "norm(tensor([3, 4]))  # expect: 5\nnorm(tensor([3, -4]), 1)  # expect: 7",
            seeAlso: ["sum", "max"]
        ) { args in
            let t = try TensorShaping.tensor(args)
            let p = try args.number("p", default: 2)
            guard p > 0 else { throw args.failure("`p` must be above 0, not \(Numbers.text(p))") }
            let axes = try t.axes(args)
            let keep = try args.bool("keepdims", default: false)
            let options = [p, keep ? 1 : 0, axes == nil ? 0 : 1] + (axes ?? []).map(Double.init)
            return try TensorObject.compute("norm", options, [t]) { try $0[0].norm(p, axes, keepAxes: keep) }
        }
    }

    private static func logsumexp() -> Builtin {
        Builtin(
            "logsumexp", topic: "tensors",
            [
                .required("x", "a tensor"), .optional("axis", "nil", "the axis, or axes; without it all"),
                .optional("keepdims", "false"),
            ],
            summary: "log(sum(exp(x))), computed without overflow.",
            example: "logsumexp(tensor([1000]))  # expect: 1000",
            seeAlso: ["softmax", "log_softmax"]
        ) { args in try TensorShaping.tensor(args).reduced("logsumexp", args) }
    }

    private static func oneHot() -> Builtin {
        Builtin(
            "one_hot", topic: "tensors",
            [.required("labels", "whole numbers from 0"), .required("classes", "how many there are")],
            summary: "Rows of zeros with a one at each label: [...] becomes [..., classes].",
            example: "one_hot([2, 0], 3).values  # expect: [[0, 0, 1], [1, 0, 0]]"
        ) { args in
            let labels = try TensorShaping.tensor(args, "labels").tensor(for: "one_hot")
            let classes = try args.int("classes", in: 1...(1 << 24))
            let numbers = try labels.array(of: Double.self)
            let result = try Tensor(repeating: 0, shape: labels.shape + [classes])
            let p = result.base.assumingMemoryBound(to: Float.self)
            for (row, x) in numbers.enumerated() {
                guard let k = Int(exactly: x), k >= 0, k < classes else {
                    throw args.failure(
                        "label \(Numbers.text(x)) is outside 0 to \(classes - 1)", kind: .value)
                }
                p[row * classes + k] = 1
            }
            return .object(TensorObject(result))
        }
    }
}
