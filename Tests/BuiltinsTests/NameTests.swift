import Builtins
import Testing

/// One table: what is called by a name is one thing.
@Suite struct NameTests {
    @Test func noNameTwice() {
        var seen: Set<String> = []
        for b in BuiltinTable.all() {
            #expect(seen.insert(b.name).inserted, "two builtins are called \(b.name)")
        }
    }

    @Test func seeAlsoNamesExist() {
        // The shell's own entries, which it adds to the table.
        let shell: Set = [
            "help", "apropos", "whos", "clear", "exit", "cd", "pwd", "ls", "edit", "bench", "diary",
            "save_session", "load_session", "confirm_exit", "pi",
        ]
        let names = Set(BuiltinTable.all().map(\.name)).union(shell)
        for b in BuiltinTable.all() {
            for other in b.seeAlso { #expect(names.contains(other), "\(b.name) refers to \(other)") }
        }
    }
}
