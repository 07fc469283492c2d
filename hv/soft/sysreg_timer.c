/* SPDX-License-Identifier: MIT */
/* Guest accesses to the generic timer's registers: Arm ARM D11 and D17.11. */
#include "cpu.h"
#include "sysreg_fn.h"
#include "timer.h"

#include <mach/mach_time.h>

/* CNTKCTL_EL1: which of them EL0 may use. */
enum { EL0PCTEN = 1u << 0, EL0VCTEN = 1u << 1, EL0VTEN = 1u << 8, EL0PTEN = 1u << 9 };

static bool el0_may(struct cpu *c, const struct insn *i, uint64_t enable)
{
    if (c->el == 1 || (c->sr[SR_CNTKCTL_EL1] & enable))
        return true;
    cpu_raise(c, i, ESR(EC_SYSREG, sysreg_iss(i->raw)), insn_pc(c, i));
    return false;
}

/* Without a GIC, Apple's framework leaves the physical timer to the monitor (section 9.2), once
 * EL1's own trap has let the access pass. */
static bool physical_is_here(struct cpu *c, const struct insn *i)
{
    if (!el0_may(c, i, EL0PTEN))
        return false;
    if (machine.has_gic)
        return true;
    cpu_exit(c, i, ESR(EC_SYSREG, sysreg_iss(i->raw)), 0, 0, 0);
    return false;
}

bool timer_read_frq(struct cpu *c, const struct insn *i, uint64_t *value)
{
    mach_timebase_info_data_t tb;
    mach_timebase_info(&tb);
    *value = UINT64_C(1000000000) * tb.denom / tb.numer;
    return el0_may(c, i, EL0PCTEN | EL0VCTEN);
}
bool timer_read_pct(struct cpu *c, const struct insn *i, uint64_t *value)
{
    *value = timer_read_clock(c);
    return el0_may(c, i, EL0PCTEN);
}
bool timer_read_vct(struct cpu *c, const struct insn *i, uint64_t *value)
{
    *value = timer_read_clock(c) - c->cntvoff;
    return el0_may(c, i, EL0VCTEN);
}

/* TVAL is the distance to CVAL, 32 bits, signed. */
static uint64_t tval(uint64_t cval, uint64_t now)
{
    return (uint32_t)(cval - now);
}

bool timer_read_vtval(struct cpu *c, const struct insn *i, uint64_t *value)
{
    *value = tval(c->sr[SR_CNTV_CVAL_EL0], timer_read_clock(c) - c->cntvoff);
    return el0_may(c, i, EL0VTEN);
}
bool timer_read_vctl(struct cpu *c, const struct insn *i, uint64_t *value)
{
    *value = timer_ctl(c, TIMER_VIRTUAL);
    return el0_may(c, i, EL0VTEN);
}
bool timer_read_vcval(struct cpu *c, const struct insn *i, uint64_t *value)
{
    *value = c->sr[SR_CNTV_CVAL_EL0];
    return el0_may(c, i, EL0VTEN);
}
bool timer_read_ptval(struct cpu *c, const struct insn *i, uint64_t *value)
{
    *value = tval(c->sr[SR_CNTP_CVAL_EL0], timer_read_clock(c));
    return physical_is_here(c, i);
}
bool timer_read_pctl(struct cpu *c, const struct insn *i, uint64_t *value)
{
    *value = timer_ctl(c, TIMER_PHYSICAL);
    return physical_is_here(c, i);
}
bool timer_read_pcval(struct cpu *c, const struct insn *i, uint64_t *value)
{
    *value = c->sr[SR_CNTP_CVAL_EL0];
    return physical_is_here(c, i);
}

static bool set(struct cpu *c, unsigned slot, uint64_t value)
{
    c->sr[slot] = value;
    timer_update(c);
    return true;
}

bool timer_write_vtval(struct cpu *c, const struct insn *i, uint64_t value)
{
    return el0_may(c, i, EL0VTEN) &&
           set(c, SR_CNTV_CVAL_EL0, timer_cntvct(c) + (uint64_t)(int32_t)value);
}
bool timer_write_vctl(struct cpu *c, const struct insn *i, uint64_t value)
{
    return el0_may(c, i, EL0VTEN) && set(c, SR_CNTV_CTL_EL0, value & 3);
}
bool timer_write_vcval(struct cpu *c, const struct insn *i, uint64_t value)
{
    return el0_may(c, i, EL0VTEN) && set(c, SR_CNTV_CVAL_EL0, value);
}
bool timer_write_ptval(struct cpu *c, const struct insn *i, uint64_t value)
{
    return physical_is_here(c, i) &&
           set(c, SR_CNTP_CVAL_EL0, mach_absolute_time() + (uint64_t)(int32_t)value);
}
bool timer_write_pctl(struct cpu *c, const struct insn *i, uint64_t value)
{
    return physical_is_here(c, i) && set(c, SR_CNTP_CTL_EL0, value & 3);
}
bool timer_write_pcval(struct cpu *c, const struct insn *i, uint64_t value)
{
    return physical_is_here(c, i) && set(c, SR_CNTP_CVAL_EL0, value);
}
