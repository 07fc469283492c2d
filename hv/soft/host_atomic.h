/* SPDX-License-Identifier: MIT */
/* The one atomic that C compilers do not inline everywhere (host_atomic.c, built with -mcx16). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Compare [p], 16 bytes and aligned, with *seen; store *value if equal. *seen becomes what was
 * there. Any thread. */
bool host_cas128(uint64_t *p, uint64_t seen[2], const uint64_t value[2]);
