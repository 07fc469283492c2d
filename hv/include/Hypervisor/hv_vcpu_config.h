/* SPDX-License-Identifier: MIT */
/* What a vCPU will show of itself: feature registers and cache geometry. Needs no VM. */
#pragma once

#include <Hypervisor/hv_base.h>
#include <os/object.h>

OS_ASSUME_NONNULL_BEGIN

OS_OBJECT_DECL(hv_vcpu_config);

/* Registers that describe the CPU. Their values can be changed per vCPU with hv_vcpu_set_sys_reg(),
 * where that register exists. */
/* clang-format off */
OS_ENUM(hv_feature_reg, uint32_t,
    HV_FEATURE_REG_ID_AA64DFR0_EL1 = 0,
    HV_FEATURE_REG_ID_AA64DFR1_EL1 = 1,
    HV_FEATURE_REG_ID_AA64ISAR0_EL1 = 2,
    HV_FEATURE_REG_ID_AA64ISAR1_EL1 = 3,
    HV_FEATURE_REG_ID_AA64MMFR0_EL1 = 4,
    HV_FEATURE_REG_ID_AA64MMFR1_EL1 = 5,
    HV_FEATURE_REG_ID_AA64MMFR2_EL1 = 6,
    HV_FEATURE_REG_ID_AA64PFR0_EL1 = 7,
    HV_FEATURE_REG_ID_AA64PFR1_EL1 = 8,
    HV_FEATURE_REG_CTR_EL0 = 9,
    HV_FEATURE_REG_CLIDR_EL1 = 10,
    HV_FEATURE_REG_DCZID_EL0 = 11,
    HV_FEATURE_REG_ID_AA64SMFR0_EL1 = 12, /* macOS 15.2 */
    HV_FEATURE_REG_ID_AA64ZFR0_EL1 = 13,  /* macOS 15.2 */
    HV_FEATURE_REG_ID_AA64ISAR2_EL1 = 14, /* macOS 27.0, and the rest */
    HV_FEATURE_REG_ID_AA64PFR2_EL1 = 15,
    HV_FEATURE_REG_ID_AA64MMFR3_EL1 = 16,
    HV_FEATURE_REG_ID_AA64MMFR4_EL1 = 17,
);

OS_ENUM(hv_cache_type, uint32_t,
    HV_CACHE_TYPE_DATA = 0, /* data or unified */
    HV_CACHE_TYPE_INSTRUCTION = 1,
);
/* clang-format on */

/* A configuration with every default; NULL if memory is out. */
OS_EXPORT OS_OBJECT_RETURNS_RETAINED OS_WARN_RESULT hv_vcpu_config_t hv_vcpu_config_create(void)
    API_AVAILABLE(macos(11.0));

/* HV_BAD_ARGUMENT: not one of the enumerators. */
OS_EXPORT hv_return_t hv_vcpu_config_get_feature_reg(hv_vcpu_config_t config,
                                                     hv_feature_reg_t feature_reg, uint64_t *value)
    API_AVAILABLE(macos(11.0));

/* CCSIDR_EL1 of each cache level: values[level - 1]. */
OS_EXPORT hv_return_t hv_vcpu_config_get_ccsidr_el1_sys_reg_values(hv_vcpu_config_t config,
                                                                   hv_cache_type_t cache_type,
                                                                   uint64_t values[_Nonnull 8])
    API_AVAILABLE(macos(11.0));

OS_ASSUME_NONNULL_END
