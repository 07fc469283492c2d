/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller's public calls: configuration, geometry, argument checks, state blocks.
 * The controller itself is the backend's. Writers of hvi.gic and hvi.gic_config hold hvi.lock;
 * after hv_gic_create() they do not change until the VM is destroyed, so the calls of device
 * threads read them without a lock.
 */
#include "hv_internal.h"

#include <string.h>

#define REGION_SIZE 0x2000000u /* of all redistributors, as on a Mac: room for 256 */
#define MSI_SET_SPI 0x40u      /* offset of the register that a message is written to */

struct hv_gic_config_s {
    struct hvi_object object;
    struct hvi_gic_config config;
    bool msi_base_set;
};

struct hv_gic_state_s {
    struct hvi_object object;
    size_t size;
    uint8_t data[];
};

/* ---- configuration
 * ---------------------------------------------------------------------------------- */

hv_gic_config_t hv_gic_config_create(void)
{
    return hvi_object_new(HVI_GIC_CONFIG, sizeof(struct hv_gic_config_s));
}

hv_return_t hv_gic_config_set_distributor_base(hv_gic_config_t config, hv_ipa_t base)
{
    if (!hvi_object_is(config, HVI_GIC_CONFIG) || base % HVI_GICD_SIZE)
        return HV_BAD_ARGUMENT;
    config->config.distributor_base = base;
    return HV_SUCCESS;
}

hv_return_t hv_gic_config_set_redistributor_base(hv_gic_config_t config, hv_ipa_t base)
{
    if (!hvi_object_is(config, HVI_GIC_CONFIG) || base % 0x10000)
        return HV_BAD_ARGUMENT;
    config->config.redistributor_base = base;
    return HV_SUCCESS;
}

hv_return_t hv_gic_config_set_msi_region_base(hv_gic_config_t config, hv_ipa_t base)
{
    if (!hvi_object_is(config, HVI_GIC_CONFIG) || base % HVI_GICM_SIZE)
        return HV_BAD_ARGUMENT;
    config->config.msi_base = base;
    config->msi_base_set = true;
    return HV_SUCCESS;
}

static bool is_spi(uint32_t intid)
{
    return intid >= HVI_GIC_SPI_BASE && intid - HVI_GIC_SPI_BASE < HVI_GIC_SPI_COUNT;
}

hv_return_t hv_gic_config_set_msi_interrupt_range(hv_gic_config_t config, uint32_t base,
                                                  uint32_t count)
{
    if (!hvi_object_is(config, HVI_GIC_CONFIG) || !is_spi(base) || !count ||
        count > HVI_GIC_SPI_BASE + HVI_GIC_SPI_COUNT - base)
        return HV_BAD_ARGUMENT;
    config->config.msi_intid = base;
    config->config.msi_count = count;
    return HV_SUCCESS;
}

