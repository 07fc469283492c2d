/* SPDX-License-Identifier: MIT */
/*
 * A kernel that fails: ioctl() is ours here (the linker's --wrap) and passes on to the real one,
 * except for the request that a test wants to fail, or the exit that it wants to see. The results,
 * and the words that go with them, are what the monitor ends with (status 125).
 */
#include "test.h"
#include <Hypervisor/Hypervisor.h>
#include <hvx.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <sys/mman.h>

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);

static unsigned long failing; /* request */
static int with;              /* errno, or 0: return `value` */
static int value;
static unsigned exit_reason; /* of KVM_RUN, 0 = the real one */
static struct kvm_run *shared;

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (request == failing) {
        if (request == KVM_RUN)
            shared->exit_reason = KVM_EXIT_UNKNOWN; /* as the kernel does on its way in */
        errno = with;
        return with ? -1 : value;
    }
    if (request == KVM_RUN && exit_reason) {
        shared->exit_reason = exit_reason;
        return 0;
    }
    return __real_ioctl(fd, request, argument);
}

/* The page that a vCPU shares with the kernel: the only shared mapping of a descriptor here. */
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
    void *p = __real_mmap(at, size, prot, flags, fd, offset);
    if (flags & MAP_SHARED && fd >= 0)
        shared = p;
    return p;
}

static const char *why_not(void)
{
    static struct hvx_backend_info info;
    CHECK(hvx_backend(0, &info));
    CHECK(!strcmp(info.name, "kvm") && !info.available);
    return info.why;
}

static void an_old_kernel_has_no_filter(void)
{
    failing = KVM_HAS_DEVICE_ATTR;
    with = ENXIO;
    CHECK(strstr(why_not(), "Linux 6.4"));
}

static void a_capability_is_missing(void)
{
    failing = KVM_CHECK_EXTENSION;
    with = 0;
    value = 0;
    CHECK(strstr(why_not(), "KVM_CAP_"));
}

static void another_api_version(void)
{
    failing = KVM_GET_API_VERSION;
    with = 0;
    value = 11;
    CHECK(strstr(why_not(), "KVM API 11"));
}

static void the_kernel_creates_no_vm(void)
{
    failing = KVM_CREATE_VM;
    with = EBUSY;
    CHECK(strstr(why_not(), "busy"));
}

static void creation_fails_later(void)
{
    static const struct {
        int error;
        hv_return_t want;
    } cases[] = {{ENOMEM, HV_NO_RESOURCES}, {EBUSY, HV_BUSY}, {EPERM, HV_DENIED}};
    struct hvx_backend_info info;
    CHECK(hvx_backend(0, &info) && info.available);
    failing = KVM_CREATE_VM;
    for (unsigned i = 0; i < 3; i++) {
        with = cases[i].error;
        CHECK_EQ(hv_vm_create(NULL), cases[i].want);
        CHECK(strstr(hvx_last_error(), strerror(cases[i].error)));
    }
    failing = 0;
    CHECK_EQ(hv_vm_create(NULL), 0);
    CHECK_EQ(hv_vm_destroy(), 0);
}

/* What the kernel says in the middle of a run ends the run with a result and its reason. */
static void runs_fail(void)
{
    static const struct {
        unsigned exit;
        hv_return_t want;
        const char *words;
    } cases[] = {
        {KVM_EXIT_INTERNAL_ERROR, HV_ERROR, "KVM_EXIT_INTERNAL_ERROR"},
        {KVM_EXIT_FAIL_ENTRY, HV_ILLEGAL_GUEST_STATE, "KVM_EXIT_FAIL_ENTRY"},
    };
    hv_vcpu_t vcpu;
    hv_vcpu_exit_t *exit;
    CHECK_EQ(hv_vm_create(NULL), 0);
    CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), 0);
    for (unsigned i = 0; i < 2; i++) {
        exit_reason = cases[i].exit;
        CHECK_EQ(hv_vcpu_run(vcpu), cases[i].want);
        CHECK(strstr(hvx_last_error(), cases[i].words));
    }
    exit_reason = 0;
    failing = KVM_RUN;
    with = EFAULT;
    CHECK_EQ(hv_vcpu_run(vcpu), HV_ERROR);
    CHECK(strstr(hvx_last_error(), strerror(EFAULT)));
    failing = 0;
    CHECK_EQ(hv_vcpu_destroy(vcpu), 0);
    CHECK_EQ(hv_vm_destroy(), 0);
}

int main(void)
{
    TEST_ALONE(an_old_kernel_has_no_filter);
    TEST_ALONE(a_capability_is_missing);
    TEST_ALONE(another_api_version);
    TEST_ALONE(the_kernel_creates_no_vm);
    TEST_ALONE(creation_fails_later);
    TEST_ALONE(runs_fail);
    return test_done();
}
