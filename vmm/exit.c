/* SPDX-License-Identifier: MIT */
/*
 * Why the guest stopped, and who deals with it: one table by exception class (ESR_EL2.EC, DDI 0487
 * section D24.2.40). Runs on the vCPU's thread. A handler returns 0 to go on (after vm_stop the run
 * loop sees for itself that it is over) or -errno if the monitor cannot.
 */
#include "vmm.h"

#include <errno.h>

#define EC_SHIFT     26
#define WFX_IS_WFE   1u
#define WFE_SLEEP_NS UINT64_C(10000000)

static int exit_wfx(struct vcpu *v)
{
    /* An event for WFE (SEV, a cleared exclusive monitor) does not reach us: do not wait long. */
    bool wfe = v->exit->exception.syndrome & WFX_IS_WFE;
    vcpu_wait(v, wfe ? WFE_SLEEP_NS : UINT64_MAX);
    vcpu_skip(v);
    return 0;
}

/* No EL3, no firmware: nobody answers. PC still points at the SMC. */
static int exit_smc(struct vcpu *v)
{
    vcpu_set_x(v, 0, UINT64_MAX);
    vcpu_skip(v);
    return 0;
}

/* Classes that the API lets through when a part of the CPU is not there (section 9.1). */
static int exit_undefined(struct vcpu *v)
{
    return inject_undefined(v);
}

static const struct {
    const char *name;
    int (*handler)(struct vcpu *v);
} classes[VCPU_EXIT_CLASSES] = {
    [0x00] = {"unknown reason", exit_undefined},
    [0x01] = {"WFI or WFE", exit_wfx},
    [0x07] = {"FP or SIMD access", exit_undefined},
    [0x0e] = {"illegal execution state", NULL},
    [0x11] = {"SVC (AArch32)", NULL},
    [0x15] = {"SVC", NULL},
    [0x16] = {"HVC", hypercall},
    [0x17] = {"SMC", exit_smc},
    [0x18] = {"system register access", exit_sysreg},
    [0x19] = {"SVE access", exit_undefined},
    [0x1d] = {"SME access", exit_undefined},
    [0x20] = {"instruction abort", exit_abort},
    [0x21] = {"instruction abort, same level", NULL},
    [0x22] = {"PC alignment fault", NULL},
    [0x24] = {"data abort", exit_data_abort},
    [0x25] = {"data abort, same level", NULL},
    [0x26] = {"SP alignment fault", NULL},
    [0x2c] = {"floating-point exception", NULL},
    [0x2f] = {"SError", NULL},
    [0x30] = {"breakpoint", NULL},
    [0x31] = {"breakpoint, same level", NULL},
    [0x32] = {"single step", NULL},
    [0x33] = {"single step, same level", NULL},
    [0x34] = {"watchpoint", NULL},
    [0x35] = {"watchpoint, same level", NULL},
    [0x3c] = {"BRK", NULL},
};

const char *exit_class_name(unsigned ec)
{
    return ec < VCPU_EXIT_CLASSES ? classes[ec].name : NULL;
}

static int exit_exception(struct vcpu *v)
{
    uint64_t esr = v->exit->exception.syndrome;
    unsigned ec = esr >> EC_SHIFT & (VCPU_EXIT_CLASSES - 1);
    v->stats.by_class[ec]++;
    if (classes[ec].handler)
        return classes[ec].handler(v);
    return crash(v, esr, v->exit->exception.virtual_address,
                 "an exception that the monitor does not handle");
}

int exit_dispatch(struct vcpu *v)
{
    switch (v->exit->reason) {
    case HV_EXIT_REASON_EXCEPTION: return exit_exception(v);
    case HV_EXIT_REASON_CANCELED:
        v->stats.canceled++; /* the run loop looks at the VM's state */
        return 0;
    case HV_EXIT_REASON_VTIMER_ACTIVATED:
        v->stats.vtimer++;
        vtimer_fired(v);
        return 0;
    default:
        v->stats.unknown++;
        return vm_fail(v->vm, -EIO, "the backend reports an exit for no known reason");
    }
}
