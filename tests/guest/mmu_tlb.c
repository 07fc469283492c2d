/* SPDX-License-Identifier: MIT */
/*
 * Editing tables under way: when a change must show, and what each TLBI drops. Where the
 * architecture lets an old translation live on, the test accepts both. ASIDs, global pages, blocks,
 * all three granules, both halves, TTBR switches, AT after edits.
 */
#include "lib/lib.h"

#define WINDOW     0x0000123456780000ull
#define ATTRIBUTES (PTE_NORMAL | PTE_PXN | PTE_UXN)

static struct space space;
static u64 page[4]; /* physical pages; the first word is their number */

static void pages(size_t size)
{
    for (unsigned n = 0; n < 4; n++) {
        page[n] = (u64)page_alloc(size);
        *(u64 *)page[n] = 100 + n;
    }
}

static void setup(unsigned page_bits, unsigned tsz)
{
    mmu_off();
    page_reset();
    space_init(&space, page_bits, tsz);
    space_map_program(&space);
    pages((size_t)1 << page_bits);
    mmu_on(&space, NULL, 0);
}

static u64 load(u64 va)
{
    return *(volatile u64 *)va;
}

/* An operand of TLBI by address. */
static u64 operand(u64 va, u64 asid)
{
    return asid << 48 | (va >> 12 & 0xfffffffffff);
}

/* Invalid to valid needs no TLBI, only barriers. */
static void invalid_to_valid(void)
{
    setup(12, 16);
    for (unsigned n = 0; n < 4; n++) {
        const u64 va = WINDOW + n * 4096;
        FAULTS(probe_ldr, va, DABT_EL1(FSC_TRANSLATION(n ? 3 : 0), 0));
        space_map(&space, va, page[n], 3, ATTRIBUTES);
        DSB();
        ISB();
        EQ(load(va), 100 + n);
    }
}

/* Valid to other: after the TLBI, the new one and only that. */
static void remap(void)
{
    setup(12, 16);
    u64 *slot = space_slot(&space, WINDOW, 3);
    for (unsigned round = 0; round < 40; round++) {
        *slot = page[round & 3] | ATTRIBUTES | PTE_PAGE;
        switch (round % 5) {
        case 0: TLBI_ALL(); break;
        case 1: TLBI(vae1, operand(WINDOW, 0)); break;
        case 2: TLBI(vaae1, operand(WINDOW, 0x77)); break;
        case 3: TLBI(vale1is, operand(WINDOW, 0)); break;
        default: TLBI(aside1is, 0);
        }
        EQ(load(WINDOW), 100 + (round & 3));
        /* Without: old or new. */
        *slot = page[(round + 1) & 3] | ATTRIBUTES | PTE_PAGE | PTE_NG;
        DSB();
        ISB();
        const u64 seen = load(WINDOW);
        OK(seen == 100 + (round & 3) || seen == 100 + ((round + 1) & 3));
        TLBI(vaae1is, operand(WINDOW, 0));
        EQ(load(WINDOW), 100 + ((round + 1) & 3));
    }
}

/* Rights go with the TLBI; AT always asks the tables. */
static void protect(void)
{
    setup(12, 16);
    u64 *slot = space_slot(&space, WINDOW, 3);
    *slot = page[0] | ATTRIBUTES | PTE_PAGE;
    DSB();
    ISB();
    WORKS(probe_str, WINDOW, 100, WINDOW);
    *slot |= PTE_RO;
    TLBI(vae1, operand(WINDOW, 0));
    FAULTS(probe_str, WINDOW, DABT_EL1(FSC_PERMISSION(3), 1));
    WORKS(probe_ldr, WINDOW, 0, 100);
    EQ(AT(s1e1w, WINDOW) & 0x7f, FSC_PERMISSION(3) << 1 | 1);
    EQ(AT(s1e1r, WINDOW) & ~0xffffffff00000f80ull & ~0xfffull, page[0] & 0xffffffff);
    EQ(AT(s1e1r, WINDOW) & 1, 0);
    *slot &= ~PTE_RO;
    DSB();
    ISB();
    EQ(AT(s1e1w, WINDOW) & 1, 0);
    TLBI(vae1, operand(WINDOW, 0));
    WORKS(probe_str, WINDOW, 100, WINDOW);
    *slot |= PTE_EL0;
    TLBI(vae1, operand(WINDOW, 0));
    WORKS_EL0(probe_ldr, WINDOW, 0, 100);
    *slot &= ~PTE_EL0;
    TLBI(vae1, operand(WINDOW, 0));
    FAULTS_EL0(probe_ldr, WINDOW, DABT_EL0(FSC_PERMISSION(3), 0));
    EQ(AT(s1e0r, WINDOW) & 0x7f, FSC_PERMISSION(3) << 1 | 1);
    *slot = 0;
    TLBI(vae1, operand(WINDOW, 0));
    FAULTS(probe_ldr, WINDOW, DABT_EL1(FSC_TRANSLATION(3), 0));
    EQ(AT(s1e1r, WINDOW), 1ull << 11 | FSC_TRANSLATION(3) << 1 | 1);
}

