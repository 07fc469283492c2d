/* SPDX-License-Identifier: MIT */
/*
 * Floating point on x86-64: single and double precision, by the host's arithmetic where it gives
 * the architecture's bits and FPSR cannot change; else by the handler, which starts afresh.
 *
 * The argument is fp_fast.h's. With FPCR asking for round to nearest without flushing, a result
 * that is finite and clearly above the smallest normal number has the right bits, and no flag but
 * Inexact can be due. So this code runs while FPSR.IXC is set: a block looks at FPCR and FPSR
 * before its first such instruction, and if they are not so, the rest of the block is interpreted.
 * Nothing but handlers called from the straight path (which makes the block look again) takes IXC
 * away.
 *
 * The host's own MXCSR is in its default mode always; its flags mean nothing.
 */
#include "emit_v_x64.h"

enum { OP_SQRT = 0x51, OP_ADD = 0x58, OP_MUL = 0x59, OP_SUB = 0x5c, OP_MIN, OP_DIV, OP_MAX };
enum { OP_UCOMI = 0x2e, OP_COMPARE = 0xc2 };
enum { CMP_EQ = 0, CMP_LT = 1, CMP_LE = 2, CMP_UNORDERED = 3, CMP_GE = 13, CMP_GT = 14 };

/* The number of an instruction that exists as ..ss, ..sd, ..ps and ..pd. */
static unsigned fop(unsigned op, bool wide, unsigned lanes)
{
    unsigned prefix = lanes == 1 ? (wide ? VX_F2 : VX_F3) : wide ? VX_66 : 0;
    return prefix | VX_0F | op;
}
static unsigned ucomi(bool wide)
{
    return (wide ? VX_66 : 0u) | VX_0F | OP_UCOMI;
}
static unsigned bytes_of(const struct insn *i, bool wide)
{
    return i->aux * (wide ? 8u : 4u);
}
static void copy_lane(struct emitter *e, bool wide, int dst, int src, unsigned lane)
{
    if (wide)
        em_v_op(e, lane ? VX_PUNPCKHQDQ : VX_PUNPCKLQDQ, dst, src, src);
    else
        as_v_imm(&e->as, VX_PSHUFD, dst, 0, src, lane * 0x55);
}

/* ---- when the host may be trusted ---- */

/* The mode is the usual one and, if the instruction can be inexact, FPSR says so already. */
static void guard(struct emitter *e, const struct insn *i, bool inexact)
{
    em_v_want(e, i, V_AWAY | V_MODE | (inexact ? V_EXACT : 0));
}

static struct em_stub *suspect(struct emitter *e, const struct insn *i, unsigned cc)
{
    em_to_handler(e, i, cc);
    return &e->stubs[e->stub_count - 1];
}

/* XMM0 := ones in the lanes of n and m that have no order; if any, to the handler. */
static void ordered(struct emitter *e, const struct insn *i, bool wide, int n, int m)
{
    if (i->aux == 1) {
        em_v_op(e, ucomi(wide), n, 0, m);
        em_to_handler(e, i, CC_P);
        return;
    }
    as_v_imm(&e->as, fop(OP_COMPARE, wide, i->aux), XMM0, n, m, CMP_UNORDERED);
    if (bytes_of(i, wide) == 8)
        as_v(&e->as, VX_LOAD_D, XMM0, 0, XMM0);
    em_v_op(e, VX_PTEST, XMM0, 0, XMM0);
    em_to_handler(e, i, CC_NE);
}

/*
 * Go on only if r has a result that is surely right in each lane. In line, the two highest bits of
 * the exponents have to differ: numbers from 2^-511 to 2^512, or 2^-63 to 2^64. Adding a one to the
 * lower of them leaves their exclusive or in the higher. The others get a second look in the stub.
 */
static void inner(struct emitter *e, const struct insn *i, bool wide, unsigned lanes, int r,
                  enum em_zero zero, int n, int m)
{
    static const uint8_t masks[2][5] = {{0, K_TEST_S, K_TEST_2S, 0, K_TEST_4S},
                                        {0, K_TEST_D, K_TEST_2D}};
    em_v_opk(e, VX_PADDD, XMM0, r, K_NEXT_TO_TOP);
    em_v_opk(e, VX_PTEST, XMM0, 0, (enum em_constant)masks[wide][lanes]);
    struct em_stub *s = suspect(e, i, CC_AE);
    s->zero = zero;
    s->accept = e->as.p;
    s->r = (uint8_t)r;
    s->n = (uint8_t)n;
    s->m = (uint8_t)m;
    s->wide = wide;
    s->bytes_used = (uint8_t)(lanes * (wide ? 8 : 4));
}

