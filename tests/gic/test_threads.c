/* SPDX-License-Identifier: MIT */
/*
 * Several vCPU threads and device threads at once; for the thread sanitizer too. Nothing may be
 * lost: every interrupt that was sent is taken, every level is answered, every vCPU that sleeps is
 * woken.
 */
#include "gic_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define VCPUS  4u
#define ROUNDS 3000u
#define LEVELS 4u

struct cpu {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool woken;
};

static struct gic *gic;
static struct cpu cpus[VCPUS];
static atomic_uint level_high[LEVELS]; /* the device's wire, lowered by the handler */
static atomic_uint level_taken[LEVELS];
static atomic_uint msi_taken, sgi_taken[VCPUS], spurious, timeouts;
static atomic_bool stop;

static void wake(void *ctx, unsigned vcpu)
{
    (void)ctx;
    pthread_mutex_lock(&cpus[vcpu].lock);
    cpus[vcpu].woken = true;
    pthread_cond_signal(&cpus[vcpu].wake);
    pthread_mutex_unlock(&cpus[vcpu].lock);
}

/* What a WFI does: sleep until a line is up. A wake-up that never comes shows as a time-out, which
 * is long: the thread that is about to wake this one may have to wait for a processor itself. */
static void wait_for_interrupt(unsigned vcpu)
{
    struct cpu *c = &cpus[vcpu];
    struct timespec until;
    pthread_mutex_lock(&c->lock);
    while (!c->woken && !gic_irq_pending(gic, vcpu) && !atomic_load(&stop)) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 20;
        if (pthread_cond_timedwait(&c->wake, &c->lock, &until) && !c->woken &&
            gic_irq_pending(gic, vcpu)) {
            atomic_fetch_add(&timeouts, 1);
        }
    }
    c->woken = false;
    pthread_mutex_unlock(&c->lock);
}

static void handle(unsigned vcpu, unsigned intid)
{
    if (intid < 16) {
        atomic_fetch_add(&sgi_taken[vcpu], 1);
    } else if (intid >= 40 && intid < 40 + LEVELS) {
        unsigned i = intid - 40;
        gic_set_spi(gic, intid, false);
        atomic_fetch_add(&level_taken[i], 1);
        atomic_store(&level_high[i], 0);
    } else if (intid >= 100) {
        atomic_fetch_add(&msi_taken, 1);
    }
}

static void *vcpu_main(void *arg)
{
    unsigned vcpu = (unsigned)(size_t)arg;
    uint64_t intid;
    while (!atomic_load(&stop)) {
        wait_for_interrupt(vcpu);
        while (gic_irq_pending(gic, vcpu)) {
            gic_icc_read(gic, vcpu, IAR1, &intid);
            if (intid == 1023) {
                atomic_fetch_add(&spurious, 1);
                continue;
            }
            handle(vcpu, (unsigned)intid);
            gic_icc_write(gic, vcpu, EOIR1, intid);
        }
    }
    return NULL;
}

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

/* Raises its wires and waits for each to be lowered by the handler. */
static void *device_main(void *arg)
{
    unsigned i = (unsigned)(size_t)arg;
    for (unsigned k = 0; k < ROUNDS / 10 && !atomic_load(&stop); k++) {
        atomic_store(&level_high[i], 1);
        gic_set_spi(gic, 40 + i, true);
        for (unsigned wait = 0; atomic_load(&level_high[i]) && wait < 100000; wait++) {
            pause_a_little();
        }
    }
    return NULL;
}

/* MSIs collapse while they are pending: the next one goes out when the last is taken. */
static void *msi_main(void *arg)
{
    (void)arg;
    for (unsigned k = 0; k < ROUNDS; k++) {
        uint64_t value = 100 + k % 20;
        gic_mmio(gic, MSI + 0x40, 4, true, &value, 0);
        for (unsigned wait = 0; atomic_load(&msi_taken) <= k && wait < 100000; wait++) {
            pause_a_little();
        }
    }
    return NULL;
}

