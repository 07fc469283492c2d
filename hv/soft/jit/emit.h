/* SPDX-License-Identifier: MIT */
/*
 * What the host-neutral translator asks of an emitter. Operands are slots of cpu->x (insn.h): 31
 * reads as zero, 33 swallows. Every function appends host code with exactly the effect of the
 * interpreter's handler for the same instruction.
 *
 * At the start of a block and wherever code may fault or call out, all guest state is where
 * emit_x64.c says it is; nothing is held over from one instruction to the next but the host's
 * flags.
 */
#pragma once

#include "jit.h"

struct emitter; /* the state of one translation, owned by the emitter */

enum em_op { EM_ADD, EM_SUB, EM_AND, EM_OR, EM_XOR };
enum em_shift { EM_LSL, EM_LSR, EM_ASR, EM_ROR };

struct em_access {
    uint8_t bytes; /* 1, 2, 4, 8 */
    bool sign;     /* loads: sign-extend ... */
    bool wide;     /* ... to 64 bits, else to 32 */
};

/* How an address is made. */
enum em_mode { EM_OFFSET, EM_POST, EM_PRE, EM_INDEX, EM_LITERAL };

/* Sets NZCV / which of them anything can see: if `live` is false the flags are not written. */
void em_alu_imm(struct emitter *e, enum em_op op, bool w, bool flags, bool live, int d, int n,
                uint64_t imm);
void em_alu_reg(struct emitter *e, enum em_op op, bool w, bool flags, bool live, int d, int n,
                int m, bool invert, enum em_shift shift, unsigned amount);
/* ext: as the option field; the extended value is shifted left. */
void em_alu_ext(struct emitter *e, enum em_op op, bool w, bool flags, bool live, int d, int n,
                int m, unsigned ext, unsigned amount);
void em_mov(struct emitter *e, bool w, int d, int n);
void em_mov_imm(struct emitter *e, int d, uint64_t value);
void em_movk(struct emitter *e, bool w, int d, uint64_t bits, unsigned shift);
/* SBFM, BFM, UBFM: kind 0, 1, 2. */
void em_bitfield(struct emitter *e, unsigned kind, bool w, int d, int n, unsigned r, unsigned s);
void em_extr(struct emitter *e, bool w, int d, int n, int m, unsigned lsb);
void em_shift_reg(struct emitter *e, enum em_shift shift, bool w, int d, int n, int m);
void em_madd(struct emitter *e, bool w, bool sub, int d, int n, int m, int a);
void em_maddl(struct emitter *e, bool sign, bool sub, int d, int n, int m, int a);
void em_mulh(struct emitter *e, bool sign, int d, int n, int m);
void em_div(struct emitter *e, bool w, bool sign, int d, int n, int m);
void em_rev(struct emitter *e, bool w, int d, int n);
void em_rev_part(struct emitter *e, bool w, unsigned bytes, int d, int n); /* REV16, REV32 */
void em_rbit(struct emitter *e, bool w, int d, int n);
void em_cls(struct emitter *e, bool w, int d, int n);
void em_clz(struct emitter *e, bool w, int d, int n);
void em_csel(struct emitter *e, bool w, bool invert, bool increment, int d, int n, int m,
             unsigned cond);
/* m < 0: compare with imm. `nzcv`: FLAG_* if the condition fails. */
void em_ccmp(struct emitter *e, bool w, bool negative, int n, int m, unsigned imm, unsigned cond,
             uint32_t nzcv);

/* Plain loads and stores of one or two general registers. */
struct em_mem {
    bool write, pair;
    bool between; /* no access: something that only computes, of registers but the base */
    enum em_mode mode;
    struct em_access access;
};
/* `count` of them in a row. More than one: all load or all store, by the same base, at offsets that
 * do not differ by more than a page; the first may have EM_PRE, the last EM_POST, the rest are
 * EM_OFFSET; none but the last loads its base. What computes in between may use RAX and RCX, and
 * only where the base has a host register: em_has_register. */
typedef void em_between(struct emitter *e, const struct insn *i);
#define EM_RUN_MAX 8
bool em_has_register(int slot);
void em_memory(struct emitter *e, const struct insn *i, const struct em_mem *m, unsigned count,
               em_between *between);
