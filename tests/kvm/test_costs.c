/* SPDX-License-Identifier: MIT */
/*
 * What an exit costs in system calls, counted (faulty.h). One KVM_RUN, what the translation has to
 * look at, and of the registers those alone that the client asks for or changes.
 */
#include "faulty.h"
#include "kvm_test.h"
#include <linux/kvm.h>

static void expect(unsigned runs, unsigned gets, unsigned sets, int line)
{
    const struct {
        const char *name;
        unsigned got, want;
    } counts[] = {{"KVM_RUN", faulty_count(KVM_RUN), runs},
                  {"KVM_GET_ONE_REG", faulty_count(KVM_GET_ONE_REG), gets},
                  {"KVM_SET_ONE_REG", faulty_count(KVM_SET_ONE_REG), sets},
                  {"ioctl", faulty_count_all(), runs + gets + sets}};
    for (unsigned i = 0; i < 4; i++)
        test_check_eq(counts[i].got, counts[i].want, __FILE__, line, counts[i].name);
    faulty_forget();
}
#define COSTS(runs, gets, sets) expect(runs, gets, sets, __LINE__)

/* The guest's MMU: 1 GiB blocks at their own addresses (D8.3), the first of memory, the second of a
 * device. */
static void mmu_on(void)
{
    uint64_t *table = (uint64_t *)(memory + 0x20000);
    table[0] = 0x701;
    table[1] = 0x40000000 | 0x60000000000705;
    sys_icache_invalidate(table, 16);
    set_sys(HV_SYS_REG_MAIR_EL1, 0xff);
    set_sys(HV_SYS_REG_TTBR0_EL1, 0x20000);
    set_sys(HV_SYS_REG_TCR_EL1, 25 | 1 << 23);
    set_sys(HV_SYS_REG_SCTLR_EL1, 0x30d00801);
}

/* PC, and SCTLR_EL1 to find the instruction, whose immediate KVM does not tell; with the guest's
 * MMU on also TCR_EL1 and a table. */
static void hypercall(void)
{
    start();
    LOAD(HVC(0), HVC(1), HVC(0), 0x17fffffd /* b CODE */);
    run(0x16);
    faulty_forget();
    for (unsigned i = 0; i < 5; i++) {
        run(0x16);
        COSTS(1, 2, 0);
    }
    /* A call with a number, an argument and a result. */
    for (unsigned i = 0; i < 5; i++) {
        run(0x16);
        set(HV_REG_X0, reg(HV_REG_X0) + reg(HV_REG_X1) + reg(HV_REG_PC));
        CHECK_EQ(reg(HV_REG_X0), reg(HV_REG_X0));
        COSTS(1, 4, i > 0); /* the result of the call before */
    }
    mmu_on();
    run(0x16);
    faulty_forget();
    for (unsigned i = 0; i < 5; i++) {
        run(0x16);
        COSTS(1, 4, 0);
    }
    stop();
}

/* The kernel itself writes the register of a load and PC: no KVM_SET_ONE_REG at all. */
static void device_access(void)
{
    start();
    LOAD(0xb9400041 /* ldr w1, [x2] */, 0xb9000441 /* str w1, [x2, #4] */, 0x17fffffe /* b CODE */);
    set(HV_REG_X2, HOLE);
    for (unsigned mmu = 0; mmu < 2; mmu++) {
        run(0x24);
        set(HV_REG_X1, 1);
        set(HV_REG_PC, CODE + 4);
        run(0x24);
        set(HV_REG_PC, CODE + 8);
        faulty_forget();
        for (unsigned i = 1; i < 5; i++) {
            run(0x24);
            CHECK_EQ(vmexit->exception.physical_address, HOLE);
            set(HV_REG_X1, i);
            set(HV_REG_PC, reg(HV_REG_PC) + 4);
            COSTS(1, mmu ? 5 : 2, 0); /* x2, for the virtual address */
            run(0x24);
            CHECK_EQ(vmexit->exception.physical_address, HOLE + 4);
            CHECK_EQ(reg(HV_REG_X1), i);
            set(HV_REG_PC, reg(HV_REG_PC) + 4);
            COSTS(1, mmu ? 6 : 3, 0);
        }
        mmu_on();
    }
    stop();
}

/* One that comes before the run costs nothing at all. */
static void cancel(void)
{
    start();
    LOAD(HVC(0));
    faulty_forget();
    CHECK_EQ(hv_vcpus_exit(&vcpu, 1), 0);
    CHECK_EQ(hv_vcpu_run(vcpu), 0);
    CHECK_EQ(vmexit->reason, HV_EXIT_REASON_CANCELED);
    COSTS(0, 0, 0);
    stop();
}

int main(void)
{
    TEST_ALONE(hypercall);
    TEST_ALONE(device_access);
    TEST_ALONE(cancel);
    return test_done();
}
