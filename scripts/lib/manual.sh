#!/usr/bin/env bash
# Writes the manual page: the program's own description of its options, dressed in roff.
set -euo pipefail

program=$1
version=$("$program" --version)

# Text as roff takes it: backslashes doubled, no line that looks like a request.
plain() { sed -e 's/\\/\\\\/g' -e "s/^\\([.']\\)/\\\\\\&\\1/" -e 's/-/\\-/g'; }

printf '.TH VZSH 1 "" "%s" "User Commands"\n' "$version"
printf '.SH NAME\nvzsh \\- a shell for convolutional networks\n'
printf '.SH SYNOPSIS\n.nf\n'
"$program" --help | sed -n '/^USAGE:/,/^$/p' | sed -e 's/^USAGE: //' -e 's/^       //' | plain
printf '.fi\n.SH DESCRIPTION\n'
"$program" --help | sed -n '/^OVERVIEW:/,/^USAGE:/p' | sed -e 's/^OVERVIEW: //' -e '/^USAGE:/d' | plain
printf '.SH OPTIONS\n.nf\n'
"$program" --help | sed -n '/^OPTIONS:/,/^$/p' | sed -e '/^OPTIONS:/d' | plain
printf '.fi\n.SH FILES\n'
printf '.TP\n.I ~/.config/vzsh/rc.vz\nvz code that runs before the prompt; \\-\\-no\\-rc leaves it out.\n'
printf '.TP\n.I ~/.local/state/vzsh/history\nWhat was typed at the prompt.\n'
printf '.TP\n.I ~/.inputrc\nReadline: key bindings, vi mode. The program is named vzsh there.\n'
printf '.SH ENVIRONMENT\n'
printf '.TP\n.B NO_COLOR\nAny value turns colours off.\n'
printf '.TP\n.B VZSH_DATA\nThe folder of the data that vzsh ships, where it is not beside the program.\n'
printf '.TP\n.BR VISUAL ", " EDITOR\nThe editor of the command edit.\n'
printf '.SH EXIT STATUS\n0 done, 1 an error in vz, 2 wrong usage, 130 interrupted.\n'
