/* SPDX-License-Identifier: MIT */
/*
 * The monitor: one virtual machine of this process, from its configuration to its end.
 *
 *     struct vm *vm;
 *     vm_create(&vm, &config, &error);   everything opened, mapped, loaded
 *     vm_run(vm);                        until the guest ends; main thread = event loop
 *     status = vm_exit_status(vm);
 *     vm_destroy(vm);
 *
 * Threads: the main thread creates, runs the event loop and destroys; each vCPU has a thread of its
 * own that owns its Hypervisor handle. What both touch is atomic or guarded by vm->lock.
 *
 * Everything here returns 0 or -errno; nothing exits. After a failure vm_error(vm) (or *error) is
 * the line for the user.
 */
#pragma once

#include <Hypervisor/Hypervisor.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus.h"
#include "clock.h"
#include "console.h"
#include "load.h"
#include "log.h"
#include "loop.h"
#include "mem.h"

#define VM_MAX_CPUS  32
#define VM_MAX_DISKS 8

struct vm;
struct vcpu;
struct machine;

/* ---- what a VM is configured by, all of it before it starts ---- */

struct vm_disk {
    const char *path;
    bool read_only;
    const char *serial; /* NULL: none */
};

struct vm_config {
    const char *guest;   /* file, or NULL: the built-in demo guest */
    const char *machine; /* "tiny", "virt", or NULL: what the guest file is for */
    uint64_t memory;     /* bytes, 0: the machine's default */
    unsigned cpus;       /* 0: one */

    unsigned id;    /* 1..count: which of the VMs that were started together */
    unsigned count; /* how many they are */

    int in_fd, out_fd;   /* the guest's console; in_fd -1: none */
    int lifeline_fd;     /* when it reaches its end, so does the VM (the parent died); -1: none */
    uint64_t timeout_ns; /* 0: none */
    bool stats;          /* print counters at the end */

    /* Machine virt. */
    const char *initrd;
    const char *append;
    const char *dump_dtb;
    struct vm_disk disk[VM_MAX_DISKS];
    unsigned disks;
};

void vm_config_init(struct vm_config *config);

/* ---- how a VM ends ---- */

enum vm_end {
    VM_END_NONE,      /* still running */
    VM_END_EXIT,      /* the guest ended by itself; its status */
    VM_END_RESET,     /* the guest asked for a reset: runs again, never seen by the caller */
    VM_END_TIMEOUT,   /* --timeout: 124 */
    VM_END_ERROR,     /* the monitor failed: 125 */
    VM_END_CRASH,     /* the guest did what nobody handles: 126 */
    VM_END_INTERRUPT, /* a signal, or the user's escape key: 128 + signal */
};

/* ---- machines (machine.c: the table; machine_NAME.c: each) ---- */

/* Where vCPU 0 starts: set by the machine's plan, used at every reset. */
struct vm_boot {
    uint64_t pc, sp, x0;
    uint64_t image_base; /* where a raw image or a kernel goes */
};

struct machine {
    const char *name;
    const char *title;
    uint64_t ram_base;
    uint64_t ram_default, ram_min;
    unsigned max_cpus;
    bool gic;          /* needs hv_gic_*; WFI then blocks inside hv_vcpu_run */
    bool trap_vectors; /* install vectors.c's table at ram_base: uncaught exceptions become crashes
                        */

    /* Check the guest and the options against this machine; fill vm->boot. Memory is there, nothing
     * has been written to it, the VM does not exist yet. Reports by vm_fail. */
    int (*plan)(struct vm *vm);
    /* After hv_vm_create, before the first vCPU: GIC, devices on vm->bus. NULL: none. */
    int (*setup)(struct vm *vm);
    /* Fill guest memory (all zero). At start and at every guest reset. */
    int (*load)(struct vm *vm);
    /* Reset what setup made beyond the bus's devices (GIC). At guest reset, vCPUs parked. May be
     * NULL. */
    int (*reset)(struct vm *vm);
    /* Undo setup, after all vCPUs are gone, before hv_vm_destroy. Called even if setup failed or
     * never ran. May be NULL. */
    void (*teardown)(struct vm *vm);
};

