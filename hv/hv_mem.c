/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: which guest addresses show which host memory. Owns the sorted list of pieces.
 *
 * Writers hold hvi.lock. Readers (the software CPU at every TLB miss, instruction cache
 * maintenance) take no lock: the list is a seqlock over a sorted array, odd while it changes. Every
 * word of it is an atomic that is stored with release and loaded with acquire order, so a reader
 * that has seen a word of a change under way also sees the odd number, and tries again. A full
 * array is replaced by one of twice the size; the old one stays allocated, as a reader may still be
 * in it.
 */
#include "hv_internal.h"

#include <stdlib.h>

struct piece {
    _Atomic uint64_t ipa, size, host, flags;
};

struct table {
    size_t capacity;
    struct piece piece[];
};

static struct {
    _Atomic(struct table *) table;
    atomic_size_t count;
} list;
atomic_uint hvi_mem_changes; /* the sequence: odd while the list changes */

#define LOAD(object)         atomic_load_explicit(&(object), memory_order_acquire)
#define STORE(object, value) atomic_store_explicit(&(object), (value), memory_order_release)

/* ---- reading -----------------------------------------------------------------------------------
 */

static struct hvi_region get(const struct table *t, size_t i)
{
    return (struct hvi_region){
        .ipa = LOAD(t->piece[i].ipa),
        .size = (size_t)LOAD(t->piece[i].size),
        .host = (uint8_t *)(uintptr_t)LOAD(t->piece[i].host),
        .flags = LOAD(t->piece[i].flags),
    };
}

/* Number of the first piece that ends above `ipa`, `n` if there is none. */
static size_t find(const struct table *t, size_t n, hv_ipa_t ipa)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t start = LOAD(t->piece[middle].ipa);
        if (start + LOAD(t->piece[middle].size) <= ipa)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The table and how many of its pieces may be looked at; both may belong to different moments. */
static const struct table *snapshot(size_t *n)
{
    const struct table *t = LOAD(list.table);
    size_t count = LOAD(list.count);
    *n = !t ? 0 : count < t->capacity ? count : t->capacity;
    return t;
}

static bool read_ok(unsigned begin)
{
    return !(begin & 1) && hvi_mem_version() == begin;
}

bool hvi_mem_lookup(hv_ipa_t ipa, struct hvi_region *out)
{
    for (;;) {
        unsigned begin = hvi_mem_version();
        size_t n;
        const struct table *t = snapshot(&n);
        size_t i = n ? find(t, n, ipa) : 0;
        struct hvi_region region = {0};
        bool found = i < n;
        if (found) {
            region = get(t, i);
            found = region.ipa <= ipa;
        }
        if (read_ok(begin)) {
            if (found)
                *out = region;
            return found;
        }
    }
}

/* The part of `region` whose host memory lies in [start, end); false if there is none. */
static bool clip_host(struct hvi_region *region, uintptr_t start, uintptr_t end)
{
    uintptr_t first = (uintptr_t)region->host, last = first + region->size;
    if (last <= start || end <= first)
        return false;
    uintptr_t from = first > start ? first : start;
    uintptr_t to = last < end ? last : end;
    region->ipa += from - first;
    region->host += from - first;
    region->size = to - from;
    return true;
}

bool hvi_mem_next_host(const void *host, size_t size, hv_ipa_t *next, struct hvi_region *out)
{
    uintptr_t start = (uintptr_t)host, end = start + size;
    if (end < start)
        end = UINTPTR_MAX;
    for (;;) {
        unsigned begin = hvi_mem_version();
        size_t n;
        const struct table *t = snapshot(&n);
        struct hvi_region region = {0};
        hv_ipa_t after = 0;
        bool found = false;
        for (size_t i = n ? find(t, n, *next) : 0; i < n && !found; i++) {
            region = get(t, i);
            after = region.ipa + region.size;
            found = region.ipa >= *next && clip_host(&region, start, end);
        }
        if (read_ok(begin)) {
            if (found) {
                *out = region;
                *next = after;
            }
            return found;
        }
    }
}

/* ---- writing, under hvi.lock --------------------------------------------------------------------
 */

static void change_begin(void)
{
    STORE(hvi_mem_changes, hvi_mem_version() + 1);
}

static void change_end(void)
{
    STORE(hvi_mem_changes, hvi_mem_version() + 1);
}

