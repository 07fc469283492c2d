/* SPDX-License-Identifier: MIT */
/* The state of the x86-64 emitter, shared by its files. */
#pragma once

#include "asm_x64.h"
#include "code.h"
#include "emit.h"

enum em_flags { EM_FLAGS_NONE, EM_FLAGS_HOST }; /* are the host's flags the guest's? */

enum em_stub_kind { EM_STUB_HANDLER, EM_STUB_EXIT, EM_STUB_INDIRECT, EM_STUB_KICK };

struct em_stub {
    enum em_stub_kind kind;
    uint8_t *jump;           /* displacement of the jump that leads here */
    uint8_t *back;           /* HANDLER: where to go on */
    const struct insn *insn; /* HANDLER */
    unsigned slot;           /* EXIT: link of the block */
    uint64_t target;         /* EXIT: virtual address */
    uint8_t *site;           /* EXIT: the displacement to patch when linked */
    uint8_t *gen, *stale;    /* EXIT that crosses a page: the generation; the jump if it is old */
};

struct emitter {
    struct as as;
    struct jit *jit;
    const struct cpu *cpu; /* for sizes only */
    struct block *block;
    uint64_t va;
    unsigned view; /* enum mmu_view of the block */
    enum em_flags flags;
    unsigned stub_count;
    struct em_stub stubs[4 * BLOCK_MAX_INSNS + 8];
};

void em_begin(struct emitter *e);
bool em_finish(struct emitter *e); /* false: the code memory is full */
void em_thunks(struct jit *jit, struct as *a);
