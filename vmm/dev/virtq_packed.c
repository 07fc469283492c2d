/* SPDX-License-Identifier: MIT */
/*
 * Packed virtqueues (virtio 1.2, section 2.8): one ring of descriptors, which the driver makes
 * available and the device overwrites when they are used. Two flags of a descriptor, compared with
 * a counter that flips at every turn of the ring, say which of the two has happened.
 */
#include "virtq_ring.h"

#include <errno.h>

#define DESC_AVAIL (1u << 7)
#define DESC_USED  (1u << 15)
#define FLAGS      14 /* offsets in a descriptor */
#define ID         12

/* Event suppression (2.8.10): an index with a wrap counter, and what to do with it. */
#define EVENT_WRAP     15
#define EVENT_FLAGS    2 /* offset */
#define EVENTS_ENABLE  0u
#define EVENTS_DISABLE 1u
#define EVENTS_AT      2u

static uint8_t *desc_at(const struct virtq *vq, unsigned index)
{
    return vq->desc_ptr + (size_t)DESC_SIZE * index;
}

/* Made available in the turn that `wrap` stands for, and not used since (2.8.1). */
static bool is_available(uint16_t flags, bool wrap)
{
    return !!(flags & DESC_AVAIL) == wrap && !!(flags & DESC_USED) != wrap;
}

static uint16_t advance(const struct virtq *vq, uint16_t index, unsigned by, bool *wrap)
{
    unsigned next = index + by;
    if (next < vq->size)
        return (uint16_t)next;
    *wrap = !*wrap;
    return (uint16_t)(next - vq->size);
}

static struct desc load_desc(const uint8_t *at)
{
    uint8_t raw[DESC_SIZE];
    memcpy(raw, at, sizeof raw);
    return (struct desc){
        .addr = get_le(raw, 8),
        .len = (uint32_t)get_le(raw + 8, 4),
        .next = (uint16_t)get_le(raw + ID, 2),
        .flags = (uint16_t)get_le(raw + FLAGS, 2),
    };
}

/* Chains have no count here: their last descriptors are counted. */
uint16_t packed_waiting(const struct virtq *vq)
{
    uint16_t index = vq->next_avail, chains = 0;
    bool wrap = vq->avail_wrap;
    for (unsigned n = 0; n < vq->size; n++) {
        uint16_t flags = load16(desc_at(vq, index) + FLAGS);
        if (!is_available(flags, wrap))
            break;
        chains += !(flags & DESC_NEXT);
        index = advance(vq, index, 1, &wrap);
    }
    return chains;
}

/* A table apart (2.8.7): its descriptors follow each other, WRITE is the only flag that counts. */
static bool add_indirect(const struct virtq *vq, struct virtq_chain *chain, const struct desc *d)
{
    if (!vq->indirect || (d->flags & DESC_NEXT) || d->len == 0 || d->len % DESC_SIZE ||
        d->len / DESC_SIZE > vq->size)
        return false;
    const uint8_t *table = mem_at(vq->mem, gpa(d->addr), d->len);
    if (!table)
        return false;
    for (unsigned n = 0; n < d->len / DESC_SIZE; n++) {
        struct desc inner = load_desc(table + (size_t)DESC_SIZE * n);
        if (!virtq_add_segment(vq, chain, &inner))
            return false;
    }
    return true;
}

int packed_pop(struct virtq *vq, struct virtq_chain *chain)
{
    uint16_t index = vq->next_avail;
    bool wrap = vq->avail_wrap;
    struct desc d;
    /* The first one's flags are written last: they make the whole chain available (2.8.21.1). */
    if (!is_available(load16(desc_at(vq, index) + FLAGS), wrap))
        return 0;
    chain->span = 0;
    do {
        d = load_desc(desc_at(vq, index));
        if (vq->in_flight + ++chain->span > vq->size)
            return virtq_break(vq);
        if (!(d.flags & DESC_INDIRECT ? add_indirect(vq, chain, &d)
                                      : virtq_add_segment(vq, chain, &d)))
            return virtq_break(vq);
        index = advance(vq, index, 1, &wrap);
    } while (d.flags & DESC_NEXT);
    chain->head = d.next;
    vq->next_avail = index;
    vq->avail_wrap = wrap;
    vq->in_flight += chain->span;
    return 1;
}

void packed_push(struct virtq *vq, const struct virtq_chain *chain, uint32_t written)
{
    uint8_t *at = desc_at(vq, vq->next_used);
    put_le(at + 8, written, 4);
    put_le(at + ID, chain->head, 2);
    store16(at + FLAGS,
            (uint16_t)((vq->used_wrap ? DESC_AVAIL | DESC_USED : 0) | (written ? DESC_WRITE : 0)));
    vq->next_used = advance(vq, vq->next_used, chain->span, &vq->used_wrap);
    vq->in_flight -= chain->span < vq->in_flight ? chain->span : vq->in_flight;
}

/* Has the event that the driver named come since the last interrupt? Indices count on from the
 * begin of this turn of the ring; what lies before it is negative. */
bool packed_wants_signal(struct virtq *vq)
{
    uint16_t flags = load16(vq->avail_ptr + EVENT_FLAGS) & 3, where = load16(vq->avail_ptr);
    uint16_t now = vq->next_used, event = where & ((1u << EVENT_WRAP) - 1);
    uint16_t last =
        vq->last_signal > now ? (uint16_t)(vq->last_signal - vq->size) : vq->last_signal;
    bool valid = vq->signal_valid;
    vq->last_signal = now;
    vq->signal_valid = true;
    if (flags != EVENTS_AT || !vq->event_idx)
        return flags != EVENTS_DISABLE;
    if ((where >> EVENT_WRAP & 1) != vq->used_wrap)
        event = (uint16_t)(event - vq->size);
    return !valid || (uint16_t)(now - event - 1) < (uint16_t)(now - last);
}

void packed_rearm(struct virtq *vq)
{
    if (vq->event_idx)
        store16(vq->used_ptr, (uint16_t)(vq->next_avail | vq->avail_wrap << EVENT_WRAP));
    store16(vq->used_ptr + EVENT_FLAGS, vq->event_idx ? EVENTS_AT : EVENTS_ENABLE);
}
