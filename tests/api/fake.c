/* SPDX-License-Identifier: MIT */
/*
 * A backend that runs nothing: it writes down what the public layer asks of it, and fails when told
 * to. For tests of the layer alone.
 */
#include "fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hvi_vcpu {
    uint32_t index;
    uint64_t regs[HV_REG_CPSR + 1];
    uint64_t x1; /* plain_reg */
};

struct fake fake;

static bool probe(struct hvi_limits *limits, char *why, size_t size)
{
    if (fake.unavailable) {
        snprintf(why, size, "told to be absent");
        return false;
    }
    *limits = (struct hvi_limits){
        .max_vcpus = 100, .max_ipa_bits = 40, .default_ipa_bits = 36, .gic = true};
    return true;
}

/* One line of the book; the result that the test asked for. */
static hv_return_t note(const char *format, ...)
{
    va_list args;
    size_t used = strlen(fake.book);
    va_start(args, format);
    vsnprintf(fake.book + used, sizeof fake.book - used, format, args);
    va_end(args);
    if (fake.fail_after && --fake.fail_after == 0)
        return fake.error;
    return HV_SUCCESS;
}

static hv_return_t vm_create(const struct hvi_vm_config *config)
{
    if (fake.quiet)
        return HV_SUCCESS;
    return note("create %u %u;", config->ipa_bits, config->granule);
}

static atomic_bool gic_alive;

static void vm_destroy(void)
{
    atomic_store(&gic_alive, false);
    if (!fake.quiet)
        note("destroy;");
}

static void after_fork(void)
{
    note("forked;");
}

static unsigned pages(uint64_t size)
{
    return (unsigned)(size / 0x4000);
}

static hv_return_t mem_map(const struct hvi_region *r)
{
    struct hvi_region found;
    fake.visible = hvi_mem_lookup(r->ipa, &found);
    return note("map %u+%u %u;", pages(r->ipa), pages(r->size), (unsigned)r->flags);
}

static hv_return_t mem_unmap(const struct hvi_region *r)
{
    struct hvi_region found;
    fake.visible = hvi_mem_lookup(r->ipa, &found);
    return note("unmap %u+%u;", pages(r->ipa), pages(r->size));
}

static hv_return_t mem_protect(const struct hvi_region *r, hv_memory_flags_t flags)
{
    struct hvi_region found = {0};
    hvi_mem_lookup(r->ipa, &found);
    fake.visible = found.flags == flags;
    return note("protect %u+%u %u-%u;", pages(r->ipa), pages(r->size), (unsigned)r->flags,
                (unsigned)flags);
}

static hv_return_t mem_split(const struct hvi_region *r, size_t first_size)
{
    return note("split %u+%u %u;", pages(r->ipa), pages(r->size), pages(first_size));
}

static void icache_invalidate(const void *host, size_t size)
{
    (void)host;
    note("icache %u;", (unsigned)size);
}

static hv_return_t vcpu_create(uint32_t index, struct hvi_vcpu **vcpu)
{
    *vcpu = calloc(1, sizeof **vcpu);
    if (!*vcpu)
        return HV_NO_RESOURCES;
    (*vcpu)->index = index;
    (*vcpu)->x1 = 0x1111;
    return fake.quiet ? HV_SUCCESS : note("vcpu %u;", index);
}

static void vcpu_destroy(struct hvi_vcpu *vcpu)
{
    if (!fake.quiet)
        note("gone %u;", vcpu->index);
    memset(vcpu, 0xdd, sizeof *vcpu); /* whoever looks now, sees it */
    free(vcpu);
}

static hv_return_t vcpu_run(struct hvi_vcpu *vcpu, hv_vcpu_exit_t *exit)
{
    (void)vcpu;
    if (fake.in_run)
        fake.in_run();
    exit->reason = HV_EXIT_REASON_CANCELED;
    return HV_SUCCESS;
}

static void vcpu_cancel(struct hvi_vcpu *vcpu)
{
    if (vcpu->index >= 64)
        fake.touched_dead_vcpu = true;
    atomic_fetch_add(&fake.cancels, 1);
}