static void *ipi_main(void *arg)
{
    (void)arg;
    for (unsigned k = 0; k < ROUNDS; k++) {
        unsigned target = k % VCPUS, before = atomic_load(&sgi_taken[target]);
        gic_icc_write(gic, (k + 1) % VCPUS, SGI1R, (uint64_t)(k % 16) << 24 | 1u << target);
        for (unsigned wait = 0; atomic_load(&sgi_taken[target]) == before && wait < 100000;
             wait++) {
            pause_a_little();
        }
    }
    return NULL;
}

/* Moves the interrupts around, and looks at everything, while they fly. */
static void *tuner_main(void *arg)
{
    (void)arg;
    uint64_t value;
    for (unsigned k = 0; !atomic_load(&stop); k++) {
        value = k % 3 == 2 ? 1ull << 31 : k % VCPUS;
        gic_mmio(gic, DIST + IROUTER + 8 * (40 + k % LEVELS), 8, true, &value, 0);
        value = k * 8 % 0x80;
        gic_mmio(gic, DIST + IPRIORITYR + 100 + k % 20, 1, true, &value, 0);
        gic_mmio(gic, DIST + ISPENDR + 4 * (k % 32), 4, false, &value, 0);
        gic_set_ppi(gic, 0, 27, k & 1); /* not enabled: only moves */
        size_t size = 0;
        gic_state_save(gic, NULL, &size);
        pause_a_little();
    }
    return NULL;
}

static void all_at_once(void)
{
    pthread_t cpu[VCPUS], device[LEVELS], msi, ipi, tuner;
    gic = bare_gic(VCPUS, wake, NULL);
    set_dist(gic, CTLR, 2);
    for (unsigned n = 1; n < 5; n++) {
        set_dist(gic, IGROUPR + 4 * n, 0xffffffff);
        set_dist(gic, ISENABLER + 4 * n, 0xffffffff);
    }
    for (unsigned i = 0; i < VCPUS; i++) {
        pthread_mutex_init(&cpus[i].lock, NULL);
        pthread_cond_init(&cpus[i].wake, NULL);
        mmio_write(gic, REDIST + i * 0x20000ull + GICR_WAKER, 4, 0);
        set_sgi_frame(gic, i, IGROUPR, 0xffffffff);
        set_sgi_frame(gic, i, ISENABLER, 0xffff);
        set_icc(gic, i, PMR, 0xf0);
        set_icc(gic, i, IGRPEN1, 1);
    }
    for (unsigned i = 100; i < 120; i++) {
        route_to(gic, i, i % VCPUS);
    }
    for (size_t i = 0; i < VCPUS; i++) {
        pthread_create(&cpu[i], NULL, vcpu_main, (void *)i);
    }
    pthread_create(&tuner, NULL, tuner_main, NULL);
    pthread_create(&msi, NULL, msi_main, NULL);
    pthread_create(&ipi, NULL, ipi_main, NULL);
    for (size_t i = 0; i < LEVELS; i++) {
        pthread_create(&device[i], NULL, device_main, (void *)i);
    }
    for (size_t i = 0; i < LEVELS; i++) {
        pthread_join(device[i], NULL);
    }
    pthread_join(msi, NULL);
    pthread_join(ipi, NULL);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < VCPUS; i++) {
        wake(NULL, i);
        pthread_join(cpu[i], NULL);
    }
    pthread_join(tuner, NULL);

    unsigned sgis = 0;
    for (unsigned i = 0; i < VCPUS; i++) {
        sgis += atomic_load(&sgi_taken[i]);
        CHECK_EQ(icc(gic, i, RPR), 0xff);
    }
    CHECK_EQ(sgis, ROUNDS);
    CHECK_EQ(atomic_load(&msi_taken), ROUNDS);
    for (unsigned i = 0; i < LEVELS; i++) {
        CHECK_EQ(atomic_load(&level_taken[i]), ROUNDS / 10);
    }
    CHECK_EQ(atomic_load(&timeouts), 0);
    printf("# %u SGIs, %u MSIs, %u levels on %u vCPUs, %u spurious\n", ROUNDS, ROUNDS,
           LEVELS * (ROUNDS / 10), VCPUS, atomic_load(&spurious));
    gic_free(gic);
}

/* ---- random accesses from everywhere
 * ----------------------------------------------------------------- */

