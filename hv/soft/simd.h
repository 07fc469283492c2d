/* SPDX-License-Identifier: MIT */
/*
 * What the Advanced SIMD files share: loops over lanes as macros that make one handler per element
 * size and vector length, and the table from which a format picks.
 *
 * A handler reads its sources into locals, so that the compiler sees no aliasing and turns the loop
 * into the host's vector code. An expression sees: x, y (lanes of Vn and Vm), z (the old lane of
 * Vd), sh (i->imm as a shift), q (set it to non-zero for FPSR.QC), bits (width of the result's
 * lane), and the types lane, ulane (unsigned) and wide (holds a sum or product of lanes, signed if
 * lane is).
 *
 * Tables are [element size][form]. The form is 0: 64-bit vector, 1: 128-bit vector, 2: scalar of
 * one lane. An empty slot is an encoding that the architecture leaves unallocated.
 */
#pragma once

#include "a64.h"
#include "mem.h"

typedef __int128 int128;
typedef unsigned __int128 uint128;

#define FPSR_QC (1u << 27)

enum { FORM_64, FORM_128, FORM_SCALAR, FORMS };
enum { SIZE_B, SIZE_H, SIZE_S, SIZE_D, SIZES };

typedef op_fn *v_table[SIZES][FORMS];

/* ---- formats (dec_simd.c) ---- */

#define A64(id, pattern, format, handler, flags)                                                   \
    bool dec_##format(struct insn *i, uint32_t w);                                                 \
    op_fn op_##handler;
#include "a64_simd.def"
#include "a64_simd_ldst.def"
#include "a64_crypto.def"
#undef A64

/* Registers d, n, m (and a) by their usual places; size from bits 23:22, Q from bit 30. */
void v_fields(struct insn *i, uint32_t w);
bool v_pick(struct insn *i, op_fn *fn);
bool v_sized(struct insn *i, uint32_t w, const v_table t);       /* vector, size and Q */
bool v_scalar(struct insn *i, uint32_t w, const v_table t);      /* scalar, size */
bool v_shift_right(struct insn *i, uint32_t w, const v_table t); /* vector, immh:immb */
bool v_shift_left(struct insn *i, uint32_t w, const v_table t);
bool v_shift_right_scalar(struct insn *i, uint32_t w, const v_table t);
bool v_shift_left_scalar(struct insn *i, uint32_t w, const v_table t);
bool v_elem_fields(struct insn *i, uint32_t w); /* lane number into i->aux */
bool v_elem(struct insn *i, uint32_t w, const v_table t);
bool v_elem_scalar(struct insn *i, uint32_t w, const v_table t);
bool v_elem_dot(struct insn *i, uint32_t w, const v_table t);

/* The format of a row whose handlers stand in a table. */
#define V_FORMAT(name, how, table)                                                                 \
    bool dec_##name(struct insn *i, uint32_t w)                                                    \
    {                                                                                              \
        return how(i, w, table);                                                                   \
    }

/* Does [va, va + bytes) lie in the one page of this tag, with nothing to check? */
static inline bool in_page(uint64_t tag, uint64_t va, unsigned bytes)
{
    return likely(((va + bytes - 1) & PAGE_MASK) == tag);
}

/* For an access with its base in a misaligned stack pointer: true if that raised the fault. */
static inline bool mem_sp_misaligned(struct cpu *c, const struct insn *i)
{
    return i->rn == X_SP && (c->x[X_SP] & 15) && mem_sp_fault(c, i);
}

/* ---- saturation ---- */

#define SIMD_SAT(suffix, T, one)                                                                   \
    static inline T sat_s_##suffix(T v, unsigned bits, unsigned *q)                                \
    {                                                                                              \
        const T hi = (T)(((one) << (bits - 1)) - 1), lo = (T)(-hi - 1);                            \
        const T r = v > hi ? hi : v < lo ? lo : v;                                                 \
        *q |= r != v;                                                                              \
        return r;                                                                                  \
    }                                                                                              \
    static inline T sat_u_##suffix(T v, unsigned bits, unsigned *q)                                \
    {                                                                                              \
        const T hi = (T)(((one) << bits) - 1);                                                     \
        const T r = v > hi ? hi : v < 0 ? 0 : v;                                                   \
        *q |= r != v;                                                                              \
        return r;                                                                                  \
    }
