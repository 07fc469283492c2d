/* SPDX-License-Identifier: MIT */
/*
 * The sieve of Eratosthenes in guest memory: real work that never leaves the guest. Compare the
 * exits with the instructions:
 *
 *     ./tinyvmm run --stats guest/examples/primes.bin
 */
#include "lib.h"

#define LIMIT 100000

static unsigned char composite[LIMIT + 1]; /* in .bss: memory that the file does not contain */

int main(void)
{
    unsigned count = 0, last = 0;
    for (unsigned n = 2; n <= LIMIT; n++) {
        if (composite[n])
            continue;
        count++;
        last = n;
        for (unsigned m = 2 * n; m <= LIMIT; m += n)
            composite[m] = 1;
    }
    print("%u primes up to %d, the last is %u\n", count, LIMIT, last);
    return 0;
}
