/* SPDX-License-Identifier: MIT */
/*
 * Settings of a VM: size of its physical address space, granule of its mappings, EL2. Read what the
 * host can do, set what the guest needs, pass the object to hv_vm_create(), then os_release() it.
 */
#pragma once

#include <Hypervisor/hv_vm_types.h>

OS_ASSUME_NONNULL_BEGIN

/* Alignment of guest addresses, host addresses and sizes in hv_vm_map() and its kin. */
/* clang-format off */
OS_ENUM(hv_ipa_granule, uint32_t,
    HV_IPA_GRANULE_4KB = 0,
    HV_IPA_GRANULE_16KB = 1,
);
/* clang-format on */

/* A configuration with every default; NULL if memory is out. */
OS_EXPORT OS_OBJECT_RETURNS_RETAINED OS_WARN_RESULT hv_vm_config_t hv_vm_config_create(void)
    API_AVAILABLE(macos(13.0));

/* Guest physical address size in bits: the largest and the default one of this host. */
OS_EXPORT hv_return_t hv_vm_config_get_max_ipa_size(uint32_t *ipa_bit_length)
    API_AVAILABLE(macos(13.0));
OS_EXPORT hv_return_t hv_vm_config_get_default_ipa_size(uint32_t *ipa_bit_length)
    API_AVAILABLE(macos(13.0));

/* HV_UNSUPPORTED: more than the largest size. One too small is found by hv_vm_create(). */
OS_EXPORT hv_return_t hv_vm_config_set_ipa_size(hv_vm_config_t config, uint32_t ipa_bit_length)
    API_AVAILABLE(macos(13.0));
OS_EXPORT hv_return_t hv_vm_config_get_ipa_size(hv_vm_config_t config, uint32_t *ipa_bit_length)
    API_AVAILABLE(macos(13.0));

/* EL2 for the guest (nested virtualisation). HV_UNSUPPORTED: enabling what is not supported. */
OS_EXPORT hv_return_t hv_vm_config_get_el2_supported(bool *el2_supported)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_vm_config_get_el2_enabled(hv_vm_config_t config, bool *el2_enabled)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_vm_config_set_el2_enabled(hv_vm_config_t config, bool el2_enabled)
    API_AVAILABLE(macos(15.0));

/* Granule of the mappings, 16 KiB by default. */
OS_EXPORT hv_return_t hv_vm_config_get_default_ipa_granule(hv_ipa_granule_t *granule)
    API_AVAILABLE(macos(26.0));
OS_EXPORT hv_return_t hv_vm_config_get_ipa_granule(hv_vm_config_t config, hv_ipa_granule_t *granule)
    API_AVAILABLE(macos(26.0));
OS_EXPORT hv_return_t hv_vm_config_set_ipa_granule(hv_vm_config_t config, hv_ipa_granule_t granule)
    API_AVAILABLE(macos(26.0));

OS_ASSUME_NONNULL_END
