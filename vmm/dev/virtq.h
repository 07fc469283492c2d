/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues, split and packed (virtio 1.2, sections 2.7 and 2.8): the walk over rings that a
 * hostile driver may write to at any moment. This is the only code of the devices that turns a
 * guest address into a pointer.
 *
 * Every value is read from guest memory once, checked, and used from the copy. Work per chain is
 * bounded by VIRTQ_MAX_SEGMENTS; chains per call by the size of the queue. What a well-behaved
 * driver cannot do (a loop, an address outside memory, an index that jumps) breaks the queue: it
 * hands out nothing more until the device is reset.
 *
 * The caller holds the device's lock. Vectors of a popped chain stay valid as long as guest memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "../mem.h"
#include "state.h"

#define VIRTQ_MAX_SIZE     256 /* entries; a power of two */
#define VIRTQ_MAX_SEGMENTS 256 /* buffers of one chain: no longer than the queue (2.7.5.3.1) */

struct virtq {
    const struct mem *mem;

    /* Set by the driver through the transport, before `ready`. */
    uint16_t size_max;
    uint16_t size;
    bool ready;
    /* Guest addresses of the three parts; of a packed queue: descriptors, the driver's and the
     * device's event suppression. */
    uint64_t desc, avail, used;

    /* Negotiated; set by the transport when the queue becomes ready. */
    bool packed;
    bool event_idx;
    bool indirect;

    uint16_t next_avail;  /* index of the next chain to take */
    uint16_t next_used;   /* index of the next entry of the used ring, or descriptor to give back */
    uint16_t last_signal; /* next_used when the driver was last interrupted */
    uint16_t in_flight;   /* chains (packed: descriptors) taken and not yet given back */
    bool signal_valid;    /* last_signal means something */
    bool avail_wrap, used_wrap; /* packed: the flags that mean "new" and "done" this time round */
    bool broken;

    /* Host pointers of the three parts while ready; owned by guest memory. */
    uint8_t *desc_ptr, *avail_ptr, *used_ptr;
};

/* One request: buffers to read, then buffers to write (2.7.4.2). */
struct virtq_chain {
    uint16_t head; /* packed: the buffer id */
    uint16_t span; /* descriptors of the ring that it takes */
    unsigned out_count, in_count;
    uint64_t out_size, in_size; /* bytes */
    struct iovec *out, *in;     /* into seg */
    struct iovec seg[VIRTQ_MAX_SEGMENTS];
};

void virtq_init(struct virtq *vq, const struct mem *mem, uint16_t size_max);
void virtq_reset(struct virtq *vq);

/* The driver says that its rings are set up. Checks size, alignment and addresses; false leaves the
 * queue not ready. */
bool virtq_start(struct virtq *vq, bool packed, bool event_idx, bool indirect);

/* Take the next chain: 1, 0 when there is none, -EPROTO when the queue is (now) broken. */
int virtq_pop(struct virtq *vq, struct virtq_chain *chain);
/* Chains that wait; 0 also when the queue is not ready or broken. */
uint16_t virtq_waiting(const struct virtq *vq);

/* Give a chain back with `written` bytes in its writable buffers. */
void virtq_push(struct virtq *vq, const struct virtq_chain *chain, uint32_t written);

/* After pushing: does the driver want an interrupt? */
bool virtq_wants_signal(struct virtq *vq);
/* After the queue has been found empty: ask for a notification of the next chain. True if one has
 * come in the meantime. */
bool virtq_rearm(struct virtq *vq);

void virtq_save(const struct virtq *vq, struct state_out *out);
/* Checks as virtq_start does. */
bool virtq_restore(struct virtq *vq, struct state_in *in);

/* Copy between a buffer and a list of vectors from `offset` bytes on; the number of bytes copied.
 */
size_t iov_read(const struct iovec *iov, unsigned count, uint64_t offset, void *to, size_t size);
size_t iov_write(const struct iovec *iov, unsigned count, uint64_t offset, const void *from,
                 size_t size);
