/* SPDX-License-Identifier: MIT */
/* Exception generation and return, hints, barriers, PSTATE, MRS and MSR. SYS is in op_maint.c. */
#include "a64.h"
#include "cpu.h"
#include "debug.h"

#include <sched.h>

#define OP(name)     const struct insn *op_##name(struct cpu *c, const struct insn *i)
#define FORMAT(name) bool dec_##name(struct insn *i, uint32_t w)
#define NEXT         (insn_pc(c, i) + 4)

FORMAT(none)
{
    (void)i, (void)w;
    return true;
}

FORMAT(imm16)
{
    i->imm = insn_bits(w, 5, 16);
    return true;
}

FORMAT(msr_imm)
{
    i->imm = insn_bits(w, 8, 4);
    return true;
}

/* ---- exception generation and return ---- */
OP(svc)
{
    c->ss = false; /* a step of it is complete before it is taken (D2.12.4) */
    return cpu_raise(c, i, ESR(EC_SVC64, i->imm), NEXT);
}

/* At EL0 these are UNDEFINED; from EL1 they go to the monitor, HVC with the PC behind it and SMC
 * with the PC at it, as on Apple's framework. */
OP(hvc)
{
    if (c->el == 0)
        return cpu_undefined(c, i);
    return cpu_exit(c, i, ESR(EC_HVC64, i->imm), 0, 0, 4);
}
OP(smc)
{
    if (c->el == 0)
        return cpu_undefined(c, i);
    return cpu_exit(c, i, ESR(EC_SMC64, i->imm), 0, 0, 0);
}
OP(brk)
{
    uint32_t esr = ESR(EC_BRK, i->imm);
    if (c->trap_debug)
        return cpu_exit(c, i, esr, 0, 0, 0);
    return cpu_raise(c, i, esr, insn_pc(c, i));
}
OP(eret)
{
    if (c->el == 0)
        return cpu_undefined(c, i);
    c->icount += c->block->n;
    cpu_exception_return(c);
    return NULL;
}

/* ---- hints ---- */
OP(nop)
{
    (void)c;
    return i + 1;
}
OP(yield)
{
    (void)c;
    sched_yield();
    return i + 1;
}
OP(sevl)
{
    c->event = true;
    return i + 1;
}

/* CV and COND of a trapped WFx are always 1 and 0b1110; TI tells which (D17.2.37). */
static uint32_t wfx_syndrome(bool wfe)
{
    return ESR(EC_WFX, 1u << 24 | 0xeu << 20 | wfe);
}

/* SCTLR_EL1.nTWI, nTWE: 0 traps EL0's WFI, WFE to EL1. */
static bool wfx_trapped(const struct cpu *c, bool wfe)
{
    return c->el == 0 && !(c->sr[SR_SCTLR_EL1] >> (wfe ? 18 : 16) & 1);
}

OP(wfi)
{
    if (cpu_interrupt_pending(c))
        return block_leave_sync(c, i);
    if (wfx_trapped(c, false))
        return cpu_raise(c, i, wfx_syndrome(false), insn_pc(c, i));
    if (!machine.has_gic)
        return cpu_exit(c, i, wfx_syndrome(false), 0, 0, 0);
    cpu_wait_for_interrupt(c);
    return block_leave_sync(c, i);
}

OP(wfe)
{
    if (c->event || cpu_interrupt_pending(c)) {
        c->event = false;
        return block_leave_sync(c, i);
    }
    if (wfx_trapped(c, true))
        return cpu_raise(c, i, wfx_syndrome(true), insn_pc(c, i));
    if (!machine.has_gic)
        return cpu_exit(c, i, wfx_syndrome(true), 0, 0, 0);
    cpu_wait_for_event(c);
    return block_leave_sync(c, i);
}

OP(sev)
{
    (void)c;
    cpu_send_event();
    return i + 1;
}

/* ---- barriers ---- */
OP(clrex)
{
    c->excl_valid = false;
    return i + 1;
}
OP(barrier)
{
    (void)c;
    atomic_thread_fence(memory_order_seq_cst);
    return i + 1;
}

/* With the instruction cache off, what was written is what is fetched after an ISB: nothing that
 * was decoded may outlive it (Arm ARM B2.7.4.2 asks for no IC then). */
OP(isb)
{
    if (!(c->sr[SR_SCTLR_EL1] >> 12 & 1)) {
        const struct insn *next = block_leave_sync(c, i);
        code_invalidate_all(c);
        return next;
    }
    return block_leave_sync(c, i);
}

/* ---- PSTATE ---- */
OP(cfinv)
{
    c->nzcv ^= FLAG_C;
    return i + 1;
}

/* FEAT_FlagM2: between the flags of an Arm FP compare and another form (C6.2 AXFLAG, XAFLAG). */
OP(axflag)
{
    uint32_t f = c->nzcv;
    bool z = (f & FLAG_Z) || (f & FLAG_V), carry = (f & FLAG_C) && !(f & FLAG_V);
    c->nzcv = (z ? FLAG_Z : 0) | (carry ? FLAG_C : 0);
    return i + 1;
}
OP(xaflag)
{
    bool z = c->nzcv & FLAG_Z, carry = c->nzcv & FLAG_C;
    c->nzcv = (!carry && !z ? FLAG_N : 0) | (z && carry ? FLAG_Z : 0) | (carry || z ? FLAG_C : 0) |
              (!carry && z ? FLAG_V : 0);
    return i + 1;
}

