/* SPDX-License-Identifier: MIT */
/* A build without libzstd knows Zstandard when it sees it, and says what is missing. */
#include "load_linux.h"

#include <errno.h>

static int unzstd(const uint8_t *in, uint64_t in_size, uint64_t limit, uint8_t **out,
                  uint64_t *out_size)
{
    (void)in;
    (void)in_size;
    (void)limit;
    (void)out;
    (void)out_size;
    return -ENOTSUP;
}

const struct unpack_format unpack_zstd = {
    .name = "zstd",
    .magic = {0x28, 0xb5, 0x2f, 0xfd},
    .magic_size = 4,
    .unpack = unzstd,
    .library = "libzstd-dev",
};
