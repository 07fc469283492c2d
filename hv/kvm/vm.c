/* SPDX-License-Identifier: MIT */
/*
 * The VM and its memory on KVM: one memory slot for each piece of guest memory that the guest may
 * touch. A piece without any right has no slot, so that an access leaves the guest as a data abort;
 * a piece without WRITE is a read-only slot. Stage 2 of KVM has no execute right of its own
 * (docs/DIFFERENCES.md).
 *
 * Memory calls are serialised by hv.c; the list is also read by running vCPUs that look at the
 * guest's instructions, hence its lock.
 */
#include "kvm/kvm.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define KVM_MIN_IPA_BITS 32 /* the smallest that the kernel makes; a VM may have less */

struct kvm_vm kvm_vm = {.kvm = -1, .fd = -1, .gic = -1, .pause_lock = PTHREAD_MUTEX_INITIALIZER};

struct piece {
    struct hvi_region region;
    uint32_t slot;
};

static struct {
    pthread_mutex_t lock;
    struct piece *list; /* in no order */
    size_t count, room;
} memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- errors ---------------------------------------------------------------------------------- */

static _Thread_local char error_text[240];

/* Said once: an older failure, perhaps one that nobody minded, must not explain a newer one. */
const char *kvm_last_error(void)
{
    static _Thread_local char said[sizeof error_text];
    memcpy(said, error_text, sizeof said);
    error_text[0] = 0;
    return said;
}

hv_return_t kvm_fail(hv_return_t code, const char *what, int error)
{
    snprintf(error_text, sizeof error_text, "%s%s%s", what, error ? ": " : "",
             error ? strerror(error) : "");
    return code;
}

hv_return_t kvm_error(int error, hv_return_t fallback)
{
    switch (error) {
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOSPC: return HV_NO_RESOURCES;
    case EACCES:
    case EPERM: return HV_DENIED;
    case EBUSY: return HV_BUSY;
    case ENOENT:
    case ENXIO: return HV_UNSUPPORTED;
    case EINVAL: return HV_BAD_ARGUMENT;
    default: return fallback;
    }
}

/* ---- the VM ---------------------------------------------------------------------------------- */

/* Every HVC and SMC belongs to the monitor. The two ranges of Arm Architecture Calls are the
 * kernel's alone: it refuses a filter there (api.rst, KVM_ARM_VM_SMCCC_FILTER). */
static int forward_hypercalls(int vm)
{
    static const struct kvm_smccc_filter ranges[] = {
        {.base = 0, .nr_functions = 0x80000000, .action = KVM_SMCCC_FILTER_FWD_TO_USER},
        {.base = 0x80010000, .nr_functions = 0x3fff0000, .action = KVM_SMCCC_FILTER_FWD_TO_USER},
        {.base = 0xc0010000, .nr_functions = 0x3fff0000, .action = KVM_SMCCC_FILTER_FWD_TO_USER},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct kvm_device_attr attr = {.group = KVM_ARM_VM_SMCCC_CTRL,
                                       .attr = KVM_ARM_VM_SMCCC_FILTER,
                                       .addr = (uintptr_t)&ranges[i]};
        if (ioctl(vm, KVM_SET_DEVICE_ATTR, &attr) < 0)
            return -1;
    }
    return 0;
}

/* Let go of everything but the kernel's VM itself, which ends with its last descriptor. */
static void drop_all(void)
{
    for (unsigned i = 0; i < MAX_VCPUS; i++) {
        struct hvi_vcpu *v = atomic_exchange(&kvm_vm.vcpu[i], NULL);
        if (v)
            kvm_vcpu_free(v);
    }
    if (kvm_vm.gic >= 0)
        close(kvm_vm.gic);
    kvm_gic_forget();
    close(kvm_vm.fd);
    close(kvm_vm.kvm);
    kvm_vm.fd = kvm_vm.kvm = -1;
    free(memory.list);
    memory.list = NULL;
    memory.count = memory.room = 0;
}

/* A forked child has the parent's descriptors, which the kernel does not let it use. */
static void kvm_after_fork(void)
{
    pthread_mutex_init(&memory.lock, NULL);
    pthread_mutex_init(&kvm_vm.pause_lock, NULL);
    atomic_store(&kvm_vm.pause, false);
    drop_all();
}

