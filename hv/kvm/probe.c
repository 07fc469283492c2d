/* SPDX-License-Identifier: MIT */
/*
 * Can KVM carry the Hypervisor API here, and what will a vCPU look like? Answered with a scratch VM
 * that is closed again; no VM of ours is touched. Any thread.
 */
#include "kvm/kvm.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEVICE "/dev/kvm"

static const char *device_advice(int error)
{
    switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO: return "no KVM in this kernel, or the CPU's EL2 is not ours (virtual machine?)";
    case EACCES:
    case EPERM: return "add yourself to the group that owns it, usually kvm";
    case EBUSY: return "another hypervisor has it";
    default: return strerror(error);
    }
}

int kvm_open_device(char *why, size_t why_size)
{
    int kvm = open(DEVICE, O_RDWR | O_CLOEXEC);
    if (kvm < 0) {
        int error = errno;
        snprintf(why, why_size, "cannot open " DEVICE ": %s", device_advice(error));
        return -error;
    }
    int version = ioctl(kvm, KVM_GET_API_VERSION, 0);
    if (version != KVM_API_VERSION) {
        snprintf(why, why_size, DEVICE " speaks KVM API %d, not %d", version, KVM_API_VERSION);
        close(kvm);
        return -ENODEV;
    }
    return kvm;
}

static bool has_capabilities(int kvm, char *why, size_t why_size)
{
    static const struct {
        int number;
        const char *name;
    } needed[] = {
        {KVM_CAP_ONE_REG, "KVM_CAP_ONE_REG"},
        {KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM"},
        {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
        {KVM_CAP_ARM_USER_IRQ, "KVM_CAP_ARM_USER_IRQ"},
        {KVM_CAP_ARM_NISV_TO_USER, "KVM_CAP_ARM_NISV_TO_USER"},
        {KVM_CAP_SET_GUEST_DEBUG, "KVM_CAP_SET_GUEST_DEBUG"},
        {KVM_CAP_ARM_VM_IPA_SIZE, "KVM_CAP_ARM_VM_IPA_SIZE"},
        {KVM_CAP_COUNTER_OFFSET, "KVM_CAP_COUNTER_OFFSET"},
    };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (ioctl(kvm, KVM_CHECK_EXTENSION, needed[i].number) > 0)
            continue;
        snprintf(why, why_size, "KVM here lacks %s: Linux 6.4 or later is needed", needed[i].name);
        return false;
    }
    return true;
}

/* The rest can only be asked of a VM. */
static bool has_filter(int kvm, char *why, size_t why_size)
{
    int vm = ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm < 0) {
        snprintf(why, why_size, "KVM cannot create a VM: %s", strerror(errno));
        return false;
    }
    struct kvm_device_attr filter = {.group = KVM_ARM_VM_SMCCC_CTRL,
                                     .attr = KVM_ARM_VM_SMCCC_FILTER};
    bool ok = ioctl(vm, KVM_HAS_DEVICE_ATTR, &filter) == 0;
    if (!ok)
        snprintf(why, why_size,
                 "KVM here cannot forward hypercalls (SMCCC filter): Linux 6.4 or later is needed");
    close(vm);
    return ok;
}

static uint32_t at_most(int value, uint32_t limit)
{
    return value < 0 ? 0 : (uint32_t)value < limit ? (uint32_t)value : limit;
}

bool kvm_probe(struct hvi_limits *limits, char *why, size_t why_size)
{
    int kvm = kvm_open_device(why, why_size);
    if (kvm < 0)
        return false;
    bool ok = has_capabilities(kvm, why, why_size) && has_filter(kvm, why, why_size);
    if (ok) {
        limits->max_vcpus = at_most(ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS), MAX_VCPUS);
        limits->max_ipa_bits =
            at_most(ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE), 52);
        limits->default_ipa_bits = at_most(36, limits->max_ipa_bits);
        limits->gic = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) > 0;
    }
    close(kvm);
    return ok;
}

/* ---- what a vCPU will show ------------------------------------------------------------------- */

bool kvm_choose_init(int vm, struct kvm_vcpu_init *init)
{
    memset(init, 0, sizeof *init);
    if (ioctl(vm, KVM_ARM_PREFERRED_TARGET, init) < 0)
        return false;
    memset(init->features, 0, sizeof init->features);
    init->features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
    if (ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0 &&
        ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PTRAUTH_GENERIC) > 0)
        init->features[0] |=
            1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
    return true;
}

