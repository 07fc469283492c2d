/* SPDX-License-Identifier: MIT */
/* For guest tests: a line per test, in the form that tests/run.sh counts. */
#pragma once

#include "lib.h"

static inline void check(int good, const char *name)
{
    print("%s - monitor guest: %s\n", good ? "ok" : "not ok", name);
}

static inline void check_eq(uint64_t got, uint64_t want, const char *name)
{
    if (got == want)
        print("ok - monitor guest: %s\n", name);
    else
        print("not ok - monitor guest: %s: got 0x%lx, want 0x%lx\n", name, got, want);
}
