/* SPDX-License-Identifier: MIT */
/* The virtual timer of a vCPU in a VM without GIC: counter, exit, mask. */
#include "api.h"

#define READ_CNTVCT 0xd53be040 /* mrs x0, cntvct_el0 */
#define CTL_ENABLE  1u
#define CTL_IMASK   2u
#define CTL_ISTATUS 4u

static void set_timer(struct machine *m, uint64_t at, uint64_t control)
{
    CHECK_EQ(hv_vcpu_set_sys_reg(m->vcpu, HV_SYS_REG_CNTV_CVAL_EL0, at), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_set_sys_reg(m->vcpu, HV_SYS_REG_CNTV_CTL_EL0, control), HV_SUCCESS);
}

static bool masked(const struct machine *m)
{
    bool value = false;
    CHECK_EQ(hv_vcpu_get_vtimer_mask(m->vcpu, &value), HV_SUCCESS);
    return value;
}

/* CNTVCT_EL0 = mach_absolute_time() - offset, between two readings of the host's clock. */
static void counter(void)
{
    static const int64_t offsets[] = {0, 1000000, -5000000, 0};
    struct machine m;
    if (!new_machine(&m))
        return;
    uint64_t first = 1;
    CHECK_EQ(hv_vcpu_get_vtimer_offset(m.vcpu, &first), HV_SUCCESS);
    CHECK_EQ(first, 0);
    PUT_CODE(m.ram, CODE, READ_CNTVCT, HVC_0);
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        uint64_t offset = (uint64_t)offsets[i];
        CHECK_EQ(hv_vcpu_set_vtimer_offset(m.vcpu, offset), HV_SUCCESS);
        uint64_t kept = ~offset;
        CHECK_EQ(hv_vcpu_get_vtimer_offset(m.vcpu, &kept), HV_SUCCESS);
        CHECK_EQ(kept, offset);
        set_reg(&m, HV_REG_PC, CODE);
        uint64_t before = mach_absolute_time();
        if (!run_to_hvc(&m, 0))
            break;
        uint64_t now = reg(&m, HV_REG_X0) + offset, after = mach_absolute_time();
        CHECK(now >= before && now <= after);
    }
    end_machine(&m);
}

static void frequency(void)
{
    struct machine m;
    mach_timebase_info_data_t base;
    if (!new_machine(&m))
        return;
    mach_timebase_info(&base);
    PUT_CODE(m.ram, CODE, 0xd53be000 /* mrs x0, cntfrq_el0 */, HVC_0);
    if (run_to_hvc(&m, 0)) /* Hz = 10^9 * denom / numer */
        CHECK_EQ(reg(&m, HV_REG_X0) * base.numer, UINT64_C(1000000000) * base.denom);
    end_machine(&m);
}

static void expires(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, SPIN);
    CHECK(!masked(&m));
    uint64_t deadline = mach_absolute_time() + ms_to_ticks(20);
    set_timer(&m, deadline, CTL_ENABLE);
    CHECK_EQ(run_for(&m, 2000), HV_EXIT_REASON_VTIMER_ACTIVATED);
    CHECK(mach_absolute_time() >= deadline);
    CHECK(masked(&m)); /* set by the exit */
    CHECK(sys_reg(&m, HV_SYS_REG_CNTV_CTL_EL0) & CTL_ISTATUS);
    /* Masked: no second exit, though the condition holds. */
    CHECK_EQ(run_for(&m, 30), HV_EXIT_REASON_CANCELED);
    /* Unmasked: at once. */
    CHECK_EQ(hv_vcpu_set_vtimer_mask(m.vcpu, false), HV_SUCCESS);
    CHECK(!masked(&m));
    CHECK_EQ(run_for(&m, 2000), HV_EXIT_REASON_VTIMER_ACTIVATED);
    CHECK(masked(&m));
    end_machine(&m);
}

/* No exit if the timer is off, masked by the guest, or its time has not come. */
static void stays_quiet(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, SPIN);
    set_timer(&m, 0, 0);
    CHECK_EQ(run_for(&m, 20), HV_EXIT_REASON_CANCELED);
    set_timer(&m, 0, CTL_ENABLE | CTL_IMASK);
    CHECK_EQ(run_for(&m, 20), HV_EXIT_REASON_CANCELED);
    CHECK(sys_reg(&m, HV_SYS_REG_CNTV_CTL_EL0) & CTL_ISTATUS);
    set_timer(&m, mach_absolute_time() + ms_to_ticks(100000), CTL_ENABLE);
    CHECK_EQ(run_for(&m, 20), HV_EXIT_REASON_CANCELED);
    CHECK(!(sys_reg(&m, HV_SYS_REG_CNTV_CTL_EL0) & CTL_ISTATUS));
    CHECK(!masked(&m));
    end_machine(&m);
}

