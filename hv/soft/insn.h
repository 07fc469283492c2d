/* SPDX-License-Identifier: MIT */
/*
 * Decoded instructions and blocks.
 *
 * The guest's code is decoded once into blocks: arrays of `struct insn`, straight-line code within
 * one 4 KiB page, found by guest physical address. Each instruction has a handler; the handler of
 * the last one leaves the block. A block knows nothing of the virtual address it runs at: `off` is
 * relative to the block's start, whose address is cpu->pc while the block runs.
 *
 * A handler returns the next instruction to run: `i + 1`, or the first of a chained block, or NULL
 * to go back to the dispatcher (run.c), which looks at cpu->pc, cpu->stop and cpu->kick. A handler
 * that faults returns NULL having changed no register: all accesses come before the first
 * write-back.
 */
#pragma once

#include "tunables.h"

#include <stdbool.h>
#include <stdint.h>

struct cpu;
struct insn;
typedef const struct insn *op_fn(struct cpu *c, const struct insn *i);

/* Register slots of cpu->x. Decoding resolves number 31 to one of these, so that handlers need not.
 */
enum {
    X_ZR = 31,   /* reads as zero; never written */
    X_SP = 32,   /* the current stack pointer */
    X_SINK = 33, /* where writes to the zero register go */
    X_SLOTS = 34
};

struct insn {
    op_fn *fn;
    uint64_t imm;           /* immediate, shift, pointer to a system register: as the format says */
    uint8_t rd, rn, rm, ra; /* slots: destination or Rt; base; second source; third, Rt2 */
    uint32_t raw;           /* the instruction word */
    uint16_t off;           /* bytes from the start of the block */
    uint16_t id;            /* enum a64_id: the row of a64.def */
    uint32_t aux;           /* more operands: as the format says */
};

/* A way out of a block that was taken once. `gen` guards links that leave the page (block.c). */
struct block;
struct link {
    struct block *to;
    struct link *next_in; /* list of links into `to` */
    uint32_t gen;         /* cpu->fetch_gen when made; checked if `crosses` */
    bool crosses;         /* the target is in another page: its mapping may change */
    bool forward;         /* the target is further on in this page: part of no loop by itself */
    /* In translated code (jit/): the jump to patch, where it leads while `to` is NULL, and the copy
     * of `gen` that it compares. All in the writable view; NULL if there is none. */
    uint8_t *site, *stub, *gen_at;
    uint8_t *round; /* this links the block to itself: where it goes on there */
    uint8_t ready;  /* what the code that jumps has found, of what blocks want (emit_v_x64.h) */
};

struct block {
    uint64_t ipa;        /* guest physical address of the first instruction */
    uint64_t va;         /* where it ran first; translated code is for this address alone */
    uint32_t flags;      /* BLOCK_*: the part of the state that decoding depended on */
    uint16_t n;          /* instructions */
    uint16_t rows;       /* of insns[]: n, and one more if the block ends without one that leaves */
    bool dead;           /* invalidated; memory stays until the arena is dropped */
    uint8_t sides;       /* conditional branches before the last instruction: block_extend() */
    struct link *side;   /* where they lead if taken; insn.ra - 1 is the index */
    struct link link[2]; /* 0: branch taken or fall-through of an unconditional end; 1: not taken */
    struct link *in;     /* links of other blocks to this one */
    struct block *hash_next;
    struct block *page_next;
    const void *code; /* translated by the JIT, or NULL */
    uint8_t wants;    /* what the code looks at first, of vector state (emit_v_x64.h) */
    uint32_t heat;    /* entries through the dispatcher or counted by the JIT's profile */
    struct insn insns[];
};

enum {
    BLOCK_EL1 = 1u << 0,     /* runs at EL1 */
    BLOCK_NOFP = 1u << 1,    /* FP and SIMD trap (CPACR_EL1.FPEN) */
    BLOCK_STEP = 1u << 2,    /* one instruction, software step active */
    BLOCK_GUARDED = 1u << 3, /* page has the GP bit: BTI applies */
    BLOCK_PAN = 1u << 4,     /* EL1 data accesses use VIEW_EL1_PAN */
    BLOCK_CHECKED = 1u << 5, /* every data access must be aligned: MMU off, or SCTLR_EL1.A */
    BLOCK_BREAK = 1u << 6    /* ends before an address that a breakpoint names */
};

static inline unsigned insn_bits(uint32_t w, unsigned lo, unsigned len)
{
    return w >> lo & ((1u << len) - 1);
}

static inline int64_t sign_extend(uint64_t value, unsigned bits)
{
    return (int64_t)(value << (64 - bits)) >> (64 - bits);
}
