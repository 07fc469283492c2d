/* SPDX-License-Identifier: MIT */
/* The state of the x86-64 emitter, shared by its files. */
#pragma once

#include "asm_x64.h"
#include "code.h"
#include "emit.h"

/* Are the host's flags the guest's? BORROW: but for the carry, which is the other way round. */
enum em_flags { EM_FLAGS_NONE, EM_FLAGS_HOST, EM_FLAGS_BORROW };

/*
 * How NZCV can be had again from the registers that it came from, while they are what they were: by
 * SUB or ADD of n and its right side, or by AND. `undo`: n has the result; what it was is found by
 * the opposite operation.
 */
enum em_again_kind { EM_AGAIN_NOT, EM_AGAIN_SUB, EM_AGAIN_ADD, EM_AGAIN_AND };
struct em_again {
    uint8_t kind;
    bool w, undo, has_m; /* has_m: the right side is a slot, else imm */
    uint8_t n, m;
    int32_t imm;
};

/* Which V register each XMM register has a copy of, or -1; what else is known (emit_v_x64.h). */
struct em_held {
    int8_t v[16];
    uint8_t ready; /* V_* that have been seen clear in cpu->v_unready */
};

enum em_stub_kind {
    EM_STUB_HANDLER,
    EM_STUB_EXIT,
    EM_STUB_INDIRECT,
    EM_STUB_KICK,
    EM_STUB_INTERPRET,
    EM_STUB_V,
    EM_STUB_HANDLER_END,
    EM_STUB_LEAVE
};

/* A floating-point result that is zero is right ... */
enum em_zero { EM_ZERO_NEVER, EM_ZERO_ALWAYS, EM_ZERO_IF_N, EM_ZERO_IF_N_OR_M };

/* A guest address: a host register and what to add. */
struct em_place {
    int base;
    int32_t disp;
    int slot; /* the guest's base register, whose page is looked at first; X_ZR: there is none */
};

struct em_stub {
    enum em_stub_kind kind;
    uint8_t *jump;           /* displacement of the jump that leads here */
    uint8_t *back;           /* HANDLER: where to go on */
    const struct insn *insn; /* HANDLER, HANDLER_END, INTERPRET, V */
    struct link *link;       /* EXIT: of the block */
    uint64_t target;         /* EXIT, LEAVE: virtual address */
    uint8_t btype;           /* INDIRECT: PSTATE.BTYPE for the dispatcher */
    uint8_t *site;           /* EXIT: the displacement to patch when linked */
    uint8_t *gen, *stale;    /* EXIT that crosses a page: the generation; the jump if it is old */
    struct em_held held;     /* HANDLER: what the code at `back` expects in XMM registers */
    uint8_t run;             /* HANDLER: so many instructions from `insn` on */
    /* HANDLER: of an access of so many bytes that was not in its base's page, or 0; where to go on
     * if the TLB has its page. */
    uint16_t bytes;
    bool write;
    struct em_place place;
    uint8_t *found;        /* also V */
    uint8_t want;          /* V: V_* that have to be clear */
    struct em_again again; /* NZCV, which is not in memory: it has to be for what comes */
    enum em_flags host;    /* EXIT: ... but the host's flags have it where the jump is */
    bool fresh;            /* the same, if the block came round (struct em_loop) */
    bool round;            /* EXIT: of a loop, to its own block */
    bool flags;            /* HANDLER: the code at `back` expects the host's flags to be NZCV */
    bool tested;           /* HANDLER: ... or ZF to be that of slot `result` */
    uint8_t result;
    /* HANDLER: where to go on if the lanes in r are right after all (emit_fp_x64.c). */
    enum em_zero zero;
    uint8_t *accept;
    uint8_t r, n, m, bytes_used;
    bool wide;
};

/*
 * A block whose last branch leads back to itself, and that sets NZCV before anything but a fault or
 * a way out can see it. NZCV need not be in memory when it comes round: what is fresh, up to where
 * it is set, finds it from the registers, which must not have been written up to there.
 */
struct em_loop {
    bool is;          /* the block is one */
    bool fresh;       /* being translated: before NZCV is set */
    bool shown;       /* ... and there is something that can see it */
    uint64_t written; /* slots, before the last of those */
    struct em_again
        again;      /* NZCV when it comes round; EM_AGAIN_NOT: it is in memory all the same */
    uint8_t *entry; /* where it comes round to */
};

