/* SPDX-License-Identifier: MIT */
/*
 * A guest's loop is stopped from outside, thousands of times, anywhere: what the client finds then
 * must be the state between two instructions, NZCV too, which nothing in the loop has use for.
 */
#include "../test.h"

#include <Hypervisor/Hypervisor.h>
#include <stdatomic.h>

#define RAM       UINT64_C(0x40000000)
#define RAM_BYTES 0x10000u
#define START     (RAM + 0x1000)
#define RWX       (HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC)
#define STEP      UINT64_C(0x9e3779b97f4a7c15)
#define LIMIT     UINT64_C(0x7b1fa2c35d84e961)

static hv_vcpu_t vcpu;
static atomic_bool stop;

static void *kick(void *arg)
{
    (void)arg;
    while (!stop) {
        usleep(30);
        hv_vcpus_exit(&vcpu, 1);
    }
    return NULL;
}

static uint64_t reg(hv_reg_t r)
{
    uint64_t value = 0;
    hv_vcpu_get_reg(vcpu, r, &value);
    return value;
}

static uint64_t nzcv_of(uint64_t a, uint64_t b)
{
    const uint64_t r = a - b, v = (a ^ b) & (a ^ r);
    return (r >> 63) << 31 | (uint64_t)!r << 30 | (uint64_t)(a >= b) << 29 | (v >> 63) << 28;
}

static void check_state(void)
{
    const uint64_t pc = reg(HV_REG_PC), x2 = reg(HV_REG_X2);
    const uint64_t compared = pc == START + 8 ? x2 - STEP : x2;
    CHECK(pc >= START && pc <= START + 12);
    if (compared != 0)
        CHECK_EQ(reg(HV_REG_CPSR) & 0xf0000000, nzcv_of(compared, LIMIT));
}

/* ldrb w3, [x0]; add x2, x2, x5; cmp x2, x4; b.ne: the load sees NZCV if it faults. With MOV
 * for the load, so that nothing does. */
static void stops(uint32_t first)
{
    const uint32_t words[] = {first, 0x8b050042, 0xeb04005f, 0x54ffffa1, 0xd4000002};
    hv_vcpu_exit_t *vm_exit;
    pthread_t thread;
    uint8_t *ram;
    setenv("TINYVMM_BACKEND", "soft", 1);
    if (!CHECK(!posix_memalign((void **)&ram, 0x4000, RAM_BYTES)))
        return;
    memset(ram, 0, RAM_BYTES);
    memcpy(ram + (START - RAM), words, sizeof words);
    if (!CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS) ||
        !CHECK_EQ(hv_vm_map(ram, RAM, RAM_BYTES, RWX), HV_SUCCESS) ||
        !CHECK_EQ(hv_vcpu_create(&vcpu, &vm_exit, NULL), HV_SUCCESS))
        return;
    hv_vcpu_set_reg(vcpu, HV_REG_X0, RAM + 0x2000);
    hv_vcpu_set_reg(vcpu, HV_REG_X2, 0);
    hv_vcpu_set_reg(vcpu, HV_REG_X4, LIMIT);
    hv_vcpu_set_reg(vcpu, HV_REG_X5, STEP);
    hv_vcpu_set_reg(vcpu, HV_REG_CPSR, 0x3c5);
    hv_vcpu_set_reg(vcpu, HV_REG_PC, START);
    stop = false;
    if (!CHECK(!pthread_create(&thread, NULL, kick, NULL)))
        return;
    for (unsigned n = test_rounds(4000); n > 0; n--) {
        if (!CHECK_EQ(hv_vcpu_run(vcpu), HV_SUCCESS) ||
            !CHECK_EQ(vm_exit->reason, HV_EXIT_REASON_CANCELED))
            break;
        check_state();
    }
    stop = true;
    pthread_join(thread, NULL);
    CHECK_EQ(hv_vcpu_destroy(vcpu), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(ram);
}

static void a_loop_with_a_load(void)
{
    stops(0x39400003);
}

static void a_loop_that_cannot_fault(void)
{
    stops(0xaa0103e1); /* mov x1, x1 */
}

int main(void)
{
    TEST_ALONE(a_loop_with_a_load);
    TEST_ALONE(a_loop_that_cannot_fault);
    return test_done();
}
