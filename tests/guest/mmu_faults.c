/* SPDX-License-Identifier: MIT */
/*
 * Every fault of stage 1 with its exact syndrome and address: 4K granule, 48 bits, lower half. Each
 * check is a rule of the Arm ARM (D8.15 faults; D17.2.37 ESR_EL1); the program proves itself under
 * another implementation before it judges ours.
 */
#include "lib/lib.h"

/* A page far from the program, alone in its tables at every level. */
#define WINDOW        0x0000123456789000ull
#define RIGHTS_EL1_RW (PTE_NORMAL | PTE_PXN | PTE_UXN)

static struct space space;
static u64 page; /* physical page behind the window */

static void setup(void)
{
    page_reset();
    space_init(&space, 12, 16);
    space_map_program(&space);
    page = (u64)page_alloc(4096);
    *(u64 *)page = 0x1122334455667788;
    space_map(&space, WINDOW, page, 3, RIGHTS_EL1_RW);
    mmu_on(&space, NULL, SCTLR_SA | SCTLR_SA0);
}

/* Set the descriptor of the window at a level; what was there comes back. */
static u64 put(unsigned level, u64 desc)
{
    u64 *slot = space_slot(&space, WINDOW, level), old = *slot;
    *slot = desc;
    TLBI_ALL();
    return old;
}

static void translation_faults(void)
{
    for (unsigned level = 0; level < 4; level++) {
        u64 old = put(level, 0);
        FAULTS(probe_ldr, WINDOW, DABT_EL1(FSC_TRANSLATION(level), 0));
        FAULTS(probe_str, WINDOW + 8, DABT_EL1(FSC_TRANSLATION(level), 1));
        FAULTS_EL0(probe_ldr, WINDOW, DABT_EL0(FSC_TRANSLATION(level), 0));
        FAULTS_EL0(probe_str, WINDOW + 16, DABT_EL0(FSC_TRANSLATION(level), 1));
        FAULTS(probe_fetch, WINDOW, IABT_EL1(FSC_TRANSLATION(level)));
        FAULTS_EL0(el0_fetch, WINDOW + 0x10, IABT_EL0(FSC_TRANSLATION(level)));
        FAULTS(probe_ldxr, WINDOW, DABT_EL1(FSC_TRANSLATION(level), 0));
        FAULTS(probe_stlr, WINDOW, DABT_EL1(FSC_TRANSLATION(level), 1));
        /* Bit 0 alone decides: an invalid descriptor is invalid whatever else it says. */
        put(level, old & ~1ull);
        FAULTS(probe_ldr, WINDOW, DABT_EL1(FSC_TRANSLATION(level), 0));
        put(level, old);
    }
    u64 old = put(3, page | RIGHTS_EL1_RW | 1); /* reserved: a block at level 3 */
    FAULTS(probe_ldr, WINDOW, DABT_EL1(FSC_TRANSLATION(3), 0));
    put(3, old);
    if (plat_quirks & QUIRK_BLOCK_ANYWHERE)
        skip("block at level 0", "the platform accepts it");
    else {
        old = put(0, page | RIGHTS_EL1_RW | 1);
        FAULTS(probe_ldr, WINDOW, DABT_EL1(FSC_TRANSLATION(0), 0));
        put(0, old);
    }
    WORKS(probe_ldr, WINDOW, 0, 0x1122334455667788);
}

