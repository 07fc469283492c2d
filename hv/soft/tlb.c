/* SPDX-License-Identifier: MIT */
/*
 * The TLBs of a vCPU: filling them from the tables, dropping what maintenance names, and the slow
 * path of every access to memory. The vCPU's thread owns all of it; other threads ask by mail.
 *
 * An entry speaks of one 4 KiB page whatever the granule, so that one page of the guest may be many
 * entries; each knows the size of what it came from. Invariant: an entry holds under the current
 * regime and ASID, in the view of its set, and its host memory may be used until the next mail is
 * served.
 */
#include "debug.h"
#include "mem.h"
#include "soft_gic.h"
#include "tlb.h"
#include "verify.h"

#include "backend.h"

#include <mach/mach_time.h>

#define SCTLR_A (UINT64_C(1) << 1)

/* What happens rarely, so that the functions it is called from save no registers for it. */
#define NOINLINE __attribute__((noinline))

/* Low bits of tlb_entry.ipa. */
#define ENTRY_SIZE   UINT64_C(0x3f) /* log2 of the block or page it came from */
#define ENTRY_GLOBAL UINT64_C(0x40)
#define ENTRY_GIC    UINT64_C(0x80) /* no host memory, but maybe the GIC of hv/soft */

/* Syndrome bits of aborts, and the codes of our stage 2: it has one level, the last. */
#define ISS_ISV            (1u << 24)
#define ISS_CM             (1u << 8)
#define ISS_S1PTW          (1u << 7)
#define ISS_WNR            (1u << 6)
#define FSC_S2_TRANSLATION 0x07u
#define FSC_S2_PERMISSION  0x0fu

/* ---- the regime ---- */

static void drop_entry(struct tlb_entry *e)
{
    e->read = TLB_NONE;
    e->write = TLB_NONE;
}

/* A set is looked after in 32 groups: most flushes meet few entries. */
static unsigned group_bits(const struct cpu *c)
{
    return c->tlb_bits > 5 ? c->tlb_bits - 5 : 0;
}

static void note_used(struct cpu *c, enum mmu_view view, const struct tlb_entry *e)
{
    const size_t slot = (size_t)(e - c->tlb_sets[view]);

    c->tlb_used[view] |= UINT32_C(1) << (slot >> group_bits(c));
}

/* The entries of the lowest group in `used`; *end is behind the last. */
static struct tlb_entry *group_entries(struct cpu *c, enum mmu_view view, uint32_t used,
                                       struct tlb_entry **end)
{
    struct tlb_entry *first = &c->tlb_sets[view][(size_t)__builtin_ctz(used) << group_bits(c)];

    *end = first + (1u << group_bits(c));
    return first;
}

static void forget_large(struct large_pages *l)
{
    memset(l->seen, 0, sizeof l->seen);
    for (unsigned half = 0; half < 2; half++)
        l->beyond[half] = (struct va_range){UINT64_MAX, 0};
}

#define LARGE_BITS 21

static uint64_t *large_word(struct large_pages *l, uint64_t va, uint64_t *bit)
{
    const uint64_t hash =
        (va >> LARGE_BITS) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - LARGE_HASH_BITS);

    *bit = UINT64_C(1) << (hash & 63);
    return &l->seen[hash >> 6];
}

static void note_large(struct large_pages *l, uint64_t va, unsigned size_bits)
{
    struct va_range *r = &l->beyond[va >> 55 & 1];
    const uint64_t span = (UINT64_C(1) << size_bits) - 1;
    uint64_t bit, *word = large_word(l, va, &bit);

    if (size_bits <= LARGE_BITS) {
        *word |= bit;
        return;
    }
    if (r->lo > (va & ~span))
        r->lo = va & ~span;
    if (r->hi < (va | span))
        r->hi = va | span;
}

static bool maybe_large(struct large_pages *l, uint64_t va)
{
    const struct va_range *r = &l->beyond[va >> 55 & 1];
    uint64_t bit;
    const uint64_t *word = large_word(l, va, &bit);

    return (*word & bit) || (va >= r->lo && va <= r->hi);
}

/* Fetches: a TLBI of pages that nobody ran is common, and must not cost the code its links. */
static void forget_fetches(struct cpu *c)
{
    memset(c->fetch_seen, 0, sizeof c->fetch_seen);
    forget_large(&c->fetch_large);
    fetch_changed(c);
}

static uint64_t *fetch_word(struct cpu *c, uint64_t va, uint64_t *bit)
{
    const unsigned hash = (unsigned)((va >> PAGE_BITS) * UINT64_C(0x9e3779b97f4a7c15) >> 56);

    *bit = UINT64_C(1) << (hash & 63);
    return &c->fetch_seen[hash >> 6];
}

