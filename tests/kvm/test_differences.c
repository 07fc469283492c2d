/* SPDX-License-Identifier: MIT */
/*
 * docs/DIFFERENCES.md, "kvm": what the Linux kernel answers inside, held to be so. A test of the
 * common suite that is skipped on KVM has its counterpart here. Where another release of Linux does
 * better, a line of that page can go.
 */
#include "kvm_test.h"
#include <hvx.h>
#include <mach/mach_time.h>
#include <time.h>

#define VECTORS 0x8000u
#define DATA    0x20000u
#define NOWHERE 0x700000u

/* An exception of the guest's own, of this class. */
static void guest_exception(unsigned class)
{
    if (run(0x16) && CHECK_EQ(iss(), 99))
        CHECK_EQ(sys(HV_SYS_REG_ESR_EL1) >> 26, class);
}

static void start_with_vectors(void)
{
    const uint32_t code[] = {HVC(99)};
    start();
    memcpy(memory + VECTORS + 0x200, code, sizeof code);
    sys_icache_invalidate(memory + VECTORS + 0x200, sizeof code);
    set_sys(HV_SYS_REG_VBAR_EL1, VECTORS);
}

static void *cancel_later(void *unused)
{
    (void)unused;
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    CHECK_EQ(hv_vcpus_exit(&vcpu, 1), 0);
    return NULL;
}

static void run_until_cancelled(void)
{
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, cancel_later, NULL), 0);
    CHECK_EQ(hv_vcpu_run(vcpu), 0);
    CHECK_EQ(vmexit->reason, HV_EXIT_REASON_CANCELED);
    pthread_join(thread, NULL);
}

static void arm_architecture_calls(void)
{
    start();
    LOAD(HVC(0), HVC(0), HVC(1));
    set(HV_REG_X0, 0x80000000); /* SMCCC_VERSION */
    run(0x16);
    CHECK_EQ(iss(), 0);
    CHECK_EQ(reg(HV_REG_PC), CODE + 8); /* the first was answered: 1.1 or later */
    CHECK(reg(HV_REG_X0) >= 0x10001);
    set(HV_REG_PC, CODE);
    set(HV_REG_X0, 0x8000ffff);
    run(0x16);
    CHECK_EQ(reg(HV_REG_PC), CODE + 8);
    CHECK_EQ((int64_t)reg(HV_REG_X0), -1);
    set(HV_REG_PC, CODE + 4);
    set(HV_REG_X0, 0x80010000);
    run(0x16);
    CHECK_EQ(iss(), 0);
    stop();
}

static void smc_with_another_immediate(void)
{
    start();
    LOAD(0xd40000e3 /* smc #7 */, HVC(1));
    run(0x16);
    CHECK_EQ(iss(), 1);
    CHECK_EQ((int64_t)reg(HV_REG_X0), -1);
    stop();
}

static void fetch_outside_memory(void)
{
    start_with_vectors();
    LOAD(0xd61f0020 /* br x1 */);
    set(HV_REG_X1, NOWHERE);
    guest_exception(0x21);
    CHECK_EQ(sys(HV_SYS_REG_ESR_EL1) & 0x3f, 0x10); /* external abort */
    CHECK_EQ(sys(HV_SYS_REG_FAR_EL1), NOWHERE);
    /* Where the vectors are not there either, it never ends. */
    set_sys(HV_SYS_REG_VBAR_EL1, NOWHERE);
    set(HV_REG_PC, CODE);
    run_until_cancelled();
    stop();
}

/* Between the VM's size and the CPU's: an external abort, with the guest-physical address for FAR.
 */
static void beyond_the_vms_size(void)
{
    uint32_t most = 0;
    CHECK_EQ(hv_vm_config_get_max_ipa_size(&most), 0);
    start_with_vectors();
    if (most < 38) {
        TEST_SKIP("the host has no larger addresses than the VM");
        stop();
        return;
    }
    uint64_t *table = (uint64_t *)(memory + DATA);
    table[0] = 0x701;
    table[1] = 1ull << 37 | 0x701; /* 128 GiB at 1 GiB */
    sys_icache_invalidate(table, 16);
    LOAD(0xf9400041 /* ldr x1, [x2] */);
    set_sys(HV_SYS_REG_MAIR_EL1, 0xff);
    set_sys(HV_SYS_REG_TTBR0_EL1, DATA);
    set_sys(HV_SYS_REG_TCR_EL1, 25 | 1 << 23 | 2ull << 32);
    set_sys(HV_SYS_REG_SCTLR_EL1, 0x30d00801);
    set(HV_REG_X2, 0x40000128);
    guest_exception(0x25);
    CHECK_EQ(sys(HV_SYS_REG_ESR_EL1) & 0x3f, 0x10);
    CHECK_EQ(sys(HV_SYS_REG_FAR_EL1), 1ull << 37 | 0x128);
    stop();
}

