/* SPDX-License-Identifier: MIT */
/*
 * The GIC through the public API and a real guest (guest.c): vCPU threads, a device thread that
 * raises interrupts a little later, WFI inside hv_vcpu_run. Any backend whose hv_gic_* works.
 *
 *   test_guest IMAGE [vCPUs [seed]]     with a seed: guest_random.c, prints its record
 */
#include <Hypervisor/Hypervisor.h>

#include "../test.h"
#include "guest.h"

#include <stdatomic.h>
#include <time.h>

#define RAM      0x40000000ull
#define RAM_SIZE 0x100000u
#define SECONDS  240

static uint8_t *ram;
static unsigned cpus = 2;
static uint64_t seed;
static hv_vcpu_t handle[MAX_CPUS];
static atomic_uint made, left, ready, interrupted;
static atomic_bool over;
static atomic_int verdict = 1;
static char note[200];

/* ---- the device thread
 * ------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned raise_count[128], send_count[128];
static bool stop_device;

static void ask_device(unsigned *counts, uint64_t intid)
{
    if (intid < 128) {
        pthread_mutex_lock(&lock);
        counts[intid]++;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
}

static bool take(unsigned *counts, unsigned *intid)
{
    for (*intid = 0; *intid < 128; ++*intid) {
        if (counts[*intid]) {
            counts[*intid]--;
            return true;
        }
    }
    return false;
}

static void *device_main(void *unused)
{
    unsigned intid;
    pthread_mutex_lock(&lock);
    while (!stop_device) {
        bool raise = take(raise_count, &intid), send = !raise && take(send_count, &intid);
        if (!raise && !send) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        pthread_mutex_unlock(&lock);
        nanosleep(&(struct timespec){.tv_nsec = 100000},
                  NULL); /* so that the guest sleeps by then */
        CHECK_EQ(raise ? hv_gic_set_spi(intid, true) : hv_gic_send_msi(0x08020040, intid),
                 HV_SUCCESS);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return unused;
}

/* ---- the guest's calls
 * ------------------------------------------------------------------------------- */

static const char *text(uint64_t ipa)
{
    return ipa >= RAM && ipa < RAM + RAM_SIZE - 200 ? (const char *)ram + (ipa - RAM) : "?";
}

/* guest_random.c: twelve words a line. */
static void print_record(uint64_t ipa, uint64_t count)
{
    if (ipa < RAM || ipa - RAM > RAM_SIZE || count > (RAM_SIZE - (ipa - RAM)) / 4) {
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, ram + (ipa - RAM) + 4 * i, 4);
        printf("%08x%c", word, i % 12 == 11 ? '\n' : ' ');
    }
}

static void end(int status)
{
    atomic_store(&verdict, status);
    atomic_store(&over, true);
    hv_vcpus_exit(handle, cpus);
}

static uint64_t serve(uint64_t call, uint64_t a, uint64_t b)
{
    switch (call) {
    case HOST_END: end((int)a); return 0;
    case HOST_NOTE: snprintf(note, sizeof note, "%s", text(a)); return 0;
    case HOST_RESULT:
        printf("%s - gic guest, %u vCPUs: %s%s%s\n", b ? "ok" : "not ok", cpus, text(a),
               b ? "" : ": ", b ? "" : note);
        fflush(stdout);
        test_state.failed += !b;
        return 0;
    case HOST_FIGURE: printf("# SGI round trip %llu ns\n", (unsigned long long)a); return 0;
    case HOST_CPUS: return cpus;
    case HOST_READY: atomic_fetch_add(&ready, 1); return 0;
    case HOST_WAIT_READY:
        while (atomic_load(&ready) < cpus - 1 && !atomic_load(&over)) {
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        }
        return 0;
    case HOST_RAISE_LATER: ask_device(raise_count, a); return 0;
    case HOST_LOWER: hv_gic_set_spi((uint32_t)a, false); return 0;
    case HOST_MSI_LATER: ask_device(send_count, a); return 0;
    case HOST_SEED: return seed;
    case HOST_RECORD: print_record(a, b); return 0;
    default: return UINT64_MAX;
    }
}

static bool on_exit_of(hv_vcpu_t vcpu, const hv_vcpu_exit_t *exit)
{
    uint64_t x[3];
    if (exit->reason == HV_EXIT_REASON_CANCELED) {
        atomic_fetch_add(&interrupted, 1);
        return !atomic_load(&over);
    }
    if (exit->reason == HV_EXIT_REASON_EXCEPTION && exit->exception.syndrome >> 26 == 0x16) {
        for (unsigned i = 0; i < 3; i++) {
            hv_vcpu_get_reg(vcpu, HV_REG_X0 + i, &x[i]);
        }
        hv_vcpu_set_reg(vcpu, HV_REG_X0, serve(x[0], x[1], x[2]));
        return !atomic_load(&over);
    }
    uint64_t pc = 0;
    hv_vcpu_get_reg(vcpu, HV_REG_PC, &pc);
    printf("# exit %u, syndrome %#llx, address %#llx, pc %#llx\n", exit->reason,
           (unsigned long long)exit->exception.syndrome,
           (unsigned long long)exit->exception.physical_address, (unsigned long long)pc);
    end(2);
    return false;
}

