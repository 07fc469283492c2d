/* SPDX-License-Identifier: MIT */
/* The interrupt controller: geometry, configuration, errors, and interrupts that arrive. */
#include "api.h"

#include <os/object.h>

#define DIST   0x08000000ull
#define MSI    0x08020000ull
#define REDIST 0x080a0000ull

/* A VM with a GIC at the places above and no vCPU; false (and a skip) if the host has none. */
static bool new_gic_vm(struct machine *m, bool msi)
{
    if (!new_ram(m))
        return false;
    hv_gic_config_t config = hv_gic_config_create();
    CHECK_EQ(hv_gic_config_set_distributor_base(config, DIST), HV_SUCCESS);
    CHECK_EQ(hv_gic_config_set_redistributor_base(config, REDIST), HV_SUCCESS);
    if (msi) {
        CHECK_EQ(hv_gic_config_set_msi_region_base(config, MSI), HV_SUCCESS);
        CHECK_EQ(hv_gic_config_set_msi_interrupt_range(config, 100, 20), HV_SUCCESS);
    }
    hv_return_t r = hv_gic_create(config);
    os_release(config);
    if (r == HV_UNSUPPORTED) {
        TEST_SKIP("no interrupt controller on this backend");
        CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
        return false;
    }
    return CHECK_EQ(r, HV_SUCCESS);
}

static bool new_gic_machine(struct machine *m, bool msi)
{
    return new_gic_vm(m, msi) && new_vcpu(m, CODE) &&
           CHECK_EQ(hv_vcpu_set_sys_reg(m->vcpu, HV_SYS_REG_MPIDR_EL1, 0), HV_SUCCESS);
}

static uint64_t dist(uint32_t offset)
{
    uint64_t value = 0xdeadbeef;
    CHECK_EQ(hv_gic_get_distributor_reg((hv_gic_distributor_reg_t)offset, &value), HV_SUCCESS);
    return value;
}

static void set_dist(uint32_t offset, uint64_t value)
{
    CHECK_EQ(hv_gic_set_distributor_reg((hv_gic_distributor_reg_t)offset, value), HV_SUCCESS);
}

static void set_redist(const struct machine *m, uint32_t offset, uint64_t value)
{
    CHECK_EQ(hv_gic_set_redistributor_reg(m->vcpu, offset, value), HV_SUCCESS);
}

/* Group 1 on, any priority: an enabled interrupt reaches the CPU. */
static void open_gic(struct machine *m)
{
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_CTLR, 0x12); /* ARE, EnableGrp1 */
    CHECK_EQ(hv_gic_set_icc_reg(m->vcpu, HV_GIC_ICC_REG_PMR_EL1, 0xff), HV_SUCCESS);
    CHECK_EQ(hv_gic_set_icc_reg(m->vcpu, HV_GIC_ICC_REG_IGRPEN1_EL1, 1), HV_SUCCESS);
}

static void geometry(void)
{
    size_t size = 0;
    uint32_t base = 0, count = 0, intid = 0;
    CHECK_EQ(hv_gic_get_distributor_size(&size), HV_SUCCESS);
    CHECK_EQ(size, 0x10000);
    CHECK_EQ(hv_gic_get_distributor_base_alignment(&size), HV_SUCCESS);
    CHECK(size && DIST % size == 0);
    CHECK_EQ(hv_gic_get_redistributor_size(&size), HV_SUCCESS);
    CHECK_EQ(size, 0x20000);
    CHECK_EQ(hv_gic_get_redistributor_region_size(&size), HV_SUCCESS);
    CHECK(size >= 64 * 0x20000);
    CHECK_EQ(hv_gic_get_redistributor_base_alignment(&size), HV_SUCCESS);
    CHECK(size && REDIST % size == 0);
    CHECK_EQ(hv_gic_get_msi_region_size(&size), HV_SUCCESS);
    CHECK_EQ(hv_gic_get_msi_region_base_alignment(&size), HV_SUCCESS);
    CHECK(size && MSI % size == 0);
    CHECK_EQ(hv_gic_get_spi_interrupt_range(&base, &count), HV_SUCCESS);
    CHECK_EQ(base, 32);
    CHECK(count >= 32 && base + count <= 1020);
    CHECK_EQ(hv_gic_get_intid(HV_GIC_INT_EL1_VIRTUAL_TIMER, &intid), HV_SUCCESS);
    CHECK_EQ(intid, 27);
    CHECK_EQ(hv_gic_get_intid(HV_GIC_INT_EL1_PHYSICAL_TIMER, &intid), HV_SUCCESS);
    CHECK_EQ(intid, 30);
    CHECK_EQ(hv_gic_get_intid(HV_GIC_INT_PERFORMANCE_MONITOR, &intid), HV_SUCCESS);
    CHECK_EQ(intid, 23);
    CHECK(hv_gic_get_intid(99, &intid) != HV_SUCCESS);
}

