/* SPDX-License-Identifier: MIT */
/*
 * Debug exceptions for the client (hv_vcpu_set_trap_debug_exceptions). Apple routes the guest's own
 * debug exceptions outside (MDCR_EL2.TDE); KVM takes breakpoints and a step flag from the client
 * instead. So what stands in the guest's debug registers, where the client writes it, is handed to
 * KVM before each run. Owner thread.
 */
#include "kvm/kvm.h"
#include <errno.h>
#include <string.h>

#define KVM_SYS(reg)  (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | (reg))
#define MDSCR_SS      (1u << 0)
#define MDSCR_MDE     (1u << 15)
#define CPSR_SS       (1u << 21)
#define EC_STEP       0x32
#define GUEST_CONTROL (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP)

hv_return_t kvm_set_trap_debug(struct hvi_vcpu *v, bool exceptions, bool reg_accesses)
{
    if (reg_accesses)
        return kvm_fail(HV_UNSUPPORTED, "KVM cannot trap debug register accesses", 0);
    struct kvm_guest_debug debug = {.control = exceptions ? GUEST_CONTROL : 0};
    if (kvm_vcpu_ioctl(v, KVM_SET_GUEST_DEBUG, &debug) < 0)
        return kvm_fail(kvm_error(errno, HV_ERROR), "KVM_SET_GUEST_DEBUG", errno);
    v->trap_debug = exceptions;
    return HV_SUCCESS;
}

/* Registers n = 0, 1, ... of the four families; their numbers are 8 apart. */
static int read_family(struct hvi_vcpu *v, hv_sys_reg_t first, unsigned count, __u64 *to)
{
    for (unsigned n = 0; n < count; n++) {
        uint64_t value;
        if (kvm_get_one(v, KVM_SYS((unsigned)first + 8 * n), &value) < 0)
            return -1;
        to[n] = value;
    }
    return 0;
}

static int read_hw(struct hvi_vcpu *v, struct kvm_guest_debug *debug)
{
    uint64_t dfr0;
    if (kvm_get_one(v, KVM_SYS(HV_SYS_REG_ID_AA64DFR0_EL1), &dfr0) < 0)
        return -1;
    unsigned breakpoints = (unsigned)(dfr0 >> 12 & 15) + 1;
    unsigned watchpoints = (unsigned)(dfr0 >> 20 & 15) + 1;
    if (read_family(v, HV_SYS_REG_DBGBVR0_EL1, breakpoints, debug->arch.dbg_bvr) < 0 ||
        read_family(v, HV_SYS_REG_DBGBCR0_EL1, breakpoints, debug->arch.dbg_bcr) < 0 ||
        read_family(v, HV_SYS_REG_DBGWVR0_EL1, watchpoints, debug->arch.dbg_wvr) < 0 ||
        read_family(v, HV_SYS_REG_DBGWCR0_EL1, watchpoints, debug->arch.dbg_wcr) < 0)
        return -1;
    debug->control |= KVM_GUESTDBG_USE_HW;
    return 0;
}

hv_return_t kvm_prepare_debug(struct hvi_vcpu *v)
{
    uint64_t mdscr;
    struct kvm_guest_debug debug = {.control = GUEST_CONTROL};
    if (kvm_get_one(v, KVM_SYS(HV_SYS_REG_MDSCR_EL1), &mdscr) < 0)
        return kvm_fail(HV_ERROR, "KVM_GET_ONE_REG of MDSCR_EL1", errno);
    if (mdscr & MDSCR_SS)
        debug.control |= KVM_GUESTDBG_SINGLESTEP;
    if ((mdscr & MDSCR_MDE && read_hw(v, &debug) < 0) ||
        kvm_vcpu_ioctl(v, KVM_SET_GUEST_DEBUG, &debug) < 0)
        return kvm_fail(HV_ERROR, "KVM_SET_GUEST_DEBUG", errno);
    return HV_SUCCESS;
}

/* After a step the CPU has cleared PSTATE.SS; KVM, which keeps its own, leaves the guest's set. */
hv_return_t kvm_translate_debug(struct hvi_vcpu *v, hv_vcpu_exit_t *exit)
{
    uint64_t cpsr;
    exit->exception.syndrome = v->run->debug.arch.hsr;
    exit->exception.virtual_address = v->run->debug.arch.far;
    if (v->run->debug.arch.hsr >> 26 != EC_STEP)
        return HV_SUCCESS;
    hv_return_t result = kvm_get_reg(v, HV_REG_CPSR, &cpsr);
    if (result == HV_SUCCESS && cpsr & CPSR_SS)
        result = kvm_set_reg(v, HV_REG_CPSR, cpsr & ~(uint64_t)CPSR_SS);
    return result;
}
