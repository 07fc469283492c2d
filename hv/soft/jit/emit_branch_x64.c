/* SPDX-License-Identifier: MIT */
/*
 * The emitter for x86-64: the ends of blocks. A way out to a known address is a link, which the
 * dispatcher patches to lead straight to the next block; to an unknown one, a look at the jump
 * cache in line.
 */
#include "emit_x64.h"

#include <stddef.h>

_Static_assert(sizeof(struct jump_entry) == 32, "the index is a multiple of 4, times 8");
_Static_assert(offsetof(struct cpu, block_flags) == offsetof(struct cpu, fetch_gen) + 4,
               "compared as one word");
_Static_assert(offsetof(struct cpu, line_fiq) == offsetof(struct cpu, line_irq) + 1,
               "looked at as one word");
_Static_assert(offsetof(struct jump_entry, flags) == offsetof(struct jump_entry, gen) + 4,
               "compared as one word");

/* ---- leaving the block ---- */

/* icount += n without touching the flags. Only if somebody wants to know: it makes a short loop
 * wait for memory. */
static void count_some(struct emitter *e, unsigned n)
{
    if (!counts_insns())
        return;
    as_load(&e->as, true, RAX, RBP, DISP(icount));
    as_lea(&e->as, true, RAX, RAX, (int32_t)n);
    as_store(&e->as, true, RAX, RBP, DISP(icount));
}

static void count(struct emitter *e)
{
    count_some(e, e->block->n);
}

static struct em_stub *exit_stub(struct emitter *e, struct link *l, uint64_t target, uint8_t *jump)
{
    struct em_stub *s = em_new_stub(e, EM_STUB_EXIT, jump);
    s->link = l;
    l->ready = e->held.ready;
    s->target = target;
    s->site = jump;
    s->host = e->unsettled ? e->flags : EM_FLAGS_NONE;
    return s;
}

/* Jump through link `slot`. Until something is linked the jump leads to the stub behind the block.
 */
static void leave(struct emitter *e, unsigned slot, uint64_t target)
{
    struct as *a = &e->as;
    struct link *l = &e->block->link[slot];
    if (!l->crosses) {
        exit_stub(e, l, target, as_jmp(a, as_rx(a)));
        return;
    }
    as_op_rm(a, false, 0x81, ALU_CMP, RBP, DISP(fetch_gen)); /* cmp dword [fetch_gen], imm32 */
    uint8_t *gen = a->p;
    as_32(a, 0);
    uint8_t *stale = as_jcc(a, CC_NE, as_rx(a));
    struct em_stub *s = exit_stub(e, l, target, as_jmp(a, as_rx(a)));
    s->gen = gen;
    s->stale = stale;
}

void em_branch(struct emitter *e, uint64_t target)
{
    count(e);
    leave(e, 0, target);
}

/* The branch of i, in the middle of the block. The flags stay what they are. */
static void side_way(struct emitter *e, const struct insn *i, unsigned cc, uint64_t taken)
{
    struct as *a = &e->as;
    struct link *l = &e->block->side[i->ra - 1];
    if (!counts_insns()) {
        exit_stub(e, l, taken, as_jcc(a, cc, as_rx(a)));
        return;
    }
    uint8_t *on = as_jcc(a, cc ^ 1, as_rx(a));
    count_some(e, i->off / 4 + 1u);
    exit_stub(e, l, taken, as_jmp(a, as_rx(a)));
    if (!a->full)
        as_patch(on, a->p);
}

/* The end of a loop that leaves NZCV in the registers (struct em_loop). On as long as `cc` holds.
 */
static void go_round(struct emitter *e, uint64_t next, unsigned cc)
{
    struct as *a = &e->as;
    struct link *link = e->block->link;
    e->loop.again = e->again;
    exit_stub(e, &link[1], next, as_jcc(a, cc ^ 1, as_rx(a)));
    em_kick_check(e);
    e->flags = EM_FLAGS_NONE;
    if (e->loop.shown)
        em_byte_mov(e, DISP(came_round), 1);
    exit_stub(e, &link[0], e->va, as_jmp(a, as_rx(a)))->round = true;
}

/* To where i branches if `cc` holds, else on behind it. */
static void two_ways(struct emitter *e, const struct insn *i, unsigned cc)
{
    struct as *a = &e->as;
    const uint64_t pc = e->va + i->off, taken = pc + i->imm, next = pc + 4;
    if (i->ra) {
        side_way(e, i, cc, taken);
        return;
    }
    count(e);
    if (e->loop.is && e->unsettled) {
        go_round(e, next, cc);
        return;
    }
    if (!e->block->link[0].crosses) {
        exit_stub(e, &e->block->link[0], taken, as_jcc(a, cc, as_rx(a)));
        leave(e, 1, next);
        return;
    }
    uint8_t *to_taken = as_jcc(a, cc, as_rx(a));
    leave(e, 1, next);
    if (!a->full)
        as_patch(to_taken, a->p);
    leave(e, 0, taken);
}

void em_branch_cond(struct emitter *e, const struct insn *i, unsigned cond)
{
    two_ways(e, i, em_condition(e, cond));
}

void em_test_zero(struct emitter *e, bool w, int slot)
{
    if (slot == X_ZR || em_reg_of(slot) >= 0) {
        int r = em_get(e, w, slot, RCX);
        as_test_rr(&e->as, w, r, r);
    } else {
        as_alu_mi(&e->as, w, ALU_CMP, RBP, X_DISP(slot), 0);
    }
}

