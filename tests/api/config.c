/* SPDX-License-Identifier: MIT */
/* Configuration objects, host memory, the clock: what works without a VM. */
#include "api.h"

#include <os/object.h>

#ifndef __APPLE__
static void *nothing; /* a NULL that the compiler does not know, as it warns of those */
#endif

static void ipa_size(void)
{
    uint32_t max = 0, normal = 0, bits = 99;
    CHECK_EQ(hv_vm_config_get_max_ipa_size(&max), HV_SUCCESS);
    CHECK_EQ(hv_vm_config_get_default_ipa_size(&normal), HV_SUCCESS);
    CHECK(normal >= 32 && normal <= max && max <= 52);
    hv_vm_config_t config = hv_vm_config_create();
    if (!CHECK(config))
        return;
    CHECK_EQ(hv_vm_config_get_ipa_size(config, &bits), HV_SUCCESS);
    CHECK_EQ(bits, normal);
    CHECK_EQ(hv_vm_config_set_ipa_size(config, max + 1), HV_UNSUPPORTED);
    CHECK_EQ(hv_vm_config_set_ipa_size(config, max), HV_SUCCESS);
    CHECK_EQ(hv_vm_config_get_ipa_size(config, &bits), HV_SUCCESS);
    CHECK_EQ(bits, max);
    CHECK_EQ(hv_vm_config_set_ipa_size(config, 0), HV_SUCCESS); /* kept, even if useless */
    CHECK_EQ(hv_vm_config_get_ipa_size(config, &bits), HV_SUCCESS);
    CHECK_EQ(bits, 0);
    os_release(config);
}

static void el2(void)
{
    bool supported = true, enabled = true;
    CHECK_EQ(hv_vm_config_get_el2_supported(&supported), HV_SUCCESS);
    hv_vm_config_t config = hv_vm_config_create();
    CHECK_EQ(hv_vm_config_get_el2_enabled(config, &enabled), HV_SUCCESS);
    CHECK(!enabled);
    CHECK_EQ(hv_vm_config_set_el2_enabled(config, false), HV_SUCCESS);
    if (!supported)
        CHECK(hv_vm_config_set_el2_enabled(config, true) != HV_SUCCESS);
    os_release(config);
}

#ifdef HAVE_GRANULE
static void granule(void)
{
    hv_ipa_granule_t g = 77;
    CHECK_EQ(hv_vm_config_get_default_ipa_granule(&g), HV_SUCCESS);
    CHECK_EQ(g, HV_IPA_GRANULE_16KB);
    hv_vm_config_t config = hv_vm_config_create();
    CHECK_EQ(hv_vm_config_get_ipa_granule(config, &g), HV_SUCCESS);
    CHECK_EQ(g, HV_IPA_GRANULE_16KB);
    CHECK_EQ(hv_vm_config_set_ipa_granule(config, HV_IPA_GRANULE_4KB), HV_SUCCESS);
    CHECK_EQ(hv_vm_config_get_ipa_granule(config, &g), HV_SUCCESS);
    CHECK_EQ(g, HV_IPA_GRANULE_4KB);
    CHECK(hv_vm_config_set_ipa_granule(config, 2) != HV_SUCCESS);
    os_release(config);
}

#endif

static void references(void)
{
    hv_vm_config_t config = hv_vm_config_create();
    uint32_t bits;
    CHECK(os_retain(config) == (void *)config);
    os_release(config);
    CHECK_EQ(hv_vm_config_get_ipa_size(config, &bits), HV_SUCCESS);
    os_release(config);
}

