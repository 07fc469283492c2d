/* SPDX-License-Identifier: MIT */
/*
 * The virtual machine: one per process, shared by all threads. Every call here may come from any
 * thread. Without a VM they answer HV_NO_DEVICE.
 */
#pragma once

#include <Hypervisor/hv_vm_config.h>
#include <Hypervisor/hv_vm_types.h>

OS_ASSUME_NONNULL_BEGIN

/* How many vCPUs a VM may have on this host. Needs no VM. */
OS_EXPORT hv_return_t hv_vm_get_max_vcpu_count(uint32_t *max_vcpu_count) API_AVAILABLE(macos(11.0));

/* Create the VM of this process; NULL = default configuration. The configuration is copied.
 * HV_BUSY: there is one already. HV_DENIED: the process may not. HV_UNSUPPORTED: no backend. */
OS_EXPORT hv_return_t hv_vm_create(hv_vm_config_t _Nullable config) API_AVAILABLE(macos(11.0));

/* Destroy the VM and forget its mappings; the host memory behind them stays the caller's.
 * HV_BUSY: a vCPU is left. */
OS_EXPORT hv_return_t hv_vm_destroy(void) API_AVAILABLE(macos(11.0));

/* Show `size` bytes of host memory at `addr` to the guest, at guest address `ipa`. All three are
 * multiples of the granule (16 KiB unless configured). The memory is shared, not copied.
 * HV_BAD_ARGUMENT: misaligned, empty, unknown flags, beyond the VM's address size.
 * HV_ERROR: overlaps another mapping, or the host memory is not there or not writable. */
OS_EXPORT hv_return_t hv_vm_map(void *addr, hv_ipa_t ipa, size_t size, hv_memory_flags_t flags)
    API_AVAILABLE(macos(11.0));

/* Take guest memory away; may be a part of a mapping, or several adjacent ones. When it returns, no
 * vCPU touches the memory any more. HV_BAD_ARGUMENT: misaligned, or not all of it is mapped. */
OS_EXPORT hv_return_t hv_vm_unmap(hv_ipa_t ipa, size_t size) API_AVAILABLE(macos(11.0));

/* Change what the guest may do with mapped memory; range and errors as for hv_vm_unmap(). */
OS_EXPORT hv_return_t hv_vm_protect(hv_ipa_t ipa, size_t size, hv_memory_flags_t flags)
    API_AVAILABLE(macos(11.0));

OS_ASSUME_NONNULL_END
