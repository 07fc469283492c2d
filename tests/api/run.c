/* SPDX-License-Identifier: MIT */
/* What a guest does and which exit comes of it: syndrome, addresses, and where PC stands. */
#include "api.h"

#define ISV (1ull << 24)

static void hypercall(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, NOP, 0xd4024682 /* hvc #0x1234 */, HVC_0);
    if (run_to_hvc(&m, 0x1234)) {
        CHECK_EQ(m.exit->exception.syndrome, 0x5a001234); /* EC, IL, imm16 */
        CHECK_EQ(reg(&m, HV_REG_PC), CODE + 8);           /* after it: nothing to skip */
    }
    run_to_hvc(&m, 0);
    end_machine(&m);
}

static void secure_call(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    /* Linux answers an SMC with another number than 0 by itself. */
    unsigned number = strcmp(backend_asked(), "kvm") ? 7 : 0;
    PUT_CODE(m.ram, CODE, 0xd4000003 | number << 5 /* smc #number */, HVC_0);
    if (run_to(&m, EC_SMC)) {
        CHECK_EQ(m.exit->exception.syndrome & 0xffff, number);
        CHECK_EQ(reg(&m, HV_REG_PC), CODE); /* at it: the client skips it */
        run_to(&m, EC_SMC);                 /* else it comes again */
        set_reg(&m, HV_REG_PC, CODE + 4);
        run_to_hvc(&m, 0);
    }
    end_machine(&m);
}

static void wait_for_interrupt(void)
{
    struct machine m;
    if (!strcmp(backend_asked(), "kvm")) {
        TEST_SKIP("the guest waits inside the Linux kernel (tests/kvm: waits_inside)");
        return;
    }
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, 0xd503207f /* wfi */, 0xd503205f /* wfe */, HVC_0);
    if (run_to(&m, EC_WFX)) {
        CHECK_EQ(m.exit->exception.syndrome & 3, 0);
        CHECK_EQ(reg(&m, HV_REG_PC), CODE);
    }
    set_reg(&m, HV_REG_PC, CODE + 4);
    /* WFE may find an event registered and go on. */
    CHECK_EQ(hv_vcpu_run(m.vcpu), HV_SUCCESS);
    if (m.exit->exception.syndrome >> 26 == EC_WFX) {
        CHECK_EQ(m.exit->exception.syndrome & 3, 1);
        CHECK_EQ(reg(&m, HV_REG_PC), CODE + 4);
        set_reg(&m, HV_REG_PC, CODE + 8);
        run_to_hvc(&m, 0);
    } else {
        CHECK_EQ(m.exit->exception.syndrome >> 26, EC_HVC);
    }
    end_machine(&m);
}

/* Single-register accesses to a device address: the syndrome says all that the client needs. */
static void device_access(void)
{
    static const struct {
        uint32_t insn;
        unsigned size_log2, reg;
        bool sign, wide, write;
    } cases[] = {
        {0xf9400020, 3, 0, false, true, false},  /* ldr x0, [x1] */
        {0xb9400025, 2, 5, false, false, false}, /* ldr w5, [x1] */
        {0x79800023, 1, 3, true, true, false},   /* ldrsh x3, [x1] */
        {0x39c00024, 0, 4, true, false, false},  /* ldrsb w4, [x1] */
        {0xf9000020, 3, 0, false, true, true},   /* str x0, [x1] */
        {0x39000022, 0, 2, false, false, true},  /* strb w2, [x1] */
        {0xb900003f, 2, 31, false, false, true}, /* str wzr, [x1] */
        {0xf900003f, 3, 31, false, true, true},  /* str xzr, [x1] */
    };
    struct machine m;
    if (!new_machine(&m))
        return;
    set_reg(&m, HV_REG_X1, 0x9000018);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PUT_CODE(m.ram, CODE, cases[i].insn, HVC_0);
        set_reg(&m, HV_REG_PC, CODE);
        if (!run_to(&m, EC_DABT))
            break;
        uint64_t s = m.exit->exception.syndrome;
        CHECK(s & 1u << 25); /* IL */
        CHECK(s & ISV);
        CHECK_EQ(s >> 22 & 3, cases[i].size_log2);
        CHECK_EQ(s >> 21 & 1, cases[i].sign);
        CHECK_EQ(s >> 16 & 31, cases[i].reg);
        CHECK_EQ(s >> 15 & 1, cases[i].wide);
        CHECK_EQ(s >> 10 & 1, 0); /* FAR is valid */
        CHECK_EQ(s >> 7 & 3, 0);  /* not cache maintenance, not a table walk */
        CHECK_EQ(s >> 6 & 1, cases[i].write);
        CHECK_EQ((s & 0x3f) >> 2, 1); /* translation fault */
        CHECK_EQ(m.exit->exception.physical_address, 0x9000018);
        CHECK_EQ(m.exit->exception.virtual_address, 0x9000018);
        CHECK_EQ(reg(&m, HV_REG_PC), CODE);
        set_reg(&m, HV_REG_PC, CODE + 4); /* the client does the access and skips it */
        if (!run_to_hvc(&m, 0))
            break;
    }
    end_machine(&m);
}

