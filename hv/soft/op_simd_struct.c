/* SPDX-License-Identifier: MIT */
/*
 * Advanced SIMD loads and stores of structures: LD1 to LD4, ST1 to ST4, one lane or whole
 * registers, and LD1R to LD4R (Arm ARM C4.1.66).
 *
 * rd: Vt, the first of consecutive registers modulo 32; rn: base slot. With post-index the base
 * grows by imm + X[rm], one of which is zero. Memory is accessed element by element, in order,
 * unless all of it lies in one directly mapped page; registers change after the last access. Runs
 * on the vCPU's thread.
 */
#include "simd.h"

/* i->aux */
enum {
    AUX_SIZE = 3,           /* bits 1:0: logarithm of the element's bytes */
    AUX_COUNT_SHIFT = 2,    /* bits 4:2: registers of a single structure */
    AUX_LANE_SHIFT = 5,     /* bits 8:5 */
    AUX_REPLICATE = 1 << 9, /* LDnR: into all lanes */
    AUX_Q = 1 << 10,
    AUX_POST = 1 << 11
};

static bool load_element(struct cpu *c, const struct insn *i, uint64_t va, unsigned size, void *out)
{
    switch (size) {
    case SIZE_B: return ld8(c, i, va, out);
    case SIZE_H: return ld16(c, i, va, out);
    case SIZE_S: return ld32(c, i, va, out);
    default: return ld64(c, i, va, out);
    }
}

static bool store_element(struct cpu *c, const struct insn *i, uint64_t va, unsigned size,
                          const void *in)
{
    uint64_t x = 0;
    memcpy(&x, in, (size_t)1 << size);
    switch (size) {
    case SIZE_B: return st8(c, i, va, (uint8_t)x);
    case SIZE_H: return st16(c, i, va, (uint16_t)x);
    case SIZE_S: return st32(c, i, va, (uint32_t)x);
    default: return st64(c, i, va, x);
    }
}

static bool load_elements(struct cpu *c, const struct insn *i, uint64_t va, unsigned bytes,
                          uint8_t *out)
{
    const unsigned size = i->aux & AUX_SIZE;
    for (unsigned k = 0; k < bytes; k += 1u << size) {
        uint64_t x = 0;
        if (!load_element(c, i, va + k, size, &x))
            return false;
        memcpy(out + k, &x, (size_t)1 << size);
    }
    return true;
}

static bool store_elements(struct cpu *c, const struct insn *i, uint64_t va, unsigned bytes,
                           const uint8_t *in)
{
    const unsigned size = i->aux & AUX_SIZE;
    for (unsigned k = 0; k < bytes; k += 1u << size)
        if (!store_element(c, i, va + k, size, in + k))
            return false;
    return true;
}

static inline bool load_bytes(struct cpu *c, const struct insn *i, uint64_t va, unsigned bytes,
                              uint8_t *out)
{
    const struct tlb_entry *e = tlb_slot(c, c->tlb, va);
    if (in_page(e->read, va, bytes)) {
        memcpy(out, (const void *)(uintptr_t)(va + e->addend), bytes);
        return true;
    }
    return load_elements(c, i, va, bytes, out);
}

static inline bool store_bytes(struct cpu *c, const struct insn *i, uint64_t va, unsigned bytes,
                               const uint8_t *in)
{
    const struct tlb_entry *e = tlb_slot(c, c->tlb, va);
    if (in_page(e->write, va, bytes)) {
        memcpy((void *)(uintptr_t)(va + e->addend), in, bytes);
        return true;
    }
    return store_elements(c, i, va, bytes, in);
}

static inline void post_index(struct cpu *c, const struct insn *i, uint64_t base)
{
    if (i->aux & AUX_POST)
        c->x[i->rn] = base + i->imm + c->x[i->rm];
}

/* ---- multiple structures ---- */

