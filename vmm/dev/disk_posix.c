/* SPDX-License-Identifier: MIT */
/* Disk images on a host that we know nothing special about. */
#include "disk.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

int disk_host_size(int fd, uint64_t *size)
{
    struct stat st;
    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return -ENOTBLK;
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0)
        return -errno;
    *size = (uint64_t)end;
    return 0;
}

int disk_host_flush(int fd)
{
    return fsync(fd) ? -errno : 0;
}

int disk_host_discard(int fd, uint64_t offset, uint64_t size)
{
    (void)fd;
    (void)offset;
    (void)size;
    return -EOPNOTSUPP;
}

int disk_host_zero(int fd, uint64_t offset, uint64_t size, bool unmap)
{
    (void)unmap;
    return disk_host_discard(fd, offset, size);
}
