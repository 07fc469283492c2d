/* SPDX-License-Identifier: MIT */
/*
 * The table walk of stage 1, EL1&0 (Arm ARM chapter D8). Each question of the architecture is one
 * function, in the order in which faults are prioritised: range and EPD, address size of the TTBR,
 * then per level external abort, validity, address size; access flag; alignment; permission.
 *
 * Pure and reentrant; see mmu.h.
 */
#include "mmu.h"

#include <stddef.h>

/* TCR_EL1 and SCTLR_EL1 fields. Shifts differ between the halves for historical reasons. */
#define TCR_EPD0    (1ull << 7)
#define TCR_A1      (1ull << 22)
#define TCR_EPD1    (1ull << 23)
#define TCR_AS      (1ull << 36)
#define TCR_TBI(n)  (1ull << (37 + (n)))
#define TCR_HA      (1ull << 39)
#define TCR_HD      (1ull << 40)
#define TCR_HPD(n)  (1ull << (41 + (n)))
#define TCR_TBID(n) (1ull << (51 + (n)))
#define TCR_E0PD(n) (1ull << (55 + (n)))

#define SCTLR_M     (1ull << 0)
#define SCTLR_I     (1ull << 12)
#define SCTLR_WXN   (1ull << 19)

/* Descriptors. */
#define DESC_VALID    (1ull << 0)
#define DESC_TABLE    (1ull << 1) /* or page, at level 3 */
#define DESC_AP1      (1ull << 6) /* EL0 may access */
#define DESC_AP2      (1ull << 7) /* read-only */
#define DESC_AF       (1ull << 10)
#define DESC_NG       (1ull << 11)
#define DESC_GP       (1ull << 50)
#define DESC_DBM      (1ull << 51)
#define DESC_CONTIG   (1ull << 52)
#define DESC_PXN      (1ull << 53)
#define DESC_UXN      (1ull << 54)
#define DESC_PXNTABLE (1ull << 59)
#define DESC_UXNTABLE (1ull << 60)
#define DESC_APTABLE0 (1ull << 61) /* takes EL0 access away */
#define DESC_APTABLE1 (1ull << 62) /* takes writes away */

#define ADDR48        ((1ull << 48) - 1)

/* How often a descriptor may change under a hardware update before the walk gives up: far beyond
 * any honest race, small enough not to hold up the vCPU. */
#define MAX_UPDATE_TRIES 64

static const uint8_t range_bits[16] = {32, 36, 40, 42, 44, 48, 48, 48,
                                       48, 48, 48, 48, 48, 48, 48, 48};

static unsigned field(uint64_t reg, unsigned shift, unsigned bits)
{
    return (unsigned)(reg >> shift) & ((1u << bits) - 1);
}

void mmu_features_from_id(struct mmu_features *f, uint64_t mmfr0, uint64_t mmfr1, uint64_t mmfr2,
                          uint64_t isar1, uint64_t pfr1)
{
    *f = (struct mmu_features){
        .pa_bits = range_bits[field(mmfr0, 0, 4)],
        .gran4 = field(mmfr0, 28, 4) != 0xf,
        .gran16 = field(mmfr0, 20, 4) != 0,
        .gran64 = field(mmfr0, 24, 4) != 0xf,
        .asid16 = field(mmfr0, 4, 4) == 2,
        .af = field(mmfr1, 0, 4) >= 1,
        .dirty = field(mmfr1, 0, 4) >= 2,
        .hpds = field(mmfr1, 12, 4) >= 1,
        .ttst = field(mmfr2, 28, 4) >= 1,
        .e0pd = field(mmfr2, 60, 4) >= 1,
        .tbid = field(isar1, 4, 8) != 0, /* APA or API */
        .bti = field(pfr1, 0, 4) >= 1,
    };
}

/* A granule that is reserved or absent is one of those that are there (D19, TCR_EL1.TGn): the
 * first. */