/* XMM0 := ones in the lanes of r whose exponent is not between 2 and the largest. Twice the bits
 * have no sign; moved, the good ones are the least signed numbers. */
static void outer_lanes(struct emitter *e, const struct em_stub *s)
{
    bool wide = s->wide;
    as_v_shift(&e->as, VS_SLL, wide ? 3 : 2, XMM0, s->r, 1);
    em_v_opk(e, wide ? VX_PADDQ : VX_PADDD, XMM0, XMM0, wide ? K_ADD_D : K_ADD_S);
    em_v_opk(e, wide ? VX_PCMPGTQ : VX_PCMPGTD, XMM0, XMM0, wide ? K_LIMIT_D : K_LIMIT_S);
    if (s->bytes_used == 8)
        as_v(&e->as, VX_LOAD_D, XMM0, 0, XMM0);
    else if (s->bytes_used == 4)
        as_v_imm(&e->as, VX_INSERTPS, XMM0, XMM0, XMM0, 0x0e);
}

/* dst := ones in the lanes of src that are zero; XMM2 is 0. */
static void zero_lanes(struct emitter *e, bool wide, int dst, int src)
{
    as_v_shift(&e->as, VS_SLL, wide ? 3 : 2, dst, src, 1);
    em_v_op(e, wide ? VX_PCMPEQQ : VX_PCMPEQD, dst, dst, XMM2);
}

/* XMM1 := ones in the lanes of r where zero is right. */
static void right_zeros(struct emitter *e, const struct em_stub *s)
{
    em_v_op(e, VX_PXOR, XMM2, XMM2, XMM2);
    zero_lanes(e, s->wide, XMM1, s->zero == EM_ZERO_ALWAYS ? s->r : s->n);
    if (s->zero == EM_ZERO_ALWAYS)
        return;
    if (s->zero == EM_ZERO_IF_N_OR_M) {
        zero_lanes(e, s->wide, XMM3, s->m); /* which may be XMM3 */
        em_v_op(e, VX_POR, XMM1, XMM1, XMM3);
    }
    zero_lanes(e, s->wide, XMM3, s->r);
    em_v_op(e, VX_PAND, XMM1, XMM1, XMM3);
}

void em_fp_second_look(struct emitter *e, const struct em_stub *s)
{
    outer_lanes(e, s);
    if (s->zero != EM_ZERO_NEVER) {
        right_zeros(e, s);
        em_v_op(e, VX_PANDN, XMM0, XMM1, XMM0);
    }
    em_v_op(e, VX_PTEST, XMM0, 0, XMM0);
    as_jcc(&e->as, CC_E, s->accept + e->as.rx_delta);
}

/* ---- arithmetic ---- */

/* A scalar operation leaves above its lane what `source` has there. */
static void scalar_above(struct emitter *e, bool wide, unsigned lanes, int r, int source)
{
    unsigned bytes = wide ? 8 : 4;
    if (lanes == 1)
        e->used[r] = e->used[source] > bytes ? e->used[source] : (uint8_t)bytes;
}

/* r := the even lanes of n and m + the odd ones. */
static void add_pairs(struct emitter *e, bool wide, unsigned lanes, int r, int n, int m)
{
    if (wide) {
        em_v_op(e, VX_PUNPCKLQDQ, XMM1, n, m);
        em_v_op(e, VX_PUNPCKHQDQ, XMM2, n, m);
    } else {
        if (lanes == 2) {
            em_v_op(e, VX_PUNPCKLQDQ, r, n, m);
            n = m = r;
        }
        as_v_imm(&e->as, VX_SHUFPS, XMM1, n, m, 0x88);
        as_v_imm(&e->as, VX_SHUFPS, XMM2, n, m, 0xdd);
    }
    em_v_op(e, fop(OP_ADD, wide, 4), r, XMM1, XMM2);
}

