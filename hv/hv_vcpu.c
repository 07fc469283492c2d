/* SPDX-License-Identifier: MIT */
/*
 * Virtual CPUs: handles, owner threads, argument checks. Owns the table of slots.
 *
 * A thread has at most one vCPU and remembers which (`mine`), so "is this my vCPU?" is one
 * comparison and needs no lock. hv_vcpus_exit() comes from other threads: it announces itself in
 * the slot before it looks at the vCPU, and destroy waits for such visitors after it has taken the
 * vCPU out.
 */
#include "hv_internal.h"

#include <sched.h>

static struct hvi_slot slots[HVI_MAX_VCPUS];
static _Thread_local struct hvi_slot *mine;
static pthread_key_t thread_end;

/* ---- slots --------------------------------------------------------------------------------------
 */

struct hvi_slot *hvi_vcpu_owned(hv_vcpu_t vcpu, hv_return_t *error)
{
    struct hvi_slot *slot = mine;
    if (slot && slot->index == vcpu)
        return slot;
    *error = atomic_load(&hvi.exists) ? HV_BAD_ARGUMENT : HV_NO_DEVICE;
    return NULL;
}

struct hvi_slot *hvi_vcpu_slot(hv_vcpu_t vcpu)
{
    return vcpu < HVI_MAX_VCPUS && atomic_load(&slots[vcpu].vcpu) ? &slots[vcpu] : NULL;
}

bool hvi_vcpu_any(void)
{
    for (uint32_t i = 0; i < HVI_MAX_VCPUS; i++)
        if (atomic_load(&slots[i].vcpu))
            return true;
    return false;
}

bool hvi_vcpu_any_running(void)
{
    for (uint32_t i = 0; i < HVI_MAX_VCPUS; i++)
        if (atomic_load(&slots[i].running))
            return true;
    return false;
}

/* Only the forking thread is left, and what it owned was the parent's. */
void hvi_vcpu_after_fork(void)
{
    for (uint32_t i = 0; i < HVI_MAX_VCPUS; i++)
        slots[i] = (struct hvi_slot){.index = i};
    if (mine)
        pthread_setspecific(thread_end, NULL);
    mine = NULL;
}

/* ---- create and destroy
 * ----------------------------------------------------------------------------- */

static void destroy(struct hvi_slot *slot)
{
    struct hvi_vcpu *vcpu = atomic_exchange(&slot->vcpu, NULL);
    while (atomic_load(&slot->cancellers))
        sched_yield();
    hvi_backend(NULL)->vcpu_destroy(vcpu);
}

/* A thread that ends takes its vCPU along. */
static void on_thread_end(void *slot)
{
    pthread_mutex_lock(&hvi.lock);
    destroy(slot);
    pthread_mutex_unlock(&hvi.lock);
    mine = NULL;
}

static void make_key(void)
{
    if (pthread_key_create(&thread_end, on_thread_end))
        thread_end = (pthread_key_t)-1;
}

static hv_return_t create(struct hvi_slot **created)
{
    struct hvi_limits limits;
    const struct hvi_backend *backend = hvi_backend(&limits);
    uint32_t i = 0;
    if (!hvi.exists)
        return HV_NO_DEVICE;
    while (i < limits.max_vcpus && atomic_load(&slots[i].vcpu))
        i++;
    if (i == limits.max_vcpus)
        return HV_NO_RESOURCES;
    struct hvi_slot *slot = &slots[i];
    slot->index = i;
    slot->backend = backend;
    slot->trap_exceptions = slot->trap_reg_accesses = false;
    slot->exit = (hv_vcpu_exit_t){.reason = HV_EXIT_REASON_UNKNOWN};
    atomic_store(&slot->mpidr_set, false);
    struct hvi_vcpu *vcpu;
    hv_return_t r = backend->vcpu_create(i, &vcpu);
    if (r != HV_SUCCESS)
        return r;
    for (uint32_t reg = 0; reg < HVI_REG_COUNT; reg++)
        slot->plain[reg] = backend->plain_reg ? backend->plain_reg(vcpu, (hv_reg_t)reg) : NULL;
    atomic_store(&slot->vcpu, vcpu);
    *created = slot;
    return HV_SUCCESS;
}

