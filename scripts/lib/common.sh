# What the scripts share: where the checkout is, how to speak, which Swift to use.
# Sourced by bash scripts that have set `root` to the checkout's folder.

# Notes go to standard error: standard output belongs to the program that runs.
note() { printf '%s\n' "vzsh: $*" >&2; }
die() { note "$@"; exit 1; }

swift_wanted="6.1"

# Set `swift` to a compiler of at least version $swift_wanted, or say how to get one and exit.
# On Debian "swift" can also be the OpenStack client, so the version line decides, not the name.
find_swift() {
    local candidate version found=""
    for candidate in "$(command -v swift || true)" /opt/swift*/usr/bin/swift \
        "${SWIFTLY_BIN_DIR:-$HOME/.local/share/swiftly/bin}/swift" "$HOME/.swiftly/bin/swift" \
        /usr/local/swift/usr/bin/swift /usr/share/swift/usr/bin/swift /usr/libexec/swift/bin/swift; do
        [ -n "$candidate" ] && [ -x "$candidate" ] || continue
        version=$("$candidate" --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
        [ -n "$version" ] || continue
        if [ "$(printf '%s\n' "$swift_wanted" "$version" | sort -V | head -n 1)" = "$swift_wanted" ]; then
            swift=$candidate
            return
        fi
        found="$version ($candidate)"
    done
    if [ -n "$found" ]; then
        note "Swift $swift_wanted or newer is needed; this machine has $found."
    else
        note "Swift $swift_wanted or newer is needed, and none was found."
    fi
    cat >&2 <<'HELP'
Swift is free and installs into your home folder:

    curl -O https://download.swift.org/swiftly/linux/swiftly-$(uname -m).tar.gz
    tar xf swiftly-$(uname -m).tar.gz && ./swiftly init

or unpack a toolchain from https://www.swift.org/install/linux under /opt/swift.
Then run this command again.
HELP
    exit 1
}

stamp="$root/.build/vzsh-built" # its date is when the last good build began

# build ARGUMENTS…: a release build, quiet but for one line of progress on a terminal.
# The whole output is kept in .build/vzsh-build.log and shown where the build fails.
build() {
    local log="$root/.build/vzsh-build.log" line status
    mkdir -p "$root/.build"
    set +e
    "$swift" build -c release --package-path "$root" "$@" 2>&1 | tee "$log" | while IFS= read -r line; do
        if [ -t 2 ] && [[ $line =~ ^\[[0-9]+/[0-9]+\] ]]; then
            printf '\r\033[K%.*s' "$((${COLUMNS:-80} - 1))" "vzsh: building $line" >&2
        fi
    done
    status=${PIPESTATUS[0]}
    set -e
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
    if [ "$status" -ne 0 ]; then
        grep -E 'error:|cannot find|undefined' "$log" >&2 || tail -n 40 "$log" >&2
        die "the build failed; its whole output is in $log"
    fi
}

# build_checkout ARGUMENTS…: builds the program that scripts/vzsh runs, and notes when.
build_checkout() {
    mkdir -p "$root/.build"
    touch "$stamp.begun"
    build "$@"
    mv "$stamp.begun" "$stamp"
}
