/* SPDX-License-Identifier: MIT */
/* Disk images on macOS: sizes of block devices, full flush, holes in files. */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/disk.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

int disk_host_size(int fd, uint64_t *size)
{
    struct stat st;
    uint32_t block;
    uint64_t blocks;
    if (fstat(fd, &st))
        return -errno;
    if (S_ISREG(st.st_mode)) {
        *size = (uint64_t)st.st_size;
        return 0;
    }
    if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
        return -ENOTBLK;
    if (ioctl(fd, DKIOCGETBLOCKSIZE, &block) || ioctl(fd, DKIOCGETBLOCKCOUNT, &blocks))
        return -ENOTBLK;
    *size = block * blocks;
    return 0;
}

int disk_host_flush(int fd)
{
    /* fsync() stops at the drive's cache here; a file system without the request has nothing
     * better. */
    if (fcntl(fd, F_FULLFSYNC) == 0 || fsync(fd) == 0)
        return 0;
    return -errno;
}

int disk_host_discard(int fd, uint64_t offset, uint64_t size)
{
    /* Holes are made of whole blocks of the file system; what is left over at the ends stays. */
    const uint64_t block = 4096;
    uint64_t start = (offset + block - 1) / block * block;
    uint64_t end = (offset + size) / block * block;
    fpunchhole_t hole = {.fp_offset = (off_t)start, .fp_length = (off_t)(end - start)};
    if (start >= end)
        return 0;
    return fcntl(fd, F_PUNCHHOLE, &hole) ? -EOPNOTSUPP : 0;
}

int disk_host_zero(int fd, uint64_t offset, uint64_t size, bool unmap)
{
    (void)fd;
    (void)offset;
    (void)size;
    (void)unmap;
    return -EOPNOTSUPP;
}