/* The VM takes what it needs: the object may go, or change, right after. */
static void config_is_copied(void)
{
    hv_vm_config_t config = hv_vm_config_create();
    CHECK_EQ(hv_vm_config_set_ipa_size(config, 34), HV_SUCCESS);
    CHECK_EQ(hv_vm_create(config), HV_SUCCESS);
    os_release(config);
    uint8_t *page = new_pages(PAGE);
    CHECK_EQ(hv_vm_map(page, (1ull << 34) - PAGE, PAGE, HV_MEMORY_READ), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(page, 1ull << 34, PAGE, HV_MEMORY_READ), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(page);
}

static void largest_ipa_size(void)
{
    uint32_t max = 0;
    CHECK_EQ(hv_vm_config_get_max_ipa_size(&max), HV_SUCCESS);
    hv_vm_config_t config = hv_vm_config_create();
    CHECK_EQ(hv_vm_config_set_ipa_size(config, max), HV_SUCCESS);
    CHECK_EQ(hv_vm_create(config), HV_SUCCESS);
    os_release(config);
    uint8_t *page = new_pages(PAGE);
    CHECK_EQ(hv_vm_map(page, (1ull << max) - PAGE, PAGE, HV_MEMORY_READ), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(page, 1ull << max, PAGE, HV_MEMORY_READ), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(page);
}

#ifndef __APPLE__
/* Choices of ours where Apple's answer is not known. */
static void useless_ipa_size(void)
{
    hv_vm_config_t config = hv_vm_config_create();
    CHECK_EQ(hv_vm_config_set_ipa_size(config, 0), HV_SUCCESS);
    CHECK_EQ(hv_vm_create(config), HV_BAD_ARGUMENT);
    os_release(config);
}

static void wrong_objects(void)
{
    hv_vcpu_config_t vcpu_config = hv_vcpu_config_create();
    uint32_t bits;
    CHECK_EQ(hv_vm_config_get_ipa_size((hv_vm_config_t)(void *)vcpu_config, &bits),
             HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_create((hv_vm_config_t)(void *)vcpu_config), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_config_set_ipa_size(nothing, 36), HV_BAD_ARGUMENT);
    os_release(vcpu_config);
    os_release(nothing);
}
#endif

static void feature_registers(void)
{
    uint64_t value = 0, ctr = 0, dczid = 0;
    hv_vcpu_config_t config = hv_vcpu_config_create();
    if (!CHECK(config))
        return;
    CHECK_EQ(hv_vcpu_config_get_feature_reg(config, HV_FEATURE_REG_ID_AA64PFR0_EL1, &value),
             HV_SUCCESS);
    CHECK_EQ(value & 0xff, 0x11); /* EL0 and EL1 in AArch64 only */
    CHECK_EQ(hv_vcpu_config_get_feature_reg(config, HV_FEATURE_REG_ID_AA64MMFR0_EL1, &value),
             HV_SUCCESS);
    CHECK_EQ(hv_vcpu_config_get_feature_reg(config, HV_FEATURE_REG_CTR_EL0, &ctr), HV_SUCCESS);
    CHECK(ctr >> 31 & 1); /* RES1 */
    CHECK_EQ(hv_vcpu_config_get_feature_reg(config, HV_FEATURE_REG_DCZID_EL0, &dczid), HV_SUCCESS);
    CHECK((dczid & 15) <= 9); /* DC ZVA clears at most 2 KiB */
    CHECK_EQ(hv_vcpu_config_get_feature_reg(config, 1000, &value), HV_BAD_ARGUMENT);
    os_release(config);
}

static void feature_registers_match_vcpu(void)
{
    static const struct {
        hv_feature_reg_t feature;
        hv_sys_reg_t reg;
    } same[] = {
        {HV_FEATURE_REG_ID_AA64DFR0_EL1, HV_SYS_REG_ID_AA64DFR0_EL1},
        {HV_FEATURE_REG_ID_AA64DFR1_EL1, HV_SYS_REG_ID_AA64DFR1_EL1},
        {HV_FEATURE_REG_ID_AA64ISAR0_EL1, HV_SYS_REG_ID_AA64ISAR0_EL1},
        {HV_FEATURE_REG_ID_AA64ISAR1_EL1, HV_SYS_REG_ID_AA64ISAR1_EL1},
        {HV_FEATURE_REG_ID_AA64MMFR0_EL1, HV_SYS_REG_ID_AA64MMFR0_EL1},
        {HV_FEATURE_REG_ID_AA64MMFR1_EL1, HV_SYS_REG_ID_AA64MMFR1_EL1},
        {HV_FEATURE_REG_ID_AA64MMFR2_EL1, HV_SYS_REG_ID_AA64MMFR2_EL1},
        {HV_FEATURE_REG_ID_AA64PFR0_EL1, HV_SYS_REG_ID_AA64PFR0_EL1},
        {HV_FEATURE_REG_ID_AA64PFR1_EL1, HV_SYS_REG_ID_AA64PFR1_EL1},
    };
    hv_vcpu_config_t config = hv_vcpu_config_create();
    struct machine m;
    if (!new_machine(&m))
        return;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        uint64_t value = 1;
        CHECK_EQ(hv_vcpu_config_get_feature_reg(config, same[i].feature, &value), HV_SUCCESS);
        CHECK_EQ(sys_reg(&m, same[i].reg), value);
    }
    os_release(config);
    end_machine(&m);
}

static void cache_geometry(void)
{
    uint64_t data[8] = {0}, code[8] = {0};
    hv_vcpu_config_t config = hv_vcpu_config_create();
    CHECK_EQ(hv_vcpu_config_get_ccsidr_el1_sys_reg_values(config, HV_CACHE_TYPE_DATA, data),
             HV_SUCCESS);
    CHECK_EQ(hv_vcpu_config_get_ccsidr_el1_sys_reg_values(config, HV_CACHE_TYPE_INSTRUCTION, code),
             HV_SUCCESS);
    CHECK((data[0] & 7) <= 7);
    CHECK(hv_vcpu_config_get_ccsidr_el1_sys_reg_values(config, 9, data) != HV_SUCCESS);
    os_release(config);
}

static void allocate(void)
{
    void *p = NULL;
    CHECK_EQ(hv_vm_allocate(&p, 4 * PAGE, HV_ALLOCATE_DEFAULT), HV_SUCCESS);
    if (!CHECK(p))
        return;
    CHECK_EQ((uintptr_t)p % PAGE, 0);
    uint8_t *bytes = p;
    for (size_t i = 0; i < 4 * PAGE; i++)
        if (bytes[i] && !CHECK(!"memory is not zero"))
            break;
    memset(p, 0xa5, 4 * PAGE);
    CHECK_EQ(hv_vm_deallocate(p, 4 * PAGE), HV_SUCCESS);
    p = (void *)1;
    CHECK_EQ(hv_vm_allocate(&p, SIZE_MAX & ~(size_t)(PAGE - 1), HV_ALLOCATE_DEFAULT),
             HV_BAD_ARGUMENT);
    CHECK(p == (void *)1);
#ifndef __APPLE__
    CHECK_EQ(hv_vm_allocate(&p, 0, HV_ALLOCATE_DEFAULT), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_allocate(&p, 100, HV_ALLOCATE_DEFAULT), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_allocate(&p, PAGE, 64), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_allocate(nothing, PAGE, HV_ALLOCATE_DEFAULT), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_deallocate(nothing, PAGE), HV_BAD_ARGUMENT);
#endif
}

/* Many blocks, all aligned, none overlapping: the ends that were given back were really spare. */
static void allocate_many(void)
{
    enum { COUNT = 64 };
    void *p[COUNT];
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQ(hv_vm_allocate(&p[i], PAGE, HV_ALLOCATE_DEFAULT), HV_SUCCESS);
        CHECK_EQ((uintptr_t)p[i] % PAGE, 0);
        memset(p[i], i + 1, PAGE);
    }
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQ(*(uint8_t *)p[i], i + 1);
        CHECK_EQ(((uint8_t *)p[i])[PAGE - 1], i + 1);
        CHECK_EQ(hv_vm_deallocate(p[i], PAGE), HV_SUCCESS);
    }
}

