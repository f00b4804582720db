import ArgumentParser
import Builtins
import Shell

/// `vzsh check FILE`.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Look for mistakes in scripts without running them.",
        usage: "vzsh check FILE…")

    @Argument(help: "The scripts; - is standard input.", completion: .file(extensions: ["vz"]))
    var files: [String]

    func run() throws {
        let status = Tools.check(files, builtins: BuiltinTable.all())
        if status != 0 { throw ExitCode(status) }
    }
}

/// `vzsh fmt FILE`.
struct Format: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fmt", abstract: "Put scripts into the one canonical form, in place; comments are kept.",
        usage: "vzsh fmt [--check] FILE…")

    @Flag(
        help: "Change nothing; name the files that would change, and end with status 1 where there are some.")
    var check = false

    @Argument(help: "The scripts; - is standard input.", completion: .file(extensions: ["vz"]))
    var files: [String]

    func run() throws {
        let status = Tools.format(files, onlyChecks: check)
        if status != 0 { throw ExitCode(status) }
    }
}