SIMD_SAT(32, int32_t, INT64_C(1))
SIMD_SAT(64, int64_t, (int128)1)
SIMD_SAT(128, int128, (int128)1)

/* Into `bits` bits, signed or unsigned; v has the signed type wide. */
#define SAT_S(v, bits, q)                                                                          \
    _Generic((v), int32_t : sat_s_32, int64_t : sat_s_64, int128 : sat_s_128)((v), (bits), (q))
#define SAT_U(v, bits, q)                                                                          \
    _Generic((v), int32_t : sat_u_32, int64_t : sat_u_64, int128 : sat_u_128)((v), (bits), (q))

/* ---- shifts by a register or immediate: positive is left ---- */

static inline int64_t shift_s(int64_t x, int sh, unsigned bits, bool round)
{
    if (sh >= 0)
        return sh >= (int)bits ? 0 : (int64_t)((uint64_t)x << sh);
    const unsigned right = (unsigned)-sh;
    if (right >= bits)
        return round ? 0 : x >> (bits - 1);
    return (x >> right) + (round ? x >> (right - 1) & 1 : 0);
}

static inline uint64_t shift_u(uint64_t x, int sh, unsigned bits, bool round)
{
    if (sh >= 0)
        return sh >= (int)bits ? 0 : x << sh;
    const unsigned right = (unsigned)-sh;
    if (right > bits)
        return 0;
    return (right < bits ? x >> right : 0) + (round ? x >> (right - 1) & 1 : 0);
}

static inline int64_t shift_sat_s(int64_t x, int sh, unsigned bits, bool round, unsigned *q)
{
    if (sh <= 0 || x == 0)
        return shift_s(x, sh, bits, round);
    if (sh >= (int)bits) {
        *q |= 1;
        return x < 0 ? INT64_MIN >> (64 - bits) : INT64_MAX >> (64 - bits);
    }
    return (int64_t)sat_s_128((int128)x * ((int128)1 << sh), bits, q);
}

static inline uint64_t shift_sat_u(uint64_t x, int sh, unsigned bits, bool round, unsigned *q)
{
    if (sh <= 0 || x == 0)
        return shift_u(x, sh, bits, round);
    const uint64_t hi = UINT64_MAX >> (64 - bits);
    if (sh >= (int)bits || x > hi >> sh) {
        *q |= 1;
        return hi;
    }
    return x << sh;
}

/* x >> sh with rounding; sh is 1 to the width of the lane, as shift instructions have it. */
#define ROUND_SHR_S(x, sh, bits)                                                                   \
    (((x) >> ((sh) < (bits) ? (sh) : (bits)-1)) + ((x) >> ((sh)-1) & 1))
#define ROUND_SHR_U(x, sh, bits) (((sh) < (bits) ? (x) >> (sh) : 0) + ((x) >> ((sh)-1) & 1))

/* The product of two polynomials of 8 bits over {0,1}: a sum of shifted x without carries. */
#define POLY_TERM(x, y, bit) ((lane)(0 - ((y) >> (bit)&1)) & (lane)((x) << (bit)))
#define POLY_MUL8(x, y)                                                                            \
    (POLY_TERM(x, y, 0) ^ POLY_TERM(x, y, 1) ^ POLY_TERM(x, y, 2) ^ POLY_TERM(x, y, 3) ^           \
     POLY_TERM(x, y, 4) ^ POLY_TERM(x, y, 5) ^ POLY_TERM(x, y, 6) ^ POLY_TERM(x, y, 7))

/* ---- loops ---- */

#define V_TYPES(T, U, W)                                                                           \
    typedef T lane __attribute__((unused));                                                        \
    typedef U ulane __attribute__((unused));                                                       \
    typedef W wide __attribute__((unused));                                                        \
    enum { bits = 8 * sizeof(T) }

/* Put down the result, and the cumulative saturation flag. */
static inline const struct insn *v_done(struct cpu *c, const struct insn *i, const v128 *r,
                                        unsigned q)
{
    c->v[i->rd] = *r;
    if (unlikely(q))
        c->fpsr |= FPSR_QC;
    return i + 1;
}

