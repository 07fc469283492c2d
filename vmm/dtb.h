/* SPDX-License-Identifier: MIT */
/*
 * The device tree of machine virt. What it says comes from one structure and from the devices on
 * the bus, so that it cannot say anything else than what is there. Built with libfdt (dtb.c); a
 * build without that library has dtb_none.c instead.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus.h"

#define DTB_MAX_SIZE 0x10000 /* bytes; 32 vCPUs and all devices take a third of it */
#define DTB_MAX_CPUS 32

struct dtb_config {
    uint64_t ram_base, ram_size;
    unsigned cpus;
    uint64_t mpidr[DTB_MAX_CPUS];
    uint64_t gicd_base, gicd_size;
    uint64_t gicr_base, gicr_size; /* one region with a frame for every vCPU */
    const char *bootargs;          /* may be NULL */
    const char *console;           /* name of the device that stdout-path points to */
    uint64_t initrd, initrd_end;   /* equal: none */
    uint64_t kaslr_seed;
    uint8_t rng_seed[64];
    const struct bus *bus;
};

/* Can this build make one? If not, *why says what to do. */
bool dtb_available(const char **why);
/* Write the tree into buf; *used is its size. 0, -ENOSPC (does not fit), -ENOTSUP (no libfdt). */
int dtb_build(const struct dtb_config *config, void *buf, size_t size, size_t *used);
