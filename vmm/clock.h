/* SPDX-License-Identifier: MIT */
/* The one file through which host time enters the monitor. Any thread. */
#pragma once

#include <stdint.h>

/* Nanoseconds on a clock that never jumps; only differences mean something. */
uint64_t host_ns(void);
/* Nanoseconds since 1970-01-01 UTC. */
uint64_t host_unix_ns(void);
/* Ticks of the guest's counter (mach_absolute_time units) as nanoseconds, rounded up, saturating.
 */
uint64_t ticks_to_ns(uint64_t ticks);
