/* SPDX-License-Identifier: MIT */
/*
 * A VM from its configuration to its end. Everything is opened, checked and mapped before the first
 * guest instruction; the order is the order of the functions below. Main thread, except vm_stop and
 * vm_fail (any thread).
 *
 * Lock order: vm->lock, then nothing. vm->state is written under the lock and read by vCPU threads
 * without it before every entry to the guest.
 */
#include "vmm.h"

#include <hvx.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void vm_config_init(struct vm_config *config)
{
    memset(config, 0, sizeof(*config));
    config->id = config->count = 1;
    config->in_fd = STDIN_FILENO;
    config->lifeline_fd = -1;
    config->out_fd = STDOUT_FILENO;
}

/* ---- errors ---- */

int vm_fail(struct vm *vm, int err, const char *format, ...)
{
    va_list args;
    pthread_mutex_lock(&vm->error_lock);
    if (!vm->error.text[0]) {
        va_start(args, format);
        vsnprintf(vm->error.text, sizeof(vm->error.text), format, args);
        va_end(args);
    }
    pthread_mutex_unlock(&vm->error_lock);
    return err;
}

const char *hv_return_text(hv_return_t ret)
{
    switch (ret) {
    case HV_SUCCESS: return "success";
    case HV_ERROR: return "unspecified failure";
    case HV_BUSY: return "busy";
    case HV_BAD_ARGUMENT: return "bad argument";
    case HV_ILLEGAL_GUEST_STATE: return "the guest's state cannot be entered";
    case HV_NO_RESOURCES: return "the host lacks resources";
    case HV_NO_DEVICE: return "no device: there is no VM or vCPU";
    case HV_DENIED: return "denied (missing entitlement? sign the binary: make does)";
    case HV_UNSUPPORTED: return "not supported here";
    default: return "unknown error";
    }
}

int vm_fail_hv(struct vm *vm, hv_return_t ret, const char *what)
{
    int err = ret == HV_DENIED         ? -EPERM
              : ret == HV_NO_RESOURCES ? -ENOMEM
              : ret == HV_UNSUPPORTED  ? -ENOTSUP
              : ret == HV_BUSY         ? -EBUSY
                                       : -EIO;
    const char *more = hvx_last_error();
    return vm_fail(vm, err, "%s: %s (0x%08x)%s%s", what, hv_return_text(ret), (unsigned)ret,
                   *more ? ": " : "", more);
}

const char *vm_error_text(const struct vm *vm)
{
    return vm->error.text;
}

/* ---- state ---- */

/* lock held. */
static void set_state(struct vm *vm, enum vm_state state)
{
    atomic_store_explicit(&vm->state, state, memory_order_release);
    if (state != VM_RUNNING)
        for (unsigned i = 0; i < vm->cpus; i++)
            if (vm->vcpu[i].vm)
                vcpu_kick(&vm->vcpu[i]);
    pthread_cond_broadcast(&vm->changed);
}

void vm_stop(struct vm *vm, enum vm_end end, int status)
{
    pthread_mutex_lock(&vm->lock);
    int before = atomic_load(&vm->end);
    if (before == VM_END_NONE || (before == VM_END_RESET && end != VM_END_RESET)) {
        vm->status = status;
        vm->ended_ns = host_ns();
        if (end == VM_END_TIMEOUT || end == VM_END_INTERRUPT)
            atomic_store(&vm->console.abandon, true);
        atomic_store(&vm->end, (int)end);
        if (vm->state != VM_DOWN)
            set_state(vm, VM_PARKED);
        /* For whoever blocks in a read on behalf of the guest. */
        ssize_t n = write(vm->cancel_write, "", 1);
        (void)n;
    }
    pthread_mutex_unlock(&vm->lock);
    loop_wake(&vm->loop);
}

static void wait_parked(struct vm *vm)
{
    pthread_mutex_lock(&vm->lock);
    for (unsigned i = 0; i < vm->cpus; i++)
        while (vm->vcpu[i].has_thread && !vm->vcpu[i].parked)
            pthread_cond_wait(&vm->changed, &vm->lock);
    pthread_mutex_unlock(&vm->lock);
}

static void change_state(struct vm *vm, enum vm_state state)
{
    pthread_mutex_lock(&vm->lock);
    set_state(vm, state);
    pthread_mutex_unlock(&vm->lock);
}

void vm_pause(struct vm *vm)
{
    change_state(vm, VM_PARKED);
    wait_parked(vm);
}

