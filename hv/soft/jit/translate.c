/* SPDX-License-Identifier: MIT */
/*
 * From a decoded block to calls of the emitter, one instruction after the other. An instruction
 * that has no case here is a call of its handler.
 *
 * The one analysis is whether anything can see the flags that an instruction sets: not if another
 * one sets all of them before an instruction that reads them, may fault, or ends the block.
 */
#include "../a64.h"
#include "../alu.h"
#include "emit_x64.h"

#include <stddef.h>

/* How an instruction deals with NZCV. */
enum flag_use {
    NO_FLAGS = 0,
    READS_FLAGS = 1,
    SETS_FLAGS = 2, /* all four */
    SHOWS_FLAGS = 4 /* may leave the block or call a handler, so that they are seen */
};

#define IS64(i)  ((i)->raw >> 31)
#define RUN_SPAN 256 /* bytes that accesses in a row may be apart */

static bool add_sub(struct emitter *e, const struct insn *i, bool live)
{
    bool w = IS64(i), flags = i->raw >> 29 & 1;
    enum em_op op = i->raw >> 30 & 1 ? EM_SUB : EM_ADD;
    if (i->id >= A64_ADD_W_imm && i->id <= A64_SUBS_X_imm)
        em_alu_imm(e, op, w, flags, live, i->rd, i->rn, i->imm);
    else if (i->id >= A64_ADD_W_ext && i->id <= A64_SUBS_X_ext)
        em_alu_ext(e, op, w, flags, live, i->rd, i->rn, i->rm, i->aux, (unsigned)i->imm);
    else
        em_alu_reg(e, op, w, flags, live, i->rd, i->rn, i->rm, false, (enum em_shift)i->aux,
                   (unsigned)i->imm);
    return true;
}

static bool logic(struct emitter *e, const struct insn *i, bool live)
{
    static const uint8_t ops[4] = {EM_AND, EM_OR, EM_XOR, EM_AND};
    unsigned opc = i->raw >> 29 & 3;
    enum em_op op = (enum em_op)ops[opc];
    if (i->id >= A64_AND_W_imm && i->id <= A64_ANDS_X_imm)
        em_alu_imm(e, op, IS64(i), opc == 3, live, i->rd, i->rn, i->imm);
    else if (opc == 1 && i->rn == X_ZR && !(i->raw >> 21 & 1) && !i->imm)
        em_mov(e, IS64(i), i->rd, i->rm);
    else
        em_alu_reg(e, op, IS64(i), opc == 3, live, i->rd, i->rn, i->rm, i->raw >> 21 & 1,
                   (enum em_shift)i->aux, (unsigned)i->imm);
    return true;
}

static bool conditional_compare(struct emitter *e, const struct insn *i)
{
    unsigned cond = i->raw >> 12 & 15;
    bool immediate = i->raw >> 11 & 1, negative = !(i->raw >> 30 & 1);
    em_ccmp(e, IS64(i), negative, i->rn, immediate ? -1 : i->rm, i->ra, cond, i->aux);
    return true;
}

/* Loads and stores of one general register: size and kind from the word. */
static struct em_access access_of(const struct insn *i)
{
    unsigned opc = i->raw >> 22 & 3;
    return (struct em_access){.bytes = (uint8_t)(1u << (i->raw >> 30)),
                              .sign = opc >= 2,
                              .wide = opc == 2 || i->raw >> 30 == 3};
}

static struct em_access pair_access(const struct insn *i)
{
    unsigned opc = i->raw >> 30;
    return (struct em_access){.bytes = opc == 2 ? 8 : 4, .sign = opc == 1, .wide = opc != 0};
}

static struct em_access literal_access(const struct insn *i)
{
    unsigned opc = i->raw >> 30;
    return (struct em_access){.bytes = opc == 1 ? 8 : 4, .sign = opc == 2, .wide = opc != 0};
}

