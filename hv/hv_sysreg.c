/* SPDX-License-Identifier: MIT */
/*
 * Which system registers the API knows, and which kind of VM has them. The same for every backend,
 * so that a client sees one set of errors. Each list is sorted by value.
 */
#include "hv_internal.h"

static const hv_sys_reg_t always[] = {
    HV_SYS_REG_MDCCINT_EL1,      HV_SYS_REG_MDSCR_EL1,        HV_SYS_REG_MIDR_EL1,
    HV_SYS_REG_MPIDR_EL1,        HV_SYS_REG_ID_AA64PFR0_EL1,  HV_SYS_REG_ID_AA64PFR1_EL1,
    HV_SYS_REG_ID_AA64PFR2_EL1,  HV_SYS_REG_ID_AA64ZFR0_EL1,  HV_SYS_REG_ID_AA64SMFR0_EL1,
    HV_SYS_REG_ID_AA64DFR0_EL1,  HV_SYS_REG_ID_AA64DFR1_EL1,  HV_SYS_REG_ID_AA64ISAR0_EL1,
    HV_SYS_REG_ID_AA64ISAR1_EL1, HV_SYS_REG_ID_AA64ISAR2_EL1, HV_SYS_REG_ID_AA64MMFR0_EL1,
    HV_SYS_REG_ID_AA64MMFR1_EL1, HV_SYS_REG_ID_AA64MMFR2_EL1, HV_SYS_REG_ID_AA64MMFR3_EL1,
    HV_SYS_REG_ID_AA64MMFR4_EL1, HV_SYS_REG_SCTLR_EL1,        HV_SYS_REG_ACTLR_EL1,
    HV_SYS_REG_CPACR_EL1,        HV_SYS_REG_TTBR0_EL1,        HV_SYS_REG_TTBR1_EL1,
    HV_SYS_REG_TCR_EL1,          HV_SYS_REG_APIAKEYLO_EL1,    HV_SYS_REG_APIAKEYHI_EL1,
    HV_SYS_REG_APIBKEYLO_EL1,    HV_SYS_REG_APIBKEYHI_EL1,    HV_SYS_REG_APDAKEYLO_EL1,
    HV_SYS_REG_APDAKEYHI_EL1,    HV_SYS_REG_APDBKEYLO_EL1,    HV_SYS_REG_APDBKEYHI_EL1,
    HV_SYS_REG_APGAKEYLO_EL1,    HV_SYS_REG_APGAKEYHI_EL1,    HV_SYS_REG_SPSR_EL1,
    HV_SYS_REG_ELR_EL1,          HV_SYS_REG_SP_EL0,           HV_SYS_REG_AFSR0_EL1,
    HV_SYS_REG_AFSR1_EL1,        HV_SYS_REG_ESR_EL1,          HV_SYS_REG_FAR_EL1,
    HV_SYS_REG_PAR_EL1,          HV_SYS_REG_MAIR_EL1,         HV_SYS_REG_AMAIR_EL1,
    HV_SYS_REG_VBAR_EL1,         HV_SYS_REG_CONTEXTIDR_EL1,   HV_SYS_REG_TPIDR_EL1,
    HV_SYS_REG_SCXTNUM_EL1,      HV_SYS_REG_CNTKCTL_EL1,      HV_SYS_REG_CSSELR_EL1,
    HV_SYS_REG_TPIDR_EL0,        HV_SYS_REG_TPIDRRO_EL0,      HV_SYS_REG_SCXTNUM_EL0,
    HV_SYS_REG_CNTV_CTL_EL0,     HV_SYS_REG_CNTV_CVAL_EL0,    HV_SYS_REG_SP_EL1,
};

static const hv_sys_reg_t gic[] = {
    HV_SYS_REG_CNTP_TVAL_EL0,
    HV_SYS_REG_CNTP_CTL_EL0,
    HV_SYS_REG_CNTP_CVAL_EL0,
};

static const hv_sys_reg_t el2[] = {
    HV_SYS_REG_VPIDR_EL2,      HV_SYS_REG_VMPIDR_EL2,    HV_SYS_REG_SCTLR_EL2,
    HV_SYS_REG_HCR_EL2,        HV_SYS_REG_MDCR_EL2,      HV_SYS_REG_CPTR_EL2,
    HV_SYS_REG_TTBR0_EL2,      HV_SYS_REG_TTBR1_EL2,     HV_SYS_REG_TCR_EL2,
    HV_SYS_REG_VTTBR_EL2,      HV_SYS_REG_VTCR_EL2,      HV_SYS_REG_SPSR_EL2,
    HV_SYS_REG_ELR_EL2,        HV_SYS_REG_ESR_EL2,       HV_SYS_REG_FAR_EL2,
    HV_SYS_REG_HPFAR_EL2,      HV_SYS_REG_MAIR_EL2,      HV_SYS_REG_VBAR_EL2,
    HV_SYS_REG_TPIDR_EL2,      HV_SYS_REG_CNTVOFF_EL2,   HV_SYS_REG_CNTHCTL_EL2,
    HV_SYS_REG_CNTHP_TVAL_EL2, HV_SYS_REG_CNTHP_CTL_EL2, HV_SYS_REG_CNTHP_CVAL_EL2,
    HV_SYS_REG_SP_EL2,
};

static const hv_sys_reg_t sme[] = {
    HV_SYS_REG_SMPRI_EL1,
    HV_SYS_REG_SMCR_EL1,
    HV_SYS_REG_TPIDR2_EL0,
};
/* MDCR_EL2 had the wrong encoding in the headers of macOS 15; programs built with them live on. */
#define MDCR_EL2_MACOS15 0xe019

#define COUNT(list)      (sizeof(list) / sizeof((list)[0]))

static bool contains(const hv_sys_reg_t *list, size_t count, hv_sys_reg_t reg)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle] < reg)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && list[low] == reg;
}

/* DBGBVRn, DBGBCRn, DBGWVRn and DBGWCRn_EL1: CRm is n, op2 is 4 ... 7. */
static bool is_breakpoint(hv_sys_reg_t reg)
{
    return reg >= HV_SYS_REG_DBGBVR0_EL1 && reg <= HV_SYS_REG_DBGWCR15_EL1 && (reg & 4);
}

hv_return_t hvi_sys_reg_check(hv_sys_reg_t reg)
{
    if (is_breakpoint(reg) || contains(always, COUNT(always), reg))
        return HV_SUCCESS;
    if (contains(gic, COUNT(gic), reg))
        return atomic_load(&hvi.gic) ? HV_SUCCESS : HV_UNSUPPORTED;
    if (contains(el2, COUNT(el2), reg) || reg == MDCR_EL2_MACOS15 || contains(sme, COUNT(sme), reg))
        return HV_UNSUPPORTED;
    return HV_BAD_ARGUMENT;
}
