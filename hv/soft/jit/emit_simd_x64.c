/* SPDX-License-Identifier: MIT */
/*
 * Integer vectors on x86-64. Every function has the effect of the interpreter's handler, or emits
 * nothing and returns false where the host has no short way (the handler is called then).
 *
 * For 64-bit vectors the operations work on whole registers, whatever is in the upper half, and
 * em_v_out clears it; where lanes of the two halves meet, the lower halves are brought together
 * first. Nothing here touches the host's flags.
 */
#include "emit_v_x64.h"

#define NONE 0

static const unsigned adds[4] = {VX_PADDB, VX_PADDW, VX_PADDD, VX_PADDQ};
static const unsigned subs[4] = {VX_PSUBB, VX_PSUBW, VX_PSUBD, VX_PSUBQ};
static const unsigned equals[4] = {VX_PCMPEQB, VX_PCMPEQW, VX_PCMPEQD, VX_PCMPEQQ};
static const unsigned greater[4] = {VX_PCMPGTB, VX_PCMPGTW, VX_PCMPGTD, VX_PCMPGTQ};
static const unsigned smax[4] = {VX_PMAXSB, VX_PMAXSW, VX_PMAXSD, NONE};
static const unsigned smin[4] = {VX_PMINSB, VX_PMINSW, VX_PMINSD, NONE};
static const unsigned umax[4] = {VX_PMAXUB, VX_PMAXUW, VX_PMAXUD, NONE};
static const unsigned umin[4] = {VX_PMINUB, VX_PMINUW, VX_PMINUD, NONE};
static const unsigned averages[4] = {VX_PAVGB, VX_PAVGW, NONE, NONE};
static const unsigned copies[4] = {VX_PBROADCASTB, VX_PBROADCASTW, VX_PBROADCASTD, VX_PBROADCASTQ};
static const unsigned low_pairs[4] = {VX_PUNPCKLBW, VX_PUNPCKLWD, VX_PUNPCKLDQ, VX_PUNPCKLQDQ};
static const unsigned high_pairs[4] = {VX_PUNPCKHBW, VX_PUNPCKHWD, VX_PUNPCKHDQ, VX_PUNPCKHQDQ};
static const unsigned sign_extend_low[3] = {VX_PMOVSXBW, VX_PMOVSXWD, VX_PMOVSXDQ};
static const unsigned zero_extend_low[3] = {VX_PMOVZXBW, VX_PMOVZXWD, VX_PMOVZXDQ};

static void shift(struct emitter *e, unsigned kind, unsigned size, int dst, int src, unsigned n)
{
    as_v_shift(&e->as, kind, size, dst, src, n);
}
static void shuffle(struct emitter *e, int dst, int src, unsigned order)
{
    as_v_imm(&e->as, VX_PSHUFD, dst, 0, src, order);
}
static void invert(struct emitter *e, int r)
{
    em_v_opk(e, VX_PXOR, r, r, K_ONES);
}
/* dst := the constant in every 32 bits. */
static void splat(struct emitter *e, int dst, uint32_t v)
{
    as_mov_ri(&e->as, RAX, v);
    as_v(&e->as, VX_FROM_W, dst, 0, RAX);
    as_v(&e->as, VX_PBROADCASTD, dst, 0, dst);
}
/* dst := lane of src in all lanes. */
static void copy_lane(struct emitter *e, unsigned size, int dst, int src, unsigned lane)
{
    if (lane) {
        as_v_shift(&e->as, VS_SRL_BYTES, 3, dst, src, lane << size);
        src = dst;
    }
    as_v(&e->as, copies[size], dst, 0, src);
}

/* ---- lanes of the same size ---- */

/* Bytes: the even products and the odd ones. */
static void multiply(struct emitter *e, unsigned size, int r, int n, int m)
{
    if (size) {
        em_v_op(e, size == 1 ? VX_PMULLW : VX_PMULLD, r, n, m);
        return;
    }
    shift(e, VS_SRL, 1, XMM0, n, 8);
    shift(e, VS_SRL, 1, XMM1, m, 8);
    em_v_op(e, VX_PMULLW, XMM0, XMM0, XMM1);
    shift(e, VS_SLL, 1, XMM0, XMM0, 8);
    em_v_op(e, VX_PMULLW, XMM1, n, m);
    em_v_opk(e, VX_PAND, XMM1, XMM1, K_ZERO_ONES);
    em_v_op(e, VX_POR, r, XMM0, XMM1);
}

