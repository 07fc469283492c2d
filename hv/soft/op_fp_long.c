/* SPDX-License-Identifier: MIT */
/*
 * Floating point on vectors where source and result lanes differ or lanes mix: narrowing and
 * widening, FMLAL, BFloat16, complex numbers (Arm ARM C4.1.96). Runs on the vCPU's thread.
 */
#include "op_fp.h"

/* ---- narrow and widen: imm = 1 for the upper half
 * ----------------------------------------------------- */

/* Puts 64 bits into the half; the lower one clears the upper. */
static void set_half(struct cpu *c, const struct insn *i, uint64_t r)
{
    if (!i->imm)
        c->v[i->rd].d[1] = 0;
    c->v[i->rd].d[i->imm] = r;
}

#define NARROW(name, lanes, L, R, convert)                                                         \
    OP(name)                                                                                       \
    {                                                                                              \
        v128 r;                                                                                    \
        for (unsigned k = 0; k < (lanes); k++)                                                     \
            r.R[k] = convert(c->v[i->rn].L[k], ENV);                                               \
        set_half(c, i, r.d[0]);                                                                    \
        return i + 1;                                                                              \
    }
NARROW(vfcvtn_h, 4, s, h, fp32_to_fp16)
NARROW(vfcvtn_s, 2, d, s, fp64_to_fp32)
NARROW(vfcvtxn, 2, d, s, fp64_to_fp32_odd)
NARROW(vbfcvtn, 4, s, h, fp32_to_bf16)

#define WIDEN(name, lanes, L, R, convert)                                                          \
    OP(name)                                                                                       \
    {                                                                                              \
        v128 n = c->v[i->rn];                                                                      \
        for (unsigned k = 0; k < (lanes); k++)                                                     \
            c->v[i->rd].R[k] = convert(n.L[i->imm * (lanes) + k], ENV);                            \
        return i + 1;                                                                              \
    }
WIDEN(vfcvtl_h, 4, h, s, fp16_to_fp32)
WIDEN(vfcvtl_s, 2, s, d, fp32_to_fp64)

/* ---- FMLAL: products of half-precision lanes added to single ones
 * --------------------------------------- */

/* aux lanes; the sources are the lower or (part 1) upper half of as many lanes. y: see below. */
#define LONG(name, part, x, y)                                                                     \
    OP(name)                                                                                       \
    {                                                                                              \
        v128 n = c->v[i->rn], m = c->v[i->rm], *d = &c->v[i->rd];                                  \
        for (unsigned k = 0; k < i->aux; k++) {                                                    \
            unsigned from = (part)*i->aux + k;                                                     \
            (void)from;                                                                            \
            d->s[k] = fp32_fma_h(d->s[k], x, y, ENV);                                              \
        }                                                                                          \
        clear_above(d, i->aux * 4);                                                                \
        return i + 1;                                                                              \
    }
#define PLUS  n.h[from]
#define MINUS fp16_neg(n.h[from])
LONG(vfmlal, 0, PLUS, m.h[from])
LONG(vfmlal2, 1, PLUS, m.h[from])
LONG(vfmlsl, 0, MINUS, m.h[from])
LONG(vfmlsl2, 1, MINUS, m.h[from])
LONG(vfmlal_elem, 0, PLUS, m.h[i->imm])
LONG(vfmlal2_elem, 1, PLUS, m.h[i->imm])
LONG(vfmlsl_elem, 0, MINUS, m.h[i->imm])
LONG(vfmlsl2_elem, 1, MINUS, m.h[i->imm])

/* ---- BFloat16
 * ---------------------------------------------------------------------------------------------- */

OP(vbfdot)
{
    v128 *d = &c->v[i->rd];
    for (unsigned k = 0; k < i->aux; k++)
        d->s[k] = fp_bfdot(d->s[k], c->v[i->rn].s[k], c->v[i->rm].s[k]);
    clear_above(d, i->aux * 4);
    return i + 1;
}

OP(vbfdot_elem)
{
    v128 *d = &c->v[i->rd];
    uint32_t y = c->v[i->rm].s[i->imm];
    for (unsigned k = 0; k < i->aux; k++)
        d->s[k] = fp_bfdot(d->s[k], c->v[i->rn].s[k], y);
    clear_above(d, i->aux * 4);
    return i + 1;
}

