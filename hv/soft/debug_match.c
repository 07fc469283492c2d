/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints and watchpoints: which of the units of ID_AA64DFR0_EL1 match, and what follows. Arm
 * ARM D2.8, D2.9 and the pseudocode functions BreakpointMatch, WatchpointMatch and StateMatch,
 * without EL2, EL3 and AArch32. Owner thread.
 *
 * While nothing is enabled nothing is looked at. With breakpoints, blocks run under BLOCK_BREAK:
 * none begins at an address that a breakpoint names, none runs across one, so the dispatcher comes
 * by there each time. Pages with a watchpoint are not in the TLB, so their accesses come to tlb.c.
 */
#include "debug.h"
#include "tlb.h"

#include <stddef.h>

#define FIRST_CONTEXT 4 /* the units that compare CONTEXTIDR_EL1: the last of the six */

#define UNIT_E        1u
#define PXC(r)        ((r) >> 1 & 3) /* EL1, EL0 */
#define HMC_SSC(r)    ((r) >> 13 & 7)
#define LBN(r)        ((r) >> 16 & 15)
#define BT(r)         ((r) >> 20 & 15)
#define LSC(r)        ((r) >> 3 & 3) /* loads, stores */
#define BAS(r)        ((r) >> 5 & 0xff)
#define WT(r)         ((r) >> 20 & 1)
#define MASK(r)       ((r) >> 24 & 31)

/* DBGBCR_EL1.BT */
enum { BT_ADDRESS, BT_ADDRESS_LINKED, BT_CONTEXT, BT_CONTEXT_LINKED };

#define ADDRESS_BITS ((UINT64_C(1) << 49) - 1) /* 48 and the one that tells the halves apart */

static const uint16_t bvr_slot[DEBUG_BREAKPOINTS] = {
    SR_DBGBVR0_EL1, SR_DBGBVR1_EL1, SR_DBGBVR2_EL1, SR_DBGBVR3_EL1, SR_DBGBVR4_EL1, SR_DBGBVR5_EL1};
static const uint16_t bcr_slot[DEBUG_BREAKPOINTS] = {
    SR_DBGBCR0_EL1, SR_DBGBCR1_EL1, SR_DBGBCR2_EL1, SR_DBGBCR3_EL1, SR_DBGBCR4_EL1, SR_DBGBCR5_EL1};
static const uint16_t wvr_slot[DEBUG_WATCHPOINTS] = {SR_DBGWVR0_EL1, SR_DBGWVR1_EL1, SR_DBGWVR2_EL1,
                                                     SR_DBGWVR3_EL1};
static const uint16_t wcr_slot[DEBUG_WATCHPOINTS] = {SR_DBGWCR0_EL1, SR_DBGWCR1_EL1, SR_DBGWCR2_EL1,
                                                     SR_DBGWCR3_EL1};

/* ---- what is enabled ---- */

/* The units in force, 0 for the others: which type a unit has decides whether it can match. */
static void read_breaks(const struct cpu *c, struct debug_breaks *b)
{
    *b = (struct debug_breaks){.units = 0};
    for (unsigned n = 0; n < DEBUG_BREAKPOINTS; n++) {
        const uint64_t control = c->sr[bcr_slot[n]];
        const unsigned type = BT(control);
        if (!(control & UNIT_E) ||
            type > (n < FIRST_CONTEXT ? BT_ADDRESS_LINKED : BT_CONTEXT_LINKED))
            continue;
        b->value[n] = c->sr[bvr_slot[n]];
        b->control[n] = control;
        if (type != BT_CONTEXT_LINKED)
            b->units |= 1u << n;
    }
}

static void read_watches(const struct cpu *c, struct debug_watches *w)
{
    *w = (struct debug_watches){.units = 0};
    for (unsigned n = 0; n < DEBUG_WATCHPOINTS; n++) {
        const uint64_t control = c->sr[wcr_slot[n]];
        if (!(control & UNIT_E) || MASK(control) == 1 || MASK(control) == 2)
            continue;
        w->value[n] = c->sr[wvr_slot[n]];
        w->control[n] = control;
        w->units |= 1u << n;
    }
}

void debug_units_changed(struct cpu *c)
{
    struct debug_breaks breaks = {.units = 0};
    struct debug_watches watches = {.units = 0};

    if (c->sr[SR_MDSCR_EL1] & MDSCR_MDE) {
        read_breaks(c, &breaks);
        read_watches(c, &watches);
    }
    if (memcmp(&breaks, &c->breaks, sizeof breaks)) {
        c->breaks = breaks;
        code_invalidate_all(c);
    }
    if (memcmp(&watches, &c->watches, sizeof watches)) {
        c->watches = watches;
        tlb_flush_all(c);
    }
}

bool debug_breaks_active(const struct cpu *c)
{
    return c->breaks.units && debug_exceptions_enabled(c);
}

