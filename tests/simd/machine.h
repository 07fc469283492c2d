/* SPDX-License-Identifier: MIT */
/*
 * The machine of the SIMD tests: one vCPU at EL1 with the MMU on, all memory Normal and mapped to
 * itself, FP and SIMD enabled, exception vectors that leave with HVC #1. Public API alone.
 */
#pragma once

#include "stream.h"

struct machine;

struct outcome {
    unsigned ec;       /* exception class of the exit */
    unsigned imm;      /* of an HVC: 0 after the word, 1 from the vectors */
    uint64_t pc, esr;  /* esr, far: the guest's ESR_EL1 and FAR_EL1 */
    uint64_t far, ipa; /* ipa: of an exit for memory that is not mapped */
    uint64_t elr;
};
enum { EC_HVC = 0x16, EC_DABT_EXIT = 0x24, EC_DABT_EL1 = 0x25 };

/* NULL if something failed; prints what. */
struct machine *machine_new(void);
void machine_delete(struct machine *m);
uint8_t *machine_data(struct machine *m); /* where DATA_ADDR is */

/* Put words into the slots, each followed by HVC #0. */
void machine_set_words(struct machine *m, const uint32_t *words, unsigned count);
/* Run one slot with these registers; leaves the registers after it in *s. False: the API failed. */
bool machine_run(struct machine *m, unsigned slot, struct test_state *s, struct outcome *o);
/* Take the page at this address out of the stage 1 tables, or put it back. Within DATA alone. */
void machine_map_page(struct machine *m, uint64_t addr, bool present);
/* Take data from this address on out of the guest's physical memory (of DATA alone), or put back.
 */
bool machine_map_memory(struct machine *m, uint64_t from, bool present);
