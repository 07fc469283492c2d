/* SPDX-License-Identifier: MIT */
/*
 * Wild guests: all vCPUs write random system registers and random registers of the GIC at once,
 * while the client does the same from its side. Nothing may crash, hang, or touch what lies around
 * guest memory on the host. By the public API alone. With an even seed everything is translated at
 * its first run.
 *
 *   test_wild [SEED [SECONDS]]
 */
#include <Hypervisor/Hypervisor.h>
#include <hvx.h>

#include "../test.h"

#include <stdatomic.h>
#include <time.h>

#define VCPUS      4u
#define RAM        0x40000000ull
#define RAM_BYTES  0x100000u
#define GUARD      0x10000u /* on both sides of guest memory on the host */
#define GUARD_BYTE 0xa5
#define DIST       0x08000000ull
#define MSI        0x08020000ull
#define REDIST     0x080a0000ull
#define HANG       30 /* seconds in which a vCPU has to come out at least once */

static uint64_t first_seed = 1;
static uint8_t *host;
static hv_vcpu_t vcpus[VCPUS];
static uint16_t known[1024]; /* system registers of the API */
static unsigned known_count;
static atomic_uint alive;
static atomic_bool stop;
static atomic_ulong runs[VCPUS], odd_exits;

static uint64_t rnd(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Mostly one that there is; of the GIC's CPU interface; or any. */
static uint16_t some_register(uint64_t *s)
{
    const uint64_t r = rnd(s);
    switch (r % 8) {
    case 0: return 0xc230; /* ICC_PMR_EL1 */
    case 1:
    case 2:
    case 3: return (uint16_t)(0xc640 | (r >> 8 & 0x3f)); /* S3_0_C12_C8-15: ICC_* */
    case 4: return (uint16_t)(0x8000 | r >> 16);
    default: return known[(r >> 16) % known_count];
    }
}

static uint32_t some_word(uint64_t *s)
{
    static const uint32_t words[] = {
        0xf9400000, 0xf9000000, 0xb9400000, 0xb9000000, 0x79400000, 0x79000000, 0x39400000,
        0x39000000, 0xa9400000, 0xa9000000, 0x885f7c00, 0x88007c00, 0xf8200000, 0xb8e00000,
        0xd503205f, 0xd503207f, 0xd503209f, 0xd50320bf, 0xd5033fdf, 0xd5033f9f, 0xd5034fdf,
        0xd5034fff, 0xd50340df, 0xd50340ff, 0xd4000002, 0xd4000001, 0xd50041bf, 0xd508871f,
        0xd508831f, 0xd5087800, 0x14000010, 0xd4200000, 0xd2800000,
    };
    const uint64_t r = rnd(s);
    if (r % 2) { /* MSR, MRS Xt; seldom what makes every instruction from there on a fault */
        uint16_t reg = some_register(s);
        if ((reg == HV_SYS_REG_SCTLR_EL1 || reg == HV_SYS_REG_VBAR_EL1) && r >> 24 & 31)
            reg = 0xc230;
        return 0xd5100000 | (uint32_t)(r >> 8 & 1) << 21 | (reg & 0x7fffu) << 5 |
               (uint32_t)(r >> 16 & 31);
    }
    const uint32_t word = words[(r >> 8) % (sizeof words / sizeof words[0])];
    if (r >> 60 == 0)
        return (uint32_t)(r >> 8);
    if (word >> 24 == 0xd5 || word >> 24 == 0xd4 || word >> 24 == 0xd6 || word >> 26 == 5)
        return word;
    return word | (uint32_t)(r >> 32 & 0x3ff) | (uint32_t)(r >> 44 & 31) << 16;
}

/* Where a load or store may go: the GIC, memory, anywhere; aligned for the most part. */
static uint64_t some_address(uint64_t *s)
{
    const uint64_t r = rnd(s), aligned = r >> 60 ? ~7ull : ~0ull;
    switch (r % 8) {
    case 0:
    case 1: return DIST + ((r >> 8) % 0x1000 & aligned);
    case 2: return DIST + ((r >> 8) % 0x10000 & aligned);
    case 3: return REDIST + (r >> 8) % (VCPUS + 1) * 0x20000 + ((r >> 16) % 0x20000 & aligned);
    case 4: return REDIST + (r >> 8) % VCPUS * 0x20000 + 0x10000 + ((r >> 16) % 0xd00 & aligned);
    case 5: return MSI + ((r >> 8) % 0x1000 & aligned);
    case 6: return RAM + ((r >> 8) % RAM_BYTES & aligned);
    default: return rnd(s);
    }
}

static uint64_t some_value(uint64_t *s)
{
    const uint64_t r = rnd(s);
    return r % 4 == 0 ? rnd(s) & rnd(s) & rnd(s) : r % 4 == 1 ? r >> 54 : some_address(s);
}

static void new_state(hv_vcpu_t v, uint64_t *s)
{
    const uint64_t r = rnd(s);
    for (unsigned n = 0; n < 31; n++)
        hv_vcpu_set_reg(v, (hv_reg_t)(HV_REG_X0 + n), some_value(s));
    for (unsigned n = 0; n < 8; n++)
        hv_vcpu_set_sys_reg(v, (hv_sys_reg_t)some_register(s), some_value(s));
    if (r & 3) { /* live long: MMU off, vectors that go on */
        hv_vcpu_set_sys_reg(v, HV_SYS_REG_SCTLR_EL1, 0x30d00800);
        hv_vcpu_set_sys_reg(v, HV_SYS_REG_VBAR_EL1, RAM);
    }
    for (unsigned n = 0; n < 4; n++)
        hv_gic_set_icc_reg(v, (hv_gic_icc_reg_t)(0xc640 | (rnd(s) & 0x3f)), some_value(s));
    if (r >> 6 & 3) { /* interrupts arrive */
        hv_gic_set_icc_reg(v, HV_GIC_ICC_REG_PMR_EL1, 0xf8);
        hv_gic_set_icc_reg(v, HV_GIC_ICC_REG_IGRPEN0_EL1, 1);
        hv_gic_set_icc_reg(v, HV_GIC_ICC_REG_IGRPEN1_EL1, 1);
        hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_CTLR, 3);
        hv_gic_set_redistributor_reg(v, HV_GIC_REDISTRIBUTOR_REG_GICR_ISENABLER0, rnd(s));
    }
    hv_vcpu_set_vtimer_mask(v, r >> 8 & 1);
    hv_vcpu_set_trap_debug_exceptions(v, r >> 9 & 1);
    hv_vcpu_set_trap_debug_reg_accesses(v, r >> 10 & 1);
    hv_vcpu_set_pending_interrupt(v, HV_INTERRUPT_TYPE_IRQ, r >> 11 & 1);
    hv_vcpu_set_reg(v, HV_REG_CPSR, (r >> 12 & 0x3c0) | (r >> 30 & 1 ? 5 : 0));
    hv_vcpu_set_reg(v, HV_REG_PC, RAM + (rnd(s) % RAM_BYTES & ~3ull));
}