/* Lane by lane. `yk` is the lane of Vm for lane k. */
#define V_LANES(fn, T, F, U, W, bytes, yk, expr)                                                   \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        V_TYPES(T, U, W);                                                                          \
        const v128 n = c->v[i->rn], m = c->v[i->rm], old = c->v[i->rd];                            \
        const unsigned sh = (unsigned)i->imm;                                                      \
        v128 r = {0};                                                                              \
        unsigned q = 0;                                                                            \
        (void)sh;                                                                                  \
        for (unsigned k = 0; k < (bytes) / sizeof(T); k++) {                                       \
            const T x = n.F[k], y = m.F[yk], z = old.F[k];                                         \
            (void)x, (void)y, (void)z;                                                             \
            r.F[k] = (T)(expr);                                                                    \
        }                                                                                          \
        return v_done(c, i, &r, q);                                                                \
    }

/* Lanes of T in one half (Q: the upper) become lanes of twice the width, D. */
#define V_LONG(fn, T, F, D, DF, U, W, lanes, base, yk, expr)                                       \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        V_TYPES(D, U, W);                                                                          \
        const v128 n = c->v[i->rn], m = c->v[i->rm], old = c->v[i->rd];                            \
        const unsigned sh = (unsigned)i->imm;                                                      \
        v128 r = {0};                                                                              \
        unsigned q = 0;                                                                            \
        (void)sh;                                                                                  \
        for (unsigned k = 0; k < (lanes); k++) {                                                   \
            const D x = n.F[k + (base)], y = m.F[yk], z = old.DF[k];                               \
            (void)x, (void)y, (void)z;                                                             \
            r.DF[k] = (D)(expr);                                                                   \
        }                                                                                          \
        return v_done(c, i, &r, q);                                                                \
    }

/* Vn has wide lanes already, Vm one half of narrow ones. */
#define V_WIDE(fn, T, F, D, DF, lanes, base, expr)                                                 \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        const v128 n = c->v[i->rn], m = c->v[i->rm];                                               \
        v128 r = {0};                                                                              \
        for (unsigned k = 0; k < (lanes); k++) {                                                   \
            const D x = n.DF[k], y = (D)m.F[k + (base)];                                           \
            r.DF[k] = (D)(expr);                                                                   \
        }                                                                                          \
        c->v[i->rd] = r;                                                                           \
        return i + 1;                                                                              \
    }

/* Wide lanes D become lanes of T in one half; writing the upper half keeps the lower. */
#define V_NARROW(fn, T, F, D, DF, lanes, base, expr)                                               \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        enum { bits = 8 * sizeof(T) };                                                             \
        const v128 n = c->v[i->rn], m = c->v[i->rm];                                               \
        const unsigned sh = (unsigned)i->imm;                                                      \
        v128 r = {0};                                                                              \
        unsigned q = 0;                                                                            \
        (void)sh;                                                                                  \
        if (base)                                                                                  \
            r.d[0] = c->v[i->rd].d[0];                                                             \
        for (unsigned k = 0; k < (lanes); k++) {                                                   \
            const D x = n.DF[k], y = m.DF[k];                                                      \
            (void)x, (void)y;                                                                      \
            r.F[k + (base)] = (T)(expr);                                                           \
        }                                                                                          \
        return v_done(c, i, &r, q);                                                                \
    }

/* ---- one operation for all its element sizes ---- */

