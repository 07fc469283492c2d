/* SPDX-License-Identifier: MIT */
/*
 * The emitter for x86-64: memory. Each access looks its page up in the TLB of its view in line;
 * what is not there, crosses a page or must be checked is the interpreter's handler's, off the
 * straight path.
 */
#include "../a64.h"
#include "emit_x64.h"

#include <stddef.h>

_Static_assert(sizeof(struct tlb_entry) == 1u << TLB_ENTRY_BITS, "the index is shifted by that");
_Static_assert(offsetof(struct cpu, excl_size) == offsetof(struct cpu, excl_valid) + 1 &&
                   offsetof(struct cpu, released) == offsetof(struct cpu, excl_valid) + 2 &&
                   offsetof(struct cpu, excl_addr) >= offsetof(struct cpu, excl_valid) + 4,
               "looked at as one word, written as two");

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

/* Where the address of an access comes from: a register, its own or RAX, and what to add. */
static struct em_place place_of(struct emitter *e, const struct insn *i, enum em_mode mode)
{
    struct em_place p = {.base = RAX, .disp = 0, .slot = i->rn};
    if (mode == EM_LITERAL) {
        p.slot = X_ZR;
        as_mov_ri(&e->as, RAX, e->va + i->off + i->imm);
    } else if (mode == EM_INDEX) {
        em_address_index(e, i->rn, i->rm, i->aux, (unsigned)i->imm);
    } else {
        p.base = em_get(e, true, i->rn, RAX);
        p.disp = mode == EM_POST ? 0 : (int32_t)i->imm;
    }
    return p;
}

static void lea_or_mov(struct as *a, bool w, int dst, int base, int32_t disp)
{
    if (disp)
        as_lea(a, w, dst, base, disp);
    else if (dst != base || !w)
        as_mov_rr(a, w, dst, base);
}

/* op reg, [rbp + rdx + disp] */
static void op_entry(struct as *a, unsigned op, int reg, int32_t disp)
{
    as_rex(a, true, reg, RDX, RBP, false);
    as_8(a, op);
    as_modrm_x(a, reg, RBP, RDX, 0, disp);
}

static int32_t set_disp(const struct emitter *e)
{
    return DISP(tlb_sets) + (int32_t)(e->view * sizeof(e->cpu->tlb_sets[0]));
}

static int32_t tag_field(bool write)
{
    return (int32_t)(write ? offsetof(struct tlb_entry, write) : offsetof(struct tlb_entry, read));
}

static int32_t page_disp(const struct emitter *e, int slot)
{
    return DISP(base_page[0][0]) +
           (int32_t)((e->view * X_SLOTS + (unsigned)slot) * sizeof(struct tlb_entry));
}

/* RDX := the offset of the slot for [base + disp], then the compare with the tag in RCX. */
static void compare_slot(struct emitter *e, int base, int32_t disp, bool write)
{
    struct as *a = &e->as;
    lea_or_mov(a, false, RDX, base, disp);
    as_shift_ri(a, false, SH_SHR, RDX, PAGE_BITS - TLB_ENTRY_BITS);
    as_alu_rm(a, false, ALU_AND, RDX, RBP, DISP(tlb_mask));
    op_entry(a, 0x3b, RCX, set_disp(e) + tag_field(write));
}

/* To the handler, if the TLB does not have the page of what is not in its base's. */
static struct em_stub *to_find(struct emitter *e, const struct insn *i, struct em_place p,
                               unsigned bytes, bool write)
{
    struct em_stub *s = em_to_handler(e, i, CC_NE);
    s->bytes = (uint16_t)bytes;
    s->write = write;
    s->place = p;
    return s;
}

/*
 * Look first at the page where the last access by this base register was: most often it is that,
 * and its place is known before the address is. An access that is aligned to its size lies in one
 * page; SP is a multiple of 16, so that few can cross there. Of others both ends are looked at.
 */
