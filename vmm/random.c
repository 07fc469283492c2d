/* SPDX-License-Identifier: MIT */
/* Randomness of the host: see random.h. */
#include "random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>
#include <unistd.h>

#define ENTROPY_MAX 256 /* what getentropy() gives at once, on every system */

int host_random(void *to, size_t size)
{
    uint8_t *at = to;
    while (size) {
        size_t n = size < ENTROPY_MAX ? size : ENTROPY_MAX;
        if (getentropy(at, n))
            return -errno;
        at += n;
        size -= n;
    }
    return 0;
}