/* Is it a plain load or store, and which? */
static bool memory_of(const struct insn *i, struct em_mem *m)
{
    static const uint8_t pair_modes[4] = {EM_OFFSET, EM_POST, EM_OFFSET, EM_PRE};
    unsigned id = i->id;
    m->between = false;
    m->write = !(a64_rows[id].flags & A64_LOAD);
    m->pair = id >= A64_STNP_W && id <= A64_LDP_X_pre;
    if (m->pair) {
        m->mode = (enum em_mode)pair_modes[i->raw >> 23 & 3];
        m->access = pair_access(i);
        return true;
    }
    m->access = access_of(i);
    if (id >= A64_LDR_W_lit && id <= A64_LDRSW_lit) {
        m->mode = EM_LITERAL;
        m->access = literal_access(i);
    } else if ((id >= A64_STRB_uimm && id <= A64_LDR_X_uimm) ||
               (id >= A64_STURB && id <= A64_LDUR_X)) {
        m->mode = EM_OFFSET;
    } else if (id >= A64_STRB_post && id <= A64_LDR_X_post) {
        m->mode = EM_POST;
    } else if (id >= A64_STRB_pre && id <= A64_LDR_X_pre) {
        m->mode = EM_PRE;
    } else if (id >= A64_STRB_reg && id <= A64_LDR_X_reg) {
        m->mode = EM_INDEX;
    } else {
        return false;
    }
    return true;
}

static bool branch(struct emitter *e, const struct insn *i)
{
    uint64_t pc = e->va + i->off, target = pc + i->imm, next = pc + 4;
    switch (i->id) {
    case A64_B: em_branch(e, target); break;
    case A64_BL:
        em_mov_imm(e, 30, next);
        em_branch(e, target);
        break;
    case A64_B_cond:
        if (i->aux >= 14)
            em_branch(e, target);
        else
            em_branch_cond(e, i, i->aux);
        break;
    case A64_CBZ_W:
    case A64_CBNZ_W:
    case A64_CBZ_X:
    case A64_CBNZ_X: em_branch_zero(e, i, IS64(i), i->raw >> 24 & 1); break;
    case A64_TBZ: em_branch_bit(e, i, i->aux, false); break;
    case A64_TBNZ: em_branch_bit(e, i, i->aux, true); break;
    case A64_RET: em_branch_reg(e, i->rn, false, 0, 0); break;
    case A64_BR:
    case A64_BLR: /* in a guarded page they most often go to another one: by the handler */
        if (e->block->flags & BLOCK_GUARDED)
            return false;
        if (i->id == A64_BR)
            em_branch_reg(e, i->rn, false, 0, BTYPE_JUMP);
        else
            em_branch_reg(e, i->rn, true, next, BTYPE_CALL);
        break;
    case A64_END_OF_PAGE: em_branch(e, pc); break;
    default: return false;
    }
    return true;
}

static bool multiply_divide(struct emitter *e, const struct insn *i)
{
    bool w = IS64(i);
    switch (i->id) {
    case A64_MADD_W:
    case A64_MADD_X: em_madd(e, w, false, i->rd, i->rn, i->rm, i->ra); break;
    case A64_MSUB_W:
    case A64_MSUB_X: em_madd(e, w, true, i->rd, i->rn, i->rm, i->ra); break;
    case A64_SMADDL: em_maddl(e, true, false, i->rd, i->rn, i->rm, i->ra); break;
    case A64_SMSUBL: em_maddl(e, true, true, i->rd, i->rn, i->rm, i->ra); break;
    case A64_UMADDL: em_maddl(e, false, false, i->rd, i->rn, i->rm, i->ra); break;
    case A64_UMSUBL: em_maddl(e, false, true, i->rd, i->rn, i->rm, i->ra); break;
    case A64_SMULH: em_mulh(e, true, i->rd, i->rn, i->rm); break;
    case A64_UMULH: em_mulh(e, false, i->rd, i->rn, i->rm); break;
    case A64_UDIV_W:
    case A64_UDIV_X: em_div(e, w, false, i->rd, i->rn, i->rm); break;
    case A64_SDIV_W:
    case A64_SDIV_X: em_div(e, w, true, i->rd, i->rn, i->rm); break;
    default: return false;
    }
    return true;
}

static bool is_branch_zero(const struct insn *i)
{
    return i->id >= A64_CBZ_W && i->id <= A64_CBNZ_X;
}

/* Arithmetic of general registers: never a handler, touches nothing but its destination and flags.
 */
