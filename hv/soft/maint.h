/* SPDX-License-Identifier: MIT */
/* SYS instructions of the MMU: AT and TLBI (maint_mmu.c). */
#pragma once

#include "cpu.h"

/* `operation` is op1 CRn CRm op2 of the SYS instruction, 14 bits. */
bool mmu_maintenance_exists(unsigned operation);
const struct insn *mmu_maintenance(struct cpu *c, const struct insn *i, unsigned operation,
                                   uint64_t value);
