/* SPDX-License-Identifier: MIT */
/*
 * What a device is: a window of guest physical addresses with a read and a write, and the state
 * behind it in a form that can be saved. A device sees this header, mem.h, log.h, clock.h,
 * console.h and loop.h; it never sees a vCPU or a VM. The machine (machine_*.c) creates it and says
 * where it lives.
 *
 * `lock` is held by the bus around read, write, reset, save and restore (not around peek); a device
 * takes it by itself in its event-loop callbacks. Offsets are below `size`, widths are 1, 2, 4 or 8
 * and allowed by `widths`; values come zero-extended and go back the same way.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;

/* Bits of `widths`: the access sizes in bytes are their own bits. */
#define DEV_WIDTH_8   1u
#define DEV_WIDTH_16  2u
#define DEV_WIDTH_32  4u
#define DEV_WIDTH_64  8u
#define DEV_WIDTH_ANY 15u

/* What the device tree says of a device beyond its address and interrupt. The lists are strings,
 * each with its NUL, the last one followed by a second. */
struct device_node {
    const char *name;       /* of the node: "pl011" */
    const char *compatible; /* list */
    const char *clocks;     /* list of clock-names, all of them the bus clock; NULL: none */
    bool dma;               /* reads and writes guest memory, coherently */
};

struct device_ops {
    const char *name;               /* "pl011" */
    const struct device_node *node; /* NULL: not in the device tree */
    unsigned widths; /* access widths that reach read and write; any other reads 0 and is ignored */
    /* Optional: the register at `offset`, if reading it changes nothing now; false: ask read. Any
     * thread, WITHOUT the lock, at the same time as anything else: for what guests look at over and
     * over. */
    bool (*peek)(struct device *dev, uint64_t offset, uint64_t *value);
    uint64_t (*read)(struct device *dev, uint64_t offset, unsigned width);
    void (*write)(struct device *dev, uint64_t offset, unsigned width, uint64_t value);
    /* As after power-on. */
    void (*reset)(struct device *dev);
    /* Guest-visible state as little-endian fields. save: bytes needed; writes if they fit in
     * `size`. restore: checks everything, 0 or -EINVAL and unchanged. NULL: the device has no
     * state. */
    size_t (*save)(struct device *dev, uint8_t *buf, size_t size);
    int (*restore)(struct device *dev, const uint8_t *buf, size_t size);
    /* Free the device and its host descriptors. */
    void (*destroy)(struct device *dev);
};

struct device {
    const struct device_ops *ops;
    const char *name;     /* unique in the VM: "pl011", "virtio-blk0" */
    uint64_t base;        /* guest physical address, set by the machine */
    uint64_t size;        /* bytes */
    unsigned intid;       /* its interrupt (GIC INTID), 0: none */
    bool line;            /* what device_set_irq() last said */
    pthread_mutex_t lock; /* made by device_init, destroyed with the device */
};

/* For the device's creator: the fields that do not depend on the machine, and the lock. 0 or
 * -errno. */
int device_init(struct device *dev, const struct device_ops *ops, const char *name, uint64_t size);

/* The device's interrupt line, level-triggered. Any thread, with the lock held. */
void device_set_irq(struct device *dev, bool level);
