import ArgumentParser

/// Completion for bash, zsh and fish: what swift-argument-parser writes, with what it does not know of
/// vzsh: a subcommand is the first word only, a script may stand in its place, and what follows a script
/// is the script's.
struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vzsh", version: VZSH.configuration.version, subcommands: VZSH.configuration.subcommands)

    @OptionGroup var options: Options

    static func script(for shell: CompletionShell) -> String {
        var text = completionScript(for: shell)
        switch shell {
        case .bash: for (old, new) in bash { text = text.replacing(old, with: new) }
        case .zsh:
            for (old, new) in zsh { text = text.replacing(old, with: new) }
            text = zshSubcommands(text)
        case .fish: text = fish(text)
        default: break
        }
        return text
    }

    // MARK: bash

    private static let bash = [
        (
            """
                case "${subcommand}" in
                check|fmt|help)
                    # Offer subcommand argument completions
                    "_vzsh_${subcommand}"
                    ;;
                *)
                    # Offer subcommand completions
                    COMPREPLY+=($(compgen -W 'check fmt help' -- "${cur}"))
                    ;;
                esac
            """,
            """
                if [[ "${COMP_CWORD}" -eq 1 ]]; then
                    # Subcommands and scripts
                    [[ "${cur}" = -* ]] || COMPREPLY+=($(compgen -W 'check fmt help' -- "${cur}"))
                    __vzsh_add_completions -o plusdirs -fX '!*.@(vz)'
                    return
                fi
                case "${COMP_WORDS[1]}" in
                check|fmt|help)
                    # Offer subcommand argument completions
                    "_vzsh_${COMP_WORDS[1]}"
                    ;;
                *)
                    if [[ "${#unparsed_words[@]}" -gt 0 ]]; then
                        # Arguments of the script
                        __vzsh_add_completions -f
                    else
                        __vzsh_add_completions -o plusdirs -fX '!*.@(vz)'
                    fi
                    ;;
                esac
            """
        ),
        ("non_repeating_flags=(--version -h --help)", "non_repeating_flags=(-h --help)"),
        ("non_repeating_flags=(--check --version -h --help)", "non_repeating_flags=(--check -h --help)"),
        (
            """
                non_repeating_flags=(--version)
                repeating_options=()
                non_repeating_options=()
                __vzsh_offer_flags_options -1
            """,
            """
                COMPREPLY+=($(compgen -W 'check fmt' -- "${cur}"))
            """
        ),
    ]

    // MARK: zsh

    private static let zsh =
        ["out", "report", "plot", "seed", "threads", "precision"].map { ("'--\($0)[", "'--\($0)=[") } + [
            ("{-e,--eval}'[", "{-e,--eval=}'["),
            (
                "        _describe -V subcommand subcommands && ret=0",
                """
                        (( CURRENT == 2 )) && _describe -V subcommand subcommands && ret=0
                        _files -g '*.vz' && ret=0
                """
            ),
            (
                """
                        case "${words[1]}" in
                        check|fmt|help)
                            "_vzsh_${words[1]}" && ret=0
                            ;;
                        esac
                """,
                """
                        case "${command_line[2]}" in
                        check|fmt|help)
                            "_vzsh_${command_line[2]}" && ret=0
                            ;;
                        *)
                            _files && ret=0
                            ;;
                        esac
                """
            ),
            ("'*:subcommands:'", "'1:subcommand:(check fmt)'"),
        ]

    /// The version is vzsh's: its subcommands have none.
    private static func zshSubcommands(_ text: String) -> String {
        guard let start = text.firstRange(of: "_vzsh_check() {") else { return text }
        let version = "        '--version[Show the version.]'\n"
        return String(text[..<start.lowerBound])
            + String(text[start.lowerBound...]).replacing(version, with: "")
    }

    // MARK: fish

    /// Says where the cursor is: "first" word, "script" behind options, "behind" a script, or a subcommand.
    private static let fishPlace = """
        function __vzsh_place
            set -l tokens (__vzsh_tokens -pc)
            set -e tokens[1]
            if test (count $tokens) -eq 0
                echo first
                return
            end
            if contains -- $tokens[1] check fmt help
                echo $tokens[1]
                return
            end
            argparse -s e/eval=+ i/interactive out= report= plot= seed= threads= precision= q/quiet no-rc version h/help -- $tokens 2>/dev/null
            if test (count $argv) -gt 0
                echo behind
            else
                echo script
            end
        end

        complete -c 'vzsh' -f
        complete -c 'vzsh' -n 'test (__vzsh_place) = behind' -F
        complete -c 'vzsh' -n 'contains (__vzsh_place) first script' -fa '(for p in (string match -e -- \\'*/\\' (commandline -t);or printf \\n)*.vz;printf %s\\n $p;end;__fish_complete_directories (commandline -t) \\'\\')'
        complete -c 'vzsh' -n 'test (__vzsh_place) = help' -fa 'check fmt'
        """

    private static func fish(_ text: String) -> String {
        let top = "-n '__vzsh_should_offer_completions_for_flags_or_options \"vzsh\""
        let subcommand = "-n '__vzsh_should_offer_completions_for_positional \"vzsh\" -eq 1'"
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).compactMap
        {
            (line: String) -> String? in
            if line == "complete -c 'vzsh' -f" { return fishPlace }
            for name in ["check", "fmt", "help"] where line.contains("\"vzsh \(name)\" version'") {
                return nil
            }
            if line.contains(subcommand) {
                return line.replacing(subcommand, with: "-n 'test (__vzsh_place) = first'")
            }
            guard let at = line.firstRange(of: top), let end = line[at.upperBound...].firstIndex(of: "'")
            else {
                return line
            }
            return line[..<end] + "; and test (__vzsh_place) != behind" + line[end...]
        }
        return lines.joined(separator: "\n")
    }
}