/* A vCPU in a VM of its own, for a few questions. False with nothing left open. */
static bool open_scratch(struct hvi_vcpu *v, int *vm)
{
    char why[200];
    struct kvm_vcpu_init init;
    memset(v, 0, sizeof *v);
    int kvm = kvm_open_device(why, sizeof why);
    if (kvm < 0) {
        (void)kvm_fail(HV_ERROR, why, 0);
        return false;
    }
    *vm = ioctl(kvm, KVM_CREATE_VM, 0);
    close(kvm);
    if (*vm < 0)
        return false;
    v->fd = ioctl(*vm, KVM_CREATE_VCPU, 0);
    if (v->fd >= 0 && kvm_choose_init(*vm, &init) &&
        kvm_vcpu_ioctl(v, KVM_ARM_VCPU_INIT, &init) == 0) {
        kvm_hide_aarch32(v);
        return true;
    }
    if (v->fd >= 0)
        close(v->fd);
    close(*vm);
    return false;
}

#define SYSREG(op0, op1, crn, crm, op2)                                                            \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | (op0) << 14 | (op1) << 11 |         \
     (crn) << 7 | (crm) << 3 | (op2))

hv_return_t kvm_get_feature_reg(hv_feature_reg_t reg, uint64_t *value)
{
    static const uint64_t ids[] = {
        [HV_FEATURE_REG_ID_AA64DFR0_EL1] = SYSREG(3, 0, 0, 5, 0),
        [HV_FEATURE_REG_ID_AA64DFR1_EL1] = SYSREG(3, 0, 0, 5, 1),
        [HV_FEATURE_REG_ID_AA64ISAR0_EL1] = SYSREG(3, 0, 0, 6, 0),
        [HV_FEATURE_REG_ID_AA64ISAR1_EL1] = SYSREG(3, 0, 0, 6, 1),
        [HV_FEATURE_REG_ID_AA64MMFR0_EL1] = SYSREG(3, 0, 0, 7, 0),
        [HV_FEATURE_REG_ID_AA64MMFR1_EL1] = SYSREG(3, 0, 0, 7, 1),
        [HV_FEATURE_REG_ID_AA64MMFR2_EL1] = SYSREG(3, 0, 0, 7, 2),
        [HV_FEATURE_REG_ID_AA64PFR0_EL1] = SYSREG(3, 0, 0, 4, 0),
        [HV_FEATURE_REG_ID_AA64PFR1_EL1] = SYSREG(3, 0, 0, 4, 1),
        [HV_FEATURE_REG_CTR_EL0] = SYSREG(3, 3, 0, 0, 1),
        [HV_FEATURE_REG_CLIDR_EL1] = SYSREG(3, 1, 0, 0, 1),
        [HV_FEATURE_REG_ID_AA64SMFR0_EL1] = SYSREG(3, 0, 0, 4, 5),
        [HV_FEATURE_REG_ID_AA64ZFR0_EL1] = SYSREG(3, 0, 0, 4, 4),
    };
    struct hvi_vcpu v;
    int vm;
    if (reg == HV_FEATURE_REG_DCZID_EL0) { /* KVM does not virtualise it */
        __asm__("mrs %0, dczid_el0" : "=r"(*value));
        return HV_SUCCESS;
    }
    if (reg >= sizeof ids / sizeof *ids)
        return HV_UNSUPPORTED;
    if (!open_scratch(&v, &vm))
        return HV_ERROR;
    int failed = kvm_get_one(&v, ids[reg], value);
    hv_return_t result = failed ? kvm_error(errno, HV_ERROR) : HV_SUCCESS;
    close(v.fd);
    close(vm);
    return result;
}

hv_return_t kvm_get_ccsidr(hv_cache_type_t type, uint64_t values[8])
{
    struct hvi_vcpu v;
    int vm;
    if (!open_scratch(&v, &vm))
        return HV_ERROR;
    for (unsigned level = 0; level < 8; level++) {
        uint32_t ccsidr = 0;
        unsigned select = level << 1 | (type == HV_CACHE_TYPE_INSTRUCTION);
        /* KVM knows the caches that exist; the others read as 0. */
        if (kvm_get_one(&v,
                        KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX |
                            KVM_REG_ARM_DEMUX_ID_CCSIDR | select,
                        &ccsidr) < 0)
            ccsidr = 0;
        values[level] = ccsidr;
    }
    close(v.fd);
    close(vm);
    return HV_SUCCESS;
}