static void probe_base(struct emitter *e, const struct insn *i, struct em_place p, unsigned bytes,
                       bool write)
{
    struct as *a = &e->as;
    const bool sp = p.base == em_reg_of(X_SP), sp_within = sp && (p.disp & 15) + bytes <= 16;
    const bool by_size = bytes <= 16 && !(bytes & (bytes - 1)) && !sp;
    struct em_stub *crosses = NULL;
    lea_or_mov(a, true, RCX, p.base, p.disp);
    if (!by_size && !sp_within) {
        as_lea(a, true, RDX, RCX, (int32_t)bytes - 1);
        as_alu_rr(a, true, ALU_XOR, RDX, RCX);
        as_shift_ri(a, false, SH_SHR, RDX, PAGE_BITS);
        crosses = to_find(e, i, p, bytes, write);
    }
    as_alu_ri(a, true, ALU_AND, RCX, (int32_t)(PAGE_MASK | (by_size ? bytes - 1 : 0)));
    as_alu_rm(a, true, ALU_CMP, RCX, RBP, page_disp(e, p.slot) + tag_field(write));
    struct em_stub *s = to_find(e, i, p, bytes, write);
    as_load(a, true, RDX, RBP, page_disp(e, p.slot) + (int32_t)offsetof(struct tlb_entry, addend));
    s->found = a->p;
    if (crosses)
        crosses->found = a->p;
}

/* Is the page of the base worth a look? SP stays in its page. Others do in loops and interpreters;
 * in between a register means something else at each turn. */
static bool try_base(const struct emitter *e, const struct insn *i, int slot)
{
    const struct insn *last = &e->block->insns[e->block->rows - 1];
    const bool jumps = last->id == A64_BR;
    const bool loops = last->id >= A64_B && last->id <= A64_TBNZ && (int64_t)last->imm < 0;
    return (slot == X_SP || jumps || loops) && slot != X_ZR &&
           !e->jit->poor_site[base_site(e->va + i->off)];
}

/*
 * RDX := what to add to the guest's address for the host's, if the `bytes` at `p` lie in one page
 * that the TLB has for this access; else the handler. The same compare as in mem.h. `aligned`: to
 * `bytes`, or the handler.
 */
static void probe(struct emitter *e, const struct insn *i, struct em_place p, unsigned bytes,
                  bool write, bool aligned)
{
    struct as *a = &e->as;
    bool checked = e->block->flags & BLOCK_CHECKED;
    if (i->rn == X_SP && !e->sp_aligned) {
        as_test_ri(a, false, em_reg_of(X_SP), 15);
        em_to_interpreter(e, i, CC_NE); /* for the rest of the block, even if it is allowed */
        e->sp_aligned = true;
    }
    if (!checked && !aligned && try_base(e, i, p.slot)) {
        probe_base(e, i, p, bytes, write);
        return;
    }
    aligned |= checked;
    lea_or_mov(a, true, RCX, p.base, p.disp + (aligned ? 0 : (int32_t)bytes - 1));
    as_alu_ri(a, true, ALU_AND, RCX, (int32_t)(PAGE_MASK | (aligned ? bytes - 1 : 0)));
    if (checked)
        as_alu_ri(a, true, ALU_OR, RCX, TLB_CHECKED);
    compare_slot(e, p.base, p.disp, write);
    em_to_handler(e, i, CC_NE);
    op_entry(a, 0x8b, RDX, set_disp(e) + (int32_t)offsetof(struct tlb_entry, addend));
}

/*
 * Is the page of an access in the TLB? Then it is its base's page from now on, and RDX what to add.
 * The thunk gets the first byte's address in RDX and the last one's in RCX; which page is to be
 * replaced, by its distance from RBP, and the site of the access, on the stack.
 */
void em_find_page(struct emitter *e, const struct em_stub *s)
{
    struct as *a = &e->as;
    const struct em_place p = s->place;
    const unsigned site = base_site(e->va + s->insn->off);
    as_push_i(a, page_disp(e, p.slot) | (int32_t)(site << 16));
    lea_or_mov(a, true, RDX, p.base, p.disp);
    as_lea(a, true, RCX, RDX, s->bytes - 1);
    as_call(a, e->jit->find[e->view][s->write]);
    as_jcc(a, CC_E, s->found + a->rx_delta);
}

/* Answers by ZF. One that counts 256 misses of its site goes to the handler, for jit_call to see
 * whether they came too fast. Leaves all registers but RCX and RDX. */
