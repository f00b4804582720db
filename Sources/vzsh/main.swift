import ArgumentParser
import Glibc
import Support

/// Runs one command. Wrong usage ends with status 2 here, not with swift-argument-parser's 64.
func run(_ type: (some ParsableCommand).Type, _ arguments: [String]) -> Never {
    do {
        var command = try type.parseAsRoot(arguments)
        try command.run()
        exit(0)
    } catch let failure as Failure {
        let hint = failure.hint.map { "hint: \($0)\n" } ?? ""
        write("error: \(failure.message)\n\(hint)", to: STDERR_FILENO)
        exit(1)
    } catch {
        let status = type.exitCode(for: error)
        let message = usage(type.fullMessage(for: error))
        if !message.isEmpty { write(message + "\n", to: status == .success ? STDOUT_FILENO : STDERR_FILENO) }
        exit(status == .validationFailure ? 2 : status.rawValue)
    }
}

/// The parser's message as the other errors of vzsh are written; a subcommand is called through vzsh.
func usage(_ message: String) -> String {
    var lines = message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if let first = lines.first, first.hasPrefix("Error: ") { lines[0] = "error: " + first.dropFirst(7) }
    return lines.map { line in
        guard let at = line.firstRange(of: "See '"), !line[at.upperBound...].hasPrefix("vzsh") else {
            return line
        }
        return line[..<at.upperBound] + "vzsh " + line[at.upperBound...]
    }.joined(separator: "\n")
}

/// Straight to a file descriptor. Ends the program where the reader of results misses some of them.
func write(_ message: String, to file: Int32) {
    var message = message
    message.withUTF8 { bytes in
        guard let base = bytes.baseAddress else { return }
        var sent = 0
        while sent < bytes.count {
            let n = Glibc.write(file, base + sent, bytes.count - sent)
            if n > 0 {
                sent += n
            } else if n < 0, errno == EINTR || errno == EAGAIN {
                continue
            } else {
                break
            }
        }
        guard sent < bytes.count, file == STDOUT_FILENO else { return }
        write("error: cannot write the results: \(String(cString: strerror(errno)))\n", to: STDERR_FILENO)
        exit(1)
    }
}

/// `vzsh help`, `vzsh help check`.
func help(_ topics: [String]) -> Never {
    switch topics {
    case [], ["help"], ["vzsh"]: run(VZSH.self, ["--help"])
    case ["check"]: run(Check.self, ["--help"])
    case ["fmt"]: run(Format.self, ["--help"])
    default:
        let words = topics.joined(separator: " ")
        write(
            "error: there is no subcommand '\(words)': only check and fmt\n"
                + "hint: vzsh -e '?\(words)' explains what belongs to the language\n", to: STDERR_FILENO)
        exit(2)
    }
}

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "check": run(Check.self, Array(arguments.dropFirst()))
case "fmt": run(Format.self, Array(arguments.dropFirst()))
case "help": help(Array(arguments.dropFirst()))
case "-v", "-V": run(VZSH.self, ["--version"])
case "--generate-completion-script":
    guard let shell = arguments.dropFirst().first.flatMap(CompletionShell.init(rawValue:)) else {
        fallthrough
    }
    write(Completions.script(for: shell) + "\n", to: STDOUT_FILENO)
default:
    let (own, script) = VZSH.split(arguments)
    VZSH.scriptArguments = script
    run(VZSH.self, own)
}
