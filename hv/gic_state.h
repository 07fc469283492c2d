/* SPDX-License-Identifier: MIT */
/*
 * The blob of hv_gic_state_get_data(): architectural GICv3 registers in a fixed order, the same
 * from every backend, so that a state saved under one can be restored under another. Little-endian
 * 32-bit words:
 *
 *   magic (2 words), version, number of vCPUs,
 *   the distributor's ranges below, the line levels of INTIDs 32...1023 (31 words),
 *   for each vCPU, by index: its affinity (2 words: MPIDR_EL1's bits), the redistributor's ranges
 *   below, the line levels of INTIDs 0...31.
 *
 * The ranges stand in the order in which they are restored: configuration, then state, then the
 * switches. An interrupt that a backend does not have is 0 and ignored.
 */
#pragma once

#include <stdint.h>

#define GIC_STATE_MAGIC0       0x49475648u /* "HVGI" */
#define GIC_STATE_MAGIC1       0x00334356u /* "VC3" */
#define GIC_STATE_VERSION      1u
#define GIC_STATE_HEADER_WORDS 4u
#define GIC_STATE_LEVEL_WORDS  31u

struct gic_state_range {
    uint32_t offset; /* of the first word in its frame */
    uint32_t words;
    uint32_t per_word; /* interrupts described by one word; 0 = none in particular */
    uint32_t first;    /* INTID that the first word begins with */
};

static const struct gic_state_range gic_state_dist[] = {
    {0x0084, 31, 32, 32},  /* IGROUPR */
    {0x0c08, 62, 16, 32},  /* ICFGR */
    {0x0420, 247, 4, 32},  /* IPRIORITYR */
    {0x6100, 1976, 0, 32}, /* IROUTER: two words for each of 988 interrupts */
    {0x0104, 31, 32, 32},  /* ISENABLER */
    {0x0204, 31, 32, 32},  /* ISPENDR: the latch of edges, not the lines */
    {0x0304, 31, 32, 32},  /* ISACTIVER */
    {0x0000, 1, 0, 0},     /* CTLR */
};

static const struct gic_state_range gic_state_redist[] = {
    {0x10080, 1, 32, 0}, /* IGROUPR0 */
    {0x10c00, 2, 16, 0}, /* ICFGR0, 1 */
    {0x10400, 8, 4, 0},  /* IPRIORITYR */
    {0x10100, 1, 32, 0}, /* ISENABLER0 */
    {0x10200, 1, 32, 0}, /* ISPENDR0 */
    {0x10300, 1, 32, 0}, /* ISACTIVER0 */
};

#define GIC_STATE_DIST_RANGES   (sizeof gic_state_dist / sizeof *gic_state_dist)
#define GIC_STATE_REDIST_RANGES (sizeof gic_state_redist / sizeof *gic_state_redist)

/* Words of a blob for this many vCPUs. */
static inline uint32_t gic_state_words(uint32_t vcpus)
{
    uint32_t words = GIC_STATE_HEADER_WORDS + GIC_STATE_LEVEL_WORDS, each = 3;
    for (unsigned i = 0; i < GIC_STATE_DIST_RANGES; i++)
        words += gic_state_dist[i].words;
    for (unsigned i = 0; i < GIC_STATE_REDIST_RANGES; i++)
        each += gic_state_redist[i].words;
    return words + vcpus * each;
}
