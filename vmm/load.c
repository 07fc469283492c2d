/* SPDX-License-Identifier: MIT */
/*
 * Guest files: read once, recognised by content, every field checked before it is used. Runs on the
 * main thread before the VM exists; keeps no state.
 *
 * ELF: "Executable and Linkable Format", System V ABI; "ELF for the Arm 64-bit Architecture".
 * Linux: Documentation/arch/arm64/booting.rst, section 4 (header).
 */
#include "load_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libkern/OSCacheControl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX            (UINT64_C(2) << 30)

#define ELF_HEADER          64
#define ELF_PHDR            56
#define ELF_MACHINE_AARCH64 183
#define PT_LOAD             1
#define PT_INTERP           3
#define LINUX_HEADER        64
#define LINUX_MAGIC         UINT32_C(0x644d5241) /* "ARM\x64" */
#define TTBR1_HALF          (UINT64_C(1) << 63)  /* no physical memory is there */

/* ---- ELF ---- */

struct segment {
    uint32_t type;
    uint64_t offset, vaddr, paddr, file_size, mem_size;
};

static unsigned segment_count(const struct image *image)
{
    return (unsigned)field(image->data + 56, 2);
}

/* The table was checked by elf_parse. */
static struct segment segment_at(const struct image *image, unsigned index)
{
    const uint8_t *p = image->data + field(image->data + 32, 8) + (uint64_t)index * ELF_PHDR;
    return (struct segment){
        .type = (uint32_t)field(p, 4),
        .offset = field(p + 8, 8),
        .vaddr = field(p + 16, 8),
        .paddr = field(p + 24, 8),
        .file_size = field(p + 32, 8),
        .mem_size = field(p + 40, 8),
    };
}

static const char *elf_machine_name(unsigned machine)
{
    switch (machine) {
    case 3: return "x86";
    case 8: return "MIPS";
    case 20:
    case 21: return "PowerPC";
    case 22: return "S/390";
    case 40: return "32-bit Arm";
    case 62: return "x86-64";
    case 243: return "RISC-V";
    case 258: return "LoongArch";
    default: return "another machine";
    }
}

static int elf_header(const struct image *image, struct vm_error *error)
{
    const uint8_t *d = image->data;
    if (image->size < ELF_HEADER)
        return error_set(error, -ENOEXEC, "guest '%s': the ELF header is cut off", image->name);
    unsigned machine = (unsigned)field(d + 18, 2), type = (unsigned)field(d + 16, 2);
    if (d[4] == 2 && d[5] == 1 && machine != ELF_MACHINE_AARCH64)
        return error_set(error, -ENOEXEC, "guest '%s' is an ELF file for %s, not for AArch64",
                         image->name, elf_machine_name(machine));
    if (d[4] != 2 || d[5] != 1)
        return error_set(error, -ENOEXEC, "guest '%s' is not a 64-bit little-endian ELF file",
                         image->name);
    if (type != 2 && type != 3)
        return error_set(error, -ENOEXEC,
                         "guest '%s' is an ELF file but not an executable: link it first",
                         image->name);
    if (segment_count(image) == 0)
        return error_set(error, -ENOEXEC, "guest '%s': the ELF file has no segments", image->name);
    if (field(d + 54, 2) != ELF_PHDR ||
        !inside(field(d + 32, 8), (uint64_t)segment_count(image) * ELF_PHDR, image->size))
        return error_set(error, -ENOEXEC, "guest '%s': the ELF program headers are cut off",
                         image->name);
    return 0;
}

static int elf_segment(const struct image *image, unsigned index, const struct segment *s,
                       struct vm_error *error)
{
    if (s->type == PT_INTERP)
        return error_set(error, -ENOEXEC,
                         "guest '%s' is dynamically linked: link it with -static -nostdlib",
                         image->name);
    if (s->type != PT_LOAD)
        return 0;
    if (!inside(s->offset, s->file_size, image->size))
        return error_set(error, -ENOEXEC,
                         "guest '%s': ELF segment %u is cut off (needs %" PRIu64
                         " bytes at %" PRIu64 ", the file has %" PRIu64 ")",
                         image->name, index, s->file_size, s->offset, image->size);
    if (s->file_size > s->mem_size || s->paddr > UINT64_MAX - s->mem_size)
        return error_set(error, -ENOEXEC, "guest '%s': ELF segment %u has impossible sizes",
                         image->name, index);
    return 0;
}

