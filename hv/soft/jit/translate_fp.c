/* SPDX-License-Identifier: MIT */
/*
 * The translator's part for SIMD and floating-point instructions: which call of the emitter a row
 * of the tables is. What is not here, or what the emitter refuses, is a call of the handler.
 */
#include "../a64.h"
#include "code.h"
#include "emit.h"

enum kind {
    NONE,
    SAME,    /* three registers, size and Q in the word */
    SAME_D,  /* scalars of 64 bits */
    LOGICAL, /* no size */
    DOT,     /* lanes of 32 bits */
    SLONG,   /* three registers, signed, d wider */
    ULONG,
    ONE,
    ONE_D,
    ACROSS,
    SHIFT,
    SHIFT_D,
    SAME_E, /* by element */
    DOT_E,
    SLONG_E,
    ULONG_E,
};

#define VECTOR(name)        [A64_##name##_v] = {SAME, EM_V_##name}
#define VECTOR_SCALAR(name) VECTOR(name), [A64_##name##_s] = {SAME_D, EM_V_##name}
#define BITWISE(name)       [A64_##name##_v] = {LOGICAL, EM_V_##name}
#define PERMUTE(name)       [A64_##name] = {SAME, EM_V_##name}
#define LONG(name)                                                                                 \
    [A64_S##name##_v] = {SLONG, EM_V_##name}, [A64_U##name##_v] = {ULONG, EM_V_##name}
#define LONG_E(name)                                                                               \
    [A64_S##name##_e] = {SLONG_E, EM_V_##name}, [A64_U##name##_e] = {ULONG_E, EM_V_##name}
#define UNARY(name)        [A64_##name##_v] = {ONE, EM_V_##name}
#define UNARY_SCALAR(name) UNARY(name), [A64_##name##_s] = {ONE_D, EM_V_##name}
#define REDUCE(name)       [A64_##name] = {ACROSS, EM_V_##name}
#define SHIFTED(name)                                                                              \
    [A64_##name##_i] = {SHIFT, EM_V_##name}, [A64_##name##_is] = {SHIFT_D, EM_V_##name}
static const struct {
    uint8_t kind, op;
} rows[A64_COUNT] = {
    VECTOR_SCALAR(ADD),
    VECTOR_SCALAR(SUB),
    VECTOR_SCALAR(CMEQ),
    VECTOR_SCALAR(CMGT),
    VECTOR_SCALAR(CMGE),
    VECTOR_SCALAR(CMHI),
    VECTOR_SCALAR(CMHS),
    VECTOR_SCALAR(CMTST),
    VECTOR(SMAX),
    VECTOR(SMIN),
    VECTOR(UMAX),
    VECTOR(UMIN),
    VECTOR(URHADD),
    VECTOR(MUL),
    VECTOR(MLA),
    VECTOR(MLS),
    VECTOR(SABD),
    VECTOR(UABD),
    VECTOR(SABA),
    VECTOR(UABA),
    VECTOR(ADDP),
    VECTOR(SMAXP),
    VECTOR(SMINP),
    VECTOR(UMAXP),
    VECTOR(UMINP),
    BITWISE(AND),
    BITWISE(BIC),
    BITWISE(ORR),
    BITWISE(ORN),
    BITWISE(EOR),
    BITWISE(BSL),
    BITWISE(BIT),
    BITWISE(BIF),
    PERMUTE(ZIP1),
    PERMUTE(ZIP2),
    PERMUTE(UZP1),
    PERMUTE(UZP2),
    PERMUTE(TRN1),
    PERMUTE(TRN2),
    [A64_SDOT_v] = {DOT, EM_V_SDOT},
    [A64_UDOT_v] = {DOT, EM_V_UDOT},
    [A64_SDOT_e] = {DOT_E, EM_V_SDOT},
    [A64_UDOT_e] = {DOT_E, EM_V_UDOT},
    LONG(ADDL),
    LONG(SUBL),
    LONG(ADDW),
    LONG(SUBW),
    LONG(ABDL),
    LONG(ABAL),
    LONG(MULL),
    LONG(MLAL),
    LONG(MLSL),
    LONG_E(MULL),
    LONG_E(MLAL),
    LONG_E(MLSL),
    [A64_MUL_e] = {SAME_E, EM_V_MUL},
    [A64_MLA_e] = {SAME_E, EM_V_MLA},
    [A64_MLS_e] = {SAME_E, EM_V_MLS},
    UNARY_SCALAR(NEG),
    UNARY_SCALAR(ABS),
    UNARY_SCALAR(CMGT0),
    UNARY_SCALAR(CMLT0),
    UNARY_SCALAR(CMEQ0),
    UNARY_SCALAR(CMGE0),
    UNARY_SCALAR(CMLE0),
    UNARY(NOT),
    UNARY(CNT),
    UNARY(REV16),
    UNARY(REV32),
    UNARY(REV64),
    UNARY(SADDLP),
    UNARY(UADDLP),
    UNARY(SADALP),
    UNARY(UADALP),
    REDUCE(ADDV),
    REDUCE(SMAXV),
    REDUCE(UMAXV),
    REDUCE(SMINV),
    REDUCE(UMINV),
    REDUCE(SADDLV),
    REDUCE(UADDLV),
    SHIFTED(SHL),
    SHIFTED(SSHR),
    SHIFTED(USHR),
    SHIFTED(SSRA),
    SHIFTED(USRA),
    SHIFTED(SLI),
    SHIFTED(SRI),
};

static unsigned size_of(const struct insn *i)
{
    return insn_bits(i->raw, 22, 2);
}
static unsigned bytes_of(const struct insn *i)
{
    return insn_bits(i->raw, 30, 1) ? 16 : 8;
}
/* The lane size of a shift by an immediate. */
static unsigned shift_size(const struct insn *i)
{
    return 28u - (unsigned)__builtin_clz(insn_bits(i->raw, 16, 7));
}

static bool lanes(struct emitter *e, const struct insn *i)
{
    unsigned op = rows[i->id].op, d = i->rd, n = i->rn, m = i->rm, bytes = bytes_of(i);
    bool q = bytes == 16;
    switch ((enum kind)rows[i->id].kind) {
    case SAME: return em_v_same(e, op, size_of(i), bytes, d, n, m, -1);
    case SAME_D: return em_v_same(e, op, 3, 8, d, n, m, -1);
    case LOGICAL: return em_v_same(e, op, 0, bytes, d, n, m, -1);
    case DOT: return em_v_same(e, op, 2, bytes, d, n, m, -1);
    case SAME_E: return em_v_same(e, op, size_of(i), bytes, d, n, m, (int)i->aux);
    case DOT_E: return em_v_same(e, op, 2, bytes, d, n, m, (int)i->aux);
    case SLONG: return em_v_long(e, op, true, size_of(i), q, d, n, m, -1);
    case ULONG: return em_v_long(e, op, false, size_of(i), q, d, n, m, -1);
    case SLONG_E: return em_v_long(e, op, true, size_of(i), q, d, n, m, (int)i->aux);
    case ULONG_E: return em_v_long(e, op, false, size_of(i), q, d, n, m, (int)i->aux);
    case ONE: return em_v_one(e, op, size_of(i), bytes, d, n);
    case ONE_D: return em_v_one(e, op, 3, 8, d, n);
    case ACROSS: return em_v_across(e, op, size_of(i), bytes, d, n);
    case SHIFT: return em_v_shift(e, op, shift_size(i), bytes, d, n, (unsigned)i->imm);
    case SHIFT_D: return em_v_shift(e, op, 3, 8, d, n, (unsigned)i->imm);
    case NONE: break;
    }
    return false;
}

/* Copies of lanes: imm5 has a one at the place of the element size. */
static bool copy(struct emitter *e, const struct insn *i)
{
    unsigned size = (unsigned)__builtin_ctz(insn_bits(i->raw, 16, 5)), bytes = bytes_of(i);
    switch (i->id) {
    case A64_DUP_v: return em_v_dup(e, size, bytes, i->rd, i->rn, i->aux);
    case A64_DUP_s: return em_v_dup(e, size, 1u << size, i->rd, i->rn, i->aux);
    case A64_DUP_x: return em_v_dup_gpr(e, size, bytes, i->rd, i->rn);
    case A64_SMOV: em_v_to_gpr(e, i->rd, i->rn, size, i->aux, true, bytes == 16); return true;
    case A64_UMOV: em_v_to_gpr(e, i->rd, i->rn, size, i->aux, false, true); return true;
    case A64_INS_x: em_v_from_gpr(e, i->rd, i->rn, size, i->aux, true); return true;
    default: em_v_insert(e, i->rd, i->rn, size, i->aux & 15, i->aux >> 8); return true;
    }
}

static bool single(struct emitter *e, const struct insn *i, enum em_mode mode)
{
    unsigned size = insn_bits(i->raw, 23, 1) << 2 | insn_bits(i->raw, 30, 2);
    if (a64_rows[i->id].flags & A64_LOAD)
        em_v_load(e, i, 1u << size, mode);
    else
        em_v_store(e, i, 1u << size, mode);
    return true;
}

static bool pair(struct emitter *e, const struct insn *i)
{
    static const uint8_t modes[4] = {EM_OFFSET, EM_POST, EM_OFFSET, EM_PRE};
    enum em_mode mode = (enum em_mode)modes[insn_bits(i->raw, 23, 2)];
    unsigned bytes = 4u << insn_bits(i->raw, 30, 2);
    if (a64_rows[i->id].flags & A64_LOAD)
        em_v_load_pair(e, i, bytes, mode);
    else
        em_v_store_pair(e, i, bytes, mode);
    return true;
}

/* LD1 and ST1 of whole registers; those that interleave are the handler's. */
static bool multiple(struct emitter *e, const struct insn *i)
{
    static const uint8_t registers[16] = {[2] = 4, [6] = 3, [7] = 1, [10] = 2};
    unsigned regs = registers[insn_bits(i->raw, 12, 4)];
    if (!regs)
        return false;
    bool post = i->id == A64_LDn_multi_post || i->id == A64_STn_multi_post;
    em_v_multi(e, i, !(a64_rows[i->id].flags & A64_LOAD), regs, bytes_of(i), post);
    return true;
}

/* LD1R; other single structures are the handler's. */
static bool replicate(struct emitter *e, const struct insn *i)
{
    if (insn_bits(i->raw, 13, 3) != 6 || insn_bits(i->raw, 21, 1))
        return false;
    em_v_load_copies(e, i, insn_bits(i->raw, 10, 2), bytes_of(i), i->id == A64_LDn_single_post);
    return true;
}

static bool memory(struct emitter *e, const struct insn *i)
{
    switch (i->id) {
    case A64_LDR_v_uimm:
    case A64_STR_v_uimm:
    case A64_LDR_v_unscaled:
    case A64_STR_v_unscaled: return single(e, i, EM_OFFSET);
    case A64_LDR_v_post:
    case A64_STR_v_post: return single(e, i, EM_POST);
    case A64_LDR_v_pre:
    case A64_STR_v_pre: return single(e, i, EM_PRE);
    case A64_LDR_v_reg:
    case A64_STR_v_reg: return single(e, i, EM_INDEX);
    case A64_LDR_v_lit: em_v_load(e, i, 4u << insn_bits(i->raw, 30, 2), EM_LITERAL); return true;
    case A64_LDn_multi:
    case A64_LDn_multi_post:
    case A64_STn_multi:
    case A64_STn_multi_post: return multiple(e, i);
    case A64_LDn_single:
    case A64_LDn_single_post: return replicate(e, i);
    default: return i->id >= A64_LDNP_v && i->id <= A64_STP_v_pre && pair(e, i);
    }
}

/* The rest of the moves, and of the integer rows. */
static bool moves(struct emitter *e, const struct insn *i)
{
    unsigned bytes = bytes_of(i);
    bool q = bytes == 16;
    switch (i->id) {
    case A64_MOVI:
    case A64_MVNI: em_v_imm(e, i->rd, i->imm, q ? i->imm : 0); return true;
    case A64_ORR_imm32:
    case A64_ORR_imm16: em_v_bits_imm(e, i->rd, i->imm, false, bytes); return true;
    case A64_BIC_imm32:
    case A64_BIC_imm16: em_v_bits_imm(e, i->rd, i->imm, true, bytes); return true;
    case A64_FMOV_S_imm:
    case A64_FMOV_D_imm:
    case A64_FMOV_vS:
    case A64_FMOV_vD: em_v_imm(e, i->rd, i->imm, i->aux ? i->imm : 0); return true;
    case A64_FMOV_S: em_v_move(e, i->rd, i->rn, 4); return true;
    case A64_FMOV_D: em_v_move(e, i->rd, i->rn, 8); return true;
    case A64_FMOV_W_S: em_v_to_gpr(e, i->rd, i->rn, 2, 0, false, true); return true;
    case A64_FMOV_X_D: em_v_to_gpr(e, i->rd, i->rn, 3, 0, false, true); return true;
    case A64_FMOV_X_D1: em_v_to_gpr(e, i->rd, i->rn, 3, 1, false, true); return true;
    case A64_FMOV_S_W: em_v_from_gpr(e, i->rd, i->rn, 2, 0, false); return true;
    case A64_FMOV_D_X: em_v_from_gpr(e, i->rd, i->rn, 3, 0, false); return true;
    case A64_FMOV_D1_X: em_v_from_gpr(e, i->rd, i->rn, 3, 1, true); return true;
    case A64_EXT: return em_v_ext(e, bytes, i->rd, i->rn, i->rm, (unsigned)i->imm);
    case A64_TBL: return i->aux == 1 && em_v_tbl(e, bytes, i->rd, i->rn, i->rm);
    case A64_XTN_v: return em_v_narrow(e, size_of(i), q, i->rd, i->rn, 0);
    case A64_SHRN_i: return em_v_narrow(e, shift_size(i), q, i->rd, i->rn, (unsigned)i->imm);
    case A64_SSHLL_i:
    case A64_USHLL_i:
        return em_v_shift_long(e, i->id == A64_SSHLL_i, shift_size(i), q, i->rd, i->rn,
                               (unsigned)i->imm);
    case A64_SHLL_v:
        return em_v_shift_long(e, false, size_of(i), q, i->rd, i->rn, 8u << size_of(i));
    case A64_ADDP_s: return em_v_same(e, EM_V_ADDP, 3, 8, i->rd, i->rn, i->rn, -1);
    default: return false;
    }
}

/* ---- floating point ---- */

enum fp_kind {
    FP_NONE,
    FP_ARITH,
    FP_ELEMENT,
    FP_FMLA, /* adds to d; FP_FMLA_E: by element; with op the product is negative */
    FP_FMLA_E,
    FP_MAX, /* op: maximum, else minimum */
    FP_COMPARE,
    FP_SIGN,
    FP_ROUND,
};

enum { WIDE = 0x80 };
#define SCALAR(name, kind, op) [A64_##name##_S] = {kind, op}, [A64_##name##_D] = {kind, (op) | WIDE}
#define VECTORS(name, kind, op)                                                                    \
    [A64_##name##_vS] = {kind, op}, [A64_##name##_vD] = {kind, (op) | WIDE}
#define LANES_1(name, kind, op)                                                                    \
    [A64_##name##_sS] = {kind, op}, [A64_##name##_sD] = {kind, (op) | WIDE}
#define ELEMENTS(name, kind, op)                                                                   \
    [A64_##name##_eS] = {kind, op}, [A64_##name##_eD] = {kind, (op) | WIDE},                       \
    [A64_##name##_seS] = {kind, op}, [A64_##name##_seD] = {kind, (op) | WIDE}
#define FP_BOTH(name, kind, op) SCALAR(name, kind, op), VECTORS(name, kind, op)
#define FP_SIMD(name, kind, op) LANES_1(name, kind, op), VECTORS(name, kind, op)
static const struct {
    uint8_t kind, op;
} fp_rows[A64_COUNT] = {
    FP_BOTH(FADD, FP_ARITH, EM_F_ADD),
    FP_BOTH(FSUB, FP_ARITH, EM_F_SUB),
    FP_BOTH(FMUL, FP_ARITH, EM_F_MUL),
    FP_BOTH(FDIV, FP_ARITH, EM_F_DIV),
    FP_BOTH(FSQRT, FP_ARITH, EM_F_SQRT),
    SCALAR(FNMUL, FP_ARITH, EM_F_NMUL),
    FP_SIMD(FMULX, FP_ARITH, EM_F_MUL),
    FP_SIMD(FABD, FP_ARITH, EM_F_ABD),
    VECTORS(FADDP, FP_ARITH, EM_F_ADDP),
    [A64_FADDP_pS] = {FP_ARITH, EM_F_PAIR},
    [A64_FADDP_pD] = {FP_ARITH, EM_F_PAIR | WIDE},
    ELEMENTS(FMUL, FP_ELEMENT, EM_F_MUL),
    ELEMENTS(FMULX, FP_ELEMENT, EM_F_MUL),
    VECTORS(FMLA, FP_FMLA, 0),
    VECTORS(FMLS, FP_FMLA, 1),
    ELEMENTS(FMLA, FP_FMLA_E, 0),
    ELEMENTS(FMLS, FP_FMLA_E, 1),
    FP_BOTH(FMAX, FP_MAX, 1),
    FP_BOTH(FMIN, FP_MAX, 0),
    FP_BOTH(FMAXNM, FP_MAX, 1),
    FP_BOTH(FMINNM, FP_MAX, 0),
    FP_SIMD(FCMEQ, FP_COMPARE, EM_F_EQ),
    FP_SIMD(FCMGE, FP_COMPARE, EM_F_GE),
    FP_SIMD(FCMGT, FP_COMPARE, EM_F_GT),
    FP_SIMD(FACGE, FP_COMPARE, EM_F_ABS_GE),
    FP_SIMD(FACGT, FP_COMPARE, EM_F_ABS_GT),
    FP_SIMD(FCMEQ_zero, FP_COMPARE, EM_F_EQ0),
    FP_SIMD(FCMGE_zero, FP_COMPARE, EM_F_GE0),
    FP_SIMD(FCMGT_zero, FP_COMPARE, EM_F_GT0),
    FP_SIMD(FCMLE_zero, FP_COMPARE, EM_F_LE0),
    FP_SIMD(FCMLT_zero, FP_COMPARE, EM_F_LT0),
    FP_BOTH(FABS, FP_SIGN, EM_F_ABS),
    FP_BOTH(FNEG, FP_SIGN, EM_F_NEG),
    FP_BOTH(FRINTN, FP_ROUND, EM_ROUND_N),
    FP_BOTH(FRINTM, FP_ROUND, EM_ROUND_M),
    FP_BOTH(FRINTP, FP_ROUND, EM_ROUND_P),
    FP_BOTH(FRINTZ, FP_ROUND, EM_ROUND_Z),
    FP_BOTH(FRINTX, FP_ROUND, EM_ROUND_X),
    FP_BOTH(FRINTI, FP_ROUND, EM_ROUND_N),
};

static bool floating(struct emitter *e, const struct insn *i)
{
    unsigned op = fp_rows[i->id].op & 0x7f;
    bool wide = fp_rows[i->id].op & WIDE;
    int lane = (int)i->imm;
    switch ((enum fp_kind)fp_rows[i->id].kind) {
    case FP_ARITH: return em_f_arith(e, i, op, wide, -1);
    case FP_ELEMENT: return em_f_arith(e, i, op, wide, lane);
    case FP_FMLA: return em_f_fma(e, i, wide, op, false, i->rd, -1);
    case FP_FMLA_E: return em_f_fma(e, i, wide, op, false, i->rd, lane);
    case FP_MAX: return em_f_extreme(e, i, op, wide);
    case FP_COMPARE: return em_f_compare(e, i, op, wide);
    case FP_SIGN: return em_f_sign(e, i, op, wide);
    case FP_ROUND: return em_f_round(e, i, op, wide);
    case FP_NONE: break;
    }
    return false;
}

/* Conversions between general registers and the scalars: the fields of the word say the rest. */
static bool convert_gpr(struct emitter *e, const struct insn *i)
{
    static const uint8_t rounds[4] = {EM_ROUND_N, EM_ROUND_P, EM_ROUND_M, EM_ROUND_Z};
    unsigned opcode = insn_bits(i->raw, 16, 3), type = insn_bits(i->raw, 22, 2);
    bool x = i->raw >> 31, sign = !(opcode & 1);
    if (type > 1)
        return false;
    if (opcode < 2)
        return em_f_to_int(e, i, false, rounds[insn_bits(i->raw, 19, 2)], sign, x, type);
    return opcode < 4 && em_f_from_int(e, i, false, sign, x, type);
}

static bool convert(struct emitter *e, const struct insn *i)
{
    switch (i->id) {
    case A64_FCVT_S_D: return em_f_widen(e, i);
    case A64_FCVT_D_S: return em_f_narrow(e, i);
    case A64_FCVTL_S: return em_f_widen_pair(e, i, insn_bits(i->raw, 30, 1));
    case A64_FCVTN_S: return em_f_narrow_pair(e, i, insn_bits(i->raw, 30, 1));
    case A64_SCVTF_sS: return em_f_from_int(e, i, true, true, false, false);
    case A64_SCVTF_sD: return em_f_from_int(e, i, true, true, true, true);
    case A64_UCVTF_sS: return em_f_from_int(e, i, true, false, false, false);
    case A64_UCVTF_sD: return em_f_from_int(e, i, true, false, true, true);
    case A64_FCVTZS_sS: return em_f_to_int(e, i, true, EM_ROUND_Z, true, false, false);
    case A64_FCVTZS_sD: return em_f_to_int(e, i, true, EM_ROUND_Z, true, true, true);
    case A64_FCVTZU_sS: return em_f_to_int(e, i, true, EM_ROUND_Z, false, false, false);
    case A64_FCVTZU_sD: return em_f_to_int(e, i, true, EM_ROUND_Z, false, true, true);
    case A64_SCVTF_vS: return em_f_from_lanes(e, i);
    case A64_FCVTZS_vS: return em_f_to_lanes(e, i);
    default: return i->id >= A64_FCVTNS_W_H && i->id <= A64_UCVTF_X_D && convert_gpr(e, i);
    }
}

/* Scalars with operands of their own. */
static bool scalar(struct emitter *e, const struct insn *i)
{
    bool wide = insn_bits(i->raw, 22, 1);
    switch (i->id) {
    case A64_FMADD_S:
    case A64_FMADD_D:
    case A64_FMSUB_S:
    case A64_FMSUB_D:
    case A64_FNMADD_S:
    case A64_FNMADD_D:
    case A64_FNMSUB_S:
    case A64_FNMSUB_D: {
        bool negated = insn_bits(i->raw, 21, 1); /* FNMADD, FNMSUB: -a */
        return em_f_fma(e, i, wide, insn_bits(i->raw, 15, 1) != negated, negated, i->ra, -1);
    }
    case A64_FCMP_S:
    case A64_FCMP_D:
    case A64_FCMPE_S:
    case A64_FCMPE_D: return em_f_cmp(e, i, false, wide);
    case A64_FCMP_zero_S:
    case A64_FCMP_zero_D:
    case A64_FCMPE_zero_S:
    case A64_FCMPE_zero_D: return em_f_cmp(e, i, true, wide);
    case A64_FCCMP_S:
    case A64_FCCMP_D:
    case A64_FCCMPE_S:
    case A64_FCCMPE_D: return em_f_ccmp(e, i, insn_bits(i->raw, 12, 4), i->aux, wide);
    case A64_FCSEL_S:
    case A64_FCSEL_D: return em_f_csel(e, i, insn_bits(i->raw, 12, 4), wide);
    default: return convert(e, i);
    }
}

enum vector_use vector_use(const struct insn *i)
{
    enum fp_kind kind = (enum fp_kind)fp_rows[i->id].kind;
    if (!(a64_rows[i->id].flags & A64_FP) || i->fn == op_fp_trap)
        return VECTOR_NONE;
    if ((kind >= FP_ARITH && kind <= FP_FMLA_E) || (i->id >= A64_FMADD_S && i->id <= A64_FNMSUB_D))
        return VECTOR_ARITHMETIC;
    return VECTOR_REGISTERS;
}

bool translate_vector(struct emitter *e, const struct insn *i)
{
    unsigned id = i->id;
    if (!em_v_have())
        return false;
    if (rows[id].kind != NONE)
        return lanes(e, i);
    if (a64_rows[id].flags & (A64_LOAD | A64_STORE))
        return memory(e, i);
    if (id >= A64_DUP_v && id <= A64_INS_v)
        return copy(e, i);
    if (fp_rows[id].kind != FP_NONE)
        return floating(e, i);
    return moves(e, i) || scalar(e, i);
}
