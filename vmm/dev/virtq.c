/* SPDX-License-Identifier: MIT */
/* What all virtqueues have in common, and the split ones: see virtq.h. References are to sections
 * of the virtio 1.2 specification. */
#include "virtq_ring.h"

#include <errno.h>
#include <string.h>

#define AVAIL_NO_INTERRUPT 1u
#define USED_NO_NOTIFY     1u

/* Parts of the rings, as offsets (2.7.6, 2.7.8). */
#define RING_FLAGS 0
#define RING_IDX   2
#define RING_DATA  4

/* A descriptor, copied before it is looked at. */
static struct desc load_desc(const uint8_t *at)
{
    uint8_t raw[DESC_SIZE];
    memcpy(raw, at, sizeof raw);
    return (struct desc){
        .addr = get_le(raw, 8),
        .len = (uint32_t)get_le(raw + 8, 4),
        .flags = (uint16_t)get_le(raw + 12, 2),
        .next = (uint16_t)get_le(raw + 14, 2),
    };
}

static uint8_t *avail_entry(const struct virtq *vq, uint16_t index)
{
    return vq->avail_ptr + RING_DATA + 2u * (index % vq->size);
}

/* used_event: after the available ring (2.7.10). */
static uint8_t *used_event(const struct virtq *vq)
{
    return vq->avail_ptr + RING_DATA + 2u * vq->size;
}

/* avail_event: after the used ring. */
static uint8_t *avail_event(const struct virtq *vq)
{
    return vq->used_ptr + RING_DATA + 8u * vq->size;
}

int virtq_break(struct virtq *vq)
{
    vq->broken = true;
    return -EPROTO;
}

void virtq_init(struct virtq *vq, const struct mem *mem, uint16_t size_max)
{
    *vq = (struct virtq){
        .mem = mem, .size_max = size_max, .size = size_max, .avail_wrap = true, .used_wrap = true};
}

void virtq_reset(struct virtq *vq)
{
    virtq_init(vq, vq->mem, vq->size_max);
}

/* Where the parts must lie, and how long they are: 2.7 and 2.8, tables of the three parts. The
 * event fields of a split queue are part of its rings whether they are used or not. */
static bool find_parts(struct virtq *vq)
{
    unsigned n = vq->size, avail = vq->packed ? 4 : 6 + 2 * n, used = vq->packed ? 4 : 6 + 8 * n;
    if (vq->desc % 16 || vq->avail % (vq->packed ? 4 : 2) || vq->used % 4)
        return false;
    vq->desc_ptr = mem_at(vq->mem, gpa(vq->desc), (uint64_t)DESC_SIZE * n);
    vq->avail_ptr = mem_at(vq->mem, gpa(vq->avail), avail);
    vq->used_ptr = mem_at(vq->mem, gpa(vq->used), used);
    return vq->desc_ptr && vq->avail_ptr && vq->used_ptr;
}

bool virtq_start(struct virtq *vq, bool packed, bool event_idx, bool indirect)
{
    unsigned n = vq->size;
    if (n == 0 || n > vq->size_max || (!packed && (n & (n - 1)) != 0))
        return false;
    vq->packed = packed;
    vq->event_idx = event_idx;
    vq->indirect = indirect;
    vq->ready = find_parts(vq);
    return vq->ready;
}

uint16_t virtq_waiting(const struct virtq *vq)
{
    if (!vq->ready || vq->broken)
        return 0;
    if (vq->packed)
        return packed_waiting(vq);
    return (uint16_t)(load16(vq->avail_ptr + RING_IDX) - vq->next_avail);
}

bool virtq_add_segment(const struct virtq *vq, struct virtq_chain *chain, const struct desc *d)
{
    unsigned n = chain->out_count + chain->in_count;
    bool write = d->flags & DESC_WRITE;
    if (n >= VIRTQ_MAX_SEGMENTS || n >= vq->size)
        return false;
    if (!write && chain->in_count)
        return false; /* readable after writable (2.7.4.2) */
    /* An empty buffer carries nothing; its address does not matter. */
    if (d->len == 0)
        return true;
    void *host = mem_at(vq->mem, gpa(d->addr), d->len);
    if (!host)
        return false;
    chain->seg[n] = (struct iovec){.iov_base = host, .iov_len = d->len};
    if (write) {
        chain->in_count++;
        chain->in_size += d->len;
    } else {
        chain->out_count++;
        chain->out_size += d->len;
    }
    return true;
}

/* Walk the `count` descriptors of a table from `first` on. An indirect descriptor of the main table
 * leads into a second table, once (2.7.5.3.1). `steps` bounds loops: no chain is longer than the
 * queue. */
static bool walk(const struct virtq *vq, struct virtq_chain *chain, uint16_t first)
{
    const uint8_t *table = vq->desc_ptr;
    uint32_t count = vq->size;
    uint32_t index = first;
    bool inside = false;

    for (unsigned steps = 0; steps <= vq->size; steps++) {
        if (index >= count)
            return false;
        struct desc d = load_desc(table + (size_t)DESC_SIZE * index);
        if (d.flags & DESC_INDIRECT) {
            if (inside || !vq->indirect || (d.flags & DESC_NEXT))
                return false;
            if (d.len == 0 || d.len % DESC_SIZE)
                return false;
            table = mem_at(vq->mem, gpa(d.addr), d.len);
            if (!table)
                return false;
            count = d.len / DESC_SIZE;
            index = 0;
            inside = true;
            continue;
        }
        if (!virtq_add_segment(vq, chain, &d))
            return false;
        if (!(d.flags & DESC_NEXT))
            return true;
        index = d.next;
    }
    return false;
}