/* Outside the input address range, and halves that are switched off: level 0. */
static void range_faults(void)
{
    FAULTS(probe_ldr, 1ull << 48 | WINDOW, DABT_EL1(FSC_TRANSLATION(0), 0));
    FAULTS(probe_ldr, 0x5500123456789000, DABT_EL1(FSC_TRANSLATION(0), 0));
    FAULTS(probe_str, 0xffff000000000000, DABT_EL1(FSC_TRANSLATION(0), 1));
    FAULTS(probe_str, 0xfffffffffffffff8, DABT_EL1(FSC_TRANSLATION(0), 1));
    FAULTS(probe_fetch, 0xffff000000000000, IABT_EL1(FSC_TRANSLATION(0)));
    FAULTS_EL0(el0_fetch, 0xffff800000000000, IABT_EL0(FSC_TRANSLATION(0)));

    /* Top byte ignored: the tag is not looked at, and FAR keeps it. */
    const u64 tcr = READ(tcr_el1);
    WRITE(tcr_el1, tcr | 1ull << 37);
    ISB();
    TLBI_ALL();
    WORKS(probe_ldr, 0x5500000000000000 | WINDOW, 0, 0x1122334455667788);
    WORKS(probe_ldr, 0xff00000000000000 | WINDOW, 0, 0x1122334455667788);
    FAULTS(probe_ldr, 0x5500000000000000 | (WINDOW + 4096), DABT_EL1(FSC_TRANSLATION(3), 0));
    FAULTS(probe_ldr, 0x5501000000000000 | WINDOW, DABT_EL1(FSC_TRANSLATION(0), 0));
    WRITE(tcr_el1, tcr);
    ISB();
    TLBI_ALL();
}

static void access_flag_faults(void)
{
    if (id_field(READ(id_aa64mmfr1_el1), 0) >= 1)
        EQ(READ(tcr_el1) >> 39 & 1, 0); /* hardware management is there, but off */
    u64 old = put(3, (page | RIGHTS_EL1_RW | PTE_PAGE) & ~PTE_AF);
    FAULTS(probe_ldr, WINDOW, DABT_EL1(FSC_ACCESS_FLAG(3), 0));
    FAULTS(probe_str, WINDOW, DABT_EL1(FSC_ACCESS_FLAG(3), 1));
    FAULTS(probe_fetch, WINDOW, IABT_EL1(FSC_ACCESS_FLAG(3)));
    /* Before permissions. */
    FAULTS_EL0(probe_ldr, WINDOW, DABT_EL0(FSC_ACCESS_FLAG(3), 0));
    put(3, old);
    old = put(2, (page & ~0x1fffffull) | ((RIGHTS_EL1_RW | PTE_BLOCK) & ~PTE_AF));
    FAULTS(probe_ldr, WINDOW, DABT_EL1(FSC_ACCESS_FLAG(2), 0));
    put(2, old);
    old = put(1, (RIGHTS_EL1_RW | PTE_BLOCK) & ~PTE_AF);
    FAULTS(probe_str, WINDOW, DABT_EL1(FSC_ACCESS_FLAG(1), 1));
    put(1, old);
    WORKS(probe_ldr, WINDOW, 0, 0x1122334455667788);
}

/* Outputs beyond TCR_EL1.IPS, which tcr_for() keeps at 40 bits or less. */
static void address_size_faults(void)
{
    const u64 far_away = 1ull << 44;
    u64 old = put(3, far_away | RIGHTS_EL1_RW | PTE_PAGE);
    FAULTS(probe_ldr, WINDOW, DABT_EL1(FSC_ADDRESS_SIZE(3), 0));
    FAULTS(probe_fetch, WINDOW, IABT_EL1(FSC_ADDRESS_SIZE(3)));
    /* Before the access flag. */
    put(3, (far_away | RIGHTS_EL1_RW | PTE_PAGE) & ~PTE_AF);
    FAULTS(probe_str, WINDOW, DABT_EL1(FSC_ADDRESS_SIZE(3), 1));
    put(3, old);
    for (unsigned level = 0; level < 3; level++) {
        old = put(level, far_away | PTE_TABLE);
        FAULTS(probe_ldr, WINDOW, DABT_EL1(FSC_ADDRESS_SIZE(level), 0));
        put(level, old);
    }
    old = put(2, far_away | RIGHTS_EL1_RW | PTE_BLOCK);
    FAULTS(probe_str, WINDOW, DABT_EL1(FSC_ADDRESS_SIZE(2), 1));
    put(2, old);

    /* TTBR1 out of range, seen only when its half is used. */
    const u64 tcr = READ(tcr_el1);
    WRITE(tcr_el1, (tcr & ~(1ull << 23 | 63ull << 16)) | 16u << 16);
    WRITE(ttbr1_el1, far_away);
    ISB();
    TLBI_ALL();
    FAULTS(probe_ldr, 0xffff000000000000, DABT_EL1(FSC_ADDRESS_SIZE(0), 0));
    FAULTS(probe_ldr, 0xfffe000000000000, DABT_EL1(FSC_TRANSLATION(0), 0));
    WRITE(tcr_el1, tcr);
    WRITE(ttbr1_el1, 0);
    ISB();
    TLBI_ALL();
    WORKS(probe_ldr, WINDOW, 0, 0x1122334455667788);
}

