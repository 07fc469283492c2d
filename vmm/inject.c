/* SPDX-License-Identifier: MIT */
/*
 * Exceptions that the monitor gives to the guest's EL1, written into the registers as the CPU
 * itself would do it (DDI 0487, AArch64.TakeException): for the guest there is no difference. On
 * the vCPU's thread.
 *
 * VBAR_EL1 = 0 counts as "no vector table": then, and when the vectors themselves cannot be
 * fetched, the guest has crashed.
 */
#include "vmm.h"

#include <inttypes.h>

#define ESR_EC(ec)           ((uint64_t)(ec) << 26)
#define ESR_IL               (UINT64_C(1) << 25)
#define ESR_WNR              (UINT64_C(1) << 6)
#define FSC_EXTERNAL         0x10 /* synchronous external abort, not on a table walk */
#define FSC_EXTERNAL_WALK    0x14 /* ... on the walk, plus its level */
#define EC_UNKNOWN           0x00
#define EC_INSTRUCTION_ABORT 0x20
#define EC_DATA_ABORT        0x24
#define EC_SAME_LEVEL        1

#define PSR_MODE             UINT64_C(0x1f)
#define PSR_MODE_AARCH32     UINT64_C(0x10)
#define PSR_EL               UINT64_C(0xc)
#define PSR_EL1H_MASKED      UINT64_C(0x3c5)
#define PSR_SSBS             (UINT64_C(1) << 12)
#define PSR_PAN              (UINT64_C(1) << 22)
#define PSR_KEPT             (UINT64_C(0xf) << 28 | UINT64_C(1) << 24 | PSR_PAN) /* NZCV, DIT, PAN */
#define SCTLR_SPAN           (UINT64_C(1) << 23)
#define SCTLR_DSSBS          (UINT64_C(1) << 44)
#define MMFR1_PAN            (UINT64_C(0xf) << 20)

#define VECTORS_SIZE         0x800
#define VECTOR_SAME_SP0      0x000
#define VECTOR_SAME_SPX      0x200
#define VECTOR_LOWER_64      0x400
#define VECTOR_LOWER_32      0x600

static uint64_t vector_offset(uint64_t cpsr)
{
    if (cpsr & PSR_MODE_AARCH32)
        return VECTOR_LOWER_32;
    if (!(cpsr & PSR_EL))
        return VECTOR_LOWER_64;
    return cpsr & 1 ? VECTOR_SAME_SPX : VECTOR_SAME_SP0;
}

static uint64_t cpsr_in_handler(struct vcpu *v, uint64_t cpsr)
{
    uint64_t sctlr = vcpu_sys_reg(v, HV_SYS_REG_SCTLR_EL1);
    uint64_t now = (cpsr & PSR_KEPT) | PSR_EL1H_MASKED;
    if (!(sctlr & SCTLR_SPAN) && vcpu_sys_reg(v, HV_SYS_REG_ID_AA64MMFR1_EL1) & MMFR1_PAN)
        now |= PSR_PAN;
    if (sctlr & SCTLR_DSSBS)
        now |= PSR_SSBS;
    return now;
}

static void enter(struct vcpu *v, uint64_t esr, uint64_t cpsr)
{
    vcpu_set_sys_reg(v, HV_SYS_REG_ESR_EL1, esr | ESR_IL);
    vcpu_set_sys_reg(v, HV_SYS_REG_ELR_EL1, vcpu_reg(v, HV_REG_PC));
    vcpu_set_sys_reg(v, HV_SYS_REG_SPSR_EL1, cpsr);
    vcpu_set_reg(v, HV_REG_PC, vcpu_sys_reg(v, HV_SYS_REG_VBAR_EL1) + vector_offset(cpsr));
    vcpu_set_reg(v, HV_REG_CPSR, cpsr_in_handler(v, cpsr));
}

bool inject_possible(struct vcpu *v)
{
    return vcpu_sys_reg(v, HV_SYS_REG_VBAR_EL1) != 0;
}

int inject_undefined(struct vcpu *v)
{
    if (!inject_possible(v))
        return crash(v, v->exit->exception.syndrome, 0, "undefined instruction");
    enter(v, ESR_EC(EC_UNKNOWN), vcpu_reg(v, HV_REG_CPSR));
    return 0;
}

int inject_abort(struct vcpu *v, const struct abort_info *abort)
{
    uint64_t cpsr = vcpu_reg(v, HV_REG_CPSR);
    bool same_level = (cpsr & PSR_EL) && !(cpsr & PSR_MODE_AARCH32);
    unsigned ec = abort->fetch ? EC_INSTRUCTION_ABORT : EC_DATA_ABORT;
    uint64_t esr = ESR_EC(ec + (same_level ? EC_SAME_LEVEL : 0));
    esr |= abort->walk ? FSC_EXTERNAL_WALK + abort->level : FSC_EXTERNAL;
    if (abort->write && !abort->fetch)
        esr |= ESR_WNR;
    vcpu_set_sys_reg(v, HV_SYS_REG_FAR_EL1, abort->va);
    enter(v, esr, cpsr);
    return 0;
}

bool inject_would_loop(struct vcpu *v, uint64_t pc)
{
    return pc - vcpu_sys_reg(v, HV_SYS_REG_VBAR_EL1) < VECTORS_SIZE;
}
