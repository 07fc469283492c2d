/* SPDX-License-Identifier: MIT */
/*
 * What leaves a guest and how, in the form that Apple's framework gives it: syndrome, addresses,
 * PC. Public headers only, a few instructions each, so the same file runs on every backend. The
 * numbers in the comments are sections of the Arm ARM.
 *
 * Each test is a process of its own with a VM: 1 MiB of memory at 0, code at CODE, EL1 with
 * interrupts masked, MMU off.
 */
#include "kvm_test.h"
#include <hvx.h>
#include <mach/mach_time.h>
#include <stdatomic.h>
#include <time.h>

/* ---- calls ----------------------------------------------------------------------------------- */

static void hvc_keeps_immediate_and_steps_pc(void)
{
    start();
    LOAD(HVC(0), HVC(0x1234), HVC(0xffff));
    static const unsigned immediates[] = {0, 0x1234, 0xffff};
    for (unsigned i = 0; i < 3; i++) {
        run(0x16);
        CHECK_EQ(iss(), immediates[i]);
        CHECK_EQ(reg(HV_REG_PC), CODE + 4 * (i + 1));
        CHECK_EQ(vmexit->exception.syndrome >> 25 & 1, 1); /* IL: a 32-bit instruction */
    }
    stop();
}

/* Every number in x0 reaches the client, small ones and those of other owners' SMCCC ranges. */
static void hvc_forwards_any_number(void)
{
    /* Not 0x80000000 and 0xc0000000: there a KVM host answers by itself. */
    static const uint64_t numbers[] = {0,          1,          2,          0x7fffffff,
                                       0x84000000, 0x84000008, 0xc4000003, 0x86000000,
                                       0xbf00ff01, 0x95c1ba5e, 0xffffffff, 0x123456789abcdef0};
    start();
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        LOAD(HVC(0), HVC(1));
        set(HV_REG_X0, numbers[i]);
        run(0x16);
        CHECK_EQ(reg(HV_REG_X0), numbers[i]);
        set(HV_REG_X0, numbers[i] ^ 1);
        set(HV_REG_X3, i);
        run(0x16);
        CHECK_EQ(iss(), 1);
        CHECK_EQ(reg(HV_REG_X0), numbers[i] ^ 1);
        CHECK_EQ(reg(HV_REG_X3), i);
    }
    stop();
}

static void smc_leaves_pc(void)
{
    start();
    LOAD(0xd4000003 /* smc #0 */, HVC(0));
    set(HV_REG_X0, 0x84000000);
    run(0x17);
    CHECK_EQ(reg(HV_REG_PC), CODE);
    set(HV_REG_PC, CODE + 4);
    run(0x16);
    CHECK_EQ(reg(HV_REG_PC), CODE + 8);
    stop();
}

/* ---- memory ---------------------------------------------------------------------------------- */

struct load_case {
    uint32_t insn; /* register x1 or w1, address in x2 */
    unsigned size, sign, sf, offset;
};

