/* SPDX-License-Identifier: MIT */
/* See lib.h. Compiled for strict alignment: it runs with the MMU off, too. */
#include "lib.h"

void plat_putc(int ch);
_Noreturn void plat_exit(u64 status);
u64 el0_enter(u64 fn, u64 a, u64 b, u64 spsr);
void on_trap(struct frame *f);
_Noreturn void finish(void);
extern char el0_left[], __data_start[], __end[];
extern char _start[];

static u64 checks, failures, skips;
static const char *group = "";
volatile struct trap trap;
bool (*trap_hook)(struct frame *frame);
static volatile bool trap_expected;

/* ---- reporting
 * -------------------------------------------------------------------------------------- */

void print(const char *s)
{
    while (*s)
        plat_putc(*s++);
}

void print_hex(u64 value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        if (shift == 0 || value >> shift)
            plat_putc("0123456789abcdef"[value >> shift & 15]);
}

static void print_dec(u64 value)
{
    if (value >= 10)
        print_dec(value / 10);
    plat_putc('0' + (int)(value % 10));
}

static void print_place(const char *file, int line)
{
    print(file);
    print(":");
    print_dec((u64)line);
    print(" ");
}

void begin(const char *name)
{
    group = name;
}

void check_eq(u64 got, u64 want, const char *what, const char *file, int line)
{
    checks++;
    if (got == want)
        return;
    failures++;
    print("not ok - ");
    print(group);
    print(": ");
    print_place(file, line);
    print(what);
    print(" is ");
    print_hex(got);
    print(" want ");
    print_hex(want);
    print("\n");
}

void skip(const char *what, const char *why)
{
    skips++;
    print("skip - ");
    print(what);
    print(": ");
    print(why);
    print("\n");
}

void finish(void)
{
    print(failures ? "FAILED " : "passed ");
    print_dec(checks);
    print(" checks, ");
    print_dec(failures);
    print(" failures, ");
    print_dec(skips);
    print(" skips\n");
    plat_exit(failures != 0);
}

/* ---- exceptions
 * ------------------------------------------------------------------------------------- */

void trap_clear(void)
{
    trap.count = 0;
    trap.esr = trap.far = trap.elr = trap.spsr = trap.vector = 0;
    trap_expected = true;
}

static _Noreturn void unexpected(const struct frame *f)
{
    print("not ok - ");
    print(group);
    print(": unexpected exception, vector ");
    print_hex(f->vector);
    print(" esr ");
    print_hex(f->esr);
    print(" far ");
    print_hex(f->far);
    print(" elr ");
    print_hex(f->elr);
    print(" spsr ");
    print_hex(f->spsr);
    print(" lr ");
    print_hex(f->x[30]);
    print("\n");
    plat_exit(2);
}

static bool is_fetch(u64 esr)
{
    const unsigned ec = esr >> 26 & 63;

    return ec == 0x20 || ec == 0x21 || ec == 0x22;
}

void on_trap(struct frame *f)
{
    if (trap_hook && trap_hook(f))
        return;
    if (f->esr == ESR(0x15, 0) && f->vector == 8) { /* SVC #0 of EL0: back to el0_call */
        f->elr = (u64)el0_left;
        f->spsr = 0x3c5;
        return;
    }
    if (!trap_expected || trap.count > 8)
        unexpected(f);
    trap.count++;
    trap.esr = f->esr;
    trap.far = f->far;
    trap.elr = f->elr;
    trap.spsr = f->spsr;
    trap.vector = f->vector;
    if (is_fetch(f->esr))
        f->elr = f->x[30];
    else if (f->esr >> 26 != 0x15) /* SVC returns behind it already */
        f->elr += 4;
}

void expect_fault(probe_fn *fn, u64 va, u64 esr, u64 far, const char *file, int line)
{
    trap_clear();
    fn(va, 0x5a5a);
    trap_expected = false;
    check_eq(trap.count, 1, "faults", file, line);
    check_eq(trap.esr, esr, "ESR", file, line);
    check_eq(trap.far, far, "FAR", file, line);
}