/* A table of the guest's that is not there: the walk's abort is the guest's, too. */
static void tables_outside_memory(void)
{
    start_with_vectors();
    uint64_t *table = (uint64_t *)(memory + DATA);
    table[0] = 0x701;
    table[1] = HOLE | 3;
    sys_icache_invalidate(table, 16);
    LOAD(0xf9400041 /* ldr x1, [x2] */);
    set_sys(HV_SYS_REG_MAIR_EL1, 0xff);
    set_sys(HV_SYS_REG_TTBR0_EL1, DATA);
    set_sys(HV_SYS_REG_TCR_EL1, 25 | 1 << 23);
    set_sys(HV_SYS_REG_SCTLR_EL1, 0x30d00801);
    set(HV_REG_X2, 0x40000128);
    guest_exception(0x25);
    CHECK_EQ(sys(HV_SYS_REG_FAR_EL1), 0x40000128);
    stop();
}

static void no_execute_right(void)
{
    const uint32_t code[] = {0xf9400041 /* ldr x1, [x2] */, HVC(7)};
    start();
    memcpy(memory + DATA, code, sizeof code);
    sys_icache_invalidate(memory + DATA, sizeof code);
    CHECK_EQ(hv_vm_protect(DATA, 0x4000, HV_MEMORY_READ), 0);
    set(HV_REG_X2, DATA);
    set(HV_REG_PC, DATA);
    run(0x16);
    CHECK_EQ(reg(HV_REG_X1), (uint64_t)code[1] << 32 | code[0]);
    CHECK_EQ(hv_vm_protect(DATA, 0x4000, HV_MEMORY_WRITE), 0);
    set(HV_REG_PC, DATA);
    run(0x16);
    CHECK_EQ(iss(), 7);
    stop();
}

static void waits_inside(void)
{
    uint64_t time = 0;
    mach_timebase_info_data_t base;
    start();
    LOAD(0xd503207f /* wfi */, HVC(1));
    run_until_cancelled();
    CHECK_EQ(hv_vcpu_get_exec_time(vcpu, &time), 0);
    mach_timebase_info(&base);
    CHECK(time * base.numer / base.denom >= 40000000); /* the wait counts as time of execution */
    run(0x16);
    CHECK_EQ(reg(HV_REG_PC), CODE + 8);
    LOAD(0xd503205f /* wfe */, HVC(1)); /* in the host, an event may always be there */
    run(0x16);
    stop();
}

/* Memory that the client has taken away from under a mapping. */
static void lost_host_memory(void)
{
    start();
    LOAD(0xf9400041 /* ldr x1, [x2] */);
    set(HV_REG_X2, DATA);
    CHECK_EQ(munmap(memory + DATA, 0x4000), 0);
    CHECK_EQ(hv_vcpu_run(vcpu), HV_ERROR);
    CHECK(strstr(hvx_last_error(), "KVM_RUN: Bad address"));
    stop();
}

static void registers_inside(void)
{
    start_with_vectors();
    LOAD(0xd5384603 /* mrs x3, icc_pmr_el1 */, HVC(1));
    guest_exception(0);
    LOAD(0xd538f003 /* mrs x3, s3_0_c15_c0_0: implementation defined */, HVC(1));
    guest_exception(0);
    LOAD(0xd53be223 /* mrs x3, cntp_ctl_el0 */, 0xd51be243 /* msr cntp_cval_el0, x3 */, HVC(1));
    run(0x16);
    CHECK_EQ(iss(), 1);
    CHECK_EQ(reg(HV_REG_X3) & 1, 0);
    stop();
}

static void debug_registers_cannot_be_trapped(void)
{
    bool on = true;
    start();
    CHECK_EQ(hv_vcpu_set_trap_debug_reg_accesses(vcpu, true), HV_UNSUPPORTED);
    CHECK(strstr(hvx_last_error(), "debug register"));
    CHECK_EQ(hv_vcpu_get_trap_debug_reg_accesses(vcpu, &on), 0);
    CHECK(!on);
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu, true), 0); /* is not lost with it */
    CHECK_EQ(hv_vcpu_set_trap_debug_reg_accesses(vcpu, true), HV_UNSUPPORTED);
    CHECK_EQ(hv_vcpu_get_trap_debug_exceptions(vcpu, &on), 0);
    CHECK(on);
    CHECK_EQ(hv_vcpu_set_trap_debug_reg_accesses(vcpu, false), 0);
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu, false), 0);
    LOAD(0xd5100085 /* msr dbgbvr0_el1, x5 */, 0xd5300086 /* mrs x6, dbgbvr0_el1 */, HVC(1));
    set(HV_REG_X5, 0x12345678);
    run(0x16);
    CHECK_EQ(reg(HV_REG_X6), 0x12345678);
    stop();
}