static void put(struct table *t, size_t i, const struct hvi_region *region)
{
    STORE(t->piece[i].ipa, region->ipa);
    STORE(t->piece[i].size, region->size);
    STORE(t->piece[i].host, (uintptr_t)region->host);
    STORE(t->piece[i].flags, region->flags);
}

/* Room for `more` pieces, so that no later step can fail for want of memory. */
static bool reserve(size_t more)
{
    struct table *old = LOAD(list.table);
    size_t count = LOAD(list.count), capacity = old ? old->capacity : 16;
    if (old && count + more <= capacity)
        return true;
    while (capacity < count + more)
        capacity *= 2;
    struct table *t = calloc(1, sizeof *t + capacity * sizeof t->piece[0]);
    if (!t)
        return false;
    t->capacity = capacity;
    for (size_t i = 0; i < count; i++) {
        struct hvi_region region = get(old, i);
        put(t, i, &region);
    }
    STORE(list.table, t);
    return true;
}

static void insert(size_t at, const struct hvi_region *region)
{
    struct table *t = LOAD(list.table);
    size_t count = LOAD(list.count);
    change_begin();
    for (size_t i = count; i > at; i--) {
        struct hvi_region moved = get(t, i - 1);
        put(t, i, &moved);
    }
    put(t, at, region);
    STORE(list.count, count + 1);
    change_end();
}

static void take_out(size_t at)
{
    struct table *t = LOAD(list.table);
    size_t count = LOAD(list.count);
    change_begin();
    for (size_t i = at + 1; i < count; i++) {
        struct hvi_region moved = get(t, i);
        put(t, i - 1, &moved);
    }
    STORE(list.count, count - 1);
    change_end();
}

static void replace(size_t at, const struct hvi_region *region)
{
    change_begin();
    put(LOAD(list.table), at, region);
    change_end();
}

void hvi_mem_clear(void)
{
    change_begin();
    STORE(list.count, 0);
    change_end();
}

/* A thread that is gone may have been in the middle of a change. */
void hvi_mem_after_fork(void)
{
    STORE(hvi_mem_changes, 0);
    STORE(list.count, 0);
}

/* ---- ranges
 * --------------------------------------------------------------------------------------- */

#define ALL_FLAGS ((hv_memory_flags_t)(HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC))

/* Aligned, not empty, below the end of the address space? */
static bool range_ok(hv_ipa_t ipa, size_t size)
{
    uint64_t mask = hvi.config.granule - 1, end = 1ull << hvi.config.ipa_bits;
    return size && !((ipa | size) & mask) && ipa < end && size <= end - ipa;
}

/* Are all of these addresses mapped? Then *at is the number of the first piece. */
static bool covered(hv_ipa_t ipa, size_t size, size_t *at)
{
    size_t n;
    const struct table *t = snapshot(&n);
    size_t i = *at = n ? find(t, n, ipa) : 0;
    hv_ipa_t end = ipa + size;
    while (ipa < end) {
        if (i == n || LOAD(t->piece[i].ipa) > ipa)
            return false;
        ipa = LOAD(t->piece[i].ipa) + LOAD(t->piece[i].size);
        i++;
    }
    return true;
}

/* Make `ipa`, which lies in piece `at`, the start of a piece; the number of that piece. */
static hv_return_t split(const struct hvi_backend *backend, hv_ipa_t ipa, size_t *at)
{
    struct hvi_region first = get(LOAD(list.table), *at), second = first;
    if (first.ipa == ipa)
        return HV_SUCCESS;
    size_t first_size = (size_t)(ipa - first.ipa);
    hv_return_t r = backend->mem_split ? backend->mem_split(&first, first_size) : HV_SUCCESS;
    if (r != HV_SUCCESS)
        return r;
    second.ipa += first_size;
    second.host += first_size;
    second.size -= first_size;
    insert(*at + 1, &second);
    first.size = first_size;
    replace(*at, &first);
    (*at)++;
    return HV_SUCCESS;
}

/* Cut the list so that [ipa, ipa + size) is exactly the pieces *at ... *at + *n - 1. */
static hv_return_t cut(const struct hvi_backend *backend, hv_ipa_t ipa, size_t size, size_t *at,
                       size_t *n)
{
    if (!covered(ipa, size, at))
        return HV_BAD_ARGUMENT;
    if (!reserve(2))
        return HV_NO_RESOURCES;
    hv_return_t r = split(backend, ipa, at);
    if (r != HV_SUCCESS)
        return r;
    hv_ipa_t end = ipa + size;
    const struct table *t = LOAD(list.table);
    size_t last = *at;
    while (LOAD(t->piece[last].ipa) + LOAD(t->piece[last].size) < end)
        last++;
    *n = last - *at + 1;
    if (LOAD(t->piece[last].ipa) + LOAD(t->piece[last].size) == end)
        return HV_SUCCESS;
    return split(backend, end, &last);
}

