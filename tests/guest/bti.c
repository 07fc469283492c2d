/* SPDX-License-Identifier: MIT */
/*
 * Branch target identification: every kind of indirect branch, from guarded and plain pages, to
 * every kind of landing, at EL1 and EL0, often enough for a translator to take part.
 */
#include "lib/lib.h"

#define PTE_GP    (1ull << 50)
#define SCTLR_BT0 (1ull << 35)
#define SCTLR_BT1 (1ull << 36)
#define ROUNDS    40

/* fn(target): branch there, and come back by its RET. They may be called, themselves. No stack: it
 * runs at EL0 too. */
#define BRANCHES(p)                                                                                   \
#p "_blr: bti c\n mov x10, x30\n blr x0\n mov x30, x10\n ret\n" #p                                \
       "_br: bti c\n mov x10, x30\n adr x30, 1f\n br x0\n1: mov x30, x10\n ret\n" #p                  \
       "_br16: bti c\n mov x10, x30\n adr x30, 1f\n mov x16, x0\n br x16\n1: mov x30, x10\n ret\n" #p \
       "_br17: bti c\n mov x10, x30\n adr x30, 1f\n mov x17, x0\n br x17\n1: mov x30, x10\n ret\n" #p \
       "_ret: bti c\n mov x10, x30\n adr x30, 1f\n ret x0\n1: mov x30, x10\n ret\n"
__asm__(".arch armv8.5-a\n.text\n.balign 4096\n"
        "plain_page: " BRANCHES(u) ".balign 4096\n"
                                   "guarded_page: " BRANCHES(g) "to_none: nop\n ret\n"
                                                                "to_bti: bti\n ret\n"
                                                                "to_c: bti c\n ret\n"
                                                                "to_j: bti j\n ret\n"
                                                                "to_jc: bti jc\n ret\n"
                                                                "to_pac: paciasp\n autiasp\n ret\n"
                                                                "to_pacb: pacibsp\n autibsp\n ret\n"
                                                                "to_brk: brk #7\n ret\n"
                                                                ".balign 4096\n.arch armv8.2-a\n");
extern char guarded_page[];
extern probe_fn u_blr, u_br, u_br16, u_br17, u_ret, g_blr, g_br, g_br16, g_br17, g_ret;
extern probe_fn to_none, to_bti, to_c, to_j, to_jc, to_pac, to_pacb, to_brk;

static const struct {
    probe_fn *branch;
    unsigned btype;
} branches[] = {{u_blr, 2}, {u_br, 1}, {u_br16, 1}, {u_br17, 1}, {u_ret, 0},
                {g_blr, 2}, {g_br, 3}, {g_br16, 1}, {g_br17, 1}, {g_ret, 0}};

/* Bit n: BTYPE n may land. */
static const struct {
    probe_fn *target;
    unsigned allowed;
} targets[] = {{to_none, 1}, {to_bti, 1}, {to_c, 7},     {to_j, 11},
               {to_jc, 15},  {to_pac, 7}, {to_pacb, 15}, {to_brk, 15}};

static struct space space;
static u64 *guarded_pte;

static void setup(u64 sctlr)
{
    page_reset();
    space_init(&space, 12, 16);
    space_map_program(&space);
    guarded_pte = space_slot(&space, (u64)guarded_page, 3);
    *guarded_pte |= PTE_GP;
    mmu_on(&space, NULL, sctlr);
}

static u64 seen_esr, seen_elr, seen_btype, seen_count;

static bool see(struct frame *f)
{
    const unsigned ec = f->esr >> 26 & 63;
    if (ec != 0x0d && ec != 0x3c)
        return false;
    seen_count++;
    seen_esr = f->esr;
    seen_elr = f->elr;
    seen_btype = f->spsr >> 10 & 3;
    f->spsr &= ~(3ull << 10);
    if (ec == 0x3c)
        f->elr += 4;
    return true;
}