#define V_FORMS(op, z, T, F, U, W, yk, e)                                                          \
    V_LANES(op##_##z##0, T, F, U, W, 8, yk, e)                                                     \
    V_LANES(op##_##z##1, T, F, U, W, 16, yk, e)

#define V_UB(op, yk, e) V_FORMS(op, b, uint8_t, b, uint8_t, uint32_t, yk, e)
#define V_UH(op, yk, e) V_FORMS(op, h, uint16_t, h, uint16_t, uint32_t, yk, e)
#define V_US(op, yk, e) V_FORMS(op, s, uint32_t, s, uint32_t, uint64_t, yk, e)
#define V_UD(op, yk, e) V_FORMS(op, d, uint64_t, d, uint64_t, uint128, yk, e)
#define V_SB(op, yk, e) V_FORMS(op, b, int8_t, sb, uint8_t, int32_t, yk, e)
#define V_SH(op, yk, e) V_FORMS(op, h, int16_t, sh, uint16_t, int32_t, yk, e)
#define V_SS(op, yk, e) V_FORMS(op, s, int32_t, ss, uint32_t, int64_t, yk, e)
#define V_SD(op, yk, e) V_FORMS(op, d, int64_t, sd, uint64_t, int128, yk, e)

/* Scalars narrower than 64 bits. A 64-bit scalar is a vector of one lane. */
#define V_U1_BHS(op, yk, e)                                                                        \
    V_LANES(op##_b2, uint8_t, b, uint8_t, uint32_t, 1, yk, e)                                      \
    V_LANES(op##_h2, uint16_t, h, uint16_t, uint32_t, 2, yk, e)                                    \
    V_LANES(op##_s2, uint32_t, s, uint32_t, uint64_t, 4, yk, e)
#define V_S1_HS(op, yk, e)                                                                         \
    V_LANES(op##_h2, int16_t, sh, uint16_t, int32_t, 2, yk, e)                                     \
    V_LANES(op##_s2, int32_t, ss, uint32_t, int64_t, 4, yk, e)
#define V_S1_BHS(op, yk, e)                                                                        \
    V_LANES(op##_b2, int8_t, sb, uint8_t, int32_t, 1, yk, e)                                       \
    V_S1_HS(op, yk, e)

/* Tables by the sizes that exist. D in 64 bits is kept for the scalar form: v_sized() refuses it.
 */
#define V_SLOT(op, z)                                                                              \
    {                                                                                              \
        op##_##z##0, op##_##z##1, NULL                                                             \
    }
#define V_SLOT1(op, z)                                                                             \
    {                                                                                              \
        op##_##z##0, op##_##z##1, op##_##z##2                                                      \
    }
#define V_SLOT_D(op)                                                                               \
    {                                                                                              \
        op##_d0, op##_d1, op##_d0                                                                  \
    }
#define V_TABLE_B(op)   static const v_table op = {V_SLOT(op, b), {NULL}, {NULL}, {NULL}};
#define V_TABLE_HS(op)  static const v_table op = {{NULL}, V_SLOT(op, h), V_SLOT(op, s), {NULL}};
#define V_TABLE_HS1(op) static const v_table op = {{NULL}, V_SLOT1(op, h), V_SLOT1(op, s), {NULL}};
#define V_TABLE_BHS(op)                                                                            \
    static const v_table op = {V_SLOT(op, b), V_SLOT(op, h), V_SLOT(op, s), {NULL}};
#define V_TABLE_BHS1(op)                                                                           \
    static const v_table op = {V_SLOT1(op, b), V_SLOT1(op, h), V_SLOT1(op, s), {NULL}};
#define V_TABLE_BHSD(op)                                                                           \
    static const v_table op = {V_SLOT(op, b), V_SLOT(op, h), V_SLOT(op, s), V_SLOT_D(op)};
#define V_TABLE_BHSD1(op)                                                                          \
    static const v_table op = {V_SLOT1(op, b), V_SLOT1(op, h), V_SLOT1(op, s), V_SLOT_D(op)};

#define V_ALL_U_BHS(op, e) V_UB(op, k, e) V_UH(op, k, e) V_US(op, k, e) V_TABLE_BHS(op)
#define V_ALL_S_BHS(op, e) V_SB(op, k, e) V_SH(op, k, e) V_SS(op, k, e) V_TABLE_BHS(op)
#define V_ALL_U_BHSD(op, e)                                                                        \
    V_UB(op, k, e) V_UH(op, k, e) V_US(op, k, e) V_UD(op, k, e) V_TABLE_BHSD(op)
#define V_ALL_S_BHSD(op, e)                                                                        \
    V_SB(op, k, e) V_SH(op, k, e) V_SS(op, k, e) V_SD(op, k, e) V_TABLE_BHSD(op)
/* With scalars of every size. */
#define V_ALL_U_BHSD1(op, e)                                                                       \
    V_UB(op, k, e) V_UH(op, k, e) V_US(op, k, e) V_UD(op, k, e) V_U1_BHS(op, k, e) V_TABLE_BHSD1(op)
#define V_ALL_S_BHSD1(op, e)                                                                       \
    V_SB(op, k, e) V_SH(op, k, e) V_SS(op, k, e) V_SD(op, k, e) V_S1_BHS(op, k, e) V_TABLE_BHSD1(op)
