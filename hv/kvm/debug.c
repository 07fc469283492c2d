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
#define EC_BREAKPOINT 0x30
#define EC_STEP       0x32
#define BCR_ENABLE    1u
#define BCR_ON        0x1e7 /* enabled, at EL1 and EL0, all four bytes */
#define GUEST_CONTROL (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP)

hv_return_t kvm_set_trap_debug(struct hvi_vcpu *v, bool exceptions, bool reg_accesses)
{
    if (reg_accesses)
        return kvm_fail(HV_UNSUPPORTED, "KVM cannot trap debug register accesses", 0);
    struct kvm_guest_debug debug = {.control = exceptions ? GUEST_CONTROL : 0};
    if (kvm_vcpu_ioctl(v, KVM_SET_GUEST_DEBUG, &debug) < 0)
        return kvm_fail(kvm_error(errno, HV_ERROR), "KVM_SET_GUEST_DEBUG", errno);
    v->trap_debug = exceptions;
    v->watched_count = 0; /* they went with it */
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

/* What the client's debug registers ask for. */
static int client_debug(struct hvi_vcpu *v, struct kvm_guest_debug *debug)
{
    uint64_t mdscr;
    if (kvm_get_one(v, KVM_SYS(HV_SYS_REG_MDSCR_EL1), &mdscr) < 0)
        return -1;
    debug->control |= GUEST_CONTROL;
    if (mdscr & MDSCR_SS)
        debug->control |= KVM_GUESTDBG_SINGLESTEP;
    return mdscr & MDSCR_MDE ? read_hw(v, debug) : 0;
}

/* Nothing tells when a guest takes an interrupt of a CPU line. So breakpoints stand on the vectors
 * to which it can go: IRQ and FIQ, from EL1 with either stack and from EL0 (Arm ARM D1.3.1). They
 * take the units that the client has left free. */
static int watch_vectors(struct hvi_vcpu *v, struct kvm_guest_debug *debug)
{
    static const uint16_t from[] = {0x000, 0x200, 0x400};
    uint64_t vbar, dfr0;
    if (kvm_get_one(v, KVM_SYS(HV_SYS_REG_VBAR_EL1), &vbar) < 0 ||
        kvm_get_one(v, KVM_SYS(HV_SYS_REG_ID_AA64DFR0_EL1), &dfr0) < 0)
        return -1;
    unsigned units = (unsigned)(dfr0 >> 12 & 15) + 1, unit = 0;
    for (unsigned i = 0; i < 6; i++) {
        unsigned type = i / 3; /* hv_interrupt_type_t */
        while (unit < units && debug->arch.dbg_bcr[unit] & BCR_ENABLE)
            unit++;
        if (unit == units)
            break;
        if (!v->line[type])
            continue;
        uint64_t vector = vbar + from[i % 3] + (type ? 0x100 : 0x80);
        debug->arch.dbg_bvr[unit] = vector;
        debug->arch.dbg_bcr[unit] = BCR_ON;
        v->watched[v->watched_count++] = vector;
    }
    debug->control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW;
    return 0;
}

hv_return_t kvm_prepare_debug(struct hvi_vcpu *v)
{
    bool watch = kvm_vm.irq_exit && (v->line[0] || v->line[1]);
    if (!v->trap_debug && !watch && !v->watched_count)
        return HV_SUCCESS;
    struct kvm_guest_debug debug = {.control = 0};
    v->watched_count = 0;
    if ((v->trap_debug && client_debug(v, &debug) < 0) || (watch && watch_vectors(v, &debug) < 0))
        return kvm_fail(HV_ERROR, "KVM_GET_ONE_REG of a debug register", errno);
    if (kvm_vcpu_ioctl(v, KVM_SET_GUEST_DEBUG, &debug) < 0)
        return kvm_fail(HV_ERROR, "KVM_SET_GUEST_DEBUG", errno);
    return HV_SUCCESS;
}

/* Is this breakpoint one of ours? */
static bool interrupt_taken(struct hvi_vcpu *v)
{
    uint64_t pc;
    if (!v->watched_count || v->run->debug.arch.hsr >> 26 != EC_BREAKPOINT ||
        kvm_get_reg(v, HV_REG_PC, &pc) != HV_SUCCESS)
        return false;
    for (unsigned i = 0; i < v->watched_count; i++)
        if (v->watched[i] == pc)
            return true;
    return false;
}

/* After a step the CPU has cleared PSTATE.SS; KVM, which keeps its own, leaves the guest's set. */
hv_return_t kvm_translate_debug(struct hvi_vcpu *v, hv_vcpu_exit_t *exit)
{
    uint64_t cpsr;
    if (interrupt_taken(v)) {
        exit->reason = HV_EXIT_REASON_CANCELED;
        return HV_SUCCESS;
    }
    exit->exception.syndrome = v->run->debug.arch.hsr;
    exit->exception.virtual_address = v->run->debug.arch.far;
    if (v->run->debug.arch.hsr >> 26 != EC_STEP)
        return HV_SUCCESS;
    hv_return_t result = kvm_get_reg(v, HV_REG_CPSR, &cpsr);
    if (result == HV_SUCCESS && cpsr & CPSR_SS)
        result = kvm_set_reg(v, HV_REG_CPSR, cpsr & ~(uint64_t)CPSR_SS);
    return result;
}
