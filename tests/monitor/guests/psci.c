/* SPDX-License-Identifier: MIT */
/* SMCCC and PSCI by HVC, as DEN 0028 and DEN 0022 say, on a machine with one CPU. SYSTEM_RESET runs
 * the program again from the start with fresh memory; the input tells which run it is. */
#include "check.h"

#define NOT_SUPPORTED UINT64_MAX

static unsigned seen = 1; /* in .data: a reset must bring the 1 back */

static uint64_t smc(void)
{
    register uint64_t x0 __asm__("x0") = 0x84000000;
    __asm__ volatile("smc #0" : "+r"(x0) : : "memory");
    return x0;
}

int main(void)
{
    int second_run = getchar() != 'r';
    check_eq(seen, 1, second_run ? "after a reset, memory is as loaded" : "memory is as loaded");
    seen = 2;
    if (!second_run) {
        tinyvmm_call(0x84000009, 0, 0); /* SYSTEM_RESET */
        check(0, "SYSTEM_RESET does not return");
    }
    check_eq((uint64_t)tinyvmm_call(0x80000000, 0, 0), 0x10001, "SMCCC_VERSION 1.1");
    check_eq((uint64_t)tinyvmm_call(0x84000000, 0, 0), 0x10001, "PSCI_VERSION 1.1");
    check_eq((uint64_t)tinyvmm_call(0x8400000a, 0x84000008, 0), 0, "PSCI_FEATURES(SYSTEM_OFF)");
    check_eq((uint64_t)tinyvmm_call(0x8400000a, 0x84000002, 0), 0, "PSCI_FEATURES(CPU_OFF)");
    check_eq((uint64_t)tinyvmm_call(0x8400000a, 0x8400ffff, 0) | ~UINT64_C(0xffffffff),
             NOT_SUPPORTED, "PSCI_FEATURES of what is not there");
    check_eq((uint64_t)tinyvmm_call(0x8400ffff, 0, 0) | ~UINT64_C(0xffffffff), NOT_SUPPORTED,
             "an unknown PSCI function");
    check_eq((uint64_t)tinyvmm_call(0xbf00ffff, 0, 0) | ~UINT64_C(0xffffffff), NOT_SUPPORTED,
             "an unknown SMCCC function");
    check_eq(smc(), NOT_SUPPORTED, "SMC: there is no firmware");
    tinyvmm_call(0x84000002, 0, 0); /* CPU_OFF of the only CPU ends the VM */
    check(0, "CPU_OFF does not return");
    return 1;
}
