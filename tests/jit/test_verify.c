/* SPDX-License-Identifier: MIT */
/*
 * Does mode "verify" find wrong translations? Small guests run once, verified; then a byte of the
 * code that was made for them is changed behind the product's back (this test is linked with its
 * internals), and the next run must end and say what differs. What is right must pass.
 */
#include "../test.h"
#include "soft/cpu.h"
#include "soft/jit/code.h"
#include "soft/verify.h"

#include <Hypervisor/Hypervisor.h>
#include <hvx.h>
#include <libkern/OSCacheControl.h>

#define RAM       UINT64_C(0x40000000)
#define RAM_BYTES 0x10000u
#define HVC       0xd4000002u
#define RWX       (HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC)

static uint8_t *ram;
static hv_vcpu_t vcpu;
static hv_vcpu_exit_t *vm_exit;
static struct cpu *cpu; /* the same vCPU from within */

static bool open_vm(void)
{
    setenv("TINYVMM_BACKEND", "soft", 1);
    if (!hvx_set_option("jit", "verify") || !hvx_set_option("jit-heat", "1")) {
        TEST_SKIP("no translator for this host");
        return false;
    }
    if (posix_memalign((void **)&ram, 0x4000, RAM_BYTES))
        return CHECK(false);
    memset(ram, 0, RAM_BYTES);
    return CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS) &&
           CHECK_EQ(hv_vm_map(ram, RAM, RAM_BYTES, RWX), HV_SUCCESS) &&
           CHECK_EQ(hv_vcpu_create(&vcpu, &vm_exit, NULL), HV_SUCCESS) &&
           CHECK((cpu = machine.cpus[0]) != NULL);
}