static void note_fetch(struct cpu *c, uint64_t va, unsigned size_bits)
{
    uint64_t bit, *word = fetch_word(c, va, &bit);

    if (size_bits > PAGE_BITS)
        note_large(&c->fetch_large, va, size_bits);
    else
        *word |= bit;
}

static bool maybe_fetched(struct cpu *c, uint64_t va)
{
    uint64_t bit;
    const uint64_t *word = fetch_word(c, va, &bit);

    return (*word & bit) || maybe_large(&c->fetch_large, va);
}

/* Whatever drops an entry drops its copies. */
void tlb_forget_base_pages(struct cpu *c)
{
    if (!c->base_used)
        return;
    c->base_used = false;
    for (unsigned view = 0; view < VIEW_COUNT; view++)
        for (unsigned slot = 0; slot < X_SLOTS; slot++)
            drop_entry(&c->base_page[view][slot]);
}

static void drop_entries(struct cpu *c, bool keep_global)
{
    tlb_forget_base_pages(c);
    for (unsigned view = 0; view < VIEW_COUNT; view++) {
        uint32_t left = 0;

        for (uint32_t used = c->tlb_used[view]; used; used &= used - 1) {
            struct tlb_entry *end, *e = group_entries(c, view, used, &end);
            for (; e < end; e++) {
                if (keep_global && (e->ipa & ENTRY_GLOBAL))
                    left |= used & -used;
                else
                    drop_entry(e);
            }
        }
        c->tlb_used[view] = left;
    }
}

/*
 * The size of the sets follows the guest: one that keeps evicting pages gets more entries, and one
 * that fills few between flushes pays for few. Entries stay where the size at their time put them,
 * so a change drops all.
 */
#define EVICTION_NS                                                                                \
    3000             /* apart on average, or less: then the walks are a good part of the load      \
                      */
#define FLUSH_PAYS 8 /* a flush that comes after fills of less than one slot in so many */

static void resize(struct cpu *c, unsigned bits)
{
    c->base_used = true; /* or zeroes in there would be page 0 */
    drop_entries(c, false);
    forget_large(&c->large);
    c->tlb_bits = bits;
    c->tlb_mask = ((1u << bits) - 1) << TLB_ENTRY_BITS;
    /* Fresh slots are zeroes, the tag of page 0. Two may be compared with it: its own, and that of
     * the last page, by an access that goes round from there. */
    for (unsigned view = 0; view < VIEW_COUNT; view++) {
        drop_entry(&c->tlb_sets[view][0]);
        drop_entry(&c->tlb_sets[view][(1u << bits) - 1]);
    }
}

static void note_eviction(struct cpu *c)
{
    if (++c->tlb_evictions >> c->tlb_bits == 0 || c->verify)
        return; /* verification remembers slots */
    mach_timebase_info_data_t tb;
    const uint64_t now = mach_absolute_time(), ticks = now - c->tlb_since;
    mach_timebase_info(&tb);
    const bool often = ticks / tb.denom * tb.numer < (uint64_t)c->tlb_evictions * EVICTION_NS;
    c->tlb_since = now;
    c->tlb_evictions = 0;
    if (often && c->tlb_bits < TLB_MAX_BITS)
        resize(c, c->tlb_bits + 1);
}

/* Drop everything, or all but what holds for every ASID. */
static void flush_sets(struct cpu *c, bool keep_global)
{
    const uint64_t fills = c->stats[STAT_TLB_FILLS] - c->tlb_fills_before;

    c->tlb_fills_before = c->stats[STAT_TLB_FILLS];
    if (c->tlb_bits > TLB_MIN_BITS && fills < (1u << c->tlb_bits) / FLUSH_PAYS)
        resize(c, c->tlb_bits - 1);
    else
        drop_entries(c, keep_global);
    forget_fetches(c);
}

void tlb_flush_all(struct cpu *c)
{
    flush_sets(c, false);
    forget_large(&c->large);
    c->ram.size = 0;
    c->stats[STAT_TLB_FLUSHES]++;
}

void tlb_reset(struct cpu *c)
{
    resize(c, TLB_MIN_BITS);
    tlb_regime_changed(c);
    tlb_flush_all(c);
}