static int elf_parse(struct image *image, struct vm_error *error)
{
    int err = elf_header(image, error);
    if (err)
        return err;
    uint64_t entry = field(image->data + 24, 8);
    bool entry_found = false;
    image->low = UINT64_MAX;
    image->high = 0;
    for (unsigned i = 0; i < segment_count(image); i++) {
        struct segment s = segment_at(image, i);
        err = elf_segment(image, i, &s, error);
        if (err)
            return err;
        if (s.type != PT_LOAD || s.mem_size == 0)
            continue;
        if (s.paddr < image->low)
            image->low = s.paddr;
        if (s.paddr + s.mem_size > image->high)
            image->high = s.paddr + s.mem_size;
        /* The entry point is a virtual address; the MMU is off, so the physical one is needed. */
        if (!entry_found && entry - s.vaddr < s.mem_size) {
            image->entry = entry - s.vaddr + s.paddr;
            entry_found = true;
        }
    }
    if (!entry_found || image->entry % 4)
        return error_set(error, -ENOEXEC,
                         "guest '%s': the ELF entry point 0x%" PRIx64 " is not in a segment",
                         image->name, entry);
    return 0;
}

/*
 * A vmlinux is linked for the virtual addresses that the kernel has once its MMU is on. What boots
 * is the Image: the same bytes one after the other, as objcopy -O binary writes them. It begins
 * with the Image's header.
 */
static bool is_vmlinux(const struct image *image)
{
    if (image->low < TTBR1_HALF)
        return false;
    for (unsigned i = 0; i < segment_count(image); i++) {
        struct segment s = segment_at(image, i);
        if (s.type == PT_LOAD && s.paddr == image->low && s.file_size >= LINUX_HEADER)
            return field(image->data + s.offset + 56, 4) == LINUX_MAGIC;
    }
    return false;
}

static int make_linux_image(struct image *image, struct vm_error *error)
{
    uint64_t size = 0;
    for (unsigned i = 0; i < segment_count(image); i++) {
        struct segment s = segment_at(image, i);
        if (s.type == PT_LOAD && s.file_size && s.paddr - image->low + s.file_size > size)
            size = s.paddr - image->low + s.file_size;
    }
    if (size > FILE_MAX)
        return error_set(error, -EFBIG, "guest '%s': its segments span more than 2 GiB",
                         image->name);
    uint8_t *flat = calloc(1, (size_t)size);
    if (!flat)
        return error_set(error, -ENOMEM, "cannot read guest '%s': %s", image->name,
                         strerror(ENOMEM));
    for (unsigned i = 0; i < segment_count(image); i++) {
        struct segment s = segment_at(image, i);
        if (s.type == PT_LOAD)
            memcpy(flat + (s.paddr - image->low), image->data + s.offset, (size_t)s.file_size);
    }
    free(image->owned);
    image->data = image->owned = flat;
    image->size = size;
    image->format = IMAGE_LINUX;
    return 0;
}

/* ---- open ---- */

static int identify(struct image *image, struct vm_error *error)
{
    int err = image_unpack(image, error);
    if (err)
        return err;
    if (image->size >= 4 && memcmp(image->data, "\177ELF", 4) == 0) {
        image->format = IMAGE_ELF;
        err = elf_parse(image, error);
        return !err && is_vmlinux(image) ? make_linux_image(image, error) : err;
    }
    if (image->size >= LINUX_HEADER && field(image->data + 56, 4) == LINUX_MAGIC)
        image->format = IMAGE_LINUX;
    else
        image->format = IMAGE_RAW;
    return 0;
}

int image_builtin(struct image *image, const char *name, const void *data, uint64_t size,
                  struct vm_error *error)
{
    *image = (struct image){.name = name, .data = data, .size = size};
    return identify(image, error);
}

/* The whole of fd, `size` bytes as fstat said; a file that shrinks meanwhile is an error. */
static int read_file(int fd, uint8_t *data, uint64_t size)
{
    uint64_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, data + done, (size_t)(size - done), (off_t)done);
        if (n > 0)
            done += (uint64_t)n;
        else if (n == 0)
            return -EIO;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