static uint8_t granule_bits(const struct mmu_features *f, const uint64_t tcr, unsigned n)
{
    static const uint8_t tg[2][4] = {{12, 16, 14, 0}, {0, 14, 12, 16}};
    uint8_t bits = tg[n][field(tcr, n ? 30 : 14, 2)];

    if ((bits == 12 && f->gran4) || (bits == 14 && f->gran16) || (bits == 16 && f->gran64))
        return bits;
    return f->gran4 ? 12 : f->gran16 ? 14 : 16;
}

static void half_init(struct mmu_half *h, const struct mmu_features *f, const struct mmu_regs *r,
                      uint64_t oa_excess, unsigned n)
{
    const uint64_t ttbr = n ? r->ttbr1 : r->ttbr0;
    const unsigned tsz = field(r->tcr, n ? 16 : 0, 6);

    *h = (struct mmu_half){
        .page_bits = granule_bits(f, r->tcr, n),
        .ia_bits = 48,
        .tbi_data = r->tcr & TCR_TBI(n),
        .tbi_fetch = (r->tcr & TCR_TBI(n)) && !(f->tbid && (r->tcr & TCR_TBID(n))),
        .hpd = f->hpds && (r->tcr & TCR_HPD(n)),
        .e0pd = f->e0pd && (r->tcr & TCR_E0PD(n)),
        .disabled = r->tcr & (n ? TCR_EPD1 : TCR_EPD0),
    };

    /* Out of bounds, of the two permitted behaviours: level 0 translation fault. */
    const unsigned max_tsz = f->ttst ? (h->page_bits == 16 ? 47 : 48) : 39;
    if (tsz < 16 || tsz > max_tsz) {
        h->disabled = true;
        return;
    }
    h->ia_bits = (uint8_t)(64 - tsz);

    /* The initial table resolves what remains above whole levels of page_bits - 3 bits each; it is
     * aligned to its size, and bits of the TTBR below that are treated as 0. */
    const unsigned stride = h->page_bits - 3;
    const unsigned levels = (h->ia_bits - h->page_bits + stride - 1) / stride;
    const unsigned table_bits = h->ia_bits - h->page_bits - (levels - 1) * stride + 3;

    h->start_level = (uint8_t)(4 - levels);
    h->base = ttbr & ADDR48 & ~((1ull << table_bits) - 1);
    h->base_too_big = (ttbr & oa_excess) != 0;
}

void mmu_regime_init(struct mmu_regime *m, const struct mmu_features *f, const struct mmu_regs *r)
{
    const unsigned ips = range_bits[field(r->tcr, 32, 3)];
    const unsigned oa_bits = ips < f->pa_bits ? ips : f->pa_bits;

    *m = (struct mmu_regime){
        .mair = r->mair,
        .oa_excess = ADDR48 & ~((1ull << oa_bits) - 1),
        .pa_bits = f->pa_bits,
        .on = r->sctlr & SCTLR_M,
        .wxn = r->sctlr & SCTLR_WXN,
        .icache = r->sctlr & SCTLR_I,
        .af = f->af && (r->tcr & TCR_HA),
        .dirty = f->af && f->dirty && (r->tcr & TCR_HA) && (r->tcr & TCR_HD),
        .bti = f->bti,
        .asid_mask = f->asid16 && (r->tcr & TCR_AS) ? 0xffff : 0xff,
    };
    m->asid = (uint16_t)((r->tcr & TCR_A1 ? r->ttbr1 : r->ttbr0) >> 48) & m->asid_mask;
    half_init(&m->half[0], f, r, m->oa_excess, 0);
    half_init(&m->half[1], f, r, m->oa_excess, 1);
}

/* WnR for faults that do not come from a permission: an atomic reports its read, maintenance and AT
 * always a write (ESR_EL1, ISS for Data Aborts). */
static bool reports_write(enum mmu_kind kind)
{
    return kind != MMU_READ && kind != MMU_READ_WRITE && kind != MMU_FETCH;
}

