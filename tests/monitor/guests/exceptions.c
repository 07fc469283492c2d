/* SPDX-License-Identifier: MIT */
/*
 * What the monitor gives to EL1 for accesses outside memory and for undefined system registers, bit
 * by bit as the architecture defines it (DDI 0487: ESR_EL1, AArch64.TakeException).
 */
#include "check.h"

#define NOWHERE   UINT64_C(0x80000010)
#define ESR_IL    (UINT64_C(1) << 25)
#define ESR_WNR   (UINT64_C(1) << 6)
#define FSC_SEA   0x10
#define EC(class) ((uint64_t)(class) << 26)

static struct exception last;
static volatile unsigned count;
static uint64_t handler_state; /* DAIF, SPSel, CurrentEL in the handler */
static uint64_t resume;        /* where to go on, 0: after the instruction */

void on_exception(struct exception *e)
{
    uint64_t daif, spsel, el;
    __asm__ volatile("mrs %0, daif\n\tmrs %1, spsel\n\tmrs %2, currentel"
                     : "=r"(daif), "=r"(spsel), "=r"(el));
    handler_state = daif | spsel | el;
    last = *e;
    count++;
    e->pc = resume ? resume : e->pc + 4;
    if (e->vector >= 8) {
        e->pc = resume; /* leave EL0: back to EL1 with SP_EL1 */
        e->pstate = 0x3c5;
    }
}

static void data_aborts(void)
{
    uint64_t pc, x = 5;
    resume = 0;
    __asm__ volatile("adr %0, 1f\n1:\tldr %1, [%2]" : "=&r"(pc), "+r"(x) : "r"(NOWHERE));
    check_eq(count, 1, "a read outside memory is one exception");
    check_eq(last.vector, 4, "... at the vector for the current EL with SP_EL1");
    check_eq(last.esr, EC(0x25) | ESR_IL | FSC_SEA, "... ESR: data abort, external, a read");
    check_eq(last.far, NOWHERE, "... FAR");
    check_eq(last.pc, pc, "... ELR is the instruction");
    check_eq(last.pstate & 0x3ff, 0x3c5, "... SPSR is what PSTATE was");
    check_eq(handler_state, 0x3c0 | 1 | 4, "... EL1, SP_EL1, DAIF masked in the handler");
    check_eq(x, 5, "... the register of the load is unchanged");

    __asm__ volatile("strh %w1, [%0]" : : "r"(NOWHERE), "r"(1));
    check_eq(last.esr, EC(0x25) | ESR_IL | ESR_WNR | FSC_SEA, "a write outside memory: WnR");
    __asm__ volatile("ldp %0, %1, [%2]" : "=r"(pc), "=r"(x) : "r"(NOWHERE));
    check_eq(last.esr, EC(0x25) | ESR_IL | FSC_SEA, "a pair outside memory");
    check_eq(count, 3, "one exception each");
}

static void flags_survive(void)
{
    uint64_t nzcv;
    resume = 0;
    __asm__ volatile("msr nzcv, %1\n\tldr xzr, [%2]\n\tmrs %0, nzcv"
                     : "=r"(nzcv)
                     : "r"(UINT64_C(0xa0000000)), "r"(NOWHERE)
                     : "cc");
    check_eq(last.pstate >> 28, 0xa, "SPSR has the flags");
    check_eq(nzcv, 0xa0000000, "the flags come back");
}

static void with_sp_el0(void)
{
    resume = 0;
    __asm__ volatile("mov x9, sp\n\tmsr spsel, #0\n\tmov sp, x9\n\tldr xzr, [%0]\n\tmsr spsel, #1"
                     :
                     : "r"(NOWHERE)
                     : "x9", "memory");
    check_eq(last.vector, 0, "with SP_EL0 selected: the first vector");
    check_eq(last.pstate & 0xf, 4, "... SPSR.M is EL1t");
    check_eq(handler_state & 1, 1, "... the handler has SP_EL1");
}

static void instruction_abort(void)
{
    unsigned before = count;
    __asm__ volatile("adr x9, 1f\n\tstr x9, %0\n\tbr %1\n1:"
                     : "=m"(resume)
                     : "r"(UINT64_C(0x90000000))
                     : "x9", "memory");
    check_eq(count, before + 1, "a jump outside memory is one exception");
    check_eq(last.esr, EC(0x21) | ESR_IL | FSC_SEA, "... ESR: instruction abort, external");
    check_eq(last.far, 0x90000000, "... FAR");
    check_eq(last.pc, 0x90000000, "... ELR");
    resume = 0;
}

static void from_el0(void)
{
    static unsigned char stack[256] __attribute__((aligned(16)));
    __asm__ volatile(
        "adr x9, 2f\n\tstr x9, %0\n\tmsr sp_el0, %1\n\tadr x9, 1f\n\tmsr elr_el1, x9\n\t"
        "msr spsr_el1, xzr\n\teret\n1:\tldr xzr, [%2]\n\tb 1b\n2:"
        : "=m"(resume)
        : "r"(stack + sizeof(stack)), "r"(NOWHERE)
        : "x9", "memory");
    check_eq(last.vector, 8, "from EL0: the vector for a lower EL");
    check_eq(last.esr, EC(0x24) | ESR_IL | FSC_SEA, "... ESR: data abort from a lower EL");
    check_eq(last.pstate & 0x1f, 0, "... SPSR.M is EL0t");
    resume = 0;
}

static void undefined(void)
{
    unsigned before = count;
    uint64_t pc;
    __asm__ volatile("adr %0, 1f\n1:\tmrs x9, s3_0_c12_c12_0"
                     : "=r"(pc)
                     :
                     : "x9"); /* ICC_IAR1_EL1 */
    check_eq(count, before + 1, "a register of a GIC that is not there is undefined");
    check_eq(last.esr, ESR_IL, "... ESR: class 0");
    check_eq(last.pc, pc, "... ELR is the instruction");
    __asm__ volatile("msr s3_7_c15_c12_7, xzr");
    check_eq(count, before + 2, "an implementation-defined register is undefined");
    __asm__ volatile("udf #0");
    check_eq(last.esr, ESR_IL, "UDF: class 0");
}

static void emulated(void)
{
    unsigned before = count;
    uint64_t a, b;
    __asm__ volatile("msr oslar_el1, xzr\n\tmrs %0, oslsr_el1" : "=r"(a));
    check_eq(a & 0xb, 8, "OSLSR_EL1: an OS lock, unlocked");
    __asm__ volatile("mrs %0, s3_0_c0_c7_7" : "=r"(a));
    check_eq(a, 0, "an ID register without a name reads 0");
    __asm__ volatile("mrs %0, cntpct_el0\n\tisb\n\tmrs %1, cntpct_el0" : "=r"(a), "=r"(b));
    check(b >= a && a != 0, "CNTPCT_EL0 runs");
    check_eq(count, before, "... without an exception");
}

int main(void)
{
    exceptions_on();
    data_aborts();
    flags_survive();
    with_sp_el0();
    instruction_abort();
    from_el0();
    undefined();
    emulated();
    return 0;
}
