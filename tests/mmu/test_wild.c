/* SPDX-License-Identifier: MIT */
/*
 * Wild guests: random tables in random registers under random code, on two vCPUs, while the client
 * unmaps and protects their memory. Nothing may crash, hang, or touch what lies around guest memory
 * on the host, nor what the client has taken away: the host's pages go the same way, so that a slip
 * ends the program. Uses the Hypervisor API alone. With an even seed everything is translated at
 * its first run.
 *
 *   test_wild [SEED [SECONDS]]
 */
#include "world.h"

#include <Hypervisor/Hypervisor.h>
#include <hvx.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define CODE_IPA   (POOL_IPA + POOL_BYTES)
#define CODE_BYTES UINT64_C(0x400000)
#define RAM_BYTES  (POOL_BYTES + CODE_BYTES)
#define GUARD      UINT64_C(0x100000) /* on both sides of guest memory on the host */
#define FLAT_TABLE (CODE_IPA + CODE_BYTES - 4096)
#define VECTORS    (CODE_IPA + CODE_BYTES - 0x2000)
#define PIECE      UINT64_C(0x100000)
#define VCPUS      2

static uint64_t seed = 1;
static atomic_bool stop;
static hv_vcpu_t vcpus[VCPUS];
static atomic_uint alive;
static atomic_ullong runs, aborts, cancels;
static uint8_t *host;

/* Loads, stores, maintenance, AT, and system registers that translation depends on. */
static uint32_t wild_word(struct world *w)
{
    static const uint32_t words[] = {
        0xf9400000, 0xf9000000, 0xa9400000, 0xa9000000, 0x3dc00000, 0xc85f7c00, 0xc8007c00,
        0xc8dffc00, 0xc89ffc00, 0xf8400800, 0xf8000800, 0xd50b7420, 0xd50b7a20, 0xd50b7520,
        0xd5087620, 0xd5087800, 0xd5087840, 0xd5087900, 0xd508871f, 0xd508831f, 0xd5088720,
        0xd5088340, 0xd5088260, 0xd508751f, 0xd508711f, 0xd5033fdf, 0xd5033b9f, 0xd4000001,
        0xd69f03e0, 0xd61f0000, 0xd63f0000, 0x91000400, 0xcb000000, 0xd5182000, 0xd5182020,
        0xd5182040, 0xd5181000, 0xd518a200, 0xd500419f, 0xd500409f, 0x0c402000, 0x4c002000,
    };
    const uint64_t r = world_random(w);
    uint32_t word = words[r % (sizeof words / sizeof words[0])];

    /* Registers at random where the encoding leaves them; now and then any word at all. */
    if (r >> 32 & 1)
        word |= (uint32_t)(r >> 40 & 31) << 5 & ((word & 0xff000000) == 0xd5000000 ? 0 : ~0u);
    word |= (uint32_t)(r >> 48 & 31) & ((word & 0xffc00000) == 0xd5000000 ? 0 : 31);
    return r >> 56 == 0 ? (uint32_t)r : word;
}

/* A loop of loads and stores by x0 to x19, which it seldom changes, and SP: what lets translated
 * code remember where they led. Returns its length in words. */
#define LOOP_MAX 12
static unsigned wild_loop(struct world *w, uint32_t *code)
{
    static const uint32_t words[] = {
        0xf9400000, 0xf9000000, 0xa9400000, 0xa9000000, 0x3dc00000, 0x3d800000, 0x39400000,
        0x39000000, 0xb9400000, 0xb9000000, 0xad400000, 0xad000000, 0x4c407000, 0x4c007000,
        0xf8408000, 0xf8008000, 0x91000000, 0xcb000000, 0x6e208400, 0xf84004a0,
    };
    static const uint32_t ends[] = {0x14000000, 0x54000001, 0xb5000000, 0x36000000};
    const unsigned length = 2 + (unsigned)(world_random(w) % (LOOP_MAX - 2));

    for (unsigned n = 0; n + 1 < length; n++) {
        const uint64_t r = world_random(w);
        const uint32_t word = words[r % (sizeof words / sizeof words[0])];
        const bool add = word == 0x91000000, offset = (word & 0x3b000000) == 0x39000000;
        const uint32_t base = r >> 56 & 7 ? (uint32_t)(r >> 8) % 20 : 31;
        const uint32_t imm = add ? (uint32_t)(r >> 16 & 0x3ff) : offset ? r >> 16 & 31 : 0;
        code[n] = word | base << 5 | imm << 10 | (add ? base : 20 + (uint32_t)(r >> 40) % 11);
    }
    const uint64_t r = world_random(w);
    const uint32_t end = ends[r % 4], back = 1 - length;
    code[length - 1] = end == 0x14000000   ? end | (back & 0x3ffffff)
                       : end == 0x36000000 ? end | (back & 0x3fff) << 5 | (uint32_t)(r >> 8 & 31)
                                           : end | (back & 0x7ffff) << 5;
    return length;
}