/* r := n > m, or n >= m, unsigned. There are no such compares, but there are maxima. */
static void compare_unsigned(struct emitter *e, unsigned size, bool or_equal, int r, int n, int m)
{
    if (size == 3) {
        em_v_opk(e, VX_PXOR, XMM0, n, K_SIGN_D);
        em_v_opk(e, VX_PXOR, XMM1, m, K_SIGN_D);
        em_v_op(e, VX_PCMPGTQ, r, or_equal ? XMM1 : XMM0, or_equal ? XMM0 : XMM1);
    } else {
        em_v_op(e, or_equal ? umax[size] : umin[size], XMM0, n, m);
        em_v_op(e, equals[size], r, XMM0, n);
    }
    if (size == 3 ? or_equal : !or_equal)
        invert(e, r);
}

/* r := the even or odd lanes of n, then those of m. */
static void unzip(struct emitter *e, unsigned size, bool odd, int r, int n, int m)
{
    if (size >= 2) {
        unsigned order = size == 2 ? (odd ? 0xdd : 0x88) : 0;
        if (size == 2)
            as_v_imm(&e->as, VX_SHUFPS, r, n, m, order);
        else
            em_v_op(e, odd ? VX_PUNPCKHQDQ : VX_PUNPCKLQDQ, r, n, m);
        return;
    }
    enum em_constant mask = size ? K_LOW_HALF : K_ZERO_ONES;
    if (odd) {
        shift(e, VS_SRL, size + 1, XMM0, n, 8u << size);
        shift(e, VS_SRL, size + 1, XMM1, m, 8u << size);
    } else {
        em_v_opk(e, VX_PAND, XMM0, n, mask);
        em_v_opk(e, VX_PAND, XMM1, m, mask);
    }
    em_v_op(e, size ? VX_PACKUSDW : VX_PACKUSWB, r, XMM0, XMM1);
}

static void transpose(struct emitter *e, unsigned size, bool odd, int r, int n, int m)
{
    static const unsigned even_lanes[3] = {0, 0x55, 5};
    if (size == 3) {
        em_v_op(e, odd ? VX_PUNPCKHQDQ : VX_PUNPCKLQDQ, r, n, m);
        return;
    }
    if (odd)
        shift(e, VS_SRL, size + 1, XMM0, n, 8u << size);
    else
        shift(e, VS_SLL, size + 1, XMM0, m, 8u << size);
    int even = odd ? XMM0 : n, others = odd ? m : XMM0;
    if (size) {
        as_v_imm(&e->as, size == 1 ? VX_PBLENDW : VX_PBLENDD, r, others, even, even_lanes[size]);
        return;
    }
    em_v_opk(e, VX_PAND, XMM1, even, K_ZERO_ONES);
    shift(e, VS_SRL, 1, XMM2, others, 8);
    shift(e, VS_SLL, 1, XMM2, XMM2, 8);
    em_v_op(e, VX_POR, r, XMM1, XMM2);
}

/* Neighbours in the pair of registers: the operation on the even and the odd lanes. */
static void pairwise(struct emitter *e, unsigned op, unsigned size, unsigned bytes, int r, int n,
                     int m)
{
    if (bytes == 8 && size < 3) {
        em_v_op(e, VX_PUNPCKLQDQ, r, n, m);
        n = m = r;
    }
    unzip(e, size, false, XMM2, n, m);
    unzip(e, size, true, XMM3, n, m);
    em_v_op(e, op, r, XMM2, XMM3);
}

/* Groups of four bytes: products of the even and odd ones, each pair summed by one instruction. */
static void dot(struct emitter *e, bool sign, int r, int n, int m)
{
    for (int k = 0; k < 2; k++) {
        int src = k ? m : n;
        shift(e, sign ? VS_SRA : VS_SRL, 1, XMM0 + 2 * k, src, 8);
        if (sign) {
            shift(e, VS_SLL, 1, XMM1 + 2 * k, src, 8);
            shift(e, VS_SRA, 1, XMM1 + 2 * k, XMM1 + 2 * k, 8);
        } else {
            em_v_opk(e, VX_PAND, XMM1 + 2 * k, src, K_ZERO_ONES);
        }
    }
    em_v_op(e, VX_PMADDWD, XMM0, XMM0, XMM2);
    em_v_op(e, VX_PMADDWD, XMM1, XMM1, XMM3);
    em_v_op(e, VX_PADDD, r, XMM0, XMM1);
}

