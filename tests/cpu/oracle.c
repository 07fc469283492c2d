/* SPDX-License-Identifier: MIT */
/*
 * The reference: runs the streams it reads on the CPU it finds itself on, an arm64 machine or
 * qemu-aarch64, and answers with the registers after them. x29 is the way back and not part of the
 * test.
 */
#include "wire.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

extern void stream_enter(struct regs *regs, const void *code);
extern char stream_exit[];

/* The registers of the caller are parked in `home`; those of the stream are in *regs. */
__asm__(".bss\n.balign 16\nhome: .skip 256\nstate: .skip 8\n.text\n"
        ".global stream_enter\nstream_enter:\n"
        "  adrp x9, home\n  add x9, x9, :lo12:home\n"
        "  stp x19, x20, [x9]\n  stp x21, x22, [x9, 16]\n  stp x23, x24, [x9, 32]\n"
        "  stp x25, x26, [x9, 48]\n  stp x27, x28, [x9, 64]\n  stp x29, x30, [x9, 80]\n"
        "  mov x10, sp\n  str x10, [x9, 96]\n"
        "  stp d8, d9, [x9, 112]\n  stp d10, d11, [x9, 128]\n  stp d12, d13, [x9, 144]\n"
        "  stp d14, d15, [x9, 160]\n"
        "  adrp x10, state\n  str x0, [x10, :lo12:state]\n"
        "  mov x29, x1\n"
        "  ldr x10, [x0, 248]\n  mov sp, x10\n"
        "  ldr x10, [x0, 256]\n  msr nzcv, x10\n"
        "  ldr x10, [x0, 264]\n  msr fpcr, x10\n"
        "  ldr x10, [x0, 272]\n  msr fpsr, x10\n"
        "  add x10, x0, 280\n"
        "  ld1 {v0.2d-v3.2d}, [x10], 64\n  ld1 {v4.2d-v7.2d}, [x10], 64\n"
        "  ld1 {v8.2d-v11.2d}, [x10], 64\n  ld1 {v12.2d-v15.2d}, [x10], 64\n"
        "  ld1 {v16.2d-v19.2d}, [x10], 64\n  ld1 {v20.2d-v23.2d}, [x10], 64\n"
        "  ld1 {v24.2d-v27.2d}, [x10], 64\n  ld1 {v28.2d-v31.2d}, [x10]\n"
        "  ldp x2, x3, [x0, 16]\n  ldp x4, x5, [x0, 32]\n  ldp x6, x7, [x0, 48]\n"
        "  ldp x8, x9, [x0, 64]\n  ldp x10, x11, [x0, 80]\n  ldp x12, x13, [x0, 96]\n"
        "  ldp x14, x15, [x0, 112]\n  ldp x16, x17, [x0, 128]\n  ldp x18, x19, [x0, 144]\n"
        "  ldp x20, x21, [x0, 160]\n  ldp x22, x23, [x0, 176]\n  ldp x24, x25, [x0, 192]\n"
        "  ldp x26, x27, [x0, 208]\n  ldr x28, [x0, 224]\n  ldr x30, [x0, 240]\n"
        "  ldp x0, x1, [x0]\n"
        "  br x29\n"
        ".global stream_exit\nstream_exit:\n"
        "  adrp x29, state\n  ldr x29, [x29, :lo12:state]\n"
        "  stp x0, x1, [x29]\n  stp x2, x3, [x29, 16]\n  stp x4, x5, [x29, 32]\n"
        "  stp x6, x7, [x29, 48]\n  stp x8, x9, [x29, 64]\n  stp x10, x11, [x29, 80]\n"
        "  stp x12, x13, [x29, 96]\n  stp x14, x15, [x29, 112]\n  stp x16, x17, [x29, 128]\n"
        "  stp x18, x19, [x29, 144]\n  stp x20, x21, [x29, 160]\n  stp x22, x23, [x29, 176]\n"
        "  stp x24, x25, [x29, 192]\n  stp x26, x27, [x29, 208]\n  str x28, [x29, 224]\n"
        "  str xzr, [x29, 232]\n  str x30, [x29, 240]\n"
        "  mov x10, sp\n  str x10, [x29, 248]\n"
        "  mrs x10, nzcv\n  str x10, [x29, 256]\n"
        "  mrs x10, fpcr\n  str x10, [x29, 264]\n"
        "  mrs x10, fpsr\n  str x10, [x29, 272]\n"
        "  add x10, x29, 280\n"
        "  st1 {v0.2d-v3.2d}, [x10], 64\n  st1 {v4.2d-v7.2d}, [x10], 64\n"
        "  st1 {v8.2d-v11.2d}, [x10], 64\n  st1 {v12.2d-v15.2d}, [x10], 64\n"
        "  st1 {v16.2d-v19.2d}, [x10], 64\n  st1 {v20.2d-v23.2d}, [x10], 64\n"
        "  st1 {v24.2d-v27.2d}, [x10], 64\n  st1 {v28.2d-v31.2d}, [x10]\n"
        "  msr fpcr, xzr\n"
        "  adrp x9, home\n  add x9, x9, :lo12:home\n"
        "  ldp x19, x20, [x9]\n  ldp x21, x22, [x9, 16]\n  ldp x23, x24, [x9, 32]\n"
        "  ldp x25, x26, [x9, 48]\n  ldp x27, x28, [x9, 64]\n  ldp x29, x30, [x9, 80]\n"
        "  ldr x10, [x9, 96]\n  mov sp, x10\n"
        "  ldp d8, d9, [x9, 112]\n  ldp d10, d11, [x9, 128]\n  ldp d12, d13, [x9, 144]\n"
        "  ldp d14, d15, [x9, 160]\n  ret\n");

