/* SPDX-License-Identifier: MIT */
/*
 * The guest of test_guest.c: a GIC driver that asserts what a wrong interrupt controller, timer or
 * WFI gets wrong. It talks to the host by HVC (guest.h). vCPU 0 runs the tests; the others wait in
 * WFI and answer.
 */
#include "guest.h"
#include "guest_gic.h"

void guest_main(unsigned cpu);
uint64_t guest_irq(void); /* the handlers return what is added to the return address */
uint64_t guest_fiq(void);
uint64_t guest_sync(void);

static bool held;

static void check(bool ok, const char *what)
{
    if (!ok && held) {
        held = false;
        host(HOST_NOTE, (uint64_t)what, 0);
    }
}
#define CHECK(cond) check((cond), TEXT(__LINE__) ": " #cond)

static void test(const char *name, void (*run)(void))
{
    held = true;
    run();
    host(HOST_RESULT, (uint64_t)name, held);
}

/* ---- interrupts
 * -------------------------------------------------------------------------------------- */

static unsigned cpus;
static volatile unsigned taken[MAX_CPUS][1024], total[MAX_CPUS], last[MAX_CPUS], fiqs, undefs,
    depth, deepest;
static volatile uint64_t fired_at[MAX_CPUS];
static volatile bool nest, echo;

static unsigned self(void)
{
    return MRS(mpidr_el1) & 0xff;
}

static void irqs_on(void)
{
    __asm__ volatile("msr daifclr, #3\n\tisb" ::: "memory");
}

static void irqs_off(void)
{
    __asm__ volatile("msr daifset, #3\n\tisb" ::: "memory");
}

static void send_sgi(unsigned cpu, unsigned intid)
{
    __asm__ volatile("dsb sy" ::: "memory");
    MSR(SGI1R, (uint64_t)intid << 24 | 1u << cpu);
}

uint64_t guest_irq(void)
{
    unsigned cpu = self();
    unsigned intid = (unsigned)MRS(IAR1);
    if (intid == 1023) {
        return 0;
    }
    if (intid == 27) {
        MSR(cntv_ctl_el0, 0);
    } else if (intid == 30) {
        MSR(cntp_ctl_el0, 0);
    } else if (intid == LEVEL_SPI) {
        host(HOST_LOWER, intid, 0);
    }
    fired_at[cpu] = MRS(cntvct_el0);
    if (nest && intid == 1) { /* let a more urgent one in */
        depth++;
        send_sgi(cpu, 2); /* same priority: must wait */
        send_sgi(cpu, 3);
        irqs_on();
        irqs_off();
        depth--;
    }
    if (depth > deepest) {
        deepest = depth;
    }
    if (nest && intid == 3) {
        deepest += 10 * depth;
    }
    last[cpu] = intid;
    taken[cpu][intid]++;
    total[cpu]++;
    if (echo && cpu != 0 && intid == 5) {
        send_sgi(0, 6);
    }
    MSR(EOIR1, intid);
    return 0;
}

uint64_t guest_fiq(void)
{
    unsigned intid = (unsigned)MRS(IAR0);
    if (intid != 1023) {
        fiqs++;
        last[self()] = intid;
        MSR(EOIR0, intid);
    }
    return 0;
}

/* Only what a test provokes: an UNDEFINED instruction is counted and stepped over. */
uint64_t guest_sync(void)
{
    if ((MRS(esr_el1) >> 26 & 0x3f) != 0) {
        host(HOST_NOTE, (uint64_t) "unexpected exception", 0);
        host(HOST_END, 1, 0);
    }
    undefs++;
    return 4;
}

static void setup_cpu(unsigned cpu)
{
    set_gicr(cpu, 0x14, 0);
    while (gicr(cpu, 0x14) & 4) {
    }
    set_sgif(cpu, 0x80, 0xffffffff);
    for (unsigned i = 0; i < 8; i++) {
        set_sgif(cpu, 0x400 + 4 * i, 0xa0a0a0a0);
    }
    set_sgif(cpu, 0x100, 0xffff | 1u << 27 | 1u << 30);
    MSR(PMR, 0xf0);
    MSR(IGRPEN0, 1);
    MSR(IGRPEN1, 1);
}

