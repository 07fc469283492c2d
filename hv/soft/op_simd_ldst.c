/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores of one or two SIMD and floating-point registers (Arm ARM C4.1.66).
 *
 * rd: Vt; ra: Vt2 of a pair; rn: base slot; rm: index slot. imm: the offset in bytes. aux, for a
 * register offset: the shift, plus INDEX_SIGNED where a 32-bit index is sign-extended. A load
 * writes all 128 bits of Vt. The base is written last, after every access has succeeded. Runs on
 * the vCPU's thread.
 */
#include "simd.h"

enum { INDEX_SIGNED = 1u << 8 };

#define REGISTER_ACCESS(bits)                                                                      \
    static inline bool ldv##bits(struct cpu *c, const struct insn *i, uint64_t va, v128 *out)      \
    {                                                                                              \
        uint##bits##_t x;                                                                          \
        if (unlikely(!ld##bits(c, i, va, &x)))                                                     \
            return false;                                                                          \
        out->d[0] = x;                                                                             \
        out->d[1] = 0;                                                                             \
        return true;                                                                               \
    }                                                                                              \
    static inline bool stv##bits(struct cpu *c, const struct insn *i, uint64_t va, const v128 *in) \
    {                                                                                              \
        return st##bits(c, i, va, (uint##bits##_t)in->d[0]);                                       \
    }                                                                                              \
    static inline v128 host_load##bits(const void *host)                                           \
    {                                                                                              \
        uint##bits##_t x;                                                                          \
        memcpy(&x, host, sizeof x);                                                                \
        return (v128){.d = {x, 0}};                                                                \
    }
REGISTER_ACCESS(8)
REGISTER_ACCESS(16)
REGISTER_ACCESS(32)
REGISTER_ACCESS(64)
#define ldv128 ld128
#define stv128 st128

static inline v128 host_load128(const void *host)
{
    v128 r;
    memcpy(&r, host, sizeof r);
    return r;
}

static inline uint64_t index32(const struct cpu *c, const struct insn *i)
{
    const uint32_t x = (uint32_t)c->x[i->rm];
    return (i->aux & INDEX_SIGNED ? (uint64_t)(int32_t)x : x) << (i->aux & 7);
}

/*
 * Every handler has a twin for what is not simple: a page that the TLB does not hold, a crossing of
 * pages, a stack pointer to be checked. It is a function of its own, called last, so that the
 * common path saves no registers. One access at `address`; then `update` (the base) if it
 * succeeded.
 */
#define SLOW                __attribute__((noinline, cold)) static
#define SP_SUSPECT(i, base) unlikely(((base)&15) && (i)->rn == X_SP)

#define SINGLE(fn, bits, address, update)                                                          \
    SLOW const struct insn *ldr_##fn##_##bits##_slow(struct cpu *c, const struct insn *i)          \
    {                                                                                              \
        const uint64_t base = c->x[i->rn], va = (address);                                         \
        v128 r;                                                                                    \
        (void)base;                                                                                \
        if (mem_sp_misaligned(c, i) || !ldv##bits(c, i, va, &r))                                   \
            return NULL;                                                                           \
        c->v[i->rd] = r;                                                                           \
        update;                                                                                    \
        return i + 1;                                                                              \
    }                                                                                              \
    static const struct insn *ldr_##fn##_##bits(struct cpu *c, const struct insn *i)               \
    {                                                                                              \
        const uint64_t base = c->x[i->rn], va = (address);                                         \
        const struct tlb_entry *e = tlb_slot(c, c->tlb, va);                                       \
        if (!in_page(e->read, va, bits / 8) || SP_SUSPECT(i, base))                                \
            return ldr_##fn##_##bits##_slow(c, i);                                                 \
        c->v[i->rd] = host_load##bits((const void *)(uintptr_t)(va + e->addend));                  \
        update;                                                                                    \
        return i + 1;                                                                              \
    }
#define SINGLE_STORE(fn, bits, address, update)                                                    \
    SLOW const struct insn *str_##fn##_##bits##_slow(struct cpu *c, const struct insn *i)          \
    {                                                                                              \
        const uint64_t base = c->x[i->rn], va = (address);                                         \
        if (mem_sp_misaligned(c, i) || !stv##bits(c, i, va, &c->v[i->rd]))                         \
            return NULL;                                                                           \
        update;                                                                                    \
        return i + 1;                                                                              \
    }                                                                                              \
    static const struct insn *str_##fn##_##bits(struct cpu *c, const struct insn *i)               \
    {                                                                                              \
        const uint64_t base = c->x[i->rn], va = (address);                                         \
        const struct tlb_entry *e = tlb_slot(c, c->tlb, va);                                       \
        if (!in_page(e->write, va, bits / 8) || SP_SUSPECT(i, base))                               \
            return str_##fn##_##bits##_slow(c, i);                                                 \
        memcpy((void *)(uintptr_t)(va + e->addend), &c->v[i->rd], bits / 8);                       \
        update;                                                                                    \
        return i + 1;                                                                              \
    }
#define BOTH(fn, bits, address, update)                                                            \
    SINGLE(fn, bits, address, update)                                                              \
    SINGLE_STORE(fn, bits, address, update)
#define NOTHING ((void)0)
#define ADVANCE c->x[i->rn] = base + i->imm
#define MODES(bits)                                                                                \
    BOTH(imm, bits, base + i->imm, NOTHING)                                                        \
    BOTH(post, bits, base, ADVANCE)                                                                \
    BOTH(pre, bits, base + i->imm, ADVANCE)                                                        \
    BOTH(x, bits, base + (c->x[i->rm] << i->aux), NOTHING)                                         \
    BOTH(w, bits, base + index32(c, i), NOTHING)
MODES(8)
MODES(16)
MODES(32)
MODES(64)
MODES(128)
SINGLE(lit, 32, insn_pc(c, i) + i->imm, NOTHING)
SINGLE(lit, 64, insn_pc(c, i) + i->imm, NOTHING)
SINGLE(lit, 128, insn_pc(c, i) + i->imm, NOTHING)

/* Copies of memory are made of these: both registers ask the TLB once. In the slow twin both loads
 * come before the first write. If Vt2 is Vt, the second wins: as good as any choice. */
#define PAIR(fn, bits, address, update)                                                            \
    SLOW const struct insn *ldp_##fn##_##bits##_slow(struct cpu *c, const struct insn *i)          \
    {                                                                                              \
        const uint64_t base = c->x[i->rn], va = (address);                                         \
        v128 r, r2;                                                                                \
        if (mem_sp_misaligned(c, i) || !ldv##bits(c, i, va, &r) ||                                 \
            !ldv##bits(c, i, va + bits / 8, &r2))                                                  \
            return NULL;                                                                           \
        c->v[i->rd] = r;                                                                           \
        c->v[i->ra] = r2;                                                                          \
        update;                                                                                    \
        return i + 1;                                                                              \
    }                                                                                              \
    static const struct insn *ldp_##fn##_##bits(struct cpu *c, const struct insn *i)               \
    {                                                                                              \
        const uint64_t base = c->x[i->rn], va = (address);                                         \
        const struct tlb_entry *e = tlb_slot(c, c->tlb, va);                                       \
        if (!in_page(e->read, va, bits / 4) || SP_SUSPECT(i, base))                                \
            return ldp_##fn##_##bits##_slow(c, i);                                                 \
        const uint8_t *host = (const uint8_t *)(uintptr_t)(va + e->addend);                        \
        c->v[i->rd] = host_load##bits(host);                                                       \
        c->v[i->ra] = host_load##bits(host + bits / 8);                                            \
        update;                                                                                    \
        return i + 1;                                                                              \
    }                                                                                              \
    SLOW const struct insn *stp_##fn##_##bits##_slow(struct cpu *c, const struct insn *i)          \
    {                                                                                              \
        const uint64_t base = c->x[i->rn], va = (address);                                         \
        if (mem_sp_misaligned(c, i) || !stv##bits(c, i, va, &c->v[i->rd]) ||                       \
            !stv##bits(c, i, va + bits / 8, &c->v[i->ra]))                                         \
            return NULL;                                                                           \
        update;                                                                                    \
        return i + 1;                                                                              \
    }                                                                                              \
    static const struct insn *stp_##fn##_##bits(struct cpu *c, const struct insn *i)               \
    {                                                                                              \
        const uint64_t base = c->x[i->rn], va = (address);                                         \
        const struct tlb_entry *e = tlb_slot(c, c->tlb, va);                                       \
        if (!in_page(e->write, va, bits / 4) || SP_SUSPECT(i, base))                               \
            return stp_##fn##_##bits##_slow(c, i);                                                 \
        uint8_t *host = (uint8_t *)(uintptr_t)(va + e->addend);                                    \
        memcpy(host, &c->v[i->rd], bits / 8);                                                      \
        memcpy(host + bits / 8, &c->v[i->ra], bits / 8);                                           \
        update;                                                                                    \
        return i + 1;                                                                              \
    }
#define PAIR_MODES(bits)                                                                           \
    PAIR(imm, bits, base + i->imm, NOTHING)                                                        \
    PAIR(post, bits, base, ADVANCE)                                                                \
    PAIR(pre, bits, base + i->imm, ADVANCE)
PAIR_MODES(32)
PAIR_MODES(64)
PAIR_MODES(128)

/* ---- formats ---- */

#define BY_SIZE(fn)                                                                                \
    {                                                                                              \
        fn##_8, fn##_16, fn##_32, fn##_64, fn##_128                                                \
    }
typedef op_fn *const by_size[5];

/* Size and registers of a single access. Bits 23, 31:30 are the logarithm of the size, up to 4. */
static bool single(struct insn *i, uint32_t w, const by_size ldr, const by_size str, unsigned *size)
{
    *size = insn_bits(w, 23, 1) << 2 | insn_bits(w, 30, 2);
    i->rd = (uint8_t)insn_bits(w, 0, 5);
    i->rn = slot_sp(insn_bits(w, 5, 5));
    return *size <= 4 && v_pick(i, (insn_bits(w, 22, 1) ? ldr : str)[*size]);
}

bool dec_v_ldst_uimm(struct insn *i, uint32_t w)
{
    static const by_size ldr = BY_SIZE(ldr_imm), str = BY_SIZE(str_imm);
    unsigned size;
    if (!single(i, w, ldr, str, &size))
        return false;
    i->imm = (uint64_t)insn_bits(w, 10, 12) << size;
    return true;
}

static bool single_imm9(struct insn *i, uint32_t w, const by_size ldr, const by_size str)
{
    unsigned size;
    i->imm = (uint64_t)sign_extend(insn_bits(w, 12, 9), 9);
    return single(i, w, ldr, str, &size);
}

bool dec_v_ldst_simm(struct insn *i, uint32_t w)
{
    static const by_size ldr = BY_SIZE(ldr_imm), str = BY_SIZE(str_imm);
    return single_imm9(i, w, ldr, str);
}

bool dec_v_ldst_post(struct insn *i, uint32_t w)
{
    static const by_size ldr = BY_SIZE(ldr_post), str = BY_SIZE(str_post);
    return single_imm9(i, w, ldr, str);
}

bool dec_v_ldst_pre(struct insn *i, uint32_t w)
{
    static const by_size ldr = BY_SIZE(ldr_pre), str = BY_SIZE(str_pre);
    return single_imm9(i, w, ldr, str);
}

bool dec_v_ldst_reg(struct insn *i, uint32_t w)
{
    static const by_size ldr_x = BY_SIZE(ldr_x), str_x = BY_SIZE(str_x);
    static const by_size ldr_w = BY_SIZE(ldr_w), str_w = BY_SIZE(str_w);
    const unsigned option = insn_bits(w, 13, 3);
    const bool wide = option & 1; /* LSL and SXTX are the same for 64 bits */
    unsigned size;
    if (!(option & 2) || !single(i, w, wide ? ldr_x : ldr_w, wide ? str_x : str_w, &size))
        return false;
    i->rm = slot_zr(insn_bits(w, 16, 5));
    i->aux = insn_bits(w, 12, 1) ? size : 0;
    if (option == 6)
        i->aux |= INDEX_SIGNED;
    return true;
}

bool dec_v_ldr_lit(struct insn *i, uint32_t w)
{
    static op_fn *const fns[4] = {ldr_lit_32, ldr_lit_64, ldr_lit_128, NULL};
    i->rd = (uint8_t)insn_bits(w, 0, 5);
    i->rn = X_ZR;
    i->imm = (uint64_t)sign_extend(insn_bits(w, 5, 19), 19) * 4;
    return v_pick(i, fns[insn_bits(w, 30, 2)]);
}

static bool pair(struct insn *i, uint32_t w, op_fn *const fns[2][4])
{
    const unsigned opc = insn_bits(w, 30, 2);
    i->rd = (uint8_t)insn_bits(w, 0, 5);
    i->ra = (uint8_t)insn_bits(w, 10, 5);
    i->rn = slot_sp(insn_bits(w, 5, 5));
    i->imm = (uint64_t)sign_extend(insn_bits(w, 15, 7), 7) << (opc + 2);
    return v_pick(i, fns[insn_bits(w, 22, 1)][opc]);
}

#define PAIR_FORMAT(name, mode)                                                                    \
    bool dec_##name(struct insn *i, uint32_t w)                                                    \
    {                                                                                              \
        static op_fn *const fns[2][4] = {                                                          \
            {stp_##mode##_32, stp_##mode##_64, stp_##mode##_128, NULL},                            \
            {ldp_##mode##_32, ldp_##mode##_64, ldp_##mode##_128, NULL}};                           \
        return pair(i, w, fns);                                                                    \
    }
PAIR_FORMAT(v_pair, imm)
PAIR_FORMAT(v_pair_post, post)
PAIR_FORMAT(v_pair_pre, pre)
