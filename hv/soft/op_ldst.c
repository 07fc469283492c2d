/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores of general registers. For each size and kind there is a handler per addressing
 * form, made by macros: what they share is `address`, the access, then the write-back.
 *
 * Where the architecture leaves a choice (write-back into a transferred register), a load's value
 * wins and a store stores the old one.
 */
#include "a64.h"
#include "cpu.h"
#include "mem.h"

#define OP(name)     const struct insn *op_##name(struct cpu *c, const struct insn *i)
#define FORMAT(name) bool dec_##name(struct insn *i, uint32_t w)

/* ---- formats: rd = Rt (destination or source), rn = base ---- */

static void operands(struct insn *i, uint32_t w)
{
    unsigned t = insn_bits(w, 0, 5);
    i->rd = a64_rows[i->id].flags & A64_LOAD ? slot_dst(t) : slot_zr(t);
    i->rn = slot_sp(insn_bits(w, 5, 5));
}

/* imm = offset. */
FORMAT(ldst_uimm)
{
    operands(i, w);
    i->imm = (uint64_t)insn_bits(w, 10, 12) << (w >> 30);
    return true;
}
FORMAT(ldst_simm)
{
    operands(i, w);
    i->imm = (uint64_t)sign_extend(insn_bits(w, 12, 9), 9);
    return true;
}
FORMAT(ldst_wb)
{
    return dec_ldst_simm(i, w);
}

/* rm = index, aux = extension (2 UXTW, 3 LSL, 6 SXTW, 7 SXTX), imm = left shift. */
FORMAT(ldst_reg)
{
    operands(i, w);
    i->rm = slot_zr(insn_bits(w, 16, 5));
    i->aux = insn_bits(w, 13, 3);
    i->imm = insn_bits(w, 12, 1) ? w >> 30 : 0;
    return i->aux & 2;
}

/* imm = distance from this instruction. */
FORMAT(ldst_lit)
{
    operands(i, w);
    i->imm = (uint64_t)sign_extend(insn_bits(w, 5, 19), 19) * 4;
    return true;
}

/* ra = Rt2, imm = offset. */
FORMAT(ldst_pair)
{
    unsigned t2 = insn_bits(w, 10, 5);
    operands(i, w);
    i->ra = a64_rows[i->id].flags & A64_LOAD ? slot_dst(t2) : slot_zr(t2);
    i->imm = (uint64_t)sign_extend(insn_bits(w, 15, 7), 7) * (w >> 31 ? 8 : 4);
    return true;
}

/* ---- addresses ---- */

#define SCTLR_SA  (1u << 3)
#define SCTLR_SA0 (1u << 4)

/* A stack pointer that is not a multiple of 16 faults if SCTLR_EL1.SA (EL0: SA0) says so (D1.3.6).
 */
bool mem_sp_fault(struct cpu *c, const struct insn *i)
{
    if (!(c->sr[SR_SCTLR_EL1] & (c->el ? SCTLR_SA : SCTLR_SA0)))
        return false;
    cpu_raise(c, i, ESR(EC_SP_ALIGN, 0), insn_pc(c, i));
    return true;
}

#define CHECK_SP                                                                                   \
    if (unlikely(i->rn == X_SP && (c->x[X_SP] & 15)) && mem_sp_fault(c, i))                        \
        return NULL;

static inline uint64_t index_of(const struct cpu *c, const struct insn *i)
{
    uint64_t m = c->x[i->rm];
    if (i->aux == 2)
        m = (uint32_t)m;
    else if (i->aux == 6)
        m = (uint64_t)(int32_t)m;
    return m << i->imm;
}

#define VA_imm  (c->x[i->rn] + i->imm)
#define VA_reg  (c->x[i->rn] + index_of(c, i))
#define VA_post (c->x[i->rn])
#define VA_pre  (c->x[i->rn] + i->imm)
#define VA_lit  (insn_pc(c, i) + i->imm)

#define WB_imm
#define WB_reg
#define WB_lit
#define WB_post c->x[i->rn] = va + i->imm;
#define WB_pre  c->x[i->rn] = va;
#define SP_imm  CHECK_SP
#define SP_reg  CHECK_SP
#define SP_post CHECK_SP
#define SP_pre  CHECK_SP
#define SP_lit