void tlb_regime_changed(struct cpu *c)
{
    struct mmu_features features;
    const uint16_t asid = c->regime.asid;
    const struct mmu_regs regs = {
        .sctlr = c->sr[SR_SCTLR_EL1],
        .tcr = c->sr[SR_TCR_EL1],
        .ttbr0 = c->sr[SR_TTBR0_EL1],
        .ttbr1 = c->sr[SR_TTBR1_EL1],
        .mair = c->sr[SR_MAIR_EL1],
    };
    const bool tables_only = regs.sctlr == c->regime_regs.sctlr && regs.tcr == c->regime_regs.tcr &&
                             regs.mair == c->regime_regs.mair;

    mmu_features_from_id(&features, c->sr[SR_ID_AA64MMFR0_EL1], c->sr[SR_ID_AA64MMFR1_EL1],
                         c->sr[SR_ID_AA64MMFR2_EL1], c->sr[SR_ID_AA64ISAR1_EL1],
                         c->sr[SR_ID_AA64PFR1_EL1]);
    mmu_regime_init(&c->regime, &features, &regs);
    c->regime_regs = regs;
    /* New tables under the same ASID show after a TLBI (D8.13, "use of ASIDs"). */
    if (!tables_only) {
        pauth_config_changed(c);
        tlb_flush_all(c);
    } else if (c->regime.asid != asid)
        flush_sets(c, true);
}

/* ---- maintenance ---- */

static bool entry_matches(const struct tlb_entry *e, uint64_t va, bool any_asid)
{
    const uint64_t tag = e->read != TLB_NONE ? e->read : e->write;

    if (tag == TLB_NONE || (!any_asid && !(e->ipa & ENTRY_GLOBAL)))
        return false;
    return ((tag ^ va) & PAGE_MASK) >> (e->ipa & ENTRY_SIZE) == 0;
}

/* Drop what comes from the block that maps va: it may sit in any slot. */
static void flush_large(struct cpu *c, uint64_t va, bool any_asid)
{
    for (unsigned view = 0; view < VIEW_COUNT; view++) {
        for (uint32_t used = c->tlb_used[view]; used; used &= used - 1) {
            struct tlb_entry *end, *e = group_entries(c, view, used, &end);
            for (; e < end; e++)
                if (entry_matches(e, va, any_asid))
                    drop_entry(e);
        }
    }
}

/* Drop what maps va, of the current ASID and global, or only global. */
static void flush_va(struct cpu *c, uint64_t va, bool any_asid)
{
    tlb_forget_base_pages(c);
    if (maybe_large(&c->large, va)) {
        flush_large(c, va, any_asid);
    } else {
        for (unsigned view = 0; view < VIEW_COUNT; view++) {
            struct tlb_entry *e = tlb_slot(c, c->tlb_sets[view], va);
            if (entry_matches(e, va, any_asid))
                drop_entry(e);
        }
    }
    if (maybe_fetched(c, va))
        forget_fetches(c);
}

void tlb_flush_va(struct cpu *c, uint64_t va)
{
    flush_va(c, va, true);
}

void tlb_flush_va_asid(struct cpu *c, uint64_t va, uint16_t asid)
{
    flush_va(c, va, ((asid ^ c->regime.asid) & c->regime.asid_mask) == 0);
}

void tlb_drop_ipa(struct cpu *c, uint64_t ipa)
{
    tlb_forget_base_pages(c);
    for (unsigned view = 0; view < VIEW_COUNT; view++) {
        for (uint32_t used = c->tlb_used[view]; used; used &= used - 1) {
            struct tlb_entry *end, *e = group_entries(c, view, used, &end);
            for (; e < end; e++)
                if (((e->ipa ^ ipa) & PAGE_MASK) == 0)
                    drop_entry(e);
        }
    }
}

void tlb_flush_asid(struct cpu *c, uint16_t asid)
{
    if (((asid ^ c->regime.asid) & c->regime.asid_mask) == 0)
        flush_sets(c, true);
}

/* ---- guest memory ---- */

/* Host memory of a guest physical address, and what the monitor allows there; NULL if nothing is.
 * The last piece is kept: it holds until the next mail, as all translations do. */
static uint8_t *host_of(struct cpu *c, uint64_t ipa, uint64_t *flags)
{
    if (ipa - c->ram.ipa >= c->ram.size) {
        struct hvi_region region;

        if (!hvi_mem_lookup(ipa, &region))
            return NULL;
        c->ram.ipa = region.ipa;
        c->ram.size = region.size;
        c->ram.host = region.host;
        c->ram.flags = region.flags;
    }
    *flags = c->ram.flags;
    uint8_t *host = c->ram.host + (ipa - c->ram.ipa);
    return unlikely(c->verify) ? verify_host(c, ipa, host) : host;
}

static bool walk_read(void *opaque, uint64_t ipa, uint64_t *desc)
{
    uint64_t flags;
    const uint8_t *host = host_of(opaque, ipa, &flags);

    if (!host || !(flags & HV_MEMORY_READ))
        return false;
    *desc = __atomic_load_n((const uint64_t *)(const void *)host, __ATOMIC_ACQUIRE);
    return true;
}