void expect_ok(probe_fn *fn, u64 va, u64 arg, u64 want, const char *file, int line)
{
    trap_clear();
    u64 got = fn(va, arg);
    trap_expected = false;
    check_eq(trap.count ? trap.esr : 0, 0, "ESR of an access that works", file, line);
    if (!trap.count)
        check_eq(got, want, "value", file, line);
}

u64 el0_call(probe_fn *fn, u64 a, u64 b)
{
    return el0_enter((u64)fn, a, b, 0x3c0);
}

void expect_fault_el0(probe_fn *fn, u64 va, u64 esr, u64 far, const char *file, int line)
{
    trap_clear();
    el0_call(fn, va, 0x5a5a);
    trap_expected = false;
    check_eq(trap.count, 1, "faults at EL0", file, line);
    check_eq(trap.esr, esr, "ESR from EL0", file, line);
    check_eq(trap.far, far, "FAR from EL0", file, line);
    check_eq(trap.vector, 8, "vector", file, line);
}

void expect_ok_el0(probe_fn *fn, u64 va, u64 arg, u64 want, const char *file, int line)
{
    trap_clear();
    u64 got = el0_call(fn, va, arg);
    trap_expected = false;
    check_eq(trap.count ? trap.esr : 0, 0, "ESR of an access of EL0 that works", file, line);
    if (!trap.count)
        check_eq(got, want, "value at EL0", file, line);
}

/* ---- memory
 * -------------------------------------------------------------------------------------------- */

#define POOL_BYTES (4u << 20)
static char pool[POOL_BYTES] __attribute__((aligned(65536)));
static size_t pool_used;

void page_reset(void)
{
    pool_used = 0;
}

void *page_alloc(size_t bytes)
{
    pool_used = (pool_used + bytes - 1) & ~(bytes - 1);
    if (pool_used + bytes > POOL_BYTES) {
        print("not ok - out of pages\n");
        plat_exit(3);
    }
    void *page = pool + pool_used;
    pool_used += bytes;
    return memset(page, 0, bytes);
}

void *memset(void *to, int value, size_t n)
{
    char *p = to;

    while (n--)
        *p++ = (char)value;
    return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
    char *p = to;
    const char *q = from;

    while (n--)
        *p++ = *q++;
    return to;
}

/* ---- tables
 * --------------------------------------------------------------------------------------------- */

static unsigned level_shift(const struct space *s, unsigned level)
{
    return s->page_bits + (3 - level) * (s->page_bits - 3);
}

unsigned space_start(const struct space *s)
{
    unsigned level = 3;

    while (level > 0 && 64 - s->tsz > level_shift(s, level) + s->page_bits - 3)
        level--;
    return level;
}

void space_init(struct space *s, unsigned page_bits, unsigned tsz)
{
    s->page_bits = page_bits;
    s->tsz = tsz;
    s->root = page_alloc((size_t)1 << page_bits);
}

u64 *space_slot(struct space *s, u64 va, unsigned level)
{
    const u64 mask = ((u64)1 << (s->page_bits - 3)) - 1;
    unsigned at = space_start(s);
    u64 *table = s->root;
    /* The initial table may have fewer entries than a page. */
    u64 index = (va & (((u64)1 << (64 - s->tsz)) - 1)) >> level_shift(s, at);

    for (; at < level; at++) {
        if ((table[index] & 3) != PTE_TABLE)
            table[index] = (u64)page_alloc((size_t)1 << s->page_bits) | PTE_TABLE;
        table = (u64 *)(table[index] & 0xffffffffffff & ~(((u64)1 << s->page_bits) - 1));
        index = va >> level_shift(s, at + 1) & mask;
    }
    return &table[index];
}

void space_map(struct space *s, u64 va, u64 pa, unsigned level, u64 attributes)
{
    *space_slot(s, va, level) = pa | attributes | (level == 3 ? PTE_PAGE : PTE_BLOCK);
}