static bool fail(struct mmu_result *out, struct mmu_access access, unsigned fsc)
{
    *out = (struct mmu_result){
        .fault = true,
        .fsc = (uint8_t)fsc,
        .write = reports_write(access.kind),
    };
    return false;
}

static bool is_data(enum mmu_kind kind)
{
    return kind == MMU_READ || kind == MMU_WRITE || kind == MMU_READ_WRITE;
}

/* Memory type of a MAIR byte: the reserved Device encodings (low bits set) count as Device. */
static void set_attr(struct mmu_result *out, uint8_t attr, uint8_t sh)
{
    out->device = (attr & 0xf0) == 0;
    out->attr = out->device ? attr & 0x0c : attr;
    out->sh = out->device || attr == 0x44 ? 2 : sh;
}

/* MMU off (D8.2.10): flat, no permissions, data Device-nGnRnE; instructions Normal. The address
 * must fit the physical address space, whatever TCR_EL1.IPS says. */
static bool translate_off(const struct mmu_regime *m, uint64_t va, struct mmu_access access,
                          struct mmu_result *out)
{
    const struct mmu_half *h = &m->half[va >> 55 & 1];
    const bool tbi = access.kind == MMU_FETCH ? h->tbi_fetch : h->tbi_data;
    const uint64_t address = tbi ? va & ((1ull << 56) - 1) : va;

    if (address >> m->pa_bits)
        return fail(out, access, MMU_FSC_ADDRESS_SIZE);
    *out = (struct mmu_result){
        .ipa = address,
        .size_bits = 12,
        .contig_bits = 12,
        .rights = 0x3f,
        .global = true,
    };
    if (access.kind == MMU_FETCH)
        set_attr(out, m->icache ? 0xaa : 0x44, 2);
    else
        set_attr(out, 0, 2);
    if (access.unaligned && is_data(access.kind))
        return fail(out, access, MMU_FSC_ALIGNMENT);
    return true;
}

/* Bits from ia_bits to 63 (to 55 if the top byte is ignored) must repeat bit 55. */
static bool in_range(const struct mmu_half *h, uint64_t va, bool tbi)
{
    const int64_t sign = -(int64_t)(va >> 55 & 1);
    uint64_t differs = va ^ (uint64_t)sign;

    if (tbi)
        differs &= (1ull << 56) - 1;
    return differs >> h->ia_bits == 0;
}

/* A leaf's rights from AP[2:1], PXN, UXN (D8.4.1). What EL0 may write EL1 never executes. */
static uint8_t leaf_rights(uint64_t desc, bool wxn)
{
    static const uint8_t by_ap[4] = {
        MMU_EL1_R | MMU_EL1_W,
        MMU_EL1_R | MMU_EL1_W | MMU_EL0_R | MMU_EL0_W,
        MMU_EL1_R,
        MMU_EL1_R | MMU_EL0_R,
    };
    uint8_t rights = by_ap[desc >> 6 & 3];

    if (!(desc & DESC_UXN) && !(wxn && (rights & MMU_EL0_W)))
        rights |= MMU_EL0_X;
    if (!(desc & DESC_PXN) && !(rights & MMU_EL0_W) && !(wxn && (rights & MMU_EL1_W)))
        rights |= MMU_EL1_X;
    return rights;
}

/* Does the access lack a right? Sets *write where the missing one is that of a write. */
static bool forbidden(uint8_t rights, struct mmu_access access, bool *write)
{
    const uint8_t r = access.user ? MMU_EL0_R : MMU_EL1_R;
    const uint8_t w = access.user ? MMU_EL0_W : MMU_EL1_W;

    if (access.pan && !access.user && (rights & MMU_EL0_R))
        rights &= (uint8_t) ~(MMU_EL1_R | MMU_EL1_W);
    switch (access.kind) {
    case MMU_READ:
    case MMU_AT_READ: return !(rights & r);
    case MMU_WRITE:
    case MMU_AT_WRITE:
    case MMU_INVALIDATE: return !(rights & w);
    case MMU_READ_WRITE: *write = rights & r; return !(rights & r) || !(rights & w);
    case MMU_FETCH: return !(rights & (access.user ? MMU_EL0_X : MMU_EL1_X));
    case MMU_CLEAN: return access.user && !(rights & r);
    }
    return true;
}

