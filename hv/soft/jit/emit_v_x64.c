/* SPDX-License-Identifier: MIT */
/*
 * V registers on x86-64: where they are (emit_v_x64.h), loads and stores, moves between registers
 * of both kinds.
 */
#include "../a64.h"
#include "emit_v_x64.h"

bool em_v_have(void)
{
    return __builtin_cpu_supports("avx2");
}

/* ---- constants ---- */

#define TWICE(v)                                                                                   \
    {                                                                                              \
        v, v                                                                                       \
    }
static const uint64_t constants[K_COUNT][2] = {
    [K_ZERO_ONES] = TWICE(UINT64_C(0x00ff00ff00ff00ff)),
    [K_LOW_HALF] = TWICE(UINT64_C(0x0000ffff0000ffff)),
    [K_ONES] = TWICE(~UINT64_C(0)),
    [K_SIGN_B] = TWICE(UINT64_C(0x8080808080808080)),
    [K_SIGN_H] = TWICE(UINT64_C(0x8000800080008000)),
    [K_SIGN_S] = TWICE(UINT64_C(0x8000000080000000)),
    [K_SIGN_D] = TWICE(UINT64_C(1) << 63),
    [K_ONE_H] = TWICE(UINT64_C(0x0001000100010001)),
    [K_LOW_NIBBLE] = TWICE(UINT64_C(0x0f0f0f0f0f0f0f0f)),
    [K_BIT_COUNTS] = {UINT64_C(0x0302020102010100), UINT64_C(0x0403030203020201)},
    [K_OVER_15] = TWICE(UINT64_C(0x7070707070707070)),
    [K_REV16_B] = {UINT64_C(0x0607040502030001), UINT64_C(0x0e0f0c0d0a0b0809)},
    [K_REV32_B] = {UINT64_C(0x0405060700010203), UINT64_C(0x0c0d0e0f08090a0b)},
    [K_REV64_B] = {UINT64_C(0x0001020304050607), UINT64_C(0x08090a0b0c0d0e0f)},
    [K_REV32_H] = {UINT64_C(0x0504070601000302), UINT64_C(0x0d0c0f0e09080b0a)},
    [K_ABS_S] = TWICE(UINT64_C(0x7fffffff7fffffff)),
    [K_ABS_D] = TWICE(UINT64_C(0x7fffffffffffffff)),
    [K_NEXT_TO_TOP] = TWICE(UINT64_C(0x2000000020000000)),
    [K_TEST_S] = {UINT64_C(0x40000000), 0},
    [K_TEST_2S] = {UINT64_C(0x4000000040000000), 0},
    [K_TEST_4S] = TWICE(UINT64_C(0x4000000040000000)),
    [K_TEST_D] = {UINT64_C(0x4000000000000000), 0},
    [K_TEST_2D] = TWICE(UINT64_C(0x4000000000000000)),
    [K_ADD_S] = TWICE(UINT64_C(0x7e0000007e000000)),
    [K_ADD_D] = TWICE(UINT64_C(0x7fc0000000000000)),
    [K_LIMIT_S] = TWICE(UINT64_C(0x7cffffff7cffffff)),
    [K_LIMIT_D] = TWICE(UINT64_C(0x7f9fffffffffffff)),
    [K_REV64_H] = {UINT64_C(0x0100030205040706), UINT64_C(0x09080b0a0d0c0f0e)},
};

static void write_constants(struct jit *jit, struct as *a)
{
    while ((uintptr_t)as_rx(a) & 15)
        as_8(a, 0xcc);
    jit->constants = as_rx(a);
    as_bytes(a, constants, sizeof constants);
}

/* ---- the pinned ones ---- */

/* The host register of V, or -1. */
static int pinned(unsigned v)
{
    return v < V_PINNED ? XMM_PINNED + (int)v : -1;
}

/* op byte [v_unready], imm8: /0 TEST (f6), /1 OR (80), MOV (c6). */
static void unready(struct as *a, unsigned op, int digit, unsigned bits)
{
    as_op_rm(a, false, op, digit, RBP, DISP(v_unready));
    as_8(a, bits);
}
static void test_unready(struct as *a, unsigned bits)
{
    unready(a, 0xf6, 0, bits);
}
static void set_unready(struct as *a, unsigned bits)
{
    unready(a, 0xc6, 0, bits);
}

void em_v_enter(struct as *a)
{
    set_unready(a, V_UNREADY);
}

