/* SPDX-License-Identifier: MIT */
/*
 * MMIO dispatch. The table is complete before the first vCPU runs, so lookups take no lock; each
 * access holds the device's own lock, but for registers that the device shows without.
 *
 * Width rules: an access must lie inside one device's window, else nobody is there. A width that
 * the device does not take reads as zero and is not written, as on the boards whose drivers we run.
 */
#include "bus.h"

#include <errno.h>
#include <string.h>

int device_init(struct device *dev, const struct device_ops *ops, const char *name, uint64_t size)
{
    dev->ops = ops;
    dev->name = name;
    dev->size = size;
    return -pthread_mutex_init(&dev->lock, NULL);
}

int bus_attach(struct bus *bus, struct device *dev)
{
    if (dev->size == 0 || dev->base > UINT64_MAX - dev->size)
        return -EINVAL;
    if (bus->count == BUS_MAX_DEVICES)
        return -ENOSPC;
    unsigned at = 0;
    while (at < bus->count && bus->device[at]->base + bus->device[at]->size <= dev->base)
        at++;
    if (at < bus->count && bus->device[at]->base < dev->base + dev->size)
        return -EEXIST;
    memmove(&bus->device[at + 1], &bus->device[at], (bus->count - at) * sizeof(bus->device[0]));
    bus->device[at] = dev;
    bus->count++;
    return 0;
}

void bus_reset(struct bus *bus)
{
    for (unsigned i = 0; i < bus->count; i++) {
        struct device *dev = bus->device[i];
        if (!dev->ops->reset)
            continue;
        pthread_mutex_lock(&dev->lock);
        dev->ops->reset(dev);
        pthread_mutex_unlock(&dev->lock);
    }
}

void bus_destroy(struct bus *bus)
{
    for (unsigned i = 0; i < bus->count; i++) {
        struct device *dev = bus->device[i];
        if (dev->ops->destroy)
            dev->ops->destroy(dev);
    }
    bus->count = 0;
}

/* An address below the base is an offset beyond every size: no device reaches the end of the
 * address space (bus_attach). */
static bool covers(const struct device *dev, uint64_t addr, unsigned width)
{
    uint64_t offset = addr - dev->base;
    return offset < dev->size && dev->size - offset >= width;
}

struct device *bus_find(const struct bus *bus, uint64_t addr, unsigned width)
{
    unsigned low = 0, high = bus->count;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        struct device *dev = bus->device[mid];
        if (addr < dev->base)
            high = mid;
        else if (addr - dev->base >= dev->size)
            low = mid + 1;
        else
            return covers(dev, addr, width) ? dev : NULL;
    }
    return NULL;
}

static __attribute__((noinline)) struct device *
find_other(const struct bus *bus, struct device **last, uint64_t addr, unsigned width)
{
    struct device *dev = bus_find(bus, addr, width);
    if (dev)
        *last = dev;
    return dev;
}

/* Most often it is the device of the last time. */
static inline struct device *find(const struct bus *bus, struct device **last, uint64_t addr,
                                  unsigned width)
{
    struct device *dev = *last;
    return dev && covers(dev, addr, width) ? dev : find_other(bus, last, addr, width);
}

/* `width` is 1, 2, 4 or 8. */
static uint64_t cut(uint64_t value, unsigned width)
{
    return value & UINT64_MAX >> (64 - width * 8);
}

static __attribute__((noinline)) uint64_t locked_read(struct device *dev, uint64_t offset,
                                                      unsigned width)
{
    pthread_mutex_lock(&dev->lock);
    uint64_t value = dev->ops->read(dev, offset, width);
    pthread_mutex_unlock(&dev->lock);
    return cut(value, width);
}

bool bus_read(const struct bus *bus, struct device **last, uint64_t addr, unsigned width,
              uint64_t *value)
{
    struct device *dev = find(bus, last, addr, width);
    if (!dev)
        return false;
    const struct device_ops *ops = dev->ops;
    uint64_t offset = addr - dev->base;
    if (!(ops->widths & width))
        *value = 0;
    else if (ops->peek && ops->peek(dev, offset, value))
        *value = cut(*value, width);
    else
        *value = ops->read ? locked_read(dev, offset, width) : 0;
    return true;
}

bool bus_write(const struct bus *bus, struct device **last, uint64_t addr, unsigned width,
               uint64_t value)
{
    struct device *dev = find(bus, last, addr, width);
    if (!dev)
        return false;
    if (!(dev->ops->widths & width) || !dev->ops->write)
        return true;
    pthread_mutex_lock(&dev->lock);
    dev->ops->write(dev, addr - dev->base, width, cut(value, width));
    pthread_mutex_unlock(&dev->lock);
    return true;
}