hv_return_t hv_vcpu_create(hv_vcpu_t *vcpu, hv_vcpu_exit_t **exit, hv_vcpu_config_t config)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (!vcpu || !exit || (config && !hvi_object_is(config, HVI_VCPU_CONFIG)))
        return HV_BAD_ARGUMENT;
    if (mine)
        return HV_BUSY;
    pthread_once(&once, make_key);
    struct hvi_slot *slot;
    pthread_mutex_lock(&hvi.lock);
    hv_return_t r = create(&slot);
    pthread_mutex_unlock(&hvi.lock);
    if (r != HV_SUCCESS)
        return r;
    pthread_setspecific(thread_end, slot);
    mine = slot;
    *vcpu = slot->index;
    *exit = &slot->exit;
    return HV_SUCCESS;
}

hv_return_t hv_vcpu_destroy(hv_vcpu_t vcpu)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    pthread_mutex_lock(&hvi.lock);
    destroy(slot);
    pthread_mutex_unlock(&hvi.lock);
    pthread_setspecific(thread_end, NULL);
    mine = NULL;
    return HV_SUCCESS;
}

/* ---- run and cancel
 * --------------------------------------------------------------------------------- */

hv_return_t hv_vcpu_run(hv_vcpu_t vcpu)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    atomic_store_explicit(&slot->running, true, memory_order_relaxed);
    r = slot->backend->vcpu_run(slot->vcpu, &slot->exit);
    atomic_store_explicit(&slot->running, false, memory_order_release);
    return r;
}

static void cancel(struct hvi_slot *slot)
{
    atomic_fetch_add(&slot->cancellers, 1);
    struct hvi_vcpu *vcpu = atomic_load(&slot->vcpu);
    if (vcpu)
        hvi_backend(NULL)->vcpu_cancel(vcpu);
    atomic_fetch_sub(&slot->cancellers, 1);
}

/* All handles are looked at before the first vCPU is disturbed. One that is destroyed in between
 * has nothing left to cancel. */
hv_return_t hv_vcpus_exit(hv_vcpu_t *vcpus, uint32_t count)
{
    if (!atomic_load(&hvi.exists))
        return HV_NO_DEVICE;
    if (count && !vcpus)
        return HV_BAD_ARGUMENT;
    for (uint32_t i = 0; i < count; i++)
        if (!hvi_vcpu_slot(vcpus[i]))
            return HV_BAD_ARGUMENT;
    for (uint32_t i = 0; i < count; i++)
        cancel(&slots[vcpus[i]]);
    return HV_SUCCESS;
}

/* ---- registers
 * -------------------------------------------------------------------------------------- */

hv_return_t hv_vcpu_get_reg(hv_vcpu_t vcpu, hv_reg_t reg, uint64_t *value)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    if (reg >= HVI_REG_COUNT || !value)
        return HV_BAD_ARGUMENT;
    if (!slot->plain[reg])
        return slot->backend->get_reg(slot->vcpu, reg, value);
    *value = *slot->plain[reg];
    return HV_SUCCESS;
}

hv_return_t hv_vcpu_set_reg(hv_vcpu_t vcpu, hv_reg_t reg, uint64_t value)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    if (reg >= HVI_REG_COUNT)
        return HV_BAD_ARGUMENT;
    if (!slot->plain[reg])
        return slot->backend->set_reg(slot->vcpu, reg, value);
    *slot->plain[reg] = value;
    return HV_SUCCESS;
}

hv_return_t hv_vcpu_get_simd_fp_reg(hv_vcpu_t vcpu, hv_simd_fp_reg_t reg,
                                    hv_simd_fp_uchar16_t *value)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    if (reg > HV_SIMD_FP_REG_Q31 || !value)
        return HV_BAD_ARGUMENT;
    return slot->backend->get_simd(slot->vcpu, reg, value);
}

hv_return_t hv_vcpu_set_simd_fp_reg(hv_vcpu_t vcpu, hv_simd_fp_reg_t reg,
                                    hv_simd_fp_uchar16_t value)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    if (reg > HV_SIMD_FP_REG_Q31)
        return HV_BAD_ARGUMENT;
    return slot->backend->set_simd(slot->vcpu, reg, value);
}

hv_return_t hv_vcpu_get_sys_reg(hv_vcpu_t vcpu, hv_sys_reg_t reg, uint64_t *value)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    if (!value)
        return HV_BAD_ARGUMENT;
    r = hvi_sys_reg_check(reg);
    return r == HV_SUCCESS ? slot->backend->get_sys_reg(slot->vcpu, reg, value) : r;
}