void em_v_save(struct as *a)
{
    test_unready(a, V_AWAY);
    uint8_t *away = as_jcc(a, CC_NE, as_rx(a));
    for (unsigned v = 0; v < V_PINNED; v++)
        as_v_m(a, VX_STORE, pinned(v), 0, RBP, V_DISP(v));
    set_unready(a, V_UNREADY);
    if (!a->full)
        as_patch(away, a->p);
}

/* `bits` become set in v_unready if the field, under the mask, is (cc: NE) or is not (E) zero. */
static void unready_if(struct as *a, unsigned bits, int32_t disp, uint32_t mask, unsigned cc)
{
    as_op_rm(a, false, 0xf7, 0, RBP, disp); /* test dword [field], mask */
    as_32(a, mask);
    uint8_t *not = as_jcc(a, cc ^ 1, as_rx(a));
    unready(a, 0x80, 1, bits);
    if (!a->full)
        as_patch(not, a->p);
}

/* load_v: the pinned registers are loaded, and the state of FPCR and FPSR noted. General registers
 * stay. Neither changes while they are: MSR is a handler's, and flags only come. */
void em_v_thunks(struct jit *jit, struct as *a)
{
    jit->load_v = as_rx(a);
    for (unsigned v = 0; v < V_PINNED; v++)
        as_v_m(a, VX_LOAD, pinned(v), 0, RBP, V_DISP(v));
    set_unready(a, 0);
    unready_if(a, V_MODE, DISP(fpcr), FPCR_FZ | FPCR_RMODE, CC_NE);
    unready_if(a, V_EXACT, DISP(fpsr), FPSR_IXC, CC_E);
    as_ret(a);
    write_constants(jit, a);
}

void em_v_want(struct emitter *e, const struct insn *i, unsigned want)
{
    if ((e->held.ready & want) == want)
        return;
    test_unready(&e->as, want);
    struct em_stub *s = em_new_stub(e, EM_STUB_V, as_jcc(&e->as, CC_NE, as_rx(&e->as)));
    s->insn = i;
    s->want = (uint8_t)want;
    s->found = e->as.p;
    e->held.ready |= (uint8_t)want;
    e->flags = EM_FLAGS_NONE;
}

/* V_* that are wanted before the first way out. */
static unsigned wanted(const struct block *b)
{
    unsigned want = 0;
    for (unsigned n = 0; n < b->rows && want != V_UNREADY; n++) {
        const struct insn *i = &b->insns[n];
        enum vector_use use = vector_use(i);
        if (i->id >= A64_B && i->id <= A64_TBNZ)
            break;
        if (use != VECTOR_NONE)
            want = use == VECTOR_ARITHMETIC ? V_UNREADY : V_AWAY;
    }
    return want;
}

void em_v_start(struct emitter *e)
{
    const uint8_t *start = e->as.p;
    em_v_forget(e);
    e->block->wants = (uint8_t)(em_v_have() ? wanted(e->block) : 0);
    if (!e->block->wants)
        return;
    em_v_want(e, e->block->insns, e->block->wants);
    e->jit->want_check = (unsigned)(e->as.p - start); /* the same in every block that has it */
}

void em_v_make_ready(struct emitter *e, const struct em_stub *s)
{
    struct as *a = &e->as;
    if (s->want == V_AWAY) {
        as_call(a, e->jit->load_v);
        as_jmp(a, s->found + a->rx_delta);
        return;
    }
    test_unready(a, V_AWAY);
    uint8_t *here = as_jcc(a, CC_E, as_rx(a));
    as_call(a, e->jit->load_v);
    if (!a->full)
        as_patch(here, a->p);
    test_unready(a, s->want);
    as_jcc(a, CC_E, s->found + a->rx_delta);
    as_mov_ri(a, RCX, (uintptr_t)s->insn);
    as_jmp(a, e->jit->interpret);
}

/* ---- which register has what ---- */

void em_v_forget(struct emitter *e)
{
    memset(&e->held.v, -1, sizeof e->held.v);
    memset(e->used, 16, sizeof e->used);
    e->held.ready = 0;
}

void em_v_reload(struct emitter *e, const struct em_held *held)
{
    if (held->ready & V_AWAY)
        as_call(&e->as, e->jit->load_v);
    for (int r = XMM_HELD; r < 16; r++) {
        if (held->v[r] >= 0)
            as_v_m(&e->as, VX_LOAD, r, 0, RBP, V_DISP(held->v[r]));
    }
}

