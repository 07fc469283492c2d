/* SPDX-License-Identifier: MIT */
/* Zstandard, by libzstd. */
#include "load_linux.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

static int grow(ZSTD_outBuffer *out, uint64_t limit)
{
    if (out->size >= limit)
        return -EFBIG;
    uint64_t more = out->size ? (uint64_t)out->size * 2 : UINT64_C(32) << 20;
    if (more > limit)
        more = limit;
    void *bigger = realloc(out->dst, (size_t)more);
    if (!bigger)
        return -ENOMEM;
    out->dst = bigger;
    out->size = (size_t)more;
    return 0;
}

static int decompress(ZSTD_DStream *stream, ZSTD_inBuffer *in, ZSTD_outBuffer *out, uint64_t limit)
{
    for (;;) {
        if (out->pos == out->size) {
            int err = grow(out, limit);
            if (err)
                return err;
        }
        size_t ret = ZSTD_decompressStream(stream, out, in);
        if (ZSTD_isError(ret))
            return -EBADMSG;
        if (ret == 0)
            return 0; /* the end of the frame */
        if (in->pos == in->size && out->pos < out->size)
            return -ENODATA;
    }
}

static int unzstd(const uint8_t *in, uint64_t in_size, uint64_t limit, uint8_t **out,
                  uint64_t *out_size)
{
    ZSTD_inBuffer from = {.src = in, .size = (size_t)in_size};
    ZSTD_outBuffer to = {0};
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (!stream)
        return -ENOMEM;
    int err = decompress(stream, &from, &to, limit);
    ZSTD_freeDStream(stream);
    if (err) {
        free(to.dst);
        return err;
    }
    *out = to.dst;
    *out_size = to.pos;
    return 0;
}

const struct unpack_format unpack_zstd = {
    .name = "zstd",
    .magic = {0x28, 0xb5, 0x2f, 0xfd},
    .magic_size = 4,
    .unpack = unzstd,
    .library = "libzstd-dev",
};
