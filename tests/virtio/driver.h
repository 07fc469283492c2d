/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of a virtio device, for tests: a driver that works on guest memory and
 * registers, written from the specification (virtio 1.2) and sharing nothing with vmm/dev.
 * Addresses of a queue's parts and of its buffers are fixed, so that tests can spoil them by hand.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "dev/virtio_devices.h"
#include "mem.h"

#define RAM      UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x100000)
#define BASE     UINT64_C(0x0a000000)

/* Queue n: rings at RAM + n * 0x8000, buffers behind all of them. */
#define DESC(n)    (RAM + 0x8000 * (uint64_t)(n))
#define AVAIL(n)   (DESC(n) + 0x2000)
#define USED(n)    (DESC(n) + 0x4000)
#define BUFFERS    (RAM + 0x20000)
#define QUEUE_SIZE 8

enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };

struct driver {
    struct mem mem;
    struct bus bus;
    struct device *last; /* accessed */
    struct loop loop;
    struct virtio *v;
    uint64_t features; /* accepted */
    uint16_t avail[2]; /* our copy of the indices */
    uint16_t seen[2];  /* of the used ring */
};

extern unsigned irq_changes; /* calls of device_set_irq that changed a line */

void driver_open(struct driver *d);
void driver_attach(struct driver *d, struct virtio *v);
void driver_close(struct driver *d);

uint32_t reg_get(struct driver *d, uint32_t offset);
void reg_set(struct driver *d, uint32_t offset, uint32_t value);
void put(struct driver *d, uint64_t at, uint64_t value, unsigned bytes);
uint64_t get(struct driver *d, uint64_t at, unsigned bytes);

/* Reset, negotiate everything in `features` that is offered, set up all queues, DRIVER_OK. */
void driver_start(struct driver *d, uint64_t features);
void setup_queue(struct driver *d, unsigned n, unsigned size);

void desc(struct driver *d, unsigned n, unsigned index, uint64_t addr, uint32_t len, unsigned flags,
          unsigned next);
/* Make the chain that begins at `head` available, without telling. */
void offer(struct driver *d, unsigned n, unsigned head);
void kick(struct driver *d, unsigned n);
/* Wait up to 5 s for the next used entry: its length, or -1; *head may be NULL. */
int64_t reap(struct driver *d, unsigned n, unsigned *head);
/* Let the event loop do what is due. */
void turn_loop(struct driver *d);

/* The clocks of the devices (clock.c), while no other thread looks at them. */
extern int64_t clock_skew_ns; /* of the wall clock */
void clock_stop(void);
void clock_forward(uint64_t ns); /* a stopped one */
void clock_run(void);
