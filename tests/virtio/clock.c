/* SPDX-License-Identifier: MIT */
/*
 * In place of vmm/clock.c, without the framework's counter. `clock_skew_ns` moves the wall clock. A
 * stopped clock moves by clock_forward() alone: what a test says of time then holds on a host that
 * is busy, too.
 */
#include "clock.h"

#include <stdbool.h>
#include <time.h>

#include "driver.h"

int64_t clock_skew_ns;
static bool stopped;
static uint64_t stopped_at[2]; /* monotonic, wall */

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    if (stopped)
        return stopped_at[id == CLOCK_REALTIME];
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

void clock_stop(void)
{
    const uint64_t monotonic = read_clock(CLOCK_MONOTONIC), wall = read_clock(CLOCK_REALTIME);
    stopped_at[0] = monotonic;
    stopped_at[1] = wall;
    stopped = true;
}

void clock_forward(uint64_t ns)
{
    stopped_at[0] += ns;
    stopped_at[1] += ns;
}

void clock_run(void)
{
    stopped = false;
    clock_skew_ns = 0;
}
