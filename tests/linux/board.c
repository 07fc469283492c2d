/* SPDX-License-Identifier: MIT */
/*
 * A bare-metal program as people write them for QEMU's virt board: it knows the board's addresses
 * by heart, has no device tree parser and no hypercalls but PSCI. It is linked into RAM and started
 * as an ELF file by `tinyvmm run board.elf`, and by qemu-system-aarch64 to prove that it expects of
 * the board what the board is. Two CPUs. Prints a line per check, "passed" at the end, powers off.
 */
#include <stdint.h>

#define RAM                0x40000000u
#define GICD               0x08000000u
#define GICR               0x080a0000u
#define SGI                0x10000u /* the second frame of a redistributor */
#define UART               0x09000000u
#define RTC                0x09010000u
#define VIRTIO             0x0a000000u

#define VTIMER             27

#define PSCI_VERSION       0x84000000u
#define PSCI_CPU_SUSPEND   0xc4000001u
#define PSCI_CPU_OFF       0x84000002u
#define PSCI_CPU_ON        0xc4000003u
#define PSCI_AFFINITY_INFO 0xc4000004u
#define PSCI_SYSTEM_OFF    0x84000008u
#define PSCI_FEATURES      0x8400000au

#define MRS(reg)                                                                                   \
    ({                                                                                             \
        uint64_t value_;                                                                           \
        __asm__ volatile("mrs %0, " reg : "=r"(value_));                                           \
        value_;                                                                                    \
    })
#define MSR(reg, value)                                                                            \
    __asm__ volatile("msr " reg ", %0; isb" : : "r"((uint64_t)(value)) : "memory")

__asm__("        .section .text.start, \"ax\"\n"
        "        .global _start, second\n"
        "_start: adrp    x0, stack_0\n"
        "        add     x0, x0, :lo12:stack_0\n"
        "        add     sp, x0, #4096\n"
        "        adr     x0, vectors\n"
        "        msr     vbar_el1, x0\n"
        "        isb\n"
        "        b       run\n"
        "second: adrp    x1, stack_1\n"
        "        add     x1, x1, :lo12:stack_1\n"
        "        add     sp, x1, #4096\n"
        "        b       run_second\n"
        "        .balign 2048\n"
        "vectors:.skip   0x200\n" /* of the current EL with SP_EL0: never */
        "        mov     w0, #'S'\n"
        "        b       stray\n"
        "        .balign 128\n"
        "        stp     x29, x30, [sp, #-176]!\n" /* IRQ */
        "        stp     x0, x1, [sp, #16]\n"
        "        stp     x2, x3, [sp, #32]\n"
        "        stp     x4, x5, [sp, #48]\n"
        "        stp     x6, x7, [sp, #64]\n"
        "        stp     x8, x9, [sp, #80]\n"
        "        stp     x10, x11, [sp, #96]\n"
        "        stp     x12, x13, [sp, #112]\n"
        "        stp     x14, x15, [sp, #128]\n"
        "        stp     x16, x17, [sp, #144]\n"
        "        str     x18, [sp, #160]\n"
        "        bl      on_irq\n"
        "        ldp     x0, x1, [sp, #16]\n"
        "        ldp     x2, x3, [sp, #32]\n"
        "        ldp     x4, x5, [sp, #48]\n"
        "        ldp     x6, x7, [sp, #64]\n"
        "        ldp     x8, x9, [sp, #80]\n"
        "        ldp     x10, x11, [sp, #96]\n"
        "        ldp     x12, x13, [sp, #112]\n"
        "        ldp     x14, x15, [sp, #128]\n"
        "        ldp     x16, x17, [sp, #144]\n"
        "        ldr     x18, [sp, #160]\n"
        "        ldp     x29, x30, [sp], #176\n"
        "        eret\n");

uint8_t stack_0[4096] __attribute__((aligned(16))), stack_1[4096] __attribute__((aligned(16)));
void second(void);
void run(void) __attribute__((noreturn));
void run_second(uint64_t context) __attribute__((noreturn));
void stray(int what) __attribute__((noreturn));
void on_irq(void);

static volatile unsigned interrupts, wrong_interrupts, failures;
static volatile uint64_t said; /* by the second CPU */

static uint32_t rd(uint64_t at)
{
    return *(volatile uint32_t *)at;
}

static void wr(uint64_t at, uint32_t value)
{
    *(volatile uint32_t *)at = value;
}

static void print(const char *text)
{
    for (; *text; text++) {
        while (rd(UART + 0x18) & 1u << 5) /* FR.TXFF */
            ;
        wr(UART, (uint8_t)*text);
    }
}

static void check(int good, const char *what)
{
    print(good ? "good: " : "BAD: ");
    print(what);
    print("\r\n");
    failures += !good;
}

static int64_t psci(uint32_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;
    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    return (int32_t)x0; /* all of them are 32-bit results */
}

static void off(void)
{
    psci(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;)
        ;
}

