/* SPDX-License-Identifier: MIT */
/*
 * Exclusives, ordered accesses and atomics, as host atomics on the guest's memory.
 *
 * The exclusive monitor keeps the address and the value that the load-exclusive saw; the
 * store-exclusive is a compare-and-swap against it. A location that was changed and changed back
 * meanwhile counts as unchanged (docs/DIFFERENCES.md): no guest that uses exclusives as the
 * architecture allows can tell, since it never sees a value that was not there.
 *
 * Every ordered access is sequentially consistent, which is more than acquire and release ask for
 * and gives STLR followed by LDAR their order (Arm ARM B2.3.7). Translated code stores plainly for
 * STLR, notes it in cpu->released, and leaves the barrier to the next load with acquire: most often
 * another one comes between.
 */
#include "a64.h"
#include "cpu.h"
#include "host_atomic.h"
#include "mem.h"

#define OP(name)     const struct insn *op_##name(struct cpu *c, const struct insn *i)
#define FORMAT(name) bool dec_##name(struct insn *i, uint32_t w)

/* ---- formats: rd = Rt, rn = base, rm = Rs, ra = Rt2 ---- */

FORMAT(excl_ld)
{
    i->rd = slot_dst(insn_bits(w, 0, 5));
    i->rn = slot_sp(insn_bits(w, 5, 5));
    i->ra = slot_dst(insn_bits(w, 10, 5));
    return true;
}
FORMAT(excl_st)
{
    i->rd = slot_zr(insn_bits(w, 0, 5));
    i->rn = slot_sp(insn_bits(w, 5, 5));
    i->ra = slot_zr(insn_bits(w, 10, 5));
    i->rm = slot_dst(insn_bits(w, 16, 5));
    return true;
}
FORMAT(ordered_ld)
{
    return dec_excl_ld(i, w);
}
FORMAT(ordered_st)
{
    i->rd = slot_zr(insn_bits(w, 0, 5));
    i->rn = slot_sp(insn_bits(w, 5, 5));
    return true;
}
/* imm = offset, zero in the forms above. */
FORMAT(ordered_ld_off)
{
    i->imm = (uint64_t)sign_extend(insn_bits(w, 12, 9), 9);
    return dec_ordered_ld(i, w);
}
FORMAT(ordered_st_off)
{
    i->imm = (uint64_t)sign_extend(insn_bits(w, 12, 9), 9);
    return dec_ordered_st(i, w);
}
/* rd = where the old value goes, rm = operand, ra = Rt as a source (CAS). */
FORMAT(atomic)
{
    i->rd = slot_dst(insn_bits(w, 0, 5));
    i->ra = slot_zr(insn_bits(w, 0, 5));
    i->rn = slot_sp(insn_bits(w, 5, 5));
    i->rm = slot_zr(insn_bits(w, 16, 5));
    i->aux = slot_dst(insn_bits(w, 16, 5)); /* CAS: where the old value goes */
    return true;
}
/* Pairs begin at an even register. imm = slots for the old values, low and high. */
FORMAT(casp)
{
    unsigned s = insn_bits(w, 16, 5), t = insn_bits(w, 0, 5);
    if ((s | t) & 1)
        return false;
    i->rn = slot_sp(insn_bits(w, 5, 5));
    i->rm = slot_zr(s);
    i->rd = slot_zr(t);
    i->imm = slot_dst(s) | (uint64_t)slot_dst(s + 1) << 8;
    return true;
}

#define CHECK_SP                                                                                   \
    if (unlikely(i->rn == X_SP && (c->x[X_SP] & 15)) && mem_sp_fault(c, i))                        \
        return NULL;
#define LOCATE(type, bytes, write)                                                                 \
    CHECK_SP uint64_t va = c->x[i->rn] + i->imm;                                                   \
    type *p = mem_atomic(c, i, va, bytes, write);                                                  \
    if (!p)                                                                                        \
        return NULL;

/* ---- exclusives ---- */

/* Before a load with acquire. */
static void settle_release(struct cpu *c)
{
    if (unlikely(c->released))
        __atomic_store_n(&c->released, false, __ATOMIC_SEQ_CST);
}

static void monitor_set(struct cpu *c, uint64_t va, unsigned size, uint64_t lo, uint64_t hi)
{
    c->excl_valid = true;
    c->excl_addr = va;
    c->excl_size = (uint8_t)size;
    c->excl_val[0] = lo;
    c->excl_val[1] = hi;
    c->excl_host = 0;
}

