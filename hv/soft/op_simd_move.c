/* SPDX-License-Identifier: MIT */
/*
 * Advanced SIMD: moves of lanes: copy, permute, extract, table lookup, modified immediate
 * (Arm ARM C4.1.96).
 *
 * Runs on the vCPU's thread. Lane numbers stand in i->aux; for INS from an element, the source's in
 * bits 15:8.
 */
#include "simd.h"

/* ---- copy ---- */

#define DUP(fn, F, bytes, value)                                                                   \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        v128 r = {0};                                                                              \
        const __typeof__(r.F[0]) x = (__typeof__(r.F[0]))(value);                                  \
        for (unsigned k = 0; k < (bytes) / sizeof x; k++)                                          \
            r.F[k] = x;                                                                            \
        c->v[i->rd] = r;                                                                           \
        return i + 1;                                                                              \
    }
#define DUP_128(z)                                                                                 \
    DUP(dup_##z##1, z, 16, c->v[i->rn].z[i->aux])                                                  \
    DUP(dup_##z##2, z, sizeof r.z[0], c->v[i->rn].z[i->aux])                                       \
    DUP(dup_x_##z##1, z, 16, c->x[i->rn])
#define DUP_64(z)                                                                                  \
    DUP(dup_##z##0, z, 8, c->v[i->rn].z[i->aux])                                                   \
    DUP(dup_x_##z##0, z, 8, c->x[i->rn])
DUP_128(b)
DUP_128(h)
DUP_128(s)
DUP_128(d)
DUP_64(b)
DUP_64(h)
DUP_64(s)

#define MOVE_LANE(z)                                                                               \
    static const struct insn *ins_x_##z(struct cpu *c, const struct insn *i)                       \
    {                                                                                              \
        c->v[i->rd].z[i->aux] = (__typeof__(c->v[0].z[0]))c->x[i->rn];                             \
        return i + 1;                                                                              \
    }                                                                                              \
    static const struct insn *ins_##z(struct cpu *c, const struct insn *i)                         \
    {                                                                                              \
        c->v[i->rd].z[i->aux & 15] = c->v[i->rn].z[i->aux >> 8];                                   \
        return i + 1;                                                                              \
    }                                                                                              \
    static const struct insn *umov_##z(struct cpu *c, const struct insn *i)                        \
    {                                                                                              \
        c->x[i->rd] = c->v[i->rn].z[i->aux];                                                       \
        return i + 1;                                                                              \
    }
MOVE_LANE(b)
MOVE_LANE(h)
MOVE_LANE(s)
MOVE_LANE(d)

#define SMOV(fn, F, T)                                                                             \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        c->x[i->rd] = (T)c->v[i->rn].F[i->aux];                                                    \
        return i + 1;                                                                              \
    }
SMOV(smov_w_b, sb, uint32_t)
SMOV(smov_w_h, sh, uint32_t)
SMOV(smov_x_b, sb, uint64_t)
SMOV(smov_x_h, sh, uint64_t)
SMOV(smov_x_s, ss, uint64_t)

/* imm5 has a one at the place of the element size and the lane above it. False if there is none. */
static bool copy_fields(struct insn *i, uint32_t w, unsigned *size)
{
    const unsigned imm5 = insn_bits(w, 16, 5);
    if (!(imm5 & 15))
        return false;
    *size = (unsigned)__builtin_ctz(imm5);
    v_fields(i, w);
    i->aux = imm5 >> (*size + 1);
    return true;
}

bool dec_v_dup(struct insn *i, uint32_t w)
{
    static op_fn *const fns[SIZES][2] = {
        {dup_b0, dup_b1}, {dup_h0, dup_h1}, {dup_s0, dup_s1}, {NULL, dup_d1}};
    unsigned size;
    return copy_fields(i, w, &size) && v_pick(i, fns[size][insn_bits(w, 30, 1)]);
}

bool dec_s_dup(struct insn *i, uint32_t w)
{
    static op_fn *const fns[SIZES] = {dup_b2, dup_h2, dup_s2, dup_d2};
    unsigned size;
    return copy_fields(i, w, &size) && v_pick(i, fns[size]);
}

bool dec_v_dup_x(struct insn *i, uint32_t w)
{
    static op_fn *const fns[SIZES][2] = {
        {dup_x_b0, dup_x_b1}, {dup_x_h0, dup_x_h1}, {dup_x_s0, dup_x_s1}, {NULL, dup_x_d1}};
    unsigned size;
    return copy_fields(i, w, &size) && v_pick(i, fns[size][insn_bits(w, 30, 1)]);
}

bool dec_v_smov(struct insn *i, uint32_t w)
{
    static op_fn *const fns[SIZES][2] = {
        {smov_w_b, smov_x_b}, {smov_w_h, smov_x_h}, {NULL, smov_x_s}, {NULL, NULL}};
    unsigned size;
    if (!copy_fields(i, w, &size))
        return false;
    i->rd = slot_dst(i->rd);
    return v_pick(i, fns[size][insn_bits(w, 30, 1)]);
}

bool dec_v_umov(struct insn *i, uint32_t w)
{
    static op_fn *const fns[SIZES][2] = {
        {umov_b, NULL}, {umov_h, NULL}, {umov_s, NULL}, {NULL, umov_d}};
    unsigned size;
    if (!copy_fields(i, w, &size))
        return false;
    i->rd = slot_dst(i->rd);
    return v_pick(i, fns[size][insn_bits(w, 30, 1)]);
}

bool dec_v_ins_x(struct insn *i, uint32_t w)
{
    static op_fn *const fns[SIZES] = {ins_x_b, ins_x_h, ins_x_s, ins_x_d};
    unsigned size;
    return copy_fields(i, w, &size) && v_pick(i, fns[size]);
}

bool dec_v_ins(struct insn *i, uint32_t w)
{
    static op_fn *const fns[SIZES] = {ins_b, ins_h, ins_s, ins_d};
    unsigned size;
    if (!copy_fields(i, w, &size))
        return false;
    i->aux |= insn_bits(w, 11, 4) >> size << 8;
    return v_pick(i, fns[size]);
}

/* ---- permute ---- */

/* Lanes 2k and 2k + 1 of the result, `a` and `b`, for `pairs` of them. */
#define PERMUTE(fn, F, bytes, a, b)                                                                \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        enum { pairs = (bytes) / sizeof c->v[0].F[0] / 2 };                                        \
        const v128 n = c->v[i->rn], m = c->v[i->rm];                                               \
        v128 r = {0};                                                                              \
        for (unsigned k = 0; k < pairs; k++) {                                                     \
            r.F[2 * k] = (a);                                                                      \
            r.F[2 * k + 1] = (b);                                                                  \
        }                                                                                          \
        c->v[i->rd] = r;                                                                           \
        return i + 1;                                                                              \
    }
/* UZP takes every second lane of Vm:Vn, so its result falls into two halves instead. */
#define UNZIP(fn, F, bytes, odd)                                                                   \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        enum { half = (bytes) / sizeof c->v[0].F[0] / 2 };                                         \
        const v128 n = c->v[i->rn], m = c->v[i->rm];                                               \
        v128 r = {0};                                                                              \
        for (unsigned k = 0; k < half; k++) {                                                      \
            r.F[k] = n.F[2 * k + (odd)];                                                           \
            r.F[k + half] = m.F[2 * k + (odd)];                                                    \
        }                                                                                          \
        c->v[i->rd] = r;                                                                           \
        return i + 1;                                                                              \
    }
#define PERMUTE_FORMS(z, q, bytes)                                                                 \
    UNZIP(v_uzp1_##z##q, z, bytes, 0)                                                              \
    UNZIP(v_uzp2_##z##q, z, bytes, 1)                                                              \
    PERMUTE(v_trn1_##z##q, z, bytes, n.z[2 * k], m.z[2 * k])                                       \
    PERMUTE(v_trn2_##z##q, z, bytes, n.z[2 * k + 1], m.z[2 * k + 1])                               \
    PERMUTE(v_zip1_##z##q, z, bytes, n.z[k], m.z[k])                                               \
    PERMUTE(v_zip2_##z##q, z, bytes, n.z[pairs + k], m.z[pairs + k])
PERMUTE_FORMS(b, 0, 8)
PERMUTE_FORMS(b, 1, 16)
PERMUTE_FORMS(h, 0, 8)
PERMUTE_FORMS(h, 1, 16)
PERMUTE_FORMS(s, 0, 8)
PERMUTE_FORMS(s, 1, 16)
PERMUTE_FORMS(d, 1, 16)
#define PERMUTE_TABLE(op)                                                                          \
    static const v_table op = {                                                                    \
        V_SLOT(op, b), V_SLOT(op, h), V_SLOT(op, s), {NULL, op##_d1, NULL}};                       \
    V_FORMAT(op, v_sized, op)
PERMUTE_TABLE(v_uzp1)
PERMUTE_TABLE(v_uzp2)
PERMUTE_TABLE(v_trn1)
PERMUTE_TABLE(v_trn2)
PERMUTE_TABLE(v_zip1)
PERMUTE_TABLE(v_zip2)

/* ---- extract and table lookup ---- */

#define EXT(fn, bytes)                                                                             \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        uint8_t both[2 * (bytes)];                                                                 \
        memcpy(both, &c->v[i->rn], bytes);                                                         \
        memcpy(both + (bytes), &c->v[i->rm], bytes);                                               \
        v128 r = {0};                                                                              \
        memcpy(&r, both + i->imm, bytes);                                                          \
        c->v[i->rd] = r;                                                                           \
        return i + 1;                                                                              \
    }
EXT(v_ext_0, 8)
EXT(v_ext_1, 16)

bool dec_v_ext(struct insn *i, uint32_t w)
{
    const bool q = insn_bits(w, 30, 1);
    v_fields(i, w);
    i->imm = insn_bits(w, 11, 4);
    return (q || i->imm < 8) && v_pick(i, q ? v_ext_1 : v_ext_0);
}

/* i->aux registers from Vn on, modulo 32, are one table of bytes. Out of range, TBL gives 0. */
static inline const struct insn *table_lookup(struct cpu *c, const struct insn *i, unsigned bytes,
                                              bool keep)
{
    uint8_t table[64];
    const unsigned size = i->aux * 16;
    for (unsigned k = 0; k < i->aux; k++)
        memcpy(table + 16 * k, &c->v[(i->rn + k) & 31], 16);
    const v128 m = c->v[i->rm], old = c->v[i->rd];
    v128 r = {0};
    for (unsigned k = 0; k < bytes; k++)
        r.b[k] = m.b[k] < size ? table[m.b[k]] : keep ? old.b[k] : 0;
    c->v[i->rd] = r;
    return i + 1;
}

#define TABLE(op, keep)                                                                            \
    static const struct insn *op##_0(struct cpu *c, const struct insn *i)                          \
    {                                                                                              \
        return table_lookup(c, i, 8, keep);                                                        \
    }                                                                                              \
    static const struct insn *op##_1(struct cpu *c, const struct insn *i)                          \
    {                                                                                              \
        return table_lookup(c, i, 16, keep);                                                       \
    }                                                                                              \
    bool dec_##op(struct insn *i, uint32_t w)                                                      \
    {                                                                                              \
        v_fields(i, w);                                                                            \
        i->aux = insn_bits(w, 13, 2) + 1;                                                          \
        return v_pick(i, insn_bits(w, 30, 1) ? op##_1 : op##_0);                                   \
    }
TABLE(v_tbl, false)
TABLE(v_tbx, true)

/* ---- modified immediate ---- */

#define IMMEDIATE(op, low, high)                                                                   \
    static const struct insn *op##_0(struct cpu *c, const struct insn *i)                          \
    {                                                                                              \
        v128 *d = &c->v[i->rd];                                                                    \
        d->d[0] = (low);                                                                           \
        d->d[1] = 0;                                                                               \
        return i + 1;                                                                              \
    }                                                                                              \
    static const struct insn *op##_1(struct cpu *c, const struct insn *i)                          \
    {                                                                                              \
        v128 *d = &c->v[i->rd];                                                                    \
        d->d[0] = (low);                                                                           \
        d->d[1] = (high);                                                                          \
        return i + 1;                                                                              \
    }
IMMEDIATE(v_movi, i->imm, i->imm)
IMMEDIATE(v_orri, d->d[0] | i->imm, d->d[1] | i->imm)
IMMEDIATE(v_bici, d->d[0] & ~i->imm, d->d[1] & ~i->imm)

/* AdvSIMDExpandImm() of Arm ARM J1.1, without the floating-point forms. */
static uint64_t expand_immediate(unsigned cmode, bool op, uint64_t imm8)
{
    if (cmode < 8)
        return (imm8 << 8 * (cmode >> 1)) * UINT64_C(0x0000000100000001);
    if (cmode < 12)
        return (imm8 << 8 * (cmode >> 1 & 1)) * UINT64_C(0x0001000100010001);
    if (cmode == 12)
        return (imm8 << 8 | 0xff) * UINT64_C(0x0000000100000001);
    if (cmode == 13)
        return (imm8 << 16 | 0xffff) * UINT64_C(0x0000000100000001);
    if (!op)
        return imm8 * UINT64_C(0x0101010101010101);
    uint64_t r = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        if (imm8 >> bit & 1)
            r |= UINT64_C(0xff) << 8 * bit;
    return r;
}

static bool immediate(struct insn *i, uint32_t w, op_fn *fn0, op_fn *fn1)
{
    const unsigned cmode = insn_bits(w, 12, 4);
    const bool op = insn_bits(w, 29, 1);
    i->rd = (uint8_t)insn_bits(w, 0, 5);
    i->imm = expand_immediate(cmode, op, insn_bits(w, 16, 3) << 5 | insn_bits(w, 5, 5));
    return v_pick(i, insn_bits(w, 30, 1) ? fn1 : fn0);
}

/* Even cmode below 12, 12, 13 and 14; for 14 with op the bytes are 0 or 255. */
bool dec_v_movi(struct insn *i, uint32_t w)
{
    const unsigned cmode = insn_bits(w, 12, 4);
    return cmode != 15 && (cmode >= 12 || !(cmode & 1)) && immediate(i, w, v_movi_0, v_movi_1);
}

bool dec_v_mvni(struct insn *i, uint32_t w)
{
    if (!dec_v_movi(i, w))
        return false;
    if (insn_bits(w, 12, 4) < 14)
        i->imm = ~i->imm;
    return true;
}

bool dec_v_orri(struct insn *i, uint32_t w)
{
    const unsigned cmode = insn_bits(w, 12, 4);
    return cmode < 12 && (cmode & 1) && immediate(i, w, v_orri_0, v_orri_1);
}

bool dec_v_bici(struct insn *i, uint32_t w)
{
    const unsigned cmode = insn_bits(w, 12, 4);
    return cmode < 12 && (cmode & 1) && immediate(i, w, v_bici_0, v_bici_1);
}