/* Any address of a block drops all of it, wherever it was used. */
static void blocks(void)
{
    setup(12, 16);
    const u64 block = 2ull << 20, va = WINDOW & ~(block - 1);
    const u64 here = (u64)&space & ~(block - 1); /* the program itself, seen a second time */
    u64 *slot = space_slot(&space, va, 2);
    *slot = here | ATTRIBUTES | PTE_BLOCK;
    DSB();
    ISB();
    for (u64 at = 0; at < block; at += 4096) /* every page of it in the TLB */
        (void)load(va + at);
    const u64 offset = (u64)&page[0] - here;
    EQ(load(va + offset), page[0]);
    *slot = 0;
    TLBI(vae1, operand(va + 0x5000, 0));
    for (u64 at = 0; at < block; at += 0x41000)
        FAULTS(probe_ldr, va + at, DABT_EL1(FSC_TRANSLATION(2), 0));
    FAULTS(probe_ldr, va + (offset & ~7ull), DABT_EL1(FSC_TRANSLATION(2), 0));
    /* Split into pages that show something else. */
    *slot = 0;
    for (unsigned n = 0; n < 4; n++)
        space_map(&space, va + n * 4096, page[n], 3, ATTRIBUTES);
    DSB();
    ISB();
    for (unsigned n = 0; n < 4; n++)
        EQ(load(va + n * 4096), 100 + n);
    FAULTS(probe_ldr, va + 4 * 4096, DABT_EL1(FSC_TRANSLATION(3), 0));
}

/* By range, if announced: all of the range and the operand's fields. */
static void ranges(void)
{
    setup(12, 16);
    if (id_field(READ(id_aa64isar0_el1), 56) < 2) {
        skip("TLBI by range", "not announced");
        return;
    }
    const u64 before = WINDOW - 4096;
    for (unsigned n = 0; n < 10; n++)
        space_map(&space, before + n * 4096, page[n & 3], 3, ATTRIBUTES);
    DSB();
    ISB();
    for (unsigned n = 0; n < 10; n++)
        EQ(load(before + n * 4096), 100 + (n & 3));
    for (unsigned n = 0; n < 10; n++)
        *space_slot(&space, before + n * 4096, 3) = page[(n + 1) & 3] | ATTRIBUTES | PTE_PAGE;
    /* NUM 3, SCALE 0: (3 + 1) * 2 pages of 4K from WINDOW. TLBI RVAAE1IS, x */
    const u64 range = 1ull << 46 | 3ull << 39 | (WINDOW >> 12 & 0x1fffffffff);
    register u64 x0 __asm__("x0") = range;
    __asm__ volatile("dsb sy\n\t.inst 0xd5088260\n\tdsb sy\n\tisb" ::"r"(x0) : "memory");
    for (unsigned n = 1; n < 9; n++)
        EQ(load(before + n * 4096), 100 + ((n + 1) & 3));
    /* A range larger than anything kept: NUM 31, SCALE 2 (QEMU 7.2 overflows with 3). */
    for (unsigned n = 0; n < 10; n++)
        *space_slot(&space, before + n * 4096, 3) = page[(n + 2) & 3] | ATTRIBUTES | PTE_PAGE;
    x0 = 1ull << 46 | 31ull << 39 | 2ull << 44 | (before >> 12 & 0x1fffffffff);
    __asm__ volatile("dsb sy\n\t.inst 0xd5088660\n\tdsb sy\n\tisb" ::"r"(x0) : "memory");
    for (unsigned n = 0; n < 10; n++)
        EQ(load(before + n * 4096), 100 + ((n + 2) & 3));
}

