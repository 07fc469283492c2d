/* SPDX-License-Identifier: MIT */
/*
 * A vCPU: its thread, its reset state, and the run loop that everything else hangs on.
 *
 * The thread creates the Hypervisor vCPU, parks in vcpu_gate until the VM runs, and then alternates
 * between the guest and exit_dispatch. Others influence it only by the VM's state and by vcpu_kick,
 * which cannot be lost: hv_vcpus_exit is remembered until the next entry.
 */
#include "vmm.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CPSR_EL1H_MASKED                                                                           \
    UINT64_C(0x3c5) /* EL1, SP_EL1, DAIF set: what a boot loader hands over                        \
                     */
#define CNTV_CTL_ENABLE  1u
#define CNTV_CTL_IMASK   2u
#define CNTV_CTL_ISTATUS 4u
#define SLEEP_MAX_NS     UINT64_C(1000000000)
#define NS_PER_S         UINT64_C(1000000000)

/* ---- registers ---- */

void vcpu_failed(struct vcpu *v, hv_return_t ret, const char *what)
{
    vm_fail_hv(v->vm, ret, what);
    vm_stop(v->vm, VM_END_ERROR, 0);
}

uint64_t vcpu_sys_reg(struct vcpu *v, hv_sys_reg_t reg)
{
    uint64_t value = 0;
    vcpu_check(v, hv_vcpu_get_sys_reg(v->handle, reg, &value),
               "cannot read a vCPU system register");
    return value;
}

void vcpu_set_sys_reg(struct vcpu *v, hv_sys_reg_t reg, uint64_t value)
{
    vcpu_check(v, hv_vcpu_set_sys_reg(v->handle, reg, value),
               "cannot write a vCPU system register");
}

/* ---- life ---- */

/* The GIC's CPU interface belongs to the vCPU and not to hv_gic_reset(). What matters most are the
 * active priorities: a guest that reboots in an interrupt handler leaves one behind, and it would
 * shut out every interrupt of the next run. */
static void reset_cpu_interface(struct vcpu *v)
{
    static const hv_gic_icc_reg_t cleared[] = {
        HV_GIC_ICC_REG_PMR_EL1,  HV_GIC_ICC_REG_AP0R0_EL1,   HV_GIC_ICC_REG_AP1R0_EL1,
        HV_GIC_ICC_REG_CTLR_EL1, HV_GIC_ICC_REG_IGRPEN0_EL1, HV_GIC_ICC_REG_IGRPEN1_EL1,
    };
    for (unsigned i = 0; i < sizeof(cleared) / sizeof(cleared[0]); i++)
        vcpu_check(v, hv_gic_set_icc_reg(v->handle, cleared[i], 0),
                   "cannot reset a vCPU's GIC state");
}

/* The state of a CPU that was just switched on, as booting.rst and PSCI (DEN 0022) want it. */
static void vcpu_reset(struct vcpu *v)
{
    static const hv_sys_reg_t cleared[] = {
        HV_SYS_REG_VBAR_EL1,  HV_SYS_REG_ESR_EL1,      HV_SYS_REG_ELR_EL1,   HV_SYS_REG_SPSR_EL1,
        HV_SYS_REG_FAR_EL1,   HV_SYS_REG_SP_EL0,       HV_SYS_REG_TTBR0_EL1, HV_SYS_REG_TTBR1_EL1,
        HV_SYS_REG_TCR_EL1,   HV_SYS_REG_MAIR_EL1,     HV_SYS_REG_CPACR_EL1, HV_SYS_REG_TPIDR_EL0,
        HV_SYS_REG_TPIDR_EL1, HV_SYS_REG_CNTV_CTL_EL0, HV_SYS_REG_MDSCR_EL1,
    };
    /* The bits that are RES1 while no later extension gives them a meaning; MMU and caches off. */
    const uint64_t sctlr = UINT64_C(0x30d00800);
    for (unsigned i = 0; i < sizeof(cleared) / sizeof(cleared[0]); i++)
        vcpu_set_sys_reg(v, cleared[i], 0);
    vcpu_set_sys_reg(v, HV_SYS_REG_SCTLR_EL1, sctlr);
    for (unsigned n = 0; n < 31; n++)
        vcpu_set_x(v, n, 0);
    vcpu_set_sys_reg(v, HV_SYS_REG_SP_EL1, v->index == 0 ? v->vm->boot.sp : 0);
    vcpu_set_reg(v, HV_REG_X0, v->start_x0);
    vcpu_set_reg(v, HV_REG_PC, v->start_pc);
    vcpu_set_reg(v, HV_REG_CPSR, CPSR_EL1H_MASKED);
    vcpu_check(v, hv_vcpu_set_vtimer_mask(v->handle, false), "cannot unmask the virtual timer");
    v->vtimer = VTIMER_QUIET;
    if (v->vm->machine->gic)
        reset_cpu_interface(v);
}

