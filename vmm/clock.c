/* SPDX-License-Identifier: MIT */
/*
 * Host time. Any thread; no state but the tick ratio, which never changes.
 */
#include "clock.h"

#include <mach/mach_time.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t host_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t host_unix_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

uint64_t ticks_to_ns(uint64_t ticks)
{
    mach_timebase_info_data_t base = {1, 1};
    mach_timebase_info(&base);
    /* In two steps: ticks * numer alone would overflow after some centuries of a guest's wishes. */
    uint64_t whole = ticks / base.denom;
    if (whole >= UINT64_MAX / base.numer - 1)
        return UINT64_MAX;
    uint64_t rest = (ticks % base.denom * base.numer + base.denom - 1) / base.denom;
    return whole * base.numer + rest;
}
