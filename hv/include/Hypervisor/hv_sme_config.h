/* SPDX-License-Identifier: MIT */
/* Scalable Matrix Extension: how long its vectors are. */
#pragma once

#include <Hypervisor/hv_base.h>

OS_ASSUME_NONNULL_BEGIN

/* Maximal streaming vector length in bytes. HV_UNSUPPORTED: the CPU has no SME. */
OS_EXPORT hv_return_t hv_sme_config_get_max_svl_bytes(size_t *value) API_AVAILABLE(macos(15.2));

OS_ASSUME_NONNULL_END
