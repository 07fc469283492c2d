/* SPDX-License-Identifier: MIT */
/*
 * What remembers a generation of the fetches (cpu->fetch_gen) must not take another one for it,
 * four thousand million later: here they begin anew after a few. Linked with the product's
 * internals, to move the number.
 */
#include "../test.h"
#include "soft/cpu.h"

#include <Hypervisor/Hypervisor.h>
#include <hvx.h>

#define PAGE    UINT64_C(0x4000)
#define CALLER  UINT64_C(0x40000000)
#define CALLED  UINT64_C(0x40100000)
#define OTHER   UINT64_C(0x40200000)
#define BLR_X1  0xd63f0020u
#define MOVZ(n) (0xd2800000u | (uint32_t)(n) << 5) /* mov x0, #n */
#define RET     0xd65f03c0u
#define HVC     0xd4000002u
#define AT      0x100 /* in the called page: another slot of the jump cache than the caller */

static hv_vcpu_t vcpu;
static struct cpu *cpu;
static uint8_t *page[4];

static void put(uint8_t *at, uint32_t first, uint32_t second)
{
    memcpy(at, &first, 4);
    memcpy(at + 4, &second, 4);
}

static bool map(uint8_t *host, uint64_t ipa)
{
    return CHECK_EQ(hv_vm_map(host, ipa, PAGE, 7), HV_SUCCESS);
}

static bool open_vm(const char *jit)
{
    hv_vcpu_exit_t *unused;
    setenv("TINYVMM_BACKEND", "soft", 1);
    if (!hvx_set_option("jit", jit) || !hvx_set_option("jit-heat", "1")) {
        TEST_SKIP("no translator for this host");
        return false;
    }
    for (unsigned n = 0; n < 4; n++)
        if (posix_memalign((void **)&page[n], PAGE, PAGE))
            return CHECK(false);
    put(page[0], BLR_X1, HVC);
    put(page[1] + AT, MOVZ(1), RET);
    put(page[2] + AT, MOVZ(2), RET);
    return CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS) && map(page[0], CALLER) &&
           map(page[1], CALLED) && map(page[3], OTHER) &&
           CHECK_EQ(hv_vcpu_create(&vcpu, &unused, NULL), HV_SUCCESS) &&
           CHECK((cpu = machine.cpus[0]) != NULL);
}

static void close_vm(void)
{
    CHECK_EQ(hv_vcpu_destroy(vcpu), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    for (unsigned n = 0; n < 4; n++)
        free(page[n]);
}

/* What the called page returns. */
static uint64_t call(void)
{
    uint64_t x0 = 0;
    hv_vcpu_set_reg(vcpu, HV_REG_CPSR, 0x3c5);
    hv_vcpu_set_reg(vcpu, HV_REG_PC, CALLER);
    hv_vcpu_set_reg(vcpu, HV_REG_X1, CALLED + AT);
    CHECK_EQ(hv_vcpu_run(vcpu), HV_SUCCESS);
    hv_vcpu_get_reg(vcpu, HV_REG_X0, &x0);
    return x0;
}

/* A mapping that goes is a generation, served when the vCPU runs next: here to an HVC. */
static void next_generation(void)
{
    CHECK_EQ(hv_vm_unmap(OTHER, PAGE), HV_SUCCESS);
    map(page[3], OTHER);
    hv_vcpu_set_reg(vcpu, HV_REG_PC, CALLER + 4);
    CHECK_EQ(hv_vcpu_run(vcpu), HV_SUCCESS);
}

static void old_jumps_are_forgotten(const char *jit)
{
    if (!open_vm(jit))
        return;
    for (unsigned n = 0; n < 20; n++)
        next_generation();
    for (unsigned n = 0; n < 8; n++)
        CHECK_EQ(call(), 1); /* which is in the jump cache then */
    const uint32_t then = cpu->fetch_gen;
    CHECK_EQ(hv_vm_unmap(CALLED, PAGE), HV_SUCCESS);
    map(page[2], CALLED);
    cpu->fetch_gen = UINT32_MAX;
    next_generation();
    CHECK(cpu->fetch_gen < then);
    cpu->fetch_gen = then; /* where it will be some time */
    CHECK_EQ(call(), 2);
    close_vm();
}

static void in_translated_code(void)
{
    old_jumps_are_forgotten("on");
}

static void in_the_interpreter(void)
{
    old_jumps_are_forgotten("off");
}

/* No generation is 0, what an entry that was never used has. */
static void none_is_zero(void)
{
    if (!open_vm("on"))
        return;
    CHECK_EQ(call(), 1);
    cpu->fetch_gen = UINT32_MAX;
    fetch_changed(cpu);
    CHECK(cpu->fetch_gen != 0);
    CHECK_EQ(call(), 1);
    close_vm();
}

int main(void)
{
    TEST(in_translated_code);
    TEST(in_the_interpreter);
    TEST(none_is_zero);
    return test_done();
}
