/* SPDX-License-Identifier: MIT */
/*
 * Self-hosted debug: Arm ARM D2. Software step works; breakpoints and watchpoints are registers
 * that match nothing.
 */
#include "debug.h"
#include "a64.h"
#include "sysreg_fn.h"

#define SPSR_SS    (1u << 21) /* SPSR and DAIF layout (C5.2.18) */
#define DAIF_D     (1u << 9)
#define MDSCR_SS   (1u << 0)
#define MDSCR_KDE  (1u << 13)
#define OSLSR_OSLK (1u << 1)
#define IFSC_DEBUG 0x22u
#define STEP_ISV   (1u << 24)
#define STEP_EX    (1u << 6)

/* Debug exceptions that go to the client are enabled everywhere in the guest; those of EL1 itself
 * need MDSCR_EL1.KDE and PSTATE.D = 0 (D2.3, D2.12.2). */
bool cpu_step_active(const struct cpu *c)
{
    uint64_t mdscr = c->sr[SR_MDSCR_EL1];
    if (!(mdscr & MDSCR_SS) || (c->sr[SR_OSLSR_EL1] & OSLSR_OSLK))
        return false;
    return c->trap_debug || c->el == 0 || ((mdscr & MDSCR_KDE) && !(c->daif & DAIF_D));
}

/* A step begins with the return to what is stepped, not with one within it (D2.12.3). */
bool cpu_step_on_return(const struct cpu *c, uint32_t spsr)
{
    bool before = c->block_flags & BLOCK_STEP; /* of the state that executed ERET */
    return (spsr & SPSR_SS) && !before && cpu_step_active(c);
}

void debug_changed(struct cpu *c)
{
    cpu_state_changed(c);
}

static bool is_load_exclusive(uint32_t w)
{
    return (w & 0x3fc00000) == 0x08400000;
}

/* Not linked to or from: each instruction comes back here. False: there was none to execute. */
static bool execute_one(struct cpu *c, uint32_t *word)
{
    struct block *b = block_find(c);
    if (!b)
        return false;
    *word = b->insns[0].raw;
    c->block = b;
    const struct insn *i = b->insns;
    while (i)
        i = i->fn(c, i);
    c->link_from = NULL;
    return true;
}

/* PSTATE.SS = 1: execute an instruction, then the exception; 0: the exception at once. One that
 * ends in an exit to the client without having been executed stays to be stepped. */
void cpu_step(struct cpu *c)
{
    uint32_t iss = IFSC_DEBUG, word = 0;
    if (c->ss) {
        uint64_t pc = c->pc;
        if (!execute_one(c, &word))
            return;
        if (c->stop && c->pc == pc)
            return;
        c->ss = false;
        if (c->stop || !cpu_step_active(c))
            return;
        iss |= STEP_ISV | (is_load_exclusive(word) ? STEP_EX : 0);
    }
    if (c->trap_debug)
        cpu_exit(c, NULL, ESR(EC_STEP_LOW, iss), 0, 0, 0);
    else
        cpu_raise(c, NULL, ESR(EC_STEP_LOW, iss), c->pc);
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
