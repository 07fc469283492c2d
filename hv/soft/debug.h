/* SPDX-License-Identifier: MIT */
/* Self-hosted debug: software step, breakpoints, watchpoints (debug.c). */
#pragma once

#include "cpu.h"

/* Is the next instruction to be stepped (D2.12: MDSCR_EL1.SS, and debug exceptions enabled)? */
bool cpu_step_active(const struct cpu *c);
/* PSTATE.SS after an exception return with this SPSR. */
bool cpu_step_on_return(const struct cpu *c, uint32_t spsr);
/* What the dispatcher does instead of running blocks while a step is active. */
void cpu_step(struct cpu *c);
/* A debug register or the OS lock changed. */
void debug_changed(struct cpu *c);