/* r := mask ? n : m */
static void choose(struct emitter *e, int r, int mask, int n, int m)
{
    em_v_op(e, VX_PXOR, XMM0, n, m);
    em_v_op(e, VX_PAND, XMM0, XMM0, mask);
    em_v_op(e, VX_PXOR, r, XMM0, m);
}

static unsigned simple(enum em_vop op, unsigned size)
{
    switch (op) {
    case EM_V_ADD: return adds[size];
    case EM_V_SUB: return subs[size];
    case EM_V_CMEQ: return equals[size];
    case EM_V_CMGT: return greater[size];
    case EM_V_SMAX: return smax[size];
    case EM_V_SMIN: return smin[size];
    case EM_V_UMAX: return umax[size];
    case EM_V_UMIN: return umin[size];
    case EM_V_URHADD: return averages[size];
    case EM_V_AND: return VX_PAND;
    case EM_V_ORR: return VX_POR;
    case EM_V_EOR: return VX_PXOR;
    default: return NONE;
    }
}

static unsigned pair_op(enum em_vop op, unsigned size)
{
    switch (op) {
    case EM_V_ADDP: return adds[size];
    case EM_V_SMAXP: return smax[size];
    case EM_V_SMINP: return smin[size];
    case EM_V_UMAXP: return umax[size];
    case EM_V_UMINP: return umin[size];
    default: return NONE;
    }
}

/* old ± what has been computed in r, in old's register, which is returned. */
static int accumulate(struct emitter *e, unsigned op, int r, int old)
{
    em_v_op(e, op, old, old, r);
    e->used[old] = 16;
    return old;
}

static void zip(struct emitter *e, unsigned size, bool high, unsigned bytes, int r, int n, int m)
{
    if (bytes == 16) {
        em_v_op(e, high ? high_pairs[size] : low_pairs[size], r, n, m);
        return;
    }
    em_v_op(e, low_pairs[size], r, n, m);
    if (high)
        shift(e, VS_SRL_BYTES, 3, r, r, 8);
}

/* Everything but the one-instruction operations, in r or old: the register, or -1: there is none.
 */
static int compound(struct emitter *e, enum em_vop op, unsigned size, unsigned bytes, int r, int n,
                    int m, int old)
{
    switch (op) {
    case EM_V_BIC: em_v_op(e, VX_PANDN, r, m, n); break;
    case EM_V_ORN:
        em_v_opk(e, VX_PXOR, XMM0, m, K_ONES);
        em_v_op(e, VX_POR, r, n, XMM0);
        break;
    case EM_V_BSL: choose(e, r, old, n, m); break;
    case EM_V_BIT: choose(e, r, m, n, old); break;
    case EM_V_BIF: choose(e, r, m, old, n); break;
    case EM_V_CMGE:
        em_v_op(e, greater[size], r, m, n);
        invert(e, r);
        break;
    case EM_V_CMHI: compare_unsigned(e, size, false, r, n, m); break;
    case EM_V_CMHS: compare_unsigned(e, size, true, r, n, m); break;
    case EM_V_CMTST:
        em_v_op(e, VX_PAND, XMM0, n, m);
        em_v_op(e, VX_PXOR, XMM1, XMM1, XMM1);
        em_v_op(e, equals[size], r, XMM0, XMM1);
        invert(e, r);
        break;
    case EM_V_MUL: multiply(e, size, r, n, m); break;
    case EM_V_MLA:
        multiply(e, size, r, n, m);
        r = accumulate(e, adds[size], r, old);
        break;
    case EM_V_MLS:
        multiply(e, size, r, n, m);
        r = accumulate(e, subs[size], r, old);
        break;
    case EM_V_SABD:
    case EM_V_SABA:
    case EM_V_UABD:
    case EM_V_UABA: {
        bool sign = op == EM_V_SABD || op == EM_V_SABA;
        em_v_op(e, sign ? smax[size] : umax[size], XMM0, n, m);
        em_v_op(e, sign ? smin[size] : umin[size], XMM1, n, m);
        em_v_op(e, subs[size], r, XMM0, XMM1);
        if (op == EM_V_SABA || op == EM_V_UABA)
            r = accumulate(e, adds[size], r, old);
        break;
    }
    case EM_V_ZIP1: zip(e, size, false, bytes, r, n, m); break;
    case EM_V_ZIP2: zip(e, size, true, bytes, r, n, m); break;
    case EM_V_UZP1:
    case EM_V_UZP2:
        if (bytes == 8) {
            em_v_op(e, VX_PUNPCKLQDQ, r, n, m);
            n = m = r;
        }
        unzip(e, size, op == EM_V_UZP2, r, n, m);
        break;
    case EM_V_TRN1: transpose(e, size, false, r, n, m); break;
    case EM_V_TRN2: transpose(e, size, true, r, n, m); break;
    case EM_V_SDOT:
    case EM_V_UDOT:
        dot(e, op == EM_V_SDOT, r, n, m);
        r = accumulate(e, VX_PADDD, r, old);
        break;
    default: return -1;
    }
    return r;
}

