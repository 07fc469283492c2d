/* SPDX-License-Identifier: MIT */
/*
 * The virtual timer of a VM without a GIC. The API reports once that the timer fired, and masks it;
 * from then on the line to the CPU is the monitor's business (section 9.4 of the API reference).
 *
 * On a real board the line follows the timer: it falls the moment the guest reprograms it. Here
 * nobody tells us, since timer registers do not trap. An IRQ line held up for a whole run would
 * interrupt the guest again and again after its handler returned. So the line goes up until the
 * interrupt is taken; then it stays down until the guest has quieted the timer (seen at the next
 * exit, or by looking every POLL_NS), has set another deadline that is over by now, or opens
 * interrupts without having done either.
 *
 * A backend that cannot tell when an interrupt is taken (vm->irq_exit is false) repeats it until
 * the next look: docs/DIFFERENCES.md. Owner thread, except the poll (main thread).
 */
#include "vmm.h"

#include <hvx.h>
#include <mach/mach_time.h>

#define CTL_ENABLE   1u
#define CTL_IMASK    2u
#define CTL_ISTATUS  4u
#define PSR_I        (UINT64_C(1) << 7)
#define VECTOR_IRQ   0x80
#define VECTOR_GROUP 0x200
#define VECTORS_SIZE 0x800
#define POLL_NS      UINT64_C(1000000)

static void on_poll(void *context)
{
    struct vm *vm = context;
    pthread_mutex_lock(&vm->lock);
    for (unsigned i = 0; i < vm->cpus; i++)
        if (vm->vcpu[i].live)
            hv_vcpus_exit(&vm->vcpu[i].handle, 1); /* not a wake-up for WFI */
    pthread_mutex_unlock(&vm->lock);
}

void vtimer_setup(struct vm *vm)
{
    vm->vtimer_timer = loop_add_timer(&vm->loop, on_poll, vm);
    vm->irq_exit = hvx_set_option("irq_exit", "on");
}

static bool firing(struct vcpu *v)
{
    uint64_t ctl = vcpu_sys_reg(v, HV_SYS_REG_CNTV_CTL_EL0);
    return (ctl & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)) == (CTL_ENABLE | CTL_ISTATUS);
}

void vtimer_fired(struct vcpu *v)
{
    v->vtimer = VTIMER_RAISED;
    v->vtimer_due = vcpu_sys_reg(v, HV_SYS_REG_CNTV_CVAL_EL0);
}

/* Has the guest quieted the timer? Then the next time it fires is news again. */
static bool quiet(struct vcpu *v)
{
    if (firing(v))
        return false;
    v->vtimer = VTIMER_QUIET;
    vcpu_check(v, hv_vcpu_set_vtimer_mask(v->handle, false), "cannot unmask the virtual timer");
    return true;
}

void vtimer_before_run(struct vcpu *v)
{
    if (quiet(v))
        return;
    /* Firing for another deadline: the guest had quieted it, and nobody looked in between. Firing
     * with interrupts open: the guest did not quiet it, so it comes again. */
    if (v->vtimer == VTIMER_TAKEN && (vcpu_sys_reg(v, HV_SYS_REG_CNTV_CVAL_EL0) != v->vtimer_due ||
                                      !(vcpu_reg(v, HV_REG_CPSR) & PSR_I)))
        vtimer_fired(v);
    if (v->vtimer == VTIMER_RAISED)
        vcpu_check(v, hv_vcpu_set_pending_interrupt(v->handle, HV_INTERRUPT_TYPE_IRQ, true),
                   "cannot raise an interrupt");
    if (v->vtimer == VTIMER_TAKEN || !v->vm->irq_exit)
        loop_arm(&v->vm->loop, v->vm->vtimer_timer, host_ns() + POLL_NS);
}

void vtimer_after_run(struct vcpu *v)
{
    if (!v->vm->irq_exit || v->exit->reason != HV_EXIT_REASON_CANCELED)
        return;
    uint64_t offset = vcpu_reg(v, HV_REG_PC) - vcpu_sys_reg(v, HV_SYS_REG_VBAR_EL1);
    if (offset < VECTORS_SIZE && offset % VECTOR_GROUP == VECTOR_IRQ)
        v->vtimer = VTIMER_TAKEN;
}

uint64_t vtimer_distance(struct vcpu *v)
{
    uint64_t ctl = vcpu_sys_reg(v, HV_SYS_REG_CNTV_CTL_EL0), offset = 0;
    quiet(v); /* now: after the sleep until its deadline it fires, and nobody saw it quiet */
    if ((ctl & (CTL_ENABLE | CTL_IMASK)) != CTL_ENABLE)
        return UINT64_MAX;
    vcpu_check(v, hv_vcpu_get_vtimer_offset(v->handle, &offset), "cannot read the timer offset");
    uint64_t now = mach_absolute_time() - offset;
    uint64_t due = vcpu_sys_reg(v, HV_SYS_REG_CNTV_CVAL_EL0);
    return due <= now ? 0 : ticks_to_ns(due - now);
}