extern const struct machine machine_tiny, machine_virt;

/* By name, or for an image when name is NULL; NULL if there is none of that name. */
const struct machine *machine_find(const char *name, const struct image *image);
/* The index-th machine, NULL past the end. */
const struct machine *machine_at(unsigned index);
/* "tiny, virt": for messages. */
const char *machine_names(void);

/* ---- vCPU ---- */

#define VCPU_EXIT_CLASSES 64
#define VCPU_HYPERCALLS   8
#define VCPU_COUNTERS     32

struct vcpu_stats {
    uint64_t exits;
    uint64_t canceled, vtimer, unknown;   /* by reason */
    uint64_t by_class[VCPU_EXIT_CLASSES]; /* EXCEPTION exits, by ESR class */
    uint64_t hypercalls[VCPU_HYPERCALLS]; /* by number; psci counts apart */
    uint64_t psci, mmio;
    /* What the backend counts; the names are its own, and the same for every vCPU. */
    const char *counter_name[VCPU_COUNTERS];
    uint64_t counter[VCPU_COUNTERS];
};

enum vtimer_state {
    VTIMER_QUIET,  /* the API watches the timer */
    VTIMER_RAISED, /* it fired; the IRQ line is held up until the guest takes the interrupt */
    VTIMER_TAKEN,  /* it was taken; the guest has not yet quieted the timer */
};

struct vcpu {
    struct vm *vm;
    unsigned index;
    uint64_t mpidr;
    pthread_t thread;
    bool has_thread;

    /* Owner thread only. */
    hv_vcpu_t handle;
    hv_vcpu_exit_t *exit;
    enum vtimer_state vtimer; /* VM without GIC: see vtimer.c */
    uint64_t vtimer_due;      /* the deadline (CVAL) of the interrupt that was raised */
    struct device *device;    /* for the bus: last accessed */
    struct vcpu_stats stats;

    /* Guarded by vm->lock. */
    bool live;   /* handle is valid: may be passed to hv_vcpus_exit */
    bool parked; /* waits in vcpu_gate, not in the guest */
    bool reset_wanted;
    bool wake; /* a wake-up for WFI that must not be lost */
    pthread_cond_t wakeup;
    uint64_t start_pc, start_x0; /* for the next reset */

    atomic_bool on; /* powered; cleared by PSCI CPU_OFF, set under vm->lock by CPU_ON */
};

/* ---- VM ---- */

/* What the vCPU threads are to do. They look at it before every entry to the guest. */
enum vm_state {
    VM_PARKED, /* wait in vcpu_gate (starting, paused, resetting) */
    VM_RUNNING,
    VM_DOWN, /* leave for good */
};

struct vm {
    struct vm_config config;
    const struct machine *machine;
    struct image image;
    struct mem mem; /* region 0 is RAM */
    struct vm_boot boot;
    struct bus bus;
    struct console console;
    struct loop loop;
    void *board; /* the machine's own data */

    struct vcpu vcpu[VM_MAX_CPUS];
    unsigned cpus;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* state, parked, live, on */
    atomic_int state;       /* enum vm_state; written under lock */
    atomic_int end;         /* enum vm_end; the first one stays */
    int status;             /* guest's status (EXIT), signal number (INTERRUPT) */
    unsigned live;          /* vCPUs that exist */
    /* A pipe, readable from the first vm_stop on: for blocking reads. */
    int cancel_read, cancel_write;

    pthread_mutex_t error_lock;
    struct vm_error error;

    int console_timer, timeout_timer, vtimer_timer; /* loop timers */
    bool irq_exit; /* the backend tells when the guest takes our interrupt */
    bool has_loop;
    bool hv;                                   /* hv_vm_create has succeeded */
    uint64_t started_ns, entered_ns, ended_ns; /* host_ns(): create, first guest instruction, end */
};

