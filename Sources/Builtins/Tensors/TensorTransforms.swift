import Engine
import Graph
import Language
import Support
import Tensor

/// Fourier transforms and other operations on whole axes.
enum TensorTransforms {
    static func table() -> [Builtin] { [rfft(), irfft(), localResponse()] }

    private static func rfft() -> Builtin {
        Builtin(
            "rfft", topic: "tensors", [.required("x", "real numbers; the last axis is transformed")],
            summary: "The Fourier transform: [..., n] becomes [..., n / 2 + 1, 2], real and imaginary parts.",
            doc:
                "Frequency k of n samples at a rate r is k · r / n. Nothing is scaled; irfft is the way back.",
            example: "round(rfft(tensor([1, 0, -1, 0])), 4)[1].values  # expect: [2, 0]", seeAlso: ["irfft"]
        ) { args in
            try TensorObject.compute("rfft", [], [TensorShaping.tensor(args)]) { try $0[0].realFourier() }
        }
    }

    private static func irfft() -> Builtin {
        Builtin(
            "irfft", topic: "tensors",
            [
                .required("x", "[..., n / 2 + 1, 2]"),
                .optional("n", "nil", "length of the result; without it the even one that fits"),
            ],
            summary: "The inverse Fourier transform, to real numbers: [..., n].",
            example: "round(irfft(rfft(tensor([1, 2, 3, 4]))), 4).values  # expect: [1, 2, 3, 4]",
            seeAlso: ["rfft"]
        ) { args in
            let t = try TensorShaping.tensor(args)
            guard t.shape.count >= 2 else {
                throw args.failure(
                    "the input has shape \(Shape.describe(t.shape)), expected [..., n / 2 + 1, 2]",
                    kind: .shape)
            }
            let bins = t.shape[t.shape.count - 2]
            let n = try args.int("n", in: 1...(1 << 30), default: max(2 * (bins - 1), 1))
            return try TensorObject.compute("irfft", [Double(n)], [t]) {
                try $0[0].inverseRealFourier(length: n)
            }
        }
    }

    private static func localResponse() -> Builtin {
        Builtin(
            "lrn", topic: "tensors",
            [
                .required("x", "[..., channels]"),
                .optional("radius", "5", "neighbouring channels to each side"),
                .optional("bias", "1"), .optional("alpha", "1"), .optional("beta", "0.5"),
            ],
            summary:
                "Local response normalization: x / (bias + alpha · Σ x²)^beta over neighbouring channels.",
            doc: "Krizhevsky et al. 2012, with the names of TensorFlow.",
            example: "lrn(tensor([[0, 0]])).values  # expect: [[0, 0]]", seeAlso: ["layernorm"]
        ) { args in
            let t = try TensorShaping.tensor(args)
            let radius = try args.int("radius", in: 0...1024, default: 5)
            let bias = try args.number("bias", default: 1)
            let alpha = try args.number("alpha", default: 1)
            let beta = try args.number("beta", default: 0.5)
            return try TensorObject.compute("lrn", [Double(radius), bias, alpha, beta], [t]) {
                try $0[0].localResponseNormalized(radius: radius, bias: bias, alpha: alpha, beta: beta)
            }
        }
    }
}
