/* SPDX-License-Identifier: MIT */
/*
 * The emitter for x86-64: how guest registers and flags are held, the beginning and the end of
 * blocks, and the frame around them. (emit_int_x64.c has integer instructions, emit_mem_x64.c
 * memory, emit_branch_x64.c the ways out of a block, emit_v_x64.c and its neighbours vectors.)
 *
 * While translated code runs, RBP is the CPU structure plus 128, so that x0-x30 have one-byte
 * displacements. The guest registers in `em_pinned` live in host registers all the time, across
 * blocks; the others are operated on in memory. RAX, RCX and RDX are free for every instruction.
 * NZCV is in memory, in the form that LAHF and SETO give, wherever a block ends or C code may see
 * it. In between it stays in the host's flags, and what destroys those leaves it to be computed
 * again from the registers that it came from: struct em_again.
 *
 * C code (handlers, the dispatcher) sees all registers in the structure: the thunks below store the
 * pinned ones before a call and load them after (V registers: when one is used next).
 */
#include "emit_v_x64.h"

#include <stddef.h>

_Static_assert(offsetof(struct cpu, x) == 0, "x0 is at RBP - 128");

/* Which guest registers have a host register: arguments, the first callee-saved ones, SP. */
const int8_t em_pinned[X_SLOTS] = {
    RBX, RSI, RDI, R8,  R9,  R10, R11, -1, -1, -1, -1, -1, -1, -1, -1, -1,  -1,
    -1,  -1,  R12, R13, R14, -1,  -1,  -1, -1, -1, -1, -1, -1, -1, -1, R15, -1,
};

/* ---- operands ---- */

void em_get_into(struct emitter *e, bool w, int dst, int slot)
{
    if (slot == X_ZR)
        as_mov_ri(&e->as, dst, 0);
    else if (em_reg_of(slot) < 0)
        as_load(&e->as, w, dst, RBP, X_DISP(slot));
    else if (em_reg_of(slot) != dst || !w)
        as_mov_rr(&e->as, w, dst, em_reg_of(slot));
}

int em_get(struct emitter *e, bool w, int slot, int tmp)
{
    if (slot != X_ZR && em_reg_of(slot) >= 0)
        return em_reg_of(slot);
    em_get_into(e, w, tmp, slot);
    return tmp;
}

void em_put(struct emitter *e, int slot, int src)
{
    if (slot == X_SINK)
        return;
    if (slot == X_SP)
        e->sp_aligned = false;
    if (em_reg_of(slot) < 0)
        as_store(&e->as, true, src, RBP, X_DISP(slot));
    else if (em_reg_of(slot) != src)
        as_mov_rr(&e->as, true, em_reg_of(slot), src);
}

int em_dest(int slot, int tmp)
{
    return slot != X_SINK && em_reg_of(slot) >= 0 ? em_reg_of(slot) : tmp;
}

void em_alu_slot(struct emitter *e, bool w, unsigned op, int dst, int slot)
{
    if (slot == X_ZR)
        as_alu_ri(&e->as, w, op, dst, 0);
    else if (em_reg_of(slot) >= 0)
        as_alu_rr(&e->as, w, op, dst, em_reg_of(slot));
    else
        as_alu_rm(&e->as, w, op, dst, RBP, X_DISP(slot));
}

void em_byte_op(struct emitter *e, unsigned op, int32_t disp, uint8_t v)
{
    as_op_rm(&e->as, false, 0x80, (int)op, RBP, disp);
    as_8(&e->as, v);
}

void em_byte_mov(struct emitter *e, int32_t disp, uint8_t v)
{
    as_op_rm(&e->as, false, 0xc6, 0, RBP, disp);
    as_8(&e->as, v);
}

/* ---- flags ---- */

static void store_flags(struct emitter *e)
{
    if (e->flags == EM_FLAGS_BORROW)
        as_cmc(&e->as);
    e->flags = EM_FLAGS_HOST;
    as_lahf(&e->as);
    as_setcc(&e->as, CC_O, RAX);
    as_store_n(&e->as, 2, RAX, RBP, DISP(nzcv));
}

void em_flags_out(struct emitter *e, bool live, bool inverted)
{
    e->flags = EM_FLAGS_NONE;
    if (!live)
        return;
    e->flags = inverted ? EM_FLAGS_BORROW : EM_FLAGS_HOST;
    store_flags(e);
    e->again.kind = EM_AGAIN_NOT;
    e->unsettled = false;
}

/* right side: dst op= slot m or imm */
static void again_op(struct emitter *e, const struct em_again *g, unsigned op, int dst)
{
    if (g->has_m)
        em_alu_slot(e, g->w, op, dst, g->m);
    else
        as_alu_ri(&e->as, g->w, op, dst, g->imm);
}

