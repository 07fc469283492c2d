#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Download Debian packages of another architecture and unpack them, without root and without
# touching the system's own package lists: apt with private state, the host's sources and keys.
#
#   tools/fetch_deb.sh [-a ARCH] [-c CACHE] [-m] DIR PACKAGE...
#
# Unpacks every PACKAGE (no dependencies; "name=version" is fine) into DIR. With -m each is a
# metapackage (linux-image-arm64) and its first dependency is unpacked instead. ARCH is arm64 unless
# given. CACHE (default ~/.cache/tinyvmm/apt) keeps lists and archives, so a second run is offline.
# Exit: 0 done; 77 not possible here (reason on standard error), which test scripts turn into a skip.
set -eu

arch=arm64
cache=${TINYVMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinyvmm}/apt
meta=
while getopts a:c:m opt; do
    case $opt in
    a) arch=$OPTARG ;;
    c) cache=$OPTARG ;;
    m) meta=1 ;;
    *) echo "usage: $0 [-a arch] [-c cache] [-m] dir package..." >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { echo "usage: $0 [-a arch] [-c cache] [-m] dir package..." >&2; exit 2; }
dir=$1
shift

for tool in apt-get dpkg-deb; do
    command -v $tool >/dev/null 2>&1 || {
        echo "fetch_deb: $tool is not installed: this needs a Debian or Ubuntu host" >&2
        exit 77
    }
done

state=$cache/$arch
mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/debs" "$dir"
: >"$state/status"

apt_private() {
    apt-get -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
        -o Dir::State="$state" -o Dir::State::lists="$state/lists" \
        -o Dir::State::status="$state/status" -o Dir::Cache="$state" \
        -o Dir::Cache::archives="$state/archives" -o APT::Sandbox::User= \
        -o Acquire::Languages=none -o Debug::NoLocking=1 "$@"
}

# One writer at a time; the lists are fetched once a week at most.
exec 9>"$state/lock"
flock 9
if [ -z "$(find "$state/updated" -mtime -7 2>/dev/null)" ]; then
    # A source that does not serve this architecture makes the update fail as a whole but the
    # others are usable: the download below is what decides.
    apt_private update >"$state/update.log" 2>&1 || true
    ls "$state"/lists/*_Packages* >/dev/null 2>&1 && touch "$state/updated"
fi

# fetch PACKAGE: leaves the path of its archive in $deb
fetch() {
    stamp=$state/debs/$1
    if [ ! -s "$stamp" ] || [ ! -s "$(cat "$stamp")" ]; then
        (cd "$state/archives" && apt_private download --print-uris "$1" 9>&-) \
            >"$state/uri" 2>"$state/error" &&
            (cd "$state/archives" && apt_private download "$1" 9>&-) \
                >>"$state/update.log" 2>"$state/error" || {
            echo "fetch_deb: cannot download $1 ($arch): $(tail -n 1 "$state/error")" >&2
            exit 77
        }
        file=$(awk 'NR == 1 { print $2 }' "$state/uri")
        echo "$state/archives/$file" >"$stamp"
    fi
    deb=$(cat "$stamp")
}

for package; do
    fetch "$package"
    if [ -n "$meta" ]; then
        fetch "$(dpkg-deb -f "$deb" Depends | sed 's/[ ,|(].*//')"
    fi
    dpkg-deb -x "$deb" "$dir"
done