static bool overlap(hv_ipa_t a, uint64_t a_size, hv_ipa_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

/* All frames below the end of the address space, and none on another. Of the redistributors only
 * those count that a vCPU can have: clients put other devices into the rest of their region. */
static bool config_ok(const struct hv_gic_config_s *c, uint32_t max_vcpus)
{
    const struct hvi_gic_config *g = &c->config;
    uint64_t end = 1ull << hvi.config.ipa_bits,
             redistributors = (uint64_t)max_vcpus * HVI_GICR_SIZE;
    bool msi = g->msi_count;
    if (msi != c->msi_base_set)
        return false;
    if (g->distributor_base >= end || end - g->distributor_base < HVI_GICD_SIZE ||
        g->redistributor_base >= end || end - g->redistributor_base < redistributors ||
        overlap(g->distributor_base, HVI_GICD_SIZE, g->redistributor_base, redistributors))
        return false;
    if (!msi)
        return true;
    return g->msi_base < end && end - g->msi_base >= HVI_GICM_SIZE &&
           !overlap(g->msi_base, HVI_GICM_SIZE, g->distributor_base, HVI_GICD_SIZE) &&
           !overlap(g->msi_base, HVI_GICM_SIZE, g->redistributor_base, redistributors);
}

static hv_return_t create(hv_gic_config_t config)
{
    struct hvi_limits limits;
    const struct hvi_backend *backend = hvi_backend(&limits);
    if (!hvi.exists)
        return HV_NO_DEVICE;
    if (!backend->gic_create || !limits.gic)
        return HV_UNSUPPORTED;
    if (hvi.gic || hvi_vcpu_any())
        return HV_BUSY;
    if (!config_ok(config, limits.max_vcpus))
        return HV_BAD_ARGUMENT;
    hv_return_t r = backend->gic_create(&config->config);
    if (r != HV_SUCCESS)
        return r;
    hvi.gic_config = config->config;
    atomic_store(&hvi.gic, true);
    return HV_SUCCESS;
}

hv_return_t hv_gic_create(hv_gic_config_t config)
{
    if (!hvi_object_is(config, HVI_GIC_CONFIG))
        return HV_BAD_ARGUMENT;
    pthread_mutex_lock(&hvi.lock);
    hv_return_t r = create(config);
    pthread_mutex_unlock(&hvi.lock);
    return r;
}

/* ---- geometry
 * --------------------------------------------------------------------------------------- */

static hv_return_t answer(size_t *out, size_t value)
{
    if (!out)
        return HV_BAD_ARGUMENT;
    *out = value;
    return HV_SUCCESS;
}

hv_return_t hv_gic_get_distributor_size(size_t *size)
{
    return answer(size, HVI_GICD_SIZE);
}

hv_return_t hv_gic_get_distributor_base_alignment(size_t *alignment)
{
    return answer(alignment, HVI_GICD_SIZE);
}

hv_return_t hv_gic_get_redistributor_region_size(size_t *size)
{
    return answer(size, REGION_SIZE);
}

hv_return_t hv_gic_get_redistributor_size(size_t *size)
{
    return answer(size, HVI_GICR_SIZE);
}

hv_return_t hv_gic_get_redistributor_base_alignment(size_t *alignment)
{
    return answer(alignment, 0x10000);
}

hv_return_t hv_gic_get_msi_region_size(size_t *size)
{
    return answer(size, HVI_GICM_SIZE);
}

hv_return_t hv_gic_get_msi_region_base_alignment(size_t *alignment)
{
    return answer(alignment, HVI_GICM_SIZE);
}

hv_return_t hv_gic_get_spi_interrupt_range(uint32_t *base, uint32_t *count)
{
    if (!base || !count)
        return HV_BAD_ARGUMENT;
    *base = HVI_GIC_SPI_BASE;
    *count = HVI_GIC_SPI_COUNT;
    return HV_SUCCESS;
}

hv_return_t hv_gic_get_intid(hv_gic_intid_t interrupt, uint32_t *intid)
{
    if (!intid)
        return HV_BAD_ARGUMENT;
    switch (interrupt) {
    case HV_GIC_INT_PERFORMANCE_MONITOR:
    case HV_GIC_INT_MAINTENANCE:
    case HV_GIC_INT_EL2_PHYSICAL_TIMER:
    case HV_GIC_INT_EL1_VIRTUAL_TIMER:
    case HV_GIC_INT_EL1_PHYSICAL_TIMER: *intid = interrupt; return HV_SUCCESS;
    default: return HV_BAD_ARGUMENT;
    }
}

/* ---- interrupts from devices
 * ------------------------------------------------------------------------ */

static hv_return_t need_gic(void)
{
    if (!atomic_load(&hvi.exists))
        return HV_NO_DEVICE;
    return atomic_load(&hvi.gic) ? HV_SUCCESS : HV_UNSUPPORTED;
}

/* Calls that need no vCPU may come from a device thread while another destroys the VM: announce
 * them first, then look. SUCCESS asks for leave() in the end. */
static hv_return_t enter(void)
{
    atomic_fetch_add(&hvi.gic_users, 1);
    hv_return_t r = need_gic();
    if (r != HV_SUCCESS)
        atomic_fetch_sub(&hvi.gic_users, 1);
    return r;
}

static hv_return_t leave(hv_return_t r)
{
    atomic_fetch_sub(&hvi.gic_users, 1);
    return r;
}

static bool is_msi(uint32_t intid)
{
    return intid >= hvi.gic_config.msi_intid &&
           intid - hvi.gic_config.msi_intid < hvi.gic_config.msi_count;
}

static hv_return_t set_spi(const struct hvi_backend *backend, uint32_t intid, bool level)
{
    if (!is_spi(intid) || is_msi(intid))
        return HV_BAD_ARGUMENT;
    return backend->gic_set_spi ? backend->gic_set_spi(intid, level) : HV_UNSUPPORTED;
}

hv_return_t hv_gic_set_spi(uint32_t intid, bool level)
{
    hv_return_t r = enter();
    return r == HV_SUCCESS ? leave(set_spi(hvi_backend(NULL), intid, level)) : r;
}

static hv_return_t send_msi(const struct hvi_backend *backend, hv_ipa_t address, uint32_t intid)
{
    if (!is_msi(intid) || address != hvi.gic_config.msi_base + MSI_SET_SPI)
        return HV_BAD_ARGUMENT;
    return backend->gic_send_msi ? backend->gic_send_msi(intid) : HV_UNSUPPORTED;
}

hv_return_t hv_gic_send_msi(hv_ipa_t address, uint32_t intid)
{
    hv_return_t r = enter();
    return r == HV_SUCCESS ? leave(send_msi(hvi_backend(NULL), address, intid)) : r;
}

/* ---- registers
 * ---------------------------------------------------------------------------------------- */

static bool within(uint32_t reg, uint32_t first, uint32_t last, uint32_t step)
{
    return reg >= first && reg <= last && (reg - first) % step == 0;
}

static bool is_distributor_reg(uint32_t reg)
{
    return reg == HV_GIC_DISTRIBUTOR_REG_GICD_CTLR || reg == HV_GIC_DISTRIBUTOR_REG_GICD_TYPER ||
           within(reg, HV_GIC_DISTRIBUTOR_REG_GICD_IGROUPR0,
                  HV_GIC_DISTRIBUTOR_REG_GICD_IPRIORITYR254, 4) ||
           within(reg, HV_GIC_DISTRIBUTOR_REG_GICD_ICFGR0, HV_GIC_DISTRIBUTOR_REG_GICD_ICFGR63,
                  4) ||
           within(reg, HV_GIC_DISTRIBUTOR_REG_GICD_IROUTER32,
                  HV_GIC_DISTRIBUTOR_REG_GICD_IROUTER1019, 8) ||
           reg == HV_GIC_DISTRIBUTOR_REG_GICD_PIDR2;
}

static bool is_redistributor_reg(uint32_t reg)
{
    return reg == HV_GIC_REDISTRIBUTOR_REG_GICR_TYPER ||
           reg == HV_GIC_REDISTRIBUTOR_REG_GICR_PIDR2 ||
           within(reg, HV_GIC_REDISTRIBUTOR_REG_GICR_IGROUPR0,
                  HV_GIC_REDISTRIBUTOR_REG_GICR_ICACTIVER0, 0x80) ||
           within(reg, HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR0,
                  HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR7, 4) ||
           within(reg, HV_GIC_REDISTRIBUTOR_REG_GICR_ICFGR0, HV_GIC_REDISTRIBUTOR_REG_GICR_ICFGR1,
                  4);
}

static bool is_icc_reg(hv_gic_icc_reg_t reg)
{
    switch (reg) {
    case HV_GIC_ICC_REG_PMR_EL1:
    case HV_GIC_ICC_REG_BPR0_EL1:
    case HV_GIC_ICC_REG_AP0R0_EL1:
    case HV_GIC_ICC_REG_AP1R0_EL1:
    case HV_GIC_ICC_REG_RPR_EL1:
    case HV_GIC_ICC_REG_BPR1_EL1:
    case HV_GIC_ICC_REG_CTLR_EL1:
    case HV_GIC_ICC_REG_SRE_EL1:
    case HV_GIC_ICC_REG_IGRPEN0_EL1:
    case HV_GIC_ICC_REG_IGRPEN1_EL1: return true;
    default: return false;
    }
}

static hv_return_t get_dist(const struct hvi_backend *backend, uint32_t reg, uint64_t *value)
{
    if (!is_distributor_reg(reg) || !value)
        return HV_BAD_ARGUMENT;
    return backend->gic_get_dist_reg ? backend->gic_get_dist_reg(reg, value) : HV_UNSUPPORTED;
}

hv_return_t hv_gic_get_distributor_reg(hv_gic_distributor_reg_t reg, uint64_t *value)
{
    hv_return_t r = enter();
    return r == HV_SUCCESS ? leave(get_dist(hvi_backend(NULL), reg, value)) : r;
}

static hv_return_t set_dist(const struct hvi_backend *backend, uint32_t reg, uint64_t value)
{
    if (!is_distributor_reg(reg))
        return HV_BAD_ARGUMENT;
    if (reg == HV_GIC_DISTRIBUTOR_REG_GICD_TYPER || reg == HV_GIC_DISTRIBUTOR_REG_GICD_PIDR2)
        return HV_SUCCESS;
    return backend->gic_set_dist_reg ? backend->gic_set_dist_reg(reg, value) : HV_UNSUPPORTED;
}

hv_return_t hv_gic_set_distributor_reg(hv_gic_distributor_reg_t reg, uint64_t value)
{
    hv_return_t r = enter();
    return r == HV_SUCCESS ? leave(set_dist(hvi_backend(NULL), reg, value)) : r;
}

/* The calls below name a vCPU: the calling thread's, in a VM with a GIC. */
static struct hvi_slot *owned_with_gic(hv_vcpu_t vcpu, hv_return_t *r)
{
    *r = need_gic();
    return *r == HV_SUCCESS ? hvi_vcpu_owned(vcpu, r) : NULL;
}

hv_return_t hv_gic_get_redistributor_reg(hv_vcpu_t vcpu, hv_gic_redistributor_reg_t reg,
                                         uint64_t *value)
{
    hv_return_t r;
    struct hvi_slot *slot = owned_with_gic(vcpu, &r);
    if (!slot)
        return r;
    if (!is_redistributor_reg(reg) || !value)
        return HV_BAD_ARGUMENT;
    const struct hvi_backend *backend = hvi_backend(NULL);
    return backend->gic_get_redist_reg ? backend->gic_get_redist_reg(slot->vcpu, reg, value)
                                       : HV_UNSUPPORTED;
}

hv_return_t hv_gic_set_redistributor_reg(hv_vcpu_t vcpu, hv_gic_redistributor_reg_t reg,
                                         uint64_t value)
{
    hv_return_t r;
    struct hvi_slot *slot = owned_with_gic(vcpu, &r);
    if (!slot)
        return r;
    if (!is_redistributor_reg(reg))
        return HV_BAD_ARGUMENT;
    if (reg == HV_GIC_REDISTRIBUTOR_REG_GICR_TYPER || reg == HV_GIC_REDISTRIBUTOR_REG_GICR_PIDR2)
        return HV_SUCCESS;
    const struct hvi_backend *backend = hvi_backend(NULL);
    return backend->gic_set_redist_reg ? backend->gic_set_redist_reg(slot->vcpu, reg, value)
                                       : HV_UNSUPPORTED;
}

hv_return_t hv_gic_get_icc_reg(hv_vcpu_t vcpu, hv_gic_icc_reg_t reg, uint64_t *value)
{
    hv_return_t r;
    struct hvi_slot *slot = owned_with_gic(vcpu, &r);
    if (!slot)
        return r;
    if (reg == HV_GIC_ICC_REG_SRE_EL2)
        return HV_UNSUPPORTED;
    if (!is_icc_reg(reg) || !value)
        return HV_BAD_ARGUMENT;
    const struct hvi_backend *backend = hvi_backend(NULL);
    return backend->gic_get_icc_reg ? backend->gic_get_icc_reg(slot->vcpu, reg, value)
                                    : HV_UNSUPPORTED;
}

hv_return_t hv_gic_set_icc_reg(hv_vcpu_t vcpu, hv_gic_icc_reg_t reg, uint64_t value)
{
    hv_return_t r;
    struct hvi_slot *slot = owned_with_gic(vcpu, &r);
    if (!slot)
        return r;
    if (reg == HV_GIC_ICC_REG_SRE_EL2)
        return HV_UNSUPPORTED;
    if (!is_icc_reg(reg) || reg == HV_GIC_ICC_REG_RPR_EL1)
        return HV_BAD_ARGUMENT;
    const struct hvi_backend *backend = hvi_backend(NULL);
    return backend->gic_set_icc_reg ? backend->gic_set_icc_reg(slot->vcpu, reg, value)
                                    : HV_UNSUPPORTED;
}

/* No VM of ours has EL2, so none has these. */
static hv_return_t no_el2(hv_vcpu_t vcpu)
{
    hv_return_t r;
    return owned_with_gic(vcpu, &r) ? HV_UNSUPPORTED : r;
}

hv_return_t hv_gic_get_ich_reg(hv_vcpu_t vcpu, hv_gic_ich_reg_t reg, uint64_t *value)
{
    (void)reg, (void)value;
    return no_el2(vcpu);
}

hv_return_t hv_gic_set_ich_reg(hv_vcpu_t vcpu, hv_gic_ich_reg_t reg, uint64_t value)
{
    (void)reg, (void)value;
    return no_el2(vcpu);
}

hv_return_t hv_gic_get_icv_reg(hv_vcpu_t vcpu, hv_gic_icv_reg_t reg, uint64_t *value)
{
    (void)reg, (void)value;
    return no_el2(vcpu);
}

hv_return_t hv_gic_set_icv_reg(hv_vcpu_t vcpu, hv_gic_icv_reg_t reg, uint64_t value)
{
    (void)reg, (void)value;
    return no_el2(vcpu);
}

/* SUCCESS if there is an MSI frame and this is a register of it. */
static hv_return_t check_msi_reg(hv_gic_msi_reg_t reg)
{
    if (reg != HV_GIC_REG_GICM_TYPER && reg != HV_GIC_REG_GICM_SET_SPI_NSR)
        return HV_BAD_ARGUMENT;
    return hvi.gic_config.msi_count ? HV_SUCCESS : HV_UNSUPPORTED;
}

static hv_return_t get_msi(const struct hvi_backend *backend, hv_gic_msi_reg_t reg, uint64_t *value)
{
    hv_return_t r = check_msi_reg(reg);
    if (r != HV_SUCCESS || !value)
        return r == HV_SUCCESS ? HV_BAD_ARGUMENT : r;
    return backend->gic_get_msi_reg ? backend->gic_get_msi_reg(reg, value) : HV_UNSUPPORTED;
}

hv_return_t hv_gic_get_msi_reg(hv_gic_msi_reg_t reg, uint64_t *value)
{
    hv_return_t r = enter();
    return r == HV_SUCCESS ? leave(get_msi(hvi_backend(NULL), reg, value)) : r;
}

static hv_return_t set_msi(const struct hvi_backend *backend, hv_gic_msi_reg_t reg, uint64_t value)
{
    hv_return_t r = check_msi_reg(reg);
    if (r != HV_SUCCESS || reg == HV_GIC_REG_GICM_TYPER)
        return r;
    return backend->gic_set_msi_reg ? backend->gic_set_msi_reg(reg, value) : HV_UNSUPPORTED;
}

hv_return_t hv_gic_set_msi_reg(hv_gic_msi_reg_t reg, uint64_t value)
{
    hv_return_t r = enter();
    return r == HV_SUCCESS ? leave(set_msi(hvi_backend(NULL), reg, value)) : r;
}

hv_return_t hv_gic_get_redistributor_base(hv_vcpu_t vcpu, hv_ipa_t *base)
{
    hv_return_t r = need_gic();
    if (r != HV_SUCCESS)
        return r;
    struct hvi_slot *slot = hvi_vcpu_slot(vcpu);
    if (!slot || !base || !atomic_load(&slot->mpidr_set))
        return HV_BAD_ARGUMENT;
    *base = hvi.gic_config.redistributor_base + (uint64_t)slot->index * HVI_GICR_SIZE;
    return HV_SUCCESS;
}

/* ---- state
 * -------------------------------------------------------------------------------------------- */

static struct hv_gic_state_s *save(const struct hvi_backend *backend)
{
    size_t size = 0;
    if (backend->gic_state_save(NULL, &size) != HV_SUCCESS)
        return NULL;
    struct hv_gic_state_s *state = hvi_object_new(HVI_GIC_STATE, sizeof *state + size);
    if (!state)
        return NULL;
    state->size = size;
    if (backend->gic_state_save(state->data, &state->size) == HV_SUCCESS)
        return state;
    os_release(state);
    return NULL;
}

hv_gic_state_t hv_gic_state_create(void)
{
    struct hv_gic_state_s *state = NULL;
    const struct hvi_backend *backend = hvi_backend(NULL);
    pthread_mutex_lock(&hvi.lock);
    if (need_gic() == HV_SUCCESS && backend->gic_state_save && !hvi_vcpu_any_running())
        state = save(backend);
    pthread_mutex_unlock(&hvi.lock);
    return state;
}

hv_return_t hv_gic_state_get_size(hv_gic_state_t state, size_t *size)
{
    if (!hvi_object_is(state, HVI_GIC_STATE) || !size)
        return HV_BAD_ARGUMENT;
    *size = state->size;
    return HV_SUCCESS;
}

hv_return_t hv_gic_state_get_data(hv_gic_state_t state, void *data)
{
    if (!hvi_object_is(state, HVI_GIC_STATE) || !data)
        return HV_BAD_ARGUMENT;
    memcpy(data, state->data, state->size);
    return HV_SUCCESS;
}

static hv_return_t need_stopped_gic(void)
{
    hv_return_t r = need_gic();
    return r == HV_SUCCESS && hvi_vcpu_any_running() ? HV_BUSY : r;
}

hv_return_t hv_gic_set_state(const void *data, size_t size)
{
    const struct hvi_backend *backend = hvi_backend(NULL);
    pthread_mutex_lock(&hvi.lock);
    hv_return_t r = need_stopped_gic();
    if (r == HV_SUCCESS && (!data || !size))
        r = HV_BAD_ARGUMENT;
    if (r == HV_SUCCESS)
        r = backend->gic_state_restore ? backend->gic_state_restore(data, size) : HV_UNSUPPORTED;
    pthread_mutex_unlock(&hvi.lock);
    return r;
}

hv_return_t hv_gic_reset(void)
{
    const struct hvi_backend *backend = hvi_backend(NULL);
    pthread_mutex_lock(&hvi.lock);
    hv_return_t r = need_stopped_gic();
    if (r == HV_SUCCESS)
        r = backend->gic_reset ? backend->gic_reset() : HV_UNSUPPORTED;
    pthread_mutex_unlock(&hvi.lock);
    return r;
}
