/* SPDX-License-Identifier: MIT */
/*
 * The TLBs and the slow path of every guest access: translation, permission, alignment, accesses
 * that cross a page, and what is not RAM. Owner thread.
 */
#include "tlb_fill.h"
#include "mem.h"

#define FSC_TRANSLATION_L0 0x04
#define FSC_PERMISSION_L0  0x0c

void tlb_flush_all(struct cpu *c)
{
    for (unsigned v = 0; v < VIEW_COUNT; v++) {
        for (unsigned n = 0; n < TLB_SIZE; n++)
            c->tlb_sets[v][n] = (struct tlb_entry){.read = TLB_NONE, .write = TLB_NONE};
    }
    c->stats[STAT_TLB_FLUSHES]++;
    fetch_changed(c);
}

void tlb_flush_va(struct cpu *c, uint64_t va)
{
    (void)va;
    tlb_flush_all(c);
}

/* ISS of a data abort that the monitor is to emulate: the fields that a core gives for loads and
 * stores of one general register (D17.2.37, ISS for data aborts, ISV). */
static uint32_t access_iss(uint32_t w, bool write)
{
    uint32_t iss = write ? 1u << 6 : 0;
    bool single = (w & 0x3b000000) == 0x39000000 ||   /* unsigned offset */
                  ((w & 0x3b200c00) == 0x38200800) || /* register offset */
                  ((w & 0x3b200000) == 0x38000000 && (w >> 10 & 3) != 1 && (w >> 10 & 3) != 3);
    bool ordered = (w & 0x3f808000) == 0x08808000; /* LDAR, STLR and their kin */
    unsigned size = w >> 30, opc = w >> 22 & 3;
    if ((!single && !ordered) || (w >> 26 & 1))
        return iss;
    bool sign = single && opc >= 2;
    bool wide = single ? (size == 3 || opc == 2) : size == 3;
    return iss | 1u << 24 | size << 22 | (sign ? 1u << 21 : 0) | (w & 0x1f) << 16 |
           (wide ? 1u << 15 : 0) | (ordered ? 1u << 14 : 0);
}

/* Stage 2 of a real machine: what is mapped, with which rights. */
static bool stage2(struct cpu *c, uint64_t ipa, hv_memory_flags_t need, uint8_t **host,
                   uint32_t *fsc, hv_memory_flags_t *flags)
{
    struct hvi_region r;
    (void)c;
    if (!hvi_mem_lookup(ipa, &r)) {
        *fsc = FSC_TRANSLATION_L0 + 1;
        return false;
    }
    if ((r.flags & need) != need) {
        *fsc = FSC_PERMISSION_L0 + 3;
        return false;
    }
    *host = r.host + (ipa - r.ipa);
    *flags = r.flags;
    return true;
}

bool tlb_fill(struct cpu *c, const struct insn *i, uint64_t va, unsigned size, enum mmu_view view,
              enum mem_access access, uint8_t **host)
{
    uint64_t ipa = va;
    uint32_t fsc;
    hv_memory_flags_t flags;
    (void)size;
    if (!stage2(c, ipa, access == MEM_WRITE ? HV_MEMORY_WRITE : HV_MEMORY_READ, host, &fsc,
                &flags)) {
        uint32_t iss = access_iss(i->raw, access == MEM_WRITE);
        cpu_exit(c, i, ESR(EC_DABT_LOW, iss | fsc), va, ipa, 0);
        return false;
    }
    struct tlb_entry *e = tlb_slot(c->tlb_sets[view], va);
    uint64_t page = va & PAGE_MASK;
    e->addend = (uintptr_t)*host - (uintptr_t)va;
    e->read = flags & HV_MEMORY_READ ? page : TLB_NONE;
    e->write = flags & HV_MEMORY_WRITE ? page : TLB_NONE;
    e->ipa = ipa & PAGE_MASK;
    c->stats[STAT_TLB_FILLS]++;
    return true;
}

const struct fetch_entry *tlb_fetch(struct cpu *c, uint64_t pc)
{
    struct fetch_entry *f = &c->fetch[pc >> PAGE_BITS & (FETCH_TLB_SIZE - 1)];
    uint64_t key = (pc & PAGE_MASK) | c->el;
    if (pc & 3) {
        cpu_raise_far(c, NULL, ESR(EC_PC_ALIGN, 0), pc, pc);
        return NULL;
    }
    if (f->key == key && f->gen == c->fetch_gen)
        return f;
    uint8_t *host;
    uint32_t fsc;
    hv_memory_flags_t flags;
    if (!stage2(c, pc & PAGE_MASK, HV_MEMORY_EXEC, &host, &fsc, &flags)) {
        cpu_exit(c, NULL, ESR(EC_IABT_LOW, fsc), pc, pc, 0);
        return NULL;
    }
    *f = (struct fetch_entry){.key = key, .ipa = pc & PAGE_MASK, .host = host, .gen = c->fetch_gen};
    return f;
}

bool tlb_locate(struct cpu *c, const struct insn *i, uint64_t va, enum mem_access access,
                uint64_t *ipa)
{
    (void)c, (void)i, (void)access;
    *ipa = va;
    return true;
}

/* An access may lie in two pages; both are made good before any byte moves. */
static bool locate(struct cpu *c, const struct insn *i, uint64_t va, unsigned size,
                   enum mmu_view view, enum mem_access access, uint8_t *part[2], unsigned *first)
{
    unsigned room = (unsigned)(PAGE_BYTES - (va & ~PAGE_MASK));
    *first = size < room ? size : room;
    if (!tlb_fill(c, i, va, *first, view, access, &part[0]))
        return false;
    return *first == size || tlb_fill(c, i, va + *first, size - *first, view, access, &part[1]);
}

bool mem_load_slow(struct cpu *c, const struct insn *i, uint64_t va, unsigned size,
                   enum mmu_view view, void *out)
{
    uint8_t *part[2];
    unsigned first;
    if (!locate(c, i, va, size, view, MEM_READ, part, &first))
        return false;
    memcpy(out, part[0], first);
    if (first < size)
        memcpy((uint8_t *)out + first, part[1], size - first);
    return true;
}

bool mem_store_slow(struct cpu *c, const struct insn *i, uint64_t va, unsigned size,
                    enum mmu_view view, const void *in)
{
    uint8_t *part[2];
    unsigned first;
    if (!locate(c, i, va, size, view, MEM_WRITE, part, &first))
        return false;
    memcpy(part[0], in, first);
    if (first < size)
        memcpy(part[1], (const uint8_t *)in + first, size - first);
    return true;
}

void *mem_atomic(struct cpu *c, const struct insn *i, uint64_t va, unsigned size, bool write)
{
    const struct tlb_entry *e = tlb_slot(c->tlb, va);
    uint8_t *host;
    if (va & (size - 1)) {
        cpu_raise_far(c, i, ESR(EC_DABT_LOW, 0x21 | (write ? 1u << 6 : 0)), insn_pc(c, i), va);
        return NULL;
    }
    uint64_t page = va & PAGE_MASK;
    if (likely(e->read == page && (!write || e->write == page)))
        return (void *)(uintptr_t)(va + e->addend);
    if (!tlb_fill(c, i, va, size, mem_view(c), write ? MEM_WRITE : MEM_READ, &host))
        return NULL;
    return host;
}

void tlb_flush_va_asid(struct cpu *c, uint64_t va, uint16_t asid)
{
    (void)asid;
    tlb_flush_va(c, va);
}

void tlb_flush_asid(struct cpu *c, uint16_t asid)
{
    (void)asid;
    tlb_flush_all(c);
}
