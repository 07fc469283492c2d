/* SPDX-License-Identifier: MIT */
/*
 * The reference of simd_diff.c: a static AArch64 Linux program that executes instruction words
 * where it runs, under qemu-aarch64 or on a real CPU. Reads words from the file and writes a struct
 * test_state for each to standard output:
 *
 *   oracle WORDS-FILE FIRST-NUMBER
 */
#define _GNU_SOURCE
#include "stream.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

/* execute(state, slot): load the registers, jump to the slot, come back at `leave`, save them. x29
 * is the one register that a test cannot have. The offsets are those of struct test_state. */
void execute(struct test_state *s, uint64_t slot);
extern char leave[];
__asm__(".text\n"
        ".globl execute, leave\n"
        ".balign 16\n"
        "execute:\n"
        "stp x29, x30, [sp, -176]!\n"
        "stp x19, x20, [sp, 16]\n"
        "stp x21, x22, [sp, 32]\n"
        "stp x23, x24, [sp, 48]\n"
        "stp x25, x26, [sp, 64]\n"
        "stp x27, x28, [sp, 80]\n"
        "stp d8, d9, [sp, 96]\n"
        "stp d10, d11, [sp, 112]\n"
        "stp d12, d13, [sp, 128]\n"
        "stp d14, d15, [sp, 144]\n"
        "mov x29, x0\n"
        "adrp x2, saved\n"
        "add x2, x2, :lo12:saved\n"
        "mov x3, sp\n"
        "stp x0, x3, [x2]\n"
        "str x1, [x29, 512 + 8 * 29]\n"
        "ldr x1, [x29, 512 + 8 * 31]\n"
        "mov sp, x1\n"
        "ldr x1, [x29, 768]\n"
        "msr fpsr, x1\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "ldr q\\n, [x29, 16 * \\n]\n"
        ".endr\n"
        ".irp n,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "ldr q\\n, [x29, 16 * \\n]\n"
        ".endr\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "ldr x\\n, [x29, 512 + 8 * \\n]\n"
        ".endr\n"
        ".irp n,16,17,18,19,20,21,22,23,24,25,26,27,28,30\n"
        "ldr x\\n, [x29, 512 + 8 * \\n]\n"
        ".endr\n"
        "ldr x29, [x29, 512 + 8 * 29]\n"
        "br x29\n"
        "leave:\n"
        "adrp x29, saved\n"
        "ldr x29, [x29, :lo12:saved]\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "str x\\n, [x29, 512 + 8 * \\n]\n"
        ".endr\n"
        ".irp n,16,17,18,19,20,21,22,23,24,25,26,27,28,30\n"
        "str x\\n, [x29, 512 + 8 * \\n]\n"
        ".endr\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "str q\\n, [x29, 16 * \\n]\n"
        ".endr\n"
        ".irp n,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "str q\\n, [x29, 16 * \\n]\n"
        ".endr\n"
        "str xzr, [x29, 512 + 8 * 29]\n"
        "mov x1, sp\n"
        "str x1, [x29, 512 + 8 * 31]\n"
        "mrs x1, fpsr\n"
        "str x1, [x29, 768]\n"
        "adrp x2, saved\n"
        "add x2, x2, :lo12:saved\n"
        "ldr x1, [x2, 8]\n"
        "mov sp, x1\n"
        "ldp x19, x20, [sp, 16]\n"
        "ldp x21, x22, [sp, 32]\n"
        "ldp x23, x24, [sp, 48]\n"
        "ldp x25, x26, [sp, 64]\n"
        "ldp x27, x28, [sp, 80]\n"
        "ldp d8, d9, [sp, 96]\n"
        "ldp d10, d11, [sp, 112]\n"
        "ldp d12, d13, [sp, 128]\n"
        "ldp d14, d15, [sp, 144]\n"
        "ldp x29, x30, [sp], 176\n"
        "ret\n"
        ".bss\n"
        ".balign 16\n"
        "saved: .skip 16\n"
        ".text\n");
_Static_assert(sizeof(struct test_state) == 512 + 256 + 24, "offsets in execute()");

static volatile sig_atomic_t undefined;

/* Skip the word. The stack may be the test's, hence the alternate one. */
static void on_sigill(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    undefined = 1;
    ((ucontext_t *)context)->uc_mcontext.pc += 4;
}

static void *map_at(uint64_t addr, uint64_t bytes, int prot)
{
    void *p = mmap((void *)addr, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (p == MAP_FAILED) {
        perror("oracle: mmap");
        exit(1);
    }
    fill_pattern(p, addr, bytes);
    return p;
}

static void set_slot(unsigned n, uint32_t w)
{
    /* The word, then: ldr x29, =leave; br x29. But a test may fill only two words, so branch. */
    uint32_t *slot = (uint32_t *)(SLOT_ADDR + 8 * n);
    const uint64_t island = SLOT_ADDR + 8 * SLOTS;
    slot[0] = w;
    slot[1] = 0x14000000 | ((island - (uint64_t)(slot + 1)) >> 2 & 0x3ffffff);
}

int main(int argc, char **argv)
{
    static char stack[65536];
    FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (!in)
        return 2;
    uint64_t number = strtoull(argv[2], NULL, 0);
    uint8_t *data = map_at(DATA_ADDR, DATA_BYTES, PROT_READ | PROT_WRITE);
    map_at(PATTERN_ADDR, PATTERN_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
    uint32_t *island = (uint32_t *)(SLOT_ADDR + 8 * SLOTS);
    const uint64_t target = (uint64_t)leave;
    island[0] = 0x5800005d; /* ldr x29, #8 */
    island[1] = 0xd61f03a0; /* br x29 */
    memcpy(island + 2, &target, 8);

    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    struct sigaction action = {.sa_sigaction = on_sigill, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGILL, &action, NULL);

    uint32_t words[SLOTS];
    size_t count;
    while ((count = fread(words, sizeof words[0], SLOTS, in)) > 0) {
        for (unsigned n = 0; n < count; n++)
            set_slot(n, words[n]);
        __builtin___clear_cache((char *)SLOT_ADDR, (char *)SLOT_ADDR + 8 * SLOTS + 16);
        for (unsigned n = 0; n < count; n++) {
            struct test_state s;
            make_state(&s, words[n], number++);
            undefined = 0;
            execute(&s, SLOT_ADDR + 8 * n);
            s.undefined = (uint64_t)undefined;
            s.memory = is_memory_access(words[n]) ? window_digest(data) : 0;
            if (fwrite(&s, sizeof s, 1, stdout) != 1)
                return 1;
        }
    }
    return 0;
}
