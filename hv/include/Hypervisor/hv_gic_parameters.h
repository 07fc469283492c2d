/* SPDX-License-Identifier: MIT */
/* Sizes, alignments and interrupt ranges of the interrupt controller. Need no VM; any thread. */
#pragma once

#include <Hypervisor/hv_gic_types.h>

OS_ASSUME_NONNULL_BEGIN

/* In bytes. The redistributor region holds one redistributor per vCPU, in the order of creation. */
OS_EXPORT hv_return_t hv_gic_get_distributor_size(size_t *distributor_size)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_get_distributor_base_alignment(size_t *distributor_base_alignment)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_get_redistributor_region_size(size_t *redistributor_region_size)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_get_redistributor_size(size_t *redistributor_size)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_get_redistributor_base_alignment(size_t *redistributor_base_alignment)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_get_msi_region_size(size_t *msi_region_size)
    API_AVAILABLE(macos(15.0));
OS_EXPORT hv_return_t hv_gic_get_msi_region_base_alignment(size_t *msi_region_base_alignment)
    API_AVAILABLE(macos(15.0));

/* Shared interrupts are base ... base + count - 1. */
OS_EXPORT hv_return_t hv_gic_get_spi_interrupt_range(uint32_t *spi_intid_base,
                                                     uint32_t *spi_intid_count)
    API_AVAILABLE(macos(15.0));

/* Number of a private interrupt. */
OS_EXPORT hv_return_t hv_gic_get_intid(hv_gic_intid_t interrupt, uint32_t *intid)
    API_AVAILABLE(macos(15.0));

OS_ASSUME_NONNULL_END
