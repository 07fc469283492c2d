/* SPDX-License-Identifier: MIT */
/*
 * What the emitters of vector code share. While translated code runs, V0 to V7 live in XMM4 to
 * XMM11 across blocks, once a block has used a V register: cpu->v_unready says whether they are
 * there. C code sees all of them in the CPU structure: the thunks store them before a call, and
 * whoever uses one next loads them again. The others are in the structure, and always up to date
 * there; XMM12 to XMM15 keep copies of those used last within a block. XMM0 to XMM3 are free for
 * every instruction.
 *
 * An instruction begins with em_v_begin, asks for its sources (em_v_in) and for a register to
 * compute in (em_v_to), and puts down the result (em_v_out). Handlers and stubs know nothing of
 * the XMM registers: em_handler forgets them, a stub loads them again.
 */
#pragma once

#include "asm_sse_x64.h"
#include "emit_x64.h"

#include <stddef.h>

#define V_DISP(n) (DISP(v) + (int32_t)(n)*16)

enum { XMM0, XMM1, XMM2, XMM3, XMM_PINNED, XMM_HELD = 12 };
#define V_PINNED (XMM_HELD - XMM_PINNED) /* V registers that have a register of their own */

/* cpu->v_unready: the pinned ones are in the structure; FPCR asks for something special; FPSR.IXC
 * is clear. The last two mean nothing beside the first. */
enum { V_AWAY = 1, V_MODE = 2, V_EXACT = 4, V_UNREADY = 7 };

/* Constants of 16 bytes. */
enum em_constant {
    K_ZERO_ONES, /* 00ff in words */
    K_LOW_HALF,  /* 0000ffff in words of 32 bits */
    K_ONES,      /* all bits */
    K_SIGN_B,
    K_SIGN_H,
    K_SIGN_S,
    K_SIGN_D,
    K_ONE_H, /* 1 in each of 16 bits */
    K_LOW_NIBBLE,
    K_BIT_COUNTS, /* of 0 to 15 */
    K_OVER_15,    /* 0x70 in bytes */
    K_REV16_B,
    K_REV32_B,
    K_REV64_B,
    K_REV32_H,
    K_REV64_H,
    K_ABS_S, /* all but the signs */
    K_ABS_D,
    K_NEXT_TO_TOP, /* see inner() in emit_fp_x64.c */
    K_TEST_S,
    K_TEST_2S,
    K_TEST_4S,
    K_TEST_D,
    K_TEST_2D,
    K_ADD_S, /* see outer_lanes() */
    K_ADD_D,
    K_LIMIT_S,
    K_LIMIT_D,
    K_COUNT
};

bool em_v_have(void); /* does the host have AVX2? Without, nothing here may be used */
void em_v_thunks(struct jit *jit, struct as *a);
void em_v_enter(struct as *a);      /* at the start of translated code */
void em_v_save(struct as *a);       /* before C code sees the structure; leaves general registers */
void em_v_start(struct emitter *e); /* of a block */
void em_v_forget(struct emitter *e);
void em_v_reload(struct emitter *e, const struct em_held *held);
/* Go on only if these V_* are clear; if they cannot be made so, the rest of the block, from i on,
 * is interpreted. Costs the host's flags where they are not known to be. */
void em_v_want(struct emitter *e, const struct insn *i, unsigned want);
void em_v_make_ready(struct emitter *e, const struct em_stub *s);

/* In a stub: go to s->accept if all lanes are right after all. */
void em_fp_second_look(struct emitter *e, const struct em_stub *s);

void em_v_begin(struct emitter *e);
int em_v_in(struct emitter *e, unsigned v);
/* A register that is no source: of no V register; or to compute V in. */
int em_v_new(struct emitter *e);
int em_v_to(struct emitter *e, unsigned v);
/* A register for V that may be a source: for results that one instruction makes. */
int em_v_over(struct emitter *e, unsigned v);
/* V := r, of which `bytes` (16, 8, 4) count and the rest becomes zero. r keeps the copy. */
void em_v_out(struct emitter *e, unsigned v, int r, unsigned bytes);

static inline void em_v_op(struct emitter *e, unsigned op, int dst, int n, int m)
{
    as_v(&e->as, op, dst, n, m);
}
static inline void em_v_opk(struct emitter *e, unsigned op, int dst, int n, enum em_constant k)
{
    as_v_c(&e->as, op, dst, n, e->jit->constants + 16 * k);
}
