/* SPDX-License-Identifier: MIT */
/*
 * Runs instruction words on whatever CPU it runs on (qemu-aarch64, or a real one) for insn_diff.c:
 * exchanges on standard input, answers on standard output. A word may use V0 to V31, X0 to X7, XZR,
 * FPCR, FPSR and NZCV, and must not touch memory.
 */
#include "insn_wire.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

static sigjmp_buf undefined;

static void on_sigill(int sig)
{
    (void)sig;
    siglongjmp(undefined, 1);
}

/* Loads the state, calls the code, stores the state. X28 = state, X27 = code, X26 = &state->x. */
void run_word(struct state *s, const uint32_t *code);
#define FOUR(op, base, a, b, c, d)                                                                 \
#op " q" #a ", q" #b ", [x28, #" #base "]\n" #op " q" #c ", q" #d ", [x28, #" #base " + 32]\n"
#define ALL_V(op)                                                                                  \
    FOUR(op, 0, 0, 1, 2, 3)                                                                        \
    FOUR(op, 64, 4, 5, 6, 7)                                                                       \
    FOUR(op, 128, 8, 9, 10, 11)                                                                    \
    FOUR(op, 192, 12, 13, 14, 15)                                                                  \
    FOUR(op, 256, 16, 17, 18, 19)                                                                  \
    FOUR(op, 320, 20, 21, 22, 23)                                                                  \
    FOUR(op, 384, 24, 25, 26, 27)                                                                  \
    FOUR(op, 448, 28, 29, 30, 31)
#define ALL_X(op)                                                                                  \
#op " x0, x1, [x26]\n" #op " x2, x3, [x26, #16]\n" #op " x4, x5, [x26, #32]\n" #op             \
        " x6, x7, [x26, #48]\n"
#define CALLEE_SAVED(op)                                                                           \
#op " x26, x27, [sp, #16]\n" #op " x28, x19, [sp, #32]\n" #op " d8, d9, [sp, #48]\n" #op       \
        " d10, d11, [sp, #64]\n" #op " d12, d13, [sp, #80]\n" #op " d14, d15, [sp, #96]\n"
__asm__(".global run_word\n"
        "run_word: stp x29, x30, [sp, #-112]!\n" CALLEE_SAVED(
            stp) "mov x28, x0\n mov x27, x1\n add x26, x0, #512\n"
                 "ldp x9, x10, [x26, #64]\n msr fpcr, x9\n msr fpsr, x10\n"
                 "ldr x9, [x26, #80]\n msr nzcv, x9\n" ALL_V(ldp) ALL_X(ldp) "blr x27\n" ALL_V(stp)
                     ALL_X(stp) "mrs x9, fpcr\n mrs x10, fpsr\n stp x9, x10, [x26, #64]\n"
                                "mrs x9, nzcv\n str x9, [x26, #80]\n msr fpcr, xzr\n" CALLEE_SAVED(
                                    ldp) "ldp x29, x30, [sp], #112\n ret\n");

int main(void)
{
    enum { SLOTS = 4096, RET = 0xd65f03c0 };
    static struct exchange e;
    struct sigaction ill = {.sa_handler = on_sigill, .sa_flags = SA_NODEFER};
    unsigned slot = 0;
    uint32_t *code = mmap(NULL, SLOTS * 8, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED || sigaction(SIGILL, &ill, NULL))
        return 1;
    while (fread(&e, sizeof e, 1, stdin) == 1) {
        uint32_t *at = code + 2 * (slot++ % SLOTS);
        at[0] = e.word;
        at[1] = RET;
        __builtin___clear_cache((char *)at, (char *)(at + 2));
        e.undefined = sigsetjmp(undefined, 1) != 0;
        for (int k = 0; k < STATES && !e.undefined; k++)
            run_word(&e.s[k], at);
        if (fwrite(&e, sizeof e, 1, stdout) != 1 || fflush(stdout))
            return 1;
    }
    return 0;
}
