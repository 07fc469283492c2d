/* SPDX-License-Identifier: MIT */
/*
 * Option "perf-map": /tmp/perf-PID.map, by which perf names translated code after the guest's
 * addresses. One file per process, written by every vCPU.
 */
#pragma once

#include "cpu.h"

bool perf_map_open(void); /* with the VM; false: perf_map_text() says why */
void perf_map_close(void);
void perf_map_after_fork(void); /* the file is the parent's */
/* b was translated to `bytes` of host code. Any vCPU; nothing if there is no file. */
void perf_map_add(const struct block *b, size_t bytes);
const char *perf_map_text(void); /* once; else "" */
