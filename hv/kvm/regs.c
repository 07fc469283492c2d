/* SPDX-License-Identifier: MIT */
/*
 * Registers through KVM_GET_ONE_REG and KVM_SET_ONE_REG. Core registers are cached per vCPU:
 * fetched when the client asks, written before the next run if it changed them. System registers
 * and vectors go straight through. Called on the vCPU's owner thread.
 */
#include "kvm/kvm.h"
#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>

#define CORE(field)                                                                                \
    (KVM_REG_ARM64 | KVM_REG_ARM_CORE | offsetof(struct kvm_regs, field) / sizeof(uint32_t))
#define CORE64(field) (CORE(field) | KVM_REG_SIZE_U64)
#define CORE32(field) (CORE(field) | KVM_REG_SIZE_U32)
#define SYSREG(reg)   (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | (reg))

int kvm_get_one(struct hvi_vcpu *v, uint64_t id, void *value)
{
    struct kvm_one_reg r = {.id = id, .addr = (uintptr_t)value};
    return kvm_vcpu_ioctl(v, KVM_GET_ONE_REG, &r);
}

int kvm_set_one(struct hvi_vcpu *v, uint64_t id, const void *value)
{
    struct kvm_one_reg r = {.id = id, .addr = (uintptr_t)value};
    return kvm_vcpu_ioctl(v, KVM_SET_ONE_REG, &r);
}

/* ---- core registers -------------------------------------------------------------------------- */

static uint64_t core_id(hv_reg_t reg)
{
    switch (reg) {
    case HV_REG_PC: return CORE64(regs.pc);
    case HV_REG_CPSR: return CORE64(regs.pstate);
    case HV_REG_FPCR: return CORE32(fp_regs.fpcr);
    case HV_REG_FPSR: return CORE32(fp_regs.fpsr);
    default: return CORE64(regs.regs[0]) + 2 * reg; /* ids count in words */
    }
}

hv_return_t kvm_get_reg(struct hvi_vcpu *v, hv_reg_t reg, uint64_t *value)
{
    if (!(v->valid >> reg & 1)) {
        uint64_t got = 0; /* FPCR and FPSR fill the low half */
        if (kvm_get_one(v, core_id(reg), &got) < 0)
            return kvm_fail(HV_ERROR, "KVM_GET_ONE_REG", errno);
        v->reg[reg] = got;
        v->valid |= 1ull << reg;
    }
    *value = v->reg[reg];
    return HV_SUCCESS;
}

hv_return_t kvm_set_reg(struct hvi_vcpu *v, hv_reg_t reg, uint64_t value)
{
    if (reg == HV_REG_FPCR || reg == HV_REG_FPSR)
        value &= 0xffffffff;
    v->reg[reg] = value;
    v->valid |= 1ull << reg;
    v->dirty |= 1ull << reg;
    return HV_SUCCESS;
}

hv_return_t kvm_flush_regs(struct hvi_vcpu *v, uint64_t keep)
{
    for (uint64_t left = v->dirty & ~keep; left; left &= left - 1) {
        hv_reg_t reg = (hv_reg_t)__builtin_ctzll(left);
        if (kvm_set_one(v, core_id(reg), &v->reg[reg]) < 0)
            /* Only PSTATE can be wrong: a mode that the guest does not have. */
            return kvm_fail(errno == EINVAL ? HV_ILLEGAL_GUEST_STATE : HV_ERROR,
                            "KVM_SET_ONE_REG of a core register", errno);
        v->dirty &= ~(1ull << reg);
    }
    return HV_SUCCESS;
}

hv_return_t kvm_get_simd(struct hvi_vcpu *v, hv_simd_fp_reg_t reg, hv_simd_fp_uchar16_t *value)
{
    uint64_t id = (CORE(fp_regs.vregs[0]) | KVM_REG_SIZE_U128) + 4 * reg;
    return kvm_get_one(v, id, value) < 0 ? kvm_fail(HV_ERROR, "KVM_GET_ONE_REG", errno)
                                         : HV_SUCCESS;
}

hv_return_t kvm_set_simd(struct hvi_vcpu *v, hv_simd_fp_reg_t reg, hv_simd_fp_uchar16_t value)
{
    uint64_t id = (CORE(fp_regs.vregs[0]) | KVM_REG_SIZE_U128) + 4 * reg;
    return kvm_set_one(v, id, &value) < 0 ? kvm_fail(HV_ERROR, "KVM_SET_ONE_REG", errno)
                                          : HV_SUCCESS;
}

/* ---- system registers ------------------------------------------------------------------------ */

/* Apple's numbers are KVM's, save for the registers that KVM counts among the core ones and for the
 * timer's comparator, whose id was swapped with the counter's long ago (api.rst). */
static uint64_t sys_id(hv_sys_reg_t reg)
{
    switch (reg) {
    case HV_SYS_REG_SP_EL0: return CORE64(regs.sp);
    case HV_SYS_REG_SP_EL1: return CORE64(sp_el1);
    case HV_SYS_REG_ELR_EL1: return CORE64(elr_el1);
    case HV_SYS_REG_SPSR_EL1: return CORE64(spsr[KVM_SPSR_EL1]);
    case HV_SYS_REG_CNTV_CVAL_EL0: return KVM_REG_ARM_TIMER_CVAL;
    case HV_SYS_REG_CNTP_CVAL_EL0: return KVM_REG_ARM_PTIMER_CVAL;
    case HV_SYS_REG_CNTP_CTL_EL0: return KVM_REG_ARM_PTIMER_CTL;
    default: return SYSREG(reg);
    }
}

