/* SPDX-License-Identifier: MIT */
/*
 * The emitter for x86-64: integer instructions, memory, branches. (emit_v_x64.c has vectors.)
 *
 * While translated code runs, RBP is the CPU structure plus 128, so that x0-x30 have one-byte
 * displacements. The guest registers in `pinned` live in host registers all the time, across
 * blocks; the others are operated on in memory. RAX, RCX and RDX are free for every instruction.
 * NZCV is in memory, in the form that LAHF and SETO give; after an instruction that sets it the
 * host's flags still hold it as well, which saves a following conditional branch the way through
 * memory.
 *
 * C code (handlers, the dispatcher) sees all registers in the structure: the thunks below store the
 * pinned ones before a call and load them after.
 */
#include "emit_v_x64.h"

#include <stddef.h>

_Static_assert(offsetof(struct cpu, x) == 0, "x0 is at RBP - 128");
_Static_assert(sizeof(struct tlb_entry) == 32, "the index is shifted by 5");
_Static_assert(sizeof(struct jump_entry) == 32, "the index is shifted by 5");
_Static_assert(offsetof(struct cpu, block_flags) == offsetof(struct cpu, fetch_gen) + 4,
               "compared as one word");
_Static_assert(offsetof(struct cpu, excl_size) == offsetof(struct cpu, excl_valid) + 1 &&
                   offsetof(struct cpu, line_fiq) == offsetof(struct cpu, line_irq) + 1,
               "looked at as one word");
_Static_assert(offsetof(struct jump_entry, flags) == offsetof(struct jump_entry, gen) + 4,
               "compared as one word");

/* Which guest registers have a host register: arguments, the first callee-saved ones, SP. */
static const int8_t pinned[X_SLOTS] = {
    RBX, RSI, RDI, R8,  R9,  R10, R11, -1, -1, -1, -1, -1, -1, -1, -1, -1,  -1,
    -1,  -1,  R12, R13, R14, -1,  -1,  -1, -1, -1, -1, -1, -1, -1, -1, R15, -1,
};

/* ---- operands ---- */

static int reg_of(int slot)
{
    return pinned[slot];
}

/* The value of a slot in dst. Leaves the flags. */
static void get_into(struct emitter *e, bool w, int dst, int slot)
{
    if (slot == X_ZR)
        as_mov_ri(&e->as, dst, 0);
    else if (reg_of(slot) < 0)
        as_load(&e->as, w, dst, RBP, X_DISP(slot));
    else if (reg_of(slot) != dst || !w)
        as_mov_rr(&e->as, w, dst, reg_of(slot));
}

/* The value of a slot in some register: its own, or tmp. */
static int get(struct emitter *e, bool w, int slot, int tmp)
{
    if (slot != X_ZR && reg_of(slot) >= 0)
        return reg_of(slot);
    get_into(e, w, tmp, slot);
    return tmp;
}

/* Slot := src, all 64 bits. Leaves the flags. */
static void put(struct emitter *e, int slot, int src)
{
    if (slot == X_SINK)
        return;
    if (reg_of(slot) < 0)
        as_store(&e->as, true, src, RBP, X_DISP(slot));
    else if (reg_of(slot) != src)
        as_mov_rr(&e->as, true, reg_of(slot), src);
}

/* Where a result may be computed: the slot's own register, or tmp. */
static int dest(int slot, int tmp)
{
    return slot != X_SINK && reg_of(slot) >= 0 ? reg_of(slot) : tmp;
}

/* dst := dst op slot */
static void alu_slot(struct emitter *e, bool w, unsigned op, int dst, int slot)
{
    if (slot == X_ZR)
        as_alu_ri(&e->as, w, op, dst, 0);
    else if (reg_of(slot) >= 0)
        as_alu_rr(&e->as, w, op, dst, reg_of(slot));
    else
        as_alu_rm(&e->as, w, op, dst, RBP, X_DISP(slot));
}

/* ---- flags ---- */