/* D17.2.37, ISS of a data abort: SAS, SSE, SRT, SF. The client's own answer arrives unchanged. */
static void loads_are_described(void)
{
    static const struct load_case cases[] = {
        {0x39400041, 0, 0, 0, 0},     /* ldrb w1, [x2] */
        {0x79400441, 1, 0, 0, 2},     /* ldrh w1, [x2, #2] */
        {0xb9400841, 2, 0, 0, 8},     /* ldr w1, [x2, #8] */
        {0xf9400841, 3, 0, 1, 16},    /* ldr x1, [x2, #16] */
        {0x39800041, 0, 1, 1, 0},     /* ldrsb x1, [x2] */
        {0x39c00041, 0, 1, 0, 0},     /* ldrsb w1, [x2] */
        {0x79c00041, 1, 1, 0, 0},     /* ldrsh w1, [x2] */
        {0xb9800041, 2, 1, 1, 0},     /* ldrsw x1, [x2] */
        {0xb85fc041, 2, 0, 0, -4u},   /* ldur w1, [x2, #-4] */
        {0xb8656841, 2, 0, 0, 0x104}, /* ldr w1, [x2, x5] */
        {0xb8657841, 2, 0, 0, 0x410}, /* ldr w1, [x2, x5, lsl #2] */
        {0x88dffc41, 2, 0, 0, 0},     /* ldar w1, [x2] */
        {0xb8404841, 2, 0, 0, 4},     /* ldtr w1, [x2, #4] */
    };
    start();
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct load_case *c = &cases[i];
        LOAD(c->insn, HVC(7));
        set(HV_REG_X1, 0x5555555555555555);
        set(HV_REG_X2, HOLE + 0x1000);
        set(HV_REG_X5, 0x104);
        run(0x24);
        CHECK_EQ(iss() >> 24 & 1, 1);
        CHECK_EQ(iss() >> 22 & 3, c->size);
        CHECK_EQ(iss() >> 21 & 1, c->sign);
        CHECK_EQ(iss() >> 16 & 31, 1);
        CHECK_EQ(iss() >> 15 & 1, c->sf);
        CHECK_EQ(iss() >> 6 & 1, 0);
        CHECK_EQ(iss() >> 2 & 15, 1); /* translation fault, any level */
        CHECK_EQ(vmexit->exception.physical_address, HOLE + 0x1000 + (int)c->offset);
        CHECK_EQ(vmexit->exception.virtual_address, HOLE + 0x1000 + (int)c->offset);
        CHECK_EQ(reg(HV_REG_PC), CODE);
        CHECK_EQ(reg(HV_REG_X1), 0x5555555555555555);
        set(HV_REG_X1, 0xffffffffffffff80);
        set(HV_REG_PC, CODE + 4);
        run(0x16);
        CHECK_EQ(iss(), 7);
        CHECK_EQ(reg(HV_REG_X1), 0xffffffffffffff80);
    }
    stop();
}

/* A value that fits the access: what a monitor does all day. */
static void load_takes_the_clients_value(void)
{
    start();
    LOAD(0xb9400041 /* ldr w1, [x2] */, 0x39c00443 /* ldrsb w3, [x2, #1] */, HVC(0));
    set(HV_REG_X2, HOLE);
    run(0x24);
    set(HV_REG_X1, 0xcafef00d);
    set(HV_REG_PC, reg(HV_REG_PC) + 4);
    run(0x24);
    CHECK_EQ(vmexit->exception.physical_address, HOLE + 1);
    CHECK_EQ(iss() >> 16 & 31, 3);
    set(HV_REG_X3, 0xffffff85);
    set(HV_REG_PC, reg(HV_REG_PC) + 4);
    run(0x16);
    CHECK_EQ(reg(HV_REG_X1), 0xcafef00d);
    CHECK_EQ(reg(HV_REG_X3), 0xffffff85);
    CHECK_EQ(reg(HV_REG_X2), HOLE);
    stop();
}

static void stores_are_described(void)
{
    start();
    LOAD(0xb900045f /* str wzr, [x2, #4] */, 0xf9000441 /* str x1, [x2, #8] */,
         0x39000041 /* strb w1, [x2] */, HVC(0));
    set(HV_REG_X1, 0x1122334455667788);
    set(HV_REG_X2, HOLE);
    static const unsigned size[] = {2, 3, 0}, rt[] = {31, 1, 1}, offset[] = {4, 8, 0};
    for (unsigned i = 0; i < 3; i++) {
        run(0x24);
        CHECK_EQ(iss() >> 24 & 1, 1);
        CHECK_EQ(iss() >> 22 & 3, size[i]);
        CHECK_EQ(iss() >> 16 & 31, rt[i]);
        CHECK_EQ(iss() >> 6 & 1, 1);
        CHECK_EQ(vmexit->exception.physical_address, HOLE + offset[i]);
        CHECK_EQ(reg(HV_REG_X1), 0x1122334455667788);
        set(HV_REG_PC, reg(HV_REG_PC) + 4);
    }
    run(0x16);
    CHECK_EQ(reg(HV_REG_X1), 0x1122334455667788);
    stop();
}

/* A client that skips a load without a value leaves the register as it was. */
static void load_skipped_without_a_value(void)
{
    start();
    LOAD(0xf9400041 /* ldr x1, [x2] */, HVC(0));
    set(HV_REG_X1, 0x1122334455667788);
    set(HV_REG_X2, HOLE);
    run(0x24);
    set(HV_REG_PC, CODE + 4);
    run(0x16);
    CHECK_EQ(reg(HV_REG_X1), 0x1122334455667788);
    stop();
}

