/* SPDX-License-Identifier: MIT */
/*
 * Between virtq.c and virtq_packed.c: access to rings, and what both do with a descriptor.
 *
 * The rings are little-endian and shared with running vCPUs: fields that say that something is
 * there are read and written by single loads and stores of their own width, so that a torn value
 * cannot be seen.
 */
#pragma once

#include "virtq.h"

#include <string.h>

#define DESC_SIZE     16
#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next; /* packed: the buffer id */
};

static inline uint64_t get_le(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static inline void put_le(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static inline uint16_t load16(const uint8_t *at)
{
    uint16_t raw = __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE);
    uint8_t b[2];
    memcpy(b, &raw, 2);
    return (uint16_t)get_le(b, 2);
}

static inline void store16(uint8_t *at, uint16_t value)
{
    uint8_t b[2];
    uint16_t raw;
    put_le(b, value, 2);
    memcpy(&raw, b, 2);
    __atomic_store_n((uint16_t *)(void *)at, raw, __ATOMIC_RELEASE);
}

/* The driver broke a rule. Returns -EPROTO. */
int virtq_break(struct virtq *vq);
/* Append one buffer to the chain. False: the driver broke a rule. */
bool virtq_add_segment(const struct virtq *vq, struct virtq_chain *chain, const struct desc *d);

/* virtq_packed.c: the functions of virtq.h for a packed queue that is ready and not broken. */
uint16_t packed_waiting(const struct virtq *vq);
int packed_pop(struct virtq *vq, struct virtq_chain *chain);
void packed_push(struct virtq *vq, const struct virtq_chain *chain, uint32_t written);
bool packed_wants_signal(struct virtq *vq);
void packed_rearm(struct virtq *vq);
