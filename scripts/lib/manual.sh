#!/usr/bin/env bash
# Writes the manual page: the program's own description of its options, dressed in roff.
#
#   scripts/lib/manual.sh PROGRAM >vzsh.1
set -euo pipefail

program=$1
version=$("$program" --version)

# Text as roff takes it: backslashes doubled, no line that looks like a request.
plain() { sed -e 's/\\/\\e/g' -e "s/^\\([.']\\)/\\\\\\&\\1/" -e 's/-/\\-/g'; }

# The help puts names into the first 26 columns and what they mean behind them.
items() {
    plain | awk '
        { gsub(/\\-/, "\001"); head = substr($0, 1, 26); text = substr($0, 27); gsub(/\001/, "\\-", head); gsub(/\001/, "\\-", text) }
        head !~ /^ *$/ { sub(/^ +/, "", head); sub(/ +$/, "", head); print ".TP\n.B " head }
        text != "" { print text }'
}

section() { "$program" --help | sed -n "/^$1:/,/^\$/p" | sed -e "/^$1:/d" -e '/^$/d'; }

date=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%Y-%m-%d)
printf '.TH VZSH 1 "%s" "%s" "User Commands"\n' "$date" "$version"
printf '.SH NAME\nvzsh \\- a shell for convolutional networks\n'
printf '.SH SYNOPSIS\n.nf\n'
"$program" --help | sed -n '/^USAGE:/,/^$/p' | sed -e 's/^USAGE: //' -e 's/^       //' -e '/^$/d' | plain
printf '.fi\n.SH DESCRIPTION\n'
"$program" --help | sed -n '/^OVERVIEW:/,/^USAGE:/p' | sed -e 's/^OVERVIEW: //' -e '/^USAGE:/d' | plain
printf '.SH OPTIONS\n'
section OPTIONS | items
printf '.SH SUBCOMMANDS\n'
section SUBCOMMANDS | items
"$program" help fmt | sed -n '/^OPTIONS:/,/^$/p' | sed -e '/^OPTIONS:/d' -e '/^$/d' -e '/--help/d' -e 's/^  --check    /  fmt --check/' | items
cat <<'ROFF'
.PP
A script named - is standard input, for vzsh itself and for fmt, which then writes to standard output.
.SH EXAMPLES
.nf
vzsh \-e \(aqsummary(load("words13"))\(aq
vzsh \-\-out figures \-\-plot svg experiment.vz
.fi
.SH FILES
.TP
.I ~/.config/vzsh/rc.vz
vz code that runs before the prompt; \-\-no\-rc leaves it out.
.TP
.I ~/.local/state/vzsh/history
What was typed at the prompt.
.TP
.I ~/.inputrc
Readline: key bindings, vi mode. The program is named vzsh there, and has the functions
up\-line\-or\-history and down\-line\-or\-history, which the arrows call.
.SH ENVIRONMENT
.TP
.B NO_COLOR
Any value turns colours off.
.TP
.B VZSH_DATA
The folder of the data that vzsh ships, where it is not beside the program.
.TP
.BR VISUAL ", " EDITOR
The editor of the command edit.
.TP
.BR XDG_CONFIG_HOME ", " XDG_STATE_HOME ", " XDG_CACHE_HOME
Where rc.vz, the history and downloaded files lie instead.
.SH EXIT STATUS
0 done, 1 an error in vz, or results that could not be written, 2 wrong usage, 130 interrupted.
.SH SIGNALS
SIGINT (Ctrl\-C) stops the work at its next safe point: at the prompt the next line can be typed, a script
ends with status 130. A second one within two seconds ends a script at once. Programs that \fB$\fR runs get
it themselves. SIGPIPE ends vzsh silently, as it does other filters; SIGTERM and SIGHUP end it.
Files are written beside their places and renamed, so that none is left half written.
.SH SEE ALSO
.BR gnuplot (1),
.BR readline (3)
.PP
vzsh help, and ? at the prompt, which explains the language and each function.
ROFF