static enum mmu_cas walk_cas(void *opaque, uint64_t ipa, uint64_t expected, uint64_t desired)
{
    uint64_t flags;
    struct cpu *c = opaque;
    uint8_t *host = host_of(c, ipa, &flags);

    if (!host || !(flags & HV_MEMORY_WRITE))
        return MMU_CAS_ABORT;
    if (unlikely(c->verify))
        verify_descriptor(c, ipa, host);
    return __atomic_compare_exchange_n((uint64_t *)(void *)host, &expected, desired, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
               ? MMU_CAS_DONE
               : MMU_CAS_CHANGED;
}

bool tlb_walk(struct cpu *c, uint64_t va, struct mmu_access access, struct mmu_result *out)
{
    const struct mmu_memory memory = {walk_read, walk_cas, c};

    return mmu_translate(&c->regime, va, access, &memory, out);
}

/* ---- faults ---- */

/* A descriptor that the walk could not use: a stage 2 fault on a stage 1 walk, for the monitor. */
static void exit_walk(struct cpu *c, const struct insn *i, unsigned ec, uint64_t va,
                      uint64_t walk_ipa)
{
    uint64_t flags;
    uint32_t iss = ISS_S1PTW | FSC_S2_TRANSLATION;

    if (host_of(c, walk_ipa, &flags))
        iss = ISS_S1PTW | FSC_S2_PERMISSION |
              (ec == EC_DABT_LOW && flags & HV_MEMORY_READ ? ISS_WNR : 0);
    cpu_exit(c, i, ESR(ec, iss), va, walk_ipa, 0);
}

void tlb_raise(struct cpu *c, const struct insn *i, uint64_t va, const struct mmu_result *fault,
               bool cm)
{
    if (mmu_fault_external_walk(fault)) {
        exit_walk(c, i, EC_DABT_LOW, va, fault->walk_ipa);
        return;
    }
    const uint32_t iss = fault->fsc | (fault->write ? ISS_WNR : 0) | (cm ? ISS_CM : 0);
    cpu_raise_far(c, i, ESR(EC_DABT_LOW, iss), insn_pc(c, i), va);
}

void mem_alignment_fault(struct cpu *c, const struct insn *i, uint64_t va, bool write)
{
    const struct mmu_result fault = {.fault = true, .fsc = MMU_FSC_ALIGNMENT, .write = write};

    tlb_raise(c, i, va, &fault, false);
}

/* LDR, STR and so on of a general register, by size << 2 | opc: SAS, SSE and SF of the syndrome. */
#define ISS_LDST(size, sign, sf) (ISS_ISV | (size) << 22 | (sign) << 21 | (unsigned)(sf) << 15)
static const uint32_t iss_ldst[16] = {
    ISS_LDST(0, 0, 0),
    ISS_LDST(0, 0, 0),
    ISS_LDST(0, 1, 1),
    ISS_LDST(0, 1, 0),
    ISS_LDST(1, 0, 0),
    ISS_LDST(1, 0, 0),
    ISS_LDST(1, 1, 1),
    ISS_LDST(1, 1, 0),
    ISS_LDST(2, 0, 0),
    ISS_LDST(2, 0, 0),
    ISS_LDST(2, 1, 1),
    0,
    ISS_LDST(3, 0, 1),
    ISS_LDST(3, 0, 1),
    0,
    0,
};

/* The part of a Data Abort's syndrome that lets the monitor emulate the access: for loads and
 * stores of one general-purpose register without write-back (ESR_ELx, ISV). 0 for all others. */
static uint32_t iss_of_access(uint32_t w)
{
    const unsigned size = w >> 30, opc = w >> 22 & 3, rt = w & 31;
    const uint32_t common = ISS_ISV | rt << 16;

    if ((w & 0x3f000000) == 0x39000000 ||                   /* unsigned offset */
        ((w & 0x3f200000) == 0x38000000 && !(w & 0x400)) || /* unscaled, unprivileged */
        (w & 0x3f200c00) == 0x38200800) {                   /* register offset */
        const uint32_t iss = iss_ldst[size << 2 | opc];
        return iss ? iss | rt << 16 : 0;
    }
    if ((w & 0x3f000000) == 0x18000000 && size < 3) /* literal: 32, 64 bits, signed word */
        return common | (size == 1 ? 3u : 2u) << 22 | (size == 2) << 21 | (size != 0) << 15;
    if ((w & 0x3fa00000) == 0x08800000 || /* LDAR, STLR, LDLAR, STLLR */
        (w & 0x3ffffc00) == 0x38bfc000)   /* LDAPR */
        return common | size << 22 | (size == 3) << 15 | 1u << 14;
    if ((w & 0x3f200c00) == 0x19000000) { /* LDAPUR, STLUR */
        const bool sf = opc == 2 || (opc < 2 && size == 3);
        return common | size << 22 | (opc >= 2) << 21 | (uint32_t)sf << 15 | 1u << 14;
    }
    return 0;
}

/* An access to what stage 2 does not map, or not with this right. */
static void exit_access(struct cpu *c, const struct insn *i, uint64_t va, uint64_t ipa, bool mapped,
                        bool write, bool whole)
{
    const uint32_t iss = (whole ? iss_of_access(i->raw) : 0) | (write ? ISS_WNR : 0) |
                         (mapped ? FSC_S2_PERMISSION : FSC_S2_TRANSLATION);

    cpu_exit(c, i, ESR(EC_DABT_LOW, iss), va, ipa, 0);
}

bool tlb_locate(struct cpu *c, const struct insn *i, uint64_t va, enum mmu_kind kind, uint64_t *ipa)
{
    const struct mmu_access access = {.kind = kind, .user = c->el == 0};
    struct mmu_result r;
    uint64_t flags;

    if (!tlb_walk(c, va, access, &r)) {
        tlb_raise(c, i, va, &r, true);
        return false;
    }
    if (!host_of(c, r.ipa, &flags)) {
        cpu_exit(c, i, ESR(EC_DABT_LOW, ISS_CM | ISS_WNR | FSC_S2_TRANSLATION), va, r.ipa, 0);
        return false;
    }
    if (kind == MMU_INVALIDATE && unlikely(c->watches.units) &&
        debug_watchpoint(c, i,
                         (struct debug_access){.va = va & ~UINT64_C(63),
                                               .size = 64,
                                               .write = true,
                                               .privileged = true,
                                               .maintenance = true,
                                               .at = va}))
        return false;
    *ipa = r.ipa;
    return true;
}

/* ---- filling ---- */

static bool is_other_page(const struct tlb_entry *e, uint64_t page)
{
    const uint64_t tag = e->read != TLB_NONE ? e->read : e->write;

    return tag != TLB_NONE && tag != 0 && (tag & PAGE_MASK) != page;
}

/* Keep a translation, with what may be done without asking again. `va` has no tag. Without host
 * memory it saves the next access to the device that page's walk. */
static void fill(struct cpu *c, uint64_t va, enum mmu_view view, const struct mmu_result *r,
                 uint8_t *host, uint64_t flags)
{
    const uint64_t page = va & PAGE_MASK;
    struct tlb_entry *e = tlb_slot(c, c->tlb_sets[view], va);
    const bool checked = r->device || (c->sr[SR_SCTLR_EL1] & SCTLR_A);
    const uint64_t tag = page | (!host ? TLB_ABSENT : checked ? TLB_CHECKED : 0);
    bool may_read = r->rights & (view == VIEW_EL0 ? MMU_EL0_R : MMU_EL1_R);
    bool may_write = r->rights & (view == VIEW_EL0 ? MMU_EL0_W : MMU_EL1_W);

    if (view == VIEW_EL1_PAN && (r->rights & MMU_EL0_R))
        may_read = may_write = false;
    c->stats[STAT_TLB_FILLS]++;
    if (r->size_bits > PAGE_BITS)
        note_large(&c->large, va, r->size_bits);
    if (is_other_page(e, page)) {
        note_eviction(c);
        e = tlb_slot(c, c->tlb_sets[view], va);
    }
    note_used(c, view, e);
    e->read = may_read && (flags & HV_MEMORY_READ) ? tag : TLB_NONE;
    /* Never without `read`: the look-up of a load-exclusive serves its store-exclusive, too. */
    e->write =
        e->read == tag && may_write && !r->clean && (flags & HV_MEMORY_WRITE) ? tag : TLB_NONE;
    if (unlikely(c->watches.units) && debug_watches_page(c, page))
        e->read = e->write = TLB_NONE;
    e->addend = (uintptr_t)host - (r->ipa & ~PAGE_MASK) - page;
    e->ipa = (r->ipa & PAGE_MASK) | r->size_bits | (r->global ? ENTRY_GLOBAL : 0);
    if (unlikely(c->verify))
        verify_filled(c, e);
}

/* The address as the TLB knows it: without its tag. */
static uint64_t untagged(const struct cpu *c, uint64_t va)
{
    return c->regime.half[va >> 55 & 1].tbi_data ? (uint64_t)((int64_t)(va << 8) >> 8) : va;
}

/* An access that lies in one page. */
struct access {
    enum mmu_kind kind;
    enum mmu_view view;
    bool unaligned;
    bool whole; /* not a part of one that crosses pages */
};

/* Do the tags of the rights that the access needs say so? */
static bool known_absent(const struct tlb_entry *e, enum mmu_kind kind, uint64_t clean_va)
{
    const uint64_t tag = (clean_va & PAGE_MASK) | TLB_ABSENT;

    return (kind == MMU_WRITE || e->read == tag) && (kind == MMU_READ || e->write == tag);
}

/* May what is known of pages without host memory still be said? Else they are to be walked for. */
static bool absent_valid(const struct cpu *c)
{
    return likely(c->absent_version == hvi_mem_version());
}

/* Leave from such a page, for the monitor or to the GIC. Alignment is the caller's affair. False.
 */
static NOINLINE bool exit_absent(struct cpu *c, const struct insn *i, const struct tlb_entry *e,
                                 uint64_t va, bool write, bool whole)
{
    const uint64_t ipa = (e->ipa & PAGE_MASK) | (va & ~PAGE_MASK);
    const uint32_t iss = whole ? iss_of_access(i->raw) : 0;
    const uint32_t esr = ESR(EC_DABT_LOW, iss | (write ? ISS_WNR : 0) | FSC_S2_TRANSLATION);

    if (whole) {
        c->described.word = i->raw;
        c->described.iss = iss;
    }
    if (e->ipa & ENTRY_GIC)
        cpu_exit(c, i, esr, va, ipa, 0);
    else
        cpu_leave(c, i, esr, va, ipa, 0);
    return false;
}

/* The same for an access that is whole, by the shortest way for the monitor's devices: a driver's
 * loop comes here with the same instruction over and over. */
static inline bool exit_device(struct cpu *c, const struct insn *i, const struct tlb_entry *e,
                               uint64_t va, bool write)
{
    const uint32_t esr =
        ESR(EC_DABT_LOW, c->described.iss | (write ? ISS_WNR : 0) | FSC_S2_TRANSLATION);

    if (unlikely(c->described.word != i->raw || (e->ipa & ENTRY_GIC)))
        return exit_absent(c, i, e, va, write, true);
    return cpu_leave(c, i, esr, va, (e->ipa & PAGE_MASK) | (va & ~PAGE_MASK), 0) != NULL;
}

/* Keep that there is no host memory, unless that has changed since `version`. Entries that were
 * made under another one must not come to life again. */
static void fill_absent(struct cpu *c, uint64_t va, enum mmu_view view, const struct mmu_result *r,
                        unsigned version)
{
    if (c->absent_version != version) {
        tlb_flush_all(c);
        c->absent_version = version;
    }
    fill(c, va, view, r, NULL, HV_MEMORY_READ | HV_MEMORY_WRITE);
    if (soft_gic_claims(r->ipa))
        tlb_slot(c, c->tlb_sets[view], va)->ipa |= ENTRY_GIC;
}

/* Host memory for the access, or NULL after its fault or exit. */
static uint8_t *resolve(struct cpu *c, const struct insn *i, uint64_t va, struct access a)
{
    const uint64_t clean_va = untagged(c, va), page = clean_va & PAGE_MASK;
    const struct tlb_entry *e = tlb_slot(c, c->tlb_sets[a.view], clean_va);
    const bool read_ok = (e->read & ~TLB_CHECKED) == page,
               write_ok = (e->write & ~TLB_CHECKED) == page;
    const bool checked = ((a.kind == MMU_READ ? e->read : e->write) & TLB_CHECKED) != 0;

    if ((a.kind == MMU_WRITE || read_ok) && (a.kind == MMU_READ || write_ok) &&
        !(checked && a.unaligned))
        return (uint8_t *)(uintptr_t)(clean_va + e->addend);
    if (!a.unaligned && known_absent(e, a.kind, clean_va) && absent_valid(c)) {
        exit_absent(c, i, e, va, a.kind == MMU_WRITE, a.whole);
        return NULL;
    }

    const struct mmu_access access = {
        .kind = a.kind,
        .user = a.view == VIEW_EL0,
        .pan = a.view == VIEW_EL1_PAN,
        .unaligned = a.unaligned,
    };
    struct mmu_result r;
    if (!tlb_walk(c, va, access, &r)) {
        tlb_raise(c, i, va, &r, false);
        return NULL;
    }

    const unsigned version = hvi_mem_version();
    uint64_t flags = 0;
    uint8_t *host = host_of(c, r.ipa, &flags);
    const bool lacks_read = a.kind != MMU_WRITE && !(flags & HV_MEMORY_READ);
    const bool lacks_write = a.kind != MMU_READ && !(flags & HV_MEMORY_WRITE);
    if (!host)
        fill_absent(c, clean_va, a.view, &r, version);
    if (!host || lacks_read || lacks_write) {
        exit_access(c, i, va, r.ipa, host != NULL, host ? !lacks_read : a.kind == MMU_WRITE,
                    a.whole);
        return NULL;
    }
    if (unlikely(c->verify) && a.kind != MMU_READ)
        host = verify_host_to_write(c, r.ipa, host);
    fill(c, clean_va, a.view, &r, host, flags);
    return host;
}

/* ---- accesses ---- */

/* The alignment that an access of `size` bytes must have where alignment is checked: that of its
 * elements, which for pairs and SIMD structures are smaller than the pieces they are moved in. */
static unsigned element_size(uint32_t w, unsigned size)
{
    unsigned element = size;

    if ((w & 0x3a000000) == 0x28000000) /* pairs: opc is 0, 1, 2 in bits 31..30 */
        element = w & 1u << 26 ? 4u << (w >> 30) : w >> 31 ? 8 : 4;
    else if ((w & 0xbf000000) == 0x0c000000) /* SIMD structures, multiple */
        element = 1u << (w >> 10 & 3);
    else if ((w & 0xbf000000) == 0x0d000000) /* SIMD structures, single: scale, or 3 = replicate */
        element = (w >> 14 & 3) == 3                     ? 1u << (w >> 10 & 3)
                  : (w >> 14 & 3) == 2 && (w & 1u << 10) ? 8
                                                         : 1u << (w >> 14 & 3);
    return element < size ? element : size;
}

static bool misaligned(const struct insn *i, uint64_t va, unsigned size)
{
    return (va & (size - 1)) && (va & (element_size(i->raw, size) - 1));
}

/* Is there a watchpoint in the way of an access that has no other fault? Then its exception has
 * been taken. */
static bool watched(struct cpu *c, const struct insn *i, uint64_t va, unsigned size,
                    enum mmu_view view, enum mmu_kind kind)
{
    return unlikely(c->watches.units) &&
           debug_watchpoint(c, i,
                            (struct debug_access){.va = va,
                                                  .size = size,
                                                  .read = kind != MMU_WRITE,
                                                  .write = kind != MMU_READ,
                                                  .privileged = view != VIEW_EL0});
}

/* Both parts of an access that crosses into the next page: all of it is checked before any of it is
 * done. The lower part faults first. */
static bool resolve_split(struct cpu *c, const struct insn *i, uint64_t va, unsigned first,
                          struct access a, uint8_t *part[2])
{
    a.whole = false;
    part[0] = resolve(c, i, va, a);
    part[1] = part[0] ? resolve(c, i, va + first, a) : NULL;
    return part[1] != NULL;
}

/* Is the access out of line where SCTLR_EL1.A forbids it? Then the fault has been raised. */
static bool strict_fault(struct cpu *c, const struct insn *i, uint64_t va, bool unaligned,
                         bool write)
{
    if (!unaligned || !(c->sr[SR_SCTLR_EL1] & SCTLR_A))
        return false;
    mem_alignment_fault(c, i, va, write);
    return true;
}

static NOINLINE bool load_anyway(struct cpu *c, const struct insn *i, uint64_t va, unsigned size,
                                 enum mmu_view view, void *out)
{
    const unsigned room = (unsigned)(PAGE_BYTES - (va & ~PAGE_MASK));
    const struct access a = {MMU_READ, view, misaligned(i, va, size), true};
    if (strict_fault(c, i, va, a.unaligned, false))
        return false;
    if (room >= size) {
        const uint8_t *host = resolve(c, i, va, a);
        if (!host || watched(c, i, va, size, view, MMU_READ))
            return false;
        mem_copy(out, host, size);
        return true;
    }
    uint8_t *part[2];
    if (!resolve_split(c, i, va, room, a, part) || watched(c, i, va, size, view, MMU_READ))
        return false;
    memcpy(out, part[0], room);
    memcpy((uint8_t *)out + room, part[1], size - room);
    return true;
}

/* Devices are what most often comes here: the shortest way is theirs. */
bool mem_load_slow(struct cpu *c, const struct insn *i, uint64_t va, unsigned size,
                   enum mmu_view view, void *out)
{
    const struct tlb_entry *e = tlb_slot(c, c->tlb_sets[view], va);

