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
void em_clz(struct emitter *e, bool w, int d, int n);
void em_csel(struct emitter *e, bool w, bool invert, bool increment, int d, int n, int m,
             unsigned cond);
/* m < 0: compare with imm. `nzcv`: FLAG_* if the condition fails. */
void em_ccmp(struct emitter *e, bool w, bool negative, int n, int m, unsigned imm, unsigned cond,
             uint32_t nzcv);

void em_load(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode);
void em_store(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode);
void em_load_pair(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode);
void em_store_pair(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode);
void em_barrier(struct emitter *e, bool full);

/* The ends of blocks. `taken`, `next` are virtual addresses; slots of block->link as block_leave.
 */
void em_branch(struct emitter *e, uint64_t target);
void em_branch_cond(struct emitter *e, unsigned cond, uint64_t taken, uint64_t next);
void em_branch_zero(struct emitter *e, bool w, bool nonzero, int n, uint64_t taken, uint64_t next);
void em_branch_bit(struct emitter *e, unsigned bit, bool set, int n, uint64_t taken, uint64_t next);
void em_branch_reg(struct emitter *e, int n, bool link, uint64_t ret);

/* Call the interpreter's handler. `ends`: its result goes back to the dispatcher. */
void em_handler(struct emitter *e, const struct insn *i, bool ends);
