/* SPDX-License-Identifier: MIT */
/*
 * Code that changes under way: written and invalidated as the architecture asks (DC CVAU, DSB, IC,
 * DSB, ISB), through one mapping or two, remapped, across a page boundary, right behind the running
 * instruction.
 */
#include "lib/lib.h"

#define WINDOW     0x0000123456780000ull /* executable, seen again as DATA */
#define DATA       0x00001234567f0000ull
#define CODE       (PTE_NORMAL | PTE_EL0 | PTE_RO)
#define WRITABLE   (PTE_NORMAL | PTE_PXN | PTE_UXN)

#define RET        0xd65f03c0u
#define MOVZ(d, n) (0xd2800000u | (uint32_t)(n) << 5 | (d))             /* movz xd, #n */
#define ADD(d, n)  (0x91000000u | (uint32_t)(n) << 10 | (d) << 5 | (d)) /* add xd, xd, #n */
#define NOP        0xd503201fu

static struct space space;
static u64 page[4];

static void setup(void)
{
    mmu_off();
    page_reset();
    space_init(&space, 12, 16);
    space_map_program(&space);
    for (unsigned n = 0; n < 4; n++) {
        page[n] = (u64)page_alloc(4096);
        space_map(&space, WINDOW + n * 4096, page[n], 3, CODE);
        space_map(&space, DATA + n * 4096, page[n], 3, WRITABLE);
    }
    mmu_on(&space, NULL, SCTLR_UCI | SCTLR_UCT);
}

static void sync(u64 va)
{
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(va)
                     : "memory");
}

static void sync_all(bool shared)
{
    if (shared)
        __asm__ volatile("dsb ish\n\tic ialluis\n\tdsb ish\n\tisb" ::: "memory");
    else
        __asm__ volatile("dsb ish\n\tic iallu\n\tdsb ish\n\tisb" ::: "memory");
}

static void poke(u64 va, uint32_t word)
{
    *(volatile uint32_t *)va = word;
}

static u64 call(u64 va)
{
    return ((u64(*)(void))va)();
}

/* Through a second mapping of the same page, as kernels patch themselves. */
static void patch(void)
{
    setup();
    poke(DATA + 4, RET);
    for (unsigned n = 0; n < 300; n++) {
        poke(DATA, MOVZ(0, n));
        switch (n % 3) {
        case 0:
            __asm__ volatile("dc cvau, %0\n\tdsb ish" ::"r"(DATA) : "memory");
            sync(WINDOW);
            break;
        case 1: sync_all(true); break;
        default: sync_all(false);
        }
        EQ(call(WINDOW), n);
        EQ(el0_call((probe_fn *)WINDOW, 0, 0), n);
    }
}

/* A function that is called from a loop whose own blocks stay as they are, patched in the middle.
 */
static void patch_under_loop(void)
{
    setup();
    for (unsigned n = 0; n < 8; n++)
        poke(DATA + 4 * n, NOP);
    poke(DATA, MOVZ(0, 0));
    poke(DATA + 32, RET);
    sync(WINDOW);
    u64 sum = 0;
    for (unsigned n = 0; n < 200; n++) {
        if (n % 10 == 5) {
            poke(DATA + 4 * (1 + n / 10 % 7), ADD(0, n));
            sync(WINDOW);
        }
        sum += call(WINDOW);
    }
    /* What the last seven patches add up to, and the sum over the run, by the same rule. */
    u64 word[8] = {0}, want = 0;
    for (unsigned n = 0; n < 200; n++) {
        if (n % 10 == 5)
            word[1 + n / 10 % 7] = n;
        for (unsigned k = 1; k < 8; k++)
            want += word[k];
    }
    EQ(sum, want);
}

/* The same page writable and executable: the instruction behind the ISB is the new one. */
static void patch_ahead(void)
{
    setup();
    *space_slot(&space, WINDOW, 3) = page[0] | PTE_NORMAL | PTE_PAGE | PTE_UXN;
    TLBI_ALL();
    static const uint32_t words[] = {
        0xb9002001,                  /* str w1, [x0, #32] */
        0xd50b7b20,                  /* dc cvau, x0 */
        0xd5033b9f,                  /* dsb ish */
        0xd50b7520,                  /* ic ivau, x0 */
        0xd5033b9f,                  /* dsb ish */
        0xd5033fdf,                  /* isb */
        NOP,        NOP, MOVZ(0, 1), /* the one that is replaced, in the same line */
        RET,
    };
    for (unsigned n = 0; n < sizeof words / 4; n++)
        poke(WINDOW + 4 * n, words[n]);
    sync(WINDOW);
    for (unsigned n = 2; n < 60; n++)
        EQ(((u64(*)(u64, u64))WINDOW)(WINDOW, MOVZ(0, n)), n);
}

