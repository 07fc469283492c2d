/* SPDX-License-Identifier: MIT */
/*
 * The part of the kernel's KVM interface that is newer than the headers a build host may have
 * (Documentation/virt/kvm/api.rst and devices/vm.rst of Linux 6.4). Numbers are ABI: they do not
 * change, so a name that <linux/kvm.h> already has is simply left alone.
 */
#pragma once

#include <linux/kvm.h>
#include <stdint.h>

#ifndef KVM_CAP_COUNTER_OFFSET
#define KVM_CAP_COUNTER_OFFSET 227
struct kvm_arm_counter_offset {
    uint64_t counter_offset;
    uint64_t reserved;
};
#define KVM_ARM_SET_COUNTER_OFFSET _IOW(KVMIO, 0xb5, struct kvm_arm_counter_offset)
#endif

#ifndef KVM_ARM_VM_SMCCC_CTRL
#define KVM_ARM_VM_SMCCC_CTRL   0
#define KVM_ARM_VM_SMCCC_FILTER 0
enum { KVM_SMCCC_FILTER_HANDLE, KVM_SMCCC_FILTER_DENY, KVM_SMCCC_FILTER_FWD_TO_USER };
struct kvm_smccc_filter {
    uint32_t base;
    uint32_t nr_functions;
    uint8_t action;
    uint8_t pad[15];
};
#endif

/* kvm_run.hypercall.flags, which older headers call `longmode`: the call was an SMC. */
#ifndef KVM_HYPERCALL_EXIT_SMC
#define KVM_HYPERCALL_EXIT_SMC (1u << 0)
#endif