static bool is_arithmetic(const struct insn *i)
{
    unsigned id = i->id;
    return (id >= A64_ADD_W_imm && id <= A64_SUBS_X_imm) ||
           (id >= A64_ADD_W && id <= A64_SUBS_X_ext) ||
           (id >= A64_AND_W_imm && id <= A64_ANDS_X_imm) || (id >= A64_AND_W && id <= A64_BICS_X) ||
           (id >= A64_MOVN_W && id <= A64_EXTR_X) || (id >= A64_CSEL_W && id <= A64_CSNEG_X) ||
           (id >= A64_LSLV_W && id <= A64_RORV_W) || (id >= A64_LSLV_X && id <= A64_RORV_X);
}

/* What is known of the load-exclusive i: a block always ends with something that stops the look. */
static struct em_exclusive exclusive_of(const struct insn *i)
{
    struct em_exclusive how = {.acquire = i->raw >> 15 & 1};
    const struct insn *n = i + 1;
    if (i->rd == i->rn || i->rn == X_SP)
        return how;
    for (;; n++) {
        if (n->ra && n->id >= A64_B_cond && n->id <= A64_TBNZ)
            how.leaves = true;
        else if (!is_arithmetic(n) || n->rd == i->rn)
            break;
    }
    if (n->id < A64_STXR_B || n->id > A64_LDXR_X || n->id != i->id - 1 || n->rn != i->rn)
        return how;
    how.store = n;
    how.loop = !how.leaves && is_branch_zero(n + 1) && n[1].rn == n->rm && n->rm != X_SINK &&
               n[1].raw >> 24 & 1 && n[1].off + n[1].imm == i->off;
    return how;
}

/* Rows of a64_atomic.def, by their bits. */
static bool atomic(struct emitter *e, const struct insn *i)
{
    const uint32_t w = i->raw;
    const unsigned bytes = 1u << (w >> 30);
    if (i->id >= A64_STXR_B && i->id <= A64_LDXR_X) {
        if (w >> 22 & 1) {
            em_load_exclusive(e, i, bytes, exclusive_of(i));
        } else {
            bool tested = is_branch_zero(i + 1) && i[1].rn == i->rm && i->rm != X_SINK;
            em_store_exclusive(e, i, bytes, tested);
            e->zf_for = tested ? i + 1 : NULL;
            e->zf_of = i->rm;
        }
    } else if ((i->id >= A64_STLR_B && i->id <= A64_LDAR_X) ||
               (i->id >= A64_LDAPR_B && i->id <= A64_LDAPR_X)) {
        if (w >> 22 & 1 || i->id >= A64_LDAPR_B)
            em_load_ordered(e, i, bytes, i->id < A64_LDAPR_B);
        else
            em_store_ordered(e, i, bytes);
    } else if (i->id >= A64_CAS_B && i->id <= A64_CAS_X) {
        em_cas(e, i, bytes);
    } else if (i->id >= A64_LDADD_B && i->id <= A64_LDSET_X) {
        static const uint8_t ops[4] = {EM_LDADD, EM_LDCLR, EM_LDEOR, EM_LDSET};
        em_rmw(e, i, (enum em_rmw)ops[w >> 12 & 3], bytes);
    } else if (i->id >= A64_SWP_B && i->id <= A64_SWP_X) {
        em_rmw(e, i, EM_SWP, bytes);
    } else {
        return false;
    }
    return true;
}

#define FIELD_OF(name) (unsigned)offsetof(struct cpu, name)

/* Registers that are plain storage, and the few whose state the kernel reads all the time. The
 * rest, and everything that EL0 may only try, is the handler's. */
static bool read_sysreg(struct emitter *e, const struct insn *i)
{
    const struct sysreg *r = (const struct sysreg *)(uintptr_t)i->imm;
    bool el1 = e->block->flags & BLOCK_EL1;
    if (r->access[el1 ? 2 : 0] != 'r' || r->access[4] == 't' || sysreg_is_debug(r))
        return false;
    if (!r->read)
        em_read_field(e, 8, i->rd, FIELD_OF(sr) + 8u * r->slot);
    else if (r->slot == SR_SP_EL0 && el1)
        em_read_sp_el0(e, i);
    else if (r->slot == SR_DAIF && el1)
        em_read_field(e, 4, i->rd, FIELD_OF(daif));
    else
        return false;
    return true;
}

