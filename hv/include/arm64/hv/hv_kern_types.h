/* SPDX-License-Identifier: MIT */
/* Result codes of every hv_* call, and the access rights of guest memory. */
#pragma once

#include <mach/error.h>
#include <stdint.h>

typedef mach_error_t hv_return_t;

/* As unsigned numbers 0xfae94001 and so on: subsystem 0xba5 of the local error space. */
enum {
    HV_SUCCESS = 0,
    HV_ERROR = err_local | err_sub(0xba5) | 1,               /* failed, no better code */
    HV_BUSY = err_local | err_sub(0xba5) | 2,                /* somebody uses it already */
    HV_BAD_ARGUMENT = err_local | err_sub(0xba5) | 3,        /* an argument is out of its domain */
    HV_ILLEGAL_GUEST_STATE = err_local | err_sub(0xba5) | 4, /* the guest cannot be entered so */
    HV_NO_RESOURCES = err_local | err_sub(0xba5) | 5,        /* the host has no more of it */
    HV_NO_DEVICE = err_local | err_sub(0xba5) | 6,           /* there is no VM (or no vCPU) */
    HV_DENIED = err_local | err_sub(0xba5) | 7,              /* not permitted to this process */
    HV_EXISTS = err_local | err_sub(0xba5) | 8,              /* there is one already (macOS 26.4) */
    HV_UNSUPPORTED = err_local | err_sub(0xba5) | 0xf,       /* not on this host or backend */
};

/* What the guest may do with a piece of memory; 0 = nothing. */
typedef uint64_t hv_memory_flags_t;

enum {
    HV_MEMORY_READ = 1ull << 0,
    HV_MEMORY_WRITE = 1ull << 1,
    HV_MEMORY_EXEC = 1ull << 2,
};
