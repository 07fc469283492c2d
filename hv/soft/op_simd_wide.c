/* SPDX-License-Identifier: MIT */
/*
 * Advanced SIMD: operations whose result has lanes twice or half as wide as a source (Arm ARM
 * C4.1.96, "three different", the long ones of "by indexed element", narrowing and lengthening
 * moves and shifts).
 *
 * The "2" forms (Q = 1) read or write the upper half of the register with the narrow lanes. Runs on
 * the vCPU's thread.
 */
#include "crypto_host.h"
#include "simd.h"

/* ---- long: both sources narrow ---- */

/* All sizes from signed (int, s) or unsigned (uint, empty) lanes. */
#define LONG_FORMS(op, z, T, F, D, DF, U, W, half, yk, e)                                          \
    V_LONG(op##_##z##0, T, F, D, DF, U, W, half, 0, yk(0), e)                                      \
    V_LONG(op##_##z##1, T, F, D, DF, U, W, half, half, yk(half), e)
#define LANE_K(base)    k + (base)
#define LANE_ELEM(base) i->aux
#define LONG_B(op, sign, p, e)                                                                     \
    LONG_FORMS(op, b, sign##8_t, p##b, sign##16_t, p##h, uint16_t, int32_t, 8, LANE_K, e)
#define LONG_H(op, sign, p, yk, e)                                                                 \
    LONG_FORMS(op, h, sign##16_t, p##h, sign##32_t, p##s, uint32_t, int64_t, 4, yk, e)
#define LONG_S(op, sign, p, yk, e)                                                                 \
    LONG_FORMS(op, s, sign##32_t, p##s, sign##64_t, p##d, uint64_t, int128, 2, yk, e)
#define LONG_BHS(op, sign, p, e)                                                                   \
    LONG_B(op, sign, p, e)                                                                         \
    LONG_H(op, sign, p, LANE_K, e) LONG_S(op, sign, p, LANE_K, e) V_TABLE_BHS(op)
#define LONG_ELEM(op, sign, p, e)                                                                  \
    LONG_H(op##_elem, sign, p, LANE_ELEM, e)                                                       \
    LONG_S(op##_elem, sign, p, LANE_ELEM, e)                                                       \
    V_TABLE_HS(op##_elem) V_FORMAT(op##_elem, v_elem, op##_elem)

#define PRODUCT (1u * (ulane)x * (ulane)y) /* 1u: 16-bit lanes would become int */
#define DIFF    (x > y ? (ulane)x - (ulane)y : (ulane)y - (ulane)x)
LONG_BHS(v_saddl, int, s, x + y)
LONG_BHS(v_uaddl, uint, , x + y)
LONG_BHS(v_ssubl, int, s, x - y)
LONG_BHS(v_usubl, uint, , x - y)
LONG_BHS(v_sabal, int, s, (ulane)z + DIFF)
LONG_BHS(v_uabal, uint, , z + DIFF)
LONG_BHS(v_sabdl, int, s, DIFF)
LONG_BHS(v_uabdl, uint, , DIFF)
LONG_BHS(v_smull, int, s, PRODUCT)
LONG_BHS(v_umull, uint, , PRODUCT)
LONG_BHS(v_smlal, int, s, (ulane)z + PRODUCT)
LONG_BHS(v_umlal, uint, , z + PRODUCT)
LONG_BHS(v_smlsl, int, s, (ulane)z - PRODUCT)
LONG_BHS(v_umlsl, uint, , z - PRODUCT)
LONG_ELEM(v_smull, int, s, PRODUCT)
LONG_ELEM(v_umull, uint, , PRODUCT)
LONG_ELEM(v_smlal, int, s, (ulane)z + PRODUCT)
LONG_ELEM(v_umlal, uint, , z + PRODUCT)
LONG_ELEM(v_smlsl, int, s, (ulane)z - PRODUCT)
LONG_ELEM(v_umlsl, uint, , z - PRODUCT)

#define SAME(op) V_FORMAT(op, v_sized, op)
SAME(v_saddl)
SAME(v_uaddl)
SAME(v_ssubl)
SAME(v_usubl)
SAME(v_sabal)
SAME(v_uabal)
SAME(v_sabdl)
SAME(v_uabdl)
SAME(v_smull)
SAME(v_umull)
SAME(v_smlal)
SAME(v_umlal)
SAME(v_smlsl)
SAME(v_umlsl)

/* Saturating doubling: the product saturates first, then the sum. Vector, element and scalar forms.
 */
#define LONG_SAT(op, vector, scalar, e)                                                            \
    LONG_H(op, int, s, vector, e)                                                                  \
    LONG_S(op, int, s, vector, e)                                                                  \
    V_LONG(op##_h2, int16_t, sh, int32_t, ss, uint32_t, int64_t, 1, 0, scalar, e)                  \
    V_LONG(op##_s2, int32_t, ss, int64_t, sd, uint64_t, int128, 1, 0, scalar, e)                   \
    V_TABLE_HS1(op)
#define PRODUCT2 SAT_S((wide)x *y * 2, bits, &q)
LONG_SAT(sqdmull, LANE_K, k, PRODUCT2)
LONG_SAT(sqdmlal, LANE_K, k, SAT_S(z + PRODUCT2, bits, &q))
LONG_SAT(sqdmlsl, LANE_K, k, SAT_S(z - PRODUCT2, bits, &q))
LONG_SAT(sqdmull_elem, LANE_ELEM, i->aux, PRODUCT2)
LONG_SAT(sqdmlal_elem, LANE_ELEM, i->aux, SAT_S(z + PRODUCT2, bits, &q))
LONG_SAT(sqdmlsl_elem, LANE_ELEM, i->aux, SAT_S(z - PRODUCT2, bits, &q))
V_FORMAT(v_sqdmull, v_sized, sqdmull)
V_FORMAT(v_sqdmlal, v_sized, sqdmlal)
V_FORMAT(v_sqdmlsl, v_sized, sqdmlsl)
V_FORMAT(s_sqdmull, v_scalar, sqdmull)
V_FORMAT(s_sqdmlal, v_scalar, sqdmlal)
V_FORMAT(s_sqdmlsl, v_scalar, sqdmlsl)
V_FORMAT(v_sqdmull_elem, v_elem, sqdmull_elem)
V_FORMAT(v_sqdmlal_elem, v_elem, sqdmlal_elem)
V_FORMAT(v_sqdmlsl_elem, v_elem, sqdmlsl_elem)
V_FORMAT(s_sqdmull_elem, v_elem_scalar, sqdmull_elem)
V_FORMAT(s_sqdmlal_elem, v_elem_scalar, sqdmlal_elem)
V_FORMAT(s_sqdmlsl_elem, v_elem_scalar, sqdmlsl_elem)

/* ---- wide: Vn has wide lanes, Vm narrow ones ---- */

#define WIDE_FORMS(op, z, T, F, D, DF, half, e)                                                    \
    V_WIDE(op##_##z##0, T, F, D, DF, half, 0, e)                                                   \
    V_WIDE(op##_##z##1, T, F, D, DF, half, half, e)
/* Modulo arithmetic: only the extension of Vm's lanes is signed or not. */
#define WIDE_BHS(op, sign, p, e)                                                                   \
    WIDE_FORMS(op, b, sign##8_t, p##b, uint16_t, h, 8, e)                                          \
    WIDE_FORMS(op, h, sign##16_t, p##h, uint32_t, s, 4, e)                                         \
    WIDE_FORMS(op, s, sign##32_t, p##s, uint64_t, d, 2, e) V_TABLE_BHS(op) SAME(op)
WIDE_BHS(v_saddw, int, s, x + y)
WIDE_BHS(v_uaddw, uint, , x + y)
WIDE_BHS(v_ssubw, int, s, x - y)
WIDE_BHS(v_usubw, uint, , x - y)

/* ---- narrow ---- */

/* From lanes of sign `in` to lanes of sign `out`; form 2 is the scalar. */
#define NARROW_FORMS(op, z, T, F, D, DF, half, e)                                                  \
    V_NARROW(op##_##z##0, T, F, D, DF, half, 0, e)                                                 \
    V_NARROW(op##_##z##1, T, F, D, DF, half, half, e)
#define NARROW_U(op, e)                                                                            \
    NARROW_FORMS(op, b, uint8_t, b, uint16_t, h, 8, e)                                             \
    NARROW_FORMS(op, h, uint16_t, h, uint32_t, s, 4, e)                                            \
    NARROW_FORMS(op, s, uint32_t, s, uint64_t, d, 2, e)
#define NARROW_S(op, e)                                                                            \
    NARROW_FORMS(op, b, int8_t, sb, int16_t, sh, 8, e)                                             \
    NARROW_FORMS(op, h, int16_t, sh, int32_t, ss, 4, e)                                            \
    NARROW_FORMS(op, s, int32_t, ss, int64_t, sd, 2, e)
#define NARROW_U1(op, e)                                                                           \
    NARROW_U(op, e)                                                                                \
    V_NARROW(op##_b2, uint8_t, b, uint16_t, h, 1, 0, e)                                            \
    V_NARROW(op##_h2, uint16_t, h, uint32_t, s, 1, 0, e)                                           \
    V_NARROW(op##_s2, uint32_t, s, uint64_t, d, 1, 0, e) V_TABLE_BHS1(op)
#define NARROW_S1(op, e)                                                                           \
    NARROW_S(op, e)                                                                                \
    V_NARROW(op##_b2, int8_t, sb, int16_t, sh, 1, 0, e)                                            \
    V_NARROW(op##_h2, int16_t, sh, int32_t, ss, 1, 0, e)                                           \
    V_NARROW(op##_s2, int32_t, ss, int64_t, sd, 1, 0, e) V_TABLE_BHS1(op)

#define HALF ((uint64_t)1 << (bits - 1))
NARROW_U(v_addhn, (x + y) >> bits)
NARROW_U(v_raddhn, (x + y + HALF) >> bits)
NARROW_U(v_subhn, (uint64_t)((uint64_t)x - y) >> bits)
NARROW_U(v_rsubhn, (uint64_t)((uint64_t)x - y + HALF) >> bits)
NARROW_U(v_xtn, x)
V_TABLE_BHS(v_addhn)
V_TABLE_BHS(v_raddhn)
V_TABLE_BHS(v_subhn)
V_TABLE_BHS(v_rsubhn)
V_TABLE_BHS(v_xtn)
SAME(v_addhn)
SAME(v_raddhn)
SAME(v_subhn)
SAME(v_rsubhn)
SAME(v_xtn)

/* Unsigned lanes are clamped from above alone, so that 64 bits suffice. */
#define CLAMP_U(v) ((v) > (((uint64_t)1 << bits) - 1) ? (q |= 1, ((uint64_t)1 << bits) - 1) : (v))
NARROW_S1(v_sqxtn, SAT_S(+x, bits, &q))
NARROW_U1(v_uqxtn, CLAMP_U(x))
NARROW_S1(v_sqxtun, SAT_U(+x, bits, &q))
#define SAME_AND_SCALAR(op) V_FORMAT(v_##op, v_sized, v_##op) V_FORMAT(s_##op, v_scalar, v_##op)
SAME_AND_SCALAR(sqxtn)
SAME_AND_SCALAR(uqxtn)
SAME_AND_SCALAR(sqxtun)

/* ---- shifts by an immediate that narrow or lengthen ---- */

/* Rounding: the bit below the cut is added. The sum of two parts cannot overflow. */
#define ROUND (x >> (sh - 1) & 1)
NARROW_U(v_shrn, x >> sh)
NARROW_U(v_rshrn, (x >> sh) + ROUND)
NARROW_S1(v_sqshrn, SAT_S(x >> sh, bits, &q))
NARROW_S1(v_sqrshrn, SAT_S((x >> sh) + ROUND, bits, &q))
NARROW_S1(v_sqshrun, SAT_U(x >> sh, bits, &q))
NARROW_S1(v_sqrshrun, SAT_U((x >> sh) + ROUND, bits, &q))
NARROW_U1(v_uqshrn, CLAMP_U((uint64_t)(x >> sh)))
NARROW_U1(v_uqrshrn, CLAMP_U((uint64_t)(x >> sh) + ROUND))
V_TABLE_BHS(v_shrn)
V_TABLE_BHS(v_rshrn)
V_FORMAT(v_shrn, v_shift_right, v_shrn)
V_FORMAT(v_rshrn, v_shift_right, v_rshrn)
#define SHIFT_AND_SCALAR(op)                                                                       \
    V_FORMAT(v_##op, v_shift_right, v_##op) V_FORMAT(s_##op, v_shift_right_scalar, v_##op)
SHIFT_AND_SCALAR(sqshrn)
SHIFT_AND_SCALAR(sqrshrn)
SHIFT_AND_SCALAR(sqshrun)
SHIFT_AND_SCALAR(sqrshrun)
SHIFT_AND_SCALAR(uqshrn)
SHIFT_AND_SCALAR(uqrshrn)

LONG_BHS(v_sshll, int, s, (ulane)x << sh)
LONG_BHS(v_ushll, uint, , (ulane)x << sh)
V_FORMAT(v_sshll, v_shift_left, v_sshll)
V_FORMAT(v_ushll, v_shift_left, v_ushll)
/* SHLL shifts by the width of the source's lane. */
LONG_BHS(v_shll, uint, , (ulane)x << bits / 2)
SAME(v_shll)

/* ---- polynomial ---- */

/* The product of two polynomials over {0,1} of degree < 64: 128 bits. Four bits of b at a time, the
 * highest first; the multiples of a by all polynomials of four bits stand in a table. */
static v128 poly_mul64(uint64_t a, uint64_t b)
{
    uint64_t low[16] = {0}, high[16] = {0};
    for (unsigned n = 1; n < 16; n++) {
        const unsigned half = n >> 1;
        low[n] = low[half] << 1 ^ (n & 1 ? a : 0);
        high[n] = high[half] << 1 | low[half] >> 63;
    }
    v128 r = {0};
    for (int at = 60; at >= 0; at -= 4) {
        const unsigned n = b >> at & 15;
        r.d[1] = (r.d[1] << 4 | r.d[0] >> 60) ^ high[n];
        r.d[0] = r.d[0] << 4 ^ low[n];
    }
    return r;
}

LONG_B(v_pmull, uint, , POLY_MUL8(x, y))

static const struct insn *v_pmull_d0(struct cpu *c, const struct insn *i)
{
    c->v[i->rd] = poly_mul64(c->v[i->rn].d[0], c->v[i->rm].d[0]);
    return i + 1;
}

static const struct insn *v_pmull_d1(struct cpu *c, const struct insn *i)
{
    c->v[i->rd] = poly_mul64(c->v[i->rn].d[1], c->v[i->rm].d[1]);
    return i + 1;
}

bool dec_v_pmull(struct insn *i, uint32_t w)
{
    static const v_table bytes = {V_SLOT(v_pmull, b), {NULL}, {NULL}, {NULL}};
    return v_sized(i, w, bytes);
}

/* The 64-bit one, which belongs to FEAT_PMULL and exists for both Q. */
bool dec_v_pmull64(struct insn *i, uint32_t w)
{
    const bool q = insn_bits(w, 30, 1);
    op_fn *host = crypto_host(q ? CRYPTO_PMULL2 : CRYPTO_PMULL);
    v_fields(i, w);
    return v_pick(i, host ? host : q ? v_pmull_d1 : v_pmull_d0);
}
