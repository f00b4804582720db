import Engine
import Graph
import Language
import Support
import Tensor

/// Reading tensors between their elements: resizing, turning, stretching.
enum TensorSampling {
    static func table() -> [Builtin] { [resize(), resample(), affine()] }

    private static let border = Parameter.optional(
        "border", "\"zeros\"", "what lies outside: \"zeros\", \"edge\" (the last element) or \"reflect\"")

    private static func border(_ args: Arguments) throws -> Border {
        let word = try args.choice("border", of: Border.allCases.map { "\($0)" }, default: "zeros")
        return Border.allCases.first { "\($0)" == word } ?? .zeros
    }

    private static func resize() -> Builtin {
        Builtin(
            "resize", topic: "tensors",
            [
                .required("x", "[batch, length, channels] or [batch, height, width, channels]"),
                .required("size", "the new length, or a list [height, width]"),
                .optional("method", "\"linear\"", "\"nearest\", \"linear\" or \"cubic\""),
                .optional("antialias", "true", "average what is too fine when it shrinks"),
            ],
            summary: "Sound or pictures brought to another size.",
            doc:
                "Elements have their middles at half numbers (half_pixel_centers of TensorFlow, align_corners = False of PyTorch). The cubic is Keys' with a = -1/2. Differentiable any number of times.",
            example: "resize(zeros(1, 8, 8, 3), [4, 6]).shape  # expect: [1, 4, 6, 3]",
            seeAlso: ["upsample2d", "affine", "resample"]
        ) { args in
            let t = try TensorShaping.tensor(args)
            let rank = t.shape.count - 2
            var size = try args.ints("size")
            if size.count == 1, rank > 1 { size = [Int](repeating: size[0], count: rank) }
            let words = Interpolation.allCases.map { "\($0)" }
            let word = try args.choice("method", of: words, default: "linear")
            let method = Interpolation.allCases.first { "\($0)" == word } ?? .linear
            let antialias = try args.bool("antialias", default: true)
            let options = [Double(method.rawValue), antialias ? 1 : 0] + size.map(Double.init)
            return try TensorObject.compute("resize", options, [t]) {
                try $0[0].resized(size, interpolation: method, antialias: antialias)
            }
        }
    }

    private static func resample() -> Builtin {
        Builtin(
            "resample", topic: "tensors",
            [
                .required("x", "[batch, length, channels] or [batch, height, width, channels]"),
                .required(
                    "positions",
                    "where to read, counted in elements from 0: [batch or 1, places, 1] or [batch or 1, rows, columns, 2] with (row, column)"
                ),
                border,
            ],
            summary: "x read between its elements, linearly along each axis.",
            doc: "Differentiable by x and by the positions (spatial transformer, Jaderberg et al. 2015).",
            example:
                "x = tensor([[[0], [10], [20]]])\nresample(x, tensor([[[0.5], [1.25]]])).values  # expect: [[[5], [12.5]]]",
            seeAlso: ["affine", "resize", "take"]
        ) { args in
            let (t, positions) = (
                try TensorShaping.tensor(args), try TensorShaping.tensor(args, "positions")
            )
            let border = try border(args)
            return try TensorObject.compute("resample", [Double(border.rawValue)], [t, positions]) {
                try $0[0].resampled(at: $0[1], border: border)
            }
        }
    }

    private static func affine() -> Builtin {
        Builtin(
            "affine", topic: "tensors",
            [
                .required("x", "[batch, height, width, channels]"),
                .required(
                    "matrix",
                    "[batch or 1, 2, 3] or [2, 3]: takes a place of the result (row, column, 1), counted from its middle, to the place of x that is read, counted from x's middle, in pixels"
                ),
                .optional("size", "nil", "[rows, columns] of the result; without it those of x"), border,
            ],
            summary: "Pictures turned, scaled, sheared and moved.",
            doc: "[[1, 0, 0], [0, 1, 0]] leaves them as they are. Differentiable by x and by the matrix.",
            example:
                "x = reshape(arange(4), 1, 2, 2, 1)\nflatten(affine(x, [[0, 1, 0], [-1, 0, 0]])).values  # expect: [[1, 3, 0, 2]]",
            seeAlso: ["resample", "resize"]
        ) { args in
            let t = try TensorShaping.tensor(args)
            var matrix = try TensorShaping.tensor(args, "matrix")
            if matrix.shape.count == 2 { matrix = try matrix.reshaped([1] + matrix.shape) }
            let size = try args.optionalInts("size")
            let border = try border(args)
            return try TensorObject.compute(
                "affine", [Double(border.rawValue)] + (size ?? []).map(Double.init), [t, matrix]
            ) { try $0[0].affineSampled($0[1], size: size, border: border) }
        }
    }
}
