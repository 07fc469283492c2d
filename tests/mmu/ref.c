/* SPDX-License-Identifier: MIT */
/* The rules of stage 1 translation, one after the other; see ref.h. Clarity before speed. */
#include "ref.h"

/* Bits hi..lo of a value, as the manual writes them. */
static uint64_t slice(uint64_t value, int hi, int lo)
{
    uint64_t result = 0;

    for (int n = hi; n >= lo; n--)
        result = result << 1 | (value >> n & 1);
    return result;
}

static bool all_zero(uint64_t value, int hi, int lo)
{
    return hi < lo || slice(value, hi, lo) == 0;
}

static bool all_one(uint64_t value, int hi, int lo)
{
    for (int n = hi; n >= lo; n--)
        if (!(value >> n & 1))
            return false;
    return true;
}

struct params {
    int granule; /* log2 of the page size */
    int tsz;
    bool epd, tbi, hpd, e0pd;
    uint64_t ttbr;
};

static int pick_granule(const struct mmu_features *f, int wanted)
{
    if (wanted == 12 && f->gran4)
        return 12;
    if (wanted == 14 && f->gran16)
        return 14;
    if (wanted == 16 && f->gran64)
        return 16;
    return f->gran4 ? 12 : f->gran16 ? 14 : 16;
}

static struct params lower_params(const struct mmu_features *f, const struct mmu_regs *r,
                                  bool fetch)
{
    struct params p = {0};
    uint64_t tg0 = slice(r->tcr, 15, 14);

    p.granule = pick_granule(f, tg0 == 0 ? 12 : tg0 == 1 ? 16 : tg0 == 2 ? 14 : 0);
    p.tsz = (int)slice(r->tcr, 5, 0);
    p.epd = slice(r->tcr, 7, 7);
    p.tbi = slice(r->tcr, 37, 37) && !(fetch && f->tbid && slice(r->tcr, 51, 51));
    p.hpd = f->hpds && slice(r->tcr, 41, 41);
    p.e0pd = f->e0pd && slice(r->tcr, 55, 55);
    p.ttbr = r->ttbr0;
    return p;
}

static struct params upper_params(const struct mmu_features *f, const struct mmu_regs *r,
                                  bool fetch)
{
    struct params p = {0};
    uint64_t tg1 = slice(r->tcr, 31, 30);

    p.granule = pick_granule(f, tg1 == 1 ? 14 : tg1 == 2 ? 12 : tg1 == 3 ? 16 : 0);
    p.tsz = (int)slice(r->tcr, 21, 16);
    p.epd = slice(r->tcr, 23, 23);
    p.tbi = slice(r->tcr, 38, 38) && !(fetch && f->tbid && slice(r->tcr, 52, 52));
    p.hpd = f->hpds && slice(r->tcr, 42, 42);
    p.e0pd = f->e0pd && slice(r->tcr, 56, 56);
    p.ttbr = r->ttbr1;
    return p;
}

static int output_bits(const struct mmu_features *f, const struct mmu_regs *r)
{
    static const int sizes[8] = {32, 36, 40, 42, 44, 48, 48, 48};
    int bits = sizes[slice(r->tcr, 34, 32)];

    return bits < f->pa_bits ? bits : f->pa_bits;
}

static void fault(struct mmu_result *out, struct mmu_access a, int type, int level)
{
    *out = (struct mmu_result){0};
    out->fault = true;
    out->fsc = (uint8_t)(type + level);
    out->write = a.kind != MMU_READ && a.kind != MMU_READ_WRITE && a.kind != MMU_FETCH;
}

static void memory_type(struct mmu_result *out, uint8_t byte, uint64_t sh)
{
    if (slice(byte, 7, 4) == 0) {
        out->device = true;
        out->attr = (uint8_t)(slice(byte, 3, 2) << 2);
        out->sh = 2;
    } else {
        out->attr = byte;
        out->sh = byte == 0x44 ? 2 : (uint8_t)sh;
    }
}

static bool data_access(struct mmu_access a)
{
    return a.kind == MMU_READ || a.kind == MMU_WRITE || a.kind == MMU_READ_WRITE;
}

