/* SPDX-License-Identifier: MIT */
/* Making streams of random instructions from the instruction tables (stream.c). */
#pragma once

#include "wire.h"
#include <stdbool.h>

#define STREAM_INSNS 40 /* about as many as a stream has */

/* Who judges a stream besides the other engine of this CPU. */
enum judge { JUDGE_NONE, JUDGE_QEMU, JUDGE_VIXL };

struct stream_kind {
    bool wild;        /* addresses that fault are wanted too */
    unsigned longest; /* at most so many instructions of the tables; 1 .. STREAM_INSNS */
    const char *only; /* the row of this name, or those whose names contain it; NULL: all */
    enum judge judge; /* leave out what this one cannot judge (known.def) */
};

/* How many rows of the table there are to choose from; of these stream_make takes. */
unsigned stream_init(const struct stream_kind *kind);
/* The same stream for the same number and kind. */
void stream_make(struct request *r, uint64_t number, const struct stream_kind *kind);
/* Rows of the table that random streams can have, and how many of them this run has had. */
unsigned stream_rows(unsigned *covered);
uint64_t next_random(uint64_t *rng);
