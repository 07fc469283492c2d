/* SPDX-License-Identifier: MIT */
/*
 * A fence that one thread executes for all others of the process (host_fence_linux.c, or
 * host_fence_any.c where there is none). It lets a vCPU enter the guest without one of its own: who
 * is entered a million times a second pays nothing, who changes the map pays a system call.
 */
#pragma once

#include <stdbool.h>

/* Once per process, again after a fork: can it be had? Before there are other threads it is cheap
 * to ask. */
bool host_fence_init(void);
/* All other threads have executed a full memory barrier between this call and its return. */
void host_fence(void);