void em_v_begin(struct emitter *e)
{
    e->busy = 0;
    em_v_want(e, NULL, V_AWAY);
}

/* Where the value of V is, or -1: in the structure only. */
static int held_in(const struct emitter *e, unsigned v)
{
    for (int r = XMM_HELD; r < 16; r++) {
        if (e->held.v[r] == (int)v)
            return r;
    }
    return pinned(v);
}

static int taken(struct emitter *e, int r)
{
    e->busy |= (uint16_t)(1u << r);
    return r;
}

int em_v_new(struct emitter *e)
{
    int r = XMM_HELD;
    while (r < 16 && (e->held.v[r] >= 0 || e->busy >> r & 1))
        r++;
    while (r == 16 || e->busy >> r & 1) /* an instruction uses at most four */
        r = XMM_HELD + e->next++ % (16 - XMM_HELD);
    e->held.v[r] = -1;
    e->used[r] = 16;
    return taken(e, r);
}

int em_v_to(struct emitter *e, unsigned v)
{
    int r = pinned(v);
    if (r < 0 || e->busy >> r & 1)
        return em_v_new(e);
    e->used[r] = 16;
    return taken(e, r);
}

int em_v_over(struct emitter *e, unsigned v)
{
    if (pinned(v) < 0)
        return em_v_new(e);
    e->used[pinned(v)] = 16;
    return pinned(v);
}

int em_v_in(struct emitter *e, unsigned v)
{
    int r = held_in(e, v);
    if (r >= 0)
        return taken(e, r);
    r = em_v_new(e);
    as_v_m(&e->as, VX_LOAD, r, 0, RBP, V_DISP(v));
    e->held.v[r] = (int8_t)v;
    return r;
}

/* dst := r, of which `bytes` count. */
static void settle(struct emitter *e, int dst, int r, unsigned bytes)
{
    if (bytes == 8 && e->used[r] > 8)
        as_v(&e->as, VX_LOAD_D, dst, 0, r);
    else if (bytes == 4 && e->used[r] > 4)
        as_v_imm(&e->as, VX_INSERTPS, dst, r, r, 0x0e);
    else if (dst != r)
        as_v(&e->as, VX_MOVAPS, dst, 0, r);
    e->used[dst] = bytes < e->used[r] ? (uint8_t)bytes : e->used[r];
}

void em_v_out(struct emitter *e, unsigned v, int r, unsigned bytes)
{
    if (pinned(v) >= 0) {
        settle(e, pinned(v), r, bytes);
        return;
    }
    settle(e, r, r, bytes);
    as_v_m(&e->as, VX_STORE, r, 0, RBP, V_DISP(v));
    int old = held_in(e, v);
    if (old >= 0)
        e->held.v[old] = -1;
    e->held.v[r] = (int8_t)v;
}

/* ---- memory ---- */

/* r := memory, `at` bytes behind the place, zero-extended; RCX is used. */
static void load(struct emitter *e, int r, unsigned bytes, struct em_place p, unsigned at)
{
    static const unsigned ops[] = {[4] = VX_LOAD_S, [8] = VX_LOAD_D, [16] = VX_LOAD};
    int32_t disp = p.disp + (int32_t)at;
    if (bytes < 4) {
        as_movx_rx(&e->as, false, false, bytes, RCX, p.base, RDX, disp);
        as_v(&e->as, VX_FROM_W, r, 0, RCX);
    } else {
        as_v_x(&e->as, ops[bytes], r, 0, p.base, RDX, disp);
    }
    e->used[r] = (uint8_t)(bytes < 4 ? 4 : bytes);
}

static void store(struct emitter *e, int r, unsigned bytes, struct em_place p, unsigned at)
{
    static const unsigned ops[] = {
        [1] = VX_PEXTRB, [2] = VX_PEXTRW, [4] = VX_STORE_S, [8] = VX_STORE_D, [16] = VX_STORE};
    as_v_x(&e->as, ops[bytes], r, 0, p.base, RDX, p.disp + (int32_t)at);
    if (bytes < 4)
        as_8(&e->as, 0);
}

