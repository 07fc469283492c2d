/* SPDX-License-Identifier: MIT */
#include "faulty.h"
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REQUESTS 64

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
long __real_sysconf(int name);
long __wrap_sysconf(int name);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);

struct faulty faulty;

static struct {
    unsigned long request;
    unsigned count;
} seen[REQUESTS]; /* by the request's number; one thread's calls only are counted exactly */
static struct kvm_run *shared;

static void __attribute__((constructor)) read_wishes(void)
{
    static const struct {
        const char *name;
        unsigned long *field;
    } fields[] = {{"open", &faulty.open}, {"api", &faulty.api},       {"cap", &faulty.cap},
                  {"vm", &faulty.vm},     {"filter", &faulty.filter}, {"vcpu", &faulty.vcpu},
                  {"slot", &faulty.slot}, {"run", &faulty.run},       {"exit", &faulty.exit},
                  {"page", &faulty.page}, {"after", &faulty.after},   {"once", &faulty.once}};
    const char *wishes = getenv("FAULTY");
    char name[16];
    unsigned long value;
    int length;
    while (wishes && sscanf(wishes, " %15[a-z]=%lu%n", name, &value, &length) == 2) {
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            if (!strcmp(name, fields[i].name))
                *fields[i].field = value;
        wishes += length;
    }
}

void faulty_forget(void)
{
    memset(seen, 0, sizeof seen);
}

static void count(unsigned long request)
{
    unsigned i = 0;
    while (i < REQUESTS - 1 && seen[i].count && seen[i].request != request)
        i++;
    seen[i].request = request;
    seen[i].count++;
}

unsigned faulty_count(unsigned long request)
{
    for (unsigned i = 0; i < REQUESTS; i++)
        if (seen[i].count && seen[i].request == request)
            return seen[i].count;
    return 0;
}

unsigned faulty_count_all(void)
{
    unsigned all = 0;
    for (unsigned i = 0; i < REQUESTS; i++)
        all += seen[i].count;
    return all;
}

/* The errno that a request is to fail with, 0 if none. */
static int failure(unsigned long request, const void *argument)
{
    const struct kvm_device_attr *attr = argument;
    unsigned long *wish = request == KVM_CREATE_VM                ? &faulty.vm
                          : request == KVM_CREATE_VCPU            ? &faulty.vcpu
                          : request == KVM_SET_USER_MEMORY_REGION ? &faulty.slot
                          : request == KVM_RUN                    ? &faulty.run
                                                                  : NULL;
    if (request == KVM_HAS_DEVICE_ATTR && attr->group == 0) /* KVM_ARM_VM_SMCCC_CTRL */
        return (int)faulty.filter;
    if (!wish || !*wish)
        return 0;
    if (faulty.after && faulty.after--)
        return 0;
    int error = (int)*wish;
    if (faulty.once)
        *wish = 0;
    return error;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    int error = failure(request, argument);
    if (error) {
        if (request == KVM_RUN)
            shared->exit_reason = KVM_EXIT_UNKNOWN; /* as the kernel does on its way in */
        errno = error;
        return -1;
    }
    if (request == KVM_GET_API_VERSION && faulty.api)
        return (int)faulty.api;
    if (request == KVM_CHECK_EXTENSION && faulty.cap && (unsigned long)argument == faulty.cap)
        return 0;
    if (request == KVM_RUN && faulty.exit && !(faulty.after && faulty.after--)) {
        memset(&shared->hw, 0, sizeof shared->hw);
        shared->exit_reason = (unsigned)faulty.exit;
        return 0;
    }
    count(request);
    return __real_ioctl(fd, request, argument);
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    int mode = va_arg(list, int);
    va_end(list);
    if (faulty.open && !strcmp(path, "/dev/kvm")) {
        errno = (int)faulty.open;
        return -1;
    }
    return __real_open(path, flags, mode);
}

long __wrap_sysconf(int name)
{
    return name == _SC_PAGESIZE && faulty.page ? (long)faulty.page : __real_sysconf(name);
}

/* The page that a vCPU shares with the kernel: the only shared mapping of a descriptor here. */
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
    void *p = __real_mmap(at, size, prot, flags, fd, offset);
    if (flags & MAP_SHARED && fd >= 0)
        shared = p;
    return p;
}