/* X1 is plain memory; whoever asks for it by get_reg or set_reg meets another place. */
static uint64_t *plain_reg(struct hvi_vcpu *vcpu, hv_reg_t reg)
{
    return reg == HV_REG_X1 ? &vcpu->x1 : NULL;
}

static hv_return_t get_reg(struct hvi_vcpu *vcpu, hv_reg_t reg, uint64_t *value)
{
    *value = vcpu->regs[reg];
    return HV_SUCCESS;
}

static hv_return_t set_reg(struct hvi_vcpu *vcpu, hv_reg_t reg, uint64_t value)
{
    vcpu->regs[reg] = value;
    return HV_SUCCESS;
}

static hv_return_t get_sys_reg(struct hvi_vcpu *vcpu, hv_sys_reg_t reg, uint64_t *value)
{
    (void)vcpu;
    *value = reg;
    return HV_SUCCESS;
}

static hv_return_t set_sys_reg(struct hvi_vcpu *vcpu, hv_sys_reg_t reg, uint64_t value)
{
    (void)vcpu, (void)reg, (void)value;
    return HV_SUCCESS;
}

static hv_return_t gic_create(const struct hvi_gic_config *c)
{
    atomic_store(&gic_alive, true);
    if (fake.quiet)
        return HV_SUCCESS;
    return note("gic %x %x %x %u %u;", (unsigned)c->distributor_base,
                (unsigned)c->redistributor_base, (unsigned)c->msi_base, c->msi_intid, c->msi_count);
}

static hv_return_t gic_set_spi(uint32_t intid, bool level)
{
    if (!atomic_load(&gic_alive))
        atomic_store(&fake.touched_dead_gic, true);
    return fake.quiet ? HV_SUCCESS : note("spi %u %d;", intid, level);
}

static hv_return_t gic_send_msi(uint32_t intid)
{
    return note("msi %u;", intid);
}

static hv_return_t gic_dist_reg(uint32_t offset, uint64_t value)
{
    (void)value;
    return note("dist %x;", offset);
}

static hv_return_t gic_icc_reg(struct hvi_vcpu *vcpu, hv_gic_icc_reg_t reg, uint64_t value)
{
    (void)vcpu, (void)value;
    return note("icc %x;", reg);
}

static hv_return_t gic_state_save(void *buf, size_t *size)
{
    if (buf)
        memcpy(buf, "state", *size);
    *size = 5;
    return HV_SUCCESS;
}

static hv_return_t gic_state_restore(const void *buf, size_t size)
{
    return size == 5 && !memcmp(buf, "state", 5) ? HV_SUCCESS : HV_BAD_ARGUMENT;
}

static bool set_option(const char *name, const char *value)
{
    return !strcmp(name, "known") && !strcmp(value, "good");
}

static const struct hvi_backend backend = {
    .name = "fake",
    .title = "Bookkeeper",
    .probe = probe,
    .vm_create = vm_create,
    .vm_destroy = vm_destroy,
    .after_fork = after_fork,
    .mem_map = mem_map,
    .mem_unmap = mem_unmap,
    .mem_protect = mem_protect,
    .mem_split = mem_split,
    .icache_invalidate = icache_invalidate,
    .vcpu_create = vcpu_create,
    .vcpu_destroy = vcpu_destroy,
    .vcpu_run = vcpu_run,
    .vcpu_cancel = vcpu_cancel,
    .plain_reg = plain_reg,
    .get_reg = get_reg,
    .set_reg = set_reg,
    .get_sys_reg = get_sys_reg,
    .set_sys_reg = set_sys_reg,
    .gic_create = gic_create,
    .gic_set_spi = gic_set_spi,
    .gic_send_msi = gic_send_msi,
    .gic_set_dist_reg = gic_dist_reg,
    .gic_set_icc_reg = gic_icc_reg,
    .gic_state_save = gic_state_save,
    .gic_state_restore = gic_state_restore,
    .set_option = set_option,
};

/* A second one, never available. */
static bool probe_no(struct hvi_limits *limits, char *why, size_t size)
{
    (void)limits;
    snprintf(why, size, "never there");
    return false;
}

static const struct hvi_backend better = {
    .name = "better", .title = "Better", .probe = probe_no, .vm_create = vm_create};

const struct hvi_backend *const hvi_backends[] = {&better, &backend, NULL};
