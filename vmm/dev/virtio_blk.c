/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk (virtio 1.2, section 5.2) on a disk image. The vCPU's thread takes requests off the
 * ring and hands them to worker threads, so that several are in flight and no vCPU waits for the
 * host's disk. A worker owns a request, its buffers in guest memory included, without the lock; the
 * ring is touched under the lock alone.
 *
 * Requests may finish in any order, as the specification allows. A flush covers the writes that
 * were finished before it was asked for. Every failure of the host reaches the guest as an I/O
 * error.
 */
#include "virtio_devices.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"

#define QUEUE       0
#define QUEUE_SIZE  128
#define WORKERS     4
#define SERIAL_SIZE 20
#define HEADER_SIZE 16
#define RANGE_SIZE  16
#define MAX_RANGES  16
/* One discard or write-zeroes range, in sectors: keeps a single request short (64 MiB). */
#define MAX_RANGE_SECTORS (1u << 17)

#define F_SEG_MAX         (UINT64_C(1) << 2)
#define F_RO              (UINT64_C(1) << 5)
#define F_BLK_SIZE        (UINT64_C(1) << 6)
#define F_FLUSH           (UINT64_C(1) << 9)
#define F_DISCARD         (UINT64_C(1) << 13)
#define F_WRITE_ZEROES    (UINT64_C(1) << 14)

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

struct request {
    struct request *next;
    uint32_t written;   /* bytes in the writable buffers, the status included */
    bool write_through; /* the driver does not know of flushes */
    struct virtq_chain chain;
};

struct virtio_blk {
    struct virtio v;
    struct disk *disk;
    char serial[SERIAL_SIZE];

    /* Guarded by the device's lock. */
    struct request *first, **last; /* taken off the ring, not yet begun */
    struct request *spare;
    unsigned active; /* in the hands of workers */
    unsigned workers;
    bool stop;
    bool warned;
    pthread_cond_t work; /* first, stop */
    pthread_cond_t idle; /* active */
    pthread_t worker[WORKERS];
};

