/* SPDX-License-Identifier: MIT */
/*
 * The state of a vCPU that a block may change, to put back and to compare (verify.c): one table.
 * What belongs to other threads (kicks, events) is not in it, nor what only makes things fast
 * (TLBs, caches of code) and counts on (fetch_gen).
 */
#pragma once

#include "cpu.h"

/* PART(name for people, field, kind): kinds are in verify_state.c. EXIT_PART: of cpu->exit. */
#define STATE_PARTS(PART, EXIT_PART)                                                               \
    PART("", x, REGISTERS)                                                                         \
    PART("", v, VECTORS)                                                                           \
    PART("pc", pc, NUMBER)                                                                         \
    PART("flags", nzcv, FLAGS)                                                                     \
    PART("fpcr", fpcr, NUMBER)                                                                     \
    PART("fpsr", fpsr, NUMBER)                                                                     \
    PART("daif", daif, NUMBER)                                                                     \
    PART("el", el, NUMBER)                                                                         \
    PART("spsel", spsel, NUMBER)                                                                   \
    PART("pan", pan, NUMBER)                                                                       \
    PART("uao", uao, NUMBER)                                                                       \
    PART("dit", dit, NUMBER)                                                                       \
    PART("ssbs", ssbs, NUMBER)                                                                     \
    PART("il", il, NUMBER)                                                                         \
    PART("ss", ss, NUMBER)                                                                         \
    PART("btype", btype, NUMBER)                                                                   \
    PART("sp_el0", sp_el0, NUMBER)                                                                 \
    PART("sp_el1", sp_el1, NUMBER)                                                                 \
    PART("", sr, SYSREGS)                                                                          \
    PART("exclusive monitor", excl_valid, NUMBER)                                                  \
    PART("exclusive size", excl_size, MONITOR)                                                     \
    PART("exclusive address", excl_addr, MONITOR)                                                  \
    PART("exclusive value", excl_val[0], MONITOR)                                                  \
    PART("exclusive value, upper half", excl_val[1], MONITOR_PAIR)                                 \
    PART("instructions executed", icount, NUMBER)                                                  \
    PART("end of the run", stop, NUMBER)                                                           \
    EXIT_PART("exit reason", reason)                                                               \
    EXIT_PART("exit syndrome", exception.syndrome)                                                 \
    EXIT_PART("exit virtual address", exception.virtual_address)                                   \
    EXIT_PART("exit physical address", exception.physical_address)                                 \
    PART("", pac_id, HIDDEN) /* of the keys in sr[] */                                             \
    PART("", tlb, HIDDEN)                                                                          \
    PART("", block, HIDDEN)                                                                        \
    PART("", block_flags, HIDDEN)                                                                  \
    PART("", link_from, HIDDEN)                                                                    \
    PART("", stats, HIDDEN)

#define STATE_SIZE(name, field, kind) +sizeof((struct cpu *)0)->field
#define STATE_EXIT_SIZE(name, field)  +sizeof((hv_vcpu_exit_t *)0)->field
struct state {
    uint8_t bytes[0 STATE_PARTS(STATE_SIZE, STATE_EXIT_SIZE)];
};

void state_save(struct state *s, const struct cpu *c);
void state_restore(struct cpu *c, const struct state *s);

/* Does what the guest or its monitor can see differ? */
bool state_differs(const struct state *s, const struct cpu *c);
/* Say what, a line each: of the state, which the interpreter left, and of c. */
typedef void state_say_fn(const char *format, ...);
void state_tell(const struct state *s, const struct cpu *c, state_say_fn *say);