static hv_return_t create_at(hv_ipa_t distributor, hv_ipa_t redistributor)
{
    hv_gic_config_t config = hv_gic_config_create();
    CHECK_EQ(hv_gic_config_set_distributor_base(config, distributor), HV_SUCCESS);
    CHECK_EQ(hv_gic_config_set_redistributor_base(config, redistributor), HV_SUCCESS);
    hv_return_t r = hv_gic_create(config);
    os_release(config);
    return r;
}

static void configuration(void)
{
    hv_gic_config_t config = hv_gic_config_create();
    if (!CHECK(config))
        return;
    CHECK(hv_gic_create(config) != HV_SUCCESS); /* no VM */
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    hv_return_t r = hv_gic_create(config);
    if (r == HV_UNSUPPORTED) {
        TEST_SKIP("no interrupt controller on this backend");
        return;
    }
    CHECK_EQ(r, HV_BAD_ARGUMENT); /* all bases at 0: they overlap */
    CHECK_EQ(hv_gic_config_set_distributor_base(config, DIST + 0x1000), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_config_set_msi_interrupt_range(config, 31, 4), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_config_set_msi_interrupt_range(config, 1000, 100), HV_BAD_ARGUMENT);
    os_release(config);
    CHECK_EQ(create_at(DIST, DIST), HV_BAD_ARGUMENT);
    CHECK_EQ(create_at(REDIST + 0x20000, REDIST), HV_BAD_ARGUMENT);
    CHECK_EQ(create_at(0xffffffffffff0000, REDIST), HV_BAD_ARGUMENT);
    CHECK_EQ(create_at(DIST, 0xffffffffffff0000), HV_BAD_ARGUMENT);
    CHECK_EQ(create_at(DIST, 1ull << 36), HV_BAD_ARGUMENT);
    CHECK_EQ(create_at(DIST, REDIST), HV_SUCCESS);
    CHECK(create_at(DIST, REDIST) != HV_SUCCESS); /* once */
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

static void too_late(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    CHECK(create_at(DIST, REDIST) != HV_SUCCESS); /* a vCPU is there */
    end_machine(&m);
}

static void without_gic(void)
{
    struct machine m;
    uint64_t value;
    if (!new_machine(&m))
        return;
    CHECK(hv_gic_set_spi(32, true) != HV_SUCCESS);
    CHECK(hv_gic_send_msi(MSI + 0x40, 100) != HV_SUCCESS);
    CHECK(hv_gic_get_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_CTLR, &value) != HV_SUCCESS);
    CHECK(hv_gic_get_icc_reg(m.vcpu, HV_GIC_ICC_REG_PMR_EL1, &value) != HV_SUCCESS);
    CHECK(hv_gic_reset() != HV_SUCCESS);
    CHECK(!hv_gic_state_create());
    end_machine(&m);
}

