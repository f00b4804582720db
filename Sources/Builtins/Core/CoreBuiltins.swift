import Language

/// The builtins that need nothing but the language: one table a topic.
public enum CoreBuiltins {
    /// Made anew at each call: an interpreter keeps its own.
    public static func table() -> [Builtin] {
        CoreNumbers.table() + CoreReductions.table() + CoreLists.table() + CoreFunctional.table()
            + CoreStrings.table() + CoreRecords.table() + CoreTypes.table() + CoreSystem.table()
    }
}