/* `regs` registers of `bytes` (8 or 16); memory holds structures of `elems` elements, 1 for LD1. */
#define MULTI(fn, F, bytes, regs, elems)                                                           \
    static const struct insn *ld##fn(struct cpu *c, const struct insn *i)                          \
    {                                                                                              \
        enum { lanes = (bytes) / sizeof c->v[0].F[0] };                                            \
        const uint64_t va = c->x[i->rn];                                                           \
        if (unlikely(mem_sp_misaligned(c, i)))                                                     \
            return NULL;                                                                           \
        __typeof__(c->v[0].F[0]) buf[(regs)*lanes];                                                \
        if (unlikely(!load_bytes(c, i, va, sizeof buf, (uint8_t *)buf)))                           \
            return NULL;                                                                           \
        for (unsigned r = 0; r < (regs); r++) {                                                    \
            v128 x = {0};                                                                          \
            for (unsigned k = 0; k < lanes; k++)                                                   \
                x.F[k] = (elems) == 1 ? buf[r * lanes + k] : buf[k * (regs) + r];                  \
            c->v[(i->rd + r) & 31] = x;                                                            \
        }                                                                                          \
        post_index(c, i, va);                                                                      \
        return i + 1;                                                                              \
    }                                                                                              \
    static const struct insn *st##fn(struct cpu *c, const struct insn *i)                          \
    {                                                                                              \
        enum { lanes = (bytes) / sizeof c->v[0].F[0] };                                            \
        const uint64_t va = c->x[i->rn];                                                           \
        if (unlikely(mem_sp_misaligned(c, i)))                                                     \
            return NULL;                                                                           \
        __typeof__(c->v[0].F[0]) buf[(regs)*lanes];                                                \
        for (unsigned r = 0; r < (regs); r++) {                                                    \
            const v128 x = c->v[(i->rd + r) & 31];                                                 \
            for (unsigned k = 0; k < lanes; k++)                                                   \
                buf[(elems) == 1 ? r * lanes + k : k * (regs) + r] = x.F[k];                       \
        }                                                                                          \
        if (unlikely(!store_bytes(c, i, va, sizeof buf, (const uint8_t *)buf)))                    \
            return NULL;                                                                           \
        post_index(c, i, va);                                                                      \
        return i + 1;                                                                              \
    }
