/* SPDX-License-Identifier: MIT */
/*
 * What a virtio device and its transport know of each other. The rings are virtq.h; the registers
 * are virtio_mmio.c; a device (virtio_blk.c, ...) supplies struct virtio_ops and never sees a
 * register.
 *
 * Everything is guarded by the lock of the bus device (virtio_lock): the transport's callers hold
 * it, a device takes it in its own threads and event-loop callbacks.
 */
#pragma once

#include "dev.h"
#include "virtq.h"

/* Device numbers (virtio 1.2, section 5). */
#define VIRTIO_ID_BLOCK   2
#define VIRTIO_ID_CONSOLE 3
#define VIRTIO_ID_RNG     4

/* Feature bits that belong to no device (section 6). */
#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)
#define VIRTIO_F_RING_PACKED   (UINT64_C(1) << 34)

/* Device status (section 2.1). */
#define VIRTIO_ACKNOWLEDGE 1u
#define VIRTIO_DRIVER      2u
#define VIRTIO_DRIVER_OK   4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_NEEDS_RESET 64u
#define VIRTIO_FAILED      128u

#define VIRTIO_MAX_QUEUES  2

/* The register window (section 4.2.2). */
#define VIRTIO_MMIO_SIZE    0x200
#define VIRTIO_MMIO_MAGIC   0x74726976u /* "virt" */
#define VIRTIO_MMIO_VERSION 2u

struct virtio;

struct virtio_ops {
    const char *name;   /* "virtio-blk" */
    uint32_t device_id; /* VIRTIO_ID_... */
    unsigned queues;    /* 1..VIRTIO_MAX_QUEUES */
    uint16_t queue_size;
    /* Configuration space, `size` bytes from `offset`, inside config_size. write may be NULL. */
    uint32_t config_size;
    void (*config_read)(struct virtio *v, uint32_t offset, void *to, uint32_t size);
    void (*config_write)(struct virtio *v, uint32_t offset, const void *from, uint32_t size);
    /* The driver has put chains into a queue (or may have). Only while the device is live. */
    void (*notify)(struct virtio *v, unsigned queue);
    /* Forget everything in flight; when it returns, guest memory is not touched any more. The lock
     * may be given up while it waits. May be NULL. */
    void (*reset)(struct virtio *v);
    /* Finish what is in flight, so that the state of the queues is the whole state. Like reset. */
    void (*drain)(struct virtio *v);
    /* No device has guest-visible state beyond transport and queues: none is saved. */
    void (*destroy)(struct virtio *v);
};

/* First member of every virtio device. */
struct virtio {
    struct device dev; /* the register window */
    const struct virtio_ops *ops;
    const struct mem *mem;
    uint64_t features; /* offered; the ring features are added by virtio_init */

    /* Driven by the transport. */
    uint64_t driver_features;
    uint32_t features_sel, driver_features_sel, queue_sel;
    uint8_t status;
    uint8_t isr;         /* bit 0: used buffers, bit 1: configuration change */
    uint32_t generation; /* of the configuration space */
    bool resetting;      /* a reset waits for host work to end */
    struct virtq vq[VIRTIO_MAX_QUEUES];
};

/* Prepare a device: `name` must outlive it ("virtio-blk0"); ops and features are set here. */
int virtio_init(struct virtio *v, const struct virtio_ops *ops, const char *name, uint64_t features,
                const struct mem *mem);

static inline void virtio_lock(struct virtio *v)
{
    pthread_mutex_lock(&v->dev.lock);
}

static inline void virtio_unlock(struct virtio *v)
{
    pthread_mutex_unlock(&v->dev.lock);
}

/* DRIVER_OK and not broken: queues may be served. */
bool virtio_live(const struct virtio *v);
bool virtio_has(const struct virtio *v, uint64_t feature);

/* Chains have been pushed: interrupt the driver if it wants to know. */
void virtio_signal(struct virtio *v, unsigned queue);
/* The configuration space has changed. */
void virtio_config_changed(struct virtio *v);
/* The driver has broken the rules: DEVICE_NEEDS_RESET until it resets the device (2.1.2). */
void virtio_broken(struct virtio *v);

/* Take a chain like virtq_pop; breaks the whole device when the queue is broken. True if there is
 * one. */
bool virtio_pop(struct virtio *v, unsigned queue, struct virtq_chain *chain);