    return known_absent(e, MMU_READ, va) && !(va & (size - 1)) && absent_valid(c)
               ? exit_device(c, i, e, va, false)
               : load_anyway(c, i, va, size, view, out);
}

/* In mode "verify" stores are written down: all of them come this way then. */
static void note_store(struct cpu *c, uint8_t *host, unsigned size)
{
    if (unlikely(c->verify))
        verify_store(c, host, size);
}

static NOINLINE bool store_anyway(struct cpu *c, const struct insn *i, uint64_t va, unsigned size,
                                  enum mmu_view view, const void *in)
{
    const unsigned room = (unsigned)(PAGE_BYTES - (va & ~PAGE_MASK));
    const struct access a = {MMU_WRITE, view, misaligned(i, va, size), true};
    if (strict_fault(c, i, va, a.unaligned, true))
        return false;
    if (room >= size) {
        uint8_t *host = resolve(c, i, va, a);
        if (!host || watched(c, i, va, size, view, MMU_WRITE))
            return false;
        note_store(c, host, size);
        mem_copy(host, in, size);
        return true;
    }
    uint8_t *part[2];
    if (!resolve_split(c, i, va, room, a, part) || watched(c, i, va, size, view, MMU_WRITE))
        return false;
    note_store(c, part[0], room);
    memcpy(part[0], in, room);
    note_store(c, part[1], size - room);
    memcpy(part[1], (const uint8_t *)in + room, size - room);
    return true;
}

bool mem_store_slow(struct cpu *c, const struct insn *i, uint64_t va, unsigned size,
                    enum mmu_view view, const void *in)
{
    const struct tlb_entry *e = tlb_slot(c, c->tlb_sets[view], va);

