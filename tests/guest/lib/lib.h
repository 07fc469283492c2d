/* SPDX-License-Identifier: MIT */
/*
 * Library of the guest test programs: bare metal, EL1, one CPU. A program checks and counts; its
 * exit status is 0 if all held.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quirks.h"

typedef uint64_t u64;

/* ---- reporting
 * ----------------------------------------------------------------------------------- */

extern const u64 plat_quirks;
void print(const char *s);
void print_hex(u64 value);
void check_eq(u64 got, u64 want, const char *what, const char *file, int line);
#define EQ(got, want) check_eq((u64)(got), (u64)(want), #got " == " #want, __FILE__, __LINE__)
#define OK(condition) check_eq(!!(condition), 1, #condition, __FILE__, __LINE__)
void skip(const char *what, const char *why);
void begin(const char *name); /* a group of checks */
#define RUN(test) (begin(#test), test())

/* ---- exceptions
 * ------------------------------------------------------------------------------------ */

struct frame {
    u64 x[31];
    u64 elr, spsr, esr, far, vector;
};

/* What happened last, for the program that expected it. */
struct trap {
    u64 count; /* since trap_clear() */
    u64 esr, far, elr, spsr, vector;
};
extern volatile struct trap trap;

/* From now on exceptions are expected: counted, and the instruction skipped (a failed jump
 * returns). */
void trap_clear(void);
/* Let a program have the first word: true if it dealt with the frame. */
extern bool (*trap_hook)(struct frame *frame);

/* Syndromes. */
#define ESR(ec, iss)        ((u64)(ec) << 26 | 1u << 25 | (u64)(iss))
#define DABT_EL1(fsc, wnr)  ESR(0x25, (u64)(fsc) | (u64)(wnr) << 6)
#define DABT_EL0(fsc, wnr)  ESR(0x24, (u64)(fsc) | (u64)(wnr) << 6)
#define IABT_EL1(fsc)       ESR(0x21, fsc)
#define IABT_EL0(fsc)       ESR(0x20, fsc)
#define DABT_CM_EL1(fsc)    ESR(0x25, (u64)(fsc) | 1u << 8 | 1u << 6)
#define DABT_CM_EL0(fsc)    ESR(0x24, (u64)(fsc) | 1u << 8 | 1u << 6)
#define FSC_ADDRESS_SIZE(l) (0x00 + (l))
#define FSC_TRANSLATION(l)  (0x04 + (l))
#define FSC_ACCESS_FLAG(l)  (0x08 + (l))
#define FSC_PERMISSION(l)   (0x0c + (l))
#define FSC_ALIGNMENT       0x21

/* Run a probe; true if it faulted once, with this syndrome and address. */
typedef u64 probe_fn(u64 a, u64 b);
void expect_fault(probe_fn *fn, u64 va, u64 esr, u64 far, const char *file, int line);
void expect_ok(probe_fn *fn, u64 va, u64 arg, u64 want, const char *file, int line);
#define FAULTS(fn, va, esr)         expect_fault(fn, va, esr, va, __FILE__, __LINE__)
#define FAULTS_AT(fn, va, esr, far) expect_fault(fn, va, esr, far, __FILE__, __LINE__)
#define WORKS(fn, va, arg, want)    expect_ok(fn, va, arg, want, __FILE__, __LINE__)
/* At EL0: the same probes through el0_call. */
u64 el0_call(probe_fn *fn, u64 a, u64 b);
void expect_fault_el0(probe_fn *fn, u64 va, u64 esr, u64 far, const char *file, int line);
void expect_ok_el0(probe_fn *fn, u64 va, u64 arg, u64 want, const char *file, int line);
#define FAULTS_EL0(fn, va, esr)         expect_fault_el0(fn, va, esr, va, __FILE__, __LINE__)
#define FAULTS_EL0_AT(fn, va, esr, far) expect_fault_el0(fn, va, esr, far, __FILE__, __LINE__)
#define WORKS_EL0(fn, va, arg, want)    expect_ok_el0(fn, va, arg, want, __FILE__, __LINE__)

extern probe_fn probe_ldr, probe_ldr32, probe_ldrb, probe_str, probe_strb, probe_ldp, probe_stp,
    probe_ldrq, probe_strq, probe_ldtr, probe_sttr, probe_ldxr, probe_stxr, probe_ldar, probe_stlr,
    probe_ldadd, probe_swp, probe_cas, probe_prfm, probe_dc_zva, probe_dc_ivac, probe_dc_cvac,
    probe_dc_civac, probe_dc_cvau, probe_ic_ivau, probe_ldr_post, probe_str_pre, probe_fetch,
    probe_tlbi, probe_mrs_sctlr, probe_mrs_ctr, probe_msr_daif, probe_hlt_undef, probe_brk,
    probe_svc, probe_nop, probe_fmov, probe_sp, el0_fetch, el0_sp, probe_wfi, probe_eret, probe_hvc,
    probe_at, probe_mrs_daif, probe_mrs_dczid, probe_mrs_tpidr, probe_mrs_tpidrro,
    probe_msr_tpidrro;