/* Wait, as an operating system does, until `count` has moved on from `before`. The interrupt is
 * only unmasked after the WFI: it must wake all the same. */
static bool wait_change(volatile unsigned *count, unsigned before)
{
    uint64_t start = MRS(cntvct_el0), limit = 30 * MRS(cntfrq_el0);
    irqs_off();
    while (*count == before && MRS(cntvct_el0) - start < limit) {
        __asm__ volatile("wfi" ::: "memory");
        irqs_on();
        irqs_off();
    }
    irqs_on();
    return *count != before;
}

/* ---- tests
 * ------------------------------------------------------------------------------------------- */

static void announces_itself(void)
{
    CHECK((MRS(id_aa64pfr0_el1) >> 24 & 0xf) == 1);
    CHECK(MRS(SRE) == 7);
    CHECK((read32(DIST + 0xffe8) >> 4 & 0xf) == 3);
    CHECK((gicr(0, 0xffe8) >> 4 & 0xf) == 3);
    for (unsigned i = 0; i < cpus; i++) {
        CHECK(gicr(i, 0xc) == i); /* affinity as MPIDR_EL1 says */
        CHECK((gicr(i, 0x8) >> 4 & 1) == (i == cpus - 1));
    }
}

static void missing_registers(void)
{
    unsigned before = undefs;
    (void)MRS(AP1R1);
    MSR(RPR, 0);      /* read-only */
    (void)MRS(EOIR1); /* write-only */
    CHECK(undefs == before + 3);
}

static void virtual_timer(void)
{
    unsigned before = taken[0][27];
    uint64_t due = MRS(cntvct_el0) + MRS(cntfrq_el0) / 200;
    MSR(cntv_cval_el0, due);
    MSR(cntv_ctl_el0, 1);
    CHECK(wait_change(&taken[0][27], before));
    CHECK(fired_at[0] >= due);
    CHECK(taken[0][27] == before + 1);
    MSR(cntv_tval_el0, -1); /* in the past: at once */
    MSR(cntv_ctl_el0, 1);
    CHECK(wait_change(&taken[0][27], before + 1));
}

static void physical_timer(void)
{
    unsigned before = taken[0][30];
    uint64_t due = MRS(cntpct_el0) + MRS(cntfrq_el0) / 200;
    MSR(cntp_cval_el0, due);
    MSR(cntp_ctl_el0, 1);
    CHECK(wait_change(&taken[0][30], before));
    CHECK(MRS(cntpct_el0) >= due);
    CHECK(taken[0][30] == before + 1);
}

/* The line of a timer falls when its interrupt is masked or its time moves: pending goes with it.
 */
static void timer_is_a_level(void)
{
    irqs_off();
    MSR(cntv_cval_el0, 0);
    MSR(cntv_ctl_el0, 1);
    CHECK(sgif(0, 0x200) & 1u << 27);
    MSR(cntv_ctl_el0, 3);
    CHECK(!(sgif(0, 0x200) & 1u << 27));
    MSR(cntv_ctl_el0, 1);
    CHECK(sgif(0, 0x200) & 1u << 27);
    MSR(cntv_cval_el0, MRS(cntvct_el0) + 60 * MRS(cntfrq_el0));
    CHECK(!(sgif(0, 0x200) & 1u << 27));
    MSR(cntv_ctl_el0, 0);
    irqs_on();
}

