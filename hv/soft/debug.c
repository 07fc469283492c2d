/* SPDX-License-Identifier: MIT */
/* Self-hosted debug: Arm ARM D2. The registers are here; nothing is stepped or matched yet. */
#include "debug.h"
#include "sysreg_fn.h"

bool cpu_step_active(const struct cpu *c)
{
    (void)c;
    return false;
}

bool cpu_step_on_return(const struct cpu *c, uint32_t spsr)
{
    (void)c, (void)spsr;
    return false;
}

void debug_changed(struct cpu *c)
{
    (void)c;
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
