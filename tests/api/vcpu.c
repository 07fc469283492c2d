/* SPDX-License-Identifier: MIT */
/* Virtual CPUs: handles and threads, registers, and hv_vcpus_exit(). */
#include "api.h"

#include <sched.h>
#include <stdatomic.h>

/* ---- handles and threads ------------------------------------------------------------------------
 */

static void one_per_thread(void)
{
    struct machine m;
    hv_vcpu_t other;
    hv_vcpu_exit_t *exit;
    if (!new_machine(&m))
        return;
    CHECK_EQ(hv_vcpu_create(&other, &exit, NULL), HV_BUSY);
    CHECK_EQ(hv_vcpu_destroy(m.vcpu), HV_SUCCESS);
    if (new_vcpu(&m, CODE)) {
        PUT_CODE(m.ram, CODE, HVC_0);
        run_to_hvc(&m, 0);
    }
    end_machine(&m);
}

static void *stranger(void *arg)
{
    struct machine *m = arg;
    uint64_t value = 77;
    hv_simd_fp_uchar16_t vector = {0};
    bool flag;
    CHECK_EQ(hv_vcpu_get_reg(m->vcpu, HV_REG_X0, &value), HV_BAD_ARGUMENT);
    CHECK_EQ(value, 77); /* results are written on success only */
    CHECK_EQ(hv_vcpu_set_reg(m->vcpu, HV_REG_X0, 1), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_get_sys_reg(m->vcpu, HV_SYS_REG_SCTLR_EL1, &value), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_set_sys_reg(m->vcpu, HV_SYS_REG_SCTLR_EL1, 1), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_get_simd_fp_reg(m->vcpu, HV_SIMD_FP_REG_Q0, &vector), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_set_simd_fp_reg(m->vcpu, HV_SIMD_FP_REG_Q0, vector), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_get_pending_interrupt(m->vcpu, HV_INTERRUPT_TYPE_IRQ, &flag), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_set_pending_interrupt(m->vcpu, HV_INTERRUPT_TYPE_IRQ, true), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_get_trap_debug_exceptions(m->vcpu, &flag), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(m->vcpu, true), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_get_exec_time(m->vcpu, &value), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_run(m->vcpu), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_destroy(m->vcpu), HV_BAD_ARGUMENT);
    return NULL;
}

static void only_the_owner(void)
{
    struct machine m;
    pthread_t thread;
    if (!new_machine(&m))
        return;
    CHECK_EQ(pthread_create(&thread, NULL, stranger, &m), 0);
    pthread_join(thread, NULL);
    PUT_CODE(m.ram, CODE, HVC_0);
    run_to_hvc(&m, 0);
    end_machine(&m);
}

