/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU belongs to the thread that created it, and a thread has at most one. All calls are
 * for that thread (others get HV_BAD_ARGUMENT), save hv_vcpus_exit(), which is for everybody. An
 * unknown handle is HV_BAD_ARGUMENT, no VM HV_NO_DEVICE.
 */
#pragma once

#include <Hypervisor/hv_vcpu_config.h>
#include <Hypervisor/hv_vcpu_types.h>

OS_ASSUME_NONNULL_BEGIN

/* Create a vCPU that belongs to the calling thread. *exit points to memory of the framework, filled
 * by each run and valid until the vCPU is destroyed. HV_BUSY: this thread has a vCPU already.
 * HV_NO_RESOURCES: more than hv_vm_get_max_vcpu_count(). */
OS_EXPORT hv_return_t hv_vcpu_create(hv_vcpu_t *vcpu, hv_vcpu_exit_t *_Nullable *_Nonnull exit,
                                     hv_vcpu_config_t _Nullable config) API_AVAILABLE(macos(11.0));
OS_EXPORT hv_return_t hv_vcpu_destroy(hv_vcpu_t vcpu) API_AVAILABLE(macos(11.0));

/* General registers, PC, CPSR (the PSTATE image), FPCR, FPSR. */
OS_EXPORT hv_return_t hv_vcpu_get_reg(hv_vcpu_t vcpu, hv_reg_t reg, uint64_t *value)
    API_AVAILABLE(macos(11.0));
OS_EXPORT hv_return_t hv_vcpu_set_reg(hv_vcpu_t vcpu, hv_reg_t reg, uint64_t value)
    API_AVAILABLE(macos(11.0));

OS_EXPORT hv_return_t hv_vcpu_get_simd_fp_reg(hv_vcpu_t vcpu, hv_simd_fp_reg_t reg,
                                              hv_simd_fp_uchar16_t *value)
    API_AVAILABLE(macos(11.0));
OS_EXPORT hv_return_t hv_vcpu_set_simd_fp_reg(hv_vcpu_t vcpu, hv_simd_fp_reg_t reg,
                                              hv_simd_fp_uchar16_t value)
    API_AVAILABLE(macos(11.0));

/* System registers. HV_BAD_ARGUMENT: unknown register. HV_UNSUPPORTED: not in this kind of VM. */
OS_EXPORT hv_return_t hv_vcpu_get_sys_reg(hv_vcpu_t vcpu, hv_sys_reg_t reg, uint64_t *value)
    API_AVAILABLE(macos(11.0));
OS_EXPORT hv_return_t hv_vcpu_set_sys_reg(hv_vcpu_t vcpu, hv_sys_reg_t reg, uint64_t value)
    API_AVAILABLE(macos(11.0));

/* The level of an interrupt line during the next run; low again when that run returns.
 * HV_UNSUPPORTED in a VM with a GIC. */
OS_EXPORT hv_return_t hv_vcpu_get_pending_interrupt(hv_vcpu_t vcpu, hv_interrupt_type_t type,
                                                    bool *pending) API_AVAILABLE(macos(11.0));
OS_EXPORT hv_return_t hv_vcpu_set_pending_interrupt(hv_vcpu_t vcpu, hv_interrupt_type_t type,
                                                    bool pending) API_AVAILABLE(macos(11.0));

/* Do debug exceptions of the guest (BRK, single step, hardware breakpoint, watchpoint) exit instead
 * of being delivered to it? False in a new vCPU. */
OS_EXPORT hv_return_t hv_vcpu_get_trap_debug_exceptions(hv_vcpu_t vcpu, bool *value)
    API_AVAILABLE(macos(11.0));
OS_EXPORT hv_return_t hv_vcpu_set_trap_debug_exceptions(hv_vcpu_t vcpu, bool value)
    API_AVAILABLE(macos(11.0));

/* Do guest accesses to debug registers exit (as trapped system registers)? False in a new vCPU. */
OS_EXPORT hv_return_t hv_vcpu_get_trap_debug_reg_accesses(hv_vcpu_t vcpu, bool *value)
    API_AVAILABLE(macos(11.0));
OS_EXPORT hv_return_t hv_vcpu_set_trap_debug_reg_accesses(hv_vcpu_t vcpu, bool value)
    API_AVAILABLE(macos(11.0));

/* Run until an exit and describe it in the vCPU's exit structure. HV_SUCCESS for every kind of
 * exit; HV_ILLEGAL_GUEST_STATE if the registers describe a state that cannot be entered. */
OS_EXPORT hv_return_t hv_vcpu_run(hv_vcpu_t vcpu) API_AVAILABLE(macos(11.0));

/* Make the runs of these vCPUs return with HV_EXIT_REASON_CANCELED. A vCPU that is not running
 * remembers it for its next run, once. Any thread. */
OS_EXPORT hv_return_t hv_vcpus_exit(hv_vcpu_t *vcpus, uint32_t vcpu_count)
    API_AVAILABLE(macos(11.0));