struct emitter {
    struct as as;
    struct jit *jit;
    const struct cpu *cpu; /* for sizes only */
    struct block *block;
    uint64_t va;
    unsigned view; /* enum mmu_view of the block */
    enum em_flags flags;
    struct em_again again;
    struct em_loop loop;
    bool unsettled; /* NZCV is not in memory: the host has it, or `again` has, or both */
    struct em_held held;
    const struct insn *paired; /* the store-exclusive that its load-exclusive has looked up */
    const struct insn *zf_for; /* this instruction finds in ZF whether slot zf_of is zero */
    int zf_of;
    uint8_t run;      /* instructions that a new stub's handlers stand for */
    bool sp_aligned;  /* SP has been seen to be a multiple of 16 */
    uint8_t used[16]; /* of each XMM register in use: bytes above these are zero */
    uint16_t busy;    /* XMM registers that the instruction being translated uses */
    uint8_t next;     /* where to look first for a victim */
    unsigned stub_count;
    struct em_stub stubs[4 * BLOCK_MAX_INSNS + 8];
};

void em_begin(struct emitter *e);
void em_kick_check(struct emitter *e); /* to the dispatcher, if somebody asks for it */
bool em_finish(struct emitter *e);     /* false: the code memory is full */
void em_thunks(struct jit *jit, struct as *a);

/* ---- registers and flags (emit_x64.c) ---- */

#define DISP(field)  ((int32_t)offsetof(struct cpu, field) - 128)
#define X_DISP(slot) ((int32_t)(slot)*8 - 128)

/* The host register that holds a slot, or -1. */
extern const int8_t em_pinned[X_SLOTS];
static inline int em_reg_of(int slot)
{
    return em_pinned[slot];
}
static inline bool em_fits32(uint64_t v)
{
    return (int64_t)v == (int32_t)v;
}

/* The value of a slot in dst. Leaves the flags. */
void em_get_into(struct emitter *e, bool w, int dst, int slot);
/* The value of a slot in some register: its own, or tmp. */
int em_get(struct emitter *e, bool w, int slot, int tmp);
/* Slot := src, all 64 bits. Leaves the flags. */
void em_put(struct emitter *e, int slot, int src);
/* Where a result may be computed before em_put: the slot's own register, or tmp. */
int em_dest(int slot, int tmp);
/* dst := dst op slot */
void em_alu_slot(struct emitter *e, bool w, unsigned op, int dst, int slot);

/* The host's flags become NZCV, if anything can see it. `inverted`: the carry is a borrow. */
void em_flags_out(struct emitter *e, bool live, bool inverted);
/* op byte [rbp + disp], v; and mov. */
void em_byte_op(struct emitter *e, unsigned op, int32_t disp, uint8_t v);
void em_byte_mov(struct emitter *e, int32_t disp, uint8_t v);

/* An instruction that sets NZCV has been emitted: the host's flags are it. It stays there. */
void em_flags_set(struct emitter *e, bool borrow, struct em_again again);
/* NZCV into memory, if it is not there. Clobbers RAX; the host's flags are NZCV then. */
void em_settle(struct emitter *e);
/* All flags into the host's. Clobbers RAX. */
void em_flags_in(struct emitter *e);
/* Make the host's flags decide a condition; returns the host's code for it. */
unsigned em_condition(struct emitter *e, unsigned cond);

/* ZF := is the slot zero? (emit_branch_x64.c) */
void em_test_zero(struct emitter *e, bool w, int slot);

/* ---- off the straight path (emit_x64.c) ---- */

/* Code that em_finish writes behind the block. */
struct em_stub *em_new_stub(struct emitter *e, enum em_stub_kind kind, uint8_t *jump);
/* What the fast path cannot do, the interpreter's handler does; then on at em_join. */
struct em_stub *em_to_handler(struct emitter *e, const struct insn *i, unsigned cc);
/* The stubs made since `first` come back here. */
void em_join(struct emitter *e, unsigned first);
/* Leave the translated code to interpret from i on. */
void em_to_interpreter(struct emitter *e, const struct insn *i, unsigned cc);

/* ---- addresses (emit_mem_x64.c; the extension: emit_int_x64.c) ---- */

/* RCX := the extension of slot m, not shifted. */
void em_extended_into_rcx(struct emitter *e, int m, unsigned ext);
/* RAX := slot n + slot m, extended as `ext` says and shifted by up to 4. */
void em_address_index(struct emitter *e, int n, int m, unsigned ext, unsigned shift);
/* An access is at the place plus RDX, in the host's memory; or that at the virtual address in RAX.
 */
struct em_place em_locate(struct emitter *e, const struct insn *i, enum em_mode mode,
                          unsigned bytes, bool write);
struct em_place em_locate_at_rax(struct emitter *e, const struct insn *i, unsigned bytes,
                                 bool write);
/* The beginning of the stub of an access that was not in its base's page (em_stub.bytes), and what
 * it calls. */
void em_find_page(struct emitter *e, const struct em_stub *s);
void em_find_thunks(struct jit *jit, struct as *a);
void em_write_back(struct emitter *e, const struct insn *i, enum em_mode mode);