/* For each AP and XN value, who may do what. */
static void permissions(void)
{
    for (unsigned bits = 0; bits < 32; bits++) {
        const bool el0 = bits & 1, ro = bits & 2, pxn = bits & 4, uxn = bits & 8, wxn = bits & 16;
        *(uint32_t *)page = 0xd65f03c0; /* ret */
        put(3, page | PTE_NORMAL | PTE_PAGE | (el0 ? PTE_EL0 : 0) | (ro ? PTE_RO : 0) |
                   (pxn ? PTE_PXN : 0) | (uxn ? PTE_UXN : 0));
        sctlr_set(wxn ? SCTLR_WXN : 0);
        TLBI_ALL();

        WORKS(probe_ldrb, WINDOW, 0, 0xc0);
        if (ro)
            FAULTS(probe_str, WINDOW + 8, DABT_EL1(FSC_PERMISSION(3), 1));
        else
            WORKS(probe_str, WINDOW + 8, 1, WINDOW + 8);
        if (el0)
            WORKS_EL0(probe_ldrb, WINDOW, 0, 0xc0);
        else
            FAULTS_EL0(probe_ldrb, WINDOW, DABT_EL0(FSC_PERMISSION(3), 0));
        if (el0 && !ro)
            WORKS_EL0(probe_str, WINDOW + 8, 1, WINDOW + 8);
        else
            FAULTS_EL0(probe_str, WINDOW + 8, DABT_EL0(FSC_PERMISSION(3), 1));

        /* What EL0 may write EL1 does not execute; WXN takes it from whoever may write. */
        if (pxn || (el0 && !ro) || (wxn && !ro))
            FAULTS(probe_fetch, WINDOW, IABT_EL1(FSC_PERMISSION(3)));
        else
            WORKS(probe_fetch, WINDOW, 0, WINDOW);
        if (uxn || (wxn && el0 && !ro))
            FAULTS_EL0(el0_fetch, WINDOW, IABT_EL0(FSC_PERMISSION(3)));
        else
            WORKS_EL0(el0_fetch, WINDOW, 0, WINDOW);
        if (!ro)
            *(u64 *)(page + 8) = 0;
    }
    sctlr_set(SCTLR_SA | SCTLR_SA0);
    TLBI_ALL();
}

