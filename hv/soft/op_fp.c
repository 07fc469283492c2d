/* SPDX-License-Identifier: MIT */
/*
 * Scalar floating-point instructions (Arm ARM C4.1.97). Runs on the vCPU's thread; arithmetic is
 * fp.h's and fp_fast.h's, whose inline functions make the usual case of the usual operations a few
 * host instructions.
 */
#include "op_fp.h"
#include "alu.h"

#define HN c->v[i->rn].h[0]
#define HM c->v[i->rm].h[0]
#define HA c->v[i->ra].h[0]
#define SN c->v[i->rn].s[0]
#define SM c->v[i->rm].s[0]
#define SA c->v[i->ra].s[0]
#define DN c->v[i->rn].d[0]
#define DM c->v[i->rm].d[0]
#define DA c->v[i->ra].d[0]

/* A scalar result that is one expression. */
#define SCALAR(name, expr)                                                                         \
    OP(name)                                                                                       \
    {                                                                                              \
        set_d(c, i->rd, (expr));                                                                   \
        return i + 1;                                                                              \
    }
/* The same for the three formats; the arguments of f are what N, M and A name. */
#define SCALAR2(name, f)                                                                           \
    SCALAR(name##_h, fp16_##f(HN, HM, ENV))                                                        \
    SCALAR(name##_s, fp32_##f(SN, SM, ENV))                                                        \
    SCALAR(name##_d, fp64_##f(DN, DM, ENV))

SCALAR2(fadd, add)
SCALAR2(fsub, sub)
SCALAR2(fmul, mul)
SCALAR2(fdiv, div)
SCALAR(fnmul_h, fp16_neg(fp16_mul(HN, HM, ENV)))
SCALAR(fnmul_s, fp32_neg(fp32_mul(SN, SM, ENV)))
SCALAR(fnmul_d, fp64_neg(fp64_mul(DN, DM, ENV)))
SCALAR(fsqrt_h, fp16_sqrt(HN, ENV))
SCALAR(fsqrt_s, fp32_sqrt(SN, ENV))
SCALAR(fsqrt_d, fp64_sqrt(DN, ENV))

/* Negated operands are negated before anything else, so a NaN comes out with its sign changed. */
SCALAR(fmadd_h, fp16_fma(HA, HN, HM, ENV))
SCALAR(fmadd_s, fp32_fma(SA, SN, SM, ENV))
SCALAR(fmadd_d, fp64_fma(DA, DN, DM, ENV))
SCALAR(fmsub_h, fp16_fma(HA, fp16_neg(HN), HM, ENV))
SCALAR(fmsub_s, fp32_fma(SA, fp32_neg(SN), SM, ENV))
SCALAR(fmsub_d, fp64_fma(DA, fp64_neg(DN), DM, ENV))
SCALAR(fnmadd_h, fp16_fma(fp16_neg(HA), fp16_neg(HN), HM, ENV))
SCALAR(fnmadd_s, fp32_fma(fp32_neg(SA), fp32_neg(SN), SM, ENV))
SCALAR(fnmadd_d, fp64_fma(fp64_neg(DA), fp64_neg(DN), DM, ENV))
SCALAR(fnmsub_h, fp16_fma(fp16_neg(HA), HN, HM, ENV))
SCALAR(fnmsub_s, fp32_fma(fp32_neg(SA), SN, SM, ENV))
SCALAR(fnmsub_d, fp64_fma(fp64_neg(DA), DN, DM, ENV))

SCALAR(fmov_h, HN)
SCALAR(fmov_s, SN)
SCALAR(fmov_d, DN)
SCALAR(fabs_h, fp16_abs(HN))
SCALAR(fabs_s, fp32_abs(SN))
SCALAR(fabs_d, fp64_abs(DN))
SCALAR(fneg_h, fp16_neg(HN))
SCALAR(fneg_s, fp32_neg(SN))
SCALAR(fneg_d, fp64_neg(DN))

SCALAR(fcvt_s_d, fp32_to_fp64(SN, ENV))
SCALAR(fcvt_s_h, fp32_to_fp16(SN, ENV))
SCALAR(fcvt_d_s, fp64_to_fp32(DN, ENV))
SCALAR(fcvt_d_h, fp64_to_fp16(DN, ENV))
SCALAR(fcvt_h_s, fp16_to_fp32(HN, ENV))
SCALAR(fcvt_h_d, fp16_to_fp64(HN, ENV))
SCALAR(fcvtxn, fp64_to_fp32_odd(DN, ENV))
SCALAR(bfcvt, fp32_to_bf16(SN, ENV))

OP(fmov_imm)
{
    c->v[i->rd].d[0] = i->imm;
    c->v[i->rd].d[1] = i->aux ? i->imm : 0;
    return i + 1;
}

/* ---- comparisons
 * ---------------------------------------------------------------------------------- */

static inline void set_nzcv(struct cpu *c, unsigned nzcv)
{
    static const uint16_t flags[] = {
        [FP_NZCV_LT] = FLAG_N,
        [FP_NZCV_EQ] = FLAG_Z | FLAG_C,
        [FP_NZCV_GT] = FLAG_C,
        [FP_NZCV_UN] = FLAG_C | FLAG_V,
    };
    c->nzcv = flags[nzcv];
}

#define COMPARE(name, expr)                                                                        \
    OP(name)                                                                                       \
    {                                                                                              \
        set_nzcv(c, expr);                                                                         \
        return i + 1;                                                                              \
    }
#define CONDITIONAL(name, expr)                                                                    \
    OP(name)                                                                                       \
    {                                                                                              \
        if (condition_in(c, i->imm))                                                               \
            set_nzcv(c, expr);                                                                     \
        else                                                                                       \
            c->nzcv = i->aux;                                                                      \
        return i + 1;                                                                              \
    }
#define COMPARES(suffix, W, n, m)                                                                  \
    COMPARE(fcmp_##suffix, fp##W##_cmp(n, m, false, ENV))                                          \
    COMPARE(fcmpe_##suffix, fp##W##_cmp(n, m, true, ENV))                                          \
    COMPARE(fcmp_zero_##suffix, fp##W##_cmp(n, 0, false, ENV))                                     \
    COMPARE(fcmpe_zero_##suffix, fp##W##_cmp(n, 0, true, ENV))                                     \
    CONDITIONAL(fccmp_##suffix, fp##W##_cmp(n, m, false, ENV))                                     \
    CONDITIONAL(fccmpe_##suffix, fp##W##_cmp(n, m, true, ENV))                                     \
    SCALAR(fcsel_##suffix, condition_in(c, i->imm) ? n : m)
COMPARES(h, 16, HN, HM)
COMPARES(s, 32, SN, SM)
COMPARES(d, 64, DN, DM)

/* ---- general registers
 * ------------------------------------------------------------------------------ */

#define TO_INT(suffix, W, n)                                                                       \
    OP(fcvt_int_##suffix)                                                                          \
    {                                                                                              \
        c->x[i->rd] = fp##W##_to_fixed(n, (unsigned)i->imm, fpi_bits(i), i->aux & FPI_SIGNED,      \
                                       (enum fp_rounding)(i->aux & FPI_ROUNDING), ENV);            \
        return i + 1;                                                                              \
    }
TO_INT(h, 16, HN)
TO_INT(s, 32, SN)
TO_INT(d, 64, DN)

#define FROM_INT(W)                                                                                \
    fp##W##_from_fixed(c->x[i->rn], (unsigned)i->imm, fpi_bits(i), i->aux &FPI_SIGNED, ENV)
SCALAR(cvtf_int_h, FROM_INT(16))
SCALAR(cvtf_int_s, FROM_INT(32))
SCALAR(cvtf_int_d, FROM_INT(64))

OP(fjcvtzs)
{
    bool z;
    c->x[i->rd] = fp64_to_js32(DN, &z, ENV);
    c->nzcv = z ? FLAG_Z : 0;
    return i + 1;
}

#define TO_GPR(name, expr)                                                                         \
    OP(name)                                                                                       \
    {                                                                                              \
        c->x[i->rd] = (expr);                                                                      \
        return i + 1;                                                                              \
    }
TO_GPR(fmov_w_h, HN)
TO_GPR(fmov_w_s, SN)
TO_GPR(fmov_x_d, DN)
TO_GPR(fmov_x_d1, c->v[i->rn].d[1])
SCALAR(fmov_h_w, (uint16_t)c->x[i->rn])
SCALAR(fmov_s_w, (uint32_t)c->x[i->rn])
SCALAR(fmov_d_x, c->x[i->rn])

OP(fmov_d1_x)
{
    c->v[i->rd].d[1] = c->x[i->rn];
    return i + 1;
}