static void translate_disabled(const struct mmu_features *f, const struct mmu_regs *r, uint64_t va,
                               struct mmu_access a, struct params p, struct mmu_result *out)
{
    if (!all_zero(va, p.tbi ? 55 : 63, f->pa_bits)) {
        fault(out, a, 0x00, 0);
        return;
    }
    if (data_access(a) && a.unaligned) {
        fault(out, a, 0x21, 0);
        return;
    }
    *out = (struct mmu_result){0};
    out->ipa = slice(va, f->pa_bits - 1, 0);
    out->size_bits = out->contig_bits = 12;
    out->rights = MMU_EL0_R | MMU_EL0_W | MMU_EL0_X | MMU_EL1_R | MMU_EL1_W | MMU_EL1_X;
    out->global = true;
    if (a.kind == MMU_FETCH)
        memory_type(out, slice(r->sctlr, 12, 12) ? 0xaa : 0x44, 2);
    else
        memory_type(out, 0x00, 2);
}

/* The position of a level's index: bits lo + 8 (4K), + 10 (16K), + 12 (64K) down to lo. */
static int level_lo(int granule, int level)
{
    static const int lo4[4] = {39, 30, 21, 12}, lo16[4] = {47, 36, 25, 14},
                     lo64[4] = {0, 42, 29, 16};

    return granule == 12 ? lo4[level] : granule == 14 ? lo16[level] : lo64[level];
}

static int start_level(int granule, int tsz)
{
    /* Tables D8-x: the first level that the input address reaches into. */
    const int top = 63 - tsz;

    for (int level = granule == 16 ? 1 : 0; level < 3; level++)
        if (top >= level_lo(granule, level))
            return level;
    return 3;
}

static bool legal_block(int granule, int level)
{
    return (granule == 12 && (level == 1 || level == 2)) || (granule == 14 && level == 2) ||
           (granule == 16 && level == 2);
}

/* Who may do what, from the effective AP[2:1], XN bits and SCTLR_EL1.WXN. */
static uint8_t rights(bool ap2, bool ap1, bool uxn, bool pxn, bool wxn)
{
    bool el1_r = true, el1_w = !ap2, el0_r = ap1, el0_w = ap1 && !ap2;
    bool el0_x = !uxn, el1_x = !pxn;

    if (el0_w)
        el1_x = false;
    if (wxn && el0_w)
        el0_x = false;
    if (wxn && el1_w)
        el1_x = false;
    return (uint8_t)(el0_r | el0_w << 1 | el0_x << 2 | el1_r << 3 | el1_w << 4 | el1_x << 5);
}

static bool permitted(struct mmu_access a, uint8_t rights_mask, bool *write)
{
    bool r, w, x;

    if (a.user) {
        r = rights_mask & MMU_EL0_R;
        w = rights_mask & MMU_EL0_W;
        x = rights_mask & MMU_EL0_X;
    } else {
        r = rights_mask & MMU_EL1_R;
        w = rights_mask & MMU_EL1_W;
        x = rights_mask & MMU_EL1_X;
        if (a.pan && (rights_mask & (MMU_EL0_R | MMU_EL0_W)))
            r = w = false;
    }
    if (a.kind == MMU_READ || a.kind == MMU_AT_READ)
        return r;
    if (a.kind == MMU_WRITE || a.kind == MMU_AT_WRITE || a.kind == MMU_INVALIDATE)
        return w;
    if (a.kind == MMU_READ_WRITE) {
        if (r && !w)
            *write = true;
        return r && w;
    }
    if (a.kind == MMU_FETCH)
        return x;
    return !a.user || r;
}

static uint8_t contiguous_bits(int granule, int level)
{
    if (granule == 12) /* 16 entries */
        return (uint8_t)(level_lo(12, level) + 4);
    if (granule == 14) /* 32 blocks of 32M, 128 pages of 16K */
        return level == 2 ? 30 : 21;
    return level == 2 ? 34 : 21; /* 32 blocks of 512M, 32 pages of 64K */
}

void ref_translate(const struct mmu_features *f, const struct mmu_regs *r, uint64_t va,
                   struct mmu_access a, const struct mmu_memory *memory, struct mmu_result *out)
{
    const bool upper = slice(va, 55, 55);
    const bool fetch = a.kind == MMU_FETCH;
    const struct params p = upper ? upper_params(f, r, fetch) : lower_params(f, r, fetch);
    const bool ha = f->af && slice(r->tcr, 39, 39);
    const bool hd = ha && f->dirty && slice(r->tcr, 40, 40);
    const bool wxn = slice(r->sctlr, 19, 19);
    const int oa = output_bits(f, r);