void em_barrier(struct emitter *e, bool full);

/* Exclusives and ordered accesses of one register, and atomics: bytes 1, 2, 4, 8. Operands in the
 * places that op_atomic.c says. False: the handler's. */
enum em_rmw { EM_SWP, EM_LDADD, EM_LDCLR, EM_LDEOR, EM_LDSET };
/* What the translator knows of a load-exclusive. `store`: the store-exclusive that always follows
 * in this block, unless it is left before (`leaves`), with but arithmetic between; NULL: not known.
 * `loop`: a store-exclusive that fails leads back here, and nothing leaves before. */
struct em_exclusive {
    const struct insn *store;
    bool leaves, loop, acquire;
};
void em_load_exclusive(struct emitter *e, const struct insn *i, unsigned bytes,
                       struct em_exclusive how);
/* `tested`: the next instruction branches on the result. */
void em_store_exclusive(struct emitter *e, const struct insn *i, unsigned bytes, bool tested);
void em_load_ordered(struct emitter *e, const struct insn *i, unsigned bytes, bool acquire);
void em_store_ordered(struct emitter *e, const struct insn *i, unsigned bytes);
void em_cas(struct emitter *e, const struct insn *i, unsigned bytes);
void em_rmw(struct emitter *e, const struct insn *i, enum em_rmw op, unsigned bytes);

/* ADC, SBC and the flag-setting forms. */
void em_adc(struct emitter *e, bool w, bool sub, bool flags, bool live, int d, int n, int m);
/* d := a 64-bit, 32-bit or byte field of the CPU, at `offset`; and back. */
void em_read_field(struct emitter *e, unsigned bytes, int d, unsigned offset);
void em_write_field(struct emitter *e, int n, unsigned offset);
/* PAC and AUT of the slot rm with the modifier rn and the key aux, into rd. */
void em_pac(struct emitter *e, const struct insn *i, bool check);
/* Key n gets another value. */
void em_pac_key_changed(struct emitter *e, unsigned key);
/* SP_EL0 as EL1 names it: the handler if it is the stack pointer in use. */
void em_read_sp_el0(struct emitter *e, const struct insn *i);
/* MSR DAIFSet / DAIFClr without the D bit, MSR DAIF from n: the block ends and goes on at `next`,
 * or leaves if that lets an interrupt in. */
void em_daif_imm(struct emitter *e, bool set, unsigned bits, uint64_t next);
void em_daif_reg(struct emitter *e, const struct insn *i, uint64_t next);

/* The ends of blocks. `taken`, `next` are virtual addresses; slots of block->link as block_leave.
 */
void em_branch(struct emitter *e, uint64_t target);
/* Conditional branches, which may also be in the middle of the block (insn.ra). */
void em_branch_cond(struct emitter *e, const struct insn *i, unsigned cond);
void em_branch_zero(struct emitter *e, const struct insn *i, bool w, bool nonzero);
void em_branch_bit(struct emitter *e, const struct insn *i, unsigned bit, bool set);
/* `btype`: PSTATE.BTYPE where it matters (cpu.h); only 0, RET, reaches guarded pages from here. */
void em_branch_reg(struct emitter *e, int n, bool link, uint64_t ret, unsigned btype);

/* Call the interpreter's handler. `ends`: its result goes back to the dispatcher. */
void em_handler(struct emitter *e, const struct insn *i, bool ends);

/* ---- vectors. d, n, m are V registers. Size: the logarithm of a lane's bytes. `bytes`: how much
 * of d is written; the rest becomes zero. A function that returns false has emitted nothing of
 * effect: the handler does it. */

/* Can the host do any of this? */
bool em_v_have(void);

/* Memory: one register, a pair, or one to four whole registers one after the other. */
void em_v_load(struct emitter *e, const struct insn *i, unsigned bytes, enum em_mode mode);
void em_v_store(struct emitter *e, const struct insn *i, unsigned bytes, enum em_mode mode);
void em_v_load_pair(struct emitter *e, const struct insn *i, unsigned bytes, enum em_mode mode);
void em_v_store_pair(struct emitter *e, const struct insn *i, unsigned bytes, enum em_mode mode);
void em_v_multi(struct emitter *e, const struct insn *i, bool write, unsigned regs, unsigned bytes,
                bool post);