/* Where `bytes` are. With EM_INDEX: the fields of the instruction word. */
static struct em_place locate(struct emitter *e, const struct insn *i, unsigned bytes,
                              unsigned size, enum em_mode mode, bool write)
{
    if (mode != EM_INDEX)
        return em_locate(e, i, mode, bytes, write);
    em_address_index(e, i->rn, i->rm, insn_bits(i->raw, 13, 3),
                     insn_bits(i->raw, 12, 1) ? (unsigned)__builtin_ctz(size) : 0);
    return em_locate_at_rax(e, i, bytes, write);
}

void em_v_load(struct emitter *e, const struct insn *i, unsigned bytes, enum em_mode mode)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    struct em_place p = locate(e, i, bytes, bytes, mode, false);
    int r = em_v_to(e, i->rd);
    load(e, r, bytes, p, 0);
    em_v_out(e, i->rd, r, 16);
    em_write_back(e, i, mode);
    em_join(e, first);
}

void em_v_store(struct emitter *e, const struct insn *i, unsigned bytes, enum em_mode mode)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    int r = em_v_in(e, i->rd);
    store(e, r, bytes, locate(e, i, bytes, bytes, mode, true), 0);
    em_write_back(e, i, mode);
    em_join(e, first);
}

void em_v_load_pair(struct emitter *e, const struct insn *i, unsigned bytes, enum em_mode mode)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    struct em_place p = locate(e, i, 2 * bytes, bytes, mode, false);
    int r = em_v_to(e, i->rd), r2 = em_v_to(e, i->ra);
    load(e, r, bytes, p, 0);
    load(e, r2, bytes, p, bytes);
    em_v_out(e, i->rd, r, 16);
    em_v_out(e, i->ra, r2, 16);
    em_write_back(e, i, mode);
    em_join(e, first);
}

void em_v_store_pair(struct emitter *e, const struct insn *i, unsigned bytes, enum em_mode mode)
{
    unsigned first = e->stub_count;
    em_v_begin(e);
    int r = em_v_in(e, i->rd), r2 = em_v_in(e, i->ra);
    struct em_place p = locate(e, i, 2 * bytes, bytes, mode, true);
    store(e, r, bytes, p, 0);
    store(e, r2, bytes, p, bytes);
    em_write_back(e, i, mode);
    em_join(e, first);
}

/* Post-index of structures: by Xm, or by the bytes transferred, which imm has. */
static void post_index(struct emitter *e, const struct insn *i)
{
    if (i->rm == X_ZR) {
        em_write_back(e, i, EM_POST);
        return;
    }
    int base = em_dest(i->rn, RAX);
    int n = em_get(e, true, i->rn, RAX), m = em_get(e, true, i->rm, RCX);
    as_lea_x(&e->as, true, base, n, m, 0, 0);
    em_put(e, i->rn, base);
}

void em_v_load_copies(struct emitter *e, const struct insn *i, unsigned size, unsigned bytes,
                      bool post)
{
    static const unsigned copies[4] = {VX_PBROADCASTB, VX_PBROADCASTW, VX_PBROADCASTD,
                                       VX_PBROADCASTQ};
    unsigned first = e->stub_count;
    em_v_begin(e);
    as_mov_rr(&e->as, true, RAX, em_get(e, true, i->rn, RAX));
    struct em_place p = em_locate_at_rax(e, i, 1u << size, false);
    int r = em_v_to(e, i->rd);
    load(e, r, 1u << size, p, 0);
    as_v(&e->as, copies[size], r, 0, r);
    e->used[r] = 16;
    em_v_out(e, i->rd, r, bytes);
    if (post)
        post_index(e, i);
    em_join(e, first);
}

/* The handlers' order: all of memory, then the registers. Several registers wrap from 31 to 0. */
void em_v_multi(struct emitter *e, const struct insn *i, bool write, unsigned regs, unsigned bytes,
                bool post)
{
    unsigned first = e->stub_count;
    int r[4];
    em_v_begin(e);
    for (unsigned k = 0; k < regs && write; k++)
        r[k] = em_v_in(e, (i->rd + k) & 31);
    as_mov_rr(&e->as, true, RAX, em_get(e, true, i->rn, RAX));
    struct em_place p = em_locate_at_rax(e, i, regs * bytes, write);
    for (unsigned k = 0; k < regs; k++) {
        if (write) {
            store(e, r[k], bytes, p, k * bytes);
        } else {
            r[k] = em_v_to(e, (i->rd + k) & 31);
            load(e, r[k], bytes, p, k * bytes);
        }
    }
    for (unsigned k = 0; k < regs && !write; k++)
        em_v_out(e, (i->rd + k) & 31, r[k], 16);
    if (post)
        post_index(e, i);
    em_join(e, first);
}