static void argument_errors(void)
{
    struct machine m;
    uint64_t value = 0;
    if (!new_gic_vm(&m, true) || !new_vcpu(&m, CODE))
        return;
    CHECK_EQ(hv_gic_get_redistributor_base(m.vcpu, &value), HV_BAD_ARGUMENT); /* no MPIDR yet */
    CHECK_EQ(hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_MPIDR_EL1, 0), HV_SUCCESS);
    CHECK_EQ(hv_gic_get_redistributor_base(m.vcpu, &value), HV_SUCCESS);
    CHECK_EQ(value, REDIST);
    CHECK_EQ(hv_gic_set_spi(31, true), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_set_spi(1020, true), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_set_spi(100, true), HV_BAD_ARGUMENT); /* the MSI frame's */
    CHECK_EQ(hv_gic_send_msi(MSI + 0x40, 99), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_send_msi(MSI + 0x40, 120), HV_BAD_ARGUMENT);
    uint64_t typer = dist(HV_GIC_DISTRIBUTOR_REG_GICD_TYPER);
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_TYPER, ~typer);
    CHECK_EQ(dist(HV_GIC_DISTRIBUTOR_REG_GICD_TYPER), typer);
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_PIDR2, 0);
    CHECK_EQ(dist(HV_GIC_DISTRIBUTOR_REG_GICD_PIDR2) >> 4 & 15, 3); /* GICv3 */
    CHECK_EQ(hv_gic_get_icc_reg(m.vcpu, 0xc660 /* IAR1 */, &value), HV_BAD_ARGUMENT);
    CHECK(hv_gic_set_icc_reg(m.vcpu, HV_GIC_ICC_REG_RPR_EL1, 0) != HV_SUCCESS);
    CHECK(hv_gic_get_ich_reg(m.vcpu, HV_GIC_ICH_REG_HCR_EL2, &value) != HV_SUCCESS);
    CHECK(hv_gic_get_icv_reg(m.vcpu, HV_GIC_ICV_REG_PMR_EL1, &value) != HV_SUCCESS);
    end_machine(&m);
}

static void registers_keep_values(void)
{
    struct machine m;
    uint64_t value = 0;
    if (!new_gic_machine(&m, false))
        return;
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_IGROUPR1, 0xf0f0f0f0);
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1, 0x00ff00ff);
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_IPRIORITYR8, 0xa0b0c0d0);
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_IROUTER32, 0);
    CHECK_EQ(dist(HV_GIC_DISTRIBUTOR_REG_GICD_IGROUPR1), 0xf0f0f0f0);
    CHECK_EQ(dist(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1), 0x00ff00ff);
    CHECK_EQ(dist(HV_GIC_DISTRIBUTOR_REG_GICD_IPRIORITYR8), 0xa0b0c0d0);
    set_redist(&m, HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR3, 0x10203040);
    CHECK_EQ(
        hv_gic_get_redistributor_reg(m.vcpu, HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR3, &value),
        HV_SUCCESS);
    CHECK_EQ(value, 0x10203040);
    CHECK_EQ(hv_gic_get_redistributor_reg(m.vcpu, HV_GIC_REDISTRIBUTOR_REG_GICR_TYPER, &value),
             HV_SUCCESS);
    CHECK_EQ(value >> 4 & 1, 1); /* Last */
    CHECK_EQ(value >> 32, 0);    /* affinity */
    CHECK_EQ(hv_gic_reset(), HV_SUCCESS);
    CHECK_EQ(dist(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1), 0);
    end_machine(&m);
}

/* vectors + 0x280: mrs x0, icc_iar1_el1; msr icc_eoir1_el1, x0; hvc #1; eret */
static void put_handler(struct machine *m)
{
    PUT_CODE(m->ram, VECTORS + 0x280, 0xd538cc00, 0xd518cc20, HVC_1, ERET);
    PUT_CODE(m->ram, CODE, SPIN);
    set_reg(m, HV_REG_CPSR, CPSR & ~0x80u);
}

static void shared_interrupt(void)
{
    struct machine m;
    if (!new_gic_machine(&m, false))
        return;
    put_handler(&m);
    open_gic(&m);
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_IGROUPR1, 1u << 5);
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1, 1u << 5); /* SPI 37 */
    CHECK_EQ(run_for(&m, 20), HV_EXIT_REASON_CANCELED);
    CHECK_EQ(hv_gic_set_spi(37, true), HV_SUCCESS);
    if (run_to_hvc(&m, 1))
        CHECK_EQ(reg(&m, HV_REG_X0), 37);
    /* A level that stays up comes again; one that went down does not. */
    if (run_to_hvc(&m, 1))
        CHECK_EQ(reg(&m, HV_REG_X0), 37);
    CHECK_EQ(hv_gic_set_spi(37, false), HV_SUCCESS);
    CHECK_EQ(run_for(&m, 20), HV_EXIT_REASON_CANCELED);
    end_machine(&m);
}