/* Nothing is there, then memory, then nothing again: what the CPU has seen before must not last. */
static void device_becomes_memory(void)
{
    const hv_ipa_t at = 0x9000000;
    struct machine m;
    void *memory;
    if (!new_machine(&m) || !CHECK(memory = new_pages(PAGE)))
        return;
    PUT_CODE(m.ram, CODE, 0xf9400020 /* ldr x0, [x1] */, 0xf9000420 /* str x0, [x1, #8] */, HVC_0);
    set_reg(&m, HV_REG_X1, at);
    *(uint64_t *)memory = 0x1122334455667788;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned n = 0; n < 40; n++) {
            set_reg(&m, HV_REG_PC, CODE + 4 * (n & 1));
            if (!run_to(&m, EC_DABT))
                break;
            CHECK_EQ(m.exit->exception.physical_address, at + 8 * (n & 1));
        }
        CHECK_EQ(hv_vm_map(memory, at, PAGE, HV_MEMORY_READ | HV_MEMORY_WRITE), HV_SUCCESS);
        set_reg(&m, HV_REG_PC, CODE);
        run_to_hvc(&m, 0);
        CHECK_EQ(reg(&m, HV_REG_X0), 0x1122334455667788);
        CHECK_EQ(((uint64_t *)memory)[1], 0x1122334455667788);
        ((uint64_t *)memory)[1] = 0;
        CHECK_EQ(hv_vm_unmap(at, PAGE), HV_SUCCESS);
    }
    end_machine(&m);
    free(memory);
}

/* Pairs, write-back and vector registers: the client has to decode them, if it wants to. */
static void device_access_without_syndrome(void)
{
    static const uint32_t insn[] = {
        0xa9400820, /* ldp x0, x2, [x1] */
        0xf8408420, /* ldr x0, [x1], #8 */
        0x3dc00020, /* ldr q0, [x1] */
    };
    struct machine m;
    if (!new_machine(&m))
        return;
    CHECK_EQ(hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_CPACR_EL1, 3 << 20), HV_SUCCESS); /* FP on */
    for (size_t i = 0; i < sizeof insn / sizeof insn[0]; i++) {
        PUT_CODE(m.ram, CODE, insn[i]);
        set_reg(&m, HV_REG_PC, CODE);
        set_reg(&m, HV_REG_X1, 0x9000000);
        if (!run_to(&m, EC_DABT))
            break;
        CHECK(!(m.exit->exception.syndrome & ISV));
        CHECK_EQ(m.exit->exception.physical_address, 0x9000000);
        CHECK_EQ(reg(&m, HV_REG_X1), 0x9000000); /* no write-back */
        CHECK_EQ(reg(&m, HV_REG_PC), CODE);
    }
    end_machine(&m);
}

/* Without a GIC the CPU interface is the client's to emulate: EC 0x18, with the instruction
 * decoded. */
