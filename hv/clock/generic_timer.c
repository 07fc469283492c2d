/* SPDX-License-Identifier: MIT */
/*
 * mach_absolute_time() on an arm64 host: the virtual counter of its generic timer, which is the
 * clock that the hardware gives to a guest as well.
 */
#include <mach/mach_time.h>

static uint64_t frequency(void)
{
    uint64_t hz;
    __asm__("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz & UINT32_MAX;
}

/* The ISB keeps the read from being done early (Arm ARM, CNTVCT_EL0). */
uint64_t mach_absolute_time(void)
{
    uint64_t count;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count)::"memory");
    return count;
}

kern_return_t mach_timebase_info(mach_timebase_info_t info)
{
    uint64_t hz = frequency(), a = 1000000000u, b = hz;
    if (!info || !hz)
        return KERN_FAILURE;
    while (b) { /* greatest common divisor */
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    *info = (mach_timebase_info_data_t){.numer = (uint32_t)(1000000000u / a),
                                        .denom = (uint32_t)(hz / a)};
    return KERN_SUCCESS;
}
