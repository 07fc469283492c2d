/* SPDX-License-Identifier: MIT */
/*
 * Exceptions in both directions: entry to EL1, return from it, exits to the monitor, and PSTATE as
 * one word. Arm ARM D1.3 and the pseudocode functions AArch64.TakeException and
 * AArch64.ExceptionReturn.
 */
#include "a64.h"
#include "cpu.h"
#include "soft_gic.h"
#include "debug.h"
#include "mem.h"
#include "verify.h"

/* SPSR and CPSR layout (C5.2.18). */
#define CPSR_DIT      (1u << 24)
#define CPSR_UAO      (1u << 23)
#define CPSR_PAN      (1u << 22)
#define CPSR_SS       (1u << 21)
#define CPSR_IL       (1u << 20)
#define CPSR_SSBS     (1u << 12)
#define CPSR_BTYPE(v) ((v) >> 10 & 3)
#define CPSR_DAIF     0x3c0u
#define CPSR_M        0x1fu

#define SCTLR_M       UINT64_C(1)
#define SCTLR_A       UINT64_C(2)
#define SCTLR_SPAN    (UINT64_C(1) << 23)
#define SCTLR_DSSBS   (UINT64_C(1) << 44)

void cpu_sp_save(struct cpu *c)
{
    *(c->el == 1 && c->spsel ? &c->sp_el1 : &c->sp_el0) = c->x[X_SP];
}

void cpu_sp_load(struct cpu *c)
{
    c->x[X_SP] = c->el == 1 && c->spsel ? c->sp_el1 : c->sp_el0;
}

uint32_t cpu_get_cpsr(const struct cpu *c)
{
    return nzcv_to_arch(c->nzcv) | (c->dit ? CPSR_DIT : 0) | (c->uao ? CPSR_UAO : 0) |
           (c->pan ? CPSR_PAN : 0) | (c->ss ? CPSR_SS : 0) | (c->il ? CPSR_IL : 0) |
           (c->ssbs ? CPSR_SSBS : 0) | (uint32_t)c->btype << 10 | c->daif | (uint32_t)c->el << 2 |
           c->spsel;
}

/* Everything but the mode. Bits of features that are not there stay zero. */
static void set_pstate_bits(struct cpu *c, uint32_t v)
{
    c->nzcv = nzcv_from_arch(v);
    c->dit = a64_feature(FEAT_DIT) && (v & CPSR_DIT);
    c->uao = a64_feature(FEAT_UAO) && (v & CPSR_UAO);
    c->pan = a64_feature(FEAT_PAN) && (v & CPSR_PAN);
    c->ssbs = a64_feature(FEAT_SSBS) && (v & CPSR_SSBS);
    c->btype = a64_feature(FEAT_BTI) ? CPSR_BTYPE(v) : 0;
    c->ss = v & CPSR_SS;
    c->il = v & CPSR_IL;
    c->daif = v & CPSR_DAIF;
}

/* EL0t, EL1t or EL1h: what a core without EL2, EL3 and AArch32 has. */
static bool mode_exists(uint32_t cpsr)
{
    uint32_t m = cpsr & CPSR_M;
    return m == 0 || m == 4 || m == 5;
}

void cpu_set_cpsr(struct cpu *c, uint32_t v)
{
    c->bad_cpsr = !mode_exists(v);
    if (c->bad_cpsr)
        return;
    cpu_sp_save(c);
    set_pstate_bits(c, v);
    c->el = v >> 2 & 1;
    c->spsel = v & 1;
    cpu_sp_load(c);
    cpu_state_changed(c);
}

enum mmu_view mem_unpriv_view(const struct cpu *c)
{
    return c->el == 1 && c->uao ? mem_view(c) : VIEW_EL0;
}

/* CPACR_EL1.FPEN: 0 and 2 trap both levels, 1 traps EL0 (D17.2.33). */
static bool fp_trapped(const struct cpu *c)
{
    unsigned fpen = c->sr[SR_CPACR_EL1] >> 20 & 3;
    return !(fpen & 1) || (fpen == 1 && c->el == 0);
}

/* With the MMU off every data access is to Device memory (D8.2.9); SCTLR_EL1.A asks for it
 * everywhere. */
static bool alignment_checked(const struct cpu *c)
{
    return (c->sr[SR_SCTLR_EL1] & (SCTLR_M | SCTLR_A)) != SCTLR_M;
}