static void *vcpu_main(void *argument)
{
    const unsigned n = (unsigned)(uintptr_t)argument;
    uint64_t s = first_seed * 100 + n, pc = 0;
    hv_vcpu_exit_t *e;
    if (!CHECK_EQ(hv_vcpu_create(&vcpus[n], &e, NULL), HV_SUCCESS))
        return "vCPU not created";
    hv_vcpu_set_sys_reg(vcpus[n], HV_SYS_REG_MPIDR_EL1, n);
    atomic_fetch_add(&alive, 1);
    const char *wrong = NULL;
    while (!stop && !wrong) {
        if (rnd(&s) % 4 == 0 || hv_vcpu_get_reg(vcpus[n], HV_REG_PC, &pc) != HV_SUCCESS)
            new_state(vcpus[n], &s);
        else
            hv_vcpu_set_reg(vcpus[n], HV_REG_PC, pc + 4);
        const hv_return_t r = hv_vcpu_run(vcpus[n]);
        atomic_fetch_add(&runs[n], 1);
        if (r != HV_SUCCESS && r != HV_ILLEGAL_GUEST_STATE)
            wrong = "hv_vcpu_run failed";
        if (r == HV_SUCCESS && e->reason == HV_EXIT_REASON_UNKNOWN)
            atomic_fetch_add(&odd_exits, 1);
    }
    atomic_fetch_sub(&alive, 1);
    while (atomic_load(&alive)) /* until nobody runs, so that hv_vcpus_exit knows all handles */
        usleep(1000);
    hv_vcpu_destroy(vcpus[n]);
    return (void *)(uintptr_t)wrong;
}

