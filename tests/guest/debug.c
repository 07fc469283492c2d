/* SPDX-License-Identifier: MIT */
/*
 * Self-hosted debug: breakpoints, watchpoints and software step, taken to EL1 from EL0 and from EL1
 * itself: what each condition lets through, what the syndromes say, and that what is off stays off.
 */
#include "lib/lib.h"

#define MDSCR_SS  (1u << 0)
#define MDSCR_KDE (1u << 13)
#define MDSCR_MDE (1u << 15)
#define PSTATE_D  (1u << 9)
#define SPSR_SS   (1ull << 21)

/* Controls of breakpoints and watchpoints. */
#define E         1u
#define AT_EL1    (1u << 1)
#define AT_EL0    (2u << 1)
#define BOTH      (3u << 1)
#define BAS_BREAK (15u << 5)
#define LOADS     (1u << 3)
#define STORES    (2u << 3)
#define BAS(bits) ((u64)(bits) << 5)
#define MASK(n)   ((u64)(n) << 24)
#define LINKED    (1u << 20) /* both kinds */
#define CONTEXT   (2u << 20)
#define LBN(n)    ((u64)(n) << 16)

__asm__(".arch armv8.2-a\n.text\n.balign 64\n"
        "three: add x0, x0, #1\n"
        "three_2: add x0, x0, #1\n"
        "three_3: add x0, x0, #1\n ret\n"
        "loop: add x0, x0, #1\n"
        "loop_2: subs x1, x1, #1\n b.ne loop\n ret\n"
        "walk: add x0, x0, #1\n mov x9, x30\n bl three\n mov x10, x30\n mov x30, x9\n ret\n"
        "increment: ldxr x2, [x0]\n add x2, x2, x1\n stxr w3, x2, [x0]\n mov w0, w3\n ret\n"
        "svc_walk: add x0, x0, #1\n svc #5\n add x0, x0, #1\n ret\n"
        "swap: swp x1, x0, [x0]\n ret\n"
        "pair: ldp x0, x1, [x0]\n ret\n");
extern probe_fn three, three_2, three_3, loop, loop_2, walk, increment, svc_walk, swap, pair;

static struct space space;
static u64 data[1024] __attribute__((aligned(8192)));

/* All exceptions of debug land here. */
static struct {
    u64 count, esr, elr, far, spsr, vector;
    u64 x0; /* as the exception found it */
} seen;
static u64 path[64];
static bool stepping;

static bool see(struct frame *f)
{
    const unsigned ec = f->esr >> 26 & 63;
    if (ec < 0x30 || ec > 0x35)
        return stepping && ec == 0x15 && (f->esr & 0xffff) == 5;
    if (seen.count < 64)
        path[seen.count] = f->elr;
    seen.count++;
    seen.esr = f->esr;
    seen.elr = f->elr;
    seen.far = f->far;
    seen.spsr = f->spsr;
    seen.vector = f->vector;
    seen.x0 = f->x[0];
    if (ec == 0x32 || ec == 0x33) {
        f->spsr |= SPSR_SS;
        if (f->elr == f->x[29]) { /* the end of what is stepped */
            f->spsr &= ~SPSR_SS;
            WRITE(mdscr_el1, READ(mdscr_el1) & ~(u64)MDSCR_SS);
        }
    } else if (ec == 0x34 || ec == 0x35) {
        f->elr += 4;
    } else { /* breakpoint: the first of `three` or `loop` is done for it */
        f->x[0] += 1;
        f->elr += 4;
    }
    return true;
}

static void arm(u64 mdscr)
{
    WRITE(mdscr_el1, mdscr);
    ISB();
    seen.count = seen.esr = seen.far = 0;
}

static bool locked;
static void lock_os(void)
{
    locked = !(plat_quirks & QUIRK_OS_LOCK_OPEN);
    if (!locked)
        skip("the OS lock", "the platform takes debug exceptions all the same");
    WRITE(oslar_el1, locked);
    ISB();
}

/* At EL1 with PSTATE.D clear. */
static u64 undebugged(probe_fn *fn, u64 a, u64 b)
{
    __asm__ volatile("msr daifclr, #8" ::: "memory");
    const u64 result = fn(a, b);
    __asm__ volatile("msr daifset, #8" ::: "memory");
    return result;
}

