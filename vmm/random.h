/* SPDX-License-Identifier: MIT */
/* The one file through which randomness enters the monitor. Any thread. */
#pragma once

#include <stddef.h>

/* Fill with unpredictable bytes from the host's kernel. 0 or -errno. */
int host_random(void *to, size_t size);
