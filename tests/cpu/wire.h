/* SPDX-License-Identifier: MIT */
/*
 * What the generator and the reference exchange: a stream of instructions with the registers before
 * it, and the registers after it. Memory has the same addresses on both sides.
 */
#pragma once

#include "../oracle.h"

#include <stdint.h>
#include <string.h>

#define DATA_ADDR  UINT64_C(0x20000000) /* pages that streams read and write */
#define DATA_BYTES UINT64_C(0x4000)
#define BASE       (DATA_ADDR + 0x2000) /* what x28 holds; accesses stay within WINDOW of it */
#define WINDOW     2048
#define CODE_ADDR  UINT64_C(0x40004000) /* where a stream is; literals are below it */
#define CODE_BYTES UINT64_C(0x8000)     /* from CODE_ADDR - 0x4000 */
#define STREAM_MAX 128                  /* words, with the exit */

struct regs {
    uint64_t x[31];
    uint64_t sp, nzcv, fpcr, fpsr;
    uint64_t v[32][2];
};

struct request {
    struct regs regs;
    uint64_t count;
    uint32_t words[STREAM_MAX];
};

struct reply {
    struct regs regs;
    uint64_t memory; /* digest of the window */
    uint64_t signal; /* what stopped the stream, 0 = it ran to its end */
};

static inline uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static inline void fill_pattern(uint8_t *host, uint64_t addr, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += 8) {
        uint64_t v = mix(addr + at);
        memcpy(host + at, &v, 8);
    }
}

static inline uint64_t digest(const uint8_t *host, uint64_t bytes)
{
    uint64_t sum = 0, v;
    for (uint64_t at = 0; at < bytes; at += 8) {
        memcpy(&v, host + at, 8);
        sum = (sum ^ v) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
    }
    return sum;
}