#define STEPS 20000u

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return *seed >> 24;
}

/* Any access that a vCPU thread can make, in any frame, of any width, with any value. */
static void *random_main(void *arg)
{
    unsigned vcpu = (unsigned)(size_t)arg % VCPUS;
    uint64_t seed = (size_t)arg + 1, value;
    for (unsigned k = 0; k < STEPS; k++) {
        uint64_t r = next_random(&seed);
        value = next_random(&seed) << 32 ^ next_random(&seed);
        switch (r % 8) {
        case 0:
            gic_mmio(gic, DIST + r / 8 % 0x10000, 1u << r / 0x80000 % 4, r >> 39 & 1, &value, vcpu);
            break;
        case 1: gic_mmio(gic, DIST + r / 8 % 0x400 * 4, 4, true, &value, vcpu); break;
        case 2:
            gic_mmio(gic, REDIST + r / 8 % (VCPUS * 0x20000), 4, r >> 39 & 1, &value, vcpu);
            break;
        case 3:
            gic_mmio(gic, REDIST + r / 8 % VCPUS * 0x20000 + SGI_FRAME + r / 64 % 0x108 * 4, 4,
                     true, &value, vcpu);
            break;
        case 4: gic_icc_write(gic, vcpu, (uint16_t)(0xc640 + r / 8 % 0x28), value); break;
        case 5: gic_icc_read(gic, vcpu, (uint16_t)(0xc640 + r / 8 % 0x28), &value); break;
        case 6:
            gic_icc_write(gic, vcpu, PMR, value);
            gic_set_ppi(gic, vcpu, 16 + r / 8 % 16, r >> 39 & 1);
            break;
        default: gic_set_spi(gic, (unsigned)(r / 8 % 1024), r >> 39 & 1); break;
        }
    }
    return NULL;
}

/* Whatever happened, the lines are those that the registers ask for: a GIC made anew from the state
 * shows the same. 1-of-N interrupts may choose another target there; they are routed first. */
static void same_as_restored(void)
{
    struct gic *copy = bare_gic(VCPUS, NULL, NULL);
    static const uint16_t regs[] = {PMR, BPR0, BPR1, AP0R0, AP1R0, ICC_CTLR, IGRPEN0, IGRPEN1};
    for (unsigned i = 32; i < 1020; i++) {
        route_to(gic, i, i % (VCPUS + 1));
    }
    for (unsigned i = 0; i < VCPUS; i++) {
        for (unsigned k = 0; k < sizeof regs / sizeof *regs; k++) {
            uint64_t value = 0;
            CHECK(gic_get_icc_reg(gic, i, regs[k], &value));
            CHECK(gic_set_icc_reg(copy, i, regs[k], value));
        }
    }
    size_t size = 0;
    gic_state_save(gic, NULL, &size);
    void *blob = malloc(size);
    CHECK(gic_state_save(gic, blob, &size));
    CHECK(gic_state_restore(copy, blob, size));
    free(blob);
    for (unsigned i = 0; i < VCPUS; i++) {
        CHECK_EQ(gic_lines(gic, i), gic_lines(copy, i));
        CHECK_EQ(icc(gic, i, HPPIR0), icc(copy, i, HPPIR0));
        CHECK_EQ(icc(gic, i, HPPIR1), icc(copy, i, HPPIR1));
    }
    gic_free(copy);
}

static void random_from_everywhere(void)
{
    pthread_t cpu[VCPUS];
    gic = bare_gic(VCPUS, NULL, NULL);
    for (unsigned round = 0; round < 4; round++) {
        for (size_t i = 0; i < VCPUS; i++) {
            pthread_create(&cpu[i], NULL, random_main, (void *)(i + round * VCPUS));
        }
        for (size_t i = 0; i < VCPUS; i++) {
            pthread_join(cpu[i], NULL);
        }
        same_as_restored();
    }
    gic_free(gic);
}

int main(void)
{
    static const struct test tests[] = {
        {"gic: vCPUs and devices at once, nothing lost", all_at_once},
        {"gic: random accesses from all vCPUs at once", random_from_everywhere},
    };
    return run_tests(tests, sizeof tests / sizeof *tests);
}
