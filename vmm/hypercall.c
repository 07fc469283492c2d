/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls of guest/tinyvmm.h. One function per number, one table. Runs on the calling vCPU's
 * thread. Everything in the registers is the guest's wish and nothing more: addresses go through
 * mem.h.
 *
 * To add one: give it the next number in guest/tinyvmm.h, a function here, a row in the table, and
 * a line in docs/HYPERCALLS.md and tests/monitor.
 */
#include "vmm.h"

#include <errno.h>

#include "tinyvmm.h"

#define WRITE_CHUNK 65536

/* Each returns what goes into x0. `a` and `b` are x1 and x2. */
typedef int64_t hypercall_fn(struct vcpu *v, uint64_t a, uint64_t b);

static int64_t do_exit(struct vcpu *v, uint64_t a, uint64_t b)
{
    (void)a, (void)b;
    vm_stop(v->vm, VM_END_EXIT, 0);
    return 0;
}

static int64_t do_exit_status(struct vcpu *v, uint64_t a, uint64_t b)
{
    (void)b;
    vm_stop(v->vm, VM_END_EXIT, (int)(a & 0xff));
    return 0;
}

static int64_t do_putchar(struct vcpu *v, uint64_t a, uint64_t b)
{
    (void)b;
    console_putc(&v->vm->console, (uint8_t)a);
    return 0;
}

static int64_t do_puts(struct vcpu *v, uint64_t a, uint64_t b)
{
    (void)b;
    int64_t len = mem_string(&v->vm->mem, gpa(a), TINYVMM_STRING_MAX);
    if (len < 0)
        return len == -E2BIG ? TINYVMM_TOO_LONG : TINYVMM_BAD_ADDRESS;
    if (len > 0)
        console_write(&v->vm->console, mem_at(&v->vm->mem, gpa(a), (uint64_t)len), (size_t)len);
    return 0;
}

static int64_t do_getchar(struct vcpu *v, uint64_t a, uint64_t b)
{
    (void)a, (void)b;
    int byte = console_read_wait(&v->vm->console, v->vm->cancel_read);
    return byte >= 0 ? byte : TINYVMM_END_OF_INPUT;
}

static int64_t do_write(struct vcpu *v, uint64_t a, uint64_t b)
{
    struct vm *vm = v->vm;
    const uint8_t *data = mem_at(&vm->mem, gpa(a), b);
    if (b == 0)
        return 0;
    if (!data)
        return TINYVMM_BAD_ADDRESS;
    /* In pieces, so that gigabytes of output do not outlive a --timeout. */
    for (uint64_t done = 0; done < b && vm_ended(vm) == VM_END_NONE;) {
        uint64_t n = b - done < WRITE_CHUNK ? b - done : WRITE_CHUNK;
        console_write(&vm->console, data + done, (size_t)n);
        done += n;
    }
    return (int64_t)b;
}

static int64_t do_clock(struct vcpu *v, uint64_t a, uint64_t b)
{
    (void)b;
    switch (a) {
    case TINYVMM_CLOCK_RUNTIME: return (int64_t)(host_ns() - v->vm->entered_ns);
    case TINYVMM_CLOCK_UNIX: return (int64_t)host_unix_ns();
    default: return TINYVMM_NOT_SUPPORTED;
    }
}

static int64_t do_info(struct vcpu *v, uint64_t a, uint64_t b)
{
    const struct vm *vm = v->vm;
    (void)b;
    switch (a) {
    case TINYVMM_INFO_VM: return vm->config.id;
    case TINYVMM_INFO_VMS: return vm->config.count;
    case TINYVMM_INFO_MEMORY_BASE: return (int64_t)vm->mem.region[0].base;
    case TINYVMM_INFO_MEMORY_SIZE: return (int64_t)vm->mem.region[0].size;
    case TINYVMM_INFO_CPUS: return vm->cpus;
    default: return TINYVMM_NOT_SUPPORTED;
    }
}

static hypercall_fn *const table[TINYVMM_HYPERCALLS] = {
    [TINYVMM_EXIT] = do_exit,       [TINYVMM_PUTCHAR] = do_putchar,
    [TINYVMM_PUTS] = do_puts,       [TINYVMM_EXIT_STATUS] = do_exit_status,
    [TINYVMM_GETCHAR] = do_getchar, [TINYVMM_WRITE] = do_write,
    [TINYVMM_CLOCK] = do_clock,     [TINYVMM_INFO] = do_info,
};

_Static_assert(TINYVMM_HYPERCALLS <= VCPU_HYPERCALLS, "one counter per hypercall");

int hypercall(struct vcpu *v)
{
    if (v->vm->machine->trap_vectors && vectors_caught(v))
        return 0;
    uint64_t number = vcpu_x(v, 0);
    /* From 0x8000_0000 up (bit 31 of w0): function ids of the SMC calling convention. */
    if (number >> 31) {
        v->stats.psci++;
        return smccc(v, (uint32_t)number);
    }
    if (number >= TINYVMM_HYPERCALLS) {
        vcpu_set_x(v, 0, (uint64_t)TINYVMM_NOT_SUPPORTED);
        return 0;
    }
    v->stats.hypercalls[number]++;
    int64_t result = table[number](v, vcpu_x(v, 1), vcpu_x(v, 2));
    vcpu_set_x(v, 0, (uint64_t)result);
    return 0;
}
