/* SPDX-License-Identifier: MIT */
/*
 * Going between EL0 and EL1: what each kind of exception says and saves, what EL0 may not do,
 * nested exceptions, returns to places that do not exist, stack pointers and flags on the way.
 */
#include "lib/lib.h"

static struct space space;

static void setup(void)
{
    page_reset();
    space_init(&space, 12, 16);
    space_map_program(&space);
    mmu_on(&space, NULL, 0);
}

/* An exception from a probe that is no abort: its syndrome, that it returns to `skip` bytes behind
 * the instruction, and from which vector it came. */
static void expect_trap(probe_fn *fn, bool el0, u64 esr, unsigned skip_bytes, int line)
{
    trap_clear();
    if (el0)
        el0_call(fn, 0x1000, 0);
    else
        fn(0x1000, 0);
    check_eq(trap.count, 1, "exceptions", __FILE__, line);
    check_eq(trap.esr, esr, "ESR", __FILE__, line);
    check_eq(trap.elr, (u64)fn + skip_bytes, "ELR", __FILE__, line);
    check_eq(trap.vector, el0 ? 8 : 4, "vector", __FILE__, line);
    check_eq(trap.spsr & 0xf, el0 ? 0 : 5, "SPSR.M", __FILE__, line);
}
#define TRAPS(fn, esr)     expect_trap(fn, false, esr, 0, __LINE__)
#define TRAPS_EL0(fn, esr) expect_trap(fn, true, esr, 0, __LINE__)

static void calls_and_traps(void)
{
    expect_trap(probe_svc, false, ESR(0x15, 0x4321), 4, __LINE__);
    expect_trap(probe_svc, true, ESR(0x15, 0x4321), 4, __LINE__);
    TRAPS(probe_hlt_undef, ESR(0, 0));
    TRAPS_EL0(probe_hlt_undef, ESR(0, 0));
    TRAPS(probe_brk, ESR(0x3c, 0x1234));
    TRAPS_EL0(probe_brk, ESR(0x3c, 0x1234));
}

#define SYS_ISS(op0, op1, crn, crm, op2, rt, read)                                                 \
    ((u64)(op0) << 20 | (u64)(op2) << 17 | (op1) << 14 | (crn) << 10 | (rt) << 5 | (crm) << 1 |    \
     (read))

/* What EL1 has not allowed EL0: trapped where the architecture has a control, else UNDEFINED. */
static void forbidden_at_el0(void)
{
    sctlr_set(0);
    TRAPS_EL0(probe_mrs_sctlr, ESR(0, 0));
    TRAPS_EL0(probe_tlbi, ESR(0, 0));
    TRAPS_EL0(probe_dc_ivac, ESR(0, 0));
    TRAPS_EL0(probe_mrs_ctr, ESR(0x18, SYS_ISS(3, 3, 0, 0, 1, 0, 1)));
    if (plat_quirks & QUIRK_DAIF_ISS)
        skip("syndrome of MSR DAIFSet at EL0", "the platform swaps op1 and op2");
    else
        TRAPS_EL0(probe_msr_daif, ESR(0x18, SYS_ISS(0, 3, 4, 2, 6, 31, 0)));
    TRAPS_EL0(probe_dc_zva, ESR(0x18, SYS_ISS(1, 3, 7, 4, 1, 0, 0)));
    TRAPS_EL0(probe_dc_cvac, ESR(0x18, SYS_ISS(1, 3, 7, 10, 1, 0, 0)));
    TRAPS_EL0(probe_dc_civac, ESR(0x18, SYS_ISS(1, 3, 7, 14, 1, 0, 0)));
    TRAPS_EL0(probe_dc_cvau, ESR(0x18, SYS_ISS(1, 3, 7, 11, 1, 0, 0)));
    TRAPS_EL0(probe_ic_ivau, ESR(0x18, SYS_ISS(1, 3, 7, 5, 1, 0, 0)));
    TRAPS_EL0(probe_wfi, ESR(0x01, 1u << 24 | 14u << 20));
    TRAPS_EL0(probe_eret, ESR(0, 0));
    TRAPS_EL0(probe_hvc, ESR(0, 0));
    TRAPS_EL0(probe_at, ESR(0, 0));
    TRAPS_EL0(probe_mrs_daif, ESR(0x18, SYS_ISS(3, 3, 4, 2, 1, 0, 1)));

    sctlr_set(SCTLR_UCT | SCTLR_UCI | SCTLR_DZE);
    WORKS_EL0(probe_mrs_ctr, 0, 0, READ(ctr_el0));
    WORKS_EL0(probe_dc_cvac, (u64)probe_nop, 0, (u64)probe_nop);
    WORKS_EL0(probe_ic_ivau, (u64)probe_nop, 0, (u64)probe_nop);
    EQ(el0_call(probe_mrs_dczid, 0, 0), READ(dczid_el0));
    sctlr_set(0);
    EQ(el0_call(probe_mrs_dczid, 0, 0), READ(dczid_el0) | 16);
    WRITE(tpidr_el0, 0x1234);
    WRITE(tpidrro_el0, 0x5678);
    EQ(el0_call(probe_mrs_tpidr, 0, 0), 0x1234);
    EQ(el0_call(probe_mrs_tpidrro, 0, 0), 0x5678);
    TRAPS_EL0(probe_msr_tpidrro, ESR(0, 0));
}

