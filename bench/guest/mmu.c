/* SPDX-License-Identifier: MIT */
/*
 * The guest's MMU: 39 bits, 4 KiB pages, everything where it is. 256 MiB of RAM from 0x40000000 as
 * single pages, the devices below as two blocks, and a window of four pages for those who change
 * page tables. (Arm ARM, D8.3: translation table descriptors.)
 */
#include "../work.h"
#include "guest.h"

#define RAM        UINT64_C(0x40000000)
#define RAM_PAGES  65536
#define VALID_PAGE UINT64_C(3) /* at level 3; at 1 and 2: a table */
#define BLOCK      UINT64_C(1)
#define ACCESSED   (UINT64_C(1) << 10)
#define INNER      (UINT64_C(3) << 8)
#define DEVICE     (UINT64_C(1) << 2) /* index into MAIR; 0 is normal memory */
#define NO_EL0_RUN (UINT64_C(1) << 54)
#define NO_RUN     (NO_EL0_RUN | UINT64_C(1) << 53)
#define READ_EL0   (UINT64_C(3) << 6) /* EL0 and EL1, read only */
#define PAGE       (VALID_PAGE | ACCESSED | INNER)

typedef uint64_t table[512] __attribute__((aligned(4096)));
static table level1, devices, ram2, window2, window3;
static uint64_t ram3[RAM_PAGES] __attribute__((aligned(4096)));
extern char el0_page[];

static void fill(void)
{
    level1[0] = (uint64_t)devices | VALID_PAGE;
    level1[1] = (uint64_t)ram2 | VALID_PAGE;
    level1[WINDOW >> 30] = (uint64_t)window2 | VALID_PAGE;
    window2[0] = (uint64_t)window3 | VALID_PAGE;
    for (uint64_t i = 0x08000000 >> 21; i < 0x0c000000 >> 21; i++)
        devices[i] = i << 21 | BLOCK | ACCESSED | DEVICE | NO_RUN;
    for (uint64_t i = 0; i < RAM_PAGES / 512; i++)
        ram2[i] = (uint64_t)&ram3[i * 512] | VALID_PAGE;
    for (uint64_t i = 0; i < RAM_PAGES; i++)
        ram3[i] = (RAM + (i << 12)) | PAGE | NO_EL0_RUN;
    ram3[((uint64_t)el0_page - RAM) >> 12] = (uint64_t)el0_page | PAGE | READ_EL0;
}

void mmu_on(void)
{
    /* 39 bits, write-back tables, inner shareable, 4 KiB; nothing by TTBR1; 40 bits of IPA. */
    uint64_t tcr = 25 | UINT64_C(1) << 8 | UINT64_C(1) << 10 | UINT64_C(3) << 12 |
                   UINT64_C(1) << 23 | UINT64_C(2) << 32;
    uint64_t sctlr;
    fill();
    __asm__ volatile("msr mair_el1, %1\n"
                     "msr tcr_el1, %2\n"
                     "msr ttbr0_el1, %3\n"
                     "dsb sy\n"
                     "tlbi vmalle1\n"
                     "ic iallu\n"
                     "dsb sy\n"
                     "isb\n"
                     "mrs %0, sctlr_el1"
                     : "=&r"(sctlr)
                     : "r"(UINT64_C(0x04ff)), "r"(tcr), "r"(level1)
                     : "memory");
    sctlr |= 1 << 12 | 1 << 2 | 1 << 0; /* I, C, M */
    sctlr &= ~(UINT64_C(1) << 19);      /* WXN: programs made at run time are executed */
    __asm__ volatile("msr sctlr_el1, %0\n isb" : : "r"(sctlr) : "memory");
}

/* Write one entry of the window and make it count, as D8.17 asks for. */
void window_map(unsigned page, const void *to)
{
    uint64_t address = WINDOW + page * UINT64_C(4096);
    *(volatile uint64_t *)&window3[page] = (uint64_t)to | PAGE | NO_RUN;
    __asm__ volatile("dsb ishst\n"
                     "tlbi vae1, %0\n"
                     "dsb ish\n"
                     "isb"
                     :
                     : "r"(address >> 12)
                     : "memory");
}
