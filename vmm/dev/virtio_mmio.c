/* SPDX-License-Identifier: MIT */
/*
 * virtio over MMIO, version 2: the registers of virtio 1.2, section 4.2.2, and the life of a device
 * (section 3.1). Runs on vCPU threads with the device's lock held.
 *
 * A driver that does things out of order is ignored (a write that the section forbids has no
 * effect); one whose rings are nonsense gets DEVICE_NEEDS_RESET.
 */
#include "virtio.h"

#include <errno.h>
#include <string.h>

enum {
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_SIZE_MAX = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC_LOW = 0x080,
    QUEUE_DESC_HIGH = 0x084,
    QUEUE_DRIVER_LOW = 0x090,
    QUEUE_DRIVER_HIGH = 0x094,
    QUEUE_DEVICE_LOW = 0x0a0,
    QUEUE_DEVICE_HIGH = 0x0a4,
    SHM_LEN_LOW = 0x0b0,
    SHM_LEN_HIGH = 0x0b4,
    SHM_BASE_LOW = 0x0b8,
    SHM_BASE_HIGH = 0x0bc,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
};

#define VENDOR        0x554d5654u /* "TVMU": whom to blame */

#define ISR_USED      1u
#define ISR_CONFIG    2u

#define STATE_VERSION 2

bool virtio_live(const struct virtio *v)
{
    return (v->status & (VIRTIO_DRIVER_OK | VIRTIO_NEEDS_RESET | VIRTIO_FAILED)) ==
               VIRTIO_DRIVER_OK &&
           !v->resetting;
}

bool virtio_has(const struct virtio *v, uint64_t feature)
{
    return v->driver_features & feature;
}

static void raise_irq(struct virtio *v, uint8_t cause)
{
    v->isr |= cause;
    device_set_irq(&v->dev, true);
}

void virtio_signal(struct virtio *v, unsigned queue)
{
    if (virtio_live(v) && virtq_wants_signal(&v->vq[queue]))
        raise_irq(v, ISR_USED);
}

void virtio_config_changed(struct virtio *v)
{
    v->generation++;
    if (virtio_live(v))
        raise_irq(v, ISR_CONFIG);
}

void virtio_broken(struct virtio *v)
{
    if (v->status & VIRTIO_NEEDS_RESET)
        return;
    bool running = v->status & VIRTIO_DRIVER_OK;
    v->status |= VIRTIO_NEEDS_RESET;
    if (running)
        raise_irq(v, ISR_CONFIG); /* 2.1.2: tell a driver that is running */
}

bool virtio_pop(struct virtio *v, unsigned queue, struct virtq_chain *chain)
{
    if (!virtio_live(v))
        return false;
    int got = virtq_pop(&v->vq[queue], chain);
    if (got < 0)
        virtio_broken(v);
    return got > 0;
}

/* ---- life --------------------------------------------------------------------------------------
 */

static void reset(struct virtio *v)
{
    /* First nobody may touch the rings, then the work in flight must end, then they are forgotten.
     * `resetting` keeps another vCPU out while the lock is given up. */
    v->resetting = true;
    if (v->ops->reset)
        v->ops->reset(v);
    for (unsigned i = 0; i < v->ops->queues; i++)
        virtq_reset(&v->vq[i]);
    v->driver_features = 0;
    v->features_sel = v->driver_features_sel = v->queue_sel = 0;
    v->status = 0;
    v->isr = 0;
    v->resetting = false;
    device_set_irq(&v->dev, false);
}

static void notify_queue(struct virtio *v, uint32_t queue)
{
    if (queue < v->ops->queues && virtio_live(v) && v->vq[queue].ready)
        v->ops->notify(v, queue);
}

static void write_status(struct virtio *v, uint32_t value)
{
    if (value == 0) {
        reset(v);
        return;
    }
    uint8_t want = (uint8_t)value & ~VIRTIO_NEEDS_RESET;
    uint8_t have = v->status;
    if (have & ~want & ~VIRTIO_NEEDS_RESET)
        return; /* 2.1.1: the driver must not clear a bit */
    uint8_t added = want & (uint8_t)~have;
    if (added & VIRTIO_FEATURES_OK) {
        uint64_t f = v->driver_features;
        bool good = (want & VIRTIO_DRIVER) && !(f & ~v->features) && (f & VIRTIO_F_VERSION_1);
        if (!good)
            added &= (uint8_t)~VIRTIO_FEATURES_OK; /* 3.1.1: the driver reads it back */
    }
    if ((added & VIRTIO_DRIVER_OK) && !((have | added) & VIRTIO_FEATURES_OK))
        added &= (uint8_t)~VIRTIO_DRIVER_OK;
    v->status = have | added;
    if (!(added & VIRTIO_DRIVER_OK))
        return;
    /* What was made available before counts now (3.1.1). */
    for (unsigned i = 0; i < v->ops->queues; i++)
        notify_queue(v, i);
}