static void *vcpu_main(void *arg)
{
    unsigned n = (unsigned)(size_t)arg;
    hv_vcpu_exit_t *exit;
    hv_ipa_t base = 0;
    while (atomic_load(&made) != n) { /* handles, frames and affinities in one order */
        sched_yield();
    }
    CHECK_EQ(hv_vcpu_create(&handle[n], &exit, NULL), HV_SUCCESS);
    CHECK(hv_gic_get_redistributor_base(handle[n], &base) == HV_BAD_ARGUMENT); /* no affinity yet */
    CHECK_EQ(hv_vcpu_set_sys_reg(handle[n], HV_SYS_REG_MPIDR_EL1, n), HV_SUCCESS);
    CHECK_EQ(hv_gic_get_redistributor_base(handle[n], &base), HV_SUCCESS);
    CHECK_EQ(base, 0x080a0000 + n * 0x20000ull);
    hv_vcpu_set_reg(handle[n], HV_REG_PC, RAM);
    hv_vcpu_set_reg(handle[n], HV_REG_CPSR, 0x3c5);
    hv_vcpu_set_reg(handle[n], HV_REG_X0, n);
    atomic_fetch_add(&made, 1);
    while (atomic_load(&made) < cpus) {
        sched_yield();
    }
    do {
        if (hv_vcpu_run(handle[n]) != HV_SUCCESS) {
            end(3);
            break;
        }
    } while (on_exit_of(handle[n], exit));
    atomic_fetch_add(&left, 1);
    while (atomic_load(&left) < cpus) { /* nobody is left to be cancelled */
        sched_yield();
    }
    CHECK_EQ(hv_vcpu_destroy(handle[n]), HV_SUCCESS);
    return NULL;
}

/* ---- the machine
 * ------------------------------------------------------------------------------------- */

static bool load(const char *path)
{
    FILE *f = fopen(path, "rb");
    ram = aligned_alloc(0x4000, RAM_SIZE); /* the unit of hv_vm_map */
    size_t n = f && ram ? fread(ram, 1, RAM_SIZE, f) : 0;
    if (f) {
        fclose(f);
    }
    return n > 0;
}

static hv_return_t make_gic(void)
{
    hv_gic_config_t config = hv_gic_config_create();
    hv_gic_config_set_distributor_base(config, 0x08000000);
    hv_gic_config_set_redistributor_base(config, 0x080a0000);
    hv_gic_config_set_msi_region_base(config, 0x08020000);
    hv_gic_config_set_msi_interrupt_range(config, MSI_SPI, 4);
    hv_return_t r = hv_gic_create(config);
    os_release(config);
    return r;
}

static void wakes_from_wfi(void)
{
    CHECK(atomic_load(&interrupted) >=
          cpus - 1); /* the others slept in WFI; hv_vcpus_exit ended that */
    CHECK_EQ(atomic_load(&verdict), 0);
}

int main(int argc, char **argv)
{
    pthread_t cpu[MAX_CPUS], device;
    cpus = argc > 2 ? (unsigned)atoi(argv[2]) : cpus;
    seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
    if (argc < 2 || cpus < 1 || cpus > MAX_CPUS || !load(argv[1])) {
        fprintf(stderr, "usage: test_guest IMAGE [vCPUs 1..%d]\n", MAX_CPUS);
        return 2;
    }
    alarm(SECONDS);
    hv_return_t r = hv_vm_create(NULL);
    if (r != HV_SUCCESS) {
        printf("skip - gic guest: no VM here (%#x)\n", (unsigned)r);
        return 0;
    }
    CHECK_EQ(hv_vm_map(ram, RAM, RAM_SIZE, HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC),
             HV_SUCCESS);
    r = make_gic();
    if (r == HV_UNSUPPORTED) {
        printf("skip - gic guest: no GIC in this backend\n");
        return 0;
    }
    CHECK_EQ(r, HV_SUCCESS);
    pthread_create(&device, NULL, device_main, NULL);
    for (size_t n = 0; n < cpus; n++) {
        pthread_create(&cpu[n], NULL, vcpu_main, (void *)n);
    }
    for (unsigned n = 0; n < cpus; n++) {
        pthread_join(cpu[n], NULL);
    }
    pthread_mutex_lock(&lock);
    stop_device = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(device, NULL);
    if (argc <= 3) {
        test_run("gic guest: hv_vcpus_exit ends a WFI", wakes_from_wfi);
    }
    hv_vm_destroy();
    return test_done();
}
