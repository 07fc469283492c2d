/* SPDX-License-Identifier: MIT */
/*
 * Atomics: counters, a compare-and-swap loop, exchange, and a lock. For the guest compiled twice:
 * with exclusives (Armv8.0) and with the instructions of LSE (LSE=1).
 */
#include "work.h"

#ifdef LSE
#define run_atomics run_atomics_lse
#endif

static uint64_t counter, mask, best;
static uint32_t lock, guarded;

static void raise_best(uint64_t to)
{
    uint64_t now = __atomic_load_n(&best, __ATOMIC_RELAXED);
    while (now < to &&
           !__atomic_compare_exchange_n(&best, &now, to, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        ;
}

static void add_guarded(uint32_t n)
{
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        ;
    guarded += n;
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

uint64_t run_atomics(void)
{
    uint64_t hash = HASH_START;
    counter = mask = best = 0;
    guarded = 0;
    for (uint32_t i = 0; i < 500000; i++) {
        hash += __atomic_fetch_add(&counter, i, __ATOMIC_SEQ_CST);
        __atomic_fetch_or(&mask, UINT64_C(1) << (i & 63), __ATOMIC_RELAXED);
        raise_best(i);
        add_guarded(i);
    }
    return hash ^ counter ^ mask ^ best ^ guarded;
}