static void find_thunk(struct emitter *e, bool write)
{
    struct as *a = &e->as;
    static const uint8_t fields[] = {offsetof(struct tlb_entry, read),
                                     offsetof(struct tlb_entry, write)};
    as_push(a, RAX); /* then at RSP: RAX, where to return, the argument */
    as_alu_ri(a, true, ALU_AND, RCX, (int32_t)PAGE_MASK);
    compare_slot(e, RDX, 0, write);
    uint8_t *missing = as_jcc(a, CC_NE, as_rx(a));
    as_movx_rm(a, false, false, 2, RAX, RSP, 18);
    as_8(a, 0x80); /* add byte [base_misses + rax], 1 */
    as_modrm_x(a, ALU_ADD, RBP, RAX, 0, DISP(base_misses));
    as_8(a, 1);
    uint8_t *often = as_jcc(a, CC_E, as_rx(a));
    as_movx_rm(a, false, false, 2, RAX, RSP, 16);
    for (unsigned n = 0; n < sizeof(fields); n++) {
        op_entry(a, 0x8b, RCX, set_disp(e) + fields[n]);
        as_store_nx(a, 8, RCX, RBP, RAX, fields[n]);
    }
    op_entry(a, 0x8b, RDX, set_disp(e) + (int32_t)offsetof(struct tlb_entry, addend));
    as_store_nx(a, 8, RDX, RBP, RAX, offsetof(struct tlb_entry, addend));
    as_op_rm(a, false, 0xc6, 0, RBP, DISP(base_used)); /* mov byte [base_used], 1 */
    as_8(a, 1);
    as_alu_rr(a, false, ALU_CMP, RAX, RAX);
    if (!a->full)
        as_patch(missing, a->p);
    as_pop(a, RAX);
    as_ret_args(a, 8);
    if (!a->full)
        as_patch(often, a->p);
    as_op_rm(a, false, 0xc6, 0, RBP, DISP(base_poor)); /* mov byte [base_poor], 1 */
    as_8(a, 1);
    as_test_rr(a, true, RSP, RSP);
    as_pop(a, RAX);
    as_ret_args(a, 8);
}

void em_find_thunks(struct jit *jit, struct as *a)
{
    struct emitter e = {.as = *a};
    for (e.view = 0; e.view < VIEW_COUNT; e.view++) {
        for (unsigned write = 0; write < 2; write++) {
            jit->find[e.view][write] = as_rx(&e.as);
            find_thunk(&e, write);
        }
    }
    *a = e.as;
}

struct em_place em_locate(struct emitter *e, const struct insn *i, enum em_mode mode,
                          unsigned bytes, bool write)
{
    struct em_place p = place_of(e, i, mode);
    probe(e, i, p, bytes, write, false);
    return p;
}