/* LD1R: one element of memory in every lane. */
void em_v_load_copies(struct emitter *e, const struct insn *i, unsigned size, unsigned bytes,
                      bool post);

void em_v_imm(struct emitter *e, unsigned d, uint64_t low, uint64_t high);
void em_v_bits_imm(struct emitter *e, unsigned d, uint64_t bits, bool clear, unsigned bytes);
void em_v_move(struct emitter *e, unsigned d, unsigned n, unsigned bytes);
void em_v_to_gpr(struct emitter *e, int d, unsigned n, unsigned size, unsigned lane, bool sign,
                 bool wide);
void em_v_from_gpr(struct emitter *e, unsigned d, int n, unsigned size, unsigned lane, bool keep);
void em_v_insert(struct emitter *e, unsigned d, unsigned n, unsigned size, unsigned to,
                 unsigned from);
bool em_v_dup(struct emitter *e, unsigned size, unsigned bytes, unsigned d, unsigned n,
              unsigned lane);
bool em_v_dup_gpr(struct emitter *e, unsigned size, unsigned bytes, unsigned d, int n);
bool em_v_ext(struct emitter *e, unsigned bytes, unsigned d, unsigned n, unsigned m, unsigned from);
bool em_v_tbl(struct emitter *e, unsigned bytes, unsigned d, unsigned n, unsigned m);

/* Named after the instructions. */
enum em_vop {
    EM_V_ADD,
    EM_V_SUB,
    EM_V_AND,
    EM_V_BIC,
    EM_V_ORR,
    EM_V_ORN,
    EM_V_EOR,
    EM_V_BSL,
    EM_V_BIT,
    EM_V_BIF,
    EM_V_CMEQ,
    EM_V_CMGT,
    EM_V_CMGE,
    EM_V_CMHI,
    EM_V_CMHS,
    EM_V_CMTST,
    EM_V_SMAX,
    EM_V_SMIN,
    EM_V_UMAX,
    EM_V_UMIN,
    EM_V_URHADD,
    EM_V_MUL,
    EM_V_MLA,
    EM_V_MLS,
    EM_V_SABD,
    EM_V_UABD,
    EM_V_SABA,
    EM_V_UABA,
    EM_V_ADDP,
    EM_V_SMAXP,
    EM_V_SMINP,
    EM_V_UMAXP,
    EM_V_UMINP,
    EM_V_ZIP1,
    EM_V_ZIP2,
    EM_V_UZP1,
    EM_V_UZP2,
    EM_V_TRN1,
    EM_V_TRN2,
    EM_V_SDOT,
    EM_V_UDOT
};
enum em_vlong {
    EM_V_ADDL,
    EM_V_SUBL,
    EM_V_ADDW,
    EM_V_SUBW,
    EM_V_ABDL,
    EM_V_ABAL,
    EM_V_MULL,
    EM_V_MLAL,
    EM_V_MLSL
};
enum em_vshift { EM_V_SHL, EM_V_SSHR, EM_V_USHR, EM_V_SSRA, EM_V_USRA, EM_V_SLI, EM_V_SRI };
enum em_vone {
    EM_V_NEG,
    EM_V_ABS,
    EM_V_CMGT0,
    EM_V_CMLT0,
    EM_V_CMEQ0,
    EM_V_CMGE0,
    EM_V_CMLE0,
    EM_V_NOT,
    EM_V_CNT,
    EM_V_REV16,
    EM_V_REV32,
    EM_V_REV64,
    EM_V_SADDLP,
    EM_V_UADDLP,
    EM_V_SADALP,
    EM_V_UADALP
};
enum em_vacross {
    EM_V_ADDV,
    EM_V_SMAXV,
    EM_V_UMAXV,
    EM_V_SMINV,
    EM_V_UMINV,
    EM_V_SADDLV,
    EM_V_UADDLV
};

