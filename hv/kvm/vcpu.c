/* SPDX-License-Identifier: MIT */
/*
 * The life of a vCPU on KVM and its run loop. All of it runs on the vCPU's owner thread, except for
 * cancel and kick.
 *
 * How a cancel is not lost. The canceller sets `cancel`, then looks at `inside`, and if that is set
 * makes KVM_RUN return: immediate_exit for a thread that has not entered the kernel yet, a signal
 * for one that has. The owner sets `inside`, then looks at `cancel`, then enters. Both orders are
 * sequentially consistent, so at least one of the two sees the other. immediate_exit is cleared
 * before `inside` is set; a stale one costs an empty turn of the loop. `pause` works the same way.
 */
#include "kvm/kvm.h"
#include <errno.h>
#include <mach/mach_time.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TIMER_FIRES 5u /* CNTV_CTL_EL0: ENABLE and ISTATUS, without IMASK */
#define TIMER_BITS  7u

/* A real-time signal that programs hardly use; its handler does nothing, being interrupted is all.
 */
static int kick_signal(void)
{
    return SIGRTMAX - 3;
}

static void on_kick(int number)
{
    (void)number;
}

static void install_kick(void)
{
    struct sigaction action = {.sa_handler = on_kick};
    sigemptyset(&action.sa_mask);
    sigaction(kick_signal(), &action, NULL);
}

int kvm_vcpu_ioctl(struct hvi_vcpu *v, unsigned long request, void *argument)
{
    v->ioctls++;
    return ioctl(v->fd, request, argument);
}

/* Tell KVM the interrupt lines where they differ from what it knows. */
static hv_return_t set_lines(struct hvi_vcpu *v)
{
    for (unsigned type = 0; type < 2; type++) {
        if (v->pending[type] == v->line[type])
            continue;
        struct kvm_irq_level level = {
            .irq = KVM_ARM_IRQ_TYPE_CPU << KVM_ARM_IRQ_TYPE_SHIFT |
                   v->index << KVM_ARM_IRQ_VCPU_SHIFT |
                   (type == HV_INTERRUPT_TYPE_IRQ ? KVM_ARM_IRQ_CPU_IRQ : KVM_ARM_IRQ_CPU_FIQ),
            .level = v->pending[type]};
        v->ioctls++;
        if (ioctl(kvm_vm.fd, KVM_IRQ_LINE, &level) < 0)
            return kvm_fail(HV_ERROR, "KVM_IRQ_LINE", errno);
        v->line[type] = v->pending[type];
    }
    return HV_SUCCESS;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Let go of the descriptor and the shared page; for a VM that goes, or a failed creation. */
void kvm_vcpu_free(struct hvi_vcpu *v)
{
    if (v->run)
        munmap(v->run, v->run_size);
    if (v->fd >= 0)
        close(v->fd);
    free(v);
}

static struct hvi_vcpu *new_vcpu(uint32_t index)
{
    struct hvi_vcpu *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    v->index = index;
    v->fd = ioctl(kvm_vm.fd, KVM_CREATE_VCPU, index);
    if (v->fd >= 0) {
        v->run_size = kvm_vm.run_size;
        void *run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
        if (run != MAP_FAILED) {
            v->run = run;
            return v;
        }
    }
    int error = errno;
    kvm_vcpu_free(v);
    errno = error;
    return NULL;
}

hv_return_t kvm_vcpu_create(uint32_t index, struct hvi_vcpu **vcpu)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_kick);

    struct hvi_vcpu *v = atomic_load(&kvm_vm.vcpu[index]);
    if (!v) {
        errno = ENOMEM;
        v = new_vcpu(index);
        if (!v)
            return kvm_fail(kvm_error(errno, HV_ERROR), "KVM_CREATE_VCPU", errno);
        atomic_store(&kvm_vm.vcpu[index], v);
    }
    v->valid = v->dirty = 0;
    v->mmio.waiting = false;
    v->pending[0] = v->pending[1] = false;
    v->vtimer_masked = v->vtimer_level = v->trap_debug = false;
    v->watched_count = 0;
    v->early_count = 0;
    v->vtimer_offset = v->exec_time = 0;
    v->exits = v->mmio_exits = v->hypercalls = v->ioctls = 0;
    v->tid = (pid_t)syscall(SYS_gettid);
    atomic_store(&v->cancel, false);

    sigset_t kick;
    sigemptyset(&kick);
    sigaddset(&kick, kick_signal());
    pthread_sigmask(SIG_UNBLOCK, &kick, NULL);

    struct kvm_vcpu_init init = kvm_vm.init;
    if (kvm_vcpu_ioctl(v, KVM_ARM_VCPU_INIT, &init) < 0)
        return kvm_fail(kvm_error(errno, HV_ERROR), "KVM_ARM_VCPU_INIT", errno);
    hv_return_t result = set_lines(v); /* KVM_ARM_VCPU_INIT leaves them as they were */
    if (result == HV_SUCCESS)
        result = kvm_reset_regs(v);
    if (result == HV_SUCCESS) {
        v->live = true;
        *vcpu = v;
    }
    return result;
}