/* ---- the public calls
 * ----------------------------------------------------------------------------- */

static hv_return_t map(void *addr, hv_ipa_t ipa, size_t size, hv_memory_flags_t flags)
{
    uint64_t mask = hvi.config.granule - 1;
    if (!addr || ((uintptr_t)addr & mask) || !range_ok(ipa, size) || (flags & ~ALL_FLAGS) ||
        (uintptr_t)addr + size < (uintptr_t)addr)
        return HV_BAD_ARGUMENT;
    size_t n;
    const struct table *t = snapshot(&n);
    size_t at = n ? find(t, n, ipa) : 0;
    if (at < n && LOAD(t->piece[at].ipa) < ipa + size)
        return HV_ERROR;
    hv_return_t r = hvi_host_check(addr, size, flags);
    if (r != HV_SUCCESS)
        return r;
    if (!reserve(1))
        return HV_NO_RESOURCES;
    struct hvi_region region = {.ipa = ipa, .size = size, .host = addr, .flags = flags};
    r = hvi_backend(NULL)->mem_map(&region);
    if (r == HV_SUCCESS)
        insert(at, &region);
    return r;
}

static hv_return_t unmap(hv_ipa_t ipa, size_t size)
{
    const struct hvi_backend *backend = hvi_backend(NULL);
    size_t at, n = 0;
    hv_return_t r = range_ok(ipa, size) ? cut(backend, ipa, size, &at, &n) : HV_BAD_ARGUMENT;
    while (r == HV_SUCCESS && n--) {
        struct hvi_region region = get(LOAD(list.table), at);
        take_out(at);
        r = backend->mem_unmap(&region);
        if (r != HV_SUCCESS)
            insert(at, &region);
    }
    return r;
}

/* Rights that a piece gains must be ones that its host memory has. */
static hv_return_t protect_one(const struct hvi_backend *backend, size_t at,
                               hv_memory_flags_t flags)
{
    struct hvi_region old = get(LOAD(list.table), at), changed = old;
    if (old.flags == flags)
        return HV_SUCCESS;
    if (flags & ~old.flags) {
        hv_return_t r = hvi_host_check(old.host, old.size, flags);
        if (r != HV_SUCCESS)
            return r;
    }
    changed.flags = flags;
    replace(at, &changed);
    hv_return_t r = backend->mem_protect(&old, flags);
    if (r != HV_SUCCESS)
        replace(at, &old);
    return r;
}

static hv_return_t protect(hv_ipa_t ipa, size_t size, hv_memory_flags_t flags)
{
    const struct hvi_backend *backend = hvi_backend(NULL);
    size_t at, n = 0;
    if (!range_ok(ipa, size) || (flags & ~ALL_FLAGS))
        return HV_BAD_ARGUMENT;
    hv_return_t r = cut(backend, ipa, size, &at, &n);
    for (size_t i = 0; r == HV_SUCCESS && i < n; i++)
        r = protect_one(backend, at + i, flags);
    return r;
}

hv_return_t hv_vm_map(void *addr, hv_ipa_t ipa, size_t size, hv_memory_flags_t flags)
{
    pthread_mutex_lock(&hvi.lock);
    hv_return_t r = hvi.exists ? map(addr, ipa, size, flags) : HV_NO_DEVICE;
    pthread_mutex_unlock(&hvi.lock);
    return r;
}

hv_return_t hv_vm_unmap(hv_ipa_t ipa, size_t size)
{
    pthread_mutex_lock(&hvi.lock);
    hv_return_t r = hvi.exists ? unmap(ipa, size) : HV_NO_DEVICE;
    pthread_mutex_unlock(&hvi.lock);
    return r;
}

hv_return_t hv_vm_protect(hv_ipa_t ipa, size_t size, hv_memory_flags_t flags)
{
    pthread_mutex_lock(&hvi.lock);
    hv_return_t r = hvi.exists ? protect(ipa, size, flags) : HV_NO_DEVICE;
    pthread_mutex_unlock(&hvi.lock);
    return r;
}
