/* SPDX-License-Identifier: MIT */
/*
 * Formats shared by the Advanced SIMD rows. What each leaves in struct insn:
 *
 *   rd, rn, rm, ra   the V registers at bits 4:0, 9:5, 20:16, 14:10 (an X slot where the row says
 * so) imm              the amount of a shift by an immediate; the expanded value of MOVI and
 * friends aux              the lane number of an element operand; registers of a TBL table
 *
 * The handler is the one for the element size and length: an operation's table says which exist,
 * and an empty slot makes the word UNDEFINED.
 */
#include "simd.h"

void v_fields(struct insn *i, uint32_t w)
{
    i->rd = (uint8_t)insn_bits(w, 0, 5);
    i->rn = (uint8_t)insn_bits(w, 5, 5);
    i->rm = (uint8_t)insn_bits(w, 16, 5);
    i->ra = (uint8_t)insn_bits(w, 10, 5);
}

bool v_pick(struct insn *i, op_fn *fn)
{
    if (!fn)
        return false;
    i->fn = fn;
    return true;
}

/* Rows whose format always picks a handler name this one: nothing calls it. */
const struct insn *op_v_sized(struct cpu *c, const struct insn *i)
{
    return cpu_undefined(c, i);
}

/* A 64-bit vector of one 64-bit lane is no arrangement: such slots hold scalars. */
static bool pick_vector(struct insn *i, uint32_t w, const v_table t, unsigned size)
{
    const unsigned q = insn_bits(w, 30, 1);
    return (size != SIZE_D || q) && v_pick(i, t[size][q]);
}

bool v_sized(struct insn *i, uint32_t w, const v_table t)
{
    v_fields(i, w);
    return pick_vector(i, w, t, insn_bits(w, 22, 2));
}

bool v_scalar(struct insn *i, uint32_t w, const v_table t)
{
    v_fields(i, w);
    return v_pick(i, t[insn_bits(w, 22, 2)][FORM_SCALAR]);
}

/* immh:immb (bits 22:16) is the lane's width plus a left shift, or twice the width minus a right
 * one. */
static bool shift_fields(struct insn *i, uint32_t w, bool right, unsigned *size)
{
    const unsigned immhb = insn_bits(w, 16, 7);
    if (immhb < 8)
        return false;
    *size = 28 - (unsigned)__builtin_clz(immhb);
    const unsigned bits = 8u << *size;
    v_fields(i, w);
    i->imm = right ? 2 * bits - immhb : immhb - bits;
    return true;
}

bool v_shift_right(struct insn *i, uint32_t w, const v_table t)
{
    unsigned size;
    return shift_fields(i, w, true, &size) && pick_vector(i, w, t, size);
}

bool v_shift_left(struct insn *i, uint32_t w, const v_table t)
{
    unsigned size;
    return shift_fields(i, w, false, &size) && pick_vector(i, w, t, size);
}

bool v_shift_right_scalar(struct insn *i, uint32_t w, const v_table t)
{
    unsigned size;
    return shift_fields(i, w, true, &size) && v_pick(i, t[size][FORM_SCALAR]);
}

bool v_shift_left_scalar(struct insn *i, uint32_t w, const v_table t)
{
    unsigned size;
    return shift_fields(i, w, false, &size) && v_pick(i, t[size][FORM_SCALAR]);
}

/* The lane is H:L:M for 16 bits, with Vm one of the first 16 registers; H:L for 32 bits. */
bool v_elem_fields(struct insn *i, uint32_t w)
{
    const unsigned h = insn_bits(w, 11, 1), l = insn_bits(w, 21, 1), m = insn_bits(w, 20, 1);
    v_fields(i, w);
    switch (insn_bits(w, 22, 2)) {
    case SIZE_H:
        i->rm &= 15;
        i->aux = h << 2 | l << 1 | m;
        return true;
    case SIZE_S: i->aux = h << 1 | l; return true;
    default: return false;
    }
}

bool v_elem(struct insn *i, uint32_t w, const v_table t)
{
    return v_elem_fields(i, w) && pick_vector(i, w, t, insn_bits(w, 22, 2));
}

bool v_elem_scalar(struct insn *i, uint32_t w, const v_table t)
{
    return v_elem_fields(i, w) && v_pick(i, t[insn_bits(w, 22, 2)][FORM_SCALAR]);
}

/* Dot products by element: groups of four bytes, numbered H:L whatever the size field is. */
bool v_elem_dot(struct insn *i, uint32_t w, const v_table t)
{
    v_fields(i, w);
    i->aux = insn_bits(w, 11, 1) << 1 | insn_bits(w, 21, 1);
    return v_pick(i, t[SIZE_S][insn_bits(w, 30, 1)]);
}
