import Glibc
import Testing

/// The prompt where the terminal, or what is done with it, is not the usual one.
@Suite(.serialized) struct PromptTests {
    private let home: TemporaryFolder

    init() throws { home = try TemporaryFolder() }

    private func start(_ arguments: [String] = [], rows: Int32 = 24, kind: String = "xterm-256color") throws
        -> PseudoTerminal
    {
        let terminal = try PseudoTerminal(arguments, home: home.path, rows: rows, kind: kind)
        terminal.prompt()
        return terminal
    }

    @Test func comesBackFromTheBackground() throws {
        let shell = try PseudoTerminal(["--norc", "-i"], home: home.path, program: "/bin/bash")
        shell.line("'\(Binary.path)' --no-rc")
        shell.prompt()
        shell.send("6 * 7")
        shell.expect("6 * 7")
        shell.send("\u{1A}")
        shell.expect("Stopped")
        shell.line("fg")
        shell.expect("vz> 6 * 7")
        shell.line(" + 1")
        shell.expect("\n43\n")
        shell.prompt()
        // While something runs.
        shell.line("print(\"go\"); while true { }")
        shell.expect("\ngo\n")
        shell.send("\u{1A}")
        shell.expect("Stopped")
        shell.line("echo $((40 + 4))")
        shell.expect("\n44\n")
        shell.line("fg")
        usleep(200_000)
        shell.send("\u{03}")
        shell.expect("interrupted")
        shell.prompt()
        shell.line("5 * 9")
        shell.expect("\n45\n")
    }

    @Test func keepsQuietWhileItRuns() throws {
        let terminal = try start()
        terminal.line("print(\"go\"); n = 0; while n < 1e7 { n += 1 }")
        terminal.expect("\ngo\n")
        terminal.send("100 + 23\r")
        terminal.expect("vz> 100 + 23")
        terminal.expect("\n123\n")
        terminal.prompt()
        #expect(terminal.screen.split(separator: "100 + 23").count == 2)
        // A command of the system has the terminal as it was.
        terminal.line("$ stty -a | tr ' ' '\\n' | grep -x -e -echo -e echo")
        terminal.expect("\necho\n")
        terminal.prompt()
    }

    @Test func dumbTerminalsGetNoCodes() throws {
        let terminal = try start(kind: "dumb")
        terminal.send("abc")
        terminal.expect("abc")
        terminal.send("\u{03}")
        terminal.expect("\nvz> ")
        terminal.line("clear")
        terminal.prompt()
        terminal.line("print(\"go\"); while true { }")
        terminal.expect("\ngo\n")
        terminal.send("\u{03}")
        terminal.expect("interrupted\n")
        terminal.prompt()
        #expect(!terminal.hasCodes)
    }

    @Test func asksWithEditing() throws {
        let terminal = try start()
        terminal.line("x = input(\"name? \")")
        terminal.expect("\nname? ")
        // Left, then a letter; Tab finds nothing.
        terminal.send("bc\u{1B}[D\u{1B}[Da\t\r")
        terminal.prompt()
        terminal.line("x")
        terminal.expect("\n\"abc\"\n")
        terminal.prompt()
        terminal.line("input(\"again? \") == nil")
        terminal.expect("\nagain? ")
        terminal.send("\u{04}")
        terminal.expect("\ntrue\n")
        terminal.prompt()
        terminal.line("input(\"once more? \")")
        terminal.expect("\nonce more? ")
        terminal.send("ab\u{03}")
        terminal.expect("interrupted")
        terminal.prompt()
        terminal.line("6 * 7")
        terminal.expect("\n42\n")
        #expect(!home.read(".local/state/vzsh/history").contains("abc"))
    }

    @Test func takesForeignLineEnds() throws {
        let terminal = try start()
        terminal.send("\u{1B}[200~fn half(x) {\r\n  x / 2\r\n}\r\n\u{1B}[201~\r")
        terminal.prompt()
        terminal.line("half(84)")
        terminal.expect("\n42\n")
        #expect(home.read(".local/state/vzsh/history") == "fn half(x) {\\n  x / 2\\n}\nhalf(84)\n")
    }

    @Test func showsTypes() throws {
        let terminal = try start(rows: 40)
        terminal.line("x = zeros(2, 3)")
        terminal.prompt()
        terminal.send("x.s\t")
        terminal.expect("shape  list  lengths")
        terminal.send("\u{03}")
        terminal.prompt()
        // As many as a screen holds, each with its type.
        terminal.line("r = {" + (1...30).map { "name\($0): \($0)" }.joined(separator: ", ") + "};")
        terminal.prompt()
        terminal.send("r.na\t\t")
        terminal.expect("name30  number")
        terminal.send("\u{03}")
        terminal.prompt()
    }

    @Test func entersFoldersWithBlanks() throws {
        #expect(mkdir(home.path + "/dir with space", 0o755) == 0)
        #expect(mkdir(home.path + "/dir with space/inner", 0o755) == 0)
        home.write("dir with space/a note.txt", "found")
        let terminal = try start()
        for typed in ["cd dir w\t\r", "cd \"dir\t\r", "cd dir\\ w\t\r", "cd dir with space/\t\r"] {
            terminal.send(typed)
            terminal.prompt()
            terminal.line("cd \(home.path)")
            terminal.prompt()
        }
        #expect(!terminal.screen.contains("cannot enter"))
        #expect(terminal.screen.contains("dir with space/inner/"))
        terminal.send("$ cat dir\ta\t\r")
        terminal.expect("found")
    }

    @Test func writesThePageWhenTheTerminalGoesAway() throws {
        let terminal = try start(["--report", "page.html"])
        terminal.line("kept = 12345")
        terminal.prompt()
        terminal.line("print(\"go\"); while true { }")
        terminal.expect("\ngo\n")
        terminal.hangUp()
        #expect(terminal.exitStatus() != nil)
        #expect(home.read("page.html").contains("12345"))
    }
}