static void bad_handles(void)
{
    struct machine m;
    uint64_t value;
    if (!new_machine(&m))
        return;
    hv_vcpu_t wrong = m.vcpu + 1, huge = UINT64_MAX;
    CHECK_EQ(hv_vcpu_get_reg(wrong, HV_REG_X0, &value), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_run(huge), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpus_exit(&wrong, 1), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpus_exit(&huge, 1), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpus_exit(&m.vcpu, 0), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_destroy(m.vcpu), HV_SUCCESS);
    CHECK_EQ(hv_vcpus_exit(&m.vcpu, 1), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_get_reg(m.vcpu, HV_REG_X0, &value), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_destroy(m.vcpu), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(m.ram);
}

/* As many vCPUs as the host allows, all alive at once, each running its own code. */
static struct {
    struct machine m;
    uint32_t max;
    atomic_uint arrived;
    pthread_mutex_t lock;
    pthread_cond_t go_on;
    bool leave;
    uint64_t handles;
} crowd = {.lock = PTHREAD_MUTEX_INITIALIZER, .go_on = PTHREAD_COND_INITIALIZER};

static void *crowd_member(void *arg)
{
    struct machine m = crowd.m;
    uint64_t number = (uint64_t)(uintptr_t)arg;
    if (new_vcpu(&m, CODE)) {
        set_reg(&m, HV_REG_X0, number);
        if (run_to_hvc(&m, 0))
            CHECK_EQ(reg(&m, HV_REG_X0), number + 1);
    }
    pthread_mutex_lock(&crowd.lock);
    crowd.arrived++;
    CHECK(m.vcpu < 64 && !(crowd.handles >> m.vcpu & 1));
    crowd.handles |= 1ull << (m.vcpu & 63);
    pthread_cond_broadcast(&crowd.go_on);
    while (!crowd.leave)
        pthread_cond_wait(&crowd.go_on, &crowd.lock);
    pthread_mutex_unlock(&crowd.lock);
    CHECK_EQ(hv_vcpu_destroy(m.vcpu), HV_SUCCESS);
    return NULL;
}

static void as_many_as_possible(void)
{
    pthread_t thread[64];
    hv_vcpu_t vcpu;
    hv_vcpu_exit_t *exit;
    if (!CHECK_EQ(hv_vm_get_max_vcpu_count(&crowd.max), HV_SUCCESS) ||
        !CHECK(crowd.max >= 1 && crowd.max <= 64) || !new_ram(&crowd.m))
        return;
    PUT_CODE(crowd.m.ram, CODE, INCREMENT_X0, HVC_0);
    for (uint32_t i = 0; i < crowd.max; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, crowd_member, (void *)(uintptr_t)i), 0);
    pthread_mutex_lock(&crowd.lock);
    while (crowd.arrived < crowd.max)
        pthread_cond_wait(&crowd.go_on, &crowd.lock);
    CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), HV_NO_RESOURCES);
    crowd.leave = true;
    pthread_cond_broadcast(&crowd.go_on);
    pthread_mutex_unlock(&crowd.lock);
    for (uint32_t i = 0; i < crowd.max; i++)
        pthread_join(thread[i], NULL);
    if (new_vcpu(&crowd.m, CODE)) { /* there is room again */
        run_to_hvc(&crowd.m, 0);
        end_machine(&crowd.m);
    }
}

#ifndef __APPLE__
static void *forgetful(void *arg)
{
    struct machine m = *(struct machine *)arg;
    new_vcpu(&m, CODE);
    return NULL;
}

/* A thread that ends takes its vCPU along, so the VM can be destroyed. */
static void thread_ends(void)
{
    struct machine m;
    pthread_t thread;
    if (!new_ram(&m))
        return;
    CHECK_EQ(pthread_create(&thread, NULL, forgetful, &m), 0);
    pthread_join(thread, NULL);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(m.ram);
}
#endif

/* ---- registers ----------------------------------------------------------------------------------
 */

static void general_registers(void)
{
    struct machine m;
    uint64_t value;
    if (!new_machine(&m))
        return;
    for (hv_reg_t r = HV_REG_X0; r <= HV_REG_X30; r++)
        CHECK_EQ(reg(&m, r), 0);
    for (hv_reg_t r = HV_REG_X0; r <= HV_REG_X30; r++)
        set_reg(&m, r, 0x0123456789abcdef * (r + 1));
    set_reg(&m, HV_REG_PC, 0x1234567890);
    set_reg(&m, HV_REG_CPSR, 0x600003c4);
    set_reg(&m, HV_REG_FPCR, 0x01000000);
    set_reg(&m, HV_REG_FPSR, 0x08000001);
    for (hv_reg_t r = HV_REG_X0; r <= HV_REG_X30; r++)
        CHECK_EQ(reg(&m, r), 0x0123456789abcdef * (r + 1));
    CHECK_EQ(reg(&m, HV_REG_FP), 0x0123456789abcdef * 30);
    CHECK_EQ(reg(&m, HV_REG_LR), 0x0123456789abcdef * 31);
    CHECK_EQ(reg(&m, HV_REG_PC), 0x1234567890);
    CHECK_EQ(reg(&m, HV_REG_CPSR), 0x600003c4);
    CHECK_EQ(reg(&m, HV_REG_FPCR), 0x01000000);
    CHECK_EQ(reg(&m, HV_REG_FPSR), 0x08000001);
    CHECK_EQ(hv_vcpu_get_reg(m.vcpu, HV_REG_CPSR + 1, &value), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_set_reg(m.vcpu, HV_REG_CPSR + 1, 0), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_set_reg(m.vcpu, UINT32_MAX, 0), HV_BAD_ARGUMENT);
    end_machine(&m);
}