/* ---- moves ---- */

void em_v_imm(struct emitter *e, unsigned d, uint64_t low, uint64_t high)
{
    em_v_begin(e);
    int r = em_v_to(e, d);
    if (!low && !high) {
        em_v_op(e, VX_PXOR, r, r, r);
    } else if (low == ~UINT64_C(0) && high == low) {
        em_v_op(e, VX_PCMPEQD, r, r, r);
    } else {
        as_mov_ri(&e->as, RAX, low);
        as_v(&e->as, VX_FROM_X, r, 0, RAX);
        if (high)
            em_v_op(e, VX_PUNPCKLQDQ, r, r, r);
    }
    em_v_out(e, d, r, 16);
}

/* ORR and BIC with an immediate, the same in both halves. */
void em_v_bits_imm(struct emitter *e, unsigned d, uint64_t bits, bool clear, unsigned bytes)
{
    em_v_begin(e);
    int old = em_v_in(e, d), r = em_v_to(e, d);
    as_mov_ri(&e->as, RAX, bits);
    as_v(&e->as, VX_FROM_X, XMM0, 0, RAX);
    em_v_op(e, VX_PUNPCKLQDQ, XMM0, XMM0, XMM0);
    em_v_op(e, clear ? VX_PANDN : VX_POR, r, XMM0, old);
    em_v_out(e, d, r, bytes);
}

void em_v_move(struct emitter *e, unsigned d, unsigned n, unsigned bytes)
{
    em_v_begin(e);
    int src = em_v_in(e, n), r = em_v_over(e, d);
    settle(e, r, src, bytes);
    em_v_out(e, d, r, bytes);
}

/* Slot d := a lane, extended; without `wide` to 32 bits. */
void em_v_to_gpr(struct emitter *e, int d, unsigned n, unsigned size, unsigned lane, bool sign,
                 bool wide)
{
    static const unsigned ops[4] = {VX_PEXTRB, VX_PEXTRW, VX_PEXTRD, VX_PEXTRQ};
    struct as *a = &e->as;
    em_v_begin(e);
    int out = em_dest(d, RAX), src = held_in(e, n);
    if (src < 0) {
        as_movx_rm(a, wide, sign, 1u << size, out, RBP, V_DISP(n) + (int32_t)(lane << size));
        em_put(e, d, out);
        return;
    }
    if (size >= 2 && !lane)
        as_v(a, size == 3 ? VX_TO_X : VX_TO_W, src, 0, out);
    else
        as_v_imm(a, ops[size], src, 0, out, lane);
    if (sign)
        as_movx_rr(a, wide, true, 1u << size, out, out);
    em_put(e, d, out);
}

/* A lane of d := a general register; without `keep` the rest becomes zero (size 2, 3, lane 0). */
void em_v_from_gpr(struct emitter *e, unsigned d, int n, unsigned size, unsigned lane, bool keep)
{
    static const unsigned ops[4] = {VX_PINSRB, VX_PINSRW, VX_PINSRD, VX_PINSRQ};
    em_v_begin(e);
    int old = keep ? em_v_in(e, d) : 0, r = em_v_to(e, d), src = em_get(e, true, n, RAX);
    if (keep)
        as_v_imm(&e->as, ops[size], r, old, src, lane);
    else
        as_v(&e->as, size == 3 ? VX_FROM_X : VX_FROM_W, r, 0, src);
    em_v_out(e, d, r, 16);
}

void em_v_insert(struct emitter *e, unsigned d, unsigned n, unsigned size, unsigned to,
                 unsigned from)
{
    static const unsigned get[4] = {VX_PEXTRB, VX_PEXTRW, VX_PEXTRD, VX_PEXTRQ};
    static const unsigned put[4] = {VX_PINSRB, VX_PINSRW, VX_PINSRD, VX_PINSRQ};
    em_v_begin(e);
    int old = em_v_in(e, d), src = em_v_in(e, n), r = em_v_to(e, d);
    if (size == 2) {
        as_v_imm(&e->as, VX_INSERTPS, r, old, src, from << 6 | to << 4);
    } else {
        as_v_imm(&e->as, get[size], src, 0, RAX, from);
        as_v_imm(&e->as, put[size], r, old, RAX, to);
    }
    em_v_out(e, d, r, 16);
}