/* ---- vm.c ---- */

int vm_create(struct vm **vm, const struct vm_config *config, struct vm_error *error);
int vm_run(struct vm *vm);
void vm_destroy(struct vm *vm);

/* The status that the program should end with (README: exit status). */
int vm_exit_status(const struct vm *vm);
enum vm_end vm_ended(const struct vm *vm);
const char *vm_error_text(const struct vm *vm);

/* End the VM; any thread, not a signal handler. The first call wins. Does not wait. */
void vm_stop(struct vm *vm, enum vm_end end, int status);
/* Any thread but a vCPU's. pause returns when no vCPU is in the guest. */
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);

/* Note the line for the user (the first one stays), return err. */
int vm_fail(struct vm *vm, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same with what a Hypervisor call answered, in words. Returns -EIO, -EPERM, -ENODEV ... */
int vm_fail_hv(struct vm *vm, hv_return_t ret, const char *what);
const char *hv_return_text(hv_return_t ret);

/* ---- signals.c, demo.c ---- */

/* SIGINT, SIGTERM and SIGHUP end the VM, through its event loop. One VM at a time. 0 or -errno. */
int signals_watch(struct vm *vm);
void signals_unwatch(struct vm *vm);

/* The guest that runs when no other is named. */
int demo_image(struct image *image, struct vm_error *error);

/* ---- vcpu.c ---- */

void vcpu_init(struct vcpu *v, struct vm *vm, unsigned index);
/* Start the thread and wait until the vCPU exists and is parked. */
int vcpu_start(struct vcpu *v);
void vcpu_join(struct vcpu *v);
/* Leave the guest, or a WFI sleep, and look at the VM's state. Any thread; vm->lock held. */
void vcpu_kick(struct vcpu *v);
/* Power on at pc with x0 (PSCI CPU_ON). Any vCPU thread. -EALREADY if it is on. */
int vcpu_power_on(struct vcpu *v, uint64_t pc, uint64_t x0);
/* Power off the calling vCPU; ends the VM if it was the last one. */
void vcpu_power_off(struct vcpu *v);
/* By MPIDR affinity, NULL if there is none. */
struct vcpu *vcpu_by_mpidr(struct vm *vm, uint64_t mpidr);

/* Owner thread. An answer other than HV_SUCCESS ends the VM, with `what` for the user. */
void vcpu_failed(struct vcpu *v, hv_return_t ret, const char *what);
static inline void vcpu_check(struct vcpu *v, hv_return_t ret, const char *what)
{
    if (ret != HV_SUCCESS)
        vcpu_failed(v, ret, what);
}

/* Owner thread. Register accesses that cannot fail for a valid number; a failure ends the VM. */
static inline uint64_t vcpu_reg(struct vcpu *v, hv_reg_t reg)
{
    uint64_t value = 0;
    vcpu_check(v, hv_vcpu_get_reg(v->handle, reg, &value), "cannot read a vCPU register");
    return value;
}

static inline void vcpu_set_reg(struct vcpu *v, hv_reg_t reg, uint64_t value)
{
    vcpu_check(v, hv_vcpu_set_reg(v->handle, reg, value), "cannot write a vCPU register");
}

uint64_t vcpu_sys_reg(struct vcpu *v, hv_sys_reg_t reg);
void vcpu_set_sys_reg(struct vcpu *v, hv_sys_reg_t reg, uint64_t value);

/* General register 0..31 as an instruction names it: 31 reads 0, writes nothing. */
static inline uint64_t vcpu_x(struct vcpu *v, unsigned n)
{
    return n == 31 ? 0 : vcpu_reg(v, (hv_reg_t)(HV_REG_X0 + n));
}

static inline void vcpu_set_x(struct vcpu *v, unsigned n, uint64_t value)
{
    if (n != 31)
        vcpu_set_reg(v, (hv_reg_t)(HV_REG_X0 + n), value);
}

static inline void vcpu_skip(struct vcpu *v) /* PC += 4 */
{
    vcpu_set_reg(v, HV_REG_PC, vcpu_reg(v, HV_REG_PC) + 4);
}

/* Sleep as WFI does: until an interrupt could be there, a wake-up, or a change of the VM's state.
 */
void vcpu_wait(struct vcpu *v, uint64_t limit_ns);

/* ---- vtimer.c: the virtual timer of a VM without GIC ---- */

void vtimer_setup(struct vm *vm);  /* before hv_vm_create */
void vtimer_fired(struct vcpu *v); /* on a VTIMER_ACTIVATED exit */
void vtimer_before_run(struct vcpu *v);
void vtimer_after_run(struct vcpu *v);
/* Nanoseconds until its interrupt: 0 if it is there, UINT64_MAX if none is set. */
uint64_t vtimer_distance(struct vcpu *v);

/* ---- exit.c, abort.c, sysreg.c, inject.c ---- */

/* Handle the exit that hv_vcpu_run just reported. Owner thread. 0 or -errno (then the VM ends). */
int exit_dispatch(struct vcpu *v);
const char *exit_class_name(unsigned ec); /* "HVC", NULL if nothing is known by that number */

int exit_abort(struct vcpu *v);      /* EC 0x20, and 0x24 where no device answers */
int exit_data_abort(struct vcpu *v); /* EC 0x24 */
int exit_sysreg(struct vcpu *v);     /* EC 0x18 */

/* Take an exception to the guest's EL1 as the architecture does (DDI 0487, AArch64.TakeException).
 */
struct abort_info {
    bool fetch; /* of an instruction; else a data access */
    bool write;
    bool walk; /* on a page-table walk, at `level` */
    unsigned level;
    uint64_t va; /* for FAR_EL1 */
};
bool inject_possible(struct vcpu *v);                /* the guest has set VBAR_EL1 */
bool inject_would_loop(struct vcpu *v, uint64_t pc); /* a fetch at pc is one of a vector */
int inject_abort(struct vcpu *v, const struct abort_info *abort);
int inject_undefined(struct vcpu *v); /* or a crash, if it is not possible */

/* ---- hypercall.c, psci.c ---- */

int hypercall(struct vcpu *v); /* HVC #0 with x0 below 0x80000000; others go to smccc() */
int smccc(struct vcpu *v, uint32_t function);

/* ---- vectors.c, crash.c, stats.c ---- */

/* The table of 16 HVC instructions that stands in for a vector table until the guest sets one. */
int vectors_install(struct vm *vm);
/* Was this HVC one of them? Then it has been reported as a crash. */
bool vectors_caught(struct vcpu *v);

/* Report on standard error, end the VM. `what` says in words what happened. */
int crash(struct vcpu *v, uint64_t esr, uint64_t far, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Owner thread, before the vCPU goes. */
void stats_collect(struct vcpu *v);
/* On standard error; no vCPU is left. */
void stats_print(const struct vm *vm);

/* ---- backend.c ---- */

struct vmm_backend {
    const char *name, *title, *why;
    bool available, chosen, gic;
    unsigned max_vcpus, max_ipa_bits;
};

/* "auto", "hvf", "kvm", "soft". Before anything else. -ENOENT, -ENODEV with *error filled. */
int backend_choose(const char *name, struct vm_error *error);
/* The index-th backend of this build; the strings stay valid until the next call. False past the
 * end. */
bool backend_info(unsigned index, struct vmm_backend *info);
/* An option of the chosen backend, as hvx.h knows them; before the VM. False: it has no such. */
bool backend_option(const char *name, const char *value);
/* The title of the chosen one ("ARM64 software CPU"), never NULL. */
const char *backend_title(void);
/* Of the chosen backend; 0 if it cannot be asked for a larger guest address space. */
uint32_t backend_max_ipa_bits(void);
/* One line: what was chosen and why not a better one. */
void backend_explain(char *text, size_t size);
