/* SPDX-License-Identifier: MIT */
/*
 * Where the CPU meets the MMU: the regime of its system registers, translation with faults taken as
 * exceptions, instruction fetch, and the maintenance instructions. mem.h has the accesses
 * themselves.
 *
 * Everything runs on the vCPU's thread. The TLBs hold translations of the current regime and ASID
 * alone, so a change of either drops what must go, and a TLBI for another ASID has nothing to do.
 */
#pragma once

#include "cpu.h"
#include "mmu.h"

/* After any change of SCTLR_EL1, TCR_EL1, TTBR0_EL1, TTBR1_EL1, MAIR_EL1 or an ID register, by the
 * guest or restored: decode them anew, and drop the translations that no longer hold. */
void tlb_regime_changed(struct cpu *c);

/* A new vCPU: the sets hold nothing yet, whatever its memory does. */
void tlb_reset(struct cpu *c);

/* Walk, no TLB, no exception: out->fault says how it went. A descriptor at an address without
 * memory shows as an external abort on the walk. */
bool tlb_walk(struct cpu *c, uint64_t va, struct mmu_access access, struct mmu_result *out);

/* Take the fault of a data access or maintenance instruction: Data Abort at EL1, or, for a
 * descriptor that is not in memory, the exit that stage 2 would cause. `cm`: a maintenance or AT
 * instruction. */
void tlb_raise(struct cpu *c, const struct insn *i, uint64_t va, const struct mmu_result *fault,
               bool cm);

/* Where the line leads that a DC or IC names; false after the exception, or the exit where there is
 * no memory. MMU_CLEAN or MMU_INVALIDATE. */
bool tlb_locate(struct cpu *c, const struct insn *i, uint64_t va, enum mmu_kind kind,
                uint64_t *ipa);

/* The page to fetch from at pc, in the fetch TLB. NULL after the exception or exit (c->pc is pc).
 */
const struct fetch_entry *tlb_fetch(struct cpu *c, uint64_t pc);

/* Raise the alignment fault of a data access at va (ordered accesses, atomics). */
void mem_alignment_fault(struct cpu *c, const struct insn *i, uint64_t va, bool write);

/* Host pointer for DC ZVA at va (any address in the block): Device memory faults on alignment. NULL
 * after the exception or exit. */
void *mem_zero_block(struct cpu *c, const struct insn *i, uint64_t va);

/* The copies of entries that translated code has of its base registers. */
void tlb_forget_base_pages(struct cpu *c);

/* TLBI by address or ASID on this vCPU. `asid` as in the operand: bits the guest does not use are
 * ignored. */
void tlb_flush_va_asid(struct cpu *c, uint64_t va, uint16_t asid);
void tlb_flush_asid(struct cpu *c, uint16_t asid);
/* Drop every entry of the data TLB that leads to this page of memory. */
void tlb_drop_ipa(struct cpu *c, uint64_t ipa);