/* The client may also map memory there and let the instruction run again. */
static void access_may_be_retried(void)
{
    start();
    LOAD(0xf9400041 /* ldr x1, [x2] */, 0xf9000441 /* str x1, [x2, #8] */, HVC(0));
    set(HV_REG_X2, HOLE);
    run(0x24);
    void *page;
    CHECK_EQ(hv_vm_allocate(&page, 0x4000, 0), 0);
    *(uint64_t *)page = 0xfeedfacecafebeef;
    CHECK_EQ(hv_vm_map(page, HOLE, 0x4000, HV_MEMORY_READ), 0);
    run(0x24); /* the store: read-only */
    CHECK_EQ(iss() >> 6 & 1, 1);
    CHECK_EQ(iss() >> 2 & 15, 3); /* permission fault */
    CHECK_EQ(vmexit->exception.physical_address, HOLE + 8);
    CHECK_EQ(reg(HV_REG_X1), 0xfeedfacecafebeef);
    CHECK_EQ(hv_vm_protect(HOLE, 0x4000, HV_MEMORY_READ | HV_MEMORY_WRITE), 0);
    run(0x16);
    CHECK_EQ(((uint64_t *)page)[1], 0xfeedfacecafebeef);
    CHECK_EQ(hv_vm_protect(HOLE, 0x4000, 0), 0);
    set(HV_REG_PC, CODE);
    run(0x24);
    CHECK_EQ(vmexit->exception.physical_address, HOLE);
    CHECK_EQ(hv_vm_unmap(HOLE, 0x4000), 0);
    run(0x24);
    stop();
}

/* Or answer with an exception: here a synchronous external abort (D1.3). */
static void access_may_become_an_exception(void)
{
    start();
    LOAD(0xf9400041 /* ldr x1, [x2] */, HVC(0));
    memcpy(memory + 0x8200, (uint32_t[]){HVC(9)}, 4); /* VBAR + 0x200: EL1h, synchronous */
    set(HV_REG_X1, 77);
    set(HV_REG_X2, HOLE);
    run(0x24);
    set_sys(HV_SYS_REG_VBAR_EL1, 0x8000);
    set_sys(HV_SYS_REG_ELR_EL1, reg(HV_REG_PC));
    set_sys(HV_SYS_REG_SPSR_EL1, reg(HV_REG_CPSR));
    set_sys(HV_SYS_REG_ESR_EL1, 0x96000010);
    set_sys(HV_SYS_REG_FAR_EL1, HOLE);
    set(HV_REG_CPSR, 0x3c5);
    set(HV_REG_PC, 0x8200);
    run(0x16);
    CHECK_EQ(iss(), 9);
    CHECK_EQ(reg(HV_REG_PC), 0x8204);
    CHECK_EQ(reg(HV_REG_X1), 77);
    CHECK_EQ(sys(HV_SYS_REG_ELR_EL1), CODE);
    CHECK_EQ(sys(HV_SYS_REG_ESR_EL1), 0x96000010);
    stop();
}

/* No description (ISV = 0) of pairs, write-back and vectors; PC at the instruction. */
static void pairs_are_not_described(void)
{
    static const uint32_t insns[] = {
        0xa9400440, /* ldp x0, x1, [x2] */
        0xa9000440, /* stp x0, x1, [x2] */
        0xb8404441, /* ldr w1, [x2], #4 */
        0x3dc00040, /* ldr q0, [x2] */
    };
    start();
    set_sys(HV_SYS_REG_CPACR_EL1, 3u << 20);
    for (unsigned i = 0; i < 4; i++) {
        LOAD(insns[i], HVC(0));
        set(HV_REG_X2, HOLE + 0x80);
        run(0x24);
        CHECK_EQ(iss() >> 24 & 1, 0);
        CHECK_EQ(iss() >> 6 & 1, i == 1);
        CHECK_EQ(vmexit->exception.physical_address, HOLE + 0x80);
        CHECK_EQ(reg(HV_REG_PC), CODE);
        set(HV_REG_PC, CODE + 4);
        run(0x16);
        CHECK_EQ(reg(HV_REG_X2), HOLE + 0x80);
    }
    stop();
}