static void vector_registers(void)
{
    struct machine m;
    hv_simd_fp_uchar16_t value, back;
    if (!new_machine(&m))
        return;
    for (hv_simd_fp_reg_t r = HV_SIMD_FP_REG_Q0; r <= HV_SIMD_FP_REG_Q31; r++) {
        for (int i = 0; i < 16; i++)
            value[i] = (uint8_t)(16 * r + i);
        CHECK_EQ(hv_vcpu_set_simd_fp_reg(m.vcpu, r, value), HV_SUCCESS);
    }
    for (hv_simd_fp_reg_t r = HV_SIMD_FP_REG_Q0; r <= HV_SIMD_FP_REG_Q31; r++) {
        CHECK_EQ(hv_vcpu_get_simd_fp_reg(m.vcpu, r, &back), HV_SUCCESS);
        for (int i = 0; i < 16; i++)
            if (!CHECK_EQ(back[i], (uint8_t)(16 * r + i)))
                break;
    }
    CHECK_EQ(hv_vcpu_get_simd_fp_reg(m.vcpu, HV_SIMD_FP_REG_Q31 + 1, &back), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_set_simd_fp_reg(m.vcpu, HV_SIMD_FP_REG_Q31 + 1, back), HV_BAD_ARGUMENT);
    end_machine(&m);
}

/* The registers that an EL1 kernel's context consists of start at 0 and keep what is written. */
static void context_registers(void)
{
    static const struct {
        hv_sys_reg_t reg;
        uint64_t value;
    } regs[] = {
        {HV_SYS_REG_TTBR0_EL1, 0x0001000040001000},
        {HV_SYS_REG_TTBR1_EL1, 0x0002000040003000},
        {HV_SYS_REG_SPSR_EL1, 0x600003c5},
        {HV_SYS_REG_ELR_EL1, 0xffff800010000004},
        {HV_SYS_REG_SP_EL0, 0x7ffffff0},
        {HV_SYS_REG_SP_EL1, 0xffff000012345670},
        {HV_SYS_REG_ESR_EL1, 0x56000001},
        {HV_SYS_REG_FAR_EL1, 0xdead0000beef0000},
        {HV_SYS_REG_MAIR_EL1, 0x00000000004404ff},
        {HV_SYS_REG_CONTEXTIDR_EL1, 0x1234},
        {HV_SYS_REG_TPIDR_EL0, 0x1111222233334444},
        {HV_SYS_REG_TPIDR_EL1, 0x5555666677778888},
        {HV_SYS_REG_TPIDRRO_EL0, 0x9999aaaabbbbcccc},
        {HV_SYS_REG_CNTV_CVAL_EL0, 0x00000001fedcba98},
        {HV_SYS_REG_VBAR_EL1, 0xffff800010001800},
    };
    const size_t count = sizeof regs / sizeof regs[0];
    struct machine m;
    if (!new_machine(&m))
        return;
    for (size_t i = 0; i + 1 < count; i++) /* VBAR_EL1 was set by the test itself */
        if (strcmp(backend_asked(), "kvm") || regs[i].reg != HV_SYS_REG_CNTV_CVAL_EL0)
            CHECK_EQ(sys_reg(&m, regs[i].reg), 0);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(hv_vcpu_set_sys_reg(m.vcpu, regs[i].reg, regs[i].value), HV_SUCCESS);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(sys_reg(&m, regs[i].reg), regs[i].value);
    end_machine(&m);
}

static void unknown_registers(void)
{
    static const hv_sys_reg_t unknown[] = {0xc10c, 0x0000, 0xffff, 0xc001, 0xdf00, 0x8003, 0xc660};
    static const hv_sys_reg_t absent[] = {
        HV_SYS_REG_CNTP_CTL_EL0, HV_SYS_REG_CNTP_CVAL_EL0, HV_SYS_REG_CNTP_TVAL_EL0,
        HV_SYS_REG_SCTLR_EL2,    HV_SYS_REG_HCR_EL2,       HV_SYS_REG_VTTBR_EL2,
        HV_SYS_REG_SP_EL2,       HV_SYS_REG_CNTHCTL_EL2,   0xe019 /* MDCR_EL2 of macOS 15 */,
    };
    struct machine m;
    uint64_t value;
    if (!new_machine(&m))
        return;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        CHECK_EQ(hv_vcpu_get_sys_reg(m.vcpu, unknown[i], &value), HV_BAD_ARGUMENT);
        CHECK_EQ(hv_vcpu_set_sys_reg(m.vcpu, unknown[i], 0), HV_BAD_ARGUMENT);
    }
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        CHECK_EQ(hv_vcpu_get_sys_reg(m.vcpu, absent[i], &value), HV_UNSUPPORTED);
        CHECK_EQ(hv_vcpu_set_sys_reg(m.vcpu, absent[i], 0), HV_UNSUPPORTED);
    }
    end_machine(&m);
}