static void expect(bool el0, unsigned b, unsigned t, unsigned allowed, bool guarded)
{
    const unsigned btype = branches[b].btype;
    const bool lands = !guarded || allowed >> btype & 1;
    seen_count = seen_esr = seen_elr = 0;
    seen_btype = 9;
    if (el0)
        el0_call(branches[b].branch, (u64)targets[t].target, 0);
    else
        branches[b].branch((u64)targets[t].target, 0);
    if (targets[t].target == to_brk) {
        EQ(seen_esr, ESR(0x3c, 7));
        EQ(seen_count, 1);
        if (guarded)
            EQ(seen_btype, btype);
        return;
    }
    EQ(seen_count, !lands);
    if (lands)
        return;
    EQ(seen_esr, ESR(0x0d, btype));
    EQ(seen_elr, (u64)targets[t].target);
    EQ(seen_btype, btype);
}

/* PACIASP and PACIBSP: whether they take BTYPE 3 is in SCTLR_EL1. */
static unsigned allowed_of(unsigned t, bool strict)
{
    const bool pac = targets[t].target == to_pac || targets[t].target == to_pacb;
    return pac ? (strict ? 7 : 15) : targets[t].allowed;
}

static void all(bool el0, bool strict, bool guarded)
{
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned b = 0; b < sizeof branches / sizeof branches[0]; b++)
            for (unsigned t = 0; t < sizeof targets / sizeof targets[0]; t++)
                expect(el0, b, t, allowed_of(t, strict), guarded);
}

/* Only branches that the architecture knows by another BTYPE from a plain page differ. */
static void guarded_page_at_el1(void)
{
    setup(0);
    all(false, false, true);
    sctlr_set(SCTLR_BT1);
    all(false, true, true);
    sctlr_set(SCTLR_BT0);
    all(false, false, true);
    mmu_off();
}

static void guarded_page_at_el0(void)
{
    setup(0);
    all(true, false, true);
    sctlr_set(SCTLR_BT0);
    all(true, true, true);
    sctlr_set(SCTLR_BT1);
    all(true, false, true);
    mmu_off();
}

/* The guard is taken away and put back under code that is warm. */
static void guard_changes(void)
{
    setup(0);
    for (unsigned n = 0; n < 3; n++) {
        all(false, false, true);
        *guarded_pte &= ~PTE_GP;
        TLBI(vaae1, (u64)guarded_page >> 12);
        for (unsigned round = 0; round < ROUNDS; round++) {
            seen_count = 0;
            u_blr((u64)to_none, 0);
            u_br((u64)to_bti, 0);
            g_br((u64)to_none, 0);
            g_blr((u64)to_none, 0);
            EQ(seen_count, 0);
        }
        *guarded_pte |= PTE_GP;
        TLBI(vaae1, (u64)guarded_page >> 12);
    }
    mmu_off();
    seen_count = 0; /* no pages, no guard */
    u_blr((u64)to_none, 0);
    EQ(seen_count, 0);
}

/* What ERET puts into BTYPE counts. */
static void exception_return(void)
{
    static const unsigned allowed[] = {15, 7, 11, 1};
    probe_fn *const fns[] = {to_jc, to_c, to_j, to_none};
    setup(0);
    for (unsigned t = 0; t < 4; t++) {
        for (unsigned btype = 0; btype < 4; btype++) {
            seen_count = 0;
            __asm__ volatile("adr x30, 1f\n\tmsr elr_el1, %0\n\tmsr spsr_el1, %1\n\teret\n1:"
                             :
                             : "r"(fns[t]), "r"(0x3c5ull | (u64)btype << 10)
                             : "x30", "memory");
            EQ(seen_count, !(allowed[t] >> btype & 1));
            if (seen_count)
                EQ(seen_esr, ESR(0x0d, btype));
        }
    }
    mmu_off();
}

int main(void)
{
    if (!id_field(READ(id_aa64pfr1_el1), 0)) {
        skip("branch target identification", "not announced");
        return 0;
    }
    trap_hook = see;
    RUN(guarded_page_at_el1);
    RUN(guarded_page_at_el0);
    if (plat_quirks & QUIRK_GUARD_KEPT)
        skip("changes of the guard", "the platform keeps translated code");
    else
        RUN(guard_changes);
    RUN(exception_return);
    trap_hook = NULL;
    return 0;
}