/* With the guest's MMU on the two addresses differ: FAR is virtual (D8.2, 4 KiB granule, 39 bits).
 */
static void virtual_address_is_the_guests(void)
{
    start();
    uint64_t *top = (uint64_t *)(memory + 0x20000), *mid = (uint64_t *)(memory + 0x21000);
    top[0] = 0x0000000000000701;        /* VA 0: 1 GiB block to IPA 0, normal memory, AF */
    top[2] = 0x21003;                   /* VA 2 GiB: a table ... */
    mid[1] = HOLE | 0x0060000000000705; /* ... whose second 2 MiB are the hole, device memory */
    sys_icache_invalidate(top, 0x2000);
    set_sys(HV_SYS_REG_MAIR_EL1, 0x00ff);
    set_sys(HV_SYS_REG_TTBR0_EL1, 0x20000);
    set_sys(HV_SYS_REG_TCR_EL1, 25 | 1 << 23);
    LOAD(0xf9400041 /* ldr x1, [x2] */, 0xa9400440 /* ldp x0, x1, [x2] */,
         0xf8008441 /* str x1, [x2], #8 */, HVC(0));
    set_sys(HV_SYS_REG_SCTLR_EL1, 0x30d00801);
    set(HV_REG_X2, 0x80200128);
    run(0x24);
    CHECK_EQ(iss() >> 24 & 1, 1);
    CHECK_EQ(vmexit->exception.physical_address, HOLE + 0x128);
    CHECK_EQ(vmexit->exception.virtual_address, 0x80200128);
    set(HV_REG_X1, 42);
    set(HV_REG_PC, reg(HV_REG_PC) + 4);
    run(0x24);
    CHECK_EQ(iss() >> 24 & 1, 0);
    CHECK_EQ(vmexit->exception.virtual_address, 0x80200128);
    set(HV_REG_PC, reg(HV_REG_PC) + 4);
    run(0x24);
    CHECK_EQ(vmexit->exception.virtual_address, 0x80200128);
    set(HV_REG_PC, reg(HV_REG_PC) + 4);
    run(0x16);
    stop();
}

/* ---- cancel ---------------------------------------------------------------------------------- */

static atomic_bool ready;

static void *cancel_soon(void *unused)
{
    (void)unused;
    while (!atomic_load(&ready))
        ;
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    CHECK_EQ(hv_vcpus_exit(&vcpu, 1), 0);
    return NULL;
}

static void cancel_ends_a_loop(void)
{
    pthread_t thread;
    start();
    LOAD(0x14000000 /* b . */);
    pthread_create(&thread, NULL, cancel_soon, NULL);
    atomic_store(&ready, true);
    CHECK_EQ(hv_vcpu_run(vcpu), 0);
    CHECK_EQ(vmexit->reason, HV_EXIT_REASON_CANCELED);
    CHECK_EQ(reg(HV_REG_PC), CODE);
    pthread_join(thread, NULL);
    stop();
}

static void cancel_is_kept_once(void)
{
    start();
    LOAD(HVC(1), HVC(2));
    CHECK_EQ(hv_vcpus_exit(&vcpu, 1), 0);
    CHECK_EQ(hv_vcpus_exit(&vcpu, 1), 0);
    CHECK_EQ(hv_vcpu_run(vcpu), 0);
    CHECK_EQ(vmexit->reason, HV_EXIT_REASON_CANCELED);
    CHECK_EQ(reg(HV_REG_PC), CODE);
    run(0x16);
    CHECK_EQ(iss(), 1);
    stop();
}

/* Between an access and its answer too: nothing is lost, nothing done twice. */
static void cancel_in_an_open_access(void)
{
    start();
    LOAD(0xb9400041 /* ldr w1, [x2] */, 0xb9400043 /* ldr w3, [x2] */, HVC(0));
    set(HV_REG_X2, HOLE);
    run(0x24);
    CHECK_EQ(hv_vcpus_exit(&vcpu, 1), 0);
    set(HV_REG_X1, 5);
    set(HV_REG_PC, CODE + 4);
    CHECK_EQ(hv_vcpu_run(vcpu), 0);
    CHECK_EQ(vmexit->reason, HV_EXIT_REASON_CANCELED);
    CHECK_EQ(reg(HV_REG_X1), 5);
    CHECK_EQ(reg(HV_REG_PC), CODE + 4);
    run(0x24);
    CHECK_EQ(iss() >> 16 & 31, 3);
    CHECK_EQ(reg(HV_REG_X1), 5);
    stop();
}

