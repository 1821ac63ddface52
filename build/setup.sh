# Sourced by ./genisp and ./test: what a fresh machine needs before a build.

need_dotnet() {
    if ! command -v dotnet >/dev/null || ! dotnet --list-sdks | grep -qE '^10\.'; then
        echo "genisp: the .NET 10 SDK is missing. Get it from https://dotnet.microsoft.com/download/dotnet/10.0" >&2
        exit 1
    fi
}

# LibRaw reads the cameras' RAW files. Without it everything else still works, so a machine where it can't be installed goes on.
need_libraw() {
    case "$(uname -s)" in
        Linux) ;;
        Darwin) [ -n "$(ls /opt/homebrew/lib/libraw_r*.dylib /usr/local/lib/libraw_r*.dylib 2>/dev/null)" ] || echo "genisp: LibRaw is missing, so RAW files can't be read: brew install libraw" >&2; return ;;
        *) return ;;
    esac
    case "$(/sbin/ldconfig -p 2>/dev/null)" in *libraw.so.* | *libraw_r.so.*) return ;; esac
    local apt=(apt-get)
    [ "$(id -u)" = 0 ] || apt=(sudo -n apt-get)
    if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
        echo "genisp: installing LibRaw, which reads RAW files" >&2
        "${apt[@]}" update -qq >&2 || true
        local package
        package=$(apt-cache search --names-only '^libraw[0-9]+(t64)?$' | cut -d' ' -f1 | sort | tail -1)
        if [ -n "$package" ] && DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y -qq --no-install-recommends "$package" >&2; then
            return
        fi
    fi
    echo "genisp: LibRaw is missing, so RAW files can't be read. Install it: sudo apt-get install libraw20 (Debian 12), libraw23t64 (Ubuntu 24.04, Debian 13), or dnf install LibRaw (Fedora, RHEL)" >&2
}

# built ROOT PROJECT NAME: builds the project if a source is newer than the last build, and prints the program's path.
built() {
    local root=$1 project=$2 name=$3
    local stamp="$root/artifacts/$name.built"
    if [ ! -f "$stamp" ] || [ -n "$(find "$root/src" "$root/build" "$root/$project" "$root"/*.props "$root/global.json" \
        -type f -newer "$stamp" -print -quit)" ]; then
        echo "genisp: building (once, and whenever the sources change)" >&2
        mkdir -p "$root/artifacts"
        local started
        started=$(mktemp "$root/artifacts/.built.XXXXXX")
        if ! dotnet build "$root/$project" -c Release --nologo -v quiet >"$started.log" 2>&1; then
            cat "$started.log" >&2
            rm -f "$started" "$started.log"
            exit 1
        fi
        mv "$started" "$stamp"
        rm -f "$started.log"
    fi
    ls "$root/artifacts/bin/$name"/release_*/"$name".dll
}