/* The host's flags, from the registers. Clobbers RAX. */
static void flags_again(struct emitter *e, const struct em_again *g)
{
    const bool sub = g->kind == EM_AGAIN_SUB;
    const unsigned op = sub ? ALU_CMP : g->kind == EM_AGAIN_ADD ? ALU_ADD : ALU_AND;
    int left = RAX;
    if (g->kind == EM_AGAIN_AND && g->has_m && g->m == g->n) {
        left = em_get(e, g->w, g->n, RAX);
        as_test_rr(&e->as, g->w, left, left);
    } else {
        if (sub && !g->undo)
            left = em_get(e, g->w, g->n, RAX);
        else
            em_get_into(e, g->w, RAX, g->n);
        if (g->undo)
            again_op(e, g, sub ? ALU_ADD : ALU_SUB, RAX);
        again_op(e, g, op, left);
    }
    e->flags = sub ? EM_FLAGS_BORROW : EM_FLAGS_HOST;
}

void em_flags_set(struct emitter *e, bool borrow, struct em_again again)
{
    e->flags = borrow ? EM_FLAGS_BORROW : EM_FLAGS_HOST;
    e->again = again;
    e->unsettled = true;
}

void em_settle(struct emitter *e)
{
    if (!e->unsettled)
        return;
    if (e->flags == EM_FLAGS_NONE)
        flags_again(e, &e->again);
    store_flags(e);
    e->unsettled = false;
}

/* TEST byte [nzcv + byte], bit: NE if it is set. */
static void test_flag(struct emitter *e, uint32_t flag)
{
    unsigned byte = flag > 0xff;
    as_rex(&e->as, false, 0, 0, RBP, false);
    as_8(&e->as, 0xf6);
    as_modrm_m(&e->as, 0, RBP, DISP(nzcv) + (int32_t)byte);
    as_8(&e->as, byte ? flag >> 8 : flag);
}

void em_flags_in(struct emitter *e)
{
    as_movx_rm(&e->as, false, false, 2, RAX, RBP, DISP(nzcv));
    as_8(&e->as, 0x04); /* add al, 0x7f: OF = V */
    as_8(&e->as, 0x7f);
    as_sahf(&e->as);
}

unsigned em_condition(struct emitter *e, unsigned cond)
{
    static const uint8_t host[16] = {CC_E, CC_NE, CC_B,  CC_AE, CC_S, CC_NS, CC_O, CC_NO,
                                     CC_A, CC_BE, CC_GE, CC_L,  CC_G, CC_LE, 0,    0};
    static const uint16_t single[4] = {FLAG_Z, FLAG_C, FLAG_N, FLAG_V};
    const bool is_in_memory = e->flags == EM_FLAGS_NONE && e->again.kind == EM_AGAIN_NOT;
    if (is_in_memory && cond < 8) {
        test_flag(e, single[cond / 2]);
        return cond & 1 ? CC_E : CC_NE;
    }
    if (is_in_memory) {
        em_flags_in(e);
        e->flags = EM_FLAGS_HOST;
    } else if (e->flags == EM_FLAGS_NONE) {
        flags_again(e, &e->again);
    }
    const bool borrow = e->flags == EM_FLAGS_BORROW;
    if ((cond & ~1u) == 8 && !borrow) { /* HI, LS: the host's want a borrow */
        as_cmc(&e->as);
        e->flags = EM_FLAGS_BORROW;
    }
    return (cond & ~1u) == 2 && borrow ? host[cond] ^ 1u : host[cond]; /* CS, CC */
}

/* ---- off the straight path ---- */

struct em_stub *em_new_stub(struct emitter *e, enum em_stub_kind kind, uint8_t *jump)
{
    struct em_stub *s = &e->stubs[e->stub_count++];
    *s = (struct em_stub){.kind = kind, .jump = jump, .fresh = e->loop.fresh};
    if (e->unsettled)
        s->again = e->again;
    return s;
}

struct em_stub *em_to_handler(struct emitter *e, const struct insn *i, unsigned cc)
{
    struct em_stub *s = em_new_stub(e, EM_STUB_HANDLER, as_jcc(&e->as, cc, as_rx(&e->as)));
    s->insn = i;
    s->run = e->run;
    return s;
}

void em_to_interpreter(struct emitter *e, const struct insn *i, unsigned cc)
{
    struct em_stub *s = em_new_stub(e, EM_STUB_INTERPRET, as_jcc(&e->as, cc, as_rx(&e->as)));
    s->insn = i;
}

void em_join(struct emitter *e, unsigned first)
{
    for (unsigned n = first; n < e->stub_count; n++) {
        e->stubs[n].back = e->as.p;
        e->stubs[n].held = e->held;
    }
    e->flags = EM_FLAGS_NONE;
}

