/* SPDX-License-Identifier: MIT */
/*
 * The atomic operations of the guest, one instruction or one loop each: by exclusives, and by the
 * atomics of FEAT_LSE, which end in _lse.
 */
#pragma once

#include <stdint.h>

typedef uint64_t u64;
typedef uint32_t u32;

#define LINE  __attribute__((aligned(128)))
#define DMB() __asm__ volatile("dmb ish" ::: "memory")

static inline u64 acquire(const volatile u64 *p)
{
    u64 v;
    __asm__ volatile("ldar %0, [%1]" : "=r"(v) : "r"(p) : "memory");
    return v;
}

static inline void release(volatile u64 *p, u64 v)
{
    __asm__ volatile("stlr %0, [%1]" ::"r"(v), "r"(p) : "memory");
}

static inline u64 fetch_add(u64 *p, u64 n)
{
    u64 old, sum;
    u32 failed;
    __asm__ volatile("1: ldaxr %0, [%3]\n\tadd %1, %0, %4\n\tstlxr %w2, %1, [%3]\n\tcbnz %w2, 1b"
                     : "=&r"(old), "=&r"(sum), "=&r"(failed)
                     : "r"(p), "r"(n)
                     : "memory");
    return old;
}

/* A load with acquire, by a compare-and-swap of exclusives that does not come to its store. */
static inline u64 read_exclusive(u64 *p)
{
    u64 old;
    u32 failed;
    __asm__ volatile("1: ldaxr %0, [%2]\n\tcmn %0, #1\n\tb.ne 2f\n\tstxr %w1, %0, [%2]\n\t"
                     "cbnz %w1, 1b\n2:"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(p)
                     : "memory", "cc");
    return old;
}

/* The same by one that stores what was there. */
static inline u64 read_loop(u64 *p)
{
    u64 old, same;
    u32 failed;
    __asm__ volatile("1: ldaxr %0, [%3]\n\tadd %1, %0, #0\n\tstxr %w2, %1, [%3]\n\t"
                     "cbnz %w2, 1b"
                     : "=&r"(old), "=&r"(same), "=&r"(failed)
                     : "r"(p)
                     : "memory");
    return old;
}

/* Two words at once; true if they were a, b. */
static inline int swap_pair(u64 *p, u64 a, u64 b, u64 c, u64 d)
{
    u64 x, y;
    u32 failed;
    __asm__ volatile("1: ldaxp %0, %1, [%3]\n\tcmp %0, %4\n\tccmp %1, %5, #0, eq\n\tb.ne 2f\n\t"
                     "stlxp %w2, %6, %7, [%3]\n\tcbnz %w2, 1b\n2:\tcset %w2, ne"
                     : "=&r"(x), "=&r"(y), "=&r"(failed)
                     : "r"(p), "r"(a), "r"(b), "r"(c), "r"(d)
                     : "memory", "cc");
    return failed == 0;
}

static inline int swap_pair_lse(u64 *p, u64 a, u64 b, u64 c, u64 d)
{
    register u64 x0 __asm__("x0") = a;
    register u64 x1 __asm__("x1") = b;
    register u64 x2 __asm__("x2") = c;
    register u64 x3 __asm__("x3") = d;
    __asm__ volatile("caspal x0, x1, x2, x3, [%4]"
                     : "+r"(x0), "+r"(x1)
                     : "r"(x2), "r"(x3), "r"(p)
                     : "memory");
    return x0 == a && x1 == b;
}

/* True if the word was a. */
static inline int swap_lse(u64 *p, u64 a, u64 b)
{
    u64 old = a;
    __asm__ volatile("casal %0, %1, [%2]" : "+r"(old) : "r"(b), "r"(p) : "memory");
    return old == a;
}

/* A load with acquire, by an atomic that changes nothing. */
static inline u64 read_lse(u64 *p)
{
    u64 old = 0;
    __asm__ volatile("casal %0, xzr, [%1]" : "+r"(old) : "r"(p) : "memory");
    return old;
}

/* The old value; zero-extended for the smaller sizes. */
#define LSE(name, instruction, width)                                                              \
    static inline u64 name##_lse(void *p, u64 v)                                                   \
    {                                                                                              \
        u64 old;                                                                                   \
        __asm__ volatile(instruction " %" width "1, %" width "0, [%2]"                             \
                         : "=&r"(old)                                                              \
                         : "r"(v), "r"(p)                                                          \
                         : "memory");                                                              \
        return old;                                                                                \
    }
LSE(fetch_add, "ldaddal", "")
LSE(fetch_add32, "ldaddal", "w")
LSE(fetch_add16, "ldaddh", "w")
LSE(fetch_add8, "ldaddb", "w")
LSE(fetch_set8, "ldsetab", "w")
LSE(fetch_clear8, "ldclrlb", "w")
LSE(fetch_flip16, "ldeoralh", "w")
LSE(fetch_set, "ldsetal", "")
LSE(fetch_clear, "ldclral", "")
LSE(fetch_max, "ldumaxal", "")
LSE(fetch_min, "ldsminal", "")
LSE(exchange, "swpal", "")
LSE(exchange_acquire, "swpa", "")
LSE(exchange_release, "swpl", "")