#define TTBR(space, asid) ((u64)(space).root | (u64)(asid) << 48)

/* Two address spaces told apart by their ASIDs alone, without any TLBI between them. */
static void asids(void)
{
    struct space other;
    setup(12, 16);
    space_init(&other, 12, 16);
    space_map_program(&other);
    for (unsigned n = 0; n < 4; n++) {
        space_map(&space, WINDOW + n * 4096, page[n], 3, ATTRIBUTES | PTE_NG);
        space_map(&other, WINDOW + n * 4096, page[3 - n], 3, ATTRIBUTES | PTE_NG);
    }
    for (unsigned round = 0; round < 50; round++) {
        const bool first = round & 1;
        WRITE(ttbr0_el1, first ? TTBR(space, 5) : TTBR(other, 6));
        ISB();
        for (unsigned n = 0; n < 4; n++)
            EQ(load(WINDOW + n * 4096), 100 + (first ? n : 3 - n));
    }
    /* TLBI for ASID 6 from ASID 5: back in 6, the new page shows. */
    WRITE(ttbr0_el1, TTBR(space, 5));
    ISB();
    *space_slot(&other, WINDOW, 3) = page[1] | ATTRIBUTES | PTE_PAGE | PTE_NG;
    TLBI(vae1, operand(WINDOW, 6));
    EQ(load(WINDOW), 100);
    WRITE(ttbr0_el1, TTBR(other, 6));
    ISB();
    EQ(load(WINDOW), 101);
    WRITE(ttbr0_el1, TTBR(space, 5));
    ISB();
    *space_slot(&other, WINDOW, 3) = page[2] | ATTRIBUTES | PTE_PAGE | PTE_NG;
    TLBI(aside1, 6ull << 48);
    WRITE(ttbr0_el1, TTBR(other, 6));
    ISB();
    EQ(load(WINDOW), 102);

    /* With A1 the ASID is TTBR1's. */
    WRITE(tcr_el1, READ(tcr_el1) | 1ull << 22);
    WRITE(ttbr1_el1, 9ull << 48);
    WRITE(ttbr0_el1, TTBR(space, 0));
    ISB();
    TLBI_ALL();
    EQ(load(WINDOW), 100);
    WRITE(ttbr1_el1, 10ull << 48);
    WRITE(ttbr0_el1, TTBR(other, 0));
    ISB();
    EQ(load(WINDOW), 102);
    WRITE(ttbr1_el1, 9ull << 48);
    WRITE(ttbr0_el1, TTBR(space, 0));
    ISB();
    EQ(load(WINDOW), 100);
    mmu_on(&space, NULL, 0);

    /* 8-bit ASIDs: with TCR_EL1.AS = 0 the upper half of the field is not compared. */
    if (id_field(READ(id_aa64mmfr0_el1), 4) == 2) {
        WRITE(tcr_el1, READ(tcr_el1) | 1ull << 36);
        ISB();
        TLBI_ALL();
        for (unsigned round = 0; round < 6; round++) {
            WRITE(ttbr0_el1, round & 1 ? TTBR(space, 0x107) : TTBR(other, 0x207));
            ISB();
            EQ(load(WINDOW), round & 1 ? 100 : 102);
        }
        mmu_on(&space, NULL, 0);
    }
}

/* A global page needs a TLBI by VA with any ASID, and survives ASIDE1 or not: both are allowed. */
static void global_pages(void)
{
    setup(12, 16);
    u64 *slot = space_slot(&space, WINDOW, 3);
    *slot = page[0] | ATTRIBUTES | PTE_PAGE;
    WRITE(ttbr0_el1, TTBR(space, 3));
    ISB();
    EQ(load(WINDOW), 100);
    *slot = page[1] | ATTRIBUTES | PTE_PAGE;
    TLBI(vae1, operand(WINDOW, 99)); /* global entries match every ASID */
    EQ(load(WINDOW), 101);
    *slot = page[2] | ATTRIBUTES | PTE_PAGE;
    TLBI(vale1, operand(WINDOW, 4));
    EQ(load(WINDOW), 102);
}

