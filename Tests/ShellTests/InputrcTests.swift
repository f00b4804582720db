import Glibc
import Testing

/// Readline's own settings hold at the prompt: vi mode, and bindings for the program named vzsh.
@Suite(.serialized) struct InputrcTests {
    private let home: TemporaryFolder

    init() throws { home = try TemporaryFolder() }

    private func start(_ settings: String) throws -> PseudoTerminal {
        home.write("inputrc", settings)
        let terminal = try PseudoTerminal(home: home.path, inputrc: home.path + "/inputrc")
        terminal.prompt()
        return terminal
    }

    @Test func viMode() throws {
        let terminal = try start("set editing-mode vi\nset keyseq-timeout 50\n")
        terminal.send("63")
        terminal.expect("63")
        terminal.send("\u{1B}")
        usleep(300_000)
        // x takes the letter under the cursor away, a goes on behind it.
        terminal.send("xa * 7\r")
        terminal.expect("\n42\n")
    }

    @Test func bindingsForVzsh() throws {
        let terminal = try start(
            "$if vzsh\n\"\\C-t\": \"6 * 8\"\n$endif\n$if bash\n\"\\C-t\": \"1\"\n$endif\n")
        terminal.send("\u{14}\r")
        terminal.expect("\n48\n")
    }
}
