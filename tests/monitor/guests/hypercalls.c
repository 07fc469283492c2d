/* SPDX-License-Identifier: MIT */
/* Every hypercall, with good and bad arguments. Run with 1 MiB, VM 1 of 1, input "xy". */
#include "check.h"

#define END 0x100000

static char too_long[TINYVMM_STRING_MAX + 16];

static int64_t call(uint64_t number, uint64_t a, uint64_t b)
{
    return tinyvmm_call(number, a, b);
}

/* x1..x18 and x29 must come back as they were: only x0 may change. */
static int registers_survive(void)
{
    uint64_t sum;
    __asm__ volatile("mov x1, #101\n\tmov x2, #102\n\tmov x3, #103\n\tmov x4, #104\n\t"
                     "mov x5, #105\n\tmov x8, #108\n\tmov x16, #116\n\tmov x17, #117\n\t"
                     "mov x0, #99\n\thvc #0\n\t"
                     "add %0, x1, x2\n\tadd %0, %0, x3\n\tadd %0, %0, x4\n\tadd %0, %0, x5\n\t"
                     "add %0, %0, x8\n\tadd %0, %0, x16\n\tadd %0, %0, x17\n\tadd %0, %0, x0"
                     : "=&r"(sum)
                     :
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x8", "x16", "x17", "memory");
    return sum == 101 + 102 + 103 + 104 + 105 + 108 + 116 + 117 - 1;
}

static void bad_addresses(void)
{
    check_eq(call(TINYVMM_PUTS, END, 0), TINYVMM_BAD_ADDRESS, "PUTS just behind memory");
    check_eq(call(TINYVMM_PUTS, UINT64_MAX, 0), TINYVMM_BAD_ADDRESS, "PUTS at the last address");
    check_eq(call(TINYVMM_PUTS, UINT64_C(1) << 63, 0), TINYVMM_BAD_ADDRESS, "PUTS far away");
    *(volatile char *)(END - 2) = 'a';
    *(volatile char *)(END - 1) = 'b';
    check_eq(call(TINYVMM_PUTS, END - 2, 0), TINYVMM_BAD_ADDRESS, "PUTS without an end");
    *(volatile char *)(END - 1) = 0;
    *(volatile char *)(END - 2) = 0;
    check_eq(call(TINYVMM_PUTS, END - 1, 0), 0, "PUTS of the last byte of memory");
    check_eq(call(TINYVMM_WRITE, END - 1, 2), TINYVMM_BAD_ADDRESS, "WRITE across the end");
    check_eq(call(TINYVMM_WRITE, END, 1), TINYVMM_BAD_ADDRESS, "WRITE behind memory");
    check_eq(call(TINYVMM_WRITE, 0x10000, UINT64_MAX), TINYVMM_BAD_ADDRESS, "WRITE of 2^64-1");
    check_eq(call(TINYVMM_WRITE, UINT64_MAX, 2), TINYVMM_BAD_ADDRESS, "WRITE that wraps");
    check_eq(call(TINYVMM_WRITE, END, 0), 0, "WRITE of nothing");
}

static void strings(void)
{
    memset(too_long, '.', sizeof(too_long));
    check_eq(call(TINYVMM_PUTS, (uint64_t)too_long, 0), TINYVMM_TOO_LONG, "PUTS of a long string");
    check_eq(call(TINYVMM_PUTS, (uint64_t) "# puts\n", 0), 0, "PUTS answers 0");
    check_eq(call(TINYVMM_WRITE, (uint64_t) "# write\n", 8), 8, "WRITE answers the length");
    check_eq(call(TINYVMM_PUTCHAR, '\n' | UINT64_MAX << 8, 0), 0, "PUTCHAR uses a byte of x1");
}

static void numbers(void)
{
    check_eq(call(TINYVMM_HYPERCALLS, 0, 0), TINYVMM_NOT_SUPPORTED, "the number after the last");
    check_eq(call(0x7fffffff, 0, 0), TINYVMM_NOT_SUPPORTED, "number 0x7fffffff");
    check_eq(call(UINT64_C(1) << 32, 0, 0), TINYVMM_NOT_SUPPORTED, "a number above 32 bits");
    check_eq(call(UINT64_MAX, 0, 0), TINYVMM_NOT_SUPPORTED, "number -1");
    check(registers_survive(), "a hypercall changes x0 only");
}

int main(void)
{
    check_eq(vm_info(TINYVMM_INFO_VM), 1, "INFO: which VM");
    check_eq(vm_info(TINYVMM_INFO_VMS), 1, "INFO: how many");
    check_eq(vm_info(TINYVMM_INFO_MEMORY_BASE), 0, "INFO: where memory is");
    check_eq(vm_info(TINYVMM_INFO_MEMORY_SIZE), END, "INFO: how much memory");
    check_eq(vm_info(TINYVMM_INFO_CPUS), 1, "INFO: vCPUs");
    check_eq(vm_info(99), (uint64_t)TINYVMM_NOT_SUPPORTED, "INFO: something else");
    uint64_t before = clock_ns();
    check(clock_ns() >= before, "CLOCK does not go back");
    check(call(TINYVMM_CLOCK, TINYVMM_CLOCK_UNIX, 0) > INT64_C(1600000000000000000),
          "CLOCK knows the date");
    check_eq(call(TINYVMM_CLOCK, 2, 0), TINYVMM_NOT_SUPPORTED, "CLOCK of another kind");
    check_eq(getchar(), 'x', "GETCHAR: first byte");
    check_eq(getchar(), 'y', "GETCHAR: second byte");
    check_eq(call(TINYVMM_GETCHAR, 0, 0), TINYVMM_END_OF_INPUT, "GETCHAR: end of input");
    strings();
    bad_addresses();
    numbers();
    return 42;
}
