/* SPDX-License-Identifier: MIT */
/* Branch target identification (bti.c). */
#pragma once

#include "cpu.h"

/* PSTATE.BTYPE as the first instruction of b sees it, the block at cpu->pc: may it be branched to?
 * False after the Branch Target exception. Clears BTYPE. */
bool bti_land(struct cpu *c, const struct block *b);
