/* SPDX-License-Identifier: MIT */
/*
 * Exceptions at EL1: the program calls itself by SVC, executes an instruction that does not exist,
 * and touches an address where nothing is, and lives on each time because it has a vector table.
 *
 * The bad access leaves the guest: there is no memory behind it, so the monitor gets it and gives
 * it back as the external abort that a real bus would have answered with.
 */
#include "lib.h"

#define NOWHERE UINT64_C(0x80000000)

void on_exception(struct exception *e)
{
    switch (EXCEPTION_CLASS(e->esr)) {
    case CLASS_SVC:
        /* ELR points behind an SVC already. */
        print("SVC #%u, x0 = %lu\n", (unsigned)(e->esr & 0xffff), e->x[0]);
        e->x[0] *= 2;
        return;
    case CLASS_UNDEFINED:
        puts("undefined instruction: skipped\n");
        e->pc += 4;
        return;
    case CLASS_DATA_ABORT:
        print("%s at 0x%lx: fault status 0x%x\n", e->esr >> 6 & 1 ? "write" : "read", e->far,
              (unsigned)(e->esr & 0x3f));
        e->pc += 4; /* or the same instruction would fault again */
        return;
    default: print("unexpected exception, class 0x%x\n", EXCEPTION_CLASS(e->esr)); exit(1);
    }
}

static uint64_t call_self(uint64_t argument)
{
    register uint64_t x0 __asm__("x0") = argument;
    __asm__ volatile("svc #7" : "+r"(x0) : : "memory");
    return x0;
}

int main(void)
{
    volatile uint32_t *nowhere = (volatile uint32_t *)NOWHERE;
    exceptions_on();
    print("the handler answered %lu\n", call_self(21));
    __asm__ volatile("udf #0");
    *nowhere = 1;
    (void)*nowhere;
    puts("still alive\n");
    return 0;
}
