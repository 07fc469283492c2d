/* SPDX-License-Identifier: MIT */
/*
 * mach_absolute_time() on a host whose CPU is not ours to read: CLOCK_MONOTONIC as 24 MHz ticks,
 * the rate of a Mac's timer. One tick is 125/3 nanoseconds.
 */
#include <mach/mach_time.h>

#include <time.h>

#define NUMER 125u
#define DENOM 3u

uint64_t mach_absolute_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    return ns / NUMER * DENOM + ns % NUMER * DENOM / NUMER;
}

kern_return_t mach_timebase_info(mach_timebase_info_t info)
{
    if (!info)
        return KERN_FAILURE;
    *info = (mach_timebase_info_data_t){.numer = NUMER, .denom = DENOM};
    return KERN_SUCCESS;
}