void kvm_vcpu_destroy(struct hvi_vcpu *v)
{
    (void)kvm_drop_mmio(v);
    v->valid = v->dirty = 0;
    v->live = false;
    (void)kvm_set_trap_debug(v, false, false);
}

/* ---- cancel ---------------------------------------------------------------------------------- */

void kvm_vcpu_kick(struct hvi_vcpu *v)
{
    __atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_tgkill, getpid(), v->tid, kick_signal());
}

void kvm_vcpu_cancel(struct hvi_vcpu *v)
{
    atomic_store(&v->cancel, true);
    if (atomic_load(&v->inside))
        kvm_vcpu_kick(v);
}

/* ---- interrupts and the timer ---------------------------------------------------------------- */

hv_return_t kvm_set_pending(struct hvi_vcpu *v, hv_interrupt_type_t type, bool pending)
{
    if (kvm_vm.gic >= 0)
        return HV_UNSUPPORTED;
    v->pending[type] = pending;
    return HV_SUCCESS;
}

hv_return_t kvm_get_pending(struct hvi_vcpu *v, hv_interrupt_type_t type, bool *pending)
{
    *pending = v->pending[type];
    return HV_SUCCESS;
}

/* Without a GIC the kernel reports the timer's output in device_irq_level, as of the last exit. Any
 * change of it ends KVM_RUN. The client may have touched the timer since, so ask before telling. */
static bool vtimer_fires(struct hvi_vcpu *v)
{
    uint64_t control;
    if (v->vtimer_masked || kvm_vm.gic >= 0 ||
        !(v->run->s.regs.device_irq_level & KVM_ARM_DEV_EL1_VTIMER))
        return false;
    if (kvm_get_one(v, KVM_REG_ARM_TIMER_CTL, &control) < 0)
        return false;
    return (control & TIMER_BITS) == TIMER_FIRES;
}

/* With the option irq_exit, the client also learns that the guest has quieted a timer whose exit is
 * masked: it is to open the mask before the next deadline, and WFI does not leave KVM. */
static bool vtimer_fell(struct hvi_vcpu *v)
{
    bool before = v->vtimer_level;
    v->vtimer_level = v->run->s.regs.device_irq_level & KVM_ARM_DEV_EL1_VTIMER;
    return before && !v->vtimer_level && v->vtimer_masked && kvm_vm.irq_exit && kvm_vm.gic < 0;
}

hv_return_t kvm_get_vtimer_mask(struct hvi_vcpu *v, bool *masked)
{
    *masked = v->vtimer_masked;
    return HV_SUCCESS;
}

hv_return_t kvm_set_vtimer_mask(struct hvi_vcpu *v, bool masked)
{
    v->vtimer_masked = masked;
    return HV_SUCCESS;
}

hv_return_t kvm_get_vtimer_offset(struct hvi_vcpu *v, uint64_t *offset)
{
    *offset = v->vtimer_offset;
    return HV_SUCCESS;
}

