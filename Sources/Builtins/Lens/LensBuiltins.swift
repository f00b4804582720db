import Language

/// What a network has learned.
public enum LensBuiltins {
    public static func table(_ chance: Chance) -> [Builtin] {
        [MaximizeBuiltin.entry(chance)] + ObjectiveBuiltins.table() + ComparisonBuiltins.table()
            + GeneratorBuiltins.table(chance)
    }
}
