/* SPDX-License-Identifier: MIT */
/*
 * Random bytes as guests: wild SEED COUNT SECONDS FILE. Each of COUNT images, or of as many as
 * there is time for, runs on machine tiny for a few milliseconds at most, in this one process, so
 * that a sanitizer build shows every slip of the monitor and of the backend. FILE is where the
 * image is written; a failure prints its seed, by which it can be repeated (wild SEED 1 60 FILE).
 *
 * A canary page on each side of guest memory is not needed: memory is mapped with nothing beside
 * it, and the address sanitizer watches what is ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tinyvmm.h"
#include "vmm.h"

#define WORDS 256

static uint64_t state;

/* xorshift64*: the same images everywhere. */
static uint64_t random64(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)(random64() >> 32) % n;
}

/* Shapes of real instructions, with the operands left to chance: pure noise is mostly undefined. */
static uint32_t random_word(void)
{
    static const struct {
        uint32_t bits, mask; /* mask: what is random */
    } shapes[] = {
        {0xd4000002, 0x001fffe0},         /* hvc */
        {0xd4000002, 0},                  /* hvc #0, often */
        {0xd4000001, 0x001fffe0},         /* svc */
        {0xd2800000, 0x007fffff},         /* movz */
        {0xf2800000, 0x007fffff},         /* movk */
        {0x8b000000, 0x003fffff},         /* add */
        {0x91000000, 0x003fffff},         /* add immediate, SP */
        {0x12000000, 0xe03fffff},         /* logical immediate */
        {0xb8000000, 0x47ffffff},         /* loads, stores */
        {0x28000000, 0xc7ffffff},         /* pairs */
        {0x08000000, 0xc0ffffff},         /* exclusives */
        {0x38200000, 0xc7dffc1f},         /* atomics */
        {0x14000000, 0x0000003f},         /* b, near */
        {0x17ffffc0, 0x0000003f},         /* b, back */
        {0x54000000, 0x0000078f},         /* b.cond */
        {0xd61f0000, 0x00200000 | 0x3e0}, /* br, blr */
        {0xd5100000, 0x002fffff},         /* msr, mrs, sys */
        {0xd5180000, 0x0020ffff},         /* op0 3 */
        {0xd5080000, 0x0020ffff},         /* tlbi, dc, ic, at */
        {0xd503201f, 0x00000fe0},         /* hints: wfi, wfe, ... */
        {0xd503301f, 0x00000fe0},         /* barriers */
        {0xd69f03e0, 0},                  /* eret */
        {0x0e000000, 0xd1ffffff},         /* SIMD */
        {0x1e200000, 0x81dffc1f},         /* FP */
        {0x4c000000, 0x43ffffff},         /* SIMD structures */
        {0x00000000, 0xffffffff},         /* anything */
    };
    uint32_t i = below(sizeof(shapes) / sizeof(shapes[0]));
    return shapes[i].bits | ((uint32_t)random64() & shapes[i].mask);
}

static size_t prologue(uint32_t *image)
{
    size_t n = 0;
    /* Half of them have a vector table inside the image, and so live on after an exception. */
    if (below(2)) {
        image[n++] = 0x10000000 | below(WORDS / 4) << 5; /* adr x0, forward */
        image[n++] = 0x9274cc00;                         /* and x0, x0, #-4096 */
        image[n++] = 0xd518c000;                         /* msr vbar_el1, x0 */
    }
    /* Registers that mean something: hypercall numbers, addresses at the edges of memory. */
    for (uint32_t r = 0; r < 6; r++) {
        image[n++] = 0xd2800000 | below(0x10000) << 5 | r;
        image[n++] = 0xf2a00000 | (below(4) ? below(0x20) : below(0x10000)) << 5 | r;
    }
    image[n++] = 0xd2800000 | below(TINYVMM_HYPERCALLS + 2) << 5; /* x0 */
    return n;
}

static int write_image(const char *path)
{
    uint32_t image[WORDS];
    size_t n = below(8) ? prologue(image) : 0;
    bool noise = below(8) == 0;
    for (; n < WORDS; n++)
        image[n] = noise ? (uint32_t)random64() : random_word();
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        return -errno;
    int err = write_all(fd, image, sizeof(image));
    close(fd);
    return err;
}

struct tally {
    unsigned exits, crashes, timeouts, errors;
};

static void run_image(const char *path, int null, struct tally *tally, uint64_t seed)
{
    struct vm_config config;
    struct vm_error error;
    struct vm *vm;
    vm_config_init(&config);
    config.guest = path;
    config.machine = "tiny";
    config.in_fd = null;
    config.out_fd = null;
    config.timeout_ns = 1000000;
    if (vm_create(&vm, &config, &error)) {
        printf("not ok - monitor wild guest %llu: %s\n", (unsigned long long)seed, error.text);
        tally->errors++;
        return;
    }
    vm_run(vm);
    switch (vm_ended(vm)) {
    case VM_END_EXIT: tally->exits++; break;
    case VM_END_CRASH: tally->crashes++; break;
    case VM_END_TIMEOUT: tally->timeouts++; break;
    default:
        printf("not ok - monitor wild guest %llu: ended by %d: %s\n", (unsigned long long)seed,
               (int)vm_ended(vm), vm_error_text(vm));
        tally->errors++;
        break;
    }
    vm_destroy(vm);
}

int main(int argc, char **argv)
{
    struct tally tally = {.exits = 0};
    if (argc != 5)
        return 2;
    uint64_t seed = strtoull(argv[1], NULL, 0), count = strtoull(argv[2], NULL, 0), done = 0;
    const time_t end = time(NULL) + atoi(argv[3]);
    int null = open("/dev/null", O_RDWR), err = 0;
    if (null < 0)
        return 2;
    log_setup(LOG_QUIET, "VM 1", STDERR_FILENO);
    /* The crash reports would be megabytes; sanitizers keep the real standard error by their
     * option. */
    if (!getenv("WILD_VERBOSE"))
        dup2(null, STDERR_FILENO);
    for (; done < count && time(NULL) < end && !err && tally.errors < 10; done++) {
        state = (seed + done) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        err = write_image(argv[4]);
        if (!err)
            run_image(argv[4], null, &tally, seed + done);
    }
    close(null);
    if (err || tally.errors)
        return 1;
    printf("ok - monitor wild: %llu random guests: %u ended, %u crashed, %u ran until stopped\n",
           (unsigned long long)done, tally.exits, tally.crashes, tally.timeouts);
    return 0;
}
