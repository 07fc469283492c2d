/* SPDX-License-Identifier: MIT */
/* SYS: cache and TLB maintenance, address translation. Arm ARM C5.3 to C5.5. */
#include "a64.h"
#include "cpu.h"
#include "maint.h"
#include "mem.h"
#include "tlb.h"

/* op1 CRn CRm op2 of a SYS instruction. */
#define OPERATION(op1, crn, crm, op2) ((op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

#define SCTLR_UCI                     (1u << 26)
#define SCTLR_DZE                     (1u << 14)
#define SCTLR_ENRCTX                  (1u << 10)
#define ZVA_BYTES                     64

typedef const struct insn *maint_fn(struct cpu *c, const struct insn *i, uint64_t value);

/* EL0 needs leave; a refused operation is a trapped system instruction. */
static bool el0_may(struct cpu *c, const struct insn *i, uint64_t sctlr_bit)
{
    if (c->el == 1 || (c->sr[SR_SCTLR_EL1] & sctlr_bit))
        return true;
    cpu_raise(c, i, ESR(EC_SYSREG, sysreg_iss(i->raw)), insn_pc(c, i));
    return false;
}

static const struct insn *ic_all(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)value;
    const struct insn *next = block_leave_sync(c, i);
    code_invalidate_all(c);
    return next;
}

static const struct insn *ic_all_shared(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)value;
    const struct insn *next = block_leave_sync(c, i);
    cpu_broadcast(c, MAIL_CODE_ALL, 0, 0);
    return next;
}

static const struct insn *ic_ivau(struct cpu *c, const struct insn *i, uint64_t va)
{
    uint64_t ipa;
    if (!el0_may(c, i, SCTLR_UCI) || !tlb_locate(c, i, va, MMU_CLEAN, &ipa))
        return NULL;
    const struct insn *next = block_leave_sync(c, i);
    cpu_broadcast(c, MAIL_CODE_IPA, ipa & ~UINT64_C(63), 64);
    return next;
}

/* Data cache maintenance by address: nothing is cached, but a fault is a fault. */
static const struct insn *dc_va(struct cpu *c, const struct insn *i, uint64_t va)
{
    uint64_t ipa;
    if (!el0_may(c, i, SCTLR_UCI) || !tlb_locate(c, i, va, MMU_CLEAN, &ipa))
        return NULL;
    return block_leave_sync(c, i);
}

/* DC IVAC is for EL1 alone, and needs write permission (D7.5.9.2). */
static const struct insn *dc_ivac(struct cpu *c, const struct insn *i, uint64_t va)
{
    uint64_t ipa;
    if (c->el == 0)
        return cpu_undefined(c, i);
    if (!tlb_locate(c, i, va, MMU_INVALIDATE, &ipa))
        return NULL;
    return block_leave_sync(c, i);
}

static const struct insn *dc_setway(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)value;
    return c->el == 0 ? cpu_undefined(c, i) : block_leave_sync(c, i);
}

/* CFP, DVP, CPP RCTX: nothing is predicted that another context could see. */
static const struct insn *restrict_prediction(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)value;
    return el0_may(c, i, SCTLR_ENRCTX) ? block_leave_sync(c, i) : NULL;
}

static const struct insn *dc_zva(struct cpu *c, const struct insn *i, uint64_t va)
{
    if (!el0_may(c, i, SCTLR_DZE))
        return NULL;
    uint8_t *host = mem_zero_block(c, i, va);
    if (!host)
        return NULL;
    memset(host - (va & (ZVA_BYTES - 1)), 0, ZVA_BYTES);
    return block_leave_sync(c, i);
}

static const struct {
    uint16_t operation;
    maint_fn *fn;
} operations[] = {
    {OPERATION(0, 7, 1, 0), ic_all_shared},       /* IC IALLUIS */
    {OPERATION(0, 7, 5, 0), ic_all},              /* IC IALLU */
    {OPERATION(3, 7, 5, 1), ic_ivau},             /* IC IVAU */
    {OPERATION(0, 7, 6, 1), dc_ivac},             /* DC IVAC */
    {OPERATION(0, 7, 6, 2), dc_setway},           /* DC ISW */
    {OPERATION(0, 7, 10, 2), dc_setway},          /* DC CSW */
    {OPERATION(0, 7, 14, 2), dc_setway},          /* DC CISW */
    {OPERATION(3, 7, 3, 4), restrict_prediction}, /* CFP RCTX */
    {OPERATION(3, 7, 3, 5), restrict_prediction}, /* DVP RCTX */
    {OPERATION(3, 7, 3, 7), restrict_prediction}, /* CPP RCTX */
    {OPERATION(3, 7, 4, 1), dc_zva},              /* DC ZVA */
    {OPERATION(3, 7, 10, 1), dc_va},              /* DC CVAC */
    {OPERATION(3, 7, 11, 1), dc_va},              /* DC CVAU */
    {OPERATION(3, 7, 14, 1), dc_va},              /* DC CIVAC */
    {OPERATION(3, 7, 12, 1), dc_va},              /* DC CVAP */
    {OPERATION(3, 7, 13, 1), dc_va},              /* DC CVADP */
};

/* Those that an optional feature brings. */
static bool operation_exists(unsigned operation)
{
    if (operation == OPERATION(3, 7, 12, 1))
        return a64_feature(FEAT_DPB);
    if (operation >> 3 == OPERATION(3, 7, 3, 0) >> 3)
        return a64_feature(FEAT_SPECRES);
    return operation != OPERATION(3, 7, 13, 1) || a64_feature(FEAT_DPB2);
}

/* imm = the operation's function; rd = the register with the operand. */
bool dec_sys(struct insn *i, uint32_t w)
{
    unsigned operation = insn_bits(w, 5, 14);
    i->rd = slot_zr(insn_bits(w, 0, 5));
    for (unsigned n = 0; n < sizeof operations / sizeof operations[0]; n++) {
        if (operations[n].operation == operation) {
            i->aux = n + 1;
            return operation_exists(operation);
        }
    }
    i->imm = operation;
    return mmu_maintenance_exists(operation);
}

const struct insn *op_sys(struct cpu *c, const struct insn *i)
{
    if (i->aux)
        return operations[i->aux - 1].fn(c, i, c->x[i->rd]);
    return mmu_maintenance(c, i, (unsigned)i->imm, c->x[i->rd]);
}