static void limits(void)
{
    uint32_t count = 0;
    CHECK_EQ(hv_vm_get_max_vcpu_count(&count), HV_SUCCESS);
    CHECK(count >= 1 && count <= 64);
}

static uint64_t monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void absolute_time(void)
{
    mach_timebase_info_data_t base = {0};
    CHECK_EQ(mach_timebase_info(&base), KERN_SUCCESS);
    if (!CHECK(base.numer && base.denom))
        return;
    /* Between a longer and a shorter time by the host's clock, whenever this thread is stopped. */
    uint64_t outside = monotonic_ns();
    uint64_t before = mach_absolute_time();
    uint64_t inside = monotonic_ns();
    sleep_ms(40);
    inside = monotonic_ns() - inside;
    uint64_t after = mach_absolute_time();
    outside = monotonic_ns() - outside;
    uint64_t measured = (after - before) * base.numer / base.denom;
    CHECK(measured > inside / 2 && measured < outside * 2);
    for (int i = 0; i < 100000; i++) {
        uint64_t now = mach_absolute_time();
        if (!CHECK(now >= after))
            break;
        after = now;
    }
}

static void error_numbers(void)
{
    CHECK_EQ((uint32_t)HV_ERROR, 0xfae94001);
    CHECK_EQ((uint32_t)HV_BUSY, 0xfae94002);
    CHECK_EQ((uint32_t)HV_BAD_ARGUMENT, 0xfae94003);
    CHECK_EQ((uint32_t)HV_ILLEGAL_GUEST_STATE, 0xfae94004);
    CHECK_EQ((uint32_t)HV_NO_RESOURCES, 0xfae94005);
    CHECK_EQ((uint32_t)HV_NO_DEVICE, 0xfae94006);
    CHECK_EQ((uint32_t)HV_DENIED, 0xfae94007);
    CHECK_EQ((uint32_t)HV_UNSUPPORTED, 0xfae9400f);
    CHECK_EQ(sizeof(hv_return_t), 4);
    CHECK_EQ(sizeof(hv_vcpu_exit_t), 32);
    CHECK_EQ(offsetof(hv_vcpu_exit_t, exception.physical_address), 24);
    CHECK_EQ(sizeof(hv_simd_fp_uchar16_t), 16);
    CHECK_EQ(sizeof(hv_sys_reg_t), 2);
    CHECK_EQ(sizeof(hv_exit_reason_t), 4);
}

int main(void)
{
    TEST(error_numbers);
    TEST(limits);
    TEST(ipa_size);
    TEST(el2);
#ifdef HAVE_GRANULE
    TEST(granule);
#endif
    TEST(references);
    TEST_ALONE(config_is_copied);
    TEST_ALONE(largest_ipa_size);
#ifndef __APPLE__
    TEST_ALONE(useless_ipa_size);
    TEST_ALONE(wrong_objects);
#endif
    TEST(feature_registers);
    TEST_ALONE(feature_registers_match_vcpu);
    TEST(cache_geometry);
    TEST(allocate);
    TEST(allocate_many);
    TEST(absolute_time);
    return test_done();
}
