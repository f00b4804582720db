import Language

/// Everything that vz can call, one table a topic. The shell adds its own on top.
public enum BuiltinTable {
    public static func all() -> [Builtin] {
        // One source of chance for a session: every table that draws random numbers is given it.
        let chance = Chance()
        return CoreBuiltins.table() + TensorBuiltins.table(chance)
    }
}
