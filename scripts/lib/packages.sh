# The Debian packages that vzsh needs, each with what it is for, and how they are installed.
# Sourced by bash scripts after common.sh. Add a package here and nowhere else.

runtime_packages=(
    git                     # fetches swift-argument-parser for the build
    pkg-config              # tells the build where the libraries are
    libstdc++-12-dev        # C++ headers for the doors to C++ libraries
    libdnnl-dev             # oneDNN: convolutions, matrix products, pooling
    libreadline-dev         # the prompt: editing, history, completion
    libgnuplot-iostream-dev # the pipe to gnuplot
    gnuplot-qt              # figures: windows, files, the terminal
    libsndfile1-dev         # sound files in and out
    libsamplerate0-dev      # resampling
    libfftw3-dev            # spectra
    zlib1g-dev              # what is compressed in files of weights
    libzip-dev              # archives of weights: PyTorch, Keras, NumPy
    libhdf5-dev             # weights written for Keras
    libssl-dev              # checksums of downloads
    libcurl4-openssl-dev    # downloads
    libarchive-dev          # data sets that are downloaded packed
    libpng-dev              # pictures
    libjpeg62-turbo-dev     # pictures
)
test_packages=(
    tmux # a terminal for the tests of the shell
)

# install_packages NAME…: installs those that are missing; asks for a password only where it must.
install_packages() {
    local present name missing=() as_root=() log
    if ! command -v dpkg-query >/dev/null; then
        note "this is no Debian system, so these packages are yours to install: $*"
        return
    fi
    present=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' "$@" 2>/dev/null || true)"
    for name in "$@"; do
        [[ $present == *" installed:$name "* ]] || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    note "installing ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "become root and run: apt-get install ${missing[*]}"
        as_root=(sudo)
        if ! sudo -n true 2>/dev/null; then
            note "installing needs your password, once"
            sudo -v || die "without it, ask an administrator for: apt-get install ${missing[*]}"
        fi
    fi
    # apt must not read a script that comes on standard input, nor write on standard output.
    log=$(mktemp)
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
    "${apt[@]}" update </dev/null >"$log" 2>&1 || note "apt-get update failed; trying with the lists that are here"
    if ! "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null >>"$log" 2>&1; then
        grep -E '^(E|W|Err):?' "$log" >&2 || tail -n 20 "$log" >&2
        die "apt could not install ${missing[*]}; its whole output is in $log"
    fi
    rm -f "$log"
}
