/* SPDX-License-Identifier: MIT */
/*
 * Random worlds for the translation tests: a pool of translation tables in which any table may be
 * met at any level, and cases of registers, address and operation. The same world can be given to a
 * CPU under an emulator (at_guest.S), so the layout is that of its memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define POOL_IPA   UINT64_C(0x48000000)
#define POOL_BYTES (UINT64_C(64) * 65536)
#define HOLE_IPA   UINT64_C(0x1000000000) /* no memory here */

enum { OP_E1R, OP_E1W, OP_E0R, OP_E0W, OP_E1RP, OP_E1WP, OP_COUNT };

/* 64 bytes, as at_guest.S reads it. */
struct world_case {
    uint64_t sctlr, tcr, ttbr0, ttbr1, mair, va;
    uint64_t op;  /* OP_* */
    uint64_t pan; /* 0 or 1 */
};

struct world_config {
    uint64_t seed;
    bool ha, hd; /* set TCR_EL1.HA, HD in every case, else clear them */
};

struct world {
    uint64_t rng;
    struct world_config config;
    uint64_t *pool; /* POOL_BYTES */
};

uint64_t world_random(struct world *w);
bool world_init(struct world *w, const struct world_config *config); /* false: no memory */
void world_free(struct world *w);
void world_next(struct world *w, struct world_case *c);

/* The pool as struct mmu_memory wants it; opaque is the world. */
bool world_read(void *opaque, uint64_t ipa, uint64_t *desc);
