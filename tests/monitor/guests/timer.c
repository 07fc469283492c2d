/* SPDX-License-Identifier: MIT */
/* The virtual timer: its interrupt waits while it is masked, comes once when it is not, comes again
 * if it is not quieted, and WFI wakes up for it, masked or not. */
#include "check.h"

static volatile unsigned interrupts, wrong;
static volatile int leave_it_on;
static volatile uint64_t period;

void on_exception(struct exception *e)
{
    interrupts++;
    wrong += e->vector % 4 != 1;
    if (leave_it_on)
        leave_it_on--;
    else if (period)
        __asm__ volatile("msr cntv_tval_el0, %0\n\tisb" : : "r"(period));
    else
        __asm__ volatile("msr cntv_ctl_el0, xzr\n\tisb");
}

static uint64_t ticks(uint64_t ms)
{
    uint64_t hz;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz * ms / 1000;
}

static void arm(uint64_t ms)
{
    __asm__ volatile("msr cntv_tval_el0, %0\n\tmsr cntv_ctl_el0, %1\n\tisb"
                     :
                     : "r"(ticks(ms)), "r"(UINT64_C(1)));
}

static void spin(uint64_t ms)
{
    uint64_t now, end;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(end));
    end += ticks(ms);
    do
        __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(now));
    while (now < end);
}

/* Not for ever, and not for a fixed time either: the host may be busy. */
static void spin_until(unsigned wanted)
{
    for (unsigned n = 0; n < 500 && interrupts < wanted; n++)
        spin(10);
}

#define MASK()   __asm__ volatile("msr daifset, #2" : : : "memory")
#define UNMASK() __asm__ volatile("msr daifclr, #2" : : : "memory")

int main(void)
{
    uint64_t status, begin;
    exceptions_on();
    MASK();
    arm(1);
    spin(3);
    check_eq(interrupts, 0, "timer: nothing comes while it is masked");
    __asm__ volatile("mrs %0, isr_el1" : "=r"(status));
    check_eq(status >> 7 & 1, 1, "timer: ISR_EL1 shows that it waits");
    UNMASK();
    spin(1);
    check_eq(interrupts, 1, "timer: it comes once when it is unmasked");
    spin(5);
    check_eq(interrupts, 1, "timer: and not again");

    arm(2);
    spin_until(2);
    check_eq(interrupts, 2, "timer: it comes by itself while the guest computes");

    leave_it_on = 2;
    arm(1);
    spin_until(5);
    check_eq(interrupts, 5, "timer: it comes again until it is quieted");

    MASK();
    begin = clock_ns();
    arm(20);
    /* It may end before (Arm ARM D1.6.2), but not all the time. */
    unsigned waits = 0;
    do {
        __asm__ volatile("wfi\n\tmrs %0, isr_el1" : "=r"(status));
        waits++;
    } while (!(status >> 7 & 1) && clock_ns() - begin < 5000000000);
    check(waits < 40 && clock_ns() - begin >= 19000000, "timer: WFI sleeps until the deadline");
    check_eq(interrupts, 5, "timer: WFI ends although it is masked");
    __asm__ volatile("wfi");
    check(clock_ns() - begin < 20000000000, "timer: WFI ends at once while it is pending");
    UNMASK();
    spin(1);
    check_eq(interrupts, 6, "timer: then it is taken");

    /* Over again before anybody outside can have looked; the handler runs between mask and mask. */
    period = ticks(1) / 8;
    arm(1);
    begin = clock_ns();
    while (interrupts < 106 && clock_ns() - begin < 20000000000) {
        __asm__ volatile("wfi");
        UNMASK();
        MASK();
    }
    check(interrupts >= 106, "timer: a short period, rearmed in the handler");
    period = 0;
    UNMASK();
    spin(1);
    MASK();
    const unsigned all = interrupts;

    __asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" : : "r"(UINT64_C(3)));
    __asm__ volatile("msr cntv_tval_el0, xzr\n\tisb");
    UNMASK();
    spin(2);
    check_eq(interrupts, all, "timer: IMASK keeps it down");
    check_eq(wrong, 0, "timer: always the IRQ vector");
    return 0;
}
