/* SPDX-License-Identifier: MIT */
/* In place of vmm/clock.c, without the framework's counter. `clock_skew` moves the wall clock. */
#include <time.h>

#include "clock.h"

extern int64_t clock_skew_ns;
int64_t clock_skew_ns;

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t host_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t host_unix_ns(void)
{
    return read_clock(CLOCK_REALTIME) + (uint64_t)clock_skew_ns;
}