/* ---- other CPUs ---- */

/* Run fn(arg) on CPU n (MPIDR affinity 0.0.n), MMU off, with a stack of its own. False if it
 * cannot. */
bool cpu_start(unsigned n, void (*fn)(u64 arg), u64 arg);
static inline unsigned cpu_number(void)
{
    u64 mpidr;
    __asm__ volatile("mrs %0, mpidr_el1" : "=r"(mpidr));
    return mpidr & 0xff;
}

/* ---- system registers
 * ---------------------------------------------------------------------------------- */

#define READ(reg)                                                                                  \
    ({                                                                                             \
        u64 v_;                                                                                    \
        __asm__ volatile("mrs %0, " #reg : "=r"(v_)::"memory");                                    \
        v_;                                                                                        \
    })
#define WRITE(reg, value)                                                                          \
    do {                                                                                           \
        u64 w_ = (value);                                                                          \
        __asm__ volatile("msr " #reg ", %0" ::"r"(w_) : "memory");                                 \
    } while (0)
#define ISB() __asm__ volatile("isb" ::: "memory")
#define DSB() __asm__ volatile("dsb sy" ::: "memory")
#define TLBI(op, value)                                                                            \
    do {                                                                                           \
        u64 t_ = (value);                                                                          \
        __asm__ volatile("dsb sy\n\ttlbi " #op ", %0\n\tdsb sy\n\tisb" ::"r"(t_) : "memory");      \
    } while (0)
#define TLBI_ALL() __asm__ volatile("dsb sy\n\ttlbi vmalle1\n\tdsb sy\n\tisb" ::: "memory")
#define AT(op, va)                                                                                 \
    ({                                                                                             \
        u64 a_ = (va);                                                                             \
        __asm__ volatile("at " #op ", %0\n\tisb" ::"r"(a_) : "memory");                            \
        READ(par_el1);                                                                             \
    })
static inline unsigned id_field(u64 reg, unsigned shift)
{
    return reg >> shift & 15;
}

/* ---- translation tables
 * --------------------------------------------------------------------------------- */

#define SCTLR_M    (1u << 0)
#define SCTLR_A    (1u << 1)
#define SCTLR_SA   (1u << 3)
#define SCTLR_SA0  (1u << 4)
#define SCTLR_DZE  (1u << 14)
#define SCTLR_UCT  (1u << 15)
#define SCTLR_WXN  (1u << 19)
#define SCTLR_SPAN (1u << 23)
#define SCTLR_UCI  (1u << 26)

/* Attributes of a leaf. Index 0 of MAIR_EL1 is Normal, 1 Device-nGnRnE, 2 Normal Non-cacheable. */
#define PTE_VALID    1ull
#define PTE_TABLE    3ull
#define PTE_PAGE     3ull
#define PTE_BLOCK    1ull
#define PTE_ATTR(n)  ((u64)(n) << 2)
#define PTE_DEVICE   PTE_ATTR(1)
#define PTE_EL0      (1ull << 6)
#define PTE_RO       (1ull << 7)
#define PTE_ISH      (3ull << 8)
#define PTE_AF       (1ull << 10)
#define PTE_NG       (1ull << 11)
#define PTE_DBM      (1ull << 51)
#define PTE_CONTIG   (1ull << 52)
#define PTE_PXN      (1ull << 53)
#define PTE_UXN      (1ull << 54)
#define TABLE_PXN    (1ull << 59)
#define TABLE_UXN    (1ull << 60)
#define TABLE_NO_EL0 (1ull << 61)
#define TABLE_RO     (1ull << 62)
#define PTE_NORMAL   (PTE_AF | PTE_ISH)

/* Half an address space: tables of one granule. */
struct space {
    unsigned page_bits, tsz;
    u64 *root;
};
void space_init(struct space *s, unsigned page_bits, unsigned tsz);
unsigned space_start(const struct space *s);
/* The descriptor of va at a level, with tables above it made as needed. */
u64 *space_slot(struct space *s, u64 va, unsigned level);
void space_map(struct space *s, u64 va, u64 pa, unsigned level, u64 attributes);
/* Identity map of this program with pages: code read-only and executable for both, data for EL1. */
void space_map_program(struct space *s);
/* TCR_EL1 for the two (upper may be NULL: EPD1), 40 output bits at most. */
u64 tcr_for(const struct space *lower, const struct space *upper);
/* Registers set and the MMU switched on with SCTLR bits besides M. */
void mmu_on(const struct space *lower, const struct space *upper, u64 sctlr);
/* The same on another CPU, with what mmu_on() set on this one; no invalidation. */
struct mmu_setup {
    u64 mair, tcr, ttbr0, ttbr1, sctlr;
};
void mmu_setup_get(struct mmu_setup *setup);
void mmu_setup_use(const struct mmu_setup *setup);
void mmu_off(void);
void sctlr_set(u64 sctlr);      /* M is kept */
void *page_alloc(size_t bytes); /* zeroed, aligned to its size (a power of two); never freed */
void page_reset(void);          /* forget all of them: start of a test */
bool granule_there(unsigned page_bits);

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
