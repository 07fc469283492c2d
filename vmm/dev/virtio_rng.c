/* SPDX-License-Identifier: MIT */
/*
 * virtio-rng (virtio 1.2, section 5.4): random bytes of the host for the guest. Served at once on
 * the vCPU's thread; what a greedy driver adds in the meantime waits for the event loop, so that a
 * vCPU always gets back into the guest.
 */
#include "virtio_devices.h"

#include <errno.h>
#include <stdlib.h>

#include "../random.h"

#define QUEUE      0
#define QUEUE_SIZE 8
/* One answer; a driver that wants more asks again. */
#define BYTES_MAX 4096

struct virtio_rng {
    struct virtio v;
    struct loop *loop;
    int timer;
    struct virtq_chain chain;
};

static size_t fill(struct virtq_chain *chain)
{
    size_t left = chain->in_size < BYTES_MAX ? (size_t)chain->in_size : BYTES_MAX;
    size_t done = 0;
    for (unsigned i = 0; i < chain->in_count && left; i++) {
        size_t n = chain->in[i].iov_len < left ? chain->in[i].iov_len : left;
        if (host_random(chain->in[i].iov_base, n))
            break;
        done += n;
        left -= n;
    }
    return done;
}

static void rng_notify(struct virtio *v, unsigned queue)
{
    struct virtio_rng *rng = (struct virtio_rng *)v;
    struct virtq *vq = &v->vq[queue];
    bool pushed = false;
    for (unsigned i = 0; i < QUEUE_SIZE; i++) {
        if (!virtio_pop(v, queue, &rng->chain)) {
            if (!virtq_rearm(vq))
                break;
            continue;
        }
        virtq_push(vq, &rng->chain, (uint32_t)fill(&rng->chain));
        pushed = true;
    }
    if (pushed)
        virtio_signal(v, queue);
    if (virtq_waiting(vq))
        loop_arm(rng->loop, rng->timer, 0);
}

static void rng_later(void *context)
{
    struct virtio_rng *rng = context;
    virtio_lock(&rng->v);
    if (virtio_live(&rng->v))
        rng_notify(&rng->v, QUEUE);
    virtio_unlock(&rng->v);
}

static void rng_destroy(struct virtio *v)
{
    pthread_mutex_destroy(&v->dev.lock);
    free(v);
}

static const struct virtio_ops rng_ops = {
    .name = "virtio-rng",
    .device_id = VIRTIO_ID_RNG,
    .queues = 1,
    .queue_size = QUEUE_SIZE,
    .notify = rng_notify,
    .destroy = rng_destroy,
};

int virtio_rng_create(struct virtio **v, const char *name, const struct mem *mem, struct loop *loop)
{
    struct virtio_rng *rng = calloc(1, sizeof *rng);
    if (!rng)
        return -ENOMEM;
    rng->loop = loop;
    rng->timer = loop_add_timer(loop, rng_later, rng);
    int err = rng->timer < 0 ? rng->timer : virtio_init(&rng->v, &rng_ops, name, 0, mem);
    if (err) {
        free(rng);
        return err;
    }
    *v = &rng->v;
    return 0;
}
