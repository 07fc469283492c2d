/* SPDX-License-Identifier: MIT */
/*
 * The bus: which device answers at which guest physical address, and the rules for widths, in one
 * place. Devices are attached by the machine before the first vCPU runs and never move.
 */
#pragma once

#include "dev/dev.h"

#define BUS_MAX_DEVICES 64

struct bus {
    struct device *device[BUS_MAX_DEVICES]; /* sorted by base, no overlap */
    unsigned count;
};

/* Attach at dev->base. The bus destroys it in bus_destroy. -EEXIST on overlap, -EINVAL, -ENOSPC. */
int bus_attach(struct bus *bus, struct device *dev);
void bus_reset(struct bus *bus);
void bus_destroy(struct bus *bus);

/* The device whose window holds all of [addr, addr+width), or NULL. */
struct device *bus_find(const struct bus *bus, uint64_t addr, unsigned width);

/* One access by a vCPU, which keeps in *last the device of its last one (NULL: none yet). False if
 * no device is there: the caller injects an external abort. */
bool bus_read(const struct bus *bus, struct device **last, uint64_t addr, unsigned width,
              uint64_t *value);
bool bus_write(const struct bus *bus, struct device **last, uint64_t addr, unsigned width,
               uint64_t value);
