/* SPDX-License-Identifier: MIT */
/*
 * Branch target identification (FEAT_BTI, Arm ARM D8.4.8): what may be the target of an indirect
 * branch into a guarded page. Called by the dispatcher for every block that a BR, BLR or ERET left
 * PSTATE.BTYPE for; cpu.h tells how BTYPE comes about. Owner thread.
 */
#include "bti.h"

#define SCTLR_BT0 (UINT64_C(1) << 35)
#define SCTLR_BT1 (UINT64_C(1) << 36)

#define BTI_C     0xd503245fu
#define BTI_J     0xd503249fu
#define BTI_JC    0xd50324dfu
#define PACIASP   0xd503233fu
#define PACIBSP   0xd503237fu

static bool is_brk_or_hlt(uint32_t w)
{
    return (w & 0xffe0001f) == 0xd4200000 || (w & 0xffe0001f) == 0xd4400000;
}

static bool compatible(const struct cpu *c, uint32_t w)
{
    switch (w) {
    case BTI_C: return c->btype != BTYPE_GUARDED_JUMP;
    case BTI_J: return c->btype != BTYPE_CALL;
    case BTI_JC: return true;
    case PACIASP:
    case PACIBSP:
        return c->btype != BTYPE_GUARDED_JUMP ||
               !(c->sr[SR_SCTLR_EL1] & (c->el ? SCTLR_BT1 : SCTLR_BT0));
    default: return is_brk_or_hlt(w);
    }
}

bool bti_land(struct cpu *c, const struct block *b)
{
    const uint32_t w = b->insns[0].raw;

    if (likely(!c->btype))
        return true;
    if ((b->flags & BLOCK_GUARDED) && !compatible(c, w)) {
        cpu_raise(c, NULL, ESR(EC_BTI, c->btype), c->pc);
        return false;
    }
    if (!is_brk_or_hlt(w)) /* their exception saves BTYPE */
        c->btype = 0;
    return true;
}
