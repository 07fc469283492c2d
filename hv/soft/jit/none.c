/* SPDX-License-Identifier: MIT */
/* A host for which there is no emitter: the interpreter does everything. */
#include "jit.h"

bool jit_available(void)
{
    return false;
}

struct jit *jit_new(size_t bytes)
{
    (void)bytes;
    return NULL;
}

void jit_free(struct jit *jit)
{
    (void)jit;
}

bool jit_translate(struct cpu *c, struct block *b)
{
    (void)c, (void)b;
    return false;
}

bool jit_translate_again(struct cpu *c, struct block *b)
{
    (void)c, (void)b;
    return false;
}

const struct insn *jit_run(struct cpu *c, const struct block *b)
{
    (void)c;
    return b->insns;
}

const void *jit_cold(const struct jit *jit)
{
    (void)jit;
    return NULL;
}

void jit_link(struct cpu *c, struct link *l, struct block *to)
{
    (void)c, (void)l, (void)to;
}

void jit_unlink(struct link *l)
{
    (void)l;
}

void jit_reset(struct cpu *c)
{
    (void)c;
}

size_t jit_bytes(const struct jit *jit)
{
    (void)jit;
    return 0;
}
