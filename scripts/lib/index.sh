# The page that leads to the reports of several runs. Sourced by bash scripts.

escaped() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g'; }

# about FILE: the first paragraph of a script's opening comment, one line.
about() {
    awk '/^#!/ { next } /^#[ \t]*$/ || !/^#/ { if (seen) exit; next } { sub(/^# ?/, ""); printf "%s%s", (seen ? " " : ""), $0; seen = 1 }' "$1"
}

# write_index FOLDER ROWS SECONDS: ROWS holds name, script, exit status (or "not run") and seconds in
# columns parted by tabs. The page has the reports' own look, and their first figures as small pictures.
write_index() {
    local folder=$1 rows=$2 seconds=$3 name file status time title words first count page
    page=$(find "$folder" -mindepth 2 -maxdepth 2 -name report.html -print -quit)
    cat <<'HTML'
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>The experiments of vzsh</title>
<link rel="icon" href="data:,">
HTML
    [ -z "$page" ] || sed -n '/^<style>$/,/^<\/style>$/p' "$page"
    cat <<'HTML'
<style>
a { color: var(--call, #0058b8); }
.runs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 1.4rem 2rem; }
.runs article { min-width: 0; }
.runs h2 { margin: 0 0 .4rem; font-size: 1.1rem; overflow-wrap: anywhere; }
.runs p { margin: .4rem 0; font-size: .92rem; }
.runs img { width: 100%; max-height: 16rem; object-fit: contain; }
.bad { color: var(--bad, #b3261e); font-weight: 600; }
main { max-width: 72rem; }
</style>
</head>
<body>
<main>
<h1>The experiments of vzsh</h1>
HTML
    printf '<p class="subtitle">%s · %s · %s in all</p>\n<div class="runs">\n' "$(LC_ALL=C date '+%-d %B %Y, %H:%M')" \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | escaped), $(nproc) cores" "$(spoken "$seconds")"
    while IFS=$'\t' read -r name file status time; do
        title=$(printf '%s' "$name" | escaped)
        words=$(about "$file" | escaped | sed 's/`\([^`]*\)`/<code>\1<\/code>/g')
        printf '<article>\n<h2>'
        if [ -f "$folder/$name/report.html" ]; then
            printf '<a href="%s/report.html">%s</a>' "$title" "$title"
        else
            printf '%s' "$title"
        fi
        printf '</h2>\n'
        first=$(find "$folder/$name" -maxdepth 1 -name '*.png' 2>/dev/null | sort | head -n 1)
        if [ -n "$first" ]; then
            printf '<img alt="the first figure of %s" src="data:image/png;base64,' "$title"
            base64 -w 0 "$first"
            printf '">\n'
        fi
        printf '<p>%s</p>\n<p class="subtitle">' "$words"
        case $status in
            0)
                count=$(find "$folder/$name" -maxdepth 1 -name '*.png' | wc -l)
                printf '%s figure%s, %s sounds, %s s' "$count" "$([ "$count" = 1 ] || echo s)" \
                    "$(find "$folder/$name" -maxdepth 1 \( -name '*.wav' -o -name '*.flac' \) | wc -l)" "$time"
                ;;
            "not run") printf 'not run' ;;
            *) printf '<span class="bad">failed</span> after %s s' "$time" ;;
        esac
        printf '</p>\n</article>\n'
    done <"$rows"
    printf '</div>\n</main>\n</body>\n</html>\n'
}

# spoken SECONDS: "48 s", "12 min 5 s".
spoken() { if [ "$1" -lt 60 ]; then printf '%s s' "$1"; else printf '%s min %s s' $(($1 / 60)) $(($1 % 60)); fi; }
