/* SPDX-License-Identifier: MIT */
/*
 * Guest files: what they are is decided by their content, never by their name. A file is read and
 * checked completely before a VM exists; placing it into guest memory cannot then fail for a reason
 * that the user could have been told earlier.
 */
#pragma once

#include "log.h"
#include "mem.h"

enum image_format {
    IMAGE_RAW,   /* no header: the bytes themselves */
    IMAGE_ELF,   /* ELF64, little-endian, AArch64, executable */
    IMAGE_LINUX, /* arm64 Linux Image, or what a vmlinux makes of one */
};

struct image {
    const char *name; /* for messages */
    const uint8_t *data;
    uint64_t size;
    enum image_format format;
    uint64_t entry;     /* ELF: entry point */
    uint64_t low, high; /* ELF: lowest and one past the highest address that a segment takes */
    void *owned;        /* what image_close gives back, NULL for a built-in guest */
    bool has_file;      /* the guest is a file, open as `fd`, of `file_size` bytes */
    int fd;
    uint64_t file_size;
    uint8_t head[64]; /* the beginning, for image_reload to compare */
};

int image_open(struct image *image, const char *path, struct vm_error *error);
/* A guest that is part of the program. `name` and `data` must outlive the image. */
int image_builtin(struct image *image, const char *name, const void *data, uint64_t size,
                  struct vm_error *error);
void image_close(struct image *image);
/* A guest that runs needs its file's bytes again only if it restarts: give them back until then. */
void image_release(struct image *image);
/* Read them again, if they were given back. Fails if the file is no longer the one that was opened.
 */
int image_reload(struct image *image, struct vm_error *error);
const char *image_format_name(enum image_format format);

/* Copy into memory: raw at `base`, ELF where its segments say (bss is zeroed). -EFAULT with a text
 * that names what does not fit. image_check does all but the copying. */
int image_check(const struct image *image, const struct mem *mem, uint64_t base,
                struct vm_error *error);
int image_place(const struct image *image, const struct mem *mem, uint64_t base,
                struct vm_error *error);
