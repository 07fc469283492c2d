/* SPDX-License-Identifier: MIT */
/*
 * Floating point on vectors, lane by lane (Arm ARM C4.1.96), and the scalar forms of the same
 * operations, which are vectors of one lane: insn.aux has the number. Runs on the vCPU's thread.
 *
 * An operation is an expression E(W) for lanes of W bits. It sees x and y, the lanes of Vn and Vm;
 * z, the old lane of Vd; ENV.
 */
#include "op_fp.h"

/* One handler: `shape` of lanes of W bits, which are the union's member L. */
#define FOR_H(shape, name, E)   shape(name##_h, uint16_t, h, E(16))
#define FOR_S(shape, name, E)   shape(name##_s, uint32_t, s, E(32))
#define FOR_D(shape, name, E)   shape(name##_d, uint64_t, d, E(64))
#define FOR_HSD(shape, name, E) FOR_H(shape, name, E) FOR_S(shape, name, E) FOR_D(shape, name, E)

/*
 * A whole register of single or double lanes by the host's vector unit, under the conditions of
 * fp_fast.h for every lane. If one of them does not hold, nothing has been done.
 */
typedef float host_s __attribute__((vector_size(16)));
typedef double host_d __attribute__((vector_size(16)));

static inline bool inner_s(const v128 *r)
{
    return fp32_inner(r->s[0]) & fp32_inner(r->s[1]) & fp32_inner(r->s[2]) & fp32_inner(r->s[3]);
}
static inline bool inner_d(const v128 *r)
{
    return fp64_inner(r->d[0]) & fp64_inner(r->d[1]);
}
#define HOST_VECTOR(L, sign)                                                                       \
    if (i->aux == 16 / sizeof c->v[0].L[0] && fp_host_ok(ENV)) {                                   \
        host_##L x, y;                                                                             \
        v128 r;                                                                                    \
        memcpy(&x, &c->v[i->rn], 16);                                                              \
        memcpy(&y, &c->v[i->rm], 16);                                                              \
        x = x sign y;                                                                              \
        memcpy(&r, &x, 16);                                                                        \
        if (inner_##L(&r)) {                                                                       \
            c->v[i->rd] = r;                                                                       \
            return i + 1;                                                                          \
        }                                                                                          \
    }

/* Lane by lane; each is read before its place is written, so Vd may be Vn or Vm. */
#define LANES_OF_TWO(T, L, expr)                                                                   \
    v128 *d = &c->v[i->rd];                                                                        \
    for (unsigned k = 0; k < i->aux; k++) {                                                        \
        T x = c->v[i->rn].L[k], y = c->v[i->rm].L[k];                                              \
        d->L[k] = (T)(expr);                                                                       \
    }                                                                                              \
    clear_above(d, i->aux *(unsigned)sizeof(T));                                                   \
    return i + 1;
#define TWO(name, T, L, expr)                                                                      \
    OP(name)                                                                                       \
    {                                                                                              \
        LANES_OF_TWO(T, L, expr)                                                                   \
    }
#define TWO_HOST(name, T, L, expr, sign)                                                           \
    OP(name)                                                                                       \
    {                                                                                              \
        HOST_VECTOR(L, sign)                                                                       \
        LANES_OF_TWO(T, L, expr)                                                                   \
    }
/* The same, adding to the old value of Vd. */
#define THREE(name, T, L, expr)                                                                    \
    OP(name)                                                                                       \
    {                                                                                              \
        v128 *d = &c->v[i->rd];                                                                    \
        for (unsigned k = 0; k < i->aux; k++) {                                                    \
            T x = c->v[i->rn].L[k], y = c->v[i->rm].L[k], z = d->L[k];                             \
            d->L[k] = (T)(expr);                                                                   \
        }                                                                                          \
        clear_above(d, i->aux *(unsigned)sizeof(T));                                               \
        return i + 1;                                                                              \
    }
