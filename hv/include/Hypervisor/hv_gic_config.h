/* SPDX-License-Identifier: MIT */
/*
 * Where the interrupt controller's frames lie in guest physical memory. Sizes and alignments come
 * from hv_gic_parameters.h. Values are checked against each other by hv_gic_create().
 */
#pragma once

#include <Hypervisor/hv_gic_types.h>

OS_ASSUME_NONNULL_BEGIN

/* A configuration with all bases 0 and no MSI frame; NULL if memory is out. */
OS_EXPORT OS_OBJECT_RETURNS_RETAINED OS_WARN_RESULT hv_gic_config_t hv_gic_config_create(void)
    API_AVAILABLE(macos(15.0));

/* HV_BAD_ARGUMENT: misaligned. */
OS_EXPORT hv_return_t hv_gic_config_set_distributor_base(hv_gic_config_t config,
                                                         hv_ipa_t distributor_base_address)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_config_set_redistributor_base(hv_gic_config_t config,
                                                           hv_ipa_t redistributor_base_address)
    API_AVAILABLE(macos(15.0));

/* An MSI frame needs both: its place, and the shared interrupts that it may raise. */
OS_EXPORT hv_return_t hv_gic_config_set_msi_region_base(hv_gic_config_t config,
                                                        hv_ipa_t msi_region_base_address)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_config_set_msi_interrupt_range(hv_gic_config_t config,
                                                            uint32_t msi_intid_base,
                                                            uint32_t msi_intid_count)
    API_AVAILABLE(macos(15.0));

OS_ASSUME_NONNULL_END
