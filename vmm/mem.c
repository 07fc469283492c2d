/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: reserved from the host in one piece per region, touched only when somebody uses it,
 * and translated here and nowhere else. Regions change only while there are no vCPUs.
 */
#include "mem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Hosts without it: an advice that says nothing. */
#ifndef MADV_HUGEPAGE
#define MADV_HUGEPAGE MADV_NORMAL
#endif
#define LARGE_FROM (UINT64_C(64) << 20)

/* A guest with much memory uses it in pieces of megabytes: with large pages it waits for fewer page
 * faults and for fewer misses of the host's TLB. A small one stays as small as it is. */
static void advise(const struct mem_region *r)
{
    if (r->size >= LARGE_FROM)
        madvise(r->host, (size_t)r->size, MADV_HUGEPAGE);
}

static uint8_t *reserve(size_t size)
{
    void *block =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
    return block == MAP_FAILED ? NULL : block;
}

static bool fits(const struct mem *mem, uint64_t base, uint64_t size)
{
    if (size == 0 || base % MEM_GRANULE || size % MEM_GRANULE || base > UINT64_MAX - size ||
        size > SIZE_MAX - 2 * MEM_GRANULE)
        return false;
    for (unsigned i = 0; i < mem->count; i++) {
        const struct mem_region *r = &mem->region[i];
        if (base < r->base + r->size && r->base < base + size)
            return false;
    }
    return true;
}

int mem_add(struct mem *mem, gpa_t base, uint64_t size)
{
    if (mem->count == MEM_MAX_REGIONS)
        return -ENOSPC;
    if (!fits(mem, base.addr, size))
        return -EINVAL;
    /* The host may have smaller pages than the granule: reserve more and align by hand. What is
     * left behind it stays out of bounds, and is a granule at least. */
    size_t block_size = (size_t)(size + 2 * MEM_GRANULE);
    uint8_t *block = reserve(block_size);
    if (!block)
        return -ENOMEM;
    uintptr_t skip = (MEM_GRANULE - (uintptr_t)block % MEM_GRANULE) % MEM_GRANULE;
    if (mprotect(block + skip + size, block_size - skip - (size_t)size, PROT_NONE)) {
        munmap(block, block_size);
        return -ENOMEM;
    }
    mem->region[mem->count++] = (struct mem_region){
        .base = base.addr,
        .size = size,
        .host = block + skip,
        .block = block,
        .block_size = block_size,
    };
    advise(&mem->region[mem->count - 1]);
    return 0;
}

void mem_free(struct mem *mem)
{
    for (unsigned i = 0; i < mem->count; i++)
        munmap(mem->region[i].block, mem->region[i].block_size);
    mem->count = 0;
}

void mem_clear(struct mem *mem)
{
    for (unsigned i = 0; i < mem->count; i++) {
        struct mem_region *r = &mem->region[i];
        /* Fresh pages in the same place: the mapping that the backend knows stays what it was. If
         * the host cannot, write the zeroes. */
        void *again = mmap(r->host, (size_t)r->size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANON | MAP_NORESERVE | MAP_FIXED, -1, 0);
        if (again == MAP_FAILED)
            memset(r->host, 0, (size_t)r->size);
        advise(r);
    }
}

static const struct mem_region *region_of(const struct mem *mem, uint64_t at)
{
    for (unsigned i = 0; i < mem->count; i++)
        if (at - mem->region[i].base < mem->region[i].size)
            return &mem->region[i];
    return NULL;
}

uint64_t mem_left(const struct mem *mem, gpa_t at)
{
    const struct mem_region *r = region_of(mem, at.addr);
    return r ? r->size - (at.addr - r->base) : 0;
}

void *mem_at(const struct mem *mem, gpa_t at, uint64_t len)
{
    const struct mem_region *r = region_of(mem, at.addr);
    if (!r || len > r->size - (at.addr - r->base))
        return NULL;
    return r->host + (at.addr - r->base);
}

int mem_read(const struct mem *mem, void *to, gpa_t from, uint64_t len)
{
    const void *host = mem_at(mem, from, len);
    if (!host)
        return len ? -EFAULT : 0;
    memcpy(to, host, (size_t)len);
    return 0;
}

int mem_write(const struct mem *mem, gpa_t to, const void *from, uint64_t len)
{
    void *host = mem_at(mem, to, len);
    if (!host)
        return len ? -EFAULT : 0;
    memcpy(host, from, (size_t)len);
    return 0;
}

int64_t mem_string(const struct mem *mem, gpa_t at, uint64_t max)
{
    uint64_t left = mem_left(mem, at);
    if (left == 0)
        return -EFAULT;
    uint64_t look = left <= max ? left : max + 1;
    const char *start = mem_at(mem, at, look);
    const char *nul = memchr(start, 0, (size_t)look);
    if (nul)
        return nul - start;
    return look == left ? -EFAULT : -E2BIG;
}
