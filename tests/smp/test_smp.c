/* SPDX-License-Identifier: MIT */
/*
 * Several vCPUs at once, by the public API alone: a thread for each, one memory, guest.c on all.
 *
 *   test_smp IMAGE CPUS ROUNDS [on|off]     the last: the translator
 */
#include <Hypervisor/Hypervisor.h>
#include <hvx.h>

#include "../test.h"
#include "guest.h"

#include <stdatomic.h>

#define SECONDS 300

static uint8_t *ram;
static unsigned cpus;
static hv_vcpu_t handle[MAX_CPUS];
static atomic_uint made, reported;
static atomic_bool over;
static const char *mode = "";

static const char *const names[TESTS] = {
    [SPIN_LOCK] = "spin lock with WFE",
    [TICKET_LOCK] = "ticket lock",
    [PAIR_COUNTER] = "exclusive pairs and bytes under contention",
    [QUEUE] = "queue of many writers and readers",
    [STACK] = "lock-free stack",
    [MESSAGE_DMB] = "message passing, DMB",
    [MESSAGE_RELEASE] = "message passing, STLR and LDAR",
    [STORE_BUFFER_DMB] = "store buffering, DMB",
    [STORE_BUFFER_RELEASE] = "store buffering, STLR and LDAR",
    [STORE_BUFFER_EXCLUSIVE] = "store buffering, STLR and LDAXR of a compare that fails",
    [STORE_BUFFER_LOOP] = "store buffering, STLR and a loop of LDAXR and STXR",
    [STORE_BUFFER_PLAIN] = "store buffering without barriers",
    [COHERENCE] = "coherence of one location",
    [WIDE] = "aligned accesses are whole",
    [TLB] = "TLBI seen by all",
    [CODE] = "code patched under other CPUs",
    [SPIN_LOCK_LSE] = "spin lock by SWPA",
    [TICKET_LOCK_LSE] = "ticket lock by LDADDAL",
    [PAIR_COUNTER_LSE] = "CASPAL against LDAXP and STLXP, neighbours by LDADDB and LDADDH",
    [QUEUE_LSE] = "lock-free queue by CASAL",
    [STACK_LSE] = "lock-free stack by CASPAL",
    [MESSAGE_LSE] = "message passing, SWPL and CASAL",
    [STORE_BUFFER_LSE] = "store buffering, SWPAL and LDAR",
    [BITS_LSE] = "every CPU its bits by LDSET, LDCLR and LDEOR",
    [EXTREMES_LSE] = "LDUMAX and LDSMIN",
    [MIXED_LSE] = "LDADDAL against exclusives, values handed round by SWPAL",
};

static void put64(uint64_t address, uint64_t value)
{
    memcpy(ram + (address - RAM), &value, sizeof value);
}

/* 1 GiB of identity for RAM, by 2 MiB blocks; one table of pages for the window. */
static void make_tables(void)
{
    const uint64_t attributes = 0x700; /* access flag, inner shareable, AttrIndx 0 */
    put64(TABLES + (RAM >> 30) * 8, (TABLES + 0x1000) | 3);
    for (uint64_t pa = RAM; pa < RAM + RAM_SIZE; pa += 0x200000)
        put64(TABLES + 0x1000 + (pa >> 21 & 511) * 8, pa | attributes | 1);
    put64(TABLES + 0x1000 + (WINDOW >> 21 & 511) * 8, WINDOW_SLOT | 3);
    put64(WINDOW_SLOT, PAGES | attributes | 3);
}

static void on_report(hv_vcpu_t v)
{
    uint64_t test = 0, failures = 1, figure = 0;
    hv_vcpu_get_reg(v, HV_REG_X1, &test);
    hv_vcpu_get_reg(v, HV_REG_X2, &failures);
    hv_vcpu_get_reg(v, HV_REG_X3, &figure);
    if (test >= TESTS)
        return;
    atomic_fetch_add(&reported, 1);
    if (figure == NOT_HERE) {
        printf("skip - smp: %s, %u vCPUs%s: no LSE atomics\n", names[test], cpus, mode);
        return;
    }
    printf("%s - smp: %s, %u vCPUs%s", failures ? "not ok" : "ok", names[test], cpus, mode);
    if (failures)
        printf(": %" PRIu64 " failures", failures);
    printf("\n");
    if (test == STORE_BUFFER_PLAIN)
        printf("# both loads before both stores: %" PRIu64 " times\n", figure);
    fflush(stdout);
    test_state.failed += failures != 0;
}