static int open_checked(const char *path, uint64_t *size, struct vm_error *error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(error, -errno, "cannot open guest '%s': %s", path, strerror(errno));
    int err = 0;
    if (fstat(fd, &st))
        err = error_set(error, -errno, "cannot look at guest '%s': %s", path, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        err = error_set(error, -EISDIR, "cannot read guest '%s': it is a directory", path);
    else if (!S_ISREG(st.st_mode))
        err = error_set(error, -EINVAL, "cannot read guest '%s': it is not a regular file", path);
    else if (st.st_size == 0)
        err = error_set(error, -ENOEXEC, "guest '%s' is empty", path);
    else if ((uint64_t)st.st_size > FILE_MAX)
        err = error_set(error, -EFBIG, "guest '%s' is larger than 2 GiB", path);
    if (err) {
        close(fd);
        return err;
    }
    *size = (uint64_t)st.st_size;
    return fd;
}

/* The bytes of the open file, unpacked and recognised. */
static int read_image(struct image *image, struct vm_error *error)
{
    uint8_t *data = malloc((size_t)image->file_size);
    int err = data ? read_file(image->fd, data, image->file_size) : -ENOMEM;
    if (err) {
        free(data);
        return error_set(error, err, "cannot read guest '%s': %s", image->name, strerror(-err));
    }
    image->data = image->owned = data;
    image->size = image->file_size;
    return identify(image, error);
}

static void read_head(const struct image *image, uint8_t head[64])
{
    const size_t size = image->size < 64 ? (size_t)image->size : 64;
    memset(head, 0, 64);
    memcpy(head, image->data, size);
}

int image_open(struct image *image, const char *path, struct vm_error *error)
{
    *image = (struct image){.name = path};
    int fd = open_checked(path, &image->file_size, error);
    if (fd < 0)
        return fd;
    image->fd = fd;
    image->has_file = true;
    int err = read_image(image, error);
    if (err)
        image_close(image);
    else
        read_head(image, image->head);
    return err;
}

void image_close(struct image *image)
{
    free(image->owned);
    if (image->has_file)
        close(image->fd);
    *image = (struct image){.name = image->name};
}

void image_release(struct image *image)
{
    if (!image->has_file)
        return;
    free(image->owned);
    image->data = image->owned = NULL;
}

int image_reload(struct image *image, struct vm_error *error)
{
    const struct image before = *image;
    uint8_t head[64];
    if (image->data)
        return 0;
    int err = read_image(image, error);
    if (err)
        return err;
    read_head(image, head);
    if (image->size != before.size || image->format != before.format ||
        image->entry != before.entry || image->low != before.low || image->high != before.high ||
        memcmp(head, before.head, sizeof(head)) != 0)
        return error_set(error, -ESTALE,
                         "cannot restart guest '%s': the file has changed since it was started",
                         image->name);
    return 0;
}

const char *image_format_name(enum image_format format)
{
    switch (format) {
    case IMAGE_RAW: return "raw binary";
    case IMAGE_ELF: return "ELF executable";
    case IMAGE_LINUX: return "Linux kernel Image";
    }
    return "unknown";
}

/* ---- place ---- */

static int walk(const struct image *image, const struct mem *mem, uint64_t base, bool copy,
                struct vm_error *error)
{
    if (image->format != IMAGE_ELF) {
        uint8_t *to = mem_at(mem, gpa(base), image->size);
        if (!to)
            return error_set(error, -EFAULT,
                             "guest '%s' (%" PRIu64 " bytes) does not fit: %" PRIu64
                             " bytes of memory from 0x%" PRIx64 " on (try a larger --memory)",
                             image->name, image->size, mem_left(mem, gpa(base)), base);
        if (copy) {
            memcpy(to, image->data, (size_t)image->size);
            sys_icache_invalidate(to, (size_t)image->size);
        }
        return 0;
    }
    for (unsigned i = 0; i < segment_count(image); i++) {
        struct segment s = segment_at(image, i);
        if (s.type != PT_LOAD || s.mem_size == 0)
            continue;
        uint8_t *to = mem_at(mem, gpa(s.paddr), s.mem_size);
        if (!to)
            return error_set(
                error, -EFAULT,
                "guest '%s': ELF segment %u (0x%" PRIx64 " - 0x%" PRIx64
                ") lies outside guest memory (try a larger --memory, or link it lower)",
                image->name, i, s.paddr, s.paddr + s.mem_size);
        if (copy) {
            memcpy(to, image->data + s.offset, (size_t)s.file_size);
            memset(to + s.file_size, 0, (size_t)(s.mem_size - s.file_size));
            sys_icache_invalidate(to, (size_t)s.file_size);
        }
    }
    return 0;
}

int image_check(const struct image *image, const struct mem *mem, uint64_t base,
                struct vm_error *error)
{
    return walk(image, mem, base, false, error);
}

int image_place(const struct image *image, const struct mem *mem, uint64_t base,
                struct vm_error *error)
{
    return walk(image, mem, base, true, error);
}
