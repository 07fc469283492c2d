/* SPDX-License-Identifier: MIT */
/* Filling the TLBs (tlb.c). Owner thread. */
#pragma once

#include "tlb.h"

/* MEM_CACHE: maintenance by address, which needs read permission (at EL0) and sets CM in the
 * syndrome. */
enum mem_access { MEM_READ, MEM_WRITE, MEM_CACHE, MEM_CACHE_WRITE };

/* Translate va for maintenance of one line; false after a fault or an exit. */
bool tlb_locate(struct cpu *c, const struct insn *i, uint64_t va, enum mem_access access,
                uint64_t *ipa);

/* Make the entry for va in `view` good for the access; false after a fault or an exit. On success
 * *host is the address of va in host memory. */
bool tlb_fill(struct cpu *c, const struct insn *i, uint64_t va, unsigned size, enum mmu_view view,
              enum mem_access access, uint8_t **host);