static void enable_spi(unsigned intid, unsigned cpu, bool edge)
{
    write32(DIST + 0xc00 + intid / 16 * 4, edge ? 2u << (intid % 16 * 2) : 0);
    write32(DIST + 0x80 + intid / 32 * 4, 0xffffffff);
    write8(DIST + 0x400 + intid, 0x90);
    write64(DIST + 0x6000 + 8 * intid, cpu);
    write32(DIST + 0x100 + intid / 32 * 4, 1u << (intid % 32));
}

static void device_level(void)
{
    enable_spi(LEVEL_SPI, 0, false);
    for (unsigned i = 0; i < 50; i++) {
        unsigned before = taken[0][LEVEL_SPI];
        host(HOST_RAISE_LATER, LEVEL_SPI, 0);
        CHECK(wait_change(&taken[0][LEVEL_SPI], before));
        CHECK(taken[0][LEVEL_SPI] == before + 1); /* the handler lowered it before its end */
    }
}

static void device_edge(void)
{
    enable_spi(EDGE_SPI, 0, true);
    for (unsigned i = 0; i < 50; i++) {
        unsigned before = taken[0][EDGE_SPI];
        host(HOST_RAISE_LATER, EDGE_SPI, 0); /* and never lowered */
        CHECK(wait_change(&taken[0][EDGE_SPI], before));
        CHECK(taken[0][EDGE_SPI] == before + 1);
    }
}

static void message(void)
{
    enable_spi(MSI_SPI, 0, true);
    CHECK(read32(MSI + 8) == (MSI_SPI << 16 | 4));
    for (unsigned i = 0; i < 50; i++) {
        unsigned before = taken[0][MSI_SPI];
        if (i & 1) {
            write32(MSI + 0x40, MSI_SPI);
        } else {
            host(HOST_MSI_LATER, MSI_SPI, 0);
        }
        CHECK(wait_change(&taken[0][MSI_SPI], before));
        CHECK(taken[0][MSI_SPI] == before + 1);
    }
}

static void masked_by_priority(void)
{
    irqs_on();
    unsigned before = taken[0][7];
    MSR(PMR, 0xa0);
    send_sgi(0, 7);
    CHECK(taken[0][7] == before);
    CHECK(MRS(isr_el1) == 0);
    MSR(PMR, 0xf0);
    CHECK(taken[0][7] == before + 1); /* taken before the next instruction: PMR write and ISB */
}

static void preemption(void)
{
    unsigned one = taken[0][1], two = taken[0][2], three = taken[0][3];
    set_sgif(0, 0x400, 0x40a0a0a0); /* SGI 3 is more urgent than 0..2 */
    deepest = 0;
    nest = true;
    irqs_on();
    send_sgi(0, 1);
    CHECK(wait_change(&taken[0][2], two));
    nest = false;
    CHECK(taken[0][1] == one + 1 && taken[0][2] == two + 1 && taken[0][3] == three + 1);
    CHECK(deepest >= 10); /* 3 came within 1 */
    CHECK(last[0] == 2);  /* 2 only after it */
    CHECK(MRS(RPR) == 0xff);
    set_sgif(0, 0x400, 0xa0a0a0a0);
}

static void fast_interrupt(void)
{
    unsigned before = fiqs;
    set_sgif(0, 0x80, sgif(0, 0x80) & ~(1u << 8)); /* SGI 8 in group 0 */
    irqs_on();
    send_sgi(0, 8);
    __asm__ volatile("isb");
    CHECK(fiqs == before + 1 && last[0] == 8);
    __asm__ volatile("msr daifset, #1");
    send_sgi(0, 8);
    __asm__ volatile("isb");
    CHECK(fiqs == before + 1);
    CHECK(MRS(isr_el1) == 1u << 6);
    __asm__ volatile("msr daifclr, #1\n\tisb");
    CHECK(fiqs == before + 2);
    set_sgif(0, 0x80, sgif(0, 0x80) | 1u << 8);
}

