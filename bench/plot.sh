#!/bin/sh
# SPDX-License-Identifier: MIT
# bench/plot.sh RESULT.tsv: the table of `make bench` as SVG on standard output. A bar for each workload:
# QEMU's time over TinyVMM's, on a logarithmic scale from 1/8 to 32; a tick where the aim is.
set -u
[ -s "${1:-}" ] || {
    echo "bench/plot.sh: no figures yet: run make bench first" >&2
    exit 1
}
awk -F '\t' '
BEGIN { n = 0 }
function x(v) { v = v < 0.125 ? 0.125 : v > 32 ? 32 : v; return left + (log(v) / log(2) + 3) * step }
function text(at, y, anchor, fill, what) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n", at, y, anchor, fill, what
}
$4 > 0 { name[n] = $1; aim[n] = $3; value[n] = $4; n++ }
END {
    left = 150; step = 62; row = 20; top = 58
    height = top + n * row + 34; width = left + 8 * step + 60
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" ", width, height
    printf "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
    text(10, 22, "start", "#222", "<tspan font-size=\"15\">Times as fast as qemu-system-aarch64 (TCG)</tspan>")
    text(10, 40, "start", "#666", "software CPU on x86-64; logarithmic; the mark is the aim")
    for (v = 0.125; v <= 32; v *= 2) {
        printf "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\"/>\n", x(v), top - 6, x(v), \
            height - 24, (v == 1 ? "#444" : "#ddd")
        text(x(v), height - 8, "middle", "#444", v < 1 ? "1/" 1 / v : v)
    }
    for (i = 0; i < n; i++) {
        y = top + i * row; a = x(1); b = x(value[i])
        text(left - 8, y + 11, "end", "#222", name[i])
        printf "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"14\" fill=\"%s\"/>\n", (a < b ? a : b), y, \
            (a < b ? b - a : a - b), (value[i] < 1 ? "#b5443c" : value[i] < aim[i] ? "#c9a227" : "#2a7f4f")
        printf "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#222\" stroke-width=\"2\"/>\n", \
            x(aim[i]), y - 2, x(aim[i]), y + 16
        text((b > x(aim[i]) ? b : x(aim[i])) + 6, y + 11, "start", "#444", sprintf("%.2f", value[i]))
    }
    print "</svg>"
}' "$1"
