import ArgumentParser

/// Completion for bash, zsh and fish: what swift-argument-parser writes, with the scripts beside the
/// subcommands. Given the command as it is, it takes `check` in `vzsh check` for the script.
struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vzsh", version: VZSH.configuration.version, subcommands: VZSH.configuration.subcommands)

    @OptionGroup var options: Options

    /// Where the subcommands are offered, and what offers the scripts behind it.
    private static let places: [(shell: CompletionShell, after: String, line: String)] = [
        (
            .bash, "COMPREPLY+=($(compgen -W 'check fmt help' -- \"${cur}\"))",
            "        __vzsh_add_completions -o plusdirs -fX '!*.@(vz)'"
        ),
        (.zsh, "_describe -V subcommand subcommands && ret=0", "        _files -g '*.vz' && ret=0"),
        (
            .fish, "-fa 'help' -d 'Show subcommand help information.'",
            "complete -c 'vzsh' -n '__vzsh_should_offer_completions_for_positional \"vzsh\" -eq 1' "
                + "-fa '(__fish_complete_suffix .vz)'"
        ),
    ]

    static func script(for shell: CompletionShell) -> String {
        var lines = completionScript(for: shell).split(separator: "\n", omittingEmptySubsequences: false)
        for place in places where place.shell == shell {
            guard let at = lines.firstIndex(where: { $0.hasSuffix(place.after) }) else { continue }
            lines.insert(Substring(place.line), at: at + 1)
        }
        return lines.joined(separator: "\n")
    }
}
