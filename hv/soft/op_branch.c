/* SPDX-License-Identifier: MIT */
/* Branches: the handlers that leave a block. */
#include "a64.h"
#include "alu.h"
#include "op_int.h"

#define OP(name) const struct insn *op_##name(struct cpu *c, const struct insn *i)
#define TARGET   (insn_pc(c, i) + i->imm)
#define NEXT     (insn_pc(c, i) + 4)

OP(b)
{
    return block_leave(c, 0, TARGET);
}

OP(bl)
{
    uint64_t target = TARGET;
    c->x[30] = NEXT;
    return block_leave(c, 0, target);
}

static inline const struct insn *branch_if(struct cpu *c, const struct insn *i, bool taken)
{
    if (i->ra) /* in the middle of a block */
        return taken ? block_leave_side(c, i, TARGET) : i + 1;
    return taken ? block_leave(c, 0, TARGET) : block_leave(c, 1, NEXT);
}

/* One handler a condition: the flags are looked at where they are. */
#define N (c->nzcv & FLAG_N)
#define Z (c->nzcv & FLAG_Z)
#define C (c->nzcv & FLAG_C)
#define V (c->nzcv & FLAG_V)
#define B_COND(name, holds)                                                                        \
    static OP(b_##name)                                                                            \
    {                                                                                              \
        return branch_if(c, i, holds);                                                             \
    }
B_COND(eq, Z)
B_COND(ne, !Z)
B_COND(cs, C)
B_COND(cc, !C)
B_COND(mi, N)
B_COND(pl, !N)
B_COND(vs, V)
B_COND(vc, !V)
B_COND(hi, C && !Z)
B_COND(ls, !C || Z)
B_COND(ge, !N == !V)
B_COND(lt, !N != !V)
B_COND(gt, !Z && !N == !V)
B_COND(le, Z || !N != !V)

op_fn *const op_b_cond[16] = {
    op_b_eq, op_b_ne, op_b_cs, op_b_cc, op_b_mi, op_b_pl, op_b_vs, op_b_vc,
    op_b_hi, op_b_ls, op_b_ge, op_b_lt, op_b_gt, op_b_le, op_b,    op_b,
};

OP(cbz_w)
{
    return branch_if(c, i, (uint32_t)c->x[i->rn] == 0);
}
OP(cbnz_w)
{
    return branch_if(c, i, (uint32_t)c->x[i->rn] != 0);
}
OP(cbz_x)
{
    return branch_if(c, i, c->x[i->rn] == 0);
}
OP(cbnz_x)
{
    return branch_if(c, i, c->x[i->rn] != 0);
}
OP(tbz)
{
    return branch_if(c, i, !(c->x[i->rn] >> i->aux & 1));
}
OP(tbnz)
{
    return branch_if(c, i, c->x[i->rn] >> i->aux & 1);
}

OP(br)
{
    return block_leave_jump(c, c->x[i->rn], block_btype_jump(c, i->rn));
}
OP(blr)
{
    uint64_t target = c->x[i->rn];
    c->x[30] = NEXT;
    return block_leave_jump(c, target, BTYPE_CALL);
}
OP(ret)
{
    return block_leave_indirect(c, c->x[i->rn]);
}

/* The block ended because of the page or its length: go on at the next address. */
OP(end_of_page)
{
    return block_leave(c, 0, c->pc + i->off);
}
