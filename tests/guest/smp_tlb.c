/* SPDX-License-Identifier: MIT */
/*
 * Needs 4 CPUs. Maintenance that the other CPUs must see: CPU 0 edits tables and code while the
 * others use them. What a CPU has been told is gone (TLBI or IC, then DSB) it must not use again;
 * what it was never told may linger. Then exclusives and atomics under contention.
 */
#include "lib/lib.h"

#define CPUS       4
#define WINDOW     0x0000123456780000ull
#define CODE       0x0000123456790000ull
#define ATTRIBUTES (PTE_NORMAL | PTE_PXN | PTE_UXN)
#define ROUNDS     40

static struct space space;
static struct mmu_setup setup;
static u64 page[4];
static u64 *slot;

/* What the others do: a function of this number, until it changes. */
static volatile unsigned work, arrived[CPUS];
static volatile u64 epoch, failures_seen[CPUS], rounds_done[CPUS], faults_taken[CPUS];
static u64 lock_word, counter, atomic_counter;

static u64 load_acquire(const volatile u64 *p)
{
    u64 v;
    __asm__ volatile("ldar %0, [%1]" : "=r"(v) : "r"(p) : "memory");
    return v;
}

static void store_release(volatile u64 *p, u64 v)
{
    __asm__ volatile("stlr %0, [%1]" ::"r"(v), "r"(p) : "memory");
}

/* An abort of another CPU in the window is part of the game: try again. */
static bool retry(struct frame *f)
{
    const unsigned n = cpu_number();

    if (n == 0 || f->far >> 20 != WINDOW >> 20)
        return false;
    faults_taken[n]++;
    return true;
}

/* CPU 0 has shown page after page, each with a higher number in it: never one older than told. */
static void watch_pages(unsigned n)
{
    const u64 told = load_acquire(&epoch);
    const u64 seen = *(volatile u64 *)WINDOW;

    if (seen < told)
        failures_seen[n]++;
}

/* While the page is read-only for all, nobody's number in it may grow. */
static void write_page(unsigned n)
{
    ((volatile u64 *)WINDOW)[n]++;
}

static void call_code(unsigned n)
{
    const u64 told = load_acquire(&epoch);
    ISB();
    const u64 seen = ((u64(*)(void))CODE)();

    if (seen < told)
        failures_seen[n]++;
}

static void take_lock(unsigned n)
{
    u64 v, failed;

    (void)n;
    __asm__ volatile("1: ldaxr %0, [%2]\n\tcbnz %0, 1b\n\tstxr %w1, %3, [%2]\n\tcbnz %w1, 1b"
                     : "=&r"(v), "=&r"(failed)
                     : "r"(&lock_word), "r"(1ull)
                     : "memory");
    counter++;
    store_release(&lock_word, 0);
    __asm__ volatile("1: ldxr %0, [%2]\n\tadd %0, %0, #1\n\tstxr %w1, %0, [%2]\n\tcbnz %w1, 1b"
                     : "=&r"(v), "=&r"(failed)
                     : "r"(&atomic_counter)
                     : "memory");
}

static void other_cpu(u64 n)
{
    static void (*const jobs[])(unsigned) = {NULL, watch_pages, write_page, call_code, take_lock};

    mmu_setup_use(&setup);
    for (;;) {
        const unsigned job = work;
        arrived[n] = job;
        DSB();
        if (job == 99)
            return;
        if (job == 4 && rounds_done[n] >= ROUNDS * 20)
            continue;
        if (job) {
            jobs[job](n);
            rounds_done[n]++;
        }
    }
}

static void wait_arrived(unsigned job)
{
    work = job;
    DSB();
    for (unsigned n = 1; n < CPUS; n++)
        while (arrived[n] != job)
            ;
}

static void start_job(unsigned job)
{
    wait_arrived(0);
    for (unsigned n = 0; n < CPUS; n++)
        rounds_done[n] = failures_seen[n] = faults_taken[n] = 0;
    epoch = 0;
    wait_arrived(job);
}

/* Let every other CPU get through its job at least once more. */
static void let_run(void)
{
    u64 before[CPUS];

    for (unsigned n = 1; n < CPUS; n++)
        before[n] = rounds_done[n];
    for (unsigned n = 1; n < CPUS; n++)
        while (rounds_done[n] == before[n])
            ;
}

