import ArgumentParser
import Builtins
import Engine
import Glibc
import Shell
import Support

/// The command line.
struct VZSH: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vzsh",
        abstract: "A shell for convolutional networks: train them, and see what they have learned.",
        usage: """
            vzsh [options]                 a prompt (or a script from standard input)
            vzsh [options] FILE.vz [args]  a script; its arguments are in `args`
            vzsh [options] -e CODE [args]  a line of vz
            vzsh check FILE                looks for mistakes without running
            vzsh fmt FILE                  puts it into the one canonical form
            """,
        discussion: """
            Results go to standard output, progress and errors to standard error. The exit status is 0 when \
            all is done, 1 after an error in vz, 2 after wrong usage, 130 after Ctrl-C. Commands of the prompt \
            and the language are explained by `?` at the prompt.
            """,
        version: "vzsh \(Launch.version)",
        subcommands: [Check.self, Format.self])

    @OptionGroup var options: Options

    @Argument(
        help: ArgumentHelp("A script; what follows it are its own arguments.", valueName: "file.vz"),
        completion: .file(extensions: ["vz"]))
    var file: String?

    /// The script's own arguments, options among them, which are not this parser's to read.
    nonisolated(unsafe) static var scriptArguments: [String] = []

    /// Cuts the command line behind the script (or behind the code of `-e`, at the first argument
    /// that is no option).
    static func split(_ arguments: [String]) -> (own: [String], script: [String]) {
        let withValue: Set = [
            "-e", "--eval", "--out", "--report", "--plot", "--seed", "--threads", "--precision",
            "--generate-completion-script",
        ]
        if let first = arguments.first, first.hasPrefix("---") || first == "help" {
            return (arguments, [])
        }
        var i = 0
        var hasCode = false
        while i < arguments.count {
            let argument = arguments[i]
            guard argument.hasPrefix("-"), argument != "-" else { break }
            if argument == "--" { break }
            let isCode =
                argument.hasPrefix("-e") || argument.hasPrefix("--eval") || argument == "-qe"
                || argument == "-ie"
            hasCode = hasCode || isCode
            i += withValue.contains(argument) || argument == "-qe" || argument == "-ie" ? 2 : 1
        }
        var rest = Array(arguments.dropFirst(i))
        let own = Array(arguments.prefix(i))
        if rest.first == "--" { rest.removeFirst() }
        if hasCode { return (own, rest) }
        guard let file = rest.first else { return (own, []) }
        return (own + (file.hasPrefix("-") ? ["--", file] : [file]), Array(rest.dropFirst()))
    }

    /// Where a script's figures and files go unless it says otherwise: out/name for name.vz.
    static func folder(ofScript file: String?) -> String? {
        guard let file, file != "-", let name = file.split(separator: "/").last else { return nil }
        return "out/" + (name.hasSuffix(".vz") ? name.dropLast(3) : name[...])
    }

    /// `vzsh chek a.vz` means the subcommand, where no script is called so.
    private static func checkSubcommand(_ file: String) throws {
        guard access(file, F_OK) != 0, let meant = Spelling.nearest(file, among: ["check", "fmt", "help"])
        else { return }
        throw Failure(
            .file, "cannot read '\(file)': No such file or directory", hint: "did you mean `vzsh \(meant)`?")
    }

    func run() throws {
        var settings = Settings()
        settings.outputFolder =
            options.out
            ?? Self.folder(ofScript: options.code.isEmpty && !options.interactive ? file : nil)
        settings.plot = options.plot
        settings.report = options.report
        settings.seed = options.seed
        settings.threads = options.threads
        settings.precision = options.precision
        settings.isQuiet = options.quiet
        Settings.current = settings
        Effort.apply(settings)

        var launch = Launch()
        launch.isQuiet = options.quiet
        launch.readsRC = !options.noRC
        launch.staysInteractive = options.interactive
        launch.arguments = Self.scriptArguments
        if !options.code.isEmpty {
            launch.program = .code(options.code)
        } else if let file {
            try Self.checkSubcommand(file)
            launch.program = file == "-" ? .standardInput : .file(file)
        }
        if let out = options.out { try Launch.makeFolder(out) }
        Glibc.exit(launch.run(builtins: BuiltinTable.all()))
    }
}

/// What can be set on the command line.
struct Options: ParsableArguments {
    @Option(
        name: [.customShort("e"), .customLong("eval")],
        // Code may begin with a minus.
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Run this vz code; more than once: one after the other.", valueName: "code"))
    var code: [String] = []

    @Flag(name: .shortAndLong, help: "Stay at the prompt after the script or the code.")
    var interactive = false

    @Option(
        help: ArgumentHelp("Put figures, sounds and reports into this folder.", valueName: "dir"),
        completion: .directory)
    var out: String?

    @Option(
        help: ArgumentHelp(
            "Write the run as one page: words, code, results, figures, sounds.", valueName: "file.html"),
        completion: .file(extensions: ["html"]))
    var report: String?

    @Option(help: "What figures are drawn on.")
    var plot: Settings.PlotTarget = .auto

    // A minus is the beginning of a wrong number, not of another option.
    @Option(
        parsing: .unconditional, help: ArgumentHelp("Seed of the random numbers.", valueName: "n"),
        transform: { try Options.wholeNumber($0, "--seed", in: 0...UInt64.max) })
    var seed: UInt64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many threads compute (default: one a core).", valueName: "n"),
        transform: { try Options.wholeNumber($0, "--threads", in: 1...1024) })
    var threads: Int?

    @Option(help: "bf16 lets convolutions use bfloat16 where the processor has it.")
    var precision: Settings.Precision = .f32

    @Flag(name: .shortAndLong, help: "No progress, no notes, no greeting.")
    var quiet = false

    @Flag(name: .customLong("no-rc"), help: "Do not run ~/.config/vzsh/rc.vz before the prompt.")
    var noRC = false

    private static func wholeNumber<T: FixedWidthInteger>(
        _ text: String, _ option: String, in range: ClosedRange<T>
    )
        throws -> T
    {
        if let number = T(text), range.contains(number) { return number }
        let limits =
            range.upperBound == T.max
            ? "from \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
        throw ValidationError("\(option) takes a whole number \(limits)")
    }

    func validate() throws {
        if out == "" { throw ValidationError("--out needs the name of a folder") }
        if report == "" { throw ValidationError("--report needs the name of a file") }
    }
}

extension Settings.PlotTarget: ExpressibleByArgument {}
extension Settings.Precision: ExpressibleByArgument {}