/* The same walk with the other granules, in both halves, with the smallest and largest spaces. */
static void granules(void)
{
    static const unsigned char sizes[] = {16, 25, 34, 39};
    for (unsigned page_bits = 12; page_bits <= 16; page_bits += 2) {
        if (!granule_there(page_bits)) {
            skip("granule", page_bits == 14 ? "16K not announced" : "64K not announced");
            continue;
        }
        for (unsigned n = 0; n < sizeof sizes; n++) {
            struct space upper;
            const u64 top = 1ull << (64 - sizes[n]), size = 1ull << page_bits;
            const u64 low = (top - 3 * size) & ~(size - 1), high = low - top;
            mmu_off();
            page_reset();
            space_init(&space, page_bits, 25);
            space_init(&upper, page_bits, sizes[n]);
            space_map_program(&space);
            pages(size);
            space_map(&upper, high & (top - 1), page[0], 3, ATTRIBUTES);
            space_map(&upper, (high + size) & (top - 1), page[1], 3, ATTRIBUTES);
            mmu_on(&space, &upper, 0);
            EQ(load(high), 100);
            EQ(load(high + size), 101);
            FAULTS(probe_ldr, high + 2 * size, DABT_EL1(FSC_TRANSLATION(3), 0));
            if (sizes[n] > 16)
                FAULTS(probe_ldr, ~top & ~7ull, DABT_EL1(FSC_TRANSLATION(0), 0));
            *(volatile u64 *)(high + size - 8) = 0x1111;
            EQ(*(u64 *)(page[0] + size - 8), 0x1111);
            WORKS(probe_ldr, high + size - 4, 0, 101ull << 32);
            EQ(AT(s1e1r, high + size + 8) & 0xfffffffff000, (page[1] + 8) & ~0xfffull);

            *space_slot(&upper, high & (top - 1), 3) = page[2] | ATTRIBUTES | PTE_PAGE;
            TLBI(vae1, operand(high, 0));
            EQ(load(high), 102);
            EQ(load(high + size / 2), 0);
            mmu_off();
        }
    }
}

/* Blocks of each granule: the largest that the program's memory may sit in. */
static void granule_blocks(void)
{
    for (unsigned page_bits = 12; page_bits <= 16; page_bits += 2) {
        if (!granule_there(page_bits))
            continue;
        setup(page_bits, 16);
        const unsigned shift = page_bits + page_bits - 3;
        const u64 mask = (1ull << shift) - 1, va = WINDOW & ~mask & 0xffffffffffff;
        *space_slot(&space, va, 2) = (page[1] & ~mask) | ATTRIBUTES | PTE_BLOCK | PTE_CONTIG;
        DSB();
        ISB();
        EQ(load(va + (page[1] & mask)), 101);
        EQ(AT(s1e1r, va + (page[1] & mask)) & 0xfffffffff000, page[1] & ~0xfffull);
        *space_slot(&space, va, 2) = 0;
        TLBI(vae1, operand(va, 0));
        FAULTS(probe_ldr, va + (page[1] & mask), DABT_EL1(FSC_TRANSLATION(2), 0));
        mmu_off();
    }
}

