import ArgumentParser
import Glibc

/// Runs one command. Wrong usage ends with status 2 here, not with swift-argument-parser's 64.
func run(_ type: (some ParsableCommand).Type, _ arguments: [String]) -> Never {
    do {
        var command = try type.parseAsRoot(arguments)
        try command.run()
        exit(0)
    } catch {
        let status = type.exitCode(for: error)
        let message = type.fullMessage(for: error)
        if !message.isEmpty { write(message + "\n", to: status == .success ? STDOUT_FILENO : STDERR_FILENO) }
        exit(status == .validationFailure ? 2 : status.rawValue)
    }
}

/// Straight to a file descriptor.
func write(_ message: String, to file: Int32) {
    var message = message
    message.withUTF8 { _ = write(file, $0.baseAddress, $0.count) }
}

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "check": run(Check.self, Array(arguments.dropFirst()))
case "fmt": run(Format.self, Array(arguments.dropFirst()))
case "help" where arguments.dropFirst() == ["check"]: run(Check.self, ["--help"])
case "help" where arguments.dropFirst() == ["fmt"]: run(Format.self, ["--help"])
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