/* Likewise; the block goes on behind it, for nothing that is stored so changes how code runs. */
static bool write_sysreg(struct emitter *e, const struct insn *i, uint64_t next)
{
    const struct sysreg *r = (const struct sysreg *)(uintptr_t)i->imm;
    bool el1 = e->block->flags & BLOCK_EL1;
    if (r->access[el1 ? 3 : 1] != 'w' || r->access[4] == 't' || sysreg_is_debug(r))
        return false;
    if (r->slot == SR_DAIF && el1) {
        em_daif_reg(e, i, next);
        return true;
    }
    bool key = r->slot >= SR_APIAKEYLO_EL1 && r->slot <= SR_APDBKEYHI_EL1;
    if ((r->write && !key) || r->mask != ~UINT64_C(0))
        return false;
    if (key)
        em_pac_key_changed(e, (r->slot - SR_APIAKEYLO_EL1) / 2u);
    em_write_field(e, i->rd, FIELD_OF(sr) + 8u * r->slot);
    em_branch(e, next);
    return true;
}

/* True if the emitter has the instruction; `live`: its flags can be seen. */
static bool translate(struct emitter *e, const struct insn *i, bool live)
{
    bool w = IS64(i);
    uint64_t pc = e->va + i->off;
    unsigned id = i->id;
    if ((id >= A64_ADD_W_imm && id <= A64_SUBS_X_imm) || (id >= A64_ADD_W && id <= A64_SUBS_X_ext))
        return add_sub(e, i, live);
    if ((id >= A64_AND_W_imm && id <= A64_ANDS_X_imm) || (id >= A64_AND_W && id <= A64_BICS_X))
        return logic(e, i, live);
    if (id >= A64_CCMN_W && id <= A64_CCMP_X_imm)
        return conditional_compare(e, i);
    if (id >= A64_STXR_B && id <= A64_SWP_X)
        return atomic(e, i);
    if (id >= A64_MADD_W && id <= A64_UMULH)
        return multiply_divide(e, i);
    if ((id >= A64_B && id <= A64_RET) || id == A64_END_OF_PAGE)
        return branch(e, i);
    if (a64_rows[id].flags & A64_FP)
        return translate_vector(e, i);
    switch (id) {
    case A64_ADC_W:
    case A64_ADCS_W:
    case A64_SBC_W:
    case A64_SBCS_W:
    case A64_ADC_X:
    case A64_ADCS_X:
    case A64_SBC_X:
    case A64_SBCS_X:
        em_adc(e, w, i->raw >> 30 & 1, i->raw >> 29 & 1, live, i->rd, i->rn, i->rm);
        break;
    case A64_MRS: return read_sysreg(e, i);
    case A64_MSR: return write_sysreg(e, i, pc + 4);
    case A64_MSR_DAIFSET:
    case A64_MSR_DAIFCLR:
        if (!(e->block->flags & BLOCK_EL1) || (i->imm & 8))
            return false;
        em_daif_imm(e, id == A64_MSR_DAIFSET, (unsigned)i->imm << 6, pc + 4);
        break;
    case A64_MOVN_W:
    case A64_MOVZ_W:
    case A64_MOVN_X:
    case A64_MOVZ_X: em_mov_imm(e, i->rd, i->imm); break;
    case A64_MOVK_W:
    case A64_MOVK_X: em_movk(e, w, i->rd, i->imm, i->aux); break;
    case A64_ADR: em_mov_imm(e, i->rd, pc + i->imm); break;
    case A64_ADRP: em_mov_imm(e, i->rd, (pc & ~UINT64_C(0xfff)) + i->imm); break;
    case A64_SBFM_W:
    case A64_BFM_W:
    case A64_UBFM_W:
    case A64_SBFM_X:
    case A64_BFM_X:
    case A64_UBFM_X:
        em_bitfield(e, i->raw >> 29 & 3, w, i->rd, i->rn, (unsigned)i->imm, i->aux);
        break;
    case A64_EXTR_W:
    case A64_EXTR_X: em_extr(e, w, i->rd, i->rn, i->rm, (unsigned)i->imm); break;
    case A64_LSLV_W:
    case A64_LSLV_X: em_shift_reg(e, EM_LSL, w, i->rd, i->rn, i->rm); break;
    case A64_LSRV_W:
    case A64_LSRV_X: em_shift_reg(e, EM_LSR, w, i->rd, i->rn, i->rm); break;
    case A64_ASRV_W:
    case A64_ASRV_X: em_shift_reg(e, EM_ASR, w, i->rd, i->rn, i->rm); break;
    case A64_RORV_W:
    case A64_RORV_X: em_shift_reg(e, EM_ROR, w, i->rd, i->rn, i->rm); break;
    case A64_UDIV_W:
    case A64_SDIV_W:
    case A64_UDIV_X:
    case A64_SDIV_X: return multiply_divide(e, i);
    case A64_REV_W:
    case A64_REV_X: em_rev(e, w, i->rd, i->rn); break;
    case A64_REV16_W:
    case A64_REV16_X: em_rev_part(e, w, 2, i->rd, i->rn); break;
    case A64_REV32_X: em_rev_part(e, true, 4, i->rd, i->rn); break;
    case A64_RBIT_W:
    case A64_RBIT_X: em_rbit(e, w, i->rd, i->rn); break;
    case A64_CLS_W:
    case A64_CLS_X: em_cls(e, w, i->rd, i->rn); break;
    case A64_CLZ_W:
    case A64_CLZ_X: em_clz(e, w, i->rd, i->rn); break;
    case A64_CSEL_W:
    case A64_CSEL_X: em_csel(e, w, false, false, i->rd, i->rn, i->rm, i->aux); break;
    case A64_CSINC_W:
    case A64_CSINC_X: em_csel(e, w, false, true, i->rd, i->rn, i->rm, i->aux); break;
    case A64_CSINV_W:
    case A64_CSINV_X: em_csel(e, w, true, false, i->rd, i->rn, i->rm, i->aux); break;
    case A64_CSNEG_W:
    case A64_CSNEG_X: em_csel(e, w, true, true, i->rd, i->rn, i->rm, i->aux); break;
    case A64_PAC:
    case A64_PAC_zero:
    case A64_PAC_1716:
    case A64_PAC_LR: em_pac(e, i, false); break;
    case A64_AUT:
    case A64_AUT_zero:
    case A64_AUT_1716:
    case A64_AUT_LR: em_pac(e, i, true); break;
    case A64_HINT:
    case A64_PRFM_uimm:
    case A64_PRFUM:
    case A64_PRFM_reg:
    case A64_PRFM_lit: break;
    case A64_DMB:
    case A64_DSB: /* CRm<1:0>: 01 orders loads only, which the host does by itself */
        em_barrier(e, (i->raw >> 8 & 3) != 1);
        break;
    default: return false;
    }
    return true;
}