/* CPACR_EL1.FPEN */
static void fp_traps(void)
{
    for (unsigned fpen = 0; fpen < 4; fpen++) {
        WRITE(cpacr_el1, (u64)fpen << 20);
        ISB();
        if (fpen == 3 || fpen == 1)
            WORKS(probe_fmov, 1, 0, 1);
        else
            TRAPS(probe_fmov, ESR(0x07, 1u << 24 | 14u << 20));
        if (fpen == 3)
            WORKS_EL0(probe_fmov, 1, 0, 1);
        else
            TRAPS_EL0(probe_fmov, ESR(0x07, 1u << 24 | 14u << 20));
    }
    WRITE(cpacr_el1, 3u << 20);
    ISB();
}

/* ---- nested exceptions ---- */

static unsigned depth, deepest;
static u64 nested_elr[8], nested_esr[8];

/* Each level makes the next, by another kind of exception, and finds its own registers after it. */
static bool nest(struct frame *f)
{
    const unsigned ec = f->esr >> 26;
    if (depth >= 6 || ec == 0)
        return false;
    const u64 elr = READ(elr_el1), spsr = READ(spsr_el1), esr = READ(esr_el1);
    nested_elr[depth] = f->elr;
    nested_esr[depth] = f->esr;
    if (++depth > deepest)
        deepest = depth;
    if (depth < 6) {
        if (depth & 1)
            probe_brk(0, 0);
        else
            probe_svc(0, 0);
    }
    depth--;
    EQ(READ(sp_el0), 0xabc0);
    WRITE(elr_el1, elr);
    WRITE(spsr_el1, spsr);
    EQ(nested_elr[depth], f->elr);
    EQ(nested_esr[depth], esr);
    if (ec == 0x3c)
        f->elr += 4;
    return true;
}

static void nested(void)
{
    WRITE(sp_el0, 0xabc0);
    trap_hook = nest;
    deepest = 0;
    probe_svc(0, 0);
    EQ(deepest, 6);
    trap_hook = NULL;
}

static bool back_from_el0(struct frame *f)
{
    return f->esr == ESR(0x15, 0) && f->vector == 8 ? false : nest(f);
}

static void nested_from_el0(void)
{
    trap_hook = back_from_el0;
    deepest = 0;
    EQ(el0_call(probe_brk, 77, 0), 77);
    OK(deepest >= 1);
    trap_hook = NULL;
}

/* ---- PSTATE on the way ---- */

static struct frame seen;
static u64 seen_daif, seen_spsel, seen_pan, seen_uao;

static bool look(struct frame *f)
{
    if (f->esr == ESR(0x15, 0))
        return false;
    seen = *f;
    seen_daif = READ(daif);
    seen_spsel = READ(spsel);
    if (id_field(READ(id_aa64mmfr1_el1), 20))
        seen_pan = READ(s3_0_c4_c2_3);
    if (id_field(READ(id_aa64mmfr2_el1), 4))
        seen_uao = READ(s3_0_c4_c2_4);
    return true;
}