static void close_vm(void)
{
    CHECK_EQ(hv_vcpu_destroy(vcpu), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(ram);
}

/* From the first instruction, with registers that name their number. */
static hv_return_t run(void)
{
    for (unsigned n = 0; n < 31; n++)
        hv_vcpu_set_reg(vcpu, HV_REG_X0 + n, RAM + 0x1000 * (n & 7) + 0x8000);
    hv_vcpu_set_reg(vcpu, HV_REG_CPSR, 0x3c5);
    hv_vcpu_set_reg(vcpu, HV_REG_PC, RAM);
    return hv_vcpu_run(vcpu);
}

static uint64_t reg(hv_reg_t r)
{
    uint64_t value = 0;
    hv_vcpu_get_reg(vcpu, r, &value);
    return value;
}

/* Change a 32-bit constant wherever it is in what was translated. */
static bool corrupt(uint32_t was, uint32_t is)
{
    const struct jit *jit = cpu->jit;
    unsigned places = 0;
    if (!CHECK(jit))
        return false;
    for (uint8_t *at = jit->rw + jit->base; at + 4 <= jit->rw + jit->used; at++) {
        if (memcmp(at, &was, 4) == 0) {
            memcpy(at, &is, 4);
            places++;
        }
    }
    return CHECK(places > 0);
}

static void check_says(const char *text, const char *wanted)
{
    if (strstr(text, wanted))
        return;
    printf("# it says: %s\n", text);
    test_check(false, __FILE__, __LINE__, wanted);
}

/* Run `words`, replace the constant `was` of its code by `is`, run again: that must end with a
 * message that has all of `says`. */
struct mistake {
    uint32_t words[4], was, is;
    const char *says[4];
};

static void check_found(const struct mistake *m)
{
    if (!open_vm())
        return;
    memcpy(ram, m->words, sizeof m->words);
    sys_icache_invalidate(ram, sizeof m->words);
    CHECK_EQ(run(), HV_SUCCESS);
    CHECK_EQ(cpu->stats[STAT_VERIFIED], 0); /* not warm */
    CHECK_EQ(run(), HV_SUCCESS);
    CHECK_EQ(cpu->stats[STAT_VERIFIED] > 0, 1);
    CHECK_EQ(*hvx_last_error(), 0);
    memset(ram + 0x8000, 0, 0x8000);
    if (corrupt(m->was, m->is)) {
        CHECK_EQ(run(), HV_ERROR);
        const char *text = hvx_last_error();
        check_says(text, BLOCK_MAX_INSNS > 1 ? "block at 0x40000000 (physical 0x40000000, EL1)"
                                             : "translated code differs from the interpreter");
        for (unsigned n = 0; n < 4 && m->says[n]; n++)
            check_says(text, m->says[n]);
        CHECK_EQ(*hvx_last_error(), 0); /* said once */
    }
    close_vm();
}

/* movz x0, #0x1234 */
static void a_register(void)
{
    check_found(
        &(struct mistake){{0xd2824680, HVC},
                          0x1234,
                          0x1235,
                          {BLOCK_MAX_INSNS > 1 ? "\n  d2824680 d4000002\n" : "\n  d2824680\n",
                           "\n  x0: interpreted 0x0000000000001234, translated "
                           "0x0000000000001235"}});
}

/* movz x0, #0x777; cmp x0, #0x778 */
static void the_flags(void)
{
    check_found(&(struct mistake){{0xd280eee0, 0xf11de01f, HVC},
                                  0x778,
                                  0x777,
                                  {"\n  flags: interpreted Nzcv, translated nZCv"}});
}

/* str x0, [x1, #0x358] */
static void the_place_of_a_store(void)
{
    check_found(&(struct mistake){{0xf901ac20, HVC},
                                  0x358,
                                  0x360,
                                  {"memory at physical 0x40009358: interpreted 00 80 00 40 00 00 "
                                   "00 00, translated 00 00 00 00 00 00 00 00",
                                   "memory at physical 0x40009360: interpreted 00 00"}});
}

/* b .+0x123c4 */
static void where_it_goes(void)
{
    check_found(&(struct mistake){{0xd503201f, 0x140048f1},
                                  0x400123c8,
                                  0x400123c4,
                                  {"\n  pc: interpreted 0x00000000400123c8, translated "
                                   "0x00000000400123c4"}});
}

/* movz x2, #0x5678; ldr x3, [x4, #0x7ff8] above what is there: the run ends in the block. */
static void before_a_fault(void)
{
    check_found(&(struct mistake){
        {0xd28acf02, 0xf97ffc83, HVC}, 0x5678, 0x5679, {"\n  x2: interpreted 0x0000000000005678"}});
}

/* Memory is what the interpreter made of it, also after a difference. */
static void memory_stays_right(void)
{
    static const uint32_t words[] = {0xd2824680, 0xf9000020, HVC}; /* movz x0, #0x1234; str x0 */
    uint64_t value;
    if (BLOCK_MAX_INSNS == 1) {
        TEST_SKIP("in the hostile build the block ends before the store");
        return;
    }
    if (!open_vm())
        return;
    memcpy(ram, words, sizeof words);
    CHECK_EQ(run(), HV_SUCCESS);
    CHECK_EQ(run(), HV_SUCCESS);
    memcpy(&value, ram + 0x9000, 8);
    CHECK_EQ(value, 0x1234);
    memset(ram + 0x9000, 0xff, 8);
    if (corrupt(0x1234, 0x1235))
        CHECK_EQ(run(), HV_ERROR);
    memcpy(&value, ram + 0x9000, 8);
    CHECK_EQ(value, 0x1234);
    CHECK_EQ(reg(HV_REG_X0), 0x1234);
    CHECK_EQ(reg(HV_REG_PC), RAM + 12);
    close_vm();
}

/* mrs x0, cntvct_el0; movz x1, #1: the counter is read once, in a block of its own. */
static void time_is_not_compared(void)
{
    static const uint32_t words[] = {0xd2800021, 0xd53be040, 0xd2800042, HVC};
    if (!open_vm())
        return;
    memcpy(ram, words, sizeof words);
    for (unsigned n = 0; n < 100; n++)
        CHECK_EQ(run(), HV_SUCCESS);
    const unsigned blocks = BLOCK_MAX_INSNS == 1 ? 3 : 2; /* besides */
    CHECK_EQ(cpu->stats[STAT_VERIFY_ONCE], 100 + blocks);
    CHECK_EQ(cpu->stats[STAT_VERIFIED], 99 * blocks);
    CHECK_EQ(reg(HV_REG_X1), 1);
    CHECK_EQ(reg(HV_REG_X2), 2);
    CHECK(reg(HV_REG_X0) != 0);
    close_vm();
}

int main(void)
{
    TEST_ALONE(a_register);
    TEST_ALONE(the_flags);
    TEST_ALONE(the_place_of_a_store);
    TEST_ALONE(where_it_goes);
    TEST_ALONE(before_a_fault);
    TEST_ALONE(memory_stays_right);
    TEST_ALONE(time_is_not_compared);
    return test_done();
}
