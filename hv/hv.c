/* SPDX-License-Identifier: MIT */
/*
 * The virtual machine of this process: create, destroy, limits, fork, caches. Owns `hvi`.
 *
 * A child of fork() has no VM. The handler below makes it so at the fork itself, in the one thread
 * that the child has, so no call needs to ask for the process id.
 */
#include "hv_internal.h"

#include <libkern/OSCacheControl.h>
#include <sched.h>

/* The smallest physical address space that stage 2 can describe: T0SZ is at most 39 (Arm ARM D8.2).
 */
#define MIN_IPA_BITS 25

struct hvi_state hvi = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void after_fork(void)
{
    bool existed = atomic_load(&hvi.exists);
    hvi = (struct hvi_state){.lock = PTHREAD_MUTEX_INITIALIZER};
    hvi_vcpu_after_fork();
    hvi_mem_after_fork();
    if (existed && hvi_backend(NULL)->after_fork)
        hvi_backend(NULL)->after_fork();
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

hv_return_t hv_vm_get_max_vcpu_count(uint32_t *count)
{
    struct hvi_limits limits;
    if (!count)
        return HV_BAD_ARGUMENT;
    if (!hvi_backend(&limits))
        return HV_UNSUPPORTED;
    *count = limits.max_vcpus;
    return HV_SUCCESS;
}

static hv_return_t create(const struct hvi_backend *backend, hv_vm_config_t config)
{
    struct hvi_limits limits;
    if (hvi.exists)
        return HV_BUSY;
    hvi_backend(&limits);
    struct hvi_vm_config wanted = {.ipa_bits = limits.default_ipa_bits, .granule = 0x4000};
    if (config)
        wanted = config->config;
    if (wanted.ipa_bits < MIN_IPA_BITS || wanted.ipa_bits > limits.max_ipa_bits)
        return HV_BAD_ARGUMENT;
    hv_return_t r = backend->vm_create(&wanted);
    if (r != HV_SUCCESS)
        return r;
    hvi.config = wanted;
    hvi_mem_clear();
    atomic_store(&hvi.gic, false);
    atomic_store(&hvi.exists, true);
    return HV_SUCCESS;
}

hv_return_t hv_vm_create(hv_vm_config_t config)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct hvi_backend *backend = hvi_backend(NULL);
    if (!backend)
        return HV_UNSUPPORTED;
    if (config && !hvi_object_is(config, HVI_VM_CONFIG))
        return HV_BAD_ARGUMENT;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&hvi.lock);
    hv_return_t r = create(backend, config);
    pthread_mutex_unlock(&hvi.lock);
    return r;
}

static hv_return_t destroy(void)
{
    if (!hvi.exists)
        return HV_NO_DEVICE;
    if (hvi_vcpu_any())
        return HV_BUSY;
    atomic_store(&hvi.exists, false);
    atomic_store(&hvi.gic, false);
    while (atomic_load(&hvi.gic_users))
        sched_yield();
    hvi_mem_clear();
    hvi_backend(NULL)->vm_destroy();
    return HV_SUCCESS;
}

hv_return_t hv_vm_destroy(void)
{
    pthread_mutex_lock(&hvi.lock);
    hv_return_t r = destroy();
    pthread_mutex_unlock(&hvi.lock);
    return r;
}

/* ---- caches
 * ----------------------------------------------------------------------------------------- */

/* The host's own caches first (nothing to do on x86), then what the backend keeps of the code. */
void sys_icache_invalidate(void *start, size_t len)
{
    if (!len)
        return;
    __builtin___clear_cache((char *)start, (char *)start + len);
    if (atomic_load(&hvi.exists))
        hvi_backend(NULL)->icache_invalidate(start, len);
}

void sys_dcache_flush(void *start, size_t len)
{
    sys_icache_invalidate(start, len);
}