_Static_assert(sizeof(struct regs) == 280 + 512, "offsets in the assembly");

static sigjmp_buf out;
static char signal_stack[1 << 16];

static void on_signal(int number)
{
    siglongjmp(out, number);
}

static uint8_t *region(uint64_t addr, uint64_t bytes, int prot)
{
    void *p =
        mmap((void *)(uintptr_t)addr, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

int main(void)
{
    static struct request in;
    static struct reply reply;
    uint8_t *data = region(DATA_ADDR, DATA_BYTES, PROT_READ | PROT_WRITE);
    uint8_t *below = region(CODE_ADDR - 0x4000, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
    if (!data || !below)
        return 1;
    fill_pattern(data, DATA_ADDR, DATA_BYTES);
    fill_pattern(below, CODE_ADDR - 0x4000, 0x4000);
    uint8_t *code = below + 0x4000;
    /* The exit: ldr x29, [pc, 8]; br x29; the address. It takes the place of the last word. */
    stack_t ss = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    sigaltstack(&ss, NULL);
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigaction(SIGILL, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    sigaction(SIGTRAP, &sa, NULL);
    while (transfer(0, &in, sizeof in, 0)) {
        if (in.count > STREAM_MAX)
            return 1;
        uint32_t exit_code[2] = {0x5800005d, 0xd61f03a0};
        uint64_t exit_addr = (uintptr_t)stream_exit;
        memcpy(code, in.words, in.count * 4);
        uint8_t *end = code + in.count * 4;
        memcpy(end, exit_code, 8);
        memcpy(end + 8, &exit_addr, 8);
        __builtin___clear_cache((char *)code, (char *)end + 16);
        reply.regs = in.regs;
        reply.signal = (uint64_t)sigsetjmp(out, 1);
        if (!reply.signal)
            stream_enter(&reply.regs, code);
        reply.memory = digest(data + (BASE - DATA_ADDR) - WINDOW, 2 * WINDOW);
        fill_pattern(data + (BASE - DATA_ADDR) - WINDOW, BASE - WINDOW, 2 * WINDOW);
        if (!transfer(1, &reply, sizeof reply, 1))
            return 1;
    }
    return 0;
}
