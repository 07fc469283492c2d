/* SPDX-License-Identifier: MIT */
/* Controls of the bookkeeping backend. Not locked, save what is atomic. */
#pragma once

#include "hv_internal.h"

extern struct fake {
    char book[1024];     /* what was asked, in order */
    unsigned fail_after; /* 1: the next noted call fails with `error`, 2: the one after, ... */
    hv_return_t error;
    bool visible;         /* what hvi_mem_lookup() told during the last map, unmap or protect */
    bool unavailable;     /* probe says no */
    bool quiet;           /* VMs, vCPUs and interrupts come and go without a note */
    void (*in_run)(void); /* called within hv_vcpu_run() */
    atomic_uint cancels;
    atomic_bool touched_dead_vcpu;
    atomic_bool touched_dead_gic;
} fake;