static atomic_bool over;

static void *cancel_always(void *count)
{
    while (!atomic_load(&over)) {
        hv_vcpus_exit(&vcpu, 1);
        ++*(unsigned *)count;
        nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
    }
    return NULL;
}

/* A storm of cancels changes no register of a guest that counts by way of loads from a hole. */
static void cancels_disturb_nothing(void)
{
    pthread_t thread;
    unsigned asked = 0, seen = 0, wanted = 0, rounds = test_rounds(2000);
    start();
    LOAD(0xb9400041 /* l: ldr w1, [x2] */, 0x8b010000 /* add x0, x0, x1 */,
         0x91000463 /* add x3, x3, #1 */, 0x17fffffd /* b l */);
    set(HV_REG_X0, 0);
    set(HV_REG_X2, HOLE);
    set(HV_REG_X3, 0);
    pthread_create(&thread, NULL, cancel_always, &asked);
    while (wanted < rounds || seen < 10) {
        if (!CHECK_EQ(hv_vcpu_run(vcpu), 0))
            break;
        if (vmexit->reason == HV_EXIT_REASON_CANCELED) {
            seen++;
            continue;
        }
        if (!CHECK_EQ(reg(HV_REG_X3), wanted) || !CHECK_EQ(reg(HV_REG_PC), CODE))
            break;
        set(HV_REG_X1, ++wanted);
        set(HV_REG_PC, CODE + 4);
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    CHECK(seen > 0 && seen <= asked);
    CHECK_EQ(reg(HV_REG_X0), (uint64_t)(wanted - 1) * wanted / 2);
    stop();
}

/* ---- time and interrupts --------------------------------------------------------------------- */

/* The timer fires while the guest computes: an exit of its own, and the mask closes. */
static void vtimer_exits_once(void)
{
    bool masked = false;
    start();
    LOAD(0x14000000 /* b . */);
    CHECK_EQ(hv_vcpu_get_vtimer_mask(vcpu, &masked), 0);
    CHECK_EQ(masked, false);
    set_sys(HV_SYS_REG_CNTV_CVAL_EL0, mach_absolute_time() + 20000);
    set_sys(HV_SYS_REG_CNTV_CTL_EL0, 1);
    CHECK_EQ(hv_vcpu_run(vcpu), 0);
    CHECK_EQ(vmexit->reason, HV_EXIT_REASON_VTIMER_ACTIVATED);
    CHECK_EQ(hv_vcpu_get_vtimer_mask(vcpu, &masked), 0);
    CHECK_EQ(masked, true);
    CHECK_EQ(sys(HV_SYS_REG_CNTV_CTL_EL0) & 7, 5);

    LOAD(HVC(3));
    run(0x16); /* masked: no second exit */
    set(HV_REG_PC, CODE);
    CHECK_EQ(hv_vcpu_set_vtimer_mask(vcpu, false), 0);
    CHECK_EQ(hv_vcpu_run(vcpu), 0); /* still firing */
    CHECK_EQ(vmexit->reason, HV_EXIT_REASON_VTIMER_ACTIVATED);
    set_sys(HV_SYS_REG_CNTV_CTL_EL0, 0);
    CHECK_EQ(hv_vcpu_set_vtimer_mask(vcpu, false), 0);
    run(0x16);
    stop();
}

static void counter_is_host_time_minus_offset(void)
{
    start();
    for (unsigned i = 0; i < 2; i++) {
        uint64_t offset = i * 0x123456789ull;
        CHECK_EQ(hv_vcpu_set_vtimer_offset(vcpu, offset), 0);
        LOAD(0xd53be040 /* mrs x0, cntvct_el0 */, HVC(0));
        uint64_t before = mach_absolute_time() - offset;
        run(0x16);
        uint64_t after = mach_absolute_time() - offset, now = reg(HV_REG_X0);
        CHECK(now - before <= after - before);
    }
    stop();
}

/* An interrupt line holds for one run, and PSTATE.I keeps it waiting. */
static void pending_interrupt_is_taken(void)
{
    bool pending = false;
    start();
    memcpy(memory + 0x8280, (uint32_t[]){HVC(5)}, 4); /* VBAR + 0x280: EL1h, IRQ */
    set_sys(HV_SYS_REG_VBAR_EL1, 0x8000);
    LOAD(HVC(1), 0xd50342ff /* msr daifclr, #2 */, HVC(2), HVC(3));
    CHECK_EQ(hv_vcpu_set_pending_interrupt(vcpu, HV_INTERRUPT_TYPE_IRQ, true), 0);
    CHECK_EQ(hv_vcpu_get_pending_interrupt(vcpu, HV_INTERRUPT_TYPE_IRQ, &pending), 0);
    CHECK_EQ(pending, true);
    run(0x16);
    CHECK_EQ(iss(), 1); /* masked */
    CHECK_EQ(hv_vcpu_get_pending_interrupt(vcpu, HV_INTERRUPT_TYPE_IRQ, &pending), 0);
    CHECK_EQ(pending, false);
    run(0x16);
    CHECK_EQ(iss(), 2); /* gone with the first run */
    CHECK_EQ(hv_vcpu_set_pending_interrupt(vcpu, HV_INTERRUPT_TYPE_IRQ, true), 0);
    run(0x16);
    CHECK_EQ(iss(), 5);
    CHECK_EQ(sys(HV_SYS_REG_ELR_EL1), CODE + 12);
    stop();
}

/* ---- debug ----------------------------------------------------------------------------------- */

static void breakpoint_instruction_exits_if_asked(void)
{
    start();
    LOAD(0xd4200ee0 /* brk #0x77 */, HVC(0));
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu, true), 0);
    run(0x3c);
    CHECK_EQ(iss(), 0x77);
    CHECK_EQ(reg(HV_REG_PC), CODE);
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu, false), 0);
    memcpy(memory + 0x8200, (uint32_t[]){HVC(9)}, 4);
    set_sys(HV_SYS_REG_VBAR_EL1, 0x8000);
    run(0x16);
    CHECK_EQ(iss(), 9); /* the guest's own handler */
    CHECK_EQ(sys(HV_SYS_REG_ESR_EL1), 0xf2000077);
    stop();
}

