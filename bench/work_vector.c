/* SPDX-License-Identifier: MIT */
/* Loops that a compiler turns into vector instructions by itself (-O3). */
#include "work.h"

#define BYTES    16384
#define ROUNDS   40
#define NOINLINE __attribute__((noinline, noclone))

static NOINLINE void int8_blend(uint8_t *restrict d, const uint8_t *restrict a,
                                const uint8_t *restrict b)
{
    for (size_t i = 0; i < BYTES; i++) {
        uint8_t least = a[i] < b[i] ? a[i] : b[i];
        d[i] = (uint8_t)((uint8_t)(a[i] + b[i]) ^ least) & 0x7f;
    }
}

static NOINLINE int32_t int8_dot(const int8_t *restrict a, const int8_t *restrict b)
{
    int32_t sum = 0;
    for (size_t i = 0; i < BYTES; i++)
        sum += a[i] * b[i];
    return sum;
}

uint64_t run_int8(void)
{
    uint8_t *a = arena, *b = arena + BYTES, *d = arena + 2 * BYTES;
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < BYTES; i++) {
        a[i] = (uint8_t)(i * 5);
        b[i] = (uint8_t)(i * 11 >> 3);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        int8_blend(d, a, b);
        hash = hash_add(hash, (uint64_t)int8_dot((const int8_t *)d, (const int8_t *)a));
        int8_blend(a, d, b);
    }
    return hash;
}

static NOINLINE void int32_mix(uint32_t *restrict d, const uint32_t *restrict a,
                               const uint32_t *restrict b)
{
    for (size_t i = 0; i < BYTES / 4; i++) {
        uint32_t x = a[i] * 2654435761u + b[i];
        d[i] = x ^ x >> 15;
    }
}

static NOINLINE uint32_t int32_reduce(const int32_t *a)
{
    uint32_t sum = 0;
    int32_t most = INT32_MIN;
    for (size_t i = 0; i < BYTES / 4; i++) {
        sum += (uint32_t)(a[i] >> 3);
        most = a[i] > most ? a[i] : most;
    }
    return sum ^ (uint32_t)most;
}

uint64_t run_int32(void)
{
    uint32_t *a = (uint32_t *)arena, *b = a + BYTES / 4, *d = b + BYTES / 4;
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < BYTES / 4; i++) {
        a[i] = (uint32_t)i * 77;
        b[i] = (uint32_t)i << 9;
    }
    for (unsigned round = 0; round < 2 * ROUNDS; round++) {
        int32_mix(d, a, b);
        hash = hash_add(hash, int32_reduce((const int32_t *)d));
        int32_mix(a, d, b);
    }
    return hash;
}

static NOINLINE void float_axpy(float *restrict y, const float *restrict x, float a)
{
    for (size_t i = 0; i < BYTES / 4; i++)
        y[i] = y[i] * 0.5f + a * x[i];
}

static NOINLINE void float_clamp(float *restrict y, const float *restrict x)
{
    for (size_t i = 0; i < BYTES / 4; i++) {
        float v = (y[i] - x[i]) * (y[i] + x[i]) / (x[i] * x[i] + 1.5f);
        y[i] = v > 8 ? 8 : v;
    }
}

uint64_t run_float32(void)
{
    float *x = (float *)(void *)arena, *y = x + BYTES / 4;
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < BYTES / 4; i++) {
        x[i] = (float)(i % 251) * 0.25f;
        y[i] = (float)(i % 13) - 6;
    }
    for (unsigned round = 0; round < 2 * ROUNDS; round++) {
        float_axpy(y, x, 0.375f);
        float_clamp(y, x);
    }
    const uint32_t *bits = (const uint32_t *)(void *)y;
    for (size_t i = 0; i < BYTES / 4; i++)
        hash = hash_add(hash, bits[i]);
    return hash;
}
