/* SPDX-License-Identifier: MIT */
/*
 * The emitter for x86-64: pointer authentication. A pointer that was signed or authenticated lately
 * is found in cpu->pac (cpu.h) in line; others are the interpreter's handler's, which puts them
 * there.
 */
#include "emit_x64.h"

#include <stddef.h>

_Static_assert(PAC_OFFSETS < INT32_MAX && PAC_ENTRY_BITS == 5, "the hash is shifted by that");

/* op reg, [the entry at RDX + field] */
static void op_entry(struct emitter *e, unsigned op, int reg, size_t field)
{
    struct as *a = &e->as;
    as_rex(a, true, reg, RDX, RBP, false);
    as_8(a, op);
    as_modrm_x(a, reg, RBP, RDX, 0, DISP(pac) + (int32_t)field);
}

/* The handler, unless reg is what the entry says. */
static void must_be(struct emitter *e, const struct insn *i, int reg, size_t field)
{
    op_entry(e, 0x3b, reg, field);
    em_to_handler(e, i, CC_NE);
}

void em_pac(struct emitter *e, const struct insn *i, bool check)
{
    static const size_t plain = offsetof(struct pac_entry, plain);
    static const size_t coded = offsetof(struct pac_entry, coded);
    struct as *a = &e->as;
    const unsigned first = e->stub_count;
    const int ptr = em_get(e, true, i->rm, RAX), modifier = em_get(e, true, i->rn, RCX);
    as_imul_rri(a, false, RDX, modifier, PAC_HASH); /* pac_offset() */
    as_shift_ri(a, false, SH_SHR, RDX, PAC_HASH_SHIFT);
    as_lea_x(a, false, RDX, RDX, ptr, 3, 0);
    as_alu_ri(a, false, ALU_AND, RDX, PAC_OFFSETS);
    must_be(e, i, ptr, check ? coded : plain);
    must_be(e, i, modifier, offsetof(struct pac_entry, modifier));
    as_load(a, true, RCX, RBP, DISP(pac_id) + 8 * (int32_t)i->aux);
    must_be(e, i, RCX, offsetof(struct pac_entry, id));
    const int out = em_dest(i->rd, RAX);
    op_entry(e, 0x8b, out, check ? plain : coded);
    em_put(e, i->rd, out);
    em_join(e, first);
}

void em_pac_key_changed(struct emitter *e, unsigned key)
{
    as_store_i32(&e->as, true, RBP, DISP(pac_id) + 8 * (int32_t)key, -1);
}
