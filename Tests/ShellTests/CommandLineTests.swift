import Glibc
import Testing

/// The command line: what runs, where output goes, exit statuses.
struct CommandLineTests {
    private let home: TemporaryFolder

    init() throws { home = try TemporaryFolder() }

    private func run(_ arguments: [String], input: String = "") -> Binary.Result {
        Binary.run(arguments, input: input, home: home.path)
    }

    @Test func runsCode() {
        let result = run(["-e", "print(6 * 7)"])
        #expect(result.out == "42\n")
        #expect(result.error == "")
        #expect(result.status == 0)
        #expect(run(["-e", "1 + 1"]).out == "2\n")
        #expect(run(["-e", "1 + 1;"]).out == "")
        #expect(run(["-e", "print(args)", "--", "--full", "b c"]).out == "[\"--full\", \"b c\"]\n")
    }

    @Test func runsFilesWithArguments() {
        home.write("s.vz", "#!/usr/bin/env vzsh\nprint(len(args), args[1])\nx = 3\nx\n")
        let result = run(["--plot", "none", "s.vz", "-q", "--seed", "y"])
        #expect(result.out == "3 --seed\n3\n")
        #expect(result.status == 0)
        #expect(run(["missing.vz"]).status == 1)
        #expect(run(["missing.vz"]).error.contains("missing.vz"))
    }

    @Test func runsStandardInput() {
        let result = run([], input: "x = 20\nprint(x + 1)\n")
        #expect(result.out == "21\n")
        #expect(result.status == 0)
        #expect(run(["-"], input: "print(args)").out == "[]\n")
        #expect(run([], input: "").status == 0)
    }