static void trapped_register(void)
{
    struct machine m;
    if (!strcmp(backend_asked(), "kvm")) {
        TEST_SKIP("the Linux kernel answers itself (tests/kvm: registers_inside)");
        return;
    }
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, 0xd5384603 /* mrs x3, icc_pmr_el1 */,
             0xd518cc27 /* msr icc_eoir1_el1, x7 */, 0xd538cc1f /* mrs xzr, icc_iar1_el1 */, HVC_0);
    static const struct {
        unsigned crn, crm, op2, rt, read;
    } want[] = {{4, 6, 0, 3, 1}, {12, 12, 1, 7, 0}, {12, 12, 0, 31, 1}};
    for (unsigned i = 0; i < 3; i++) {
        if (!run_to(&m, EC_SYSREG))
            break;
        uint64_t s = m.exit->exception.syndrome;
        CHECK_EQ(s >> 20 & 3, 3); /* op0 */
        CHECK_EQ(s >> 17 & 7, want[i].op2);
        CHECK_EQ(s >> 14 & 7, 0); /* op1 */
        CHECK_EQ(s >> 10 & 15, want[i].crn);
        CHECK_EQ(s >> 5 & 31, want[i].rt);
        CHECK_EQ(s >> 1 & 15, want[i].crm);
        CHECK_EQ(s & 1, want[i].read);
        CHECK_EQ(reg(&m, HV_REG_PC), CODE + 4 * i);
        set_reg(&m, HV_REG_PC, CODE + 4 * i + 4);
    }
    run_to_hvc(&m, 0);
    end_machine(&m);
}

/* Exceptions of the guest's own go to its own vectors. */
static void guest_exceptions(void)
{
    static const struct {
        uint32_t insn;
        unsigned ec;
        unsigned return_offset;
    } cases[] = {
        {0xd4000121, 0x15, 4}, /* svc #9 */
        {0x00000000, 0x00, 0}, /* udf #0 */
        {0xd42000a0, 0x3c, 0}, /* brk #5 */
    };
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, VECTORS + 0x200, HVC_1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PUT_CODE(m.ram, CODE, cases[i].insn);
        set_reg(&m, HV_REG_PC, CODE);
        set_reg(&m, HV_REG_CPSR, CPSR);
        if (!run_to_hvc(&m, 1))
            break;
        CHECK_EQ(reg(&m, HV_REG_PC), VECTORS + 0x204);
        CHECK_EQ(sys_reg(&m, HV_SYS_REG_ESR_EL1) >> 26, cases[i].ec);
        CHECK_EQ(sys_reg(&m, HV_SYS_REG_ELR_EL1), CODE + cases[i].return_offset);
        CHECK_EQ(sys_reg(&m, HV_SYS_REG_SPSR_EL1) & 0x3cf, CPSR);
    }
    end_machine(&m);
}

static void debug_exceptions(void)
{
    struct machine m;
    bool on = true;
    if (!new_machine(&m))
        return;
    CHECK_EQ(hv_vcpu_get_trap_debug_exceptions(m.vcpu, &on), HV_SUCCESS);
    CHECK(!on);
    hv_return_t r = hv_vcpu_set_trap_debug_exceptions(m.vcpu, true);
    if (r == HV_UNSUPPORTED) {
        TEST_SKIP("this backend cannot trap debug exceptions");
        end_machine(&m);
        return;
    }
    CHECK_EQ(hv_vcpu_get_trap_debug_exceptions(m.vcpu, &on), HV_SUCCESS);
    CHECK(on);
    PUT_CODE(m.ram, CODE, 0xd42000a0 /* brk #5 */);
    PUT_CODE(m.ram, VECTORS + 0x200, HVC_1);
    if (run_to(&m, EC_BRK)) {
        CHECK_EQ(m.exit->exception.syndrome & 0xffff, 5);
        CHECK_EQ(reg(&m, HV_REG_PC), CODE);
    }
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(m.vcpu, false), HV_SUCCESS);
    run_to_hvc(&m, 1); /* the guest's own again */
    end_machine(&m);
}

#define EC_STEP 0x32