/* Bits of the tables above take rights away, from any level. */
static void hierarchical_permissions(void)
{
    *(uint32_t *)page = 0xd65f03c0;
    put(3, page | PTE_NORMAL | PTE_PAGE | PTE_EL0 | PTE_UXN | PTE_PXN);
    for (unsigned level = 0; level < 3; level++) {
        u64 old = put(level, *space_slot(&space, WINDOW, level) | TABLE_NO_EL0);
        FAULTS_EL0(probe_ldr, WINDOW, DABT_EL0(FSC_PERMISSION(3), 0));
        WORKS(probe_str, WINDOW + 8, 0, WINDOW + 8);
        put(level, old | TABLE_RO);
        FAULTS(probe_str, WINDOW + 8, DABT_EL1(FSC_PERMISSION(3), 1));
        WORKS_EL0(probe_ldrb, WINDOW, 0, 0xc0);
        FAULTS_EL0(probe_str, WINDOW + 8, DABT_EL0(FSC_PERMISSION(3), 1));
        put(level, old);
    }
    put(3, page | PTE_NORMAL | PTE_PAGE | PTE_EL0 | PTE_RO);
    for (unsigned level = 0; level < 3; level++) {
        u64 old = put(level, *space_slot(&space, WINDOW, level) | TABLE_PXN);
        FAULTS(probe_fetch, WINDOW, IABT_EL1(FSC_PERMISSION(3)));
        WORKS_EL0(el0_fetch, WINDOW, 0, WINDOW);
        put(level, old | TABLE_UXN);
        WORKS(probe_fetch, WINDOW, 0, WINDOW);
        FAULTS_EL0(el0_fetch, WINDOW, IABT_EL0(FSC_PERMISSION(3)));
        put(level, old);
    }
    if (id_field(READ(id_aa64mmfr1_el1), 12) == 0) {
        skip("TCR_EL1.HPD0", "not announced");
        return;
    }
    u64 old = put(1, *space_slot(&space, WINDOW, 1) | TABLE_UXN | TABLE_PXN | TABLE_NO_EL0);
    WRITE(tcr_el1, READ(tcr_el1) | 1ull << 41);
    ISB();
    TLBI_ALL();
    WORKS_EL0(el0_fetch, WINDOW, 0, WINDOW);
    WORKS(probe_fetch, WINDOW, 0, WINDOW);
    WRITE(tcr_el1, READ(tcr_el1) & ~(1ull << 41));
    ISB();
    put(1, old);
}

/* PSTATE.PAN and UAO by S0 numbers, so that no assembler has to know them. */
#define MSR_PAN(v) __asm__ volatile(".inst %0" ::"i"(0xd500409f | (v) << 8) : "memory")
#define MSR_UAO(v) __asm__ volatile(".inst %0" ::"i"(0xd500407f | (v) << 8) : "memory")

static void unprivileged(void)
{
    put(3, page | PTE_PAGE | PTE_NORMAL | PTE_PXN | PTE_UXN);
    /* LDTR and STTR have the rights of EL0, but the fault comes from EL1. */
    FAULTS(probe_ldtr, WINDOW, DABT_EL1(FSC_PERMISSION(3), 0));
    FAULTS(probe_sttr, WINDOW, DABT_EL1(FSC_PERMISSION(3), 1));
    put(3, page | PTE_PAGE | PTE_NORMAL | PTE_PXN | PTE_UXN | PTE_EL0);
    WORKS(probe_sttr, WINDOW, 77, WINDOW);
    WORKS(probe_ldtr, WINDOW, 0, 77);
    put(3, page | PTE_PAGE | PTE_NORMAL | PTE_PXN | PTE_UXN | PTE_EL0 | PTE_RO);
    FAULTS(probe_sttr, WINDOW, DABT_EL1(FSC_PERMISSION(3), 1));

    if (id_field(READ(id_aa64mmfr1_el1), 20) == 0) {
        skip("PAN", "not announced");
        return;
    }
    put(3, page | PTE_PAGE | PTE_NORMAL | PTE_PXN | PTE_UXN | PTE_EL0);
    MSR_PAN(1);
    FAULTS(probe_ldr, WINDOW, DABT_EL1(FSC_PERMISSION(3), 0));
    FAULTS(probe_str, WINDOW, DABT_EL1(FSC_PERMISSION(3), 1));
    WORKS(probe_ldtr, WINDOW, 0, 77); /* EL0's rights are what PAN is about */
    WORKS(probe_dc_cvac, WINDOW, 0, WINDOW);
    WORKS_EL0(probe_ldr, WINDOW, 0, 77);
    MSR_PAN(1); /* el0_call came back with PAN clear: its SPSR is set by on_trap() */
    put(3, page | PTE_PAGE | PTE_NORMAL | PTE_PXN | PTE_UXN);
    WORKS(probe_ldr, WINDOW, 0, 77);
    MSR_PAN(0);
    put(3, page | PTE_PAGE | PTE_NORMAL | PTE_PXN | PTE_UXN | PTE_EL0);
    WORKS(probe_ldr, WINDOW, 0, 77);

    if (id_field(READ(id_aa64mmfr2_el1), 4) == 0) {
        skip("UAO", "not announced");
        return;
    }
    put(3, page | PTE_PAGE | PTE_NORMAL | PTE_PXN | PTE_UXN);
    MSR_UAO(1);
    WORKS(probe_ldtr, WINDOW, 0, 77);
    WORKS(probe_sttr, WINDOW, 78, WINDOW);
    put(3, page | PTE_PAGE | PTE_NORMAL | PTE_PXN | PTE_UXN | PTE_EL0);
    MSR_PAN(1);
    FAULTS(probe_ldtr, WINDOW, DABT_EL1(FSC_PERMISSION(3), 0));
    MSR_UAO(0);
    WORKS(probe_ldtr, WINDOW, 0, 78);
    MSR_PAN(0);
    put(3, page | RIGHTS_EL1_RW | PTE_PAGE);
}

