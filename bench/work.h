/* SPDX-License-Identifier: MIT */
/*
 * The workloads of the bench: freestanding C, the same source for the guest and for the host. One
 * run of a workload returns a checksum that is the same each time and on every CPU, so that a wrong
 * run is seen before its time counts.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MIB        ((size_t)1 << 20)
#define ARENA_SIZE (160 * MIB)

struct work {
    const char *name;
    unsigned repeats;      /* runs in one measurement: 0.3 to 1 s under QEMU's TCG */
    void (*setup)(void);   /* before each run, not timed; may be NULL */
    uint64_t (*run)(void); /* NULL here: this CPU cannot (the guest says so) */
};

/* Ends with a NULL name. */
extern const struct work works[];
extern const struct work system_works[]; /* the guest's; on the host: what they should answer */

/* Memory for whoever runs, page aligned; it holds what the one before left. */
extern unsigned char arena[];

#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_add(uint64_t hash, uint64_t value)
{
    return ((hash ^ value) * UINT64_C(0x9e3779b97f4a7c15)) ^ (hash >> 29);
}

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

/* work_int.c */
uint64_t run_integer_mix(void);
uint64_t run_bytecode(void);
uint64_t run_fibonacci(void);
/* work_mem.c */
uint64_t run_sieve(void);
uint64_t run_sort(void);
uint64_t run_stream(void);
void setup_random_access(void);
uint64_t run_random_access(void);
/* work_sha.c */
uint64_t run_sha256(void);
/* work_fp.c, compiled twice: without and with contraction to FMA */
uint64_t run_nbody(void);
uint64_t run_mandelbrot(void);
uint64_t run_nbody_fma(void);
uint64_t run_mandelbrot_fma(void);
/* work_vector.c */
uint64_t run_int8(void);
uint64_t run_int32(void);
uint64_t run_float32(void);
/* work_string.c */
void setup_strings(void);
uint64_t run_string_bytes(void);
uint64_t run_string_words(void);
uint64_t run_string_unaligned(void);
/* work_atomic.c, compiled twice for the guest: with exclusives, with LSE */
uint64_t run_atomics(void);
uint64_t run_atomics_lse(void);
/* work_cold.c */
#define COLD_INSNS   1000000
#define COLD_SCRATCH 256 /* doublewords that the code loads and stores */
size_t cold_generate(uint32_t *code, size_t max);
void cold_scratch(uint64_t *scratch);
uint64_t cold_model(void);
uint64_t cold_hash(const uint64_t *scratch);
