/* SPDX-License-Identifier: MIT */
/*
 * Mode "verify": each translated block runs twice, in the interpreter and in translated code, and
 * the first difference ends the run. cpu->verify is NULL in every other mode.
 *
 * What happens while a block runs goes to copies: a page is copied when the block first stores to
 * it, and from then on the vCPU sees the copy in its place. Guest memory changes afterwards, by
 * what the interpreter stored. vCPUs take turns, a block each, so that none sees another's memory
 * change between the two runs.
 *
 * Owner thread throughout.
 */
#pragma once

#include "cpu.h"

struct verify *verify_new(void); /* NULL: no memory */
void verify_free(struct verify *v);

/* Has the instruction effects that cannot be taken back, or a result that time or other threads
 * decide? Then it is a block of its own, and runs once. */
bool verify_alone(const struct insn *i);

/* Run b in place of the dispatcher; twice if it has been translated. False: a difference was found,
 * and verify_text() tells of it; the run must end. */
bool verify_run(struct cpu *c, struct block *b);
/* Interpret b, in turn with other vCPUs. */
void verify_run_once(struct cpu *c, struct block *b);

/* The difference that this thread's run ended with, once; else "". */
const char *verify_text(void);

/* ---- for the memory and exception side. Each may be called in every mode but "off". ---- */

/* Where the page of `ipa` is for the vCPU now: `host`, or in a copy. */
uint8_t *verify_host(struct cpu *c, uint64_t ipa, uint8_t *host);
/* The same for a page that is about to be written. */
uint8_t *verify_host_to_write(struct cpu *c, uint64_t ipa, uint8_t *host);
/* [host, host + size), as the above gave it, is about to be written. */
void verify_store(struct cpu *c, void *host, unsigned size);
/* The same for a table walk that is about to set flags in a descriptor. */
void verify_descriptor(struct cpu *c, uint64_t ipa, void *host);
/* A TLB entry was filled: keep it from leading stores past the copies. */
void verify_filled(struct cpu *c, struct tlb_entry *e);
/* Something may be about to happen outside the vCPU in the middle of a block. False: it must not.
 * Also in mode "off". */
bool verify_effect(struct cpu *c);