static const struct {
    uint8_t op, zero;
} arithmetic[] = {
    [EM_F_ADD] = {OP_ADD, EM_ZERO_ALWAYS},    [EM_F_SUB] = {OP_SUB, EM_ZERO_ALWAYS},
    [EM_F_MUL] = {OP_MUL, EM_ZERO_IF_N_OR_M}, [EM_F_DIV] = {OP_DIV, EM_ZERO_IF_N},
    [EM_F_SQRT] = {OP_SQRT, EM_ZERO_IF_N},    [EM_F_NMUL] = {OP_MUL, EM_ZERO_IF_N_OR_M},
    [EM_F_ABD] = {OP_SUB, EM_ZERO_ALWAYS},    [EM_F_ADDP] = {OP_ADD, EM_ZERO_ALWAYS},
    [EM_F_PAIR] = {OP_ADD, EM_ZERO_ALWAYS}};

bool em_f_arith(struct emitter *e, const struct insn *i, enum em_fop op, bool wide, int lane)
{
    bool one_source = op == EM_F_SQRT || op == EM_F_PAIR;
    unsigned lanes = op == EM_F_PAIR ? 1 : i->aux;
    unsigned first = e->stub_count, code = fop(arithmetic[op].op, wide, lanes);
    em_v_begin(e);
    guard(e, i, true);
    int n = em_v_in(e, i->rn), m = one_source ? n : em_v_in(e, i->rm), r = em_v_to(e, i->rd);
    if (lane >= 0) {
        copy_lane(e, wide, XMM3, m, (unsigned)lane);
        m = XMM3;
    }
    if (op == EM_F_PAIR) {
        as_v_imm(&e->as, VX_PSHUFD, XMM1, 0, n, wide ? 0xee : 0x55);
        m = XMM1;
    }
    if (op == EM_F_ADDP)
        add_pairs(e, wide, lanes, r, n, m);
    else
        em_v_op(e, code, r, op == EM_F_SQRT && lanes > 1 ? 0 : n, m);
    scalar_above(e, wide, lanes, r, n);
    inner(e, i, wide, lanes, r, (enum em_zero)arithmetic[op].zero, n, m);
    if (op == EM_F_NMUL) {
        em_v_opk(e, VX_PXOR, r, r, wide ? K_SIGN_D : K_SIGN_S);
        e->used[r] = 16;
    } else if (op == EM_F_ABD) {
        em_v_opk(e, VX_PAND, r, r, wide ? K_ABS_D : K_ABS_S);
    }
    em_v_out(e, i->rd, r, lanes * (wide ? 8 : 4));
    em_join(e, first);
    return true;
}

bool em_f_fma(struct emitter *e, const struct insn *i, bool wide, bool minus_product, bool minus_a,
              unsigned a, int lane)
{
    unsigned first = e->stub_count;
    if (!__builtin_cpu_supports("fma"))
        return false;
    unsigned op = 0xb8u + (minus_product ? 4 : 0) + (minus_a ? 2 : 0) + (i->aux == 1);
    em_v_begin(e);
    guard(e, i, true);
    int n = em_v_in(e, i->rn), m = em_v_in(e, i->rm), old = em_v_in(e, a), r = em_v_to(e, i->rd);
    if (lane >= 0) {
        copy_lane(e, wide, XMM3, m, (unsigned)lane);
        m = XMM3;
    }
    as_v(&e->as, VX_MOVAPS, r, 0, old);
    em_v_op(e, VI2(op) | (wide ? VX_W : 0), r, n, m);
    scalar_above(e, wide, i->aux, r, old);
    inner(e, i, wide, i->aux, r, EM_ZERO_IF_N_OR_M, n, m);
    em_v_out(e, i->rd, r, bytes_of(i, wide));
    em_join(e, first);
    return true;
}

/* The host's MAX and MIN give the second operand if both are zero: so both ways, and the sign of
 * +0 wins or loses. */
