/* SPDX-License-Identifier: MIT */
/* The table of system registers, and the accesses that are more than storage. */
#include "sysreg_fn.h"
#include "a64.h"
#include "debug.h"
#include "soft_gic.h"
#include "timer.h"
#include "tlb.h"

#include <stdlib.h>

#define SYSREG(name, op0, op1, crn, crm, op2, access, reset, mask, read, write)                    \
    {#name, SYSREG_NUM(op0, op1, crn, crm, op2), SR_##name, access, reset, mask, read, write},
static const struct sysreg rows[SR_COUNT] = {
#include "sysreg.def"
};
#undef SYSREG

/* Row numbers in ascending order of register numbers, so that the file need not be sorted. */
static uint16_t order[SR_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int by_number(const void *a, const void *b)
{
    uint16_t ia, ib;
    memcpy(&ia, a, sizeof ia);
    memcpy(&ib, b, sizeof ib);
    return (int)rows[ia].num - (int)rows[ib].num;
}

static void sort_rows(void)
{
    for (unsigned n = 0; n < SR_COUNT; n++)
        order[n] = (uint16_t)n;
    qsort(order, SR_COUNT, sizeof order[0], by_number);
}

/* A register of a feature that is not announced is not there. */
static bool exists(uint16_t slot)
{
    switch (slot) {
    case SR_PAN: return a64_feature(FEAT_PAN);
    case SR_UAO: return a64_feature(FEAT_UAO);
    case SR_DIT: return a64_feature(FEAT_DIT);
    case SR_SSBS: return a64_feature(FEAT_SSBS);
    default: break;
    }
    if (slot >= SR_APIAKEYLO_EL1 && slot <= SR_APGAKEYHI_EL1)
        return a64_feature(FEAT_PAUTH);
    return true;
}

const struct sysreg *sysreg_find(uint16_t num)
{
    pthread_once(&once, sort_rows);
    unsigned lo = 0, hi = SR_COUNT;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (rows[order[mid]].num < num)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < SR_COUNT && rows[order[lo]].num == num && exists(order[lo]))
        return &rows[order[lo]];
    return NULL;
}

const char *sysreg_name(unsigned slot)
{
    return slot < SR_COUNT ? rows[slot].name : "?";
}

bool sysreg_is_debug(const struct sysreg *r)
{
    return r->slot == SR_MDSCR_EL1 ||
           (r->num >> 14 == 2 && (r->num >> 7 & 0x7f) == 0 && (r->num & 7) >= 4);
}

void sysreg_reset(struct cpu *c)
{
    for (unsigned n = 0; n < SR_COUNT; n++) {
        if (!sysreg_id_value(rows[n].num, &c->sr[n]))
            c->sr[n] = rows[n].reset;
    }
}

/* ---- translation ---- */

/* SCTLR.M, WXN, SPAN, A, EE … change what TLB entries were made of. */
bool write_sctlr(struct cpu *c, const struct insn *i, uint64_t value)
{
    const struct sysreg *r = (const struct sysreg *)(uintptr_t)i->imm;
    c->sr[SR_SCTLR_EL1] = (c->sr[SR_SCTLR_EL1] & ~r->mask) | (value & r->mask);
    tlb_regime_changed(c);
    cpu_state_changed(c);
    return true;
}

bool write_translation(struct cpu *c, const struct insn *i, uint64_t value)
{
    const struct sysreg *r = (const struct sysreg *)(uintptr_t)i->imm;
    if (c->sr[r->slot] == value)
        return true;
    c->sr[r->slot] = value;
    tlb_regime_changed(c);
    return true;
}

bool write_cpacr(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)i;
    c->sr[SR_CPACR_EL1] = value & 3u << 20;
    cpu_state_changed(c);
    return true;
}

/* ---- PSTATE and stack pointers ---- */

/* SP_EL0 while it is the current stack pointer is UNDEFINED to name (C5.2.19). */
bool read_sp_el0(struct cpu *c, const struct insn *i, uint64_t *value)
{
    if (!c->spsel) {
        cpu_undefined(c, i);
        return false;
    }
    *value = c->sp_el0;
    return true;
}
bool write_sp_el0(struct cpu *c, const struct insn *i, uint64_t value)
{
    if (!c->spsel) {
        cpu_undefined(c, i);
        return false;
    }
    c->sp_el0 = value;
    return true;
}
bool read_spsel(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = c->spsel;
    return true;
}
bool write_spsel(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)i;
    cpu_sp_save(c);
    c->spsel = value & 1;
    cpu_sp_load(c);
    return true;
}
bool read_currentel(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = (uint64_t)c->el << 2;
    return true;
}
bool read_pan(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = (uint64_t)c->pan << 22;
    return true;
}
bool write_pan(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)i;
    c->pan = value >> 22 & 1;
    cpu_state_changed(c);
    return true;
}
bool read_uao(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = (uint64_t)c->uao << 23;
    return true;
}
bool write_uao(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)i;
    c->uao = value >> 23 & 1;
    return true;
}
bool read_dit(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = (uint64_t)c->dit << 24;
    return true;
}
bool write_dit(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)i;
    c->dit = value >> 24 & 1;
    return true;
}
bool read_ssbs(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = (uint64_t)c->ssbs << 12;
    return true;
}
bool write_ssbs(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)i;
    c->ssbs = value >> 12 & 1;
    return true;
}
bool read_nzcv(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = nzcv_to_arch(c->nzcv);
    return true;
}
bool write_nzcv(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)i;
    c->nzcv = nzcv_from_arch((uint32_t)value);
    return true;
}