/* Random words; every eighth time a loop. */
static void wild_code(struct world *w, uint8_t *to)
{
    uint32_t code[LOOP_MAX];

    for (uint64_t n = 0, length = 0; n < CODE_BYTES; n += 4 * length) {
        length = 1;
        if (world_random(w) % 8 || CODE_BYTES - n < sizeof code)
            code[0] = wild_word(w);
        else
            length = wild_loop(w, code);
        memcpy(to + n, code, 4 * length);
    }
}

static uint64_t wild_address(struct world *w, const struct world_case *c)
{
    switch (world_random(w) % 4) {
    case 0: return c->va;
    case 1: return CODE_IPA + world_random(w) % CODE_BYTES;
    case 2: return POOL_IPA + world_random(w) % POOL_BYTES;
    default: return world_random(w);
    }
}

static uint64_t memory_address(struct world *w)
{
    const uint64_t at = POOL_IPA + world_random(w) % RAM_BYTES;

    return world_random(w) % 4 ? at & ~UINT64_C(15) : at;
}

static void wild_state(struct world *w, hv_vcpu_t vcpu)
{
    struct world_case c;

    w->config.ha = world_random(w) & 1;
    w->config.hd = world_random(w) & 1;
    world_next(w, &c);
    const bool flat = world_random(w) % 4 != 0, tame = flat && world_random(w) % 4 != 0;
    c.sctlr |= world_random(w) & 0x1a;
    if (flat) { /* most at first in an identity map, so that code runs before it spoils it */
        c.sctlr |= 1;
        c.tcr = (c.tcr & ~(UINT64_C(0xffff) | UINT64_C(7) << 32)) | 25 | UINT64_C(5) << 32;
        c.ttbr0 = FLAT_TABLE;
    }
    if (tame) { /* and most of those in normal memory, without alignment checks */
        c.mair |= 0xff;
        c.sctlr &= ~(UINT64_C(1) << 1 | UINT64_C(1) << 19 | UINT64_C(1) << 25); /* A, WXN, EE */
    }
    hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_SCTLR_EL1, c.sctlr);
    hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_TCR_EL1, c.tcr);
    hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_TTBR0_EL1, c.ttbr0);
    hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_TTBR1_EL1, c.ttbr1);
    hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_MAIR_EL1, c.mair);
    hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_VBAR_EL1,
                        tame   ? VECTORS
                        : flat ? CODE_IPA + world_random(w) % CODE_BYTES
                               : wild_address(w, &c));
    hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_CPACR_EL1, 3u << 20);
    for (unsigned n = 0; n < 31; n++)
        hv_vcpu_set_reg(vcpu, (hv_reg_t)(HV_REG_X0 + n),
                        tame && world_random(w) % 16 ? memory_address(w) : wild_address(w, &c));
    hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_SP_EL1, memory_address(w) & ~UINT64_C(15));
    hv_vcpu_set_reg(vcpu, HV_REG_CPSR, world_random(w) % (tame ? 8 : 2) ? 0x3c5 : 0x3c0);
    const uint64_t pc = flat ? CODE_IPA + world_random(w) % CODE_BYTES : wild_address(w, &c);
    hv_vcpu_set_reg(vcpu, HV_REG_PC, pc & ~UINT64_C(3));
}

/* Does the exit make sense? An abort leads out of guest memory, or to a piece that was taken away.
 */
static bool plausible(const hv_vcpu_exit_t *exit)
{
    const unsigned ec = (unsigned)(exit->exception.syndrome >> 26 & 63);

    if (exit->reason == HV_EXIT_REASON_CANCELED) {
        cancels++;
        return true;
    }
    if (exit->reason != HV_EXIT_REASON_EXCEPTION)
        return exit->reason == HV_EXIT_REASON_VTIMER_ACTIVATED;
    aborts += ec == 0x20 || ec == 0x24;
    return exit->exception.physical_address >> 48 == 0;
}

static void *run(void *arg)
{
    const unsigned index = (unsigned)(uintptr_t)arg;
    const struct world_config config = {seed * 1000 + index, false, false};
    struct world w = {.rng = config.seed, .config = config};
    hv_vcpu_exit_t *exit;

    if (hv_vcpu_create(&vcpus[index], &exit, NULL) != HV_SUCCESS)
        return "vCPU not created";
    alive++;
    const char *wrong = NULL;
    while (!stop && !wrong) {
        wild_state(&w, vcpus[index]);
        const hv_return_t r = hv_vcpu_run(vcpus[index]);
        runs++;
        if (r != HV_SUCCESS && r != HV_ILLEGAL_GUEST_STATE)
            wrong = "hv_vcpu_run failed";
        else if (r == HV_SUCCESS && !plausible(exit))
            wrong = "an exit that cannot be";
    }
    alive--;
    hv_vcpu_destroy(vcpus[index]);
    return (void *)(uintptr_t)wrong;
}