#define ONE(name, T, L, expr)                                                                      \
    OP(name)                                                                                       \
    {                                                                                              \
        v128 *d = &c->v[i->rd];                                                                    \
        for (unsigned k = 0; k < i->aux; k++) {                                                    \
            T x = c->v[i->rn].L[k];                                                                \
            d->L[k] = (T)(expr);                                                                   \
        }                                                                                          \
        clear_above(d, i->aux *(unsigned)sizeof(T));                                               \
        return i + 1;                                                                              \
    }
/* y is the one lane of Vm that imm names, read first since Vd may be Vm. */
#define ELEMENT(name, T, L, expr)                                                                  \
    OP(name)                                                                                       \
    {                                                                                              \
        v128 *d = &c->v[i->rd];                                                                    \
        T y = c->v[i->rm].L[i->imm];                                                               \
        for (unsigned k = 0; k < i->aux; k++) {                                                    \
            T x = c->v[i->rn].L[k], z = d->L[k];                                                   \
            (void)z;                                                                               \
            d->L[k] = (T)(expr);                                                                   \
        }                                                                                          \
        clear_above(d, i->aux *(unsigned)sizeof(T));                                               \
        return i + 1;                                                                              \
    }
/* Pairs of neighbours: those of Vn make the lower half, those of Vm the upper. */
#define PAIRS(name, T, L, expr)                                                                    \
    OP(name)                                                                                       \
    {                                                                                              \
        v128 n = c->v[i->rn], m = c->v[i->rm], *d = &c->v[i->rd];                                  \
        unsigned half = i->aux / 2;                                                                \
        for (unsigned k = 0; k < i->aux; k++) {                                                    \
            const T *pair = k < half ? &n.L[2 * k] : &m.L[2 * (k - half)];                         \
            T x = pair[0], y = pair[1];                                                            \
            d->L[k] = (T)(expr);                                                                   \
        }                                                                                          \
        clear_above(d, i->aux *(unsigned)sizeof(T));                                               \
        return i + 1;                                                                              \
    }
/* Reduce() of the Arm ARM halves the vector until one lane is left, which matters for NaNs. */
#define ACROSS(name, T, L, expr)                                                                   \
    OP(name)                                                                                       \
    {                                                                                              \
        v128 n = c->v[i->rn];                                                                      \
        for (unsigned left = i->aux; left > 1; left /= 2) {                                        \
            for (unsigned k = 0; k < left / 2; k++) {                                              \
                T x = n.L[2 * k], y = n.L[2 * k + 1];                                              \
                n.L[k] = (T)(expr);                                                                \
            }                                                                                      \
        }                                                                                          \
        set_d(c, i->rd, n.L[0]);                                                                   \
        return i + 1;                                                                              \
    }

/* ---- arithmetic
 * ------------------------------------------------------------------------------------ */