/* Hardware management of the access flag and the dirty state. */
static void hardware_updates(void)
{
    const unsigned level = id_field(READ(id_aa64mmfr1_el1), 0);
    if (level == 0) {
        skip("hardware updates", "not announced");
        return;
    }
    setup(12, 16);
    u64 *slot = space_slot(&space, WINDOW, 3);
    WRITE(tcr_el1, READ(tcr_el1) | 1ull << 39);
    ISB();
    *slot = (page[0] | ATTRIBUTES | PTE_PAGE) & ~PTE_AF;
    TLBI_ALL();
    EQ(load(WINDOW), 100);
    EQ(*slot, page[0] | ATTRIBUTES | PTE_PAGE);
    if (level < 2)
        return;
    WRITE(tcr_el1, READ(tcr_el1) | 1ull << 40);
    ISB();
    const u64 clean = page[0] | ATTRIBUTES | PTE_PAGE | PTE_DBM | PTE_RO;
    *slot = clean;
    TLBI_ALL();
    EQ(load(WINDOW), 100);
    EQ(*slot, clean); /* a read leaves it clean */
    WORKS(probe_str, WINDOW, 55, WINDOW);
    EQ(*slot, clean & ~PTE_RO);
    EQ(load(WINDOW), 55);
    /* Clean again: the next write marks it again, after a TLBI. */
    *slot = clean;
    TLBI(vae1, operand(WINDOW, 0));
    WORKS(probe_str, WINDOW, 100, WINDOW);
    EQ(*slot, clean & ~PTE_RO);
    /* Without DBM read-only is read-only, and a table may still forbid. */
    *slot = clean & ~PTE_DBM;
    TLBI_ALL();
    FAULTS(probe_str, WINDOW, DABT_EL1(FSC_PERMISSION(3), 1));
    EQ(*slot, clean & ~PTE_DBM);
    /* EL0 marks its own. */
    *slot = clean | PTE_EL0;
    TLBI_ALL();
    WORKS_EL0(probe_str, WINDOW, 7, WINDOW);
    EQ(*slot, (clean | PTE_EL0) & ~PTE_RO);
    mmu_off();
}

/* Off and on again: the flat view, and nothing left of either in the other. */
static void off_and_on(void)
{
    setup(12, 16);
    space_map(&space, WINDOW, page[0], 3, ATTRIBUTES);
    DSB();
    ISB();
    for (unsigned round = 0; round < 5; round++) {
        EQ(load(WINDOW), 100);
        EQ(load(page[1]), 101);
        u64 sctlr = READ(sctlr_el1);
        WRITE(sctlr_el1, sctlr & ~(u64)SCTLR_M);
        ISB();
        EQ(load(page[0]), 100);
        EQ(AT(s1e1r, page[2]) & 0xfffffffff001, page[2]);
        WRITE(sctlr_el1, sctlr);
        ISB();
    }
    mmu_off();
    FAULTS(probe_ldr, 1ull << 52, DABT_EL1(FSC_ADDRESS_SIZE(0), 0));
    FAULTS(probe_fetch, 0xffff000000000000, IABT_EL1(FSC_ADDRESS_SIZE(0)));
    EQ(AT(s1e1r, 1ull << 60), 1ull << 11 | 1);
}

/* Atomics that are out of line, near address 0, where an empty TLB must not take them in. Often
 * enough for a translator. */
static void misaligned_near_zero(void)
{
    setup(12, 16);
    for (unsigned round = 0; round < 60; round++) {
        const u64 va = 1 + round % 7;
        FAULTS(probe_ldxr, va, DABT_EL1(FSC_ALIGNMENT, 0));
        FAULTS(probe_ldar, va, DABT_EL1(FSC_ALIGNMENT, 0));
        FAULTS(probe_stlr, va, DABT_EL1(FSC_ALIGNMENT, 1));
    }
}

/* From the last page of the address space round to the first one. */
static void round_the_end(void)
{
    setup(12, 16);
    for (unsigned round = 0; round < 60; round++) {
        const u64 va = -(u64)(1 + round % 7);
        FAULTS(probe_ldr, va, DABT_EL1(FSC_TRANSLATION(0), 0));
        FAULTS(probe_str, va, DABT_EL1(FSC_TRANSLATION(0), 1));
    }
}

/* A function's beginning and end with the stack at `sp`: pushes 1 to 6, pops them into out[].
 * Before each, something is loaded from another stack. */
