/* SPDX-License-Identifier: MIT */
/*
 * The emitter for x86-64: integer instructions and system registers. How registers and flags are
 * held: emit_x64.c.
 */
#include "emit_x64.h"

#include <stddef.h>

/* ---- arithmetic and logic ---- */

static const uint8_t host_op[] = {[EM_ADD] = ALU_ADD,
                                  [EM_SUB] = ALU_SUB,
                                  [EM_AND] = ALU_AND,
                                  [EM_OR] = ALU_OR,
                                  [EM_XOR] = ALU_XOR};

/* dst op= imm, whatever its size. */
static void alu_big_imm(struct emitter *e, bool w, unsigned op, int dst, uint64_t imm)
{
    if (!w || em_fits32(imm)) {
        as_alu_ri(&e->as, w, op, dst, (int32_t)imm);
    } else {
        as_mov_ri(&e->as, RCX, imm);
        as_alu_rr(&e->as, w, op, dst, RCX);
    }
}

/* NZCV of d = n op right side, if `set`. The right side is slot m, or imm. */
static void flags_of(struct emitter *e, bool set, enum em_op op, bool w, int d, int n, int m,
                     int32_t imm)
{
    struct em_again g = {.w = w, .has_m = m >= 0, .n = (uint8_t)n, .m = (uint8_t)m, .imm = imm};
    if (!set) {
        em_flags_out(e, false, false);
        return;
    }
    g.kind = op == EM_SUB ? EM_AGAIN_SUB : op == EM_ADD ? EM_AGAIN_ADD : EM_AGAIN_AND;
    if (op == EM_AND && d != X_SINK) { /* the result says it all */
        g.n = g.m = (uint8_t)d;
        g.has_m = true;
    } else if (d == m) {
        g.kind = EM_AGAIN_NOT;
    } else {
        g.undo = d == n;
    }
    em_flags_set(e, op == EM_SUB, g);
    if (g.kind == EM_AGAIN_NOT)
        em_settle(e);
}

void em_alu_imm(struct emitter *e, enum em_op op, bool w, bool flags, bool live, int d, int n,
                uint64_t imm)
{
    bool set = flags && live;
    bool still_aligned = d == X_SP && n == X_SP && imm % 16 == 0 && e->sp_aligned;
    int out = em_dest(d, RAX);
    if (d == X_SINK && !set)
        return;
    if (d == X_SINK && op == EM_SUB) {
        as_alu_ri(&e->as, w, ALU_CMP, em_get(e, w, n, RAX), (int32_t)imm);
    } else if (op == EM_ADD && !set && n != X_ZR && em_reg_of(n) >= 0 && em_reg_of(n) != out) {
        as_lea(&e->as, w, out, em_reg_of(n), (int32_t)imm);
        em_put(e, d, out);
    } else if (op == EM_SUB && !set && n != X_ZR && em_reg_of(n) >= 0 && em_reg_of(n) != out) {
        as_lea(&e->as, w, out, em_reg_of(n), -(int32_t)imm);
        em_put(e, d, out);
    } else {
        if (n == X_ZR || em_reg_of(n) != out)
            em_get_into(e, w, out, n);
        alu_big_imm(e, w, host_op[op], out, imm);
        em_put(e, d, out);
    }
    if (still_aligned)
        e->sp_aligned = true;
    if (w && !em_fits32(imm) && d == X_SINK)
        em_flags_out(e, set, false); /* a mask: TST */
    else
        flags_of(e, set, op, w, d, n, -1, (int32_t)imm);
}

/* The second operand, shifted or inverted, in RCX. */
static void shifted_into_rcx(struct emitter *e, bool w, int m, bool invert, enum em_shift shift,
                             unsigned amount)
{
    static const uint8_t digit[] = {SH_SHL, SH_SHR, SH_SAR, SH_ROR};
    em_get_into(e, w, RCX, m);
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
        int left = em_get(e, w, n, RAX);
        if (m >= 0)
            em_alu_slot(e, w, ALU_CMP, left, m);
        else
            as_alu_rr(&e->as, w, ALU_CMP, left, RCX);
        return;
    }
    int out = em_dest(d, RAX);
    bool n_reg = n != X_ZR && em_reg_of(n) >= 0, m_reg = m >= 0 && m != X_ZR && em_reg_of(m) >= 0;
    if (op == EM_ADD && !set && n_reg && m_reg && em_reg_of(n) != out && em_reg_of(m) != out) {
        as_lea_x(&e->as, w, out, em_reg_of(n), em_reg_of(m), 0, 0);
        em_put(e, d, out);
        return;
    }
    if (m_reg && em_reg_of(m) == out && (!n_reg || em_reg_of(n) != out))
        out = RAX; /* the destination is still needed as the second operand */
    if (!n_reg || em_reg_of(n) != out)
        em_get_into(e, w, out, n);
    if (m >= 0)
        em_alu_slot(e, w, hop, out, m);
    else
        as_alu_rr(&e->as, w, hop, out, RCX);
    em_put(e, d, out);
}

