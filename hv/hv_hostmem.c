/* SPDX-License-Identifier: MIT */
/*
 * Host memory: allocation for guests, and the check that memory which a client maps is really there
 * and may be used as the guest will use it. Without the check the software CPU would take the
 * client's whole process down at the guest's first access. No state; any thread.
 */
#include "hv_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENT 0x4000u /* the default granule */

/* One line of the kernel's list of this process's mappings, "start-end rwxp ...". */
struct line {
    uintptr_t start, end;
    char rights[5];
};

static bool read_line(FILE *f, struct line *line)
{
    int c, n = fscanf(f, "%" SCNxPTR "-%" SCNxPTR " %4s", &line->start, &line->end, line->rights);
    if (n != 3)
        return false;
    while ((c = getc(f)) != EOF && c != '\n')
        ;
    return true;
}

/* A shared mapping without write permission is refused for any use, as Apple's framework does. */
static bool usable(const struct line *line, hv_memory_flags_t flags)
{
    bool readable = line->rights[0] == 'r', writable = line->rights[1] == 'w';
    if (line->rights[3] == 's' && !writable)
        return false;
    return (readable || !flags) && (writable || !(flags & HV_MEMORY_WRITE));
}

hv_return_t hvi_host_check(const void *addr, size_t size, hv_memory_flags_t flags)
{
    uintptr_t at = (uintptr_t)addr, end = at + size;
    FILE *f = fopen("/proc/self/maps", "re");
    if (!f) { /* another kernel, or a sandbox: at least it must be mapped */
        long page = sysconf(_SC_PAGESIZE);
        uintptr_t start = at & ~((uintptr_t)page - 1);
        return msync((void *)start, end - start, MS_ASYNC) ? HV_ERROR : HV_SUCCESS;
    }
    struct line line;
    while (at < end && read_line(f, &line)) {
        if (line.end <= at)
            continue;
        if (line.start > at || !usable(&line, flags))
            break;
        at = line.end;
    }
    fclose(f);
    return at < end ? HV_ERROR : HV_SUCCESS;
}

/* Host pages smaller than the guest's granule: take more than asked for and give the ends back. */
hv_return_t hv_vm_allocate(void **uvap, size_t size, hv_allocate_flags_t flags)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), spare = ALIGNMENT > page ? ALIGNMENT - page : 0;
    if (!uvap || flags != HV_ALLOCATE_DEFAULT || !size || size % page ||
        size > SIZE_MAX / 2 - spare)
        return HV_BAD_ARGUMENT;
    if (size >= (size_t)1 << 47) /* more than a process can have */
        return HV_BAD_ARGUMENT;
    char *p = mmap(NULL, size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (p == MAP_FAILED)
        return HV_NO_RESOURCES;
    size_t before = -(uintptr_t)p & (ALIGNMENT - 1) & ~(page - 1);
    if (before)
        munmap(p, before);
    if (before < spare)
        munmap(p + before + size, spare - before);
    *uvap = p + before;
    return HV_SUCCESS;
}

hv_return_t hv_vm_deallocate(void *uva, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (!uva || (uintptr_t)uva % page || !size || size % page)
        return HV_BAD_ARGUMENT;
    return munmap(uva, size) ? HV_BAD_ARGUMENT : HV_SUCCESS;
}