static bool same_exists(enum em_vop op, unsigned size)
{
    if (simple(op, size) != NONE || pair_op(op, size) != NONE)
        return true;
    switch (op) {
    case EM_V_SMAX:
    case EM_V_SMIN:
    case EM_V_UMAX:
    case EM_V_UMIN:
    case EM_V_SMAXP:
    case EM_V_SMINP:
    case EM_V_UMAXP:
    case EM_V_UMINP:
    case EM_V_URHADD: return false;
    case EM_V_MUL:
    case EM_V_MLA:
    case EM_V_MLS:
    case EM_V_SABD:
    case EM_V_UABD:
    case EM_V_SABA:
    case EM_V_UABA: return size < 3;
    default: return true;
    }
}

static bool reads_old(enum em_vop op)
{
    switch (op) {
    case EM_V_BSL:
    case EM_V_BIT:
    case EM_V_BIF:
    case EM_V_MLA:
    case EM_V_MLS:
    case EM_V_SABA:
    case EM_V_UABA:
    case EM_V_SDOT:
    case EM_V_UDOT: return true;
    default: return false;
    }
}

bool em_v_same(struct emitter *e, enum em_vop op, unsigned size, unsigned bytes, unsigned d,
               unsigned n, unsigned m, int lane)
{
    if (!same_exists(op, size))
        return false;
    em_v_begin(e);
    int rn = em_v_in(e, n), rm = em_v_in(e, m), old = reads_old(op) ? em_v_in(e, d) : 0;
    int r = simple(op, size) != NONE ? em_v_over(e, d) : em_v_to(e, d);
    if (lane >= 0) {
        copy_lane(e, size, XMM3, rm, (unsigned)lane);
        rm = XMM3;
        if (op == EM_V_SDOT || op == EM_V_UDOT) { /* which uses XMM3 itself, and r last */
            rm = r;
            as_v(&e->as, VX_MOVAPS, rm, 0, XMM3);
        }
    }
    if (simple(op, size) != NONE)
        em_v_op(e, simple(op, size), r, rn, rm);
    else if (pair_op(op, size) != NONE)
        pairwise(e, pair_op(op, size), size, bytes, r, rn, rm);
    else
        r = compound(e, op, size, bytes, r, rn, rm, old);
    if (r < 0)
        return false;
    em_v_out(e, d, r, bytes);
    return true;
}

/* ---- lanes that become twice as wide ---- */

static void extend(struct emitter *e, bool sign, unsigned size, bool upper, int dst, int src)
{
    if (upper) {
        shuffle(e, dst, src, 0xee);
        src = dst;
    }
    as_v(&e->as, sign ? sign_extend_low[size] : zero_extend_low[size], dst, 0, src);
}

/* r := products of extended lanes. Of 16 bits: pairs with a zero, or the whole 32 bits. */
static void multiply_long(struct emitter *e, bool sign, unsigned size, bool upper, int r, int n,
                          int m)
{
    bool pairs = size == 1 && sign;
    extend(e, sign && !pairs, size, upper, XMM0, n);
    extend(e, sign && !pairs, size, upper, XMM1, m);
    static const unsigned unsigned_ops[3] = {VX_PMULLW, VX_PMULLD, VX_PMULUDQ};
    static const unsigned signed_ops[3] = {VX_PMULLW, VX_PMADDWD, VX_PMULDQ};
    em_v_op(e, sign ? signed_ops[size] : unsigned_ops[size], r, XMM0, XMM1);
}

