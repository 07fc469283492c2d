/* SPDX-License-Identifier: MIT */
/* One instruction word and the states to run it in, to insn_oracle.c; the states after it, back. */
#pragma once

#include <stdint.h>

#define STATES 16

struct state {
    uint64_t v[32][2];
    uint64_t x[8]; /* X0 to X7 */
    uint64_t fpcr, fpsr, nzcv, unused;
};

struct exchange {
    uint32_t word;
    uint32_t undefined; /* answer: the word raised SIGILL, the states are as sent */
    uint64_t unused;
    struct state s[STATES];
};
