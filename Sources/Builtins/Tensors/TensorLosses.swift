import Engine
import Graph
import Language
import Support
import Tensor

/// Losses as functions of tensors; `fit` takes the same by name.
enum TensorLosses {
    static func table() -> [Builtin] {
        [
            loss(
                "mse", "The mean of (p - t)^2.", "mse(tensor([1, 2]), tensor([1, 4]))  # expect: 2"
            ) { try $0.squaredError($1) },
            loss("mae", "The mean of |p - t|.", "mae(tensor([1, 2]), tensor([1, 4]))  # expect: 1") {
                try $0.absoluteError($1)
            },
            loss(
                "hinge", "The mean of max(1 - t p, 0); targets of 0 count as -1.",
                "hinge(tensor([2, 0.5]), tensor([1, -1]))  # expect: 0.75"
            ) { try $0.hingeLoss($1) },
            loss(
                "huber", "The mean of (p - t)^2 / 2 up to 1 and of |p - t| - 1/2 beyond (Huber 1964).",
                "huber(tensor([1, 2]), tensor([1, 5]))  # expect: 1.25"
            ) { try $0.huberLoss($1) },
            binary(), categorical(),
        ]
    }

    private static let parameters: [Parameter] = [
        .required("p", "predictions"), .required("t", "targets of the same shape"),
    ]

    private static func operands(_ args: Arguments) throws -> [TensorObject] {
        try [TensorShaping.tensor(args, "p"), TensorShaping.tensor(args, "t")]
    }

    /// The mean over all elements, in the type of the predictions.
    private static func loss(
        _ name: String, _ summary: String, _ example: String,
        _ body: @escaping @Sendable (Traced, Traced) throws -> Traced
    ) -> Builtin {
        Builtin(
            name, topic: "tensors", parameters, summary: summary, example: example,
            seeAlso: ["mse", "mae", "cross_entropy", "fit"].filter { $0 != name }
        ) { args in
            try TensorObject.compute(name, [], operands(args)) {
                try mean(body(numbers($0[0]), numbers($0[1])))
            }
        }
    }

    private static func numbers(_ x: Traced) throws -> Traced {
        x.type.type.isFloat ? x : try x.cast(.float32)
    }

    private static func mean(_ x: Traced) throws -> Traced {
        guard x.type.count > 0 else {
            throw Failure(
                .shape, "the mean loss of no elements: the shape is \(Shape.describe(x.shape))",
                hint: "give at least one sample")
        }
        return try x.mean()
    }

    private static func binary() -> Builtin {
        Builtin(
            "bce", topic: "tensors",
            parameters + [.optional("logits", "false", "the predictions have not been through a sigmoid")],
            summary: "Binary cross-entropy: the mean of -t log p - (1 - t) log(1 - p).",
            example: "round(bce(tensor([0.5, 0.5]), tensor([1, 0])), 4)  # expect: 0.6931",
            seeAlso: ["cross_entropy", "sigmoid"]
        ) { args in
            let logits = try args.bool("logits", default: false)
            return try TensorObject.compute("bce", [logits ? 1 : 0], operands(args)) { v in
                let (p, t) = (try numbers(v[0]), try numbers(v[1]))
                return try mean(logits ? p.binaryCrossEntropyFromLogits(t) : p.binaryCrossEntropy(t))
            }
        }
    }

    private static func categorical() -> Builtin {
        Builtin(
            "cross_entropy", topic: "tensors",
            [
                .required("p", "[batch, classes]: probabilities, each row summing to 1"),
                .required("t", "[batch, classes]: the right probabilities, mostly one_hot rows"),
                .optional("logits", "false", "p holds logits, from before a softmax"),
            ],
            summary: "Cross-entropy: the mean over the rows of -Σ t log p.",
            doc: "A p that comes straight from softmax, in one traced function, loses no digits either.",
            example:
                "round(cross_entropy(tensor([[0, 0]]), one_hot([1], 2), logits = true), 4)  # expect: 0.6931",
            seeAlso: ["softmax", "one_hot", "bce"]
        ) { args in
            let logits = try args.bool("logits", default: false)
            return try TensorObject.compute("cross_entropy", [logits ? 1 : 0], operands(args)) { v in
                let (p, t) = (try numbers(v[0]), try numbers(v[1]))
                return try mean(logits ? p.crossEntropyFromLogits(t) : p.crossEntropy(t))
            }
        }
    }
}
