import Language
import Support

/// `vzsh check` and `vzsh fmt`: work on files without a session.
public enum Tools {
    /// Reports what is wrong with each file; 1 where something is.
    public static func check(_ files: [String], builtins: [Builtin]) -> Int32 {
        let session = Session(builtins: builtins, console: Console())
        var status: Int32 = 0
        for file in files {
            let outcome = session.shielded {
                let found = session.interpreter.check(try TextFile.read(file), file: file)
                if !found.isEmpty { throw Diagnostics(found) }
            }
            if outcome != .done { status = 1 }
        }
        return status
    }
}