/* Step by MDSCR_EL1.SS and PSTATE.SS, as a debugger on Apple's framework does it. */
static void single_step_exits(void)
{
    start();
    LOAD(0xd2800020 /* mov x0, #1 */, 0xd2800041 /* mov x1, #2 */, HVC(0));
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu, true), 0);
    for (unsigned i = 1; i <= 2; i++) {
        set_sys(HV_SYS_REG_MDSCR_EL1, 1);
        set(HV_REG_CPSR, 0x3c5 | 1u << 21);
        run(0x32);
        CHECK_EQ(reg(HV_REG_PC), CODE + 4 * i);
        CHECK_EQ(reg(i == 1 ? HV_REG_X0 : HV_REG_X1), i);
    }
    set_sys(HV_SYS_REG_MDSCR_EL1, 0);
    set(HV_REG_CPSR, 0x3c5);
    run(0x16);
    stop();
}

static void hardware_breakpoint_exits(void)
{
    start();
    LOAD(0xd2800020, 0xd2800041, HVC(0));
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu, true), 0);
    set_sys(HV_SYS_REG_MDSCR_EL1, 1u << 15 | 1u << 13); /* MDE, KDE */
    set_sys(HV_SYS_REG_DBGBVR0_EL1, CODE + 4);
    set_sys(HV_SYS_REG_DBGBCR0_EL1, 0x1e7); /* enabled, EL1 and EL0, all four bytes */
    set(HV_REG_CPSR, 0x1c5);                /* PSTATE.D clear: debug exceptions within EL1 */
    run(0x30);
    CHECK_EQ(reg(HV_REG_PC), CODE + 4);
    CHECK_EQ(reg(HV_REG_X0), 1);
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu, false), 0);
    set_sys(HV_SYS_REG_MDSCR_EL1, 0);
    run(0x16);
    stop();
}

/* A client that watches for interrupts being taken (hvx.h, irq_exit) and one that debugs do not get
 * into each other's way: the exit is of the kind that it is. */