#define MULTI_SIZES(n)                                                                             \
    MULTI(n##_b0, b, 8, n, n)                                                                      \
    MULTI(n##_h0, h, 8, n, n)                                                                      \
    MULTI(n##_s0, s, 8, n, n)                                                                      \
    MULTI(n##_b1, b, 16, n, n)                                                                     \
    MULTI(n##_h1, h, 16, n, n)                                                                     \
    MULTI(n##_s1, s, 16, n, n)                                                                     \
    MULTI(n##_d1, d, 16, n, n)
MULTI_SIZES(2)
MULTI_SIZES(3)
MULTI_SIZES(4)
#define MULTI_LD1(regs)                                                                            \
    MULTI(1_x##regs##_0, d, 8, regs, 1)                                                            \
    MULTI(1_x##regs##_1, d, 16, regs, 1)
MULTI_LD1(1)
MULTI_LD1(2)
MULTI_LD1(3)
MULTI_LD1(4)

#define MULTI_TABLE(n)                                                                             \
    {                                                                                              \
        {n##_b0, n##_b1}, {n##_h0, n##_h1}, {n##_s0, n##_s1},                                      \
        {                                                                                          \
            NULL, n##_d1                                                                           \
        }                                                                                          \
    }
#define LD1_TABLE(n)                                                                               \
    {                                                                                              \
        {n##1_0, n##1_1}, {n##2_0, n##2_1}, {n##3_0, n##3_1},                                      \
        {                                                                                          \
            n##4_0, n##4_1                                                                         \
        }                                                                                          \
    }
/* [store, load][count - 2][size][Q] and, for LD1 and ST1, [store, load][registers - 1][Q]. */
static op_fn *const multi_fns[2][3][SIZES][2] = {
    {MULTI_TABLE(st2), MULTI_TABLE(st3), MULTI_TABLE(st4)},
    {MULTI_TABLE(ld2), MULTI_TABLE(ld3), MULTI_TABLE(ld4)}};
static op_fn *const multi1_fns[2][4][2] = {LD1_TABLE(st1_x), LD1_TABLE(ld1_x)};

bool dec_v_multi(struct insn *i, uint32_t w)
{
    /* By opcode: registers, and whether they interleave. */
    static const struct {
        uint8_t regs, interleaved;
    } kinds[16] = {[0] = {4, 1}, [2] = {4, 0}, [4] = {3, 1}, [6] = {3, 0},
                   [7] = {1, 0}, [8] = {2, 1}, [10] = {2, 0}};
    const unsigned opcode = insn_bits(w, 12, 4), regs = kinds[opcode].regs;
    const unsigned q = insn_bits(w, 30, 1), size = insn_bits(w, 10, 2), load = insn_bits(w, 22, 1);
    if (!regs)
        return false;
    i->rd = (uint8_t)insn_bits(w, 0, 5);
    i->rn = slot_sp(insn_bits(w, 5, 5));
    i->aux = size;
    i->imm = regs * (q ? 16 : 8);
    return v_pick(i, kinds[opcode].interleaved ? multi_fns[load][regs - 2][size][q]
                                               : multi1_fns[load][regs - 1][q]);
}

/* Rm = 31 stands for the bytes transferred, which imm holds already. */
static void post_fields(struct insn *i, uint32_t w)
{
    const unsigned rm = insn_bits(w, 16, 5);
    i->aux |= AUX_POST;
    i->rm = slot_zr(rm);
    if (rm != 31)
        i->imm = 0;
}

bool dec_v_multi_post(struct insn *i, uint32_t w)
{
    if (!dec_v_multi(i, w))
        return false;
    post_fields(i, w);
    return true;
}

/* ---- single structures ---- */

static void set_lane(v128 *v, unsigned size, unsigned lane, uint64_t x)
{
    switch (size) {
    case SIZE_B: v->b[lane] = (uint8_t)x; break;
    case SIZE_H: v->h[lane] = (uint16_t)x; break;
    case SIZE_S: v->s[lane] = (uint32_t)x; break;
    default: v->d[lane] = x; break;
    }
}

static v128 replicate(unsigned size, uint64_t x, bool q)
{
    static const uint64_t ones[] = {UINT64_C(0x0101010101010101), UINT64_C(0x0001000100010001),
                                    UINT64_C(0x0000000100000001), 1};
    return (v128){.d = {x * ones[size], q ? x * ones[size] : 0}};
}

static const struct insn *ld_single(struct cpu *c, const struct insn *i)
{
    const unsigned size = i->aux & AUX_SIZE, count = i->aux >> AUX_COUNT_SHIFT & 7;
    const unsigned lane = i->aux >> AUX_LANE_SHIFT & 15;
    const uint64_t va = c->x[i->rn];
    if (unlikely(mem_sp_misaligned(c, i)))
        return NULL;
    uint64_t x[4] = {0};
    for (unsigned k = 0; k < count; k++)
        if (unlikely(!load_element(c, i, va + ((uint64_t)k << size), size, &x[k])))
            return NULL;
    for (unsigned k = 0; k < count; k++) {
        v128 *v = &c->v[(i->rd + k) & 31];
        if (i->aux & AUX_REPLICATE)
            *v = replicate(size, x[k], i->aux & AUX_Q);
        else
            set_lane(v, size, lane, x[k]);
    }
    post_index(c, i, va);
    return i + 1;
}

static const struct insn *st_single(struct cpu *c, const struct insn *i)
{
    const unsigned size = i->aux & AUX_SIZE, count = i->aux >> AUX_COUNT_SHIFT & 7;
    const unsigned lane = i->aux >> AUX_LANE_SHIFT & 15;
    const uint64_t va = c->x[i->rn];
    if (unlikely(mem_sp_misaligned(c, i)))
        return NULL;
    for (unsigned k = 0; k < count; k++) {
        const v128 *v = &c->v[(i->rd + k) & 31];
        if (unlikely(!store_element(c, i, va + ((uint64_t)k << size), size, &v->b[lane << size])))
            return NULL;
    }
    post_index(c, i, va);
    return i + 1;
}

/* The lane is a prefix of Q:S:size, and what the element size leaves over must be zero. */
bool dec_v_single(struct insn *i, uint32_t w)
{
    const unsigned opcode = insn_bits(w, 13, 3), s = insn_bits(w, 12, 1), z = insn_bits(w, 10, 2);
    const unsigned q = insn_bits(w, 30, 1), load = insn_bits(w, 22, 1);
    const unsigned qsz = q << 3 | s << 2 | z;
    const unsigned count = ((opcode & 1) << 1 | insn_bits(w, 21, 1)) + 1;
    unsigned size = opcode >> 1, lane = 0;
    uint32_t flags = 0;
    switch (size) {
    case SIZE_B: lane = qsz; break;
    case SIZE_H:
        if (z & 1)
            return false;
        lane = qsz >> 1;
        break;
    case SIZE_S:
        if (z > 1 || (z == 1 && s))
            return false;
        lane = z ? q : qsz >> 2;
        size = z ? SIZE_D : SIZE_S;
        break;
    default:
        if (!load || s)
            return false;
        size = z;
        flags = AUX_REPLICATE | (q ? AUX_Q : 0);
        break;
    }
    i->rd = (uint8_t)insn_bits(w, 0, 5);
    i->rn = slot_sp(insn_bits(w, 5, 5));
    i->aux = size | count << AUX_COUNT_SHIFT | lane << AUX_LANE_SHIFT | flags;
    i->imm = (uint64_t)count << size;
    return v_pick(i, load ? ld_single : st_single);
}

bool dec_v_single_post(struct insn *i, uint32_t w)
{
    if (!dec_v_single(i, w))
        return false;
    post_fields(i, w);
    return true;
}
