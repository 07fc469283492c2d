/* SPDX-License-Identifier: MIT */
/*
 * The clock that the guest's virtual counter is made of: CNTVCT_EL0 = mach_absolute_time() minus
 * the vCPU's timer offset. It ticks at 24 MHz, or at the rate of the host's own generic timer where
 * there is one; ask mach_timebase_info().
 */
#pragma once

#include <mach/kern_return.h>
#include <os/base.h>

/* ticks * numer / denom = nanoseconds */
struct mach_timebase_info {
    uint32_t numer;
    uint32_t denom;
};
typedef struct mach_timebase_info mach_timebase_info_data_t;
typedef struct mach_timebase_info *mach_timebase_info_t;

/* Ticks since an arbitrary start; never goes back. Any thread. */
OS_EXPORT uint64_t mach_absolute_time(void);

/* Fills *info; KERN_SUCCESS. Any thread. */
OS_EXPORT kern_return_t mach_timebase_info(mach_timebase_info_t info);
