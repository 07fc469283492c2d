/* SPDX-License-Identifier: MIT */
/*
 * The workloads on this host: `native NAME REPEATS` answers as the guest does. For the workloads
 * that need a machine of their own it gives the checksum that they must have, with a time of 0.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "work.h"
#include "work_system.h"

unsigned char arena[ARENA_SIZE] __attribute__((aligned(4096)));

static uint64_t answer_svc(void)
{
    return SVC_COUNT;
}

/* Pages 1, 2 and 3 each time; page 0 or page 4 in turn. */
static uint64_t answer_tlbi(void)
{
    return TLBI_COUNT * UINT64_C(6) + TLBI_COUNT / 2 * UINT64_C(4);
}

static uint64_t answer_self_modifying(void)
{
    return MODIFY_COUNT * (MODIFY_COUNT - UINT64_C(1)) / 2;
}

static uint64_t answer_hypercall(void)
{
    return HYPERCALL_COUNT;
}

static uint64_t answer_mmio(void)
{
    return MMIO_COUNT;
}

const struct work system_works[] = {
    {"svc", 1, NULL, answer_svc},
    {"tlbi", 1, NULL, answer_tlbi},
    {"cold-code", 1, NULL, cold_model},
    {"self-modifying", 1, NULL, answer_self_modifying},
    {"hypercall", 1, NULL, answer_hypercall},
    {"mmio", 1, NULL, answer_mmio},
    {NULL, 0, NULL, NULL},
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static const struct work *find(const struct work *w, const char *name)
{
    while (w->name && strcmp(w->name, name) != 0)
        w++;
    return w->name ? w : NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: native NAME [REPEATS]\n");
        return 2;
    }
    const struct work *w = find(works, argv[1]), *own = w;
    w = w ? w : find(system_works, argv[1]);
    if (!w) {
        fprintf(stderr, "native: no workload '%s'\n", argv[1]);
        return 2;
    }
    unsigned repeats = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    repeats = repeats ? repeats : w->repeats;
    uint64_t total = 0, checksum = 0;
    for (unsigned i = 0; i < repeats; i++) {
        if (w->setup)
            w->setup();
        uint64_t begin = now_ns();
        uint64_t answer = w->run();
        total += now_ns() - begin;
        checksum = i == 0 || answer == checksum ? answer : 0;
    }
    printf("%s %u %llu %llx\n", w->name, repeats, own ? (unsigned long long)total : 0ULL,
           (unsigned long long)checksum);
    return 0;
}