void em_branch_zero(struct emitter *e, const struct insn *i, bool w, bool nonzero)
{
    if (e->zf_for != i || e->zf_of != i->rn)
        em_test_zero(e, w, i->rn);
    e->flags = EM_FLAGS_NONE;
    two_ways(e, i, nonzero ? CC_NE : CC_E);
}

void em_branch_bit(struct emitter *e, const struct insn *i, unsigned bit, bool set)
{
    int r = em_get(e, true, i->rn, RCX);
    if (bit < 32) {
        as_test_ri(&e->as, false, r, 1u << bit);
    } else {
        as_op2_rr(&e->as, true, 0xba, 4, r, false); /* bt r, bit */
        as_8(&e->as, bit);
    }
    e->flags = EM_FLAGS_NONE;
    two_ways(e, i, bit < 32 ? (set ? CC_NE : CC_E) : (set ? CC_B : CC_AE));
}

/* x30 := the return address. Leaves RAX and the flags. */
static void em_link_register(struct emitter *e, uint64_t ret)
{
    if (em_fits32(ret)) {
        as_store_i32(&e->as, true, RBP, X_DISP(30), (int32_t)ret);
    } else {
        as_mov_ri(&e->as, RDX, ret);
        as_store(&e->as, true, RDX, RBP, X_DISP(30));
    }
}

static void miss(struct emitter *e, unsigned cc, unsigned btype)
{
    em_new_stub(e, EM_STUB_INDIRECT, as_jcc(&e->as, cc, as_rx(&e->as)))->btype = (uint8_t)btype;
}

/* Opcode op on a field of the jump cache's entry at RCX. */
static void jump_entry(struct emitter *e, bool w, unsigned op, int reg, size_t field)
{
    struct as *a = &e->as;
    as_rex(a, w, reg, RCX, RBP, false);
    as_8(a, op);
    as_modrm_x(a, reg, RBP, RCX, 3, DISP(jump) + (int32_t)field);
}

/* The jump cache inline: the compare of block_leave_indirect. */
void em_branch_reg(struct emitter *e, int n, bool link, uint64_t ret, unsigned btype)
{
    struct as *a = &e->as;
    count(e);
    em_get_into(e, true, RAX, n);
    if (link)
        em_link_register(e, ret);
    as_mov_rr(a, false, RCX, RAX); /* 8 * rcx: an entry for each word */
    as_alu_ri(a, false, ALU_AND, RCX, (int32_t)((JUMP_CACHE_SIZE - 1) << 2));
    jump_entry(e, true, 0x3b, RAX, offsetof(struct jump_entry, pc)); /* cmp rax, [jump[].pc] */
    miss(e, CC_NE, btype);
    as_load(a, true, RDX, RBP, DISP(fetch_gen)); /* and block_flags */
    if (e->block->flags & BLOCK_GUARDED) {
        as_op2_rr(a, true, 0xba, 5, RDX, false); /* bts rdx: to another guarded page */
        as_8(a, 32 + __builtin_ctz(BLOCK_GUARDED));
    }
    jump_entry(e, true, 0x3b, RDX, offsetof(struct jump_entry, gen));
    miss(e, CC_NE, btype);
    jump_entry(e, false, 0xff, 4, offsetof(struct jump_entry, code)); /* jmp [jump[].code] */
}

/* The end of a block that changed DAIF: an interrupt that waits is the dispatcher's. */
static void leave_unless_pending(struct emitter *e, uint64_t next)
{
    struct as *a = &e->as;
    count(e);
    as_load(a, true, RCX, RBP, DISP(gic_lines));
    as_movx_rm(a, false, false, 2, RAX, RBP, DISP(line_irq)); /* and line_fiq behind it */
    as_alu_rm(a, false, ALU_OR, RAX, RCX, 0);
    em_new_stub(e, EM_STUB_LEAVE, as_jcc(a, CC_NE, as_rx(a)))->target = next;
    leave(e, 0, next);
}

void em_daif_imm(struct emitter *e, bool set, unsigned bits, uint64_t next)
{
    as_alu_mi(&e->as, false, set ? ALU_OR : ALU_AND, RBP, DISP(daif),
              set ? (int32_t)bits : ~(int32_t)bits);
    if (!set) {
        leave_unless_pending(e, next);
        return;
    }
    count(e);
    leave(e, 0, next);
}

/* A change of the D bit may start or stop stepping: the handler's. */
void em_daif_reg(struct emitter *e, const struct insn *i, uint64_t next)
{
    struct as *a = &e->as;
    em_get_into(e, false, RCX, i->rd);
    as_alu_ri(a, false, ALU_AND, RCX, DAIF_D | DAIF_A | DAIF_I | DAIF_F);
    as_mov_rr(a, false, RAX, RCX);
    as_alu_rm(a, false, ALU_XOR, RAX, RBP, DISP(daif));
    as_test_ri(a, false, RAX, DAIF_D);
    struct em_stub *s = em_new_stub(e, EM_STUB_HANDLER_END, as_jcc(a, CC_NE, as_rx(a)));
    s->insn = i;
    as_store(a, false, RCX, RBP, DISP(daif));
    leave_unless_pending(e, next);
}
