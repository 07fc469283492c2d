/* SPDX-License-Identifier: MIT */
/*
 * The state of distributor and redistributors as one block of bytes, to be kept and given back to
 * hv_gic_set_state(). CPU interface registers are not in it: use hv_gic_get_icc_reg().
 */
#pragma once

#include <Hypervisor/hv_gic_types.h>

OS_ASSUME_NONNULL_BEGIN

/* Take the state; no vCPU may run. NULL: no GIC, a vCPU runs, no memory. */
OS_EXPORT
OS_OBJECT_RETURNS_RETAINED OS_WARN_RESULT hv_gic_state_t _Nullable hv_gic_state_create(void)
    API_AVAILABLE(macos(15.0));

OS_EXPORT hv_return_t hv_gic_state_get_size(hv_gic_state_t state, size_t *gic_state_size)
    API_AVAILABLE(macos(15.0));

/* Copies all of it; the buffer has at least that size. */
OS_EXPORT hv_return_t hv_gic_state_get_data(hv_gic_state_t state, void *gic_state_data)
    API_AVAILABLE(macos(15.0));

OS_ASSUME_NONNULL_END