/* Is it one that only computes in general registers? Its result is in rd. */
static bool computes(const struct insn *i)
{
    unsigned id = i->id;
    return (id >= A64_ADD_W_imm && id <= A64_EXTR_X) || (id >= A64_ADD_W && id <= A64_SUBS_X_ext) ||
           (id >= A64_AND_W && id <= A64_UMULH && !(id >= A64_RMIF && id <= A64_SETF16));
}

static unsigned flag_use(const struct insn *i)
{
    unsigned id = i->id, opc = i->raw >> 29 & 3;
    if ((id >= A64_ADD_W_imm && id <= A64_SUBS_X_imm) || (id >= A64_ADD_W && id <= A64_SUBS_X_ext))
        return opc & 1 ? SETS_FLAGS : NO_FLAGS;
    if ((id >= A64_AND_W_imm && id <= A64_ANDS_X_imm) || (id >= A64_AND_W && id <= A64_BICS_X))
        return opc == 3 ? SETS_FLAGS : NO_FLAGS;
    if (id >= A64_ADC_W && id <= A64_SBCS_X)
        return READS_FLAGS | (opc & 1 ? SETS_FLAGS : NO_FLAGS);
    if (id >= A64_CCMN_W && id <= A64_CCMP_X_imm)
        return READS_FLAGS | SETS_FLAGS;
    if (id >= A64_CSEL_W && id <= A64_CSNEG_X)
        return READS_FLAGS;
    if (computes(i))
        return NO_FLAGS;
    if (id >= A64_MOVI && id <= A64_SUDOT_e && i->fn != op_fp_trap)
        return NO_FLAGS; /* integer vectors */
    return READS_FLAGS | SHOWS_FLAGS;
}

