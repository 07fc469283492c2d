/* SPDX-License-Identifier: MIT */
/* The result type of Mach calls and its one value that everybody compares with. */
#pragma once

typedef int kern_return_t;

#define KERN_SUCCESS 0
#define KERN_FAILURE 5
