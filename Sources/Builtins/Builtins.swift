import Language

/// Everything that vz can call, one table a topic. The shell adds its own on top.
public enum BuiltinTable {
    public static func all() -> [Builtin] {
        CoreBuiltins.table()
    }
}