static bool monitor_holds(struct cpu *c, uint64_t va, unsigned size)
{
    bool holds = c->excl_valid && c->excl_addr == va && c->excl_size == size;
    c->excl_valid = false;
    return holds;
}

#define EXCLUSIVE(bits)                                                                            \
    OP(ldxr##bits)                                                                                 \
    {                                                                                              \
        LOCATE(uint##bits##_t, bits / 8, false)                                                    \
        settle_release(c);                                                                         \
        uint64_t v = __atomic_load_n(p, __ATOMIC_SEQ_CST);                                         \
        monitor_set(c, va, bits / 8, v, 0);                                                        \
        c->x[i->rd] = v;                                                                           \
        return i + 1;                                                                              \
    }                                                                                              \
    OP(stxr##bits)                                                                                 \
    {                                                                                              \
        LOCATE(uint##bits##_t, bits / 8, true)                                                     \
        uint##bits##_t seen = (uint##bits##_t)c->excl_val[0];                                      \
        bool done = monitor_holds(c, va, bits / 8) &&                                              \
                    __atomic_compare_exchange_n(p, &seen, (uint##bits##_t)c->x[i->rd], false,      \
                                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);               \
        c->x[i->rm] = !done;                                                                       \
        return i + 1;                                                                              \
    }
EXCLUSIVE(8)
EXCLUSIVE(16)
EXCLUSIVE(32)
EXCLUSIVE(64)

/* A pair of W is one 64-bit access. */
OP(ldxp32)
{
    LOCATE(uint64_t, 8, false)
    settle_release(c);
    uint64_t v = __atomic_load_n(p, __ATOMIC_SEQ_CST);
    monitor_set(c, va, 8, v, 0);
    c->x[i->rd] = (uint32_t)v;
    c->x[i->ra] = v >> 32;
    return i + 1;
}
OP(stxp32)
{
    LOCATE(uint64_t, 8, true)
    uint64_t seen = c->excl_val[0], v = (uint32_t)c->x[i->rd] | c->x[i->ra] << 32;
    bool done = monitor_holds(c, va, 8) &&
                __atomic_compare_exchange_n(p, &seen, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    c->x[i->rm] = !done;
    return i + 1;
}
/* A pair of X: each half is single-copy atomic, the store-exclusive is so as a whole (B2.2.1). The
 * load needs no more: a torn value makes the compare fail. */
OP(ldxp64)
{
    LOCATE(uint64_t, 16, false)
    settle_release(c);
    uint64_t lo = __atomic_load_n(p, __ATOMIC_SEQ_CST);
    uint64_t hi = __atomic_load_n(p + 1, __ATOMIC_SEQ_CST);
    monitor_set(c, va, 16, lo, hi);
    c->x[i->rd] = lo;
    c->x[i->ra] = hi;
    return i + 1;
}
OP(stxp64)
{
    LOCATE(uint64_t, 16, true)
    uint64_t seen[2] = {c->excl_val[0], c->excl_val[1]};
    uint64_t v[2] = {c->x[i->rd], c->x[i->ra]};
    bool done = monitor_holds(c, va, 16) && host_cas128(p, seen, v);
    c->x[i->rm] = !done;
    return i + 1;
}

/* ---- acquire and release ---- */
#define ORDERED_LOAD(name, bits, expr)                                                             \
    OP(name)                                                                                       \
    {                                                                                              \
        LOCATE(uint##bits##_t, bits / 8, false)                                                    \
        settle_release(c);                                                                         \
        uint##bits##_t v = __atomic_load_n(p, __ATOMIC_SEQ_CST);                                   \
        c->x[i->rd] = expr;                                                                        \
        return i + 1;                                                                              \
    }
#define ORDERED_STORE(bits)                                                                        \
    OP(stlr##bits)                                                                                 \
    {                                                                                              \
        LOCATE(uint##bits##_t, bits / 8, true)                                                     \
        __atomic_store_n(p, (uint##bits##_t)c->x[i->rd], __ATOMIC_SEQ_CST);                        \
        return i + 1;                                                                              \
    }
ORDERED_LOAD(ldar8, 8, v)
ORDERED_LOAD(ldar16, 16, v)
ORDERED_LOAD(ldar32, 32, v)
ORDERED_LOAD(ldar64, 64, v)
ORDERED_LOAD(ldar8sx, 8, (uint64_t)(int8_t)v)
ORDERED_LOAD(ldar8sw, 8, (uint32_t)(int8_t)v)
ORDERED_LOAD(ldar16sx, 16, (uint64_t)(int16_t)v)
ORDERED_LOAD(ldar16sw, 16, (uint32_t)(int16_t)v)
ORDERED_LOAD(ldar32sx, 32, (uint64_t)(int32_t)v)
ORDERED_STORE(8)
ORDERED_STORE(16)
ORDERED_STORE(32)
ORDERED_STORE(64)

/* ---- compare and swap ---- */
#define CAS(bits)                                                                                  \
    OP(cas##bits)                                                                                  \
    {                                                                                              \
        LOCATE(uint##bits##_t, bits / 8, true)                                                     \
        uint##bits##_t old = (uint##bits##_t)c->x[i->rm];                                          \
        __atomic_compare_exchange_n(p, &old, (uint##bits##_t)c->x[i->ra], false, __ATOMIC_SEQ_CST, \
                                    __ATOMIC_SEQ_CST);                                             \
        c->x[i->aux] = old;                                                                        \
        return i + 1;                                                                              \
    }
CAS(8)
CAS(16)
CAS(32)
CAS(64)

OP(casp32)
{
    CHECK_SP uint64_t *p = mem_atomic(c, i, c->x[i->rn], 8, true);
    if (!p)
        return NULL;
    uint64_t old = (uint32_t)c->x[i->rm] | c->x[i->rm + 1] << 32;
    uint64_t v = (uint32_t)c->x[i->rd] | c->x[i->rd + 1] << 32;
    __atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    c->x[i->imm & 0xff] = (uint32_t)old;
    c->x[i->imm >> 8] = old >> 32;
    return i + 1;
}
OP(casp64)
{
    CHECK_SP uint64_t *p = mem_atomic(c, i, c->x[i->rn], 16, true);
    if (!p)
        return NULL;
    uint64_t old[2] = {c->x[i->rm], c->x[i->rm + 1]};
    uint64_t v[2] = {c->x[i->rd], c->x[i->rd + 1]};
    host_cas128(p, old, v);
    c->x[i->imm & 0xff] = old[0];
    c->x[i->imm >> 8] = old[1];
    return i + 1;
}

/* ---- read, modify, write ---- */
#define FETCH_OP(name, bits, builtin, operand)                                                     \
    OP(name##bits)                                                                                 \
    {                                                                                              \
        LOCATE(uint##bits##_t, bits / 8, true)                                                     \
        uint##bits##_t m = (uint##bits##_t)c->x[i->rm];                                            \
        c->x[i->rd] = builtin(p, (uint##bits##_t)(operand), __ATOMIC_SEQ_CST);                     \
        return i + 1;                                                                              \
    }
/* Minimum and maximum have no host operation: compare and swap until nobody came between. */
#define FETCH_MINMAX(name, bits, type, better)                                                     \
    OP(name##bits)                                                                                 \
    {                                                                                              \
        LOCATE(uint##bits##_t, bits / 8, true)                                                     \
        uint##bits##_t m = (uint##bits##_t)c->x[i->rm],                                            \
                       old = __atomic_load_n(p, __ATOMIC_RELAXED);                                 \
        while (!__atomic_compare_exchange_n(p, &old, (type)old better(type) m ? old : m, false,    \
                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))                   \
            ;                                                                                      \
        c->x[i->rd] = old;                                                                         \
        return i + 1;                                                                              \
    }
#define ATOMICS(bits)                                                                              \
    FETCH_OP(ldadd, bits, __atomic_fetch_add, m)                                                   \
    FETCH_OP(ldclr, bits, __atomic_fetch_and, ~m)                                                  \
    FETCH_OP(ldeor, bits, __atomic_fetch_xor, m)                                                   \
    FETCH_OP(ldset, bits, __atomic_fetch_or, m)                                                    \
    FETCH_OP(swp, bits, __atomic_exchange_n, m)                                                    \
    FETCH_MINMAX(ldsmax, bits, int##bits##_t, >)                                                   \
    FETCH_MINMAX(ldsmin, bits, int##bits##_t, <)                                                   \
    FETCH_MINMAX(ldumax, bits, uint##bits##_t, >)                                                  \
    FETCH_MINMAX(ldumin, bits, uint##bits##_t, <)
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)