void cpu_state_changed(struct cpu *c)
{
    c->tlb = c->tlb_sets[mem_view(c)];
    c->block_flags =
        (c->el ? BLOCK_EL1 : 0) | (fp_trapped(c) ? BLOCK_NOFP : 0) |
        (c->el && c->pan ? BLOCK_PAN : 0) | (alignment_checked(c) ? BLOCK_CHECKED : 0) |
        (cpu_step_active(c) ? BLOCK_STEP : 0) | (debug_breaks_active(c) ? BLOCK_BREAK : 0);
}

/* Entry to EL1 by the vector at `offset` for exceptions from the same level with SP_EL1. */
static void enter_el1(struct cpu *c, unsigned offset, uint64_t ret)
{
    uint64_t vbar = c->sr[SR_VBAR_EL1] & ~UINT64_C(0x7ff);
    unsigned from = c->el == 0 ? 0x400 : c->spsel ? 0x200 : 0;
    c->sr[SR_SPSR_EL1] = cpu_get_cpsr(c);
    c->sr[SR_ELR_EL1] = ret;
    cpu_sp_save(c);
    c->el = 1;
    c->spsel = 1;
    cpu_sp_load(c);
    c->daif = CPSR_DAIF;
    c->ss = c->il = c->uao = false;
    c->btype = 0;
    if (a64_feature(FEAT_PAN) && !(c->sr[SR_SCTLR_EL1] & SCTLR_SPAN))
        c->pan = true;
    if (a64_feature(FEAT_SSBS))
        c->ssbs = c->sr[SR_SCTLR_EL1] & SCTLR_DSSBS;
    c->pc = vbar + from + offset;
    cpu_state_changed(c);
}

const struct insn *cpu_raise(struct cpu *c, const struct insn *i, uint32_t esr, uint64_t ret)
{
    uint32_t ec = esr >> 26;
    bool two_classes = ec == EC_IABT_LOW || ec == EC_DABT_LOW || ec == EC_BREAK_LOW ||
                       ec == EC_STEP_LOW || ec == EC_WATCH_LOW;
    if (c->el == 1 && two_classes)
        esr += 1u << 26;
    if (i)
        c->icount += (i->off + (uint64_t)(ret - insn_pc(c, i))) / 4;
    c->stats[STAT_EXCEPTIONS]++;
    c->sr[SR_ESR_EL1] = esr;
    enter_el1(c, 0, ret);
    return NULL;
}

const struct insn *cpu_raise_far(struct cpu *c, const struct insn *i, uint32_t esr, uint64_t ret,
                                 uint64_t far)
{
    c->sr[SR_FAR_EL1] = far;
    return cpu_raise(c, i, esr, ret);
}

const struct insn *cpu_undefined(struct cpu *c, const struct insn *i)
{
    return cpu_raise(c, i, ESR(EC_UNKNOWN, 0), insn_pc(c, i));
}

void cpu_interrupt(struct cpu *c, unsigned vector_offset)
{
    c->stats[STAT_INTERRUPTS]++;
    enter_el1(c, vector_offset, c->pc);
}

const struct insn *cpu_exit(struct cpu *c, const struct insn *i, uint32_t syndrome, uint64_t va,
                            uint64_t ipa, unsigned advance)
{
    if (syndrome >> 26 == EC_DABT_LOW && machine.has_gic && verify_effect(c) &&
        soft_gic_emulate(c, syndrome, ipa)) {
        c->icount += i->off / 4 + 1u;
        c->pc += i->off + 4u;
        return NULL;
    }
    return cpu_leave(c, i, syndrome, va, ipa, advance);
}

/* An SPSR that names a mode which does not exist leaves the mode and sets PSTATE.IL (D1.4.4). */
void cpu_exception_return(struct cpu *c)
{
    uint32_t spsr = (uint32_t)c->sr[SR_SPSR_EL1];
    uint64_t target = c->sr[SR_ELR_EL1];
    c->excl_valid = false;
    c->event = true;
    cpu_sp_save(c);
    set_pstate_bits(c, spsr);
    if (mode_exists(spsr)) {
        c->el = spsr >> 2 & 1;
        c->spsel = spsr & 1;
    } else {
        c->il = true;
    }
    c->ss = cpu_step_on_return(c, spsr);
    cpu_sp_load(c);
    c->pc = target;
    cpu_state_changed(c);
}

/* What the monitor or EL1 sees when an FP instruction meets CPACR_EL1.FPEN: EC 0x07, CV 1, COND
 * 0xe. */
const struct insn *op_fp_trap(struct cpu *c, const struct insn *i)
{
    return cpu_raise(c, i, ESR(EC_FP, 1u << 24 | 0xeu << 20), insn_pc(c, i));
}

const struct insn *op_undefined(struct cpu *c, const struct insn *i)
{
    return cpu_undefined(c, i);
}