static void interrupts_and_breakpoints(void)
{
    CHECK(hvx_set_option("irq_exit", "on"));
    start();
    set_sys(HV_SYS_REG_VBAR_EL1, 0x8000);
    LOAD(HVC(1), 0xd50342ff /* msr daifclr, #2 */, 0xd503201f /* nop */, HVC(2));
    CHECK_EQ(hv_vcpu_set_pending_interrupt(vcpu, HV_INTERRUPT_TYPE_IRQ, true), 0);
    run(0x16); /* the vectors are watched, and it was not taken */
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu, true), 0);
    set_sys(HV_SYS_REG_MDSCR_EL1, 1u << 15 | 1u << 13);
    set_sys(HV_SYS_REG_DBGBVR0_EL1, CODE + 4);
    set_sys(HV_SYS_REG_DBGBCR0_EL1, 0x1e7);
    run(0x30);
    CHECK_EQ(reg(HV_REG_PC), CODE + 4);
    CHECK_EQ(hv_vcpu_set_pending_interrupt(vcpu, HV_INTERRUPT_TYPE_IRQ, true), 0);
    run(0x30);
    CHECK_EQ(reg(HV_REG_PC), CODE + 4);
    set_sys(HV_SYS_REG_DBGBVR0_EL1, CODE + 12);
    CHECK_EQ(hv_vcpu_set_pending_interrupt(vcpu, HV_INTERRUPT_TYPE_IRQ, true), 0);
    CHECK_EQ(hv_vcpu_run(vcpu), 0);
    CHECK_EQ(vmexit->reason, HV_EXIT_REASON_CANCELED);
    CHECK_EQ(reg(HV_REG_PC), 0x8280); /* taken */
    CHECK_EQ(sys(HV_SYS_REG_ELR_EL1), CODE + 8);
    set(HV_REG_PC, CODE + 8);
    run(0x30);
    CHECK_EQ(reg(HV_REG_PC), CODE + 12);
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu, false), 0);
    run(0x16);
    stop();
}

/* ---- life ------------------------------------------------------------------------------------ */

/* 256 MiB are fewer than the kernel's smallest VM has; what lies behind them is just not there. */
static void small_address_space(void)
{
    hv_vm_config_t config = hv_vm_config_create();
    CHECK_EQ(hv_vm_config_set_ipa_size(config, 28), 0);
    CHECK_EQ(hv_vm_create(config), 0);
    os_release(config);
    CHECK_EQ(hv_vm_allocate((void **)&memory, SIZE, 0), 0);
    CHECK_EQ(hv_vm_map(memory, 1u << 28, SIZE, HV_MEMORY_READ), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(memory, 0, SIZE, HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC), 0);
    CHECK_EQ(hv_vcpu_create(&vcpu, &vmexit, NULL), 0);
    set(HV_REG_CPSR, 0x3c5);
    LOAD(0xf9400041 /* ldr x1, [x2] */);
    set(HV_REG_X2, HOLE);
    run(0x24);
    CHECK_EQ(vmexit->exception.physical_address, HOLE);
    stop();
}

/* The lines of a new vCPU are down, whatever was made of the old one. */
static void lines_start_low(void)
{
    start();
    for (unsigned i = 0; i < 2; i++) {
        set_sys(HV_SYS_REG_VBAR_EL1, 0x8000);
        LOAD(HVC(1), 0xd538c100 /* mrs x0, isr_el1 */, HVC(2));
        CHECK_EQ(hv_vcpu_set_pending_interrupt(vcpu, HV_INTERRUPT_TYPE_IRQ, true), 0);
        run(0x16);
        CHECK_EQ(hv_vcpu_destroy(vcpu), 0);
        CHECK_EQ(hv_vcpu_create(&vcpu, &vmexit, NULL), 0);
        set(HV_REG_CPSR, 0x3c5);
        for (unsigned pending = 0; pending < 2; pending++) {
            set(HV_REG_PC, CODE + 4);
            CHECK_EQ(hv_vcpu_set_pending_interrupt(vcpu, HV_INTERRUPT_TYPE_IRQ, pending ^ i), 0);
            run(0x16);
            CHECK_EQ(reg(HV_REG_X0), (pending ^ i) << 7);
        }
    }
    stop();
}

