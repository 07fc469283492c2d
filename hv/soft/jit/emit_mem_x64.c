/* SPDX-License-Identifier: MIT */
/*
 * The emitter for x86-64: memory. Each access looks its page up in the TLB of its view in line;
 * what is not there, crosses a page or must be checked is the interpreter's handler's, off the
 * straight path.
 */
#include "emit_x64.h"

#include <stddef.h>

_Static_assert(sizeof(struct tlb_entry) == 1u << TLB_ENTRY_BITS, "the index is shifted by that");
_Static_assert(offsetof(struct cpu, excl_size) == offsetof(struct cpu, excl_valid) + 1,
               "looked at as one word");

/* ---- addresses ---- */

void em_address_index(struct emitter *e, int n, int m, unsigned ext, unsigned shift)
{
    int base = em_get(e, true, n, RAX), index = RCX;
    if (ext != 3 && ext != 7)
        em_extended_into_rcx(e, m, ext);
    else if (shift > 3)
        em_get_into(e, true, RCX, m);
    else
        index = em_get(e, true, m, RCX);
    if (shift > 3) {
        as_shift_ri(&e->as, true, SH_SHL, RCX, shift);
        shift = 0;
    }
    as_lea_x(&e->as, true, RAX, base, index, shift, 0);
}

void em_address(struct emitter *e, const struct insn *i, enum em_mode mode)
{
    struct as *a = &e->as;
    if (mode == EM_LITERAL) {
        as_mov_ri(a, RAX, e->va + i->off + i->imm);
        return;
    }
    if (mode == EM_INDEX) {
        em_address_index(e, i->rn, i->rm, i->aux, (unsigned)i->imm);
        return;
    }
    int32_t offset = mode == EM_POST ? 0 : (int32_t)i->imm;
    int base = em_get(e, true, i->rn, RAX);
    if (offset)
        as_lea(a, true, RAX, base, offset);
    else if (base != RAX)
        as_mov_rr(a, true, RAX, base);
}

/*
 * RAX: virtual address in; RDX: what to add for the host's, if [RAX, RAX + bytes) lies in one page
 * that the TLB has for this access; else the handler. The same compare as in mem.h. `aligned`: to
 * `bytes`, or the handler.
 */
static void look_up(struct emitter *e, const struct insn *i, unsigned bytes, bool write,
                    bool aligned)
{
    struct as *a = &e->as;
    bool checked = e->block->flags & BLOCK_CHECKED;
    int32_t entry = DISP(tlb_sets) + (int32_t)(e->view * sizeof(e->cpu->tlb_sets[0]));
    int32_t tag = entry + (int32_t)(write ? offsetof(struct tlb_entry, write)
                                          : offsetof(struct tlb_entry, read));
    if (i->rn == X_SP && !e->sp_aligned) {
        as_test_ri(a, false, em_reg_of(X_SP), 15);
        em_to_handler(e, i, CC_NE);
        e->sp_aligned = true;
    }
    aligned |= checked;
    as_mov_rr(a, false, RDX, RAX);
    if (bytes > 1 && !aligned)
        as_lea(a, true, RCX, RAX, (int32_t)bytes - 1);
    else
        as_mov_rr(a, true, RCX, RAX);
    as_shift_ri(a, false, SH_SHR, RDX, PAGE_BITS - TLB_ENTRY_BITS);
    as_alu_ri(a, true, ALU_AND, RCX, (int32_t)(PAGE_MASK | (aligned ? bytes - 1 : 0)));
    if (checked)
        as_alu_ri(a, true, ALU_OR, RCX, TLB_CHECKED);
    as_alu_rm(a, false, ALU_AND, RDX, RBP, DISP(tlb_mask));
    /* cmp rcx, [rbp + rdx + tag] */
    as_rex(a, true, RCX, RDX, RBP, false);
    as_8(a, 0x3b);
    as_modrm_x(a, RCX, RBP, RDX, 0, tag);
    em_to_handler(e, i, CC_NE);
    /* mov rdx, [rbp + rdx + addend] */
    as_rex(a, true, RDX, RDX, RBP, false);
    as_8(a, 0x8b);
    as_modrm_x(a, RDX, RBP, RDX, 0, entry + (int32_t)offsetof(struct tlb_entry, addend));
}

void em_translate(struct emitter *e, const struct insn *i, unsigned bytes, bool write)
{
    look_up(e, i, bytes, write, false);
    as_alu_rr(&e->as, true, ALU_ADD, RAX, RDX);
}