static int vcpu_open(struct vcpu *v)
{
    hv_return_t ret = hv_vcpu_create(&v->handle, &v->exit, NULL);
    if (ret != HV_SUCCESS)
        return vm_fail_hv(v->vm, ret, "cannot create a vCPU");
    vcpu_set_sys_reg(v, HV_SYS_REG_MPIDR_EL1, v->mpidr);
    pthread_mutex_lock(&v->vm->lock);
    v->live = true;
    v->vm->live++;
    pthread_mutex_unlock(&v->vm->lock);
    return 0;
}

static void vcpu_close(struct vcpu *v)
{
    struct vm *vm = v->vm;
    pthread_mutex_lock(&vm->lock);
    bool live = v->live;
    v->live = false;
    vm->live -= live;
    pthread_mutex_unlock(&vm->lock);
    if (live) {
        stats_collect(v);
        hv_vcpu_destroy(v->handle);
    }
    pthread_mutex_lock(&vm->lock);
    v->parked = true;
    pthread_cond_broadcast(&vm->changed);
    pthread_mutex_unlock(&vm->lock);
}

static bool may_run(struct vcpu *v)
{
    return atomic_load_explicit(&v->vm->state, memory_order_acquire) == VM_RUNNING &&
           atomic_load_explicit(&v->on, memory_order_acquire);
}

/* Wait until the VM runs and this vCPU is on. False: leave for good. */
static bool vcpu_gate(struct vcpu *v)
{
    struct vm *vm = v->vm;
    pthread_mutex_lock(&vm->lock);
    while (vm->state != VM_DOWN && !may_run(v)) {
        if (!v->parked) {
            v->parked = true;
            pthread_cond_broadcast(&vm->changed);
        }
        pthread_cond_wait(&vm->changed, &vm->lock);
    }
    bool go = vm->state != VM_DOWN;
    bool reset = v->reset_wanted;
    v->parked = !go;
    v->reset_wanted = false;
    pthread_mutex_unlock(&vm->lock);
    if (go && reset)
        vcpu_reset(v);
    return go;
}

/* ---- the run loop ---- */

static int vcpu_loop(struct vcpu *v)
{
    while (may_run(v)) {
        if (v->vtimer != VTIMER_QUIET)
            vtimer_before_run(v);
        hv_return_t ret = hv_vcpu_run(v->handle);
        if (ret != HV_SUCCESS)
            return vm_fail_hv(v->vm, ret, "cannot run the guest");
        v->stats.exits++;
        if (v->vtimer == VTIMER_RAISED)
            vtimer_after_run(v);
        int err = exit_dispatch(v);
        if (err)
            return err;
    }
    return 0;
}

static void *vcpu_main(void *arg)
{
    struct vcpu *v = arg;
    int err = vcpu_open(v);
    if (!err && v->reset_wanted) {
        v->reset_wanted = false;
        vcpu_reset(v);
    }
    while (!err && vcpu_gate(v))
        err = vcpu_loop(v);
    if (err)
        vm_stop(v->vm, VM_END_ERROR, 0);
    vcpu_close(v);
    return NULL;
}