void vm_resume(struct vm *vm)
{
    pthread_mutex_lock(&vm->lock);
    if (atomic_load(&vm->end) == VM_END_NONE)
        set_state(vm, VM_RUNNING);
    pthread_mutex_unlock(&vm->lock);
}

/* ---- create ---- */

static int open_image(struct vm *vm)
{
    struct vm_error error;
    int err = vm->config.guest ? image_open(&vm->image, vm->config.guest, &error)
                               : demo_image(&vm->image, &error);
    return err ? vm_fail(vm, err, "%s", error.text) : 0;
}

static int choose_machine(struct vm *vm)
{
    const char *name = vm->config.machine;
    vm->machine = machine_find(name, &vm->image);
    if (!vm->machine && name)
        return vm_fail(vm, -EINVAL, "there is no machine '%s' (there are: %s)", name,
                       machine_names());
    if (!vm->machine)
        return vm_fail(vm, -ENOTSUP,
                       "guest '%s' (%s) needs a machine that this build does not have",
                       vm->image.name, image_format_name(vm->image.format));
    vm->cpus = vm->config.cpus ? vm->config.cpus : 1;
    if (vm->cpus > vm->machine->max_cpus || vm->cpus > VM_MAX_CPUS)
        return vm_fail(vm, -EINVAL, "machine '%s' has at most %u vCPUs", vm->machine->name,
                       vm->machine->max_cpus);
    log_verbose("Guest '%s': %s, machine %s (%s)", vm->image.name,
                image_format_name(vm->image.format), vm->machine->name, vm->machine->title);
    return 0;
}

static uint64_t host_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX;
}

static int allocate_memory(struct vm *vm)
{
    const struct machine *m = vm->machine;
    uint64_t size = vm->config.memory ? vm->config.memory : m->ram_default;
    if (size < m->ram_min)
        return vm_fail(vm, -EINVAL, "machine '%s' needs at least %" PRIu64 " KiB of memory",
                       m->name, m->ram_min >> 10);
    if (size % MEM_GRANULE)
        return vm_fail(vm, -EINVAL, "the memory size must be a multiple of 16 KiB");
    if (size > host_memory())
        return vm_fail(vm, -ENOMEM,
                       "the host has %" PRIu64 " MiB of memory, the guest wants %" PRIu64,
                       host_memory() >> 20, size >> 20);
    int err = mem_add(&vm->mem, gpa(m->ram_base), size);
    if (err)
        return vm_fail(vm, err, "cannot reserve %" PRIu64 " MiB of guest memory: %s", size >> 20,
                       strerror(-err));
    return 0;
}

/* The default guest address space is enough for all but very large memories. */
static hv_return_t create_hv_vm(struct vm *vm)
{
    uint64_t top = vm->mem.region[0].base + vm->mem.region[0].size;
    uint32_t bits = 0;
    if (top <= UINT64_C(1) << 36)
        return hv_vm_create(NULL);
    if (!backend_max_ipa_bits()) /* macOS 11 and 12: the functions below are not there */
        return HV_UNSUPPORTED;
    hv_vm_config_t config = hv_vm_config_create();
    if (!config)
        return HV_NO_RESOURCES;
    hv_return_t ret = hv_vm_config_get_max_ipa_size(&bits);
    if (ret == HV_SUCCESS)
        ret = hv_vm_config_set_ipa_size(config, bits);
    if (ret == HV_SUCCESS)
        ret = hv_vm_create(config);
    os_release(config);
    return ret;
}

static int map_memory(struct vm *vm)
{
    for (unsigned i = 0; i < vm->mem.count; i++) {
        const struct mem_region *r = &vm->mem.region[i];
        log_step("Allocated %" PRIu64 " KB guest memory at %p", r->size >> 10, (void *)r->host);
        hv_return_t ret = hv_vm_map(r->host, r->base, (size_t)r->size,
                                    HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC);
        if (ret != HV_SUCCESS)
            return vm_fail_hv(vm, ret, "cannot map guest memory");
        log_step("Mapped guest memory: GPA 0x%" PRIx64 " - 0x%" PRIx64, r->base, r->base + r->size);
    }
    return 0;
}

static int create_machine(struct vm *vm)
{
    log_step("Creating virtual machine...");
    hv_return_t ret = create_hv_vm(vm);
    if (ret != HV_SUCCESS)
        return vm_fail_hv(vm, ret, "cannot create a virtual machine");
    vm->hv = true;
    log_step("VM created successfully");
    int err = map_memory(vm);
    if (!err && vm->machine->setup)
        err = vm->machine->setup(vm);
    return err;
}