/* MDSCR_EL1.SS and PSTATE.SS: one instruction per run, through loads, branches and a trap. */
static void single_step(void)
{
    static const uint64_t path[] = {CODE + 4, CODE + 12, CODE + 16, VECTORS + 0x200,
                                    VECTORS + 0x204};
    struct machine m;
    if (!new_machine(&m))
        return;
    if (hv_vcpu_set_trap_debug_exceptions(m.vcpu, true) == HV_UNSUPPORTED) {
        TEST_SKIP("this backend cannot trap debug exceptions");
        end_machine(&m);
        return;
    }
    PUT_CODE(m.ram, CODE, INCREMENT_X0, 0x14000002 /* b .+8 */, 0, 0x39400022 /* ldrb w2, [x1] */,
             0xd4000121 /* svc #9 */);
    PUT_CODE(m.ram, VECTORS + 0x200, INCREMENT_X0, HVC_1);
    CHECK_EQ(hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_MDSCR_EL1, 1), HV_SUCCESS);
    for (unsigned i = 0; i < 5; i++) {
        set_reg(&m, HV_REG_CPSR, reg(&m, HV_REG_CPSR) | 1u << 21);
        if (!run_to(&m, EC_STEP) || !CHECK_EQ(reg(&m, HV_REG_PC), path[i]))
            break;
        CHECK_EQ(m.exit->exception.syndrome & 0x3f, 0x22); /* debug exception */
    }
    CHECK_EQ(reg(&m, HV_REG_X0), 2);
    /* Off again: the guest runs on to its hypercall. */
    CHECK_EQ(hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_MDSCR_EL1, 0), HV_SUCCESS);
    run_to_hvc(&m, 1);
    end_machine(&m);
}

#define EC_BREAK 0x30
#define EC_WATCH 0x34
#define MDE      0x8000u /* MDSCR_EL1 */

static bool traps_debug(struct machine *m)
{
    if (hv_vcpu_set_trap_debug_exceptions(m->vcpu, true) == HV_UNSUPPORTED) {
        TEST_SKIP("this backend cannot trap them");
        end_machine(m);
        return false;
    }
    return CHECK_EQ(hv_vcpu_set_sys_reg(m->vcpu, HV_SYS_REG_MDSCR_EL1, MDE), HV_SUCCESS);
}

/* A breakpoint in code that has run before: the exit comes before the instruction, each time. */
static void hardware_breakpoint(void)
{
    struct machine m;
    if (!new_machine(&m) || !traps_debug(&m))
        return;
    PUT_CODE(m.ram, CODE, INCREMENT_X0, INCREMENT_X0, INCREMENT_X0, HVC_0);
    run_to_hvc(&m, 0);
    set_reg(&m, HV_REG_PC, CODE);
    set_reg(&m, HV_REG_X0, 0);
    hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_DBGBVR0_EL1, CODE + 8);
    hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_DBGBCR0_EL1, 0x1e7);
    for (unsigned i = 0; i < 2; i++) {
        if (!run_to(&m, EC_BREAK))
            break;
        CHECK_EQ(m.exit->exception.syndrome & 0x3f, 0x22);
        CHECK_EQ(reg(&m, HV_REG_PC), CODE + 8);
        CHECK_EQ(reg(&m, HV_REG_X0), 2);
    }
    hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_DBGBCR0_EL1, 0);
    if (run_to_hvc(&m, 0))
        CHECK_EQ(reg(&m, HV_REG_X0), 3);
    end_machine(&m);
}

/* A watchpoint on memory that has been accessed before: the store is not done, the exit says where.
 */
static void hardware_watchpoint(void)
{
    struct machine m;
    if (!new_machine(&m) || !traps_debug(&m))
        return;
    PUT_CODE(m.ram, CODE, STORE_X0, LOAD_X0, HVC_0);
    set_reg(&m, HV_REG_X0, 5);
    set_reg(&m, HV_REG_X1, DATA);
    run_to_hvc(&m, 0);
    set_reg(&m, HV_REG_PC, CODE);
    set_reg(&m, HV_REG_X0, 6);
    hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_DBGWVR0_EL1, DATA);
    hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_DBGWCR0_EL1, 0x1fff); /* loads and stores, 8 bytes */
    if (run_to(&m, EC_WATCH)) {
        CHECK_EQ(m.exit->exception.syndrome & 0x7f, 0x62); /* a write */
        CHECK_EQ(m.exit->exception.virtual_address, DATA);
        CHECK_EQ(reg(&m, HV_REG_PC), CODE);
        CHECK_EQ(m.ram[DATA], 5);
    }
    set_reg(&m, HV_REG_PC, CODE + 4);
    if (run_to(&m, EC_WATCH))
        CHECK_EQ(m.exit->exception.syndrome & 0x7f, 0x22); /* a read */
    hv_vcpu_set_sys_reg(m.vcpu, HV_SYS_REG_DBGWCR0_EL1, 0);
    run_to_hvc(&m, 0);
    CHECK_EQ(reg(&m, HV_REG_X0), 5);
    end_machine(&m);
}