/* Which page faults when an access crosses into the next one, and that nothing is half done. */
static void crossing(void)
{
    const u64 second = (u64)page_alloc(4096);
    *(u64 *)page = 0x1122334455667788;
    *(u64 *)(page + 4088) = 0x0807060504030201;
    *(u64 *)second = 0x100f0e0d0c0b0a09;
    put(3, page | RIGHTS_EL1_RW | PTE_PAGE);
    u64 *next = space_slot(&space, WINDOW + 4096, 3);
    *next = second | RIGHTS_EL1_RW | PTE_PAGE;
    TLBI_ALL();
    WORKS(probe_ldr, WINDOW + 4096 - 3, 0, 0x0d0c0b0a09080706);
    WORKS(probe_str, WINDOW + 4096 - 5, 0xa1a2a3a4a5a6a7a8, WINDOW + 4096 - 5);
    EQ(*(u64 *)(page + 4088), 0xa4a5a6a7a8030201);
    EQ(*(u64 *)second, 0x100f0e0d0ca1a2a3);
    WORKS(probe_ldrq, WINDOW + 4096 - 9, 0, WINDOW + 4096 - 9);

    *next = 0;
    TLBI_ALL();
    FAULTS_AT(probe_ldr, WINDOW + 4096 - 3, DABT_EL1(FSC_TRANSLATION(3), 0), WINDOW + 4096);
    FAULTS_AT(probe_ldr, WINDOW + 4096 - 1, DABT_EL1(FSC_TRANSLATION(3), 0), WINDOW + 4096);
    FAULTS_AT(probe_str, WINDOW + 4096 - 5, DABT_EL1(FSC_TRANSLATION(3), 1), WINDOW + 4096);
    EQ(*(u64 *)(page + 4088), 0xa4a5a6a7a8030201);
    FAULTS_AT(probe_ldrq, WINDOW + 4096 - 8, DABT_EL1(FSC_TRANSLATION(3), 0), WINDOW + 4096);
    FAULTS_AT(probe_ldp, WINDOW + 4096 - 8, DABT_EL1(FSC_TRANSLATION(3), 0), WINDOW + 4096);
    WORKS(probe_ldr, WINDOW + 4088, 0, 0xa4a5a6a7a8030201);

    *next = second | RIGHTS_EL1_RW | PTE_RO | PTE_PAGE;
    TLBI_ALL();
    FAULTS_AT(probe_str, WINDOW + 4096 - 4, DABT_EL1(FSC_PERMISSION(3), 1), WINDOW + 4096);
    EQ(*(u64 *)(page + 4088), 0xa4a5a6a7a8030201);

    /* The first page at fault: its address is that of the access. */
    *next = second | RIGHTS_EL1_RW | PTE_PAGE;
    u64 old = put(3, 0);
    FAULTS(probe_ldr, WINDOW + 4096 - 3, DABT_EL1(FSC_TRANSLATION(3), 0));
    FAULTS(probe_str, WINDOW + 4096 - 7, DABT_EL1(FSC_TRANSLATION(3), 1));
    EQ(*(u64 *)second, 0x100f0e0d0ca1a2a3);
    put(3, old);

    /* Write-back forms leave their base alone. */
    *next = 0;
    TLBI_ALL();
    trap_clear();
    u64 base = WINDOW + 4096;
    __asm__ volatile("ldr xzr, [%0], #16" : "+r"(base)::"memory");
    EQ(base, WINDOW + 4096);
    __asm__ volatile("str xzr, [%0, #8]!" : "+r"(base)::"memory");
    EQ(base, WINDOW + 4096);
    u64 a = 5, b = 6;
    base = WINDOW + 4096 - 8;
    __asm__ volatile("ldp %0, %1, [%2], #16" : "+r"(a), "+r"(b), "+r"(base)::"memory");
    EQ(a, 5);
    EQ(b, 6);
    EQ(base, WINDOW + 4096 - 8);
    EQ(trap.count, 3);
}

