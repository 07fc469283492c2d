/* SPDX-License-Identifier: MIT */
/* Making streams of random instructions from the instruction tables (stream.c). */
#pragma once

#include "wire.h"
#include <stdbool.h>

#define STREAM_INSNS 40 /* about as many as a stream has */

/* Seen and generated, by row of the table. */
extern unsigned long row_count[];
/* At most so many instructions of the tables in one stream; 1 .. STREAM_INSNS. */
extern unsigned stream_longest;

void stream_init(void);
/* The same stream for the same number. `wild`: addresses that fault are wanted too. */
void stream_make(struct request *r, uint64_t number, bool wild, const char *only);
unsigned stream_rows(unsigned *covered);
uint64_t next_random(uint64_t *rng);