/* The host's rights, by those of the guest: to run code is to read it. */
static void protect_host(uint64_t at, hv_memory_flags_t flags)
{
    const int write = flags & HV_MEMORY_WRITE ? PROT_READ | PROT_WRITE : 0;
    const int read = flags & (HV_MEMORY_READ | HV_MEMORY_EXEC) ? PROT_READ : 0;

    if (mprotect(host + GUARD + at, PIECE, write | read) != 0)
        abort();
}

static void put(uint64_t ipa, uint64_t value)
{
    __atomic_store_n((uint64_t *)(void *)(host + GUARD + (ipa - POOL_IPA)), value,
                     __ATOMIC_RELAXED);
}

/* What tame guests live on, and overwrite now and then: a table, 4K granule, level 1, of the
 * gigabyte from 0x4000_0000 for all; and vectors that skip the instruction, or leave if there is
 * none. */
static void put_world(void)
{
    static const uint64_t vector[] = {
        0xd35bffbdd538521d, /* mrs x29, esr_el1; lsr x29, x29, #27 */
        0xb40000bdd10043bd, /* sub x29, x29, #16; cbz x29, to HVC: an instruction abort */
        0x910013bdd538403d, /* mrs x29, elr_el1; add x29, x29, #4 */
        0xd69f03e0d518403d, /* msr elr_el1, x29; eret */
        0x14000000d4000002, /* hvc #0 */
    };
    put(FLAT_TABLE + 8, 0x40000000 | 1u << 10 | 1);
    for (unsigned n = 0; n < 16 * sizeof vector / 8; n++)
        put(VECTORS + n % 16 * 0x80 + n / 16 * 8, vector[n / 16]);
}

/* Take pieces away, give them back, with other rights; and end what runs. */
static void disturb(struct world *w, double seconds)
{
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        const uint64_t at = world_random(w) % (RAM_BYTES / PIECE) * PIECE;
        const hv_memory_flags_t flags = world_random(w) & 7;
        const struct timespec pause = {0, 200000};
        if (world_random(w) & 1) {
            hv_vm_protect(POOL_IPA + at, PIECE, flags);
            protect_host(at, flags);
            protect_host(at, 7);
            hv_vm_protect(POOL_IPA + at, PIECE, 7);
        } else {
            hv_vm_unmap(POOL_IPA + at, PIECE);
            protect_host(at, 0);
            protect_host(at, 7);
            hv_vm_map(host + GUARD + at, POOL_IPA + at, PIECE, 7);
        }
        put_world();
        nanosleep(&pause, NULL);
        hv_vcpus_exit(vcpus, VCPUS);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 <
             seconds);
}

static const char *wild(double seconds)
{
    const struct world_config config = {seed, false, false};
    struct world w;
    pthread_t thread[VCPUS];
    const char *wrong = NULL;

    host = mmap(NULL, RAM_BYTES + 2 * GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
    if (host == MAP_FAILED || !world_init(&w, &config))
        return "no memory";
    if (mprotect(host, GUARD, PROT_NONE) || mprotect(host + GUARD + RAM_BYTES, GUARD, PROT_NONE))
        return "no guards";
    memcpy(host + GUARD, w.pool, POOL_BYTES);
    wild_code(&w, host + GUARD + POOL_BYTES);
    put_world();
    if (seed % 2 == 0)
        hvx_set_option("jit-heat", "1");
    if (hv_vm_create(NULL) != HV_SUCCESS ||
        hv_vm_map(host + GUARD, POOL_IPA, RAM_BYTES, 7) != HV_SUCCESS)
        return "no VM";
    for (unsigned n = 0; n < VCPUS; n++)
        pthread_create(&thread[n], NULL, run, (void *)(uintptr_t)n);
    while (alive < VCPUS)
        ;
    disturb(&w, seconds);
    stop = true;
    for (unsigned n = 0; n < VCPUS; n++) {
        void *result;
        while (alive > 0) /* the last run may have begun after the last exit */
            hv_vcpus_exit(vcpus, VCPUS);
        pthread_join(thread[n], &result);
        wrong = result ? result : wrong;
    }
    hv_vm_destroy();
    world_free(&w);
    munmap(host, RAM_BYTES + 2 * GUARD);
    return wrong;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    const char *wrong = wild(argc > 2 ? atof(argv[2]) : 3);

    printf("%s - wild tables and code, seed %" PRIu64 "%s%s\n", wrong ? "not ok" : "ok", seed,
           wrong ? ": " : "", wrong ? wrong : "");
    printf("# %llu runs, %llu ended by an abort, %llu canceled\n", runs, aborts, cancels);
    return wrong != NULL;
}