/* Contiguous runs (D8.6.1): 16 entries with 4K; with 16K 32 blocks or 128 pages; 32 with 64K. */
static unsigned contig_extra(unsigned page_bits, unsigned level)
{
    if (page_bits == 12)
        return 4;
    return page_bits == 14 && level == 3 ? 7 : 5;
}

struct leaf {
    uint64_t desc;    /* as in memory */
    uint64_t address; /* of the descriptor */
    uint64_t table;   /* OR of the hierarchical bits met on the way */
    unsigned level;
    unsigned shift; /* log2 of the size it maps */
};

/* Walk to the leaf. False with the fault in `out`. */
static bool find_leaf(const struct mmu_regime *m, const struct mmu_half *h, uint64_t va,
                      struct mmu_access access, const struct mmu_memory *memory, struct leaf *leaf,
                      struct mmu_result *out)
{
    const unsigned stride = h->page_bits - 3;
    unsigned level = h->start_level;
    unsigned shift = h->page_bits + (3 - level) * stride;
    uint64_t index_mask = (1ull << (h->ia_bits - shift)) - 1;
    uint64_t base = h->base;
    uint64_t hierarchical = 0;

    for (;; level++, shift -= stride, index_mask = (1ull << stride) - 1) {
        const uint64_t address = base + ((va >> shift & index_mask) << 3);
        uint64_t desc;

        if (!memory->read(memory->opaque, address, &desc)) {
            fail(out, access, MMU_FSC_EXTERNAL_WALK + level);
            out->walk_ipa = address;
            return false;
        }
        if (!(desc & DESC_VALID))
            return fail(out, access, MMU_FSC_TRANSLATION + level);
        if (level == 3 || !(desc & DESC_TABLE)) {
            /* A leaf: a page at level 3, a block at level 2, or at level 1 with 4K. */
            const bool legal = level == 3   ? (desc & DESC_TABLE) != 0
                               : level == 2 ? true
                                            : level == 1 && h->page_bits == 12;
            if (!legal)
                return fail(out, access, MMU_FSC_TRANSLATION + level);
            if (desc & m->oa_excess)
                return fail(out, access, MMU_FSC_ADDRESS_SIZE + level);
            *leaf = (struct leaf){desc, address, hierarchical, level, shift};
            return true;
        }
        if (desc & m->oa_excess)
            return fail(out, access, MMU_FSC_ADDRESS_SIZE + level);
        base = desc & ADDR48 & ~((1ull << h->page_bits) - 1);
        hierarchical |= desc;
    }
}

/* What the leaf says with the tables above it and the hardware's own updates taken into account. */
static uint64_t effective_desc(const struct mmu_regime *m, const struct mmu_half *h,
                               const struct leaf *leaf)
{
    uint64_t desc = leaf->desc;

    if (m->dirty && (desc & DESC_DBM))
        desc &= ~DESC_AP2; /* a clean page is a writable page (D8.5.4) */
    if (!h->hpd && leaf->table) {
        if (leaf->table & DESC_APTABLE0)
            desc &= ~DESC_AP1;
        if (leaf->table & DESC_APTABLE1)
            desc |= DESC_AP2;
        if (leaf->table & DESC_PXNTABLE)
            desc |= DESC_PXN;
        if (leaf->table & DESC_UXNTABLE)
            desc |= DESC_UXN;
    }
    return desc;
}

/* The descriptor as hardware leaves it behind after a permitted access: accessed, and dirty if the
 * access writes (AT and cache maintenance do not). */