static void alignment(void)
{
    u64 old = put(3, page | RIGHTS_EL1_RW | PTE_PAGE | PTE_EL0);
    *(u64 *)page = 0x1122334455667788;
    *(u64 *)(page + 8) = 0;
    WORKS(probe_ldr, WINDOW + 1, 0, 0x11223344556677);
    /* Exclusives and ordered accesses are always checked. */
    FAULTS(probe_ldxr, WINDOW + 4, DABT_EL1(FSC_ALIGNMENT, 0));
    FAULTS(probe_ldar, WINDOW + 20, DABT_EL1(FSC_ALIGNMENT, 0)); /* crosses 16 bytes, for LSE2 */
    FAULTS(probe_ldar, WINDOW + 12, DABT_EL1(FSC_ALIGNMENT, 0));
    FAULTS(probe_stlr, WINDOW + 12, DABT_EL1(FSC_ALIGNMENT, 1));
    FAULTS_EL0(probe_ldxr, WINDOW + 2, DABT_EL0(FSC_ALIGNMENT, 0));

    sctlr_set(SCTLR_A | SCTLR_SA | SCTLR_SA0);
    TLBI_ALL();
    FAULTS(probe_ldr, WINDOW + 4, DABT_EL1(FSC_ALIGNMENT, 0));
    FAULTS(probe_str, WINDOW + 1, DABT_EL1(FSC_ALIGNMENT, 1));
    FAULTS(probe_ldr32, WINDOW + 2, DABT_EL1(FSC_ALIGNMENT, 0));
    FAULTS(probe_ldrq, WINDOW + 8, DABT_EL1(FSC_ALIGNMENT, 0));
    FAULTS(probe_ldp, WINDOW + 4, DABT_EL1(FSC_ALIGNMENT, 0));
    FAULTS_EL0(probe_str, WINDOW + 3, DABT_EL0(FSC_ALIGNMENT, 1));
    WORKS(probe_ldr, WINDOW, 0, 0x1122334455667788);
    WORKS(probe_ldp, WINDOW + 8, 0, 0); /* a pair is aligned to its registers, not to both */
    WORKS(probe_ldr32, WINDOW + 4, 0, 0x11223344);
    WORKS(probe_ldrb, WINDOW + 7, 0, 0x11);
    /* Before a translation fault. */
    put(3, 0);
    FAULTS(probe_ldr, WINDOW + 4, DABT_EL1(FSC_ALIGNMENT, 0));
    FAULTS(probe_ldr, WINDOW + 8, DABT_EL1(FSC_TRANSLATION(3), 0));
    sctlr_set(SCTLR_SA | SCTLR_SA0);
    TLBI_ALL();

    if (plat_quirks & QUIRK_NO_DEVICE_ALIGNMENT)
        skip("alignment of Device memory", "the platform does not check it");
    else {
        put(3, page | RIGHTS_EL1_RW | PTE_PAGE | PTE_EL0 | PTE_DEVICE);
        FAULTS(probe_ldr, WINDOW + 4, DABT_EL1(FSC_ALIGNMENT, 0));
        FAULTS(probe_str, WINDOW + 1, DABT_EL1(FSC_ALIGNMENT, 1));
        FAULTS_EL0(probe_ldr32, WINDOW + 2, DABT_EL0(FSC_ALIGNMENT, 0));
        FAULTS(probe_dc_zva, WINDOW, DABT_EL1(FSC_ALIGNMENT, 1));
        WORKS(probe_ldr, WINDOW, 0, 0x1122334455667788);
        WORKS(probe_ldr, WINDOW, 0, 0x1122334455667788);
        WORKS(probe_ldp, WINDOW + 8, 0, 0);
        WORKS(probe_str, WINDOW + 8, 3, WINDOW + 8);
        WORKS(probe_ldr32, WINDOW + 8, 0, 3);
        /* Before a permission fault. */
        put(3, page | RIGHTS_EL1_RW | PTE_PAGE | PTE_RO | PTE_DEVICE);
        FAULTS(probe_str, WINDOW + 1, DABT_EL1(FSC_ALIGNMENT, 1));
        FAULTS(probe_str, WINDOW + 8, DABT_EL1(FSC_PERMISSION(3), 1));
    }
    put(3, old);
}

