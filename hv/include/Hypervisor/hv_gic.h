/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller (GICv3) of a VM. With one, interrupts and timers are delivered inside
 * hv_vcpu_run() and WFI waits there. Each vCPU needs an MPIDR_EL1 of its own before it runs.
 * Without a GIC in the VM the calls answer HV_UNSUPPORTED, without a VM HV_NO_DEVICE.
 */
#pragma once

#include <Hypervisor/hv_gic_types.h>

OS_ASSUME_NONNULL_BEGIN

/* After hv_vm_create(), before the first vCPU, once. The configuration is copied. HV_BAD_ARGUMENT:
 * frames overlap or lie outside the address space. HV_BUSY: too late, or a second time. */
OS_EXPORT hv_return_t hv_gic_create(hv_gic_config_t gic_config) API_AVAILABLE(macos(15.0));

/* Drive the line of a shared interrupt. If it is edge-triggered, true makes an edge and false does
 * nothing. HV_BAD_ARGUMENT: not a shared interrupt, or one of the MSI frame's. Any thread. */
OS_EXPORT hv_return_t hv_gic_set_spi(uint32_t intid, bool level) API_AVAILABLE(macos(15.0));

/* A device's message: `address` is the MSI frame's SET_SPI register. Any thread. */
OS_EXPORT hv_return_t hv_gic_send_msi(hv_ipa_t address, uint32_t intid) API_AVAILABLE(macos(15.0));

/* Save and restore access to the registers, without the side effects of a guest access. Writing a
 * read-only register of a frame is ignored. Those that take a vCPU: its owner thread. */
OS_EXPORT hv_return_t hv_gic_get_distributor_reg(hv_gic_distributor_reg_t reg, uint64_t *value)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_set_distributor_reg(hv_gic_distributor_reg_t reg, uint64_t value)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_get_redistributor_reg(hv_vcpu_t vcpu, hv_gic_redistributor_reg_t reg,
                                                   uint64_t *value) API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_set_redistributor_reg(hv_vcpu_t vcpu, hv_gic_redistributor_reg_t reg,
                                                   uint64_t value) API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_get_icc_reg(hv_vcpu_t vcpu, hv_gic_icc_reg_t reg, uint64_t *value)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_set_icc_reg(hv_vcpu_t vcpu, hv_gic_icc_reg_t reg, uint64_t value)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_get_msi_reg(hv_gic_msi_reg_t reg, uint64_t *value)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_set_msi_reg(hv_gic_msi_reg_t reg, uint64_t value)
    API_AVAILABLE(macos(15.0));

/* The same for a guest hypervisor's registers. HV_UNSUPPORTED without EL2. */
OS_EXPORT hv_return_t hv_gic_get_ich_reg(hv_vcpu_t vcpu, hv_gic_ich_reg_t reg, uint64_t *value)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_set_ich_reg(hv_vcpu_t vcpu, hv_gic_ich_reg_t reg, uint64_t value)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_get_icv_reg(hv_vcpu_t vcpu, hv_gic_icv_reg_t reg, uint64_t *value)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_set_icv_reg(hv_vcpu_t vcpu, hv_gic_icv_reg_t reg, uint64_t value)
    API_AVAILABLE(macos(15.0));

/* Where the redistributor of a vCPU lies. HV_BAD_ARGUMENT before its MPIDR_EL1 was set. */
OS_EXPORT hv_return_t hv_gic_get_redistributor_base(hv_vcpu_t vcpu,
                                                    hv_ipa_t *redistributor_base_address)
    API_AVAILABLE(macos(15.0));

/* Load a state that hv_gic_state_get_data() gave (all vCPUs exist, none runs). HV_BAD_ARGUMENT: not
 * such a state, or of another version. */
OS_EXPORT hv_return_t hv_gic_set_state(const void *gic_state_data, size_t gic_state_size)
    API_AVAILABLE(macos(15.0));

/* Back to the state after hv_gic_create(). The vCPUs keep theirs. */
OS_EXPORT hv_return_t hv_gic_reset(void) API_AVAILABLE(macos(15.0));

OS_ASSUME_NONNULL_END
