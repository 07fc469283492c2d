/* SPDX-License-Identifier: MIT */
/*
 * Mach error numbers: 6 bits of system, 12 bits of subsystem, 14 bits of code, in a signed 32-bit
 * number. The framework's own codes are built from these (see arm64/hv/hv_kern_types.h).
 */
#pragma once

#include <mach/kern_return.h>

typedef kern_return_t mach_error_t;

#define err_none            ((mach_error_t)0)
#define ERR_SUCCESS         ((mach_error_t)0)
#define err_system(x)       ((int)(((unsigned)(x)&0x3fu) << 26))
#define err_sub(x)          ((int)(((unsigned)(x)&0xfffu) << 14))
#define err_local           err_system(0x3e)
#define err_get_system(err) ((int)(((unsigned)(err) >> 26) & 0x3fu))
#define err_get_sub(err)    ((int)(((unsigned)(err) >> 14) & 0xfffu))
#define err_get_code(err)   ((int)((unsigned)(err)&0x3fffu))