static uint64_t get_le(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static void put_le(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* ---- one request, on a worker, without the lock -------------------------------------------------
 */

/* Cut `size` bytes off the front of the readable, or the end of the writable, buffers. */
static void trim_front(struct iovec **iov, unsigned *count, size_t size)
{
    while (*count && size >= (*iov)->iov_len) {
        size -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count && size) {
        (*iov)->iov_base = (uint8_t *)(*iov)->iov_base + size;
        (*iov)->iov_len -= size;
    }
}

static bool in_range(const struct disk *disk, uint64_t sector, uint64_t bytes)
{
    uint64_t sectors = disk->size / DISK_SECTOR;
    return bytes % DISK_SECTOR == 0 && sector <= sectors && bytes / DISK_SECTOR <= sectors - sector;
}

/* Ranges of a discard or write-zeroes request (5.2.6): checked one by one, then done. */
static int do_ranges(struct virtio_blk *blk, struct request *r, uint32_t type, uint64_t size)
{
    uint8_t raw[MAX_RANGES * RANGE_SIZE];
    if (size == 0 || size % RANGE_SIZE || size > sizeof raw)
        return -EINVAL;
    iov_read(r->chain.out, r->chain.out_count, 0, raw, (size_t)size);
    for (uint64_t at = 0; at < size; at += RANGE_SIZE) {
        uint64_t sector = get_le(raw + at, 8);
        uint64_t sectors = get_le(raw + at + 8, 4);
        uint32_t flags = (uint32_t)get_le(raw + at + 12, 4);
        bool zero = type == T_WRITE_ZEROES;
        if (flags & (zero ? ~1u : ~0u))
            return -EOPNOTSUPP;
        if (sectors > MAX_RANGE_SECTORS || !in_range(blk->disk, sector, sectors * DISK_SECTOR))
            return -EINVAL;
        if (sectors == 0)
            continue;
        uint64_t offset = sector * DISK_SECTOR, bytes = sectors * DISK_SECTOR;
        int err = zero ? disk_zero(blk->disk, offset, bytes, flags & 1)
                       : disk_discard(blk->disk, offset, bytes);
        if (err)
            return err;
    }
    return 0;
}

/* What the request asks for. 0 or -errno; *filled: bytes of data for the driver. */
static int perform(struct virtio_blk *blk, struct request *r, uint32_t type, uint64_t sector,
                   uint64_t out_size, uint64_t in_size, uint64_t *filled)
{
    struct virtq_chain *chain = &r->chain;
    bool writes = type == T_OUT || type == T_DISCARD || type == T_WRITE_ZEROES;
    int err;
    if (writes && blk->disk->read_only)
        return -EROFS;
    switch (type) {
    case T_IN:
        if (!in_range(blk->disk, sector, in_size))
            return -EINVAL;
        err = disk_read(blk->disk, chain->in, chain->in_count, sector * DISK_SECTOR);
        *filled = err ? 0 : in_size;
        return err;
    case T_OUT:
        if (!in_range(blk->disk, sector, out_size))
            return -EINVAL;
        err = disk_write(blk->disk, chain->out, chain->out_count, sector * DISK_SECTOR);
        break;
    case T_FLUSH: return disk_flush(blk->disk);
    case T_GET_ID:
        *filled = iov_write(chain->in, chain->in_count, 0, blk->serial,
                            in_size < SERIAL_SIZE ? (size_t)in_size : SERIAL_SIZE);
        return 0;
    case T_DISCARD:
    case T_WRITE_ZEROES: err = do_ranges(blk, r, type, out_size); break;
    default: return -EOPNOTSUPP;
    }
    return err || !r->write_through ? err : disk_flush(blk->disk);
}

/* Find the status byte, the last of the writable ones, and take it off the data. NULL: none. */
static uint8_t *take_status(struct virtq_chain *chain)
{
    if (chain->in_count == 0)
        return NULL;
    struct iovec *last = &chain->in[chain->in_count - 1];
    uint8_t *status = (uint8_t *)last->iov_base + last->iov_len - 1;
    if (--last->iov_len == 0)
        chain->in_count--;
    chain->in_size--;
    return status;
}

/* False: the request has no header or no room for a status. */
static bool execute(struct virtio_blk *blk, struct request *r, int *err)
{
    struct virtq_chain *chain = &r->chain;
    uint8_t header[HEADER_SIZE];
    uint64_t filled = 0;
    uint8_t *status = take_status(chain);
    if (!status || iov_read(chain->out, chain->out_count, 0, header, HEADER_SIZE) != HEADER_SIZE)
        return false;
    trim_front(&chain->out, &chain->out_count, HEADER_SIZE);
    uint64_t in_size = chain->in_size;
    *err = perform(blk, r, (uint32_t)get_le(header, 4), get_le(header + 8, 8),
                   chain->out_size - HEADER_SIZE, in_size, &filled);
    *status = *err == 0 ? S_OK : *err == -EOPNOTSUPP ? S_UNSUPP : S_IOERR;
    /* The status lies behind the whole data: "written" tells of an unbroken run of bytes only. */
    r->written = filled == in_size ? (uint32_t)(filled + 1) : (uint32_t)filled;
    return true;
}

/* ---- workers ------------------------------------------------------------------------------------
 */

static void finish(struct virtio_blk *blk, struct request *r, bool good, int err)
{
    if (good)
        virtq_push(&blk->v.vq[QUEUE], &r->chain, r->written);
    else
        virtio_broken(&blk->v);
    r->next = blk->spare;
    blk->spare = r;
    if (err && err != -EINVAL && err != -EOPNOTSUPP && err != -EROFS && !blk->warned) {
        blk->warned = true; /* once: the guest can fail as often as it likes */
        log_warn("disk '%s': %s (the guest got an I/O error)", blk->disk->path, strerror(-err));
    }
    virtio_signal(&blk->v, QUEUE);
}

static void *worker(void *context)
{
    struct virtio_blk *blk = context;
    virtio_lock(&blk->v);
    for (;;) {
        while (!blk->first && !blk->stop)
            pthread_cond_wait(&blk->work, &blk->v.dev.lock);
        struct request *r = blk->first;
        if (!r)
            break;
        blk->first = r->next;
        if (!blk->first)
            blk->last = &blk->first;
        blk->active++;
        virtio_unlock(&blk->v);
        int err = 0;
        bool good = execute(blk, r, &err);
        virtio_lock(&blk->v);
        finish(blk, r, good, err);
        if (--blk->active == 0)
            pthread_cond_broadcast(&blk->idle);
    }
    virtio_unlock(&blk->v);
    return NULL;
}

/* With the first request; a machine whose disk is never used has no threads for it. Signals stay
 * with the main thread. */
static bool start_workers(struct virtio_blk *blk)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (blk->workers < WORKERS &&
           pthread_create(&blk->worker[blk->workers], NULL, worker, blk) == 0)
        blk->workers++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return blk->workers > 0;
}

/* ---- the device ---------------------------------------------------------------------------------
 */

static struct request *new_request(struct virtio_blk *blk)
{
    struct request *r = blk->spare;
    if (r)
        blk->spare = r->next;
    else
        r = malloc(sizeof *r);
    return r;
}

static void blk_notify(struct virtio *v, unsigned queue)
{
    struct virtio_blk *blk = (struct virtio_blk *)v;
    if (blk->workers == 0 && !start_workers(blk)) {
        virtio_broken(v);
        return;
    }
    for (;;) {
        struct request *r = new_request(blk);
        if (!r) {
            virtio_broken(v);
            return;
        }
        if (!virtio_pop(v, queue, &r->chain)) {
            r->next = blk->spare;
            blk->spare = r;
            /* Ends: what waits is bounded by the ring, and workers need the lock to give it back.
             */
            if (virtio_live(v) && virtq_rearm(&v->vq[queue]))
                continue;
            return;
        }
        r->next = NULL;
        r->written = 0;
        r->write_through = !virtio_has(v, F_FLUSH);
        *blk->last = r;
        blk->last = &r->next;
        pthread_cond_signal(&blk->work);
    }
}

static void blk_reset(struct virtio *v)
{
    struct virtio_blk *blk = (struct virtio_blk *)v;
    while (blk->first) {
        struct request *r = blk->first;
        blk->first = r->next;
        r->next = blk->spare;
        blk->spare = r;
    }
    blk->last = &blk->first;
    while (blk->active)
        pthread_cond_wait(&blk->idle, &v->dev.lock);
}

static void blk_drain(struct virtio *v)
{
    struct virtio_blk *blk = (struct virtio_blk *)v;
    while (blk->first || blk->active)
        pthread_cond_wait(&blk->idle, &v->dev.lock);
}

/* struct virtio_blk_config (5.2.4), by offset. */
static void blk_config_read(struct virtio *v, uint32_t offset, void *to, uint32_t size)
{
    const struct virtio_blk *blk = (const struct virtio_blk *)v;
    uint8_t config[60] = {0};
    put_le(config + 0, blk->disk->size / DISK_SECTOR, 8);
    put_le(config + 12, QUEUE_SIZE - 2, 4);     /* seg_max: header and status take two */
    put_le(config + 20, DISK_SECTOR, 4);        /* blk_size */
    put_le(config + 34, 1, 2);                  /* num_queues */
    put_le(config + 36, MAX_RANGE_SECTORS, 4);  /* max_discard_sectors */
    put_le(config + 40, MAX_RANGES, 4);         /* max_discard_seg */
    put_le(config + 44, 4096 / DISK_SECTOR, 4); /* discard_sector_alignment */
    put_le(config + 48, MAX_RANGE_SECTORS, 4);  /* max_write_zeroes_sectors */
    put_le(config + 52, MAX_RANGES, 4);         /* max_write_zeroes_seg */
    put_le(config + 56, 1, 1);                  /* write_zeroes_may_unmap */
    memcpy(to, config + offset, size);
}

static void blk_destroy(struct virtio *v)
{
    struct virtio_blk *blk = (struct virtio_blk *)v;
    virtio_lock(v);
    blk_reset(v);
    blk->stop = true;
    pthread_cond_broadcast(&blk->work);
    virtio_unlock(v);
    for (unsigned i = 0; i < blk->workers; i++)
        pthread_join(blk->worker[i], NULL);
    while (blk->spare) {
        struct request *r = blk->spare;
        blk->spare = r->next;
        free(r);
    }
    disk_close(blk->disk);
    pthread_cond_destroy(&blk->work);
    pthread_cond_destroy(&blk->idle);
    pthread_mutex_destroy(&v->dev.lock);
    free(blk);
}

static const struct virtio_ops blk_ops = {
    .name = "virtio-blk",
    .device_id = VIRTIO_ID_BLOCK,
    .queues = 1,
    .queue_size = QUEUE_SIZE,
    .config_size = 60,
    .config_read = blk_config_read,
    .notify = blk_notify,
    .reset = blk_reset,
    .drain = blk_drain,
    .destroy = blk_destroy,
};

int virtio_blk_create(struct virtio **v, const char *name, const struct mem *mem, struct disk *disk,
                      const char *serial)
{
    struct virtio_blk *blk = calloc(1, sizeof *blk);
    if (!blk)
        return -ENOMEM;
    uint64_t features = VIRTIO_F_RING_PACKED | F_SEG_MAX | F_BLK_SIZE | F_FLUSH;
    features |= disk->read_only ? F_RO : F_DISCARD | F_WRITE_ZEROES;
    int err = virtio_init(&blk->v, &blk_ops, name, features, mem);
    if (!err)
        err = -pthread_cond_init(&blk->work, NULL);
    if (!err)
        err = -pthread_cond_init(&blk->idle, NULL);
    if (err) {
        free(blk);
        return err;
    }
    blk->disk = disk;
    blk->last = &blk->first;
    if (serial)
        memcpy(blk->serial, serial, strnlen(serial, SERIAL_SIZE));
    *v = &blk->v;
    return 0;
}