/* B.cond, CBZ, TBZ and their like. */
static bool is_conditional(const struct insn *i)
{
    return i->id >= A64_B_cond && i->id <= A64_TBNZ && !(i->id == A64_B_cond && i->aux >= 14);
}

/* Does it end by a branch to itself, and set NZCV before anything but a fault or another branch can
 * see it? */
static bool is_loop(const struct block *b)
{
    const struct insn *last = &b->insns[b->rows - 1];
    if (!is_conditional(last) || last->ra || last->imm != -(uint64_t)last->off ||
        b->link[1].crosses)
        return false;
    for (const struct insn *i = b->insns; i < last; i++) {
        struct em_mem m;
        const unsigned use = flag_use(i);
        if (use == SETS_FLAGS)
            return true;
        if (use != NO_FLAGS && !memory_of(i, &m) && !(is_conditional(i) && i->id != A64_B_cond))
            return false;
    }
    return false;
}

/* Can it be between accesses by that base? Moves, sums and bits, which prologues have there. */
static bool is_between(const struct insn *i, int base)
{
    const bool simple = (i->id >= A64_ADD_W_imm && i->id <= A64_MOVK_X) ||
                        (i->id >= A64_ADD_W && i->id <= A64_SUBS_X_ext) ||
                        (i->id >= A64_AND_W && i->id <= A64_BICS_X);
    return simple && flag_use(i) == NO_FLAGS && i->rd != base && em_has_register(base);
}

static void translate_between(struct emitter *e, const struct insn *i)
{
    translate(e, i, false);
}

/* Can `next` be served by the look into the TLB for `first`? */
static bool joins(const struct insn *first, const struct em_mem *m, const struct insn *next,
                  struct em_mem *its)
{
    int64_t apart = (int64_t)(next->imm - (m->mode == EM_PRE ? 0 : first->imm));
    return memory_of(next, its) && next->rn == first->rn && its->write == m->write &&
           (its->mode == EM_POST ||
            (its->mode == EM_OFFSET && apart <= RUN_SPAN && apart >= -RUN_SPAN));
}

/* How many instructions from i on, `left` at most, are accesses that one look into the TLB serves,
 * or between them: em_memory says which. m[] becomes theirs. 0: i is none. */
static unsigned memory_run(const struct emitter *e, const struct insn *i, unsigned left,
                           struct em_mem m[EM_RUN_MAX])
{
    unsigned last = 0;
    bool mixed = false;
    if (!memory_of(i, &m[0]))
        return 0;
    if ((m[0].mode != EM_OFFSET && m[0].mode != EM_PRE) || (e->block->flags & BLOCK_CHECKED))
        return 1;
    for (unsigned n = 1; n < left && n < EM_RUN_MAX; n++) {
        const bool spoils =
            !m->write && (i[last].rd == i->rn || (m[last].pair && i[last].ra == i->rn));
        if (spoils || m[last].mode == EM_POST)
            break;
        if (is_between(&i[n], i->rn)) {
            m[n] = (struct em_mem){.between = true};
            continue;
        }
        if (!joins(i, m, &i[n], &m[n]))
            break;
        mixed |= n > last + 1;
        if (mixed && m[n].pair && !m->write && i[n].rd == i->rn)
            break; /* its base is to leave its register */
        last = n;
    }
    return last + 1;
}

#define SLOT_BIT(slot) (UINT64_C(1) << (slot))

/* The slots that an instruction writes, or `run` accesses in a row; all, if that is not known. */
static uint64_t written(const struct insn *i, const struct em_mem *m, unsigned run)
{
    uint64_t slots = 0;
    for (unsigned n = 0; n < run; n++) {
        if (m[n].between)
            slots |= SLOT_BIT(i[n].rd);
        else if (!m[n].write)
            slots |= SLOT_BIT(i[n].rd) | (m[n].pair ? SLOT_BIT(i[n].ra) : 0);
        if (m[n].mode == EM_PRE || m[n].mode == EM_POST)
            slots |= SLOT_BIT(i[n].rn);
    }
    if (run || is_conditional(i))
        return slots;
    return computes(i) ? SLOT_BIT(i->rd) : ~UINT64_C(0);
}