/* Two rows of four by two columns of four. */
OP(vbfmmla)
{
    v128 n = c->v[i->rn], m = c->v[i->rm], *d = &c->v[i->rd];
    for (unsigned k = 0; k < 4; k++) {
        unsigned row = k / 2 * 2, column = k % 2 * 2;
        uint32_t sum = fp_bfdot(d->s[k], n.s[row], m.s[column]);
        d->s[k] = fp_bfdot(sum, n.s[row + 1], m.s[column + 1]);
    }
    return i + 1;
}

/* BFMLAL: even (B) or odd (T) lanes, as single-precision numbers. */
#define BF_LONG(name, part, y)                                                                     \
    OP(name)                                                                                       \
    {                                                                                              \
        v128 n = c->v[i->rn], m = c->v[i->rm], *d = &c->v[i->rd];                                  \
        for (unsigned k = 0; k < 4; k++) {                                                         \
            unsigned from = 2 * k + (part);                                                        \
            d->s[k] = fp32_fma(d->s[k], (uint32_t)n.h[from] << 16, (uint32_t)(y) << 16, ENV);      \
        }                                                                                          \
        return i + 1;                                                                              \
    }
BF_LONG(vbfmlalb, 0, m.h[from])
BF_LONG(vbfmlalt, 1, m.h[from])
BF_LONG(vbfmlalb_elem, 0, m.h[i->imm])
BF_LONG(vbfmlalt_elem, 1, m.h[i->imm])

/* ---- complex numbers: lanes in pairs of real and imaginary part; ra = rotation
 * -------------------------- */

#define COMPLEX_ADD(suffix, W, T, L)                                                               \
    OP(vfcadd_##suffix)                                                                            \
    {                                                                                              \
        v128 n = c->v[i->rn], m = c->v[i->rm], *d = &c->v[i->rd];                                  \
        for (unsigned k = 0; k < i->aux; k += 2) {                                                 \
            T re = m.L[k + 1], im = m.L[k];                                                        \
            if (i->ra)                                                                             \
                im = fp##W##_neg(im);                                                              \
            else                                                                                   \
                re = fp##W##_neg(re);                                                              \
            d->L[k] = fp##W##_add(n.L[k], re, ENV);                                                \
            d->L[k + 1] = fp##W##_add(n.L[k + 1], im, ENV);                                        \
        }                                                                                          \
        clear_above(d, i->aux *(unsigned)sizeof(T));                                               \
        return i + 1;                                                                              \
    }
COMPLEX_ADD(h, 16, uint16_t, h)
COMPLEX_ADD(s, 32, uint32_t, s)
COMPLEX_ADD(d, 64, uint64_t, d)

/*
 * FCMLA: half of a complex product. Rotations 1 and 3 take the imaginary part of Vn and swap the
 * parts of Vm; the real result's factor is negated for 1 and 2, the imaginary's for 2 and 3.
 */
#define COMPLEX_MLA(name, W, T, L, first)                                                          \
    OP(name)                                                                                       \
    {                                                                                              \
        v128 n = c->v[i->rn], m = c->v[i->rm], *d = &c->v[i->rd];                                  \
        unsigned swap = i->ra & 1;                                                                 \
        for (unsigned k = 0; k < i->aux; k += 2) {                                                 \
            T x = n.L[k + swap], re = m.L[(first) + swap], im = m.L[(first) + !swap];              \
            if (i->ra == 1 || i->ra == 2)                                                          \
                re = fp##W##_neg(re);                                                              \
            if (i->ra >= 2)                                                                        \
                im = fp##W##_neg(im);                                                              \
            d->L[k] = fp##W##_fma(d->L[k], x, re, ENV);                                            \
            d->L[k + 1] = fp##W##_fma(d->L[k + 1], x, im, ENV);                                    \
        }                                                                                          \
        clear_above(d, i->aux *(unsigned)sizeof(T));                                               \
        return i + 1;                                                                              \
    }
COMPLEX_MLA(vfcmla_h, 16, uint16_t, h, k)
COMPLEX_MLA(vfcmla_s, 32, uint32_t, s, k)
COMPLEX_MLA(vfcmla_d, 64, uint64_t, d, k)
COMPLEX_MLA(vfcmla_elem_h, 16, uint16_t, h, 2 * i->imm)
COMPLEX_MLA(vfcmla_elem_s, 32, uint32_t, s, 2 * i->imm)
