/* SPDX-License-Identifier: MIT */
/*
 * Small features that have a state or a control: PSTATE.DIT and SSBS on the way through exceptions,
 * what EL0 may do by CNTKCTL_EL1 and SCTLR_EL1, E0PD, and hints of translation (CnP, TTL) that must
 * not change what is translated.
 */
#include "lib/lib.h"

#define SCTLR_UMA    (1u << 9)
#define SCTLR_ENRCTX (1u << 10)
#define SCTLR_NTWE   (1u << 18)
#define DSSBS        (1ull << 44)
#define PSTATE_SSBS  (1u << 12)
#define PSTATE_DIT   (1u << 24)

#define SYS_ISS(op0, op1, crn, crm, op2, rt, read)                                                 \
    ((u64)(op0) << 20 | (u64)(op2) << 17 | (op1) << 14 | (crn) << 10 | (rt) << 5 | (crm) << 1 |    \
     (read))
#define PROBE(name, insn)                                                                          \
    extern probe_fn name;                                                                          \
    __asm__(".text\n" #name ": " insn "\n ret\n");
PROBE(cfp_rctx, "sys #3, c7, c3, #4, x0")
PROBE(dvp_rctx, "sys #3, c7, c3, #5, x0")
PROBE(cpp_rctx, "sys #3, c7, c3, #7, x0")
PROBE(set_dit, "msr s3_3_c4_c2_5, x0\n mrs x0, s3_3_c4_c2_5")
PROBE(set_ssbs, "msr s3_3_c4_c2_6, x0\n mrs x0, s3_3_c4_c2_6")
PROBE(mask_irq, "msr daifset, #2\n mrs x0, daif\n msr daifclr, #2")
PROBE(wait, "sevl\n wfe\n wfe")
PROBE(no_wait, "sevl\n wfe")
PROBE(cntvct, "mrs x0, cntvct_el0")
PROBE(cntpct, "mrs x0, cntpct_el0")
PROBE(cntfrq, "mrs x0, cntfrq_el0")
PROBE(cntv_ctl, "mrs x0, cntv_ctl_el0")
PROBE(cntp_cval, "mrs x0, cntp_cval_el0")

static struct space space, upper;

static void setup(void)
{
    page_reset();
    space_init(&space, 12, 16);
    space_init(&upper, 12, 16);
    space_map_program(&space);
    mmu_on(&space, &upper, 0);
}

static u64 seen_spsr, seen_dit, seen_ssbs;

static bool look(struct frame *f)
{
    if (f->esr == ESR(0x15, 0))
        return false;
    seen_spsr = f->spsr;
    if (id_field(READ(id_aa64pfr0_el1), 48))
        seen_dit = READ(s3_3_c4_c2_5);
    if (id_field(READ(id_aa64pfr1_el1), 4) >= 2)
        seen_ssbs = READ(s3_3_c4_c2_6);
    return true;
}

/* An exception leaves DIT alone, and its return brings back what the handler made of it. */
static void dit(void)
{
    if (!id_field(READ(id_aa64pfr0_el1), 48))
        return skip("PSTATE.DIT", "not announced");
    trap_hook = look;
    for (u64 on = 0; on < 2; on++) {
        EQ(set_dit(on ? ~0ull : 0, 0), on * PSTATE_DIT);
        probe_svc(0, 0);
        EQ(seen_spsr & PSTATE_DIT, on * PSTATE_DIT);
        if (plat_quirks & QUIRK_DIT_CLEARED)
            skip("PSTATE.DIT in a handler", "the platform clears it");
        else
            EQ(seen_dit, on * PSTATE_DIT);
        EQ(READ(s3_3_c4_c2_5), on * PSTATE_DIT);
        EQ(el0_call(set_dit, (1 - on) * PSTATE_DIT, 0), (1 - on) * PSTATE_DIT);
    }
    __asm__ volatile(".inst 0xd503415f\n"); /* msr dit, #1 */
    EQ(READ(s3_3_c4_c2_5), PSTATE_DIT);
    __asm__ volatile(".inst 0xd503405f\n"); /* msr dit, #0 */
    EQ(READ(s3_3_c4_c2_5), 0);
    trap_hook = NULL;
}

/* An exception sets SSBS to SCTLR_EL1.DSSBS. */
static void ssbs(void)
{
    if (id_field(READ(id_aa64pfr1_el1), 4) < 2)
        return skip("PSTATE.SSBS", "not announced");
    trap_hook = look;
    for (unsigned n = 0; n < 4; n++) {
        const u64 on = n & 1, entered = n >> 1;
        WRITE(sctlr_el1, entered ? READ(sctlr_el1) | DSSBS : READ(sctlr_el1) & ~DSSBS);
        ISB();
        EQ(set_ssbs(on ? ~0ull : 0, 0), on * PSTATE_SSBS);
        probe_svc(0, 0);
        EQ(seen_spsr & PSTATE_SSBS, on * PSTATE_SSBS);
        EQ(seen_ssbs, entered * PSTATE_SSBS);
        EQ(READ(s3_3_c4_c2_6), on * PSTATE_SSBS);
    }
    EQ(el0_call(set_ssbs, PSTATE_SSBS, 0), PSTATE_SSBS);
    sctlr_set(0);
    WRITE(s3_3_c4_c2_6, 0);
    trap_hook = NULL;
}

static void traps_el0(probe_fn *fn, u64 esr, int line)
{
    trap_clear();
    el0_call(fn, 0, 0);
    check_eq(trap.count, 1, "exceptions", __FILE__, line);
    check_eq(trap.esr, esr, "ESR", __FILE__, line);
}
#define TRAPS_EL0(fn, esr) traps_el0(fn, esr, __LINE__)

static void prediction(void)
{
    if (!id_field(READ(id_aa64isar1_el1), 40))
        return skip("CFP, DVP and CPP RCTX", "not announced");
    sctlr_set(0);
    WORKS(cfp_rctx, 0, 0, 0);
    WORKS(dvp_rctx, 0, 0, 0);
    WORKS(cpp_rctx, 0, 0, 0);
    TRAPS_EL0(cfp_rctx, ESR(0x18, SYS_ISS(1, 3, 7, 3, 4, 0, 0)));
    TRAPS_EL0(dvp_rctx, ESR(0x18, SYS_ISS(1, 3, 7, 3, 5, 0, 0)));
    TRAPS_EL0(cpp_rctx, ESR(0x18, SYS_ISS(1, 3, 7, 3, 7, 0, 0)));
    sctlr_set(SCTLR_ENRCTX);
    WORKS_EL0(cfp_rctx, 0, 0, 0);
    WORKS_EL0(dvp_rctx, 0, 0, 0);
    WORKS_EL0(cpp_rctx, 0, 0, 0);
    sctlr_set(0);
}

static void masks_and_waits(void)
{
    sctlr_set(SCTLR_UMA);
    EQ(el0_call(mask_irq, 0, 0) & 0x80, 0x80);
    sctlr_set(0);
    /* WFE goes on at once if there was an event, and then is not trapped. */
    WORKS_EL0(no_wait, 5, 0, 5);
    if (plat_quirks & QUIRK_WFE_NOTHING)
        skip("WFE at EL0", "the platform never waits for an event");
    else
        TRAPS_EL0(wait, ESR(0x01, 1u << 24 | 14u << 20 | 1));
}

static void counters(void)
{
    static const struct {
        probe_fn *fn;
        u64 iss;
        unsigned enables; /* any of these bits of CNTKCTL_EL1 */
    } reads[] = {
        {cntpct, SYS_ISS(3, 3, 14, 0, 1, 0, 1), 1},
        {cntvct, SYS_ISS(3, 3, 14, 0, 2, 0, 1), 2},
        {cntfrq, SYS_ISS(3, 3, 14, 0, 0, 0, 1), 3},
        {cntv_ctl, SYS_ISS(3, 3, 14, 3, 1, 0, 1), 1u << 8},
        {cntp_cval, SYS_ISS(3, 3, 14, 2, 2, 0, 1), 1u << 9},
    };
    static const unsigned controls[] = {0, 1, 2, 3, 1u << 8, 1u << 9, 0x303};
    for (unsigned c = 0; c < sizeof controls / sizeof controls[0]; c++) {
        WRITE(cntkctl_el1, controls[c]);
        ISB();
        for (unsigned n = 0; n < sizeof reads / sizeof reads[0]; n++) {
            if (!(controls[c] & reads[n].enables)) {
                TRAPS_EL0(reads[n].fn, ESR(0x18, reads[n].iss));
                continue;
            }
            if (reads[n].fn == cntp_cval && plat_quirks & QUIRK_NO_PHYSICAL) {
                skip("physical timer", "this machine has none");
                continue;
            }
            trap_clear();
            el0_call(reads[n].fn, 0, 0);
            EQ(trap.count, 0);
        }
    }
    WRITE(cntkctl_el1, 0);
    const u64 before = READ(cntvct_el0);
    OK(READ(cntvct_el0) >= before);
}

/* E0PD1: for EL0 the upper half is not there, whatever the tables say. */
static void e0pd(void)
{
    const u64 va = 0xffff123456780000, pa = (u64)page_alloc(4096);
    if (!id_field(READ(id_aa64mmfr2_el1), 60))
        return skip("E0PD", "not announced");
    space_map(&upper, va, pa, 3, PTE_NORMAL | PTE_PXN | PTE_UXN | PTE_EL0);
    *(volatile u64 *)pa = 77;
    DSB();
    const u64 tcr = READ(tcr_el1);
    WORKS_EL0(probe_ldr, va, 0, 77);
    WRITE(tcr_el1, tcr | 1ull << 56);
    TLBI_ALL();
    FAULTS_EL0(probe_ldr, va, DABT_EL0(FSC_TRANSLATION(0), 0));
    FAULTS_EL0(probe_str, va, DABT_EL0(FSC_TRANSLATION(0), 1));
    WORKS(probe_ldr, va, 0, 77);
    WRITE(tcr_el1, tcr);
    TLBI_ALL();
}

/* CnP in TTBR is no part of the address; TTL in the operand of a TLBI names the right level. */
static void hints(void)
{
    const u64 va = 0x123456780000;
    u64 page[2];
    for (unsigned n = 0; n < 2; n++) {
        page[n] = (u64)page_alloc(4096);
        *(volatile u64 *)page[n] = 100 + n;
    }
    if (id_field(READ(id_aa64mmfr2_el1), 0)) {
        WRITE(ttbr0_el1, READ(ttbr0_el1) | 1);
        TLBI_ALL();
    }
    const bool ttl = id_field(READ(id_aa64mmfr2_el1), 48);
    for (unsigned round = 0; round < 4; round++) {
        space_map(&space, va, page[round & 1], 3, PTE_NORMAL | PTE_PXN | PTE_UXN);
        TLBI(vae1, (va >> 12 & 0xfffffffffff) | (ttl ? 7ull << 44 : 0)); /* 4 KiB, level 3 */
        WORKS(probe_ldr, va, 0, 100 + (round & 1));
        *space_slot(&space, va, 3) = 0;
        TLBI(vaale1, (va >> 12 & 0xfffffffffff) | (ttl ? 7ull << 44 : 0));
        FAULTS(probe_ldr, va, DABT_EL1(FSC_TRANSLATION(3), 0));
    }
}

int main(void)
{
    setup();
    RUN(dit);
    RUN(ssbs);
    RUN(prediction);
    RUN(masks_and_waits);
    RUN(counters);
    RUN(e0pd);
    RUN(hints);
    mmu_off();
    return 0;
}