OP(msr_pan)
{
    if (c->el == 0)
        return cpu_undefined(c, i);
    c->pan = i->imm & 1;
    cpu_state_changed(c);
    return block_leave_sync(c, i);
}
OP(msr_uao)
{
    if (c->el == 0)
        return cpu_undefined(c, i);
    c->uao = i->imm & 1;
    return block_leave_sync(c, i);
}
OP(msr_spsel)
{
    if (c->el == 0)
        return cpu_undefined(c, i);
    cpu_sp_save(c);
    c->spsel = i->imm & 1;
    cpu_sp_load(c);
    return block_leave_sync(c, i);
}
OP(msr_dit)
{
    c->dit = i->imm & 1;
    return i + 1;
}
OP(msr_ssbs)
{
    c->ssbs = i->imm & 1;
    return i + 1;
}

/* EL0 may touch DAIF only if SCTLR_EL1.UMA says so; else a trapped system register access. */
static bool daif_trapped(const struct cpu *c)
{
    return c->el == 0 && !(c->sr[SR_SCTLR_EL1] >> 9 & 1);
}
static const struct insn *trap_sysreg(struct cpu *c, const struct insn *i)
{
    return cpu_raise(c, i, ESR(EC_SYSREG, sysreg_iss(i->raw)), insn_pc(c, i));
}
OP(msr_daifset)
{
    if (daif_trapped(c))
        return trap_sysreg(c, i);
    c->daif |= (uint32_t)i->imm << 6;
    cpu_state_changed(c);
    return block_leave_sync(c, i);
}
OP(msr_daifclr)
{
    if (daif_trapped(c))
        return trap_sysreg(c, i);
    c->daif &= ~((uint32_t)i->imm << 6);
    cpu_state_changed(c);
    return block_leave_sync(c, i);
}

/* ---- MRS, MSR ---- */

/* ISS of EC 0x18 from the instruction word: op0 op2 op1 CRn Rt CRm direction (D17.2.37). */
uint32_t sysreg_iss(uint32_t w)
{
    return insn_bits(w, 19, 2) << 20 | insn_bits(w, 5, 3) << 17 | insn_bits(w, 16, 3) << 14 |
           insn_bits(w, 12, 4) << 10 | insn_bits(w, 0, 5) << 5 | insn_bits(w, 8, 4) << 1 |
           insn_bits(w, 21, 1);
}

/* imm = the row of sysreg.def. An unknown register is UNDEFINED, but for ID registers to come. */
static bool sysreg_operand(struct insn *i, uint32_t w)
{
    uint16_t num = (uint16_t)insn_bits(w, 5, 16);
    const struct sysreg *r = sysreg_find(num);
    if (!r && num >= 0xc008 && num <= 0xc03f)
        r = sysreg_find(0xc03f); /* ID_RESERVED_EL1 */
    i->imm = (uintptr_t)r;
    return r;
}
/* Identification registers that are not assigned, or describe what this CPU has not got, read as
 * zero (D17.1.3: op0 3, op1 0, CRn 0, CRm 1 to 7). ID_PFR0_EL1 is such a one. */
static bool reads_as_zero(uint32_t w)
{
    uint32_t crm = insn_bits(w, 8, 4);
    return insn_bits(w, 12, 9) == 0x180 && crm >= 1 && crm <= 7;
}
FORMAT(mrs)
{
    i->rd = slot_dst(insn_bits(w, 0, 5));
    if (sysreg_operand(i, w))
        return true;
    i->imm = (uintptr_t)sysreg_find(SYSREG_NUM(3, 0, 0, 1, 0));
    return reads_as_zero(w);
}
FORMAT(msr)
{
    i->rd = slot_zr(insn_bits(w, 0, 5));
    return sysreg_operand(i, w);
}

/* Columns of `access`: EL0 read, EL0 write, EL1 read, EL1 write. */
static bool allowed(const struct cpu *c, const struct sysreg *r, bool write)
{
    return r->access[2 * c->el + write] != '-';
}

OP(mrs)
{
    const struct sysreg *r = (const struct sysreg *)(uintptr_t)i->imm;
    uint64_t v = c->sr[r->slot];
    if (!allowed(c, r, false))
        return cpu_undefined(c, i);
    if (r->access[4] == 't' || (c->trap_debug_regs && sysreg_is_debug(r)))
        return cpu_exit(c, i, ESR(EC_SYSREG, sysreg_iss(i->raw)), 0, 0, 0);
    if (r->read && !r->read(c, i, &v))
        return NULL;
    c->x[i->rd] = v;
    return i + 1;
}

OP(msr)
{
    const struct sysreg *r = (const struct sysreg *)(uintptr_t)i->imm;
    uint64_t v = c->x[i->rd];
    if (!allowed(c, r, true))
        return cpu_undefined(c, i);
    if (r->access[4] == 't' || (c->trap_debug_regs && sysreg_is_debug(r)))
        return cpu_exit(c, i, ESR(EC_SYSREG, sysreg_iss(i->raw)), 0, 0, 0);
    if (!r->write)
        c->sr[r->slot] = (c->sr[r->slot] & ~r->mask) | (v & r->mask);
    else if (!r->write(c, i, v))
        return NULL;
    return block_leave_sync(c, i);
}