static void setup(void)
{
    page_reset();
    space_init(&space, 12, 16);
    space_map_program(&space);
    for (unsigned n = 0; n < 2; n++) /* data: for EL0, too */
        space_map(&space, (u64)data + n * 4096, (u64)data + n * 4096, 3,
                  PTE_NORMAL | PTE_EL0 | PTE_UXN | PTE_PXN);
    mmu_on(&space, NULL, 0);
    WRITE(oslar_el1, 0);
    arm(0);
}

/* ---- breakpoints ---- */

#define BREAK_AT(n, address, control)                                                              \
    do {                                                                                           \
        WRITE(dbgbvr##n##_el1, (u64)(address));                                                    \
        WRITE(dbgbcr##n##_el1, control);                                                           \
        ISB();                                                                                     \
    } while (0)

/* Run three(10, 0) at each level: how many breakpoints, and the sum is right all the same. */
static void breaks(unsigned el0, unsigned el1, int line)
{
    for (unsigned round = 0; round < 60; round++) {
        seen.count = 0;
        check_eq(el0_call(three, 10, 0), 13, "result at EL0", __FILE__, line);
        check_eq(seen.count, el0, "breakpoints at EL0", __FILE__, line);
        if (el0) {
            check_eq(seen.esr, ESR(0x30, 0x22), "ESR", __FILE__, line);
            check_eq(seen.vector, 8, "vector", __FILE__, line);
        }
        seen.count = 0;
        check_eq(undebugged(three, 10, 0), 13, "result at EL1", __FILE__, line);
        check_eq(seen.count, el1, "breakpoints at EL1", __FILE__, line);
        if (el1) {
            check_eq(seen.esr, ESR(0x31, 0x22), "ESR", __FILE__, line);
            check_eq(seen.vector, 4, "vector", __FILE__, line);
        }
    }
}
#define BREAKS(el0, el1) breaks(el0, el1, __LINE__)

static void breakpoints(void)
{
    const u64 at = (u64)three_2;
    arm(MDSCR_MDE | MDSCR_KDE);
    BREAKS(0, 0);
    BREAK_AT(0, at, E | BOTH | BAS_BREAK);
    BREAKS(1, 1);
    EQ(seen.elr, at);
    EQ(seen.x0, 11); /* before the instruction */
    BREAK_AT(0, at, E | AT_EL0 | BAS_BREAK);
    BREAKS(1, 0);
    BREAK_AT(0, at, E | AT_EL1 | BAS_BREAK);
    BREAKS(0, 1);
    BREAK_AT(0, at, BOTH | BAS_BREAK); /* not enabled */
    BREAKS(0, 0);
    BREAK_AT(0, at, E | BOTH | BAS_BREAK);
    arm(MDSCR_KDE); /* no MDE */
    BREAKS(0, 0);
    arm(MDSCR_MDE); /* no KDE: EL0 alone */
    BREAKS(1, 0);
    arm(MDSCR_MDE | MDSCR_KDE);
    lock_os();
    if (locked)
        BREAKS(0, 0);
    WRITE(oslar_el1, 0);
    ISB();
    BREAKS(1, 1);
    seen.count = 0;
    EQ(three(10, 0), 13); /* PSTATE.D is set */
    EQ(seen.count, 0);
    BREAK_AT(1, three, E | BOTH | BAS_BREAK);
    BREAK_AT(5, three_3, E | BOTH | BAS_BREAK);
    BREAKS(3, 3);
    BREAK_AT(0, 0, 0);
    BREAK_AT(1, 0, 0);
    BREAKS(1, 1);
    BREAK_AT(5, 0, 0);
    BREAKS(0, 0);
}

/* In code that is warm, and in the middle of a loop. */
static void break_in_loop(void)
{
    arm(MDSCR_MDE | MDSCR_KDE);
    for (unsigned n = 0; n < 3; n++) {
        seen.count = 0;
        EQ(undebugged(loop, 0, 200), 200);
        EQ(seen.count, 0);
        BREAK_AT(3, loop, E | BOTH | BAS_BREAK);
        EQ(undebugged(loop, 0, 200), 200);
        EQ(seen.count, 200);
        BREAK_AT(3, 0, 0);
    }
}

/* Units 4 and 5 know the context (CONTEXTIDR_EL1). */
static void contexts(void)
{
    const unsigned first =
        id_field(READ(id_aa64dfr0_el1), 12) - id_field(READ(id_aa64dfr0_el1), 28);
    EQ(first, 4);
    arm(MDSCR_MDE | MDSCR_KDE);
    WRITE(contextidr_el1, 0x1235);
    BREAK_AT(0, three_2, E | BOTH | BAS_BREAK | LINKED | LBN(5));
    BREAK_AT(5, 0x1235, E | BOTH | BAS_BREAK | CONTEXT | LINKED);
    BREAKS(1, 1);
    WRITE(contextidr_el1, 0x1234);
    ISB();
    BREAKS(0, 0);
    BREAK_AT(5, 0x1234, E | BOTH | BAS_BREAK | CONTEXT | LINKED);
    BREAKS(1, 1);
    BREAK_AT(5, 0x1234, BOTH | BAS_BREAK | CONTEXT | LINKED); /* the linked one is off */
    BREAKS(0, 0);
    BREAK_AT(0, 0, 0);
    /* By context alone: every instruction of `three` at EL0, then its RET, which is skipped, and so
     * on: here just that it comes, and goes with the context. */
    BREAK_AT(5, 0x1234, E | AT_EL0 | BAS_BREAK | CONTEXT);
    WRITE(contextidr_el1, 0x4321);
    ISB();
    BREAKS(0, 0);
    BREAK_AT(5, 0, 0);
    WRITE(contextidr_el1, 0);
}

/* ---- watchpoints ---- */

#define WATCH(n, address, control)                                                                 \
    do {                                                                                           \
        WRITE(dbgwvr##n##_el1, (u64)(address));                                                    \
        WRITE(dbgwcr##n##_el1, control);                                                           \
        ISB();                                                                                     \
    } while (0)

/* ID_AA64ISAR0_EL1.Atomic: is there SWP? */
static bool has_lse(void)
{
    uint64_t isar0;
    __asm__("mrs %0, id_aa64isar0_el1" : "=r"(isar0));
    return isar0 >> 20 & 15;
}

static void watch_one(probe_fn *fn, u64 va, bool el0, bool hit, bool write, u64 far, int line)
{
    seen.count = seen.esr = seen.far = 0;
    if (el0)
        el0_call(fn, va, 7);
    else
        undebugged(fn, va, 7);
    check_eq(seen.count, hit, "watchpoints", __FILE__, line);
    if (!hit)
        return;
    const u64 wnr = plat_quirks & QUIRK_WATCH_SLOPPY ? seen.esr & 64 : write ? 64 : 0;
    check_eq(seen.esr, ESR(el0 ? 0x34 : 0x35, 0x22 | wnr), "ESR", __FILE__, line);
    check_eq(seen.far, far, "FAR", __FILE__, line);
    check_eq(seen.elr, (u64)fn, "ELR", __FILE__, line);
}
#define HITS(fn, va, el0, write, far) watch_one(fn, va, el0, true, write, far, __LINE__)
#define MISSES(fn, va, el0)           watch_one(fn, va, el0, false, false, 0, __LINE__)

static void watchpoints(void)
{
    const u64 at = (u64)&data[64];
    arm(MDSCR_MDE | MDSCR_KDE);
    data[64] = 1;
    WATCH(0, at, E | BOTH | LOADS | STORES | BAS(0xff));
    for (unsigned el0 = 0; el0 < 2; el0++) {
        HITS(probe_ldr, at, el0, false, at);
        HITS(probe_str, at, el0, true, at);
        HITS(probe_ldrb, at + 3, el0, false, at + 3);
        HITS(probe_strb, at + 7, el0, true, at + 7);
        HITS(probe_ldr, at - 4, el0, false, at); /* across the doubleword */
        HITS(pair, at - 8, el0, false, at);
        HITS(probe_ldxr, at, el0, false, at);
        HITS(probe_ldar, at, el0, false, at);
        HITS(probe_stlr, at, el0, true, at);
        MISSES(probe_ldr, at + 8, el0);
        MISSES(probe_str, at - 8, el0);
        MISSES(probe_prfm, at, el0);
    }
    EQ(data[64], 1); /* none of the stores was done */
    WATCH(0, at, E | BOTH | STORES | BAS(0xff));
    MISSES(probe_ldr, at, false);
    HITS(probe_str, at, false, true, at);
    if (has_lse())
        HITS(swap, at, false, true, at);
    WATCH(0, at, E | BOTH | LOADS | BAS(0xff));
    MISSES(probe_str, at, true);
    EQ(data[64], 7);
    HITS(probe_ldr, at, true, false, at);
    if (has_lse())
        HITS(swap, at, true, false, at);
    else
        skip("watchpoints on an atomic", "the CPU has no FEAT_LSE");
    WATCH(0, at, E | AT_EL1 | LOADS | STORES | BAS(0xff));
    HITS(probe_ldr, at, false, false, at);
    MISSES(probe_ldr, at, true);
    const bool as_el0 = !(plat_quirks & QUIRK_WATCH_LDTR); /* LDTR has the rights of EL0 */
    if (as_el0)
        MISSES(probe_ldtr, at, false);
    else
        skip("watchpoints on LDTR", "the platform takes it for EL1's");
    WATCH(0, at, E | AT_EL0 | LOADS | STORES | BAS(0xff));
    MISSES(probe_ldr, at, false);
    HITS(probe_ldr, at, true, false, at);
    if (as_el0)
        HITS(probe_ldtr, at, false, false, at);
    /* Some bytes of the doubleword. */
    WATCH(0, at, E | BOTH | LOADS | STORES | BAS(0x30));
    MISSES(probe_ldrb, at + 3, false);
    HITS(probe_ldrb, at + 4, false, false, at + 4);
    HITS(probe_strb, at + 5, true, true, at + 5);
    MISSES(probe_strb, at + 6, true);
    MISSES(probe_ldr32, at, false);
    HITS(probe_ldr32, at + 4, false, false, at + 4);
    WATCH(0, at + 4, E | BOTH | LOADS | STORES | BAS(0x3)); /* a word's */
    HITS(probe_ldrb, at + 5, false, false, at + 5);
    MISSES(probe_ldrb, at + 6, false);
    MISSES(probe_ldrb, at + 1, false);
    WATCH(0, 0, 0);
}

static void watch_ranges(void)
{
    const u64 at = (u64)data;
    arm(MDSCR_MDE | MDSCR_KDE);
    WATCH(1, at, E | BOTH | LOADS | STORES | BAS(0xff) | MASK(12));
    HITS(probe_ldr, at, false, false, at);
    HITS(probe_ldrb, at + 4095, true, false, at + 4095);
    MISSES(probe_ldrb, at + 4096, true);
    WATCH(1, at, E | BOTH | LOADS | STORES | BAS(0xff) | MASK(13));
    if (!(plat_quirks & QUIRK_WATCH_SLOPPY))
        HITS(probe_ldr, at + 4092, false, false, at + 4092); /* across pages */
    HITS(probe_ldrb, at + 8191, true, false, at + 8191);
    HITS(probe_dc_zva, at + 64, false, true, at + 64);
    WATCH(1, at + 4096, E | BOTH | STORES | BAS(0xff) | MASK(4));
    HITS(probe_str, at + 4092, false, true, at + 4096);
    MISSES(probe_str, at + 4096 + 16, false);
    MISSES(probe_ldr, at + 4096, false);
    WATCH(1, 0, 0);
    MISSES(probe_str, at + 4096, false);
}

/* What else decides, and that a page is as fast as any when it is over. */
static void watch_conditions(void)
{
    const u64 at = (u64)&data[8];
    WATCH(3, at, E | BOTH | LOADS | STORES | BAS(0xff));
    arm(MDSCR_KDE);
    MISSES(probe_ldr, at, true);
    arm(MDSCR_MDE);
    HITS(probe_ldr, at, true, false, at);
    MISSES(probe_ldr, at, false);
    arm(MDSCR_MDE | MDSCR_KDE);
    HITS(probe_ldr, at, false, false, at);
    probe_ldr(at, 0); /* PSTATE.D */
    EQ(seen.count, 1);
    lock_os();
    if (locked)
        MISSES(probe_ldr, at, true);
    WRITE(oslar_el1, 0);
    /* A fault of the access itself comes first. */
    WATCH(3, 0x7000000000, E | BOTH | LOADS | STORES | BAS(0xff));
    FAULTS(probe_ldr, 0x7000000000, DABT_EL1(FSC_TRANSLATION(1), 0));
    WRITE(contextidr_el1, 5);
    BREAK_AT(4, 5, E | BOTH | BAS_BREAK | CONTEXT | LINKED);
    WATCH(3, at, E | BOTH | LOADS | STORES | BAS(0xff) | LINKED | LBN(4));
    HITS(probe_ldr, at, true, false, at);
    WRITE(contextidr_el1, 6);
    MISSES(probe_ldr, at, true);
    BREAK_AT(4, 0, 0);
    WATCH(3, 0, 0);
    arm(0);
    MISSES(probe_ldr, at, true);
}

/* ---- software step ---- */

/* el0_step(fn, a, b): fn at EL0 by single steps, from its first instruction until it has returned;
 * x29 tells where that is. */
u64 el0_step(u64 fn, u64 a, u64 b);
__asm__(".text\n"
        "el0_step: stp x29, x30, [sp, #-96]!\n stp x19, x20, [sp, #16]\n stp x21, x22, [sp, #32]\n"
        " stp x23, x24, [sp, #48]\n stp x25, x26, [sp, #64]\n stp x27, x28, [sp, #80]\n"
        " msr elr_el1, x0\n mov x3, #0x3c0\n orr x3, x3, #0x200000\n msr spsr_el1, x3\n"
        " mov x0, x1\n mov x1, x2\n adr x30, 1f\n adr x29, 1f\n eret\n"
        "1: svc #0\n");

static u64 steps;
static u64 count_steps(probe_fn *fn, u64 a, u64 b)
{
    for (unsigned n = 0; n < 64; n++)
        path[n] = 0;
    arm(MDSCR_SS);
    stepping = true;
    const u64 result = el0_step((u64)fn, a, b);
    stepping = false;
    steps = seen.count;
    return result;
}

static void steps_of_el0(void)
{
    EQ(count_steps(three, 10, 0), 13);
    EQ(steps, 4); /* behind each, the return too */
    EQ(path[0], (u64)three + 4);
    EQ(path[1], (u64)three + 8);
    EQ(path[2], (u64)three + 12);
    EQ(seen.esr >> 26, 0x32);
    EQ(seen.esr & 0x3f, 0x22);
    EQ(seen.esr >> 24 & 1, 1);
    EQ(seen.vector, 8);
    /* Calls and branches, the same again: nothing runs on. */
    for (unsigned n = 0; n < 40; n++) {
        EQ(count_steps(walk, 10, 0), 14);
        EQ(steps, 10);
        EQ(path[2], (u64)three);
        EQ(path[6], (u64)walk + 12);
        EQ(count_steps(loop, 0, 3), 3);
        EQ(steps, 10);
    }
}

static u64 exclusive_word;

/* Each step breaks the exclusive pair, as it breaks the monitor; the syndrome tells of the load. */
static bool see_exclusive(struct frame *f)
{
    const bool mine = see(f);
    if (mine && f->elr == (u64)increment + 4)
        exclusive_word = f->esr;
    return mine;
}

static void step_exclusive(void)
{
    data[3] = 40;
    trap_hook = see_exclusive;
    const u64 failed = count_steps(increment, (u64)&data[3], 2);
    trap_hook = see;
    EQ(failed, 1);
    EQ(data[3], 40);
    EQ(steps, 5);
    EQ(exclusive_word >> 6 & 1, 1);
    OK(exclusive_word >> 24 & 1);
    EQ(seen.esr >> 6 & 1, 0);
}

/* A call of the kernel is a complete step: the exception comes at once after it. */
static void step_svc(void)
{
    EQ(count_steps(svc_walk, 0, 0), 2);
    EQ(steps, 4);
    EQ(path[0], (u64)svc_walk + 4);
    EQ(path[1], (u64)svc_walk + 8);
    EQ(path[2], (u64)svc_walk + 12);
}

/* Stepping needs MDSCR_EL1.SS, the OS lock open, and at EL1 KDE and PSTATE.D clear. */
static void step_conditions(void)
{
    arm(0);
    EQ(el0_step((u64)three, 10, 0), 13);
    EQ(seen.count, 0);
    lock_os();
    if (locked) {
        arm(MDSCR_SS);
        EQ(el0_step((u64)three, 10, 0), 13);
        EQ(seen.count, 0);
    }
    arm(0);
    WRITE(oslar_el1, 0);
    /* SPSR.SS clear: the exception comes before the first instruction. */
    arm(MDSCR_SS);
    stepping = true;
    EQ(el0_call(three, 10, 0), 13);
    stepping = false;
    arm(0);
}

int main(void)
{
    setup();
    trap_hook = see;
    RUN(breakpoints);
    RUN(break_in_loop);
    RUN(contexts);
    RUN(watchpoints);
    RUN(watch_ranges);
    RUN(watch_conditions);
    RUN(steps_of_el0);
    RUN(step_exclusive);
    RUN(step_svc);
    RUN(step_conditions);
    trap_hook = NULL;
    mmu_off();
    return 0;
}