static int split_pop(struct virtq *vq, struct virtq_chain *chain)
{
    uint16_t waiting = virtq_waiting(vq);
    if (waiting == 0)
        return 0;
    /* The driver cannot have made more chains available than it has descriptors. */
    if (waiting > vq->size || vq->in_flight >= vq->size)
        return virtq_break(vq);
    chain->head = load16(avail_entry(vq, vq->next_avail));
    if (chain->head >= vq->size || !walk(vq, chain, chain->head))
        return virtq_break(vq);
    vq->next_avail++;
    vq->in_flight++;
    return 1;
}

int virtq_pop(struct virtq *vq, struct virtq_chain *chain)
{
    if (vq->broken)
        return -EPROTO;
    if (!vq->ready)
        return 0;
    chain->out_count = chain->in_count = 0;
    chain->out_size = chain->in_size = 0;
    int got = vq->packed ? packed_pop(vq, chain) : split_pop(vq, chain);
    chain->out = chain->seg;
    chain->in = chain->seg + chain->out_count;
    return got;
}

void virtq_push(struct virtq *vq, const struct virtq_chain *chain, uint32_t written)
{
    if (!vq->ready || vq->broken)
        return;
    if (vq->packed) {
        packed_push(vq, chain, written);
        return;
    }
    uint8_t *entry = vq->used_ptr + RING_DATA + 8u * (vq->next_used % vq->size);
    put_le(entry, chain->head, 4);
    put_le(entry + 4, written, 4);
    vq->next_used++;
    if (vq->in_flight)
        vq->in_flight--;
    /* The release of the store makes buffers and entry visible before the index (2.7.8.2). */
    store16(vq->used_ptr + RING_IDX, vq->next_used);
}

bool virtq_wants_signal(struct virtq *vq)
{
    if (!vq->ready || vq->broken)
        return false;
    /* Our index must be visible before we look at what the driver wrote after reading it. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (vq->packed)
        return packed_wants_signal(vq);
    if (!vq->event_idx)
        return !(load16(vq->avail_ptr + RING_FLAGS) & AVAIL_NO_INTERRUPT);
    /* 2.7.7.2: interrupt when the index has passed used_event since the last one. */
    uint16_t event = load16(used_event(vq));
    uint16_t last = vq->last_signal;
    bool valid = vq->signal_valid;
    vq->last_signal = vq->next_used;
    vq->signal_valid = true;
    return !valid || (uint16_t)(vq->next_used - event - 1) < (uint16_t)(vq->next_used - last);
}

bool virtq_rearm(struct virtq *vq)
{
    if (!vq->ready || vq->broken)
        return false;
    if (vq->packed)
        packed_rearm(vq);
    else if (vq->event_idx)
        store16(avail_event(vq), vq->next_avail);
    else
        store16(vq->used_ptr + RING_FLAGS, 0);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return virtq_waiting(vq) != 0;
}

void virtq_save(const struct virtq *vq, struct state_out *out)
{
    put_u16(out, vq->size);
    put_u8(out, vq->ready);
    put_u8(out, vq->broken);
    put_u64(out, vq->desc);
    put_u64(out, vq->avail);
    put_u64(out, vq->used);
    put_u8(out, vq->packed);
    put_u8(out, vq->event_idx);
    put_u8(out, vq->indirect);
    put_u16(out, vq->next_avail);
    put_u16(out, vq->next_used);
    put_u16(out, vq->last_signal);
    put_u8(out, vq->signal_valid);
    put_u8(out, vq->avail_wrap);
    put_u8(out, vq->used_wrap);
}

bool virtq_restore(struct virtq *vq, struct state_in *in)
{
    virtq_reset(vq);
    vq->size = get_u16(in);
    bool ready = get_u8(in);
    vq->broken = get_u8(in);
    vq->desc = get_u64(in);
    vq->avail = get_u64(in);
    vq->used = get_u64(in);
    bool packed = get_u8(in);
    bool event_idx = get_u8(in);
    bool indirect = get_u8(in);
    if (ready && !virtq_start(vq, packed, event_idx, indirect))
        return false;
    vq->next_avail = get_u16(in);
    vq->next_used = get_u16(in);
    vq->last_signal = get_u16(in);
    vq->signal_valid = get_u8(in);
    vq->avail_wrap = get_u8(in);
    vq->used_wrap = get_u8(in);
    if (vq->packed && (vq->next_avail >= vq->size || vq->next_used >= vq->size))
        return false;
    return !in->failed;
}

size_t iov_read(const struct iovec *iov, unsigned count, uint64_t offset, void *to, size_t size)
{
    size_t done = 0;
    for (unsigned i = 0; i < count && done < size; i++) {
        size_t len = iov[i].iov_len;
        if (offset >= len) {
            offset -= len;
            continue;
        }
        size_t n = len - (size_t)offset < size - done ? len - (size_t)offset : size - done;
        memcpy((uint8_t *)to + done, (const uint8_t *)iov[i].iov_base + offset, n);
        done += n;
        offset = 0;
    }
    return done;
}

size_t iov_write(const struct iovec *iov, unsigned count, uint64_t offset, const void *from,
                 size_t size)
{
    size_t done = 0;
    for (unsigned i = 0; i < count && done < size; i++) {
        size_t len = iov[i].iov_len;
        if (offset >= len) {
            offset -= len;
            continue;
        }
        size_t n = len - (size_t)offset < size - done ? len - (size_t)offset : size - done;
        memcpy((uint8_t *)iov[i].iov_base + offset, (const uint8_t *)from + done, n);
        done += n;
        offset = 0;
    }
    return done;
}