/* The handler of RCX in the middle of a block. It is left from here if the handler says so, not
 * from within the thunk: a call without its return would have the host mispredict all that follow.
 */
static void call_handler(struct emitter *e)
{
    as_call(&e->as, e->jit->handler);
    as_jcc(&e->as, CC_E, e->jit->quit);
}

void em_handler(struct emitter *e, const struct insn *i, bool ends)
{
    struct as *a = &e->as;
    as_mov_ri(a, RCX, (uintptr_t)i);
    if (ends)
        as_jmp(a, e->jit->handler_end);
    else
        call_handler(e);
    em_v_forget(e);
    e->sp_aligned = false;
    e->flags = EM_FLAGS_NONE;
}

/* ---- whole blocks ---- */

void em_kick_check(struct emitter *e)
{
    as_alu_mi(&e->as, false, ALU_CMP, RBP, DISP(kick), 0);
    em_new_stub(e, EM_STUB_KICK, as_jcc(&e->as, CC_NE, as_rx(&e->as)));
}

void em_begin(struct emitter *e)
{
    e->sp_aligned = false;
    e->paired = e->zf_for = NULL;
    e->run = 1;
    e->again.kind = EM_AGAIN_NOT;
    e->unsettled = false;
    em_v_start(e);
    const uint8_t *start = e->as.p;
    em_kick_check(e);
    e->jit->kick_check = (unsigned)(e->as.p - start); /* the same in every block */
    if (e->loop.is)
        em_byte_mov(e, DISP(came_round), 0);
    e->loop.fresh = e->loop.is;
    e->loop.entry = e->as.p;
}

static bool is_unsettled(const struct emitter *e, const struct em_stub *s)
{
    return s->again.kind != EM_AGAIN_NOT || (s->fresh && e->loop.again.kind != EM_AGAIN_NOT);
}

/* Where a stub leads to, NZCV is seen in memory. */
static void settle_stub(struct emitter *e, const struct em_stub *s)
{
    uint8_t *settled = NULL;
    if (!is_unsettled(e, s))
        return;
    if (s->again.kind == EM_AGAIN_NOT) {
        em_byte_op(e, ALU_CMP, DISP(came_round), 0);
        settled = as_jcc(&e->as, CC_E, as_rx(&e->as));
    }
    if (s->host != EM_FLAGS_NONE)
        e->flags = s->host;
    else
        flags_again(e, s->again.kind == EM_AGAIN_NOT ? &e->loop.again : &s->again);
    store_flags(e);
    if (settled && !e->as.full)
        as_patch(settled, e->as.p);
}

/* A way out that NZCV is stored on, before the jump that is patched. */
static void settle_exit(struct emitter *e, struct em_stub *s)
{
    if (s->round)
        s->link->stub = e->as.p;
    settle_stub(e, s);
    if (!s->round)
        s->site = as_jmp(&e->as, as_rx(&e->as) + 5);
}

static void finish_stub(struct emitter *e, struct em_stub *s)
{
    struct as *a = &e->as;
    if (a->full)
        return;
    as_patch(s->jump, a->p);
    switch (s->kind) {
    case EM_STUB_HANDLER:
        if (s->accept)
            em_fp_second_look(e, s);
        if (s->bytes)
            em_find_page(e, s);
        settle_stub(e, s);
        for (unsigned n = 0; n < s->run; n++) {
            as_mov_ri(a, RCX, (uintptr_t)(s->insn + n));
            call_handler(e);
        }
        em_v_reload(e, &s->held);
        if (s->flags)
            em_flags_in(e);
        if (s->tested)
            em_test_zero(e, false, s->result);
        as_jmp(a, s->back + a->rx_delta);
        break;
    case EM_STUB_V: em_v_make_ready(e, s); break;
    case EM_STUB_INTERPRET:
        settle_stub(e, s);
        as_mov_ri(a, RCX, (uintptr_t)s->insn);
        as_jmp(a, e->jit->interpret);
        break;
    case EM_STUB_EXIT: {
        struct link *l = s->link;
        if (is_unsettled(e, s))
            settle_exit(e, s);
        l->site = s->site;
        l->round = s->round ? e->loop.entry : NULL;
        if (!s->round)
            l->stub = a->p;
        l->gen_at = s->gen;
        if (s->stale)
            as_patch(s->stale, a->p);
        as_mov_ri(a, RAX, s->target);
        as_mov_ri(a, RCX, (uintptr_t)l);
        as_jmp(a, e->jit->leave);
        break;
    }
    case EM_STUB_HANDLER_END:
        as_mov_ri(a, RCX, (uintptr_t)s->insn);
        as_jmp(a, e->jit->handler_end);
        break;
    case EM_STUB_LEAVE:
        as_mov_ri(a, RAX, s->target);
        as_mov_ri(a, RCX, 0);
        as_jmp(a, e->jit->leave);
        break;
    case EM_STUB_INDIRECT:
        if (s->btype) {
            as_op_rm(a, false, 0xc6, 0, RBP, DISP(btype)); /* mov byte [btype], imm8 */
            as_8(a, s->btype);
        }
        as_mov_ri(a, RCX, 0);
        as_jmp(a, e->jit->leave);
        break;
    case EM_STUB_KICK:
        settle_stub(e, s);
        as_mov_ri(a, RAX, e->va);
        as_mov_ri(a, RCX, 0);
        as_jmp(a, e->jit->leave);
        break;
    }
}

