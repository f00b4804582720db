import Language

/// Tensors: making, arranging, computing, differentiating.
public enum TensorBuiltins {
    public static func table(_ chance: Chance) -> [Builtin] {
        TensorMaking.table(chance) + TensorShaping.table() + TensorComputing.table() + TensorNeural.table()
            + TensorTransforms.table() + TensorSampling.table() + TensorLosses.table()
            + GradientBuiltins.table(chance)
    }
}
