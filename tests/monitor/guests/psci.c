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

/* TRNG_RND64 (DEN 0098): the bits come in x3, x2, x1, the lowest first. */
static int64_t random_bits(uint64_t bits, uint64_t out[3])
{
    register uint64_t x0 __asm__("x0") = 0xc4000053;
    register uint64_t x1 __asm__("x1") = bits;
    register uint64_t x2 __asm__("x2") = 0;
    register uint64_t x3 __asm__("x3") = 0;
    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    out[0] = x3;
    out[1] = x2;
    out[2] = x1;
    return (int64_t)x0;
}

static void try_trng(void)
{
    uint64_t a[3], b[3];
    check_eq((uint64_t)tinyvmm_call(0x84000050, 0, 0), 0x10000, "TRNG_VERSION 1.0");
    check_eq((uint64_t)tinyvmm_call(0x84000051, 0x84000053, 0), 0, "TRNG_FEATURES(TRNG_RND)");
    check((int32_t)tinyvmm_call(0x84000051, 0x84000054, 0) == -1, "and not what is not there");
    check(random_bits(192, a) == 0 && random_bits(192, b) == 0, "TRNG_RND64 of 192 bits");
    check(a[0] != b[0] && a[1] != b[1] && a[2] != b[2], "twice the same is no chance");
    check(random_bits(65, a) == 0 && a[2] == 0 && a[1] < 2, "65 bits are not more");
    check(random_bits(1, a) == 0 && a[2] == 0 && a[1] == 0 && a[0] < 2, "1 bit is not more");
    check(random_bits(0, a) == -2 && random_bits(193, a) == -2, "0 and 193 bits are refused");
}

static void try_cpus(void)
{
    check((int32_t)tinyvmm_call(0xc4000004, 0, 0) == 0, "AFFINITY_INFO: this CPU is on");
    check((int32_t)tinyvmm_call(0xc4000004, 1, 0) == -2, "there is no other");
    check((int32_t)tinyvmm_call(0xc4000004, 0, 4) == -2, "there is no affinity level 4");
    check((int32_t)tinyvmm_call(0xc4000003, 1, 0x10000) == -2, "CPU_ON of no CPU");
    check((int32_t)tinyvmm_call(0xc4000003, 0, 0x10000) == -4, "CPU_ON of oneself");
    check((int32_t)tinyvmm_call(0xc4000003, 0, UINT64_C(1) << 40) == -9, "CPU_ON at nowhere");
    check((int32_t)tinyvmm_call(0x84000006, 0, 0) == 2, "nothing to migrate");
    check((int32_t)tinyvmm_call(0xc4000012, 1, 0) == -2, "SYSTEM_RESET2 of an unknown kind");
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
    try_trng();
    try_cpus();
    tinyvmm_call(0x84000002, 0, 0); /* CPU_OFF of the only CPU ends the VM */
    check(0, "CPU_OFF does not return");
    return 1;
}
