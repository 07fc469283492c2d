/* SPDX-License-Identifier: MIT */
/* Waits for two seconds in WFI, waking up ten times a second. The suite looks at the CPU time. */
#include "lib.h"

int main(void)
{
    uint64_t hz;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    for (int i = 0; i < 20; i++) {
        __asm__ volatile("msr cntv_tval_el0, %0\n\tmsr cntv_ctl_el0, %1\n\tisb\n\twfi"
                         :
                         : "r"(hz / 10), "r"(UINT64_C(1)));
    }
    return 0;
}