bool em_v_long(struct emitter *e, enum em_vlong op, bool sign, unsigned size, bool upper,
               unsigned d, unsigned n, unsigned m, int lane)
{
    if (size > 2)
        return false;
    bool add = op == EM_V_ADDL || op == EM_V_ADDW || op == EM_V_MLAL || op == EM_V_ABAL;
    if ((op == EM_V_ABDL || op == EM_V_ABAL) && size == 2)
        return false;
    em_v_begin(e);
    bool sums = op == EM_V_MLAL || op == EM_V_MLSL || op == EM_V_ABAL;
    int rn = em_v_in(e, n), rm = em_v_in(e, m), old = sums ? em_v_in(e, d) : 0;
    int r = em_v_to(e, d);
    if (lane >= 0) {
        copy_lane(e, size, XMM3, rm, (unsigned)lane);
        rm = XMM3;
    }
    switch (op) {
    case EM_V_ADDL:
    case EM_V_SUBL:
        extend(e, sign, size, upper, XMM0, rn);
        extend(e, sign, size, upper, XMM1, rm);
        em_v_op(e, add ? adds[size + 1] : subs[size + 1], r, XMM0, XMM1);
        break;
    case EM_V_ADDW:
    case EM_V_SUBW:
        extend(e, sign, size, upper, XMM1, rm);
        em_v_op(e, add ? adds[size + 1] : subs[size + 1], r, rn, XMM1);
        break;
    case EM_V_ABDL:
    case EM_V_ABAL: /* extended lanes are signed numbers either way, but for 32 bits */
        extend(e, sign, size, upper, XMM0, rn);
        extend(e, sign, size, upper, XMM1, rm);
        em_v_op(e, subs[size + 1], XMM0, XMM0, XMM1);
        as_v(&e->as, size ? VX_PABSD : VX_PABSW, r, 0, XMM0);
        if (add)
            r = accumulate(e, adds[size + 1], r, old);
        break;
    case EM_V_MULL: multiply_long(e, sign, size, upper, r, rn, rm); break;
    case EM_V_MLAL:
    case EM_V_MLSL:
        multiply_long(e, sign, size, upper, r, rn, rm);
        r = accumulate(e, add ? adds[size + 1] : subs[size + 1], r, old);
        break;
    }
    em_v_out(e, d, r, 16);
    return true;
}

/* ---- and half as wide ---- */

/* r := the lower halves of src's lanes (size: of the result), then zeros. */
static void narrow(struct emitter *e, unsigned size, int r, int src)
{
    if (size == 2) {
        shuffle(e, r, src, 0x08);
        as_v(&e->as, VX_LOAD_D, r, 0, r);
        return;
    }
    em_v_opk(e, VX_PAND, XMM0, src, size ? K_LOW_HALF : K_ZERO_ONES);
    em_v_op(e, VX_PXOR, XMM1, XMM1, XMM1);
    em_v_op(e, size ? VX_PACKUSDW : VX_PACKUSWB, r, XMM0, XMM1);
}

/* XTN, SHRN (n > 0) and their "2" forms. */
bool em_v_narrow(struct emitter *e, unsigned size, bool upper, unsigned d, unsigned n,
                 unsigned amount)
{
    if (size > 2)
        return false;
    em_v_begin(e);
    int src = em_v_in(e, n), old = upper ? em_v_in(e, d) : 0, r = em_v_to(e, d);
    if (amount) {
        shift(e, VS_SRL, size + 1, XMM2, src, amount);
        src = XMM2;
    }
    narrow(e, size, r, src);
    if (upper)
        em_v_op(e, VX_PUNPCKLQDQ, r, old, r);
    em_v_out(e, d, r, 16);
    return true;
}

/* ---- shifts by an immediate ---- */

static void shift_right_bytes(struct emitter *e, bool sign, int r, int src, unsigned n)
{
    shift(e, VS_SRL, 1, r, src, n);
    splat(e, XMM0, (0xffu >> n) * 0x01010101u);
    em_v_op(e, VX_PAND, r, r, XMM0);
    if (!sign)
        return;
    splat(e, XMM0, (0x80u >> n) * 0x01010101u); /* the sign, where it is now */
    em_v_op(e, VX_PXOR, r, r, XMM0);
    em_v_op(e, VX_PSUBB, r, r, XMM0);
}

