/* SPDX-License-Identifier: MIT */
/* The list of the workloads that run on every CPU, and how often each runs in one measurement. */
#include "work.h"

const struct work works[] = {
    {"integer-mix", 12, NULL, run_integer_mix},
    {"sieve", 2, NULL, run_sieve},
    {"sort", 3, NULL, run_sort},
    {"stream", 1, NULL, run_stream},
    {"sha256", 8, NULL, run_sha256},
    {"nbody", 2, NULL, run_nbody},
    {"nbody-fma", 2, NULL, run_nbody_fma},
    {"mandelbrot", 1, NULL, run_mandelbrot},
    {"mandelbrot-fma", 1, NULL, run_mandelbrot_fma},
    {"vector-int8", 8, NULL, run_int8},
    {"vector-int32", 15, NULL, run_int32},
    {"vector-float32", 8, NULL, run_float32},
    {"bytecode", 6, NULL, run_bytecode},
    {"fibonacci", 4, NULL, run_fibonacci},
    {"string-bytes", 4, setup_strings, run_string_bytes},
    {"string-words", 20, setup_strings, run_string_words},
    {"string-unaligned", 30, setup_strings, run_string_unaligned},
    {"random-access", 1, setup_random_access, run_random_access},
    {"atomics", 5, NULL, run_atomics},
    {"atomics-lse", 5, NULL, run_atomics_lse},
    {NULL, 0, NULL, NULL},
};