static void debug_registers(void)
{
    struct machine m;
    bool on = true;
    if (!new_machine(&m))
        return;
    CHECK_EQ(hv_vcpu_get_trap_debug_reg_accesses(m.vcpu, &on), HV_SUCCESS);
    CHECK(!on);
    if (hv_vcpu_set_trap_debug_reg_accesses(m.vcpu, true) == HV_UNSUPPORTED) {
        TEST_SKIP("this backend cannot (tests/kvm: debug_registers_cannot_be_trapped)");
        end_machine(&m);
        return;
    }
    CHECK_EQ(hv_vcpu_get_trap_debug_reg_accesses(m.vcpu, &on), HV_SUCCESS);
    CHECK(on);
    PUT_CODE(m.ram, CODE, 0xd5100085 /* msr dbgbvr0_el1, x5 */, HVC_0);
    if (run_to(&m, EC_SYSREG)) {
        CHECK_EQ(m.exit->exception.syndrome & 0x3fffff, 2u << 20 | 4u << 17 | 5u << 5);
        CHECK_EQ(reg(&m, HV_REG_PC), CODE);
    }
    CHECK_EQ(hv_vcpu_set_trap_debug_reg_accesses(m.vcpu, false), HV_SUCCESS);
    run_to_hvc(&m, 0);
    end_machine(&m);
}

/* Interrupt lines hold for one run. */
static void pending_interrupt(void)
{
    static const struct {
        hv_interrupt_type_t type;
        unsigned vector, mask;
    } lines[] = {{HV_INTERRUPT_TYPE_IRQ, 0x280, 0x80}, {HV_INTERRUPT_TYPE_FIQ, 0x300, 0x40}};
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, HVC_0, SPIN);
    for (unsigned i = 0; i < 2; i++) {
        bool pending = true;
        PUT_CODE(m.ram, VECTORS + lines[i].vector, HVC_1, ERET);
        CHECK_EQ(hv_vcpu_get_pending_interrupt(m.vcpu, lines[i].type, &pending), HV_SUCCESS);
        CHECK(!pending);
        /* Masked: the guest runs on. */
        set_reg(&m, HV_REG_PC, CODE);
        set_reg(&m, HV_REG_CPSR, CPSR);
        CHECK_EQ(hv_vcpu_set_pending_interrupt(m.vcpu, lines[i].type, true), HV_SUCCESS);
        CHECK_EQ(hv_vcpu_get_pending_interrupt(m.vcpu, lines[i].type, &pending), HV_SUCCESS);
        CHECK(pending);
        run_to_hvc(&m, 0);
        CHECK_EQ(hv_vcpu_get_pending_interrupt(m.vcpu, lines[i].type, &pending), HV_SUCCESS);
        CHECK(!pending);
        /* Unmasked: taken at once. */
        set_reg(&m, HV_REG_CPSR, CPSR & ~lines[i].mask);
        CHECK_EQ(hv_vcpu_set_pending_interrupt(m.vcpu, lines[i].type, true), HV_SUCCESS);
        if (run_to_hvc(&m, 1)) {
            CHECK_EQ(reg(&m, HV_REG_PC), VECTORS + lines[i].vector + 4);
            CHECK_EQ(sys_reg(&m, HV_SYS_REG_ELR_EL1), CODE + 4);
        }
        /* Back in the guest's loop, and not taken a second time. */
        CHECK_EQ(run_for(&m, 200), HV_EXIT_REASON_CANCELED);
        CHECK_EQ(reg(&m, HV_REG_PC), CODE + 4);
        /* Withdrawn before the run. */
        CHECK_EQ(hv_vcpu_set_pending_interrupt(m.vcpu, lines[i].type, true), HV_SUCCESS);
        CHECK_EQ(hv_vcpu_set_pending_interrupt(m.vcpu, lines[i].type, false), HV_SUCCESS);
        CHECK_EQ(run_for(&m, 10), HV_EXIT_REASON_CANCELED);
    }
    CHECK_EQ(hv_vcpu_set_pending_interrupt(m.vcpu, 2, true), HV_BAD_ARGUMENT);
    end_machine(&m);
}