static void shift_right(struct emitter *e, bool sign, unsigned size, int r, int src, unsigned n)
{
    if (sign && n >= 8u << size)
        n = (8u << size) - 1;
    if (!size && n < 8) {
        shift_right_bytes(e, sign, r, src, n);
    } else if (!size || (!sign && n >= 8u << size)) {
        em_v_op(e, VX_PXOR, r, r, r);
    } else if (sign && size == 3) {
        em_v_op(e, VX_PXOR, XMM0, XMM0, XMM0);
        em_v_op(e, VX_PCMPGTQ, XMM0, XMM0, src);
        shift(e, VS_SLL, 3, XMM0, XMM0, 64 - n);
        shift(e, VS_SRL, 3, r, src, n);
        em_v_op(e, VX_POR, r, r, XMM0);
    } else {
        shift(e, sign ? VS_SRA : VS_SRL, size, r, src, n);
    }
}

static void shift_left(struct emitter *e, unsigned size, int r, int src, unsigned n)
{
    if (size) {
        shift(e, VS_SLL, size, r, src, n);
        return;
    }
    shift(e, VS_SLL, 1, r, src, n);
    splat(e, XMM0, (0xffu << n & 0xff) * 0x01010101u);
    em_v_op(e, VX_PAND, r, r, XMM0);
}

/* The bits of r that a shift filled with zeros stay as in old (SLI: the low n, SRI: the high n). */
static void keep_bits(struct emitter *e, unsigned size, bool left, int r, int old, unsigned n)
{
    unsigned bits = 8u << size;
    uint64_t ones = ~UINT64_C(0) >> (64 - bits), keep;
    if (left)
        keep = (UINT64_C(1) << n) - 1;
    else
        keep = n == bits ? ones : ones & ~(ones >> n);
    for (; bits < 64; bits *= 2)
        keep |= keep << bits;
    as_mov_ri(&e->as, RAX, keep);
    as_v(&e->as, VX_FROM_X, XMM0, 0, RAX);
    em_v_op(e, VX_PUNPCKLQDQ, XMM0, XMM0, XMM0);
    em_v_op(e, VX_PAND, XMM0, XMM0, old);
    em_v_op(e, VX_POR, r, r, XMM0);
}

bool em_v_shift(struct emitter *e, enum em_vshift op, unsigned size, unsigned bytes, unsigned d,
                unsigned n, unsigned amount)
{
    em_v_begin(e);
    int src = em_v_in(e, n), old = op >= EM_V_SSRA ? em_v_in(e, d) : 0, r = em_v_to(e, d);
    switch (op) {
    case EM_V_SHL: shift_left(e, size, r, src, amount); break;
    case EM_V_SSHR: shift_right(e, true, size, r, src, amount); break;
    case EM_V_USHR: shift_right(e, false, size, r, src, amount); break;
    case EM_V_SSRA:
    case EM_V_USRA:
        shift_right(e, op == EM_V_SSRA, size, r, src, amount);
        r = accumulate(e, adds[size], r, old);
        break;
    case EM_V_SLI:
        shift_left(e, size, r, src, amount);
        keep_bits(e, size, true, r, old, amount);
        break;
    case EM_V_SRI:
        shift_right(e, false, size, r, src, amount);
        keep_bits(e, size, false, r, old, amount);
        break;
    }
    em_v_out(e, d, r, bytes);
    return true;
}

bool em_v_shift_long(struct emitter *e, bool sign, unsigned size, bool upper, unsigned d,
                     unsigned n, unsigned amount)
{
    if (size > 2)
        return false;
    em_v_begin(e);
    int src = em_v_in(e, n), r = em_v_to(e, d);
    extend(e, sign, size, upper, r, src);
    if (amount)
        shift(e, VS_SLL, size + 1, r, r, amount);
    em_v_out(e, d, r, 16);
    return true;
}

/* ---- one source ---- */

static void count_bits(struct emitter *e, int r, int src)
{
    as_v_c(&e->as, VX_LOAD, XMM2, 0, e->jit->constants + 16 * K_BIT_COUNTS);
    em_v_opk(e, VX_PAND, XMM0, src, K_LOW_NIBBLE);
    shift(e, VS_SRL, 1, XMM1, src, 4);
    em_v_opk(e, VX_PAND, XMM1, XMM1, K_LOW_NIBBLE);
    em_v_op(e, VX_PSHUFB, XMM0, XMM2, XMM0);
    em_v_op(e, VX_PSHUFB, XMM1, XMM2, XMM1);
    em_v_op(e, VX_PADDB, r, XMM0, XMM1);
}