static void finish_job(void)
{
    wait_arrived(0);
    for (unsigned n = 1; n < CPUS; n++) {
        EQ(failures_seen[n], 0);
        OK(rounds_done[n] > 0);
    }
}

static u64 operand(u64 va)
{
    return va >> 12 & 0xfffffffffff;
}

static void remap(void)
{
    *slot = page[0] | ATTRIBUTES | PTE_PAGE;
    *(u64 *)page[0] = 0;
    TLBI(vaae1is, operand(WINDOW));
    start_job(1);
    for (u64 round = 1; round < ROUNDS; round++) {
        /* Break before make. */
        *slot = 0;
        switch (round % 4) {
        case 0: __asm__ volatile("dsb sy\n\ttlbi vmalle1is\n\tdsb sy\n\tisb" ::: "memory"); break;
        case 1: TLBI(vae1is, operand(WINDOW)); break;
        case 2: TLBI(vaale1is, operand(WINDOW)); break;
        default: TLBI(aside1is, 0);
        }
        *(volatile u64 *)page[round & 3] = round;
        DSB();
        *slot = page[round & 3] | ATTRIBUTES | PTE_PAGE | PTE_NG;
        DSB();
        store_release(&epoch, round);
        if (round % 8 == 0)
            let_run();
    }
    finish_job();
}

static void write_protect(void)
{
    *slot = page[0] | ATTRIBUTES | PTE_PAGE;
    TLBI(vaae1is, operand(WINDOW));
    start_job(2);
    for (unsigned round = 0; round < ROUNDS; round++) {
        u64 before[CPUS];
        const volatile u64 *words = (u64 *)page[0];
        let_run();
        *slot |= PTE_RO;
        TLBI(vale1is, operand(WINDOW));
        for (unsigned n = 1; n < CPUS; n++)
            before[n] = words[n];
        for (unsigned n = 0; n < 20000; n++)
            __asm__ volatile("");
        for (unsigned n = 1; n < CPUS; n++)
            EQ(words[n], before[n]);
        *slot &= ~PTE_RO;
        TLBI(vale1is, operand(WINDOW));
    }
    finish_job();
}

static void patch(void)
{
    volatile uint32_t *code = (uint32_t *)page[1];

    if (plat_quirks & QUIRK_IC_NOTHING) {
        skip("code patched under other CPUs", "the platform races");
        return;
    }
    code[0] = 0xd2800000; /* movz x0, #0 */
    code[1] = 0xd65f03c0; /* ret */
    space_map(&space, CODE, page[1], 3, PTE_NORMAL | PTE_RO);
    space_map(&space, CODE + 4096, page[1], 3, ATTRIBUTES);
    __asm__ volatile("dsb ish\n\tic ialluis\n\tdsb ish\n\tisb" ::: "memory");
    start_job(3);
    for (u64 round = 1; round < ROUNDS; round++) {
        *(volatile uint32_t *)(CODE + 4096) = 0xd2800000 | (uint32_t)round << 5;
        __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %1\n\tdsb ish" ::"r"(CODE + 4096),
                         "r"(CODE)
                         : "memory");
        store_release(&epoch, round);
        if (round % 8 == 0)
            let_run();
    }
    finish_job();
}

static void contention(void)
{
    counter = atomic_counter = 0;
    start_job(4);
    for (unsigned n = 0; n < ROUNDS * 20; n++)
        take_lock(0);
    for (unsigned n = 1; n < CPUS; n++)
        while (rounds_done[n] < ROUNDS * 20)
            ;
    finish_job();
    EQ(counter, ROUNDS * 20 * CPUS);
    EQ(atomic_counter, ROUNDS * 20 * CPUS);
}

int main(void)
{
    space_init(&space, 12, 16);
    space_map_program(&space);
    for (unsigned n = 0; n < 4; n++)
        page[n] = (u64)page_alloc(4096);
    space_map(&space, WINDOW, page[0], 3, ATTRIBUTES);
    slot = space_slot(&space, WINDOW, 3);
    /* Pages in the pool are the program's own data too: the tables stay writable. */
    mmu_on(&space, NULL, 0);
    mmu_setup_get(&setup);
    trap_hook = retry;
    begin("start");
    for (unsigned n = 1; n < CPUS; n++)
        if (!cpu_start(n, other_cpu, n)) {
            skip("this program", "there are not 4 CPUs");
            return 0;
        }
    RUN(remap);
    RUN(write_protect);
    RUN(patch);
    RUN(contention);
    wait_arrived(99);
    return 0;
}