/* TVAL is a view of CVAL: signed 32-bit distance from the physical counter. */
static hv_return_t get_cntp_tval(struct hvi_vcpu *v, uint64_t *value)
{
    uint64_t cval, now;
    if (kvm_get_one(v, KVM_REG_ARM_PTIMER_CVAL, &cval) < 0 ||
        kvm_get_one(v, KVM_REG_ARM_PTIMER_CNT, &now) < 0)
        return kvm_fail(HV_ERROR, "KVM_GET_ONE_REG", errno);
    *value = (uint32_t)(cval - now);
    return HV_SUCCESS;
}

static hv_return_t set_cntp_tval(struct hvi_vcpu *v, uint64_t value)
{
    uint64_t now;
    if (kvm_get_one(v, KVM_REG_ARM_PTIMER_CNT, &now) < 0)
        return kvm_fail(HV_ERROR, "KVM_GET_ONE_REG", errno);
    now += (uint64_t)(int64_t)(int32_t)value;
    return kvm_set_one(v, KVM_REG_ARM_PTIMER_CVAL, &now) < 0
               ? kvm_fail(HV_ERROR, "KVM_SET_ONE_REG", errno)
               : HV_SUCCESS;
}

hv_return_t kvm_get_sys_reg(struct hvi_vcpu *v, hv_sys_reg_t reg, uint64_t *value)
{
    if (reg == HV_SYS_REG_MPIDR_EL1) {
        *value = v->mpidr;
        return HV_SUCCESS;
    }
    if (reg == HV_SYS_REG_CNTP_TVAL_EL0)
        return get_cntp_tval(v, value);
    if (kvm_get_one(v, sys_id(reg), value) < 0)
        return kvm_fail(kvm_error(errno, HV_ERROR), "KVM_GET_ONE_REG", errno);
    return HV_SUCCESS;
}

hv_return_t kvm_set_sys_reg(struct hvi_vcpu *v, hv_sys_reg_t reg, uint64_t value)
{
    if (reg == HV_SYS_REG_CNTP_TVAL_EL0)
        return set_cntp_tval(v, value);
    uint64_t given = value;
    if (reg == HV_SYS_REG_MPIDR_EL1)
        given |= 1ull << 31; /* RES1; the client reads back what it wrote, the guest sees this */
    if (kvm_set_one(v, sys_id(reg), &given) < 0)
        return kvm_fail(kvm_error(errno, HV_ERROR), "KVM_SET_ONE_REG", errno);
    if (reg == HV_SYS_REG_MPIDR_EL1)
        v->mpidr = value;
    return HV_SUCCESS;
}

void kvm_hide_aarch32(struct hvi_vcpu *v)
{
    uint64_t pfr0;
    if (kvm_get_one(v, SYSREG(HV_SYS_REG_ID_AA64PFR0_EL1), &pfr0) < 0)
        return;
    pfr0 = (pfr0 & ~0xffull) | 0x11; /* EL1, EL0: AArch64 only */
    (void)kvm_set_one(v, SYSREG(HV_SYS_REG_ID_AA64PFR0_EL1), &pfr0);
}

/* KVM resets what the architecture leaves unknown to a pattern, and SCTLR_EL1 to its RES1 bits;
 * Apple's vCPU starts with zeros. Pointer authentication keys fail with ENOENT where the CPU has
 * none. */
hv_return_t kvm_reset_regs(struct hvi_vcpu *v)
{
    static const hv_sys_reg_t zeroed[] = {
        HV_SYS_REG_SCTLR_EL1,      HV_SYS_REG_TTBR0_EL1,     HV_SYS_REG_TTBR1_EL1,
        HV_SYS_REG_TCR_EL1,        HV_SYS_REG_AFSR0_EL1,     HV_SYS_REG_AFSR1_EL1,
        HV_SYS_REG_ESR_EL1,        HV_SYS_REG_FAR_EL1,       HV_SYS_REG_PAR_EL1,
        HV_SYS_REG_MAIR_EL1,       HV_SYS_REG_AMAIR_EL1,     HV_SYS_REG_TPIDR_EL0,
        HV_SYS_REG_TPIDRRO_EL0,    HV_SYS_REG_TPIDR_EL1,     HV_SYS_REG_CSSELR_EL1,
        HV_SYS_REG_CNTKCTL_EL1,    HV_SYS_REG_CPACR_EL1,     HV_SYS_REG_VBAR_EL1,
        HV_SYS_REG_CONTEXTIDR_EL1, HV_SYS_REG_MPIDR_EL1,     HV_SYS_REG_SPSR_EL1,
        HV_SYS_REG_APIAKEYLO_EL1,  HV_SYS_REG_APIAKEYHI_EL1, HV_SYS_REG_APIBKEYLO_EL1,
        HV_SYS_REG_APIBKEYHI_EL1,  HV_SYS_REG_APDAKEYLO_EL1, HV_SYS_REG_APDAKEYHI_EL1,
        HV_SYS_REG_APDBKEYLO_EL1,  HV_SYS_REG_APDBKEYHI_EL1, HV_SYS_REG_APGAKEYLO_EL1,
        HV_SYS_REG_APGAKEYHI_EL1,
    };
    for (size_t i = 0; i < sizeof zeroed / sizeof *zeroed; i++) {
        hv_return_t result = kvm_set_sys_reg(v, zeroed[i], 0);
        if (result != HV_SUCCESS && result != HV_UNSUPPORTED)
            return result;
    }
    kvm_hide_aarch32(v);
    (void)kvm_last_error(); /* of the registers that this host does not have */
    return HV_SUCCESS;
}