/* Every register that can be read can be written with what it showed. */
static void write_what_was_read(void)
{
    struct machine m;
    unsigned found = 0;
    if (!new_machine(&m))
        return;
    for (unsigned r = 0x8000; r <= 0xffff; r++) {
        uint64_t value = 0, back = 0;
        if (hv_vcpu_get_sys_reg(m.vcpu, (hv_sys_reg_t)r, &value) != HV_SUCCESS)
            continue;
        found++;
        char text[80];
        snprintf(text, sizeof text, "register 0x%04x = 0x%" PRIx64 " cannot be written back", r,
                 value);
        hv_return_t error = hv_vcpu_set_sys_reg(m.vcpu, (hv_sys_reg_t)r, value);
        if (!test_check(error == HV_SUCCESS, __FILE__, __LINE__, text))
            break;
        CHECK_EQ(hv_vcpu_get_sys_reg(m.vcpu, (hv_sys_reg_t)r, &back), HV_SUCCESS);
        CHECK_EQ(back, value);
    }
    CHECK(found >= 60);
    end_machine(&m);
}

/* The host reads back what it wrote; the guest sees the bit that is always one. */
static void mpidr(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, 0xd53800a1 /* mrs x1, mpidr_el1 */, HVC_0);
    CHECK_EQ(hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_MPIDR_EL1, 0x80000102), HV_SUCCESS);
    CHECK_EQ(sys_reg(&m, HV_SYS_REG_MPIDR_EL1) & 0xffffff, 0x102);
    if (run_to_hvc(&m, 0))
        CHECK_EQ(reg(&m, HV_REG_X1), 0x80000102);
    end_machine(&m);
}

/* A client may change what the guest reads of its CPU. */
static void id_register_override(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, 0xd5380700 /* mrs x0, id_aa64mmfr0_el1 */, HVC_0);
    uint64_t value = (sys_reg(&m, HV_SYS_REG_ID_AA64MMFR0_EL1) & ~15ull) | 1; /* PARange 36 bits */
    CHECK_EQ(hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_ID_AA64MMFR0_EL1, value), HV_SUCCESS);
    CHECK_EQ(sys_reg(&m, HV_SYS_REG_ID_AA64MMFR0_EL1), value);
    if (run_to_hvc(&m, 0))
        CHECK_EQ(reg(&m, HV_REG_X0), value);
    end_machine(&m);
}

/* ---- hv_vcpus_exit()
 * ------------------------------------------------------------------------------ */

static void exit_is_sticky(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, INCREMENT_X0, HVC_0);
    CHECK_EQ(hv_vcpus_exit(&m.vcpu, 1), HV_SUCCESS);
    CHECK_EQ(hv_vcpus_exit(&m.vcpu, 1), HV_SUCCESS); /* twice is once */
    CHECK_EQ(hv_vcpu_run(m.vcpu), HV_SUCCESS);
    CHECK_EQ(m.exit->reason, HV_EXIT_REASON_CANCELED);
    CHECK_EQ(reg(&m, HV_REG_PC), CODE); /* nothing has run */
    CHECK_EQ(reg(&m, HV_REG_X0), 0);
    if (run_to_hvc(&m, 0))
        CHECK_EQ(reg(&m, HV_REG_X0), 1);
    end_machine(&m);
}

static struct {
    struct machine m;
    atomic_bool stop, created;
    pthread_mutex_t lock;
    pthread_cond_t counted;
    unsigned runs; /* under the lock */
} race = {.lock = PTHREAD_MUTEX_INITIALIZER, .counted = PTHREAD_COND_INITIALIZER};