static bool reverse(struct emitter *e, enum em_vone op, unsigned size, int r, int src)
{
    static const int8_t masks[3][3] = {
        {K_REV16_B, -1, -1}, {K_REV32_B, K_REV32_H, -1}, {K_REV64_B, K_REV64_H, -2}};
    int mask = size < 3 ? masks[op - EM_V_REV16][size] : -1;
    if (mask == -2)
        shuffle(e, r, src, 0xb1);
    else if (mask >= 0)
        em_v_opk(e, VX_PSHUFB, r, src, (enum em_constant)mask);
    return mask != -1;
}

/* Sums of neighbours in lanes twice as wide, or false: signed sums of 32 bits. */
static bool add_long_pairs(struct emitter *e, bool sign, unsigned size, int r, int src)
{
    if (size > 2 || (sign && size == 2))
        return false;
    if (sign && size == 1) {
        em_v_opk(e, VX_PMADDWD, r, src, K_ONE_H);
        return true;
    }
    unsigned bits = 8u << size, right = sign ? VS_SRA : VS_SRL;
    shift(e, VS_SLL, size + 1, XMM0, src, bits);
    shift(e, right, size + 1, XMM0, XMM0, bits);
    shift(e, right, size + 1, XMM1, src, bits);
    em_v_op(e, adds[size + 1], r, XMM0, XMM1);
    return true;
}

bool em_v_one(struct emitter *e, enum em_vone op, unsigned size, unsigned bytes, unsigned d,
              unsigned n)
{
    static const unsigned abs_ops[3] = {VX_PABSB, VX_PABSW, VX_PABSD};
    em_v_begin(e);
    bool sums = op == EM_V_SADALP || op == EM_V_UADALP;
    int src = em_v_in(e, n), old = sums ? em_v_in(e, d) : 0, r = em_v_to(e, d);
    bool done = true;
    if (op <= EM_V_CMLE0)
        em_v_op(e, VX_PXOR, XMM0, XMM0, XMM0);
    switch (op) {
    case EM_V_NOT: em_v_opk(e, VX_PXOR, r, src, K_ONES); break;
    case EM_V_NEG: em_v_op(e, subs[size], r, XMM0, src); break;
    case EM_V_ABS:
        if (size < 3) {
            as_v(&e->as, abs_ops[size], r, 0, src);
        } else {
            em_v_op(e, VX_PCMPGTQ, XMM0, XMM0, src);
            em_v_op(e, VX_PXOR, r, src, XMM0);
            em_v_op(e, VX_PSUBQ, r, r, XMM0);
        }
        break;
    case EM_V_CMGT0: em_v_op(e, greater[size], r, src, XMM0); break;
    case EM_V_CMLT0: em_v_op(e, greater[size], r, XMM0, src); break;
    case EM_V_CMEQ0: em_v_op(e, equals[size], r, XMM0, src); break;
    case EM_V_CMGE0:
        em_v_op(e, greater[size], r, XMM0, src);
        invert(e, r);
        break;
    case EM_V_CMLE0:
        em_v_op(e, greater[size], r, src, XMM0);
        invert(e, r);
        break;
    case EM_V_CNT: count_bits(e, r, src); break;
    case EM_V_REV16:
    case EM_V_REV32:
    case EM_V_REV64: done = reverse(e, op, size, r, src); break;
    case EM_V_SADDLP:
    case EM_V_UADDLP: done = add_long_pairs(e, op == EM_V_SADDLP, size, r, src); break;
    case EM_V_SADALP:
    case EM_V_UADALP:
        done = add_long_pairs(e, op == EM_V_SADALP, size, r, src);
        if (done)
            r = accumulate(e, adds[size + 1], r, old);
        break;
    }
    if (done)
        em_v_out(e, d, r, bytes);
    return done;
}

/* ---- all lanes into one ---- */