/* lane >= 0: that lane of m instead of all. */
bool em_v_same(struct emitter *e, enum em_vop op, unsigned size, unsigned bytes, unsigned d,
               unsigned n, unsigned m, int lane);
/* size: of the narrow lanes; upper: they are in the upper half. */
bool em_v_long(struct emitter *e, enum em_vlong op, bool sign, unsigned size, bool upper,
               unsigned d, unsigned n, unsigned m, int lane);
bool em_v_narrow(struct emitter *e, unsigned size, bool upper, unsigned d, unsigned n,
                 unsigned amount);
bool em_v_shift(struct emitter *e, enum em_vshift op, unsigned size, unsigned bytes, unsigned d,
                unsigned n, unsigned amount);
bool em_v_shift_long(struct emitter *e, bool sign, unsigned size, bool upper, unsigned d,
                     unsigned n, unsigned amount);
bool em_v_one(struct emitter *e, enum em_vone op, unsigned size, unsigned bytes, unsigned d,
              unsigned n);
bool em_v_across(struct emitter *e, enum em_vacross op, unsigned size, unsigned bytes, unsigned d,
                 unsigned n);

/* ---- floating point. `wide`: double precision, else single; as many lanes as i->aux says, from
 * i->rn and so on. lane >= 0: that lane of Vm instead of all. */
enum em_fop {
    EM_F_ADD,
    EM_F_SUB,
    EM_F_MUL, /* also FMULX */
    EM_F_DIV,
    EM_F_SQRT,
    EM_F_NMUL,
    EM_F_ABD,
    EM_F_ADDP,
    EM_F_PAIR, /* the two lanes of Vn */
    EM_F_MAX,
    EM_F_MIN,
    EM_F_EQ,
    EM_F_GE,
    EM_F_GT,
    EM_F_ABS_GE,
    EM_F_ABS_GT,
    EM_F_EQ0,
    EM_F_GE0,
    EM_F_GT0,
    EM_F_LE0,
    EM_F_LT0,
    EM_F_ABS,
    EM_F_NEG
};
/* In the order of the host's rounding control. */
enum em_round { EM_ROUND_N, EM_ROUND_M, EM_ROUND_P, EM_ROUND_Z, EM_ROUND_X };
bool em_f_arith(struct emitter *e, const struct insn *i, enum em_fop op, bool wide, int lane);
/* d := ±a ± n * m, rounded once */
bool em_f_fma(struct emitter *e, const struct insn *i, bool wide, bool minus_product, bool minus_a,
              unsigned a, int lane);
bool em_f_extreme(struct emitter *e, const struct insn *i, bool max, bool wide);
bool em_f_compare(struct emitter *e, const struct insn *i, enum em_fop op, bool wide);
bool em_f_sign(struct emitter *e, const struct insn *i, enum em_fop op, bool wide);
bool em_f_round(struct emitter *e, const struct insn *i, enum em_round round, bool wide);
bool em_f_cmp(struct emitter *e, const struct insn *i, bool zero, bool wide); /* into NZCV */
bool em_f_ccmp(struct emitter *e, const struct insn *i, unsigned cond, uint32_t nzcv, bool wide);
bool em_f_csel(struct emitter *e, const struct insn *i, unsigned cond, bool wide);
bool em_f_widen(struct emitter *e, const struct insn *i);  /* FCVT from single to double */
bool em_f_narrow(struct emitter *e, const struct insn *i); /* and back */
bool em_f_widen_pair(struct emitter *e, const struct insn *i, bool upper);
bool em_f_narrow_pair(struct emitter *e, const struct insn *i, bool upper);
/* A general register or (`vector`) the lowest lane of one, of as many bits. */
bool em_f_from_int(struct emitter *e, const struct insn *i, bool vector, bool sign, bool x,
                   bool wide);
bool em_f_to_int(struct emitter *e, const struct insn *i, bool vector, enum em_round round,
                 bool sign, bool x, bool wide);
/* 32-bit lanes to single precision and back. */
bool em_f_from_lanes(struct emitter *e, const struct insn *i);
bool em_f_to_lanes(struct emitter *e, const struct insn *i);
