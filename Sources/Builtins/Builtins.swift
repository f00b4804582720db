import Language

/// Everything that vz can call, one table a topic. The shell adds its own on top.
public enum BuiltinTable {
    public static func all() -> [Builtin] {
        // One source of chance for a session: every table that draws random numbers is given it.
        let chance = Chance()
        let functions = CoreBuiltins.table() + TensorBuiltins.table(chance)
        let engine =
            NetworkBuiltins.table(chance) + ModelBuiltins.table(chance) + TrainingBuiltins.table(chance)
            + Recipes.kept(DataBuiltins.table())
            + OwnFunctions.table() + WaveObject.table() + LensBuiltins.table(chance) + FileBuiltins.table()
            + PlotBuiltins.table()
        return LayerBuiltins.merged(LayerBuiltins.table(), with: functions) + engine
    }
}