static void write_ready(struct virtio *v, uint32_t value)
{
    struct virtq *vq = &v->vq[v->queue_sel];
    if (!(value & 1)) {
        /* A running queue stops by a reset of the device alone: chains may be in flight. */
        if (vq->ready && !(v->status & VIRTIO_DRIVER_OK))
            vq->ready = false;
        return;
    }
    if (vq->ready || !(v->status & VIRTIO_FEATURES_OK))
        return;
    if (!virtq_start(vq, virtio_has(v, VIRTIO_F_RING_PACKED), virtio_has(v, VIRTIO_F_EVENT_IDX),
                     virtio_has(v, VIRTIO_F_INDIRECT_DESC)))
        virtio_broken(v);
}

/* ---- registers ---------------------------------------------------------------------------------
 */

static void set_half(uint64_t *value, bool high, uint32_t half)
{
    unsigned shift = high ? 32 : 0;
    *value = (*value & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)half << shift;
}

/* Registers of the selected queue; only while it is not ready (4.2.2.2). */
static void write_queue(struct virtio *v, uint64_t offset, uint32_t value)
{
    if (v->queue_sel >= v->ops->queues)
        return;
    struct virtq *vq = &v->vq[v->queue_sel];
    if (offset == QUEUE_READY) {
        write_ready(v, value);
        return;
    }
    if (vq->ready)
        return;
    switch (offset) {
    case QUEUE_SIZE: vq->size = value <= vq->size_max ? (uint16_t)value : 0; break;
    case QUEUE_DESC_LOW: set_half(&vq->desc, false, value); break;
    case QUEUE_DESC_HIGH: set_half(&vq->desc, true, value); break;
    case QUEUE_DRIVER_LOW: set_half(&vq->avail, false, value); break;
    case QUEUE_DRIVER_HIGH: set_half(&vq->avail, true, value); break;
    case QUEUE_DEVICE_LOW: set_half(&vq->used, false, value); break;
    case QUEUE_DEVICE_HIGH: set_half(&vq->used, true, value); break;
    default: break;
    }
}

static uint32_t read_features(const struct virtio *v)
{
    return v->features_sel < 2 ? (uint32_t)(v->features >> (32 * v->features_sel)) : 0;
}

static void write_features(struct virtio *v, uint32_t value)
{
    if (v->driver_features_sel < 2 && !(v->status & VIRTIO_FEATURES_OK))
        set_half(&v->driver_features, v->driver_features_sel == 1, value);
}

static uint64_t config_read(struct virtio *v, uint64_t offset, unsigned width)
{
    uint8_t b[8] = {0};
    uint64_t value = 0;
    if (offset + width <= v->ops->config_size)
        v->ops->config_read(v, (uint32_t)offset, b, width);
    for (unsigned i = 0; i < width; i++)
        value |= (uint64_t)b[i] << (8 * i);
    return value;
}

static void config_write(struct virtio *v, uint64_t offset, unsigned width, uint64_t value)
{
    uint8_t b[8];
    for (unsigned i = 0; i < width; i++)
        b[i] = (uint8_t)(value >> (8 * i));
    if (v->ops->config_write && offset + width <= v->ops->config_size)
        v->ops->config_write(v, (uint32_t)offset, b, width);
}

static uint64_t mmio_read(struct device *dev, uint64_t offset, unsigned width)
{
    struct virtio *v = (struct virtio *)dev;
    if (offset >= CONFIG)
        return config_read(v, offset - CONFIG, width);
    if (width != 4)
        return 0; /* 4.2.2.1: 32-bit accesses only */
    const struct virtq *vq = v->queue_sel < v->ops->queues ? &v->vq[v->queue_sel] : NULL;
    switch (offset) {
    case MAGIC_VALUE: return VIRTIO_MMIO_MAGIC;
    case VERSION: return VIRTIO_MMIO_VERSION;
    case DEVICE_ID: return v->ops->device_id;
    case VENDOR_ID: return VENDOR;
    case DEVICE_FEATURES: return read_features(v);
    case QUEUE_SIZE_MAX: return vq ? vq->size_max : 0;
    case QUEUE_READY: return vq && vq->ready;
    case INTERRUPT_STATUS: return v->isr;
    case STATUS: return v->status;
    case SHM_LEN_LOW:
    case SHM_LEN_HIGH:
    case SHM_BASE_LOW:
    case SHM_BASE_HIGH: return 0xffffffffu; /* no shared memory region */
    case CONFIG_GENERATION: return v->generation;
    default: return 0;
    }
}

