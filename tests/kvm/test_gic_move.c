/* SPDX-License-Identifier: MIT */
/*
 * A GIC's state saved under one backend and restored under the other, both ways. Each end is a
 * process of its own, as a process has one backend; the blob goes through a file.
 */
#include "test.h"
#include <Hypervisor/Hypervisor.h>
#include <os/object.h>

#define REG(offset) ((hv_gic_distributor_reg_t)(offset))
#define ROUTER40    REG(0x6000 + 8 * 40)

static hv_vcpu_t vcpu;

static bool start(const char *backend)
{
    hv_vcpu_exit_t *exit;
    setenv("TINYVMM_BACKEND", backend, 1);
    if (!CHECK_EQ(hv_vm_create(NULL), 0))
        return false;
    hv_gic_config_t config = hv_gic_config_create();
    CHECK_EQ(hv_gic_config_set_distributor_base(config, 0x08000000), 0);
    CHECK_EQ(hv_gic_config_set_redistributor_base(config, 0x080a0000), 0);
    hv_return_t result = hv_gic_create(config);
    os_release(config);
    if (result == HV_UNSUPPORTED) {
        TEST_SKIP("one of the two has no GIC");
        return false;
    }
    return CHECK_EQ(result, 0) && CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), 0) &&
           CHECK_EQ(hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_MPIDR_EL1, 0), 0);
}

static void set(uint32_t offset, uint64_t value)
{
    CHECK_EQ(hv_gic_set_distributor_reg(REG(offset), value), 0);
}

static uint64_t get(uint32_t offset)
{
    uint64_t value = 0;
    CHECK_EQ(hv_gic_get_distributor_reg(REG(offset), &value), 0);
    return value;
}

static void save(const char *backend, const char *file)
{
    if (!start(backend))
        return;
    set(0, 0x12);
    set(0x084, 0x300);   /* IGROUPR1 */
    set(0xc08, 0x20000); /* ICFGR2: 40 is edge-triggered */
    set(0x428, 0x50);    /* IPRIORITYR10 */
    set(ROUTER40, 0x102);
    set(0x104, 0x300); /* ISENABLER1 */
    set(0x204, 0x100); /* ISPENDR1 */
    CHECK_EQ(hv_gic_set_redistributor_reg(vcpu, 0x10100, 1u << 27), 0);
    CHECK_EQ(hv_gic_set_spi(41, true), 0);
    hv_gic_state_t state = hv_gic_state_create();
    size_t size = 0;
    if (!CHECK(state) || !CHECK_EQ(hv_gic_state_get_size(state, &size), 0))
        return;
    uint8_t *blob = malloc(size);
    CHECK_EQ(hv_gic_state_get_data(state, blob), 0);
    FILE *f = fopen(file, "wb");
    CHECK(f && fwrite(blob, 1, size, f) == size && !fclose(f));
}

static void restore(const char *backend, const char *file)
{
    static uint8_t blob[1 << 20];
    FILE *f = fopen(file, "rb");
    if (!f) {
        TEST_SKIP("nothing was saved");
        return;
    }
    size_t size = fread(blob, 1, sizeof blob, f);
    fclose(f);
    if (!start(backend) || !CHECK_EQ(hv_gic_set_state(blob, size), 0))
        return;
    CHECK_EQ(get(0) & 3, 2);
    CHECK_EQ(get(0x084), 0x300);
    CHECK_EQ(get(0xc08), 0x20000);
    CHECK_EQ(get(0x428), 0x50);
    CHECK_EQ(get(ROUTER40), 0x102);
    CHECK_EQ(get(0x104), 0x300);
    CHECK_EQ(get(0x204) & 0x100, 0x100);
    uint64_t enabled = 0;
    CHECK_EQ(hv_gic_get_redistributor_reg(vcpu, 0x10100, &enabled), 0);
    CHECK_EQ(enabled >> 27 & 1, 1);
}

static char file[64];

static void save_on_kvm(void)
{
    save("kvm", file);
}

static void restore_on_soft(void)
{
    restore("soft", file);
}

static void save_on_soft(void)
{
    save("soft", file);
}

static void restore_on_kvm(void)
{
    restore("kvm", file);
}

int main(void)
{
    snprintf(file, sizeof file, "/tmp/gic-state-%d", (int)getpid());
    TEST_ALONE(save_on_kvm);
    TEST_ALONE(restore_on_soft);
    remove(file);
    TEST_ALONE(save_on_soft);
    TEST_ALONE(restore_on_kvm);
    remove(file);
    return test_done();
}