/* KVM has one offset for the whole VM, and takes it only while no vCPU runs. */
hv_return_t kvm_set_vtimer_offset(struct hvi_vcpu *v, uint64_t offset)
{
    hv_return_t result = HV_SUCCESS;
    kvm_pause_all();
    if (offset != kvm_vm.counter_offset) {
        struct kvm_arm_counter_offset o = {.counter_offset = offset};
        v->ioctls++;
        if (kvm_ioctl_paused(kvm_vm.fd, KVM_ARM_SET_COUNTER_OFFSET, &o) < 0)
            result = kvm_fail(kvm_error(errno, HV_ERROR), "KVM_ARM_SET_COUNTER_OFFSET", errno);
        else
            kvm_vm.counter_offset = offset;
    }
    kvm_resume_all();
    if (result == HV_SUCCESS)
        v->vtimer_offset = offset;
    return result;
}

/* ---- the run loop ---------------------------------------------------------------------------- */

/* One KVM_RUN. 0, or an errno; EINTR also if there was a reason not to enter at all. */
static int enter(struct hvi_vcpu *v)
{
    __atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    atomic_store(&v->inside, true);
    if (atomic_load(&v->cancel) || atomic_load(&kvm_vm.pause)) {
        atomic_store(&v->inside, false);
        if (atomic_load(&kvm_vm.pause)) {
            pthread_mutex_lock(&kvm_vm.pause_lock);
            pthread_mutex_unlock(&kvm_vm.pause_lock);
        }
        return EINTR;
    }
    uint64_t start = mach_absolute_time();
    int error = kvm_vcpu_ioctl(v, KVM_RUN, NULL) < 0 ? errno : 0;
    v->exec_time += mach_absolute_time() - start;
    atomic_store(&v->inside, false);
    v->exits++;
    v->valid = v->dirty = 0;
    v->mmio.waiting = false; /* finished by the kernel on its way in */
    return error;
}

static hv_return_t prepare(struct hvi_vcpu *v)
{
    uint64_t keep = 0;
    hv_return_t result = kvm_vm.gic >= 0 ? kvm_gic_start() : set_lines(v);
    if (result == HV_SUCCESS)
        result = kvm_settle_mmio(v, &keep);
    if (result == HV_SUCCESS)
        result = kvm_prepare_debug(v);
    if (result == HV_SUCCESS && (v->dirty & ~keep))
        result = kvm_flush_regs(v, keep);
    return result;
}

static hv_return_t run_until_exit(struct hvi_vcpu *v, hv_vcpu_exit_t *exit)
{
    for (;;) {
        if (atomic_exchange(&v->cancel, false)) {
            exit->reason = HV_EXIT_REASON_CANCELED;
            return HV_SUCCESS;
        }
        if (vtimer_fires(v)) {
            v->vtimer_masked = true;
            exit->reason = HV_EXIT_REASON_VTIMER_ACTIVATED;
            return HV_SUCCESS;
        }
        hv_return_t result = prepare(v);
        if (result != HV_SUCCESS)
            return result;
        int error = enter(v);
        bool fell = vtimer_fell(v);
        if (error == EINTR || error == EAGAIN) {
            if (!fell)
                continue;
            exit->reason = HV_EXIT_REASON_CANCELED;
            return HV_SUCCESS;
        }
        if (error && v->run->exit_reason != KVM_EXIT_FAIL_ENTRY)
            return kvm_fail(HV_ERROR, "KVM_RUN", error);
        if (kvm_translate_exit(v, exit, &result))
            return result;
    }
}

hv_return_t kvm_vcpu_run(struct hvi_vcpu *v, hv_vcpu_exit_t *exit)
{
    memset(exit, 0, sizeof *exit);
    hv_return_t result = run_until_exit(v, exit);
    v->pending[0] = v->pending[1] = false;
    return result;
}

/* Wall time in KVM_RUN, so with the time that a guest waits in WFI: KVM keeps no better figure. */
hv_return_t kvm_get_exec_time(struct hvi_vcpu *v, uint64_t *time)
{
    *time = v->exec_time;
    return HV_SUCCESS;
}

bool kvm_counter(struct hvi_vcpu *v, unsigned index, const char **name, uint64_t *value)
{
    const struct {
        const char *name;
        uint64_t value;
    } counters[] = {{"kvm-exits", v->exits},
                    {"mmio-exits", v->mmio_exits},
                    {"hypercalls", v->hypercalls},
                    {"ioctls", v->ioctls}};
    if (index >= sizeof counters / sizeof *counters)
        return false;
    *name = counters[index].name;
    *value = counters[index].value;
    return true;
}