static void push_and_pop(u64 sp, u64 other, u64 out[6])
{
    __asm__ volatile("mov x9, sp\n\tmov sp, %2\n\tldr x10, [sp]\n\tmov sp, %0\n\t"
                     "mov x10, #1\n\tmov x11, #2\n\tmov x12, #3\n\t"
                     "mov x13, #4\n\tmov x14, #5\n\tmov x15, #6\n\t"
                     "stp x10, x11, [sp, #-48]!\n\tstp x12, x13, [sp, #16]\n\t"
                     "str x14, [sp, #32]\n\tstr x15, [sp, #40]\n\t"
                     "mov x16, sp\n\tmov sp, %2\n\tldr x10, [sp]\n\tmov sp, x16\n\t"
                     "ldp x12, x13, [sp, #16]\n\tldr x14, [sp, #32]\n\t"
                     "ldr x15, [sp, #40]\n\tldp x10, x11, [sp], #48\n\t"
                     "mov sp, x9\n\t"
                     "stp x10, x11, [%1]\n\tstp x12, x13, [%1, #16]\n\tstp x14, x15, [%1, #32]"
                     :
                     : "r"(sp), "r"(out), "r"(other)
                     : "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "memory");
}

/* Accesses by the stack pointer where one page ends and the next, elsewhere in memory, begins.
 * Often enough for a translator to take an interest. */
static void stack_across_pages(void)
{
    u64 out[6];

    setup(12, 16);
    space_map(&space, WINDOW, page[3], 3, ATTRIBUTES);
    space_map(&space, WINDOW + 4096, page[0], 3, ATTRIBUTES);
    for (unsigned round = 0; round < 80; round++) {
        const u64 sp = WINDOW + 4096 + 64 - 16 * (round % 9);
        push_and_pop(sp, WINDOW + (round & 1 ? 4096 + 128 : 4096 - 128), out);
        for (unsigned n = 0; n < 6; n++) {
            EQ(out[n], n + 1);
            EQ(load(sp - 48 + 8 * n), n + 1);
        }
        for (unsigned n = 0; n < 6; n++) /* where it really is */
            EQ(*(volatile u64 *)((sp - 48 + 8 * n < WINDOW + 4096 ? page[3] : page[0]) +
                                 ((sp - 48 + 8 * n) & 4095)),
               n + 1);
    }
}

/* 44 bytes at `at`, by one base register: stores of all sizes and a pair, then loads of them. */
static void store_and_load(u64 at, const u64 v[6], u64 out[6])
{
    __asm__ volatile("str %0, [%1]\n"
                     "strb %w2, [%1, #8]\n"
                     "strh %w3, [%1, #9]\n"
                     "str %w4, [%1, #11]\n"
                     :
                     : "r"(v[0]), "r"(at), "r"(v[1]), "r"(v[2]), "r"(v[3])
                     : "memory");
    __asm__ volatile("stp %0, %1, [%2, #16]" : : "r"(v[4]), "r"(v[5]), "r"(at) : "memory");
    __asm__ volatile("ldr %0, [%1]" : "=r"(out[0]) : "r"(at) : "memory");
    __asm__ volatile("ldrb %w0, [%1, #8]" : "=r"(out[1]) : "r"(at) : "memory");
    __asm__ volatile("ldrh %w0, [%1, #9]" : "=r"(out[2]) : "r"(at) : "memory");
    __asm__ volatile("ldr %w0, [%1, %2]" : "=r"(out[3]) : "r"(at), "r"((u64)11) : "memory");
    __asm__ volatile("ldp %0, %1, [%2, #16]" : "=&r"(out[4]), "=r"(out[5]) : "r"(at) : "memory");
}

/* The value of `bytes` bytes from `va` on, looked for where they really are. */
static u64 really(u64 va, unsigned bytes, u64 low, u64 high)
{
    u64 value = 0;
    for (unsigned n = bytes; n-- > 0;) {
        const u64 at = va + n;
        value = value << 8 | *(volatile unsigned char *)((at & 4096 ? high : low) + (at & 4095));
    }
    return value;
}

/* Accesses of all sizes by any base, in line or not, where one page ends and the next, elsewhere in
 * memory, begins. In two places by turns: so often that a translator that remembers where a base
 * led is mostly wrong. */
static void bases_across_pages(void)
{
    static const unsigned char sizes[6] = {8, 1, 2, 4, 8, 8}, offsets[6] = {0, 8, 9, 11, 16, 24};
    u64 v[6], out[6];

    setup(12, 16);
    for (unsigned n = 0; n < 4; n++)
        space_map(&space, WINDOW + (n >> 1) * 0x40000 + (n & 1) * 4096, page[n ^ 1], 3, ATTRIBUTES);
    for (unsigned round = 0; round < 3000; round++) {
        const unsigned place = round / 2 % 2;
        const u64 at = WINDOW + place * 0x40000 + 4096 - 40 + round % 53;
        for (unsigned n = 0; n < 6; n++)
            v[n] = (round * 0x9e3779b97f4a7c15ull + n) >> (64 - 8 * sizes[n]);
        store_and_load(at, v, out);
        for (unsigned n = 0; n < 6; n++) {
            EQ(out[n], v[n]);
            EQ(really(at + offsets[n], sizes[n], page[2 * place + 1], page[2 * place]), v[n]);
        }
    }
}

/* Accesses in a row with arithmetic in between: what came before the one that faults has been done,
 * what follows it is done behind the exception. */
static void faults_between(void)
{
    setup(12, 16);
    space_map(&space, WINDOW, page[1], 3, ATTRIBUTES);
    for (unsigned round = 0; round < 120; round++) {
        const u64 at = WINDOW + 4096 - (round & 1 ? 16 : 64), v = 1000 + round;
        u64 sum = 0, three = 0, moved = at, loaded = 0, again = 0;
        trap_clear();
        __asm__ volatile("stp %[v], %[v], [%[at]]\n mov %[three], #3\n"
                         "stp %[v], %[three], [%[at], #16]\n add %[sum], %[v], %[three]\n"
                         "str %[sum], [%[at], #8]"
                         : [sum] "=&r"(sum), [three] "=&r"(three)
                         : [at] "r"(at), [v] "r"(v)
                         : "memory");
        EQ(trap.count, round & 1);
        EQ(three, 3);
        EQ(sum, v + 3);
        EQ(load(at), v);
        EQ(load(at + 8), v + 3);
        trap_clear();
        __asm__ volatile(
            "ldr %[loaded], [%[moved], #8]!\n mov %[sum], %[moved]\n"
            "ldr %[again], [%[moved], #8]\n add %[sum], %[sum], %[loaded]"
            : [loaded] "=&r"(loaded), [again] "+&r"(again), [moved] "+&r"(moved), [sum] "=&r"(sum)
            :
            : "memory");
        EQ(trap.count, round & 1);
        EQ(moved, at + 8);
        EQ(loaded, v + 3);
        EQ(sum, at + 8 + v + 3);
        EQ(again, round & 1 ? 0 : v);
    }
}

/* The page of a base that is read by translated code becomes one that may be read only, or none. */
static void base_loses_rights(void)
{
    setup(12, 16);
    for (unsigned round = 0; round < 200; round++) {
        space_map(&space, WINDOW, page[round & 3], 3, ATTRIBUTES);
        TLBI_ALL();
        EQ(load(WINDOW), 100 + (round & 3));
        *(volatile u64 *)(WINDOW + 8) = round;
        space_map(&space, WINDOW, page[round & 3], 3, ATTRIBUTES | PTE_RO);
        TLBI(vae1is, operand(WINDOW, 0));
        EQ(load(WINDOW), 100 + (round & 3));
        FAULTS(probe_str, WINDOW + 8, DABT_EL1(FSC_PERMISSION(3), 1));
        *space_slot(&space, WINDOW, 3) = 0;
        TLBI(vaae1is, operand(WINDOW, 0));
        FAULTS(probe_ldr, WINDOW, DABT_EL1(FSC_TRANSLATION(3), 0));
    }
}

int main(void)
{
    RUN(invalid_to_valid);
    RUN(remap);
    RUN(misaligned_near_zero);
    RUN(round_the_end);
    RUN(stack_across_pages);
    RUN(bases_across_pages);
    RUN(faults_between);
    RUN(base_loses_rights);
    RUN(protect);
    RUN(blocks);
    RUN(ranges);
    RUN(asids);
    RUN(global_pages);
    mmu_off();
    RUN(granules);
    RUN(granule_blocks);
    RUN(hardware_updates);
    RUN(off_and_on);
    return 0;
}
