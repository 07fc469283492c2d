# SPDX-License-Identifier: MIT
# Double precision only, no library: chaos keeps every lost bit.
BEGIN {
    x = 0.3
    for (i = 1; i <= 20000; i++) {
        x = 3.9 * x * (1 - x)
        s += x / i
    }
    printf "%.12f %.12f\n", x, s
}
