/* SPDX-License-Identifier: MIT */
/*
 * Host memory for guests: anonymous, readable and writable, zeroed, aligned for hv_vm_map(). A
 * convenience; any host memory with the right alignment can be mapped.
 */
#pragma once

#include <Hypervisor/hv_base.h>

OS_ASSUME_NONNULL_BEGIN

typedef uint64_t hv_allocate_flags_t;

enum {
    HV_ALLOCATE_DEFAULT = 0,
};

/* *uvap = `size` bytes, a multiple of the host's page size. Needs no VM, does not map into the
 * guest. HV_BAD_ARGUMENT: size 0, not whole pages, impossible; unknown flags. HV_NO_RESOURCES: no
 * memory. */
OS_EXPORT hv_return_t hv_vm_allocate(void *_Nullable *_Nonnull uvap, size_t size,
                                     hv_allocate_flags_t flags) API_AVAILABLE(macos(12.1));

/* Give memory of hv_vm_allocate() back; unmap it from the guest first. */
OS_EXPORT hv_return_t hv_vm_deallocate(void *uva, size_t size) API_AVAILABLE(macos(12.1));

OS_ASSUME_NONNULL_END
