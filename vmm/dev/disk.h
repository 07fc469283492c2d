/* SPDX-License-Identifier: MIT */
/*
 * A disk image of the host: a raw file or a block device, opened and locked before the VM starts.
 * Reading and writing may be done from several threads at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define DISK_SECTOR 512u

struct disk {
    int fd;
    bool read_only;
    uint64_t size; /* bytes, a multiple of DISK_SECTOR, not 0 */
    char *path;    /* for messages */
};

/* Open and lock: one writer, or any number of readers. On failure -errno and one line in `why`. */
int disk_open(struct disk **disk, const char *path, bool read_only, char *why, size_t why_size);
void disk_close(struct disk *disk);

/* Transfer all of the vectors at `offset`, which the caller has checked against the size. The
 * vectors are used up. 0 or -errno; -EIO when the file has become shorter. */
int disk_read(struct disk *disk, struct iovec *iov, unsigned count, uint64_t offset);
int disk_write(struct disk *disk, struct iovec *iov, unsigned count, uint64_t offset);
/* What has been written is on the medium. */
int disk_flush(struct disk *disk);
/* The content of the range does not matter any more. A host that cannot do it does nothing. */
int disk_discard(struct disk *disk, uint64_t offset, uint64_t size);
/* The range reads as zero; `unmap`: it need not keep its space. */
int disk_zero(struct disk *disk, uint64_t offset, uint64_t size, bool unmap);

/* ---- what differs between hosts (disk_linux.c, disk_macos.c, disk_posix.c) ----------------------
 */

/* Size in bytes of what fd is open on. -ENOTBLK if it is neither a file nor a block device. */
int disk_host_size(int fd, uint64_t *size);
int disk_host_flush(int fd);
/* -EOPNOTSUPP if this file or host has no such operation. */
int disk_host_discard(int fd, uint64_t offset, uint64_t size);
int disk_host_zero(int fd, uint64_t offset, uint64_t size, bool unmap);