void em_alu_reg(struct emitter *e, enum em_op op, bool w, bool flags, bool live, int d, int n,
                int m, bool invert, enum em_shift shift, unsigned amount)
{
    bool set = flags && live;
    const bool plain = !amount && !invert;
    if (d == X_SINK && !set)
        return;
    if (!plain)
        shifted_into_rcx(e, w, m, invert, shift, amount);
    alu3(e, op, w, set, d, n, plain ? m : -1);
    if (plain || (op == EM_AND && d != X_SINK))
        flags_of(e, set, op, w, d, n, m, 0);
    else
        em_flags_out(e, set, op == EM_SUB);
}

void em_extended_into_rcx(struct emitter *e, int m, unsigned ext)
{
    static const uint8_t bytes[4] = {1, 2, 4, 8};
    int src = em_get(e, true, m, RCX);
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
    em_extended_into_rcx(e, m, ext);
    if (amount)
        as_shift_ri(&e->as, true, SH_SHL, RCX, amount);
    alu3(e, op, w, set, d, n, -1);
    em_flags_out(e, set, op == EM_SUB);
}

void em_mov(struct emitter *e, bool w, int d, int n)
{
    int out = em_dest(d, RAX);
    em_get_into(e, w, out, n);
    em_put(e, d, out);
}

void em_mov_imm(struct emitter *e, int d, uint64_t value)
{
    int out = em_dest(d, RAX);
    if (d != X_SINK && em_reg_of(d) < 0 && em_fits32(value)) {
        as_store_i32(&e->as, true, RBP, X_DISP(d), (int32_t)value);
    } else {
        as_mov_ri(&e->as, out, value);
        em_put(e, d, out);
    }
}

void em_movk(struct emitter *e, bool w, int d, uint64_t bits, unsigned shift)
{
    int out = em_dest(d, RAX);
    em_get_into(e, w, out, d == X_SINK ? X_ZR : d);
    alu_big_imm(e, w, ALU_AND, out, ~(UINT64_C(0xffff) << shift));
    alu_big_imm(e, w, ALU_OR, out, bits);
    em_put(e, d, out);
    e->flags = EM_FLAGS_NONE;
}

/* Shift the field to the top, then down to where it belongs: zeros or the sign fill the rest. */
void em_bitfield(struct emitter *e, unsigned kind, bool w, int d, int n, unsigned r, unsigned s)
{
    unsigned bits = w ? 64 : 32, left = bits - 1 - s, right = (left + r) & (bits - 1);
    int out = em_dest(d, RAX);
    e->flags = EM_FLAGS_NONE;
    if (kind == 1) { /* BFM */
        unsigned lsb = s >= r ? 0 : bits - r, width = s >= r ? s - r + 1 : s + 1;
        uint64_t field = width == 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
        em_get_into(e, w, RAX, n);
        if (s >= r && r)
            as_shift_ri(&e->as, w, SH_SHR, RAX, r);
        else if (lsb)
            as_shift_ri(&e->as, w, SH_SHL, RAX, lsb);
        em_get_into(e, w, RDX, d == X_SINK ? X_ZR : d);
        alu_big_imm(e, w, ALU_AND, RAX, field << lsb);
        alu_big_imm(e, w, ALU_AND, RDX, ~(field << lsb));
        as_alu_rr(&e->as, w, ALU_OR, RAX, RDX);
        em_put(e, d, RAX);
        return;
    }
    if (r == 0 && (s == 7 || s == 15 || s == 31)) {
        int src = em_get(e, w, n, RAX);
        as_movx_rr(&e->as, w, kind == 0, (s + 1) / 8, out, src);
        em_put(e, d, out);
        return;
    }
    em_get_into(e, w, out, n);
    if (left)
        as_shift_ri(&e->as, w, SH_SHL, out, left);
    if (right)
        as_shift_ri(&e->as, w, kind == 0 ? SH_SAR : SH_SHR, out, right);
    em_put(e, d, out);
}

