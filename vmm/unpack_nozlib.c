/* SPDX-License-Identifier: MIT */
/* A build without zlib knows gzip when it sees it, and says what is missing. */
#include "load_linux.h"

#include <errno.h>

static int gunzip(const uint8_t *in, uint64_t in_size, uint64_t limit, uint8_t **out,
                  uint64_t *out_size)
{
    (void)in;
    (void)in_size;
    (void)limit;
    (void)out;
    (void)out_size;
    return -ENOTSUP;
}

const struct unpack_format unpack_gzip = {
    .name = "gzip",
    .magic = {0x1f, 0x8b},
    .magic_size = 2,
    .unpack = gunzip,
    .library = "zlib1g-dev",
};
