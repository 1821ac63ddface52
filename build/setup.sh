# Sourced by ./genisp, ./test and ./bench: what a fresh machine needs before a build.

need_dotnet() {
    local sdks=
    command -v dotnet >/dev/null && sdks=$(dotnet --list-sdks)
    if [[ $'\n'$sdks != *$'\n'10.* ]]; then
        echo "genisp: the .NET 10 SDK is missing. Get it from https://dotnet.microsoft.com/download/dotnet/10.0" >&2
        exit 1
    fi
}

# apt_install ROOT WHAT PACKAGE: installs the newest package of that name, a regular expression, if this user may. One try: a start must
# not wait for a network that is not there.
apt_install() (
    local tried="$1/artifacts/.apt-tried-${3//[^a-z]/}"
    local apt=(apt-get)
    [ "$(id -u)" = 0 ] || apt=(sudo -n apt-get)
    if [ -e "$tried" ] || ! command -v apt-get >/dev/null || { [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; }; then
        return 1
    fi
    mkdir -p "$1/artifacts"
    # Of several first starts at once, such as mpirun's, one installs, and the others wait.
    if command -v flock >/dev/null; then
        exec 9>"$1/artifacts/.apt-lock"
        flock 9
        [ ! -e "$tried" ] || return 1
    fi
    echo "genisp: installing $2" >&2
    touch "$tried"
    "${apt[@]}" update -qq >&2 || true
    local package
    package=$(apt-cache search --names-only "$3" | cut -d' ' -f1 | sort -V | tail -1)
    [ -n "$package" ] && DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y -qq --no-install-recommends "$package" >&2 9>&-
)

has_libraw() {
    case "$(/sbin/ldconfig -p 2>/dev/null)" in *libraw.so.* | *libraw_r.so.*) ;; *) return 1 ;; esac
}

# LibRaw reads the cameras' RAW files. Without it everything else still works, so a machine where it can't be installed goes on.
need_libraw() { # ROOT
    case "$(uname -s)" in
        Linux) ;;
        Darwin)
            [ -n "$(ls /opt/homebrew/lib/libraw_r*.dylib /usr/local/lib/libraw_r*.dylib 2>/dev/null)" ] \
                || echo "genisp: LibRaw is missing, so RAW files can't be read: brew install libraw" >&2
            return
            ;;
        *) return ;;
    esac
    has_libraw || apt_install "$1" "LibRaw, which reads RAW files" '^libraw[0-9]+(t64)?$' || has_libraw && return
    echo "genisp: LibRaw is missing, so RAW files can't be read. Install it: sudo apt-get install libraw20 (Debian 12)," \
        "libraw23t64 (Ubuntu 24.04, Debian 13), or dnf install LibRaw (Fedora, RHEL)" >&2
}

# The tests look at reports in a real browser. Without one those tests are skipped.
need_chromium() { # ROOT
    [ "$(uname -s)" = Linux ] || return 0
    local program
    for program in chromium google-chrome; do
        [ ! -x "/usr/bin/$program" ] || return 0
    done
    apt_install "$1" "Chromium, in which the tests look at reports" '^chromium$' || true
}

# The tests start several processes by mpirun. Without it those tests are skipped.
need_openmpi() { # ROOT
    [ "$(uname -s)" != Linux ] || [ -x /usr/bin/mpirun ] \
        || apt_install "$1" "Open MPI, by which tests start several processes" '^openmpi-bin$' || true
}

# built ROOT PROJECT NAME: builds the project if a source is newer than the last build, and prints the program's path.
built() {
    local root=$1 project=$2 name=$3
    # Another libtorch is another build.
    local stamp="$root/artifacts/$name.${TorchBackend:-cpu}.built"
    mkdir -p "$root/artifacts"
    # Two first starts at once must not build over each other. (The compilers that a build leaves running must not hold the lock.)
    if command -v flock >/dev/null; then
        exec 9>"$root/artifacts/.build-lock"
        flock 9
    fi
    local program
    program=$(compgen -G "$root/artifacts/bin/$name/release_*/$name.dll" | head -1) || true
    # Folders count too: a deleted source changes nothing but its folder.
    if [ -z "$program" ] || [ ! -f "$stamp" ] || [ -n "$(find "$root/src" "$root/build" "$root/models" "$root/$project" "$root"/*.props \
        "$root/global.json" -newer "$stamp" -print -quit)" ]; then
        echo "genisp: building (once, and whenever the sources change)" >&2
        local started
        started=$(mktemp "$root/artifacts/.built.XXXXXX")
        if ! dotnet build "$root/$project" -c Release --nologo -v quiet >"$started.log" 2>&1 9>&-; then
            cat "$started.log" >&2
            rm -f "$started" "$started.log"
            exit 1
        fi
        mv "$started" "$stamp"
        rm -f "$started.log"
        program=$(compgen -G "$root/artifacts/bin/$name/release_*/$name.dll" | head -1)
    fi
    if command -v flock >/dev/null; then
        exec 9>&-
    fi
    echo "$program"
}