void vcpu_init(struct vcpu *v, struct vm *vm, unsigned index)
{
    memset(v, 0, sizeof(*v));
    v->vm = vm;
    v->index = index;
    /* Sixteen to a cluster: what GICv3 SGI target lists can name (Aff0 0..15). */
    v->mpidr = UINT64_C(1) << 31 | (uint64_t)(index / 16) << 8 | index % 16;
    pthread_cond_init(&v->wakeup, NULL);
    if (index == 0) {
        atomic_store(&v->on, true);
        v->reset_wanted = true;
        v->start_pc = vm->boot.pc;
        v->start_x0 = vm->boot.x0;
    }
}

int vcpu_start(struct vcpu *v)
{
    struct vm *vm = v->vm;
    sigset_t all, before;
    /* Signals are for the main thread and its event loop. */
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&v->thread, NULL, vcpu_main, v);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err)
        return vm_fail(vm, -err, "cannot start a thread for vCPU %u: %s", v->index, strerror(err));
    v->has_thread = true;
    pthread_mutex_lock(&vm->lock);
    while (!v->parked)
        pthread_cond_wait(&vm->changed, &vm->lock);
    bool live = v->live;
    pthread_mutex_unlock(&vm->lock);
    return live ? 0 : -EIO;
}

void vcpu_join(struct vcpu *v)
{
    if (v->has_thread)
        pthread_join(v->thread, NULL);
    v->has_thread = false;
    pthread_cond_destroy(&v->wakeup);
}

void vcpu_kick(struct vcpu *v)
{
    v->wake = true;
    pthread_cond_signal(&v->wakeup);
    if (v->live)
        hv_vcpus_exit(&v->handle, 1);
}

int vcpu_power_on(struct vcpu *v, uint64_t pc, uint64_t x0)
{
    struct vm *vm = v->vm;
    int err = -EALREADY;
    pthread_mutex_lock(&vm->lock);
    /* Off but not yet parked: it is on its way out of the guest, its registers are still in use. */
    if (!atomic_load(&v->on)) {
        v->start_pc = pc;
        v->start_x0 = x0;
        v->reset_wanted = true;
        atomic_store_explicit(&v->on, true, memory_order_release);
        pthread_cond_broadcast(&vm->changed);
        err = 0;
    }
    pthread_mutex_unlock(&vm->lock);
    return err;
}

void vcpu_power_off(struct vcpu *v)
{
    struct vm *vm = v->vm;
    bool any = false;
    pthread_mutex_lock(&vm->lock);
    atomic_store_explicit(&v->on, false, memory_order_release);
    for (unsigned i = 0; i < vm->cpus; i++)
        any |= atomic_load(&vm->vcpu[i].on);
    pthread_mutex_unlock(&vm->lock);
    if (!any)
        vm_stop(vm, VM_END_EXIT, 0);
}

struct vcpu *vcpu_by_mpidr(struct vm *vm, uint64_t mpidr)
{
    const uint64_t affinity = UINT64_C(0xff00ffffff);
    for (unsigned i = 0; i < vm->cpus; i++)
        if ((vm->vcpu[i].mpidr & affinity) == mpidr)
            return &vm->vcpu[i];
    return NULL;
}

/* ---- WFI, WFE ---- */

/* lock held. The wall clock may jump; then the sleep is cut short or lasts SLEEP_MAX_NS at most,
 * and the caller looks at the monotonic clock again. */
static void sleep_on(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t ns)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    uint64_t total = (uint64_t)until.tv_nsec + (ns < SLEEP_MAX_NS ? ns : SLEEP_MAX_NS);
    until.tv_sec += (time_t)(total / NS_PER_S);
    until.tv_nsec = (long)(total % NS_PER_S);
    pthread_cond_timedwait(cond, lock, &until);
}

void vcpu_wait(struct vcpu *v, uint64_t limit_ns)
{
    struct vm *vm = v->vm;
    uint64_t distance = vtimer_distance(v);
    if (distance == 0)
        return;
    console_flush(&vm->console);
    if (distance > limit_ns)
        distance = limit_ns;
    uint64_t now = host_ns();
    uint64_t until = distance < UINT64_MAX - now ? now + distance : UINT64_MAX;
    pthread_mutex_lock(&vm->lock);
    while (!v->wake && may_run(v) && (now = host_ns()) < until)
        sleep_on(&v->wakeup, &vm->lock, until - now);
    v->wake = false;
    pthread_mutex_unlock(&vm->lock);
}
