/* SPDX-License-Identifier: MIT */
/*
 * The smallest operating system: EL1 is the kernel, EL0 the user. The user asks for everything by
 * SVC; what it must not do, the CPU stops and the kernel sees.
 */
#include "lib.h"

enum { CALL_PUTS, CALL_EXIT };

static unsigned char user_stack[4096] __attribute__((aligned(16)));

/* ---- kernel, EL1 ---- */

void on_exception(struct exception *e)
{
    unsigned class = EXCEPTION_CLASS(e->esr);
    if (class == CLASS_SVC && e->x[8] == CALL_PUTS) {
        puts((const char *)e->x[0]);
        e->x[0] = 0;
    } else if (class == CLASS_SVC && e->x[8] == CALL_EXIT) {
        print("kernel: the user is done, with %lu\n", e->x[0]);
        exit((int)e->x[0]);
    } else if (class == CLASS_UNDEFINED || class == CLASS_TRAPPED_SYSREG) {
        print("kernel: the user may not do that (class 0x%x)\n", class);
        e->pc += 4;
    } else {
        print("kernel: unexpected class 0x%x from the user\n", class);
        exit(1);
    }
}

/* ---- user, EL0 ---- */

static int64_t system_call(uint64_t number, uint64_t argument)
{
    register uint64_t x0 __asm__("x0") = argument;
    register uint64_t x8 __asm__("x8") = number;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8) : "memory");
    return (int64_t)x0;
}

static void user(uint64_t argument)
{
    system_call(CALL_PUTS, (uint64_t) "user: hello from EL0\n");
    system_call(CALL_PUTS, (uint64_t) "user: trying to move the kernel's vector table\n");
    __asm__ volatile("msr vbar_el1, %0" : : "r"(argument));
    system_call(CALL_PUTS, (uint64_t) "user: trying to call the monitor myself\n");
    __asm__ volatile("hvc #0");
    system_call(CALL_EXIT, 0);
}

int main(void)
{
    exceptions_on();
    puts("kernel: starting the user\n");
    drop_to_el0(user, user_stack + sizeof(user_stack), 0);
}