/* A trap of an EL0 access to EL1. */
static bool trap_el0(struct cpu *c, const struct insn *i)
{
    cpu_raise(c, i, ESR(EC_SYSREG, sysreg_iss(i->raw)), insn_pc(c, i));
    return false;
}

#define SCTLR_UMA (1u << 9)
bool read_daif(struct cpu *c, const struct insn *i, uint64_t *value)
{
    if (c->el == 0 && !(c->sr[SR_SCTLR_EL1] & SCTLR_UMA))
        return trap_el0(c, i);
    *value = c->daif;
    return true;
}
bool write_daif(struct cpu *c, const struct insn *i, uint64_t value)
{
    if (c->el == 0 && !(c->sr[SR_SCTLR_EL1] & SCTLR_UMA))
        return trap_el0(c, i);
    c->daif = value & (DAIF_D | DAIF_A | DAIF_I | DAIF_F);
    cpu_state_changed(c);
    return true;
}

/* ISR_EL1: I and F as they would be taken. */
bool read_isr(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = cpu_interrupt_lines(c);
    return true;
}

/* ---- floating point: the trap is the same as for an FP instruction ---- */
static bool fp_usable(struct cpu *c, const struct insn *i)
{
    if (!(c->block_flags & BLOCK_NOFP))
        return true;
    op_fp_trap(c, i);
    return false;
}

/* AHP DN FZ RMode FZ16: the trap enables are RAZ, as announced by behaviour. */
#define FPCR_BITS 0x07c80000u
#define FPSR_BITS 0x0800009fu
bool read_fpcr(struct cpu *c, const struct insn *i, uint64_t *value)
{
    *value = c->fpcr;
    return fp_usable(c, i);
}
bool write_fpcr(struct cpu *c, const struct insn *i, uint64_t value)
{
    if (!fp_usable(c, i))
        return false;
    c->fpcr = value & (a64_feature(FEAT_FP16) ? FPCR_BITS : FPCR_BITS & ~0x80000u);
    return true;
}
bool read_fpsr(struct cpu *c, const struct insn *i, uint64_t *value)
{
    *value = c->fpsr;
    return fp_usable(c, i);
}
bool write_fpsr(struct cpu *c, const struct insn *i, uint64_t value)
{
    if (!fp_usable(c, i))
        return false;
    c->fpsr = value & FPSR_BITS;
    return true;
}

/* ---- restore accesses of the Hypervisor API ---- */
static void refresh(struct cpu *c, uint16_t slot)
{
    switch (slot) {
    case SR_CNTV_CTL_EL0:
    case SR_CNTV_CVAL_EL0:
    case SR_CNTP_CTL_EL0:
    case SR_CNTP_CVAL_EL0: timer_update(c); break;
    case SR_MPIDR_EL1: soft_gic_set_affinity(c, c->sr[slot]); break;
    default: break;
    }
    tlb_regime_changed(c);
    pauth_config_changed(c);
    debug_changed(c);
    cpu_state_changed(c);
}

/* Those whose state is not in sr[]. */
static uint64_t *elsewhere(struct cpu *c, uint16_t slot)
{
    if (slot == SR_SP_EL0)
        return c->el == 1 && c->spsel ? &c->sp_el0 : &c->x[X_SP];
    if (slot == SR_SP_EL1)
        return c->el == 1 && c->spsel ? &c->x[X_SP] : &c->sp_el1;
    return &c->sr[slot];
}

bool sysreg_get(struct cpu *c, uint16_t num, uint64_t *value)
{
    const struct sysreg *r = sysreg_find(num);
    if (!r)
        return false;
    *value = *elsewhere(c, r->slot);
    if (r->slot == SR_CNTV_CTL_EL0)
        *value = timer_ctl(c, TIMER_VIRTUAL);
    if (r->slot == SR_CNTP_CTL_EL0)
        *value = timer_ctl(c, TIMER_PHYSICAL);
    return true;
}

bool sysreg_set(struct cpu *c, uint16_t num, uint64_t value)
{
    const struct sysreg *r = sysreg_find(num);
    uint64_t id;
    if (!r)
        return false;
    const bool is_id = sysreg_id_value(num, &id);
    if (is_id || r->slot == SR_MPIDR_EL1)
        c->sr[r->slot] = value; /* the client may say what the guest sees */
    else
        *elsewhere(c, r->slot) = (*elsewhere(c, r->slot) & ~r->mask) | (value & r->mask);
    refresh(c, r->slot);
    if (is_id) /* translation depends on what is announced */
        tlb_flush_all(c);
    return true;
}