static int create_vcpus(struct vm *vm)
{
    const char *plural = vm->cpus == 1 ? "" : "s";
    log_step("Creating vCPU%s...", plural);
    for (unsigned i = 0; i < vm->cpus; i++) {
        int err = vcpu_start(&vm->vcpu[i]);
        if (err)
            return vm_fail(vm, err, "cannot create vCPU %u", i);
    }
    log_step("vCPU%s created", plural);
    log_step("vCPU initialized: PC=0x%" PRIx64 ", SP=0x%" PRIx64, vm->boot.pc, vm->boot.sp);
    return 0;
}

static void on_partial(void *context)
{
    struct vm *vm = context;
    loop_arm(&vm->loop, vm->console_timer, host_ns() + CONSOLE_DELAY_MS * UINT64_C(1000000));
}

static void on_console_timer(void *context)
{
    console_tick(&((struct vm *)context)->console);
}

static void on_console_error(void *context, int error)
{
    struct vm *vm = context;
    vm_fail(vm, error, "cannot write the guest's output: %s", strerror(-error));
    vm_stop(vm, VM_END_ERROR, 0);
}

static void on_timeout(void *context)
{
    vm_stop(context, VM_END_TIMEOUT, 0);
}

static void on_lifeline(void *context, int revents)
{
    struct vm *vm = context;
    (void)revents;
    loop_unwatch(&vm->loop, vm->config.lifeline_fd);
    vm_stop(vm, VM_END_INTERRUPT, SIGTERM);
}

static int init_host_side(struct vm *vm)
{
    int ends[2];
    int err = loop_init(&vm->loop);
    if (err)
        return vm_fail(vm, err, "cannot create a pipe: %s", strerror(-err));
    vm->has_loop = true;
    if (pipe(ends))
        return vm_fail(vm, -errno, "cannot create a pipe: %s", strerror(errno));
    vm->cancel_read = ends[0];
    vm->cancel_write = ends[1];
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    console_init(&vm->console, vm->config.in_fd, vm->config.out_fd);
    vm->console.context = vm;
    vm->console.on_error = on_console_error;
    /* Several VMs share the output: only whole lines then. */
    vm->console.on_partial = vm->config.count == 1 ? on_partial : NULL;
    vm->console_timer = loop_add_timer(&vm->loop, on_console_timer, vm);
    vm->timeout_timer = loop_add_timer(&vm->loop, on_timeout, vm);
    if (!vm->machine->gic)
        vtimer_setup(vm);
    if (vm->config.lifeline_fd >= 0)
        return loop_watch(&vm->loop, vm->config.lifeline_fd, POLLIN, on_lifeline, vm);
    return 0;
}

int vm_create(struct vm **out, const struct vm_config *config, struct vm_error *error)
{
    *out = NULL;
    struct vm *vm = calloc(1, sizeof(*vm));
    if (!vm)
        return error_set(error, -ENOMEM, "out of memory");
    vm->config = *config;
    vm->started_ns = host_ns();
    vm->cancel_read = vm->cancel_write = -1;
    pthread_mutex_init(&vm->lock, NULL);
    pthread_mutex_init(&vm->error_lock, NULL);
    pthread_cond_init(&vm->changed, NULL);

    int err = open_image(vm);
    if (!err)
        err = choose_machine(vm);
    if (!err)
        err = allocate_memory(vm);
    if (!err)
        err = vm->machine->plan(vm);
    if (!err)
        err = init_host_side(vm);
    for (unsigned i = 0; !err && i < vm->cpus; i++)
        vcpu_init(&vm->vcpu[i], vm, i);
    if (!err)
        err = create_machine(vm);
    if (!err)
        err = create_vcpus(vm);
    if (err) {
        error_set(error, err, "%s", vm->error.text);
        vm_destroy(vm);
        return err;
    }
    *out = vm;
    return 0;
}

/* ---- run ---- */

static bool ended(void *context)
{
    return atomic_load(&((struct vm *)context)->end) != VM_END_NONE;
}