/* Cache maintenance by address: what it needs, CM and WnR of its syndrome. */
static void maintenance(void)
{
    const bool zva = !(READ(dczid_el0) & 16);

    put(3, page | RIGHTS_EL1_RW | PTE_PAGE);
    WORKS(probe_dc_cvac, WINDOW, 0, WINDOW);
    WORKS(probe_dc_civac, WINDOW + 17, 0, WINDOW + 17);
    WORKS(probe_dc_ivac, WINDOW, 0, WINDOW);
    WORKS(probe_ic_ivau, WINDOW, 0, WINDOW);
    if (zva) {
        const u64 size = 4u << (READ(dczid_el0) & 15);
        *(u64 *)(page + size - 8) = 1;
        *(u64 *)(page + size) = 2;
        WORKS(probe_dc_zva, WINDOW + 5, 0, WINDOW + 5);
        EQ(*(u64 *)page, 0);
        EQ(*(u64 *)(page + size - 8), 0);
        EQ(*(u64 *)(page + size), 2);
    }
    put(3, page | RIGHTS_EL1_RW | PTE_PAGE | PTE_RO);
    WORKS(probe_dc_cvac, WINDOW, 0, WINDOW);
    if (zva)
        FAULTS(probe_dc_zva, WINDOW, DABT_EL1(FSC_PERMISSION(3), 1));
    u64 old = put(3, 0);
    if (zva)
        FAULTS(probe_dc_zva, WINDOW, DABT_EL1(FSC_TRANSLATION(3), 1));
    if (plat_quirks & QUIRK_CACHE_OPS_FREE) {
        skip("faults of DC and IC", "the platform has them do nothing");
    } else {
        FAULTS(probe_dc_cvac, WINDOW + 8, DABT_CM_EL1(FSC_TRANSLATION(3)));
        FAULTS(probe_dc_civac, WINDOW + 8, DABT_CM_EL1(FSC_TRANSLATION(3)));
        FAULTS(probe_dc_cvau, WINDOW + 8, DABT_CM_EL1(FSC_TRANSLATION(3)));
        FAULTS(probe_ic_ivau, WINDOW + 8, DABT_CM_EL1(FSC_TRANSLATION(3)));
        put(3, old);
        FAULTS(probe_dc_ivac, WINDOW, DABT_CM_EL1(FSC_PERMISSION(3)));
        sctlr_set(SCTLR_UCI);
        FAULTS_EL0(probe_dc_cvac, WINDOW, DABT_CM_EL0(FSC_PERMISSION(3)));
        put(3, old | PTE_EL0);
        WORKS_EL0(probe_dc_cvac, WINDOW, 0, WINDOW);
        WORKS_EL0(probe_ic_ivau, WINDOW, 0, WINDOW);
    }
    /* Prefetch never faults. */
    put(3, 0);
    WORKS(probe_prfm, WINDOW, 0, WINDOW);
    put(3, page | RIGHTS_EL1_RW | PTE_PAGE);
    sctlr_set(SCTLR_SA | SCTLR_SA0);
}