    @Test func endsWithTheRightStatus() {
        #expect(run(["-e", "1 / []"]).status == 1)
        #expect(run(["-e", "fn ("]).status == 1)
        #expect(run(["-e", "exit(7)"]).status == 7)
        #expect(run(["-e", "exit(700)"]).status == 1)
        for wrong in [
            ["--bogus"], ["--plot", "paper", "-e", "1"], ["-e"], ["--threads", "0", "-e", "1"], ["check"],
        ] {
            let result = run(wrong)
            #expect(result.status == 2, "\(wrong)")
            #expect(result.out == "")
            #expect(result.error.lowercased().contains("usage"))
        }
        #expect(run(["--version"]).out.hasPrefix("vzsh "))
        #expect(run(["--help"]).out.contains("--seed"))
        for short in ["-v", "-V"] { #expect(run([short]).out == run(["--version"]).out) }
    }

    @Test func runsAllCodeInOrder() {
        #expect(run(["-e", "x = 1", "-e", "x + 1", "-e", "x + 2"]).out == "2\n3\n")
        #expect(run(["-e", "fn f() {", "-e", "7 }", "-e", "f()"]).out == "7\n")
        let result = run(["-e", "fn f() = 1", "-e", "??f", "-e", "nothing_here", "-e", "2"])
        #expect(result.out == "fn f() = 1\n")
        #expect(result.status == 1)
    }

    @Test func commandsOfThePromptWork() {
        #expect(run(["-e", "?sum"]).out == run([], input: "?sum\n").out)
        #expect(run(["-e", "?sum"]).out.contains("sum("))
        #expect(run(["-e", "$ exit 3"]).status == 1)
        #expect(run(["-e", "$ true"]).status == 0)
        #expect(run([], input: "$ exit 3").status == 1)
    }

    @Test func explainsWrongUsage() {
        let number = "--seed takes a whole number from 0"
        for seed in ["-1", "x", "1.5"] {
            let result = run(["--seed", seed, "-e", "1"])
            #expect(result.status == 2)
            #expect(result.error.hasPrefix("error: "))
            #expect(result.error.contains(number))
        }
        #expect(run(["--threads", "-1", "-e", "1"]).error.contains("a whole number from 1 to 1024"))
        #expect(run(["--out", "", "-e", "1"]).error.contains("--out needs the name of a folder"))
        #expect(run(["--out", "/proc/x", "-e", "1"]).error.hasPrefix("error: cannot make the folder"))
        #expect(run(["check", "--bogus"]).error.contains("vzsh check --help"))
        home.write("ok.vz", "1\n")
        let near = run(["chek", "ok.vz"])
        #expect(near.status == 1)
        #expect(near.error.contains("did you mean `vzsh check`?"))
        home.write("chek", "5\n")
        #expect(run(["chek"]).out == "5\n")
    }

    @Test func helps() {
        #expect(run(["help"]).out == run(["--help"]).out)
        #expect(run(["help", "fmt"]).out == run(["fmt", "--help"]).out)
        #expect(run(["help", "sum"]).status == 2)
    }

    @Test func aWindowNeedsADisplay() {
        for window in ["qt", "x11", "wxt"] {
            let result = run(["--plot", window, "-e", "plot([1, 2])"])
            #expect(result.status == 1)
            #expect(result.error.contains("there is no display for a window"))
        }
    }

    @Test func errorsGoToStandardError() {
        let result = run(["-e", "print(1); nothing_here"])
        #expect(result.out == "1\n")
        #expect(result.error.contains("nothing_here"))
        #expect(!result.error.contains("\u{1B}"))
    }

    @Test func refusesWhatIsNoProgram() {
        let file = open(home.path + "/binary.vz", O_WRONLY | O_CREAT, 0o644)
        _ = write(file, [0xFF, 0xFE, 0x00, 0x80] as [UInt8], 4)
        close(file)
        let result = run(["binary.vz"])
        #expect(result.status == 1)
        #expect(result.error.contains("UTF-8"))
        #expect(run(["/"]).status == 1)
    }

    @Test func checksWithoutRunning() {
        home.write("good.vz", "x = 1\nprint(x)\n")
        home.write("bad.vz", "print(nothing_here)\nfn (\n")
        #expect(run(["check", "good.vz"]).status == 0)
        #expect(run(["check", "good.vz"]).out == "")
        let result = run(["check", "good.vz", "bad.vz"])
        #expect(result.status == 1)
        #expect(result.error.contains("bad.vz"))
        #expect(run(["check", "-"], input: "x = 1").status == 0)
        #expect(run(["check", "-"], input: "nothing_here").error.contains("<stdin>"))
    }

    @Test func formatsInPlace() {
        home.write("ugly.vz", "#!/usr/bin/env vzsh\nx=1+2   # three\n")
        chmod(home.path + "/ugly.vz", 0o755)
        #expect(run(["fmt", "--check", "ugly.vz"]).status == 1)
        #expect(run(["fmt", "ugly.vz"]).status == 0)
        #expect(home.read("ugly.vz").contains("x = 1 + 2"))
        #expect(home.read("ugly.vz").contains("# three"))
        #expect(access(home.path + "/ugly.vz", X_OK) == 0)
        #expect(run(["fmt", "--check", "ugly.vz"]).status == 0)
        #expect(run(["fmt", "-"], input: "y=2").out == "y = 2\n")
        home.write("bad.vz", "fn (")
        #expect(run(["fmt", "bad.vz"]).status == 1)
        #expect(home.read("bad.vz") == "fn (")
    }

    @Test func knowsTheHomeFolderWithoutHOME() {
        let command =
            "env -i PATH=/usr/bin:/bin LANG=C.UTF-8 '\(Binary.path)' -e 'cd(); print(pwd())' > '\(home.path)/out'"
        #expect(system("\(command) && getent passwd $(id -u) | cut -d: -f6 >> '\(home.path)/out'") == 0)
        let lines = home.read("out").split(separator: "\n")
        #expect(lines.first == lines.last)
    }

    @Test func helpOnAValueNamesIt() {
        let result = run(["-e", "fn area2(width, height = 1) = width * height\nhelp(area2); help(x -> x)"])
        #expect(result.out.contains("??area2 shows its source"))
        #expect(!result.out.contains("??function"))
        #expect(run(["-e", "?max("]).out.contains("max("))
    }

    @Test func makesTheOutputFolder() {
        #expect(run(["--out", "a/b", "-e", "1"]).status == 0)
        #expect(access(home.path + "/a/b", W_OK) == 0)
        #expect(run(["--out", "/proc/x", "-e", "1"]).status == 1)
    }

    @Test func codeMayBeginWithAMinus() {
        #expect(run(["-e", "-2^2"]).out == "-4\n")
        #expect(run(["--eval", "-1 + 2", "--", "-x"]).out == "1\n")
    }

    /// The completion of bash, asked as bash does.
    @Test func completesInBash() {
        home.write("script.vz", "1")
        home.write("note.txt", "")
        let path = Binary.path
        home.write(
            "ask",
            """
            source <('\(path)' --generate-completion-script bash)
            ask() {
                COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
                _vzsh vzsh "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
                echo "${COMPREPLY[*]}"
            }
            ask vzsh s; ask vzsh c; ask vzsh --plot d; ask vzsh check s; ask vzsh fmt --ch; ask vzsh -q s
            ask vzsh -q ch; ask vzsh script.vz n; ask vzsh script.vz ch; ask vzsh help ''; ask vzsh check --v
            ask vzsh script.vz --v

            """)
        _ = system("cd '\(home.path)' && bash --norc ask >answer")
        #expect(
            home.read("answer")
                == "script.vz\ncheck\ndumb\nscript.vz\n--check\nscript.vz\n\nnote.txt\n\ncheck fmt\n\n\n")
    }

    /// The rules that the parser's own completions do not have are in each of them.
    @Test func completionsKnowTheFirstWord() {
        let rules = [
            "bash": "\"${COMP_CWORD}\" -eq 1", "zsh": "(( CURRENT == 2 )) && _describe",
            "fish": "-n 'test (__vzsh_place) = first' -fa 'check'",
        ]
        for (shell, rule) in rules {
            let text = run(["--generate-completion-script", shell]).out
            #expect(text.contains(rule), "\(shell)")
            #expect(
                text.split(separator: "\n").filter {
                    $0.contains("version") && $0.contains("check") && !$0.contains("parse_subcommand")
                } == [])
        }
        let zsh = run(["--generate-completion-script", "zsh"]).out
        #expect(zsh.contains("'--plot=["))
        #expect(zsh.contains("'1:subcommand:(check fmt)'"))
    }

    @Test func controlCEndsAScript() throws {
        let terminal = try PseudoTerminal(["-e", "print(\"go\"); while true { }"], home: home.path)
        terminal.expect("go")
        usleep(100_000)
        terminal.send("\u{03}")
        #expect(terminal.exitStatus() == 130)
    }
}
