/* SPDX-License-Identifier: MIT */
/*
 * virtio-mmio slots with nothing in them: programs for the virt board that do not read the device
 * tree look at every slot, and device number 0 tells them to pass on (virtio 1.2, section 4.2.2).
 */
#include "virtio_devices.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t empty_read(struct device *dev, uint64_t offset, unsigned width)
{
    (void)dev;
    (void)width;
    switch (offset % VIRTIO_MMIO_SIZE) {
    case 0: return VIRTIO_MMIO_MAGIC;
    case 4: return VIRTIO_MMIO_VERSION;
    default: return 0;
    }
}

static void empty_destroy(struct device *dev)
{
    pthread_mutex_destroy(&dev->lock);
    free(dev);
}

static const struct device_ops empty_ops = {
    .name = "virtio-empty",
    .widths = DEV_WIDTH_32,
    .read = empty_read,
    .destroy = empty_destroy,
};

int virtio_empty_create(struct device **dev, unsigned slots)
{
    struct device *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    int err = device_init(d, &empty_ops, "virtio-empty", (uint64_t)slots * VIRTIO_MMIO_SIZE);
    if (err) {
        free(d);
        return err;
    }
    *dev = d;
    return 0;
}