/* Set by the guest itself: msr cntv_tval_el0, msr cntv_ctl_el0, then spin. */
static void set_by_guest(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, 0xd51be300 /* msr cntv_tval_el0, x0 */,
             0xd51be321 /* msr cntv_ctl_el0, x1 */, SPIN);
    set_reg(&m, HV_REG_X0, ms_to_ticks(10));
    set_reg(&m, HV_REG_X1, CTL_ENABLE);
    uint64_t before = mach_absolute_time();
    CHECK_EQ(run_for(&m, 2000), HV_EXIT_REASON_VTIMER_ACTIVATED);
    CHECK(mach_absolute_time() - before >= ms_to_ticks(10));
    CHECK_EQ(reg(&m, HV_REG_PC), CODE + 8);
    end_machine(&m);
}

/*
 * A guest that sees its counter pass the compare value has the interrupt soon, even if the host is
 * busy: on the software CPU within a few turns of a loop, whoever else wants the host's processors.
 * It sees it by the counter, by the timer's value or by its condition; or its client sees that.
 */
enum seen_by { BY_COUNTER, BY_VALUE, BY_CONDITION, BY_CLIENT };

/* Until the deadline, then so many turns as X2 says, then HVC. */
static void put_waiting_loop(struct machine *m, enum seen_by by)
{
    static const uint32_t look[][3] = {
        [BY_COUNTER] = {0xd53be041 /* mrs x1, cntvct_el0 */, 0xeb00003f /* cmp x1, x0 */,
                        0x54ffffa3 /* b.lo CODE */},
        [BY_VALUE] = {0xd53be301 /* mrs x1, cntv_tval_el0 */, 0x6b1f003f /* cmp w1, wzr */,
                      0x54ffffac /* b.gt CODE */},
        [BY_CONDITION] = {0xd53be321 /* mrs x1, cntv_ctl_el0 */, NOP,
                          0x3617ffa1 /* tbz w1, #2, CODE */},
        [BY_CLIENT] = {NOP, NOP, NOP},
    };
    PUT_CODE(m->ram, CODE, 0xd5033fdf /* isb */, look[by][0], look[by][1], look[by][2],
             0xd1000442 /* sub x2, x2, #1 */, 0xb5ffff62 /* cbnz x2, CODE */, HVC_0);
}

static void deadline_seen(enum seen_by by)
{
    const uint64_t soon = strcmp(backend_asked(), "soft") == 0 ? 16 : 10000000;
    struct machine m;
    if (!new_machine(&m))
        return;
    put_waiting_loop(&m, by);
    for (unsigned round = 0; round < 100; round++) {
        uint64_t deadline = mach_absolute_time() + ms_to_ticks(1) / 4;
        set_reg(&m, HV_REG_PC, CODE);
        set_reg(&m, HV_REG_X0, deadline);
        set_reg(&m, HV_REG_X2, soon);
        set_timer(&m, deadline, CTL_ENABLE);
        CHECK_EQ(hv_vcpu_set_vtimer_mask(m.vcpu, false), HV_SUCCESS);
        while (by == BY_CLIENT && !(sys_reg(&m, HV_SYS_REG_CNTV_CTL_EL0) & CTL_ISTATUS))
            ;
        CHECK_EQ(run_for(&m, 2000), HV_EXIT_REASON_VTIMER_ACTIVATED);
    }
    end_machine(&m);
}

static void counter_past_deadline(void)
{
    deadline_seen(BY_COUNTER);
}

static void value_past_deadline(void)
{
    deadline_seen(BY_VALUE);
}

static void condition_met(void)
{
    deadline_seen(BY_CONDITION);
}

static void condition_met_for_the_client(void)
{
    deadline_seen(BY_CLIENT);
}

/* The offset moves the counter, and the deadline with it. */
static void offset_moves_deadline(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, SPIN);
    uint64_t now = mach_absolute_time();
    CHECK_EQ(hv_vcpu_set_vtimer_offset(m.vcpu, now), HV_SUCCESS); /* the counter starts at 0 */
    set_timer(&m, ms_to_ticks(20), CTL_ENABLE);
    CHECK_EQ(run_for(&m, 2000), HV_EXIT_REASON_VTIMER_ACTIVATED);
    CHECK(mach_absolute_time() - now >= ms_to_ticks(20));
    end_machine(&m);
}

static void mask_set_by_client(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, SPIN);
    CHECK_EQ(hv_vcpu_set_vtimer_mask(m.vcpu, true), HV_SUCCESS);
    CHECK(masked(&m));
    set_timer(&m, 0, CTL_ENABLE);
    CHECK_EQ(run_for(&m, 20), HV_EXIT_REASON_CANCELED);
    end_machine(&m);
}

int main(void)
{
    TEST_ALONE(counter);
    TEST_ALONE(frequency);
    TEST_ALONE(expires);
    TEST_ALONE(stays_quiet);
    TEST_ALONE(set_by_guest);
    TEST_ALONE(counter_past_deadline);
    TEST_ALONE(value_past_deadline);
    TEST_ALONE(condition_met);
    TEST_ALONE(condition_met_for_the_client);
    TEST_ALONE(offset_moves_deadline);
    TEST_ALONE(mask_set_by_client);
    return test_done();
}
