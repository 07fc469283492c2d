/* SPDX-License-Identifier: MIT */
/*
 * Compare and swap of 16 bytes. The __sync form is inlined (cmpxchg16b, ldaxp/stlxp) where __atomic
 * would call libatomic.
 */
#include "host_atomic.h"

#include <string.h>

bool host_cas128(uint64_t *p, uint64_t seen[2], const uint64_t value[2])
{
    unsigned __int128 expected, desired, was;
    memcpy(&expected, seen, 16);
    memcpy(&desired, value, 16);
    was = __sync_val_compare_and_swap((unsigned __int128 *)(void *)p, expected, desired);
    memcpy(seen, &was, 16);
    return was == expected;
}