/* The host's flags are the guest's; `inverted`: the carry is a borrow. */
static void flags_out(struct emitter *e, bool live, bool inverted)
{
    e->flags = EM_FLAGS_NONE;
    if (!live)
        return;
    if (inverted)
        as_cmc(&e->as);
    as_lahf(&e->as);
    as_setcc(&e->as, CC_O, RAX);
    as_store_n(&e->as, 2, RAX, RBP, DISP(nzcv));
    e->flags = EM_FLAGS_HOST;
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

/* All flags into the host's. Clobbers RAX. */
static void flags_in(struct emitter *e)
{
    as_movx_rm(&e->as, false, false, 2, RAX, RBP, DISP(nzcv));
    as_8(&e->as, 0x04); /* add al, 0x7f: OF = V */
    as_8(&e->as, 0x7f);
    as_sahf(&e->as);
}

/* Make the host's flags decide a condition; returns the host's code for it. */
static unsigned condition(struct emitter *e, unsigned cond)
{
    static const uint8_t host[16] = {CC_E, CC_NE, CC_B,  CC_AE, CC_S, CC_NS, CC_O, CC_NO,
                                     CC_A, CC_BE, CC_GE, CC_L,  CC_G, CC_LE, 0,    0};
    static const uint16_t single[4] = {FLAG_Z, FLAG_C, FLAG_N, FLAG_V};
    if (e->flags == EM_FLAGS_NONE && cond < 8) {
        test_flag(e, single[cond / 2]);
        return cond & 1 ? CC_E : CC_NE;
    }
    if (e->flags == EM_FLAGS_NONE)
        flags_in(e);
    if (cond == 8 || cond == 9) /* HI, LS: the host's want a borrow */
        as_cmc(&e->as);
    return host[cond];
}

/* ---- arithmetic and logic ---- */

static const uint8_t host_op[] = {[EM_ADD] = ALU_ADD,
                                  [EM_SUB] = ALU_SUB,
                                  [EM_AND] = ALU_AND,
                                  [EM_OR] = ALU_OR,
                                  [EM_XOR] = ALU_XOR};

static bool fits32(uint64_t v)
{
    return (int64_t)v == (int32_t)v;
}

/* dst op= imm, whatever its size. */
static void alu_big_imm(struct emitter *e, bool w, unsigned op, int dst, uint64_t imm)
{
    if (!w || fits32(imm)) {
        as_alu_ri(&e->as, w, op, dst, (int32_t)imm);
    } else {
        as_mov_ri(&e->as, RCX, imm);
        as_alu_rr(&e->as, w, op, dst, RCX);
    }
}

void em_alu_imm(struct emitter *e, enum em_op op, bool w, bool flags, bool live, int d, int n,
                uint64_t imm)
{
    bool set = flags && live;
    int out = dest(d, RAX);
    if (d == X_SINK && !set)
        return;
    if (d == X_SINK && op == EM_SUB) {
        as_alu_ri(&e->as, w, ALU_CMP, get(e, w, n, RAX), (int32_t)imm);
    } else if (op == EM_ADD && !set && n != X_ZR && reg_of(n) >= 0 && reg_of(n) != out) {
        as_lea(&e->as, w, out, reg_of(n), (int32_t)imm);
        put(e, d, out);
    } else if (op == EM_SUB && !set && n != X_ZR && reg_of(n) >= 0 && reg_of(n) != out) {
        as_lea(&e->as, w, out, reg_of(n), -(int32_t)imm);
        put(e, d, out);
    } else {
        if (n == X_ZR || reg_of(n) != out)
            get_into(e, w, out, n);
        alu_big_imm(e, w, host_op[op], out, imm);
        put(e, d, out);
    }
    flags_out(e, set, op == EM_SUB);
}

/* The second operand, shifted or inverted, in RCX. */
static void shifted_into_rcx(struct emitter *e, bool w, int m, bool invert, enum em_shift shift,
                             unsigned amount)
{
    static const uint8_t digit[] = {SH_SHL, SH_SHR, SH_SAR, SH_ROR};
    get_into(e, w, RCX, m);
    if (amount)
        as_shift_ri(&e->as, w, digit[shift], RCX, amount);
    if (invert)
        as_not(&e->as, w, RCX);
}

/* d := n op RCX, or n op slot m if m >= 0. */
static void alu3(struct emitter *e, enum em_op op, bool w, bool set, int d, int n, int m)
{
    unsigned hop = host_op[op];
    if (d == X_SINK && op == EM_SUB) {
        int left = get(e, w, n, RAX);
        if (m >= 0)
            alu_slot(e, w, ALU_CMP, left, m);
        else
            as_alu_rr(&e->as, w, ALU_CMP, left, RCX);
        return;
    }
    int out = dest(d, RAX);
    bool n_reg = n != X_ZR && reg_of(n) >= 0, m_reg = m >= 0 && m != X_ZR && reg_of(m) >= 0;
    if (op == EM_ADD && !set && n_reg && m_reg && reg_of(n) != out && reg_of(m) != out) {
        as_lea_x(&e->as, w, out, reg_of(n), reg_of(m), 0, 0);
        put(e, d, out);
        return;
    }
    if (m_reg && reg_of(m) == out && (!n_reg || reg_of(n) != out))
        out = RAX; /* the destination is still needed as the second operand */
    if (!n_reg || reg_of(n) != out)
        get_into(e, w, out, n);
    if (m >= 0)
        alu_slot(e, w, hop, out, m);
    else
        as_alu_rr(&e->as, w, hop, out, RCX);
    put(e, d, out);
}

void em_alu_reg(struct emitter *e, enum em_op op, bool w, bool flags, bool live, int d, int n,
                int m, bool invert, enum em_shift shift, unsigned amount)
{
    bool set = flags && live;
    if (d == X_SINK && !set)
        return;
    if (amount || invert) {
        shifted_into_rcx(e, w, m, invert, shift, amount);
        m = -1;
    }
    alu3(e, op, w, set, d, n, m);
    flags_out(e, set, op == EM_SUB);
}

/* RCX := the extension of slot m, not shifted. */
static void extended_into_rcx(struct emitter *e, int m, unsigned ext)
{
    static const uint8_t bytes[4] = {1, 2, 4, 8};
    int src = get(e, true, m, RCX);
    if ((ext & 3) != 3)
        as_movx_rr(&e->as, true, ext & 4, bytes[ext & 3], RCX, src);
    else if (src != RCX)
        as_mov_rr(&e->as, true, RCX, src);
}

void em_alu_ext(struct emitter *e, enum em_op op, bool w, bool flags, bool live, int d, int n,
                int m, unsigned ext, unsigned amount)
{
    bool set = flags && live;
    if (d == X_SINK && !set)
        return;
    extended_into_rcx(e, m, ext);
    if (amount)
        as_shift_ri(&e->as, true, SH_SHL, RCX, amount);
    alu3(e, op, w, set, d, n, -1);
    flags_out(e, set, op == EM_SUB);
}

void em_mov(struct emitter *e, bool w, int d, int n)
{
    int out = dest(d, RAX);
    get_into(e, w, out, n);
    put(e, d, out);
}

void em_mov_imm(struct emitter *e, int d, uint64_t value)
{
    int out = dest(d, RAX);
    if (d != X_SINK && reg_of(d) < 0 && fits32(value)) {
        as_store_i32(&e->as, true, RBP, X_DISP(d), (int32_t)value);
    } else {
        as_mov_ri(&e->as, out, value);
        put(e, d, out);
    }
}

void em_movk(struct emitter *e, bool w, int d, uint64_t bits, unsigned shift)
{
    int out = dest(d, RAX);
    get_into(e, w, out, d == X_SINK ? X_ZR : d);
    alu_big_imm(e, w, ALU_AND, out, ~(UINT64_C(0xffff) << shift));
    alu_big_imm(e, w, ALU_OR, out, bits);
    put(e, d, out);
    e->flags = EM_FLAGS_NONE;
}

/* Shift the field to the top, then down to where it belongs: zeros or the sign fill the rest. */
void em_bitfield(struct emitter *e, unsigned kind, bool w, int d, int n, unsigned r, unsigned s)
{
    unsigned bits = w ? 64 : 32, left = bits - 1 - s, right = (left + r) & (bits - 1);
    int out = dest(d, RAX);
    e->flags = EM_FLAGS_NONE;
    if (kind == 1) { /* BFM */
        unsigned lsb = s >= r ? 0 : bits - r, width = s >= r ? s - r + 1 : s + 1;
        uint64_t field = width == 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
        get_into(e, w, RAX, n);
        if (s >= r && r)
            as_shift_ri(&e->as, w, SH_SHR, RAX, r);
        else if (lsb)
            as_shift_ri(&e->as, w, SH_SHL, RAX, lsb);
        get_into(e, w, RDX, d == X_SINK ? X_ZR : d);
        alu_big_imm(e, w, ALU_AND, RAX, field << lsb);
        alu_big_imm(e, w, ALU_AND, RDX, ~(field << lsb));
        as_alu_rr(&e->as, w, ALU_OR, RAX, RDX);
        put(e, d, RAX);
        return;
    }
    if (r == 0 && (s == 7 || s == 15 || s == 31)) {
        int src = get(e, w, n, RAX);
        as_movx_rr(&e->as, w, kind == 0, (s + 1) / 8, out, src);
        put(e, d, out);
        return;
    }
    get_into(e, w, out, n);
    if (left)
        as_shift_ri(&e->as, w, SH_SHL, out, left);
    if (right)
        as_shift_ri(&e->as, w, kind == 0 ? SH_SAR : SH_SHR, out, right);
    put(e, d, out);
}

void em_extr(struct emitter *e, bool w, int d, int n, int m, unsigned lsb)
{
    get_into(e, w, RAX, m);
    if (lsb) {
        int high = get(e, w, n, RCX);
        as_shrd(&e->as, w, RAX, high, lsb);
    }
    put(e, d, RAX);
    e->flags = EM_FLAGS_NONE;
}

void em_shift_reg(struct emitter *e, enum em_shift shift, bool w, int d, int n, int m)
{
    static const uint8_t digit[] = {SH_SHL, SH_SHR, SH_SAR, SH_ROR};
    int out = dest(d, RAX);
    get_into(e, w, RCX, m);
    get_into(e, w, out, n);
    as_shift_cl(&e->as, w, digit[shift], out);
    put(e, d, out);
    e->flags = EM_FLAGS_NONE;
}

/* The guest's carry into the host's: CF = C, or a borrow for SBC. */
static void carry_in(struct emitter *e, bool borrow)
{
    as_op2_rm(&e->as, false, 0xba, 4, RBP, DISP(nzcv)); /* bt dword [nzcv], 8 */
    as_8(&e->as, 8);
    if (borrow)
        as_cmc(&e->as);
}

void em_adc(struct emitter *e, bool w, bool sub, bool flags, bool live, int d, int n, int m)
{
    bool set = flags && live;
    get_into(e, w, RAX, n);
    int right = get(e, w, m, RCX); /* moves only: the carry comes last */
    carry_in(e, sub);
    as_alu_rr(&e->as, w, sub ? ALU_SBB : ALU_ADC, RAX, right);
    put(e, d, RAX);
    flags_out(e, set, sub);
}

/* ---- system registers ---- */

void em_read_field(struct emitter *e, unsigned bytes, int d, unsigned offset)
{
    int out = dest(d, RAX);
    as_movx_rm(&e->as, true, false, bytes, out, RBP, (int32_t)offset - 128);
    put(e, d, out);
}

void em_write_field(struct emitter *e, int n, unsigned offset)
{
    as_store(&e->as, true, get(e, true, n, RAX), RBP, (int32_t)offset - 128);
}

/* ---- multiply and divide ---- */

/* RAX holds the product; add it to or take it from slot a. */
static void accumulate(struct emitter *e, bool w, bool sub, int d, int a)
{
    e->flags = EM_FLAGS_NONE;
    if (sub) {
        get_into(e, w, RCX, a);
        as_alu_rr(&e->as, w, ALU_SUB, RCX, RAX);
        put(e, d, RCX);
        return;
    }
    if (a != X_ZR)
        alu_slot(e, w, ALU_ADD, RAX, a);
    put(e, d, RAX);
}

void em_madd(struct emitter *e, bool w, bool sub, int d, int n, int m, int a)
{
    get_into(e, w, RAX, n);
    if (m == X_ZR)
        as_mov_ri(&e->as, RAX, 0);
    else if (reg_of(m) >= 0)
        as_imul_rr(&e->as, w, RAX, reg_of(m));
    else
        as_imul_rm(&e->as, w, RAX, RBP, X_DISP(m));
    accumulate(e, w, sub, d, a);
}

void em_maddl(struct emitter *e, bool sign, bool sub, int d, int n, int m, int a)
{
    int src = get(e, true, n, RAX);
    as_movx_rr(&e->as, true, sign, 4, RAX, src);
    src = get(e, true, m, RCX);
    as_movx_rr(&e->as, true, sign, 4, RCX, src);
    as_imul_rr(&e->as, true, RAX, RCX);
    accumulate(e, true, sub, d, a);
}

void em_mulh(struct emitter *e, bool sign, int d, int n, int m)
{
    get_into(e, true, RAX, n);
    int right = get(e, true, m, RCX);
    as_muldiv(&e->as, true, sign ? 5 : 4, right);
    put(e, d, RDX);
    e->flags = EM_FLAGS_NONE;
}

/* A short forward jump within an instruction: returns where its displacement is. */
static uint8_t *skip_if(struct emitter *e, unsigned cc)
{
    as_8(&e->as, 0x70 + cc);
    as_8(&e->as, 0);
    return e->as.p - 1;
}
static uint8_t *skip(struct emitter *e)
{
    as_8(&e->as, 0xeb);
    as_8(&e->as, 0);
    return e->as.p - 1;
}
static void land(struct emitter *e, uint8_t *at)
{
    if (!e->as.full)
        *at = (uint8_t)(e->as.p - (at + 1));
}

/* By zero: zero. The one overflow of the signed form is a negation; the host would trap on both. */
void em_div(struct emitter *e, bool w, bool sign, int d, int n, int m)
{
    uint8_t *minus_one = NULL, *done = NULL;
    get_into(e, w, RCX, m);
    get_into(e, w, RAX, n);
    as_test_rr(&e->as, w, RCX, RCX);
    uint8_t *by_zero = skip_if(e, CC_E);
    if (sign) {
        as_alu_ri(&e->as, w, ALU_CMP, RCX, -1);
        minus_one = skip_if(e, CC_E);
        as_cqo(&e->as, w);
    } else {
        as_mov_ri(&e->as, RDX, 0);
    }
    as_muldiv(&e->as, w, sign ? 7 : 6, RCX);
    done = skip(e);
    if (sign) {
        land(e, minus_one);
        as_neg(&e->as, w, RAX);
        uint8_t *negated = skip(e);
        land(e, by_zero);
        as_mov_ri(&e->as, RAX, 0);
        land(e, negated);
    } else {
        land(e, by_zero);
        as_mov_ri(&e->as, RAX, 0);
    }
    land(e, done);
    put(e, d, RAX);
    e->flags = EM_FLAGS_NONE;
}

void em_rev(struct emitter *e, bool w, int d, int n)
{
    int out = dest(d, RAX);
    get_into(e, w, out, n);
    as_bswap(&e->as, w, out);
    put(e, d, out);
    e->flags = EM_FLAGS_NONE;
}

/* RAX: neighbouring groups of n bits change places; `mask` has the lower ones. */
static void swap_groups(struct emitter *e, bool w, unsigned n, uint64_t mask)
{
    struct as *a = &e->as;
    as_mov_ri(a, RCX, w ? mask : mask & UINT32_MAX);
    as_mov_rr(a, w, RDX, RAX);
    as_alu_rr(a, w, ALU_AND, RDX, RCX);
    as_shift_ri(a, w, SH_SHR, RAX, n);
    as_shift_ri(a, w, SH_SHL, RDX, n);
    as_alu_rr(a, w, ALU_AND, RAX, RCX);
    as_alu_rr(a, w, ALU_OR, RAX, RDX);
}

void em_rev_part(struct emitter *e, bool w, unsigned bytes, int d, int n)
{
    get_into(e, w, RAX, n);
    if (bytes == 4) {
        as_bswap(&e->as, true, RAX);
        as_shift_ri(&e->as, true, SH_ROR, RAX, 32);
    } else {
        swap_groups(e, w, 8, UINT64_C(0x00ff00ff00ff00ff));
    }
    put(e, d, RAX);
    e->flags = EM_FLAGS_NONE;
}

void em_rbit(struct emitter *e, bool w, int d, int n)
{
    get_into(e, w, RAX, n);
    as_bswap(&e->as, w, RAX);
    swap_groups(e, w, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    swap_groups(e, w, 2, UINT64_C(0x3333333333333333));
    swap_groups(e, w, 1, UINT64_C(0x5555555555555555));
    put(e, d, RAX);
    e->flags = EM_FLAGS_NONE;
}

/* The sign's copies are the zeros before the first bit that differs from its neighbour. */
void em_cls(struct emitter *e, bool w, int d, int n)
{
    struct as *a = &e->as;
    get_into(e, w, RAX, n);
    as_mov_rr(a, w, RCX, RAX);
    as_shift_ri(a, w, SH_SAR, RCX, 1);
    as_alu_rr(a, w, ALU_XOR, RAX, RCX);
    as_lea_x(a, w, RAX, RAX, RAX, 0, 1); /* never zero, and one place further up */
    as_op2_rr(a, w, 0xbd, RCX, RAX, false);
    as_alu_ri(a, false, ALU_XOR, RCX, w ? 63 : 31);
    put(e, d, RCX);
    e->flags = EM_FLAGS_NONE;
}

/* BSR leaves nothing usable for zero: 2 * bits - 1 then, which the XOR makes the width. */
void em_clz(struct emitter *e, bool w, int d, int n)
{
    unsigned bits = w ? 64 : 32;
    int src = get(e, w, n, RAX);
    as_mov_ri(&e->as, RDX, 2 * bits - 1);
    as_op2_rr(&e->as, w, 0xbd, RCX, src, false);
    as_cmov(&e->as, w, CC_E, RCX, RDX);
    as_alu_ri(&e->as, false, ALU_XOR, RCX, (int32_t)bits - 1);
    put(e, d, RCX);
    e->flags = EM_FLAGS_NONE;
}

/* ---- conditional ---- */

void em_csel(struct emitter *e, bool w, bool invert, bool increment, int d, int n, int m,
             unsigned cond)
{
    if (cond >= 14) {
        em_mov(e, w, d, n);
        return;
    }
    unsigned cc = condition(e, cond);
    if (n == X_ZR && m == X_ZR && increment && !invert) { /* CSET */
        as_setcc(&e->as, cc ^ 1, RAX);
        as_movx_rr(&e->as, false, false, 1, RAX, RAX);
        put(e, d, RAX);
        e->flags = EM_FLAGS_NONE;
        return;
    }
    get_into(e, w, RDX, m);
    if (invert) /* NOT and LEA leave the flags */
        as_not(&e->as, w, RDX);
    if (increment)
        as_lea(&e->as, w, RDX, RDX, 1);
    int yes = get(e, w, n, RCX);
    as_cmov(&e->as, w, cc, RDX, yes);
    put(e, d, RDX);
    e->flags = EM_FLAGS_NONE;
}

void em_ccmp(struct emitter *e, bool w, bool negative, int n, int m, unsigned imm, unsigned cond,
             uint32_t nzcv)
{
    uint8_t *fails = cond < 14 ? skip_if(e, condition(e, cond) ^ 1) : NULL, *done = NULL;
    if (negative)
        get_into(e, w, RAX, n);
    int left = negative ? RAX : get(e, w, n, RAX);
    unsigned op = negative ? ALU_ADD : ALU_CMP;
    if (m < 0)
        as_alu_ri(&e->as, w, op, left, (int32_t)imm);
    else
        alu_slot(e, w, op, left, m);
    flags_out(e, true, !negative);
    if (fails) {
        done = skip(e);
        land(e, fails);
        as_8(&e->as, 0x66); /* mov word [nzcv], imm16 */
        as_8(&e->as, 0xc7);
        as_modrm_m(&e->as, 0, RBP, DISP(nzcv));
        as_8(&e->as, nzcv & 0xff);
        as_8(&e->as, nzcv >> 8);
        land(e, done);
    }
    e->flags = EM_FLAGS_NONE;
}

/* ---- memory ---- */

/* Code off the straight path, written behind the block by em_finish. */
static struct em_stub *new_stub(struct emitter *e, enum em_stub_kind kind, uint8_t *jump)
{
    struct em_stub *s = &e->stubs[e->stub_count++];
    *s = (struct em_stub){.kind = kind, .jump = jump};
    return s;
}

/* What the fast path cannot do, the interpreter's handler does; then on behind it. */
static void to_handler(struct emitter *e, const struct insn *i, unsigned cc)
{
    struct em_stub *s = new_stub(e, EM_STUB_HANDLER, as_jcc(&e->as, cc, as_rx(&e->as)));
    s->insn = i;
}

/* RAX := slot n + slot m, extended as `ext` says and shifted by up to 4. */
void em_address_index(struct emitter *e, int n, int m, unsigned ext, unsigned shift)
{
    int base = get(e, true, n, RAX), index = RCX;
    if (ext != 3 && ext != 7)
        extended_into_rcx(e, m, ext);
    else if (shift > 3)
        get_into(e, true, RCX, m);
    else
        index = get(e, true, m, RCX);
    if (shift > 3) {
        as_shift_ri(&e->as, true, SH_SHL, RCX, shift);
        shift = 0;
    }
    as_lea_x(&e->as, true, RAX, base, index, shift, 0);
}

/* RAX := the virtual address. */
static void address(struct emitter *e, const struct insn *i, enum em_mode mode)
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
    int base = get(e, true, i->rn, RAX);
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
    if (i->rn == X_SP) {
        as_test_ri(a, false, reg_of(X_SP), 15);
        to_handler(e, i, CC_NE);
    }
    aligned |= checked;
    as_mov_rr(a, false, RDX, RAX);
    if (bytes > 1 && !aligned)
        as_lea(a, true, RCX, RAX, (int32_t)bytes - 1);
    else
        as_mov_rr(a, true, RCX, RAX);
    as_shift_ri(a, false, SH_SHR, RDX, PAGE_BITS - 5);
    as_alu_ri(a, true, ALU_AND, RCX, (int32_t)(PAGE_MASK | (aligned ? bytes - 1 : 0)));
    if (checked)
        as_alu_ri(a, true, ALU_OR, RCX, TLB_CHECKED);
    as_alu_ri(a, false, ALU_AND, RDX, (TLB_SIZE - 1) << 5);
    /* cmp rcx, [rbp + rdx + tag] */
    as_rex(a, true, RCX, RDX, RBP, false);
    as_8(a, 0x3b);
    as_modrm_x(a, RCX, RBP, RDX, 0, tag);
    to_handler(e, i, CC_NE);
    /* mov rdx, [rbp + rdx + addend] */
    as_rex(a, true, RDX, RDX, RBP, false);
    as_8(a, 0x8b);
    as_modrm_x(a, RDX, RBP, RDX, 0, entry + (int32_t)offsetof(struct tlb_entry, addend));
}

/* RAX: virtual address in, host address out. */
static void translate(struct emitter *e, const struct insn *i, unsigned bytes, bool write)
{
    look_up(e, i, bytes, write, false);
    as_alu_rr(&e->as, true, ALU_ADD, RAX, RDX);
}

static void write_back(struct emitter *e, const struct insn *i, enum em_mode mode)
{
    if (mode != EM_POST && mode != EM_PRE)
        return;
    if (reg_of(i->rn) >= 0)
        as_lea(&e->as, true, reg_of(i->rn), reg_of(i->rn), (int32_t)i->imm);
    else
        as_alu_mi(&e->as, true, ALU_ADD, RBP, X_DISP(i->rn), (int32_t)i->imm);
}

/* The stubs made since `first` come back here. */
static void join(struct emitter *e, unsigned first)
{
    for (unsigned n = first; n < e->stub_count; n++) {
        e->stubs[n].back = e->as.p;
        e->stubs[n].held = e->held;
    }
    e->flags = EM_FLAGS_NONE;
}

static void load_slot(struct emitter *e, struct em_access a, int slot, int32_t disp)
{
    int out = dest(slot, RCX);
    as_movx_rm(&e->as, a.wide, a.sign, a.bytes, out, RAX, disp);
    put(e, slot, out);
}

static void store_slot(struct emitter *e, struct em_access a, int slot, int32_t disp)
{
    as_store_n(&e->as, a.bytes, get(e, true, slot, RCX), RAX, disp);
}

void em_load(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode)
{
    unsigned first = e->stub_count;
    address(e, i, mode);
    translate(e, i, a.bytes, false);
    write_back(e, i, mode);
    load_slot(e, a, i->rd, 0);
    join(e, first);
}

void em_store(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode)
{
    unsigned first = e->stub_count;
    address(e, i, mode);
    translate(e, i, a.bytes, true);
    store_slot(e, a, i->rd, 0);
    write_back(e, i, mode);
    join(e, first);
}

void em_load_pair(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode)
{
    unsigned first = e->stub_count;
    address(e, i, mode);
    translate(e, i, 2u * a.bytes, false);
    write_back(e, i, mode);
    load_slot(e, a, i->rd, 0);
    load_slot(e, a, i->ra, a.bytes);
    join(e, first);
}

void em_store_pair(struct emitter *e, const struct insn *i, struct em_access a, enum em_mode mode)
{
    unsigned first = e->stub_count;
    address(e, i, mode);
    translate(e, i, 2u * a.bytes, true);
    store_slot(e, a, i->rd, 0);
    store_slot(e, a, i->ra, a.bytes);
    write_back(e, i, mode);
    join(e, first);
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
    put(e, slot, reg);
}

/* RAX: virtual address; RDX: host address. */
static void locate_atomic(struct emitter *e, const struct insn *i, unsigned bytes, bool write)
{
    address(e, i, EM_OFFSET);
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
    put(e, i->rd, RCX);
    join(e, first);
}

void em_store_exclusive(struct emitter *e, const struct insn *i, unsigned bytes)
{
    struct as *a = &e->as;
    unsigned first = e->stub_count;
    address(e, i, EM_OFFSET);
    as_alu_rm(a, true, ALU_CMP, RAX, RBP, DISP(excl_addr));
    to_handler(e, i, CC_NE);
    as_8(a, 0x66); /* cmp word [excl_valid], 1 | size << 8 */
    as_8(a, 0x81);
    as_modrm_m(a, ALU_CMP, RBP, DISP(excl_valid));
    as_8(a, 1);
    as_8(a, bytes);
    to_handler(e, i, CC_NE);
    look_up(e, i, bytes, true, true);
    as_alu_rr(a, true, ALU_ADD, RDX, RAX);
    get_into(e, true, RCX, i->rd);
    as_load(a, true, RAX, RBP, DISP(excl_val));
    atomic_op(e, true, 0xb0, bytes, RCX); /* cmpxchg */
    as_setcc(a, CC_NE, RAX);
    as_movx_rr(a, false, false, 1, RAX, RAX);
    set_valid(e, false, bytes);
    put(e, i->rm, RAX);
    join(e, first);
}

void em_load_ordered(struct emitter *e, const struct insn *i, unsigned bytes)
{
    unsigned first = e->stub_count;
    locate_atomic(e, i, bytes, false);
    as_movx_rm(&e->as, false, false, bytes, RCX, RDX, 0);
    put(e, i->rd, RCX);
    join(e, first);
}

void em_store_ordered(struct emitter *e, const struct insn *i, unsigned bytes)
{
    unsigned first = e->stub_count;
    locate_atomic(e, i, bytes, true);
    get_into(e, true, RCX, i->rd);
    xchg_rdx(e, bytes, RCX);
    join(e, first);
}

void em_cas(struct emitter *e, const struct insn *i, unsigned bytes)
{
    unsigned first = e->stub_count;
    locate_atomic(e, i, bytes, true);
    get_into(e, true, RCX, i->ra);
    get_into(e, true, RAX, i->rm);
    atomic_op(e, true, 0xb0, bytes, RCX);
    put_narrow(e, bytes, (int)i->aux, RAX);
    join(e, first);
}

void em_rmw(struct emitter *e, const struct insn *i, enum em_rmw op, unsigned bytes)
{
    struct as *a = &e->as;
    unsigned first = e->stub_count;
    locate_atomic(e, i, bytes, true);
    if (op == EM_SWP || op == EM_LDADD) {
        get_into(e, true, RCX, i->rm);
        if (op == EM_SWP)
            xchg_rdx(e, bytes, RCX);
        else
            atomic_op(e, true, 0xc0, bytes, RCX); /* xadd */
        put_narrow(e, bytes, i->rd, RCX);
        join(e, first);
        return;
    }
    as_movx_rm(a, false, false, bytes, RAX, RDX, 0);
    uint8_t *again = a->p;
    get_into(e, true, RCX, i->rm);
    if (op == EM_LDCLR)
        as_not(a, true, RCX);
    as_alu_rr(a, true, op == EM_LDCLR ? ALU_AND : op == EM_LDEOR ? ALU_XOR : ALU_OR, RCX, RAX);
    atomic_op(e, true, 0xb0, bytes, RCX);
    as_jcc(a, CC_NE, again + a->rx_delta);
    put_narrow(e, bytes, i->rd, RAX);
    join(e, first);
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

/* ---- for emit_v_x64.c ---- */

int em_get(struct emitter *e, bool w, int slot, int tmp)
{
    return get(e, w, slot, tmp);
}
void em_put(struct emitter *e, int slot, int src)
{
    put(e, slot, src);
}
int em_dest(int slot, int tmp)
{
    return dest(slot, tmp);
}
void em_address(struct emitter *e, const struct insn *i, enum em_mode mode)
{
    address(e, i, mode);
}
void em_translate(struct emitter *e, const struct insn *i, unsigned bytes, bool write)
{
    translate(e, i, bytes, write);
}
void em_write_back(struct emitter *e, const struct insn *i, enum em_mode mode)
{
    write_back(e, i, mode);
}
void em_to_handler(struct emitter *e, const struct insn *i, unsigned cc)
{
    to_handler(e, i, cc);
}
void em_join(struct emitter *e, unsigned first)
{
    join(e, first);
}
void em_flags_out(struct emitter *e)
{
    flags_out(e, true, true);
}
unsigned em_condition(struct emitter *e, unsigned cond)
{
    return condition(e, cond);
}
void em_to_interpreter(struct emitter *e, const struct insn *i, unsigned cc)
{
    struct em_stub *s = new_stub(e, EM_STUB_INTERPRET, as_jcc(&e->as, cc, as_rx(&e->as)));
    s->insn = i;
}

/* ---- leaving the block ---- */

/* icount += n without touching the flags. */
static void count(struct emitter *e)
{
    as_load(&e->as, true, RAX, RBP, DISP(icount));
    as_lea(&e->as, true, RAX, RAX, e->block->n);
    as_store(&e->as, true, RAX, RBP, DISP(icount));
}

static struct em_stub *exit_stub(struct emitter *e, unsigned slot, uint64_t target, uint8_t *jump)
{
    struct em_stub *s = new_stub(e, EM_STUB_EXIT, jump);
    s->slot = slot;
    s->target = target;
    s->site = jump;
    return s;
}

/* Jump through link `slot`. Until something is linked the jump leads to the stub behind the block.
 */
static void leave(struct emitter *e, unsigned slot, uint64_t target)
{
    struct as *a = &e->as;
    if (!e->block->link[slot].crosses) {
        exit_stub(e, slot, target, as_jmp(a, as_rx(a)));
        return;
    }
    as_op_rm(a, false, 0x81, ALU_CMP, RBP, DISP(fetch_gen)); /* cmp dword [fetch_gen], imm32 */
    uint8_t *gen = a->p;
    as_32(a, 0);
    uint8_t *stale = as_jcc(a, CC_NE, as_rx(a));
    struct em_stub *s = exit_stub(e, slot, target, as_jmp(a, as_rx(a)));
    s->gen = gen;
    s->stale = stale;
}

void em_branch(struct emitter *e, uint64_t target)
{
    count(e);
    leave(e, 0, target);
}

static void two_ways(struct emitter *e, unsigned cc, uint64_t taken, uint64_t next)
{
    struct as *a = &e->as;
    count(e);
    if (!e->block->link[0].crosses) {
        exit_stub(e, 0, taken, as_jcc(a, cc, as_rx(a)));
        leave(e, 1, next);
        return;
    }
    uint8_t *to_taken = as_jcc(a, cc, as_rx(a));
    leave(e, 1, next);
    if (!a->full)
        as_patch(to_taken, a->p);
    leave(e, 0, taken);
}

void em_branch_cond(struct emitter *e, unsigned cond, uint64_t taken, uint64_t next)
{
    two_ways(e, condition(e, cond), taken, next);
}

void em_branch_zero(struct emitter *e, bool w, bool nonzero, int n, uint64_t taken, uint64_t next)
{
    if (n == X_ZR || reg_of(n) >= 0) {
        int r = get(e, w, n, RCX);
        as_test_rr(&e->as, w, r, r);
    } else {
        as_alu_mi(&e->as, w, ALU_CMP, RBP, X_DISP(n), 0);
    }
    two_ways(e, nonzero ? CC_NE : CC_E, taken, next);
}

void em_branch_bit(struct emitter *e, unsigned bit, bool set, int n, uint64_t taken, uint64_t next)
{
    int r = get(e, true, n, RCX);
    if (bit < 32) {
        as_test_ri(&e->as, false, r, 1u << bit);
        two_ways(e, set ? CC_NE : CC_E, taken, next);
        return;
    }
    as_op2_rr(&e->as, true, 0xba, 4, r, false); /* bt r, bit */
    as_8(&e->as, bit);
    two_ways(e, set ? CC_B : CC_AE, taken, next);
}

/* x30 := the return address. Leaves RAX and the flags. */
static void em_link_register(struct emitter *e, uint64_t ret)
{
    if (fits32(ret)) {
        as_store_i32(&e->as, true, RBP, X_DISP(30), (int32_t)ret);
    } else {
        as_mov_ri(&e->as, RDX, ret);
        as_store(&e->as, true, RDX, RBP, X_DISP(30));
    }
}

static void miss(struct emitter *e, unsigned cc, unsigned btype)
{
    new_stub(e, EM_STUB_INDIRECT, as_jcc(&e->as, cc, as_rx(&e->as)))->btype = (uint8_t)btype;
}

/* The jump cache inline: the compare of block_leave_indirect. */
void em_branch_reg(struct emitter *e, int n, bool link, uint64_t ret, unsigned btype)
{
    struct as *a = &e->as;
    count(e);
    get_into(e, true, RAX, n);
    if (link)
        em_link_register(e, ret);
    as_lea_x(a, false, RCX, RAX, RAX, 0, 0); /* pc * 2: index << 5 is pc << 3 */
    as_shift_ri(a, false, SH_SHL, RCX, 2);
    as_alu_ri(a, false, ALU_AND, RCX, (int32_t)((JUMP_CACHE_SIZE - 1) << 5));
    as_rex(a, true, RAX, RCX, RBP, false); /* cmp rax, [jump[].pc] */
    as_8(a, 0x3b);
    as_modrm_x(a, RAX, RBP, RCX, 0, DISP(jump) + (int32_t)offsetof(struct jump_entry, pc));
    miss(e, CC_NE, btype);
    as_load(a, true, RDX, RBP, DISP(fetch_gen)); /* and block_flags */
    if (e->block->flags & BLOCK_GUARDED) {
        as_op2_rr(a, true, 0xba, 5, RDX, false); /* bts rdx: to another guarded page */
        as_8(a, 32 + __builtin_ctz(BLOCK_GUARDED));
    }
    as_rex(a, true, RDX, RCX, RBP, false);
    as_8(a, 0x3b);
    as_modrm_x(a, RDX, RBP, RCX, 0, DISP(jump) + (int32_t)offsetof(struct jump_entry, gen));
    miss(e, CC_NE, btype);
    as_rex(a, true, RDX, RCX, RBP, false); /* mov rdx, [jump[].code] */
    as_8(a, 0x8b);
    as_modrm_x(a, RDX, RBP, RCX, 0, DISP(jump) + (int32_t)offsetof(struct jump_entry, code));
    as_test_rr(a, true, RDX, RDX);
    miss(e, CC_E, btype);
    as_jmp_r(a, RDX);
}

void em_read_sp_el0(struct emitter *e, const struct insn *i)
{
    unsigned first = e->stub_count;
    int out = dest(i->rd, RAX);
    as_rex(&e->as, false, 0, 0, RBP, false); /* cmp byte [spsel], 0 */
    as_8(&e->as, 0x80);
    as_modrm_m(&e->as, ALU_CMP, RBP, DISP(spsel));
    as_8(&e->as, 0);
    to_handler(e, i, CC_E);
    as_load(&e->as, true, out, RBP, DISP(sp_el0));
    put(e, i->rd, out);
    join(e, first);
}

/* The end of a block that changed DAIF: an interrupt that waits is the dispatcher's. */
static void leave_unless_pending(struct emitter *e, uint64_t next)
{
    struct as *a = &e->as;
    count(e);
    as_load(a, true, RCX, RBP, DISP(gic_lines));
    as_movx_rm(a, false, false, 2, RAX, RBP, DISP(line_irq)); /* and line_fiq behind it */
    as_alu_rm(a, false, ALU_OR, RAX, RCX, 0);
    new_stub(e, EM_STUB_LEAVE, as_jcc(a, CC_NE, as_rx(a)))->target = next;
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
    get_into(e, false, RCX, i->rd);
    as_alu_ri(a, false, ALU_AND, RCX, DAIF_D | DAIF_A | DAIF_I | DAIF_F);
    as_mov_rr(a, false, RAX, RCX);
    as_alu_rm(a, false, ALU_XOR, RAX, RBP, DISP(daif));
    as_test_ri(a, false, RAX, DAIF_D);
    struct em_stub *s = new_stub(e, EM_STUB_HANDLER_END, as_jcc(a, CC_NE, as_rx(a)));
    s->insn = i;
    as_store(a, false, RCX, RBP, DISP(daif));
    leave_unless_pending(e, next);
}

void em_handler(struct emitter *e, const struct insn *i, bool ends)
{
    struct as *a = &e->as;
    as_mov_ri(a, RCX, (uintptr_t)i);
    if (ends)
        as_jmp(a, e->jit->handler_end);
    else
        as_call(a, e->jit->handler);
    em_v_forget(e);
    e->flags = EM_FLAGS_NONE;
}

/* ---- whole blocks ---- */

void em_begin(struct emitter *e)
{
    em_v_forget(e);
    as_alu_mi(&e->as, false, ALU_CMP, RBP, DISP(kick), 0);
    new_stub(e, EM_STUB_KICK, as_jcc(&e->as, CC_NE, as_rx(&e->as)));
}

static void finish_stub(struct emitter *e, struct em_stub *s)
{
    struct as *a = &e->as;
    if (a->full)
        return;
    as_patch(s->jump, a->p);
    switch (s->kind) {
    case EM_STUB_HANDLER:
        if (s->zero != EM_ZERO_NEVER)
            em_fp_accept_zero(e, s);
        as_mov_ri(a, RCX, (uintptr_t)s->insn);
        as_call(a, e->jit->handler);
        em_v_reload(e, &s->held);
        if (s->flags)
            flags_in(e);
        as_jmp(a, s->back + a->rx_delta);
        break;
    case EM_STUB_INTERPRET:
        as_mov_ri(a, RCX, (uintptr_t)s->insn);
        as_jmp(a, e->jit->interpret);
        break;
    case EM_STUB_EXIT: {
        struct link *l = &e->block->link[s->slot];
        l->site = s->site;
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
    for (int slot = 0; slot < X_SLOTS; slot++) {
        if (reg_of(slot) >= 0)
            as_store(a, true, reg_of(slot), RBP, X_DISP(slot));
    }
}

static void load_pinned(struct as *a)
{
    for (int slot = 0; slot < X_SLOTS; slot++) {
        if (reg_of(slot) >= 0)
            as_load(a, true, reg_of(slot), RBP, X_DISP(slot));
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
    load_pinned(a);
    as_jmp_r(a, RAX);

    /* pc = RAX, link_from = RCX, back to the dispatcher. */
    jit->leave = as_rx(a);
    store_pinned(a);
    as_store(a, true, RAX, RBP, DISP(pc));
    as_store(a, true, RCX, RBP, DISP(link_from));
    as_mov_ri(a, RAX, 0);

    uint8_t *epilogue = as_rx(a);
    as_alu_ri(a, true, ALU_ADD, RSP, 8);
    for (unsigned n = sizeof saved; n-- > 0;)
        as_pop(a, saved[n]);
    as_ret(a);

    /* An instruction in the middle of a block: go on unless the handler says NULL. */
    jit->handler = as_rx(a);
    as_alu_ri(a, true, ALU_SUB, RSP, 8);
    call_c(a, jit_call);
    as_alu_ri(a, true, ALU_ADD, RSP, 8);
    as_test_rr(a, true, RAX, RAX);
    uint8_t *fault = as_jcc(a, CC_E, as_rx(a));
    load_pinned(a);
    as_ret(a);
    if (!a->full)
        as_patch(fault, a->p);
    as_alu_ri(a, true, ALU_ADD, RSP, 8); /* the return address of the thunk */
    as_jmp(a, epilogue);

    /* The last instruction of a block: whatever it returns goes to the dispatcher. */
    jit->handler_end = as_rx(a);
    call_c(a, jit_call);
    as_jmp(a, epilogue);

    /* The rest of the block is interpreted, from the instruction in RCX on. */
    jit->interpret = as_rx(a);
    call_c(a, jit_resume);
    as_jmp(a, epilogue);
    em_v_constants(jit, a);
}

void jit_emit_thunks(struct jit *jit)
{
    struct as a = {.p = jit->rw, .end = jit->rw + jit->size, .rx_delta = jit->rx - jit->rw};
    em_thunks(jit, &a);
    jit->used = jit->base = (size_t)(a.p - jit->rw);
}
