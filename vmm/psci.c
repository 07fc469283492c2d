/* SPDX-License-Identifier: MIT */
/*
 * Function ids of the SMC calling convention by HVC: SMCCC itself (DEN 0028) and PSCI (DEN 0022).
 * Runs on the calling vCPU's thread. Results and ids are 32 bits wide in the SMC32 calls, arguments
 * 64 in the SMC64 ones.
 */
#include "vmm.h"

#define SMCCC_VERSION       UINT32_C(0x80000000)
#define SMCCC_ARCH_FEATURES UINT32_C(0x80000001)
#define PSCI_VERSION        UINT32_C(0x84000000)
#define PSCI_CPU_OFF        UINT32_C(0x84000002)
#define PSCI_SYSTEM_OFF     UINT32_C(0x84000008)
#define PSCI_SYSTEM_RESET   UINT32_C(0x84000009)
#define PSCI_FEATURES       UINT32_C(0x8400000a)

#define VERSION_1_1         0x10001
#define NOT_SUPPORTED       (-1)

typedef int64_t smccc_fn(struct vcpu *v);

static int64_t version(struct vcpu *v)
{
    (void)v;
    return VERSION_1_1;
}

static int64_t cpu_off(struct vcpu *v)
{
    vcpu_power_off(v);
    return 0;
}

static int64_t system_off(struct vcpu *v)
{
    vm_stop(v->vm, VM_END_EXIT, 0);
    return 0;
}

static int64_t system_reset(struct vcpu *v)
{
    vm_stop(v->vm, VM_END_RESET, 0);
    return 0;
}

static int64_t features(struct vcpu *v);

static const struct {
    uint32_t function;
    smccc_fn *fn;
} table[] = {
    {SMCCC_VERSION, version},          {SMCCC_ARCH_FEATURES, features},
    {PSCI_VERSION, version},           {PSCI_FEATURES, features},
    {PSCI_CPU_OFF, cpu_off},           {PSCI_SYSTEM_OFF, system_off},
    {PSCI_SYSTEM_RESET, system_reset},
};

static smccc_fn *find(uint32_t function)
{
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].function == function)
            return table[i].fn;
    return NULL;
}

/* 0 says that the function in w1 is there; none of ours has feature flags to report. */
static int64_t features(struct vcpu *v)
{
    return find((uint32_t)vcpu_x(v, 1)) ? 0 : NOT_SUPPORTED;
}

int smccc(struct vcpu *v, uint32_t function)
{
    smccc_fn *fn = find(function);
    int64_t result = fn ? fn(v) : NOT_SUPPORTED;
    vcpu_set_x(v, 0, (uint64_t)result);
    return 0;
}
