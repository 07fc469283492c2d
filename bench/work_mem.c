/* SPDX-License-Identifier: MIT */
/*
 * Memory: a sieve, a sort and streams over 1 to 64 MiB, and random pairs of a load and a store all
 * over 64 MiB, which miss a TLB nearly every time.
 */
#include "work.h"

#define SIEVE_SIZE (4 * MIB)

uint64_t run_sieve(void)
{
    unsigned char *composite = arena;
    uint64_t primes = 0;
    for (size_t i = 0; i < SIEVE_SIZE; i++)
        composite[i] = 0;
    for (size_t i = 2; i * i < SIEVE_SIZE; i++)
        if (!composite[i])
            for (size_t j = i * i; j < SIEVE_SIZE; j += i)
                composite[j] = 1;
    for (size_t i = 2; i < SIEVE_SIZE; i++)
        primes += !composite[i];
    return primes;
}

/* ---- sort ---- */

#define SORT_COUNT (MIB / 4)

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t was = *a;
    *a = *b;
    *b = was;
}

static void sort(uint32_t *v, size_t n)
{
    while (n > 12) {
        if (v[n / 2] < v[0])
            swap(&v[n / 2], &v[0]);
        if (v[n - 1] < v[0])
            swap(&v[n - 1], &v[0]);
        if (v[n - 1] < v[n / 2])
            swap(&v[n - 1], &v[n / 2]);
        uint32_t pivot = v[n / 2];
        size_t i = 0, j = n - 1;
        for (;;) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i >= j)
                break;
            swap(&v[i++], &v[j--]);
        }
        sort(v, i); /* an element equal to the pivot may be on either side */
        v += i;
        n -= i;
    }
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && v[j] < v[j - 1]; j--)
            swap(&v[j], &v[j - 1]);
}

uint64_t run_sort(void)
{
    uint32_t *v = (uint32_t *)arena;
    uint64_t seed = 88172645463325252, hash = HASH_START;
    for (size_t i = 0; i < SORT_COUNT; i++)
        v[i] = (uint32_t)(random_next(&seed) >> 11);
    sort(v, SORT_COUNT);
    for (size_t i = 1; i < SORT_COUNT; i++)
        if (v[i] < v[i - 1])
            return 0;
    for (size_t i = 0; i < SORT_COUNT; i += 97)
        hash = hash_add(hash, v[i]);
    return hash;
}

/* ---- stream ---- */

static uint64_t stream(size_t bytes, unsigned rounds)
{
    uint64_t *a = (uint64_t *)arena, *b = (uint64_t *)(arena + bytes / 2);
    size_t n = bytes / 16;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        a[i] = i;
    while (rounds--) {
        for (size_t i = 0; i < n; i++)
            b[i] = a[i] * 3;
        for (size_t i = 0; i < n; i++)
            a[i] += b[i];
        for (size_t i = 0; i < n; i++)
            sum += a[i];
    }
    return sum;
}

uint64_t run_stream(void)
{
    uint64_t hash = HASH_START;
    hash = hash_add(hash, stream(1 * MIB, 16));
    hash = hash_add(hash, stream(8 * MIB, 2));
    return hash_add(hash, stream(64 * MIB, 1));
}

/* ---- random access ---- */

#define RANDOM_WORDS (64 * MIB / 8)
#define RANDOM_PAIRS 300000

void setup_random_access(void)
{
    uint64_t *v = (uint64_t *)arena;
    for (size_t i = 0; i < RANDOM_WORDS; i++)
        v[i] = i * UINT64_C(0x9e3779b97f4a7c15);
}

uint64_t run_random_access(void)
{
    uint64_t *v = (uint64_t *)arena;
    uint64_t seed = 362436069, sum = 0;
    for (unsigned i = 0; i < RANDOM_PAIRS; i++) {
        uint64_t r = random_next(&seed) + sum;
        sum += v[r % RANDOM_WORDS];
        v[(r >> 32) % RANDOM_WORDS] = sum;
    }
    return sum;
}
