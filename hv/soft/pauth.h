/* SPDX-License-Identifier: MIT */
/* The cipher of pointer authentication (pauth_qarma.c). */
#pragma once

#include <stdint.h>

/* The code of `data` under the tweak `modifier` and the key hi:lo, all 64 bits. Pure. */
uint64_t pauth_qarma5(uint64_t data, uint64_t modifier, uint64_t hi, uint64_t lo);