static uint64_t again_slots(const struct em_again *g)
{
    if (g->kind == EM_AGAIN_NOT)
        return 0;
    return SLOT_BIT(g->n) | (g->has_m ? SLOT_BIT(g->m) : 0);
}

/* Can what is fresh when the block comes round do with these slots, and with the vector state that
 * there is? */
static bool may_go_round(const struct emitter *e, uint64_t slots)
{
    return e->loop.is && !(e->loop.written & slots) && !(e->block->wants & ~e->held.ready);
}

/*
 * NZCV is not in memory, and something sees it, at i or later. Can it stay so? `seen`: behind i.
 * Accesses store it in their stubs, conditional instructions take it as it is.
 */
static bool may_stay_unsettled(const struct emitter *e, const struct insn *i, unsigned run,
                               uint64_t writes, bool seen)
{
    const uint64_t slots = again_slots(&e->again);
    const bool lasts = e->again.kind != EM_AGAIN_NOT && !(writes & slots);
    if (is_conditional(i))
        return lasts && (i->ra || may_go_round(e, slots));
    if (run)
        return e->again.kind != EM_AGAIN_NOT && (lasts || !seen);
    switch (flag_use(i)) {
    case NO_FLAGS: return lasts;
    case READS_FLAGS: return i->id >= A64_CSEL_W && i->id <= A64_CSNEG_X && (lasts || !seen);
    case READS_FLAGS | SETS_FLAGS: return i->id >= A64_CCMN_W && i->id <= A64_CCMP_X_imm;
    default: return false;
    }
}

bool jit_emit(struct cpu *c, struct jit *jit, struct block *b)
{
    static _Thread_local struct emitter emitter;
    struct emitter *e = &emitter;
    bool live[BLOCK_MAX_INSNS + 1]; /* does anything see NZCV as it is behind this one? */
    uint64_t written_yet = 0;
    unsigned total = b->rows;
    bool seen = true;
    for (unsigned n = total; n-- > 0;) {
        unsigned use = flag_use(&b->insns[n]);
        live[n] = seen;
        seen = (use & (READS_FLAGS | SHOWS_FLAGS)) || (seen && !(use & SETS_FLAGS));
    }

    e->as = (struct as){
        .p = jit->rw + jit->used, .end = jit->rw + jit->size, .rx_delta = jit->rx - jit->rw};
    e->jit = jit;
    e->cpu = c;
    e->block = b;
    e->va = b->va;
    e->view = !(b->flags & BLOCK_EL1) ? VIEW_EL0 : b->flags & BLOCK_PAN ? VIEW_EL1_PAN : VIEW_EL1;
    e->flags = EM_FLAGS_NONE;
    e->stub_count = 0;
    e->loop = (struct em_loop){.is = is_loop(b)};
    const uint8_t *code = as_rx(&e->as);
    em_begin(e);
    for (unsigned n = 0; n < total; n++) {
        const struct insn *i = &b->insns[n];
        struct em_mem accesses[EM_RUN_MAX];
        unsigned run = memory_run(e, i, total - n, accesses);
        const uint64_t writes = written(i, accesses, run);
        const bool sets = !run && (flag_use(i) & SETS_FLAGS);
        if (n && !live[n - 1])
            e->unsettled = false;
        n += run ? run - 1 : 0;
        if (e->unsettled && !may_stay_unsettled(e, i, run, writes, live[n]))
            em_settle(e);
        if (sets)
            e->loop.fresh = false;
        if (e->loop.fresh && (run || is_conditional(i))) {
            e->loop.shown = true;
            e->loop.written = written_yet;
        }
        written_yet |= writes;
        if (run)
            em_memory(e, i, accesses, run, translate_between);
        else if (i->fn == op_fp_trap || !translate(e, i, live[n]))
            em_handler(e, i, n + 1 == total);
        if (!sets && (writes & again_slots(&e->again))) {
            e->again.kind = EM_AGAIN_NOT;
            e->unsettled = false; /* or it would have been settled */
        }
    }
    if (!em_finish(e))
        return false;
    jit->used = (size_t)(e->as.p - jit->rw);
    b->code = code;
    return true;
}