void em_write_back(struct emitter *e, const struct insn *i, enum em_mode mode)
{
    if (mode != EM_POST && mode != EM_PRE)
        return;
    if (i->rn == X_SP && (i->imm & 15))
        e->sp_aligned = false;
    if (em_reg_of(i->rn) >= 0)
        as_lea(&e->as, true, em_reg_of(i->rn), em_reg_of(i->rn), (int32_t)i->imm);
    else
        as_alu_mi(&e->as, true, ALU_ADD, RBP, X_DISP(i->rn), (int32_t)i->imm);
}

/* ---- loads and stores: at RAX + RDX ---- */

static void load_slot(struct emitter *e, struct em_access a, int slot, int32_t disp)
{
    int out = em_dest(slot, RCX);
    as_movx_rx(&e->as, a.wide, a.sign, a.bytes, out, RAX, RDX, disp);
    em_put(e, slot, out);
}

static void store_slot(struct emitter *e, struct em_access a, int slot, int32_t disp)
{
    as_store_nx(&e->as, a.bytes, em_get(e, true, slot, RCX), RAX, RDX, disp);
}

void em_load(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode)
{
    unsigned first = e->stub_count;
    em_address(e, i, mode);
    look_up(e, i, a.bytes, false, false);
    em_write_back(e, i, mode);
    load_slot(e, a, i->rd, 0);
    em_join(e, first);
}

void em_store(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode)
{
    unsigned first = e->stub_count;
    em_address(e, i, mode);
    look_up(e, i, a.bytes, true, false);
    store_slot(e, a, i->rd, 0);
    em_write_back(e, i, mode);
    em_join(e, first);
}

void em_load_pair(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode)
{
    unsigned first = e->stub_count;
    em_address(e, i, mode);
    look_up(e, i, 2u * a.bytes, false, false);
    em_write_back(e, i, mode);
    load_slot(e, a, i->rd, 0);
    load_slot(e, a, i->ra, a.bytes);
    em_join(e, first);
}

void em_store_pair(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode)
{
    unsigned first = e->stub_count;
    em_address(e, i, mode);
    look_up(e, i, 2u * a.bytes, true, false);
    store_slot(e, a, i->rd, 0);
    store_slot(e, a, i->ra, a.bytes);
    em_write_back(e, i, mode);
    em_join(e, first);
}

/* ---- exclusives, ordered accesses, atomics: on the host's atomics ---- */

/* [lock] op [rdx], reg: two-byte opcode `op` for bytes, op + 1 for more. */
static void atomic_op(struct emitter *e, bool lock, unsigned op, unsigned bytes, int reg)
{
    struct as *a = &e->as;
    if (lock)
        as_8(a, 0xf0);
    if (bytes == 2)
        as_8(a, 0x66);
    as_rex(a, bytes == 8, reg, 0, RDX, bytes == 1);
    as_8(a, 0x0f);
    as_8(a, op + (bytes > 1));
    as_modrm_m(a, reg, RDX, 0);
}

static void xchg_rdx(struct emitter *e, unsigned bytes, int reg)
{
    struct as *a = &e->as;
    if (bytes == 2)
        as_8(a, 0x66);
    as_rex(a, bytes == 8, reg, 0, RDX, bytes == 1);
    as_8(a, bytes == 1 ? 0x86 : 0x87);
    as_modrm_m(a, reg, RDX, 0);
}

/* The low bytes of a register as the value of a slot. */
static void put_narrow(struct emitter *e, unsigned bytes, int slot, int reg)
{
    if (bytes < 8)
        as_movx_rr(&e->as, false, false, bytes, reg, reg);
    em_put(e, slot, reg);
}

/* RAX: virtual address; RDX: host address. */
static void locate_atomic(struct emitter *e, const struct insn *i, unsigned bytes, bool write)
{
    em_address(e, i, EM_OFFSET);
    look_up(e, i, bytes, write, true);
    as_alu_rr(&e->as, true, ALU_ADD, RDX, RAX);
}

static void set_valid(struct emitter *e, bool valid, unsigned bytes)
{
    struct as *a = &e->as;
    as_8(a, 0x66); /* mov word [excl_valid], valid | size << 8 */
    as_8(a, 0xc7);
    as_modrm_m(a, 0, RBP, DISP(excl_valid));
    as_8(a, valid);
    as_8(a, bytes);
}