static hv_return_t kvm_vm_create(const struct hvi_vm_config *config)
{
    char why[200];
    int kvm = kvm_open_device(why, sizeof why);
    if (kvm < 0)
        return kvm_fail(kvm_error(-kvm, HV_ERROR), why, 0);

    uint32_t bits = config->ipa_bits < KVM_MIN_IPA_BITS ? KVM_MIN_IPA_BITS : config->ipa_bits;
    int fd = ioctl(kvm, KVM_CREATE_VM, KVM_VM_TYPE_ARM_IPA_SIZE(bits));
    int run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    /* CNTVCT = host counter - offset, with offset 0 as on Apple's framework; KVM's own default
     * would start the guest's counter at 0. */
    struct kvm_arm_counter_offset offset = {0};
    struct kvm_enable_cap nisv = {.cap = KVM_CAP_ARM_NISV_TO_USER};
    if (fd < 0 || run_size < (int)sizeof(struct kvm_run) || ioctl(fd, KVM_ENABLE_CAP, &nisv) < 0 ||
        forward_hypercalls(fd) < 0 || ioctl(fd, KVM_ARM_SET_COUNTER_OFFSET, &offset) < 0 ||
        !kvm_choose_init(fd, &kvm_vm.init)) {
        hv_return_t result = kvm_fail(kvm_error(errno, HV_ERROR), "cannot create a KVM VM", errno);
        if (fd >= 0)
            close(fd);
        close(kvm);
        return result;
    }
    kvm_vm.kvm = kvm;
    kvm_vm.fd = fd;
    kvm_vm.run_size = (size_t)run_size;
    kvm_vm.counter_offset = 0;
    return HV_SUCCESS;
}

static void kvm_vm_destroy(void)
{
    pthread_mutex_lock(&memory.lock);
    drop_all();
    pthread_mutex_unlock(&memory.lock);
}

/* ---- stopping the world ---------------------------------------------------------------------- */

void kvm_pause_all(void)
{
    pthread_mutex_lock(&kvm_vm.pause_lock);
    atomic_store(&kvm_vm.pause, true);
    for (unsigned i = 0; i < MAX_VCPUS; i++) {
        struct hvi_vcpu *v = kvm_vm.vcpu[i];
        /* Kicked again and again: a kick between its check of `pause` and KVM_RUN is remembered in
         * immediate_exit, so one would do; the loop only waits. */
        while (v && atomic_load(&v->inside)) {
            kvm_vcpu_kick(v);
            nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        }
    }
}

void kvm_resume_all(void)
{
    atomic_store(&kvm_vm.pause, false);
    pthread_mutex_unlock(&kvm_vm.pause_lock);
}

