/* SPDX-License-Identifier: MIT */
/*
 * The part of the API that no backend offers: SME, SError injection, TLB maintenance for a guest's
 * hypervisor. The calls check the handle as all others do and then answer HV_UNSUPPORTED, which is
 * what a Mac without the feature answers. docs/DIFFERENCES.md lists them.
 */
#include "hv_internal.h"

static hv_return_t unsupported(hv_vcpu_t vcpu)
{
    hv_return_t r;
    return hvi_vcpu_owned(vcpu, &r) ? HV_UNSUPPORTED : r;
}

hv_return_t hv_sme_config_get_max_svl_bytes(size_t *value)
{
    return value ? HV_UNSUPPORTED : HV_BAD_ARGUMENT;
}

hv_return_t hv_vcpu_get_sme_state(hv_vcpu_t vcpu, hv_vcpu_sme_state_t *sme_state)
{
    (void)sme_state;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_set_sme_state(hv_vcpu_t vcpu, const hv_vcpu_sme_state_t *sme_state)
{
    (void)sme_state;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_get_sme_z_reg(hv_vcpu_t vcpu, hv_sme_z_reg_t reg, uint8_t *value, size_t length)
{
    (void)reg, (void)value, (void)length;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_set_sme_z_reg(hv_vcpu_t vcpu, hv_sme_z_reg_t reg, const uint8_t *value,
                                  size_t length)
{
    (void)reg, (void)value, (void)length;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_get_sme_p_reg(hv_vcpu_t vcpu, hv_sme_p_reg_t reg, uint8_t *value, size_t length)
{
    (void)reg, (void)value, (void)length;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_set_sme_p_reg(hv_vcpu_t vcpu, hv_sme_p_reg_t reg, const uint8_t *value,
                                  size_t length)
{
    (void)reg, (void)value, (void)length;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_get_sme_za_reg(hv_vcpu_t vcpu, uint8_t *value, size_t length)
{
    (void)value, (void)length;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_set_sme_za_reg(hv_vcpu_t vcpu, const uint8_t *value, size_t length)
{
    (void)value, (void)length;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_get_sme_zt0_reg(hv_vcpu_t vcpu, hv_sme_zt0_uchar64_t *value)
{
    (void)value;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_set_sme_zt0_reg(hv_vcpu_t vcpu, const hv_sme_zt0_uchar64_t *value)
{
    (void)value;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_get_serror(hv_vcpu_t vcpu, bool *pending)
{
    (void)pending;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_set_serror(hv_vcpu_t vcpu, bool pending)
{
    (void)pending;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_get_wait_for_interrupt_time(hv_vcpu_t vcpu, uint64_t *time)
{
    (void)time;
    return unsupported(vcpu);
}

hv_return_t hv_vcpu_invalidate_tlb(hv_vcpu_t vcpu, hv_tlbi_op_t op, uint64_t param)
{
    (void)op, (void)param;
    return unsupported(vcpu);
}