void em_extr(struct emitter *e, bool w, int d, int n, int m, unsigned lsb)
{
    em_get_into(e, w, RAX, m);
    if (lsb) {
        int high = em_get(e, w, n, RCX);
        as_shrd(&e->as, w, RAX, high, lsb);
    }
    em_put(e, d, RAX);
    e->flags = EM_FLAGS_NONE;
}

void em_shift_reg(struct emitter *e, enum em_shift shift, bool w, int d, int n, int m)
{
    static const uint8_t digit[] = {SH_SHL, SH_SHR, SH_SAR, SH_ROR};
    int out = em_dest(d, RAX);
    em_get_into(e, w, RCX, m);
    em_get_into(e, w, out, n);
    as_shift_cl(&e->as, w, digit[shift], out);
    em_put(e, d, out);
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
    em_get_into(e, w, RAX, n);
    int right = em_get(e, w, m, RCX); /* moves only: the carry comes last */
    carry_in(e, sub);
    as_alu_rr(&e->as, w, sub ? ALU_SBB : ALU_ADC, RAX, right);
    em_put(e, d, RAX);
    em_flags_out(e, set, sub);
}

/* ---- system registers ---- */

void em_read_field(struct emitter *e, unsigned bytes, int d, unsigned offset)
{
    int out = em_dest(d, RAX);
    as_movx_rm(&e->as, true, false, bytes, out, RBP, (int32_t)offset - 128);
    em_put(e, d, out);
}

void em_write_field(struct emitter *e, int n, unsigned offset)
{
    as_store(&e->as, true, em_get(e, true, n, RAX), RBP, (int32_t)offset - 128);
}

void em_read_sp_el0(struct emitter *e, const struct insn *i)
{
    unsigned first = e->stub_count;
    int out = em_dest(i->rd, RAX);
    as_rex(&e->as, false, 0, 0, RBP, false); /* cmp byte [spsel], 0 */
    as_8(&e->as, 0x80);
    as_modrm_m(&e->as, ALU_CMP, RBP, DISP(spsel));
    as_8(&e->as, 0);
    em_to_handler(e, i, CC_E);
    as_load(&e->as, true, out, RBP, DISP(sp_el0));
    em_put(e, i->rd, out);
    em_join(e, first);
}

/* ---- multiply and divide ---- */

/* RAX holds the product; add it to or take it from slot a. */
static void accumulate(struct emitter *e, bool w, bool sub, int d, int a)
{
    e->flags = EM_FLAGS_NONE;
    if (sub) {
        em_get_into(e, w, RCX, a);
        as_alu_rr(&e->as, w, ALU_SUB, RCX, RAX);
        em_put(e, d, RCX);
        return;
    }
    if (a != X_ZR)
        em_alu_slot(e, w, ALU_ADD, RAX, a);
    em_put(e, d, RAX);
}

void em_madd(struct emitter *e, bool w, bool sub, int d, int n, int m, int a)
{
    em_get_into(e, w, RAX, n);
    if (m == X_ZR)
        as_mov_ri(&e->as, RAX, 0);
    else if (em_reg_of(m) >= 0)
        as_imul_rr(&e->as, w, RAX, em_reg_of(m));
    else
        as_imul_rm(&e->as, w, RAX, RBP, X_DISP(m));
    accumulate(e, w, sub, d, a);
}

void em_maddl(struct emitter *e, bool sign, bool sub, int d, int n, int m, int a)
{
    int src = em_get(e, true, n, RAX);
    as_movx_rr(&e->as, true, sign, 4, RAX, src);
    src = em_get(e, true, m, RCX);
    as_movx_rr(&e->as, true, sign, 4, RCX, src);
    as_imul_rr(&e->as, true, RAX, RCX);
    accumulate(e, true, sub, d, a);
}

void em_mulh(struct emitter *e, bool sign, int d, int n, int m)
{
    em_get_into(e, true, RAX, n);
    int right = em_get(e, true, m, RCX);
    as_muldiv(&e->as, true, sign ? 5 : 4, right);
    em_put(e, d, RDX);
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
    em_get_into(e, w, RCX, m);
    em_get_into(e, w, RAX, n);
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
    em_put(e, d, RAX);
    e->flags = EM_FLAGS_NONE;
}

void em_rev(struct emitter *e, bool w, int d, int n)
{
    int out = em_dest(d, RAX);
    em_get_into(e, w, out, n);
    as_bswap(&e->as, w, out);
    em_put(e, d, out);
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
    em_get_into(e, w, RAX, n);
    if (bytes == 4) {
        as_bswap(&e->as, true, RAX);
        as_shift_ri(&e->as, true, SH_ROR, RAX, 32);
    } else {
        swap_groups(e, w, 8, UINT64_C(0x00ff00ff00ff00ff));
    }
    em_put(e, d, RAX);
    e->flags = EM_FLAGS_NONE;
}

