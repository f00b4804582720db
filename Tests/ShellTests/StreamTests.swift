import Glibc
import Testing

/// Standard streams that are closed, full or slow, and the limits of a process, as a shell sets them.
struct StreamTests {
    private let home: TemporaryFolder

    init() throws { home = try TemporaryFolder() }

    /// Runs a line of sh, in which `$V` is vzsh, and gives its status; `>out` and `2>err` are in `home`.
    private func shell(_ line: String) -> Int32 {
        home.write("line.sh", "V='\(Binary.path)'\n\(line)\n")
        let status = system("cd '\(home.path)' && HOME='\(home.path)' sh line.sh </dev/null 2>err")
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }

    @Test func aClosedStreamIsEmpty() {
        #expect(shell("timeout 20 $V -i -q -e 'print(1)' <&- >out") == 0)
        #expect(home.read("out").hasPrefix("1\n"))
        #expect(shell("timeout 20 $V <&- >out") == 0)
    }

    @Test func filesNeverTakeTheNumberOfAClosedStream() {
        for closed in [">&-", "2>&-", ">&- 2>&-"] {
            home.write("log.txt", "")
            #expect(shell("$V -e 'diary(\"log.txt\"); print(1)' \(closed)") == 0)
            #expect(home.read("log.txt") == "1\n", "\(closed)")
        }
    }

    @Test func lostResultsAreAnError() {
        home.write("ok.vz", "print(1)\n")
        let commands = [
            "$V -e 1", "$V ok.vz", "$V --help", "$V fmt - <ok.vz", "$V -e 1 -e 'exit(0)'",
            "$V -e 'print(1); exit(0)'",
            "$V --plot text -e 'plot([1, 2])'", "$V --generate-completion-script bash",
        ]
        for command in commands {
            #expect(shell("\(command) >/dev/full") == 1, "\(command)")
            #expect(
                home.read("err").contains("cannot write the results: No space left on device"), "\(command)")
        }
        #expect(shell("$V -e 'diary(\"/dev/full\"); print(1); print(2)' >out") == 1)
        #expect(home.read("out") == "1\n2\n")
        #expect(home.read("err").contains("cannot write the diary '/dev/full'"))
        // Whoever reads no further has what was wanted.
        #expect(
            shell(
                "bash -c '\"$0\" -e \"while true { print(1) }\" | head -n 1 >out; exit ${PIPESTATUS[0]}' $V")
                == 141)
        #expect(home.read("err") == "")
    }

    @Test func controlCEndsTheWaitForAScript() {
        let status = shell(
            """
            mkfifo pipe
            (sleep 4; echo 'print("it ran")') >pipe &
            $V <pipe >out &
            sleep 1.5
            kill -INT $!
            wait $!
            """)
        #expect(status == 130)
        #expect(home.read("out") == "")
    }

    @Test func fileLimitsAreErrorsOfWriting() {
        home.write("t.npy", "before")
        let line = "(ulimit -f 1; $V -e 'save(zeros(100000), \"t.npy\")' >out)"
        #expect(shell(line) == 1)
        #expect(home.read("err").contains("File too large"))
        #expect(home.read("t.npy") == "before")
    }

    @Test func memoryLimitsAreErrorsOfVz() {
        let lines = [
            "(ulimit -v 3000000; $V -e 'x = [i for i in 1..100000000]; 1' >out)",
            "(ulimit -v 1500000; $V -e 's = \"x\"; for i in 1..40 { s = s + s }' >out)",
        ]
        for line in lines {
            #expect(shell(line) == 1, "\(line)")
            #expect(home.read("err").contains("not enough memory"), "\(line)")
            #expect(home.read("err").contains("ulimit -v"), "\(line)")
        }
    }
}