void em_load_exclusive(struct emitter *e, const struct insn *i, unsigned bytes)
{
    struct as *a = &e->as;
    unsigned first = e->stub_count;
    locate_atomic(e, i, bytes, false);
    as_movx_rm(a, false, false, bytes, RCX, RDX, 0);
    as_store(a, true, RAX, RBP, DISP(excl_addr));
    as_store(a, true, RCX, RBP, DISP(excl_val));
    set_valid(e, true, bytes);
    em_put(e, i->rd, RCX);
    em_join(e, first);
}

void em_store_exclusive(struct emitter *e, const struct insn *i, unsigned bytes)
{
    struct as *a = &e->as;
    unsigned first = e->stub_count;
    em_address(e, i, EM_OFFSET);
    as_alu_rm(a, true, ALU_CMP, RAX, RBP, DISP(excl_addr));
    em_to_handler(e, i, CC_NE);
    as_8(a, 0x66); /* cmp word [excl_valid], 1 | size << 8 */
    as_8(a, 0x81);
    as_modrm_m(a, ALU_CMP, RBP, DISP(excl_valid));
    as_8(a, 1);
    as_8(a, bytes);
    em_to_handler(e, i, CC_NE);
    look_up(e, i, bytes, true, true);
    as_alu_rr(a, true, ALU_ADD, RDX, RAX);
    em_get_into(e, true, RCX, i->rd);
    as_load(a, true, RAX, RBP, DISP(excl_val));
    atomic_op(e, true, 0xb0, bytes, RCX); /* cmpxchg */
    as_setcc(a, CC_NE, RAX);
    as_movx_rr(a, false, false, 1, RAX, RAX);
    set_valid(e, false, bytes);
    em_put(e, i->rm, RAX);
    em_join(e, first);
}

void em_load_ordered(struct emitter *e, const struct insn *i, unsigned bytes)
{
    unsigned first = e->stub_count;
    locate_atomic(e, i, bytes, false);
    as_movx_rm(&e->as, false, false, bytes, RCX, RDX, 0);
    em_put(e, i->rd, RCX);
    em_join(e, first);
}

void em_store_ordered(struct emitter *e, const struct insn *i, unsigned bytes)
{
    unsigned first = e->stub_count;
    locate_atomic(e, i, bytes, true);
    em_get_into(e, true, RCX, i->rd);
    xchg_rdx(e, bytes, RCX);
    em_join(e, first);
}

void em_cas(struct emitter *e, const struct insn *i, unsigned bytes)
{
    unsigned first = e->stub_count;
    locate_atomic(e, i, bytes, true);
    em_get_into(e, true, RCX, i->ra);
    em_get_into(e, true, RAX, i->rm);
    atomic_op(e, true, 0xb0, bytes, RCX);
    put_narrow(e, bytes, (int)i->aux, RAX);
    em_join(e, first);
}

void em_rmw(struct emitter *e, const struct insn *i, enum em_rmw op, unsigned bytes)
{
    struct as *a = &e->as;
    unsigned first = e->stub_count;
    locate_atomic(e, i, bytes, true);
    if (op == EM_SWP || op == EM_LDADD) {
        em_get_into(e, true, RCX, i->rm);
        if (op == EM_SWP)
            xchg_rdx(e, bytes, RCX);
        else
            atomic_op(e, true, 0xc0, bytes, RCX); /* xadd */
        put_narrow(e, bytes, i->rd, RCX);
        em_join(e, first);
        return;
    }
    as_movx_rm(a, false, false, bytes, RAX, RDX, 0);
    uint8_t *again = a->p;
    em_get_into(e, true, RCX, i->rm);
    if (op == EM_LDCLR)
        as_not(a, true, RCX);
    as_alu_rr(a, true, op == EM_LDCLR ? ALU_AND : op == EM_LDEOR ? ALU_XOR : ALU_OR, RCX, RAX);
    atomic_op(e, true, 0xb0, bytes, RCX);
    as_jcc(a, CC_NE, again + a->rx_delta);
    put_narrow(e, bytes, i->rd, RAX);
    em_join(e, first);
}

/* The host orders everything but a store before a later load. */
void em_barrier(struct emitter *e, bool full)
{
    if (full) { /* lock or dword [rsp], 0: what MFENCE does for ordinary memory, in half the time */
        as_8(&e->as, 0xf0);
        as_alu_mi(&e->as, false, ALU_OR, RSP, 0, 0);
    }
    e->flags = EM_FLAGS_NONE;
}
