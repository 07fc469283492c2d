/* SPDX-License-Identifier: MIT */
/*
 * Saved state of a device: little-endian fields, one after the other, the first being a version.
 * The same list of calls serves to learn the size (buffer NULL), to write and, reversed, to read: a
 * field past the end marks the reader as failed and reads as zero, so one check at the end is
 * enough.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct state_out {
    uint8_t *buf; /* NULL: only count */
    size_t size;  /* room in buf; nothing is written beyond */
    size_t used;  /* bytes that all fields take */
};

struct state_in {
    const uint8_t *buf;
    size_t size;
    size_t used;
    bool failed;
};

static inline void put_int(struct state_out *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++, out->used++) {
        if (out->buf && out->used < out->size)
            out->buf[out->used] = (uint8_t)(value >> (8 * i));
    }
}

static inline uint64_t get_int(struct state_in *in, unsigned bytes)
{
    uint64_t value = 0;
    if (in->failed || in->size - in->used < bytes) {
        in->failed = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)in->buf[in->used++] << (8 * i);
    return value;
}

static inline void put_u8(struct state_out *out, uint8_t value)
{
    put_int(out, value, 1);
}
static inline void put_u16(struct state_out *out, uint16_t value)
{
    put_int(out, value, 2);
}
static inline void put_u32(struct state_out *out, uint32_t value)
{
    put_int(out, value, 4);
}
static inline void put_u64(struct state_out *out, uint64_t value)
{
    put_int(out, value, 8);
}
static inline uint8_t get_u8(struct state_in *in)
{
    return (uint8_t)get_int(in, 1);
}
static inline uint16_t get_u16(struct state_in *in)
{
    return (uint16_t)get_int(in, 2);
}
static inline uint32_t get_u32(struct state_in *in)
{
    return (uint32_t)get_int(in, 4);
}
static inline uint64_t get_u64(struct state_in *in)
{
    return get_int(in, 8);
}

/* Was everything there, and nothing more? */
static inline bool state_whole(const struct state_in *in)
{
    return !in->failed && in->used == in->size;
}
