/* SPDX-License-Identifier: MIT */
/*
 * Which backend carries the API in this process: the one that TINYVMM_BACKEND names, else the best
 * that works here. Chosen once, at the first call that needs it; never changes. Also hvx.h.
 */
#include "hv_internal.h"

#include <hvx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct hvi_backend *_Atomic chosen;
static struct hvi_limits chosen_limits;
static char no_backend[sizeof((struct hvx_backend_info *)0)->why]; /* why there is none */

/* Backends that exist, but not in this build. */
static const struct {
    const char *name, *title, *why;
} elsewhere[] = {
    {"kvm", "Linux KVM", "not in this build: needs Linux on an arm64 host"},
    {"hvf", "Apple Hypervisor.framework", "not in this build: needs macOS on Apple Silicon"},
};

static void choose(void)
{
    const char *wanted = getenv(HVX_BACKEND_ENV);
    bool any = !wanted || !*wanted || !strcmp(wanted, "auto");
    for (size_t i = 0; hvi_backends[i]; i++) {
        struct hvi_limits limits = {0};
        if (!any && strcmp(wanted, hvi_backends[i]->name))
            continue;
        if (!hvi_backends[i]->probe(&limits, no_backend, sizeof no_backend))
            continue;
        if (limits.max_vcpus > HVI_MAX_VCPUS)
            limits.max_vcpus = HVI_MAX_VCPUS;
        chosen_limits = limits;
        atomic_store_explicit(&chosen, hvi_backends[i], memory_order_release);
        return;
    }
}

const struct hvi_backend *hvi_backend(struct hvi_limits *limits)
{
    /* Asked in every call: the way through pthread_once is for those before the choice. */
    const struct hvi_backend *backend = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!backend) {
        pthread_once(&once, choose);
        backend = atomic_load_explicit(&chosen, memory_order_acquire);
    }
    if (backend && limits)
        *limits = chosen_limits;
    return backend;
}

/* ---- hvx.h --------------------------------------------------------------------------------------
 */

static size_t built_in(const char *name)
{
    size_t i = 0;
    while (hvi_backends[i] && (!name || strcmp(name, hvi_backends[i]->name)))
        i++;
    return i;
}

static bool describe_elsewhere(unsigned index, struct hvx_backend_info *info)
{
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        if (hvi_backends[built_in(elsewhere[i].name)])
            continue;
        if (index--)
            continue;
        *info = (struct hvx_backend_info){.name = elsewhere[i].name, .title = elsewhere[i].title};
        snprintf(info->why, sizeof info->why, "%s", elsewhere[i].why);
        return true;
    }
    return false;
}

bool hvx_backend(unsigned index, struct hvx_backend_info *info)
{
    if (!info)
        return false;
    size_t count = built_in(NULL);
    if (index >= count)
        return describe_elsewhere(index - (unsigned)count, info);
    const struct hvi_backend *backend = hvi_backends[index];
    struct hvi_limits limits = {0};
    *info = (struct hvx_backend_info){.name = backend->name, .title = backend->title};
    info->available = backend->probe(&limits, info->why, sizeof info->why);
    info->chosen = backend == hvi_backend(NULL);
    if (!info->available)
        return true;
    info->why[0] = 0;
    info->max_vcpus = limits.max_vcpus < HVI_MAX_VCPUS ? limits.max_vcpus : HVI_MAX_VCPUS;
    info->max_ipa_bits = limits.max_ipa_bits;
    info->gic = limits.gic;
    return true;
}

bool hvx_set_option(const char *name, const char *value)
{
    const struct hvi_backend *backend = hvi_backend(NULL);
    if (!name || !value || !backend || !backend->set_option)
        return false;
    pthread_mutex_lock(&hvi.lock);
    bool ok = !hvi.exists && backend->set_option(name, value);
    pthread_mutex_unlock(&hvi.lock);
    return ok;
}

bool hvx_vcpu_counter(uint64_t vcpu, unsigned index, const char **name, uint64_t *value)
{
    hv_return_t error;
    struct hvi_slot *slot = hvi_vcpu_owned(vcpu, &error);
    const struct hvi_backend *backend = hvi_backend(NULL);
    if (!slot || !name || !value || !backend->counter)
        return false;
    return backend->counter(slot->vcpu, index, name, value);
}

const char *hvx_last_error(void)
{
    const struct hvi_backend *backend = hvi_backend(NULL);
    if (!backend)
        return no_backend;
    return backend->last_error ? backend->last_error() : "";
}
