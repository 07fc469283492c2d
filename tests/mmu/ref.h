/* SPDX-License-Identifier: MIT */
/*
 * A second, slow translation, written down rule by rule from the Arm ARM and sharing nothing with
 * hv/soft but the shape of the answer: what the fast walker is compared with over random worlds.
 */
#pragma once

#include "soft/mmu.h"

void ref_translate(const struct mmu_features *features, const struct mmu_regs *regs, uint64_t va,
                   struct mmu_access access, const struct mmu_memory *memory,
                   struct mmu_result *out);
