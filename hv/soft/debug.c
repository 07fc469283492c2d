/* SPDX-License-Identifier: MIT */
/*
 * Self-hosted debug, Arm ARM D2: software step, who gets debug exceptions, the registers.
 * Breakpoints and watchpoints are in debug_match.c. Owner thread.
 */
#include "debug.h"
#include "a64.h"
#include "bti.h"
#include "sysreg_fn.h"
#include "verify.h"

#define SPSR_SS  (1u << 21) /* SPSR and DAIF layout (C5.2.18) */
#define STEP_ISV (1u << 24)
#define STEP_EX  (1u << 6)

/* Debug exceptions that go to the client are enabled everywhere in the guest; those of EL1 itself
 * need MDSCR_EL1.KDE and PSTATE.D = 0 (D2.3, D2.12.2). */
bool debug_exceptions_enabled(const struct cpu *c)
{
    if (c->sr[SR_OSLSR_EL1] & OSLSR_OSLK)
        return false;
    return c->trap_debug || c->el == 0 ||
           ((c->sr[SR_MDSCR_EL1] & MDSCR_KDE) && !(c->daif & DAIF_D));
}

void debug_exception(struct cpu *c, const struct insn *i, uint32_t esr, uint64_t far)
{
    const uint64_t pc = i ? insn_pc(c, i) : c->pc;

    if (c->trap_debug)
        cpu_exit(c, i, esr, far, 0, 0);
    else if (esr >> 26 == EC_WATCH_LOW)
        cpu_raise_far(c, i, esr, pc, far);
    else
        cpu_raise(c, i, esr, pc);
}

bool cpu_step_active(const struct cpu *c)
{
    return (c->sr[SR_MDSCR_EL1] & MDSCR_SS) && debug_exceptions_enabled(c);
}

/* A step begins with the return to what is stepped, not with one within it (D2.12.3). */
bool cpu_step_on_return(const struct cpu *c, uint32_t spsr)
{
    bool before = c->block_flags & BLOCK_STEP; /* of the state that executed ERET */
    return (spsr & SPSR_SS) && !before && cpu_step_active(c);
}

void debug_changed(struct cpu *c)
{
    debug_units_changed(c);
    cpu_state_changed(c);
}

static bool is_load_exclusive(uint32_t w)
{
    return (w & 0x3fc00000) == 0x08400000;
}

/* By a block of its own, not linked to or from. False: there was none to execute. */
static bool execute_one(struct cpu *c, uint32_t *word)
{
    const uint32_t flags = c->block_flags;
    c->block_flags |= BLOCK_STEP;
    struct block *b = block_find(c);
    if (!b) {
        cpu_state_changed(c);
        return false;
    }
    c->block_flags = flags;
    if (!bti_land(c, b))
        return false;
    *word = b->insns[0].raw;
    c->block = b;
    const struct insn *i = c->verify ? NULL : b->insns;
    while (i)
        i = i->fn(c, i);
    if (c->verify)
        verify_run_once(c, b);
    c->link_from = NULL;
    return true;
}

/* PSTATE.SS = 1: execute an instruction, then the exception; 0: the exception at once. One that
 * ends in an exit to the client without having been executed stays to be stepped. */
static void step(struct cpu *c)
{
    uint32_t iss = FSC_DEBUG, word = 0;
    if (c->ss) {
        uint64_t pc = c->pc;
        if (debug_breaks_active(c) && debug_breakpoint(c))
            return;
        if (!execute_one(c, &word))
            return;
        if (c->stop && c->pc == pc)
            return;
        c->ss = false;
        if (c->stop || !cpu_step_active(c))
            return;
        iss |= STEP_ISV | (is_load_exclusive(word) ? STEP_EX : 0);
    }
    debug_exception(c, NULL, ESR(EC_STEP_LOW, iss), 0);
}

bool debug_run(struct cpu *c)
{
    uint32_t word;
    if (c->block_flags & BLOCK_STEP) {
        c->link_from = NULL;
        step(c);
        return true;
    }
    if (!debug_may_break(c, c->pc))
        return false;
    c->link_from = NULL; /* what comes next is not where the last block led */
    if (!debug_breakpoint(c))
        execute_one(c, &word);
    return true;
}

static const struct sysreg *row(const struct insn *i)
{
    return (const struct sysreg *)(uintptr_t)i->imm;
}

static bool store(struct cpu *c, const struct insn *i, uint64_t value)
{
    c->sr[row(i)->slot] = value & row(i)->mask;
    debug_changed(c);
    return true;
}

bool debug_write_breakpoint(struct cpu *c, const struct insn *i, uint64_t value)
{
    return store(c, i, value);
}
bool debug_write_watchpoint(struct cpu *c, const struct insn *i, uint64_t value)
{
    return store(c, i, value);
}
bool debug_write_mdscr(struct cpu *c, const struct insn *i, uint64_t value)
{
    return store(c, i, value);
}
bool debug_read_mdscr(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = c->sr[SR_MDSCR_EL1];
    return true;
}

/* The OS lock: bit 0 of OSLAR is seen as bit 1 of OSLSR. */
bool debug_write_oslar(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)i;
    c->sr[SR_OSLSR_EL1] = 0x8 | (value & 1) << 1;
    debug_changed(c);
    return true;
}

/* Claim tags: SET reads as all ones and sets; CLR reads the tags and clears (D17.3.5). */
bool debug_read_claimset(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)c, (void)i;
    *value = 0xff;
    return true;
}
bool debug_write_claimset(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)i;
    c->sr[SR_DBGCLAIMCLR_EL1] |= value & 0xff;
    return true;
}
bool debug_write_claimclr(struct cpu *c, const struct insn *i, uint64_t value)
{
    (void)i;
    c->sr[SR_DBGCLAIMCLR_EL1] &= ~(value & 0xff);
    return true;
}
