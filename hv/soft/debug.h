/* SPDX-License-Identifier: MIT */
/* Self-hosted debug: software step (debug.c), breakpoints and watchpoints (debug_match.c). */
#pragma once

#include "cpu.h"

#define FSC_DEBUG  0x22u
#define MDSCR_SS   (1u << 0)
#define MDSCR_KDE  (1u << 13)
#define MDSCR_MDE  (1u << 15)
#define OSLSR_OSLK (1u << 1)

/* May debug exceptions be taken here, to EL1 or to the client (D2.3)? */
bool debug_exceptions_enabled(const struct cpu *c);
/* Take one: to EL1, or leave to the client that asked for them. `far`: watchpoints. */
void debug_exception(struct cpu *c, const struct insn *i, uint32_t esr, uint64_t far);

/* Is the next instruction to be stepped (D2.12: MDSCR_EL1.SS, and debug exceptions enabled)? */
bool cpu_step_active(const struct cpu *c);
/* PSTATE.SS after an exception return with this SPSR. */
bool cpu_step_on_return(const struct cpu *c, uint32_t spsr);
/* What the dispatcher does under BLOCK_STEP or BLOCK_BREAK before running blocks; false: they may
 * run. */
bool debug_run(struct cpu *c);
/* A debug register or the OS lock changed. */
void debug_changed(struct cpu *c);

/* The part of debug_changed() that breakpoints and watchpoints need. */
void debug_units_changed(struct cpu *c);
/* Must breakpoints be looked for in the current state? */
bool debug_breaks_active(const struct cpu *c);
/* Does an enabled breakpoint name this address, whatever else it asks for? */
bool debug_may_break(const struct cpu *c, uint64_t va);
/* A breakpoint matches at cpu->pc: true after its exception. */
bool debug_breakpoint(struct cpu *c);

/* An access that is about to be done: [va, va + size). `maintenance`: of a cache, at address `at`.
 */
struct debug_access {
    uint64_t va, size;
    bool read, write, privileged, maintenance;
    uint64_t at;
};
/* A watchpoint matches: true after its exception. Call only if cpu->watches.units. */
bool debug_watchpoint(struct cpu *c, const struct insn *i, struct debug_access a);
/* Is there a watchpoint in the page? */
bool debug_watches_page(const struct cpu *c, uint64_t page);
