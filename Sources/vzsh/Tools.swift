import ArgumentParser
import Builtins
import Shell

/// `vzsh check FILE`.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Look for mistakes in scripts without running them.",
        usage: "vzsh check FILE…")

    @Argument(help: "The scripts.", completion: .file(extensions: ["vz"]))
    var files: [String]

    func run() throws {
        let status = Tools.check(files, builtins: BuiltinTable.all())
        if status != 0 { throw ExitCode(status) }
    }
}