static void vcpu_can_be_made_again(void)
{
    start();
    for (unsigned i = 0; i < 3; i++) {
        LOAD(0xf9400041 /* ldr x1, [x2] */, HVC(0));
        set(HV_REG_X2, HOLE);
        run(0x24);
        CHECK_EQ(hv_vcpu_destroy(vcpu), 0);
        CHECK_EQ(hv_vcpu_create(&vcpu, &vmexit, NULL), 0);
        CHECK_EQ(reg(HV_REG_X2), 0);
        CHECK_EQ(reg(HV_REG_X1), 0);
        CHECK_EQ(sys(HV_SYS_REG_TTBR0_EL1), 0);
        set(HV_REG_CPSR, 0x3c5);
    }
    stop();
}

static atomic_bool turning;

static void *turn_rights(void *unused)
{
    (void)unused;
    while (atomic_load(&turning)) {
        CHECK_EQ(hv_vm_protect(0x80000, 0x4000, HV_MEMORY_READ), 0);
        CHECK_EQ(hv_vm_protect(0x80000, 0x4000, HV_MEMORY_READ | HV_MEMORY_WRITE), 0);
    }
    return NULL;
}

/* Changing a page's rights back and forth, and splitting its piece, never shows a hole. */
static void rights_change_under_a_running_guest(void)
{
    pthread_t thread;
    uint64_t reads = 0, faults = 0, rounds = test_rounds(300);
    start();
    LOAD(0xf9400041 /* l: ldr x1, [x2] */, 0x91000463 /* add x3, x3, #1 */,
         0xf9000043 /* str x3, [x2] */, 0x17fffffd /* b l */);
    set(HV_REG_X2, 0x80008);
    set(HV_REG_X3, 0);
    atomic_store(&turning, true);
    pthread_create(&thread, NULL, turn_rights, NULL);
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    do {
        if (!run(0x24) || !CHECK_EQ(iss() >> 2 & 15, 3) || !CHECK_EQ(iss() >> 6 & 1, 1))
            break; /* only the store, and only for want of the right */
        faults++;
        reads = reg(HV_REG_X3);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (faults < rounds && now.tv_sec - end.tv_sec < 5);
    atomic_store(&turning, false);
    pthread_join(thread, NULL);
    CHECK(faults > 0 && reads > 0);
    stop();
}

static void illegal_mode_is_refused(void)
{
    start();
    LOAD(HVC(0));
    set(HV_REG_CPSR, 0x3cd); /* EL3h */
    CHECK_EQ(hv_vcpu_run(vcpu), HV_ILLEGAL_GUEST_STATE);
    set(HV_REG_CPSR, 0x3c5);
    run(0x16);
    stop();
}

int main(void)
{
    TEST_ALONE(hvc_keeps_immediate_and_steps_pc);
    TEST_ALONE(hvc_forwards_any_number);
    TEST_ALONE(smc_leaves_pc);
    TEST_ALONE(loads_are_described);
    TEST_ALONE(load_takes_the_clients_value);
    TEST_ALONE(stores_are_described);
    TEST_ALONE(load_skipped_without_a_value);
    TEST_ALONE(access_may_be_retried);
    TEST_ALONE(access_may_become_an_exception);
    TEST_ALONE(pairs_are_not_described);
    TEST_ALONE(virtual_address_is_the_guests);
    TEST_ALONE(cancel_ends_a_loop);
    TEST_ALONE(cancel_is_kept_once);
    TEST_ALONE(cancel_in_an_open_access);
    TEST_ALONE(cancels_disturb_nothing);
    TEST_ALONE(vtimer_exits_once);
    TEST_ALONE(counter_is_host_time_minus_offset);
    TEST_ALONE(pending_interrupt_is_taken);
    TEST_ALONE(breakpoint_instruction_exits_if_asked);
    TEST_ALONE(single_step_exits);
    TEST_ALONE(hardware_breakpoint_exits);
    TEST_ALONE(interrupts_and_breakpoints);
    TEST_ALONE(small_address_space);
    TEST_ALONE(lines_start_low);
    TEST_ALONE(vcpu_can_be_made_again);
    TEST_ALONE(rights_change_under_a_running_guest);
    TEST_ALONE(illegal_mode_is_refused);
    return test_done();
}
