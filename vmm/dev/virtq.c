/* SPDX-License-Identifier: MIT */
/* Split virtqueues: see virtq.h. References are to sections of the virtio 1.2 specification. */
#include "virtq.h"

#include <errno.h>
#include <string.h>

#define DESC_SIZE          16
#define DESC_NEXT          1u
#define DESC_WRITE         2u
#define DESC_INDIRECT      4u

#define AVAIL_NO_INTERRUPT 1u
#define USED_NO_NOTIFY     1u

/* Parts of the rings, as offsets (2.7.6, 2.7.8). */
#define RING_FLAGS 0
#define RING_IDX   2
#define RING_DATA  4

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

/* The rings are little-endian and shared with running vCPUs: single loads and stores of their own
 * width, so that a torn value cannot be seen. */
static uint16_t load16(const uint8_t *at)
{
    uint16_t raw = __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE);
    uint8_t b[2];
    memcpy(b, &raw, 2);
    return (uint16_t)(b[0] | b[1] << 8);
}

static void store16(uint8_t *at, uint16_t value)
{
    uint8_t b[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    uint16_t raw;
    memcpy(&raw, b, 2);
    __atomic_store_n((uint16_t *)(void *)at, raw, __ATOMIC_RELEASE);
}

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

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

static int break_queue(struct virtq *vq)
{
    vq->broken = true;
    return -EPROTO;
}

void virtq_init(struct virtq *vq, const struct mem *mem, uint16_t size_max)
{
    *vq = (struct virtq){.mem = mem, .size_max = size_max, .size = size_max};
}

void virtq_reset(struct virtq *vq)
{
    virtq_init(vq, vq->mem, vq->size_max);
}

bool virtq_start(struct virtq *vq, bool event_idx, bool indirect)
{
    unsigned n = vq->size;
    if (n == 0 || n > vq->size_max || (n & (n - 1)) != 0)
        return false;
    /* Alignment: 2.7, table of the three parts. */
    if (vq->desc % 16 || vq->avail % 2 || vq->used % 4)
        return false;
    /* The event fields are part of the rings whether they are used or not. */
    uint8_t *desc = mem_at(vq->mem, gpa(vq->desc), (uint64_t)DESC_SIZE * n);
    uint8_t *avail = mem_at(vq->mem, gpa(vq->avail), 6 + 2u * n);
    uint8_t *used = mem_at(vq->mem, gpa(vq->used), 6 + 8u * n);
    if (!desc || !avail || !used)
        return false;
    vq->desc_ptr = desc;
    vq->avail_ptr = avail;
    vq->used_ptr = used;
    vq->event_idx = event_idx;
    vq->indirect = indirect;
    vq->ready = true;
    return true;
}

uint16_t virtq_waiting(const struct virtq *vq)
{
    if (!vq->ready || vq->broken)
        return 0;
    return (uint16_t)(load16(vq->avail_ptr + RING_IDX) - vq->next_avail);
}

/* Append one buffer to the chain. False: the driver broke a rule. */
static bool add_segment(const struct virtq *vq, struct virtq_chain *chain, const struct desc *d)
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
        if (!add_segment(vq, chain, &d))
            return false;
        if (!(d.flags & DESC_NEXT))
            return true;
        index = d.next;
    }
    return false;
}

int virtq_pop(struct virtq *vq, struct virtq_chain *chain)
{
    uint16_t waiting = virtq_waiting(vq);
    if (vq->broken)
        return -EPROTO;
    if (waiting == 0)
        return 0;
    /* The driver cannot have made more chains available than it has descriptors. */
    if (waiting > vq->size || vq->in_flight >= vq->size)
        return break_queue(vq);
    chain->head = load16(avail_entry(vq, vq->next_avail));
    chain->out_count = chain->in_count = 0;
    chain->out_size = chain->in_size = 0;
    if (chain->head >= vq->size || !walk(vq, chain, chain->head))
        return break_queue(vq);
    chain->out = chain->seg;
    chain->in = chain->seg + chain->out_count;
    vq->next_avail++;
    vq->in_flight++;
    return 1;
}

void virtq_push(struct virtq *vq, uint16_t head, uint32_t written)
{
    if (!vq->ready || vq->broken)
        return;
    uint8_t *entry = vq->used_ptr + RING_DATA + 8u * (vq->next_used % vq->size);
    put32(entry, head);
    put32(entry + 4, written);
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
    if (vq->event_idx)
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
    put_u8(out, vq->event_idx);
    put_u8(out, vq->indirect);
    put_u16(out, vq->next_avail);
    put_u16(out, vq->next_used);
    put_u16(out, vq->last_signal);
    put_u8(out, vq->signal_valid);
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
    bool event_idx = get_u8(in);
    bool indirect = get_u8(in);
    if (ready && !virtq_start(vq, event_idx, indirect))
        return false;
    vq->next_avail = get_u16(in);
    vq->next_used = get_u16(in);
    vq->last_signal = get_u16(in);
    vq->signal_valid = get_u8(in);
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
