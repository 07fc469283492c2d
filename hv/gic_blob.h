/* SPDX-License-Identifier: MIT */
/*
 * The GIC's state as bytes, the same for every backend, so that a state saved under one can be
 * restored under another; little endian:
 *
 *   header   "TVMGICv3"  u32 version  u32 length of everything  u32 vCPUs  u32 0
 *   record   u16 tag  u16 instance  u32 length  payload
 *            1 distributor: u32 CTLR
 *            2 SPI bank 1...31: bank, 32 IROUTERs (u64)
 *            3 redistributor, instance = its frame: u64 affinity, u32 WAKER, u32 0, private bank
 *   bank     group enable latch line active edge (u32 each), 32 priorities (u8)
 *   trailer  u64 FNV-1a of all bytes before it
 *
 * Every record has a fixed size and place, so that a blob whose size is gic_blob_size() can be read
 * without looking for its end. The checksum finds accidents, not malice: values are for the reader
 * to check. Pure functions, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GIC_BLOB_BANKS   32u
#define GIC_BLOB_MAGIC   "TVMGICv3"
#define GIC_BLOB_VERSION 1u

enum gic_blob_tag { GIC_BLOB_DIST = 1, GIC_BLOB_SPI = 2, GIC_BLOB_REDIST = 3 };

/* 32 interrupts, one bit each. */
struct gic_blob_bank {
    uint32_t group, enable, latch, line, active, edge;
    uint8_t prio[32];
};

/* Payloads in bytes. */
static inline size_t gic_blob_payload(enum gic_blob_tag tag)
{
    const size_t bank = 6 * 4 + 32;
    switch (tag) {
    case GIC_BLOB_DIST: return 4;
    case GIC_BLOB_SPI: return bank + 32 * 8;
    case GIC_BLOB_REDIST: return 16 + bank;
    }
    return 0;
}

static inline size_t gic_blob_size(unsigned vcpus)
{
    const size_t header = 24, record = 8, trailer = 8;
    return header + record + gic_blob_payload(GIC_BLOB_DIST) +
           (GIC_BLOB_BANKS - 1) * (record + gic_blob_payload(GIC_BLOB_SPI)) +
           vcpus * (record + gic_blob_payload(GIC_BLOB_REDIST)) + trailer;
}

static inline uint64_t gic_blob_sum(const uint8_t *p, size_t size)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 0x100000001b3ull;
    return h;
}

/* ---- writing: at *p, which moves on ---- */

static inline void gic_blob_put(uint8_t **p, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        *(*p)++ = (uint8_t)(value >> (i * 8));
}

static inline void gic_blob_put_header(uint8_t **p, unsigned vcpus)
{
    memcpy(*p, GIC_BLOB_MAGIC, 8);
    *p += 8;
    gic_blob_put(p, GIC_BLOB_VERSION, 4);
    gic_blob_put(p, gic_blob_size(vcpus), 4);
    gic_blob_put(p, vcpus, 4);
    gic_blob_put(p, 0, 4);
}

static inline void gic_blob_put_record(uint8_t **p, enum gic_blob_tag tag, unsigned instance)
{
    gic_blob_put(p, tag, 2);
    gic_blob_put(p, instance, 2);
    gic_blob_put(p, gic_blob_payload(tag), 4);
}

static inline void gic_blob_put_bank(uint8_t **p, const struct gic_blob_bank *b)
{
    const uint32_t words[] = {b->group, b->enable, b->latch, b->line, b->active, b->edge};
    for (unsigned i = 0; i < 6; i++)
        gic_blob_put(p, words[i], 4);
    memcpy(*p, b->prio, sizeof b->prio);
    *p += sizeof b->prio;
}

static inline void gic_blob_put_trailer(uint8_t **p, const uint8_t *start)
{
    gic_blob_put(p, gic_blob_sum(start, (size_t)(*p - start)), 8);
}

/* ---- reading: the same the other way round; false if something else stands there ---- */

static inline uint64_t gic_blob_get(const uint8_t **p, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t) * (*p)++ << (i * 8);
    return value;
}

/* Nothing may be read before this has been true. */
static inline bool gic_blob_get_header(const uint8_t **p, size_t size, unsigned vcpus)
{
    if (size != gic_blob_size(vcpus) || memcmp(*p, GIC_BLOB_MAGIC, 8) != 0)
        return false;
    *p += 8;
    bool ok = gic_blob_get(p, 4) == GIC_BLOB_VERSION;
    ok &= gic_blob_get(p, 4) == size;
    ok &= gic_blob_get(p, 4) == vcpus;
    return (gic_blob_get(p, 4) == 0) & ok;
}

static inline bool gic_blob_get_record(const uint8_t **p, enum gic_blob_tag tag, unsigned instance)
{
    bool ok = gic_blob_get(p, 2) == tag;
    ok &= gic_blob_get(p, 2) == instance;
    return (gic_blob_get(p, 4) == gic_blob_payload(tag)) & ok;
}

static inline void gic_blob_get_bank(const uint8_t **p, struct gic_blob_bank *b)
{
    uint32_t *const words[] = {&b->group, &b->enable, &b->latch, &b->line, &b->active, &b->edge};
    for (unsigned i = 0; i < 6; i++)
        *words[i] = (uint32_t)gic_blob_get(p, 4);
    memcpy(b->prio, *p, sizeof b->prio);
    *p += sizeof b->prio;
}

static inline bool gic_blob_get_trailer(const uint8_t **p, const uint8_t *start)
{
    const uint64_t sum = gic_blob_sum(start, (size_t)(*p - start));
    return gic_blob_get(p, 8) == sum;
}