#define E_ADD(W)    fp##W##_add(x, y, ENV)
#define E_SUB(W)    fp##W##_sub(x, y, ENV)
#define E_MUL(W)    fp##W##_mul(x, y, ENV)
#define E_DIV(W)    fp##W##_div(x, y, ENV)
#define E_ABD(W)    fp##W##_abs(fp##W##_sub(x, y, ENV))
#define E_MULX(W)   fp##W##_mulx(x, y, ENV)
#define E_MAX(W)    fp##W##_max(x, y, ENV)
#define E_MIN(W)    fp##W##_min(x, y, ENV)
#define E_MAXNM(W)  fp##W##_maxnm(x, y, ENV)
#define E_MINNM(W)  fp##W##_minnm(x, y, ENV)
#define E_RECPS(W)  fp##W##_recps(x, y, ENV)
#define E_RSQRTS(W) fp##W##_rsqrts(x, y, ENV)
#define E_MLA(W)    fp##W##_fma(z, x, y, ENV)
#define E_MLS(W)    fp##W##_fma(z, fp##W##_neg(x), y, ENV)
#define ARITHMETIC(name, E, sign)                                                                  \
    FOR_H(TWO, name, E)                                                                            \
    TWO_HOST(name##_s, uint32_t, s, E(32), sign)                                                   \
    TWO_HOST(name##_d, uint64_t, d, E(64), sign)
ARITHMETIC(vfadd, E_ADD, +)
ARITHMETIC(vfsub, E_SUB, -)
ARITHMETIC(vfmul, E_MUL, *)
ARITHMETIC(vfdiv, E_DIV, /)
FOR_HSD(TWO, vfabd, E_ABD)
FOR_HSD(TWO, vfmulx, E_MULX)
FOR_HSD(TWO, vfmax, E_MAX)
FOR_HSD(TWO, vfmin, E_MIN)
FOR_HSD(TWO, vfmaxnm, E_MAXNM)
FOR_HSD(TWO, vfminnm, E_MINNM)
FOR_HSD(TWO, vfrecps, E_RECPS)
FOR_HSD(TWO, vfrsqrts, E_RSQRTS)

/* FMLA and FMLS: whole registers by the host, if it can (fp_host_*.c); else lane by lane. */
static inline v128 negated_s(v128 x, bool negate)
{
    x.d[0] ^= negate ? UINT64_C(0x8000000080000000) : 0;
    x.d[1] ^= negate ? UINT64_C(0x8000000080000000) : 0;
    return x;
}
static inline v128 negated_d(v128 x, bool negate)
{
    x.d[0] ^= negate ? UINT64_C(1) << 63 : 0;
    x.d[1] ^= negate ? UINT64_C(1) << 63 : 0;
    return x;
}
static inline v128 copies_s(uint32_t y)
{
    return (v128){.s = {y, y, y, y}};
}
static inline v128 copies_d(uint64_t y)
{
    return (v128){.d = {y, y}};
}
#define MULTIPLY_ADD(name, T, L, whole, negate, multiplier, lane)                                  \
    OP(name)                                                                                       \
    {                                                                                              \
        v128 n = negated_##L(c->v[i->rn], negate), m = multiplier, *d = &c->v[i->rd];              \
        if (i->aux == 16 / sizeof(T) && whole(d->L, n.L, m.L, ENV))                                \
            return i + 1;                                                                          \
        for (unsigned k = 0; k < i->aux; k++)                                                      \
            d->L[k] = lane(d->L[k], n.L[k], m.L[k], ENV);                                          \
        clear_above(d, i->aux *(unsigned)sizeof(T));                                               \
        return i + 1;                                                                              \
    }
#define MULTIPLY_ADD_S(name, negate, multiplier)                                                   \
    MULTIPLY_ADD(name, uint32_t, s, fp32x4_fma, negate, multiplier, fp32_fma)
#define MULTIPLY_ADD_D(name, negate, multiplier)                                                   \
    MULTIPLY_ADD(name, uint64_t, d, fp64x2_fma, negate, multiplier, fp64_fma)
FOR_H(THREE, vfmla, E_MLA)
FOR_H(THREE, vfmls, E_MLS)
FOR_H(ELEMENT, vfmla_elem, E_MLA)
FOR_H(ELEMENT, vfmls_elem, E_MLS)
MULTIPLY_ADD_S(vfmla_s, false, c->v[i->rm])
MULTIPLY_ADD_S(vfmls_s, true, c->v[i->rm])
MULTIPLY_ADD_D(vfmla_d, false, c->v[i->rm])
MULTIPLY_ADD_D(vfmls_d, true, c->v[i->rm])
MULTIPLY_ADD_S(vfmla_elem_s, false, copies_s(c->v[i->rm].s[i->imm]))
MULTIPLY_ADD_S(vfmls_elem_s, true, copies_s(c->v[i->rm].s[i->imm]))
MULTIPLY_ADD_D(vfmla_elem_d, false, copies_d(c->v[i->rm].d[i->imm]))
MULTIPLY_ADD_D(vfmls_elem_d, true, copies_d(c->v[i->rm].d[i->imm]))

FOR_HSD(ELEMENT, vfmul_elem, E_MUL)
FOR_HSD(ELEMENT, vfmulx_elem, E_MULX)
FOR_HSD(PAIRS, vfaddp, E_ADD)
FOR_HSD(PAIRS, vfmaxp, E_MAX)
FOR_HSD(PAIRS, vfminp, E_MIN)
FOR_HSD(PAIRS, vfmaxnmp, E_MAXNM)
FOR_HSD(PAIRS, vfminnmp, E_MINNM)
FOR_HSD(ACROSS, across_add, E_ADD)
FOR_HSD(ACROSS, across_max, E_MAX)
FOR_HSD(ACROSS, across_min, E_MIN)
FOR_HSD(ACROSS, across_maxnm, E_MAXNM)
FOR_HSD(ACROSS, across_minnm, E_MINNM)

#define E_ABS(W)    fp##W##_abs(x)
#define E_NEG(W)    fp##W##_neg(x)
#define E_SQRT(W)   fp##W##_sqrt(x, ENV)
#define E_RECPE(W)  fp##W##_recpe(x, ENV)
#define E_RSQRTE(W) fp##W##_rsqrte(x, ENV)
#define E_RECPX(W)  fp##W##_recpx(x, ENV)
FOR_HSD(ONE, vfabs, E_ABS)
FOR_HSD(ONE, vfneg, E_NEG)
FOR_HSD(ONE, vfsqrt, E_SQRT)
FOR_HSD(ONE, vfrecpe, E_RECPE)
FOR_HSD(ONE, vfrsqrte, E_RSQRTE)
FOR_HSD(ONE, vfrecpx, E_RECPX)
ONE(vurecpe, uint32_t, s, fp_urecpe(x))
ONE(vursqrte, uint32_t, s, fp_ursqrte(x))

/* ---- comparisons: all ones or zero
 * -------------------------------------------------------------------- */

#define MASK_IF(condition) ((condition) ? ~UINT64_C(0) : 0)
#define ORDER(W, a, b)     fp##W##_cmp(a, b, true, ENV)
#define IS_GE(order)       ((order) == FP_NZCV_GT || (order) == FP_NZCV_EQ)
#define E_CMEQ(W)          MASK_IF(fp##W##_cmp(x, y, false, ENV) == FP_NZCV_EQ)
#define E_CMGT(W)          MASK_IF(ORDER(W, x, y) == FP_NZCV_GT)
#define E_ACGT(W)          MASK_IF(ORDER(W, fp##W##_abs(x), fp##W##_abs(y)) == FP_NZCV_GT)
#define E_CMEQ0(W)         MASK_IF(fp##W##_cmp(x, 0, false, ENV) == FP_NZCV_EQ)
#define E_CMGT0(W)         MASK_IF(ORDER(W, x, 0) == FP_NZCV_GT)
#define E_CMLT0(W)         MASK_IF(ORDER(W, x, 0) == FP_NZCV_LT)
FOR_HSD(TWO, vfcmeq, E_CMEQ)
FOR_HSD(TWO, vfcmgt, E_CMGT)
FOR_HSD(TWO, vfacgt, E_ACGT)
FOR_HSD(ONE, vfcmeq_zero, E_CMEQ0)
FOR_HSD(ONE, vfcmgt_zero, E_CMGT0)
FOR_HSD(ONE, vfcmlt_zero, E_CMLT0)

/* At least: bit 1 of NZCV, C, is set by "greater", "equal" and "unordered"; V tells the last apart.
 */
static inline uint64_t mask_ge(unsigned nzcv)
{
    return MASK_IF((nzcv & 3) == 2);
}
static inline uint64_t mask_le(unsigned nzcv)
{
    return MASK_IF(nzcv == FP_NZCV_LT || nzcv == FP_NZCV_EQ);
}
#define E_CMGE(W)  mask_ge(ORDER(W, x, y))
#define E_ACGE(W)  mask_ge(ORDER(W, fp##W##_abs(x), fp##W##_abs(y)))
#define E_CMGE0(W) mask_ge(ORDER(W, x, 0))
#define E_CMLE0(W) mask_le(ORDER(W, x, 0))
FOR_HSD(TWO, vfcmge, E_CMGE)
FOR_HSD(TWO, vfacge, E_ACGE)
FOR_HSD(ONE, vfcmge_zero, E_CMGE0)
FOR_HSD(ONE, vfcmle_zero, E_CMLE0)

/* ---- rounding and conversion
 * --------------------------------------------------------------------------- */

#define E_RINTN(W) fp##W##_rint(x, FP_RNE, false, ENV)
#define E_RINTP(W) fp##W##_rint(x, FP_RP, false, ENV)
#define E_RINTM(W) fp##W##_rint(x, FP_RM, false, ENV)
#define E_RINTZ(W) fp##W##_rint(x, FP_RZ, false, ENV)
#define E_RINTA(W) fp##W##_rint(x, FP_RNA, false, ENV)
#define E_RINTX(W) fp##W##_rint(x, fp_rmode(ENV), true, ENV)
#define E_RINTI(W) fp##W##_rint(x, fp_rmode(ENV), false, ENV)
FOR_HSD(ONE, vfrintn, E_RINTN)
FOR_HSD(ONE, vfrintp, E_RINTP)
FOR_HSD(ONE, vfrintm, E_RINTM)
FOR_HSD(ONE, vfrintz, E_RINTZ)
FOR_HSD(ONE, vfrinta, E_RINTA)
FOR_HSD(ONE, vfrintx, E_RINTX)
FOR_HSD(ONE, vfrinti, E_RINTI)
#define E_RINT32Z(W) fp##W##_rint_n(x, FP_RZ, 32, ENV)
#define E_RINT64Z(W) fp##W##_rint_n(x, FP_RZ, 64, ENV)
#define E_RINT32X(W) fp##W##_rint_n(x, fp_rmode(ENV), 32, ENV)
#define E_RINT64X(W) fp##W##_rint_n(x, fp_rmode(ENV), 64, ENV)
FOR_S(ONE, vfrint32z, E_RINT32Z)
FOR_D(ONE, vfrint32z, E_RINT32Z)
FOR_S(ONE, vfrint64z, E_RINT64Z)
FOR_D(ONE, vfrint64z, E_RINT64Z)
FOR_S(ONE, vfrint32x, E_RINT32X)
FOR_D(ONE, vfrint32x, E_RINT32X)
FOR_S(ONE, vfrint64x, E_RINT64X)
FOR_D(ONE, vfrint64x, E_RINT64X)

/* imm = fraction bits; integers are as wide as the lane. */
#define E_CVT(W, is_signed, r) fp##W##_to_fixed(x, (unsigned)i->imm, W, is_signed, r, ENV)
#define E_CVTNS(W)             E_CVT(W, true, FP_RNE)
#define E_CVTNU(W)             E_CVT(W, false, FP_RNE)
#define E_CVTPS(W)             E_CVT(W, true, FP_RP)
#define E_CVTPU(W)             E_CVT(W, false, FP_RP)
#define E_CVTMS(W)             E_CVT(W, true, FP_RM)
#define E_CVTMU(W)             E_CVT(W, false, FP_RM)
#define E_CVTAS(W)             E_CVT(W, true, FP_RNA)
#define E_CVTAU(W)             E_CVT(W, false, FP_RNA)
#define E_CVTZS(W)             E_CVT(W, true, FP_RZ)
#define E_CVTZU(W)             E_CVT(W, false, FP_RZ)
#define E_SCVTF(W)             fp##W##_from_fixed(x, (unsigned)i->imm, W, true, ENV)
#define E_UCVTF(W)             fp##W##_from_fixed(x, (unsigned)i->imm, W, false, ENV)
FOR_HSD(ONE, vfcvtns, E_CVTNS)
FOR_HSD(ONE, vfcvtnu, E_CVTNU)
FOR_HSD(ONE, vfcvtps, E_CVTPS)
FOR_HSD(ONE, vfcvtpu, E_CVTPU)
FOR_HSD(ONE, vfcvtms, E_CVTMS)
FOR_HSD(ONE, vfcvtmu, E_CVTMU)
FOR_HSD(ONE, vfcvtas, E_CVTAS)
FOR_HSD(ONE, vfcvtau, E_CVTAU)
FOR_HSD(ONE, vfcvtzs, E_CVTZS)
FOR_HSD(ONE, vfcvtzu, E_CVTZU)
FOR_HSD(ONE, vscvtf, E_SCVTF)
FOR_HSD(ONE, vucvtf, E_UCVTF)