/* Time this vCPU spent in the guest, in mach_absolute_time() units. */
OS_EXPORT hv_return_t hv_vcpu_get_exec_time(hv_vcpu_t vcpu, uint64_t *time)
    API_AVAILABLE(macos(11.0));

/* Without a GIC an expired virtual timer exits with HV_EXIT_REASON_VTIMER_ACTIVATED unless masked,
 * and that exit sets the mask. Clear it once the guest has dealt with the interrupt. */
OS_EXPORT hv_return_t hv_vcpu_get_vtimer_mask(hv_vcpu_t vcpu, bool *vtimer_is_masked)
    API_AVAILABLE(macos(11.0));
OS_EXPORT hv_return_t hv_vcpu_set_vtimer_mask(hv_vcpu_t vcpu, bool vtimer_is_masked)
    API_AVAILABLE(macos(11.0));

/* The guest's CNTVCT_EL0 is mach_absolute_time() minus this; 0 in a new vCPU. */
OS_EXPORT hv_return_t hv_vcpu_get_vtimer_offset(hv_vcpu_t vcpu, uint64_t *vtimer_offset)
    API_AVAILABLE(macos(11.0));
OS_EXPORT hv_return_t hv_vcpu_set_vtimer_offset(hv_vcpu_t vcpu, uint64_t vtimer_offset)
    API_AVAILABLE(macos(11.0));

/* A pending SError, and time spent waiting in WFI (VMs with a GIC). */
OS_EXPORT hv_return_t hv_vcpu_get_serror(hv_vcpu_t vcpu, bool *pending) API_AVAILABLE(macos(27.0));
OS_EXPORT hv_return_t hv_vcpu_set_serror(hv_vcpu_t vcpu, bool pending) API_AVAILABLE(macos(27.0));
OS_EXPORT hv_return_t hv_vcpu_get_wait_for_interrupt_time(hv_vcpu_t vcpu, uint64_t *time)
    API_AVAILABLE(macos(27.0));

/* Drop TLB entries that a guest hypervisor made (EL2 VMs); param = the operand of the TLBI. */
OS_EXPORT hv_return_t hv_vcpu_invalidate_tlb(hv_vcpu_t vcpu, hv_tlbi_op_t op, uint64_t param)
    API_AVAILABLE(macos(27.0));

/* SME: streaming mode and ZA, the Z and P registers (streaming mode on), ZA and ZT0 (ZA on).
 * Lengths are exact: the maximal streaming vector length SVL in bytes, SVL / 8, SVL * SVL.
 * HV_UNSUPPORTED on a CPU without SME. */
OS_EXPORT hv_return_t hv_vcpu_get_sme_state(hv_vcpu_t vcpu, hv_vcpu_sme_state_t *sme_state)
    API_AVAILABLE(macos(15.2));
OS_EXPORT hv_return_t hv_vcpu_set_sme_state(hv_vcpu_t vcpu, const hv_vcpu_sme_state_t *sme_state)
    API_AVAILABLE(macos(15.2));
OS_EXPORT hv_return_t hv_vcpu_get_sme_z_reg(hv_vcpu_t vcpu, hv_sme_z_reg_t reg, uint8_t *value,
                                            size_t length) API_AVAILABLE(macos(15.2));
OS_EXPORT hv_return_t hv_vcpu_set_sme_z_reg(hv_vcpu_t vcpu, hv_sme_z_reg_t reg,
                                            const uint8_t *value, size_t length)
    API_AVAILABLE(macos(15.2));
OS_EXPORT hv_return_t hv_vcpu_get_sme_p_reg(hv_vcpu_t vcpu, hv_sme_p_reg_t reg, uint8_t *value,
                                            size_t length) API_AVAILABLE(macos(15.2));
OS_EXPORT hv_return_t hv_vcpu_set_sme_p_reg(hv_vcpu_t vcpu, hv_sme_p_reg_t reg,
                                            const uint8_t *value, size_t length)
    API_AVAILABLE(macos(15.2));
OS_EXPORT hv_return_t hv_vcpu_get_sme_za_reg(hv_vcpu_t vcpu, uint8_t *value, size_t length)
    API_AVAILABLE(macos(15.2));
OS_EXPORT hv_return_t hv_vcpu_set_sme_za_reg(hv_vcpu_t vcpu, const uint8_t *value, size_t length)
    API_AVAILABLE(macos(15.2));
OS_EXPORT hv_return_t hv_vcpu_get_sme_zt0_reg(hv_vcpu_t vcpu, hv_sme_zt0_uchar64_t *value)
    API_AVAILABLE(macos(15.2));
OS_EXPORT hv_return_t hv_vcpu_set_sme_zt0_reg(hv_vcpu_t vcpu, const hv_sme_zt0_uchar64_t *value)
    API_AVAILABLE(macos(15.2));

OS_ASSUME_NONNULL_END