int kvm_ioctl_paused(int fd, unsigned long request, void *argument)
{
    int failed = ioctl(fd, request, argument);
    for (unsigned tries = 0; failed && errno == EBUSY && tries < 1000; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        failed = ioctl(fd, request, argument);
    }
    return failed;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* A slot is made of the host's pages. Where those are larger than the VM's granule (16 or 64 KiB),
 * what begins or ends inside one cannot be mapped, protected or unmapped by itself. */
static hv_return_t check_pages(const struct hvi_region *region, size_t first_size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (!((region->ipa | region->size | (uintptr_t)region->host | first_size) & (page - 1)))
        return HV_SUCCESS;
    char why[100];
    snprintf(why, sizeof why, "the host's pages are %zu KiB: addresses and sizes must be multiples",
             page / 1024);
    return kvm_fail(HV_BAD_ARGUMENT, why, 0);
}

static int set_slot(uint32_t slot, const struct hvi_region *region, size_t size)
{
    struct kvm_userspace_memory_region r = {
        .slot = slot,
        .flags = region->flags & HV_MEMORY_WRITE ? 0 : KVM_MEM_READONLY,
        .guest_phys_addr = region->ipa,
        .memory_size = size,
        .userspace_addr = (uintptr_t)region->host,
    };
    return ioctl(kvm_vm.fd, KVM_SET_USER_MEMORY_REGION, &r);
}

/* Two sets of rights that KVM cannot tell apart. */
static bool same_slot(hv_memory_flags_t a, hv_memory_flags_t b)
{
    return !a == !b && (a & HV_MEMORY_WRITE) == (b & HV_MEMORY_WRITE);
}

static uint32_t free_slot(void)
{
    for (uint32_t slot = 0;; slot++) {
        size_t i = 0;
        while (i < memory.count && memory.list[i].slot != slot)
            i++;
        if (i == memory.count)
            return slot;
    }
}

/* The entry of exactly this piece, which hv.c has named to us before. */
static struct piece *find_piece(hv_ipa_t ipa)
{
    for (size_t i = 0; i < memory.count; i++)
        if (memory.list[i].region.ipa == ipa)
            return &memory.list[i];
    return NULL;
}

static hv_return_t add_piece(const struct hvi_region *region)
{
    if (memory.count == memory.room) {
        size_t room = memory.room ? 2 * memory.room : 16;
        struct piece *list = realloc(memory.list, room * sizeof *list);
        if (!list)
            return HV_NO_RESOURCES;
        memory.list = list;
        memory.room = room;
    }
    struct piece *p = &memory.list[memory.count];
    *p = (struct piece){.region = *region, .slot = free_slot()};
    if (region->flags && set_slot(p->slot, region, region->size) < 0)
        return kvm_fail(kvm_error(errno, HV_ERROR), "KVM_SET_USER_MEMORY_REGION", errno);
    memory.count++;
    return HV_SUCCESS;
}

static hv_return_t kvm_mem_map(const struct hvi_region *region)
{
    hv_return_t result = check_pages(region, 0);
    if (result != HV_SUCCESS)
        return result;
    pthread_mutex_lock(&memory.lock);
    result = add_piece(region);
    pthread_mutex_unlock(&memory.lock);
    return result;
}

/* The kernel returns from the removal of a slot when no vCPU has its pages any more. */
static hv_return_t kvm_mem_unmap(const struct hvi_region *region)
{
    hv_return_t result = HV_SUCCESS;
    pthread_mutex_lock(&memory.lock);
    struct piece *p = find_piece(region->ipa);
    if (!p)
        result = HV_BAD_ARGUMENT;
    else if (p->region.flags && set_slot(p->slot, &p->region, 0) < 0)
        result = kvm_fail(kvm_error(errno, HV_ERROR), "KVM_SET_USER_MEMORY_REGION", errno);
    else
        *p = memory.list[--memory.count];
    pthread_mutex_unlock(&memory.lock);
    return result;
}

/* KVM cannot change a slot, only remove it and add another. In between a running vCPU would see a
 * hole, so none may run. */
static hv_return_t replace(struct piece *p, hv_memory_flags_t flags, size_t first_size)
{
    struct hvi_region old = p->region, first = p->region;
    first.flags = flags;
    first.size = first_size;
    if (old.flags && set_slot(p->slot, &old, 0) < 0)
        return kvm_fail(kvm_error(errno, HV_ERROR), "KVM_SET_USER_MEMORY_REGION", errno);
    if (flags && set_slot(p->slot, &first, first.size) < 0) {
        int error = errno;
        if (old.flags && set_slot(p->slot, &old, old.size) < 0)
            p->region.flags = 0; /* no slot any more: the next change makes one */
        return kvm_fail(kvm_error(error, HV_ERROR), "KVM_SET_USER_MEMORY_REGION", error);
    }
    p->region = first;
    return HV_SUCCESS;
}

static hv_return_t kvm_mem_protect(const struct hvi_region *region, hv_memory_flags_t flags)
{
    hv_return_t result = HV_SUCCESS;
    pthread_mutex_lock(&memory.lock);
    struct piece *p = find_piece(region->ipa);
    if (!p) {
        result = HV_BAD_ARGUMENT;
    } else if (same_slot(p->region.flags, flags)) {
        p->region.flags = flags;
    } else {
        pthread_mutex_unlock(&memory.lock); /* a vCPU that we wait for may want it */
        kvm_pause_all();
        pthread_mutex_lock(&memory.lock);
        result = replace(find_piece(region->ipa), flags, region->size);
        kvm_resume_all();
    }
    pthread_mutex_unlock(&memory.lock);
    return result;
}

static hv_return_t kvm_mem_split(const struct hvi_region *region, size_t first_size)
{
    hv_return_t result = check_pages(region, first_size);
    if (result != HV_SUCCESS)
        return result;
    struct hvi_region second = *region;
    second.ipa += first_size;
    second.host += first_size;
    second.size -= first_size;
    kvm_pause_all();
    pthread_mutex_lock(&memory.lock);
    struct piece *p = find_piece(region->ipa);
    result = p ? replace(p, p->region.flags, first_size) : HV_BAD_ARGUMENT;
    if (result == HV_SUCCESS) {
        second.flags = p->region.flags;
        result = add_piece(&second); /* may move the list: p is not used after it */
        if (result != HV_SUCCESS)
            (void)replace(find_piece(region->ipa), second.flags, region->size);
    }
    pthread_mutex_unlock(&memory.lock);
    kvm_resume_all();
    return result;
}

static const struct piece *holder(hv_ipa_t ipa)
{
    for (size_t i = 0; i < memory.count; i++) {
        const struct hvi_region *r = &memory.list[i].region;
        if (ipa - r->ipa < r->size && ipa >= r->ipa)
            return &memory.list[i];
    }
    return NULL;
}

bool kvm_region_flags(hv_ipa_t ipa, hv_memory_flags_t *flags)
{
    pthread_mutex_lock(&memory.lock);
    const struct piece *p = holder(ipa);
    if (p)
        *flags = p->region.flags;
    pthread_mutex_unlock(&memory.lock);
    return p != NULL;
}

bool kvm_read_guest(hv_ipa_t ipa, void *to, size_t size)
{
    pthread_mutex_lock(&memory.lock);
    const struct piece *p = holder(ipa);
    /* Aligned words of 4 and 8 bytes only: they never straddle two pieces. */
    bool ok = p && p->region.flags && ipa % size == 0;
    if (ok)
        memcpy(to, p->region.host + (ipa - p->region.ipa), size);
    pthread_mutex_unlock(&memory.lock);
    return ok;
}

/* Host writes reach a guest whose MMU is off, and its instruction side, only past the caches: clean
 * to the point of coherency, then drop stale instructions. Linux lets EL0 do both. */
static void kvm_icache_invalidate(const void *host, size_t size)
{
    uint64_t ctr;
    __asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
    uintptr_t line = (uintptr_t)4 << (ctr >> 16 & 15), start = (uintptr_t)host;
    for (uintptr_t a = start & ~(line - 1); a < start + size; a += line)
        __asm__ volatile("dc civac, %0" ::"r"(a) : "memory");
    __asm__ volatile("dsb ish" ::: "memory");
    line = (uintptr_t)4 << (ctr & 15);
    for (uintptr_t a = start & ~(line - 1); a < start + size; a += line)
        __asm__ volatile("ic ivau, %0" ::"r"(a) : "memory");
    __asm__ volatile("dsb ish; isb" ::: "memory");
}

static bool kvm_set_option(const char *name, const char *value)
{
    bool on = !strcmp(value, "on");
    if (strcmp(name, "irq_exit") || (!on && strcmp(value, "off")))
        return false;
    kvm_vm.irq_exit = on;
    return true;
}

const struct hvi_backend hvi_kvm = {
    .name = "kvm",
    .title = "Linux KVM",
    .probe = kvm_probe,
    .vm_create = kvm_vm_create,
    .vm_destroy = kvm_vm_destroy,
    .after_fork = kvm_after_fork,
    .mem_map = kvm_mem_map,
    .mem_unmap = kvm_mem_unmap,
    .mem_protect = kvm_mem_protect,
    .mem_split = kvm_mem_split,
    .icache_invalidate = kvm_icache_invalidate,
    .vcpu_create = kvm_vcpu_create,
    .vcpu_destroy = kvm_vcpu_destroy,
    .vcpu_run = kvm_vcpu_run,
    .vcpu_cancel = kvm_vcpu_cancel,
    .get_reg = kvm_get_reg,
    .set_reg = kvm_set_reg,
    .get_simd = kvm_get_simd,
    .set_simd = kvm_set_simd,
    .get_sys_reg = kvm_get_sys_reg,
    .set_sys_reg = kvm_set_sys_reg,
    .get_pending = kvm_get_pending,
    .set_pending = kvm_set_pending,
    .set_trap_debug = kvm_set_trap_debug,
    .get_exec_time = kvm_get_exec_time,
    .get_vtimer_mask = kvm_get_vtimer_mask,
    .set_vtimer_mask = kvm_set_vtimer_mask,
    .get_vtimer_offset = kvm_get_vtimer_offset,
    .set_vtimer_offset = kvm_set_vtimer_offset,
    .get_feature_reg = kvm_get_feature_reg,
    .get_ccsidr = kvm_get_ccsidr,
    .gic_create = kvm_gic_create,
    .gic_set_spi = kvm_gic_set_spi,
    .gic_send_msi = kvm_gic_send_msi,
    .gic_get_dist_reg = kvm_gic_get_dist_reg,
    .gic_set_dist_reg = kvm_gic_set_dist_reg,
    .gic_get_redist_reg = kvm_gic_get_redist_reg,
    .gic_set_redist_reg = kvm_gic_set_redist_reg,
    .gic_get_icc_reg = kvm_gic_get_icc_reg,
    .gic_set_icc_reg = kvm_gic_set_icc_reg,
    .gic_get_msi_reg = kvm_gic_get_msi_reg,
    .gic_set_msi_reg = kvm_gic_set_msi_reg,
    .gic_state_save = kvm_gic_state_save,
    .gic_state_restore = kvm_gic_state_restore,
    .gic_reset = kvm_gic_reset,
    .set_option = kvm_set_option,
    .counter = kvm_counter,
    .last_error = kvm_last_error,
};
