/* SPDX-License-Identifier: MIT */
/*
 * Guest memory accesses of instructions. ld8 … st128 return false after having raised the exception
 * or prepared the exit; the handler then returns NULL having changed nothing.
 *
 * The fast path is one compare: a page whose tag matches, for an access that lies in it. Accesses
 * of up to 8 bytes that are aligned are single-copy atomic because the host's are. Everything else
 * goes to tlb.c.
 */
#pragma once

#include "cpu.h"

bool mem_load_slow(struct cpu *c, const struct insn *i, uint64_t va, unsigned size,
                   enum mmu_view view, void *out);
bool mem_store_slow(struct cpu *c, const struct insn *i, uint64_t va, unsigned size,
                    enum mmu_view view, const void *in);

/* A host pointer to [va, va+size), for atomics and exclusives: va aligned to size (else an
 * alignment fault is raised), readable and writable unless `write` is false. NULL after a fault or
 * exit. */
void *mem_atomic(struct cpu *c, const struct insn *i, uint64_t va, unsigned size, bool write);

/* The stack pointer as a base is not a multiple of 16: true if that raised an exception. */
bool mem_sp_fault(struct cpu *c, const struct insn *i);

/* The view that LDTR and STTR use: EL0's, unless PSTATE.UAO is set (Arm ARM C6.2,
 * AArch64.IsUnprivAccessPriv). */
enum mmu_view mem_unpriv_view(const struct cpu *c);
static inline enum mmu_view mem_view(const struct cpu *c)
{
    return c->el == 0 ? VIEW_EL0 : c->pan ? VIEW_EL1_PAN : VIEW_EL1;
}

/* Copy so that what the architecture makes single-copy atomic is one host access. */
static inline void mem_copy(void *to, const void *from, unsigned size)
{
    switch (size) {
    case 1: memcpy(to, from, 1); break;
    case 2: memcpy(to, from, 2); break;
    case 4: memcpy(to, from, 4); break;
    case 8: memcpy(to, from, 8); break;
    case 16: memcpy(to, from, 16); break;
    default: memcpy(to, from, size);
    }
}

/* Neighbouring pages never share a slot: an access that crosses from one into the other must not
 * hit. */
static inline struct tlb_entry *tlb_slot(const struct cpu *c, struct tlb_entry *set, uint64_t va)
{
    return (struct tlb_entry *)(void *)((uint8_t *)set +
                                        (va >> (PAGE_BITS - TLB_ENTRY_BITS) & c->tlb_mask));
}

/* May [va, va + size) go straight to memory? In the page of the tag; aligned if that is checked. */
static inline bool mem_matches(uint64_t tag, uint64_t va, unsigned size)
{
    return likely(((va + size - 1) & PAGE_MASK) == tag) ||
           ((va & (PAGE_MASK | (size - 1))) | TLB_CHECKED) == tag;
}

#define MEM_ACCESS(bits)                                                                           \
    static inline bool ld##bits(struct cpu *c, const struct insn *i, uint64_t va,                  \
                                uint##bits##_t *out)                                               \
    {                                                                                              \
        const struct tlb_entry *e = tlb_slot(c, c->tlb, va);                                       \
        if (likely(mem_matches(e->read, va, bits / 8))) {                                          \
            memcpy(out, (const void *)(uintptr_t)(va + e->addend), bits / 8);                      \
            return true;                                                                           \
        }                                                                                          \
        return mem_load_slow(c, i, va, bits / 8, mem_view(c), out);                                \
    }                                                                                              \
    static inline bool st##bits(struct cpu *c, const struct insn *i, uint64_t va,                  \
                                uint##bits##_t in)                                                 \
    {                                                                                              \
        const struct tlb_entry *e = tlb_slot(c, c->tlb, va);                                       \
        if (likely(mem_matches(e->write, va, bits / 8))) {                                         \
            memcpy((void *)(uintptr_t)(va + e->addend), &in, bits / 8);                            \
            return true;                                                                           \
        }                                                                                          \
        return mem_store_slow(c, i, va, bits / 8, mem_view(c), &in);                               \
    }
MEM_ACCESS(8)
MEM_ACCESS(16)
MEM_ACCESS(32)
MEM_ACCESS(64)

static inline bool ld128(struct cpu *c, const struct insn *i, uint64_t va, v128 *out)
{
    const struct tlb_entry *e = tlb_slot(c, c->tlb, va);
    if (likely(mem_matches(e->read, va, 16))) {
        memcpy(out, (const void *)(uintptr_t)(va + e->addend), 16);
        return true;
    }
    return mem_load_slow(c, i, va, 16, mem_view(c), out);
}

static inline bool st128(struct cpu *c, const struct insn *i, uint64_t va, const v128 *in)
{
    const struct tlb_entry *e = tlb_slot(c, c->tlb, va);
    if (likely(mem_matches(e->write, va, 16))) {
        memcpy((void *)(uintptr_t)(va + e->addend), in, 16);
        return true;
    }
    return mem_store_slow(c, i, va, 16, mem_view(c), in);
}
