/* SPDX-License-Identifier: MIT */
/*
 * A test is one instruction word and a number, from which both sides make the same registers and
 * memory: the program under test (simd_diff.c) and the reference (oracle.c, which runs the word on
 * an independent CPU). Afterwards they compare the registers and a digest of the memory around
 * BASE.
 *
 * Memory has the same addresses on both sides: data that stores may change, and a large pattern for
 * literal loads with the tests' code in its middle, SLOTS words of two instructions apart.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DATA_ADDR    UINT64_C(0x20000000)
#define DATA_BYTES   UINT64_C(0x20000)
#define BASE         (DATA_ADDR + DATA_BYTES / 2) /* near where every access goes */
#define WINDOW       2048                         /* no access is farther from BASE than this */
#define PATTERN_ADDR UINT64_C(0x40000000)
#define PATTERN_SIZE UINT64_C(0x300000)
#define SLOT_ADDR    UINT64_C(0x40180000)
#define SLOTS        512u

struct test_state {
    uint64_t v[32][2];
    uint64_t x[32]; /* [29] is not used, [31] is SP */
    uint64_t fpsr;
    uint64_t undefined; /* 1: the word is UNDEFINED; then the registers must be unchanged */
    uint64_t memory;    /* digest of the window */
};

static inline uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

/* splitmix64 */
static inline uint64_t next_random(uint64_t *rng)
{
    return mix(*rng += UINT64_C(0x9e3779b97f4a7c15));
}

/* A lane where arithmetic is likely to overflow, or just a random one. */
static inline uint64_t edge_lane(uint64_t *rng, unsigned bits)
{
    const uint64_t ones = UINT64_MAX >> (64 - bits), top = ones / 2;
    const uint64_t edges[] = {0, 1, ones, ones - 1, top, top - 1, top + 1, top + 2};
    const uint64_t pick = next_random(rng) % 10;
    return pick < 8 ? edges[pick] : next_random(rng) & ones;
}

static inline uint64_t vector_half(uint64_t *rng, unsigned kind)
{
    uint64_t r = 0;
    if (kind < 2)
        return next_random(rng);
    if (kind < 6) {
        const unsigned bits = 8u << (kind - 2);
        for (unsigned at = 0; at < 64; at += bits)
            r |= edge_lane(rng, bits) << at;
        return r;
    }
    /* Small signed lanes, as shift amounts. */
    const unsigned bits = kind == 6 ? 8 : 16;
    for (unsigned at = 0; at < 64; at += bits)
        r |= ((next_random(rng) % 150 - 75) & (UINT64_MAX >> (64 - bits))) << at;
    return r;
}

static inline bool is_memory_access(uint32_t w)
{
    return (w >> 25 & 5) == 4;
}

/* Registers of a memory access: the address comes out near BASE. */
static inline void point_at_memory(struct test_state *s, uint32_t w, uint64_t *rng)
{
    const unsigned rn = w >> 5 & 31, rm = w >> 16 & 31;
    uint64_t base = BASE + next_random(rng) % 64;
    if ((w & 0x3f200c00) == 0x3c200800 && rm != 31) { /* register offset */
        const unsigned option = w >> 13 & 7;
        int64_t index = (int64_t)(next_random(rng) % 200) - 100;
        if (option == 2 && index < 0)
            index = -index;
        s->x[rm] = (uint64_t)index;
        if (!(option & 1))
            s->x[rm] = (s->x[rm] & UINT32_MAX) | next_random(rng) << 32;
    }
    if ((w & 0x3f000000) == 0x3d000000) /* unsigned offset */
        base -= (uint64_t)(w >> 10 & 4095) << (w >> 30 | (w >> 21 & 4));
    if (rn == 31 || next_random(rng) % 2)
        base &= ~UINT64_C(15);
    s->x[rn] = base;
}

static inline void make_state(struct test_state *s, uint32_t w, uint64_t number)
{
    uint64_t rng = mix(number);
    const unsigned kind = next_random(&rng) % 8;
    memset(s, 0, sizeof *s);
    for (unsigned n = 0; n < 32; n++) {
        const unsigned own = next_random(&rng) % 4 ? kind : next_random(&rng) % 8;
        s->v[n][0] = vector_half(&rng, own);
        s->v[n][1] = vector_half(&rng, own);
    }
    if (next_random(&rng) % 4 == 0) /* equal operands, for comparisons */
        for (unsigned n = 1; n < 32; n += 1 + next_random(&rng) % 3)
            memcpy(s->v[n], s->v[next_random(&rng) % 32], 16);
    for (unsigned n = 0; n < 31; n++)
        s->x[n] = next_random(&rng);
    s->x[29] = 0;
    s->x[31] = BASE;
    s->fpsr = next_random(&rng) % 8 ? 0 : 1u << 27;
    if (is_memory_access(w))
        point_at_memory(s, w, &rng);
}

/* The memory of a test, `host` being where address `addr` is. */
static inline void fill_pattern(uint8_t *host, uint64_t addr, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += 8) {
        const uint64_t x = mix(addr + at);
        memcpy(host + at, &x, 8);
    }
}

/* Digest of the window; `data` is where DATA_ADDR is. Puts the pattern back. */
static inline uint64_t window_digest(uint8_t *data)
{
    uint8_t *window = data + (BASE - DATA_ADDR) - WINDOW;
    uint64_t digest = 0, x;
    for (uint64_t at = 0; at < 2 * WINDOW; at += 8) {
        memcpy(&x, window + at, 8);
        digest = mix(digest ^ x);
    }
    fill_pattern(window, BASE - WINDOW, 2 * WINDOW);
    return digest;
}