bool em_f_extreme(struct emitter *e, const struct insn *i, bool max, bool wide)
{
    unsigned first = e->stub_count, code = fop(max ? OP_MAX : OP_MIN, wide, i->aux);
    em_v_begin(e);
    guard(e, i, false);
    int n = em_v_in(e, i->rn), m = em_v_in(e, i->rm), r = em_v_to(e, i->rd);
    ordered(e, i, wide, n, m);
    em_v_op(e, code, XMM0, n, m);
    em_v_op(e, code, XMM1, m, n);
    em_v_op(e, max ? VX_PAND : VX_POR, r, XMM0, XMM1);
    em_v_out(e, i->rd, r, bytes_of(i, wide));
    em_join(e, first);
    return true;
}

bool em_f_compare(struct emitter *e, const struct insn *i, enum em_fop op, bool wide)
{
    static const uint8_t predicates[] = {
        [EM_F_EQ] = CMP_EQ,     [EM_F_GE] = CMP_GE,  [EM_F_GT] = CMP_GT,  [EM_F_ABS_GE] = CMP_GE,
        [EM_F_ABS_GT] = CMP_GT, [EM_F_EQ0] = CMP_EQ, [EM_F_GE0] = CMP_GE, [EM_F_GT0] = CMP_GT,
        [EM_F_LE0] = CMP_LE,    [EM_F_LT0] = CMP_LT,
    };
    unsigned first = e->stub_count;
    enum em_constant abs = wide ? K_ABS_D : K_ABS_S;
    em_v_begin(e);
    guard(e, i, false);
    int n = em_v_in(e, i->rn), m = XMM3;
    if (op >= EM_F_EQ0)
        em_v_op(e, VX_PXOR, XMM3, XMM3, XMM3);
    else
        m = em_v_in(e, i->rm);
    int r = em_v_to(e, i->rd);
    ordered(e, i, wide, n, m);
    if (op == EM_F_ABS_GE || op == EM_F_ABS_GT) {
        em_v_opk(e, VX_PAND, XMM2, n, abs);
        em_v_opk(e, VX_PAND, XMM3, m, abs);
        n = XMM2;
        m = XMM3;
    }
    as_v_imm(&e->as, fop(OP_COMPARE, wide, i->aux), r, n, m, predicates[op]);
    em_v_out(e, i->rd, r, bytes_of(i, wide));
    em_join(e, first);
    return true;
}

/* FABS and FNEG: bits, whatever they mean. */
bool em_f_sign(struct emitter *e, const struct insn *i, enum em_fop op, bool wide)
{
    em_v_begin(e);
    int n = em_v_in(e, i->rn), r = em_v_to(e, i->rd);
    if (op == EM_F_ABS)
        em_v_opk(e, VX_PAND, r, n, wide ? K_ABS_D : K_ABS_S);
    else
        em_v_opk(e, VX_PXOR, r, n, wide ? K_SIGN_D : K_SIGN_S);
    em_v_out(e, i->rd, r, bytes_of(i, wide));
    return true;
}

/* r := n rounded to an integer: 66 0F3A 08 ps, 09 pd, 0a ss, 0b sd. */
static void round_to(struct emitter *e, enum em_round round, bool wide, unsigned lanes, int r,
                     int n)
{
    unsigned op = 0x08u + wide + (lanes == 1 ? 2 : 0);
    as_v_imm(&e->as, VI3(op), r, lanes == 1 ? n : 0, n, 8u | (round == EM_ROUND_X ? 0 : round));
}

bool em_f_round(struct emitter *e, const struct insn *i, enum em_round round, bool wide)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    guard(e, i, round == EM_ROUND_X);
    int n = em_v_in(e, i->rn), r = em_v_to(e, i->rd);
    ordered(e, i, wide, n, n);
    round_to(e, round, wide, i->aux, r, n);
    em_v_out(e, i->rd, r, bytes_of(i, wide));
    em_join(e, first);
    return true;
}

/* ---- NZCV ---- */

/* NZCV of n and m, or to the handler. Numbers only: less, equal, greater are what CMP of (greater,
 * less) gives: 0-1, 0-0, 1-0. */
static struct em_stub *compare(struct emitter *e, const struct insn *i, bool wide, int n, int m)
{
    struct as *a = &e->as;
    em_v_op(e, ucomi(wide), n, 0, m);
    struct em_stub *s = suspect(e, i, CC_P);
    as_setcc(a, CC_A, RAX);
    as_setcc(a, CC_B, RCX);
    as_8(a, 0x38); /* cmp al, cl */
    as_modrm_r(a, RCX, RAX);
    em_flags_out(e, true, true);
    return s;
}