/* A guest in an endless loop; counts the runs that were cancelled. */
static void *looper(void *arg)
{
    (void)arg;
    struct machine m = race.m;
    if (!new_vcpu(&m, CODE))
        return NULL;
    race.m.vcpu = m.vcpu;
    atomic_store(&race.created, true);
    while (!atomic_load(&race.stop)) {
        if (!CHECK_EQ(hv_vcpu_run(m.vcpu), HV_SUCCESS) ||
            !CHECK_EQ(m.exit->reason, HV_EXIT_REASON_CANCELED))
            break;
        pthread_mutex_lock(&race.lock);
        race.runs++;
        pthread_cond_signal(&race.counted);
        pthread_mutex_unlock(&race.lock);
    }
    CHECK_EQ(hv_vcpu_destroy(m.vcpu), HV_SUCCESS);
    return NULL;
}

static bool start_race(pthread_t *thread, void *(*main_function)(void *))
{
    if (!new_ram(&race.m))
        return false;
    PUT_CODE(race.m.ram, CODE, INCREMENT_X0, 0x17ffffff /* b CODE */);
    return CHECK_EQ(pthread_create(thread, NULL, main_function, NULL), 0);
}

static void end_race(pthread_t thread)
{
    atomic_store(&race.stop, true);
    hv_vcpus_exit(&race.m.vcpu, 1);
    pthread_join(thread, NULL);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(race.m.ram);
}

/* 10,000 times: each request ends one run. A lost one would hang the test. */
static void exit_from_another_thread(void)
{
    const unsigned rounds = test_rounds(10000);
    pthread_t thread;
    if (!start_race(&thread, looper))
        return;
    while (!atomic_load(&race.created))
        sched_yield();
    for (unsigned i = 0; i < rounds; i++) {
        if (!CHECK_EQ(hv_vcpus_exit(&race.m.vcpu, 1), HV_SUCCESS))
            break;
        pthread_mutex_lock(&race.lock);
        while (race.runs == i)
            pthread_cond_wait(&race.counted, &race.lock);
        bool once = CHECK_EQ(race.runs, i + 1);
        pthread_mutex_unlock(&race.lock);
        if (!once)
            break;
    }
    end_race(thread);
}

/* vCPUs that come and go while another thread cancels whatever has that handle. */
static void *comer_and_goer(void *arg)
{
    const unsigned rounds = test_rounds(300);
    (void)arg;
    for (unsigned i = 0; i < rounds; i++) {
        struct machine m = race.m;
        if (!new_vcpu(&m, CODE))
            break;
        race.m.vcpu = m.vcpu;
        atomic_store(&race.created, true);
        if (i % 3 == 0) {
            CHECK_EQ(hv_vcpu_run(m.vcpu), HV_SUCCESS);
            CHECK_EQ(m.exit->reason, HV_EXIT_REASON_CANCELED);
        }
        CHECK_EQ(hv_vcpu_destroy(m.vcpu), HV_SUCCESS);
    }
    atomic_store(&race.stop, true);
    return NULL;
}

static void exit_races_with_destroy(void)
{
    pthread_t thread;
    if (!start_race(&thread, comer_and_goer))
        return;
    while (!atomic_load(&race.created))
        sched_yield();
    hv_vcpu_t vcpu = race.m.vcpu; /* the only one, so it comes back each time */
    while (!atomic_load(&race.stop)) {
        hv_return_t r = hv_vcpus_exit(&vcpu, 1);
        if (!CHECK(r == HV_SUCCESS || r == HV_BAD_ARGUMENT))
            break;
    }
    end_race(thread);
}

int main(void)
{
    TEST_ALONE(one_per_thread);
    TEST_ALONE(only_the_owner);
    TEST_ALONE(bad_handles);
    TEST_ALONE(as_many_as_possible);
#ifndef __APPLE__
    TEST_ALONE(thread_ends);
#endif
    TEST_ALONE(general_registers);
    TEST_ALONE(vector_registers);
    TEST_ALONE(context_registers);
    TEST_ALONE(unknown_registers);
    TEST_ALONE(write_what_was_read);
    TEST_ALONE(mpidr);
    TEST_ALONE(id_register_override);
    TEST_ALONE(exit_is_sticky);
    TEST_ALONE(exit_from_another_thread);
    TEST_ALONE(exit_races_with_destroy);
    return test_done();
}