/* False when this vCPU is done. */
static bool after_exit(hv_vcpu_t v, const hv_vcpu_exit_t *e)
{
    uint64_t x0 = 0, pc = 0;
    if (e->reason == HV_EXIT_REASON_VTIMER_ACTIVATED)
        return true;
    if (e->reason == HV_EXIT_REASON_EXCEPTION && e->exception.syndrome >> 26 == 0x16) {
        hv_vcpu_get_reg(v, HV_REG_X0, &x0);
        if (x0 != 1)
            return false;
        on_report(v);
        hv_vcpu_set_reg(v, HV_REG_X0, 0);
        return true;
    }
    if (e->reason == HV_EXIT_REASON_EXCEPTION && e->exception.syndrome >> 26 == 1)
        return hv_vcpu_get_reg(v, HV_REG_PC, &pc) == HV_SUCCESS &&
               hv_vcpu_set_reg(v, HV_REG_PC, pc + 4) == HV_SUCCESS;
    if (e->reason != HV_EXIT_REASON_CANCELED) {
        hv_vcpu_get_reg(v, HV_REG_PC, &pc);
        printf("not ok - smp: unexpected exit, pc 0x%" PRIx64 ", syndrome 0x%" PRIx64 "\n", pc,
               e->exception.syndrome);
        test_state.failed++;
        atomic_store(&over, true);
    }
    return !atomic_load(&over);
}

static void *vcpu_main(void *argument)
{
    const unsigned n = (unsigned)(uintptr_t)argument;
    hv_vcpu_exit_t *e;
    hv_vcpu_t v;
    if (!CHECK_EQ(hv_vcpu_create(&v, &e, NULL), HV_SUCCESS))
        return NULL;
    handle[n] = v;
    hv_vcpu_set_sys_reg(v, HV_SYS_REG_MPIDR_EL1, 0x80000000 | n);
    hv_vcpu_set_reg(v, HV_REG_PC, RAM);
    hv_vcpu_set_reg(v, HV_REG_CPSR, 0x3c5);
    hv_vcpu_set_reg(v, HV_REG_X0, n);
    hv_vcpu_set_reg(v, HV_REG_X1, cpus);
    hv_vcpu_set_reg(v, HV_REG_X2, TABLES);
    hv_vcpu_set_sys_reg(v, HV_SYS_REG_SP_EL1, STACKS + (n + 1) * 0x10000);
    atomic_fetch_add(&made, 1);
    while (atomic_load(&made) < cpus && !atomic_load(&over))
        usleep(100);
    while (!atomic_load(&over) && hv_vcpu_run(v) == HV_SUCCESS && after_exit(v, e))
        ;
    hv_vcpu_destroy(v);
    return NULL;
}

/* Ends a guest that hangs. */
static void *watch_main(void *unused)
{
    (void)unused;
    for (unsigned n = 0; n < SECONDS * 10 && !atomic_load(&over); n++)
        usleep(100000);
    if (!atomic_load(&over)) {
        printf("not ok - smp: still running after %u s, %u tests done\n", SECONDS,
               atomic_load(&reported));
        fflush(stdout);
        _exit(1);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[MAX_CPUS], watch;
    FILE *f = argc > 3 ? fopen(argv[1], "rb") : NULL;
    cpus = argc > 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (!f || cpus < 2 || cpus > MAX_CPUS || posix_memalign((void **)&ram, 65536, RAM_SIZE))
        return 2;
    memset(ram, 0, RAM_SIZE);
    if (!fread(ram, 1, TABLES - RAM - 8, f))
        return 2;
    fclose(f);
    put64(TABLES - 8, strtoull(argv[3], NULL, 10));
    make_tables();
    if (argc > 4) {
        mode = strcmp(argv[4], "off") ? ", translated" : ", interpreted";
        if (!hvx_set_option("jit", argv[4])) {
            printf("skip - smp%s: this backend has no translator\n", mode);
            return 0;
        }
    }
    if (!CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS) ||
        !CHECK_EQ(hv_vm_map(ram, RAM, RAM_SIZE, HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC),
                  HV_SUCCESS))
        return 2;
    pthread_create(&watch, NULL, watch_main, NULL);
    for (unsigned n = 0; n < cpus; n++)
        pthread_create(&thread[n], NULL, vcpu_main, (void *)(uintptr_t)n);
    for (unsigned n = 0; n < cpus; n++)
        pthread_join(thread[n], NULL);
    atomic_store(&over, true);
    pthread_join(watch, NULL);
    if (atomic_load(&reported) != TESTS) {
        printf("not ok - smp: %u of %u tests came to their end\n", atomic_load(&reported), TESTS);
        return 1;
    }
    return test_done();
}
