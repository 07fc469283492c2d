/* SPDX-License-Identifier: MIT */
/*
 * Linux as a guest: what the kernel's Documentation/arch/arm64/booting.rst asks of whoever starts
 * it. Pure functions on bytes and numbers; main thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load.h"

/* ---- what is in a file ---- */

/* A little-endian number of `bytes` bytes. */
static inline uint64_t field(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

/* Do the `len` bytes at `offset` lie in `size` bytes? */
static inline bool inside(uint64_t offset, uint64_t len, uint64_t size)
{
    return offset <= size && len <= size - offset;
}

/* If the file is a compressed guest (gzip, zstd, or an EFI zboot image around one of them), put
 * what is inside in its place; as often as needed. 0, also when it is not compressed; -errno with a
 * text. */
int image_unpack(struct image *image, struct vm_error *error);

/* The header of an arm64 Image (section 4 of booting.rst). */
struct linux_header {
    uint64_t text_offset; /* from a 2 MiB boundary */
    uint64_t image_size;  /* memory it takes, from its start, bss included */
    uint64_t flags;
};

/* The granules of stage-1 translation that the CPU has; bit n: 4 KiB << 2n. */
#define LINUX_PAGE_4K  1u
#define LINUX_PAGE_16K 2u
#define LINUX_PAGE_64K 4u

/* Magic, endianness, sizes; with an EFI header also whether the file is whole; page size against
 * `granules`. -ENOEXEC with a text. */
int linux_check(const struct image *image, unsigned granules, struct linux_header *header,
                struct vm_error *error);

/* Where everything goes in one piece of RAM. */
struct linux_layout {
    uint64_t kernel;             /* start of the Image and entry point */
    uint64_t initrd, initrd_end; /* equal: none */
    uint64_t dtb;
};

/* Kernel first, then initrd, then `dtb_size` bytes of device tree. -EFAULT with a text that says
 * what does not fit and how much memory it takes. */
int linux_place(struct linux_layout *layout, const struct linux_header *header, const char *name,
                uint64_t ram_base, uint64_t ram_size, uint64_t initrd_size, uint64_t dtb_size,
                struct vm_error *error);

/* ---- compression formats (unpack_*.c: each with its library, or without) ---- */

struct unpack_format {
    const char *name; /* as a zboot header and error messages call it */
    uint8_t magic[4];
    unsigned magic_size;
    /* Decompress all of `in` into a malloc'ed buffer of at most `limit` bytes. Bytes after the end
     * of the compressed data are ignored. 0; -EFBIG, -ENOMEM, -EBADMSG (corrupt), -ENODATA (cut
     * off), -ENOTSUP (built without the library). */
    int (*unpack)(const uint8_t *in, uint64_t in_size, uint64_t limit, uint8_t **out,
                  uint64_t *out_size);
    const char *library; /* "zlib1g-dev": what to install when it is not there */
};

extern const struct unpack_format unpack_gzip, unpack_zstd;