static void ping_pong(void)
{
    if (cpus < 2) {
        return;
    }
    echo = true;
    uint64_t start = MRS(cntvct_el0);
    for (unsigned i = 0; i < ROUNDS && held; i++) {
        unsigned before = taken[0][6];
        send_sgi(1 + i % (cpus - 1), 5);
        CHECK(wait_change(&taken[0][6], before));
    }
    echo = false;
    host(HOST_FIGURE, (MRS(cntvct_el0) - start) * 1000000000 / MRS(cntfrq_el0) / ROUNDS, 0);
    unsigned sum = 0;
    for (unsigned i = 1; i < cpus; i++) {
        sum += taken[i][5];
    }
    CHECK(sum == ROUNDS);
}

static void everybody_else(void)
{
    unsigned before[MAX_CPUS];
    for (unsigned i = 0; i < cpus; i++) {
        before[i] = taken[i][9];
    }
    MSR(SGI1R, 1ull << 40 | 9u << 24);
    uint64_t start = MRS(cntvct_el0);
    for (unsigned i = 1; i < cpus; i++) {
        while (taken[i][9] == before[i] && MRS(cntvct_el0) - start < 30 * MRS(cntfrq_el0)) {
        }
        CHECK(taken[i][9] == before[i] + 1);
    }
    CHECK(taken[0][9] == before[0]);
}

static void moves_to_another(void)
{
    if (cpus < 2) {
        return;
    }
    unsigned target = cpus - 1, before = taken[target][EDGE_SPI], here = taken[0][EDGE_SPI];
    write64(DIST + 0x6000 + 8 * EDGE_SPI, target);
    host(HOST_RAISE_LATER, EDGE_SPI, 0);
    uint64_t start = MRS(cntvct_el0);
    while (taken[target][EDGE_SPI] == before && MRS(cntvct_el0) - start < 30 * MRS(cntfrq_el0)) {
    }
    CHECK(taken[target][EDGE_SPI] == before + 1);
    CHECK(taken[0][EDGE_SPI] == here);
}

/* A timer that fires all the time, SGIs and device interrupts together: nothing stops, nothing is
 * lost. */
static void storm(void)
{
    unsigned sgis = taken[0][4];
    for (unsigned i = 0; i < 2000 && held; i++) {
        MSR(cntv_tval_el0, 100);
        MSR(cntv_ctl_el0, 1);
        unsigned before = taken[0][4];
        send_sgi(0, 4);
        if (i % 64 == 0) {
            host(HOST_RAISE_LATER, LEVEL_SPI, 0);
        }
        CHECK(wait_change(&taken[0][4], before));
    }
    CHECK(taken[0][4] == sgis + 2000);
    MSR(cntv_ctl_el0, 0);
    CHECK(MRS(RPR) == 0xff);
}

void guest_main(unsigned cpu)
{
    if (cpu == 0) {
        cpus = (unsigned)host(HOST_CPUS, 0, 0);
        write32(DIST, 3);
    }
    setup_cpu(cpu);
    irqs_on();
    if (cpu != 0) {
        host(HOST_READY, 0, 0);
        for (;;) {
            __asm__ volatile("wfi");
        }
    }
    host(HOST_WAIT_READY, 0, 0);
    test("the GIC announces itself", announces_itself);
    test("missing system registers are UNDEFINED", missing_registers);
    test("virtual timer as PPI 27, out of WFI", virtual_timer);
    test("physical timer as PPI 30, out of WFI", physical_timer);
    test("timer lines are levels", timer_is_a_level);
    test("level SPI from a device thread", device_level);
    test("edge SPI from a device thread", device_edge);
    test("MSI from the guest and from the host", message);
    test("priority mask in the CPU", masked_by_priority);
    test("nested interrupts", preemption);
    test("group 0 as FIQ", fast_interrupt);
    test("SGI ping-pong between sleeping vCPUs", ping_pong);
    test("SGI to everybody else", everybody_else);
    test("an SPI moves to another vCPU", moves_to_another);
    test("timer, SGIs and devices together", storm);
    host(HOST_END, 0, 0);
}