/* What a client may do while vCPUs run. */
static void disturb(uint64_t *s)
{
    const uint64_t r = rnd(s);
    uint64_t value;
    switch (r % 8) {
    case 0:
    case 1: hv_gic_set_spi((uint32_t)(r >> 8) % 1024, r >> 32 & 1); break;
    case 2: hv_gic_send_msi(MSI + 0x40, (uint32_t)(r >> 8) % 1024); break;
    case 3:
        hv_gic_set_distributor_reg((hv_gic_distributor_reg_t)(r >> 8 & 0xfffc), some_value(s));
        break;
    case 4:
        hv_gic_get_distributor_reg((hv_gic_distributor_reg_t)(r >> 8 & 0xfffc), &value);
        hv_gic_set_distributor_reg(
            (hv_gic_distributor_reg_t)(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER0 + (r >> 8 & 0x7c)),
            rnd(s));
        break;
    case 5: hv_gic_get_msi_reg((hv_gic_msi_reg_t)(r >> 8 & 0xffc), &value); break;
    case 6: os_release(hv_gic_state_create()); break;
    default: hv_vcpus_exit(vcpus, VCPUS);
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* True if a vCPU has not come out for HANG seconds. */
static bool hangs(double when)
{
    static unsigned long seen[VCPUS];
    static double since[VCPUS];
    for (unsigned n = 0; n < VCPUS; n++) {
        const unsigned long count = atomic_load(&runs[n]);
        if (count != seen[n] || since[n] == 0) {
            seen[n] = count;
            since[n] = when;
        }
        if (when - since[n] > HANG)
            return true;
    }
    return false;
}

static bool guards_intact(void)
{
    for (unsigned n = 0; n < GUARD; n++)
        if (host[n] != GUARD_BYTE || host[GUARD + RAM_BYTES + n] != GUARD_BYTE)
            return false;
    return true;
}

/* Random code behind vectors that go on: an exception skips the instruction, an interrupt is taken,
 * ended, and masked from there on. They are in guest memory too, and may be spoiled like all of it.
 */
static void fill_memory(uint64_t *s)
{
    static const uint32_t skip[] = {0xd538403d, 0x910013bd, 0xd518403d, 0xd69f03e0};
    static const uint32_t ends[][6] = {
        {0xd538cc1d, 0xd518cc3d, 0xd538401d, 0xb27a07bd, 0xd518401d, 0xd69f03e0}, /* group 1 */
        {0xd538c81d, 0xd518c83d, 0xd538401d, 0xb27a07bd, 0xd518401d, 0xd69f03e0}, /* group 0 */
    };
    for (unsigned n = 0; n < RAM_BYTES; n += 4)
        memcpy(host + GUARD + n, &(uint32_t){some_word(s)}, 4);
    for (unsigned n = 0; n < 16; n++) {
        uint8_t *vector = host + GUARD + n * 0x80;
        if (n % 4 == 1 || n % 4 == 2)
            memcpy(vector, ends[n % 4 - 1], sizeof ends[0]);
        else
            memcpy(vector, skip, sizeof skip);
    }
}

static bool make_machine(uint64_t *s)
{
    if (posix_memalign((void **)&host, 0x10000, RAM_BYTES + 2 * GUARD))
        return false;
    memset(host, GUARD_BYTE, RAM_BYTES + 2 * GUARD);
    if (hv_vm_create(NULL) != HV_SUCCESS)
        return false;
    hv_gic_config_t config = hv_gic_config_create();
    hv_gic_config_set_distributor_base(config, DIST);
    hv_gic_config_set_redistributor_base(config, REDIST);
    hv_gic_config_set_msi_region_base(config, MSI);
    hv_gic_config_set_msi_interrupt_range(config, 64, 64);
    const hv_return_t r = hv_gic_create(config);
    os_release(config);
    hv_vcpu_t v;
    hv_vcpu_exit_t *e;
    uint64_t value;
    if (r != HV_SUCCESS || hv_vcpu_create(&v, &e, NULL) != HV_SUCCESS)
        return false;
    for (unsigned id = 0x8000; id < 0x10000 && known_count < 1024; id++)
        if (hv_vcpu_get_sys_reg(v, (hv_sys_reg_t)id, &value) == HV_SUCCESS)
            known[known_count++] = (uint16_t)id;
    if (!known_count || hv_vcpu_destroy(v) != HV_SUCCESS)
        return false;
    fill_memory(s);
    return hv_vm_map(host + GUARD, RAM, RAM_BYTES, 7) == HV_SUCCESS;
}

static const char *wild(double seconds)
{
    uint64_t s = first_seed;
    pthread_t thread[VCPUS];
    const char *wrong = NULL;
    if (first_seed % 2 == 0)
        hvx_set_option("jit-heat", "1");
    if (!make_machine(&s))
        return "no VM with a GIC";
    for (unsigned n = 0; n < VCPUS; n++)
        pthread_create(&thread[n], NULL, vcpu_main, (void *)(uintptr_t)n);
    while (atomic_load(&alive) < VCPUS)
        usleep(100);
    const double end = now() + seconds;
    for (double t = now(); t < end; t = now()) {
        for (unsigned n = 0; n < 16; n++)
            disturb(&s);
        usleep(100);
        if (hangs(t)) {
            printf("not ok - gic: wild guests, seed %" PRIu64 ": a vCPU hangs\n", first_seed);
            fflush(stdout);
            _exit(1);
        }
    }
    stop = true;
    for (unsigned n = 0; n < VCPUS; n++) {
        void *result;
        while (atomic_load(&alive)) {
            hv_vcpus_exit(vcpus, VCPUS);
            usleep(1000);
        }
        pthread_join(thread[n], &result);
        wrong = result ? result : wrong;
    }
    if (!guards_intact())
        wrong = "memory around the guest's was written";
    hv_vm_destroy();
    free(host);
    return wrong;
}

int main(int argc, char **argv)
{
    unsigned long all = 0;
    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 0);
    const char *wrong = wild(argc > 2 ? atof(argv[2]) : 3);
    for (unsigned n = 0; n < VCPUS; n++)
        all += atomic_load(&runs[n]);
    printf("%s - gic: wild guests, %u vCPUs, seed %" PRIu64 "%s%s\n", wrong ? "not ok" : "ok",
           VCPUS, first_seed, wrong ? ": " : "", wrong ? wrong : "");
    printf("# %lu runs, %lu with an unknown reason\n", all, atomic_load(&odd_exits));
    return wrong != NULL;
}
