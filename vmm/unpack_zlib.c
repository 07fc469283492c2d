/* SPDX-License-Identifier: MIT */
/* gzip, by zlib. */
#include "load_linux.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

/* Make room for more output: double it up to the limit. */
static int grow(uint8_t **buf, uint64_t *size, uint64_t limit)
{
    if (*size >= limit)
        return -EFBIG;
    uint64_t more = *size ? *size * 2 : UINT64_C(32) << 20;
    if (more > limit)
        more = limit;
    uint8_t *bigger = realloc(*buf, (size_t)more);
    if (!bigger)
        return -ENOMEM;
    *buf = bigger;
    *size = more;
    return 0;
}

static int inflate_all(z_stream *z, const uint8_t *in, uint64_t in_size, uint64_t limit,
                       uint8_t **buf, uint64_t *size)
{
    uint64_t in_done = 0, room = 0;
    *size = 0;
    for (;;) {
        if (*size == room) {
            int err = grow(buf, &room, limit);
            if (err)
                return err;
        }
        uint64_t give = in_size - in_done < UINT_MAX ? in_size - in_done : UINT_MAX;
        uint64_t take = room - *size < UINT_MAX ? room - *size : UINT_MAX;
        z->next_in = (z_const Bytef *)(uintptr_t)(in + in_done);
        z->avail_in = (uInt)give;
        z->next_out = *buf + *size;
        z->avail_out = (uInt)take;
        int ret = inflate(z, Z_NO_FLUSH);
        in_done += give - z->avail_in;
        *size += take - z->avail_out;
        if (ret == Z_STREAM_END)
            return 0;
        if (ret == Z_MEM_ERROR)
            return -ENOMEM;
        if (ret != Z_OK && ret != Z_BUF_ERROR)
            return -EBADMSG;
        if (in_done == in_size && z->avail_out)
            return -ENODATA;
    }
}

static int gunzip(const uint8_t *in, uint64_t in_size, uint64_t limit, uint8_t **out,
                  uint64_t *out_size)
{
    z_stream z = {0};
    uint8_t *buf = NULL;
    if (inflateInit2(&z, 15 + 16) != Z_OK) /* 16: with a gzip header */
        return -ENOMEM;
    int err = inflate_all(&z, in, in_size, limit, &buf, out_size);
    inflateEnd(&z);
    if (err) {
        free(buf);
        return err;
    }
    *out = buf;
    return 0;
}

const struct unpack_format unpack_gzip = {
    .name = "gzip",
    .magic = {0x1f, 0x8b},
    .magic_size = 2,
    .unpack = gunzip,
    .library = "zlib1g-dev",
};