static void message(void)
{
    struct machine m;
    if (!new_gic_machine(&m, true))
        return;
    put_handler(&m);
    open_gic(&m);
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_IGROUPR3, 1u << 7);
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER3, 1u << 7); /* SPI 103 */
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_ICFGR6, 2u << 14);    /* edge */
    CHECK_EQ(hv_gic_send_msi(MSI + 0x40, 103), HV_SUCCESS);
    if (run_to_hvc(&m, 1))
        CHECK_EQ(reg(&m, HV_REG_X0), 103);
    CHECK_EQ(run_for(&m, 20), HV_EXIT_REASON_CANCELED); /* once */
    end_machine(&m);
}

/* In a VM with a GIC the timer's interrupt is delivered inside, and WFI waits for it there. */
static void timer_wakes_wfi(void)
{
    struct machine m;
    if (!new_gic_machine(&m, false))
        return;
    put_handler(&m);
    open_gic(&m);
    PUT_CODE(m.ram, CODE, 0xd503207f /* wfi */, 0x17ffffff /* b CODE */);
    set_redist(&m, HV_GIC_REDISTRIBUTOR_REG_GICR_IGROUPR0, 1u << 27);
    set_redist(&m, HV_GIC_REDISTRIBUTOR_REG_GICR_ISENABLER0, 1u << 27);
    CHECK_EQ(run_for(&m, 20), HV_EXIT_REASON_CANCELED); /* waits, and can be cancelled */
    uint64_t deadline = mach_absolute_time() + ms_to_ticks(20);
    CHECK_EQ(hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_CNTV_CVAL_EL0, deadline), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_CNTV_CTL_EL0, 1), HV_SUCCESS);
    if (run_to_hvc(&m, 1)) {
        CHECK_EQ(reg(&m, HV_REG_X0), 27);
        CHECK(mach_absolute_time() >= deadline);
    }
    end_machine(&m);
}

static void pending_interrupt_is_the_gics(void)
{
    struct machine m;
    if (!new_gic_machine(&m, false))
        return;
#ifdef __APPLE__
    hv_vcpu_set_pending_interrupt(m.vcpu, HV_INTERRUPT_TYPE_IRQ, true); /* depends on the release */
#else
    CHECK_EQ(hv_vcpu_set_pending_interrupt(m.vcpu, HV_INTERRUPT_TYPE_IRQ, true), HV_UNSUPPORTED);
#endif
    PUT_CODE(m.ram, CODE, HVC_0);
    run_to_hvc(&m, 0);
    CHECK_EQ(sys_reg(&m, HV_SYS_REG_CNTP_CTL_EL0) & 3, 0); /* exists in a VM with a GIC */
    end_machine(&m);
}

static void state(void)
{
    struct machine m;
    size_t size = 0;
    if (!new_gic_machine(&m, false))
        return;
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1, 0x1234);
    set_dist(HV_GIC_DISTRIBUTOR_REG_GICD_IPRIORITYR9, 0x50607080);
    hv_gic_state_t saved = hv_gic_state_create();
    if (!CHECK(saved))
        return;
    CHECK_EQ(hv_gic_state_get_size(saved, &size), HV_SUCCESS);
    uint8_t *data = malloc(size + 1);
    CHECK_EQ(hv_gic_state_get_data(saved, data), HV_SUCCESS);
    os_release(saved);
    CHECK_EQ(hv_gic_reset(), HV_SUCCESS);
    CHECK_EQ(dist(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1), 0);
    CHECK_EQ(hv_gic_set_state(data, size / 2), HV_BAD_ARGUMENT);
    memset(data + size, 0, 1);
    uint8_t first = data[0];
    data[0] ^= 0xff;
    CHECK_EQ(hv_gic_set_state(data, size), HV_BAD_ARGUMENT);
    data[0] = first;
    CHECK_EQ(hv_gic_set_state(data, size), HV_SUCCESS);
    CHECK_EQ(dist(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1), 0x1234);
    CHECK_EQ(dist(HV_GIC_DISTRIBUTOR_REG_GICD_IPRIORITYR9), 0x50607080);
    free(data);
    end_machine(&m);
}

int main(void)
{
    TEST(geometry);
    TEST_ALONE(configuration);
    TEST_ALONE(too_late);
    TEST_ALONE(without_gic);
    TEST_ALONE(argument_errors);
    TEST_ALONE(registers_keep_values);
    TEST_ALONE(shared_interrupt);
    TEST_ALONE(message);
    TEST_ALONE(timer_wakes_wfi);
    TEST_ALONE(pending_interrupt_is_the_gics);
    TEST_ALONE(state);
    return test_done();
}