/* Atomic read-modify-write: a missing read is reported as one, a missing write alone as a write. */
static void atomics(void)
{
    if (id_field(READ(id_aa64isar0_el1), 20) < 2) {
        skip("LSE atomics", "not announced");
        return;
    }
    put(3, page | RIGHTS_EL1_RW | PTE_PAGE | PTE_RO);
    FAULTS(probe_ldadd, WINDOW, DABT_EL1(FSC_PERMISSION(3), 1));
    FAULTS(probe_cas, WINDOW, DABT_EL1(FSC_PERMISSION(3), 1));
    if (plat_quirks & QUIRK_ATOMIC_WRITES)
        skip("atomics on a missing page", "the platform tells of a write");
    else {
        FAULTS(probe_swp, WINDOW + 12, DABT_EL1(FSC_ALIGNMENT, 0));
        put(3, 0);
        FAULTS(probe_ldadd, WINDOW, DABT_EL1(FSC_TRANSLATION(3), 0));
        FAULTS(probe_cas, WINDOW, DABT_EL1(FSC_TRANSLATION(3), 0));
    }
    put(3, page | RIGHTS_EL1_RW | PTE_PAGE);
    *(u64 *)page = 40;
    WORKS(probe_ldadd, WINDOW, 2, 40);
    EQ(*(u64 *)page, 42);
}

/* The stack pointer and the PC. */
static void sp_and_pc(void)
{
    static u64 words[4] __attribute__((aligned(16)));
    words[0] = 99;
    /* Whole page executable: what is wrong is the address alone. */
    put(3, page | PTE_PAGE | PTE_NORMAL | PTE_EL0 | PTE_RO);
    FAULTS(probe_fetch, WINDOW + 2, ESR(0x22, 0));
    FAULTS_EL0(el0_fetch, WINDOW + 1, ESR(0x22, 0));
    if (plat_quirks & QUIRK_SP_UNCHECKED) {
        skip("alignment of SP, priority of PC alignment", "the platform does not check it");
        return;
    }
    put(3, page | PTE_PAGE | RIGHTS_EL1_RW);
    FAULTS(probe_fetch, WINDOW + 2, ESR(0x22, 0));
    FAULTS_EL0(el0_fetch, WINDOW + 1, ESR(0x22, 0));
    sctlr_set(SCTLR_SA | SCTLR_SA0);
    EQ(probe_sp((u64)words, 0), 99);
    trap_clear();
    probe_sp((u64)words + 8, 0);
    EQ(trap.count, 1);
    EQ(trap.esr, ESR(0x26, 0));
    EQ(trap.vector, 0); /* current level, SP_EL0 */
    sctlr_set(0);
    trap_clear();
    words[1] = 98;
    EQ(probe_sp((u64)words + 8, 0), 98);
    EQ(trap.count, 0);
    sctlr_set(SCTLR_SA | SCTLR_SA0);
    trap_clear();
    el0_call(el0_sp, WINDOW + 4, 0); /* alignment before translation */
    EQ(trap.esr, ESR(0x26, 0));
    EQ(trap.vector, 8);
}

int main(void)
{
    setup();
    RUN(translation_faults);
    RUN(range_faults);
    RUN(access_flag_faults);
    RUN(address_size_faults);
    RUN(permissions);
    RUN(hierarchical_permissions);
    RUN(unprivileged);
    RUN(crossing);
    RUN(alignment);
    RUN(maintenance);
    RUN(atomics);
    RUN(sp_and_pc);
    mmu_off();
    return 0;
}
