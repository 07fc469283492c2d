/* SPDX-License-Identifier: MIT */
/*
 * Objects with a reference count, and the configurations of VM and vCPU among them. An object is
 * not locked: a client sets one up in one thread. hv_vm_create() copies what it needs.
 */
#include "hv_internal.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC           0x68766f62u
#define DEFAULT_GRANULE 0x4000u

/* ---- reference counts
 * ----------------------------------------------------------------------------- */

void *hvi_object_new(enum hvi_kind kind, size_t size)
{
    struct hvi_object *object = calloc(1, size);
    if (!object)
        return NULL;
    object->magic = MAGIC;
    object->kind = kind;
    atomic_init(&object->references, 1);
    return object;
}

bool hvi_object_is(const void *object, enum hvi_kind kind)
{
    const struct hvi_object *o = object;
    return o && o->magic == MAGIC && o->kind == kind;
}

void *os_retain(void *object)
{
    struct hvi_object *o = object;
    if (o && o->magic == MAGIC)
        atomic_fetch_add(&o->references, 1);
    return object;
}

void os_release(void *object)
{
    struct hvi_object *o = object;
    if (!o || o->magic != MAGIC || atomic_fetch_sub(&o->references, 1) != 1)
        return;
    o->magic = 0;
    free(o);
}

/* ---- VM configuration
 * ------------------------------------------------------------------------------- */

hv_vm_config_t hv_vm_config_create(void)
{
    struct hvi_limits limits = {.default_ipa_bits = 36};
    struct hv_vm_config_s *c = hvi_object_new(HVI_VM_CONFIG, sizeof *c);
    hvi_backend(&limits);
    if (c)
        c->config =
            (struct hvi_vm_config){.ipa_bits = limits.default_ipa_bits, .granule = DEFAULT_GRANULE};
    return c;
}

hv_return_t hv_vm_config_get_max_ipa_size(uint32_t *bits)
{
    struct hvi_limits limits;
    if (!bits)
        return HV_BAD_ARGUMENT;
    if (!hvi_backend(&limits))
        return HV_UNSUPPORTED;
    *bits = limits.max_ipa_bits;
    return HV_SUCCESS;
}

hv_return_t hv_vm_config_get_default_ipa_size(uint32_t *bits)
{
    struct hvi_limits limits;
    if (!bits)
        return HV_BAD_ARGUMENT;
    if (!hvi_backend(&limits))
        return HV_UNSUPPORTED;
    *bits = limits.default_ipa_bits;
    return HV_SUCCESS;
}

/* Any size up to the largest is kept and read back, even one that hv_vm_create() will refuse. */
hv_return_t hv_vm_config_set_ipa_size(hv_vm_config_t config, uint32_t bits)
{
    struct hvi_limits limits;
    if (!hvi_object_is(config, HVI_VM_CONFIG))
        return HV_BAD_ARGUMENT;
    if (!hvi_backend(&limits) || bits > limits.max_ipa_bits)
        return HV_UNSUPPORTED;
    config->config.ipa_bits = bits;
    return HV_SUCCESS;
}

hv_return_t hv_vm_config_get_ipa_size(hv_vm_config_t config, uint32_t *bits)
{
    if (!hvi_object_is(config, HVI_VM_CONFIG) || !bits)
        return HV_BAD_ARGUMENT;
    *bits = config->config.ipa_bits;
    return HV_SUCCESS;
}

hv_return_t hv_vm_config_get_el2_supported(bool *supported)
{
    if (!supported)
        return HV_BAD_ARGUMENT;
    *supported = false;
    return HV_SUCCESS;
}

hv_return_t hv_vm_config_get_el2_enabled(hv_vm_config_t config, bool *enabled)
{
    if (!hvi_object_is(config, HVI_VM_CONFIG) || !enabled)
        return HV_BAD_ARGUMENT;
    *enabled = config->config.el2;
    return HV_SUCCESS;
}

hv_return_t hv_vm_config_set_el2_enabled(hv_vm_config_t config, bool enabled)
{
    if (!hvi_object_is(config, HVI_VM_CONFIG))
        return HV_BAD_ARGUMENT;
    return enabled ? HV_UNSUPPORTED : HV_SUCCESS;
}

hv_return_t hv_vm_config_get_default_ipa_granule(hv_ipa_granule_t *granule)
{
    if (!granule)
        return HV_BAD_ARGUMENT;
    *granule = HV_IPA_GRANULE_16KB;
    return HV_SUCCESS;
}

hv_return_t hv_vm_config_get_ipa_granule(hv_vm_config_t config, hv_ipa_granule_t *granule)
{
    if (!hvi_object_is(config, HVI_VM_CONFIG) || !granule)
        return HV_BAD_ARGUMENT;
    *granule = config->config.granule == DEFAULT_GRANULE ? HV_IPA_GRANULE_16KB : HV_IPA_GRANULE_4KB;
    return HV_SUCCESS;
}

hv_return_t hv_vm_config_set_ipa_granule(hv_vm_config_t config, hv_ipa_granule_t granule)
{
    if (!hvi_object_is(config, HVI_VM_CONFIG) ||
        (granule != HV_IPA_GRANULE_4KB && granule != HV_IPA_GRANULE_16KB))
        return HV_BAD_ARGUMENT;
    config->config.granule = granule == HV_IPA_GRANULE_4KB ? 0x1000u : DEFAULT_GRANULE;
    return HV_SUCCESS;
}

/* ---- vCPU configuration
 * ----------------------------------------------------------------------------- */

/* Nothing in it can be set: features are changed per vCPU with hv_vcpu_set_sys_reg(). */
struct hv_vcpu_config_s {
    struct hvi_object object;
};

hv_vcpu_config_t hv_vcpu_config_create(void)
{
    return hvi_object_new(HVI_VCPU_CONFIG, sizeof(struct hv_vcpu_config_s));
}

hv_return_t hv_vcpu_config_get_feature_reg(hv_vcpu_config_t config, hv_feature_reg_t reg,
                                           uint64_t *value)
{
    if (!hvi_object_is(config, HVI_VCPU_CONFIG) || !value || reg > HV_FEATURE_REG_ID_AA64MMFR4_EL1)
        return HV_BAD_ARGUMENT;
    const struct hvi_backend *backend = hvi_backend(NULL);
    if (!backend || !backend->get_feature_reg)
        return HV_UNSUPPORTED;
    return backend->get_feature_reg(reg, value);
}

hv_return_t hv_vcpu_config_get_ccsidr_el1_sys_reg_values(hv_vcpu_config_t config,
                                                         hv_cache_type_t type, uint64_t values[8])
{
    if (!hvi_object_is(config, HVI_VCPU_CONFIG) || !values || type > HV_CACHE_TYPE_INSTRUCTION)
        return HV_BAD_ARGUMENT;
    const struct hvi_backend *backend = hvi_backend(NULL);
    if (!backend || !backend->get_ccsidr)
        return HV_UNSUPPORTED;
    return backend->get_ccsidr(type, values);
}
