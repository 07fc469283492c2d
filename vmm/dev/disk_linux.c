/* SPDX-License-Identifier: MIT */
/* Disk images on Linux: sizes of block devices, holes in files. */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

int disk_host_size(int fd, uint64_t *size)
{
    struct stat st;
    if (fstat(fd, &st))
        return -errno;
    if (S_ISREG(st.st_mode)) {
        *size = (uint64_t)st.st_size;
        return 0;
    }
    if (!S_ISBLK(st.st_mode))
        return -ENOTBLK;
    return ioctl(fd, BLKGETSIZE64, size) ? -errno : 0;
}

int disk_host_flush(int fd)
{
    return fdatasync(fd) ? -errno : 0;
}

/* fallocate works on files and, since Linux 4.9, on block devices alike. */
static int allocate(int fd, int mode, uint64_t offset, uint64_t size)
{
    while (fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size)) {
        if (errno == ENOSYS || errno == EOPNOTSUPP || errno == ENODEV)
            return -EOPNOTSUPP;
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int disk_host_discard(int fd, uint64_t offset, uint64_t size)
{
    return allocate(fd, FALLOC_FL_PUNCH_HOLE, offset, size);
}

int disk_host_zero(int fd, uint64_t offset, uint64_t size, bool unmap)
{
    /* A hole reads as zero on a file; a block device zeroes what it punches. */
    return allocate(fd, unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE, offset, size);
}
