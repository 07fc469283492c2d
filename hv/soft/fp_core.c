/* SPDX-License-Identifier: MIT */
/*
 * The rarer halves of unpacking and rounding, NaN selection and the way to integers.
 * Pure functions; see fp_core.h for the representation.
 */
#include "fp_core.h"

struct fp_num fp_unpack_special(const struct fp_fmt *f, uint64_t bits, uint32_t fpcr,
                                struct fp_env *env)
{
    struct fp_num n = {0, 0, FPC_ZERO, (bits & fp_sign_bit(f)) != 0};
    uint64_t frac = bits & ((1ull << f->fbits) - 1);
    int e = (int)(bits >> f->fbits) & (2 * f->emax + 1);

    if (e == 2 * f->emax + 1 && !(f->fbits == 10 && (fpcr & FPCR_AHP))) {
        n.cls = !frac ? FPC_INF : frac & fp_quiet_bit(f) ? FPC_QNAN : FPC_SNAN;
        return n;
    }
    if (e == 0) {
        if (!frac)
            return n;
        if (fpcr & fp_flush_bit(f)) {
            /* Half precision is flushed without a word (A1.5.4). */
            if (f->fbits != 10)
                fp_raise(env, FPSR_IDC);
            return n;
        }
        n.exp = 1 - f->emax;
    } else {
        frac |= 1ull << f->fbits;
        n.exp = e - f->emax;
    }
    n.cls = FPC_FINITE;
    n.sig = frac << (63 - f->fbits);
    return e ? n : fp_normalise(n); /* e: alternative half precision has no special values */
}

uint64_t fp_process_nan(const struct fp_fmt *f, uint64_t a, enum fp_class c, struct fp_env *env)
{
    if (c == FPC_SNAN)
        fp_raise(env, FPSR_IOC);
    if (env->fpcr & FPCR_DN)
        return fp_default_nan(f);
    return a | fp_quiet_bit(f);
}

bool fp_pick_nan(const struct fp_fmt *f, uint64_t a, enum fp_class ca, uint64_t b, enum fp_class cb,
                 uint64_t *out, struct fp_env *env)
{
    if (!fp_is_nan(ca) && !fp_is_nan(cb))
        return false;
    if (ca == FPC_SNAN || (cb != FPC_SNAN && ca == FPC_QNAN))
        *out = fp_process_nan(f, a, ca, env);
    else
        *out = fp_process_nan(f, b, cb, env);
    return true;
}

static uint64_t overflow(const struct fp_fmt *f, bool neg, enum fp_rounding r, struct fp_env *env)
{
    bool to_inf = r == FP_RNE || r == FP_RNA || (r == FP_RP && !neg) || (r == FP_RM && neg);
    fp_raise(env, FPSR_OFC | FPSR_IXC);
    return to_inf ? fp_inf(f, neg) : fp_max_normal(f, neg);
}

uint64_t fp_round_edge(const struct fp_fmt *f, struct fp_num n, enum fp_rounding r, uint32_t fpcr,
                       struct fp_env *env)
{
    int e = n.exp + f->emax; /* biased */
    int shift = 63 - f->fbits;
    if (e < 1) {
        /* Output flushing looks at the value before rounding and is not Inexact. */
        if (fpcr & fp_flush_bit(f)) {
            fp_raise(env, FPSR_UFC);
            return fp_zero(f, n.neg);
        }
        n.sig = fp_shr_sticky(n.sig, 1 - e);
        e = 0;
    }
    uint64_t rem = n.sig & ((1ull << shift) - 1);
    uint64_t mant = n.sig >> shift;
    if (rem && e == 0)
        fp_raise(env, FPSR_UFC);
    if (fp_round_up(r, n.neg, mant & 1, rem, 1ull << (shift - 1)))
        mant++;
    else if (rem && r == FP_ODD)
        mant |= 1;

    /* mant holds the leading bit of a normal number, so adding it steps the exponent by itself. */
    uint64_t mag = e ? ((uint64_t)(e - 1) << f->fbits) + mant : mant;
    if (f->fbits == 10 && (fpcr & FPCR_AHP)) {
        /* No infinities: out of range saturates and is Invalid, not Inexact (A1.4.2). */
        if (e > 32 || mag > 0x7fff) {
            fp_raise(env, FPSR_IOC);
            return fp_zero(f, n.neg) | 0x7fff;
        }
    } else if (e > 2 * f->emax || mag >= fp_inf_bits(f)) {
        return overflow(f, n.neg, r, env);
    }
    if (rem)
        fp_raise(env, FPSR_IXC);
    return mag | fp_zero(f, n.neg);
}

uint64_t fp_convert_nan(const struct fp_fmt *to, const struct fp_fmt *from, uint64_t a)
{
    uint64_t frac = a & ((1ull << from->fbits) - 1);
    int shift = to->fbits - from->fbits;
    frac = shift >= 0 ? frac << shift : frac >> -shift;
    return frac | fp_default_nan(to) | fp_zero(to, (a & fp_sign_bit(from)) != 0);
}

bool fp_to_integer(struct fp_num n, int scale, enum fp_rounding r, uint64_t *out, bool *inexact)
{
    int e = n.exp + scale;
    uint64_t whole = 0, rem = 0; /* rem: the fraction, 1/2 at bit 63 */
    *out = 0;
    *inexact = false;
    if (e > 63)
        return false;
    if (e == 63) {
        whole = n.sig;
    } else if (e >= 0) {
        whole = n.sig >> (63 - e);
        rem = n.sig << (e + 1);
    } else {
        rem = fp_shr_sticky(n.sig, -1 - e);
    }
    *out = whole + fp_round_up(r, n.neg, whole & 1, rem, 1ull << 63);
    *inexact = rem != 0;
    return true;
}