void space_map_program(struct space *s)
{
    const u64 page = (u64)1 << s->page_bits;
    const u64 first = (u64)_start & ~(page - 1);

    for (u64 at = first; at < (u64)__end; at += page)
        space_map(s, at, at, 3,
                  PTE_NORMAL | (at < (u64)__data_start ? PTE_RO | PTE_EL0 : PTE_UXN | PTE_PXN));
}

static u64 granule_field(unsigned page_bits, const unsigned char codes[3])
{
    return codes[(page_bits - 12) / 2];
}

u64 tcr_for(const struct space *lower, const struct space *upper)
{
    static const unsigned char tg0[3] = {0, 2, 1}, tg1[3] = {2, 1, 3};
    u64 range = READ(id_aa64mmfr0_el1) & 15;
    u64 tcr =
        lower->tsz | granule_field(lower->page_bits, tg0) << 14 | (range > 2 ? 2 : range) << 32;

    tcr |= 1u << 8 | 1u << 10 | 3u << 12; /* walks: write-back, inner shareable */
    if (!upper)
        return tcr | 1u << 23 | 25u << 16 | 2u << 30;
    return tcr | (u64)upper->tsz << 16 | granule_field(upper->page_bits, tg1) << 30 | 1u << 24 |
           1u << 26 | 3u << 28;
}

#define SCTLR_RES1 0x30d00800ull /* and I, C below */

void mmu_on(const struct space *lower, const struct space *upper, u64 sctlr)
{
    WRITE(mair_el1, 0x4400ff);
    WRITE(tcr_el1, tcr_for(lower, upper));
    WRITE(ttbr0_el1, (u64)lower->root);
    WRITE(ttbr1_el1, upper ? (u64)upper->root : 0);
    TLBI_ALL();
    WRITE(sctlr_el1, SCTLR_RES1 | 1u << 12 | 1u << 2 | SCTLR_M | sctlr);
    ISB();
}

void mmu_off(void)
{
    WRITE(sctlr_el1, SCTLR_RES1);
    ISB();
    TLBI_ALL();
}

void mmu_setup_get(struct mmu_setup *setup)
{
    setup->mair = READ(mair_el1);
    setup->tcr = READ(tcr_el1);
    setup->ttbr0 = READ(ttbr0_el1);
    setup->ttbr1 = READ(ttbr1_el1);
    setup->sctlr = READ(sctlr_el1);
}

void mmu_setup_use(const struct mmu_setup *setup)
{
    WRITE(mair_el1, setup->mair);
    WRITE(tcr_el1, setup->tcr);
    WRITE(ttbr0_el1, setup->ttbr0);
    WRITE(ttbr1_el1, setup->ttbr1);
    ISB();
    WRITE(sctlr_el1, setup->sctlr);
    ISB();
}

void sctlr_set(u64 sctlr)
{
    WRITE(sctlr_el1, SCTLR_RES1 | 1u << 12 | 1u << 2 | SCTLR_M | sctlr);
    ISB();
}

bool granule_there(unsigned page_bits)
{
    const u64 mmfr0 = READ(id_aa64mmfr0_el1);

    if (page_bits == 12)
        return id_field(mmfr0, 28) != 15;
    return page_bits == 14 ? id_field(mmfr0, 20) != 0 : id_field(mmfr0, 24) != 15;
}

/* ---- other CPUs ---- */

#define CPUS  8
#define STACK 0x4000

void cpu_entry(void);

bool cpu_start(unsigned n, void (*fn)(u64 arg), u64 arg)
{
    static char stack[CPUS][STACK] __attribute__((aligned(16)));
    static struct {
        u64 sp, fn, arg;
    } start[CPUS];
    register u64 x0 __asm__("x0") = 0xc4000003; /* PSCI CPU_ON */
    register u64 x1 __asm__("x1") = n;
    register u64 x2 __asm__("x2") = (u64)cpu_entry;
    register u64 x3 __asm__("x3") = (u64)&start[n];

    if (n >= CPUS)
        return false;
    start[n].sp = (u64)stack[n] + STACK;
    start[n].fn = (u64)fn;
    start[n].arg = arg;
    __asm__ volatile("dsb sy\n\thvc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0 == 0;
}