hv_return_t hv_vcpu_set_sys_reg(hv_vcpu_t vcpu, hv_sys_reg_t reg, uint64_t value)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    r = hvi_sys_reg_check(reg);
    if (r == HV_SUCCESS)
        r = slot->backend->set_sys_reg(slot->vcpu, reg, value);
    if (r == HV_SUCCESS && reg == HV_SYS_REG_MPIDR_EL1)
        atomic_store(&slot->mpidr_set, true);
    return r;
}

/* ---- interrupts, debug, time
 * ------------------------------------------------------------------------ */

/* With a GIC the interrupt lines are the GIC's. */
static struct hvi_slot *owned_line(hv_vcpu_t vcpu, hv_interrupt_type_t type, hv_return_t *r)
{
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, r);
    if (!slot)
        return NULL;
    *r = type > HV_INTERRUPT_TYPE_FIQ ? HV_BAD_ARGUMENT : HV_UNSUPPORTED;
    return *r == HV_BAD_ARGUMENT || atomic_load(&hvi.gic) ? NULL : slot;
}

hv_return_t hv_vcpu_get_pending_interrupt(hv_vcpu_t vcpu, hv_interrupt_type_t type, bool *pending)
{
    hv_return_t r;
    struct hvi_slot *slot = owned_line(vcpu, type, &r);
    if (!slot)
        return r;
    return pending ? slot->backend->get_pending(slot->vcpu, type, pending) : HV_BAD_ARGUMENT;
}

hv_return_t hv_vcpu_set_pending_interrupt(hv_vcpu_t vcpu, hv_interrupt_type_t type, bool pending)
{
    hv_return_t r;
    struct hvi_slot *slot = owned_line(vcpu, type, &r);
    return slot ? slot->backend->set_pending(slot->vcpu, type, pending) : r;
}

hv_return_t hv_vcpu_get_trap_debug_exceptions(hv_vcpu_t vcpu, bool *value)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    if (!value)
        return HV_BAD_ARGUMENT;
    *value = slot->trap_exceptions;
    return HV_SUCCESS;
}

hv_return_t hv_vcpu_get_trap_debug_reg_accesses(hv_vcpu_t vcpu, bool *value)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    if (!value)
        return HV_BAD_ARGUMENT;
    *value = slot->trap_reg_accesses;
    return HV_SUCCESS;
}

static hv_return_t set_traps(struct hvi_slot *slot, bool exceptions, bool reg_accesses)
{
    const struct hvi_backend *backend = hvi_backend(NULL);
    if (!backend->set_trap_debug)
        return exceptions || reg_accesses ? HV_UNSUPPORTED : HV_SUCCESS;
    hv_return_t r = backend->set_trap_debug(slot->vcpu, exceptions, reg_accesses);
    if (r == HV_SUCCESS) {
        slot->trap_exceptions = exceptions;
        slot->trap_reg_accesses = reg_accesses;
    }
    return r;
}

hv_return_t hv_vcpu_set_trap_debug_exceptions(hv_vcpu_t vcpu, bool value)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    return slot ? set_traps(slot, value, slot->trap_reg_accesses) : r;
}

hv_return_t hv_vcpu_set_trap_debug_reg_accesses(hv_vcpu_t vcpu, bool value)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    return slot ? set_traps(slot, slot->trap_exceptions, value) : r;
}

hv_return_t hv_vcpu_get_exec_time(hv_vcpu_t vcpu, uint64_t *time)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    if (!time)
        return HV_BAD_ARGUMENT;
    const struct hvi_backend *backend = hvi_backend(NULL);
    return backend->get_exec_time ? backend->get_exec_time(slot->vcpu, time) : HV_UNSUPPORTED;
}

hv_return_t hv_vcpu_get_vtimer_mask(hv_vcpu_t vcpu, bool *masked)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    return masked ? slot->backend->get_vtimer_mask(slot->vcpu, masked) : HV_BAD_ARGUMENT;
}

hv_return_t hv_vcpu_set_vtimer_mask(hv_vcpu_t vcpu, bool masked)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    return slot ? slot->backend->set_vtimer_mask(slot->vcpu, masked) : r;
}

hv_return_t hv_vcpu_get_vtimer_offset(hv_vcpu_t vcpu, uint64_t *offset)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    if (!slot)
        return r;
    return offset ? slot->backend->get_vtimer_offset(slot->vcpu, offset) : HV_BAD_ARGUMENT;
}

hv_return_t hv_vcpu_set_vtimer_offset(hv_vcpu_t vcpu, uint64_t offset)
{
    hv_return_t r;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &r);
    return slot ? slot->backend->set_vtimer_offset(slot->vcpu, offset) : r;
}