bool em_f_cmp(struct emitter *e, const struct insn *i, bool zero, bool wide)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    guard(e, i, false);
    int n = em_v_in(e, i->rn), m = XMM0;
    if (zero)
        em_v_op(e, VX_PXOR, XMM0, XMM0, XMM0);
    else
        m = em_v_in(e, i->rm);
    compare(e, i, wide, n, m)->flags = true;
    em_join(e, first);
    e->flags = EM_FLAGS_HOST;
    return true;
}

bool em_f_ccmp(struct emitter *e, const struct insn *i, unsigned cond, uint32_t nzcv, bool wide)
{
    struct as *a = &e->as;
    unsigned first = e->stub_count;
    if (cond >= 14)
        return em_f_cmp(e, i, false, wide);
    em_v_begin(e);
    guard(e, i, false);
    int n = em_v_in(e, i->rn), m = em_v_in(e, i->rm);
    uint8_t *fails = as_jcc(a, em_condition(e, cond) ^ 1, as_rx(a));
    compare(e, i, wide, n, m);
    uint8_t *done = as_jmp(a, as_rx(a));
    if (!a->full)
        as_patch(fails, a->p);
    as_8(a, 0x66); /* mov word [nzcv], imm16 */
    as_op_rm(a, false, 0xc7, 0, RBP, DISP(nzcv));
    as_8(a, nzcv & 0xff);
    as_8(a, nzcv >> 8);
    if (!a->full)
        as_patch(done, a->p);
    em_join(e, first);
    return true;
}

bool em_f_csel(struct emitter *e, const struct insn *i, unsigned cond, bool wide)
{
    struct as *a = &e->as;
    if (cond >= 14)
        return false;
    em_v_begin(e);
    int n = em_v_in(e, i->rn), m = em_v_in(e, i->rm), r = em_v_to(e, i->rd);
    unsigned cc = em_condition(e, cond), to = wide ? VX_TO_X : VX_TO_W;
    as_v(a, to, n, 0, RAX);
    as_v(a, to, m, 0, RCX);
    as_cmov(a, true, cc, RCX, RAX);
    as_v(a, VX_FROM_X, r, 0, RCX);
    em_v_out(e, i->rd, r, 16);
    e->flags = EM_FLAGS_NONE;
    return true;
}

/* ---- conversions ---- */

bool em_f_widen(struct emitter *e, const struct insn *i)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    guard(e, i, false);
    int n = em_v_in(e, i->rn), r = em_v_to(e, i->rd);
    em_v_op(e, ucomi(false), n, 0, n);
    em_to_handler(e, i, CC_P);
    em_v_op(e, VX_F3 | VX_0F | 0x5a, r, n, n);
    em_v_out(e, i->rd, r, 8);
    em_join(e, first);
    return true;
}

bool em_f_narrow(struct emitter *e, const struct insn *i)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    guard(e, i, true);
    int n = em_v_in(e, i->rn), r = em_v_to(e, i->rd);
    em_v_op(e, VX_F2 | VX_0F | 0x5a, r, n, n);
    inner(e, i, false, 1, r, EM_ZERO_NEVER, n, n);
    em_v_out(e, i->rd, r, 4);
    em_join(e, first);
    return true;
}

/* FCVTL of two singles in either half. */
bool em_f_widen_pair(struct emitter *e, const struct insn *i, bool upper)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    guard(e, i, false);
    int n = em_v_in(e, i->rn), r = em_v_to(e, i->rd);
    as_v_imm(&e->as, VX_PSHUFD, r, 0, n, upper ? 0xee : 0x44);
    as_v_imm(&e->as, fop(OP_COMPARE, false, 4), XMM0, r, r, CMP_UNORDERED);
    em_v_op(e, VX_PTEST, XMM0, 0, XMM0);
    em_to_handler(e, i, CC_NE);
    as_v(&e->as, VX_0F | 0x5a, r, 0, r); /* vcvtps2pd */
    em_v_out(e, i->rd, r, 16);
    em_join(e, first);
    return true;
}