static void cache_maintenance_is_skipped(void)
{
    start();
    LOAD(0xd50b7e22 /* dc civac, x2 */, HVC(1));
    set(HV_REG_X2, HOLE);
    run(0x16);
    CHECK_EQ(iss(), 1);
    stop();
}

/* Levels and kinds of faults: two are told apart. */
static void fault_status(void)
{
    start();
    LOAD(0xf9000041 /* str x1, [x2] */, 0xf9000061 /* str x1, [x3] */,
         0x3d800040 /* str q0, [x2] */);
    set(HV_REG_X2, HOLE);
    set(HV_REG_X3, DATA);
    CHECK_EQ(hv_vm_protect(DATA, 0x4000, HV_MEMORY_READ), 0);
    run(0x24);
    CHECK_EQ(iss() & 0x3f, 0x07);
    set(HV_REG_PC, CODE + 4);
    run(0x24);
    CHECK_EQ(iss() & 0x3f, 0x0f);
    set(HV_REG_PC, CODE + 8);
    set_sys(HV_SYS_REG_CPACR_EL1, 3 << 20);
    run(0x24);
    CHECK_EQ(iss() >> 24, 0); /* not described: more than one general register */
    stop();
}

/* The offset is subtracted from the physical counter too. */
static void one_offset(void)
{
    const uint64_t offset = 1ull << 40;
    start();
    LOAD(0xd5033fdf /* isb */, 0xd53be020 /* mrs x0, cntpct_el0 */,
         0xd53be041 /* mrs x1, cntvct_el0 */, HVC(0));
    CHECK_EQ(hv_vcpu_set_vtimer_offset(vcpu, offset), 0);
    run(0x16);
    uint64_t now = mach_absolute_time() - offset;
    CHECK(now - reg(HV_REG_X1) < 1ull << 36);
    CHECK(reg(HV_REG_X1) - reg(HV_REG_X0) < 1ull << 36);
    stop();
}

static void id_registers_are_the_hosts(void)
{
    start();
    uint64_t pfr0 = sys(HV_SYS_REG_ID_AA64PFR0_EL1);
    CHECK_EQ(pfr0 & 0xff, 0x11); /* no AArch32 */
    CHECK_EQ(hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_ID_AA64PFR0_EL1, pfr0), 0);
    CHECK_EQ(hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_ID_AA64PFR0_EL1, pfr0 ^ 0xf000), HV_BAD_ARGUMENT);
    stop();
}

static void *another_vcpu(void *unused)
{
    hv_vcpu_t other;
    hv_vcpu_exit_t *other_exit;
    (void)unused;
    CHECK_EQ(hv_vcpu_create(&other, &other_exit, NULL), HV_BUSY);
    return NULL;
}

static void no_vcpu_after_the_gic_has_started(void)
{
    pthread_t thread;
    CHECK_EQ(hv_vm_create(NULL), 0);
    hv_gic_config_t config = hv_gic_config_create();
    CHECK_EQ(hv_gic_config_set_distributor_base(config, 0x8000000), 0);
    CHECK_EQ(hv_gic_config_set_redistributor_base(config, 0x80a0000), 0);
    CHECK_EQ(hv_gic_create(config), 0);
    os_release(config);
    CHECK_EQ(hv_vm_allocate((void **)&memory, SIZE, 0), 0);
    CHECK_EQ(hv_vm_map(memory, 0, SIZE, HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC), 0);
    CHECK_EQ(hv_vcpu_create(&vcpu, &vmexit, NULL), 0);
    set(HV_REG_CPSR, 0x3c5);
    LOAD(HVC(0));
    run(0x16);
    CHECK_EQ(pthread_create(&thread, NULL, another_vcpu, NULL), 0);
    pthread_join(thread, NULL);
    CHECK_EQ(hv_gic_set_spi(992, true), HV_BAD_ARGUMENT);
    stop();
}

int main(void)
{
    TEST_ALONE(arm_architecture_calls);
    TEST_ALONE(smc_with_another_immediate);
    TEST_ALONE(fetch_outside_memory);
    TEST_ALONE(beyond_the_vms_size);
    TEST_ALONE(tables_outside_memory);
    TEST_ALONE(no_execute_right);
    TEST_ALONE(waits_inside);
    TEST_ALONE(lost_host_memory);
    TEST_ALONE(registers_inside);
    TEST_ALONE(debug_registers_cannot_be_trapped);
    TEST_ALONE(cache_maintenance_is_skipped);
    TEST_ALONE(fault_status);
    TEST_ALONE(one_offset);
    TEST_ALONE(id_registers_are_the_hosts);
    TEST_ALONE(no_vcpu_after_the_gic_has_started);
    return test_done();
}
