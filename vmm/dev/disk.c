/* SPDX-License-Identifier: MIT */
/* Disk images: see disk.h. */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZERO_BLOCK 65536u

static int complain(char *why, size_t size, const char *path, int err, const char *what)
{
    snprintf(why, size, "cannot use disk '%s': %s", path, what);
    return err;
}

static int open_file(const char *path, bool read_only, char *why, size_t why_size)
{
    int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    int err = errno;
    if (!read_only && (err == EACCES || err == EROFS || err == EPERM))
        return complain(why, why_size, path, -err,
                        "it cannot be written to: give it as PATH,readonly, or change its mode");
    return complain(why, why_size, path, -err, strerror(err));
}

static int check_size(int fd, const char *path, uint64_t *size, char *why, size_t why_size)
{
    char text[160];
    int err = disk_host_size(fd, size);
    if (err)
        return complain(why, why_size, path, err,
                        err == -ENOTBLK ? "it is neither a file nor a block device"
                                        : strerror(-err));
    if (*size == 0)
        return complain(why, why_size, path, -EINVAL, "it is empty");
    if (*size % DISK_SECTOR) {
        snprintf(text, sizeof text,
                 "its size, %llu bytes, is not a multiple of 512: lengthen it (truncate -s %%512)",
                 (unsigned long long)*size);
        return complain(why, why_size, path, -EINVAL, text);
    }
    return 0;
}

/* flock: held by the open file, so gone with the process however it ends. */
static int lock_file(int fd, const char *path, bool read_only, char *why, size_t why_size)
{
    if (flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
        return 0;
    int err = errno;
    if (err == EWOULDBLOCK)
        return complain(why, why_size, path, -EBUSY,
                        read_only ? "another process is writing to it"
                                  : "another process is using it (two writers would destroy it)");
    if (err == EOPNOTSUPP || err == ENOLCK || err == EINVAL)
        return 0; /* a file system without locks: as good as it gets */
    return complain(why, why_size, path, -err, strerror(err));
}

int disk_open(struct disk **out, const char *path, bool read_only, char *why, size_t why_size)
{
    uint64_t size = 0;
    int fd = open_file(path, read_only, why, why_size);
    if (fd < 0)
        return fd;
    int err = check_size(fd, path, &size, why, why_size);
    if (!err)
        err = lock_file(fd, path, read_only, why, why_size);
    struct disk *disk = err ? NULL : calloc(1, sizeof *disk);
    char *name = disk ? strdup(path) : NULL;
    if (!err && !name)
        err = complain(why, why_size, path, -ENOMEM, strerror(ENOMEM));
    if (err) {
        free(disk);
        close(fd);
        return err;
    }
    *disk = (struct disk){.fd = fd, .read_only = read_only, .size = size, .path = name};
    *out = disk;
    return 0;
}

void disk_close(struct disk *disk)
{
    if (!disk)
        return;
    close(disk->fd);
    free(disk->path);
    free(disk);
}

/* Drop `done` bytes from the front of the vectors. */
static void advance(struct iovec **iov, unsigned *count, size_t done)
{
    while (*count && done >= (*iov)->iov_len) {
        done -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count) {
        (*iov)->iov_base = (uint8_t *)(*iov)->iov_base + done;
        (*iov)->iov_len -= done;
    }
}

static int transfer(struct disk *disk, struct iovec *iov, unsigned count, uint64_t offset,
                    bool write)
{
    advance(&iov, &count, 0);
    while (count) {
        ssize_t n = write ? pwritev(disk->fd, iov, (int)count, (off_t)offset)
                          : preadv(disk->fd, iov, (int)count, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        offset += (uint64_t)n;
        advance(&iov, &count, (size_t)n);
    }
    return 0;
}

int disk_read(struct disk *disk, struct iovec *iov, unsigned count, uint64_t offset)
{
    return transfer(disk, iov, count, offset, false);
}

int disk_write(struct disk *disk, struct iovec *iov, unsigned count, uint64_t offset)
{
    return transfer(disk, iov, count, offset, true);
}

int disk_flush(struct disk *disk)
{
    return disk_host_flush(disk->fd);
}

int disk_discard(struct disk *disk, uint64_t offset, uint64_t size)
{
    int err = disk_host_discard(disk->fd, offset, size);
    return err == -EOPNOTSUPP ? 0 : err;
}

int disk_zero(struct disk *disk, uint64_t offset, uint64_t size, bool unmap)
{
    static const uint8_t zero[ZERO_BLOCK];
    int err = disk_host_zero(disk->fd, offset, size, unmap);
    if (err != -EOPNOTSUPP)
        return err;
    while (size) {
        size_t n = size < ZERO_BLOCK ? (size_t)size : ZERO_BLOCK;
        ssize_t done = pwrite(disk->fd, zero, n, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? -errno : -EIO;
        offset += (uint64_t)done;
        size -= (uint64_t)done;
    }
    return 0;
}
