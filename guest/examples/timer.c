/* SPDX-License-Identifier: MIT */
/*
 * The virtual timer: five interrupts, ten milliseconds apart, and WFI in between. While the guest
 * waits its thread on the host sleeps: look at the CPU time (`time ./tinyvmm run ...`).
 */
#include "lib.h"

#define TICKS 5

static volatile unsigned ticks;

static uint64_t frequency(void)
{
    uint64_t hz;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz;
}

static void arm(uint64_t after)
{
    __asm__ volatile("msr cntv_tval_el0, %0" : : "r"(after));
    __asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" : : "r"(1L)); /* ENABLE, not masked */
}

void on_exception(struct exception *e)
{
    if (e->vector % 4 != 1) {
        print("unexpected: vector %lu, esr 0x%lx\n", e->vector, e->esr);
        exit(1);
    }
    /* The line stays up until the timer is quiet: set the next one, or switch it off. */
    if (++ticks < TICKS)
        arm(frequency() / 100);
    else
        __asm__ volatile("msr cntv_ctl_el0, xzr\n\tisb");
}

int main(void)
{
    exceptions_on();
    uint64_t begin = clock_ns();
    arm(frequency() / 100);
    while (ticks < TICKS) {
        /* With interrupts masked WFI still wakes up; the handler runs once they are open. No tick
         * can be lost between the test and the wait. */
        __asm__ volatile("msr daifset, #2");
        if (ticks < TICKS)
            __asm__ volatile("wfi");
        __asm__ volatile("msr daifclr, #2");
    }
    uint64_t ms = (clock_ns() - begin) / 1000000;
    print("%u ticks, %s\n", ticks, ms >= 50 ? "not too fast" : "too fast");
    return ms >= 50 ? 0 : 1;
}
