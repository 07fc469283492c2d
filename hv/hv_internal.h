/* SPDX-License-Identifier: MIT */
/*
 * What the files of the public layer (hv/hv*.c) share. Backends need backend.h only.
 *
 * Locks: hvi.lock serialises everything that changes the VM: its life, its mappings, the life of
 * vCPUs and of the GIC. It may be held while a backend waits for running vCPUs to notice a change,
 * so nothing that a vCPU needs inside vcpu_run may take it. Register calls take no lock: they
 * belong to the owner thread. hv_vcpus_exit() takes none either and may be called from a signal
 * handler.
 */
#pragma once

#include "backend.h"
#include <os/object.h>
#include <pthread.h>
#include <stdatomic.h>

#define HVI_MAX_VCPUS 64
#define HVI_REG_COUNT (HV_REG_CPSR + 1) /* registers of hv_vcpu_get_reg() */

/* The one VM of the process. Fields are written under `lock`; `exists` is also read without it. */
struct hvi_state {
    pthread_mutex_t lock;
    atomic_bool exists;
    struct hvi_vm_config config;
    atomic_bool gic; /* hv_gic_create() has succeeded */
    struct hvi_gic_config gic_config;
    atomic_uint gic_users; /* device threads inside a GIC call; the VM's end waits for them */
};
extern struct hvi_state hvi;

/* A vCPU as the public layer sees it; its handle is its index. */
struct hvi_slot {
    _Atomic(struct hvi_vcpu *) vcpu; /* NULL: the handle is not in use */
    atomic_uint cancellers;          /* threads that are inside hv_vcpus_exit() with this handle */
    atomic_bool running;
    atomic_bool mpidr_set;
    bool trap_exceptions, trap_reg_accesses;
    uint32_t index;
    const struct hvi_backend *backend; /* that made the vCPU */
    uint64_t *plain[HVI_REG_COUNT];    /* hvi_backend.plain_reg */
    hv_vcpu_exit_t exit;
};

/* hv_backend.c: the backend of this process, chosen at the first call; NULL if there is none.
 * `limits` may be NULL. */
const struct hvi_backend *hvi_backend(struct hvi_limits *limits);

/* hv_mem.c. Under hvi.lock, except the reset: only the forking thread exists then. */
void hvi_mem_clear(void);
void hvi_mem_after_fork(void);

/* hv_hostmem.c: is all of [addr, addr + size) host memory that the guest may use in this way?
 * HV_SUCCESS or HV_ERROR. */
hv_return_t hvi_host_check(const void *addr, size_t size, hv_memory_flags_t flags);

/* hv_vcpu.c: the slot of a handle if the calling thread owns it; else NULL and *error says why. */
struct hvi_slot *hvi_vcpu_owned(hv_vcpu_t vcpu, hv_return_t *error);
bool hvi_vcpu_any(void);                        /* is there any vCPU? Under hvi.lock. */
bool hvi_vcpu_any_running(void);                /* any thread; a vCPU may start right after */
struct hvi_slot *hvi_vcpu_slot(hv_vcpu_t vcpu); /* any thread: NULL if the handle is unused */
void hvi_vcpu_after_fork(void);

/* hv_sysreg.c: HV_SUCCESS, HV_BAD_ARGUMENT (no such register), HV_UNSUPPORTED (not in this VM). */
hv_return_t hvi_sys_reg_check(hv_sys_reg_t reg);

/* hv_config.c: objects with a reference count. The head of every such object. */
enum hvi_kind { HVI_VM_CONFIG = 1, HVI_VCPU_CONFIG, HVI_GIC_CONFIG, HVI_GIC_STATE };

struct hvi_object {
    uint32_t magic;
    enum hvi_kind kind;
    atomic_uint references;
};
void *hvi_object_new(enum hvi_kind kind, size_t size); /* zeroed, one reference; NULL: no memory */
bool hvi_object_is(const void *object, enum hvi_kind kind);

struct hv_vm_config_s {
    struct hvi_object object;
    struct hvi_vm_config config;
};
