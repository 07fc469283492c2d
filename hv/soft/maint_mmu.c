/* SPDX-License-Identifier: MIT */
/*
 * AT and TLBI. A TLBI of the inner or outer shareable domain reaches the other vCPUs by mail before
 * the instruction completes, so DSB has nothing to wait for. Owner thread.
 */
#include "a64.h"
#include "maint.h"
#include "tlb.h"

#define CRN(op) ((op) >> 7 & 15)
#define CRM(op) ((op) >> 3 & 15)
#define OP1(op) ((op) >> 11)
#define OP2(op) ((op)&7)

/* TLBI by range: from how many pages on it is cheaper to drop everything. */
#define RANGE_PAGES_MAX 64u

/* CRm of TLBI. */
enum { OUTER = 1, RANGE_INNER = 2, INNER = 3, RANGE_OUTER = 5, RANGE_LOCAL = 6, LOCAL = 7 };

static bool is_range(unsigned operation)
{
    return CRM(operation) == RANGE_INNER || CRM(operation) == RANGE_OUTER ||
           CRM(operation) == RANGE_LOCAL;
}

static bool tlbi_exists(unsigned operation)
{
    const unsigned op2 = OP2(operation);

    switch (CRM(operation)) {
    case RANGE_INNER:
    case RANGE_OUTER:
    case RANGE_LOCAL: return a64_feature(FEAT_TLBIRANGE) && (op2 & 1);
    case OUTER: return a64_feature(FEAT_TLBIOS) && op2 != 4 && op2 != 6;
    case INNER:
    case LOCAL: return op2 != 4 && op2 != 6;
    default: return false;
    }
}

/* AT S1E1R, S1E1W, S1E0R, S1E0W with CRm 8; S1E1RP, S1E1WP with 9. */
static bool at_exists(unsigned operation)
{
    return (CRM(operation) == 8 && OP2(operation) < 4) ||
           (CRM(operation) == 9 && OP2(operation) < 2 && a64_feature(FEAT_PAN2));
}

bool mmu_maintenance_exists(unsigned operation)
{
    if (OP1(operation) != 0)
        return false;
    return CRN(operation) == 8 ? tlbi_exists(operation)
                               : CRN(operation) == 7 && at_exists(operation);
}

static const struct insn *address_translate(struct cpu *c, const struct insn *i, unsigned operation,
                                            uint64_t va)
{
    const bool with_pan = CRM(operation) == 9;
    const struct mmu_access access = {
        .kind = OP2(operation) & 1 ? MMU_AT_WRITE : MMU_AT_READ,
        .user = !with_pan && OP2(operation) & 2,
        .pan = with_pan && c->pan,
    };
    struct mmu_result r;

    tlb_walk(c, va, access, &r);
    if (mmu_fault_external_walk(&r)) {
        tlb_raise(c, i, va, &r, true);
        return NULL;
    }
    c->sr[SR_PAR_EL1] = mmu_par(&r);
    return block_leave_sync(c, i);
}

/* Here, and on the others if the operation says so. */
static void maintain(struct cpu *c, bool everywhere, enum mail_op op, uint64_t a, uint64_t b)
{
    if (everywhere) {
        cpu_broadcast(c, op, a, b);
        return;
    }
    switch (op) {
    case MAIL_TLB_VA: tlb_flush_va(c, a); break;
    case MAIL_TLB_VA_ASID: tlb_flush_va_asid(c, a, (uint16_t)b); break;
    case MAIL_TLB_ASID: tlb_flush_asid(c, (uint16_t)b); break;
    default: tlb_flush_all(c);
    }
}

/* Operand of the range forms: BaseADDR[36:0], NUM[43:39], SCALE[45:44], TG[47:46], ASID[63:48]. */
static void by_range(struct cpu *c, uint64_t x, bool everywhere, bool any_asid)
{
    const unsigned granule = x >> 46 & 3, page_bits = 10 + 2 * granule;
    const uint64_t pages = ((x >> 39 & 31) + 1) << (5 * (x >> 44 & 3) + 1);
    const uint64_t base = (uint64_t)sign_extend(x, 37) << page_bits;

    if (granule == 0) /* reserved */
        return;
    if (pages > RANGE_PAGES_MAX) {
        maintain(c, everywhere, MAIL_TLB_ALL, 0, 0);
        return;
    }
    for (uint64_t n = 0; n < pages; n++)
        maintain(c, everywhere, any_asid ? MAIL_TLB_VA : MAIL_TLB_VA_ASID, base + (n << page_bits),
                 x >> 48);
}

/* VMALLE1, VAE1, ASIDE1, VAAE1, VALE1, VAALE1: what is of the last level only is all there is. */
static void invalidate(struct cpu *c, unsigned operation, uint64_t x)
{
    const bool everywhere = CRM(operation) != LOCAL && CRM(operation) != RANGE_LOCAL;
    const uint64_t va = (uint64_t)sign_extend(x, 44) << 12;
    const bool any_asid = (OP2(operation) & 3) == 3;

    if (OP2(operation) == 0)
        maintain(c, everywhere, MAIL_TLB_ALL, 0, 0);
    else if (OP2(operation) == 2)
        maintain(c, everywhere, MAIL_TLB_ASID, 0, x >> 48);
    else if (is_range(operation))
        by_range(c, x, everywhere, any_asid);
    else
        maintain(c, everywhere, any_asid ? MAIL_TLB_VA : MAIL_TLB_VA_ASID, va, x >> 48);
}

const struct insn *mmu_maintenance(struct cpu *c, const struct insn *i, unsigned operation,
                                   uint64_t value)
{
    if (c->el == 0)
        return cpu_undefined(c, i);
    if (CRN(operation) == 7)
        return address_translate(c, i, operation, value);
    /* The block is left first: with the invalidation mail is served, and code may go. */
    const struct insn *next = block_leave_sync(c, i);
    invalidate(c, operation, value);
    return next;
}
