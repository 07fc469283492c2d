/* SPDX-License-Identifier: MIT */
/*
 * Linux as a guest: see load_linux.h. Section numbers are those of booting.rst unless said
 * otherwise.
 */
#include "load_linux.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MIB             UINT64_C(0x100000)
#define UNPACKED_MAX    (UINT64_C(1) << 30) /* no kernel is that large; a bomb is larger */
#define LAYERS_MAX      4
#define HEADER_SIZE     64
#define MAGIC           UINT32_C(0x644d5241) /* "ARM\x64" */
#define ALIGNMENT       (2 * MIB)
#define DTB_ALIGNMENT   UINT64_C(0x1000)

#define FLAG_BIG_ENDIAN 1u

/* ---- compressed guests ---- */

static const struct unpack_format *const formats[] = {&unpack_gzip, &unpack_zstd};
#define FORMATS (sizeof formats / sizeof *formats)

/* Others that kernels are packed with: known by sight, so that the message can say so. */
static const struct {
    const char *name;
    uint8_t magic[6];
    unsigned size;
} foreign[] = {
    {"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6},
    {"bzip2", {'B', 'Z', 'h'}, 3},
    {"lz4", {0x02, 0x21, 0x4c, 0x18}, 4},
    {"lzop", {0x89, 'L', 'Z', 'O'}, 4},
};

static int unpack_failed(const struct image *image, const struct unpack_format *format, int err,
                         struct vm_error *error)
{
    switch (err) {
    case -ENOTSUP:
        return error_set(error, err,
                         "guest '%s' is compressed with %s, which this build cannot undo: install "
                         "%s and run make, or unpack it first",
                         image->name, format->name, format->library);
    case -ENODATA:
        return error_set(error, err, "guest '%s': the %s data is cut off", image->name,
                         format->name);
    case -EBADMSG:
        return error_set(error, err, "guest '%s': the %s data is corrupt", image->name,
                         format->name);
    case -EFBIG:
        return error_set(error, err, "guest '%s' is larger than 1 GiB when it is unpacked",
                         image->name);
    default:
        return error_set(error, err, "cannot unpack guest '%s': %s", image->name, strerror(-err));
    }
}

static int unpack_range(struct image *image, uint64_t offset, uint64_t size,
                        const struct unpack_format *format, struct vm_error *error)
{
    uint8_t *data = NULL;
    uint64_t unpacked = 0;
    int err = format->unpack(image->data + offset, size, UNPACKED_MAX, &data, &unpacked);
    if (err)
        return unpack_failed(image, format, err, error);
    free(image->owned);
    image->data = image->owned = data;
    image->size = unpacked;
    return 1;
}

/* An EFI zboot image: a small EFI program around a compressed Image. Fields as in the kernel's
 * drivers/firmware/efi/libstub/zboot-header.S. */
static bool is_zboot(const struct image *image)
{
    return image->size >= HEADER_SIZE && memcmp(image->data, "MZ", 2) == 0 &&
           memcmp(image->data + 4, "zimg", 4) == 0;
}

static int unpack_zboot(struct image *image, struct vm_error *error)
{
    char name[33] = {0};
    uint64_t offset = field(image->data + 8, 4), size = field(image->data + 12, 4);
    memcpy(name, image->data + 24, 32);
    if (!inside(offset, size, image->size))
        return error_set(error, -ENODATA, "guest '%s': the EFI zboot image is cut off",
                         image->name);
    for (unsigned i = 0; i < FORMATS; i++)
        if (strncmp(name, formats[i]->name, strlen(formats[i]->name)) == 0)
            return unpack_range(image, offset, size, formats[i], error);
    for (char *c = name; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    return error_set(error, -ENOTSUP,
                     "guest '%s': EFI zboot image with %s compression (gzip and zstd are known)",
                     image->name, name);
}

/* One layer. 1: something was unpacked, 0: nothing to do, -errno. */
static int unpack_layer(struct image *image, struct vm_error *error)
{
    if (is_zboot(image))
        return unpack_zboot(image, error);
    for (unsigned i = 0; i < FORMATS; i++)
        if (image->size >= formats[i]->magic_size &&
            memcmp(image->data, formats[i]->magic, formats[i]->magic_size) == 0)
            return unpack_range(image, 0, image->size, formats[i], error);
    for (unsigned i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (image->size >= foreign[i].size &&
            memcmp(image->data, foreign[i].magic, foreign[i].size) == 0)
            return error_set(error, -ENOTSUP,
                             "guest '%s' is compressed with %s: unpack it first (gzip, zstd and "
                             "EFI zboot are done here)",
                             image->name, foreign[i].name);
    return 0;
}

int image_unpack(struct image *image, struct vm_error *error)
{
    for (unsigned i = 0; i < LAYERS_MAX; i++) {
        int done = unpack_layer(image, error);
        if (done <= 0)
            return done;
    }
    return error_set(error, -ELOOP, "guest '%s' is compressed too many times", image->name);
}

/* ---- the header ---- */

/* Kernels with an EFI stub carry a PE header; its sections tell how long the file must be (PE/COFF
 * specification, sections 3 and 4). Others do not say. */
static bool is_whole(const struct image *image)
{
    uint64_t pe = field(image->data + 60, 4);
    if (pe == 0 || memcmp(image->data, "MZ", 2) != 0)
        return true;
    if (!inside(pe, 24, image->size))
        return false;
    if (memcmp(image->data + pe, "PE\0", 4) != 0)
        return true;
    uint64_t sections = field(image->data + pe + 6, 2);
    uint64_t table = pe + 24 + field(image->data + pe + 20, 2);
    if (!inside(table, sections * 40, image->size))
        return false;
    for (uint64_t i = 0; i < sections; i++) {
        const uint8_t *s = image->data + table + i * 40;
        if (!inside(field(s + 20, 4), field(s + 16, 4), image->size))
            return false;
    }
    return true;
}

static int check_page_size(const struct image *image, unsigned granules, uint64_t flags,
                           struct vm_error *error)
{
    unsigned page = (unsigned)(flags >> 1) & 3; /* 0: not said */
    if (page == 0 || (granules & (1u << (page - 1))))
        return 0;
    return error_set(error, -ENOEXEC,
                     "guest '%s' is a kernel for %u KiB pages, which this CPU does not have",
                     image->name, 1u << (2 * page));
}

int linux_check(const struct image *image, unsigned granules, struct linux_header *header,
                struct vm_error *error)
{
    const uint8_t *d = image->data;
    if (image->size < HEADER_SIZE || field(d + 56, 4) != MAGIC)
        return error_set(error, -ENOEXEC, "guest '%s' is not an arm64 Linux Image", image->name);
    *header = (struct linux_header){
        .text_offset = field(d + 8, 8),
        .image_size = field(d + 16, 8),
        .flags = field(d + 24, 8),
    };
    if (header->image_size == 0) {
        /* Before Linux 3.17 the header said nothing; the offset was always the same. */
        header->text_offset = 0x80000;
        header->image_size = image->size;
    }
    if (header->flags & FLAG_BIG_ENDIAN)
        return error_set(error, -ENOEXEC, "guest '%s' is a big-endian kernel", image->name);
    if (header->text_offset >= ALIGNMENT || header->text_offset % 8 ||
        header->image_size > UNPACKED_MAX)
        return error_set(error, -ENOEXEC, "guest '%s': the kernel's header has impossible sizes",
                         image->name);
    if (!is_whole(image))
        return error_set(error, -ENOEXEC,
                         "guest '%s' is cut off: the file is shorter than its header says",
                         image->name);
    /* A file that is longer than it says: the rest must fit too. */
    if (header->image_size < image->size)
        header->image_size = image->size;
    return check_page_size(image, granules, header->flags, error);
}

/* ---- placement ---- */

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

int linux_place(struct linux_layout *layout, const struct linux_header *header, const char *name,
                uint64_t ram_base, uint64_t ram_size, uint64_t initrd_size, uint64_t dtb_size,
                struct vm_error *error)
{
    /* Section 4: text_offset from a 2 MiB boundary, as low in memory as possible; the initrd within
     * 32 GiB of the kernel; the device tree anywhere, at most 2 MiB. */
    uint64_t kernel = round_up(ram_base, ALIGNMENT) + header->text_offset;
    uint64_t end = kernel + header->image_size;
    *layout = (struct linux_layout){.kernel = kernel};
    if (initrd_size) {
        layout->initrd = round_up(end, ALIGNMENT);
        layout->initrd_end = layout->initrd + initrd_size;
        end = layout->initrd_end;
    }
    layout->dtb = round_up(end, DTB_ALIGNMENT);
    end = layout->dtb + dtb_size;
    /* Sizes are below 2^31 and RAM is well below 2^63: no sum has wrapped. */
    if (end - ram_base <= ram_size)
        return 0;
    return error_set(error, -EFAULT,
                     "guest '%s' does not fit: kernel (%" PRIu64 " KiB)%s and device tree take "
                     "%" PRIu64 " MiB, there are %" PRIu64 " (try a larger --memory)",
                     name, header->image_size >> 10, initrd_size ? ", initrd" : "",
                     (end - ram_base + MIB - 1) / MIB, ram_size / MIB);
}