    return known_absent(e, MMU_WRITE, va) && !(va & (size - 1)) && absent_valid(c)
               ? exit_device(c, i, e, va, true)
               : store_anyway(c, i, va, size, view, in);
}

/* Does the instruction only write? So do store-exclusives and store-releases, alone among those
 * that need a host pointer to write to: atomics read first, and say so in the syndrome. */
static bool only_writes(uint32_t w)
{
    const bool o1 = w & 1u << 21, o2 = w & 1u << 23, load = w & 1u << 22;

    if ((w & 0x3f000000) == 0x08000000)
        return !load && !(o1 && (o2 || !(w >> 31))); /* not CAS, not CASP */
    return (w & 0x3fe00c00) == 0x19000000;           /* STLUR */
}

void *mem_atomic(struct cpu *c, const struct insn *i, uint64_t va, unsigned size, bool write)
{
    const enum mmu_kind kind = !write ? MMU_READ : only_writes(i->raw) ? MMU_WRITE : MMU_READ_WRITE;

    if (va & (size - 1)) {
        mem_alignment_fault(c, i, va, kind == MMU_WRITE);
        return NULL;
    }
    uint8_t *host = resolve(c, i, va, (struct access){kind, mem_view(c), false, true});
    if (!host || watched(c, i, va, size, mem_view(c), kind))
        return NULL;
    if (write)
        note_store(c, host, size);
    return host;
}

void *mem_zero_block(struct cpu *c, const struct insn *i, uint64_t va)
{
    const struct access a = {MMU_WRITE, mem_view(c), true, false};

    uint8_t *host = resolve(c, i, va, a);
    if (!host || watched(c, i, va & ~UINT64_C(63), 64, a.view, MMU_WRITE))
        return NULL;
    note_store(c, host - (va & 63), 64);
    return host;
}

/* ---- instruction fetch ---- */

const struct fetch_entry *tlb_fetch(struct cpu *c, uint64_t pc)
{
    if (unlikely(pc & 3)) {
        cpu_raise_far(c, NULL, ESR(EC_PC_ALIGN, 0), pc, pc);
        return NULL;
    }
    const uint64_t key = (pc & PAGE_MASK) | 2 | c->el; /* neither TLB_NONE nor a fresh 0 */
    struct fetch_entry *e = &c->fetch[pc >> PAGE_BITS & (FETCH_TLB_SIZE - 1)];

    if (likely(e->key == key && e->gen == c->fetch_gen))
        return e;

    const struct mmu_access access = {.kind = MMU_FETCH, .user = c->el == 0};
    struct mmu_result r;
    if (!tlb_walk(c, pc, access, &r)) {
        if (mmu_fault_external_walk(&r))
            exit_walk(c, NULL, EC_IABT_LOW, pc, r.walk_ipa);
        else
            cpu_raise_far(c, NULL, ESR(EC_IABT_LOW, r.fsc), pc, pc);
        return NULL;
    }

    uint64_t flags = 0;
    uint8_t *host = host_of(c, r.ipa, &flags);
    if (!host || !(flags & HV_MEMORY_EXEC)) {
        cpu_exit(c, NULL, ESR(EC_IABT_LOW, host ? FSC_S2_PERMISSION : FSC_S2_TRANSLATION), pc,
                 r.ipa, 0);
        return NULL;
    }
    note_fetch(c, pc, r.size_bits);
    *e = (struct fetch_entry){
        .key = key,
        .ipa = r.ipa & PAGE_MASK,
        .host = host - (r.ipa & ~PAGE_MASK),
        .gen = c->fetch_gen,
        .guarded = r.guarded,
    };
    return e;
}