void em_rbit(struct emitter *e, bool w, int d, int n)
{
    em_get_into(e, w, RAX, n);
    as_bswap(&e->as, w, RAX);
    swap_groups(e, w, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    swap_groups(e, w, 2, UINT64_C(0x3333333333333333));
    swap_groups(e, w, 1, UINT64_C(0x5555555555555555));
    em_put(e, d, RAX);
    e->flags = EM_FLAGS_NONE;
}

/* The sign's copies are the zeros before the first bit that differs from its neighbour. */
void em_cls(struct emitter *e, bool w, int d, int n)
{
    struct as *a = &e->as;
    em_get_into(e, w, RAX, n);
    as_mov_rr(a, w, RCX, RAX);
    as_shift_ri(a, w, SH_SAR, RCX, 1);
    as_alu_rr(a, w, ALU_XOR, RAX, RCX);
    as_lea_x(a, w, RAX, RAX, RAX, 0, 1); /* never zero, and one place further up */
    as_op2_rr(a, w, 0xbd, RCX, RAX, false);
    as_alu_ri(a, false, ALU_XOR, RCX, w ? 63 : 31);
    em_put(e, d, RCX);
    e->flags = EM_FLAGS_NONE;
}

/* BSR leaves nothing usable for zero: 2 * bits - 1 then, which the XOR makes the width. */
void em_clz(struct emitter *e, bool w, int d, int n)
{
    unsigned bits = w ? 64 : 32;
    int src = em_get(e, w, n, RAX);
    as_mov_ri(&e->as, RDX, 2 * bits - 1);
    as_op2_rr(&e->as, w, 0xbd, RCX, src, false);
    as_cmov(&e->as, w, CC_E, RCX, RDX);
    as_alu_ri(&e->as, false, ALU_XOR, RCX, (int32_t)bits - 1);
    em_put(e, d, RCX);
    e->flags = EM_FLAGS_NONE;
}

/* ---- conditional ---- */

/* Leaves the host's flags, as far as they are the guest's. */
void em_csel(struct emitter *e, bool w, bool invert, bool increment, int d, int n, int m,
             unsigned cond)
{
    if (cond >= 14) {
        em_mov(e, w, d, n);
        return;
    }
    unsigned cc = em_condition(e, cond);
    if (n == X_ZR && m == X_ZR && increment && !invert) { /* CSET */
        as_setcc(&e->as, cc ^ 1, RAX);
        as_movx_rr(&e->as, false, false, 1, RAX, RAX);
        em_put(e, d, RAX);
        return;
    }
    em_get_into(e, w, RDX, m);
    if (invert) /* NOT and LEA leave the flags */
        as_not(&e->as, w, RDX);
    if (increment)
        as_lea(&e->as, w, RDX, RDX, 1);
    int yes = em_get(e, w, n, RCX);
    as_cmov(&e->as, w, cc, RDX, yes);
    em_put(e, d, RDX);
}

/* The host's flags := NZCV `f` / with a borrow for the carry. Clobbers RAX. */
static void flags_const(struct emitter *e, bool borrow, uint32_t f)
{
    as_mov_ri(&e->as, RAX, borrow ? f ^ FLAG_C : f);
    as_8(&e->as, 0x04); /* add al, 0x7f: OF = V */
    as_8(&e->as, 0x7f);
    as_sahf(&e->as);
}

void em_ccmp(struct emitter *e, bool w, bool negative, int n, int m, unsigned imm, unsigned cond,
             uint32_t nzcv)
{
    uint8_t *fails = cond < 14 ? skip_if(e, em_condition(e, cond) ^ 1) : NULL;
    if (negative)
        em_get_into(e, w, RAX, n);
    int left = negative ? RAX : em_get(e, w, n, RAX);
    unsigned op = negative ? ALU_ADD : ALU_CMP;
    if (m < 0)
        as_alu_ri(&e->as, w, op, left, (int32_t)imm);
    else
        em_alu_slot(e, w, op, left, m);
    if (fails) {
        uint8_t *done = skip(e);
        land(e, fails);
        flags_const(e, !negative, nzcv);
        land(e, done);
    }
    em_flags_set(e, !negative, (struct em_again){.kind = EM_AGAIN_NOT});
}