/* ---- single registers ---- */
#define LOAD(name, form, bits, extend)                                                             \
    OP(name##_##form)                                                                              \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        SP_##form uint64_t va = VA_##form;                                                         \
        if (!ld##bits(c, i, va, &v))                                                               \
            return NULL;                                                                           \
        WB_##form c->x[i->rd] = extend(v);                                                         \
        return i + 1;                                                                              \
    }
#define STORE(name, form, bits)                                                                    \
    OP(name##_##form)                                                                              \
    {                                                                                              \
        SP_##form uint64_t va = VA_##form;                                                         \
        if (!st##bits(c, i, va, (uint##bits##_t)c->x[i->rd]))                                      \
            return NULL;                                                                           \
        WB_##form return i + 1;                                                                    \
    }
#define LOAD_UNPRIV(name, bits, extend)                                                            \
    OP(name##_unpriv)                                                                              \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        CHECK_SP if (!mem_load_slow(c, i, VA_imm, bits / 8, mem_unpriv_view(c), &v)) return NULL;  \
        c->x[i->rd] = extend(v);                                                                   \
        return i + 1;                                                                              \
    }
#define STORE_UNPRIV(name, bits)                                                                   \
    OP(name##_unpriv)                                                                              \
    {                                                                                              \
        uint##bits##_t v = (uint##bits##_t)c->x[i->rd];                                            \
        CHECK_SP if (!mem_store_slow(c, i, VA_imm, bits / 8, mem_unpriv_view(c), &v)) return NULL; \
        return i + 1;                                                                              \
    }

/* What a loaded value becomes in X: zero-extended, sign-extended to 64 or to 32 bits. */
#define ZX(v)   (v)
#define SX8(v)  (uint64_t)(int8_t)(v)
#define SX16(v) (uint64_t)(int16_t)(v)
#define SX32(v) (uint64_t)(int32_t)(v)
#define SW8(v)  (uint32_t)(int8_t)(v)
#define SW16(v) (uint32_t)(int16_t)(v)

#define LOADS(name, bits, extend)                                                                  \
    LOAD(name, imm, bits, extend)                                                                  \
    LOAD(name, reg, bits, extend)                                                                  \
    LOAD(name, post, bits, extend)                                                                 \
    LOAD(name, pre, bits, extend)                                                                  \
    LOAD_UNPRIV(name, bits, extend)
#define STORES(name, bits)                                                                         \
    STORE(name, imm, bits)                                                                         \
    STORE(name, reg, bits)                                                                         \
    STORE(name, post, bits)                                                                        \
    STORE(name, pre, bits)                                                                         \
    STORE_UNPRIV(name, bits)

LOADS(ld8, 8, ZX)
LOADS(ld16, 16, ZX)
LOADS(ld32, 32, ZX)
LOADS(ld64, 64, ZX)
LOADS(ld8sx, 8, SX8)
LOADS(ld16sx, 16, SX16)
LOADS(ld32sx, 32, SX32)
LOADS(ld8sw, 8, SW8)
LOADS(ld16sw, 16, SW16)
STORES(st8, 8)
STORES(st16, 16)
STORES(st32, 32)
STORES(st64, 64)
LOAD(ld32, lit, 32, ZX)
LOAD(ld64, lit, 64, ZX)
LOAD(ld32sx, lit, 32, SX32)

/* ---- pairs: both accesses succeed, or nothing changes; a fault names the first byte that failed
 * ---- */
#define VA_off (c->x[i->rn] + i->imm)
#define WB_off
#define LOAD_PAIR(name, form, bits, extend)                                                        \
    OP(name##_##form)                                                                              \
    {                                                                                              \
        uint##bits##_t v1, v2;                                                                     \
        CHECK_SP uint64_t va = VA_##form;                                                          \
        if (!ld##bits(c, i, va, &v1) || !ld##bits(c, i, va + bits / 8, &v2))                       \
            return NULL;                                                                           \
        WB_##form c->x[i->rd] = extend(v1);                                                        \
        c->x[i->ra] = extend(v2);                                                                  \
        return i + 1;                                                                              \
    }
#define STORE_PAIR(name, form, bits)                                                               \
    OP(name##_##form)                                                                              \
    {                                                                                              \
        CHECK_SP uint64_t va = VA_##form;                                                          \
        if (!st##bits(c, i, va, (uint##bits##_t)c->x[i->rd]) ||                                    \
            !st##bits(c, i, va + bits / 8, (uint##bits##_t)c->x[i->ra]))                           \
            return NULL;                                                                           \
        WB_##form return i + 1;                                                                    \
    }
#define PAIRS(form)                                                                                \
    LOAD_PAIR(ldp32, form, 32, ZX)                                                                 \
    LOAD_PAIR(ldp64, form, 64, ZX)                                                                 \
    LOAD_PAIR(ldpsw, form, 32, SX32)                                                               \
    STORE_PAIR(stp32, form, 32)                                                                    \
    STORE_PAIR(stp64, form, 64)
PAIRS(off)
PAIRS(post)
PAIRS(pre)