void stray(int what)
{
    const char text[] = {(char)what, ' ', 0};
    print(text);
    check(0, "an exception that nobody asked for");
    off();
    for (;;)
        ;
}

/* ---- interrupts ---- */

void on_irq(void)
{
    uint64_t id = MRS("S3_0_C12_C12_0"); /* ICC_IAR1_EL1 */
    if (id == VTIMER)
        interrupts++;
    else
        wrong_interrupts++;
    MSR("cntv_ctl_el0", 0);
    MSR("S3_0_C12_C12_1", id); /* ICC_EOIR1_EL1 */
}

static void gic_on(void)
{
    wr(GICD, 1u << 4); /* GICD_CTLR.ARE, before anything else (IHI 0069, 12.9.4) */
    wr(GICD, 1u << 4 | 2u);
    wr(GICR + 0x14, 0); /* GICR_WAKER */
    while (rd(GICR + 0x14) & 4)
        ;
    wr(GICR + SGI + 0x80, ~0u);               /* IGROUPR0 */
    wr(GICR + SGI + 0x400 + 24, 0x80808080u); /* IPRIORITYR of 24 to 27 */
    wr(GICR + SGI + 0x100, 1u << VTIMER);
    MSR("S3_0_C12_C12_5", 7);  /* ICC_SRE_EL1 */
    MSR("S3_0_C4_C6_0", 0xff); /* ICC_PMR_EL1 */
    MSR("S3_0_C12_C12_7", 1);  /* ICC_IGRPEN1_EL1 */
}

static void timer_in(uint64_t ticks)
{
    MSR("cntv_tval_el0", ticks);
    MSR("cntv_ctl_el0", 1);
}

static void try_interrupts(void)
{
    check((rd(GICD + 0xffe8) >> 4 & 15) == 3, "the distributor is a GICv3");
    gic_on();
    uint64_t begin = MRS("cntvct_el0"), ticks = MRS("cntfrq_el0") / 200;
    timer_in(ticks);
    while (!interrupts && !wrong_interrupts)
        __asm__ volatile("wfi; msr daifclr, #2; isb; msr daifset, #2");
    check(interrupts == 1 && !wrong_interrupts, "the virtual timer interrupts by PPI 27");
    check(MRS("cntvct_el0") - begin >= ticks, "and not before its time");
    timer_in(ticks);
    check(psci(PSCI_CPU_SUSPEND, 0, 0, 0) == 0, "CPU_SUSPEND comes back for a masked interrupt");
    MSR("cntv_ctl_el0", 0);
}

/* ---- the second CPU ---- */

void run_second(uint64_t context)
{
    said = context;
    psci(PSCI_CPU_OFF, 0, 0, 0);
    said = ~UINT64_C(0);
    for (;;)
        ;
}

static void wait_until_off(void)
{
    while (psci(PSCI_AFFINITY_INFO, 1, 0, 0) != 1)
        ;
}

static void try_psci(void)
{
    uint64_t entry = (uint64_t)(uintptr_t)second;
    check(psci(PSCI_VERSION, 0, 0, 0) >= 0x10000, "PSCI is 1.0 or later");
    check(psci(PSCI_FEATURES, PSCI_CPU_ON, 0, 0) == 0, "PSCI_FEATURES knows CPU_ON");
    check(psci(PSCI_FEATURES, 0x84000099u, 0, 0) == -1, "and not what is not there");
    check(psci(PSCI_CPU_ON, 0x55, entry, 0) == -2, "CPU_ON of no CPU: INVALID_PARAMETERS");
    check(psci(PSCI_CPU_ON, 0, entry, 0) == -4, "CPU_ON of oneself: ALREADY_ON");
    check(psci(PSCI_AFFINITY_INFO, 0, 0, 0) == 0, "AFFINITY_INFO: the first CPU is on");
    for (uint64_t round = 1; round <= 3; round++) {
        wait_until_off();
        check(psci(PSCI_CPU_ON, 1, entry, round * 0x1234567) == 0, "CPU_ON of the second CPU");
        while (!said)
            ;
        check(said == round * 0x1234567, "it gets its context in x0");
        said = 0;
    }
    wait_until_off();
    check(said == 0, "CPU_OFF does not come back");
}

void run(void)
{
    print("board: hello\r\n");
    check(rd(RAM) == 0xedfe0dd0u, "a device tree is at the start of RAM");
    check(rd(RTC) > 1700000000u, "the clock knows the year");
    check(rd(UART + 0xfe0) == 0x11 && rd(UART + 0xff0) == 0x0d, "the UART is a PL011");
    check(rd(RTC + 0xfe0) == 0x31 && rd(RTC + 0xffc) == 0xb1, "the clock is a PL031");
    unsigned slots = 0;
    for (unsigned n = 0; n < 32; n++)
        slots += rd(VIRTIO + n * 0x200) == 0x74726976u;
    check(slots == 32, "there are 32 virtio slots");
    try_interrupts();
    try_psci();
    print(failures ? "failed\r\n" : "passed\r\n");
    off();
    for (;;)
        ;
}
