/* SPDX-License-Identifier: MIT */
/* The guest's side of a virtio device: see driver.h. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

unsigned irq_changes;

/* In place of vmm/irq.c: there is no GIC here. */
void device_set_irq(struct device *dev, bool level)
{
    irq_changes += dev->line != level;
    dev->line = level;
}

void driver_open(struct driver *d)
{
    memset(d, 0, sizeof *d);
    if (mem_add(&d->mem, gpa(RAM), RAM_SIZE) || loop_init(&d->loop))
        abort();
}

void driver_attach(struct driver *d, struct virtio *v)
{
    d->v = v;
    d->last = NULL; /* of a bus before */
    v->dev.base = BASE;
    v->dev.intid = 48;
    if (bus_attach(&d->bus, &v->dev))
        abort();
}

void driver_close(struct driver *d)
{
    bus_destroy(&d->bus);
    loop_destroy(&d->loop);
    mem_free(&d->mem);
}

uint32_t reg_get(struct driver *d, uint32_t offset)
{
    uint64_t value = 0;
    bus_read(&d->bus, &d->last, BASE + offset, 4, &value);
    return (uint32_t)value;
}

void reg_set(struct driver *d, uint32_t offset, uint32_t value)
{
    bus_write(&d->bus, &d->last, BASE + offset, 4, value);
}

void put(struct driver *d, uint64_t at, uint64_t value, unsigned bytes)
{
    uint8_t b[8];
    for (unsigned i = 0; i < bytes; i++)
        b[i] = (uint8_t)(value >> (8 * i));
    mem_write(&d->mem, gpa(at), b, bytes);
}

uint64_t get(struct driver *d, uint64_t at, unsigned bytes)
{
    uint8_t b[8] = {0};
    uint64_t value = 0;
    mem_read(&d->mem, b, gpa(at), bytes);
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)b[i] << (8 * i);
    return value;
}

void setup_queue(struct driver *d, unsigned n, unsigned size)
{
    reg_set(d, 0x30, n);
    reg_set(d, 0x38, size);
    reg_set(d, 0x80, (uint32_t)DESC(n));
    reg_set(d, 0x84, (uint32_t)(DESC(n) >> 32));
    reg_set(d, 0x90, (uint32_t)AVAIL(n));
    reg_set(d, 0x94, 0);
    reg_set(d, 0xa0, (uint32_t)USED(n));
    reg_set(d, 0xa4, 0);
    reg_set(d, 0x44, 1);
    d->avail[n] = d->seen[n] = 0;
}

void driver_start(struct driver *d, uint64_t features)
{
    reg_set(d, 0x70, 0);
    for (unsigned n = 0; n < 2; n++)
        memset(mem_at(&d->mem, gpa(DESC(n)), 0x8000), 0, 0x8000);
    reg_set(d, 0x70, 1);
    reg_set(d, 0x70, 3);
    reg_set(d, 0x14, 0);
    uint64_t offered = reg_get(d, 0x10);
    reg_set(d, 0x14, 1);
    offered |= (uint64_t)reg_get(d, 0x10) << 32;
    d->features = offered & (features | UINT64_C(1) << 32);
    reg_set(d, 0x24, 0);
    reg_set(d, 0x20, (uint32_t)d->features);
    reg_set(d, 0x24, 1);
    reg_set(d, 0x20, (uint32_t)(d->features >> 32));
    reg_set(d, 0x70, 11);
    for (unsigned n = 0; n < 2; n++) {
        reg_set(d, 0x30, n);
        if (reg_get(d, 0x34))
            setup_queue(d, n, QUEUE_SIZE);
    }
    reg_set(d, 0x70, 15);
}

void desc(struct driver *d, unsigned n, unsigned index, uint64_t addr, uint32_t len, unsigned flags,
          unsigned next)
{
    uint64_t at = DESC(n) + 16 * (uint64_t)index;
    put(d, at, addr, 8);
    put(d, at + 8, len, 4);
    put(d, at + 12, flags, 2);
    put(d, at + 14, next, 2);
}

void offer(struct driver *d, unsigned n, unsigned head)
{
    put(d, AVAIL(n) + 4 + 2 * (d->avail[n] % QUEUE_SIZE), head, 2);
    d->avail[n]++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    put(d, AVAIL(n) + 2, d->avail[n], 2);
}

void kick(struct driver *d, unsigned n)
{
    reg_set(d, 0x50, n);
}

int64_t reap(struct driver *d, unsigned n, unsigned *head)
{
    const uint16_t *idx = mem_at(&d->mem, gpa(USED(n) + 2), 2);
    for (unsigned i = 0; i < 5000; i++) {
        if (__atomic_load_n(idx, __ATOMIC_ACQUIRE) != d->seen[n]) {
            uint64_t at = USED(n) + 4 + 8 * (d->seen[n] % QUEUE_SIZE);
            d->seen[n]++;
            if (head)
                *head = (unsigned)get(d, at, 4);
            return (int64_t)get(d, at + 4, 4);
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return -1;
}

struct turns {
    struct loop *loop;
    int left;
};

static bool no_more(void *context)
{
    struct turns *turns = context;
    loop_wake(turns->loop); /* never wait for anything */
    return --turns->left < 0;
}

void turn_loop(struct driver *d)
{
    struct turns turns = {.loop = &d->loop, .left = 2};
    loop_run(&d->loop, no_more, &turns);
}