/* Only the low `bytes` of r; the rest of a V register that holds a scalar is zero. */
static void only_low(struct emitter *e, int r, unsigned bytes)
{
    if (bytes == 4) {
        as_v_imm(&e->as, VX_INSERTPS, r, r, r, 0x0e);
    } else if (bytes < 4) {
        as_v(&e->as, VX_TO_W, r, 0, RAX);
        as_movx_rr(&e->as, false, false, bytes, RAX, RAX);
        as_v(&e->as, VX_FROM_W, r, 0, RAX);
    }
}

/* Halve until lanes of `size` are one; a 64-bit vector has been doubled, which its callers want. */
static void fold(struct emitter *e, unsigned op, unsigned size, bool halves, int r)
{
    if (halves) {
        shuffle(e, XMM0, r, 0x4e);
        em_v_op(e, op, r, r, XMM0);
    }
    if (size <= 2) {
        shuffle(e, XMM0, r, 0xb1);
        em_v_op(e, op, r, r, XMM0);
    }
    if (size <= 1) {
        as_v_imm(&e->as, VX_PSHUFLW, XMM0, 0, r, 0xb1);
        em_v_op(e, op, r, r, XMM0);
    }
    if (size == 0) {
        shift(e, VS_SRL, 1, XMM0, r, 8);
        em_v_op(e, op, r, r, XMM0);
    }
}

bool em_v_across(struct emitter *e, enum em_vacross op, unsigned size, unsigned bytes, unsigned d,
                 unsigned n)
{
    static const unsigned *const ops[] = {[EM_V_ADDV] = adds,
                                          [EM_V_SMAXV] = smax,
                                          [EM_V_UMAXV] = umax,
                                          [EM_V_SMINV] = smin,
                                          [EM_V_UMINV] = umin};
    if (size > 2 || (op >= EM_V_SADDLV && size == 2))
        return false;
    em_v_begin(e);
    int src = em_v_in(e, n), r = em_v_to(e, d);
    if (op < EM_V_SADDLV) {
        as_v(&e->as, VX_MOVAPS, r, 0, src);
        fold(e, ops[op][size], size, bytes == 16, r);
        only_low(e, r, 1u << size);
    } else {
        add_long_pairs(e, op == EM_V_SADDLV, size, r, src);
        fold(e, adds[size + 1], size + 1, bytes == 16, r);
        only_low(e, r, 2u << size);
    }
    em_v_out(e, d, r, 16);
    return true;
}

/* ---- moves of lanes ---- */

/* DUP of a lane; bytes below 8 for the scalar form. */
bool em_v_dup(struct emitter *e, unsigned size, unsigned bytes, unsigned d, unsigned n,
              unsigned lane)
{
    em_v_begin(e);
    int src = em_v_in(e, n), r = em_v_to(e, d);
    copy_lane(e, size, r, src, lane);
    if (bytes < 4)
        only_low(e, r, bytes);
    em_v_out(e, d, r, bytes < 4 ? 16 : bytes);
    return true;
}

bool em_v_dup_gpr(struct emitter *e, unsigned size, unsigned bytes, unsigned d, int n)
{
    em_v_begin(e);
    int r = em_v_to(e, d), src = em_get(e, true, n, RAX);
    as_v(&e->as, size == 3 ? VX_FROM_X : VX_FROM_W, r, 0, src);
    as_v(&e->as, copies[size], r, 0, r);
    em_v_out(e, d, r, bytes);
    return true;
}

bool em_v_ext(struct emitter *e, unsigned bytes, unsigned d, unsigned n, unsigned m, unsigned from)
{
    em_v_begin(e);
    int rn = em_v_in(e, n), rm = em_v_in(e, m), r = em_v_to(e, d);
    if (bytes == 16) {
        as_v_imm(&e->as, VX_PALIGNR, r, rm, rn, from);
    } else {
        em_v_op(e, VX_PUNPCKLQDQ, r, rn, rm);
        shift(e, VS_SRL_BYTES, 3, r, r, from);
    }
    em_v_out(e, d, r, bytes);
    return true;
}

/* TBL of one register: the host's zeroes where bit 7 of the index is set. */
bool em_v_tbl(struct emitter *e, unsigned bytes, unsigned d, unsigned n, unsigned m)
{
    em_v_begin(e);
    int table = em_v_in(e, n), index = em_v_in(e, m), r = em_v_to(e, d);
    em_v_opk(e, VX_PADDUSB, XMM0, index, K_OVER_15);
    em_v_op(e, VX_PSHUFB, r, table, XMM0);
    em_v_out(e, d, r, bytes);
    return true;
}
