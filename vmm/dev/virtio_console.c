/* SPDX-License-Identifier: MIT */
/*
 * virtio-console (virtio 1.2, section 5.3): one port, with the size of the terminal. Output goes to
 * the VM's console on the vCPU's thread; input comes from the event loop, never more than the
 * driver has given buffers for, so that nothing is lost and the host's end of a pipe waits instead.
 */
#include "virtio_devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../clock.h"

#define RX         0
#define TX         1
#define QUEUE_SIZE 64
#define F_SIZE     (UINT64_C(1) << 0)

/* Chains that one notification serves; the rest waits for the event loop (virtio_rng.c). */
#define BURST QUEUE_SIZE
/* Input waits so long after the guest's first output. Linux gives buffers for input before its
 * console is there, and throws away what comes until then; the first output tells that it nearly
 * is. */
#define SETTLE_NS UINT64_C(50000000)
/* Output of one chain; longer ones are cut, no terminal needs them. */
#define OUTPUT_MAX (1u << 20)

struct virtio_console {
    struct virtio v;
    struct loop *loop;
    struct console *console;
    int timer, room_timer;
    uint16_t columns, rows;
    uint64_t ready_ns; /* host_ns() from which on the guest gets input, 0: not yet known */
    struct virtq_chain chain;
};

static void send(struct virtio_console *c, const struct virtq_chain *chain)
{
    size_t left = OUTPUT_MAX;
    for (unsigned i = 0; i < chain->out_count && left; i++) {
        size_t n = chain->out[i].iov_len < left ? chain->out[i].iov_len : left;
        console_write(c->console, chain->out[i].iov_base, n);
        left -= n;
    }
}

static void serve_tx(struct virtio_console *c)
{
    struct virtq *vq = &c->v.vq[TX];
    bool pushed = false;
    for (unsigned i = 0; i < BURST; i++) {
        if (!virtio_pop(&c->v, TX, &c->chain)) {
            if (!virtq_rearm(vq))
                break;
            continue;
        }
        send(c, &c->chain);
        if (c->ready_ns == 0) {
            c->ready_ns = host_ns() + SETTLE_NS;
            loop_arm(c->loop, c->room_timer, c->ready_ns);
        }
        virtq_push(vq, &c->chain, 0);
        pushed = true;
    }
    if (pushed)
        virtio_signal(&c->v, TX);
    if (virtq_waiting(vq))
        loop_arm(c->loop, c->timer, 0);
}

static void console_notify(struct virtio *v, unsigned queue)
{
    struct virtio_console *c = (struct virtio_console *)v;
    if (queue == TX)
        serve_tx(c);
    else
        loop_arm(c->loop, c->room_timer, c->ready_ns ? c->ready_ns : UINT64_MAX);
}

static void console_later(void *context)
{
    struct virtio_console *c = context;
    virtio_lock(&c->v);
    if (virtio_live(&c->v))
        serve_tx(c);
    virtio_unlock(&c->v);
}

size_t virtio_console_room(struct virtio *v)
{
    const struct virtio_console *c = (const struct virtio_console *)v;
    size_t room = 0;
    virtio_lock(v);
    if (c->ready_ns == 0 || host_ns() < c->ready_ns) {
        virtio_unlock(v);
        return 0;
    }
    /* A buffer takes one byte at least; how long it is will be seen when it is taken. */
    if (virtio_live(v))
        room = virtq_waiting(&v->vq[RX]);
    if (room == 0 && virtio_live(v) && virtq_rearm(&v->vq[RX]))
        room = 1;
    virtio_unlock(v);
    return room;
}

void virtio_console_input(struct virtio *v, const uint8_t *data, size_t size)
{
    struct virtio_console *c = (struct virtio_console *)v;
    bool pushed = false;
    virtio_lock(v);
    for (unsigned i = 0; i < BURST && size && virtio_pop(v, RX, &c->chain); i++) {
        size_t n = iov_write(c->chain.in, c->chain.in_count, 0, data, size);
        virtq_push(&v->vq[RX], &c->chain, (uint32_t)n);
        pushed = true;
        data += n;
        size -= n;
    }
    if (pushed)
        virtio_signal(v, RX);
    virtio_unlock(v);
}

void virtio_console_resize(struct virtio *v, uint16_t columns, uint16_t rows)
{
    struct virtio_console *c = (struct virtio_console *)v;
    virtio_lock(v);
    if (columns != c->columns || rows != c->rows) {
        c->columns = columns;
        c->rows = rows;
        if (virtio_has(v, F_SIZE))
            virtio_config_changed(v);
    }
    virtio_unlock(v);
}

/* struct virtio_console_config: cols, rows, max_nr_ports, emerg_wr (5.3.4). */
static void console_config_read(struct virtio *v, uint32_t offset, void *to, uint32_t size)
{
    const struct virtio_console *c = (const struct virtio_console *)v;
    uint8_t config[12] = {(uint8_t)c->columns, (uint8_t)(c->columns >> 8), (uint8_t)c->rows,
                          (uint8_t)(c->rows >> 8), 1};
    memcpy(to, config + offset, size);
}

static void port_reset(struct virtio *v)
{
    ((struct virtio_console *)v)->ready_ns = 0;
}

static void port_destroy(struct virtio *v)
{
    pthread_mutex_destroy(&v->dev.lock);
    free(v);
}

static const struct virtio_ops console_ops = {
    .name = "virtio-console",
    .device_id = VIRTIO_ID_CONSOLE,
    .queues = 2,
    .queue_size = QUEUE_SIZE,
    .config_size = 12,
    .config_read = console_config_read,
    .notify = console_notify,
    .reset = port_reset,
    .destroy = port_destroy,
};

int virtio_console_create(struct virtio **v, const char *name, const struct mem *mem,
                          struct loop *loop, struct console *console, int room_timer)
{
    struct virtio_console *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->loop = loop;
    c->console = console;
    c->room_timer = room_timer;
    c->timer = loop_add_timer(loop, console_later, c);
    int err = c->timer < 0 ? c->timer : virtio_init(&c->v, &console_ops, name, F_SIZE, mem);
    if (err) {
        free(c);
        return err;
    }
    *v = &c->v;
    return 0;
}
