import Language

/// Everything that vz can call, one table a topic. The shell adds its own on top.
public enum BuiltinTable {
    public static func all() -> [Builtin] {
        // One source of chance for a session: every table that draws random numbers is given it.
        let chance = Chance()
        // Where tensors have a function of a common name, theirs takes the other values too.
        let tensors = TensorBuiltins.table(chance)
        let names = Set(tensors.map(\.name))
        let functions = CoreBuiltins.table().filter { !names.contains($0.name) } + tensors
        let engine =
            NetworkBuiltins.table(chance) + TrainingBuiltins.table(chance)
            + Recipes.kept(DataBuiltins.table())
            + OwnFunctions.table() + WaveObject.table() + LensBuiltins.table(chance) + FileBuiltins.table()
            + PlotBuiltins.table()
        return LayerBuiltins.merged(LayerBuiltins.table(), with: functions) + engine
    }
}
