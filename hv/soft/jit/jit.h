/* SPDX-License-Identifier: MIT */
/*
 * The translator: host code for blocks that have become warm. Owner thread of the vCPU throughout.
 *
 * cache.c owns the code memory, translate.c turns decoded blocks into calls of the emitter, and one
 * emitter per host CPU (emit_*x64.c) writes the code. Where an instruction has no emitter the code
 * calls the interpreter's handler, so both always support the same. A host without an emitter has
 * none.c.
 */
#pragma once

#include "../cpu.h"

struct jit;

/* Is there an emitter for this host? */
bool jit_available(void);
/* Code memory for one vCPU; NULL if the host has no emitter or no memory (the interpreter serves).
 */
struct jit *jit_new(size_t bytes);
void jit_free(struct jit *jit);

/* Translate b; sets b->code. False if the code memory is full: then all blocks must be dropped. */
bool jit_translate(struct cpu *c, struct block *b);
/* The same of a block that has code: whoever comes to that is led on. What it links is not linked
 * to it any more. */
bool jit_translate_again(struct cpu *c, struct block *b);
/* Run b->code, from there to the next reason to leave. Returns the next instruction to interpret or
 * NULL, as a handler does. */
const struct insn *jit_run(struct cpu *c, const struct block *b);

/* Where the jump cache sends those who find a block that is not translated. NULL without a jit. */
const void *jit_cold(const struct jit *jit);

/* A way out of a translated block leads to `to` from now on / to the dispatcher again. */
void jit_link(struct cpu *c, struct link *l, struct block *to);
void jit_unlink(struct link *l);
/* All blocks are gone: start again. */
void jit_reset(struct cpu *c);

/* Bytes of code in use, for counters. */
size_t jit_bytes(const struct jit *jit);