/* FCVTN of two doubles; the upper half keeps the lower one. */
bool em_f_narrow_pair(struct emitter *e, const struct insn *i, bool upper)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    guard(e, i, true);
    int n = em_v_in(e, i->rn), old = upper ? em_v_in(e, i->rd) : 0, r = em_v_to(e, i->rd);
    as_v(&e->as, VI(0x5a), r, 0, n); /* vcvtpd2ps: zeros above */
    inner(e, i, false, 2, r, EM_ZERO_NEVER, n, n);
    if (upper)
        em_v_op(e, VX_PUNPCKLQDQ, r, old, r);
    em_v_out(e, i->rd, r, 16);
    em_join(e, first);
    return true;
}

bool em_f_from_int(struct emitter *e, const struct insn *i, bool vector, bool sign, bool x,
                   bool wide)
{
    struct as *a = &e->as;
    unsigned first = e->stub_count;
    bool exact = wide && !x;
    em_v_begin(e);
    if (!exact)
        guard(e, i, true);
    int src = RAX;
    if (vector)
        as_v(a, x ? VX_TO_X : VX_TO_W, em_v_in(e, i->rn), 0, RAX);
    else
        src = em_get(e, x, i->rn, RAX);
    if (!sign && x) {
        as_test_rr(a, true, src, src);
        em_to_handler(e, i, CC_S);
    } else if (!sign) { /* as 64 bits it is positive */
        as_mov_rr(a, false, RAX, src);
        src = RAX;
    }
    int r = em_v_to(e, i->rd);
    em_v_op(e, VX_PXOR, r, r, r);
    em_v_op(e, fop(0x2a, wide, 1) | (x || !sign ? VX_W : 0), r, r, src);
    em_v_out(e, i->rd, r, wide ? 8 : 4);
    em_join(e, first);
    return true;
}

/* The host's answer to what does not fit is the least number. */
bool em_f_to_int(struct emitter *e, const struct insn *i, bool vector, enum em_round round,
                 bool sign, bool x, bool wide)
{
    struct as *a = &e->as;
    unsigned first = e->stub_count;
    em_v_begin(e);
    guard(e, i, true);
    int n = em_v_in(e, i->rn);
    bool long_form = x || !sign;
    if (round != EM_ROUND_Z) {
        round_to(e, round, wide, 1, XMM0, n);
        n = XMM0;
    }
    as_v(a, fop(0x2c, wide, 1) | (long_form ? VX_W : 0), RAX, 0, n);
    if (sign) {
        as_alu_ri(a, x, ALU_CMP, RAX, 1);
        em_to_handler(e, i, CC_O);
    } else if (x) {
        as_test_rr(a, true, RAX, RAX);
        em_to_handler(e, i, CC_S);
    } else {
        as_mov_rr(a, false, RCX, RAX);
        as_alu_rr(a, true, ALU_CMP, RCX, RAX);
        em_to_handler(e, i, CC_NE);
    }
    if (vector) {
        int r = em_v_to(e, i->rd);
        as_v(a, x ? VX_FROM_X : VX_FROM_W, r, 0, RAX);
        em_v_out(e, i->rd, r, 16);
    } else {
        em_put(e, i->rd, RAX);
    }
    em_join(e, first);
    return true;
}

bool em_f_from_lanes(struct emitter *e, const struct insn *i)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    guard(e, i, true);
    int n = em_v_in(e, i->rn), r = em_v_to(e, i->rd);
    as_v(&e->as, VX_0F | 0x5b, r, 0, n); /* vcvtdq2ps */
    em_v_out(e, i->rd, r, bytes_of(i, false));
    em_join(e, first);
    return true;
}

bool em_f_to_lanes(struct emitter *e, const struct insn *i)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    guard(e, i, true);
    int n = em_v_in(e, i->rn), r = em_v_to(e, i->rd);
    as_v(&e->as, VX_F3 | VX_0F | 0x5b, r, 0, n); /* vcvttps2dq */
    if (i->aux == 2)
        as_v(&e->as, VX_LOAD_D, r, 0, r);
    em_v_opk(e, VX_PCMPEQD, XMM0, r, K_SIGN_S);
    em_v_op(e, VX_PTEST, XMM0, 0, XMM0);
    em_to_handler(e, i, CC_NE);
    em_v_out(e, i->rd, r, 16);
    em_join(e, first);
    return true;
}