/* A pending interrupt that becomes possible in the middle of a run. */
static void interrupt_when_unmasked(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, NOP, 0xd50342ff /* msr daifclr, #2 */, NOP, HVC_0);
    PUT_CODE(m.ram, VECTORS + 0x280, HVC_1);
    CHECK_EQ(hv_vcpu_set_pending_interrupt(m.vcpu, HV_INTERRUPT_TYPE_IRQ, true), HV_SUCCESS);
    if (run_to_hvc(&m, 1))
        CHECK_EQ(sys_reg(&m, HV_SYS_REG_ELR_EL1), CODE + 8);
    end_machine(&m);
}

/* Spin until the guest has had `ms` since `since`: on a busy host 50 ms of wall time may pass
 * before it gets a processor at all. The time that it has had by then. */
static uint64_t spin_for(struct machine *m, uint64_t since, uint64_t ms)
{
    uint64_t now = since;
    for (unsigned n = 0; n < 400 && now - since <= ms_to_ticks(ms); n++) {
        CHECK_EQ(run_for(m, 50), HV_EXIT_REASON_CANCELED);
        if (hv_vcpu_get_exec_time(m->vcpu, &now) == HV_UNSUPPORTED)
            break;
    }
    return now;
}

static void exec_time(void)
{
    struct machine m;
    uint64_t a = 1, b = 0, c = 0;
    if (!new_machine(&m))
        return;
    hv_return_t r = hv_vcpu_get_exec_time(m.vcpu, &a);
    if (r == HV_UNSUPPORTED) {
        TEST_SKIP("this backend does not measure time");
        end_machine(&m);
        return;
    }
    CHECK_EQ(r, HV_SUCCESS);
    PUT_CODE(m.ram, CODE, SPIN);
    b = spin_for(&m, a, 10);
    CHECK(b - a > ms_to_ticks(10) && b - a < ms_to_ticks(60000));
    sleep_ms(20); /* outside the guest it stands still */
    CHECK_EQ(hv_vcpu_get_exec_time(m.vcpu, &c), HV_SUCCESS);
    CHECK(c - b < ms_to_ticks(10));
    end_machine(&m);
}

/* Asked for the first time after the guest has run for a while, then again: never less, and the
 * pause outside does not count. */
static void exec_time_asked_late(void)
{
    struct machine m;
    uint64_t a = 0, b = 0;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, HVC_0, SPIN);
    for (unsigned n = 0; n < 1000; n++) {
        set_reg(&m, HV_REG_PC, CODE);
        run_to_hvc(&m, 0);
    }
    CHECK_EQ(run_for(&m, 50), HV_EXIT_REASON_CANCELED);
    if (hv_vcpu_get_exec_time(m.vcpu, &a) == HV_UNSUPPORTED) {
        TEST_SKIP("this backend does not measure time");
        end_machine(&m);
        return;
    }
    a = spin_for(&m, 0, 2);
    CHECK(a > ms_to_ticks(2) && a < ms_to_ticks(60000));
    sleep_ms(20);
    CHECK_EQ(hv_vcpu_get_exec_time(m.vcpu, &b), HV_SUCCESS);
    CHECK(b - a < ms_to_ticks(10));
    b = spin_for(&m, a, 10);
    CHECK(b - a > ms_to_ticks(10) && b - a < ms_to_ticks(60000));
    end_machine(&m);
}

int main(void)
{
    TEST_ALONE(hypercall);
    TEST_ALONE(secure_call);
    TEST_ALONE(wait_for_interrupt);
    TEST_ALONE(device_access);
    TEST_ALONE(device_access_without_syndrome);
    TEST_ALONE(device_becomes_memory);
    TEST_ALONE(trapped_register);
    TEST_ALONE(guest_exceptions);
    TEST_ALONE(debug_exceptions);
    TEST_ALONE(single_step);
    TEST_ALONE(hardware_breakpoint);
    TEST_ALONE(hardware_watchpoint);
    TEST_ALONE(debug_registers);
    TEST_ALONE(pending_interrupt);
    TEST_ALONE(interrupt_when_unmasked);
    TEST_ALONE(exec_time);
    TEST_ALONE(exec_time_asked_late);
    return test_done();
}