static void pstate(void)
{
    const bool pan = id_field(READ(id_aa64mmfr1_el1), 20);
    trap_hook = look;
    /* Flags come back, and are seen in SPSR; interrupts are masked on entry. */
    for (unsigned nzcv = 0; nzcv < 16; nzcv++) {
        u64 after;
        __asm__ volatile(
            "msr nzcv, %1\n\tmsr daifclr, #8\n\tsvc #7\n\tmrs %0, nzcv\n\tmsr daifset, #8"
            : "=r"(after)
            : "r"((u64)nzcv << 28)
            : "memory", "cc");
        EQ(after, (u64)nzcv << 28);
        EQ(seen.spsr >> 28, nzcv);
        EQ(seen.spsr & 0x3cf, 0x1c5);
        EQ(seen_daif, 0x3c0);
    }
    /* All registers survive. */
    u64 sum = 0;
    __asm__ volatile(
        "mov x2, #2\n\tmov x3, #3\n\tmov x4, #4\n\tmov x5, #5\n\tmov x28, #28\n\tsvc #7\n\t"
        "add %0, x2, x3\n\tadd %0, %0, x4\n\tadd %0, %0, x5\n\tadd %0, %0, x28"
        : "=&r"(sum)::"x2", "x3", "x4", "x5", "x28", "memory");
    EQ(sum, 42);
    EQ(seen.x[5], 5);
    EQ(seen.x[28], 28);

    /* EL1t: the vector of SP_EL0, and back to it. */
    u64 spsel_after, sp0 = 0x7770, sp_after;
    __asm__ volatile("msr sp_el0, %2\n\tmsr spsel, #0\n\tsvc #7\n\tmrs %0, spsel\n\tmov %1, sp\n\t"
                     "msr spsel, #1"
                     : "=&r"(spsel_after), "=&r"(sp_after)
                     : "r"(sp0)
                     : "memory");
    EQ(seen.vector, 0);
    EQ(seen.spsr & 15, 4);
    EQ(seen_spsel, 1);
    EQ(spsel_after, 0);
    EQ(sp_after, 0x7770);

    if (pan) {
        WRITE(sctlr_el1, READ(sctlr_el1) & ~(u64)SCTLR_SPAN); /* an exception sets PAN */
        ISB();
        WRITE(s3_0_c4_c2_3, 0);
        probe_svc(0, 0);
        EQ(seen_pan, 1u << 22);
        EQ(seen.spsr >> 22 & 1, 0);
        EQ(READ(s3_0_c4_c2_3), 0);
        sctlr_set(SCTLR_SPAN); /* PAN stays as it is */
        probe_svc(0, 0);
        EQ(seen_pan, 0);
        WRITE(s3_0_c4_c2_3, 1u << 22);
        probe_svc(0, 0);
        EQ(seen_pan, 1u << 22);
        EQ(seen.spsr >> 22 & 1, 1);
        EQ(READ(s3_0_c4_c2_3), 1u << 22);
        WRITE(s3_0_c4_c2_3, 0);
        sctlr_set(0);
    }
    if (id_field(READ(id_aa64mmfr2_el1), 4)) {
        WRITE(s3_0_c4_c2_4, 1u << 23);
        probe_svc(0, 0);
        EQ(seen_uao, 0);
        EQ(seen.spsr >> 23 & 1, 1);
        EQ(READ(s3_0_c4_c2_4), 1u << 23);
        WRITE(s3_0_c4_c2_4, 0);
    }
    trap_hook = NULL;
}

static u64 seen_il;

static bool clear_il(struct frame *f)
{
    seen_il = f->spsr >> 20 & 1;
    f->spsr &= ~(1ull << 20);
    return false;
}

/* ERET with a mode that does not exist here: PSTATE.IL, and the next instruction is not run. */
static void illegal_return(void)
{
    static const unsigned short modes[] = {0x3c9, 0x3cd, 0x3c1, 0x3c6, 0x3d3};
    for (unsigned n = 0; n < sizeof modes / sizeof modes[0]; n++) {
        u64 ran = 0;
        trap_clear();
        /* The program goes on behind the instruction, without IL: clear_il() takes it out. */
        __asm__ volatile("adr x3, 1f\n\tmsr elr_el1, x3\n\tmsr spsr_el1, %1\n\teret\n\t"
                         "1: mov %0, #1\n\tnop"
                         : "+r"(ran)
                         : "r"((u64)modes[n])
                         : "x3", "memory");
        EQ(trap.count, 1);
        EQ(trap.esr, ESR(0x0e, 0));
        EQ(trap.vector, 4);
        EQ(seen_il, 1);
        EQ(ran, 0);
    }
}

int main(void)
{
    setup();
    RUN(calls_and_traps);
    RUN(forbidden_at_el0);
    RUN(fp_traps);
    RUN(nested);
    RUN(nested_from_el0);
    RUN(pstate);
    trap_hook = clear_il;
    RUN(illegal_return);
    trap_hook = NULL;
    mmu_off();
    return 0;
}