bool em_finish(struct emitter *e)
{
    for (unsigned n = 0; n < e->stub_count; n++)
        finish_stub(e, &e->stubs[n]);
    return !e->as.full;
}

/* ---- the frame around translated code ---- */

static void store_pinned(struct as *a)
{
    em_v_save(a);
    for (int slot = 0; slot < X_SLOTS; slot++) {
        if (em_reg_of(slot) >= 0)
            as_store(a, true, em_reg_of(slot), RBP, X_DISP(slot));
    }
}

static void load_pinned(struct as *a)
{
    for (int slot = 0; slot < X_SLOTS; slot++) {
        if (em_reg_of(slot) >= 0)
            as_load(a, true, em_reg_of(slot), RBP, X_DISP(slot));
    }
}

static const uint8_t saved[] = {RBX, RBP, R12, R13, R14, R15};

/* Store the pinned registers, call function(cpu, insn in RCX). */
static void call_c(struct as *a, const struct insn *(*function)(struct cpu *, const struct insn *))
{
    store_pinned(a);
    as_lea(a, true, RDI, RBP, -128);
    as_mov_rr(a, true, RSI, RCX);
    as_mov_ri(a, RAX, (uintptr_t)function);
    as_call_r(a, RAX);
}

/*
 * enter(cpu, code): returns what the code leaves with. Inside, RSP is a multiple of 16 between
 * instructions, so that a call of a thunk and then of C keeps the ABI's alignment.
 */
void em_thunks(struct jit *jit, struct as *a)
{
    jit->enter = as_rx(a);
    for (unsigned n = 0; n < sizeof saved; n++)
        as_push(a, saved[n]);
    as_alu_ri(a, true, ALU_SUB, RSP, 8);
    as_lea(a, true, RBP, RDI, 128);
    as_mov_rr(a, true, RAX, RSI);
    em_v_enter(a);
    load_pinned(a);
    as_jmp_r(a, RAX);

    /* To the dispatcher with pc = RAX, by no link. */
    jit->cold = as_rx(a);
    as_mov_ri(a, RCX, 0);

    /* pc = RAX, link_from = RCX, back to the dispatcher. */
    jit->leave = as_rx(a);
    store_pinned(a);
    as_store(a, true, RAX, RBP, DISP(pc));
    as_store(a, true, RCX, RBP, DISP(link_from));
    as_mov_ri(a, RAX, 0);

    jit->quit = as_rx(a); /* what is returned is in RAX */
    as_alu_ri(a, true, ALU_ADD, RSP, 8);
    for (unsigned n = sizeof saved; n-- > 0;)
        as_pop(a, saved[n]);
    as_ret(a);

    /* An instruction in the middle of a block. ZF: the handler said NULL. */
    jit->handler = as_rx(a);
    as_alu_ri(a, true, ALU_SUB, RSP, 8);
    call_c(a, jit_call);
    as_alu_ri(a, true, ALU_ADD, RSP, 8);
    as_test_rr(a, true, RAX, RAX);
    uint8_t *fault = as_jcc(a, CC_E, as_rx(a));
    load_pinned(a);
    if (!a->full)
        as_patch(fault, a->p);
    as_ret(a);

    /* The last instruction of a block: whatever it returns goes to the dispatcher. */
    jit->handler_end = as_rx(a);
    call_c(a, jit_call);
    as_jmp(a, jit->quit);

    /* The rest of the block is interpreted, from the instruction in RCX on. */
    jit->interpret = as_rx(a);
    call_c(a, jit_resume);
    as_jmp(a, jit->quit);
    em_find_thunks(jit, a);
    em_v_thunks(jit, a);
}

void jit_emit_thunks(struct jit *jit)
{
    struct as a = {.p = jit->rw, .end = jit->rw + jit->size, .rx_delta = jit->rx - jit->rw};
    em_thunks(jit, &a);
    jit->used = jit->base = (size_t)(a.p - jit->rw);
}

void jit_emit_jump(struct jit *jit, const void *from, const void *to)
{
    uint8_t *at = jit->rw + ((const uint8_t *)from - jit->rx);
    struct as a = {.p = at, .end = at + jit->kick_check, .rx_delta = jit->rx - jit->rw};
    as_jmp(&a, to);
}