/* All vCPUs are parked: memory, devices and vCPUs as after power-on. */
static int reset_machine(struct vm *vm)
{
    char sink[16];
    int err = 0;
    while (read(vm->cancel_read, sink, sizeof(sink)) > 0)
        ;
    log_verbose("Guest reset");
    /* The backend must not hold translations of pages that go away. */
    for (unsigned i = 0; i < vm->mem.count; i++)
        hv_vm_unmap(vm->mem.region[i].base, (size_t)vm->mem.region[i].size);
    mem_clear(&vm->mem);
    for (unsigned i = 0; i < vm->mem.count && !err; i++) {
        const struct mem_region *r = &vm->mem.region[i];
        hv_return_t ret = hv_vm_map(r->host, r->base, (size_t)r->size,
                                    HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC);
        if (ret != HV_SUCCESS)
            err = vm_fail_hv(vm, ret, "cannot map guest memory again");
    }
    bus_reset(&vm->bus);
    if (!err && vm->machine->reset)
        err = vm->machine->reset(vm);
    if (!err)
        err = vm->machine->load(vm);
    if (err)
        return err;
    pthread_mutex_lock(&vm->lock);
    for (unsigned i = 0; i < vm->cpus; i++) {
        struct vcpu *v = &vm->vcpu[i];
        atomic_store(&v->on, i == 0);
        v->reset_wanted = i == 0;
        v->start_pc = vm->boot.pc;
        v->start_x0 = vm->boot.x0;
    }
    atomic_store(&vm->end, VM_END_NONE);
    pthread_mutex_unlock(&vm->lock);
    return 0;
}

int vm_run(struct vm *vm)
{
    log_step("Loading guest code...");
    int err = vm->machine->load(vm);
    if (err)
        return err;
    log_step("Loaded %" PRIu64 " bytes of guest code at GPA 0x%" PRIx64, vm->image.size,
             vm->image.format == IMAGE_ELF ? vm->image.low : vm->boot.image_base);
    log_step("Starting guest execution...");
    log_step("--- Guest Output ---");
    vm->entered_ns = host_ns();
    err = signals_watch(vm);
    while (!err) {
        if (vm->config.timeout_ns)
            loop_arm(&vm->loop, vm->timeout_timer, vm->entered_ns + vm->config.timeout_ns);
        vm_resume(vm);
        err = loop_run(&vm->loop, ended, vm);
        if (err)
            vm_stop(vm, VM_END_ERROR, 0);
        wait_parked(vm);
        if (err || atomic_load(&vm->end) != VM_END_RESET)
            break;
        err = reset_machine(vm);
    }
    signals_unwatch(vm); /* from here on a signal is not ours to hold up */
    console_flush(&vm->console);
    if (err)
        vm_stop(vm, VM_END_ERROR, 0);
    /* Output that was lost is a failure even if the guest never noticed. */
    if (vm->console.error)
        atomic_store(&vm->end, VM_END_ERROR);
    log_gap();
    if (vm_ended(vm) == VM_END_EXIT)
        log_step("Guest requested exit");
    log_step("--- End Guest Output ---");
    return vm_ended(vm) == VM_END_ERROR ? -EIO : 0;
}

/* ---- end ---- */

void vm_destroy(struct vm *vm)
{
    if (!vm)
        return;
    if (vm->hv)
        log_step("Cleaning up...");
    change_state(vm, VM_DOWN);
    for (unsigned i = 0; i < vm->cpus; i++)
        if (vm->vcpu[i].vm)
            vcpu_join(&vm->vcpu[i]);
    if (vm->config.stats)
        stats_print(vm);
    if (vm->machine && vm->machine->teardown)
        vm->machine->teardown(vm);
    bus_destroy(&vm->bus);
    if (vm->hv) {
        hv_vm_destroy();
        log_step("VM destroyed");
    }
    mem_free(&vm->mem);
    image_close(&vm->image);
    if (vm->cancel_read >= 0) {
        close(vm->cancel_read);
        close(vm->cancel_write);
        console_destroy(&vm->console);
    }
    if (vm->has_loop)
        loop_destroy(&vm->loop);
    pthread_cond_destroy(&vm->changed);
    pthread_mutex_destroy(&vm->error_lock);
    pthread_mutex_destroy(&vm->lock);
    free(vm);
}

enum vm_end vm_ended(const struct vm *vm)
{
    return (enum vm_end)atomic_load(&vm->end);
}

int vm_exit_status(const struct vm *vm)
{
    switch (vm_ended(vm)) {
    case VM_END_EXIT: return vm->status & 0xff;
    case VM_END_TIMEOUT: return 124;
    case VM_END_CRASH: return 126;
    case VM_END_INTERRUPT: return 128 + vm->status;
    default: return 125;
    }
}