/* ---- matching ---- */

/* A breakpoint that others name in LBN: does the context match? */
static bool linked_context_matches(const struct cpu *c, unsigned n)
{
    return n >= FIRST_CONTEXT && n < DEBUG_BREAKPOINTS && (c->breaks.control[n] & UNIT_E) &&
           BT(c->breaks.control[n]) == BT_CONTEXT_LINKED &&
           (uint32_t)c->breaks.value[n] == (uint32_t)c->sr[SR_CONTEXTIDR_EL1];
}

/* HMC and SSC name states that are not there (no EL2, no EL3): such a unit is disabled. */
static bool state_matches(const struct cpu *c, uint64_t control, bool linked, bool el1)
{
    if (HMC_SSC(control) || !(PXC(control) & (el1 ? 1 : 2)))
        return false;
    return !linked || linked_context_matches(c, LBN(control));
}

static bool address_named(uint64_t value, uint64_t va)
{
    return ((value ^ va) & ADDRESS_BITS & ~UINT64_C(3)) == 0;
}

bool debug_may_break(const struct cpu *c, uint64_t va)
{
    for (unsigned units = c->breaks.units; units; units &= units - 1) {
        const unsigned n = (unsigned)__builtin_ctz(units);
        if (BT(c->breaks.control[n]) == BT_CONTEXT || address_named(c->breaks.value[n], va))
            return true;
    }
    return false;
}

static bool breakpoint_matches(const struct cpu *c, unsigned n)
{
    const uint64_t control = c->breaks.control[n], value = c->breaks.value[n];
    const bool here = BT(control) == BT_CONTEXT
                          ? (uint32_t)value == (uint32_t)c->sr[SR_CONTEXTIDR_EL1]
                          : address_named(value, c->pc);

    return here && state_matches(c, control, BT(control) == BT_ADDRESS_LINKED, c->el == 1);
}

/* An Instruction Abort comes first. */
bool debug_breakpoint(struct cpu *c)
{
    bool hit = false;

    for (unsigned n = 0; n < DEBUG_BREAKPOINTS && !hit; n++)
        hit = (c->breaks.units >> n & 1) && breakpoint_matches(c, n);
    if (hit && tlb_fetch(c, c->pc))
        debug_exception(c, NULL, ESR(EC_BREAK_LOW, FSC_DEBUG), 0);
    return hit;
}

/* The bytes that a watchpoint watches: a contiguous part of a doubleword, or 2^MASK. */
static bool watched_byte(uint64_t value, uint64_t control, uint64_t va)
{
    const unsigned mask = MASK(control);
    const uint64_t differ = (value ^ va) & ADDRESS_BITS;

    if (mask)
        return BAS(control) == 0xff && differ >> mask == 0;
    if (value & 4)
        return differ >> 2 == 0 && BAS(control) >> (va & 3) & 1;
    return differ >> 3 == 0 && BAS(control) >> (va & 7) & 1;
}

static bool watchpoint_matches(const struct cpu *c, unsigned n, struct debug_access a, uint64_t *at)
{
    const uint64_t control = c->watches.control[n];

    if (!(LSC(control) & ((a.read ? 1u : 0) | (a.write ? 2u : 0))) ||
        !state_matches(c, control, WT(control), a.privileged))
        return false;
    for (uint64_t va = a.va; va - a.va < a.size; va++) {
        if (watched_byte(c->watches.value[n], control, va)) {
            *at = va;
            return true;
        }
    }
    return false;
}

/* What reads and writes is said to write only if reading alone would not have matched. */
bool debug_watchpoint(struct cpu *c, const struct insn *i, struct debug_access a)
{
    uint64_t at;

    if (!debug_exceptions_enabled(c))
        return false;
    for (unsigned units = c->watches.units; units; units &= units - 1) {
        const unsigned n = (unsigned)__builtin_ctz(units);
        if (!watchpoint_matches(c, n, a, &at))
            continue;
        const bool as_read = a.read && LSC(c->watches.control[n]) & 1;
        const uint32_t iss = FSC_DEBUG | (as_read ? 0 : 1u << 6) | (a.maintenance ? 1u << 8 : 0);
        debug_exception(c, i, ESR(EC_WATCH_LOW, iss), a.maintenance ? a.at : at);
        return true;
    }
    return false;
}

bool debug_watches_page(const struct cpu *c, uint64_t page)
{
    for (unsigned units = c->watches.units; units; units &= units - 1) {
        const unsigned n = (unsigned)__builtin_ctz(units), mask = MASK(c->watches.control[n]);
        const unsigned bits = mask > PAGE_BITS ? mask : PAGE_BITS;
        if (((c->watches.value[n] ^ page) & ADDRESS_BITS) >> bits == 0)
            return true;
    }
    return false;
}
