/* SPDX-License-Identifier: MIT */
/*
 * Guest memory and the one translator from guest addresses to host pointers. A guest address is a
 * type of its own, so that nothing but mem.c can turn one into a pointer: every access by the
 * monitor or by a device is checked here, once, for its whole length.
 *
 * Any thread may translate; regions change only while no vCPU exists. The guest may write to its
 * memory at any time: copy first (mem_read), then check what was copied.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A guest physical address (Apple's IPA). */
typedef struct {
    uint64_t addr;
} gpa_t;

static inline gpa_t gpa(uint64_t addr)
{
    return (gpa_t){addr};
}

/* Memory of both the host and the guest is handled in units that fit every host: 16 KiB. */
#define MEM_GRANULE     UINT64_C(0x4000)
#define MEM_MAX_REGIONS 4

struct mem_region {
    uint64_t base; /* guest physical address, a multiple of MEM_GRANULE */
    uint64_t size; /* bytes, a multiple of MEM_GRANULE */
    uint8_t *host; /* host address, aligned to MEM_GRANULE */
    void *block;   /* what to give back to the host */
    size_t block_size;
};

struct mem {
    struct mem_region region[MEM_MAX_REGIONS];
    unsigned count;
};

/* Reserve zeroed memory for [base, base+size) without touching it. -EINVAL (alignment, overlap),
 * -ENOSPC (too many regions), -ENOMEM. The backend is told by vm.c. */
int mem_add(struct mem *mem, gpa_t base, uint64_t size);
void mem_free(struct mem *mem);

/* Every byte reads as zero again; pages go back to the host. */
void mem_clear(struct mem *mem);

/* The host pointer of [at, at+len), or NULL if any byte of it is outside guest memory. len 0: NULL
 * unless `at` is inside. */
void *mem_at(const struct mem *mem, gpa_t at, uint64_t len);

/* Bytes of guest memory from `at` on without a gap; 0 if `at` is outside. */
uint64_t mem_left(const struct mem *mem, gpa_t at);

/* Copy. 0, or -EFAULT and nothing copied. */
int mem_read(const struct mem *mem, void *to, gpa_t from, uint64_t len);
int mem_write(const struct mem *mem, gpa_t to, const void *from, uint64_t len);

/* Length of the NUL-terminated string at `at`, which may not exceed `max`: -EFAULT if it runs out
 * of guest memory, -E2BIG if it is longer. */
int64_t mem_string(const struct mem *mem, gpa_t at, uint64_t max);