    if (!slice(r->sctlr, 0, 0)) {
        translate_disabled(f, r, va, a, p, out);
        return;
    }

    int max_tsz = f->ttst ? (p.granule == 16 ? 47 : 48) : 39;
    if (p.epd || p.tsz < 16 || p.tsz > max_tsz) {
        fault(out, a, 0x04, 0);
        return;
    }
    int top = p.tbi ? 55 : 63, ia = 64 - p.tsz;
    if (upper ? !all_one(va, top, ia) : !all_zero(va, top, ia)) {
        fault(out, a, 0x04, 0);
        return;
    }
    if (p.e0pd && a.user) {
        fault(out, a, 0x04, 0);
        return;
    }
    if (!all_zero(p.ttbr, 47, oa)) {
        fault(out, a, 0x00, 0);
        return;
    }

    int level = start_level(p.granule, p.tsz);
    int index_hi = ia - 1;
    int table_size = index_hi - level_lo(p.granule, level) + 1 + 3;
    uint64_t base = slice(p.ttbr, 47, table_size) << table_size;
    bool no_user = false, no_write = false, pxn_above = false, uxn_above = false;
    uint64_t desc, address;

    for (;;) {
        int lo = level_lo(p.granule, level);
        address = base + slice(va, index_hi, lo) * 8;
        if (!memory->read(memory->opaque, address, &desc)) {
            fault(out, a, 0x14, level);
            out->walk_ipa = address;
            return;
        }
        bool leaf = level == 3 ? slice(desc, 1, 0) == 3
                               : slice(desc, 1, 0) == 1 && legal_block(p.granule, level);
        bool table = level < 3 && slice(desc, 1, 0) == 3;
        if (!leaf && !table) {
            fault(out, a, 0x04, level);
            return;
        }
        if (!all_zero(desc, 47, oa)) {
            fault(out, a, 0x00, level);
            return;
        }
        if (leaf)
            break;
        if (!p.hpd) {
            no_user |= slice(desc, 61, 61);
            no_write |= slice(desc, 62, 62);
            pxn_above |= slice(desc, 59, 59);
            uxn_above |= slice(desc, 60, 60);
        }
        base = slice(desc, 47, p.granule) << p.granule;
        index_hi = lo - 1;
        level++;
    }

    if (!slice(desc, 10, 10) && !ha) {
        fault(out, a, 0x08, level);
        return;
    }

    int lo = level_lo(p.granule, level);
    bool dbm = hd && slice(desc, 51, 51);
    bool ap2 = (slice(desc, 7, 7) && !dbm) || no_write;
    bool ap1 = slice(desc, 6, 6) && !no_user;

    *out = (struct mmu_result){0};
    out->ipa = slice(desc, 47, lo) << lo | slice(va, lo - 1, 0);
    out->size_bits = (uint8_t)lo;
    out->contig_bits = slice(desc, 52, 52) ? contiguous_bits(p.granule, level) : (uint8_t)lo;
    out->rights =
        rights(ap2, ap1, slice(desc, 54, 54) || uxn_above, slice(desc, 53, 53) || pxn_above, wxn);
    out->clean =
        dbm && slice(desc, 7, 7) && !ap2 && !(a.kind == MMU_WRITE || a.kind == MMU_READ_WRITE);
    out->global = !slice(desc, 11, 11);
    out->guarded = f->bti && slice(desc, 50, 50);
    memory_type(out,
                (uint8_t)slice(r->mair, (int)slice(desc, 4, 2) * 8 + 7, (int)slice(desc, 4, 2) * 8),
                slice(desc, 9, 8));

    if (data_access(a) && a.unaligned && out->device) {
        fault(out, a, 0x21, 0);
        return;
    }
    bool write = a.kind != MMU_READ && a.kind != MMU_READ_WRITE && a.kind != MMU_FETCH;
    if (!permitted(a, out->rights, &write)) {
        fault(out, a, 0x0c, level);
        out->write = write;
        return;
    }

    uint64_t updated = desc;
    if (ha)
        updated |= UINT64_C(1) << 10;
    if (dbm && (a.kind == MMU_WRITE || a.kind == MMU_READ_WRITE))
        updated &= ~(UINT64_C(1) << 7);
    if (updated != desc)
        memory->cas(memory->opaque, address, desc, updated);
}