static void mmio_write(struct device *dev, uint64_t offset, unsigned width, uint64_t value64)
{
    struct virtio *v = (struct virtio *)dev;
    if (v->resetting)
        return;
    if (offset >= CONFIG) {
        config_write(v, offset - CONFIG, width, value64);
        return;
    }
    if (width != 4)
        return;
    uint32_t value = (uint32_t)value64;
    switch (offset) {
    case DEVICE_FEATURES_SEL: v->features_sel = value; break;
    case DRIVER_FEATURES: write_features(v, value); break;
    case DRIVER_FEATURES_SEL: v->driver_features_sel = value; break;
    case QUEUE_SEL: v->queue_sel = value; break;
    case QUEUE_NOTIFY: notify_queue(v, value); break;
    case INTERRUPT_ACK:
        v->isr &= (uint8_t)~value;
        device_set_irq(&v->dev, v->isr != 0);
        break;
    case STATUS: write_status(v, value); break;
    default: write_queue(v, offset, value); break;
    }
}

static void mmio_reset(struct device *dev)
{
    struct virtio *v = (struct virtio *)dev;
    reset(v);
    v->generation = 0;
}

/* ---- saved state -------------------------------------------------------------------------------
 */

static size_t mmio_save(struct device *dev, uint8_t *buf, size_t size)
{
    struct virtio *v = (struct virtio *)dev;
    struct state_out out = {.buf = buf, .size = size};
    if (v->ops->drain)
        v->ops->drain(v);
    put_u32(&out, STATE_VERSION);
    put_u32(&out, v->ops->device_id);
    put_u64(&out, v->driver_features);
    put_u32(&out, v->features_sel);
    put_u32(&out, v->driver_features_sel);
    put_u32(&out, v->queue_sel);
    put_u8(&out, v->status);
    put_u8(&out, v->isr);
    put_u32(&out, v->generation);
    for (unsigned i = 0; i < v->ops->queues; i++)
        virtq_save(&v->vq[i], &out);
    return out.used;
}

static bool restore_fields(struct virtio *v, struct state_in *in)
{
    if (get_u32(in) != STATE_VERSION || get_u32(in) != v->ops->device_id)
        return false;
    v->driver_features = get_u64(in);
    v->features_sel = get_u32(in);
    v->driver_features_sel = get_u32(in);
    v->queue_sel = get_u32(in);
    v->status = get_u8(in);
    v->isr = get_u8(in);
    v->generation = get_u32(in);
    if ((v->status & VIRTIO_FEATURES_OK) && (v->driver_features & ~v->features))
        return false; /* saved with a feature that this device does not have */
    for (unsigned i = 0; i < v->ops->queues; i++) {
        if (!virtq_restore(&v->vq[i], in))
            return false;
    }
    return state_whole(in);
}

static int mmio_restore(struct device *dev, const uint8_t *buf, size_t size)
{
    struct virtio *v = (struct virtio *)dev;
    struct state_in in = {.buf = buf, .size = size};
    /* Read into a device that is not there, so that a bad state leaves this one as it is. */
    struct virtio n = {.ops = v->ops, .mem = v->mem, .features = v->features};
    for (unsigned i = 0; i < v->ops->queues; i++)
        virtq_init(&n.vq[i], v->mem, v->ops->queue_size);
    if (!restore_fields(&n, &in))
        return -EINVAL;
    reset(v);
    v->driver_features = n.driver_features;
    v->features_sel = n.features_sel;
    v->driver_features_sel = n.driver_features_sel;
    v->queue_sel = n.queue_sel;
    v->status = n.status;
    v->isr = n.isr;
    v->generation = n.generation;
    memcpy(v->vq, n.vq, sizeof v->vq);
    device_set_irq(dev, v->isr != 0);
    /* Chains may have been waiting when the state was saved. */
    for (unsigned i = 0; i < v->ops->queues; i++)
        notify_queue(v, i);
    return 0;
}

static void mmio_destroy(struct device *dev)
{
    struct virtio *v = (struct virtio *)dev;
    v->ops->destroy(v);
}

static const struct device_node mmio_node = {
    .name = "virtio_mmio",
    .compatible = "virtio,mmio\0",
    .dma = true,
};

static const struct device_ops mmio_ops = {
    .name = "virtio-mmio",
    .node = &mmio_node,
    .widths = DEV_WIDTH_ANY,
    .read = mmio_read,
    .write = mmio_write,
    .reset = mmio_reset,
    .save = mmio_save,
    .restore = mmio_restore,
    .destroy = mmio_destroy,
};

int virtio_init(struct virtio *v, const struct virtio_ops *ops, const char *name, uint64_t features,
                const struct mem *mem)
{
    v->ops = ops;
    v->mem = mem;
    v->features = features | VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
    for (unsigned i = 0; i < ops->queues; i++)
        virtq_init(&v->vq[i], mem, ops->queue_size);
    return device_init(&v->dev, &mmio_ops, name, VIRTIO_MMIO_SIZE);
}