static uint64_t updated_desc(const struct mmu_regime *m, uint64_t desc, enum mmu_kind kind)
{
    if (m->af)
        desc |= DESC_AF;
    if (m->dirty && (desc & DESC_DBM) && (kind == MMU_WRITE || kind == MMU_READ_WRITE))
        desc &= ~DESC_AP2;
    return desc;
}

/* Fill `out` from the leaf and check the access against it. */
static bool use_leaf(const struct mmu_regime *m, const struct mmu_half *h, uint64_t va,
                     struct mmu_access access, const struct leaf *leaf, struct mmu_result *out)
{
    const uint64_t desc = effective_desc(m, h, leaf);
    const uint64_t offset = (1ull << leaf->shift) - 1;

    if (!(desc & DESC_AF) && !m->af)
        return fail(out, access, MMU_FSC_ACCESS_FLAG + leaf->level);
    *out = (struct mmu_result){
        .ipa = (desc & ADDR48 & ~offset) | (va & offset),
        .size_bits = (uint8_t)leaf->shift,
        .contig_bits = (uint8_t)leaf->shift,
        .rights = leaf_rights(desc, m->wxn),
        .global = !(desc & DESC_NG),
        .guarded = m->bti && (desc & DESC_GP),
    };
    if (desc & DESC_CONTIG)
        out->contig_bits += (uint8_t)contig_extra(h->page_bits, leaf->level);
    set_attr(out, (uint8_t)(m->mair >> (desc >> 2 & 7) * 8), (uint8_t)(desc >> 8 & 3));
    if (out->device && access.unaligned && is_data(access.kind))
        return fail(out, access, MMU_FSC_ALIGNMENT);

    bool write = reports_write(access.kind);
    if (forbidden(out->rights, access, &write)) {
        fail(out, access, MMU_FSC_PERMISSION + leaf->level);
        out->write = write;
        return false;
    }
    return true;
}

bool mmu_translate(const struct mmu_regime *m, uint64_t va, struct mmu_access access,
                   const struct mmu_memory *memory, struct mmu_result *out)
{
    if (!m->on)
        return translate_off(m, va, access, out);

    const struct mmu_half *h = &m->half[va >> 55 & 1];
    if (h->disabled || !in_range(h, va, access.kind == MMU_FETCH ? h->tbi_fetch : h->tbi_data) ||
        (h->e0pd && access.user))
        return fail(out, access, MMU_FSC_TRANSLATION);
    if (h->base_too_big)
        return fail(out, access, MMU_FSC_ADDRESS_SIZE);

    for (unsigned tries = 0; tries < MAX_UPDATE_TRIES; tries++) {
        struct leaf leaf;

        if (!find_leaf(m, h, va, access, memory, &leaf, out) ||
            !use_leaf(m, h, va, access, &leaf, out))
            return false;

        const uint64_t updated = updated_desc(m, leaf.desc, access.kind);
        out->clean =
            m->dirty && (updated & DESC_DBM) && (updated & DESC_AP2) && (out->rights & MMU_EL1_W);
        if (updated == leaf.desc)
            return true;
        switch (memory->cas(memory->opaque, leaf.address, leaf.desc, updated)) {
        case MMU_CAS_DONE: return true;
        case MMU_CAS_CHANGED: break;
        case MMU_CAS_ABORT:
            fail(out, access, MMU_FSC_EXTERNAL_WALK + leaf.level);
            out->walk_ipa = leaf.address;
            return false;
        }
    }
    return fail(out, access, MMU_FSC_ATOMIC_UPDATE);
}

uint64_t mmu_par(const struct mmu_result *r)
{
    const uint64_t res1 = 1ull << 11;
    const uint64_t non_secure = 1ull << 9;

    if (r->fault)
        return res1 | (uint64_t)r->fsc << 1 | 1;
    return (uint64_t)r->attr << 56 | (r->ipa & ADDR48 & ~0xfffull) | res1 | non_secure |
           (uint64_t)r->sh << 7;
}