/* Another page at the same address: TLBI is enough, the code was never written. */
static void remap(void)
{
    setup();
    for (unsigned n = 0; n < 4; n++) {
        poke(DATA + n * 4096, MOVZ(0, 500 + n));
        poke(DATA + n * 4096 + 4, RET);
        sync(WINDOW + n * 4096);
    }
    for (unsigned n = 0; n < 60; n++) {
        *space_slot(&space, WINDOW, 3) = page[n & 3] | CODE | PTE_PAGE;
        TLBI(vae1, WINDOW >> 12);
        EQ(call(WINDOW), 500 + (n & 3));
        EQ(el0_call((probe_fn *)WINDOW, 0, 0), 500 + (n & 3));
        EQ(call(WINDOW + 4096), 501);
    }
    /* Gone, and back. */
    *space_slot(&space, WINDOW, 3) = 0;
    TLBI(vae1, WINDOW >> 12);
    FAULTS(probe_fetch, WINDOW, IABT_EL1(FSC_TRANSLATION(3)));
    *space_slot(&space, WINDOW, 3) = page[2] | CODE | PTE_PAGE;
    DSB();
    ISB();
    EQ(call(WINDOW), 502);
    *space_slot(&space, WINDOW, 3) = page[2] | CODE | PTE_PAGE | PTE_PXN;
    TLBI(vae1, WINDOW >> 12);
    FAULTS(probe_fetch, WINDOW, IABT_EL1(FSC_PERMISSION(3)));
    EQ(el0_call((probe_fn *)WINDOW, 0, 0), 502);
}

/* Straight on from one page into the next, which changes or is not there. */
static void across_pages(void)
{
    setup();
    poke(DATA + 4092, MOVZ(0, 7));
    for (unsigned n = 1; n < 4; n++) {
        poke(DATA + n * 4096, ADD(0, n * 100));
        poke(DATA + n * 4096 + 4, RET);
        sync(WINDOW + n * 4096);
    }
    sync(WINDOW + 4092);
    for (unsigned n = 0; n < 30; n++) {
        const unsigned k = 1 + n % 3;
        *space_slot(&space, WINDOW + 4096, 3) = page[k] | CODE | PTE_PAGE;
        TLBI(vae1, (WINDOW + 4096) >> 12);
        EQ(call(WINDOW + 4092), 7 + k * 100);
    }
    *space_slot(&space, WINDOW + 4096, 3) = 0;
    TLBI(vae1, (WINDOW + 4096) >> 12);
    FAULTS_AT(probe_fetch, WINDOW + 4092, IABT_EL1(FSC_TRANSLATION(3)), WINDOW + 4096);
    EQ(trap.elr, WINDOW + 4096);
    FAULTS_EL0_AT(el0_fetch, WINDOW + 4092, IABT_EL0(FSC_TRANSLATION(3)), WINDOW + 4096);
}

/* Two address spaces, different code at one address, told apart by ASID. */
static void per_asid(void)
{
    struct space other;
    setup();
    space_init(&other, 12, 16);
    space_map_program(&other);
    for (unsigned n = 0; n < 2; n++) {
        poke(DATA + n * 4096, MOVZ(0, 600 + n));
        poke(DATA + n * 4096 + 4, RET);
        sync(WINDOW + n * 4096);
    }
    space_map(&space, WINDOW, page[0], 3, CODE | PTE_NG);
    space_map(&other, WINDOW, page[1], 3, CODE | PTE_NG);
    TLBI_ALL();
    for (unsigned n = 0; n < 40; n++) {
        WRITE(ttbr0_el1, n & 1 ? (u64)other.root | 2ull << 48 : (u64)space.root | 1ull << 48);
        ISB();
        EQ(call(WINDOW), 600 + (n & 1));
        EQ(el0_call((probe_fn *)WINDOW, 0, 0), 600 + (n & 1));
    }
    mmu_off();
}

/* Code run with the MMU off, then changed: no tables, the same caches. */
static void flat(void)
{
    mmu_off();
    for (unsigned n = 0; n < 40; n++) {
        poke(page[0], MOVZ(0, n));
        poke(page[0] + 4, RET);
        sync(page[0]);
        EQ(call(page[0]), n);
    }
}

int main(void)
{
    RUN(patch);
    RUN(patch_under_loop);
    RUN(patch_ahead);
    RUN(remap);
    RUN(across_pages);
    RUN(per_asid);
    RUN(flat);
    return 0;
}
