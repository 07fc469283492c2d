/* SPDX-License-Identifier: MIT */
/* Random translation tables and cases; see world.h. Single thread. */
#include "world.h"

#include <stdlib.h>

#define POOL_TABLES (POOL_BYTES / 65536)

/* splitmix64 */
uint64_t world_random(struct world *w)
{
    uint64_t z = w->rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool chance(struct world *w, unsigned percent)
{
    return world_random(w) % 100 < percent;
}

static uint64_t bits(struct world *w, unsigned n)
{
    return world_random(w) & ((UINT64_C(1) << n) - 1);
}

/* Where a descriptor points: mostly at a table of the pool, so that walks go on. */
static uint64_t pick_address(struct world *w)
{
    if (chance(w, 78))
        return POOL_IPA + world_random(w) % POOL_TABLES * 65536;
    if (chance(w, 25))
        return HOLE_IPA + bits(w, 16) * 4096;
    /* Below a random size, so that every output size is met from both sides; never where an
     * emulated board has devices or no known contents, unless it is only an output. */
    return HOLE_IPA |
           (world_random(w) & ((UINT64_C(1) << (37 + bits(w, 4) % 12)) - 1) & ~UINT64_C(0xfff));
}

static uint64_t pick_descriptor(struct world *w)
{
    uint64_t desc = pick_address(w) | bits(w, 10) << 2 | bits(w, 4) << 51;

    if (chance(w, 30))
        desc |= bits(w, 5) << 59;
    if (chance(w, 60))
        desc |= UINT64_C(1) << 10;
    if (chance(w, 70))
        return desc | 3;
    return chance(w, 70) ? desc | 1 : desc | bits(w, 1) << 1;
}

bool world_init(struct world *w, const struct world_config *config)
{
    *w = (struct world){.rng = config->seed, .config = *config};
    w->pool = malloc(POOL_BYTES);
    if (!w->pool)
        return false;
    for (uint64_t n = 0; n < POOL_BYTES / 8; n++)
        w->pool[n] = pick_descriptor(w);
    return true;
}

void world_free(struct world *w)
{
    free(w->pool);
}

static uint64_t pick_ttbr(struct world *w)
{
    uint64_t ttbr = bits(w, 16) << 48;

    if (chance(w, 94))
        return ttbr | (POOL_IPA + world_random(w) % POOL_TABLES * 65536) | bits(w, 12);
    return ttbr | (pick_address(w) & ((UINT64_C(1) << 48) - 1));
}

/* Sizes that some implementations with 52-bit addresses accept (12 to 15) are left out. */
static uint64_t pick_tsz(struct world *w)
{
    if (chance(w, 85))
        return 16 + world_random(w) % 24;
    uint64_t tsz = bits(w, 6);
    return tsz >= 12 && tsz < 16 ? tsz + 30 : tsz;
}

static uint64_t pick_tcr(struct world *w)
{
    uint64_t tcr = pick_tsz(w) | pick_tsz(w) << 16 | bits(w, 2) << 14 | bits(w, 2) << 30;

    tcr |= bits(w, 1) << 22 | world_random(w) % 6 << 32 | bits(w, 3) << 36 | bits(w, 2) << 41;
    tcr |= bits(w, 2) << 51 | (chance(w, 20) ? bits(w, 2) << 55 : 0);
    if (chance(w, 5))
        tcr |= UINT64_C(1) << 7;
    if (chance(w, 5))
        tcr |= UINT64_C(1) << 23;
    return tcr | (uint64_t)w->config.ha << 39 | (uint64_t)w->config.hd << 40;
}

/* A MAIR of bytes with a defined meaning. */
static uint64_t pick_mair(struct world *w)
{
    uint64_t mair = 0;

    for (unsigned n = 0; n < 8; n++) {
        uint64_t outer = 1 + world_random(w) % 15, inner = 1 + world_random(w) % 15;
        mair = mair << 8 | (chance(w, 30) ? bits(w, 2) << 2 : outer << 4 | inner);
    }
    return mair;
}

static uint64_t pick_va(struct world *w, const struct world_case *c)
{
    const bool upper = bits(w, 1);
    const unsigned tsz = c->tcr >> (upper ? 16 : 0) & 63;
    uint64_t va = tsz ? world_random(w) >> tsz : world_random(w);

    if (upper && tsz)
        va |= ~UINT64_C(0) << (64 - tsz);
    if (chance(w, 20))
        va = (va & ~(UINT64_C(0xff) << 56)) | bits(w, 8) << 56;
    if (chance(w, 5))
        va ^= UINT64_C(1) << bits(w, 6);
    return va;
}

void world_next(struct world *w, struct world_case *c)
{
    /* M, I, WXN; the rest of SCTLR_EL1 has no part in translation. */
    *c = (struct world_case){
        .sctlr = (chance(w, 95) ? 1 : 0) | bits(w, 1) << 12 | bits(w, 1) << 19,
        .tcr = pick_tcr(w),
        .ttbr0 = pick_ttbr(w),
        .ttbr1 = pick_ttbr(w),
        .mair = pick_mair(w),
        .op = world_random(w) % OP_COUNT,
        .pan = bits(w, 1),
    };
    c->va = pick_va(w, c);
    /* With the MMU off the limit is PAMax; an oracle with 52 bits differs from one with 48. */
    if (!(c->sctlr & 1) && chance(w, 70))
        c->va &= ~(UINT64_C(0xff) << 48);
    else if (!(c->sctlr & 1))
        c->va &= ~(UINT64_C(0xf) << 48);
}

bool world_read(void *opaque, uint64_t ipa, uint64_t *desc)
{
    const struct world *w = opaque;

    if (ipa < POOL_IPA || ipa - POOL_IPA >= POOL_BYTES)
        return false;
    *desc = w->pool[(ipa - POOL_IPA) / 8];
    return true;
}
