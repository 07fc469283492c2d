/* SPDX-License-Identifier: MIT */
/*
 * Cache maintenance by host address. Call sys_icache_invalidate() after writing guest code that a
 * vCPU may have executed before: caches on real hardware and decoded blocks on the software CPU
 * alike are dropped.
 */
#pragma once

#include <os/base.h>

/* Forget instructions fetched from [start, start + len). Any thread. */
OS_EXPORT void sys_icache_invalidate(void *start, size_t len);

/* Make data written to [start, start + len) visible to uncached accesses. Any thread. */
OS_EXPORT void sys_dcache_flush(void *start, size_t len);