struct em_place em_locate_at_rax(struct emitter *e, const struct insn *i, unsigned bytes,
                                 bool write)
{
    struct em_place p = {.base = RAX, .slot = i->rn};
    probe(e, i, p, bytes, write, false);
    return p;
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

/* ---- loads and stores: at place + RDX ---- */

static void load_slot(struct emitter *e, struct em_access a, int slot, struct em_place p)
{
    int out = em_dest(slot, RCX);
    as_movx_rx(&e->as, a.wide, a.sign, a.bytes, out, p.base, RDX, p.disp);
    em_put(e, slot, out);
}

static void store_slot(struct emitter *e, struct em_access a, int slot, struct em_place p)
{
    as_store_nx(&e->as, a.bytes, em_get(e, true, slot, RCX), p.base, RDX, p.disp);
}

static struct em_place further(struct em_place p, int32_t by)
{
    p.disp += by;
    return p;
}

/* One of the accesses, `at` bytes from where the place was when it was looked up. Write-back moves
 * the register that a place is relative to: then the place moves the other way. */
static void move(struct emitter *e, const struct insn *i, const struct em_mem *m,
                 struct em_place *p, int32_t at)
{
    bool moves = (m->mode == EM_POST || m->mode == EM_PRE);
    if (m->write) {
        store_slot(e, m->access, i->rd, further(*p, at));
        if (m->pair)
            store_slot(e, m->access, i->ra, further(*p, at + m->access.bytes));
    }
    em_write_back(e, i, m->mode);
    if (moves && p->base != RAX)
        p->disp -= (int32_t)i->imm;
    if (m->write)
        return;
    load_slot(e, m->access, i->rd, further(*p, at));
    if (m->pair)
        load_slot(e, m->access, i->ra, further(*p, at + m->access.bytes));
}

static unsigned bytes_of(const struct em_mem *m)
{
    return m->access.bytes << m->pair;
}

bool em_has_register(int slot)
{
    return em_reg_of(slot) >= 0;
}

void em_memory(struct emitter *e, const struct insn *i, const struct em_mem *m, unsigned count,
               em_between *between)
{
    unsigned first = e->stub_count;
    struct em_place p = place_of(e, i, m->mode);
    int32_t at[EM_RUN_MAX], low = p.disp, high = p.disp + (int32_t)bytes_of(m);
    int32_t moved = m->mode == EM_PRE ? p.disp : 0; /* the base, since the first one */
    bool spoils = false;                            /* the last one loads into its own base */
    for (unsigned n = 0; n < count; n++) {
        if (m[n].between)
            continue;
        at[n] = n ? moved + (m[n].mode == EM_POST ? 0 : (int32_t)i[n].imm) : p.disp;
        if (at[n] < low)
            low = at[n];
        if (at[n] + (int32_t)bytes_of(&m[n]) > high)
            high = at[n] + (int32_t)bytes_of(&m[n]);
        spoils |= m[n].pair && !m->write && i[n].rd == i->rn;
    }
    if (spoils && p.base != RAX) {
        as_mov_rr(&e->as, true, RAX, p.base);
        p.base = RAX;
    }
    e->run = (uint8_t)count;
    probe(e, i, (struct em_place){p.base, low, p.slot}, (unsigned)(high - low), m->write, false);
    e->run = 1;
    p.disp = 0;
    for (unsigned n = 0; n < count; n++) {
        if (m[n].between)
            between(e, &i[n]);
        else
            move(e, &i[n], &m[n], &p, at[n]);
    }
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

/* lock op [rdx], reg */
static void atomic_alu(struct emitter *e, unsigned op, unsigned bytes, int reg)
{
    struct as *a = &e->as;
    as_8(a, 0xf0);
    if (bytes == 2)
        as_8(a, 0x66);
    as_rex(a, bytes == 8, reg, 0, RDX, bytes == 1);
    as_8(a, op * 8 + (bytes > 1));
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

/* The address of an atomic access: [a register + disp]. */
static struct em_place atomic_place(struct emitter *e, const struct insn *i)
{
    return (struct em_place){
        .base = em_get(e, true, i->rn, RAX), .disp = (int32_t)i->imm, .slot = X_ZR};
}

/* RDX: host address. */
static void locate_atomic(struct emitter *e, const struct insn *i, unsigned bytes, bool write)
{
    struct em_place p = atomic_place(e, i);
    probe(e, i, p, bytes, write, true);
    as_lea_x(&e->as, true, RDX, p.base, RDX, 0, p.disp);
}

static void set_valid(struct emitter *e, unsigned bytes)
{
    struct as *a = &e->as;
    as_8(a, 0x66); /* mov word [excl_valid], 1 | size << 8 */
    as_8(a, 0xc7);
    as_modrm_m(a, 0, RBP, DISP(excl_valid));
    as_8(a, 1);
    as_8(a, bytes);
}

/* Behind a locked instruction: the monitor is clear, and no STLR is on its way any more. */
static void clear_monitor(struct emitter *e, unsigned bytes)
{
    as_store_i32(&e->as, false, RBP, DISP(excl_valid), (int32_t)(bytes << 8));
}

/* mov byte [field], imm */
static void store_byte(struct emitter *e, int32_t disp, unsigned value)
{
    as_op_rm(&e->as, false, 0xc6, 0, RBP, disp);
    as_8(&e->as, value);
}

static void full_barrier(struct as *a) /* what MFENCE does for ordinary memory, in half the time */
{
    as_8(a, 0xf0); /* lock or dword [rsp], 0 */
    as_alu_mi(a, false, ALU_OR, RSP, 0, 0);
}

/* Before a load with acquire: an STLR that came before it must be seen first. */
static void settle_release(struct emitter *e)
{
    struct as *a = &e->as;
    as_op_rm(a, false, 0x80, ALU_CMP, RBP, DISP(released)); /* cmp byte [released], 0 */
    as_8(a, 0);
    uint8_t *none = as_jcc(a, CC_E, as_rx(a));
    full_barrier(a);
    store_byte(e, DISP(released), 0);
    if (!a->full)
        as_patch(none, a->p);
}

/* With its STXR in sight, the page is looked up for that, and the monitor need not be set unless
 * the block can be left between. If that STXR succeeds, memory has what was loaded here at that
 * time: as good as if it had been loaded then, after a barrier. So a loop around both needs none
 * here. */
void em_load_exclusive(struct emitter *e, const struct insn *i, unsigned bytes,
                       struct em_exclusive how)
{
    struct as *a = &e->as;
    unsigned first = e->stub_count;
    if (how.acquire && !how.loop)
        settle_release(e);
    struct em_place p = atomic_place(e, i);
    probe(e, i, p, bytes, how.store, true);
    as_alu_rr(a, true, ALU_ADD, RDX, p.base);
    as_movx_rm(a, false, false, bytes, RCX, RDX, 0);
    as_store(a, true, RCX, RBP, DISP(excl_val));
    if (how.store)
        as_store(a, true, RDX, RBP, DISP(excl_host));
    if (!how.store || how.leaves) {
        as_store(a, true, p.base, RBP, DISP(excl_addr));
        set_valid(e, bytes);
    }
    em_put(e, i->rd, RCX);
    em_join(e, first);
    e->paired = how.store;
}

/* RDX := host address of what the monitor watches, if it is what i stores to; else the handler. */
static void find_monitored(struct emitter *e, const struct insn *i, unsigned bytes)
{
    struct as *a = &e->as;
    if (e->paired == i) {
        as_load(a, true, RDX, RBP, DISP(excl_host));
        as_test_rr(a, true, RDX, RDX);
        em_to_handler(e, i, CC_E);
        return;
    }
    struct em_place p = atomic_place(e, i);
    as_alu_rm(a, true, ALU_CMP, p.base, RBP, DISP(excl_addr));
    em_to_handler(e, i, CC_NE);
    as_8(a, 0x66); /* cmp word [excl_valid], 1 | size << 8 */
    as_8(a, 0x81);
    as_modrm_m(a, ALU_CMP, RBP, DISP(excl_valid));
    as_8(a, 1);
    as_8(a, bytes);
    em_to_handler(e, i, CC_NE);
    probe(e, i, p, bytes, true, true);
    as_alu_rr(a, true, ALU_ADD, RDX, p.base);
}

void em_store_exclusive(struct emitter *e, const struct insn *i, unsigned bytes, bool tested)
{
    struct as *a = &e->as;
    unsigned first = e->stub_count;
    find_monitored(e, i, bytes);
    em_get_into(e, true, RCX, i->rd);
    as_load(a, true, RAX, RBP, DISP(excl_val));
    atomic_op(e, true, 0xb0, bytes, RCX); /* cmpxchg; nothing below touches ZF */
    as_setcc(a, CC_NE, RAX);
    as_movx_rr(a, false, false, 1, RAX, RAX);
    clear_monitor(e, bytes);
    em_put(e, i->rm, RAX);
    em_join(e, first);
    for (unsigned n = first; n < e->stub_count && tested; n++) {
        e->stubs[n].tested = true;
        e->stubs[n].result = i->rm;
    }
}

void em_load_ordered(struct emitter *e, const struct insn *i, unsigned bytes, bool acquire)
{
    unsigned first = e->stub_count;
    if (acquire)
        settle_release(e);
    struct em_place p = atomic_place(e, i);
    probe(e, i, p, bytes, false, true);
    as_movx_rx(&e->as, false, false, bytes, RCX, p.base, RDX, p.disp);
    em_put(e, i->rd, RCX);
    em_join(e, first);
}

/* The host does not let stores pass each other. What STLR asks for beyond that, its order before a
 * later LDAR, is the LDAR's affair. */
void em_store_ordered(struct emitter *e, const struct insn *i, unsigned bytes)
{
    unsigned first = e->stub_count;
    struct em_place p = atomic_place(e, i);
    probe(e, i, p, bytes, true, true);
    as_store_nx(&e->as, bytes, em_get(e, true, i->rd, RCX), p.base, RDX, p.disp);
    store_byte(e, DISP(released), 1);
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
    if (i->rd == X_SINK && op != EM_SWP) {
        static const uint8_t alu[] = {
            [EM_LDADD] = ALU_ADD, [EM_LDCLR] = ALU_AND, [EM_LDEOR] = ALU_XOR, [EM_LDSET] = ALU_OR};
        em_get_into(e, true, RCX, i->rm);
        if (op == EM_LDCLR)
            as_not(a, true, RCX);
        atomic_alu(e, alu[op], bytes, RCX);
        em_join(e, first);
        return;
    }
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
    if (full)
        full_barrier(&e->as);
    e->flags = EM_FLAGS_NONE;
}
