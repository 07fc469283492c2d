/* SPDX-License-Identifier: MIT */
/* Code memory: one stretch, seen twice, writable here and executable there (cache.c). */
#pragma once

#include "jit.h"

struct jit {
    uint8_t *rw, *rx;        /* the two views */
    size_t size, used, base; /* `base`: the thunks, kept over a reset */
    /* Bytes at the start of a block that look at what it wants, if anything, and at cpu->kick. */
    unsigned want_check, kick_check;
    /* Thunks, executable addresses. */
    const uint8_t *enter, *leave, *cold, *handler, *handler_end, *interpret, *quit;
    const uint8_t *find[VIEW_COUNT][2]; /* a page of reads or writes in the TLB (emit_mem_x64.c) */
    const uint8_t *load_v;              /* of vector code (emit_v_x64.c) */
    const uint8_t *constants;           /* of vector code, executable address */
    /* Accesses that miss the pages of their bases too often: these look into the TLB alone. And
     * when each last had 256 misses (mach ticks). */
    bool poor_site[BASE_SITES];
    uint64_t site_since[BASE_SITES];
};

/* The place of an access in these tables. */
static inline unsigned base_site(uint64_t va)
{
    return (unsigned)(va >> 2 ^ va >> 16) & (BASE_SITES - 1);
}

/* Called from translated code: run the interpreter's handler for an instruction. */
const struct insn *jit_call(struct cpu *c, const struct insn *i);
/* Likewise: make the block of i the one that runs; returns i, to be interpreted next. */
const struct insn *jit_resume(struct cpu *c, const struct insn *i);
/* Emit code for b at the end of what is used: the emitter's side of jit_translate(). */
bool jit_emit(struct cpu *c, struct jit *jit, struct block *b);
/* Code that was emitted begins with a jump from now on. */
void jit_emit_jump(struct jit *jit, const void *from, const void *to);
/* Write the thunks and set `used` and `base`. */
void jit_emit_thunks(struct jit *jit);

/* translate_fp.c: emit code for an instruction of the SIMD and floating-point rows, or false. */
struct emitter;
bool translate_vector(struct emitter *e, const struct insn *i);
/* What an instruction has to do with V registers. */
enum vector_use { VECTOR_NONE, VECTOR_REGISTERS, VECTOR_ARITHMETIC };
enum vector_use vector_use(const struct insn *i);
